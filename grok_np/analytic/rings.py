"""Rings of neurons of one frequency: moments, the regular star, the untied star, uneven rings that are as exact.

The moment law that decides which rings work is in the head of `analytic`; proofs and credits: docs/theory.md.

Read next: `proofs`.
"""

import math
from dataclasses import replace

import numpy as np

from grok_np.errors import require, require_array, require_choice, require_integer, require_number, require_type
from grok_np.layers import ACTIVATIONS
from grok_np.networks.mlp import Effective

INEXACT = " (allow_inexact=True builds it all the same)"
REQUIRED = {"square": (2, 4), "relu": (1, 2, 3, 4), "abs": (2, 4)}


def required_moments(activation):
    """Orders n of the moments that must vanish in a star: all that count for x², the largest errors for ReLU and |x|.

    >>> required_moments("relu")
    (1, 2, 3, 4)
    """
    require_choice(activation, "activation", REQUIRED)
    return REQUIRED[activation]


def rigid_size(activation):
    """Fewest x² or ReLU neurons of one frequency that meet the required moments *as a star*; such a star is regular.

    Moments 1 to 4 need five nodes (docs/theory.md, section 2). x² and |x| see 2 alpha only, where moments 2 and 4 are 1
    and 2: three nodes, up to half turns. Answers are those of the largest logit. Other networks can do with less: two
    neurons of sine are exact (Huang, Li 2025, arXiv 2511.23443).

    >>> rigid_size("square"), rigid_size("relu")
    (3, 5)
    """
    return {(2, 4): 3, (1, 2, 3, 4): 5}[required_moments(activation)]


def angles(x, frequency, p):
    """2 pi frequency x / p for integers x, reduced mod 2 pi before the rounding: so what must tie ties to 1e-15."""
    return 2 * np.pi / p * (x * frequency % p)


def _ring(phases, weights):
    """Phases and weights, by default ones: two arrays (n,)."""
    phases = require_array(phases, "phases", ndim=1).astype(np.float64, copy=False)
    require(np.isfinite(phases).all() and len(phases), "phases", phases, "finite, one at least")
    weights = np.ones_like(phases) if weights is None else require_array(weights, "weights").astype(np.float64)
    require(phases.shape == weights.shape, "weights.shape", weights.shape, f"that of phases, {phases.shape}")
    return phases, weights


def moments(phases: np.ndarray, weights: np.ndarray | None = None, n_max: int = 12) -> np.ndarray:
    """M_n / sum of weights for n = 1 .. n_max: complex, of modulus 0 to 1 for positive weights (ones by default).

    >>> np.abs(moments(2 * np.pi * np.arange(5) / 5)).round(12)[:6]
    array([0., 0., 0., 0., 1., 0.])
    """
    phases, weights = _ring(phases, weights)
    orders = np.arange(1, 1 + require_integer(n_max, "n_max", minimum=1))
    return np.exp(1j * np.outer(orders, phases)) @ weights / weights.sum()


def coprime(frequency, p, allow_inexact=False):
    """The frequency, or a ValueError that says why it must be coprime to p, unless ``allow_inexact``."""
    p, frequency = require_integer(p, "p", minimum=2), require_integer(frequency, "frequency", minimum=1)
    require(isinstance(allow_inexact, bool | np.bool_), "allow_inexact", allow_inexact, "True or False")
    shared = math.gcd(frequency, p)
    if shared > 1 and not allow_inexact:
        raise ValueError(f"frequency must be coprime to p = {p}, got {frequency}: both are multiples of {shared}, so "
                         f"tokens {p // shared} apart look the same to every neuron{INEXACT}")
    return frequency


def frequency_array(frequencies, p):
    """One or more frequencies, each `coprime` to p, as an array of integers."""
    p, frequencies = require_integer(p, "p", minimum=2), require_array(frequencies, "frequencies", ndim=1)
    require(len(frequencies), "frequencies", frequencies, "one or more")
    for k in frequencies:
        require_integer(k, "frequencies", minimum=1)
    return np.array([coprime(k, p) for k in frequencies])


def ring(p, phases, frequency=1, weights=None, activation="square", allow_inexact=False):
    """The star of any input ``phases`` (n,), radians, good or bad (`moments` tell), as `Effective` in float64.

    ``frequency`` k: turns per p tokens, coprime to p, because otherwise two answers look alike (``allow_inexact`` to
    look at that). ``weights`` (n,): output amplitudes, by default ones. ``activation``: a key of `layers.ACTIVATIONS`.
    """
    frequency = coprime(frequency, p, allow_inexact)
    require_choice(activation, "activation", ACTIVATIONS)
    phases, weights = _ring(phases, weights)
    turn = angles(np.arange(p), frequency, p)
    A = np.cos(turn[:, None] - phases)
    return Effective(A, A, np.zeros(len(phases)), weights[:, None] * np.cos(turn - 2 * phases[:, None]), activation)


