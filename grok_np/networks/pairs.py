"""Pairs (a, b) of residues as networks take them: checked once, with the look-ups of a and of b made ready.

Read next: `flat`.
"""

from typing import NamedTuple

import numpy as np

from grok_np.errors import require_array
from grok_np.layers import Lookup, lookup


class Pairs(NamedTuple):
    """Look-ups of a and of b in tables of p rows; built once per data set."""

    a: Lookup
    b: Lookup


def index_pairs(inputs, p, dtype=np.float64):
    """`Pairs` from an integer array (..., B, 2) of residues; ValueError if one is not in [0, p)."""
    if isinstance(inputs, Pairs):
        return inputs
    inputs = require_array(inputs, "inputs")
    if inputs.ndim < 2 or inputs.shape[-1] != 2 or inputs.dtype.kind not in "iu":
        raise ValueError(
            f"inputs must be an integer array of shape (B, 2), got shape {inputs.shape} of {inputs.dtype}")
    if inputs.size and (inputs.min() < 0 or inputs.max() >= p):
        raise ValueError(f"inputs must be in [0, {p}), got values from {inputs.min()} to {inputs.max()}")
    a, b = np.moveaxis(inputs.astype(np.int64), -1, 0)
    return Pairs(lookup(a, p, dtype), lookup(b, p, dtype))
