"""`check`: is a hand-written backward the gradient of its forward? If not, what is the mistake?

First the `contract`, a dozen calls; then every entry is moved and `differences` are compared with the backward; where they
disagree, `diagnosis` tries named mistakes, each confirmed by recomputing.

Read next: `differences`.
"""

from dataclasses import dataclass

import numpy as np

from grok_np.errors import require, require_choice, require_integer, require_number
from grok_np.gradcheck import contract, diagnosis
from grok_np.gradcheck.calls import GradientError, Layer, stream
from grok_np.gradcheck.differences import Differences

MOVES = 160  # per input; an input of more entries is moved in groups, and only a group that disagrees entry by entry
DIRECTIONS = 3  # per input at level "quick"


@dataclass(frozen=True)
class Compared:
    """One input: ``worst`` and ``hidden`` relative to its largest gradient; ``nothing`` says why nothing was checked."""

    name: str
    entries: int
    how: str
    worst: float
    hidden: float
    nothing: str = ""

    def __str__(self):
        if self.nothing:
            return f"{self.name}: nothing checked, {self.nothing}"
        return f"{self.name}: {self.how}, off by {self.worst:.0e} at most; a single entry wrong by less than " \
               f"{self.hidden:.0e} would not be seen (both relative to its largest gradient)"


@dataclass(frozen=True)
class Report:
    """What was checked, and how precisely; printed, one line for each input.

    Attributes
    ----------
    inputs : tuple of Compared
        One for each differentiated input.
    worst : float
        The largest difference found, relative to its input's largest gradient; nan if nothing at all could be checked.
    complete : bool
        Whether every input was checked; False if a gradient is below the noise, or there is nothing to differentiate.
    """

    inputs: tuple

    @property
    def worst(self):
        return max((one.worst for one in self.inputs if not one.nothing), default=float("nan"))

    @property
    def complete(self):
        return not any(one.nothing for one in self.inputs)

    def __str__(self):
        return "\n".join(map(str, self.inputs))


def check(forward, backward, inputs, *, level="full", rtol=1e-6, seed=0):
    """Compare a backward with differences of its forward, and raise an error that names the mistake.

    Parameters
    ----------
    forward, backward : callable
        ``forward(*inputs) -> (out, cache)`` and ``backward(dout, cache)``, which returns one gradient per input, in
        order (a bare array will do for one input). With a dict of inputs, ``forward(**inputs)`` and a dict by name.
        ``out`` may be a tuple of arrays; then so is ``dout``. For a class that keeps its cache see `methods`.
    inputs : array, sequence or dict, which may be nested
        Where to differentiate; left unchanged. Integers, masks and options are passed on and need no gradient. float32
        arrays are checked in float64; then the float32 gradient is compared with that.
    level : "full" or "quick"
        Move every entry (an input of more than 160 in random groups of entries of like gradient, and a group that disagrees
        entry by entry), or move all entries of an input at once, in three random directions: for whole networks.
    rtol : float
        Allowed relative difference of a gradient, beside the measured error of the differences themselves.
    seed : int
        Picks other upstream gradients and directions. They are random, from streams that are the kit's own.

    Returns
    -------
    Report
        What was checked and how precisely; ``report.worst`` is the largest relative difference.

    Raises
    ------
    GradientError
        With a diagnosis, if the layer is wrong.
    TypeError, ValueError
        If an argument is.

    Examples
    --------
    >>> def forward(x):
    ...     return x**3, x
    >>> check(forward, lambda dout, x: 3 * x**2 * dout, [np.array([1.0, 2.0])]).worst < 1e-9
    True
    >>> check(forward, lambda dout, x: -3 * x**2 * dout, [np.array([1.0, 2.0])])
    Traceback (most recent call last):
    grok_np.gradcheck.calls.GradientError: gradient of input 0 (x) has the opposite sign
    ...
    """
    __tracebackhide__ = True
    require(callable(forward), "forward", forward, "callable")
    require(callable(backward), "backward", backward, "callable")
    require_choice(level, "level", ("full", "quick"))
    require_number(rtol, "rtol", "a positive finite number", lambda x: 0 < x < np.inf)
    layer = Layer(forward, backward, inputs)
    require(layer.point, "inputs", type(inputs).__name__, "or hold one or more arrays of floats")
    rng = stream(0, require_integer(seed, "seed", minimum=0))

    flat, cache, out = contract.check_forward(layer)
    if not np.isfinite(flat).all():
        return _not_finite(layer, flat)
    douts = rng.normal(size=(2, len(flat)))
    try:
        gradients = contract.check_backward(layer, out, douts)
    except contract.Misshapen as error:
        raise diagnosis.explain_failure(layer, douts, str(error), error.path, error.gradients) from None
    except (ValueError, TypeError, LookupError, AttributeError, NameError) as error:
        raise diagnosis.explain_failure(layer, douts, f"backward fails: {type(error).__name__}: {error}") from error
    finite = all(np.isfinite(value).all() for value in gradients[0].values())
    if finite:
        contract.check_linear(layer, out, cache, douts, gradients)
    contract.check_precision(layer, flat, out, gradients[0], douts[0] if finite else None)
    differences = Differences(layer, layer.point, lambda cache: layer.backward(layer.shaped(douts[0], out), cache)[1])
    comparison = Comparison(differences, douts, gradients, rtol, rng)
    compared = [comparison.quick(path) if level == "quick" else comparison.full(path) for path in layer.point]
    if comparison.wrong:
        raise diagnosis.explain(layer, douts, comparison.wrong)
    comparison.check_ties()
    if layer.single:
        _check_single(layer, douts[0], gradients[0])
    return Report(tuple(compared))


