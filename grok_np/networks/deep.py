"""Networks through the general layers, every position through every layer: any depth, no two-stage path.

This is the definition that `transformer` must agree with, and what published networks of two layers run through.

Letters: B examples, T positions, d = d_model.

Read next: `bits`.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from grok_np.errors import require_choice, require_integer, require_parameters
from grok_np.layers import ACTIVATIONS, linear_backward, linear_forward, lookup, lookup_backward, lookup_forward
from grok_np.networks import Network
from grok_np.networks.attention import attention_backward, attention_forward
from grok_np.networks.initial import INITIALISATIONS, draw_transformer
from grok_np.networks.pairs import Pairs, index_pairs
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


class LayerCache(NamedTuple):
    """One layer: names and weights, the cache of attention, and where it has neurons their input, cache and post."""

    names: dict
    weights: dict
    attention: Any
    x_mid: np.ndarray
    activation: Any
    post: np.ndarray | None


class DeepCache(NamedTuple):
    """What `general_backward` reads: layers are `LayerCache`, first to last; x_last (B, d)."""

    params: dict
    tokens: np.ndarray
    lookup: Any
    layers: list
    x_last: np.ndarray
    activation: str

    @property
    def post(self):
        """Neurons of the last layer at the last position, (B, d_mlp)."""
        post, T = self.layers[-1].post, self.tokens.shape[1]
        return np.zeros((len(self.x_last), 0)) if post is None else post[T - 1 :: T]


def general_forward(params, tokens, *, activation="relu", causal=True, attention_rate=1.0):
    """Logits (B, n) at the last position, any depth: the definition of the network.

    Forward   x = W_E[token] + W_pos[position]
              per layer   x += attention(x)         x += activation(x W_in + b_in) W_out + b_out
              logits = x[last] W_U

    tokens (B, T) int; layers as `blocks` finds them in ``params``. cache feeds `general_backward`.
    """
    B, T = tokens.shape
    W_E = params["W_E"]
    x, at = lookup_forward(W_E, lookup(tokens.ravel(), len(W_E), W_E.dtype))
    x = x + np.tile(params["W_pos"][:T], (B, 1))  # (B T, d): as rows the products are large ones, and fast
    layers = []
    for names in blocks(params):
        W = {name: params[key] for name, key in names.items()}
        out, attention_cache = attention_forward(x.reshape(B, T, -1), W["W_Q"], W["W_K"], W["W_V"], W["W_O"],
                                                 causal=causal, attention_rate=attention_rate)
        x_mid = x + out.reshape(x.shape)
        x, post, act_cache = x_mid, None, None
        if "W_in" in W:
            post, act_cache = ACTIVATIONS[activation][0](x_mid @ W["W_in"] + W["b_in"])
            x = x_mid + post @ W["W_out"] + W["b_out"]
        layers.append(LayerCache(names, W, attention_cache, x_mid, act_cache, post))
    x_last = x[T - 1 :: T]
    return x_last @ params["W_U"], DeepCache(params, tokens, at, layers, x_last, activation)


def stream_backward(dlogits, cache):
    """Gradient (B T, d) for the stream before the first layer, and a dict of those for all later weights."""
    W_U, (B, T) = cache.params["W_U"], cache.tokens.shape
    grads = {"W_U": cache.x_last.T @ dlogits}
    dx = np.zeros((B * T, W_U.shape[0]), dlogits.dtype)
    dx[T - 1 :: T] = dlogits @ W_U.T
    for names, W, attention_cache, x_mid, act_cache, post in reversed(cache.layers):
        if post is not None:
            grads[names["b_out"]] = dx.sum(axis=0)
            grads[names["W_out"]] = post.T @ dx
            dpre = ACTIVATIONS[cache.activation][1](dx @ W["W_out"].T, act_cache)
            grads[names["b_in"]] = dpre.sum(axis=0)
            grads[names["W_in"]] = x_mid.T @ dpre
            dx = dx + dpre @ W["W_in"].T
        dx_attention, *dW = attention_backward(dx.reshape(B, T, -1), attention_cache)
        grads |= {names[name]: d for name, d in zip(("W_Q", "W_K", "W_V", "W_O"), dW, strict=True)}
        dx = dx + dx_attention.reshape(dx.shape)
    return dx, grads


def general_backward(dlogits, cache):
    """Gradients of `general_forward`, a dict with the keys of ``params``."""
    dx, grads = stream_backward(dlogits, cache)
    grads["W_pos"] = np.zeros_like(cache.params["W_pos"])
    grads["W_pos"][: cache.tokens.shape[1]] = dx.reshape(*cache.tokens.shape, -1).sum(axis=0)
    grads["W_E"] = lookup_backward(dx, cache.lookup)
    return {name: grads[name] for name in cache.params}


class Tokens(NamedTuple):
    """Checked token numbers (B, positions)."""

    numbers: np.ndarray


class DeepMLPCache(NamedTuple):
    """The pairs, the caches of the layers in forward order, and the first layer's post (B, h)."""

    pairs: Pairs
    into: tuple
    first_activation: Any
    hidden: tuple
    second_activation: Any
    out: tuple
    post: np.ndarray


