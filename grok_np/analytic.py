"""Networks that are written down instead of learned: rings of neurons that add mod p exactly, and why.

A ring is a set of neurons of one frequency k. With w = 2 pi / p, neuron i turns with the token and is read out twice as
fast (Pearce et al. 2023, Appendix; Gromov 2023, arXiv 2301.02679):

    A[a, i] = B[a, i] = cos(k a w - alpha_i)         C[i, c] = weight_i cos(k c w - 2 alpha_i)

*The moment law.* Let delta = k (a - b) w / 2 and psi = k (a + b) w / 2. The pre-activation is
2 cos(delta) cos(psi - alpha_i). Expand act(cos t) = sum_m c_m cos(m t), and multiply by cos(k c w - 2 alpha_i):
summed over the ring, harmonic m leaves only the moments M_(m+2) and M_(m-2), where

    M_n = sum_i weight_i exp(i n alpha_i).

The one term that is wanted is m = 2 with M_0 = sum of weights: it is cos(k (a + b - c) w), largest at c = a + b.
Every other moment that an activation calls up must vanish: `required_moments`. So

- x² has c_0 and c_2 only: a ring is exact *if and only if* M_2 = M_4 = 0. Evenly spaced, M_n vanishes unless N divides
  n, so every N but 1, 2 and 4 is exact, three already (the article asks for N > 4; see `certificate` for the proof).
- ReLU needs M_1 to M_4 (from c_0, c_1, c_2) for all large errors; then come M_6 (c_4 / c_2 = 1/5), M_8, ...
- A ring with positive weights that meets n such conditions in a row with the fewest neurons is evenly spaced with equal
  weights (it is a Szego quadrature on the circle): `rigid_size` three for x², five for ReLU. Larger rings are free;
  with one neuron more than the rigid size a single complex number says all: `uneven_ring`.

*Without the star law.* If the output phases beta_i are not 2 alpha_i, the same derivation leaves of harmonic m the sums
R_(m+2) and R_(2-m), where R_n = sum_i weight_i exp(i (beta_i + (n - 2) alpha_i)). Up to m = 2 these are R_1 to R_4, the
same orders, and the answer is told by R_0 = sum_i weight_i exp(i (beta_i - 2 alpha_i)), which only in a star (or one
whose outputs are all turned alike) has the whole sum of weights for its modulus. Beyond, R_(-2), R_(-4), ... are
conditions of their own; in a star M_(-n) is the conjugate of M_n. (`examples/moment_law.py` finds such rings where
AdamW trains on a frozen circle.) For |x| the required moments suffice only up to small p: see `largest_modulus`.

*Even p.* cos(delta) = 0 where k (a - b) = p / 2 mod p: a tied ring is undecided on exactly p of the p² pairs,
whatever its size and its (necessarily odd) frequency. More frequencies do not help: at a - b = p / 2 the odd ones are
silent, and the even ones cannot tell c from c + p / 2. The untied star has no such zeros, nor has a pizza with its
companion, which reads a circle of frequency 2k out at frequency k (`accompanying_logits`).

Not here: anything learned. Read next: `progress`, what a network shows of this during training; `compare`, which finds
these rings in trained networks.
"""

import math
from collections import Counter
from dataclasses import dataclass, replace
from itertools import combinations, product

import numpy as np
from scipy.optimize import nnls

from grok_np.errors import (
    require,
    require_array,
    require_choice,
    require_flag,
    require_integer,
    require_number,
    require_type,
)
from grok_np.layers import ACTIVATIONS
from grok_np.mlp import MLP, Effective, mix_forward

LARGEST_CUBE = 1000  # p: logits (p, p, p) have p³ numbers
LARGEST = 10_000  # p or neurons: tables (p, n) of a gigabyte are not made by mistake
REQUIRED = {"square": (2, 4), "relu": (1, 2, 3, 4), "abs": (2, 4)}


def required_moments(activation):
    """Orders n of the moments that must vanish: all of them for x², those behind the large errors for ReLU and abs.

    >>> required_moments("relu")
    (1, 2, 3, 4)
    """
    require_choice(activation, "activation", REQUIRED)
    return REQUIRED[activation]


def rigid_size(activation):
    """Fewest neurons that meet the required moments; such a ring is regular, up to turns that the activation ignores.

    Moments 1 to 4 need five nodes. x² and abs only see 2 alpha, where the moments 2 and 4 are 1 and 2: three nodes.

    >>> rigid_size("square"), rigid_size("relu")
    (3, 5)
    """
    return {(2, 4): 3, (1, 2, 3, 4): 5}[required_moments(activation)]