def _not_finite(layer, flat):
    """An output that is not finite at the point: a singular point if it is so only there, else the forward's mistake."""
    __tracebackhide__ = True
    others = [layer.forward({path: x * (1 + 1e-3 * rng.uniform(-1, 1, x.shape)) + 1e-3 * scale(x) * rng.uniform(-1, 1, x.shape)
                             for path, x in layer.point.items()})[0] for rng in (stream(4, 0), stream(4, 1))]
    empty = any(x.size == 0 for x in layer.point.values())
    if not empty and not any(np.isfinite(other).all() for other in others):
        bad = flat[~np.isfinite(flat)][0]
        raise GradientError(f"forward returns {bad} for finite inputs, and for inputs nearby too\n"
                            "does it overflow (exp of a large number: subtract the maximum), or leave its domain?")
    why = "an input is empty and the output not finite" if empty else "the forward is not finite at this very point"
    return Report(tuple(Compared(layer.names[path], x.size, "", 0.0, np.inf, why) for path, x in layer.point.items()))


def scale(x):
    return np.abs(x).max(initial=0) or 1.0


class Comparison:
    """The backward's claims against the differences, one input after the other; ``wrong`` holds one entry for each."""

    def __init__(self, differences, douts, gradients, rtol, rng):
        self.differences, self.douts, self.rtol, self.rng = differences, douts, rtol, rng
        self.gradients = [{path: value.reshape(-1) for path, value in one.items()} for one in gradients]
        self.wrong, self.kinks, self.layer = {}, [], differences.layer

    def full(self, path):
        """Every entry of an input, in groups of entries whose gradients are of like size."""
        entries = self._finite_entries(path)
        order = entries[np.argsort(np.abs(self.gradients[0][path][entries]), kind="stable")]
        tallies, grouped = [], len(order) > MOVES
        for group in np.array_split(order, min(len(order), MOVES)) if len(order) else ():
            tally = self.judge(path, group)
            if len(group) > 1 and not tally.sharp:
                for entry in group:
                    tallies.append(self._alone(path, entry))
                    if path in self.wrong:
                        break
            else:
                tallies.append(tally if tally.sharp else self._alone(path, group[0]))
            if path in self.wrong:
                break
        how = f"all {len(order)} entries moved" + (f" in {MOVES} groups" if grouped else "")
        return self._compared(path, tallies, how)

    def quick(self, path):
        """All entries of an input at once, in a few random directions."""
        entries, tallies = self._finite_entries(path), []
        for _ in range(DIRECTIONS if len(entries) else 0):
            tally = self.judge(path, entries)
            if not tally.sharp:
                tally = self.judge(path, entries, climb=True)
            tallies.append(tally)
            if tally.wrong and self._search(path, entries):
                break
        return self._compared(path, tallies, f"{len(entries)} entries sampled by {DIRECTIONS} random directions")

    def _search(self, path, entries):
        """Halve the entries of a direction that disagrees, until one entry is found wrong by itself."""
        while len(entries) > 1:
            halves = np.array_split(self.rng.permutation(entries), 2)
            tallies = [self.judge(path, half, climb=True) for half in halves]
            worse = max((0, 1), key=lambda i: tallies[i].off / max(tallies[i].tolerance, 1e-300))
            if not tallies[worse].wrong:
                return False
            entries = halves[worse]
        return self._alone(path, entries[0]).wrong

    def _finite_entries(self, path):
        """The entries to compare; where a gradient is not finite the slope must not be finite either."""
        __tracebackhide__ = True
        gradient = self.gradients[0][path]
        for entry in np.flatnonzero(~np.isfinite(gradient)):
            slope = self.differences.climb(self.differences.direction(path, np.array([entry]), np.ones(1)))
            value, doubt = slope.value @ self.douts[0], slope.doubt @ np.abs(self.douts[0])
            if np.isfinite(doubt) and doubt < 1e3 * abs(value) + 1e3:
                index = [int(i) for i in np.unravel_index(entry, self.layer.point[path].shape)]
                raise GradientError(f"gradient of {self.layer.names[path]} is {gradient[entry]} at {index}, where the forward is "
                                    f"finite and its slope {value / self.differences.size[path][entry]:.5g}\n"
                                    "a division by zero, 0 * inf, or an overflow in backward")
        return np.flatnonzero(np.isfinite(gradient))

    def _alone(self, path, entry):
        entry = np.array([entry])
        tally = self.judge(path, entry)
        if not tally.sharp:
            tally = self.judge(path, entry, climb=True)
        if tally.kink:
            self.kinks.append((path, int(entry[0])))
        if tally.wrong:
            self.wrong.setdefault(path, (int(entry[0]), tally.kink))
        return tally

    def judge(self, path, entries, climb=False):
        """A Tally of entries moved together, each by its own random amount."""
        n = len(entries)
        coefficients = np.ones(1) if n == 1 else self.rng.uniform(0.5, 1.5, n) * self.rng.choice([-1, 1], n)
        direction = self.differences.direction(path, entries, coefficients)
        return self._tally([(path, entries, direction[0][2])], climb)

    def _tally(self, direction, climb):
        slope = self.differences.climb(direction) if climb else self.differences.slope(direction)
        tallies = []
        for dout, gradients in zip(self.douts, self.gradients, strict=True):
            value, error, low, high = slope.along(dout)
            claims = np.concatenate([gradients[path][entries] * change for path, entries, change in direction])
            noise = sum(self.differences.gradient_noise[path].reshape(-1)[entries] @ np.abs(change)
                        for path, entries, change in direction)
            largest = max(np.abs(gradients[path]).max(initial=0, where=np.isfinite(gradients[path])) * np.linalg.norm(change)
                          for path, _, change in direction)
            claim, tolerance = claims.sum(), self.rtol * np.linalg.norm(claims) + error + noise + 1e-300
            # A right gradient differs from the differences by less than their doubt, so `sharp` also means "agrees".
            off = max(low - claim, claim - high, 0.0)
            tallies.append(Tally(off, tolerance, off > tolerance, bool(high > low + tolerance), largest,
                                 max(abs(value), abs(claim)) <= tolerance > 1e-300,
                                 off <= tolerance and error + high - low <= 0.3 * self.rtol * largest or
                                 error == 0 == off, tolerance / min(np.abs(change).min() for *_, change in direction),
                                 np.abs(value - claim) / largest if largest else 0.0))
        return max(tallies, key=lambda one: (one.wrong, not one.sharp, one.off / one.tolerance))

    def _compared(self, path, tallies, how):
        name, size = self.layer.names[path], self.layer.point[path].size
        largest = np.abs(self.gradients[0][path]).max(initial=0, where=np.isfinite(self.gradients[0][path]))
        known = [one for one in tallies if np.isfinite(one.tolerance)]
        worst = max((one.relative for one in known if not one.kink), default=0.0)
        hidden = max((one.hidden / largest if largest else np.inf if one.tolerance > 1e-300 else 0.0 for one in known), default=0.0)
        nothing = "the input is empty" if size == 0 and not tallies else \
            "no slope is finite here" if not known else \
            "the gradient is below the noise" if all(one.silent for one in known) else ""
        return Compared(name, size, how, float(worst), float(hidden), "" if size == 0 else nothing)

    def check_ties(self):
        """Move entries of one value that sit at kinks together: a maximum's gradient must not be given out twice."""
        __tracebackhide__ = True
        values = np.array([self.layer.point[path].reshape(-1)[entry] for path, entry in self.kinks])
        for value in np.unique(values):
            tied = [self.kinks[i] for i in np.flatnonzero(values == value)]
            if len(tied) < 2:
                continue
            direction = [(path, np.array([entry for other, entry in tied if other == path]), None) for path in dict(tied)]
            direction = [(path, entries, np.full(len(entries), abs(value) or 1.0)) for path, entries, _ in direction]
            tally = self._tally(direction, climb=True)
            if tally.wrong:
                path, entry = tied[0]
                index = [int(i) for i in np.unravel_index(entry, self.layer.point[path].shape)]
                raise GradientError(f"gradient of {self.layer.names[path]} is wrong for entries that tie (value {value:.5g}, "
                                    f"as at {index}): moved together they give another slope than their gradients' sum\n"
                                    "at tied maxima the gradient is given out more than once: pick one, or divide it")


