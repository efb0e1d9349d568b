# %%
"""Write a layer of your own and have its gradient checked, in a few lines; one mistake is made on purpose.

    python examples/check_your_own_layer.py            # a second; or put the test functions into your own test suite

A layer is two functions: ``forward(*inputs) -> (out, cache)`` and ``backward(dout, cache) -> gradients``, one gradient
for each input. `grok_np.gradcheck.check_gradients` compares the second with central differences of the first; the
strategies of `grok_np.strategies` let hypothesis choose shapes and values. Needs ``pip install -e ".[test]"``.
"""

import numpy as np
from hypothesis import given

from grok_np import strategies
from grok_np.gradcheck import GradientError, check_gradients

# %% An activation: swish, x times its sigmoid


def swish_forward(x):
    """out = x s(x), s(x) = 1 / (1 + exp(-x)) (Ramachandran, Zoph, Le 2017, arXiv 1710.05941)."""
    s = 1 / (1 + np.exp(-x))
    return x * s, (x, s)


def swish_backward(dout, cache):
    """dx = (s + x s (1 - s)) dout, because s' = s (1 - s)."""
    x, s = cache
    return (s + x * s * (1 - s)) * dout


@given(strategies.arrays(strategies.shapes(2)))
def test_swish(x):
    check_gradients(swish_forward, swish_backward, [x])


# %% A layer with weights: scale each row to unit root mean square, then each column by its gain


def rms_norm_forward(x, gain):
    """out = gain x / r, r² = mean of x² over the row + 1e-5 (Zhang & Sennrich 2019, arXiv 1910.07467)."""
    r = np.sqrt((x**2).mean(axis=1, keepdims=True) + 1e-5)
    return gain * x / r, (x, gain, r)


def rms_norm_backward(dout, cache):
    """dx = (gain dout - x mean(gain dout x) / r²) / r, dgain = sum over rows of dout x / r."""
    x, gain, r = cache
    d = gain * dout
    return (d - x * (d * x).mean(axis=1, keepdims=True) / r**2) / r, (dout * x / r).sum(axis=0)


def forgetful_backward(dout, cache):
    """The mistake that everybody makes once: r is treated as if it did not depend on x."""
    x, gain, r = cache
    return gain * dout / r, (dout * x / r).sum(axis=0)


@given(strategies.arrays((3, 4), away_from_zero=0.1), strategies.arrays(4))
def test_rms_norm(x, gain):
    check_gradients(rms_norm_forward, rms_norm_backward, [x, gain])


# %%
def main():
    test_swish()
    test_rms_norm()
    print("swish and rms_norm: every gradient that hypothesis could think of is right")
    try:
        check_gradients(rms_norm_forward, forgetful_backward, [np.arange(1.0, 7.0).reshape(2, 3), np.ones(3)])
    except GradientError as error:
        print(f"the backward that forgets a term is caught:\n  {error}")


if __name__ == "__main__":
    main()
