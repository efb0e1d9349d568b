"""The one-layer MLP in two stages: weights that depend on the tokens alone, then the mix of a pair (a, b).

    effective   A (p, h)   what token a adds to each neuron's pre-activation
                B (p, h)   what token b adds (the same array where the weights are shared)
                bias (h,)
                C (h, p)   what each neuron adds to each logit
    mix         pre = A[a] + B[b] + bias        post = activation(pre)        logits = post @ C

Every way of factoring the weights (tied, untied, collapsed, one-hot, ...) is a line in `factorings`; the mix and its
gradient never change. The first stage works on p rows, not on up to p² examples, which is why a step is fast; and its
result is what the interpretability papers look at anyway. A network that is written down instead of learned
(`analytic`) is just such an `Effective`.

Letters: p tokens, d = d_embed, h = n_hidden, B examples. Row vectors, x @ W. Leading axes ("...") are networks side by
side: A (M, p, h), a and b (M, B).

Read next: `factorings`.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from grok_np.errors import require, require_choice, require_flag, require_integer, require_number, require_parameters
from grok_np.layers import ACTIVATIONS, lookup_backward, lookup_forward
from grok_np.networks import Cache, Network
from grok_np.networks.factorings import FACTORINGS, factor_shapes, factors_backward, product_forward
from grok_np.networks.initial import INITIALISATIONS, circular_embedding
from grok_np.networks.pairs import Pairs, index_pairs


@dataclass(frozen=True)
class Effective:
    """The weights of the mix, and its non-linearity: all that determines what the network computes.

    A, B (..., p, h); bias (..., h); C (..., h, n_classes); ``activation`` a key of ``layers.ACTIVATIONS``.
    """

    A: np.ndarray
    B: np.ndarray
    bias: np.ndarray
    C: np.ndarray
    activation: str


class MixCache(NamedTuple):
    """What `mix_backward` reads: the weights, the pairs, the cache of the activation, and post (..., B, h)."""

    effective: Effective
    pairs: Pairs
    activation: Any
    post: np.ndarray


def mix_forward(effective, inputs):
    """Logits of pairs (a, b) from effective weights.

    Forward   pre = A[a] + B[b] + bias         1. look up and add
              post = activation(pre)           2. bend
              logits = post @ C                3. read out
    Backward  dC = post^T dlogits    dpost = dlogits C^T                     3.
              dpre = activation'(pre) dpost                                  2.
              dA[t] = sum of dpre over examples with a = t;  dB likewise     1.
              dbias = sum of dpre over examples

    effective : `Effective`; inputs : (..., B, 2) int or `Pairs` -> logits (..., B, n_classes), `MixCache`.
    """
    pairs = index_pairs(inputs, effective.A.shape[-2], effective.A.dtype)
    pre, _ = lookup_forward(effective.A, pairs.a)  # 1.
    pre += lookup_forward(effective.B, pairs.b)[0]
    pre += effective.bias[..., None, :]
    post, act_cache = ACTIVATIONS[effective.activation][0](pre)  # 2.
    # 3. Column-major, because the loss takes maxima and sums over the classes: 4 times faster down columns in NumPy.
    logits = (effective.C.mT @ post.mT).mT
    return logits, MixCache(effective, pairs, act_cache, post)


def neuron_backward(dlogits, cache):
    """Gradient dpre (..., B, h) for the neurons' pre-activations, example by example; see `mix_forward`."""
    dpost = dlogits @ cache.effective.C.mT
    return ACTIVATIONS[cache.effective.activation][1](dpost, cache.activation)


def mix_backward(dlogits, cache):
    """Gradient for the effective weights, a dict with keys A, B, bias, C; see `mix_forward`."""
    dC = cache.post.mT @ dlogits  # 3.
    dpre = neuron_backward(dlogits, cache)  # 3., 2.
    dbias = np.ones(dpre.shape[-2], dpre.dtype) @ dpre  # a sum over rows, as a product 5 times faster for rows of 24
    dA, dB = lookup_backward(dpre, cache.pairs.a), lookup_backward(dpre, cache.pairs.b)  # 1.
    return {"A": dA, "B": dB, "bias": dbias, "C": dC}