def star(p: int, n_neurons: int, frequency: int = 1, phase: float = 0.0, activation: str = "square",
         allow_inexact: bool = False) -> Effective:
    """The regular star of N = ``n_neurons``: input phases 2 pi i / N + ``phase`` (radians), equal weights; see `ring`.

    For x², logits[a, b, c] = N cos²(k (a-b) w / 2) cos(k (a+b-c) w), for every p, if and only if N is not 1, 2 or 4
    (`is_exact`; that three suffice: Tian 2024, arXiv 2410.01779), whatever the phase. For ReLU and |x| the same N are
    refused, with N = 3 for ReLU, because a large error would reach the answer; with other N small ones remain, and
    `largest_modulus` says how far they can be ignored.

    Raises ValueError if N divides the order of a required moment, which then does not vanish, or for an activation
    without a moment law, such as gelu; ``allow_inexact`` builds it all the same, in order to look at the failure.

    >>> star(67, n_neurons=3).A.shape
    (67, 3)
    >>> star(67, n_neurons=4)
    Traceback (most recent call last):
    ValueError: n_neurons must not divide 4 for activation 'square', got 4: moment M_4 of an even ring of 4 does not
    vanish, so an alias reaches the answer (allow_inexact=True builds it all the same)
    """
    frequency, n_neurons = coprime(frequency, p, allow_inexact), require_integer(n_neurons, "n_neurons", minimum=1)
    require_number(phase, "phase", "a finite number", math.isfinite)
    for n in () if allow_inexact else required_moments(activation)[::-1]:
        if n % n_neurons == 0:
            raise ValueError(f"n_neurons must not divide {n} for activation {activation!r}, got {n_neurons}: moment "
                             f"M_{n} of an even ring of {n_neurons} does not vanish, so an alias reaches the answer"
                             + INEXACT)
    return ring(p, 2 * np.pi * np.arange(n_neurons) / n_neurons + phase, frequency, None, activation, allow_inexact)


def one_each(values, name, n):
    """One value for all n, or one for each."""
    values = require_array(values, name)
    require(values.shape in ((), (1,), (n,)), f"{name}.shape", values.shape, f"() or ({n},)")
    return np.broadcast_to(values, n)


def stars(p, n_neurons, frequencies, phases=0.0, amplitudes=1.0, activation="square", allow_inexact=False):
    """Tied stars of several frequencies in one network: its logits are the sum, its margin far wider (`star_margin`).

    ``n_neurons``, ``phases`` and ``amplitudes`` (factors on the output): one for all or one per frequency; else as in
    `star`. `best_frequencies` says which to take.

    >>> stars(67, 5, frequencies=[1, 20, 25]).A.shape
    (67, 15)
    """
    frequencies = require_array(frequencies, "frequencies", ndim=1)
    require(len(frequencies), "frequencies", frequencies, "one or more")
    sizes, phases, amplitudes = (one_each(values, name, len(frequencies)) for values, name in (
        (n_neurons, "n_neurons"), (phases, "phases"), (amplitudes, "amplitudes")))
    each = [star(p, n, k, phase, activation, allow_inexact)
            for n, k, phase in zip(sizes, frequencies, phases, strict=True)]
    return together(*[replace(one, C=amplitude * one.C) for one, amplitude in zip(each, amplitudes, strict=True)])


def two_windings(windings):
    """Two integers."""
    windings = require_array(windings, "windings", ndim=1).tolist()
    require(len(windings) == 2 and {type(turns) for turns in windings} == {int}, "windings", windings, "two integers")
    return windings


def untied_star(p: int, n_neurons: int = 6, windings: tuple[int, int] = (1, 4), frequency: int = 1,
                allow_inexact: bool = False) -> Effective:
    """The x² star whose rings for a and b wind x and y times: exact for every p, even ones too, with a wide margin.

    A[a, i] = cos(k a w - x i theta), B[b, i] = cos(k b w - y i theta), C[i, c] = cos(k c w - (x+y) i theta) with
    theta = 2 pi / N. Then logits = (N/2) cos(k (a+b-c) w) exactly if and only if N divides none of 2x, 2y, 2x+2y, x+y,
    x-y, 3x+y, x+3y (`certificate`); the smallest N is 6, with windings (1, 4) or (2, 5). (Conditions of this kind, for
    weights that x² learns under squared error: Tian 2024, arXiv 2410.01779.)

    Raises ValueError naming the divisor otherwise, unless ``allow_inexact``; other arguments as in `star`.
    """
    frequency, (x, y) = coprime(frequency, p, allow_inexact), two_windings(windings)
    n_neurons = require_integer(n_neurons, "n_neurons", minimum=1)
    orders = {"2x": 2 * x, "2y": 2 * y, "2x+2y": 2 * x + 2 * y, "x+y": x + y, "x-y": x - y, "3x+y": 3 * x + y,
              "x+3y": x + 3 * y}
    blocking = [f"{name} = {value}" for name, value in orders.items() if value % n_neurons == 0]
    if blocking and not allow_inexact:
        raise ValueError(f"n_neurons must not divide any of {', '.join(orders)} for windings x, y = {x, y}, got "
                         f"{n_neurons}, which divides {' and '.join(blocking)}{INEXACT}")
    theta = 2 * np.pi * np.arange(n_neurons) / n_neurons
    turn = angles(np.arange(p), frequency, p)[:, None]
    A, B, C = (np.cos(turn - turns * theta) for turns in (x, y, x + y))
    return Effective(A, B, np.zeros(n_neurons), C.T, "square")


