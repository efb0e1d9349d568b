"""How far the right answer is ahead: margins of written-down networks, the best frequencies, the largest modulus.

Read next: `clock_pizza`.
"""

import math
from itertools import combinations

import numpy as np

from grok_np.analytic.rings import frequency_array, one_each, required_moments
from grok_np.errors import require, require_array, require_integer, require_number, require_type
from grok_np.layers import ACTIVATIONS, predict, tie_width
from grok_np.networks.mlp import Effective, mix_forward
from grok_np.tasks import all_pairs


def logits(effective: Effective, p: int) -> np.ndarray:
    """Logits (p, p, p), indexed [a, b, c], of effective weights on all pairs."""
    require_type(effective, "effective", Effective)
    require(require_integer(p, "p", minimum=1) == len(effective.A), "p", p,
            f"the number of rows of A, {len(effective.A)}")
    return mix_forward(effective, all_pairs(p))[0].reshape(p, p, -1)


def margins(logits: np.ndarray) -> np.ndarray:
    """Right logit minus the largest wrong one at every pair, (p, p), for addition; positive means decided rightly.

    Exactly 0 for a tie: where the two are less than ``layers.TIE`` roundings of the largest |logit| apart, their
    difference is rounding and decides nothing (the definition of `layers.predict`).
    """
    logits = require_array(logits, "logits", ndim=3)
    logits, p = logits.astype(np.result_type(logits, np.float32), copy=False), len(logits)
    require(logits.shape == (p, p, p) and p >= 2, "logits.shape", logits.shape, "(p, p, p) with p >= 2")
    a, b, d = np.ogrid[:p, :p, :p]
    from_answer = logits[a, b, (a + b + d) % p]
    return _or_tie(from_answer[:, :, 0] - from_answer[:, :, 1:].max(axis=2), logits)


def _or_tie(margin, logits):
    """The margin, 0 where it is no more than rounding makes of logits as large as these."""
    return np.where(np.abs(margin) > tie_width(np.asarray(logits), None), margin, 0)


def star_margin(p, frequencies, amplitudes=1.0):
    """Least margin, over all pairs, of tied x² stars of these frequencies together, per unit of total weight.

    The logits are the mean over k of cos²(k u pi / p) cos(2 pi k d / p) with u = a - b and d = a + b - c, so it is the
    least, over u and d != 0, of mean_k cos²(k u pi / p) (1 - cos(2 pi k d / p)), weighed by positive ``amplitudes``.
    For one frequency and odd p: sin²(pi / 2p) (1 - cos(2 pi / p)), exact but thin. For even p: 0, as in `margins`.

    >>> f"{star_margin(67, [1]):.2e}, {star_margin(67, [1, 18]):.2e}"
    '2.41e-06, 1.78e-03'
    """
    k = frequency_array(frequencies, p)
    share = one_each(amplitudes, "amplitudes", len(k)).astype(np.float64)
    require((share > 0).all(), "amplitudes", amplitudes, "positive")
    pair = np.cos(np.outer(np.arange(p), k) % (2 * p) * np.pi / p) ** 2 * share
    wrong = 1 - np.cos(2 * np.pi / p * np.outer(np.arange(1, p), k))
    return float(_or_tie((pair @ wrong.T).min() / share.sum(), 1.0))


def clock_margin(p, frequencies):
    """Margin of `clock_logits`, the same for every pair, per frequency: least mean_k (1 - cos(2 pi k d / p)), d != 0.

    One frequency: 1 - cos(2 pi / p), about 2 pi² / p².
    """
    k = frequency_array(frequencies, p)
    return float(_or_tie((1 - np.cos(2 * np.pi / p * np.outer(np.arange(1, p), k))).mean(axis=1).min(), 1.0))


def pizza_margin(p, frequencies, companion=0.0):
    """Least margin of `pizza_logits` over all pairs, divided by the number of frequencies; 0 for a tie.

    One frequency and odd p: 2 sin(pi / 2p) (1 - cos(pi / p) + sin(pi / p)), about pi² / p²: half of the clock's, while
    a tied x² star has only about pi⁴ / (2 p⁴). Several frequencies repair each other's antipodal pairs, and so does a
    companion, for even p too:

    >>> [f"{pizza_margin(59, k):.4f}" for k in ([1], [1, 2], [1, 2, 4])]
    ['0.0029', '0.0411', '0.0704']
    >>> pizza_margin(60, [1]), f"{pizza_margin(60, [1], companion=0.5):.4f}"
    (0.0, '0.0055')
    """
    require_number(companion, "companion", "in [0, 1)", lambda x: 0 <= x < 1)
    k = frequency_array(frequencies, p)
    half = np.pi / p * (np.outer(np.arange(p), k) % (2 * p))
    pair, wrong = 2 * np.abs(np.cos(half)), 1 - np.abs(np.cos(half[1:])) + np.abs(np.sin(half[1:]))
    repair = 2 * companion * np.cos(2 * half) @ (np.cos(2 * half[1:]) - 1).T
    return float(_or_tie((pair @ wrong.T + repair).min() / len(k), 2.0))


