"""Hypothesis strategies for layers of any shape, and `layer_test`, which makes a property test of a layer.

Shapes are written with letters; a letter stands for one size wherever it is used:

    "x: B T D, W: D K, b: K -> B T K"              a size may also be a number, or computed: 2D, H*E, D+1
    "table: V D, index: int(B T) < V -> B T D"     whole numbers in [0, V); `label` is another word for `int`
    "x: B D, m: mask(B D), y: positive(B)"         and: float32, probability, permutation

The part after the arrow, if given, is the shape of the output and is checked. Sizes are drawn first, so that a failing
example shrinks to few and small axes before its numbers shrink. The smallest example can have many explanations (with
one column and zeros, a mean for a sum looks like another constant), so `layer_test` begins with a generic one, of axes
that differ and random numbers. Needs hypothesis (``pip install -e ".[test]"``).
"""

import itertools
import math
import re

import numpy as np
from hypothesis import example, given, reject, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from grok_np.gradcheck.calls import GradientError
from grok_np.gradcheck.check import check

LARGE = 64  # entries; hypothesis draws up to so many one by one, of larger arrays it draws a seed for NumPy


def _round(x):
    """0 for what is next to nothing: hypothesis likes 1e-249, whose square is 0 and whose neighbours are not."""
    return x if abs(x) > 1e-9 else 0.0


def _floats(draw, shape, lowest, highest, dtype=np.float64):
    if math.prod(shape) > LARGE:
        return np.random.default_rng(draw(st.integers(0, 2**32 - 1))).uniform(lowest, highest, shape).astype(dtype)
    # Whole numbers bring ties and exact zeros.
    elements = st.floats(lowest, highest, width=8 * np.dtype(dtype).itemsize)
    elements = elements.map(_round) if lowest <= 0 <= highest else elements
    if math.ceil(lowest) <= math.floor(highest):
        elements |= st.integers(math.ceil(lowest), math.floor(highest)).map(float)
    return draw(hnp.arrays(dtype, shape, elements=elements, fill=st.nothing()))


def _whole(draw, shape, below, bound):
    return draw(hnp.arrays(np.int64, shape, elements=st.integers(0, below - 1), fill=st.nothing()))


KINDS = {
    "float": lambda draw, shape, below, bound: _floats(draw, shape, -bound, bound),
    "float32": lambda draw, shape, below, bound: _floats(draw, shape, -bound, bound, np.float32),
    "positive": lambda draw, shape, below, bound: _floats(draw, shape, bound / 64, bound),
    "probability": lambda draw, shape, below, bound: _floats(draw, shape, 1 / 64, 63 / 64),
    "int": _whole,
    "label": _whole,
    "mask": lambda draw, shape, below, bound: draw(hnp.arrays(bool, shape, elements=st.booleans(), fill=st.nothing())),
    "permutation": lambda draw, shape, below, bound: np.array(draw(st.permutations(range(shape[0]))), np.int64),
}

RANDOM = {
    "float": lambda rng, shape, below, bound: rng.uniform(-bound, bound, shape),
    "float32": lambda rng, shape, below, bound: rng.uniform(-bound, bound, shape).astype(np.float32),
    "positive": lambda rng, shape, below, bound: rng.uniform(bound / 64, bound, shape),
    "probability": lambda rng, shape, below, bound: rng.uniform(1 / 64, 63 / 64, shape),
    "int": lambda rng, shape, below, bound: rng.integers(below, size=shape),
    "label": lambda rng, shape, below, bound: rng.integers(below, size=shape),
    "mask": lambda rng, shape, below, bound: rng.random(shape) < 0.5,
    "permutation": lambda rng, shape, below, bound: rng.permutation(*shape),
}


def parse(specification):
    """([(name, kind, sides, below)], sides of the output or None) of a specification, see the module.

    Raises
    ------
    ValueError
        Naming the part that is not understood.
    """
    before, arrow, after = specification.partition("->")
    inputs = []
    for part in before.split(","):
        found = re.fullmatch(r"\s*([\w ]+?)\s*:\s*(?:(\w+)\(([^()]*)\)|([^()<]*?))\s*(?:<\s*(\S+))?\s*", part)
        kind = found and (found[2] or "float")
        if kind not in KINDS or (kind in ("int", "label")) != bool(found[5]):
            raise ValueError(f"specification must hold inputs like 'x: B D' or 'y: int(B) < V', of a kind in "
                             f"{', '.join(KINDS)}; got {part.strip()!r}")
        inputs += [(name, kind, (found[3] or found[4] or "").split(), found[5]) for name in found[1].split()]
    for side in [side for _, _, sides, below in inputs for side in [*sides, below or "1"]] + after.split():
        if not re.fullmatch(r"\w+([*+]\w+)*", side):
            raise ValueError(f"specification must have sides like B, 3, 2D, H*E or D+1, got {side!r}")
    return inputs, after.split() if arrow else None


