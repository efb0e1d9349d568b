"""The backward's claims against the differences: every entry, or a few random directions.

A gradient may be off by ``rtol`` of itself plus the measured error of the differences and of the backward's own
rounding. Entries are first moved at the step that suits most functions; what disagrees is moved again by
`Differences.climb`, alone. At a kink anything between the two one-sided slopes is right; entries of equal value that
sit at kinks are also moved together.
"""

from typing import NamedTuple

import numpy as np

from grok_np.gradcheck.calls import GradientError
from grok_np.gradcheck.differences import norm

MOVES = 256  # in all; an input of more than its share is moved in groups of entries
DIRECTIONS = 3  # per input at level "quick"


class Tally(NamedTuple):
    """One move: ``off`` by how much, ``tolerance``, and whether the differences are precise enough to decide
    (``sharp``)."""

    off: float
    tolerance: float
    kink: bool
    sharp: bool
    silent: bool  # nothing rises above the tolerance
    hidden: float  # what a single entry could be wrong by
    relative: float

    @property
    def wrong(self):
        return self.off > self.tolerance


class Compared(NamedTuple):
    """One input: ``worst`` and ``hidden`` relative to its largest gradient; ``nothing`` says why nothing was
    checked."""

    name: str
    how: str
    worst: float
    hidden: float
    nothing: str = ""

    def __str__(self):
        return f"{self.name}: nothing checked, {self.nothing}" if self.nothing else \
            (f"{self.name}: {self.how}, off by {self.worst:.0e} at most; a single entry wrong by less than "
             f"{self.hidden:.0e} would not be seen (relative to its largest gradient)")


