"""What a network says at every pair (a, b): the one way to its logits, its activations and the right answers.

Read next: `fourier`.
"""

import numpy as np

from grok_np.errors import require, require_array, require_type
from grok_np.layers import LOSSES
from grok_np.tasks import all_pairs


def check(model, params):
    """An error that names what is wrong with a model or its parameters."""
    require(hasattr(model, "p") and hasattr(model, "mix_forward"), "model", model, "a network that takes pairs mod p")
    require_type(params, "params", dict)
    shapes = {name: np.shape(W) for name, W in params.items()}
    require(shapes == dict(model.shapes), "params", shapes, f"arrays of the model's shapes, {model.shapes}")


def all_logits(model, params) -> np.ndarray:
    """Logits (p, p, n) of every pair, indexed [a, b, output], in the dtype of ``params``."""
    return _mix(model, params)[0].reshape(model.p, model.p, -1)


def all_activations(model, params) -> np.ndarray:
    """Activations (p, p, h) of the neurons after the non-linearity, at every pair, indexed [a, b, neuron]."""
    cache = _mix(model, params)[1]
    require(hasattr(cache, "post"), "model", model, "a network whose cache of the mix has its activations as `post`")
    post = cache.post
    return post.reshape(model.p, model.p, post.shape[-1])


def _mix(model, params):
    check(model, params)
    dtype = np.result_type(*params.values())
    return model.mix_forward(model.effective(params), model.index(all_pairs(model.p), dtype))


def grid(logits):
    """Logits (p, p, n), n >= p >= 2, checked: what a public function does once with what it is given."""
    logits = require_array(logits, "logits", ndim=3)
    p, also_p, n = logits.shape
    require(2 <= p == also_p <= n, "logits.shape", logits.shape, "(p, p, n) with n >= p >= 2")
    return logits


def accuracy(logits):
    """Fraction of all pairs for which the logit (p, p, n) of a + b mod p is the largest; a tie is wrong."""
    logits = grid(logits)
    return float(LOSSES["cross_entropy"].accuracy(logits.reshape(-1, logits.shape[2]), answers(len(logits)).ravel()))


def answers(p):
    """The right answers a + b mod p: (p, p)."""
    return np.add.outer(np.arange(p), np.arange(p)) % p
