"""Finite groups: the Cayley table, composition as a task, irreducible representations and characters.

An element is a number 0 .. n-1, the group is its table: table[a, b] = a b. Addition mod p is the cyclic group C_p. An
irreducible representation rho takes an element to a unitary matrix (d, d) with rho(a b) = rho(a) rho(b); its character
is chi(g) = tr rho(g). rho and its conjugate are one *class* here, since weights are real: the classes of C_p are the
frequencies 0 .. p//2, in this order, so the class is what takes the place of a frequency.

Nothing is typed in. Matrices that commute with all left translations of the functions on the group are the right
translations and their sums. A random Hermitian one has generically one eigenspace for every irreducible copy, on which
left translation is that representation (in the spirit of Burnside's and Dixon's methods; Serre 1977, chapters 2 and 6).

Read next: `layers`, the operations from which the networks are made.
"""

import re
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import permutations
from typing import NamedTuple

import numpy as np

from grok_np.errors import require, require_array, require_integer, require_number, require_type
from grok_np.streams import generator
from grok_np.tasks import Split, all_pairs


class Irrep(NamedTuple):
    """An irreducible unitary representation: ``matrices`` (n, d, d), ``character`` (n,), both real where ``kind`` is 1.

    ``kind`` is the indicator of Frobenius and Schur, the mean of chi(g²): 1 real; 0 complex, rho and its conjugate
    differ; -1 quaternionic, they agree but no basis makes the matrices real.
    """

    matrices: np.ndarray
    character: np.ndarray
    kind: int

    dimension = property(lambda self: self.matrices.shape[-1], doc="d.")

    @property
    def orthogonal(self) -> np.ndarray:
        """Real orthogonal matrices that are irreducible over the reals: (n, d, d) of kind 1, else (n, 2d, 2d)."""
        if self.kind == 1:
            return self.matrices
        re_part, im_part = self.matrices.real, self.matrices.imag
        return np.block([[re_part, -im_part], [im_part, re_part]])


@dataclass(frozen=True, eq=False)
class Group:
    """A finite group by its Cayley table (n, n) of integers, checked to be one.

    Raises ValueError, naming the axiom that fails, TypeError for what is no table of integers.

    >>> group = Group([[0, 1], [1, 0]])
    >>> group.order, group.identity, group.inverse
    (2, 0, array([0, 1]))
    """

    table: np.ndarray

    def __post_init__(self):
        table = require_array(self.table, "table", ndim=2)
        n = len(table)
        require(table.dtype.kind in "iu" and table.shape == (n, n) and 1 <= n <= 1000, "table",
                f"shape {table.shape} of {table.dtype}", "integers of shape (n, n), n at most 1000")
        table = table.astype(np.int64)
        require(table.min() >= 0 and table.max() < n, "table", f"{table.min()} to {table.max()}",
                f"closed: every product in [0, {n})")
        elements = np.arange(n)
        units = np.flatnonzero((table == elements).all(axis=1) & (table == elements[:, None]).all(axis=0))
        require(len(units) == 1, "table", "none", "a group's: with an identity")
        for a in range(n):
            different = np.argwhere(table[table[a]] != table[a][table])
            if len(different):
                b, c = different[0].tolist()
                raise ValueError(f"table must be associative, got ({a} {b}) {c} != {a} ({b} {c})")
        alone = np.flatnonzero(~(table == units[0]).any(axis=1)).tolist()
        require(not alone, "table", f"none for {alone}", "a group's: with an inverse for every element")
        table.flags.writeable = False
        object.__setattr__(self, "table", table)

    order = property(lambda self: len(self.table), doc="n, the number of elements.")
    identity = property(lambda self: int(self.table[:, 0].argmin()), doc="The element e with e g = g.")

    @cached_property
    def inverse(self) -> np.ndarray:
        """The inverse of every element (n,)."""
        return (self.table == self.identity).argmax(axis=1)

    @cached_property
    def irreps(self) -> tuple[Irrep, ...]:
        """One of each irreducible representation, the trivial one first; for C_n those of k = 0, 1, -1, 2, -2, ..."""
        return _irreps(self)

    @cached_property
    def classes(self) -> tuple[tuple[int, ...], ...]:
        """Positions in `irreps` of each class {rho, conjugate of rho}, the trivial class first."""
        pairs = [tuple(j for j, other in enumerate(self.irreps) if np.allclose(other.character, one.character)
                       or np.allclose(other.character, one.character.conj())) for one in self.irreps]
        return tuple(dict.fromkeys(pairs))


def _irreps(group):
    """See `Group.irreps`. Raises ArithmeticError if the result fails the theory: no rounding noise is passed on."""
    n, divide = group.order, group.table[group.inverse]  # divide[g, h] = g^-1 h
    rng, found = generator(0, "commutant"), []
    for imaginary in (0, 1j):  # real symmetric first: it gives the representations that can be real as real matrices
        c = rng.normal(size=n) + imaginary * rng.normal(size=n)
        values, vectors = np.linalg.eigh((c + c[group.inverse].conj())[divide])
        gaps = np.flatnonzero(np.diff(values) > 1e-7 * np.ptp(values)) + 1
        for V in np.split(vectors, gaps, axis=1):
            character = (V @ V.conj().T)[divide, np.arange(n)].sum(axis=1)
            new = all(abs(np.vdot(one.character, character)) < n / 2 for one in found)
            if new and np.vdot(character, character).real < 1.5 * n:  # twice n: reducible over the complex numbers
                squares = character[np.diagonal(group.table)].mean().real
                found.append(Irrep(V.conj().T @ V[divide], character, round(squares)))
    found.sort(key=lambda one: (one.dimension, *(-one.character.real).round(6), *(-one.character.imag).round(6)))
    gram = np.array([[np.vdot(one.character, other.character) / n for other in found] for one in found])
    if sum(one.dimension**2 for one in found) != n or not np.allclose(gram, np.eye(len(found)), atol=1e-9):
        raise ArithmeticError(f"the irreducible representations of a group of order {n} were not resolved")
    return tuple(found)


