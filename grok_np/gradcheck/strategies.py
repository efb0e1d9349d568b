"""Hypothesis strategies for layers of any shape, and `layer_test`, which makes a property test of a layer.

Shapes are written with letters; a letter stands for one size wherever it is used:

    "x: B T D, W: D K, b: K -> B T K"              a size may be a number, or computed: 2D, H*E, D+1
    "table: V D, index: int(B T) < V -> B T D"     whole numbers in [0, V); `label` is another word for `int`
    "x: B D, mask: mask(B D) -> B D"               kinds: int, label, mask, permutation, positive, probability, float32

The part after the arrow is the shape of the output and is checked; it may be left out. Sizes are drawn first, so a failing
example shrinks to few and small axes before its numbers shrink. Needs hypothesis (``pip install "grok_np[test]"``).

Read next: `networks`, for this package's own models.
"""

import math
import re
from typing import NamedTuple

import numpy as np
from hypothesis import given, reject
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from grok_np.gradcheck.calls import GradientError, leaves
from grok_np.gradcheck.check import check

LARGE = 64  # entries; hypothesis draws up to so many one by one, in larger arrays NumPy draws from a drawn seed


def arrays(shape, bound=3.0, away_from_zero=0.0):
    """Float64 arrays with all entries drawn, ``away_from_zero <= |entry| <= bound``.

    ``shape`` is a tuple or a strategy for one. By default hypothesis draws a few entries and repeats one value in the rest,
    and constant arrays hide transposes; here every entry is drawn (``fill=nothing()``).
    """
    positive = st.floats(away_from_zero, bound)
    entries = positive | positive.map(lambda x: -x) if away_from_zero else st.floats(-bound, bound)
    return hnp.arrays(np.float64, shape, elements=entries, fill=st.nothing())


def shapes(n_dims, max_side=5):
    """Shapes with sides from 1 to ``max_side``, mostly unequal: squares hide transposes."""
    return st.tuples(*[st.integers(1, max_side)] * n_dims)


class Input(NamedTuple):
    """One input of a specification, such as ``index: int(B T) < V``."""

    name: str
    kind: str
    sides: list
    below: str


def parse(specification):
    """(inputs, sides of the output or None) of ``"x: B D, W: D K -> B K"``.

    Raises
    ------
    ValueError
        Naming the part that is not understood.
    """
    before, arrow, after = specification.partition("->")
    inputs = []
    for part in before.split(","):
        found = re.fullmatch(r"\s*((?:\w+\s+)*\w+)\s*:\s*(?:(\w+)\(([^()]*)\)|([^()<]*?))\s*(?:<\s*(\S+))?\s*", part)
        if not found or (found[2] or "float") not in KINDS or ((found[2] in ("int", "label")) != bool(found[5])):
            raise ValueError(f"specification must hold inputs like 'x: B D' or 'y: int(B) < V', of a kind in {', '.join(KINDS)}; "
                             f"got {part.strip()!r}")
        inputs += [Input(name, found[2] or "float", (found[3] or found[4] or "").split(), found[5]) for name in found[1].split()]
    sides = [side for one in inputs for side in [*one.sides, one.below] if side] + (after.split() if arrow else [])
    for side in sides:
        if not re.fullmatch(r"\d*[A-Za-z]?\w*([*+]\w+)*", side):
            raise ValueError(f"specification must have sides like B, 3, 2D, H*E or D+1, got {side!r}")
    return inputs, after.split() if arrow else None


def letters(side):
    """The letters (names of sizes) in a side such as ``2D`` or ``H*E``."""
    return re.findall(r"[A-Za-z]\w*", side)


def size(side, sizes):
    """The number that a side stands for."""
    def factor(word):
        number, letter = re.fullmatch(r"(\d*)([A-Za-z]\w*)?", word).groups()
        return int(number or 1) * (sizes[letter] if letter else 1)

    return sum(math.prod(factor(word) for word in term.split("*")) for term in side.split("+"))


def _floats(draw, shape, lowest, highest, dtype=np.float64):
    if math.prod(shape) > LARGE:
        return np.random.default_rng(draw(st.integers(0, 2**32 - 1))).uniform(lowest, highest, shape).astype(dtype)
    # Whole numbers bring ties and exact zeros.
    width = 32 if dtype == np.float32 else 64
    elements = st.floats(lowest, highest, width=width) | st.integers(math.ceil(lowest), math.floor(highest)).map(float)
    return draw(hnp.arrays(dtype, shape, elements=elements, fill=st.nothing()))


