"""The multi-head attention layer, as its definition reads: any batch, any length, causal or not.

This is the reference, not the fast path: `transformer` computes the same thing for one layer that is asked only at its
last position, from tables of the vocabulary's size, and agrees with this to rounding. Deeper networks run through here.
To copy it, take `layers.softmax_forward` and `softmax_backward` along, and leave out or replace `require`.

Letters: B examples, T positions (i of the query, j of the key), H heads, d = d_model, e = d_head.

Read next: `transformer`.
"""

import math
from typing import NamedTuple

import numpy as np

from grok_np.errors import require
from grok_np.layers import softmax_backward, softmax_forward


class AttentionCache(NamedTuple):
    """x (B, T, d); q, k, v, z (B, H, T, e); soft (the softmax) and pattern (B, H, T, T); weights W_Q, W_K, W_V, W_O."""

    x: np.ndarray
    q: np.ndarray
    k: np.ndarray
    v: np.ndarray
    soft: np.ndarray
    pattern: np.ndarray
    z: np.ndarray
    weights: tuple
    attention_rate: float


def attention_forward(x, W_Q, W_K, W_V, W_O, *, causal=False, attention_rate=1.0):
    """What attention adds to the residual stream.

    Forward    q = x W_Q     k = x W_K     v = x W_V                                per head       1.
               scores[i, j] = sum_e q[i, e] k[j, e] / sqrt(d_head); if causal, -inf for j > i      2.
               pattern = rate softmax_j(scores) + (1 - rate); if causal, 0 for j > i               3.
               z[i, e] = sum_j pattern[i, j] v[j, e]                                               4.
               out = sum over heads of z W_O                                                       5.
    Backward   dz = dout W_O^T              dW_O = z^T dout, summed over B and T                   5.
               dpattern = dz v^T            dv = pattern^T dz                                      4.
               dscores = softmax_backward(rate dpattern)                                           3.
               dq = dscores k / sqrt(d_head)     dk = dscores^T q / sqrt(d_head)                   2.
               dx = dq W_Q^T + dk W_K^T + dv W_V^T     dW_Q = x^T dq etc., summed over B and T     1.

    Parameters
    ----------
    x : array (B, T, d)
    W_Q, W_K, W_V : arrays (H, d, e)
    W_O : array (H, e, d)
    causal : bool
        Let a query see only keys at its own and earlier positions.
    attention_rate : float
        r in [0, 1]: 1 is ordinary attention, 0 a pattern of ones (not divided by T), so that attention only adds (Zhong
        et al. 2023, arXiv 2306.17844, section 4). With ``causal`` the constant part, too, is for visible keys only.

    Returns
    -------
    out : array (B, T, d)
    cache : AttentionCache
        Its ``pattern`` (B, H, T, T) is what the layer looks at.

    Raises
    ------
    ValueError
        If the shapes do not fit, printing all of them, or the rate is not in [0, 1].
    """
    weights = W_Q, W_K, W_V, W_O
    _, d, e = W_Q.shape
    fits = x.ndim == 3 and x.shape[2] == d and W_Q.shape == W_K.shape == W_V.shape and W_O.shape == (len(W_Q), e, d)
    require(fits, "shapes of x, W_Q, W_K, W_V, W_O", [x.shape, *(W.shape for W in weights)],
            "(B, T, d), three times (H, d, e), and (H, e, d)")
    require(0 <= attention_rate <= 1, "attention_rate", attention_rate, "in [0, 1]")
    q, k, v = (_product("btd,hde->bhte", x, W) for W in (W_Q, W_K, W_V))  # 1. (B, H, T, e)
    scores = q @ k.mT / math.sqrt(e)  # 2. (B, H, T, T)
    visible = np.tri(x.shape[1], dtype=bool) if causal else np.True_
    soft, _ = softmax_forward(np.where(visible, scores, -np.inf))  # 3.
    pattern = attention_rate * soft + (1 - attention_rate) * visible
    pattern = pattern.astype(x.dtype, copy=False)
    z = pattern @ v  # 4. (B, H, T, e)
    out = _product("bhte,hed->btd", z, W_O)  # 5.
    return out, AttentionCache(x, q, k, v, soft, pattern, z, weights, float(attention_rate))


def attention_backward(dout, cache):
    """Gradients dx (B, T, d), dW_Q, dW_K, dW_V (H, d, e) and dW_O (H, e, d), from dout (B, T, d); see
    `attention_forward`."""
    x, q, k, v, soft, pattern, z, (W_Q, W_K, W_V, W_O), attention_rate = cache
    dz = _product("btd,hed->bhte", dout, W_O)  # 5.
    dW_O = _product("bhte,btd->hed", z, dout)
    dpattern = dz @ v.mT  # 4.
    dv = pattern.mT @ dz
    dscores = softmax_backward(attention_rate * dpattern, soft)  # 3. an unseen key has soft = 0, so no gradient
    dq = dscores @ k / math.sqrt(q.shape[-1])  # 2.
    dk = dscores.mT @ q / math.sqrt(q.shape[-1])
    dx = sum(_product("bhte,hde->btd", d, W) for d, W in ((dq, W_Q), (dk, W_K), (dv, W_V)))  # 1.
    dW_Q, dW_K, dW_V = (_product("btd,bhte->hde", x, d) for d in (dq, dk, dv))
    return dx, dW_Q, dW_K, dW_V, dW_O


def _product(axes, x, y):
    """einsum as one large matrix product; x @ W would make a small one per example, many times slower."""
    return np.einsum(axes, x, y, optimize=True)
