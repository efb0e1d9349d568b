"""One hidden layer on strings of bits: the network that groks sparse parity, and the one that is written down.

Bits enter as 0 and 1 or as -1 and +1, with a fixed 1 beside them as bias, and one output f says 1 where f > 0. Every
pass takes leading axes: parameters (M, n + 1, h) with inputs (M, B, n + 1) are M networks at once (`ensemble`).

Letters: B examples, n bits, h = n_hidden.

Read next: `learning`.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from grok_np.errors import require, require_choice, require_integer, require_parameters
from grok_np.layers import ACTIVATIONS
from grok_np.networks import Network
from grok_np.networks.initial import TRUNCATED_STD, truncated_normal


class MixCache(NamedTuple):
    """Parameters, indexed inputs (..., B, n + 1), post (..., B, h), and the cache of the activation."""

    params: dict
    x: np.ndarray
    post: np.ndarray
    activation: Any


@dataclass(frozen=True)
class BitMLP(Network):
    """One hidden layer on n bits, one output; hyper-parameters only.

    Forward   x = (bits, 1) or (2 bits - 1, 1)      pre = x W_in      post = activation(pre)      f = post W_out
    Backward  dW_out = post^T df         dW_in = x^T (activation'(pre) df) W_out, W_out being the same for all examples

    Parameters are W_in (n_bits + 1, n_hidden), whose last row is the bias, and W_out (n_hidden,). The bias starts at 0,
    the others as normal values cut off at two standard deviations, of standard deviation 1/sqrt(fan_in) after that.

    ``coding`` is how bits enter: ``"bits"``, 0 and 1 (the explorable article), or ``"signs"``, -1 and +1.

    >>> model = BitMLP(n_bits=4, n_hidden=8)
    >>> f, cache = model.forward(model.init(np.random.default_rng(0)), [[0, 1, 1, 0], [1, 1, 1, 1]])
    >>> f.shape, {name: g.shape for name, g in model.backward(np.ones_like(f), cache).items()}
    ((2,), {'W_in': (5, 8), 'W_out': (8,)})
    """

    n_bits: int = 30
    n_hidden: int = 128
    activation: str = "relu"
    coding: str = "signs"

    def __post_init__(self):
        require_integer(self.n_bits, "n_bits", minimum=1)
        require_integer(self.n_hidden, "n_hidden", minimum=1)
        require_choice(self.activation, "activation", ACTIVATIONS)
        require_choice(self.coding, "coding", ("bits", "signs"))
        require_parameters(self.shapes)

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Parameter shapes by name."""
        return {"W_in": (self.n_bits + 1, self.n_hidden), "W_out": (self.n_hidden,)}

    def init(self, rng: np.random.Generator, dtype: Any = np.float32) -> dict[str, np.ndarray]:
        """Draw parameters: a dict name -> array."""
        scale = {"W_in": (TRUNCATED_STD**2 * self.n_bits) ** -0.5, "W_out": (TRUNCATED_STD**2 * self.n_hidden) ** -0.5}
        params = {name: scale[name] * truncated_normal(rng, shape) for name, shape in self.shapes.items()}
        params["W_in"][-1] = 0
        return {name: W.astype(dtype) for name, W in params.items()}

    def index(self, inputs: Any, dtype: Any = np.float32) -> np.ndarray:
        """Bits (..., B, n_bits) of 0 and 1, checked, as (..., B, n_bits + 1), coded, with the fixed 1."""
        inputs = np.asarray(inputs)
        if inputs.dtype.kind == "f" and inputs.shape[-1] == self.n_bits + 1:  # indexed already
            return inputs
        require(inputs.ndim >= 2 and inputs.shape[-1] == self.n_bits and inputs.dtype.kind in "iub", "inputs",
                f"{inputs.dtype} of shape {inputs.shape}", f"an integer array (..., B, {self.n_bits})")
        require(not inputs.size or (inputs.min() >= 0 and inputs.max() <= 1), "inputs",
                f"values from {inputs.min()} to {inputs.max()}" if inputs.size else inputs, "0 and 1")
        x = inputs.astype(dtype)
        x = 2 * x - 1 if self.coding == "signs" else x
        return np.concatenate([x, np.ones_like(x[..., :1])], axis=-1)

    def mix_forward(self, params, inputs):
        """Outputs f (..., B) of inputs (..., B, n_bits), raw or indexed, and the cache."""
        x = self.index(inputs, params["W_in"].dtype)
        post, act_cache = ACTIVATIONS[self.activation][0](x @ params["W_in"])
        return (post @ params["W_out"][..., None])[..., 0], MixCache(params, x, post, act_cache)

    def mix_backward(self, df, cache):
        """Gradients by name for df (..., B)."""
        params, x, post, act_cache = cache
        pushing = np.count_nonzero(df, axis=-1).max(initial=0)
        if 4 * pushing < df.shape[-1] and x.shape[:-1] == df.shape:
            # Beyond a clip, or the hinge, df is 0. Where most examples are there, leaving them out halves the step.
            rows = np.argsort(df == 0, axis=-1, kind="stable")[..., :pushing]
            df, x = np.take_along_axis(df, rows, axis=-1), np.take_along_axis(x, rows[..., None], axis=-2)
            post, act_cache = ACTIVATIONS[self.activation][0](x @ params["W_in"])
        df = df[..., None]
        slope = ACTIVATIONS[self.activation][1](df, act_cache)  # (B, h), W_out still missing
        return {"W_in": x.mT @ slope * params["W_out"][..., None, :], "W_out": (post.mT @ df)[..., 0]}
