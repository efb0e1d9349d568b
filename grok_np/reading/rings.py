"""Learned weights held against exact ones: the rings in them, their moments, and what is left after a transplant.

Works on `Effective` weights, wherever they come from: a network trained here at any checkpoint, somebody else's, or one
that was written down. Every neuron is read as one wave in and one wave out; the neurons of one frequency form a ring.

    input   A[a, i] = s_i cos(2 pi k a / p - alpha_i)          B likewise, with phases of its own where untied
    output  C[i, c] = t_i cos(2 pi k c / p - beta_i)
    phases  beta_i = alpha_i + (alpha_i of B) for a + b, alpha_i - (alpha_i of B) for a - b;  tied: beta_i = 2 alpha_i

Read next: `progress`.
"""

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from grok_np import analytic
from grok_np.analytic.rings import REQUIRED
from grok_np.errors import require, require_array, require_choice, require_type
from grok_np.layers import LOSSES
from grok_np.networks.mlp import Effective, mix_forward
from grok_np.reading import fourier
from grok_np.reading.progress import fraction_explained
from grok_np.tasks import Split

# A neuron is read as a wave if it is alive (its weight is 1 % of the largest or more) and half or more of its input
# power is in one frequency; three such neurons make a ring, fewer cannot compute anything exactly.
ALIVE, PURE, RING = 0.01, 0.5, 3
SIGNS = {"add": 1, "subtract": -1}


@dataclass(frozen=True)
class Ring:
    """The neurons of one frequency, in order of their input phase; arrays (n,), phases in radians in [-pi, pi)."""

    frequency: int  # cycles per p
    neurons: np.ndarray  # which neurons of the network these are
    input_phases: np.ndarray  # alpha_i of A
    second_input_phases: np.ndarray  # alpha_i of B: the same where tied
    output_phases: np.ndarray  # beta_i of C
    input_amplitudes: np.ndarray  # s_i of A
    second_input_amplitudes: np.ndarray  # s_i of B
    output_amplitudes: np.ndarray  # t_i of C
    weights: np.ndarray  # what a neuron counts in the moments: s t, s the geometric mean of both s_i; for x² s² t
    input_shares: np.ndarray  # of the power of A at this frequency, the constant excepted, in [0, 1]
    output_shares: np.ndarray  # likewise of C
    sign: int = 1  # -1 where the network subtracts

    @property
    def n_neurons(self):
        """Number of neurons."""
        return len(self.neurons)

    @property
    def moments(self):
        """|M_n| / sum of weights for n = 1 .. 12, M_n = sum_i weights_i exp(i n alpha_i); the law is in `analytic`."""
        return np.abs(analytic.moments(self.input_phases, self.weights))

    @property
    def phase_errors(self):
        """beta_i - alpha_i of A -+ alpha_i of B (minus for a + b, plus for a - b), degrees, wrapped to +-180."""
        error = self.output_phases - self.input_phases - self.sign * self.second_input_phases
        return np.degrees(np.angle(np.exp(1j * error)))

    @property
    def evenness(self):
        """|mean of exp(i n alpha)|, n neurons: 1 if and only if all phases lie on one regular n-gon.

        So 1 for evenly spaced phases, and for several on one corner while others are empty, which the moments tell.
        """
        return float(np.abs(np.exp(1j * self.n_neurons * self.input_phases).mean()))

    @property
    def regular_phases(self):
        """Evenly spaced phases in the same order as the input phases, in the rotation nearest to them."""
        steps = 2 * np.pi * np.arange(self.n_neurons) / self.n_neurons
        return steps + np.angle(np.exp(1j * (self.input_phases - steps)).sum())


def find(effective: Effective, operation: str = "add") -> list[Ring]:
    """The rings in effective weights, one per key frequency, ascending.

    A neuron counts if its weight is at least 1 % of the largest and half of its input power or more at one frequency; a
    frequency is key if three such neurons or more share it. ``operation``: "add" or "subtract", for `phase_errors`.
    """
    require_type(effective, "effective", Effective)
    require_choice(operation, "operation", SIGNS)
    a = fourier.strongest_waves(effective.A)
    b = fourier.strongest_waves(effective.B, a.frequency)
    c = fourier.strongest_waves(effective.C.T, a.frequency)
    turns = 2 if effective.activation == "square" else 1
    weights = np.sqrt(a.amplitude * b.amplitude) ** turns * c.amplitude
    counts = (weights >= ALIVE * weights.max()) & (a.share >= PURE) & (weights > 0)
    found = []
    for k in np.unique(a.frequency[counts]):
        i = np.flatnonzero(counts & (a.frequency == k))
        if len(i) >= RING:
            i = i[np.argsort(a.phase[i])]
            found.append(Ring(
                int(k), i, a.phase[i], b.phase[i], c.phase[i], a.amplitude[i], b.amplitude[i], c.amplitude[i],
                weights[i], a.share[i], c.share[i], SIGNS[operation]))
    return found


