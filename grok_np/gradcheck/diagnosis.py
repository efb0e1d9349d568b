"""Named mistakes: what turns the backward's claim into the right gradient, or where exactly it is wrong.

Each hypothesis below looks at one `Case` and yields names that hold there. A name is given only if the same words,
numbers included, hold in three cases: for two upstream gradients at the user's point, and at a second point nearby; a
fit must leave at least three equations unused. What is not confirmed is not said: then the message has the worst entry
alone.

Read next: `repair`, which looks for the line.
"""

import contextlib
import copy
import functools
import math
from itertools import combinations

import numpy as np

from grok_np.gradcheck.calls import REFUSALS, flat, leaves, nearby, stream
from grok_np.gradcheck.differences import Differences, norm
from grok_np.gradcheck.repair import repair

ENTRIES = 400  # of an input are moved one by one, fewer in large layers, on a lattice that keeps rows and columns


class Case:
    """One input ``x`` at one point and one dout.

    ``g`` is the claimed gradient in full; on a ``lattice`` of entries ``claim`` is that, ``n`` the slope, ``r = n -
    claim`` what is missing, ``J`` the slopes of all outputs, ``wrong`` marks wrong entries and ``telling`` those that
    are not 0 on both sides.
    """

    def __init__(self, layer, path, point, dout, jacobian=None, entry=0):
        self.layer, self.path, self.point, self.dout, self.x = layer, path, point, dout, point[path]
        _, self.cache, self.out = layer.forward(point)
        self.shape = self.out.shape if isinstance(self.out, np.ndarray) else (len(dout),)
        self.jacobian = jacobian or _jacobian(layer, path, point, len(dout), entry)
        self.lattice, self.J, doubt, rounding = self.jacobian
        shape = [len(index) for index in self.lattice]
        self.n = (self.J @ dout).reshape(shape)
        self.error = (doubt @ np.abs(dout) + [norm(row * dout) for row in rounding]).reshape(shape)

    def judge(self):
        """Compare with the claim; whether the difference stands out from the error."""
        self.g = self.claimed(self.point)
        self.claim = self.at(self.g)
        self.r = self.n - self.claim
        larger = np.maximum(np.abs(self.n), np.abs(self.claim))
        self.tolerance = 3 * self.error + min(1e-5 * larger.max(), 1e-3 * np.abs(self.r).max()) + 1e-300
        self.wrong = np.abs(self.r) > 3 * self.error + 1e-6 * larger
        self.telling = larger > 1e-7 * larger.max()
        return bool(np.isfinite(self.r).all() and self.error.max() <= 0.03 * np.abs(self.r).max())

    def claimed(self, point):
        """The backward's gradient, at this point or at another."""
        _, cache, out = (None, self.cache, self.out) if point is self.point else self.layer.forward(point)
        return self.layer.backward(self.layer.shaped(self.dout, out), cache)[1][self.path]

    def at(self, array):
        """The lattice's part of an array that broadcasts to the input."""
        return np.broadcast_to(array, self.x.shape)[np.ix_(*self.lattice)]

    def fits(self, right):
        """Whether a full array is the right gradient."""
        return np.shape(right) == self.x.shape and bool((np.abs(self.at(right) - self.n) <= self.tolerance).all())

    @functools.cached_property
    def sample(self):
        """(direction, slope along it, error): all entries moved at random, for what the lattice may miss."""
        differences, rng = Differences(self.layer, self.point), stream(7)
        direction = differences.direction(self.path, np.arange(self.x.size), rng.normal(size=self.x.size))
        value, error, low, high = differences.climb(direction).along(self.dout)
        return direction[0][2], value, error + high - low

    @property
    def upstream(self):
        """dout in the shape of a single array of outputs."""
        return self.dout.reshape(self.shape)

    @property
    def known(self):
        """{name: array} of what broadcasts to the input: itself, other inputs, masks, the output."""
        arrays = {self.layer.names.get(path, f"input {path[0]}"): self.point.get(path, leaf)
                  for path, leaf in leaves(self.layer.inputs)} | {"out": self.out}
        return {name: array for name, array in arrays.items()
                if isinstance(array, np.ndarray) and array.size > 1 and _broadcasts(array.shape, self.x.shape)}


def _broadcasts(shape, to):
    return len(shape) <= len(to) and all(a in (1, b) for a, b in zip(shape[::-1], to[::-1], strict=False))


