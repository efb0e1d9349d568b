"""Exactness as integers: which terms of a star's logits survive the sum over the ring.

Read next: `margins`.
"""

from collections import Counter
from itertools import product
from typing import NamedTuple

from grok_np.analytic.rings import two_windings
from grok_np.errors import require_integer


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
