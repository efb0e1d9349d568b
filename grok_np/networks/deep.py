"""Networks through the general layers, every position through every layer: any depth, no two-stage path.

This is the definition that `transformer` must agree with, and what published networks of two layers run through. The
classes keep the protocol of `MLP` and `Transformer`, so that everything that takes a model takes these too; their
effective weights are the parameters themselves.

Letters: B examples, T positions, d = d_model.

Read next: `training`.
"""

from dataclasses import dataclass

import numpy as np

from grok_np.errors import require_integer
from grok_np.layers import (
    ACTIVATIONS,
    linear_backward,
    linear_forward,
    lookup_backward,
    lookup_forward,
)
from grok_np.networks.attention import attention_backward, attention_forward
from grok_np.networks.mlp import MLP
from grok_np.networks.transformer import Transformer

BLOCK = ("W_Q", "W_K", "W_V", "W_O", "W_in", "b_in", "W_out", "b_out")


def blocks(params):
    """Names of the weights of each layer, first to last: as in `Transformer`, or with ".0", ".1", ... behind."""
    if "W_Q" in params:
        return [{name: name for name in BLOCK if name in params}]
    depth = 0
    while f"W_Q.{depth}" in params:
        depth += 1
    return [{name: f"{name}.{i}" for name in BLOCK if f"{name}.{i}" in params} for i in range(depth)]


def general_forward(params, tokens, *, activation="relu", causal=True, attention_rate=1.0):
    """Logits (B, n) at the last position, any depth: the definition of the network.

    Forward   x = W_E[token] + W_pos[position]
              per layer   x += attention(x)         x += activation(x W_in + b_in) W_out + b_out
              logits = x[last] W_U

    tokens (B, T) int; layers as `blocks` finds them in ``params``. cache feeds `general_backward`.
    """
    B, T = tokens.shape
    x, lookup_cache = lookup_forward(params["W_E"], tokens.ravel())
    x = x + np.tile(params["W_pos"][:T], (B, 1))  # (B T, d): as rows the products are large ones, and fast
    caches = []
    for names in blocks(params):
        W = {name: params[key] for name, key in names.items()}
        out, attention_cache = attention_forward(x.reshape(B, T, -1), W["W_Q"], W["W_K"], W["W_V"], W["W_O"],
                                                 causal=causal, attention_rate=attention_rate)
        x_mid = x + out.reshape(x.shape)
        x, neuron_cache = x_mid, None
        if "W_in" in W:
            post, act_cache = ACTIVATIONS[activation][0](x_mid @ W["W_in"] + W["b_in"])
            x = x_mid + post @ W["W_out"] + W["b_out"]
            neuron_cache = x_mid, post, act_cache
        caches.append((names, W, attention_cache, neuron_cache))
    x_last = x[T - 1 :: T]
    return x_last @ params["W_U"], (params, tokens, lookup_cache, caches, x_last, activation)


def stream_backward(dlogits, cache):
    """Gradient (B T, d) for the stream before the first layer, and a dict of those for all later weights."""
    params, tokens, _, caches, x_last, activation = cache
    B, T = tokens.shape
    grads = {"W_U": x_last.T @ dlogits}
    dx = np.zeros((B * T, x_last.shape[1]), dlogits.dtype)
    dx[T - 1 :: T] = dlogits @ params["W_U"].T
    for names, W, attention_cache, neuron_cache in reversed(caches):
        if neuron_cache is not None:
            x_mid, post, act_cache = neuron_cache
            grads[names["b_out"]] = dx.sum(axis=0)
            grads[names["W_out"]] = post.T @ dx
            dpre = ACTIVATIONS[activation][1](dx @ W["W_out"].T, act_cache)
            grads[names["b_in"]] = dpre.sum(axis=0)
            grads[names["W_in"]] = x_mid.T @ dpre
            dx = dx + dpre @ W["W_in"].T
        dx_attention, *dW = attention_backward(dx.reshape(B, T, -1), attention_cache)
        grads |= {names[name]: d for name, d in zip(("W_Q", "W_K", "W_V", "W_O"), dW, strict=True)}
        dx = dx + dx_attention.reshape(dx.shape)
    return dx, grads


def general_backward(dlogits, cache):
    """Gradients of `general_forward`, a dict with the keys of ``params``."""
    params, tokens, lookup_cache, *_ = cache
    dx, grads = stream_backward(dlogits, cache)
    grads["W_pos"] = np.zeros_like(params["W_pos"])
    grads["W_pos"][: tokens.shape[1]] = dx.reshape(*tokens.shape, -1).sum(axis=0)
    grads["W_E"] = lookup_backward(dx, lookup_cache)
    return {name: grads[name] for name in params}


