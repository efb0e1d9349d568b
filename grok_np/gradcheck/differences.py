"""Slopes of a forward by differences, each with an estimate of its own error.

Along a direction the forward is asked at +-h and +-h/2. Both central differences err by h² f'''/6, so
(4 near - wide) / 3 is rid of that term (Richardson 1911), and how far they differ tells how well they have converged.
What the forward's own rounding adds is measured: the inputs are moved by a unit in the last place and the outputs
are watched. There is no absolute tolerance anywhere, so that a loss of 1e-8 is checked as well as one of 1e8.

Where one step does not do, `Differences.climb` begins at a tiny one, at which only rounding errs, and takes larger ones
as long as they agree with it: a step that jumps over a kink, or over the whole width of a norm, does not agree.
"""

from typing import NamedTuple

import numpy as np

from grok_np.gradcheck.calls import stream

STEP = 1e-4  # of the size of the input
EPS = np.finfo(np.float64).eps


def norm(vector):
    """Root of the sum of squares, without underflow: hypothesis likes to draw 1e-249."""
    largest = np.abs(vector).max(initial=0)
    return largest * np.linalg.norm(vector / largest) if largest else 0.0


class Slope(NamedTuple):
    """Per output: the slope, how far it has converged, its rounding, and the interval of both one-sided slopes at a
    kink."""

    value: np.ndarray
    error: np.ndarray
    rounding: np.ndarray
    low: np.ndarray
    high: np.ndarray

    @property
    def doubt(self):
        """How far off ``value`` may be, per output."""
        return self.error + self.rounding + (self.high - self.low)

    def along(self, dout):
        """(value, error, low, high) of the derivative of sum(out * dout); roundings add up like random numbers."""
        sides = np.sort([self.low * dout, self.high * dout], axis=0).sum(axis=1)
        return self.value @ dout, self.error @ np.abs(dout) + norm(self.rounding * dout), *sides


class Differences:
    """The slopes of a layer at one point.

    Attributes
    ----------
    out : array
        The flat outputs at the point.
    noise : array
        How far rounding of the inputs' last place moves each output.
    gradient_noise : dict of flat arrays
        The same for the gradients, which ``claim(cache)`` gives.
    """

    def __init__(self, layer, point, claim=None):
        self.layer, self.point = layer, {path: x.copy() for path, x in point.items()}
        self.flat = {path: x.reshape(-1) for path, x in self.point.items()}
        self.size = {path: self._size(x) for path, x in self.flat.items()}
        self.out = layer.forward(self.point)[0]
        rng, moved, claims = stream(1), [], []
        for _ in range(3):
            nearby = {path: x * (1 + EPS * rng.uniform(-2, 2, x.shape)) for path, x in self.point.items()}
            out, cache, _ = layer.forward(nearby)
            moved.append(np.abs(out - self.out))
            if claim is not None:
                claims.append(claim(cache))
        self.noise = np.nan_to_num(np.max(moved, axis=0) + EPS * np.abs(self.out), nan=np.inf)
        self.gradient_noise = {}
        for path in self.point if claims else ():
            spread = np.median([np.abs(one[path] - claims[0][path]) for one in claims[1:]], axis=0).reshape(-1)
            largest = np.abs(claims[0][path]).max(initial=0)
            # A jump is not rounding: at tied maxima the last place decides which one gets the gradient.
            self.gradient_noise[path] = np.where(spread > 1e-3 * largest, 0, spread) + 4 * EPS * largest

    @staticmethod
    def _size(x):
        """The size by which an entry is moved: its own, but at least that of its array; 1 where all are 0."""
        return np.maximum(np.abs(x), norm(x) / np.sqrt(max(x.size, 1)) or 1.0)

    def direction(self, path, entries, coefficients):
        """Move ``entries`` (flat indices) of one input, each by its coefficient times its size."""
        return [(path, entries, coefficients * self.size[path][entries])]

    def _moved(self, direction, step):
        kept = [self.flat[path][entries].copy() for path, entries, _ in direction]
        for path, entries, change in direction:
            self.flat[path][entries] += step * change
        try:
            return self.layer.forward(self.point)[0]
        finally:
            for (path, entries, _), old in zip(direction, kept, strict=True):
                self.flat[path][entries] = old

    def slope(self, direction, step=STEP):
        """The slope of all outputs by steps +-h and +-h/2 along a direction."""
        up, down, half_up, half_down = (self._moved(direction, t * step) for t in (1, -1, 0.5, -0.5))
        with np.errstate(all="ignore"):
            wide, near = (up - down) / (2 * step), (half_up - half_down) / step
            # The second difference of a smooth function halves with the step, at a kink it stays.
            bend_wide = np.abs(up - 2 * self.out + down) / step
            bend_near = np.abs(half_up - 2 * self.out + half_down) / (step / 2)
            rounding = 8 * self.noise / step
            moved = np.maximum(np.abs(near - wide) - rounding, 0)
            bent = np.maximum(bend_near - 0.6 * bend_wide - 2 * rounding, 0)
            value = (4 * near - wide) / 3
            sides = np.array([half_up - self.out, self.out - half_down]) / (step / 2)
            # x + h is not h away from x, but for a rounding of either: all of x if x is 1e-138, a thousandth of h if h
            # is 1e-13 of x.
            off = max(EPS * (4 + np.max(np.abs(self.flat[path][entries] / (step * change)), initial=0))
                      for path, entries, change in direction)
            rounding = rounding + off * np.abs(sides).max(axis=0)
            converged = np.abs(sides - np.array([up - self.out, self.out - down]) / step)
            sides = np.sort(2 * sides - np.array([up - self.out, self.out - down]) / step, axis=0)
        known = np.isfinite(value + bent + moved)
        kink = known & (bend_near > 0.75 * bend_wide) & (bend_near > 8 * rounding)
        value = np.where(known, value, 0.0)
        error = np.where(known, moved + np.where(kink, converged.max(axis=0), bent), np.inf)
        return Slope(value, error, np.where(known, rounding, 0.0), *(np.where(kink, side, value) for side in sides))

    def climb(self, direction):
        """The slope by the best of steps from 1e-13 to 1e-1 of the input's size: each must agree with smaller ones."""
        best = self.slope(direction, STEP * 2.0**-30)
        trusted = np.ones(len(self.out), bool)
        for exponent in (-25, -20, -15, -10, -5, 0, 5, 10):
            step = self.slope(direction, STEP * 2.0**exponent)
            trusted &= np.abs(step.value - best.value) <= step.doubt + best.doubt
            kink, before = step.high > step.low, best.high > best.low
            better = trusted & (step.doubt < best.doubt) & (kink | ~before)  # a kink is not lost at larger steps
            if exponent <= -10:  # closer to a kink than 1e-7 of the size either side will do
                better |= trusted & kink
            best = Slope(*(np.where(better, new, old) for new, old in zip(step, best, strict=True)))
            if not trusted.any():
                break
        return best
