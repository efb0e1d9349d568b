"""The one-layer transformer on pairs (a, b), in the same two stages as the MLP.

Asked only at its last position, one layer of attention needs very little: queries, keys and values depend on token and
position alone, so scores and values are small tables; and the matrices after attention fold by associativity into maps
that interpretability looks at anyway, W_O W_in, W_O W_U and the neuron-logit map W_L = W_out W_U.

    effective   scores, values     per position: what the last position attends with, and what it then moves
                W_OI = W_O W_in    W_OU = W_O W_U    W_L = W_out W_U
                rest_pre, rest_logits   what the last position adds by itself, to neurons and to logits
    mix         pattern = rate softmax(scores over positions) + (1 - rate)
                z = sum over positions of pattern * value
                post = activation(z W_OI + rest_pre)         logits = z W_OU + post W_L + rest_logits

No layer norm, as in the works rebuilt here. The definition of the network, every position through every layer, is
`deep.general_forward`; the two agree to rounding, forward and backward.

Letters: p numbers, B examples, H heads, e = d_head, d = d_model, m = d_mlp, V tokens, n outputs, T positions; r rows of
the stream at the last position: 1 where "=" stands there, p where b does. Leading axes ("...") are networks side by
side.

Read next: `deep`, the definition, for any number of layers.
"""

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from grok_np.errors import require, require_choice, require_flag, require_integer, require_number, require_parameters
from grok_np.layers import (
    ACTIVATIONS,
    Lookup,
    lookup,
    lookup_backward,
    lookup_forward,
    softmax_backward,
    softmax_forward,
)
from grok_np.networks import Cache, Network
from grok_np.networks.initial import draw_transformer
from grok_np.networks.pairs import index_pairs

LAYOUTS = ("a b =", "a b")


class TokenPairs(NamedTuple):
    """Which rows a pair looks up, position by position; None where a table has one row for all ("=").

    ``values``: in the value tables. ``scores``: in the score tables; where b asks, that of a has a row per (a, b).
    ``last``: in what the last position adds.
    """

    values: tuple[Lookup | None, ...]
    scores: tuple[Lookup | None, ...]
    last: Lookup | None


@dataclass(frozen=True)
class EffectiveTransformer:
    """The weights of the mix.

    scores, values : one table per position, in order: scores (..., p, H), of a (..., p r, H) by a r + asker, of "="
    (..., 1, H); values (..., p, H e), heads side by side, of "=" (..., 1, H e). W_OI (..., H e, m), W_OU (..., H e, n),
    W_L (..., m, n), rest_pre (..., r, m), rest_logits (..., r, n).
    """

    scores: tuple[np.ndarray, ...]
    values: tuple[np.ndarray, ...]
    W_OI: np.ndarray
    W_OU: np.ndarray
    W_L: np.ndarray
    rest_pre: np.ndarray
    rest_logits: np.ndarray
    activation: str
    attention_rate: float


class MixCache(NamedTuple):
    """What `mix_backward` reads: soft and pattern (..., B, H, T), values per position (..., B or 1, H, e),
    z (..., B, H e), the cache of the activation, post (..., B, m)."""

    effective: EffectiveTransformer
    pairs: TokenPairs
    soft: np.ndarray
    pattern: np.ndarray
    values: list
    z: np.ndarray
    activation: Any
    post: np.ndarray


def rows_forward(table, at):
    """What each example takes from a table: (..., B, width), or the one row (..., 1, width) that stands for all."""
    return table if at is None else lookup_forward(table, at)[0]


def rows_backward(dout, at):
    """Gradient for the table of `rows_forward`, for dout (..., B, width)."""
    return dout.sum(axis=-2, keepdims=True) if at is None else lookup_backward(dout, at)