def best_frequencies(p, m, exhaustive_up_to=20_000, margin=star_margin):
    """The m frequencies whose tied x² stars together have the widest margin, ascending, and that margin.

    ``margin`` may be `clock_margin` or `pizza_margin`. Multiplying all tokens by a unit of Z_p permutes the pairs, so
    one frequency may be taken as 1. All other choices are tried where there are at most ``exhaustive_up_to``; above,
    frequencies are added one by one, each the best. For even p there is no such set, whatever m: at a - b = p / 2 odd
    frequencies are silent, and even ones cannot tell c from c + p / 2. (The largest margin per l_{2,3} norm of the
    weights uses all frequencies: Morwani et al. 2023, arXiv 2311.07568.)

    >>> best_frequencies(67, 2)
    ([1, 18], 0.00178...)
    """
    p, m = require_integer(p, "p", minimum=3), require_integer(m, "m", minimum=1)
    require_integer(exhaustive_up_to, "exhaustive_up_to", minimum=0)
    require(callable(margin), "margin", margin, "callable, such as star_margin")
    require(p % 2 == 1, "p", p, "odd (for even p tied stars of any frequencies leave p pairs undecided)")
    units = [k for k in range(2, (p + 1) // 2) if math.gcd(k, p) == 1]
    require(m <= len(units) + 1, "m", m, f"from 1 to the {len(units) + 1} frequencies coprime to p = {p}")
    if math.comb(len(units), m - 1) <= exhaustive_up_to:
        best = max(([1, *others] for others in combinations(units, m - 1)), key=lambda ks: margin(p, ks))
    else:
        best = [1]
        for _ in range(m - 1):
            best.append(max((k for k in units if k not in best), key=lambda k: margin(p, [*best, k])))
    return sorted(best), margin(p, best)


def solves(p, n_neurons, activation="relu", phase=0.0):
    """Whether the evenly spaced tied ring of frequency 1 decides all p² pairs rightly; p odd.

    ReLU, |x| and x² scale, so only psi and the sign of cos(delta), a half turn of psi, matter: over all pairs of an odd
    p psi is j pi / p, j = 0 .. 2p - 1, with answer j mod p. So 2p rows decide instead of p² pairs.
    """
    p, n_neurons = require_integer(p, "p", minimum=3), require_integer(n_neurons, "n_neurons", minimum=1)
    require_number(phase, "phase", "a finite number", math.isfinite)
    require(p % 2 == 1, "p", p, "odd (for even p a tied ring leaves p pairs undecided)")
    required_moments(activation)  # names the activation if it is none of the three
    alpha = 2 * np.pi * np.arange(n_neurons) / n_neurons + phase
    psi, c = np.pi / p * np.arange(2 * p), 2 * np.pi / p * np.arange(p)
    post, _ = ACTIVATIONS[activation][0](np.cos(psi[:, None] - alpha))
    return bool((predict(post @ np.cos(c - 2 * alpha[:, None])) == np.arange(2 * p) % p).all())


def largest_modulus(n_neurons, activation="relu", up_to=601):
    """The largest odd p <= up_to all of whose pairs the evenly spaced ring (phase 0) decides rightly, or None.

    The errors left do not shrink with p but margins do, so there is a last p: for ReLU 117 for N = 5 and 10, 21 for 6,
    343 for 7, for large N about 0.132 H³, H = N for even N and 2 N for odd (docs/theory.md, section 3, also on turned
    rings). Nothing is looked at above ``up_to``.
    """
    n_neurons, up_to = require_integer(n_neurons, "n_neurons", minimum=1), require_integer(up_to, "up_to", minimum=3)
    return next((p for p in range(up_to - 1 + up_to % 2, 2, -2) if solves(p, n_neurons, activation)), None)
