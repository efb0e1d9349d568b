"""What is to be learned: modular arithmetic on pairs (a, b), and which pairs are held out.

A task is any object with ``split() -> Split``; it knows its examples, nothing of networks. Where the answer is one of
two, told by the sign of one output, it says ``binary = True``. (The object is written to config.json as its type's name
and its fields, so a dataclass is the natural form.)

Read next: `groups`, composition in any finite group.
"""

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np

from grok_np.errors import require, require_array, require_choice, require_flag, require_integer, require_number
from grok_np.streams import generator

# Power et al. 2022 (arXiv 2201.02177), Appendix A.1.1; "random" is the control that nothing can generalise.
OPERATIONS = {
    "add": lambda a, b: a + b,
    "subtract": lambda a, b: a - b,
    "multiply": lambda a, b: a * b,
    "x2_plus_y2": lambda a, b: a * a + b * b,
    "x2_plus_xy_plus_y2": lambda a, b: a * a + a * b + b * b,
    "random": None,
}


def all_pairs(p: int) -> np.ndarray:
    """Every pair (a, b) of residues mod p in nested order, a slowest: (p², 2) int64.

    >>> all_pairs(2).tolist()
    [[0, 0], [0, 1], [1, 0], [1, 1]]
    """
    return np.stack(np.divmod(np.arange(p * p), p), axis=1)


class Split(NamedTuple):
    """A training and a test set: inputs (B, 2) int64, columns a and b, or (B, n_bits); labels (B,) int64."""

    train_inputs: np.ndarray
    train_labels: np.ndarray
    test_inputs: np.ndarray
    test_labels: np.ndarray


@dataclass(frozen=True)
class ModularArithmetic:
    """Pairs (a, b) of residues mod p, labelled with ``operation(a, b) mod p``.

    Parameters
    ----------
    p : int
        Modulus, at least 2; it need not be prime.
    operation : str
        One of ``"add"``, ``"subtract"``, ``"multiply"``, ``"x2_plus_y2"``, ``"x2_plus_xy_plus_y2"``, or
        ``"random"``: a fixed uniform label for every pair, drawn from the seed.
    train_fraction : float
        Share of the pairs to train on, in (0, 1]; ``int(train_fraction * n_pairs)`` pairs, rounded down as in
        the published codes. With 1 nothing is held out.
    symmetric : bool
        Take the p(p+1)/2 unordered pairs a <= b instead of all p² ordered ones. Not for ``"subtract"``.
    seed : int
        Seed of the split, of random labels and of corrupted ones (three independent streams, see `streams`).
    corrupted_fraction : float
        Share of the *training* labels, in [0, 1], replaced by a different label, uniform over the p - 1 others
        (Doshi, Das, He, Gromov 2023, arXiv 2310.13061). Test labels stay true.
    train_pairs : sequence of (a, b), optional
        Train on exactly these pairs, none twice, instead of a drawn share.

    Examples
    --------
    >>> task = ModularArithmetic(5, train_fraction=0.4, symmetric=True)
    >>> [part.shape for part in task.split()]
    [(6, 2), (6,), (9, 2), (9,)]
    """

    p: int
    operation: str = "add"
    train_fraction: float = 0.4
    symmetric: bool = False
    seed: int = 0
    corrupted_fraction: float = 0.0
    train_pairs: tuple[tuple[int, int], ...] | None = None

    def __post_init__(self):
        require_integer(self.p, "p", minimum=2, maximum=10_000)  # all p² pairs are laid out
        require_choice(self.operation, "operation", OPERATIONS)
        require_flag(self.symmetric, "symmetric")
        require_number(self.train_fraction, "train_fraction", "in (0, 1]", lambda x: 0 < x <= 1)
        require_number(self.corrupted_fraction, "corrupted_fraction", "in [0, 1]", lambda x: 0 <= x <= 1)
        require_integer(self.seed, "seed", minimum=0)
        if self.symmetric and self.operation == "subtract":
            raise ValueError("symmetric must be False for operation 'subtract': a - b and b - a differ")
        n_pairs = self.p * (self.p + 1) // 2 if self.symmetric else self.p**2
        require(int(self.train_fraction * n_pairs) > 0, "train_fraction", self.train_fraction,
                f"large enough for one training pair of the {n_pairs}")
        if self.train_pairs is not None:
            pairs = require_array(self.train_pairs, "train_pairs", ndim=2)
            known = {(int(a), int(b)) for a, b in self.all_pairs()[0]}
            given = [tuple(pair) for pair in pairs.tolist()]
            fits = pairs.dtype.kind in "iu" and set(given) <= known and len(set(given)) == len(given) > 0
            require(fits, "train_pairs", f"{len(given)} pairs", f"one or more different ones of the task's {n_pairs}")
            object.__setattr__(self, "train_pairs", tuple(given))

    def all_pairs(self) -> tuple[np.ndarray, np.ndarray]:
        """Every pair in nested order, a slowest: inputs (n_pairs, 2) and true labels (n_pairs,), int64."""
        inputs = all_pairs(self.p)
        a, b = inputs.T
        labels = self._labels(a, b)
        kept = a <= b if self.symmetric else slice(None)
        return inputs[kept], labels[kept]

    def split(self) -> Split:
        """Disjoint training and test sets that together hold every pair once; the same for the same seed.

        Returns
        -------
        Split
            ``train_inputs, train_labels, test_inputs, test_labels``, each in nested order of (a, b).
        """
        inputs, labels = self.all_pairs()
        if self.train_pairs is None:
            order = generator(self.seed, "split").permutation(len(inputs))
            chosen = order[: int(self.train_fraction * len(inputs))]
        else:
            chosen = np.flatnonzero(np.isin(inputs @ [self.p, 1], np.array(self.train_pairs) @ [self.p, 1]))
        in_train = np.isin(np.arange(len(inputs)), chosen)
        return Split(inputs[in_train], self._corrupt(labels[in_train]), inputs[~in_train], labels[~in_train])

    def _labels(self, a, b):
        if self.operation == "random":
            return generator(self.seed, "random labels").integers(self.p, size=len(a))
        return OPERATIONS[self.operation](a, b) % self.p

    def _corrupt(self, labels):
        rng = generator(self.seed, "corrupted labels")
        chosen = rng.permutation(len(labels))[: round(self.corrupted_fraction * len(labels))]
        # Adding 1..p-1 mod p always changes the label, so the fraction is exact.
        corrupted = labels.copy()
        corrupted[chosen] = (labels[chosen] + rng.integers(1, self.p, size=len(chosen))) % self.p
        return corrupted


