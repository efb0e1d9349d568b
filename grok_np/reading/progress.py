"""Progress measures for grokking: what a network has learned before its test loss shows it.

The definitions of Nanda, Chan, Lieberum, Smith, Steinhardt 2023 (arXiv 2301.05217, sections 4 and 5), on plain arrays:

    logits   (p, p, n)   of every pair (a, b), n >= p outputs; those from p on (an "=" token) are left out
    neurons  (p, p, h)   activations after the non-linearity
    W_E      (p, d)      the embedding of the p numbers
    W_L      (h, p)      from neurons to logits: W_out @ W_U
    mask     (p, p)      True for the pairs to average over, training pairs say; None means all

Nothing here knows a model or a run (`reading.all_logits` and `all_activations` give such arrays). Losses are means in
nats, NaN over no pairs; frequencies k count cycles per p, 1 <= k <= p//2, and w_k is 2 pi k / p; every p >= 2 will do,
even ones too. The right answer is a + b mod p; for a - b turn b around first, ``logits[:, -np.arange(p) % p]``.

Why it is cheap: the functions of (a, b) that depend on s = a + b mod p alone are a p-dimensional space, and to project
on it is to take the mean over the p pairs of each s. So the part of the logits along cos w_k(a+b) and sin w_k(a+b) is
the Fourier component, in one dimension, of a table with p rows instead of p².

Read next: `clock_pizza`.
"""

from typing import NamedTuple

import numpy as np

from grok_np.errors import require, require_array, require_choice, require_flag, require_integer, require_number
from grok_np.layers import cross_entropy_forward, lookup
from grok_np.reading import fourier
from grok_np.reading.every_pair import answers, grid


def _arguments(logits, frequencies=(), mask=None):
    """The first p outputs of logits (p, p, n), frequencies from 1 to p//2, and the mask, by default all: checked."""
    logits = grid(logits)
    logits = np.ascontiguousarray(logits[..., : len(logits)])
    return logits, _numbers(frequencies, len(logits)), _chosen(mask, len(logits))


def _chosen(mask, p, name="mask"):
    mask = np.ones((p, p), bool) if mask is None else require_array(mask, name)
    require(mask.dtype == bool and mask.shape == (p, p), name, f"{mask.dtype} of shape {mask.shape}",
            f"bool of shape ({p}, {p})")
    return mask