def cyclic(n: int) -> Group:
    """C_n: addition mod n."""
    require_integer(n, "n", minimum=1, maximum=1000)
    return Group(np.add.outer(np.arange(n), np.arange(n)) % n)


def dihedral(n: int) -> Group:
    """D_n of order 2n: element k + n s turns by k steps after s reflections."""
    require_integer(n, "n", minimum=1, maximum=500)
    return _turns_and_flips(n, 0)


def quaternion(order: int = 8) -> Group:
    """Q_8, or the dicyclic group of an order that 4 divides: element k + (order/2) s is i^k j^s."""
    require_integer(order, "order", minimum=4, maximum=1000)
    require(order % 4 == 0, "order", order, "a multiple of 4")
    return _turns_and_flips(order // 2, order // 4)


def _turns_and_flips(n, square):
    """r^k f^s with r^n = 1, f r = r^-1 f, f² = r^square."""
    s, k = np.divmod(np.arange(2 * n), n)
    turn = k[:, None] + (-1) ** s[:, None] * k + square * np.outer(s, s)
    return Group(turn % n + n * ((s[:, None] + s) % 2))


def symmetric(n: int) -> Group:
    """S_n, n at most 6: permutations in lexicographic order; (a b)(i) = a(b(i))."""
    require_integer(n, "n", minimum=1, maximum=6)
    return _of_permutations(list(permutations(range(n))))


def alternating(n: int) -> Group:
    """A_n, n at most 6: the even permutations in lexicographic order."""
    require_integer(n, "n", minimum=1, maximum=6)
    return _of_permutations([one for one in permutations(range(n)) if round(np.linalg.det(np.eye(n)[list(one)])) == 1])


def _of_permutations(elements):
    number = {one: i for i, one in enumerate(elements)}
    return Group(np.array([[number[tuple(a[i] for i in b)] for b in elements] for a in elements]))


def product(first: Group, second: Group) -> Group:
    """The direct product: element a n + b is the pair (a, b), n the order of the second."""
    n = second.order
    return Group(np.kron(n * first.table, np.ones((n, n), int)) + np.tile(second.table, (first.order, first.order)))


FAMILIES = {"C": cyclic, "D": dihedral, "S": symmetric, "A": alternating, "Q": quaternion}


@lru_cache(maxsize=64)
def named(name: str) -> Group:
    """The group of a name: C_n, D_n (order 2n), S_n, A_n, Q_n (order n), and products as "C_2 x S_3".

    >>> [named(name).order for name in ("C_5", "D_5", "S_3", "A_4", "Q_8", "C_2 x S_3")]
    [5, 10, 6, 12, 8, 12]
    """
    require_type(name, "group", str)
    require(re.fullmatch(r"[CDSAQ]_\d{1,4}( x [CDSAQ]_\d{1,4})*", name), "group", name,
            "C_n, D_n, S_n, A_n, Q_n or a product like C_2 x S_3")
    first, *others = (FAMILIES[part[0]](int(part[2:])) for part in name.split(" x "))
    for other in others:
        first = product(first, other)
    return first


@dataclass(frozen=True)
class Composition:
    """Pairs (a, b) of elements of a finite group, labelled with a b.

    Parameters
    ----------
    group : str or table
        A name as in `named`, or a Cayley table (n, n), whose axioms are checked.
    train_fraction : float
        Share of the n² ordered pairs to train on, in (0, 1]; rounded down.
    seed : int
        Seed of the split. For "C_p" all is as in ``ModularArithmetic(p)``.

    Examples
    --------
    >>> task = Composition("S_3", train_fraction=0.5)
    >>> task.p, [part.shape for part in task.split()]
    (6, [(18, 2), (18,), (18, 2), (18,)])
    """

    group: str | tuple = "S_3"
    train_fraction: float = 1.0
    seed: int = 0

    def __post_init__(self):
        if not isinstance(self.group, str):
            object.__setattr__(self, "group", tuple(map(tuple, Group(self.group).table.tolist())))
        require_number(self.train_fraction, "train_fraction", "in (0, 1]", lambda x: 0 < x <= 1)
        require_integer(self.seed, "seed", minimum=0)
        require(int(self.train_fraction * self.p**2) > 0, "train_fraction", self.train_fraction,
                f"large enough for one training pair of the {self.p**2}")

    @cached_property
    def elements(self) -> Group:
        """The `Group`."""
        return named(self.group) if isinstance(self.group, str) else Group(self.group)

    p = property(lambda self: self.elements.order, doc="Order of the group: the number of tokens and of logits.")

    def split(self) -> Split:
        """Disjoint training and test sets, each in nested order of (a, b); the same for the same seed."""
        inputs, labels = all_pairs(self.p), self.elements.table.ravel()
        in_train = np.zeros(self.p**2, bool)
        in_train[generator(self.seed, "split").permutation(self.p**2)[: int(self.train_fraction * self.p**2)]] = True
        return Split(inputs[in_train], labels[in_train], inputs[~in_train], labels[~in_train])