def mix_forward(effective, pairs):
    """Logits of pairs from effective weights.

    Forward   scores[i] = the rows of position i's table, likewise value[i] and rest     1. look up
              pattern = rate softmax_i(scores) + (1 - rate)                              2. (B, H, T)
              z = sum over positions i of pattern[i] value[i]                            3. (B, H e)
              post = activation(z W_OI + rest_pre)                                       4. (B, m)
              logits = z W_OU + post W_L + rest_logits                                   5. (B, n)
    Backward  dW_OU = z^T dlogits      dW_L = post^T dlogits      drest_logits = dlogits          5.
              dpre = activation'(pre) (dlogits W_L^T)      dW_OI = z^T dpre      drest_pre = dpre 4.
              dz = dlogits W_OU^T + dpre W_OI^T
              dvalue[i] = pattern[i] dz      dpattern[i] = sum over e of dz value[i]              3.
              dscores = softmax_backward(rate dpattern)                                           2.
              each table: the sum over the examples that took a row                               1.

    effective : `EffectiveTransformer`; pairs : `TokenPairs` -> logits (..., B, n), `MixCache`.
    """
    w = effective
    n_heads = w.scores[-1].shape[-1]
    scores = np.broadcast_arrays(*map(rows_forward, w.scores, pairs.scores))  # 1.
    values = [rows_forward(table, at) for table, at in zip(w.values, pairs.values, strict=True)]
    values = [value.reshape(*value.shape[:-1], n_heads, -1) for value in values]
    # 2. Positions last, but far apart in memory: NumPy's sums over rows of three numbers take five times as long.
    soft, _ = softmax_forward(np.moveaxis(np.stack(scores), 0, -1))
    pattern = w.attention_rate * soft + (1 - w.attention_rate)
    z = sum(pattern[..., i, None] * value for i, value in enumerate(values))  # 3.
    z = z.reshape(*z.shape[:-2], -1)
    pre = z @ w.W_OI  # 4.
    pre += rows_forward(w.rest_pre, pairs.last)
    post, act_cache = ACTIVATIONS[w.activation][0](pre)
    logits = (w.W_L.mT @ post.mT + w.W_OU.mT @ z.mT).mT  # 5. column-major for the loss, see `mlp.mix_forward`
    logits += rows_forward(w.rest_logits, pairs.last)
    return logits, MixCache(effective, pairs, soft, pattern, values, z, act_cache, post)


def example_backward(dlogits, cache):
    """Stages 5 to 2 of `mix_forward` undone, example by example: (dpre (..., B, m), dvalues (..., B, H e), dscores)."""
    w = cache.effective
    dpre = ACTIVATIONS[w.activation][1](dlogits @ w.W_L.mT, cache.activation)  # 5., 4.
    dz = dlogits @ w.W_OU.mT + dpre @ w.W_OI.mT
    heads = dz.reshape(cache.z.shape[:-1] + cache.values[0].shape[-2:])
    dvalues = [(cache.pattern[..., i, None] * heads).reshape(dz.shape) for i in range(len(cache.values))]  # 3.
    dpattern = np.moveaxis(np.stack([np.einsum("...he,...he->...h", heads, value) for value in cache.values]), 0, -1)
    return dpre, dvalues, softmax_backward(w.attention_rate * dpattern, cache.soft)  # 2.


def mix_backward(dlogits, cache):
    """Gradient for the effective weights, a dict by name: score_0, value_0, score_1, ... and the matrices."""
    pairs, z = cache.pairs, cache.z
    dpre, dvalues, dscores = example_backward(dlogits, cache)
    # dlogits is column-major, as logits are: this way round BLAS gets no transposed factor, 0.8 to 0.95 of the time.
    grads = {"W_L": (dlogits.mT @ cache.post).mT, "W_OU": (dlogits.mT @ z).mT, "W_OI": z.mT @ dpre,
             "rest_pre": rows_backward(dpre, pairs.last), "rest_logits": rows_backward(dlogits, pairs.last)}
    for i, dvalue in enumerate(dvalues):
        grads[f"score_{i}"] = rows_backward(dscores[..., i], pairs.scores[i])
        grads[f"value_{i}"] = rows_backward(dvalue, pairs.values[i])
    return grads


