"""Forward/backward pairs: the handful of operations that every network here is made of.

Each ``f_forward(inputs) -> (out, cache)`` stands above its ``f_backward(dout, cache)``, which returns the
gradient for each array input, in the order of the inputs. ``dx`` means dLoss/dx and has the shape of x.
The cache holds what the backward reads and nothing else. Nothing here has state, and nothing allocates weights.

Letters: B examples, p classes; leading axes ("...") broadcast, so an ensemble axis in front costs nothing extra.

An activation or a loss of your own is one more entry of `ACTIVATIONS` or `LOSSES`.

Read next: `networks`.
"""

import math
from typing import Any, NamedTuple

import numpy as np
from scipy.sparse import csr_array
from scipy.special import expit, ndtr


def linear_forward(x, W, b=None):
    """Affine map.

    Forward   out[i, k] = sum_j x[i, j] W[j, k] + b[k]
    Backward  dx = dout W^T      dW = x^T dout      db[k] = sum_i dout[i, k]

    x (B, n_in), W (n_in, n_out), b (n_out,) or None -> out (B, n_out); cache = (x, W, b is None).
    """
    out = x @ W
    return (out if b is None else out + b), (x, W, b is None)


def linear_backward(dout, cache):
    """Gradients (dx, dW) and, where there was a bias, (dx, dW, db); see `linear_forward`."""
    x, W, unbiased = cache
    dx, dW = dout @ W.mT, x.mT @ dout
    return (dx, dW) if unbiased else (dx, dW, dout.sum(axis=-2))


class Lookup(NamedTuple):
    """Which rows to take from a table, and the sparse matrix that undoes it: made once per data set.

    ``rows`` (..., B): places in the table, or in all tables of an ensemble laid one after the other. ``incidence``
    (number of rows of all tables, number of examples of all) has a 1 where an example took a row.
    """

    rows: np.ndarray
    incidence: csr_array


def lookup(indices, n_rows, dtype):
    """The `Lookup` of indices (..., B) in a table (..., n_rows, d).

    Full-batch training looks up the same rows at every step, so a network builds this once per data set: as a
    product the gradient of a look-up of 911 rows of 24 numbers takes 28 us, with ``np.add.at`` 130 us.
    """
    *lead, n_examples = np.shape(indices)
    n_tables = math.prod(lead)
    rows = indices + n_rows * np.arange(n_tables).reshape(*lead, 1)
    ones, examples = np.ones(rows.size, dtype), np.arange(rows.size)
    return Lookup(rows, csr_array((ones, (rows.ravel(), examples)), shape=(n_tables * n_rows, n_tables * n_examples)))


def lookup_forward(table, at):
    """Rows of a table: what an embedding does.

    Forward   out[i] = table[indices[i]]
    Backward  dtable[r] = sum over i with indices[i] = r of dout[i]  =  (incidence @ dout)[r]

    table (..., n, d), at (a `Lookup`) -> out (..., B, d); cache = at.
    """
    # take with mode="clip" does not check the indices again, which makes it 5 times faster.
    return table.reshape(at.incidence.shape[0], table.shape[-1]).take(at.rows, axis=0, mode="clip"), at


