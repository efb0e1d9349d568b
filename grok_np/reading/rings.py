"""Learned weights held against exact ones: the rings in them, their moments, and what is left after a transplant.

Works on `Effective` weights, wherever they come from: a network trained here at any checkpoint, somebody else's, or one
that was written down. Every neuron is read as one wave in and one wave out; the neurons of one frequency form a ring.

    input   A[a, i] = s_i cos(2 pi k a / p - alpha_i)          B likewise
    output  C[i, c] = t_i cos(2 pi k c / p - beta_i)           star law: beta_i = 2 alpha_i

Read next: `figures`.
"""

from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from grok_np import analytic
from grok_np.errors import require, require_array, require_type
from grok_np.layers import cross_entropy_forward
from grok_np.networks.mlp import Effective, mix_forward
from grok_np.reading import fourier
from grok_np.reading.progress import fraction_explained
from grok_np.tasks import Split

# A neuron is read as a wave if it is alive (its weight is 1 % of the largest or more) and half or more of its input
# power is in one frequency; three such neurons make a ring, fewer cannot compute anything exactly.
ALIVE, PURE, RING = 0.01, 0.5, 3


@dataclass(frozen=True)
class Ring:
    """The neurons of one frequency, in order of their input phase.

    Attributes
    ----------
    frequency : int
        Cycles per p.
    neurons : ndarray (n,) int
        Which neurons of the network these are.
    input_phases, output_phases : ndarray (n,)
        alpha_i of A and beta_i of C, radians in [-pi, pi).
    second_input_phases : ndarray (n,)
        alpha_i of B: the same where the weights are shared.
    input_amplitudes, output_amplitudes : ndarray (n,)
        s_i of A and t_i of C.
    weights : ndarray (n,)
        What the neuron counts in the moments: s t; for x² s² t.
    input_shares, output_shares : ndarray (n,)
        Share of the neuron's power, constant excepted, at this frequency, in A and in C; in [0, 1].
    moments : ndarray (12,)
        |M_n| / sum of weights for n = 1 .. 12, M_n = sum_i weights_i exp(i n alpha_i); see `analytic`.
    """

    frequency: int
    neurons: np.ndarray
    input_phases: np.ndarray
    second_input_phases: np.ndarray
    output_phases: np.ndarray
    input_amplitudes: np.ndarray
    output_amplitudes: np.ndarray
    weights: np.ndarray
    input_shares: np.ndarray
    output_shares: np.ndarray
    moments: np.ndarray

    @property
    def n_neurons(self):
        """Number of neurons."""
        return len(self.neurons)

    @property
    def phase_errors(self):
        """Output phase minus the sum of both input phases (twice the input phase where shared), degrees, wrapped."""
        error = self.output_phases - self.input_phases - self.second_input_phases
        return np.degrees(np.angle(np.exp(1j * error)))

    @property
    def evenness(self):
        """|mean of exp(i n alpha)|, n neurons: 1 if and only if the phases are evenly spaced (up to coincidences)."""
        return float(np.abs(np.exp(1j * self.n_neurons * self.input_phases).mean()))

    @property
    def regular_phases(self):
        """Evenly spaced phases in the same order as the input phases, in the rotation nearest to them."""
        steps = 2 * np.pi * np.arange(self.n_neurons) / self.n_neurons
        return steps + np.angle(np.exp(1j * (self.input_phases - steps)).sum())


def find(effective: Effective) -> list[Ring]:
    """The rings in effective weights, one per key frequency, ascending.

    A neuron counts if its weight is at least 1 % of the largest and at least half of its input power is at one
    frequency; a frequency is key if at least three such neurons share it.

    Returns
    -------
    list of Ring
    """
    require_type(effective, "effective", Effective)
    waves_a = fourier.strongest_waves(effective.A)
    waves_b = fourier.strongest_waves(effective.B, waves_a.frequency)
    waves_c = fourier.strongest_waves(effective.C.T, waves_a.frequency)
    turns = 2 if effective.activation == "square" else 1
    weights = waves_a.amplitude**turns * waves_c.amplitude
    counts = (weights >= ALIVE * weights.max()) & (waves_a.share >= PURE) & (weights > 0)
    found = []
    for k in np.unique(waves_a.frequency[counts]):
        members = np.flatnonzero(counts & (waves_a.frequency == k))
        if len(members) >= RING:
            members = members[np.argsort(waves_a.phase[members])]
            found.append(Ring(
                int(k), members, waves_a.phase[members], waves_b.phase[members], waves_c.phase[members],
                waves_a.amplitude[members], waves_c.amplitude[members], weights[members],
                waves_a.share[members], waves_c.share[members],
                np.abs(analytic.moments(waves_a.phase[members], weights[members]))))
    return found


