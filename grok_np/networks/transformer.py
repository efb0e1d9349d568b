"""The one-layer transformer on pairs (a, b), in the same two stages as the MLP.

Asked only at its last position, one layer of attention needs very little: queries, keys and values depend on token and
position alone, so scores and values are small tables; and the matrices after attention fold by associativity into maps
that interpretability looks at anyway, W_O W_in, W_O W_U and the neuron-logit map W_L = W_out W_U.

    effective   score_a, score_b   what the last position attends with, per head: tables over tokens
                value_a, value_b   what it then moves, heads side by side
                W_OI = W_O W_in    W_OU = W_O W_U    W_L = W_out W_U
                rest_pre, rest_logits   what the last position adds by itself, to neurons and to logits
    mix         pattern = rate softmax(scores over positions) + (1 - rate)
                z = sum over positions of pattern * value
                post = activation(z W_OI + rest_pre)         logits = z W_OU + post W_L + rest_logits

No layer norm, as in the works rebuilt here. The definition of the network, every position through every layer, is
`deep.general_forward`; the two agree to rounding, forward and backward.

Letters: p numbers, B examples, H heads, e = d_head, d = d_model, m = d_mlp, V tokens, n outputs.

Read next: `deep`, the definition, for any number of layers; `training`.
"""

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from grok_np.errors import require, require_choice, require_flag, require_integer, require_number, require_parameters
from grok_np.layers import ACTIVATIONS, incidence, softmax_backward, softmax_forward
from grok_np.networks.mlp import index_pairs

LAYOUTS = ("a b =", "a b")


class Lookup(NamedTuple):
    """Rows to look up in a table, and the incidence matrix that undoes it: made once per data set."""

    rows: np.ndarray
    incidence: Any


class TokenPairs(NamedTuple):
    """Checked pairs: which rows of the value tables, of the score tables and of the rest they look up.

    With "a b =" the query is always "=", so score_a has a row per a, and the rest is one row for all (None). With "a b"
    the query is b: score_a has a row per (a, b), and the rest one per b.
    """

    a: Lookup
    b: Lookup
    score_a: Lookup
    rest: Lookup | None


@dataclass(frozen=True)
class EffectiveTransformer:
    """The weights of the mix. Arrays as in the module's head, shapes in `Transformer.effective`."""

    score_a: np.ndarray
    score_b: np.ndarray
    score_last: np.ndarray | None
    value_a: np.ndarray
    value_b: np.ndarray
    value_last: np.ndarray | None
    W_OI: np.ndarray
    W_OU: np.ndarray
    W_L: np.ndarray
    rest_pre: np.ndarray
    rest_logits: np.ndarray
    activation: str
    attention_rate: float


def mix_forward(effective, pairs):
    """Logits of pairs from effective weights.

    Forward   scores = score_a[a], score_b[b], score_last                      1. look up, (B, H, positions)
              pattern = rate softmax(scores) + (1 - rate)                      2.
              z = pattern_a value_a[a] + pattern_b value_b[b] + ...            3. (B, H e)
              post = activation(z W_OI + rest_pre)                             4. (B, m)
              logits = z W_OU + post W_L + rest_logits                         5. (B, n)

    effective : `EffectiveTransformer`; pairs : `TokenPairs` -> logits (B, n), cache.
    """
    w = effective
    n_heads = w.score_b.shape[-1]
    scores = [w.score_a[pairs.score_a.rows], w.score_b[pairs.b.rows]]  # 1.
    values = [w.value_a.take(pairs.a.rows, axis=0, mode="clip"), w.value_b.take(pairs.b.rows, axis=0, mode="clip")]
    if w.score_last is not None:
        scores.append(np.broadcast_to(w.score_last, scores[0].shape))
        values.append(np.broadcast_to(w.value_last, values[0].shape))
    # 2. Positions last, but far apart in memory: NumPy's sums over rows of three numbers take five times as long.
    soft, _ = softmax_forward(np.moveaxis(np.stack(scores), 0, -1))
    pattern = w.attention_rate * soft + (1 - w.attention_rate)
    values = [value.reshape(len(value), n_heads, -1) for value in values]
    z = sum(pattern[..., i, None] * value for i, value in enumerate(values)).reshape(len(soft), -1)  # 3.
    pre = z @ w.W_OI  # 4.
    pre += w.rest_pre if pairs.rest is None else w.rest_pre[pairs.rest.rows]
    post, act_cache = ACTIVATIONS[w.activation][0](pre)
    logits = (w.W_L.T @ post.T + w.W_OU.T @ z.T).T  # 5. column-major for the loss, see `mlp.mix_forward`
    logits += w.rest_logits if pairs.rest is None else w.rest_logits[pairs.rest.rows]
    return logits, (effective, pairs, soft, pattern, values, z, act_cache, post)


