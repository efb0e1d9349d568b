"""Networks: hand-written passes in two stages, and what a network must bring to be trained, checked and read here.

    effective    what depends on the parameters alone, once per step
    mix          what depends on the examples: look up, add or attend, bend, read out

Read in this order: `mlp`, `factorings`, `initial`, `attention`, `transformer`, `deep`, `bits`.
"""

from typing import Any, NamedTuple

import numpy as np


class Cache(NamedTuple):
    """What `Network.backward` reads: the parameters, and the cache of the mix."""

    params: dict
    mix: Any


class Network:
    """A network holds hyper-parameters only; parameters and gradients are dicts of arrays with the keys of ``shapes``.

    A subclass brings

        shapes                                  dict: name -> shape, in the order of the flat vector
        init(rng, dtype) -> params              first weights, drawn from a Generator
        mix_forward(effective, indexed)         -> (logits, cache), logits (..., B, n) or f (..., B)
        mix_backward(dlogits, cache)            -> gradient for the effective weights, a dict of arrays

    and, where there is something to gain,

        index(inputs, dtype)                    inputs checked and made ready for many passes; indexed ones as they are
        effective(params)                       the first stage; by default the parameters themselves
        effective_backward(deffective, params, out)     writes the gradient for the parameters into the arrays of out

    Leading axes broadcast: parameters (M, ...) with inputs (M, B, ...) are M networks at once (`learning.ensemble`).
    The object is written to config.json as its type's name and its fields, so a dataclass is the natural form.
    """

    shapes: dict

    def init(self, rng: np.random.Generator, dtype: Any = np.float32) -> dict[str, np.ndarray]:
        """First weights."""
        raise NotImplementedError(f"{type(self).__name__} must define init(rng, dtype)")

    def index(self, inputs: Any, dtype: Any = np.float32) -> Any:
        """Inputs, made ready."""
        return np.asarray(inputs)

    def effective(self, params: dict) -> Any:
        """The weights of the mix."""
        return params

    def effective_backward(self, deffective: dict, params: dict, out: dict) -> None:
        """Write the gradient for the parameters into ``out``."""
        for name, gradient in out.items():
            gradient[...] = deffective[name]

    def forward(self, params: dict, inputs: Any) -> tuple[np.ndarray, Cache]:
        """Outputs for inputs, raw or indexed, and the cache that `backward` reads."""
        name, shape = next(iter(self.shapes.items()))
        lead, dtype = params[name].shape[: params[name].ndim - len(shape)], params[name].dtype
        if lead and isinstance(inputs, list | np.ndarray):  # the same raw inputs for every member
            inputs = np.broadcast_to(inputs, lead + np.shape(inputs)[-2:])
        logits, cache = self.mix_forward(self.effective(params), self.index(inputs, dtype))
        return logits, Cache(params, cache)

    def backward(self, dlogits: np.ndarray, cache: Cache) -> dict[str, np.ndarray]:
        """Gradient for the parameters, a dict with the keys and shapes of ``params``."""
        out = {name: np.empty_like(cache.params[name]) for name in self.shapes}
        self.effective_backward(self.mix_backward(dlogits, cache.mix), cache.params, out)
        return out
