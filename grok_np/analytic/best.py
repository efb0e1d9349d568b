"""The best network that can be written down: rings whose shape makes loss + decay least.

AdamW at rest minimises loss + (eps/wd) sum(-u - log(1 - u)), u = wd |theta|: to leading order loss + eps wd / 2 times
the sum of squares, which through tied factors is eps wd times the nuclear norm of [A | C^T] (docs/theory.md, sections
5 and 6). `best_rings` minimises the same by L-BFGS, with gradients from our own backward passes, over networks whose
tables A, B, C are waves of a few modes: the first harmonics of all rings' k, for every neuron (section 9 says why).
`polish` does so with no restriction, from learned weights. Section 10 holds both against training.

Read next: `reading`, which finds rings in learned weights.
"""

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from scipy.optimize import minimize

from grok_np.analytic.rings import coprime
from grok_np.errors import require, require_array, require_choice, require_integer, require_type
from grok_np.layers import cross_entropy_backward, cross_entropy_forward
from grok_np.networks.factorings import factor_shapes
from grok_np.networks.flat import FlatVector
from grok_np.networks.mlp import MLP, Effective
from grok_np.streams import generator
from grok_np.tasks import all_pairs


class Decay(NamedTuple):
    """What of an AdamW decides where it rests; an `AdamW` will do as well. The explorable article's, p = 67."""

    eps: float = 67e-8
    weight_decay: float = 1.0


ARTICLE = Decay()


class Best(NamedTuple):
    """A network at rest.

    ``model`` and ``params`` (float64) are ready to be trained on; ``effective`` its A, B, C. ``objective`` = ``loss``
    (mean cross-entropy in nats on the given pairs) + decay; ``squares``, the sum of squares of all parameters, is for
    tied factors twice the nuclear norm of [A | C^T], or under the exact decay (`polish`, ``width``) somewhat more.
    ``evaluations`` of the objective were made for it.
    """

    model: MLP
    params: dict
    effective: Effective
    objective: float
    loss: float
    squares: float
    evaluations: int


def best_rings(p: int, sizes: Mapping[int, int], optimizer: Any = ARTICLE, activation: str = "relu",
               factoring: str = "tied", harmonics: tuple[int, ...] = (0, 1, 2, 3, 4, 5), inputs: Any = None,
               width: int | None = None, starts: int = 3, rng: np.random.Generator | None = None,
               evaluations: int = 3000) -> Best:
    """The network of these rings with the least loss + decay, the best of several starts.

    Each start is a set of regular rings, turned at random and a little uneven; phases, weights, waves in and out and
    what the rings put into each other's modes are then free. L-BFGS finds a stationary point; there may be several.

    Parameters
    ----------
    p : int
        Modulus.
    sizes : dict
        Number of neurons by frequency (cycles per p, coprime to p). What a start calls a ring may change its size.
    optimizer : AdamW or Decay
        Whose decay is meant: eps times weight_decay / 2 for each square of a parameter.
    activation : str
        Any key of ``layers.ACTIVATIONS``.
    factoring : str
        ``"tied"`` (nuclear norm), ``"collapsed"`` (one-hot, A = B: |A|² + |C|²), ``"one_hot"`` (|A|² + |B|² + |C|²).
    harmonics : tuple of int
        Multiples of each frequency that all tables may contain; 0 is the constant.
    inputs : int array (B, 2), optional
        Pairs of the loss; all pairs a <= b by default (for ``"one_hot"`` all p²).
    width : int, optional
        d_embed of tied factors. Then the best of the starts is turned at random into that many coordinates and brought
        to rest once more under the exact decay, with its wall at 1/weight_decay: tens of seconds for 500.
    starts, rng, evaluations
        How many starts, where their turns come from (seed 0 by default), and how many evaluations each may take.

    Returns
    -------
    Best

    Examples
    --------
    >>> best = best_rings(11, {1: 5, 3: 6}, starts=1)
    >>> best.effective.A.shape, best.loss < 1e-4
    ((11, 11), True)
    """
    require_integer(p, "p", minimum=3, maximum=1000)
    require_type(sizes, "sizes", Mapping)
    require(len(sizes) > 0, "sizes", sizes, "one frequency or more, with its number of neurons")
    sizes = {coprime(k, p): require_integer(n, f"sizes[{k}]", minimum=1) for k, n in sizes.items()}
    require_choice(factoring, "factoring", ("tied", "collapsed", "one_hot"))
    require_integer(starts, "starts", minimum=1)
    harmonics = require_array(harmonics, "harmonics", ndim=1)
    rng = generator(0, "starts") if rng is None else rng
    modes = np.outer(list(sizes), harmonics) % p
    waves = _waves(p, np.unique(np.minimum(modes, p - modes)))
    n_hidden = sum(sizes.values())
    rank = min(waves.shape[1], 2 * n_hidden)  # of [A | C^T], at most
    model = MLP(p, rank, n_hidden, activation, factoring)
    if width is not None:
        require(factoring == "tied", "width", width, f"None for factoring {factoring!r}, which has no embedding")
        require_integer(width, "width", minimum=waves.shape[1])
        _require_decay(optimizer)
    if inputs is None:
        inputs = all_pairs(p)
        inputs = inputs if factoring == "one_hot" else inputs[inputs[:, 0] <= inputs[:, 1]]
    data = _indexed(model, inputs)
    first = [_start(model, sizes, optimizer, data, rng) for _ in range(starts)]
    found = [_descend(model, params, data, optimizer, waves, False, evaluations, rng) for params in first]
    best = min(found, key=lambda best: best.objective)
    if width is None:
        return best
    turn = np.linalg.qr(rng.normal(size=(width, model.d_embed)))[0]
    params = {"W_E": best.params["W_E"] @ turn.T, "W_in": turn @ best.params["W_in"],
              "W_out": best.params["W_out"] @ turn.T}
    return _descend(replace(model, d_embed=width), params, data, optimizer, waves, True, evaluations, rng)