KINDS = {
    "float": lambda draw, shape, below, bound: _floats(draw, shape, -bound, bound),
    "float32": lambda draw, shape, below, bound: _floats(draw, shape, -bound, bound, np.float32),
    "positive": lambda draw, shape, below, bound: _floats(draw, shape, 2.0**-4, bound),
    "probability": lambda draw, shape, below, bound: _floats(draw, shape, 2.0**-6, 1 - 2.0**-6),
    "int": lambda draw, shape, below, bound: draw(hnp.arrays(np.int64, shape, elements=st.integers(0, below - 1), fill=st.nothing())),
    "mask": lambda draw, shape, below, bound: draw(hnp.arrays(bool, shape, elements=st.booleans(), fill=st.nothing())),
    "permutation": lambda draw, shape, below, bound: np.array(draw(st.permutations(range(shape[0]))), dtype=np.int64),
}
KINDS["label"] = KINDS["int"]


@st.composite
def layer_inputs(draw, specification, bound=None, sizes=None, even=()):
    """The inputs that a specification describes, as a list of arrays.

    Parameters
    ----------
    specification : str
        See the module.
    bound : float, optional
        No float is larger in absolute value. By default they are within 3, and now and then a whole example is scaled by
        1e-3 or 1e3, which shows what overflows and what an eps does.
    sizes : dict, optional
        ``{letter: size}`` or ``{letter: (smallest, largest)}``; from 1 to 5 by default. An empty batch: ``{"B": (0, 3)}``.
    even : str
        Letters whose size is even (doubled), such as ``"D"``.
    """
    inputs, _ = parse(specification)
    names = dict.fromkeys(letter for one in inputs for side in [*one.sides, one.below or ""] for letter in letters(side))
    limits = {name: limit if isinstance(limit, tuple) else (limit, limit) for name, limit in (sizes or {}).items()}
    drawn = {name: draw(st.integers(*limits.get(name, (1, 5))), label=name) * (2 if name in even else 1) for name in names}
    scale = draw(st.sampled_from([1.0] * 6 + [1e-3, 1e3]), label="scale") if bound is None else 1.0
    result = []
    for one in inputs:
        shape = tuple(size(side, drawn) for side in one.sides)
        value = KINDS[one.kind](draw, shape, size(one.below, drawn) if one.below else None, 3.0 if bound is None else bound)
        result.append(value * value.dtype.type(scale) if one.kind in ("float", "float32", "positive") else value)
    return result


def layer_test(specification, forward, backward, *, bound=None, sizes=None, even=(), **options):
    """A property test of a layer for pytest: ``test_mine = layer_test("x: B D, W: D K -> B K", forward, backward)``.

    Hypothesis draws sizes and numbers; every example goes through `check`.

    Parameters
    ----------
    specification : str
        Kinds and shapes of the inputs, in order, and the shape of the output; see the module.
    forward, backward : callable
        As for `check`. For a class see `methods`.
    bound, sizes, even
        See `layer_inputs`.
    **options
        Passed on to `check`: ``level``, ``rtol``, ``seed``.

    Returns
    -------
    callable
        A test without arguments; hypothesis' ``@settings`` may be put on it.

    Examples
    --------
    >>> test_double = layer_test("x: B D -> B D", lambda x: (2 * x, None), lambda dout, cache: 2 * dout)
    >>> test_double()
    """
    inputs, shape = parse(specification)
    names = [one.name for one in inputs]

    @given(layer_inputs(specification, bound, sizes, even))
    def test(inputs):
        __tracebackhide__ = True
        out = forward(*[x.copy() for x in inputs])
        if isinstance(out, tuple) and len(out) == 2 and bound is None and \
                any(np.isinf(leaf).any() for _, leaf in leaves(out[0]) if isinstance(leaf, float | np.ndarray)):
            reject()  # an honest overflow of a scaled example, such as exp(3000)
        if shape is not None and isinstance(out, tuple) and len(out) == 2:
            _check_shape(shape, np.shape(out[0]), specification, inputs)
        check(forward, backward, inputs, **options)

    test.__name__ = test.__qualname__ = f"test_{getattr(forward, '__name__', 'layer')}"
    test.__doc__ = f"Gradients of {specification} ({', '.join(names)})."
    return test


def _check_shape(sides, shape, specification, inputs):
    __tracebackhide__ = True
    sizes = {}
    for one, x in zip(parse(specification)[0], inputs, strict=True):
        sizes |= {side: n for side, n in zip(one.sides, x.shape, strict=True) if re.fullmatch(r"[A-Za-z]\w*", side)}
    if len(shape) == len(sides) and all(set(letters(side)) <= sizes.keys() for side in sides):
        expected = tuple(size(side, sizes) for side in sides)
        if shape == expected:
            return
    elif len(shape) == len(sides):
        return  # a letter that stands only within a product, such as the H of H*E
    else:
        expected = " ".join(sides)
    raise GradientError(f"forward returns an out of shape {shape}, the specification says {expected}\nfor {specification}")