@dataclass(frozen=True)
class Tally:
    """One move: how far off, what is allowed, and what a single entry could hide."""

    off: float
    tolerance: float
    wrong: bool
    kink: bool
    largest: float
    silent: bool
    sharp: bool
    hidden: float
    relative: float


def _check_single(layer, dout, gradients):
    """The float32 gradient against the float64 one, within 100 times what rounding of the inputs explains."""
    __tracebackhide__ = True
    point = {path: np.asarray(layer.single.get(path, x)) for path, x in layer.point.items()}
    out, cache, raw = layer.forward(point)
    dout32 = layer.shaped(dout, raw)
    dout32 = dout32.astype(np.float32) if isinstance(dout32, np.ndarray) else dout32
    single = layer.backward(dout32, cache)[1]
    rng = stream(5)
    moved = {path: x * (1 + 2.0**-23 * rng.uniform(-1, 1, x.shape)) for path, x in layer.point.items()}
    flat, cache, raw = layer.forward(moved)
    near = layer.backward(layer.shaped(dout, raw), cache)[1]
    for path, name in layer.names.items():
        largest = np.abs(gradients[path]).max(initial=0)
        allowed = 100 * np.abs(near[path] - gradients[path]).max(initial=0) + 1e-4 * largest
        off = np.abs(single[path] - gradients[path]).max(initial=0)
        if not off <= allowed:
            raise GradientError(f"gradient of {name} is right in float64, but in float32 off by {off / largest:.0e} of its largest "
                                "entry\na difference of nearly equal numbers, or an overflow, that float64 survives")