class Comparison:
    """Compares one input after the other; ``wrong`` keeps one entry for each that is wrong: {path: (flat index, at a
    kink)}."""

    def __init__(self, differences, douts, gradients, rtol, rng):
        self.differences, self.layer, self.douts, self.rtol, self.rng = differences, differences.layer, douts, rtol, rng
        self.gradients = [{path: value.reshape(-1) for path, value in one.items()} for one in gradients]
        self.wrong, self.kinks = {}, []

    def compare(self, path, level):
        """All entries of an input, or random directions; returns a `Compared`."""
        __tracebackhide__ = True
        entries = self._finite(path)
        moves = self._full if level == "full" else self._quick
        how, tallies = moves(path, entries) if len(entries) else ("empty", [])
        largest = np.abs(self.gradients[0][path][entries]).max(initial=0)
        known = [one for one in tallies if np.isfinite(one.tolerance)]
        worst = max((one.relative for one in known if not one.kink), default=0.0)
        with np.errstate(over="ignore"):  # of a denormal gradient
            hidden = max((one.hidden / largest if largest else np.inf if one.tolerance > 1e-300 else 0.0
                          for one in known), default=0.0)
        empty = not self.layer.point[path].size
        nothing = "" if empty else "no slope is finite here" if not known else \
            "the gradient is below the noise" if all(one.silent for one in known) else ""
        return Compared(self.layer.names[path], how, float(worst), float(hidden), nothing)

    def _full(self, path, entries):
        share = max(MOVES // len(self.layer.point), 16)
        order = entries[np.argsort(np.abs(self.gradients[0][path][entries]), kind="stable")]  # like with like
        tallies = []
        for group in np.array_split(order, min(len(order), share)):
            tally = self.judge(path, group)
            if len(group) > 1 and not tally.sharp:
                tally = self.judge(path, group, climb=True)
            tallies += [tally] if tally.sharp else [self._alone(path, entry) for entry in group]
            if path in self.wrong:
                break
        return f"all {len(order)} entries moved" + (f" in {share} groups" if len(order) > share else ""), tallies

    def _quick(self, path, entries):
        tallies = []
        for _ in range(DIRECTIONS):
            tally = self.judge(path, entries)
            tallies.append(tally if tally.sharp else self.judge(path, entries, climb=True))
            if tallies[-1].wrong and self._search(path, entries):
                break
        return f"{len(entries)} entries sampled by {DIRECTIONS} random directions", tallies

    def _search(self, path, entries):
        """Halve the entries of a direction that disagrees until one entry is wrong by itself; at kinks there may be
        none."""
        while len(entries) > 1:
            halves = np.array_split(self.rng.permutation(entries), 2)
            tallies = [self.judge(path, half, climb=True) for half in halves]
            worse = max((0, 1), key=lambda i: tallies[i].off / tallies[i].tolerance)
            if not tallies[worse].wrong:
                return False
            entries = halves[worse]
        return self._alone(path, entries[0]).wrong

    def _finite(self, path):
        """The entries to compare; where a gradient is not finite the slope must not be finite either."""
        __tracebackhide__ = True
        gradient = self.gradients[0][path]
        for entry in np.flatnonzero(~np.isfinite(gradient)):
            direction = self.differences.direction(path, np.array([entry]), np.ones(1))
            value, error, low, high = self.differences.climb(direction).along(self.douts[0])
            if error + high - low < 1e3 * (1 + abs(value)):
                index = [int(i) for i in np.unravel_index(entry, self.layer.point[path].shape)]
                raise GradientError(f"gradient of {self.layer.names[path]} is {gradient[entry]} at {index}, where out "
                                    f"is finite and its slope {value / direction[0][2][0]:.5g}\n"
                                    "a division by zero, 0 * inf, or an overflow in backward")
        return np.flatnonzero(np.isfinite(gradient))

    def _alone(self, path, entry):
        entries = np.array([entry])
        tally = self.judge(path, entries)
        if not tally.sharp:
            tally = self.judge(path, entries, climb=True)
        if tally.kink:
            self.kinks.append((path, int(entry)))
        if tally.wrong:
            self.wrong.setdefault(path, (int(entry), tally.kink))
        return tally

    def judge(self, path, entries, climb=False):
        """The Tally of entries moved together, each by its own random amount: errors cannot cancel."""
        n = len(entries)
        coefficients = np.ones(1) if n == 1 else self.rng.uniform(0.5, 1.5, n) * self.rng.choice([-1, 1], n)
        return self._tally(self.differences.direction(path, entries, coefficients), climb)

    def _tally(self, direction, climb):
        """The worse Tally of both douts."""
        slope, tallies = (self.differences.climb if climb else self.differences.slope)(direction), []
        smallest = min(np.abs(change).min() for *_, change in direction)
        noise = sum(self.differences.gradient_noise[path][entries] @ np.abs(change)
                    for path, entries, change in direction)
        for dout, gradients in zip(self.douts, self.gradients, strict=True):
            value, error, low, high = slope.along(dout)
            parts = np.concatenate([gradients[path][entries] * change for path, entries, change in direction])
            largest = max(np.abs(gradients[path]).max(where=np.isfinite(gradients[path]), initial=0) * norm(change)
                          for path, _, change in direction)
            claim, tolerance = parts.sum(), self.rtol * norm(parts) + error + noise + 1e-300
            off = max(low - claim, claim - high, 0.0)
            # A right gradient differs by less than the doubt, so `sharp` also means that they agree.
            sharp = off <= tolerance and (error + high - low <= 0.3 * self.rtol * largest or error == 0 == off)
            tallies.append(Tally(
                off, tolerance, kink=bool(high > low + tolerance), sharp=sharp, hidden=tolerance / smallest,
                silent=max(abs(value), abs(claim)) <= tolerance > 1e-300,
                relative=abs(value - claim) / largest if largest else 0.0))
        return max(tallies, key=lambda one: (one.wrong, not one.sharp, one.off / one.tolerance))

    def check_ties(self):
        """Move entries of one value that sit at kinks together: a maximum's gradient must not be given out twice."""
        __tracebackhide__ = True
        flat = {path: x.reshape(-1) for path, x in self.layer.point.items()}
        for value in {float(flat[path][entry]) for path, entry in self.kinks}:
            tied = [(path, entry) for path, entry in self.kinks if flat[path][entry] == value]
            entries = {path: np.array([i for other, i in tied if other == path]) for path, _ in tied}
            direction = [(path, indices, np.full(len(indices), abs(value) or 1.0)) for path, indices in entries.items()]
            if len(tied) > 1 and self._tally(direction, climb=True).wrong:
                path, entry = tied[0]
                index = [int(i) for i in np.unravel_index(entry, self.layer.point[path].shape)]
                raise GradientError(f"gradient of {self.layer.names[path]} is wrong where entries tie (at {value:.5g}, "
                                    f"as {index}): moved together they give another slope than the sum of their "
                                    "gradients\nat tied maxima it is given out more than once: pick one, or divide")
