"""The parity of k bits in k + 1 ReLU neurons, exactly.

Read next: `groups`.
"""

import numpy as np

from grok_np.errors import require, require_integer
from grok_np.networks.bits import BitMLP


def exact_parity(n_bits: int, k: int) -> tuple[BitMLP, dict[str, np.ndarray]]:
    """The parity of the first k bits in k + 1 ReLU neurons, exactly: f = +1 or -1 on every string.

    All neurons see the same sum s of the k signs, which is 2 i - k with i ones, through different thresholds:
    neuron j = 0 .. k is relu(s + k + 1 - 2 j) = max(2 (i - j) + 1, 0). To alternate between -1 (i even) and +1 the
    slope turns by W_out = -1, 4, -8, 12, -16, ... For k = 3 these are the four neurons of Merrill et al. 2023 (arXiv
    2303.11873, appendix D), up to scale.

    >>> model, params = exact_parity(n_bits=5, k=3)
    >>> params["W_out"]
    array([-1.,  4., -8., 12.])
    >>> model.forward(params, [[1, 0, 0, 1, 0], [1, 1, 0, 0, 0]])[0]
    array([ 1., -1.])
    """
    require_integer(n_bits, "n_bits", minimum=1)
    require_integer(k, "k", minimum=1)
    require(k <= n_bits, "k", k, f"at most n_bits = {n_bits}")
    j = np.arange(k + 1)
    W_in = np.zeros((n_bits + 1, k + 1))
    W_in[:k] = 1
    W_in[-1] = k + 1 - 2 * j
    W_out = np.where(j == 0, -1.0, 4.0 * j * (-1.0) ** (j + 1))
    return BitMLP(n_bits, k + 1), {"W_in": W_in, "W_out": W_out}