def example_backward(dlogits, cache):
    """Stages 5 to 2 of `mix_forward` undone, example by example: (dpre (B, m), dvalues, each (B, H e), dscores)."""
    w, _, soft, pattern, values, z, act_cache, _ = cache
    dpre = ACTIVATIONS[w.activation][1](dlogits @ w.W_L.T, act_cache)  # 5., 4.
    dz = (dlogits @ w.W_OU.T + dpre @ w.W_OI.T).reshape(values[0].shape)
    dvalues = [(pattern[..., i, None] * dz).reshape(len(z), -1) for i in range(len(values))]  # 3.
    dpattern = np.stack([np.einsum("bhe,bhe->bh", dz, value) for value in values], axis=-1)
    return dpre, dvalues, softmax_backward(w.attention_rate * dpattern, soft)  # 2.


def mix_backward(dlogits, cache):
    """Gradient for the effective weights, a dict by name."""
    w, pairs, *_, z, _, post = cache
    dpre, dvalues, dscores = example_backward(dlogits, cache)
    grads = {"W_L": post.T @ dlogits, "W_OU": z.T @ dlogits}  # 5.
    grads["W_OI"] = z.T @ dpre  # 4.
    for name, drest in (("rest_pre", dpre), ("rest_logits", dlogits)):
        grads[name] = drest.sum(axis=0, keepdims=True) if pairs.rest is None else pairs.rest.incidence @ drest
    grads["score_a"] = pairs.score_a.incidence @ dscores[..., 0]  # 1.
    grads["score_b"] = pairs.b.incidence @ dscores[..., 1]
    grads["value_a"], grads["value_b"] = pairs.a.incidence @ dvalues[0], pairs.b.incidence @ dvalues[1]
    if w.score_last is not None:
        grads["score_last"] = dscores[..., 2].sum(axis=0, keepdims=True)
        grads["value_last"] = dvalues[2].sum(axis=0, keepdims=True)
    return grads


