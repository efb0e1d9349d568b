"""The tester, tested: right backwards pass, each deliberately wrong one is rejected."""

import numpy as np
import pytest
from hypothesis import given

from grok_np.gradcheck import networks, strategies
from grok_np.gradcheck import GradientError, check
from grok_np.layers import (
    cross_entropy_backward,
    cross_entropy_forward,
    linear_backward,
    linear_forward,
    softmax_backward,
    softmax_forward,
)

RNG = np.random.default_rng(1)
SCORES = RNG.normal(size=(5, 7))


def wrong_softmaxes():
    return {
        "zeros": lambda dout, s: np.zeros_like(s),
        "mean term missing": lambda dout, s: s * dout,
        "sum over the wrong axis": lambda dout, s: s * (dout - (s * dout).sum(axis=0, keepdims=True)),
        "sign": lambda dout, s: -softmax_backward(dout, s),
        "half": lambda dout, s: softmax_backward(dout, s) / 2,
        "one part in 100,000": lambda dout, s: softmax_backward(dout, s) * (1 + 1e-5),
        "not a number": lambda dout, s: np.full_like(s, np.nan),
        "wrong shape": lambda dout, s: softmax_backward(dout, s).sum(axis=0),
    }


@pytest.mark.parametrize("name", wrong_softmaxes())
def test_wrong_softmax_backwards_are_rejected(name):
    with pytest.raises(GradientError):
        check(softmax_forward, wrong_softmaxes()[name], [SCORES])


def test_the_upstream_gradient_is_random():
    """With ones upstream the softmax gradient is zero and a backward of zeros would pass; the message shows it not."""
    with pytest.raises(GradientError, match="is 0 everywhere"):
        check(softmax_forward, lambda dout, s: np.zeros_like(s), [SCORES])


def wrong_linears():
    return {
        "swapped gradients": lambda dout, cache: linear_backward(dout, cache)[::-1],
        "one missing": lambda dout, cache: linear_backward(dout, cache)[:1],
        "transposed dW of a square": lambda dout, cache: (linear_backward(dout, cache)[0],
                                                          linear_backward(dout, cache)[1].T),
    }


@pytest.mark.parametrize("name", wrong_linears())
def test_wrong_linear_backwards_are_rejected(name):
    with pytest.raises(GradientError):
        check(linear_forward, wrong_linears()[name], [RNG.normal(size=(3, 4)), RNG.normal(size=(4, 4))])


def test_forgotten_mean_is_rejected():
    labels = np.array([0, 3, 6, 2, 2])

    def summed(dloss, cache):
        return len(labels) * cross_entropy_backward(dloss, cache)

    with pytest.raises(GradientError):
        check(lambda x: cross_entropy_forward(x, labels), summed, [SCORES])


def test_dict_inputs_are_checked_by_name():
    def forward(x, y):
        return x * y, (x, y)

    point = {"x": np.array([2.0]), "y": np.array([3.0])}
    check(forward, lambda d, c: {"x": d * c[1], "y": d * c[0]}, point)
    with pytest.raises(GradientError, match="'y'"):
        check(forward, lambda d, c: {"x": d * c[1], "y": d * c[1]}, point)
    with pytest.raises(GradientError, match=r"for \['x'\]"):
        check(forward, lambda d, c: {"x": d * c[1]}, point)


def test_inputs_are_left_unchanged():
    x = SCORES.copy()
    check(softmax_forward, softmax_backward, [x])
    np.testing.assert_array_equal(x, SCORES)


@given(strategies.arrays((2, 3), bound=2.0, away_from_zero=0.5))
def test_arrays_keep_their_promise(x):
    assert x.shape == (2, 3) and x.dtype == np.float64
    assert (np.abs(x) >= 0.5).all() and (np.abs(x) <= 2).all()


@given(networks.mlps())
def test_models_keep_their_promise(drawn):
    model, params, inputs = drawn
    assert {name: W.shape for name, W in params.items()} == model.shapes
    assert inputs.shape[1] == 2 and inputs.min() >= 0 and inputs.max() < model.p
