"""Optimizers: AdamW, and plain gradient descent with momentum beside it.

Both work in place on one flat vector that holds all parameters, so a step is a handful of passes over one array
whatever the network; `networks.flat` gives the named views. A step is a function of (theta, gradient, moments, t): no
hidden state, and the step number t >= 1 is an argument. An optimizer of your own is an object with

    init(theta) -> state                        a dict of vectors like theta
    step(theta, gradient, state, t)             in place on theta and state; the gradient may be overwritten

Read next: `training`, the loop that calls them.
"""

import math
from dataclasses import dataclass

import numpy as np

from grok_np.errors import require, require_choice, require_integer, require_number


def warmup(t, warmup_steps):
    """Factor on the learning rate at step t = 1, 2, ...: rises linearly to 1 at ``warmup_steps``, then stays.

    Nanda et al. 2023 count steps from 0, min(step / 10, 1), so their very first step has learning rate 0.

    >>> [warmup(t, 4) for t in (1, 2, 4, 9)]
    [0.25, 0.5, 1.0, 1.0]
    """
    return min(t / warmup_steps, 1.0) if warmup_steps else 1.0


def _as_floats(optimizer, *names):
    """Python's floats in place of NumPy's, so that a run repeated from its config.json computes with the same ones."""
    for name in names:
        object.__setattr__(optimizer, name, float(getattr(optimizer, name)))


@dataclass(frozen=True)
class AdamW:
    """Adam with decoupled weight decay (Loshchilov & Hutter 2019, arXiv 1711.05101, Algorithm 2).

    With gradient g at step t = 1, 2, ... and learning rate lr_t (after warm-up):

        m = beta1 m + (1 - beta1) g              v = beta2 v + (1 - beta2) g²
        theta = theta - lr_t weight_decay theta                     decoupled: not seen by m and v
        theta = theta - lr_t (m / (1 - beta1^t)) / (sqrt(v / (1 - beta2^t)) + eps)

    Every parameter decays, biases too, as in the works reproduced here.

    Parameters
    ----------
    lr : float
        Learning rate, positive.
    betas : (float, float)
        Decay of the two moments, each in [0, 1).
    eps : float
        Added to the root of the second moment, positive. A loss divided by p, as in the explorable article, is the
        same as our loss with p times this eps.
    weight_decay : float
        Strength of the decay, not negative.
    penalty : str
        ``"l2"``: decoupled decay as above. ``"l1"``: instead add ``weight_decay * sign(theta)`` to the gradient
        before the moments (the article's sparse parity runs).
    warmup_steps : int
        Steps of linear warm-up of the learning rate, see `warmup`.

    Examples
    --------
    With a zero gradient only the decay acts:

    >>> optimizer, theta = AdamW(lr=0.1, weight_decay=0.5), np.ones(2)
    >>> moments = optimizer.init(theta)
    >>> optimizer.step(theta, np.zeros(2), moments, t=1)
    >>> theta
    array([0.95, 0.95])
    """

    lr: float = 1e-3
    betas: tuple[float, float] = (0.9, 0.98)
    eps: float = 1e-8
    weight_decay: float = 1.0
    penalty: str = "l2"
    warmup_steps: int = 0

    def __post_init__(self):
        require(isinstance(self.betas, tuple | list) and len(self.betas) == 2, "betas", self.betas,
                "two numbers in [0, 1)")
        object.__setattr__(self, "betas", tuple(self.betas))
        require_number(self.lr, "lr", "a positive finite number", lambda x: 0 < x < math.inf)
        for beta in self.betas:
            require_number(beta, "betas", "two numbers in [0, 1)", lambda x: 0 <= x < 1)
        require_number(self.eps, "eps", "a positive finite number", lambda x: 0 < x < math.inf)
        require_number(self.weight_decay, "weight_decay", "a finite number >= 0", lambda x: 0 <= x < math.inf)
        require_choice(self.penalty, "penalty", ("l1", "l2"))
        require_integer(self.warmup_steps, "warmup_steps", minimum=0)
        _as_floats(self, "lr", "eps", "weight_decay")

    def init(self, theta):
        """Moments before the first step: a dict of zeros like theta."""
        return {"m": np.zeros_like(theta), "v": np.zeros_like(theta)}

    def step(self, theta, gradient, moments, t):
        """One step, in place on theta and the moments; ``gradient`` is overwritten."""
        beta1, beta2 = self.betas
        m, v = moments["m"], moments["v"]
        lr = self.lr * warmup(t, self.warmup_steps)
        if self.penalty == "l1":
            gradient += self.weight_decay * np.sign(theta)
        # m = beta1 m + (1 - beta1) g, and the same for v with g²; the gradient's memory serves as scratch.
        # Where g stays exactly 0, m and v shrink to denormal numbers in some 4,000 steps (beta 0.98), and stay there.
        # If all do, a step takes 1.6 times as long (Zen 4). In the main job none does: nothing is spent on clearing.
        m *= beta1
        m += (1 - beta1) * gradient
        v *= beta2
        np.square(gradient, out=gradient)
        gradient *= 1 - beta2
        v += gradient
        # m^/(sqrt(v^) + eps) = (c2 / c1) m / (sqrt(v) + c2 eps) with c1 = 1 - beta1^t, c2 = sqrt(1 - beta2^t):
        # both bias corrections become numbers instead of passes over the vector.
        c1, c2 = 1 - beta1**t, math.sqrt(1 - beta2**t)
        update = np.sqrt(v, out=gradient)
        update += c2 * self.eps
        np.divide(m, update, out=update)
        update *= lr * c2 / c1
        if self.penalty == "l2":
            theta *= 1 - lr * self.weight_decay
        theta -= update


@dataclass(frozen=True)
class SGD:
    """Gradient descent with momentum and coupled weight decay, as in PyTorch's SGD.

        g = gradient + weight_decay theta         m = momentum m + g         theta = theta - lr_t m

    ``lr`` positive, ``momentum`` in [0, 1), ``weight_decay`` not negative, ``warmup_steps`` as in `AdamW`.
    """

    lr: float = 0.1
    momentum: float = 0.0
    weight_decay: float = 0.0
    warmup_steps: int = 0

    def __post_init__(self):
        require_number(self.lr, "lr", "a positive finite number", lambda x: 0 < x < math.inf)
        require_number(self.momentum, "momentum", "in [0, 1)", lambda x: 0 <= x < 1)
        require_number(self.weight_decay, "weight_decay", "a finite number >= 0", lambda x: 0 <= x < math.inf)
        require_integer(self.warmup_steps, "warmup_steps", minimum=0)
        _as_floats(self, "lr", "momentum", "weight_decay")

    def init(self, theta):
        """Momentum before the first step: zeros like theta."""
        return {"m": np.zeros_like(theta)}

    def step(self, theta, gradient, moments, t):
        """One step, in place on theta and the momentum; ``gradient`` is overwritten."""
        gradient += self.weight_decay * theta
        m = moments["m"]
        m *= self.momentum
        m += gradient
        np.multiply(m, self.lr * warmup(t, self.warmup_steps), out=gradient)
        theta -= gradient