def cosine(angles):
    """The wave that exact stars are made of."""
    return np.cos(angles)


def square_wave(angles):
    """A wave of two values whose fundamental is cos: +-pi/4 (learned input waves come close: Swaroop 2026)."""
    return np.copysign(np.pi / 4, np.cos(angles))


def transplant(effective, wave=cosine):
    """The network rebuilt from frequency, phases and amplitudes alone; neurons outside every ring are dropped.

    ``wave``: `cosine` or `square_wave` (Swaroop 2026, arXiv 2603.23784) for the input side; the output side is always
    cosines. Returns `Effective` weights without bias, neurons in the order of `rings`.
    """
    require(callable(wave), "wave", wave, "a function of an angle, such as cosine or square_wave")
    return _rebuilt(effective, [
        (ring.frequency, ring.input_phases, ring.second_input_phases, ring.output_phases,
         ring.input_amplitudes, ring.output_amplitudes) for ring in find(effective)], wave)


def keep_harmonics(effective, harmonics=(0, 1, 2)):
    """The network with only these harmonics of each ring's frequency left in the input waves, pure cosines out.

    Pure cosines (harmonic 1) leave a tied network blind where cos(k (a-b) w / 2) is near 0. Trained networks put about
    -0.12 of a second harmonic and +0.09 of a constant into the input wave, which speak exactly on those pairs: there
    A and B together add 0.18 + 0.24 cos(2 psi - 2 alpha) to the pre-activation. With harmonics (0, 1, 2) the loss is
    of the learned size.
    """
    require_type(effective, "effective", Effective)
    harmonics = require_array(harmonics, "harmonics", ndim=1)
    p = len(effective.A)
    A, B, C = (np.zeros(W.shape) for W in (effective.A, effective.B, effective.C))
    for ring in find(effective):
        index = np.mod(np.outer(harmonics, ring.frequency), p).ravel()
        kept = np.isin(fourier.frequencies(p), np.minimum(index, p - index))
        fundamental = fourier.frequencies(p) == ring.frequency
        for new, old in ((A, effective.A), (B, effective.B)):
            spectrum = fourier.transform(old[:, ring.neurons].astype(np.float64))
            new[:, ring.neurons] = fourier.inverse_transform(spectrum * kept[:, None])
        spectrum = fourier.transform(effective.C[ring.neurons].astype(np.float64), axis=1)
        C[ring.neurons] = fourier.inverse_transform(spectrum * fundamental, axis=1)
    return replace(effective, A=A, B=B, C=C)


def regularise(effective):
    """The network with every ring made regular: even spacing, equal weights, output phase = twice the input phase.

    Each ring keeps its frequency, number of neurons, rotation and total weight.
    """
    require_type(effective, "effective", Effective)
    turns = 2 if effective.activation == "square" else 1
    specification = []
    for ring in find(effective):
        alpha, s = ring.regular_phases, ring.input_amplitudes.mean()
        t = ring.weights.mean() / s**turns
        equal = np.ones(ring.n_neurons)
        specification.append((ring.frequency, alpha, alpha, 2 * alpha, s * equal, t * equal))
    return _rebuilt(effective, specification, cosine)


def _rebuilt(effective, specification, wave):
    """Effective weights from (frequency, alpha, alpha of b, beta, s, t) per ring."""
    p = len(effective.A)
    require(len(specification) > 0, "effective", "weights without any ring", "weights with at least one ring")
    x = 2 * np.pi * np.arange(p)[:, None] / p
    A = np.hstack([s * wave(k * x - alpha) for k, alpha, _, _, s, _ in specification])
    B = np.hstack([s * wave(k * x - alpha) for k, _, alpha, _, s, _ in specification])
    C = np.hstack([t * np.cos(k * x - beta) for k, _, _, beta, _, t in specification]).T
    return replace(effective, A=A, B=B, bias=np.zeros(A.shape[1]), C=C)