@dataclass(frozen=True)
class Transformer(Network):
    """One layer of attention and one of neurons, no layer norm; hyper-parameters only.

    Parameters
    ----------
    p : int
        Modulus, at least 2.
    d_model, n_heads, d_mlp : int
        Widths; ``d_mlp=0`` is attention only. d_head is ``d_model // n_heads``.
    activation : str
        A key of ``layers.ACTIVATIONS``.
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
        return {name: draw_transformer(rng, name, shape, self).astype(dtype) for name, shape in self.shapes.items()}

    def tokens(self, inputs: Any) -> np.ndarray:
        """Token numbers (B, positions) of pairs (B, 2), checked."""
        pairs = index_pairs(inputs, self.p)
        a, b = pairs.a.rows, pairs.b.rows
        columns = [a, b + self.p if self.separate_vocabularies else b]
        if self.layout == "a b =":
            columns.append(np.full(len(a), self.d_vocab - 1))
        return np.stack(columns, axis=1)

    def index(self, inputs: Any, dtype: Any = np.float32) -> TokenPairs:
        """Inputs (..., B, 2) checked and made ready for many forward and backward passes, see `TokenPairs`."""
        if isinstance(inputs, TokenPairs):
            return inputs
        a, b = index_pairs(inputs, self.p, dtype)
        if self.layout == "a b =":
            return TokenPairs((a, b, None), (a, b, None), None)
        inputs = np.asarray(inputs, np.int64)  # of fewer bytes the products would overflow
        both = lookup(inputs[..., 0] * self.p + inputs[..., 1], self.p**2, dtype)
        return TokenPairs((a, b), (both, b), b)

    def _streams(self):
        """Rows of W_E that can stand at each position: all a, all b, and "=" where the layout has it."""
        first_b = self.p if self.separate_vocabularies else 0
        rows = [slice(0, self.p), slice(first_b, first_b + self.p)]
        return rows + ([slice(self.d_vocab - 1, self.d_vocab)] if self.layout == "a b =" else [])

    def effective(self, params: dict) -> EffectiveTransformer:
        """First stage: tables over tokens, folded matrices, the last position's own part.

        Forward   x[i] = W_E[tokens of position i] + W_pos[i]                                1. (p or 1, d)
                  q = x[last] W_Q / sqrt e         key[i] = x[i] W_K       per head          2. (H, p or 1, e)
                  score[0] = key[0] q^T, all with all;    score[i] = sum over e of key[i] q  3.
                  value[i] = x[i] W_V, heads side by side                                    4. (p or 1, H e)
                  W_OI = W_O W_in        W_OU = W_O W_U        W_L = W_out W_U               5.
                  rest_pre = x[last] W_in + b_in      rest_logits = (x[last] + b_out) W_U    6.
        Backward  dlast = drest_pre W_in^T + drest_logits W_U^T        db_in, db_out: sums   6.
                  dW_O = dW_OI W_in^T + dW_OU W_U^T        dW_out = dW_L W_U^T               5.
                  dW_in = W_O^T dW_OI + x[last]^T drest_pre
                  dW_U = W_O^T dW_OU + W_out^T dW_L + (x[last] + b_out)^T drest_logits
                  dW_V = sum over i of x[i]^T dvalue[i]        dx[i] += dvalue[i] W_V^T      4.
                  dkey[0] = dscore[0] q        dkey[i] = dscore[i] q                         3.
                  dq = dscore[0]^T key[0] + sum over i > 0 of dscore[i] key[i]
                  dW_K = sum over i of x[i]^T dkey[i]        dx[i] += dkey[i] W_K^T          2.
                  dW_Q = x[last]^T dq / sqrt e        dx[last] += dlast + dq W_Q^T / sqrt e
                  dW_E[tokens of position i] += dx[i]        dW_pos[i] = sum of dx[i]        1.
        """
        x = self._positions(params)  # 1.
        q, *keys = self._query_and_keys(x, params)  # 2.
        scores = [keys[0] @ q.mT] + [(key * q).sum(axis=-1) for key in keys[1:]]  # 3. (..., H, p, r), (..., H, p or r)
        scores = [score.reshape(*q.shape[:-2], -1).mT for score in scores]
        values = [_heads_side_by_side(x_i[..., None, :, :] @ params["W_V"]) for x_i in x]  # 4.
        W_O, W_U, (W_in, b_in, W_out, b_out) = self._stacked(params["W_O"]), params["W_U"], self._neurons(params)
        return EffectiveTransformer(
            tuple(scores), tuple(values), W_O @ W_in, W_O @ W_U, W_out @ W_U,  # 5.
            x[-1] @ W_in + b_in[..., None, :], (x[-1] + b_out[..., None, :]) @ W_U,  # 6.
            self.activation, self.attention_rate)

    def effective_backward(self, deffective: dict, params: dict, out: dict) -> None:
        """Pull the gradient for the effective weights back to the parameters, written into ``out``; see `effective`."""
        d, x, W_U = deffective, self._positions(params), params["W_U"]
        W_O, (W_in, _, W_out, b_out) = self._stacked(params["W_O"]), self._neurons(params)
        dW_U = W_O.mT @ d["W_OU"]
        dW_U += W_out.mT @ d["W_L"]  # 5.
        dW_U += (x[-1] + b_out[..., None, :]).mT @ d["rest_logits"]  # 6.
        out["W_U"][...] = dW_U
        out["W_O"][...] = (d["W_OI"] @ W_in.mT + d["W_OU"] @ W_U.mT).reshape(out["W_O"].shape)  # 5.
        if self.d_mlp:
            out["W_in"][...] = W_O.mT @ d["W_OI"] + x[-1].mT @ d["rest_pre"]  # 5., 6.
            out["b_in"][...] = d["rest_pre"].sum(axis=-2)
            np.matmul(d["W_L"], W_U.mT, out=out["W_out"])
            out["b_out"][...] = (d["rest_logits"] @ W_U.mT).sum(axis=-2)
        dx = self._attention_backward(d, x, params, out)
        dx[-1] = dx[-1] + d["rest_pre"] @ W_in.mT + d["rest_logits"] @ W_U.mT  # 6.
        out["W_E"][...] = 0  # 1.
        for i, (rows, dx_i) in enumerate(zip(self._streams(), dx, strict=True)):
            out["W_E"][..., rows, :] += dx_i
            out["W_pos"][..., i, :] = dx_i.sum(axis=-2)

    def _attention_backward(self, d, x, params, out):
        """Stages 4 to 2 of `effective` undone: writes dW_Q, dW_K, dW_V and returns dx, position by position."""
        W_Q, W_K, W_V = params["W_Q"], params["W_K"], params["W_V"]
        q, *keys = self._query_and_keys(x, params)
        dvalues = [self._heads_apart(d[f"value_{i}"]) for i in range(len(x))]  # 4. (..., H, p or 1, e)
        dscore_0 = d["score_0"].mT.reshape(*keys[0].shape[:-1], -1)  # 3. (..., H, p, r)
        dkeys, dq = [dscore_0 @ q], dscore_0.mT @ keys[0]
        for i, key in enumerate(keys[1:], start=1):
            dscore = d[f"score_{i}"].mT[..., None]  # (..., H, p or 1, 1)
            dkeys.append(dscore * q)
            dq_i = dscore * key
            dq = dq + (dq_i if dq_i.shape == q.shape else dq_i.sum(axis=-2, keepdims=True))  # one q asks for all rows
        one_each = [x_i[..., None, :, :].mT for x_i in x]
        out["W_K"][...] = sum(x_i @ dkey for x_i, dkey in zip(one_each, dkeys, strict=True))  # 2.
        out["W_V"][...] = sum(x_i @ dvalue for x_i, dvalue in zip(one_each, dvalues, strict=True))  # 4.
        out["W_Q"][...] = one_each[-1] @ dq / math.sqrt(q.shape[-1])  # 2.
        dx = [(dkey @ W_K.mT + dvalue @ W_V.mT).sum(axis=-3) for dkey, dvalue in zip(dkeys, dvalues, strict=True)]
        dx[-1] = dx[-1] + (dq @ W_Q.mT).sum(axis=-3) / math.sqrt(q.shape[-1])
        return dx

    def _positions(self, params):
        """Residual stream before attention, position by position: (..., p or 1, d)."""
        W_E, W_pos = params["W_E"], params["W_pos"]
        return [W_E[..., rows, :] + W_pos[..., i, None, :] for i, rows in enumerate(self._streams())]

    def _query_and_keys(self, x, params):
        """q (..., H, r, e), over sqrt e already, and the keys of each position (..., H, p or 1, e)."""
        q = x[-1][..., None, :, :] @ params["W_Q"] / math.sqrt(params["W_Q"].shape[-1])
        return [q] + [x_i[..., None, :, :] @ params["W_K"] for x_i in x]

    def _stacked(self, W_O):
        """(..., H, e, d) -> (..., H e, d)."""
        return W_O.reshape(*W_O.shape[:-3], -1, self.d_model)

    def _heads_apart(self, values):
        """(..., rows, H e) -> (..., H, rows, e)."""
        return values.reshape(*values.shape[:-1], self.n_heads, -1).swapaxes(-3, -2)

    def _neurons(self, params):
        """W_in, b_in, W_out, b_out; arrays of no neurons where there are none, so that this is no special case."""
        if self.d_mlp:
            return params["W_in"], params["b_in"], params["W_out"], params["b_out"]
        lead, dtype, d = params["W_U"].shape[:-2], params["W_U"].dtype, self.d_model
        return tuple(np.zeros(lead + shape, dtype) for shape in ((d, 0), (0,), (0, d), (d,)))

    def mix_forward(self, effective, inputs):
        """See `mix_forward` of the module; inputs raw or indexed."""
        return mix_forward(effective, self.index(inputs, effective.W_OU.dtype))

    mix_backward = staticmethod(mix_backward)

    def embedding_gradients(self, dlogits: np.ndarray, cache: Cache) -> tuple[np.ndarray, np.ndarray]:
        """Gradients (B, d) for the embeddings of a and of b, example by example, not summed over them."""
        params, mix_cache = cache
        pairs = mix_cache.pairs
        dpre, dvalues, dscores = example_backward(dlogits, mix_cache)
        x = self._positions(params)
        W_Q, W_K, W_V = (_heads_side_by_side(params[name]) for name in ("W_Q", "W_K", "W_V"))  # each (d, H e)
        scale = 1 / math.sqrt(params["W_Q"].shape[-1])
        dscores = np.repeat(scale * dscores, W_Q.shape[1] // self.n_heads, axis=1)  # (B, H e, positions)
        q = rows_forward(x[-1] @ W_Q, pairs.last)
        dx_a, dx_b = (dvalues[i] @ W_V.T + (dscores[..., i] * q) @ W_K.T for i in (0, 1))
        if pairs.last is not None:  # b stands at the last position: it asks, and its own stream goes on to the answer
            dq = sum(dscores[..., i] * lookup_forward(x[i] @ W_K, pairs.values[i])[0] for i in (0, 1))
            W_in, *_ = self._neurons(params)
            dx_b += dq @ W_Q.T + dpre @ W_in.T + dlogits @ params["W_U"].T
        return dx_a, dx_b


def _heads_side_by_side(values):
    """(..., H, rows, e) -> (..., rows, H e)."""
    values = np.ascontiguousarray(values.swapaxes(-3, -2))
    return values.reshape(*values.shape[:-2], -1)