@dataclass(frozen=True)
class Transformer:
    """One layer of attention and one of neurons, no layer norm; hyper-parameters only.

    Parameters
    ----------
    p : int
        Modulus, at least 2.
    d_model, n_heads, d_mlp : int
        Widths; ``d_mlp=0`` is attention only. d_head is ``d_model // n_heads``.
    activation : str
        ``"relu"`` or ``"gelu"`` (or any key of ``layers.ACTIVATIONS``).
    layout : str
        ``"a b ="`` (Nanda et al. 2023, arXiv 2301.05217) or ``"a b"`` (Zhong et al. 2023, arXiv 2306.17844).
    attention_rate : float
        See `attention.attention_forward`.
    separate_vocabularies : bool
        Give b tokens of its own, numbered p to 2p - 1 (``diff_vocab`` of Zhong et al.).
    causal : bool
        Makes a difference only in deeper networks (`deep`): the last position attends to all others either way.
    initialisation : str
        ``"nanda"``: normal values of variance 1/d_model, but 1/d_vocab for W_U; biases 0. ``"pizza"`` (Zhong et al.):
        the same, but 1/d_mlp for W_in.

    Parameters are W_E (V, d), W_pos (positions, d), W_Q, W_K, W_V (H, d, e), W_O (H, e, d), W_in (d, m), b_in (m,),
    W_out (m, d), b_out (d,), W_U (d, V): as many outputs as tokens, as in both works, so "=" is a possible answer.

    Examples
    --------
    >>> model = Transformer(p=5, d_model=8, n_heads=2, d_mlp=16)
    >>> params = model.init(np.random.default_rng(0))
    >>> logits, cache = model.forward(params, [[1, 2], [4, 4]])
    >>> logits.shape, model.backward(np.ones_like(logits), cache)["W_Q"].shape
    ((2, 6), (2, 8, 4))
    """

    p: int = 113
    d_model: int = 128
    n_heads: int = 4
    d_mlp: int = 512
    activation: str = "relu"
    layout: str = "a b ="
    attention_rate: float = 1.0
    separate_vocabularies: bool = False
    causal: bool = True
    initialisation: str = "nanda"

    def __post_init__(self):
        require_integer(self.p, "p", minimum=2)
        require_integer(self.d_model, "d_model", minimum=1)
        require_integer(self.n_heads, "n_heads", minimum=1)
        require(self.n_heads <= self.d_model, "n_heads", self.n_heads, f"at most d_model = {self.d_model}")
        require_integer(self.d_mlp, "d_mlp", minimum=0)
        require_choice(self.activation, "activation", ACTIVATIONS)
        require_choice(self.layout, "layout", LAYOUTS)
        require_flag(self.separate_vocabularies, "separate_vocabularies")
        require_flag(self.causal, "causal")
        require_number(self.attention_rate, "attention_rate", "in [0, 1]", lambda r: 0 <= r <= 1)
        require_choice(self.initialisation, "initialisation", ("nanda", "pizza"))
        require_parameters(self.shapes)

    @property
    def d_vocab(self):
        """Number of tokens V: the numbers, once or twice, and "=" where the layout has it; it is the last."""
        return self.p * (2 if self.separate_vocabularies else 1) + (self.layout == "a b =")

    @property
    def n_positions(self):
        """Length of the sequence."""
        return 3 if self.layout == "a b =" else 2

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Parameter shapes by name, in the order of the flat vector."""
        H, d, e, m, V = self.n_heads, self.d_model, self.d_model // self.n_heads, self.d_mlp, self.d_vocab
        shapes = {"W_E": (V, d), "W_pos": (self.n_positions, d), "W_Q": (H, d, e), "W_K": (H, d, e), "W_V": (H, d, e),
                  "W_O": (H, e, d)}
        if m:
            shapes |= {"W_in": (d, m), "b_in": (m,), "W_out": (m, d), "b_out": (d,)}
        return shapes | {"W_U": (d, V)}

    def init(self, rng: np.random.Generator, dtype: Any = np.float32) -> dict[str, np.ndarray]:
        """Draw parameters, a dict name -> array: normal values, biases 0, see ``initialisation``."""
        one_over_variance = {"W_U": self.d_vocab} | ({"W_in": self.d_mlp} if self.initialisation == "pizza" else {})

        def draw(name, shape):
            if name.startswith("b_"):
                return np.zeros(shape, dtype)
            scale = math.sqrt(1 / one_over_variance.get(name.split(".")[0], self.d_model))
            return rng.normal(scale=scale, size=shape).astype(dtype)

        return {name: draw(name, shape) for name, shape in self.shapes.items()}

    def tokens(self, inputs: Any) -> np.ndarray:
        """Token numbers (B, positions) of pairs (B, 2), checked."""
        a, b, *_ = index_pairs(inputs, self.p)
        columns = [a, b + self.p if self.separate_vocabularies else b]
        if self.layout == "a b =":
            columns.append(np.full(len(a), self.d_vocab - 1))
        return np.stack(columns, axis=1)

    def index(self, inputs: Any, dtype: Any = np.float32) -> TokenPairs:
        """Inputs checked and made ready for many forward and backward passes, see `TokenPairs`."""
        a, b, incidence_a, incidence_b = index_pairs(inputs, self.p, dtype)
        a, b = Lookup(a, incidence_a), Lookup(b, incidence_b)
        if self.layout == "a b =":
            return TokenPairs(a, b, a, None)
        both = a.rows * self.p + b.rows
        return TokenPairs(a, b, Lookup(both, incidence(both, self.p**2, dtype)), b)

    def _streams(self, params):
        """Residual stream before attention: of a (p, d), of b (p, d), and of "=" (1, d) or None."""
        W_E, W_pos = params["W_E"], params["W_pos"]
        first_b = self.p if self.separate_vocabularies else 0
        x_last = W_E[-1:] + W_pos[2] if self.layout == "a b =" else None
        return W_E[: self.p] + W_pos[0], W_E[first_b : first_b + self.p] + W_pos[1], x_last

    def effective(self, params: dict) -> EffectiveTransformer:
        """First stage: score tables (p or p², H), values (p, H e), folded matrices, the last position's own part."""
        x_a, x_b, x_last = self._streams(params)
        last = x_b if x_last is None else x_last  # what stands at the last position, and so asks: p rows or one
        q = last @ params["W_Q"] / math.sqrt(params["W_Q"].shape[-1])  # (H, 1 or p, e)
        key_a, key_b = x_a @ params["W_K"], x_b @ params["W_K"]  # (H, p, e)
        score_a = (key_a @ q.mT).reshape(self.n_heads, -1).T  # (p, H), or (p², H) by a p + b
        score_b = (key_b * q).sum(axis=-1).T
        value_a, value_b = (_heads_side_by_side(x @ params["W_V"]) for x in (x_a, x_b))
        score_last = value_last = None
        if x_last is not None:
            score_last = (x_last @ params["W_K"] * q).sum(axis=-1).T
            value_last = _heads_side_by_side(x_last @ params["W_V"])
        W_in, b_in, W_out, b_out = self._neurons(params)
        W_O = params["W_O"].reshape(-1, self.d_model)
        return EffectiveTransformer(
            score_a, score_b, score_last, value_a, value_b, value_last,
            W_O @ W_in, W_O @ params["W_U"], W_out @ params["W_U"],
            last @ W_in + b_in, (last + b_out) @ params["W_U"], self.activation, self.attention_rate)

    def effective_backward(self, deffective: dict, params: dict) -> dict[str, np.ndarray]:
        """Pull the gradient for the effective weights, a dict, back to the parameters; `effective` undone."""
        d, W_U = deffective, params["W_U"]
        x_a, x_b, x_last = self._streams(params)
        grads = {name: np.zeros(shape, W_U.dtype) for name, shape in self.shapes.items()}
        W_in, _, W_out, b_out = self._neurons(params)
        W_O = params["W_O"].reshape(-1, self.d_model)
        last = x_b if x_last is None else x_last
        dlast = d["rest_pre"] @ W_in.T + d["rest_logits"] @ W_U.T
        grads["W_O"] = (d["W_OI"] @ W_in.T + d["W_OU"] @ W_U.T).reshape(params["W_O"].shape)
        grads["W_U"] = W_O.T @ d["W_OU"] + W_out.T @ d["W_L"] + (last + b_out).T @ d["rest_logits"]
        if self.d_mlp:
            grads["W_in"] = W_O.T @ d["W_OI"] + last.T @ d["rest_pre"]
            grads["b_in"] = d["rest_pre"].sum(axis=0)
            grads["W_out"] = d["W_L"] @ W_U.T
            grads["b_out"] = (d["rest_logits"] @ W_U.T).sum(axis=0)
        self._attention_backward(d, params, grads, x_a, x_b, x_last, dlast)
        return grads

    def _attention_backward(self, d, params, grads, x_a, x_b, x_last, dlast):
        """The part of `effective_backward` before the folded matrices: queries, keys, values and embeddings."""
        W_Q, W_K, W_V = params["W_Q"], params["W_K"], params["W_V"]
        scale = 1 / math.sqrt(W_Q.shape[-1])
        last = x_b if x_last is None else x_last
        q, key_a, key_b = last @ W_Q * scale, x_a @ W_K, x_b @ W_K
        dscore_a = d["score_a"].T.reshape(self.n_heads, self.p, -1)  # (H, p, 1 or p)
        dscore_b = d["score_b"].T[..., None]  # (H, p, 1)
        dkey_a, dkey_b = dscore_a @ q, dscore_b * q
        dq_b = dscore_b * key_b
        dq = dscore_a.mT @ key_a + (dq_b if x_last is None else dq_b.sum(axis=1, keepdims=True))
        dvalue_a, dvalue_b = (self._heads_apart(d[name]) for name in ("value_a", "value_b"))
        grads["W_K"] = x_a.T @ dkey_a + x_b.T @ dkey_b
        grads["W_V"] = x_a.T @ dvalue_a + x_b.T @ dvalue_b
        dx_a = (dkey_a @ W_K.mT + dvalue_a @ W_V.mT).sum(axis=0)
        dx_b = (dkey_b @ W_K.mT + dvalue_b @ W_V.mT).sum(axis=0)
        if x_last is not None:
            dscore = d["score_last"].T[..., None]
            dkey, dvalue = dscore * q, self._heads_apart(d["value_last"])  # (H, 1, e)
            dq = dq + dscore * (x_last @ W_K)
            grads["W_K"] += x_last.T @ dkey
            grads["W_V"] += x_last.T @ dvalue
            dlast = dlast + (dkey @ W_K.mT + dvalue @ W_V.mT).sum(axis=0)
        grads["W_Q"] = scale * (last.T @ dq)
        dlast = dlast + scale * (dq @ W_Q.mT).sum(axis=0)
        first_b = self.p if self.separate_vocabularies else 0
        if x_last is None:
            dx_b = dx_b + dlast
        else:
            grads["W_E"][-1], grads["W_pos"][2] = dlast[0], dlast[0]
        grads["W_E"][: self.p] += dx_a
        grads["W_E"][first_b : first_b + self.p] += dx_b
        grads["W_pos"][0], grads["W_pos"][1] = dx_a.sum(axis=0), dx_b.sum(axis=0)

    def _heads_apart(self, values):
        """(rows, H e) -> (H, rows, e)."""
        return values.reshape(len(values), self.n_heads, -1).swapaxes(0, 1)

    def _neurons(self, params):
        """W_in, b_in, W_out, b_out; arrays of no neurons where there are none, so that this is no special case."""
        if self.d_mlp:
            return params["W_in"], params["b_in"], params["W_out"], params["b_out"]
        dtype = params["W_U"].dtype
        return (np.zeros((self.d_model, 0), dtype), np.zeros(0, dtype), np.zeros((0, self.d_model), dtype),
                np.zeros(self.d_model, dtype))

    mix_forward = staticmethod(mix_forward)
    mix_backward = staticmethod(mix_backward)

    def forward(self, params: dict, inputs: Any) -> tuple[np.ndarray, Any]:
        """Logits (B, d_vocab) of pairs (B, 2) at the last position, and the cache that `backward` reads."""
        pairs = inputs if isinstance(inputs, TokenPairs) else self.index(inputs, params["W_E"].dtype)
        logits, mix_cache = mix_forward(self.effective(params), pairs)
        return logits, (params, mix_cache)

    def backward(self, dlogits: np.ndarray, cache: Any) -> dict[str, np.ndarray]:
        """Gradient for the parameters, a dict with the keys and shapes of ``params``."""
        params, mix_cache = cache
        return self.effective_backward(mix_backward(dlogits, mix_cache), params)

    def embedding_gradients(self, dlogits: np.ndarray, cache: Any) -> tuple[np.ndarray, np.ndarray]:
        """Gradients (B, d) for the embeddings of a and of b, example by example, not summed over them."""
        params, mix_cache = cache
        pairs = mix_cache[1]
        dpre, dvalues, dscores = example_backward(dlogits, mix_cache)
        x_a, x_b, x_last = self._streams(params)
        last, asks = (x_b, pairs.b.rows) if x_last is None else (x_last, np.zeros_like(pairs.b.rows))
        W_Q, W_K, W_V = (_heads_side_by_side(params[name]) for name in ("W_Q", "W_K", "W_V"))  # each (d, H e)
        scale = 1 / math.sqrt(params["W_Q"].shape[-1])
        dscores = np.repeat(scale * dscores, W_Q.shape[1] // self.n_heads, axis=1)  # (B, H e, positions)
        q = (last @ W_Q)[asks]
        dx_a, dx_b = (dvalues[i] @ W_V.T + (dscores[..., i] * q) @ W_K.T for i in (0, 1))
        if x_last is None:  # b stands at the last position too: it asks, and its own stream goes on to the answer
            dq = dscores[..., 0] * (x_a @ W_K)[pairs.a.rows] + dscores[..., 1] * (x_b @ W_K)[pairs.b.rows]
            W_in, *_ = self._neurons(params)
            dx_b += dq @ W_Q.T + dpre @ W_in.T + dlogits @ params["W_U"].T
        return dx_a, dx_b


def _heads_side_by_side(values):
    """(H, rows, e) -> (rows, H e)."""
    return np.ascontiguousarray(values.swapaxes(0, 1)).reshape(values.shape[1], -1)