class WholeNetwork:
    """The protocol of a two-stage model for one that has no first stage: its effective weights are its parameters."""

    def effective(self, params):
        """The parameters."""
        return params

    def effective_backward(self, deffective, params):
        """The gradient for the parameters, as it is."""
        return deffective

    def forward(self, params, inputs):
        """Logits (B, n) of pairs (B, 2), and the cache that `backward` reads."""
        return self.mix_forward(params, self.index(inputs))

    def backward(self, dlogits, cache):
        """Gradient for the parameters, a dict with the keys and shapes of ``params``."""
        return self.mix_backward(dlogits, cache)


@dataclass(frozen=True)
class DeepTransformer(WholeNetwork, Transformer):
    """`Transformer` with ``n_layers`` layers, whose weights are named W_Q.0, W_Q.1, ..."""

    n_layers: int = 2

    def __post_init__(self):
        require_integer(self.n_layers, "n_layers", minimum=1, maximum=1000)
        super().__post_init__()

    @property
    def shapes(self):
        """Parameter shapes by name."""
        one = super().shapes
        inside = [name for name in BLOCK if name in one]
        outside = {name: shape for name, shape in one.items() if name not in inside}
        return outside | {f"{name}.{layer}": one[name] for layer in range(self.n_layers) for name in inside}

    def index(self, inputs, dtype=np.float32):
        """Token numbers (B, positions) of pairs (B, 2), checked."""
        return self.tokens(inputs)

    def mix_forward(self, params, tokens):
        """See `general_forward`."""
        return general_forward(params, tokens, activation=self.activation, causal=self.causal,
                               attention_rate=self.attention_rate)

    mix_backward = staticmethod(general_backward)

    def embedding_gradients(self, dlogits, cache):
        """Gradients (B, d) for the embeddings of a and of b, example by example, not summed over them."""
        dx, _ = stream_backward(dlogits, cache)
        return dx[0 :: self.n_positions], dx[1 :: self.n_positions]


@dataclass(frozen=True)
class DeepMLP(WholeNetwork, MLP):
    """Two hidden layers on the sum of two embeddings: model beta of Clock and Pizza (Zhong et al. 2023, Appendix G).

    Forward   pre = (W_E[a] + W_E[b]) W_in + b_in        post = activation(pre)
              deep = activation(post W_hidden + b_hidden)        logits = deep W_out

    Both hidden layers have n_hidden neurons. Model gamma, linear before adding, is the same with b_in twice theirs.
    """

    @property
    def shapes(self):
        """Parameter shapes by name."""
        p, d, h = self.p, self.d_embed, self.n_hidden
        return {"W_E": (p, d), "W_in": (d, h), "b_in": (h,), "W_hidden": (h, h), "b_hidden": (h,), "W_out": (h, p)}

    def mix_forward(self, params, pairs):
        """Logits (B, p) of indexed pairs, and the cache."""
        activate, _ = ACTIVATIONS[self.activation]
        x = params["W_E"][pairs.a] + params["W_E"][pairs.b]
        pre, in_cache = linear_forward(x, params["W_in"], params["b_in"])
        post, act_cache = activate(pre)
        pre, hidden_cache = linear_forward(post, params["W_hidden"], params["b_hidden"])
        deep, deep_cache = activate(pre)
        logits, out_cache = linear_forward(deep, params["W_out"])
        return logits, (pairs, in_cache, act_cache, hidden_cache, deep_cache, out_cache)

    def _stream_backward(self, dlogits, cache):
        """Gradient (B, d) for the sum of the embeddings, and a dict of the others; `mix_forward` from last to first."""
        _, in_cache, act_cache, hidden_cache, deep_cache, out_cache = cache
        _, activate_backward = ACTIVATIONS[self.activation]
        grads = {}
        ddeep, grads["W_out"] = linear_backward(dlogits, out_cache)
        dpre = activate_backward(ddeep, deep_cache)
        dpost, grads["W_hidden"], grads["b_hidden"] = linear_backward(dpre, hidden_cache)
        dpre = activate_backward(dpost, act_cache)
        dx, grads["W_in"], grads["b_in"] = linear_backward(dpre, in_cache)
        return dx, grads

    def mix_backward(self, dlogits, cache):
        """Gradients for the parameters, a dict."""
        dx, grads = self._stream_backward(dlogits, cache)
        pairs, *_ = cache
        grads["W_E"] = pairs.incidence_a @ dx + pairs.incidence_b @ dx
        return {name: grads[name] for name in self.shapes}

    def embedding_gradients(self, dlogits, cache):
        """Gradients (B, d) for the embeddings of a and of b, example by example; they are the same."""
        dx, _ = self._stream_backward(dlogits, cache)
        return dx, dx
