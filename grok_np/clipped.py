"""The logistic loss of the explorable article's parity runs: what is right for sure no longer moves the weights.

Read next: `layers`.
"""

import math

import numpy as np

from grok_np.layers import logistic_backward, logistic_forward

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