@dataclass(frozen=True)
class DeepTransformer(Transformer):
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

    def init(self, rng, dtype=np.float32):
        """Draw parameters; a layer's weights start as those of a network of one layer."""
        return {name: draw_transformer(rng, name.partition(".")[0], shape, self).astype(dtype)
                for name, shape in self.shapes.items()}

    def index(self, inputs, dtype=np.float32):
        """`Tokens` of pairs (B, 2), checked."""
        return inputs if isinstance(inputs, Tokens) else Tokens(self.tokens(inputs))

    effective = Network.effective
    effective_backward = Network.effective_backward

    def mix_forward(self, params, tokens):
        """See `general_forward`."""
        return general_forward(params, self.index(tokens).numbers, activation=self.activation, causal=self.causal,
                               attention_rate=self.attention_rate)

    mix_backward = staticmethod(general_backward)

    def embedding_gradients(self, dlogits, cache):
        """Gradients (B, d) for the embeddings of a and of b, example by example, not summed over them."""
        dx, _ = stream_backward(dlogits, cache.mix)
        return dx[0 :: self.n_positions], dx[1 :: self.n_positions]


@dataclass(frozen=True)
class DeepMLP(Network):
    """Two hidden layers on the sum of two embeddings: model beta of Clock and Pizza (Zhong et al. 2023, Appendix G).

    Forward   pre = (W_E[a] + W_E[b]) W_in + b_in        post = activation(pre)
              deep = activation(post W_hidden + b_hidden)        logits = deep W_out

    Both hidden layers have n_hidden neurons. Model gamma, linear before adding, is the same with b_in twice theirs.
    Fields as in `MLP`; one factoring only, and always with biases.
    """

    p: int = 67
    d_embed: int = 500
    n_hidden: int = 24
    activation: str = "relu"
    initialisation: str = "article"

    def __post_init__(self):
        require_integer(self.p, "p", minimum=2)
        require_integer(self.d_embed, "d_embed", minimum=1)
        require_integer(self.n_hidden, "n_hidden", minimum=1)
        require_choice(self.activation, "activation", ACTIVATIONS)
        require_choice(self.initialisation, "initialisation", INITIALISATIONS)
        require_parameters(self.shapes)

    @property
    def shapes(self):
        """Parameter shapes by name."""
        p, d, h = self.p, self.d_embed, self.n_hidden
        return {"W_E": (p, d), "W_in": (d, h), "b_in": (h,), "W_hidden": (h, h), "b_hidden": (h,), "W_out": (h, p)}

    def init(self, rng, dtype=np.float32):
        """Draw parameters, see `initial`."""
        draw = INITIALISATIONS[self.initialisation]
        return {name: draw(rng, name, shape, self).astype(dtype) for name, shape in self.shapes.items()}

    def index(self, inputs, dtype=np.float32):
        """Inputs (..., B, 2), checked and made ready."""
        return index_pairs(inputs, self.p, dtype)

    def mix_forward(self, params, inputs):
        """Logits (..., B, p) of pairs, and the cache."""
        pairs = self.index(inputs, params["W_E"].dtype)
        activate, _ = ACTIVATIONS[self.activation]
        x = lookup_forward(params["W_E"], pairs.a)[0] + lookup_forward(params["W_E"], pairs.b)[0]
        pre, in_cache = linear_forward(x, params["W_in"], params["b_in"][..., None, :])
        post, act_cache = activate(pre)
        pre, hidden_cache = linear_forward(post, params["W_hidden"], params["b_hidden"][..., None, :])
        deep, deep_cache = activate(pre)
        logits, out_cache = linear_forward(deep, params["W_out"])
        return logits, DeepMLPCache(pairs, in_cache, act_cache, hidden_cache, deep_cache, out_cache, post)

    def _stream_backward(self, dlogits, cache):
        """Gradient (B, d) for the sum of the embeddings, and a dict of the others; `mix_forward` from last to first."""
        _, activate_backward = ACTIVATIONS[self.activation]
        grads = {}
        ddeep, grads["W_out"] = linear_backward(dlogits, cache.out)
        dpre = activate_backward(ddeep, cache.second_activation)
        dpost, grads["W_hidden"], grads["b_hidden"] = linear_backward(dpre, cache.hidden)
        dpre = activate_backward(dpost, cache.first_activation)
        dx, grads["W_in"], grads["b_in"] = linear_backward(dpre, cache.into)
        return dx, grads

    def mix_backward(self, dlogits, cache):
        """Gradients for the parameters, a dict."""
        dx, grads = self._stream_backward(dlogits, cache)
        return grads | {"W_E": lookup_backward(dx, cache.pairs.a) + lookup_backward(dx, cache.pairs.b)}

    def embedding_gradients(self, dlogits, cache):
        """Gradients (B, d) for the embeddings of a and of b, example by example; they are the same."""
        dx, _ = self._stream_backward(dlogits, cache.mix)
        return dx, dx
