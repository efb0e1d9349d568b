"""All parameters of a network as one vector, which optimizers step and minimisers minimise.

Read next: `mlp`.
"""

import numpy as np


class FlatVector:
    """One contiguous vector and the arrays that are views into it, by name.

    Writing to a view writes to ``vector`` and the other way round.

    >>> flat = FlatVector({"W": np.eye(2), "b": np.zeros(2)})
    >>> flat.vector *= 3
    >>> flat.views["W"]
    array([[3., 0.],
           [0., 3.]])
    """

    def __init__(self, arrays):
        self.vector = np.concatenate([np.ravel(array) for array in arrays.values()])
        self.views, start = {}, 0
        for name, array in arrays.items():
            self.views[name] = self.vector[start : start + array.size].reshape(array.shape)
            start += array.size
