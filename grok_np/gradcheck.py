"""Is a hand-written backward the gradient of its forward? Ask central differences.

`check_gradients` takes any pair ``forward(inputs) -> (out, cache)``, ``backward(dout, cache) -> gradients``, ours or
yours. It is meant for float64 and small arrays: every entry of every input is moved. What it is not: a proof at
kinks, where central differences return the mean of both slopes; keep inputs away from them (`strategies` does) and
pin the value at the kink in a test of its own.

Read next: `strategies`, which draw the inputs.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from grok_np.errors import require, require_number, require_type


class GradientError(AssertionError):
    """A backward disagrees with the differences of its forward; the message names the worst entry."""


def check_gradients(forward: Callable, backward: Callable, inputs: Any, *, rng: np.random.Generator | None = None,
                    h: float = 1e-5, rtol: float = 1e-6) -> float:
    """Compare a backward with central differences of L = sum(out * dout), ``dout`` random.

    The upstream gradient is random because with a constant one whole classes of mistakes vanish: the rows of a softmax
    sum to one, so a backward that returns zeros would pass.

    Parameters
    ----------
    forward, backward : callable
        ``forward(*inputs) -> (out, cache)`` and ``backward(dout, cache)``, which returns one gradient per input, in
        order (a bare array will do for one input). With a dict of inputs, ``forward(**inputs)`` and a dict by name.
    inputs : sequence or dict of float64 arrays
        Where to differentiate; left unchanged.
    rng : np.random.Generator, optional
        Draws ``dout``; a fixed one by default.
    h : float
        Step of the differences. The error is about h² f''' / 6 + 1e-16 f / h: least near 1e-5 in float64.
    rtol : float
        Allowed difference, relative to the largest entry of that input's gradient; a floor near 1e-8 times the size
        of L covers the error of the differences themselves.

    Returns
    -------
    float
        The largest difference found, relative to its input's gradient.

    Raises
    ------
    GradientError
        If an entry is off by more than ``rtol``, a gradient has the wrong shape or name, or one is missing.
    TypeError
        If an input is not a float64 array.

    Examples
    --------
    >>> def forward(x):
    ...     return x**3, x
    >>> check_gradients(forward, lambda dout, x: 3 * x**2 * dout, [np.array([1.0, 2.0])]) < 1e-6
    True
    >>> check_gradients(forward, lambda dout, x: 2 * x**2 * dout, [np.array([1.0])])
    Traceback (most recent call last):
    grok_np.gradcheck.GradientError: gradient of input 0 at [0]: backward says 0.25146, central differences say 0.37719
    """
    require(callable(forward), "forward", forward, "callable")
    require(callable(backward), "backward", backward, "callable")
    require_type(inputs, "inputs", Mapping, list, tuple)
    require(len(inputs) > 0, "inputs", inputs, "one or more")
    require_type(rng, "rng", np.random.Generator, type(None))
    require_number(h, "h", "in (0, 1]", lambda x: 0 < x <= 1)
    require_number(rtol, "rtol", "a positive finite number", lambda x: 0 < x < np.inf)
    named = isinstance(inputs, Mapping)
    arrays = {name: _float64_copy(name, x) for name, x in (inputs.items() if named else enumerate(inputs))}

    def call():
        return forward(**arrays) if named else forward(*arrays.values())

    out, cache = call()
    dout = (rng or np.random.default_rng(0)).normal(size=np.shape(out))
    gradients = _by_name(backward(dout if np.ndim(out) else dout.item(), cache), arrays, named)
    # The error of the differences themselves: rounding, 1e-16 of each sum over h, and the third derivative's h² / 6.
    # It matters where a gradient vanishes: x³ at 0 has slope 0, differences say 1e-10.
    noise = (1e-15 / h + 100 * h**2) * (np.abs(out * dout).sum() + 1)
    return max((_compare(name, x, gradients[name], lambda: np.sum(call()[0] * dout), h, rtol, noise)
                for name, x in arrays.items()), default=0.0)


def _compare(name, x, gradient, loss, h, rtol, noise):
    """Largest relative difference for one input, moving its entries one by one in place."""
    where = f"{name!r}" if isinstance(name, str) else f"input {name}"
    if np.shape(gradient) != x.shape:
        raise GradientError(f"gradient of {where} has shape {np.shape(gradient)}, the input has {x.shape}")
    numeric = np.empty_like(x)
    for index in np.ndindex(x.shape):
        kept = x[index]
        x[index] = kept + h
        above = loss()
        x[index] = kept - h
        numeric[index] = (above - loss()) / (2 * h)
        x[index] = kept
    scale = max(np.abs(numeric).max(initial=0), np.abs(gradient).max(initial=0))
    difference = np.abs(numeric - gradient)
    if not (difference <= rtol * scale + noise).all():  # "not all <=" also catches nan
        worst = np.unravel_index(np.argmax(np.nan_to_num(difference, nan=np.inf)), x.shape)
        raise GradientError(f"gradient of {where} at {[int(i) for i in worst]}: backward says {gradient[worst]:.5g}, "
                            f"central differences say {numeric[worst]:.5g}")
    return float(difference.max(initial=0) / scale) if scale > noise else 0.0


def _float64_copy(name, x):
    if not isinstance(x, np.ndarray) or x.dtype != np.float64:
        raise TypeError(f"inputs must be float64 arrays, got {getattr(x, 'dtype', type(x).__name__)} for {name!r}")
    return x.copy()


def _by_name(gradients, arrays, named):
    if named:
        if gradients.keys() != arrays.keys():
            raise GradientError(f"backward returned gradients for {sorted(gradients)}, inputs are {sorted(arrays)}")
        return gradients
    if not isinstance(gradients, tuple | list):
        gradients = (gradients,)
    if len(gradients) != len(arrays):
        raise GradientError(f"backward returned {len(gradients)} gradients for {len(arrays)} inputs")
    return dict(enumerate(gradients))