class Score(NamedTuple):
    """Mean cross-entropy in nats, and the fraction of examples whose right logit is strictly the largest."""

    loss: float
    accuracy: float


def score(effective: Effective, inputs: np.ndarray, labels: np.ndarray) -> Score:
    """`Score` of effective weights on pairs (B, 2) with labels (B,). A tie counts as an error."""
    require_type(effective, "effective", Effective)
    logits, _ = mix_forward(effective, inputs)
    labels, n_classes = require_array(labels, "labels", ndim=1), logits.shape[1]
    fits = labels.dtype.kind in "iu" and len(labels) == len(logits) > 0
    require(fits and labels.min() >= 0 and labels.max() < n_classes, "labels", labels,
            f"integers in [0, {n_classes}), one for each of the inputs, one at least")
    rows = np.arange(len(labels))
    right = logits[rows, labels]
    others = logits.copy()
    others[rows, labels] = -np.inf
    return Score(float(cross_entropy_forward(logits, labels)[0]), float((right > others.max(axis=1)).mean()))


def scores(effective, split):
    """What is left after each replacement: rows of (name, `Score` on train, `Score` on test pairs).

    Only the learned network where there is no ring yet.
    """
    require_type(split, "split", Split)
    networks = {"learned weights": effective}
    if find(effective):
        networks |= {"second harmonic and constant": keep_harmonics(effective),
                     "pure cosines": transplant(effective),
                     "pure cosines, regular rings": regularise(effective),
                     "square waves": transplant(effective, square_wave)}
    return [(name, score(network, split.train_inputs, split.train_labels),
             score(network, split.test_inputs, split.test_labels)) for name, network in networks.items()]


def table(effective: Effective, split: Any) -> str:
    """The table "learned against exact" as text: rings, their moments, variance explained, scores after transplants."""
    require_type(split, "split", Split)
    found = find(effective)
    required = analytic.required_moments(effective.activation)
    lines = ["Learned against exact, ring by ring", _row(
        "frequency", "neurons", "power in it", "phase error", "evenness",
        *[f"{'*' if n in required else ''}M{n}" for n in range(1, 8)])]
    for ring in found:
        lines.append(_row(
            ring.frequency, ring.n_neurons, f"{ring.input_shares.min():.1%}",
            f"{np.median(np.abs(ring.phase_errors)):.1f} deg", f"{ring.evenness:.2f}",
            *[f"{m:.2f}" for m in ring.moments[:7]]))
    lines.append("power in it: least share of a neuron's input power at its frequency. phase error: median of |output")
    lines.append("phase - 2 x input phase|. evenness: 1 = evenly spaced. Mn: moment |M_n| / sum w; * must vanish.")
    if not found:
        return "No rings yet: no three neurons share a frequency.\n" + _score_lines(scores(effective, split))
    p = len(effective.A)
    explained = fraction_explained(analytic.logits(effective, p), [ring.frequency for ring in found])
    errors = np.abs(np.concatenate([ring.phase_errors for ring in found]))
    worst = max(ring.moments[n - 1] for ring in found for n in required)
    lines += ["",
              f"waves cos(2 pi k (a+b-c) / {p}) explain {explained:.1%} of the variance of the logits",
              f"median |output phase - 2 x input phase| over all neurons: {np.median(errors):.2f} degrees",
              f"largest moment that should vanish: {worst:.3f}", ""]
    return "\n".join(lines) + "\n" + _score_lines(scores(effective, split))


def _row(*cells):
    widths = [9, 9, 13, 13, 10] + [7] * (len(cells) - 5)
    return "".join(f"{cell!s:>{width}}" for cell, width in zip(cells, widths, strict=True))


def _score_lines(rows):
    lines = [f"{'the network with':30s}{'train loss':>12s}{'test loss':>12s}{'train acc.':>12s}{'test acc.':>12s}"]
    lines += [f"{name:30s}{train.loss:12.2e}{test.loss:12.2e}{train.accuracy:12.4f}{test.accuracy:12.4f}"
              for name, train, test in rows]
    return "\n".join(lines)