def _ring(phases, weights):
    """Phases and weights, by default ones, checked: two finite arrays (n,)."""
    phases = require_array(phases, "phases", ndim=1).astype(np.float64, copy=False)
    require(np.isfinite(phases).all() and len(phases), "phases", phases, "finite, one at least")
    weights = np.ones_like(phases) if weights is None else require_array(weights, "weights").astype(np.float64)
    require(phases.shape == weights.shape, "weights.shape", weights.shape, f"that of phases, {phases.shape}")
    return phases, weights


def moments(phases: np.ndarray, weights: np.ndarray | None = None, n_max: int = 12) -> np.ndarray:
    """M_n / sum of weights for n = 1 .. n_max: complex, of modulus 0 to 1. Weights default to ones.

    >>> np.abs(moments(2 * np.pi * np.arange(5) / 5)).round(12)[:6]
    array([0., 0., 0., 0., 1., 0.])
    """
    require_integer(n_max, "n_max", minimum=1, maximum=10_000)
    phases, weights = _ring(phases, weights)
    return np.exp(1j * np.outer(np.arange(1, n_max + 1), phases)) @ weights / weights.sum()


def cosine_coefficients(activation, n_max=12):
    """c_0 .. c_n_max of act(cos t) = sum_m c_m cos(m t), in closed form.

    ReLU: 1/pi, 1/2, then (2/pi) (-1)^(m/2+1) / (m² - 1) for even m and 0 for odd; |cos t| is twice its even part;
    cos² t = 1/2 + cos(2t) / 2.
    """
    required_moments(activation)  # names the activation if it is none of the three
    require_integer(n_max, "n_max", minimum=2, maximum=10**6)
    c = np.zeros(n_max + 1)
    if activation == "square":
        c[[0, 2]] = 0.5
        return c
    m = np.arange(2, n_max + 1, 2)
    c[0], c[2::2] = 1 / np.pi, 2 / np.pi * (-1.0) ** (m // 2 + 1) / (m**2 - 1)
    if activation == "abs":
        return 2 * c
    c[1] = 0.5
    return c


def aliases(n_neurons, coefficients):
    """The alias law: harmonics m != 2 of an activation that an evenly spaced ring of N lets through to the read-out.

    ``coefficients`` c_0, c_1, ... as from `cosine_coefficients`, of any activation. Harmonic m survives if N divides
    m - 2 or m + 2. Returns {m: c_m / c_2} for those with c_m != 0, and 2 itself if N divides 4 (its M_4 term).

    For ReLU an odd ring is worth an even one of twice its size:

    >>> aliases(5, cosine_coefficients("relu", 12))             # odd N: first at m = 2 N - 2
    {8: -0.0476..., 12: -0.0209...}
    >>> aliases(10, cosine_coefficients("relu", 12))            # even N: first at m = N - 2
    {8: -0.0476..., 12: -0.0209...}
    """
    require_integer(n_neurons, "n_neurons", minimum=1)
    coefficients = require_array(coefficients, "coefficients", ndim=1)
    require(len(coefficients) > 2 and coefficients[2] != 0, "coefficients", coefficients,
            "c_0, c_1, c_2, ..; c_2 not 0")
    survivors = {m: float(c / coefficients[2]) for m, c in enumerate(coefficients)
                 if abs(c) > 1e-12 and m != 2 and ((m - 2) % n_neurons == 0 or (m + 2) % n_neurons == 0)}
    return survivors | ({2: 1.0} if 4 % n_neurons == 0 else {})


def ring(p, phases, frequency=1, weights=None, activation="square", allow_inexact=False):
    """The tied ring with any input phases alpha_i and output weights; whether it works is the moment law's business.

    Parameters
    ----------
    p : int
        Modulus, at least 2.
    phases : array (n,)
        Input phases in radians.
    frequency : int
        Turns per p tokens, coprime to p: otherwise two answers would look alike.
    weights : array (n,), optional
        Output amplitudes; ones by default.
    activation : str
        Any key of ``layers.ACTIVATIONS``.
    allow_inexact : bool
        Accept a frequency that shares a divisor with p, in order to look at the failure.

    Returns
    -------
    Effective
        A, B (p, n), bias (n,) zero, C (n, p), float64.
    """
    require_integer(p, "p", minimum=2, maximum=LARGEST)
    frequency = coprime(frequency, p, allow_inexact)
    require_choice(activation, "activation", ACTIVATIONS)
    phases, weights = _ring(phases, weights)
    angles = 2 * np.pi * frequency / p * np.arange(p)
    A = np.cos(angles[:, None] - phases)
    return Effective(A, A, np.zeros(len(phases)), weights[:, None] * np.cos(angles - 2 * phases[:, None]), activation)


def coprime(frequency, p, allow_inexact=False):
    """The frequency, if it is coprime to p or need not be; a ValueError that says why it must be."""
    p, frequency = require_integer(p, "p", minimum=2), require_integer(frequency, "frequency", minimum=1)
    require_flag(allow_inexact, "allow_inexact")
    shared = math.gcd(frequency, p)
    if shared > 1 and not allow_inexact:
        raise ValueError(f"frequency must be coprime to p = {p}, got {frequency}: both are multiples of {shared}, so "
                         f"tokens {p // shared} apart look the same to every neuron "
                         "(allow_inexact=True builds it all the same)")
    return frequency


def _frequencies(frequencies, p, largest=LARGEST):
    """One or more frequencies, each `coprime` to p, as an array of integers; p up to ``largest``."""
    require_integer(p, "p", minimum=2, maximum=largest)
    frequencies = require_array(frequencies, "frequencies", ndim=1)
    require(len(frequencies), "frequencies", frequencies, "one or more")
    return np.array([coprime(k, p) for k in frequencies])


def star(p: int, n_neurons: int, frequency: int = 1, phase: float = 0.0, activation: str = "square",
         allow_inexact: bool = False) -> Effective:
    """The regular ring: phases 2 pi i / N + phase.

    For x², logits[a, b, c] = N cos²(k (a-b) w / 2) cos(k (a+b-c) w), for every p, if and only if N is not 1, 2 or 4
    (`is_exact`). For ReLU and abs the same N are refused, with N = 3 for ReLU, because a large alias reaches the
    answer; with other N small ones remain, and `largest_modulus` says how far they can be ignored.

    Parameters
    ----------
    p, frequency, activation
        See `ring`.
    n_neurons : int
        Ring size N.
    phase : float
        Rotation of the ring in radians; it changes nothing for x².
    allow_inexact : bool
        Build the ring all the same where it cannot work, in order to look at the failure.

    Raises
    ------
    ValueError
        If N divides the order of a required moment, which then does not vanish.

    Examples
    --------
    >>> star(67, n_neurons=3).A.shape
    (67, 3)
    >>> star(67, n_neurons=4)
    Traceback (most recent call last):
    ValueError: n_neurons must not divide 4 for activation 'square', got 4: moment M_4 of an even ring of 4 does not
    vanish, so an alias reaches the answer (allow_inexact=True builds it all the same)
    """
    n_neurons = require_integer(n_neurons, "n_neurons", minimum=1, maximum=LARGEST)
    require_choice(activation, "activation", ACTIVATIONS)
    require_number(phase, "phase", "a finite number", math.isfinite)
    require_flag(allow_inexact, "allow_inexact")
    blocking = [n for n in REQUIRED.get(activation, ()) if n % n_neurons == 0]
    if blocking and not allow_inexact:
        n = blocking[-1]
        raise ValueError(f"n_neurons must not divide {n} for activation {activation!r}, got {n_neurons}: moment M_{n} "
                         f"of an even ring of {n_neurons} does not vanish, so an alias reaches the answer "
                         "(allow_inexact=True builds it all the same)")
    return ring(p, 2 * np.pi * np.arange(n_neurons) / n_neurons + phase, frequency, None, activation, allow_inexact)


def _one_each(values, name, n):
    """One value for all n, or one for each."""
    values = require_array(values, name)
    require(values.shape in ((), (1,), (n,)), f"{name}.shape", values.shape, f"() or ({n},)")
    return np.broadcast_to(values, n)


def stars(p, n_neurons, frequencies, phases=0.0, amplitudes=1.0, activation="square", allow_inexact=False):
    """Tied stars of several frequencies in one network: its logits are the sum, its margin far wider (`star_margin`).

    ``n_neurons``, ``phases`` and ``amplitudes`` (factors on the output) are one value for all or one per frequency;
    the rest as in `star`. `best_frequencies` says which to take.

    >>> stars(67, 5, frequencies=[1, 20, 25]).A.shape
    (67, 15)
    """
    frequencies = require_array(frequencies, "frequencies", ndim=1)
    require(len(frequencies), "frequencies", frequencies, "one or more")
    sizes, phases, amplitudes = (_one_each(values, name, len(frequencies)) for values, name in (
        (n_neurons, "n_neurons"), (phases, "phases"), (amplitudes, "amplitudes")))
    each = [star(p, n, k, phase, activation, allow_inexact)
            for n, k, phase in zip(sizes, frequencies, phases, strict=True)]
    return together(*[replace(one, C=amplitude * one.C) for one, amplitude in zip(each, amplitudes, strict=True)])


def _windings(windings):
    """Two integers."""
    windings = require_array(windings, "windings", ndim=1).tolist()
    require(len(windings) == 2, "windings", windings, "two integers")
    return [require_integer(winding, "windings", minimum=-LARGEST, maximum=LARGEST) for winding in windings]


def untied_star(p: int, n_neurons: int = 6, windings: tuple[int, int] = (1, 4), frequency: int = 1,
                allow_inexact: bool = False) -> Effective:
    """The x² star whose rings for a and b wind x and y times: exact for every p, even ones too, with a wide margin.

    A[a, i] = cos(k a w - x i theta), B[b, i] = cos(k b w - y i theta), C[i, c] = cos(k c w - (x+y) i theta) with
    theta = 2 pi / N. Then logits = (N/2) cos(k (a+b-c) w) exactly if and only if N divides none of 2x, 2y, 2x+2y, x+y,
    x-y, 3x+y, x+3y (`certificate`); the smallest N is 6, with windings (1, 4) or (2, 5).

    Raises ValueError naming the divisor otherwise, unless ``allow_inexact``; other arguments as in `star`.
    """
    require_integer(p, "p", minimum=2, maximum=LARGEST)
    frequency = coprime(frequency, p, allow_inexact)
    n_neurons = require_integer(n_neurons, "n_neurons", minimum=1, maximum=LARGEST)
    x, y = _windings(windings)
    orders = {"2x": 2 * x, "2y": 2 * y, "2x+2y": 2 * x + 2 * y, "x+y": x + y, "x-y": x - y, "3x+y": 3 * x + y,
              "x+3y": x + 3 * y}
    blocking = [f"{name} = {value}" for name, value in orders.items() if value % n_neurons == 0]
    if blocking and not allow_inexact:
        raise ValueError(f"n_neurons must not divide any of {', '.join(orders)} for windings x, y = {x, y}, got "
                         f"{n_neurons}, which divides {' and '.join(blocking)} "
                         "(allow_inexact=True builds it all the same)")
    turn = 2 * np.pi * np.arange(n_neurons) / n_neurons
    angles = 2 * np.pi * frequency / p * np.arange(p)
    return Effective(np.cos(angles[:, None] - x * turn), np.cos(angles[:, None] - y * turn), np.zeros(n_neurons),
                     np.cos(angles - (x + y) * turn[:, None]), "square")


def clock_logits(p, frequencies=(1,)):
    """What the clock computes: sum over k of cos(2 pi k (a + b - c) / p), logits (p, p, p) indexed [a, b, c].

    Two rotations multiplied, and read out at every c (Nanda et al. 2023; Zhong et al. 2023, section 2.1). Each k
    coprime to p alone decides every pair, for every p, by a margin of 1 - cos(2 pi / p) (`clock_margin`).
    """
    frequencies = _frequencies(frequencies, p, LARGEST_CUBE)
    a, b, c = np.ogrid[:p, :p, :p]
    return sum(np.cos(2 * np.pi / p * k * (a + b - c)) for k in frequencies)


def _check_companion(companion):
    require_number(companion, "companion", "in [0, 1)", lambda x: 0 <= x < 1)


def pizza_logits(p, frequencies=(1,), companion=0.0):
    """What the pizza computes: logits (p, p, p) indexed [a, b, c] from absolute values of sums of embeddings.

    With w = 2 pi k / p and x = (cos wa + cos wb, sin wa + sin wb), the paper's alpha and beta (section 2.2):

        |x . (cos wc/2, sin wc/2)| - |x . (-sin wc/2, cos wc/2)|
            = 2 |cos(w(a-b)/2)| (|cos(w(a+b-c)/2)| - |sin(w(a+b-c)/2)|)

    summed over k. The second factor is largest at c = a + b alone (k coprime to p), the first nowhere 0 for odd p: so
    one circle is exact for every odd p, thinly where a - b is near p / 2 (`pizza_margin`). For even p it is 0 on
    exactly p pairs, a - b = p / 2 mod p, whatever the (odd) frequencies, as for every tied ring.

    ``companion`` adds so much of twice `accompanying_logits`. In (0, 0.9] every p is exact, even ones too; from 0.903
    on large p fail where a = b, because 2 companion sin² t exceeds 1 - cos t + sin t near t = 67 degrees.
    """
    _check_companion(companion)
    frequencies = _frequencies(frequencies, p, LARGEST_CUBE)
    a, b, c = np.ogrid[:p, :p, :p]
    total = 0
    for k in frequencies:
        half = np.pi * k / p
        answer = half * (a + b - c)
        total = total + 2 * np.abs(np.cos(half * (a - b))) * (np.abs(np.cos(answer)) - np.abs(np.sin(answer)))
    return total + 2 * companion * accompanying_logits(p, frequencies)


def accompanying_logits(p, frequencies=(1,)):
    """-cos(w (a - b)) cos(w (a + b - c)), w = 2 pi k / p, summed over k: what accompanies a pizza, (p, p, p).

    By cos 2wa + cos 2wb = 2 cos(w (a - b)) cos(w (a + b)), and the same for sines, it is a *linear* function of a
    circle of frequency 2k, added over a and b and read out at frequency k: -1/2 (cos 2wa + cos 2wb) cos wc
    - 1/2 (sin 2wa + sin 2wb) sin wc. It is strongest, and right, where the pizza is blind, and wrong where the pizza is
    strongest, which can afford it.
    """
    frequencies = _frequencies(frequencies, p, LARGEST_CUBE)
    a, b, c = np.ogrid[:p, :p, :p]
    return sum(-np.cos(w * (a - b)) * np.cos(w * (a + b - c)) for w in 2 * np.pi / p * frequencies)


def clock(p: int, frequencies: tuple[int, ...] = (1,)) -> Effective:
    """The exact clock in six x² neurons per frequency: `untied_star`, scaled so that it gives `clock_logits`."""
    each = [untied_star(p, 6, (1, 4), k) for k in _frequencies(frequencies, p)]
    return together(*[replace(one, C=one.C / 3) for one in each])


def pizza(p: int, frequencies: tuple[int, ...] = (1,), companion: float = 0.0) -> Effective:
    """The exact pizza in 2 p neurons |x| per frequency, alpha and beta of every c: it gives `pizza_logits`.

    With a ``companion`` three more, whose bias of 2 keeps |x + 2| linear.
    """
    require_number(companion, "companion", "in [0, 0.9], see `pizza_logits`", lambda x: 0 <= x <= 0.9)
    each = []
    for k in _frequencies(frequencies, p):
        token, c = np.arange(p)[:, None], np.arange(p)
        w = 2 * np.pi * k / p
        A = np.hstack([np.cos(w * (token - c / 2)), np.sin(w * (token - c / 2))])
        each.append(Effective(A, A, np.zeros(2 * p), np.vstack([np.eye(p), -np.eye(p)]), "abs"))
        if companion:
            third = 2 * np.pi / 3 * np.arange(3)
            A = np.cos(2 * w * token - third)
            each.append(Effective(A, A, np.full(3, 2.0), -2 / 3 * companion * np.cos(w * c - third[:, None]), "abs"))
    return together(*each)


def on_circles(network: Effective, frequencies: tuple[int, ...]) -> tuple[MLP, dict]:
    """The same network with an embedding: a model and parameters, W_E (p, 2 m) the circles of m frequencies.

    For whatever asks for embeddings, as `clock_pizza` does. Each circle is a tenth smaller than the one before, so that
    principal components find them one by one. A and B must be waves of these frequencies, else ValueError.
    """
    require_type(network, "network", Effective)
    p, h = network.A.shape
    frequencies = _frequencies(frequencies, p)
    angles = 2 * np.pi / p * np.outer(np.arange(p), frequencies)
    W_E = np.hstack([np.cos(angles), np.sin(angles)]) * np.tile(0.9 ** np.arange(len(frequencies)), 2)
    (W_in_a, W_in_b) = (np.linalg.lstsq(W_E, table)[0] for table in (network.A, network.B))
    missed = max(np.abs(W_E @ W_in_a - network.A).max(), np.abs(W_E @ W_in_b - network.B).max())
    require(missed < 1e-9, "frequencies", frequencies.tolist(), "all those of the network's A and B")
    model = MLP(p, W_E.shape[1], h, network.activation, "concatenated", bias=True)
    return model, {"W_E": W_E, "W_in_a": W_in_a, "W_in_b": W_in_b, "W_out": network.C, "b_in": network.bias}


def together(*networks):
    """One network with the neurons of all: its logits are the sum. How stars of several frequencies are combined."""
    for network in networks:
        require_type(network, "each of networks", Effective)
    require(len({network.activation for network in networks}) == 1, "networks", len(networks),
            "one or more of the same activation")
    return replace(networks[0], A=np.hstack([n.A for n in networks]), B=np.hstack([n.B for n in networks]),
                   bias=np.concatenate([n.bias for n in networks]), C=np.vstack([n.C for n in networks]))


def exact_weights(phases, activation="square"):
    """Positive weights, of mean 1, with which a ring of these phases meets every required moment.

    Freedom made visible: five or more phases all round the circle can usually be served for x², nine or more for ReLU,
    however uneven. Found as a non-negative least squares problem, linear in the weights.

    Raises
    ------
    ValueError
        If there are none, as for a ring of the rigid size that is not regular.
    """
    phases, _ = _ring(phases, None)
    waves = np.exp(1j * np.outer(required_moments(activation), phases))
    equations = np.vstack([waves.real, waves.imag, np.ones_like(phases)])
    weights, residual = nnls(equations, np.append(np.zeros(2 * len(waves)), len(phases)))
    if residual > 1e-9 * len(phases):
        raise ValueError(f"phases must leave room for positive weights without moments "
                         f"{required_moments(activation)}, got {phases.tolist()}: the best misses by {residual:.2g}")
    return weights


def uneven_ring(n_neurons, moment, activation="square"):
    """Phases and weights, of mean 1, of the N-ring with M_1 = .. = M_(N-2) = 0 and M_(N-1) = moment, of the sum.

    Orders are of u = exp(i alpha); for x² and abs, which see only 2 alpha, u = exp(2 i alpha) and M_n here is their
    M_2n. With m = moment, |m| < 1,

        nodes     the N roots of  u^N - m u = 1 - conj(m) u^(N-1),  all on the circle
        weights   1 / (N - 1 + |u^(N-1) - m|² / (1 - |m|²)),  whose sum is 1

    These are the Szego quadratures of degree N - 2: up to a turn *every* N nodes with positive weights and these
    vanishing moments are of this form (Verblunsky's theorem; Simon 2005, Orthogonal Polynomials on the Unit Circle).
    m = 0 is the regular ring. Its next moments follow, M_N = 1 - |m|² and M_(N+1) = -conj(m) (1 - |m|²), because the
    equation of the nodes, times a power of u and summed, is a recursion for the moments.

    So with one neuron more than the `rigid_size` m is the only freedom: the lopsided ReLU rings of six. The article's
    published weights have |M_5| = 0.46, |M_6|, |M_7| = 0.79, 0.35 where the law says 0.78, 0.36.

    >>> phases, weights = uneven_ring(4, 0.4)                  # four x² neurons, as exact as three
    >>> np.abs(moments(phases, weights, 4)[[1, 3]]).max() < 1e-12
    np.True_
    >>> np.abs(moments(*uneven_ring(6, 0.52, "relu"), 8)).round(2)
    array([0.  , 0.  , 0.  , 0.  , 0.52, 0.73, 0.38, 0.2 ])
    """
    n_neurons = require_integer(n_neurons, "n_neurons", minimum=rigid_size(activation) + 1, maximum=1000)
    require_type(moment, "moment", int, float, complex, np.number)
    require(abs(moment) < 1, "moment", moment, "of modulus below 1 (at 1 weights vanish)")
    equation = np.zeros(n_neurons + 1, complex)  # highest power first; u^(N-1) and u are different powers, as N > 2
    equation[[0, 1, -2, -1]] = 1, np.conj(moment), -moment, -1
    turns = 1 if activation == "relu" else 2
    angles = np.sort(np.angle(np.roots(equation)))
    weights = 1 / (n_neurons - 1 + abs(np.exp(1j * (n_neurons - 1) * angles) - moment) ** 2 / (1 - abs(moment) ** 2))
    return angles / turns, n_neurons * weights


def gromov(p, n_neurons, rng):
    """Gromov's analytic weights: random frequencies and phases, exact only as N grows (arXiv 2301.02679).

    phi_out = phi_a + phi_b; everything unwanted averages out like 1 / sqrt N, where the untied star needs six neurons.
    """
    require_integer(p, "p", minimum=2, maximum=LARGEST)
    n_neurons = require_integer(n_neurons, "n_neurons", minimum=1, maximum=LARGEST)
    require_type(rng, "rng", np.random.Generator)
    frequency = rng.integers(1, max(2, (p + 1) // 2), n_neurons)
    phase_a, phase_b = rng.uniform(0, 2 * np.pi, (2, n_neurons))
    angles = 2 * np.pi / p * np.outer(np.arange(p), frequency)
    return Effective(np.cos(angles - phase_a), np.cos(angles - phase_b), np.zeros(n_neurons),
                     np.cos(angles - phase_a - phase_b).T, "square")


@dataclass(frozen=True)
class Certificate:
    """What survives of an x² star's logits when the ring is summed, in integers: a proof for every p at once.

    ``surviving`` and ``wanted`` map (alpha, beta, gamma) to the count n of the term
    (N n / 8) exp(i k w (alpha a + beta b + gamma c)).
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
    x, y = _windings(windings)
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


def logits(effective: Effective, p: int) -> np.ndarray:
    """Logits (p, p, p), indexed [a, b, c], of effective weights on all pairs."""
    require_type(effective, "effective", Effective)
    require_integer(p, "p", minimum=1)
    require(len(effective.A) == p, "p", p, f"the number of rows of A, {len(effective.A)}")
    pairs = np.stack(np.divmod(np.arange(p * p), p), axis=1)
    return mix_forward(effective, pairs)[0].reshape(p, p, -1)


def margins(logits: np.ndarray) -> np.ndarray:
    """Right logit minus the largest wrong one at every pair, (p, p), for addition; positive means decided rightly."""
    logits = require_array(logits, "logits", ndim=3)
    p = len(logits)
    require(logits.shape == (p, p, p) and p >= 2, "logits.shape", logits.shape, "(p, p, p) with p >= 2")
    a, b, d = np.ogrid[:p, :p, :p]
    from_answer = logits[a, b, (a + b + d) % p]
    return from_answer[:, :, 0] - from_answer[:, :, 1:].max(axis=2)


def star_margin(p, frequencies, amplitudes=1.0):
    """Least margin, over all pairs, of tied x² stars of these frequencies together, per unit of total weight.

    The logits are the mean over k of cos²(k u pi / p) cos(2 pi k d / p) with u = a - b and d = a + b - c, so the margin
    is the least, over u and d != 0, of mean_k cos²(k u pi / p) (1 - cos(2 pi k d / p)); positive ``amplitudes`` weigh
    the mean (of `stars` of one size). For one frequency and odd p that is sin²(pi / 2p) (1 - cos(2 pi / p)): exact but
    thin.

    >>> f"{star_margin(67, [1]):.2e}, {star_margin(67, [1, 18]):.2e}"
    '2.41e-06, 1.78e-03'
    """
    k = _frequencies(frequencies, p)
    share = _one_each(amplitudes, "amplitudes", len(k)).astype(np.float64)
    require((share > 0).all(), "amplitudes", amplitudes, "positive")
    pair = np.cos(np.outer(np.arange(p), k) * np.pi / p) ** 2 * share
    wrong = 1 - np.cos(2 * np.pi / p * np.outer(np.arange(1, p), k))
    return float((pair @ wrong.T).min() / share.sum())


def clock_margin(p, frequencies):
    """Least margin of `clock_logits`, the same for every pair, divided by the number of frequencies.

    The least over d != 0 of mean_k (1 - cos(2 pi k d / p)); 1 - cos(2 pi / p) for one frequency, about 2 pi² / p².
    """
    k = _frequencies(frequencies, p)
    return float((1 - np.cos(2 * np.pi / p * np.outer(np.arange(1, p), k))).mean(axis=1).min())


def pizza_margin(p, frequencies, companion=0.0):
    """Least margin of `pizza_logits` over all pairs, divided by the number of frequencies.

    One frequency and odd p: 2 sin(pi / 2p) (1 - cos(pi / p) + sin(pi / p)), about pi² / p²: half of the clock's, while
    a tied x² star has only about pi⁴ / (2 p⁴). Several frequencies repair each other's antipodal pairs, and so does a
    companion, for even p too:

    >>> [f"{pizza_margin(59, k):.4f}" for k in ([1], [1, 2], [1, 2, 4])]
    ['0.0029', '0.0411', '0.0704']
    >>> [f"{pizza_margin(60, [1], companion):.4f}" for companion in (0, 0.5)]
    ['0.0000', '0.0055']
    """
    _check_companion(companion)
    k = _frequencies(frequencies, p)
    half = np.pi / p * np.outer(np.arange(p), k)
    pair, wrong = 2 * np.abs(np.cos(half)), 1 - np.abs(np.cos(half[1:])) + np.abs(np.sin(half[1:]))
    repair = 2 * companion * np.cos(2 * half) @ (np.cos(2 * half[1:]) - 1).T
    return float((pair @ wrong.T + repair).min() / len(k))


def best_frequencies(p, m, exhaustive_up_to=20_000, margin=star_margin):
    """The m frequencies whose tied x² stars together have the widest margin, ascending, and that margin.

    ``margin`` may be `clock_margin` or `pizza_margin` to ask the same of clocks or pizzas.

    Multiplying all tokens by a unit of Z_p permutes the pairs, so one frequency may be taken as 1. All other
    choices are tried where there are at most ``exhaustive_up_to``; above, frequencies are added one by one, each
    the best (greedy). For even p there is no such set, whatever m: see the head of this module.

    >>> best_frequencies(67, 2)
    ([1, 18], 0.00178...)
    """
    p, m = require_integer(p, "p", minimum=3, maximum=LARGEST), require_integer(m, "m", minimum=1)
    require_integer(exhaustive_up_to, "exhaustive_up_to", minimum=0)
    require(callable(margin), "margin", margin, "callable, such as star_margin")
    require(p % 2 == 1, "p", p, "odd (for even p tied stars of any frequencies leave p pairs undecided)")
    units = [k for k in range(2, (p + 1) // 2) if math.gcd(k, p) == 1]
    require(m <= len(units) + 1, "m", m, f"from 1 to the {len(units) + 1} frequencies coprime to p = {p}")
    if math.comb(len(units), m - 1) <= exhaustive_up_to:
        best = max(([1, *others] for others in combinations(units, m - 1)), key=lambda ks: margin(p, ks))
    else:
        best = [1]
        while len(best) < m:
            best.append(max((k for k in units if k not in best), key=lambda k: margin(p, [*best, k])))
    return sorted(best), margin(p, best)


def solves(p, n_neurons, activation="relu", phase=0.0):
    """Whether the evenly spaced tied ring of frequency 1 decides all p² pairs rightly; p odd.

    ReLU, abs and x² scale, so only the sign of cos(delta) and psi matter; a sign is a half turn of psi; and over
    all pairs of an odd p the turned psi are j pi / p, j = 0 .. 2p - 1, with answer j mod p. So 2p rows decide
    instead of p² pairs.
    """
    p = require_integer(p, "p", minimum=3, maximum=LARGEST)
    n_neurons = require_integer(n_neurons, "n_neurons", minimum=1, maximum=LARGEST)
    require_number(phase, "phase", "a finite number", math.isfinite)
    require(p % 2 == 1, "p", p, "odd (for even p a tied ring leaves p pairs undecided)")
    required_moments(activation)
    alpha = 2 * np.pi * np.arange(n_neurons) / n_neurons + phase
    psi, c = np.pi / p * np.arange(2 * p), 2 * np.pi / p * np.arange(p)
    post, _ = ACTIVATIONS[activation][0](np.cos(psi[:, None] - alpha))
    out = post @ np.cos(c - 2 * alpha[:, None])
    rows = np.arange(2 * p)
    right = out[rows, rows % p].copy()
    out[rows, rows % p] = -np.inf
    return bool((right > out.max(axis=1) + 1e-12 * n_neurons).all())


def largest_modulus(n_neurons, activation="relu", up_to=601):
    """The largest odd p <= up_to all of whose pairs the evenly spaced ring (phase 0) decides rightly, or None.

    Aliases do not shrink with p but margins do, so there is a last p. ReLU: 117 for N = 5 and for N = 10, 21 for N = 6,
    343, 743, 1371 for N = 7, 9, 11: about N³ for odd N. Above ``up_to`` nothing is looked at. A turned ring, phase not
    0, may lose the last of them (19 for N = 6, 341 for N = 7).
    """
    require_integer(n_neurons, "n_neurons", minimum=1, maximum=LARGEST)
    require_integer(up_to, "up_to", minimum=3, maximum=LARGEST)
    return next((p for p in range(up_to - 1 + up_to % 2, 2, -2) if solves(p, n_neurons, activation)), None)