def square_wave(angles):
    """A wave of two values whose fundamental is cos: +-pi/4. (Swaroop 2026, arXiv 2603.23784, finds learned input waves
    close to it. In the article's published network they make half of the answers wrong, cosines none: `scores`.)
    """
    return np.copysign(np.pi / 4, np.cos(angles))


def transplant(effective, rings, wave=np.cos):
    """The network rebuilt from frequency, phases and amplitudes of its rings alone; other neurons are dropped.

    ``wave``: ``np.cos`` or `square_wave` for the input side; the output side is always cosines. Returns `Effective`
    weights without bias, neurons in the order of ``rings``, as found by `find`.
    """
    require_type(effective, "effective", Effective)
    require(callable(wave), "wave", wave, "a function of an angle, such as np.cos or square_wave")
    _some(rings)
    x = 2 * np.pi * np.arange(len(effective.A))[:, None] / len(effective.A)
    A = np.hstack([one.input_amplitudes * wave(one.frequency * x - one.input_phases) for one in rings])
    B = np.hstack([one.second_input_amplitudes * wave(one.frequency * x - one.second_input_phases) for one in rings])
    C = np.hstack([one.output_amplitudes * np.cos(one.frequency * x - one.output_phases) for one in rings]).T
    return replace(effective, A=A, B=B, bias=np.zeros(A.shape[1]), C=C)


def _some(rings):
    require_type(rings, "rings", list)
    require(rings and all(isinstance(one, Ring) for one in rings), "rings", rings, "one or more, from `find`")


def regularise(effective, rings):
    """The network with every ring made regular: even spacing, equal weights, phases by the law, B turning as A does.

    Each ring keeps its frequency, number of neurons, rotation and total weight.
    """
    require_type(effective, "effective", Effective)
    _some(rings)
    turns, regular = 2 if effective.activation == "square" else 1, []
    for one in rings:
        s, alpha = np.full(one.n_neurons, one.input_amplitudes.mean()), one.regular_phases
        regular.append(replace(
            one, input_phases=alpha, second_input_phases=one.sign * alpha, output_phases=2 * alpha, input_amplitudes=s,
            second_input_amplitudes=s, output_amplitudes=one.weights.mean() / s**turns))
    return transplant(effective, regular)


def keep_harmonics(effective, rings, harmonics=(0, 1, 2)):
    """The network with only these harmonics of each ring's frequency left in the input waves, pure cosines out.

    Pure cosines (harmonic 1) leave a tied network blind where cos(k (a-b) w / 2) is near 0. Learned waves also have a
    second harmonic h and a constant c: in the rings of the article's published network on average -0.10 to -0.16 and
    0.08 to 0.11 of the fundamental. They speak on those very pairs, where A and B together add
    2 c - 2 h cos(2 psi - 2 alpha) to the pre-activation. With harmonics (0, 1, 2) the loss is of the learned size.
    """
    require_type(effective, "effective", Effective)
    _some(rings)
    harmonics = require_array(harmonics, "harmonics", ndim=1)
    require(harmonics.dtype.kind in "iu", "harmonics", harmonics, "integers")
    p = len(effective.A)
    A, B, C = (np.zeros(W.shape) for W in (effective.A, effective.B, effective.C))
    for one in rings:
        index = np.outer(harmonics, one.frequency) % p
        kept = np.isin(fourier.frequencies(p), np.minimum(index, p - index))
        fundamental = fourier.frequencies(p) == one.frequency
        for new, old, rows in ((A, effective.A, kept), (B, effective.B, kept), (C.T, effective.C.T, fundamental)):
            spectrum = fourier.transform(old[:, one.neurons].astype(np.float64))
            new[:, one.neurons] = fourier.inverse_transform(spectrum * rows[:, None])
    return replace(effective, A=A, B=B, C=C)


