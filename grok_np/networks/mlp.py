"""The one-layer MLP in two stages: weights that depend on the tokens alone, then the mix of a pair (a, b).

    effective   A (p, h)   what token a adds to each neuron's pre-activation
                B (p, h)   what token b adds (the same array where the weights are shared)
                bias (h,)
                C (h, p)   what each neuron adds to each logit
    mix         pre = A[a] + B[b] + bias        post = activation(pre)        logits = post @ C

Every way of factoring the weights (tied, untied, collapsed, one-hot, ...) is a different function from parameters
to (A, B, bias, C), a few lines with its gradient underneath; the mix and its gradient never change. The first stage
works on p rows, not on up to p² examples, which is why a step is fast; and its result is what the interpretability
papers look at anyway. A network that is written down instead of learned (`analytic`) is just such an `Effective`.

Letters: p tokens, d = d_embed, h = n_hidden, B examples. Row vectors, x @ W.

Read next: `adamw`, `training`.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from scipy.sparse import csr_array
from scipy.special import ndtr, ndtri

from grok_np.errors import (
    require,
    require_array,
    require_choice,
    require_flag,
    require_integer,
    require_number,
    require_parameters,
)
from grok_np.layers import ACTIVATIONS, incidence


@dataclass(frozen=True)
class Effective:
    """The weights of the mix, and its non-linearity: all that determines what the network computes.

    A, B (p, h); bias (h,); C (h, n_classes); ``activation`` one of ``"relu"``, ``"square"``, ``"abs"``, ``"gelu"``.
    """

    A: np.ndarray
    B: np.ndarray
    bias: np.ndarray
    C: np.ndarray
    activation: str


class Pairs(NamedTuple):
    """Checked inputs with the incidence matrices of their look-ups; built once per data set."""

    a: np.ndarray
    b: np.ndarray
    incidence_a: csr_array
    incidence_b: csr_array


def index_pairs(inputs, p, dtype=np.float64):
    """`Pairs` from an integer array (B, 2) of residues; ValueError if one is not in [0, p)."""
    require_integer(p, "p", minimum=1, maximum=2**31)
    inputs = require_array(inputs, "inputs")
    if inputs.ndim != 2 or inputs.shape[1] != 2 or inputs.dtype.kind not in "iu":
        raise ValueError(
            f"inputs must be an integer array of shape (B, 2), got shape {inputs.shape} of {inputs.dtype}")
    if inputs.size and (inputs.min() < 0 or inputs.max() >= p):
        raise ValueError(f"inputs must be in [0, {p}), got values from {inputs.min()} to {inputs.max()}")
    a, b = np.ascontiguousarray(inputs.T)
    return Pairs(a, b, incidence(a, p, dtype), incidence(b, p, dtype))


def mix_forward(effective, inputs):
    """Logits of pairs (a, b) from effective weights.

    Forward   pre = A[a] + B[b] + bias         1. look up and add
              post = activation(pre)           2. bend
              logits = post @ C                3. read out
    Backward  dC = post^T dlogits    dpost = dlogits C^T                     3.
              dpre = activation'(pre) dpost                                  2.
              dA[t] = sum of dpre over examples with a = t;  dB likewise     1.
              dbias = sum of dpre over examples

    effective : `Effective`; inputs : (B, 2) int or `Pairs` -> logits (B, n_classes), cache.
    """
    pairs = inputs if isinstance(inputs, Pairs) else index_pairs(inputs, len(effective.A), effective.A.dtype)
    activate, _ = ACTIVATIONS[effective.activation]
    # take with mode="clip" does not check the indices again (`index_pairs` did), which makes it 5 times faster.
    pre = effective.A.take(pairs.a, axis=0, mode="clip")
    pre += effective.B.take(pairs.b, axis=0, mode="clip")
    pre += effective.bias
    post, act_cache = activate(pre)
    # Column-major, because the loss takes maxima and sums over the classes: 4 times faster down columns in NumPy.
    logits = (effective.C.T @ post.T).T
    return logits, (effective, pairs, act_cache, post)


def neuron_backward(dlogits, cache):
    """Gradient dpre (B, h) for the neurons' pre-activations, example by example; see `mix_forward`."""
    effective, _, act_cache, _ = cache
    _, activate_backward = ACTIVATIONS[effective.activation]
    dpost = dlogits @ effective.C.T
    return activate_backward(dpost, act_cache)


