"""Named mistakes: what turns the backward's claim into the right gradient, or where exactly it is wrong.

A name is given only if it holds, with the same numbers, in three cases: for two upstream gradients at the user's
point, and at a second point nearby. The names are tried from the simplest to those with most freedom; a fit must leave
at least three equations unused. What is not confirmed is not said; then the worst entry is all that the message has.
"""

import copy
from itertools import combinations

import numpy as np

from grok_np.gradcheck.calls import GradientError, leaves, stream
from grok_np.gradcheck.contract import nearby
from grok_np.gradcheck.differences import Differences
from grok_np.gradcheck.repair import repair

ENTRIES = 400  # of an input at most are moved one by one for a diagnosis, on a lattice that keeps its rows and columns


class Case:
    """One input at one point and one dout; ``g`` is claimed in full, ``n`` and ``g_`` are claim and slopes on a lattice."""

    def __init__(self, layer, path, point, dout, jacobian=None):
        self.layer, self.path, self.point, self.dout = layer, path, point, dout
        self.flat, self.cache, self.out = layer.forward(point)
        self.x = point[path]
        self.g = self.claim(dout)
        self.lattice, self.J, self.E, self.N = self.jacobian = jacobian or _jacobian(layer, path, point, len(self.flat))
        self.n, self.error = self.numeric(dout)
        self.g_ = self.at(self.g)
        self.r = self.n - self.g_
        largest = np.abs(self.n).max(initial=0)
        self.tolerance = 3 * self.error + np.minimum(1e-5 * largest, 1e-3 * np.abs(self.r).max(initial=0)) + 1e-300
        self.doubtful = self.error.max(initial=0) > 0.03 * np.abs(self.r).max(initial=0)
        self.wrong = np.abs(self.r) > 3 * self.error + 1e-6 * np.maximum(np.abs(self.n), np.abs(self.g_))
        top = max(largest, np.abs(self.g_).max(initial=0))
        self.telling = (np.abs(self.n) > 1e-7 * top) | (np.abs(self.g_) > 1e-7 * top)

    def claim(self, dout):
        return self.layer.backward(self.layer.shaped(dout, self.out), self.cache)[1][self.path]

    def numeric(self, dout):
        shape = [len(index) for index in self.lattice]
        error = self.E @ np.abs(dout) + np.sqrt(self.N**2 @ dout**2)
        return (self.J @ dout).reshape(shape), error.reshape(shape)

    def at(self, array):
        """The lattice's part of an array of the input's shape, or of one that broadcasts to it."""
        return np.broadcast_to(array, self.x.shape)[np.ix_(*self.lattice)] if self.x.ndim else np.asarray(array)

    def fits(self, right):
        """Whether a full array is the right gradient."""
        return np.shape(right) == self.x.shape and bool((np.abs(self.at(right) - self.n) <= self.tolerance).all())

    def near(self, difference):
        return bool((np.abs(difference) <= self.tolerance).all())

    def arrays(self):
        """(name, array) of everything known that broadcasts to the input: other inputs, masks, the output."""
        for path, leaf in leaves(self.layer.inputs):
            if isinstance(leaf, np.ndarray):
                array = self.point.get(path, leaf)
                if _broadcasts(array.shape, self.x.shape) and array.size > 1:
                    yield self.layer.names.get(path, f"input {path[0]}"), array
        if isinstance(self.out, np.ndarray) and _broadcasts(self.out.shape, self.x.shape) and self.out.size > 1:
            yield "out", self.out

    def upstream(self):
        """dout as an array, or None where the output is a number or a nest."""
        return self.dout.reshape(self.out.shape) if isinstance(self.out, np.ndarray) and self.out.ndim else None


def _broadcasts(shape, to):
    try:
        return np.broadcast_shapes(shape, to) == tuple(to)
    except ValueError:
        return False