class Score(NamedTuple):
    """Mean cross-entropy in nats, and the fraction of examples answered rightly (`layers.Loss.accuracy`)."""

    loss: float
    accuracy: float


def scores(effective, split, rings=None):
    """What is left after each replacement: rows of (name, `Score` on train, `Score` on test pairs).

    Only the learned network where there is no ring yet. ``rings`` are found where they are not given.
    """
    require_type(effective, "effective", Effective)
    require_type(split, "split", Split)
    rings = find(effective) if rings is None else rings
    networks = {"learned weights": effective}
    require_type(rings, "rings", list)
    if rings:
        networks |= {"second harmonic and constant": keep_harmonics(effective, rings),
                     "pure cosines": transplant(effective, rings),
                     "pure cosines, regular rings": regularise(effective, rings),
                     "square waves": transplant(effective, rings, square_wave)}
    return [(name, _score(network, *split[:2]), _score(network, *split[2:])) for name, network in networks.items()]


def _score(effective, inputs, labels):
    if not len(labels):
        return Score(np.nan, np.nan)
    logits, loss = mix_forward(effective, inputs)[0], LOSSES["cross_entropy"]
    return Score(float(loss.forward(logits, labels)[0]), float(loss.accuracy(logits, labels)))


def table(effective: Effective, split: Split) -> str:
    """The table "learned against exact" as text: rings, their moments, variance explained, scores after transplants.

    Whether the network adds or subtracts is told by the training labels of ``split``.
    """
    require_type(effective, "effective", Effective)
    require_type(split, "split", Split)
    p, (a, b) = len(effective.A), split.train_inputs.T
    sign = 1 if ((a + b) % p == split.train_labels).mean() >= ((a - b) % p == split.train_labels).mean() else -1
    rings = find(effective, "add" if sign == 1 else "subtract")
    results = f"{'the network with':30s}{'train loss':>12s}{'test loss':>12s}{'train acc.':>12s}{'test acc.':>12s}"
    for name, train, test in scores(effective, split, rings):
        results += f"\n{name:30s}{train.loss:12.2e}{test.loss:12.2e}{train.accuracy:12.4f}{test.accuracy:12.4f}"
    if not rings:
        return "No rings yet: no three neurons share a frequency.\n" + results
    required = REQUIRED.get(effective.activation, ())
    lines = ["Learned against exact, ring by ring", _row(
        "frequency", "neurons", "power in it", "phase error", "evenness",
        *[f"{'*' if n in required else ''}M{n}" for n in range(1, 8)])]
    tied = effective.A is effective.B or np.array_equal(effective.A, effective.B)
    for ring in rings:
        lines.append(_row(ring.frequency, ring.n_neurons, f"{ring.input_shares.min():.1%}",
                          f"{np.median(np.abs(ring.phase_errors)):.1f} deg", *_spacing(ring)))
        if not tied:
            of_b = replace(ring, input_phases=ring.second_input_phases)
            lines.append(_row("ring of b", "", "", "", *_spacing(of_b)))
    law = "output - 2 x input phase" if tied else f"output - phase of a {'-+'[sign < 0]} phase of b"
    lines += ["power in it: least share of a neuron's input power at its frequency. phase error: median of",
              f"|{law}|. evenness: 1 = on a regular polygon. Mn: |M_n| / sum of weights;",
              "* must vanish in a tied star." if required else f"for {effective.activation} no moment law is known."]
    logits = analytic.logits(effective, p)[:, sign * np.arange(p) % p]
    explained = fraction_explained(logits, [ring.frequency for ring in rings])
    errors = np.abs(np.concatenate([ring.phase_errors for ring in rings]))
    lines += ["", f"waves cos(2 pi k (a{'-+'[sign > 0]}b-c) / {p}) explain {explained:.1%} of the variance of the "
              "logits about each pair's mean",
              f"median |{law}| over all neurons: {np.median(errors):.2f} degrees"]
    if required and tied:
        worst = max(ring.moments[n - 1] for ring in rings for n in required)
        lines.append(f"largest moment that should vanish: {worst:.3f}")
    return "\n".join(lines) + "\n\n" + results


def _spacing(ring):
    return [f"{x:.2f}" for x in (ring.evenness, *ring.moments[:7])]


def _row(*cells):
    widths = [9, 9, 13, 13, 10] + [7] * (len(cells) - 5)
    return "".join(f"{cell!s:>{width}}" for cell, width in zip(cells, widths, strict=True))