def mix_backward(dlogits, cache):
    """Gradient for the effective weights, a dict with keys A, B, bias, C; see `mix_forward`."""
    _, pairs, _, post = cache
    dC = post.T @ dlogits
    dpre = neuron_backward(dlogits, cache)
    dbias = np.ones(len(dpre), dpre.dtype) @ dpre  # a sum over rows, as a product 5 times faster for rows of 24
    return {"A": pairs.incidence_a @ dpre, "B": pairs.incidence_b @ dpre, "bias": dbias, "C": dC}


class ReadIn(NamedTuple):
    """One way from parameters to A and B.

    ``shapes`` maps names to axes, each one of "p", "d", "h"; ``forward(params) -> (A, B)``;
    ``backward(dA, dB, params) -> gradients`` by name. ``maps`` names the hidden maps of a and of b, the matrices (d, h)
    between embedding and neurons; None where a token's row goes to the neurons as it is.
    """

    shapes: dict
    forward: Any
    backward: Any
    maps: tuple[str, str] | None


class ReadOut(NamedTuple):
    """One way from parameters to C: ``forward(params) -> C``, ``backward(dC, params) -> gradients``."""

    shapes: dict
    forward: Any
    backward: Any


# One embedding, one hidden map:  A = B = W_E W_in


def shared_forward(params):
    A = params["W_E"] @ params["W_in"]
    return A, A


def shared_backward(dA, dB, params):
    dA = dA + dB  # one array was used twice
    return {"W_E": dA @ params["W_in"].mT, "W_in": params["W_E"].mT @ dA}


# One embedding, a hidden map for a and one for b:  A = W_E W_in_a, B = W_E W_in_b.
# The same as one map W_in (2d, h) of the two embeddings side by side ("concatenated").


def two_maps_forward(params):
    return params["W_E"] @ params["W_in_a"], params["W_E"] @ params["W_in_b"]


def two_maps_backward(dA, dB, params):
    return {"W_E": dA @ params["W_in_a"].mT + dB @ params["W_in_b"].mT,
            "W_in_a": params["W_E"].mT @ dA, "W_in_b": params["W_E"].mT @ dB}


# An embedding for a and one for b, one hidden map:  A = W_E_a W_in, B = W_E_b W_in


def two_tables_forward(params):
    return params["W_E_a"] @ params["W_in"], params["W_E_b"] @ params["W_in"]


def two_tables_backward(dA, dB, params):
    return {"W_E_a": dA @ params["W_in"].mT, "W_E_b": dB @ params["W_in"].mT,
            "W_in": params["W_E_a"].mT @ dA + params["W_E_b"].mT @ dB}


# One-hot straight to the neurons, the sum of the two one-hot vectors:  A = B = W_in


def added_one_hot_forward(params):
    return params["W_in"], params["W_in"]


def added_one_hot_backward(dA, dB, params):
    return {"W_in": dA + dB}


# One-hot straight to the neurons, the two side by side:  A = W_in_a, B = W_in_b


def one_hot_forward(params):
    return params["W_in_a"], params["W_in_b"]


def one_hot_backward(dA, dB, params):
    return {"W_in_a": dA, "W_in_b": dB}


# Read out through the embedding itself, transposed:  C = W_out W_E^T


def tied_forward(params):
    return params["W_out"] @ params["W_E"].mT


def tied_backward(dC, params):
    return {"W_out": dC @ params["W_E"], "W_E": dC.mT @ params["W_out"]}


# Read out through a matrix of its own:  C = W_out W_U


def unembed_forward(params):
    return params["W_out"] @ params["W_U"]


def unembed_backward(dC, params):
    return {"W_out": dC @ params["W_U"].mT, "W_U": params["W_out"].mT @ dC}


# Neurons straight to the logits:  C = W_out


def direct_forward(params):
    return params["W_out"]


def direct_backward(dC, params):
    return {"W_out": dC}


SHARED = ReadIn({"W_E": "pd", "W_in": "dh"}, shared_forward, shared_backward, ("W_in", "W_in"))
TWO_MAPS = ReadIn({"W_E": "pd", "W_in_a": "dh", "W_in_b": "dh"}, two_maps_forward, two_maps_backward,
                  ("W_in_a", "W_in_b"))
TWO_TABLES = ReadIn({"W_E_a": "pd", "W_E_b": "pd", "W_in": "dh"}, two_tables_forward, two_tables_backward,
                    ("W_in", "W_in"))
