"""What some examples share: gradient flow with another clock, for many networks at once."""

import numpy as np

from grok_np import Composition
from grok_np.layers import LOSSES
from grok_np.learning.ensemble import make_groups, step_of_all
from grok_np.networks.flat import FlatVector
from grok_np.networks.initial import INITIALISATIONS
from grok_np.streams import generator

INITIALISATIONS["variance 1/p"] = lambda rng, name, shape, model: rng.normal(scale=model.p**-0.5, size=shape)
ENOUGH = 1e-5  # nats: what is left after this without decay is growth of the weights


def flow(model, group, decay, seeds, steps, dtype="float32"):
    """First and final weights by name, (seeds, ...), of networks that learn the full table of a named group.

    Euler steps along the gradient of cross-entropy + decay |theta|², each a share of |theta| long, the share falling
    from 0.05 to 0.0025: the curve of gradient flow, whatever the scale of the first weights. A network that has reached
    a cross-entropy of `ENOUGH` stays.
    """
    drawn = [model.init(generator(seed, "weights"), np.dtype(dtype)) for seed in seeds]
    theta = FlatVector({name: np.stack([one[name] for one in drawn]) for name in model.shapes})
    first, gradient = {name: W.copy() for name, W in theta.views.items()}, FlatVector(theta.views)
    data = [np.stack([part] * len(drawn)) for part in Composition(group).split()]
    parts = make_groups(model, data, np.dtype(dtype))
    for step in range(steps):
        loss = step_of_all(model, theta.views, parts, LOSSES["cross_entropy"], gradient.views)
        gradient.vector += 2 * decay * theta.vector
        size, slope = (np.sqrt(sum((W**2).sum(axis=(1, 2)) for W in flat.views.values())) for flat in (theta, gradient))
        going = (loss > ENOUGH) & (slope > 1e-15)
        length = np.divide(0.05 * 20.0 ** (-step / steps) * size, slope, out=np.zeros_like(slope), where=going)
        for name, W in theta.views.items():
            W -= length[:, None, None] * gradient.views[name]
    return first, theta.views