def polish(model: MLP, params: dict, inputs: Any, optimizer: Any = ARTICLE, evaluations: int = 4000,
           rng: np.random.Generator | None = None) -> Best:
    """Learned weights brought to where AdamW would come to rest, by L-BFGS in float64 on its exact objective.

    ``inputs`` (B, 2) are the training pairs of a + b mod p. All parameters are free, and their wall at 1/weight_decay
    is kept. Start where the network has grokked: this goes to a stationary point near by, not to the best. ``rng``
    (seed 0 by default) draws the pushes of a thousandth that get it off the kinks of ReLU.

    Raises ValueError if a parameter is beyond the wall, or if there is no decay.
    """
    require_type(model, "model", MLP)
    _require_decay(optimizer)
    largest = max(np.abs(W).max() for W in params.values())
    require(largest * optimizer.weight_decay < WALL, "params", largest,
            f"below {WALL / optimizer.weight_decay:.3g} in modulus, the wall of this decay")
    params = {name: W.astype(np.float64) for name, W in params.items()}
    rng, used, everything = generator(0, "pushes") if rng is None else rng, 0, np.eye(model.p)
    data = _indexed(model, inputs)
    if model.factoring == "tied" and not model.bias and model.d_embed > 2 * model.n_hidden:
        # First without the wall, in as many coordinates as the tables have: for d_embed = 500 a tenth of all, and an
        # evaluation takes 3 ms instead of 10.
        effective, small = model.effective(params), replace(model, d_embed=min(model.p, 2 * model.n_hidden))
        near = _descend(small, _factors(small, effective.A, effective.C), data, optimizer, everything, False,
                        max(1, evaluations * 3 // 4), rng)
        params, used = _turned_to(params, near.params), near.evaluations
    rest = _descend(model, params, data, optimizer, everything, True, max(1, evaluations - used), rng)
    return rest._replace(evaluations=used + rest.evaluations)


def _turned_to(params, small):
    """Tied factors of few coordinates, turned to where they are nearest to these of many (Procrustes)."""
    U, _, Vh = np.linalg.svd(small["W_E"].T @ params["W_E"] + small["W_in"] @ params["W_in"].T
                             + small["W_out"].T @ params["W_out"], full_matrices=False)
    turn = U @ Vh
    return {"W_E": small["W_E"] @ turn, "W_in": turn.T @ small["W_in"], "W_out": small["W_out"] @ turn}


def _waves(p, modes):
    """Orthonormal cosines and sines of these modes (cycles per p): (p, number of waves)."""
    angles = 2 * np.pi / p * np.outer(np.arange(p), modes)
    waves = np.hstack([np.cos(angles), np.sin(angles)])
    norms = np.linalg.norm(waves, axis=0)
    return (waves / np.maximum(norms, 1e-9))[:, norms > 1e-9]  # the sines of 0 and p/2 are 0


def _require_decay(optimizer):
    require(optimizer.weight_decay > 0, "optimizer.weight_decay", optimizer.weight_decay, "positive")


WALL = 0.99  # u = weight_decay |theta| from which the penalty goes on as a parabola, so that L-BFGS may look beyond


def penalty(theta, optimizer, wall=True):
    """The decay that AdamW at rest amounts to, and its slope: (eps/wd) sum(-u - log(1 - u)), or its leading term.

    With u = wd |theta|; the leading term, ``wall=False``, is (eps wd / 2) sum theta².
    """
    eps, decay = optimizer.eps, optimizer.weight_decay
    if not wall:
        return eps * decay / 2 * float(np.vdot(theta, theta)), eps * decay * theta
    u = decay * np.abs(theta)
    inside = np.minimum(u, WALL)
    beyond, curvature = u - inside, 1 / (1 - WALL) ** 2
    slope = inside / (1 - inside) + curvature * beyond
    value = -inside - np.log1p(-inside) + beyond * (inside / (1 - inside) + curvature * beyond / 2)
    return eps / decay * float(value.sum()), eps * np.sign(theta) * slope


def _indexed(model, inputs):
    """The pairs as the mix looks them up, and their sums mod p."""
    return model.index(inputs, np.float64), np.asarray(inputs).sum(axis=1) % model.p


def _start(model, sizes, optimizer, data, rng):
    """Parameters of regular rings with a learned wave, turned at random, a tenth of a radian uneven, of good scale."""
    x = 2 * np.pi / model.p * np.arange(model.p)[:, None]
    A, C = [], []
    for k, n in sizes.items():
        alpha = 2 * np.pi * np.arange(n) / n + rng.uniform(0, 2 * np.pi) + rng.normal(scale=0.1, size=n)
        A.append((0.09 + np.cos(k * x - alpha) - 0.12 * np.cos(2 * (k * x - alpha))) / math.sqrt(n))
        C.append(np.cos(k * x - 2 * alpha) / math.sqrt(n))
    A, C = np.hstack(A), np.hstack(C).T
    pairs, labels = data

    def cost(scale):
        effective = Effective(scale * A, scale * A, np.zeros(A.shape[1]), scale * C, model.activation)
        loss = cross_entropy_forward(model.mix_forward(effective, pairs)[0], labels)[0]
        return loss + penalty(np.concatenate([v.ravel() for v in _factors(model, scale * A, scale * C).values()]),
                              optimizer, wall=False)[0]

    scale = min(np.geomspace(0.5, 100, 40), key=cost)
    return _factors(model, scale * A, scale * C)


def _factors(model, A, C):
    """The parameters of least sum of squares of these tables: the identity, or the balanced singular vectors."""
    if model.factoring == "collapsed":
        return {"W_in": A, "W_out": C}
    if model.factoring == "one_hot":
        return {"W_in_a": A, "W_in_b": A, "W_out": C}
    U, s, Vh = np.linalg.svd(np.hstack([A, C.T]), full_matrices=False)
    U, right = (U * np.sqrt(s))[:, : model.d_embed], (np.sqrt(s)[:, None] * Vh)[: model.d_embed]
    h = A.shape[1]
    return {"W_E": U, "W_in": right[:, :h], "W_out": right[:, h:].T}


def _descend(model, params, data, optimizer, waves, wall, evaluations, rng):
    """L-BFGS over the coefficients of the parameters in these waves (p, m), along every axis of length p."""
    axes = {name: shape.index("p") for name, shape in factor_shapes(model.factoring, "p", "d", "h").items()
            if "p" in shape}
    pairs, labels = data

    def along(name, W, matrix):
        axis = axes.get(name, -1)
        return W if axis < 0 else matrix @ W if axis == 0 else W @ matrix.T

    theta = FlatVector({name: along(name, params[name], waves.T) for name in model.shapes})
    gradient, grads = FlatVector(theta.views), {name: np.empty(shape) for name, shape in model.shapes.items()}

    def current():
        params = {name: along(name, W, waves) for name, W in theta.views.items()}
        logits, cache = model.mix_forward(model.effective(params), pairs)
        loss, loss_cache = cross_entropy_forward(logits, labels)
        return params, float(loss), cache, loss_cache

    def objective(vector):
        theta.vector[:] = vector
        params, total, cache, loss_cache = current()
        model.effective_backward(model.mix_backward(cross_entropy_backward(1.0, loss_cache), cache), params, grads)
        for name, W in params.items():
            charge, slope = penalty(W, optimizer, wall)
            total += charge
            gradient.views[name][...] = along(name, grads[name] + slope, waves.T)
        return total, gradient.vector.copy()

    # L-BFGS's own work is maxcor times the vector: for d_embed = 500, ten corrections take half the time of thirty.
    maxcor = 30 if theta.vector.size < 10_000 else 10
    best, value, used, gained = theta.vector.copy(), math.inf, 0, True
    while used < evaluations and gained:
        # Learned ReLU networks sit on kinks, where L-BFGS stops at once: a push of a thousandth gets it off them.
        push = 0 if value == math.inf else 1e-3 * best.std() * rng.normal(size=best.size)
        result = minimize(objective, best + push, jac=True, method="L-BFGS-B",
                          options={"maxcor": maxcor, "maxiter": 10**6, "maxfun": evaluations - used, "gtol": 1e-12,
                                   "ftol": 1e-12 if wall else 1e-11})
        used += result.nfev
        gained = result.fun < value * (1 - 1e-5)
        if result.fun < value:
            best, value = result.x, float(result.fun)
    theta.vector[:] = best
    params, loss, *_ = current()
    squares = sum(float((W**2).sum()) for W in params.values())
    return Best(model, params, model.effective(params), value, loss, squares, used)
