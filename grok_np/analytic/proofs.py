"""Exactness as integers: which terms of a star's logits survive the sum over the ring.

Read next: `margins`.
"""

from collections import Counter
from itertools import product
from typing import NamedTuple

from grok_np.analytic.rings import two_windings
from grok_np.errors import require, require_array, require_integer


def aliases(n_neurons, coefficients):
    """The alias law: harmonics m != 2 of an activation that an evenly spaced star of N lets through to the read-out.

    ``coefficients`` c_0, c_1, ... as from `cosine_coefficients`, of any activation. Harmonic m survives if N divides
    m - 2 or m + 2. Returns {m: c_m / c_2} for those with c_m != 0, and 2 itself if N divides 4 (its M_4 term). (That a
    ReLU ring is a quadrature, with an error bound: Yip et al. 2024, arXiv 2412.03773.)

    For ReLU an odd ring is worth an even one of twice its size, as m = 2 N - 2 or N - 2 comes first:

    >>> from grok_np.analytic import cosine_coefficients
    >>> aliases(5, cosine_coefficients("relu", 12)) == aliases(10, cosine_coefficients("relu", 12))
    True
    >>> aliases(5, cosine_coefficients("relu", 12))
    {8: -0.0476..., 12: -0.0209...}
    """
    n, c = require_integer(n_neurons, "n_neurons", minimum=1), require_array(coefficients, "coefficients", ndim=1)
    require(len(c) > 2 and c[2] != 0, "coefficients", c, "c_0, c_1, c_2, ..; c_2 not 0")
    survivors = {m: float(c[m] / c[2]) for m in range(len(c))
                 if abs(c[m]) > 1e-12 and m != 2 and ((m - 2) % n == 0 or (m + 2) % n == 0)}
    return survivors | ({2: 1.0} if 4 % n == 0 else {})


class Certificate(NamedTuple):
    """What survives of an x² star's logits when the ring is summed, in integers: a proof for every p at once.

    ``surviving`` and ``wanted`` map (alpha, beta, gamma) to the count n of the term
    (N n / 8) exp(i k w (alpha a + beta b + gamma c)). (Such certificates: found nowhere else so far.)
    """

    surviving: dict
    wanted: dict

    @property
    def exact(self):
        """Whether exactly the wanted terms survive."""
        return self.surviving == self.wanted


def certificate(n_neurons, windings=(1, 1)):
    """Expand the x² star into integer exponents and keep what the sum over the ring keeps.

    With X = k a w, Y = k b w, Z = k c w, the logits are the sum over i of
    (cos(X - x i theta) + cos(Y - y i theta))² cos(Z - (x+y) i theta). Each cosine is half the sum of exp(+-i ...), so
    this is 32 products exp(i (alpha X + beta Y + gamma Z - m i theta)) / 8, and summing over i keeps, N-fold, exactly
    those with N dividing m. No p, no rounding: what survives is a list of integers.

    Wanted, for windings that agree mod N (tied): N cos²((X-Y)/2) cos(X+Y-Z); otherwise (N/2) cos(X+Y-Z).

    >>> [n for n in range(1, 13) if not certificate(n).exact]
    [1, 2, 4]
    >>> certificate(6, windings=(1, 4)).surviving
    {(1, 1, -1): 2, (-1, -1, 1): 2}
    """
    n_neurons = require_integer(n_neurons, "n_neurons", minimum=1)
    x, y = two_windings(windings)
    unit = {(sign * (axis == 0), sign * (axis == 1), sign * turns)
            for axis, turns in ((0, x), (1, y)) for sign in (1, -1)}
    surviving = Counter()
    for (a1, b1, m1), (a2, b2, m2), gamma in product(unit, unit, (1, -1)):
        if (m1 + m2 + gamma * (x + y)) % n_neurons == 0:
            surviving[a1 + a2, b1 + b2, gamma] += 1
    answer = {(1, 1, -1): 2, (-1, -1, 1): 2}
    tied = {(2, 0, -1): 1, (-2, 0, 1): 1, (0, 2, -1): 1, (0, -2, 1): 1}
    wanted = answer | tied if (x - y) % n_neurons == 0 else answer
    return Certificate({key: surviving[key] for key in sorted(surviving, reverse=True)}, wanted)


def is_exact(n_neurons: int) -> bool:
    """Whether the evenly spaced x² ring of N neurons is exact for every p: N not 1, 2 or 4, see `certificate`."""
    return certificate(n_neurons).exact
