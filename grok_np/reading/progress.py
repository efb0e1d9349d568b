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

from grok_np.errors import require, require_array, require_flag, require_integer, require_number
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


def _part(logits, frequencies):
    """What the logits have along cos and sin of w_k(a+b), as a table (p, n) over the sums: the part is table[a + b]."""
    spectrum = fourier.transform(_mean_where_equal(logits, answers(len(logits))))
    kept = np.isin(fourier.frequencies(len(spectrum)), frequencies)
    return fourier.inverse_transform(np.where(kept[:, None], spectrum, 0))


def _cross_entropy(rows, labels):
    return float(cross_entropy_forward(np.asarray(rows, np.float64), labels)[0]) if len(labels) else np.nan


def loss(logits, mask=None):
    """Mean cross-entropy (nats) of logits (p, p, n) over the pairs in ``mask``, labels a + b mod p, first p outputs."""
    logits, _, mask = _arguments(logits, mask=mask)
    return _cross_entropy(logits[mask], answers(len(logits))[mask])


def restricted_loss(logits, frequencies, mask=None):
    """Loss (nats) if only the key frequencies were left (Nanda et al. 2023, section 5.1).

    Each output, as a function of (a, b), is projected on cos and sin of w_k(a+b) for the given k, and its mean over all
    pairs is added back. It falls before the test loss does: the circuit is there, memorisation still hides it.
    (The paper's notebook calls it trig loss; for what is called so here see `trigonometric_loss`.)

    logits (p, p, n); frequencies, one or more, usually the key frequencies at the end of training; ``mask`` the pairs
    to average the loss over. The projection always uses all pairs.
    """
    logits, k, mask = _arguments(logits, frequencies, mask)
    labels = answers(len(logits))[mask]
    return _cross_entropy(_part(logits, [0, *k])[labels], labels)


def excluded_loss(logits, frequencies, mask=None):
    """Loss (nats) without the key frequencies: their cos and sin of w_k(a+b) are removed, all else stays (section 5.1).

    The paper takes it over the training pairs (``mask``). A network that memorises does not miss a few directions among
    p²; one that has gone over to the circuit does, so this rises while train and test loss are still flat. Pass one
    frequency to exclude it alone. Parameters as in `restricted_loss`.
    """
    logits, k, mask = _arguments(logits, frequencies, mask)
    labels = answers(len(logits))[mask]
    return _cross_entropy(logits[mask] - _part(logits, k)[labels], labels)


def trigonometric_loss(logits, frequencies):
    """Loss (nats) of sum_k alpha_k cos w_k(a+b-c) alone, alpha_k from `fourier.sum_waves` of the logits (section 4.2).

    It has no mask because it is the same for every pair: the outputs of one are those of another, shifted.
    """
    logits, k, _ = _arguments(logits, frequencies)
    waves = np.cos(2 * np.pi / len(logits) * np.outer(np.arange(len(logits)), k))
    outputs = waves @ fourier.sum_waves(logits)[k]  # by a + b - c: the answer comes first
    return _cross_entropy(outputs[None], np.array([0]))


def _shares(logits):
    """Fraction of the variance of the logits that cos w_k(a+b-c) holds, k = 0 .. p//2: its amplitude² p³/2 (or p³)."""
    p, amplitudes = len(logits), fourier.sum_waves(logits)
    power = amplitudes**2 * np.where(2 * np.arange(p // 2 + 1) % p == 0, p**3, p**3 / 2)
    whole = ((logits - logits.mean(axis=2, keepdims=True, dtype=np.float64)) ** 2).sum()
    return power / whole if whole > 0 else np.zeros_like(power)


def fraction_explained(logits, frequencies):
    """Fraction in [0, 1] of the variance of the logits about each pair's mean that lies along cos w_k(a+b-c).

    No softmax can see the mean of a pair. Nanda et al. (section 4.2: about 95 %) do not say which mean they take off:
    that of everything, of each output, of each pair, or of both agree to 0.1 % on their run of weight decay 0.1, but
    may not on a network with biases. Constant logits give 0.
    """
    logits, k, _ = _arguments(logits, frequencies)
    return float(_shares(logits)[k].sum())


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
    return (1 + np.flatnonzero(_shares(logits)[1:] >= share)).tolist()


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
    """Norms of what x (p, p, ...), logits, neurons or attention scores, has at each frequency in a and in b.

    (p//2 + 1, p//2 + 1), over all further axes; the squares add up to those of x.
    """
    x = require_array(x, "x").astype(np.float64, copy=False)
    require(x.ndim >= 2 and x.shape[0] == x.shape[1] > 0, "x.shape", x.shape, "(p, p, ...)")
    return np.sqrt(fourier.power2d(x).sum(axis=tuple(range(2, x.ndim))))


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


def measures(logits, frequencies, train_mask, test_mask=None, *, W_E=None, W_L=None, params=None):
    """Every progress measure of one checkpoint as a flat dict of floats, for curves over training (section 5.1).

    ``frequencies``: the same for all checkpoints, the key frequencies of the last one. ``test_mask``: by default all
    pairs that are not in ``train_mask``; where there are none, the test loss is NaN. Where W_E (p, d), W_L (h, p) and
    ``params`` (dict of arrays) are given, their Gini coefficients and the sum of squared weights are measured too.

    Keys: ``train_loss, test_loss, restricted_loss`` (all pairs), ``excluded_loss`` (training pairs),
    ``trigonometric_loss``, ``fraction_explained``; for each frequency k
    ``excluded_loss_k`` (alone, training pairs) and ``amplitude_k``; ``gini_W_E, gini_W_L, sum_of_squared_weights``.
    """
    logits, k, _ = _arguments(logits, frequencies)
    p, train_mask = len(logits), _chosen(require_array(train_mask, "train_mask"), len(logits), "train_mask")
    test_mask = ~train_mask if test_mask is None else _chosen(test_mask, p, "test_mask")
    amplitudes = fourier.sum_waves(logits)
    found = {"train_loss": loss(logits, train_mask), "test_loss": loss(logits, test_mask),
             "restricted_loss": restricted_loss(logits, k), "excluded_loss": excluded_loss(logits, k, train_mask),
             "trigonometric_loss": trigonometric_loss(logits, k), "fraction_explained": fraction_explained(logits, k)}
    found |= {f"excluded_loss_{one}": excluded_loss(logits, one, train_mask) for one in k}
    found |= {f"amplitude_{one}": float(amplitudes[one]) for one in k}
    if W_E is not None:
        require(len(require_array(W_E, "W_E", ndim=2)) == p, "W_E.shape", np.shape(W_E), f"({p}, d), as logits have p")
        found["gini_W_E"] = fourier_gini(W_E)
    if W_L is not None:
        W_L = require_array(W_L, "W_L", ndim=2)
        require(W_L.shape[1] == p and len(W_L), "W_L.shape", W_L.shape, f"(h, {p}), as the logits have p")
        found["gini_W_L"] = fourier_gini(W_L.T)
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