ADDED_ONE_HOT = ReadIn({"W_in": "ph"}, added_one_hot_forward, added_one_hot_backward, None)
ONE_HOT = ReadIn({"W_in_a": "ph", "W_in_b": "ph"}, one_hot_forward, one_hot_backward, None)
TIED = ReadOut({"W_out": "hd", "W_E": "pd"}, tied_forward, tied_backward)
UNEMBED = ReadOut({"W_out": "hd", "W_U": "dp"}, unembed_forward, unembed_backward)
DIRECT = ReadOut({"W_out": "hp"}, direct_forward, direct_backward)

FACTORINGS = {
    "tied": (SHARED, TIED),  # the explorable article's main network
    "input_tied": (SHARED, UNEMBED),
    "untied": (TWO_TABLES, UNEMBED),
    "untied_hidden": (TWO_MAPS, TIED),
    "collapsed_input": (ADDED_ONE_HOT, UNEMBED),
    "collapsed_output": (SHARED, DIRECT),  # with a bias: model alpha of Clock and Pizza
    "collapsed": (ADDED_ONE_HOT, DIRECT),
    "one_hot": (ONE_HOT, DIRECT),  # Gromov 2023
    "circular": (SHARED, TIED),  # W_E frozen: one turn of the circle, d_embed = 2
    "concatenated": (TWO_MAPS, DIRECT),  # with a bias: model delta of Clock and Pizza
    "two_embeddings": (TWO_TABLES, DIRECT),  # with a bias: model x of Clock and Pizza
}


def circular_embedding(p):
    """The frozen embedding (p, 2) of the article's five-neuron network: cos and sin of 2 pi a / p, unit columns.

    For p = 2 the sine column is zero and stays zero.
    """
    angles = 2 * np.pi * np.arange(p) / p
    circle = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    if p == 2:
        circle[:, 1] = 0  # sin(pi) is 1.2e-16 in float64; scaled to unit norm it would become a real direction
    return circle / np.maximum(np.linalg.norm(circle, axis=0), 1e-300)


def truncated_normal(rng, shape):
    """Standard normal values conditioned on |x| <= 2, by inverting the distribution function."""
    return ndtri(rng.uniform(ndtr(-2), ndtr(2), size=shape))


# Their standard deviation, 0.8796: variance 1 - 2 * 2 phi(2) / (Phi(2) - Phi(-2)), phi the normal density.
TRUNCATED_STD = np.sqrt(1 - 4 * np.exp(-2) / np.sqrt(2 * np.pi) / (ndtr(2) - ndtr(-2)))


def article_std(name, shape):
    """Standard deviation before truncation: the article's embeddings sqrt(2 / p) after it, its maps 1/sqrt(fan_in).

    W_U (d, p) is the read-out copy of an embedding table and starts like one.
    """
    if name.startswith("W_E"):
        return np.sqrt(2 / shape[0]) / TRUNCATED_STD
    if name == "W_U":
        return np.sqrt(2 / shape[1]) / TRUNCATED_STD
    return 1 / np.sqrt(shape[0])


def draw_article(rng, name, shape, model):
    """Truncated normal at two standard deviations, as in the explorable article (its notebook); biases 0."""
    return np.zeros(shape) if name == "b_in" else article_std(name, shape) * truncated_normal(rng, shape)


def draw_gromov(rng, name, shape, model):
    """Normal with standard deviation 0.5 / (2 N)^(1/3), N neurons (Gromov 2023, arXiv 2301.02679); biases 0."""
    return np.zeros(shape) if name == "b_in" else rng.normal(scale=0.5 / (2 * model.n_hidden) ** (1 / 3), size=shape)