def _jacobian(layer, path, point, n_out, entry):
    """(lattice, slopes, errors, roundings) of every output along each entry of a lattice, which holds the one given."""
    shape = point[path].shape
    work = n_out + sum(x.size for x in point.values())
    keep, budget = list(shape), max(24, min(ENTRIES, 2_000_000 // work, 4_000_000 // max(n_out, 1)))
    while np.prod(keep) > budget:
        keep[int(np.argmax(keep))] -= 1
    lattice = [np.union1d(np.linspace(0, side - 1, n).round().astype(int), i).astype(int)
               for side, n, i in zip(shape, keep, np.unravel_index(entry, shape), strict=True)]
    entries = np.ravel_multi_index(np.meshgrid(*lattice, indexing="ij"), shape).ravel() if shape else np.zeros(1, int)
    differences, rows = Differences(layer, point), []
    for entry in entries:
        direction = differences.direction(path, np.array([entry]), np.ones(1))
        slope = differences.slope(direction)
        if slope.doubt.sum() > 1e-7 * np.abs(slope.value).sum():
            slope = differences.climb(direction)
        parts = slope.value, slope.error + slope.high - slope.low, slope.rounding
        rows.append([part / direction[0][2][0] for part in parts])
    return lattice, *(np.array(part).reshape(len(entries), n_out) for part in zip(*rows, strict=True))


def _cases(layer, path, douts, entry=0):
    first = Case(layer, path, layer.point, douts[0], None, entry)
    cases = [first, Case(layer, path, layer.point, douts[1], first.jacobian)]
    with contextlib.suppress(*REFUSALS):
        cases.append(Case(layer, path, nearby(layer.point, 0.3, stream(6)), douts[0], None, entry))
    return [case for case in cases if np.isfinite(case.n).all()]


def explain(layer, douts, wrong):
    """The message for inputs with a wrong entry (``{path: (flat index, kink)}``): a name and a line, if confirmed."""
    every = {path: _cases(layer, path, douts, entry) for path, (entry, _) in list(wrong.items())[:3]}
    clear = [path for path, cases in every.items() if min(case.judge() for case in cases)]
    right = [path for path, x in layer.point.items() if path not in wrong and x.size]
    fix = _repaired(layer, {path: every[path] for path in clear}, right) if clear else None
    path, name = next(((one, name) for one in clear if (name := _named(every[one]))), (next(iter(wrong)), None))
    entry, kink = wrong[path]
    if not name:
        at_kink = f"is outside of the one-sided slopes at a kink (an entry {layer.point[path].flat[entry]:.3g})"
        name = at_kink if kink else "is wrong"
    also = ", ".join(layer.names[other] for other in wrong if other != path)
    good = ", ".join(layer.names[other] for other in right)
    others = "; ".join(word + found for word, found in (("also wrong: ", also), ("right: ", good)) if found)
    lines = [f"gradient of {layer.names[path]} {name}", fix, _worst(every[path][0], entry), others]
    return "\n".join(line for line in lines if line)


def _worst(case, entry):
    """Both numbers at the worst entry of the lattice; or at ``entry``, where the lattice has none."""
    if not case.wrong.any():
        index = np.unravel_index(entry, case.x.shape)
        return f"at {[int(i) for i in index]} backward says {case.g[index]:.5g}"
    index = np.unravel_index(np.argmax(np.where(case.wrong, np.abs(case.r), -1)), case.r.shape)
    where = [int(axis[i]) for axis, i in zip(case.lattice, index, strict=True)]
    digits = 5 if abs(case.r[index]) > 1e-3 * abs(case.n[index]) else 10
    return (f"at {where} backward says {case.claim[index]:.{digits}g}, differences say {case.n[index]:.{digits}g}; "
            f"wrong are {(case.wrong & case.telling).sum()} of {case.telling.sum()} entries that are not 0")


def _repaired(layer, every, right=()):
    """The change in backward's source that makes the gradients right in every case, and leaves those that are."""
    before = {id(case): layer.backward(layer.shaped(case.dout, case.out), layer.forward(case.point)[1])[1]
              for cases in every.values() for case in cases if right}  # a backward that fails has none that are right

    @np.errstate(over="ignore")  # of what is off by more than float64 holds, beside a gradient of rounding
    def residual(backward):
        changed = copy.copy(layer)
        changed.user_backward, differences = backward, []
        for path, cases in every.items():
            for case in cases:
                dout = layer.shaped(case.dout, case.out)
                raw, gradients = changed.backward(dout, layer.forward(case.point)[1])
                fit = all(raw[other].shape == x.shape and raw[other].dtype == float for other, x in case.point.items())
                if not (fit and np.array_equal(flat(dout), case.dout)):
                    raise ValueError
                largest = np.abs(case.n).max(initial=0)
                allowed = 3 * case.error + 1e-6 * largest + 1e-300
                differences.append(((case.at(gradients[path]) - case.n) / allowed).ravel())
                for other in right:
                    as_it_was = before[id(case)][other]
                    allowed = 1e-6 * np.abs(as_it_was).max() + 1e-300
                    differences.append(((gradients[other] - as_it_was) / allowed).ravel())
                if case.x.size > case.n.size:  # a random direction has all entries, also those off the lattice
                    direction, value, error = case.sample
                    allowed = 3 * error + 1e-6 * norm(largest * direction)
                    differences.append([(gradients[path].ravel() @ direction - value) / allowed])
        return np.concatenate(differences)

    return repair(layer.user_backward, residual)


def explain_failure(layer, douts, start, path=None, gradients=None):
    """A backward that fails or returns another shape: the reason, if a sum, a transpose or a change of its source
    repairs it."""
    every = {one: _cases(layer, one, douts) for one in layer.point if layer.point[one].size}
    words = _misshapen(every[path][0], gradients) if every.get(path) else None
    lines = [start, words, _repaired(layer, every) if every and all(every.values()) else None]
    return "\n".join(line for line in lines if line)


def _misshapen(case, gradients):
    case.tolerance = 3 * case.error + 1e-5 * np.abs(case.n).max(initial=0)
    g, out = gradients[case.path], case.shape
    if any(case.fits(changed) for changed in (g.T, g.swapaxes(-1, -2) if g.ndim > 1 else g)):
        return "it is transposed"
    if g.size == case.x.size and case.fits(g.reshape(case.x.shape)):
        return "the numbers are right: reshape it to the input's shape (an axis of length 1, keepdims)"
    for axes in _sets_of_axes(g.ndim):
        if case.fits(g.sum(axis=axes)) or case.fits(g.sum(axis=axes, keepdims=True)):
            return f"it is not summed over {_axes(axes)}, along which the input was broadcast"
    for path, other in gradients.items():
        if case.fits(other):
            return f"its numbers stand in the place of {case.layer.names[path]}: the order of the gradients is swapped"
    for axis in range(len(out)):
        if out[:axis] + out[axis + 1:] == g.shape:
            return f"that is the shape of out summed over axis {axis}: another axis is due"
    return "that is the shape of out: a sum over broadcast axes, or a product, is missing" if g.shape == out else None


def _sets_of_axes(ndim):
    return [axes for k in range(1, ndim + 1) for axes in combinations(range(ndim), k)]


def _axes(axes):
    return "axis " + " and ".join(map(str, axes))


def _named(cases):
    """The first name that holds in every case."""
    for hypothesis in HYPOTHESES:
        first, *others = [dict(_holding(hypothesis, case)) for case in cases]
        for words, note in first.items():
            if all(words in other for other in others):
                return words + note
    return None


def _holding(hypothesis, case):
    """(words, note) of the names that hold; a hypothesis gives the right gradient that it predicts, or a truth
    value."""
    for words, right, *note in hypothesis(case):
        if right if isinstance(right, bool | np.bool_) else case.fits(right):
            yield words, "".join(note)


def _zero(case):
    yield "is 0 everywhere: it is not computed, or overwritten", not case.g.any()
    yield ("should be 0: the forward's output does not depend on this input; is it used, or overwritten?",
           not case.J.any())


def _ratio(claim, right):
    """f with claim = f right in the sense of least squares; nan if there is none."""
    largest = np.abs(right).max(initial=0) or 1.0
    f = float((claim / largest * (right / largest)).sum() / max(((right / largest)**2).sum(), 1e-300))
    return f if 1e-9 < abs(f) < 1e12 else np.nan


def _factor(case):
    f = _ratio(case.claim, case.n)
    yield _factor_words(f, case), case.g / f


def _factor_words(f, case):
    """Words for claim = f right."""
    a, sign, meaning = abs(f), "opposite in sign and " if f < 0 else "", _size_words(abs(f), case)
    if abs(a - 1) < 1e-6:
        return "has the opposite sign"
    if min(abs(a - 2), abs(a - 0.5)) < 1e-6:
        return f"is {sign}exactly {'twice' if a > 1 else 'half of'} what it should be" + meaning
    if abs(a - 1) < 0.02:
        return f"is {sign}off by the constant factor {a:.8g}: a rounded or wrong constant"
    if meaning:
        meaning += (": a scale is forgotten or applied twice" if "root" in meaning else
                    ": a mean where a sum is due, or the reverse")
    return f"is {sign}{max(a, 1 / a):.6g} times too {'large' if a > 1 else 'small'}, the same everywhere" + meaning


def _size_words(a, case):
    """Of which axis a factor is the size, its root, or one over it; "" if of none."""
    shapes = [("out", case.shape), *[(case.layer.names[path], x.shape) for path, x in case.point.items()][::-1]]
    sizes = {}
    for name, shape in shapes:
        for axes in _sets_of_axes(len(shape))[::-1]:
            side = int(np.prod([shape[axis] for axis in axes]))
            sizes[side] = f"{side} is the size of {_axes(axes)} of {name}" + (", the batch?" if axes == (0,) else "")
    for n, what in sorted(sizes.items()):
        for power, text in ((1, what), (-1, what), (0.5, f"the root; {what}"), (-0.5, f"the root; {what}")):
            if n > 1 and abs(a / n**power - 1) < 1e-6:
                return f" ({text})"
    return ""


def _rearranged(case):
    g, layer = case.g, case.layer
    yield ("is dout itself, passed on unchanged",
           g.shape == case.upstream.shape and np.allclose(g, case.upstream, rtol=1e-12, atol=0))
    for path, other in layer.backward(layer.shaped(case.dout, case.out), case.cache)[1].items():
        if path != case.path:
            yield f"is that of {layer.names[path]}: the order of the gradients is swapped", other
    for a, b in combinations(range(g.ndim), 2):
        if g.shape[a] == g.shape[b] > 1:
            yield f"is transposed (axes {a} and {b} exchanged)", g.swapaxes(a, b)
    for axis, side in enumerate(g.shape):
        if side > 1:
            yield f"is flipped (reversed) along axis {axis}", np.flip(g, axis)
        for shift in (1, -1):
            inside = np.ones(g.shape, bool)
            inside.swapaxes(0, axis)[-1 if shift < 0 else 0] = False  # whatever stands at the border
            inside, off = case.at(inside), case.at(np.roll(g, shift, axis)) - case.n
            yield (f"is shifted by one along axis {axis}",
                   bool((np.abs(off) <= case.tolerance)[inside].all() and case.n[inside].any()))
    if case.n.size == g.size > 3:
        far = np.abs(np.sort(g, axis=None) - np.sort(case.n, axis=None)).max()
        yield ("has the right numbers in the wrong places: a reshape for a transpose, other axes, or an index",
               bool(far <= case.tolerance.max()))
        far = np.abs(case.n.ravel()[:, None] - case.dout).min(axis=1).max()
        yield ("consists of numbers of dout, as it should, but of the wrong ones: slices, indices or axes are mixed up",
               bool(np.isin(g, case.dout).all() and far <= case.tolerance.max()))


def _somewhere(case):
    """Exactly the entries at one kind of place are wrong."""
    wrong = case.wrong & case.telling
    if case.telling.sum() < 4 or wrong.sum() == case.telling.sum():
        return
    f, there = _ratio(case.claim[wrong], case.n[wrong]), ""
    if not case.claim[wrong].any():
        there = ", where it is 0"
    elif (np.abs(case.n) <= case.tolerance)[wrong].all():
        there = ", where it should be 0"
    elif wrong.sum() > 1 and (np.abs(case.claim / f - case.n) <= case.tolerance)[wrong].all():
        there = f", where it {_factor_words(f, case)}"
    for words, chosen, *note in _places(case):
        if np.array_equal(chosen & case.telling, wrong):
            yield f"is wrong exactly {words}", True, *note, there


def _places(case):
    """(words, mask of the lattice, a limit that need not be the same in all cases)."""
    chance = math.comb(int(case.telling.sum()), int((case.wrong & case.telling).sum()))
    for name, array in case.known.items() if chance > 60 else ():  # among so few entries some condition always fits
        values = case.at(array if array.dtype.kind == "b" else array.astype(float))
        if array.dtype.kind == "b":
            yield f"where {name} is True", values
            yield f"where {name} is False", ~values
            continue
        for sign, test in {"< 0": np.less, "> 0": np.greater, "== 0": np.equal, "<= 0": np.less_equal}.items():
            yield f"where {name} {sign}", test(values, 0)
        for form, changed in ((name, values), (f"-{name}", -values), (f"|{name}|", np.abs(values))):
            limit = changed.max(where=case.telling & ~case.wrong, initial=-np.inf)
            yield f"where {form} is large", changed > limit, f" (above {limit:.2g} or a little more)"
    for axis, side in enumerate(case.n.shape):
        i = np.indices(case.n.shape)[axis]
        kind = {(2, 0): "row", (2, 1): "column"}.get((case.n.ndim, axis), f"index of axis {axis}")
        yield f"in the last {kind}", i == side - 1
        yield f"in the first {kind}", i == 0
    used = (case.J != 0).sum(axis=1).reshape(case.n.shape)
    yield ("for entries that more outputs depend on: not summed over all uses (repeats, overlaps; = for +=)",
           used > used.min(where=used > 0, initial=used.max()))
    if case.n.ndim > 1:
        i, j = np.indices(case.n.shape)[-2:]
        yield "on the diagonal", i == j
        yield "above the diagonal", i < j
        yield "below the diagonal", i > j
        if case.n.shape[-1] > 2 and case.n[..., 0].size > 2 and (case.wrong.sum(axis=-1) == 1).all():
            yield "in one entry of each row: the label's or index's", case.wrong


def _missing_factor(case):
    """claim * F = right or claim = right * F for a known F."""
    for name, array in case.known.items():
        for form, F in ((name, array), (f"(1 - {name})", 1 - array)) if array.dtype.kind != "b" else ():
            if np.ptp(F) > 1e-6 * np.abs(F).max():
                yield f"lacks the factor {form}", case.g * F
                yield f"has the factor {form} too often (or is divided by it)", _equal(case.claim, case.n * case.at(F))


def _equal(claim, predicted):
    return bool(claim.any() and (np.abs(claim - predicted) <= 1e-6 * np.abs(claim).max()).all())


def _close(case):
    size = (np.abs(case.r) / np.maximum(np.abs(case.n), 1e-2 * np.abs(case.n).max()))[case.telling].max(initial=0)
    yield ("is off by a small relative amount: an eps is forgotten or misplaced, or a constant rounded",
           0 < size < 5e-3, f" ({size:.0e})")


def _counterfactual(case):
    """The Jacobian stands where its transpose is due; or the claim at other inputs is the right gradient at these."""
    if case.x.size == case.dout.size == len(case.J):
        yield ("uses the Jacobian where its transpose is due: rows and columns, or input and output, are exchanged",
               _equal(case.g.ravel(), case.J.T @ case.dout))
    for path, x in case.point.items():
        changes = {"had the opposite sign (a minus, or a comparison the wrong way)": -x}
        if isinstance(case.out, np.ndarray) and case.shape == x.shape:
            changes["were the output: one is used for the other"] = np.array(case.out, float)
        for words, changed in changes.items():
            with contextlib.suppress(*REFUSALS):
                yield f"is right if {case.layer.names[path]} {words}", case.claimed(case.point | {path: changed})


SPANS = {
    ("1",): "differs by a term that is constant along {}: the part of a mean or a sum is missing or wrong",
    ("x",): "differs by a term proportional to the input along {}: the part of a norm, taken as constant or wrong",
    ("out",): "differs by a term proportional to the output along {}: a sum (softmax) or norm is missing or wrong",
    ("dout",): "differs by a multiple of dout along {}: a path (a skip), missing or with a wrong factor",
    ("claim",): "is right up to a factor that is constant along {}: a scale (norm, deviation, sum) is missing or wrong",
    ("1", "x"): "differs by c + d x along {}: the part of a variance (or of mean and norm) is missing or wrong",
    ("x", "claim"): "is right up to a factor and a multiple of the input along {}: norm and scale are wrong",
}


def _spans(case):
    """right - claim is, along some axes, a combination of a constant, the input, the output, dout, the claim itself."""
    known = {"1": np.ones(case.x.shape), "x": case.x, "claim": case.g, "dout": case.upstream, "out": case.out}
    for names, words in SPANS.items():
        arrays = [known[name] for name in names]
        if all(isinstance(array, np.ndarray) and array.shape == case.x.shape for array in arrays):
            for axes in sorted(_sets_of_axes(case.x.ndim), key=len, reverse=True):
                yield words.format(_axes(axes)), _spanned(case, arrays, axes)


def _spanned(case, basis, axes):
    n, k = int(np.prod([case.n.shape[a] for a in axes])), len(basis)
    if n <= k or case.n.size - case.n.size // n * k < 3:
        return False

    def rows(array):
        return np.moveaxis(array, axes, range(-len(axes), 0)).reshape(-1, n)

    A, r = np.stack([rows(case.at(array)) for array in basis], axis=-1), rows(case.r)
    A = A / np.maximum(np.abs(A).max(axis=1, keepdims=True), 1e-300)
    return bool((np.abs(r - (A @ (np.linalg.pinv(A) @ r[..., None]))[..., 0]) <= rows(case.tolerance)).all())


HYPOTHESES = (_zero, _factor, _rearranged, _somewhere, _missing_factor, _close, _counterfactual, _spans)