@dataclass(frozen=True)
class MLP(Network):
    """One hidden layer on pairs (a, b) of residues mod p; hyper-parameters only, it holds no weights.

    Parameters
    ----------
    p : int
        Number of tokens and of logits, at least 2.
    d_embed : int
        Width of the embedding; not used where the factoring has none, 2 for ``"circular"``.
    n_hidden : int
        Number of neurons.
    activation : str
        ``"relu"``, ``"square"``, ``"abs"``, ``"gelu"``, or a key that you add to ``layers.ACTIVATIONS``.
    factoring : str
        How parameters make A, B and C: a key of `factorings.FACTORINGS`.
    bias : bool
        Whether the neurons have a trained bias b_in (h,).
    initialisation : str
        ``"article"`` (truncated normals), ``"gromov"`` (normals of one width), or ``"pizza"`` (`initial.draw_linear`).
    init_scale : float
        Common factor on all initial weights, Omnigrok's alpha (Liu et al. 2022, arXiv 2210.01117).

    Examples
    --------
    >>> model = MLP(p=5, d_embed=3, n_hidden=4)
    >>> params = model.init(np.random.default_rng(0))
    >>> {name: W.shape for name, W in params.items()}
    {'W_E': (5, 3), 'W_in': (3, 4), 'W_out': (4, 3)}
    >>> logits, cache = model.forward(params, [[0, 1], [4, 4]])
    >>> grads = model.backward(np.ones_like(logits), cache)
    >>> logits.shape, grads["W_in"].shape
    ((2, 5), (3, 4))
    """

    p: int = 67
    d_embed: int = 500
    n_hidden: int = 24
    activation: str = "relu"
    factoring: str = "tied"
    bias: bool = False
    initialisation: str = "article"
    init_scale: float = 1.0

    def __post_init__(self):
        require_integer(self.p, "p", minimum=2)
        require_integer(self.d_embed, "d_embed", minimum=1)
        require_integer(self.n_hidden, "n_hidden", minimum=1)
        require_choice(self.activation, "activation", ACTIVATIONS)
        require_choice(self.factoring, "factoring", FACTORINGS)
        require_flag(self.bias, "bias")
        require_choice(self.initialisation, "initialisation", INITIALISATIONS)
        require_number(self.init_scale, "init_scale", "a positive finite number", lambda x: 0 < x < np.inf)
        if self.factoring == "circular":
            require(self.d_embed == 2, "d_embed", self.d_embed, "2 for the factoring 'circular' (cos and sin)")
        require_parameters(self.shapes)

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Parameter shapes by name, in the order of the flat vector."""
        shapes = factor_shapes(self.factoring, self.p, self.d_embed, self.n_hidden)
        shapes = {name: shape for name, shape in shapes.items() if name not in self.frozen}
        return shapes | ({"b_in": (self.n_hidden,)} if self.bias else {})

    @property
    def frozen(self):
        """Weights that are given, not learned, by name."""
        return {"W_E": circular_embedding(self.p)} if self.factoring == "circular" else {}

    def init(self, rng: np.random.Generator, dtype: Any = np.float32) -> dict[str, np.ndarray]:
        """Draw parameters: a dict name -> array, the same for the same state of the Generator ``rng``."""
        draw = INITIALISATIONS[self.initialisation]
        return {name: (self.init_scale * draw(rng, name, shape, self)).astype(dtype)
                for name, shape in self.shapes.items()}

    def index(self, inputs: Any, dtype: Any = np.float32) -> Pairs:
        """Inputs (..., B, 2) checked and made ready for many forward and backward passes."""
        return index_pairs(inputs, self.p, dtype)

    def effective(self, params: dict) -> Effective:
        """First stage: `Effective` weights of the parameters."""
        params = self._with_frozen(params)
        A, B, C = FACTORINGS[self.factoring]
        A_weights = product_forward(A, params)
        B_weights = A_weights if A == B else product_forward(B, params)
        lead, dtype = A_weights.shape[:-2], A_weights.dtype
        bias = params["b_in"] if self.bias else np.zeros((*lead, self.n_hidden), dtype)
        return Effective(A_weights, B_weights, bias, product_forward(C, params), self.activation)

    def effective_backward(self, deffective: dict, params: dict, out: dict) -> None:
        """Pull the gradient for A, B, bias and C back to the parameters, written into ``out``."""
        factors_backward(deffective, self.factoring, self._with_frozen(params), out)
        if self.bias:
            out["b_in"][...] = deffective["bias"]

    mix_forward = staticmethod(mix_forward)
    mix_backward = staticmethod(mix_backward)

    def embedding_gradients(self, dlogits: np.ndarray, cache: Cache) -> tuple[np.ndarray, np.ndarray]:
        """Gradients (B, d) for what was looked up for a and for b, example by example, not summed over them.

        What is looked up is a row of W_E (W_E_a, W_E_b), or of W_in (W_in_a, W_in_b) where there is no embedding.
        """
        dpre = neuron_backward(dlogits, cache.mix)
        maps = [product.split()[1:] for product in FACTORINGS[self.factoring][:2]]
        return tuple(dpre @ cache.params[name[0]].mT if name else dpre for name in maps)

    def _with_frozen(self, params):
        dtype = params["W_out"].dtype
        return params | {name: W.astype(dtype) for name, W in self.frozen.items()}