def _size(side, sizes):
    """The number that a side such as ``2D`` stands for."""
    def factor(word):
        number, letter = re.fullmatch(r"(\d*)(\w*)", word).groups()
        return int(number or 1) * (sizes[letter] if letter else 1)

    return sum(math.prod(factor(word) for word in term.split("*")) for term in side.split("+"))


@st.composite
def layer_inputs(draw, specification, *, bound=None, sizes=None):
    """A strategy for what a specification describes: (list of arrays, shape of the output or None).

    Parameters
    ----------
    specification : str
        See the module.
    bound : float, optional
        No float is larger in absolute value. By default they are within 3, and now and then a whole example is scaled
        by 1e-3 or 1e3, which shows what overflows and what an eps does.
    sizes : dict, optional
        ``{letter: size}`` or ``{letter: (smallest, largest)}``; from 1 to 5 by default. For an empty batch ``{"B": (0,
        3)}``.
    """
    scale = draw(st.sampled_from([1.0] * 6 + [1e-3, 1e3]), label="scale") if bound is None else 1.0

    def value(kind, shape, below):
        drawn = KINDS[kind](draw, shape, below, bound or 3.0)
        return drawn * drawn.dtype.type(scale) if kind in ("float", "float32", "positive") else drawn

    return _filled(specification, sizes, lambda letter, low, high: draw(st.integers(low, high), label=letter), value)


def generic_inputs(specification, *, bound=None, sizes=None):
    """One example of `layer_inputs`, always the same: axes of 3, 2, 5, 4 if allowed, floats within ``bound`` (or 1)."""
    rng, lengths = np.random.default_rng(0), itertools.cycle((3, 2, 5, 4))
    return _filled(specification, sizes, lambda letter, low, high: min(max(next(lengths), low), high),
                   lambda kind, shape, below: np.asarray(RANDOM[kind](rng, shape, below, bound or 1.0)))


def _filled(specification, sizes, size, value):
    """(arrays, shape of the output), from size(letter, low, high) and value(kind, shape, below)."""
    inputs, output = parse(specification)
    words, known = " ".join(side for _, _, sides, below in inputs for side in [*sides, below or ""]), {}
    for letter in dict.fromkeys(re.findall(r"[A-Za-z]\w*", words)):
        limit = (sizes or {}).get(letter, (1, 5))
        known[letter] = size(letter, *(limit if isinstance(limit, tuple) else (limit, limit)))
    values = [value(kind, tuple(_size(side, known) for side in sides), below and _size(below, known))
              for _, kind, sides, below in inputs]
    return values, output and tuple(_size(side, known) for side in output)


def layer_test(specification, forward, backward, *, bound=None, sizes=None, max_examples=None, **options):
    """A property test of a layer for pytest: ``test_mine = layer_test("x: B D, W: D K -> B K", forward, backward)``.

    Hypothesis draws sizes and numbers as in `layer_inputs`, after the one of `generic_inputs`, whose failures are the
    easiest to explain. Every example goes through `check`, with ``options`` (``level``, ``rtol``, ``seed``). For a
    layer that is a class see `methods`. ``max_examples`` is that of hypothesis' settings.

    Examples
    --------
    >>> test_double = layer_test("x: B D -> B D", lambda x: (2 * x, None), lambda dout, cache: 2 * dout)
    >>> test_double()
    """
    @settings(deadline=None, max_examples=max_examples or settings().max_examples, report_multiple_bugs=False)
    @given(layer_inputs(specification, bound=bound, sizes=sizes))
    @example(generic_inputs(specification, bound=bound, sizes=sizes))  # which also complains where it is written
    def test(drawn):
        __tracebackhide__ = True
        inputs, shape = drawn
        with np.errstate(all="ignore"):
            result = forward(*[x.copy() for x in inputs])
        out = result[0] if isinstance(result, tuple) and len(result) == 2 else None
        if isinstance(out, float | np.ndarray) and bound is None and np.isinf(out).any():
            reject()  # an honest overflow of a scaled example, such as exp(3000)
        if out is not None and shape not in (None, np.shape(out)):
            raise GradientError(f"forward returns an out of shape {np.shape(out)}, {specification!r} says {shape}")
        check(forward, backward, inputs, **options)

    test.__name__ = test.__qualname__ = f"test_{getattr(forward, '__name__', 'layer')}"
    return test