def draw_pizza(rng, name, shape, model):
    """The linear models of Clock and Pizza (Zhong et al. 2023, their code): N neurons, f inputs to a neuron.

    Embeddings normal with variance 1/(N // 2), W_out with 1/N; W_in and b_in as PyTorch draws a Linear layer, uniform
    in +-1/sqrt(f), where f is twice d_embed if the embeddings stand side by side.
    """
    if name.startswith("W_E"):
        return rng.normal(scale=(model.n_hidden // 2) ** -0.5, size=shape)
    if name == "W_out":
        return rng.normal(scale=model.n_hidden**-0.5, size=shape)
    bound = (model.d_embed * (2 if "W_in_a" in model.shapes else 1)) ** -0.5
    return rng.uniform(-bound, bound, size=shape)


INITIALISATIONS = {"article": draw_article, "gromov": draw_gromov, "pizza": draw_pizza}


@dataclass(frozen=True)
class MLP:
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
        ``"relu"``, ``"square"``, ``"abs"`` or ``"gelu"``.
    factoring : str
        How parameters make the effective weights, a key of `FACTORINGS`:

        ==================  =========================================  =============
        factoring           A, B                                       C
        ==================  =========================================  =============
        tied                W_E W_in                                   W_out W_E^T
        input_tied          W_E W_in                                   W_out W_U
        untied              W_E_a W_in, W_E_b W_in                     W_out W_U
        untied_hidden       W_E W_in_a, W_E W_in_b                     W_out W_E^T
        collapsed_input     W_in                                       W_out W_U
        collapsed_output    W_E W_in                                   W_out
        collapsed           W_in                                       W_out
        one_hot             W_in_a, W_in_b                             W_out
        circular            W_E W_in, W_E frozen                       W_out W_E^T
        concatenated        W_E W_in_a, W_E W_in_b                     W_out
        two_embeddings      W_E_a W_in, W_E_b W_in                     W_out
        ==================  =========================================  =============
    bias : bool
        Whether the neurons have a trained bias b_in (h,).
    initialisation : str
        ``"article"`` (truncated normals), ``"gromov"`` (normals of one width), or ``"pizza"`` (`draw_pizza`).
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
        read_in, read_out = FACTORINGS[self.factoring]
        length = {"p": self.p, "d": self.d_embed, "h": self.n_hidden}
        shapes = {name: tuple(length[axis] for axis in axes)
                  for name, axes in (read_in.shapes | read_out.shapes).items() if name not in self.frozen}
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
        """Inputs checked and made ready for many forward and backward passes, see `index_pairs`."""
        return index_pairs(inputs, self.p, dtype)

    def effective(self, params: dict) -> Effective:
        """First stage: `Effective` weights of the parameters."""
        read_in, read_out = FACTORINGS[self.factoring]
        params = self._with_frozen(params)
        A, B = read_in.forward(params)
        bias = params["b_in"] if self.bias else np.zeros(self.n_hidden, A.dtype)
        return Effective(A, B, bias, read_out.forward(params), self.activation)

    def effective_backward(self, deffective: dict, params: dict) -> dict[str, np.ndarray]:
        """Pull the gradient for A, B, bias and C, a dict, back to the parameters."""
        read_in, read_out = FACTORINGS[self.factoring]
        params = self._with_frozen(params)
        grads = read_in.backward(deffective["A"], deffective["B"], params)
        for name, dW in read_out.backward(deffective["C"], params).items():
            grads[name] = grads[name] + dW if name in grads else dW
        if self.bias:
            grads["b_in"] = deffective["bias"]
        return {name: grads[name] for name in self.shapes}

    mix_forward = staticmethod(mix_forward)
    mix_backward = staticmethod(mix_backward)

    def forward(self, params: dict, inputs: Any) -> tuple[np.ndarray, Any]:
        """Logits (B, p) of inputs (B, 2), and the cache that `backward` reads."""
        logits, mix_cache = mix_forward(self.effective(params), inputs)
        return logits, (params, mix_cache)

    def backward(self, dlogits: np.ndarray, cache: Any) -> dict[str, np.ndarray]:
        """Gradient for the parameters, a dict with the keys and shapes of ``params``."""
        params, mix_cache = cache
        return self.effective_backward(mix_backward(dlogits, mix_cache), params)

    def embedding_gradients(self, dlogits: np.ndarray, cache: Any) -> tuple[np.ndarray, np.ndarray]:
        """Gradients (B, d) for what was looked up for a and for b, example by example, not summed over them.

        What is looked up is a row of W_E (W_E_a, W_E_b), or of W_in (W_in_a, W_in_b) where there is no embedding.
        """
        params, mix_cache = cache
        dpre = neuron_backward(dlogits, mix_cache)
        maps = FACTORINGS[self.factoring][0].maps
        return (dpre, dpre) if maps is None else tuple(dpre @ params[name].mT for name in maps)

    def _with_frozen(self, params):
        dtype = params["W_out"].dtype
        return params | {name: W.astype(dtype) for name, W in self.frozen.items()}