def lookup_backward(dout, cache):
    """Gradient dtable (..., n, d); see `lookup_forward`."""
    lead, width, n_rows = cache.rows.shape[:-1], dout.shape[-1], cache.incidence.shape[0]
    dtable = cache.incidence @ dout.reshape(cache.rows.size, width)
    return dtable.reshape(*lead, n_rows // max(math.prod(lead), 1), width)


def relu_forward(x):
    """Rectifier.

    Forward   out = max(x, 0)
    Backward  dx = dout where x > 0, else 0 (so 0 at the kink x = 0, as in PyTorch and JAX)

    cache = out, whose sign is all that the backward needs.
    """
    out = np.clip(x, 0, np.inf)  # NumPy's maximum with a number instead of an array takes 2 to 3 times as long
    return out, out


def relu_backward(dout, cache):
    """Gradient dx; see `relu_forward`."""
    return dout * (cache > 0).astype(dout.dtype)


def square_forward(x):
    """The activation for which the star is exact (Gromov 2023, arXiv 2301.02679).

    Forward   out = x²
    Backward  dx = 2 x dout
    """
    return x * x, x


def square_backward(dout, cache):
    """Gradient dx; see `square_forward`."""
    return 2 * cache * dout


def absolute_forward(x):
    """Absolute value: the pizza's activation (Zhong et al. 2023, arXiv 2306.17844, section 2.2).

    Forward   out = |x|
    Backward  dx = sign(x) dout (0 at the kink)
    """
    return np.abs(x), x


def absolute_backward(dout, cache):
    """Gradient dx; see `absolute_forward`."""
    return np.sign(cache) * dout


def gelu_forward(x):
    """Gaussian error linear unit, exact (Hendrycks & Gimpel 2016, arXiv 1606.08415, Eq. 1); no tanh formula.

    Forward   out = x Phi(x),  Phi(x) = (1 + erf(x / sqrt 2)) / 2 = ndtr(x)
    Backward  dx = (Phi(x) + x phi(x)) dout,  phi = Phi' = exp(-x²/2) / sqrt(2 pi)
    """
    Phi = ndtr(x)
    return x * Phi, (x, Phi)


def gelu_backward(dout, cache):
    """Gradient dx; see `gelu_forward`."""
    x, Phi = cache
    phi = np.exp(-0.5 * x * x) / math.sqrt(2 * math.pi)
    return (Phi + x * phi) * dout


ACTIVATIONS = {
    "relu": (relu_forward, relu_backward),
    "square": (square_forward, square_backward),
    "abs": (absolute_forward, absolute_backward),
    "gelu": (gelu_forward, gelu_backward),
}


def softmax_forward(scores):
    """Softmax over the last axis.

    Forward   out[j] = exp(scores[j]) / sum_k exp(scores[k])
    Backward  dscores[j] = out[j] (dout[j] - sum_k out[k] dout[k]), because
              the derivative of out[k] by scores[j] is out[k] ([j = k] - out[j])

    The maximum is subtracted first, which changes nothing but keeps exp from overflowing. cache = out.
    """
    out = np.exp(scores - scores.max(axis=-1, keepdims=True))
    out /= out.sum(axis=-1, keepdims=True)
    return out, out


def softmax_backward(dout, cache):
    """Gradient dscores; see `softmax_forward`."""
    return cache * (dout - (cache * dout).sum(axis=-1, keepdims=True))


def answers(labels):
    """Index of the entry [..., i, labels[..., i]] of every example."""
    return (*np.indices(labels.shape, sparse=True), labels)


def cross_entropy_forward(logits, labels):
    """Mean cross-entropy in nats per example, exact in float32 for confident networks too.

    With z[j] = logits[j] - logits[correct] and s = sum over j != correct of exp(z[j]), per example

    Forward   loss = -log softmax(logits)[correct] = log(1 + s)
    Backward  dlogits[j] = exp(z[j]) / (1 + s)  for j != correct,      dlogits[correct] = -s / (1 + s)

    The textbook form takes log(p_correct) and p_correct - 1, with p_correct near 1: float32 knows such numbers
    in steps of 6e-8, so once the loss is below about 1e-6 it moves in steps and its gradient is noise, which
    shows as spikes of the training loss ("softmax collapse", Prieto et al. 2025, arXiv 2501.04697); published codes go
    to float64. Here s itself is small, and right to rounding while exp(z) / B, the share of one of B examples, is a
    normal number: to a gap of 87 - log B in float32, 708 - log B in float64. Beyond, where CPUs are slow, it is exactly
    0, and so is its gradient.

    So that exp cannot overflow where the network is confidently wrong, all is relative to the row maximum, which is
    m >= 0 above the correct logit: the 1 in 1 + s becomes exp(-m). Where the network is right, m = 0.

    logits (..., B, p), labels (..., B) int -> loss (...); the mean is over the B examples.
    """
    if labels.shape != logits.shape[:-1]:  # the same labels for every member of an ensemble
        labels = np.broadcast_to(labels, logits.shape[:-1])
    right = answers(labels)
    e = logits - logits.max(axis=-1, keepdims=True)
    m = -e[right]
    least, smallest = e.min(initial=0), math.log(max(labels.shape[-1], 1) * np.finfo(e.dtype).tiny)
    np.exp(e, out=e)
    if least < smallest:
        e *= e >= math.exp(smallest)  # 4 times faster than to assign zeros
        least = smallest
    e[right] = 0
    s = e.sum(axis=-1)
    loss = (m + np.log1p(np.expm1(-m) + s)).mean(axis=-1)
    return loss, CrossEntropyCache(e, s, np.exp(-m) + s, right, math.exp(least))


class CrossEntropyCache(NamedTuple):
    """exp(logits - maximum) with 0 in the correct column, its row sums, exp(-m) + s, where the answers are, and the
    least of the exponentials that is not 0."""

    e: np.ndarray
    s: np.ndarray
    total: np.ndarray
    right: tuple
    least: float


def cross_entropy_backward(dloss, cache):
    """Gradient dlogits (..., B, p) for dloss (...), usually 1; see `cross_entropy_forward`."""
    e, s, total, right, least = cache
    scale = np.asarray(dloss, e.dtype)[..., None] / (s.shape[-1] * total)
    dlogits = e * scale[..., None]
    dlogits[right] = -s * scale
    tiny = np.finfo(e.dtype).tiny
    # Less than 1 is the share of a shard, and 1 / total of an example that is not sure. (In a network that is sure of
    # all, 1 / total is 1 to 1 %: then there is nothing to do, 5 % of a small network's step.)
    if least * np.abs(scale).min(initial=np.inf) < 0.99 * tiny:
        dlogits *= np.abs(dlogits) >= tiny
    return dlogits


def mean_squared_error_forward(logits, labels):
    """Mean squared difference from the one-hot label, over examples *and* classes (Gromov 2023, section 2).

    Forward   loss = mean over i, j of (logits[i, j] - [j = labels[i]])²
    Backward  dlogits[i, j] = 2 (logits[i, j] - [j = labels[i]]) / (B p)

    logits (..., B, p), labels (..., B) int -> loss (...). cache = the differences.
    """
    difference = logits.copy()
    difference[answers(np.broadcast_to(labels, logits.shape[:-1]))] -= 1
    return (difference**2).mean(axis=(-2, -1)), difference


def mean_squared_error_backward(dloss, cache):
    """Gradient dlogits; see `mean_squared_error_forward`."""
    n_examples, n_classes = cache.shape[-2:]
    return 2 * np.asarray(dloss, cache.dtype)[..., None, None] / (n_examples * n_classes) * cache


def logistic_forward(f, labels):
    """Mean logistic loss in nats of one output f, whose sign is the answer: cross-entropy of the two logits (0, f).

    With y = 1 for label 1, -1 for label 0, and the margin m = y f

    Forward   loss = log(1 + exp(-m)), computed as max(-m, 0) + log1p(exp(-|m|)), which neither overflows nor rounds off
    Backward  df = -y / (1 + exp(m)) / B

    f (..., B), labels (..., B) of 0 and 1 -> loss (...), the mean over the B examples. cache = (y, m).
    """
    y = 2 * np.asarray(labels, f.dtype) - 1
    m = y * f
    return (np.maximum(-m, 0) + np.log1p(np.exp(-np.abs(m)))).mean(axis=-1), (y, m)


def logistic_backward(dloss, cache):
    """Gradient df (..., B) for dloss (...); see `logistic_forward`."""
    y, m = cache
    return -np.asarray(dloss, m.dtype)[..., None] / m.shape[-1] * y * expit(-m)


CLIP = 2.0**-23  # float32's eps


def clipped_logistic_forward(f, labels):
    """Mean logistic loss in nats of one output f, the probability of the label clipped to [CLIP, 1 - CLIP].

    That probability is 1/(1 + exp(-m)) of the margin m = y f, which rises with m: so to clip it is to clip the margin
    to [-M, M] with M = log(1/CLIP - 1) = 15.942. With `logistic_forward`

    Forward   loss = log(1 + exp(-clip(m, -M, M))), between CLIP (to 1e-7 of itself) and -log CLIP = 15.942
    Backward  df = -y / (1 + exp(m)) / B where |m| < M, else 0 (so 0 at the kinks)

    An example that is right beyond M no longer moves the weights, nor does one that is wrong beyond M. The published
    losses of the explorable article's sparse parity never fall below 1.1920930e-7 = CLIP (Pearce et al. 2023).

    f (..., B), labels (..., B) of 0 and 1 -> loss (...), the mean over the B examples. cache = (y, m, |m| < M).
    """
    M = math.log(1 / CLIP - 1)
    loss, cache = logistic_forward(np.clip(f, -M, M), labels)  # y is a sign: clipping f is clipping y f
    return loss, (*cache, np.abs(f) < M)


def clipped_logistic_backward(dloss, cache):
    """Gradient df (..., B) for dloss (...); see `clipped_logistic_forward`."""
    y, m, inside = cache
    return logistic_backward(dloss, (y, m)) * inside


def hinge_forward(f, labels):
    """Mean hinge loss of one output f, whose sign is the answer (Merrill et al. 2023, arXiv 2303.11873).

    With y and the margin m = y f as in `logistic_forward`

    Forward   loss = max(0, 1 - m)
    Backward  df = -y / B where m < 1, else 0 (so 0 at the kink)
    """
    y = 2 * np.asarray(labels, f.dtype) - 1
    m = y * f
    return np.maximum(1 - m, 0).mean(axis=-1), (y, m)


def hinge_backward(dloss, cache):
    """Gradient df (..., B); see `hinge_forward`."""
    y, m = cache
    return -np.asarray(dloss, m.dtype)[..., None] / m.shape[-1] * y * (m < 1)


TIE = 64  # an answer must be ahead by this many roundings of the largest output: less may be noise, and is a tie


def tie_width(outputs, axis):
    """What two outputs must differ by, to differ: `TIE` roundings of the largest output along the axes."""
    return TIE * np.finfo(outputs.dtype).eps * np.abs(outputs).max(axis=axis, initial=0)


def predict(logits):
    """The class whose logit is ahead of every other, -1 where it is a tie: logits (..., B, p) -> (..., B) int.

    Ahead by more than `TIE` roundings of the largest |logit| of the whole batch: where a network is blind its logits
    are all small, and rounding as large as in the others.

    >>> predict(np.array([[0.0, 2.0, 1.0], [2.0, 0.0, 2.0]]))
    array([ 1, -1])
    """
    first = logits.argmax(axis=-1)
    others = logits.copy(order="K")
    others[answers(first)] = -np.inf
    lead = logits[answers(first)] - others.max(axis=-1)
    return np.where(lead > tie_width(logits, (-2, -1))[..., None], first, -1)


def predict_sign(f):
    """1 where f > 0, 0 where f < 0, -1 where it is neither, as in `predict`: outputs f (..., B) -> (..., B) int."""
    return np.where(np.abs(f) > tie_width(f, -1)[..., None], f > 0, -1)


class Loss(NamedTuple):
    """What is minimised, and what a network's outputs are taken to answer.

    ``forward(logits, labels) -> (loss, cache)``; ``backward(dloss, cache) -> dlogits``; ``predict(logits)`` -> labels,
    -1 where undecided. Outputs are logits (..., B, p), or where ``one_output`` f (..., B), whose sign is the answer.
    """

    forward: Any
    backward: Any
    predict: Any = predict
    one_output: bool = False

    def accuracy(self, logits, labels):
        """Fraction of the examples that are answered rightly, in [0, 1]; undecided ones are not."""
        return (self.predict(logits) == labels).mean(axis=-1)


LOSSES = {
    "cross_entropy": Loss(cross_entropy_forward, cross_entropy_backward),
    "mean_squared_error": Loss(mean_squared_error_forward, mean_squared_error_backward),
    "logistic": Loss(logistic_forward, logistic_backward, predict_sign, one_output=True),
    "clipped_logistic": Loss(clipped_logistic_forward, clipped_logistic_backward, predict_sign, one_output=True),
    "hinge": Loss(hinge_forward, hinge_backward, predict_sign, one_output=True),
}