def _numbers(frequencies, p):
    frequencies = np.atleast_1d(require_array(frequencies, "frequencies")).ravel()
    k = sorted({require_integer(one, "frequencies", minimum=1) for one in frequencies.tolist()})
    require(not k or k[-1] <= p // 2, "frequencies", k, f"integers from 1 to p//2 = {p // 2}")
    return k


def _lines(p):
    """a, b, a + b and a - b mod p of every pair: four arrays (p, p)."""
    a, b = np.indices((p, p))
    return a, b, (a + b) % p, (a - b) % p


def _mean_where_equal(x, line):
    """Mean of x (p, p, ...) over the p pairs of each value of ``line`` (p, p): (p, ...), in float64."""
    p = len(x)
    sums = lookup(line.ravel(), p, np.float64).incidence @ x.reshape(p * p, -1)
    return sums.reshape(p, *x.shape[2:]) / p


def _sum_spectrum(logits):
    """The logits' mean over the pairs of each sum a + b, transformed over the sums: (p, p), frequency by output."""
    return fourier.transform(_mean_where_equal(logits, answers(len(logits))))


def _part(spectrum, frequencies):
    """What a `_sum_spectrum` has at these frequencies, as a table over the sums: the part itself is table[a + b]."""
    kept = np.isin(fourier.frequencies(len(spectrum)), frequencies)
    return fourier.inverse_transform(np.where(kept[:, None], spectrum, 0))


def _cross_entropy(rows, labels):
    return float(cross_entropy_forward(np.asarray(rows, np.float64), labels)[0]) if len(labels) else np.nan


def _loss(logits, mask):
    return _cross_entropy(logits[mask], answers(len(logits))[mask])


def _restricted_loss(spectrum, frequencies, mask):
    labels = answers(len(spectrum))[mask]
    return _cross_entropy(_part(spectrum, [0, *frequencies])[labels], labels)


def _excluded_loss(logits, spectrum, frequencies, mask):
    labels = answers(len(logits))[mask]
    return _cross_entropy(logits[mask] - _part(spectrum, frequencies)[labels], labels)


def loss(logits, mask=None):
    """Mean cross-entropy (nats) of logits (p, p, n) over the pairs in ``mask``, labels a + b mod p, first p outputs."""
    logits, _, mask = _arguments(logits, mask=mask)
    return _loss(logits, mask)


def restricted_loss(logits, frequencies, mask=None):
    """Loss (nats) if only the key frequencies were left (Nanda et al. 2023, section 5.1).

    Each output, as a function of (a, b), is projected on cos and sin of w_k(a+b) for the given k, and its mean over all
    pairs is added back. It falls before the test loss does: the circuit is there, memorisation still hides it.
    (The paper's notebook calls it trig loss; for what is called so here see `trigonometric_loss`.)

    logits (p, p, n); frequencies, one or more, usually the key frequencies at the end of training; ``mask`` the pairs
    to average the loss over. The projection always uses all pairs.
    """
    logits, k, mask = _arguments(logits, frequencies, mask)
    return _restricted_loss(_sum_spectrum(logits), k, mask)


def excluded_loss(logits, frequencies, mask=None):
    """Loss (nats) without the key frequencies: their cos and sin of w_k(a+b) are removed, all else stays (section 5.1).

    The paper takes it over the training pairs (``mask``). A network that memorises does not miss a few directions among
    p²; one that has gone over to the circuit does, so this rises while train and test loss are still flat. Pass one
    frequency to exclude it alone. Parameters as in `restricted_loss`.
    """
    logits, k, mask = _arguments(logits, frequencies, mask)
    return _excluded_loss(logits, _sum_spectrum(logits), k, mask)


def trigonometric_loss(logits, frequencies):
    """Loss (nats) of sum_k alpha_k cos w_k(a+b-c) alone, alpha_k from `fourier.sum_waves` of the logits (section 4.2).

    It has no mask because it is the same for every pair: the outputs of one are those of another, shifted.
    """
    logits, k, _ = _arguments(logits, frequencies)
    return _trigonometric_loss(fourier.sum_waves(logits), k, len(logits))


def _trigonometric_loss(amplitudes, k, p):
    outputs = np.cos(2 * np.pi / p * np.outer(np.arange(p), k)) @ amplitudes[k]  # by a + b - c: the answer comes first
    return _cross_entropy(outputs[None], np.array([0]))


# Means that are taken out of logits (p, p, p), one after the other, before what is left counts as variance.
CENTRINGS = {
    "total": [(0, 1, 2)],  # one number
    "output": [(0, 1)],  # the mean of each output over the pairs: a bias
    "input": [2],  # the mean of each pair over the outputs: no softmax can see it
    "both": [(0, 1), 2],
}


def _sum_of_squares(logits, centring):
    x = np.asarray(logits, np.float64)
    for axes in CENTRINGS[centring]:
        x = x - x.mean(axis=axes, keepdims=True)
    return (x**2).sum()


def _held(amplitudes, p):
    """What cos w_k(a+b-c) holds of the sum of squares, k = 0 .. p//2: its amplitude's square times p³/2 (or p³)."""
    return amplitudes**2 * np.where(2 * np.arange(p // 2 + 1) % p == 0, p**3, p**3 / 2)


def fraction_explained(logits, frequencies, centring="input"):
    """Fraction in [0, 1] of the variance of the logits that lies along cos w_k(a+b-c) for the given k.

    ``centring`` says which means do not count as variance: "total", "output", "input" or "both" (`CENTRINGS`). State
    it beside every such number: on Nanda et al.'s run of weight decay 0.1 the four agree to 0.1 %, on a network with
    biases they may not at all. Their paper (section 4.2: about 95 %) does not say which. Constant logits give 0.
    """
    require_choice(centring, "centring", CENTRINGS)
    logits, k, _ = _arguments(logits, frequencies)
    return _fraction_explained(logits, fourier.sum_waves(logits), k, centring)


def _fraction_explained(logits, amplitudes, frequencies, centring):
    part, whole = _held(amplitudes, len(logits))[frequencies].sum(), _sum_of_squares(logits, centring)
    return float(part / whole) if whole > 0 else 0.0


def key_frequencies(logits, share=0.01):
    """Frequencies that the network uses, ascending, from its logits (p, p, n).

    Those k whose wave cos w_k(a+b-c) holds at least ``share``, in (0, 1], of the variance of the logits about each
    pair's mean.

    >>> a, b, c = np.ogrid[:7, :7, :7]
    >>> key_frequencies(5 * np.cos(2 * np.pi * 3 * (a + b - c) / 7))
    [3]
    """
    require_number(share, "share", "in (0, 1]", lambda x: 0 < x <= 1)
    logits, *_ = _arguments(logits)
    return _at_least(share, _held(fourier.sum_waves(logits), len(logits)), _sum_of_squares(logits, "input"))


def _at_least(share, power, total):
    """Frequencies, the constant excepted, with this share of the total."""
    return (1 + np.flatnonzero((power[1:] >= share * total) & (power[1:] > 0))).tolist()


def table_key_frequencies(table, share=None):
    """Frequencies, ascending, that hold at least ``share`` of the non-constant Fourier power of a table (p, d), p >= 4.

    One row per number: W_E or W_L.T. ``share`` in (0, 1], by default 2 / (p//2), twice an even spread.

    >>> table_key_frequencies(np.cos(2 * np.pi / 9 * np.arange(9)[:, None] * [2, 3]))
    [2, 3]
    """
    table = require_array(table, "table", ndim=2).astype(np.float64, copy=False)
    require(len(table) >= 4, "table.shape", table.shape, "(p, d) with p >= 4")  # else 2 / (p//2) is all there is
    share = 2 / (len(table) // 2) if share is None else share
    require_number(share, "share", "in (0, 1]", lambda x: 0 < x <= 1)
    power = fourier.power(table).sum(axis=1)
    return _at_least(share, power, power[1:].sum())


def neuron_key_frequencies(neurons, least_neurons=5, least_fraction=0.5):
    """Frequencies, ascending, that are the best of five neurons or more and explain over half of each of these."""
    require_integer(least_neurons, "least_neurons", minimum=0)
    require_number(least_fraction, "least_fraction", "in [0, 1]", lambda x: 0 <= x <= 1)
    frequency, fraction = neuron_frequencies(neurons)
    k, count = np.unique(frequency[fraction > least_fraction], return_counts=True)
    return k[count >= least_neurons].tolist()


def _four_means(neurons):
    """Means of neurons (p, p, h) over the pairs of equal a, equal b, equal a + b, equal a - b: (4, p, h), float64."""
    neurons = require_array(neurons, "neurons", ndim=3)
    p, also_p, _ = neurons.shape
    require(2 <= p == also_p, "neurons.shape", neurons.shape, "(p, p, h) with p >= 2")
    means = np.stack([_mean_where_equal(neurons, line) for line in _lines(p)])
    if p % 2 == 0:  # cos(pi (a - b)) is cos(pi (a + b)): take it out where it would count twice
        alternating = (-1.0) ** np.arange(p) / np.sqrt(p)
        means[3] -= np.outer(alternating, alternating @ means[3])
    return means


def neuron_frequencies(neurons):
    """Best frequency of each neuron, and the fraction of its variance that a degree-2 polynomial of it explains.

    The polynomial (section 4.3) has, besides a constant, the eight products of {1, cos, sin}(w_k a) and
    {1, cos, sin}(w_k b). Four of them depend on a or on b alone; the other four are, by the product formulas, functions
    of a + b and of a - b. So what it explains is what four means of the neuron hold at frequency k.

    neurons (p, p, h) -> frequency (h,) int from 1 to p//2, 0 for a constant neuron; fraction (h,) in [0, 1]. The paper
    finds 433 of 512 above 0.85.
    """
    means = _four_means(neurons)
    p = len(neurons)
    explained = p * fourier.power(means, axis=1)[:, 1:].sum(axis=0)
    variance = np.var(neurons, axis=(0, 1), dtype=np.float64)
    varies = variance > 1e-24 * means[0].mean(axis=0) ** 2  # of a constant neuron only rounding is left, near 1e-32
    fraction = np.divide(explained.max(axis=0), p**2 * variance, out=np.zeros_like(variance), where=varies)
    return np.where(varies, 1 + explained.argmax(axis=0), 0), fraction


def neuron_fit(neurons, frequency):
    """Each neuron's least-squares degree-2 polynomial of its ``frequency`` (h,), of 0 the constant: (p, p, h)."""
    means = _four_means(neurons)
    p = len(neurons)
    frequency = require_array(frequency, "frequency")
    require(frequency.shape == means.shape[2:], "frequency.shape", frequency.shape, f"one a neuron, {means.shape[2:]}")
    waves = fourier.transform(means, axis=1)
    constant = np.zeros_like(waves)
    constant[0, 0] = waves[0, 0]
    rows = fourier.frequencies(p)[:, None]
    parts = fourier.inverse_transform(np.where((rows == frequency) & (rows > 0), waves, constant), axis=1)
    return sum(part[line] for part, line in zip(parts, _lines(p), strict=True))


def component_norms(x):
    """Norms of the 2-D Fourier components of x (p, p, ...), logits, neurons or attention scores, over all further axes.

    (p, p): basis functions of a and of b in the order of `fourier.frequencies`. The squares add up to those of x.
    """
    x = require_array(x, "x").astype(np.float64, copy=False)
    require(x.ndim >= 2 and x.shape[0] == x.shape[1] > 0, "x.shape", x.shape, "(p, p, ...)")
    return np.sqrt((fourier.transform2d(x) ** 2).sum(axis=tuple(range(2, x.ndim))))


def fourier_gini(table):
    """Gini coefficient of the squared norms of the p Fourier components of a table (p, d): W_E or W_L.T.

    Near 1 means sparse in the Fourier basis; it rises sharply in cleanup (section 5.1, there of norms, not squares).
    """
    table = require_array(table, "table", ndim=2).astype(np.float64, copy=False)
    require(table.size > 0, "table.shape", table.shape, "(p, d) with p, d >= 1")
    return fourier.gini((fourier.transform(table) ** 2).sum(axis=1))


def sum_of_squared_weights(params):
    """Sum over all arrays of a dict; weight decay pushes it down once the train loss is small."""
    require(isinstance(params, dict), "params", params, "a dict of arrays")
    return float(sum(np.square(require_array(W, "each of params"), dtype=np.float64).sum() for W in params.values()))


def ablations(logits, frequencies, mask=None, *, neurons=None, W_L=None):
    """Loss (nats) over the pairs in ``mask`` of the network with parts taken out (section 4.4): a dict by name.

    With ``neurons`` (p, p, h) and ``W_L`` (h, p) also what can be taken out there; what reaches the logits past W_L
    stays in every case, and so does the constant of W_L, which no softmax can see.
    """
    logits, k, mask = _arguments(logits, frequencies, mask)
    spectrum = _sum_spectrum(logits)
    losses = {"nothing taken out": _loss(logits, mask),
              "only a+b at key frequencies": _restricted_loss(spectrum, k, mask),
              "all but a+b at key frequencies": _excluded_loss(logits, spectrum, k, mask)}
    losses |= {f"only a+b at {one}": _restricted_loss(spectrum, [one], mask) for one in k}
    losses |= {f"all but a+b at {one}": _excluded_loss(logits, spectrum, [one], mask) for one in k}
    if neurons is None or W_L is None:
        return losses
    W_L, neurons = _readout(W_L, logits), require_array(neurons, "neurons").astype(np.float64, copy=False)
    require(neurons.shape == (*logits.shape[:2], len(W_L)), "neurons.shape", neurons.shape,
            f"(p, p, h) as logits (p, p, n) and W_L (h, p) have p and h, {(*logits.shape[:2], len(W_L))}")
    waves = fourier.transform(W_L, axis=1)
    constant, key = (fourier.inverse_transform(waves * np.isin(fourier.frequencies(len(logits)), kept), axis=1)
                     for kept in ([0], [0, *k]))
    frequency, fraction = neuron_frequencies(neurons)
    good = fraction > 0.85
    correction = neuron_fit(neurons[..., good], frequency[good]) - neurons[..., good]
    return losses | {"W_L: only key frequencies": _loss(logits + neurons @ (key - W_L), mask),
                     "W_L: all but key frequencies": _loss(logits + neurons @ (constant - key), mask),
                     "neurons over 85 % replaced by their fit": _loss(logits + correction @ W_L[good], mask)}


def _readout(W_L, logits):
    p, W_L = len(logits), require_array(W_L, "W_L", ndim=2)
    require(W_L.shape[1] == p and len(W_L), "W_L.shape", W_L.shape, f"(h, {p}), as the logits have p")
    return W_L.astype(np.float64, copy=False)


def measures(logits, frequencies, train_mask, test_mask=None, *, W_E=None, W_L=None, params=None):
    """Every progress measure of one checkpoint as a flat dict of floats, for curves over training (section 5.1).

    ``frequencies``: the same for all checkpoints, the key frequencies of the last one. ``test_mask``: by default all
    pairs that are not in ``train_mask``; where there are none, the test loss is NaN. Where W_E (p, d), W_L (h, p) and
    ``params`` (dict of arrays) are given, their Gini coefficients and the sum of squared weights are measured too.

    Keys: ``train_loss, test_loss, restricted_loss`` (all pairs), ``excluded_loss`` (training pairs),
    ``trigonometric_loss``, ``fraction_explained`` (about each pair's mean: centring "input"); for each frequency k
    ``excluded_loss_k`` (alone, training pairs) and ``amplitude_k``; ``gini_W_E, gini_W_L, sum_of_squared_weights``.
    """
    logits, k, everywhere = _arguments(logits, frequencies)
    p, train_mask = len(logits), _chosen(require_array(train_mask, "train_mask"), len(logits), "train_mask")
    test_mask = ~train_mask if test_mask is None else _chosen(test_mask, p, "test_mask")
    spectrum, amplitudes = _sum_spectrum(logits), fourier.sum_waves(logits)
    found = {"train_loss": _loss(logits, train_mask), "test_loss": _loss(logits, test_mask),
             "restricted_loss": _restricted_loss(spectrum, k, everywhere),
             "excluded_loss": _excluded_loss(logits, spectrum, k, train_mask),
             "trigonometric_loss": _trigonometric_loss(amplitudes, k, p),
             "fraction_explained": _fraction_explained(logits, amplitudes, k, "input")}
    found |= {f"excluded_loss_{one}": _excluded_loss(logits, spectrum, [one], train_mask) for one in k}
    found |= {f"amplitude_{one}": float(amplitudes[one]) for one in k}
    if W_E is not None:
        require(len(require_array(W_E, "W_E", ndim=2)) == p, "W_E.shape", np.shape(W_E), f"({p}, d), as logits have p")
        found["gini_W_E"] = fourier_gini(W_E)
    if W_L is not None:
        found["gini_W_L"] = fourier_gini(_readout(W_L, logits).T)
    if params is not None:
        found["sum_of_squared_weights"] = sum_of_squared_weights(params)
    return found


class Phases(NamedTuple):
    """Steps at which the three phases end; None where that has not happened."""

    memorisation_end: int | None
    circuit_formation_end: int | None
    cleanup_end: int | None


def phases(step, test_loss, p):
    """The three phases of grokking (section 5.2), from the curve of the test loss (nats) by this rule:

    1. *memorisation* ends where the test loss is highest: afterwards there is less and less learned by heart;
    2. *circuit formation* ends at the first logged step from which on the test loss stays below log p, a uniform guess;
    3. *cleanup* ends at the first such step from which on it also stays within a factor of ten of its last value.

    step (n,) ascending, test_loss (n,) -> `Phases`. The paper draws its lines by eye, the first near step 1,400; this
    rule puts it at 1,420 to 1,455 on the published curves with 30, 28 and 25 % training pairs. The run should go on
    until the test loss has settled, and a curve with spikes needs smoothing first.

    >>> phases([0, 100, 200, 300, 400, 500], [1.6, 8.0, 6.0, 1.0, 1e-4, 2e-5], p=5)
    Phases(memorisation_end=100, circuit_formation_end=300, cleanup_end=400)
    """
    step, test_loss = _curve(step, test_loss, "test_loss")
    guess = np.log(require_integer(p, "p", minimum=2))
    peak = int(step[test_loss.argmax()])
    if test_loss[-1] >= guess:
        return Phases(peak, None, None)
    return Phases(peak, _first_for_good(step, test_loss < guess),
                  _first_for_good(step, (test_loss < guess) & (test_loss <= 10 * test_loss[-1])))


def halfway(step, curve, rising=False):
    """First logged step at which a curve is half way down from its highest value to the lowest one after that.

    With ``rising``, half way up from the lowest to the highest after it. For test and restricted loss take the former,
    for the excluded loss, which first falls with the train loss, the latter.

    >>> halfway([0, 10, 20, 30], [5.0, 9.0, 3.0, 1.0]), halfway([0, 10, 20, 30], [5.0, 0.0, 3.0, 4.0], rising=True)
    (20, 20)
    """
    require_flag(rising, "rising")
    step, curve = _curve(step, curve, "curve")
    curve = -curve if rising else curve
    top = curve.argmax()
    fall = curve[top:]
    return int(step[top + (fall <= (fall[0] + fall.min()) / 2).argmax()])


def _curve(step, curve, name):
    step, curve = require_array(step, "step", ndim=1), require_array(curve, name, ndim=1).astype(np.float64, copy=False)
    require(curve.shape == step.shape and len(step) > 0, f"{name}.shape", curve.shape,
            f"that of step, {step.shape}, and not empty")
    require(np.isfinite(step).all(), "step", step, "finite")
    require(np.isfinite(curve).all(), name, curve, "finite")
    return step, curve


def _first_for_good(step, holds):
    """The first step from which on a condition holds to the end (where it must hold)."""
    failures = np.flatnonzero(~holds)
    return int(step[failures[-1] + 1 if len(failures) else 0])