@dataclass(frozen=True)
class SparseParity:
    """Strings of random bits, labelled with the parity of the first ``k``; the others are distractors.

    The article's first system, from Merrill, Tsilivis, Shukla 2023 (arXiv 2303.11873).

    Parameters
    ----------
    n_bits : int
        Length of the strings, at least 2.
    k : int
        Bits that count, from 1 to ``n_bits``.
    train_size, test_size : int
        Number of strings in each set, drawn independently: with 30 bits a test string is hardly ever a training one.
    seed : int
        Seed of the strings.
    random_labels : bool
        Draw fair coins as labels instead: the control that nothing can generalise.

    Examples
    --------
    >>> split = SparseParity(n_bits=5, k=2, train_size=3, test_size=4).split()
    >>> split.train_inputs.shape, (split.train_inputs[:, :2].sum(axis=1) % 2 - split.train_labels).tolist()
    ((3, 5), [0, 0, 0])
    """

    binary: ClassVar[bool] = True

    n_bits: int = 30
    k: int = 3
    train_size: int = 1200
    test_size: int = 5000
    seed: int = 0
    random_labels: bool = False

    def __post_init__(self):
        require_integer(self.n_bits, "n_bits", minimum=2)
        require_integer(self.k, "k", minimum=1)
        require(self.k <= self.n_bits, "k", self.k, f"at most n_bits = {self.n_bits}")
        require_integer(self.train_size, "train_size", minimum=1)
        require_integer(self.test_size, "test_size", minimum=1)
        size = (self.train_size + self.test_size) * self.n_bits
        require(size <= 2**30, "(train_size + test_size) n_bits", size, "at most 2**30")
        require_flag(self.random_labels, "random_labels")
        require_integer(self.seed, "seed", minimum=0)

    def split(self) -> Split:
        """Inputs (B, n_bits) of 0 and 1, labels (B,) 0 or 1, int64; the same for the same seed."""
        rng = generator(self.seed, "strings")
        inputs = rng.integers(2, size=(self.train_size + self.test_size, self.n_bits))
        labels = rng.integers(2, size=len(inputs)) if self.random_labels else inputs[:, : self.k].sum(axis=1) % 2
        return Split(inputs[: self.train_size], labels[: self.train_size],
                     inputs[self.train_size :], labels[self.train_size :])