def _jacobian(layer, path, point, n_out):
    """(lattice, slopes, errors, roundings) of every output along each entry of a lattice of the input's entries."""
    shape = point[path].shape
    keep, budget = list(shape), max(20, min(ENTRIES, 4_000_000 // max(n_out, 1)))
    while np.prod(keep) > budget:
        keep[int(np.argmax(keep))] -= 1
    lattice = [np.unique(np.linspace(0, side - 1, n).round().astype(int)) for side, n in zip(shape, keep, strict=True)]
    entries = np.ravel_multi_index(np.meshgrid(*lattice, indexing="ij"), shape).ravel() if shape else np.zeros(1, int)
    differences = Differences(layer, point)
    rows = []
    for entry in entries:
        direction = differences.direction(path, np.array([entry]), np.ones(1))
        slope = differences.slope(direction)
        if slope.doubt.sum() > 1e-7 * np.abs(slope.value).sum():
            slope = differences.climb(direction)
        size = direction[0][2][0]
        rows.append([part / size for part in (slope.value, slope.error + slope.high - slope.low, slope.rounding)])
    return lattice, *(np.array(part).reshape(len(entries), n_out) for part in zip(*rows, strict=True))


def explain(layer, comparison):
    """The GradientError for the wrong entries that were found: a name if one is confirmed, and the worst entry."""
    right = [name for path, name in layer.names.items() if path not in comparison.wrong and layer.point[path].size]
    results = []
    for path in comparison.wrong:
        cases = _cases(layer, path, comparison.douts)
        name = None if any(case.doubtful for case in cases) else _named(layer, cases)
        results.append((path, cases[0], name))
        if name:
            break
    path, case, name = next((one for one in results if one[2]), results[0])
    others = [layer.names[other] for other in comparison.wrong if other != path]
    start = f"gradient of {layer.names[path]} {name}" if name else f"gradient of {layer.names[path]} is wrong"
    fix = None if case.doubtful else _repaired(layer, path, _cases(layer, path, comparison.douts))
    lines = [start, *([fix] if fix else []), _worst(case, comparison.wrong[path], comparison)]
    if others or right:
        lines.append("; ".join(part for part in ("also wrong: " + ", ".join(others) if others else "",
                                                 "right: " + ", ".join(right) if right else "") if part))
    return GradientError("\n".join(line[:300] for line in lines))


def _cases(layer, path, douts):
    first = Case(layer, path, layer.point, douts[0])
    cases = [first, Case(layer, path, layer.point, douts[1], first.jacobian)]
    try:
        second = Case(layer, path, nearby(layer.point, 0.3, stream(6)), douts[0])
        if np.isfinite(second.n).all() and np.isfinite(second.g_).all():
            cases.append(second)
    except (ValueError, ArithmeticError):  # a layer may refuse other inputs
        pass
    return cases


def _repaired(layer, path, cases):
    """The change in backward's source that makes the gradient right in every case, and no right one wrong."""
    def is_right(backward):
        changed = copy.copy(layer)
        changed.user_backward = backward
        for case in cases:
            gradients = changed.backward(layer.shaped(case.dout, case.out), layer.forward(case.point)[1])[1]
            if not case.fits(gradients[path]) or any(gradients[other].shape != x.shape for other, x in case.point.items()):
                return False
        return True

    return repair(layer.user_backward, is_right)


def _worst(case, entry, comparison):
    """Both numbers at the worst entry of the lattice, and how many entries are wrong."""
    off = np.abs(case.r)
    index = np.unravel_index(np.argmax(np.where(case.wrong, off, -1)), off.shape) if case.wrong.any() else None
    if index is None:  # found by a direction, or by an entry off the lattice
        index = np.unravel_index(entry, case.x.shape)
        return f"wrong at {[int(i) for i in index]}: backward says {case.g[index]:.5g}"
    where = [int(axis[i]) for axis, i in zip(case.lattice, index, strict=True)]
    claimed, value = case.g_[index], case.n[index]
    digits = 5 if abs(claimed - value) > 1e-3 * abs(value) else 10
    told = case.telling.sum()
    return (f"at {where} backward says {claimed:.{digits}g}, differences say {value:.{digits}g}; "
            f"{(case.wrong & case.telling).sum() or case.wrong.sum()} of {told or off.size} entries that are not 0 are wrong")


def _named(layer, cases):
    for hypotheses in (_nothing, _factor, _swapped, _rearranged, _copied, _somewhere, _missing_factor, _upstream, _slices,
                       _counterfactual, _missing_term, _spans, _small, _switched_off):
        for words, holds in hypotheses(cases[0]):
            if all(holds(case) for case in cases):
                return words
    return None


def _nothing(case):
    yield "is 0 everywhere: it is not computed", lambda c: not c.g.any() and c.n.any()
    yield ("should be 0: the forward's output does not depend on this input (is it used at all, or overwritten?)",
           lambda c: not c.J.any() and c.g.any())


def _ratio(claimed, right):
    """f with claimed = f right, in the sense of least squares."""
    return float((claimed * right).sum() / max((right * right).sum(), 1e-300))


def _sizes(case):
    """Numbers that a forgotten or doubled mean, sum or scale can leave as a factor, with their meaning."""
    shapes = [(case.layer.names[path], case.point[path].shape) for path in case.point] + \
             [("out" if len(np.shape(leaf)) else "", np.shape(leaf)) for _, leaf in leaves(case.out)]
    for name, shape in shapes:
        for axis, side in enumerate(shape):
            if side > 1:
                yield side, f"the size of axis {axis} of {name}" + (", the batch?" if axis == 0 else "")
    for name, shape in shapes:
        for k in range(2, len(shape) + 1):
            for axes in combinations(range(len(shape)), k):
                yield int(np.prod([shape[a] for a in axes])), f"the number of entries of {name} over axes {axes}"


def _factor_words(f, case):
    """Words for claimed = f right."""
    sign = "opposite in sign and " if f < 0 else ""
    size = abs(f)

    def close(value):
        return abs(size - value) < 1e-6 * value

    meaning = ""
    for n, what in _sizes(case):
        for value, text in ((n, f"{n} is {what}"), (1 / n, f"{n} is {what}"), (n**0.5, f"the root of {n}, {what}"),
                            (n**-0.5, f"the root of {n}, {what}")):
            if close(value) and not meaning:
                meaning = f" ({text})"
    if close(1):
        return "has the opposite sign"
    if close(2):
        return f"is {sign}exactly twice what it should be" + meaning
    if close(0.5):
        return f"is {sign}exactly half of what it should be" + meaning
    if abs(size - 1) < 0.02:
        return f"is {sign}off by the constant factor {size:.10g}: a rounded or wrong constant, or an eps"
    amount = f"{size:.6g} times too large" if size > 1 else f"{1 / size:.6g} times too small"
    what = meaning + (": a mean or sum, its division by the size missing or done twice" if meaning and "root" not in meaning else "")
    return f"is {sign}{amount}, by the same factor everywhere{what}"


def _factor(case):
    f = _ratio(case.g_, case.n)
    if abs(f) > 1e-9:
        yield _factor_words(f, case), lambda c: c.n.any() and c.fits(c.g / f)


def _swapped(case):
    for path, name in case.layer.names.items():
        if path != case.path and case.point[path].shape == case.x.shape:
            def holds(c, path=path):
                other = c.layer.backward(c.layer.shaped(c.dout, c.out), c.cache)[1][path]
                return c.fits(other)
            yield f"is that of {name}: the order of the gradients is swapped", holds


def _rearranged(case):
    if case.x.ndim >= 2:
        for a, b in combinations(range(case.x.ndim), 2):
            if case.x.shape[a] == case.x.shape[b]:
                yield (f"is transposed (axes {a} and {b} exchanged)", lambda c, a=a, b=b: c.fits(c.g.swapaxes(a, b)))
        yield ("has its entries in another order: a reshape where a transpose is due",
               lambda c: any(c.fits(c.g.reshape(c.x.shape[::-1]).T) or c.fits(c.g.T.reshape(c.x.shape)) for _ in "1"))
    for axis in range(case.x.ndim):
        if case.x.shape[axis] > 2:
            yield f"is flipped (reversed) along axis {axis}", lambda c, axis=axis: c.fits(np.flip(c.g, axis))
            for shift in (1, -1):
                yield (f"is shifted by one along axis {axis}",
                       lambda c, axis=axis, shift=shift: _shifted(c, axis, shift))


def _shifted(case, axis, shift):
    """Whether the claim is the right gradient moved by one, whatever stands at the border."""
    moved = np.roll(case.g, shift, axis)
    inside = np.moveaxis(np.ones(case.x.shape, bool), axis, 0)
    inside[0 if shift > 0 else -1] = False
    inside = case.at(np.moveaxis(inside, 0, axis))
    close = np.abs(case.at(moved) - case.n) <= case.tolerance
    return bool(close[inside].all()) and bool((np.abs(case.n) > case.tolerance)[inside].any())


def _copied(case):
    yield "is dout itself, passed on unchanged", lambda c: c.upstream() is not None and _same(c.g, c.upstream())
    yield "is minus dout", lambda c: c.upstream() is not None and _same(-c.g, c.upstream())


def _same(a, b):
    return np.shape(a) == np.shape(b) and np.allclose(a, b, rtol=1e-12, atol=0)


def _somewhere(case):
    """The entries that are wrong are exactly those where ...; and what stands there."""
    wrong, telling = case.wrong, case.telling
    if wrong.all() or not wrong[telling].any() or wrong[telling].all() or telling.sum() < 4:
        return
    for words, where in _places(case):
        chosen = where(case)
        if chosen is None or not np.array_equal(chosen & telling, wrong & telling):
            continue
        there = _there(case, chosen & telling)

        def holds(c, where=where, there=there):
            chosen = where(c)
            return np.array_equal(chosen & c.telling, c.wrong & c.telling) and (there is None or there[1](c, chosen))

        if there:
            yield f"is wrong exactly {words}, where it {there[0]}", holds
        yield f"is wrong exactly {words}", lambda c, where=where: np.array_equal(where(c) & c.telling, c.wrong & c.telling)


def _there(case, chosen):
    if not case.g_[chosen].any():
        return "is 0", lambda c, chosen: not c.g_[chosen & c.telling].any()
    if not np.abs(case.n[chosen]).max() > case.tolerance[chosen].max():
        return "should be 0", lambda c, chosen: bool((np.abs(c.n) <= c.tolerance)[chosen].all())
    f = _ratio(case.g_[chosen], case.n[chosen])
    if abs(f) < 1e-9:
        return None
    return _factor_words(f, case), lambda c, chosen: bool((np.abs(c.g_ / f - c.n) <= c.tolerance)[chosen].all())


def _places(case):
    """(words, function of a case to a mask of the lattice)."""
    for name, _ in case.arrays():
        def get(c, name=name):
            return c.at(dict(c.arrays())[name])
        if get(case).dtype.kind == "b":
            yield f"where {name} is True", lambda c, get=get: get(c)
            yield f"where {name} is False", lambda c, get=get: ~get(c)
            continue
        for sign, test in (("< 0", np.less), ("> 0", np.greater), ("== 0", np.equal), ("<= 0", np.less_equal), (">= 0", np.greater_equal)):
            yield f"where {name} {sign}", lambda c, get=get, test=test: test(get(c), 0)
        for form, function in ((name, lambda a: a), (f"|{name}|", np.abs)):
            limits = [_limit(function(get(case)), case)]
            if limits[0] is not None:
                limit, above = limits[0]
                yield (f"where {form} {'>' if above else '<'} {limit:.2g} or so",
                       lambda c, get=get, function=function, limit=limit, above=above: _beyond(function(get(c)), c, limit, above))
        for axis in range(case.x.ndim):
            if case.n.shape[axis] > 2 and case.n.shape[axis] == case.x.shape[axis]:
                for word, extreme in (("largest", np.max), ("smallest", np.min)):
                    yield (f"at the {word} {name} along axis {axis}",
                           lambda c, get=get, axis=axis, extreme=extreme: get(c) == extreme(get(c), axis=axis, keepdims=True))
                    yield (f"at all but the {word} {name} along axis {axis}",
                           lambda c, get=get, axis=axis, extreme=extreme: get(c) != extreme(get(c), axis=axis, keepdims=True))
    for axis in range(case.x.ndim):
        sides = np.moveaxis(np.indices(case.n.shape), 0, 0)[axis] if case.n.ndim else None
        last = case.n.shape[axis] - 1
        if last < 1:
            continue
        kind = {(2, 0): "row", (2, 1): "column"}.get((case.x.ndim, axis), f"index of axis {axis}")
        yield f"in the last {kind}", lambda c, sides=sides, last=last: sides == last
        yield f"in the first {kind}", lambda c, sides=sides: sides == 0
        if last > 1:
            yield f"in all but the last {kind}", lambda c, sides=sides, last=last: sides != last
            yield f"in all but the first {kind}", lambda c, sides=sides: sides != 0
            yield f"at the first and the last {kind} (the border)", lambda c, sides=sides, last=last: (sides == 0) | (sides == last)
            yield f"at every second {kind}", lambda c, sides=sides: sides % 2 == 1
            yield f"at every second {kind}, from the first", lambda c, sides=sides: sides % 2 == 0
    yield ("for entries that are used more than once (an index that repeats, windows that overlap): = where += is due "
           "(np.add.at), the sum over their uses", _reused)
    if case.x.ndim >= 2:
        i, j = np.ix_(*case.lattice[-2:])
        shape = case.n.shape
        for words, mask in (("on the diagonal", i == j), ("off the diagonal", i != j), ("above the diagonal", i < j),
                            ("below the diagonal", i > j)):
            yield words, lambda c, mask=mask: np.broadcast_to(mask, shape)
        single = case.wrong.sum(axis=-1)
        if min(case.n.shape[-1], single.size) > 2 and (single == 1).all():
            yield "in one entry of each row (the label's, or the index's)", lambda c, mask=case.wrong: mask
        single = (case.telling & ~case.wrong).sum(axis=-1)
        if min(case.n.shape[-1], single.size) > 2 and (single == 1).all():
            yield "in all but one entry of each row (the label's, or the index's, is right)", lambda c, mask=case.wrong: mask


def _limit(values, case):
    """(t, True) if exactly the entries above t are wrong, (t, False) if those below; None without such a t."""
    wrong, right = values[case.wrong], values[case.telling & ~case.wrong]
    if min(len(wrong), len(right)) < 2:
        return None
    if right.max() < wrong.min():
        return (right.max() + wrong.min()) / 2, True
    if wrong.max() < right.min():
        return (wrong.max() + right.min()) / 2, False
    return None


def _beyond(values, case, limit, above):
    """The entries beyond a limit, if one near ``limit`` tells wrong from right in this case too."""
    found = _limit(values, case)
    if found is None or found[1] != above or abs(found[0] - limit) > 0.3 * abs(limit):
        return ~case.wrong
    return values > found[0] if above else values < found[0]


def _reused(case):
    """Entries to which more outputs respond than to others."""
    used = (case.J != 0).sum(axis=1).reshape(case.n.shape)
    return used > used[used > 0].min(initial=used.max())


def _missing_factor(case):
    """claim * F = right, or claim = right * F, for a known array F."""
    for name, _ in case.arrays():
        for form, function in ((name, lambda a: a), (f"(1 - {name})", lambda a: 1 - a), (f"(1 - {name}²)", lambda a: 1 - a**2),
                               (f"sign({name})", np.sign), (f"{name}²", np.square)):
            def factor(c, name=name, function=function):
                return function(dict(c.arrays())[name].astype(float))
            if not np.isfinite(factor(case)).all() or _constant(factor(case)):
                continue
            yield f"lacks the factor {form}", lambda c, factor=factor: c.n.any() and c.fits(c.g * factor(c))
            yield f"has the factor {form} once too often", lambda c, factor=factor: c.n.any() and _same_to(c, c.g_, c.n * c.at(factor(c)))
            if form == name:
                yield (f"is multiplied by {form} where it should be divided",
                       lambda c, factor=factor: c.n.any() and _same_to(c, c.g_, c.n * c.at(factor(c))**2))
                yield (f"is divided by {form} where it should be multiplied",
                       lambda c, factor=factor: c.n.any() and c.fits(c.g * factor(c)**2))


def _constant(array):
    return array.size < 2 or np.ptp(array) < 1e-6 * np.abs(array).max()


def _same_to(case, claimed, predicted):
    """Whether the claim equals a prediction to 1e-5 of its largest entry, or a thousandth of what is wrong."""
    scale = np.abs(claimed).max(initial=0)
    return bool((np.abs(claimed - predicted) <= 1e-6 * scale).all())


def _upstream(case):
    """The claim is right for a dout that is rearranged, or the Jacobian stands where its transpose is due."""
    dout = case.upstream()
    if case.x.size == case.dout.size and len(case.J) == case.x.size:
        yield ("uses the Jacobian where its transpose is due (row and column, input and output are exchanged)",
               lambda c: _same_to(c, c.g.ravel(), c.J.T @ c.dout))
    if dout is None:
        return
    forms = [(f"reversed along axis {axis}", lambda d, axis=axis: np.flip(d, axis)) for axis in range(dout.ndim) if dout.shape[axis] > 1]
    forms += [(f"shifted by one along axis {axis}", lambda d, axis=axis, s=s: np.roll(d, s, axis))
              for axis in range(dout.ndim) for s in (1, -1) if dout.shape[axis] > 2]
    forms += [(f"transposed (axes {a} and {b})", lambda d, a=a, b=b: d.swapaxes(a, b))
              for a, b in combinations(range(dout.ndim), 2) if dout.shape[a] == dout.shape[b]]
    if dout.ndim > 1:
        forms += [("reshaped in another order", lambda d: d.T.reshape(d.shape)), ("reshaped in another order", lambda d: d.reshape(d.shape[::-1]).T)]
    for words, form in forms:
        yield f"is right if dout were {words}", lambda c, form=form: c.fits(c.claim(form(c.upstream()).ravel()))


def _slices(case):
    """Only some rows of dout are used rightly: dout is fed slice by slice."""
    dout = case.upstream()
    if dout is None:
        return
    for axis in range(dout.ndim):
        side = dout.shape[axis]
        if not 1 < side <= 16:
            continue
        wrong = _wrong_slices(case, axis)
        zero = "is left out" if _wrong_slices(case, axis, zero=True) == wrong else "is used wrongly"
        kind = {(2, 0): "row", (2, 1): "column"}.get((dout.ndim, axis), f"index of axis {axis}")
        for chosen, words in (({side - 1}, f"the last {kind}"), ({0}, f"the first {kind}"),
                              (set(range(1, side)), f"all but the first {kind}"), (set(range(side - 1)), f"all but the last {kind}"),
                              (set(range(0, side, 2)), f"every second {kind}"), (set(range(1, side, 2)), f"every second {kind}")):
            if wrong == chosen and len(wrong) < side:
                yield (f"is wrong only in what comes from {words} of dout, which {zero}",
                       lambda c, axis=axis, chosen=chosen: _wrong_slices(c, axis) == chosen)


def _wrong_slices(case, axis, zero=False):
    found = set()
    for i in range(case.upstream().shape[axis]):
        part = np.zeros(case.out.shape)
        index = (*(slice(None),) * axis, i)
        part[index] = case.upstream()[index]
        claimed, (value, error) = case.at(case.claim(part.ravel())), case.numeric(part.ravel())
        scale = max(np.abs(value).max(initial=0), np.abs(claimed).max(initial=0))
        if (np.abs(claimed - value) > 3 * error + 1e-5 * scale).any() and not (zero and claimed.any()):
            found.add(i)
    return found


def _counterfactual(case):
    """The claim at other inputs is the right gradient at these: what is used is transposed, exchanged, negated."""
    def claim_at(c, changes):
        try:
            _, cache, out = c.layer.forward(c.point | changes)
            return c.layer.backward(c.layer.shaped(c.dout, out), cache)[1][c.path]
        except (ValueError, ArithmeticError):
            return np.zeros(0)

    for path, name in case.layer.names.items():
        array = case.point[path]
        for a, b in combinations(range(array.ndim), 2):
            if array.shape[a] == array.shape[b] > 1:
                yield (f"is right if {name} were transposed (axes {a} and {b})",
                       lambda c, path=path, a=a, b=b: c.fits(claim_at(c, {path: c.point[path].swapaxes(a, b).copy()})))
        yield f"is right if {name} had the opposite sign", lambda c, path=path: c.fits(claim_at(c, {path: -c.point[path]}))
        for other in case.layer.names:
            if other > path and case.point[other].shape == array.shape:
                yield (f"is right if {name} and {case.layer.names[other]} were exchanged: it uses one for the other",
                       lambda c, path=path, other=other: c.fits(claim_at(c, {path: c.point[other].copy(), other: c.point[path].copy()})))
        if isinstance(case.out, np.ndarray) and case.out.shape == array.shape:
            yield (f"is right if {name} were the output: backward uses {name} where the output is due",
                   lambda c, path=path: c.fits(claim_at(c, {path: np.array(c.out, float)})))


def _missing_term(case):
    """right - claim = c * dout * (a known array), with one number c."""
    if case.upstream() is None or not _broadcasts(case.upstream().shape, case.x.shape):
        return
    forms = [("dout itself (a skip path, or a + of the product rule)", lambda c: 1.0)]
    forms += [(f"dout * {name}", lambda c, name=name: dict(c.arrays())[name]) for name, _ in case.arrays()]
    forms += [(f"dout * {name}²", lambda c, name=name: dict(c.arrays())[name]**2) for name, _ in case.arrays()]
    names = [name for name, _ in case.arrays()]
    forms += [(f"dout * {a} * {b}", lambda c, a=a, b=b: dict(c.arrays())[a] * dict(c.arrays())[b]) for a, b in combinations(names, 2)]
    for words, form in forms:
        def term(c, form=form):
            return c.at(c.upstream() * form(c))
        f = _ratio(case.r, term(case))
        if abs(f) < 1e-9 or case.n.size < 4:
            continue
        amount = "" if abs(f - 1) < 1e-6 else f"{f:.4g} times "
        verb = "lacks" if f > 0 else "has, too much,"
        yield f"{verb} {amount.replace('-', '')}{words}", lambda c, term=term, f=f: c.near(c.r - f * term(c))


def _spans(case):
    """right - claim is, along some axes, in the span of a constant, the input, the output: what a mean or a norm would add."""
    arrays = {"1": lambda c: np.ones(c.x.shape), "x": lambda c: c.x}
    if isinstance(case.out, np.ndarray) and case.out.shape == case.x.shape:
        arrays["out"] = lambda c: c.out
    if case.upstream() is not None and case.upstream().shape == case.x.shape:
        arrays["dout"] = lambda c: c.upstream()
    arrays["claim"] = lambda c: c.g
    sense = {
        ("1",): "differs from the right one by a term that is constant along {}: the part of a mean or a sum is missing or wrong",
        ("x",): "differs from the right one by a term proportional to the input along {}: the part of a norm (a sum of squares), "
                "taken as constant or wrong",
        ("out",): "differs from the right one by a term proportional to the output along {}: the part of a normalising sum "
                  "(as in softmax) or norm, missing or wrong",
        ("dout",): "differs from the right one by a multiple of dout along {}: a path (a skip), missing or with a wrong factor",
        ("claim",): "is right up to a factor that is constant along {}: a scale (a norm, a standard deviation, a sum) is missing or wrong",
        ("1", "x"): "differs from the right one by c + d x along {}: the part of a variance (and mean) is missing or wrong",
        ("1", "claim"): "is right up to a factor and a constant along {}: mean and scale are wrong",
        ("x", "claim"): "is right up to a factor and a multiple of the input along {}: a norm's part and scale are wrong",
        ("1", "out"): "differs from the right one by c + d out along {}: the part of a mean and of a variance or sum is missing or wrong",
    }
    axes_sets = [axes for k in range(case.x.ndim, 0, -1) for axes in combinations(range(case.x.ndim), k)]
    for basis, words in sense.items():
        if set(basis) <= arrays.keys():
            for axes in axes_sets:
                text = "axis " + " and ".join(map(str, axes)) if len(axes) < case.x.ndim or len(axes) == 1 else "all axes"
                yield words.format(text), lambda c, basis=basis, axes=axes: _spanned(c, [arrays[name](c) for name in basis], axes)
    for name in ("1", "x", "out"):
        if name in arrays and case.n.ndim == 2 and min(case.n.shape) > 2:
            yield ("differs from the right one by " + {"1": "", "x": "the input times ", "out": "the output times "}[name] +
                   "a term of the row plus one of the column: a sum or a mean is taken over the wrong axis",
                   lambda c, name=name: _two_way(c, arrays[name](c)))


def _spanned(case, basis, axes):
    """Whether the residual is, for each index of the other axes, a combination of the basis along ``axes``."""
    n = int(np.prod([case.n.shape[a] for a in axes]))
    if n < len(basis) + 1 or case.n.size - (case.n.size // n) * len(basis) < 3:
        return False

    def rows(array):
        return np.moveaxis(array, axes, range(-len(axes), 0)).reshape(-1, n)

    r, tolerance = rows(case.r), rows(case.tolerance)
    A = np.stack([rows(case.at(array)) for array in basis], axis=-1)
    with np.errstate(all="ignore"):
        A = A / np.maximum(np.abs(A).max(axis=1, keepdims=True), 1e-300)
        fitted = (A @ (np.linalg.pinv(A) @ r[..., None]))[..., 0]
    return bool((np.abs(r - fitted) <= tolerance).all())


def _two_way(case, factor):
    """Whether residual = factor * (a[row] + b[column])."""
    factor = case.at(factor)
    m, n = factor.shape
    design = np.zeros((m, n, m + n))
    design[np.arange(m), :, np.arange(m)] = factor
    design[:, np.arange(n), m + np.arange(n)] = factor
    A, r = design.reshape(m * n, m + n), case.r.reshape(-1)
    fitted = A @ np.linalg.lstsq(A, r, rcond=None)[0]
    return case.near((r - fitted).reshape(m, n))


def _small(case):
    """A relative error that is small everywhere."""
    def relative(c):
        return (np.abs(c.r) / np.maximum(np.abs(c.n), 1e-3 * np.abs(c.n).max()))[c.telling].max(initial=0)

    size = relative(case)
    if 0 < size < 0.02:
        big = Case(case.layer, case.path, {path: 8 * x for path, x in case.point.items()}, case.dout)
        if not big.doubtful and relative(big) < size / 8:
            yield (f"is off by a small relative amount ({size:.0e}) that shrinks as the inputs grow: an eps is forgotten or misplaced",
                   lambda c: relative(c) < 0.05)
        yield f"is off by a small relative amount ({size:.0e}): an eps, or a constant that is rounded or wrong", lambda c: relative(c) < 0.05


def _switched_off(case):
    """The claim becomes right when another input is 1 or 0 everywhere: that input's part is wrong."""
    for path, name in case.layer.names.items():
        for value in (1.0, 0.0):
            if path == case.path or not case.point[path].size or (case.point[path] == value).all():
                continue
            point = case.point | {path: np.full_like(case.point[path], value)}
            try:
                other = Case(case.layer, case.path, point, case.dout)
            except (ValueError, ArithmeticError):
                continue
            scale = np.abs(other.n).max(initial=0)
            if scale > 1e-9 * np.abs(case.n).max(initial=0) and (np.abs(other.r) <= 3 * other.error + 1e-6 * scale).all():
                yield (f"becomes right when {name} is {value:.0f} everywhere: " +
                       ("its factor" if value else "the part that goes through it") + " is forgotten or wrong", lambda c: True)


def explain_shape(layer, error, douts):
    """A gradient of the wrong shape, with the reason if a sum, a transpose or another input's gradient explains it."""
    path, x = error.path, layer.point[error.path]
    flat, cache, out = layer.forward(layer.copy())
    gradients = layer.backward(layer.shaped(douts[0], out), cache)[1]
    g = gradients[path]
    lattice, J, E, _ = _jacobian(layer, path, layer.copy(), len(flat))
    n = (J @ douts[0]).reshape([len(index) for index in lattice])
    allowed = (E @ np.abs(douts[0])).max(initial=0) * 3 + 1e-5 * np.abs(n).max(initial=0)

    def fits(candidate):
        return candidate.shape == x.shape and x.size > 0 and \
            bool((np.abs((candidate[np.ix_(*lattice)] if x.ndim else candidate) - n) <= allowed).all())

    words = ""
    if any(fits(np.transpose(g, axes)) for axes in _orders(g.ndim)):
        words = "it is transposed"
    elif g.size == x.size and fits(g.reshape(x.shape)):
        words = "the numbers are right: reshape it to the input's shape (keepdims, or an axis of length 1)"
    elif axes := next((axes for k in range(1, g.ndim + 1) for axes in combinations(range(g.ndim), k)
                       if fits(g.sum(axis=axes)) or g.sum(axis=axes, keepdims=True).shape == x.shape and fits(g.sum(axis=axes, keepdims=True))), None):
        words = f"it is not summed over axis {' and '.join(map(str, axes))}, along which the input was broadcast"
    elif other := next((name for p, name in layer.names.items() if p != path and g.shape == layer.point[p].shape and
                        gradients[p].shape == x.shape and fits(gradients[p])), None):
        words = f"it is that of {other}: the order of the gradients is swapped"
    elif g.ndim < x.ndim and _broadcasts(g.shape, x.shape):
        words = "it is summed over an axis too many"
    elif g.shape == np.shape(out):
        words = "it has the shape of out: a sum over the axes that were broadcast, or a matrix product, is missing"
    return GradientError(f"{error}\n{words}" if words else str(error))


def _orders(ndim):
    return [(*range(a), b, *range(a + 1, b), a, *range(b + 1, ndim)) for a, b in combinations(range(ndim), 2)] + [tuple(range(ndim))[::-1]]