def together(*networks):
    """One network with the neurons of all: its logits are the sum. How stars of several frequencies are combined."""
    for network in networks:
        require_type(network, "each of networks", Effective)
    require(len({network.activation for network in networks}) == 1, "networks", len(networks),
            "one or more of the same activation")
    return replace(networks[0], A=np.hstack([n.A for n in networks]), B=np.hstack([n.B for n in networks]),
                   bias=np.concatenate([n.bias for n in networks]), C=np.vstack([n.C for n in networks]))


def uneven_ring(n_neurons, moment, activation="square"):
    """Phases and weights, of mean 1, of the N-ring with M_1 = .. = M_(N-2) = 0 and M_(N-1) = moment, of the sum.

    Orders are of u = exp(i alpha); for x² and |x|, which see only 2 alpha, u = exp(2 i alpha) and M_n here is their
    M_2n. With m = moment, |m| < 1,

        nodes     the N roots of  u^N - m u = 1 - conj(m) u^(N-1),  all on the circle
        weights   1 / (N - 1 + |u^(N-1) - m|² / (1 - |m|²)),  whose sum is 1

    Up to a turn *every* N nodes with positive weights and these vanishing moments are of this form ("the law of six",
    docs/theory.md, section 2). m = 0 is the regular ring; M_N = 1 - |m|² and M_(N+1) = -conj(m) (1 - |m|²) follow. One
    ring of six in the article's published weights has |M_5| = 0.46 and |M_6|, |M_7| = 0.79, 0.35 where the law says
    0.78, 0.36. Which m training takes it does not say; loss + decay does (`best_rings`).

    >>> phases, weights = uneven_ring(4, 0.4)                  # four x² neurons, as exact as three
    >>> np.abs(moments(phases, weights, 4)[[1, 3]]).max() < 1e-12
    np.True_
    >>> np.abs(moments(*uneven_ring(6, 0.52, "relu"), 8)).round(2)
    array([0.  , 0.  , 0.  , 0.  , 0.52, 0.73, 0.38, 0.2 ])
    """
    n_neurons = require_integer(n_neurons, "n_neurons", minimum=rigid_size(activation) + 1)
    require_type(moment, "moment", int, float, complex, np.number)
    require(abs(moment) < 1, "moment", moment, "of modulus below 1 (at 1 weights vanish)")
    equation = np.zeros(n_neurons + 1, complex)  # highest power first; u^(N-1) and u are different powers, as N > 2
    equation[[0, 1, -2, -1]] = 1, np.conj(moment), -moment, -1
    turns = 1 if activation == "relu" else 2
    nodes = np.sort(np.angle(np.roots(equation)))
    weights = 1 / (n_neurons - 1 + abs(np.exp(1j * (n_neurons - 1) * nodes) - moment) ** 2 / (1 - abs(moment) ** 2))
    return nodes / turns, n_neurons * weights


def gromov(p, n_neurons, rng):
    """Gromov's analytic weights (arXiv 2301.02679): random frequencies and phases, phi_out = phi_a + phi_b.

    Everything unwanted averages out like 1 / sqrt N, where the untied star needs six neurons.
    """
    p, n_neurons = require_integer(p, "p", minimum=2), require_integer(n_neurons, "n_neurons", minimum=1)
    require_type(rng, "rng", np.random.Generator)
    frequency = rng.integers(1, max(2, (p + 1) // 2), n_neurons)
    phase_a, phase_b = rng.uniform(0, 2 * np.pi, (2, n_neurons))
    turn = angles(np.arange(p)[:, None], frequency, p)
    A, B, C = (np.cos(turn - phase) for phase in (phase_a, phase_b, phase_a + phase_b))
    return Effective(A, B, np.zeros(n_neurons), C.T, "square")
