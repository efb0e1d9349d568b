"""Every forward/backward pair against central differences, its kinks, and the losses against exact arithmetic."""

import mpmath
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from scipy.special import log_softmax, ndtr, softmax

from grok_np import layers, strategies
from grok_np.gradcheck import check_gradients


@given(st.data())
def test_linear_gradients(data):
    n, m, k = data.draw(strategies.shapes(3), label="B, n_in, n_out")
    x, W = data.draw(strategies.arrays((n, m)), label="x"), data.draw(strategies.arrays((m, k)), label="W")
    check_gradients(layers.linear_forward, layers.linear_backward, [x, W])
    b = data.draw(strategies.arrays((k,)), label="b")
    check_gradients(layers.linear_forward, layers.linear_backward, [x, W, b])


@given(st.data())
def test_lookup_gradients(data):
    n, d = data.draw(strategies.shapes(2))
    indices = data.draw(strategies.pairs(n)).ravel()
    table = data.draw(strategies.arrays((n, d)))
    check_gradients(lambda t: layers.lookup_forward(t, indices), layers.lookup_backward, [table])


def test_lookup_keeps_float32():
    table = np.ones((3, 2), np.float32)
    out, cache = layers.lookup_forward(table, np.array([0, 2, 2, 2]))
    dtable = layers.lookup_backward(out, cache)
    assert out.dtype == dtable.dtype == np.float32
    np.testing.assert_array_equal(dtable, np.array([1, 0, 3])[:, None] * table)  # how often each row was looked up


@pytest.mark.parametrize("name", layers.ACTIVATIONS)
@given(x=strategies.arrays(strategies.shapes(2), away_from_zero=1e-3))
def test_activation_gradients(name, x):
    check_gradients(*layers.ACTIVATIONS[name], [x])


@pytest.mark.parametrize(("name", "slope"), [("relu", 0), ("abs", 0), ("square", 0), ("gelu", 0.5)])
def test_slope_at_zero(name, slope):
    """The kinks, where differences cannot decide: 0 for ReLU and abs, as in PyTorch and JAX."""
    forward, backward = layers.ACTIVATIONS[name]
    assert backward(np.ones(1), forward(np.zeros(1))[1]) == slope


def test_activation_values():
    x = np.linspace(-4, 4, 101)
    values = {name: forward(x)[0] for name, (forward, _) in layers.ACTIVATIONS.items()}
    np.testing.assert_array_equal(values["relu"], np.where(x > 0, x, 0))
    np.testing.assert_array_equal(values["square"], x**2)
    np.testing.assert_array_equal(values["abs"], np.where(x > 0, x, -x))
    np.testing.assert_allclose(values["gelu"], x * ndtr(x), rtol=1e-14)


@pytest.mark.parametrize("name", layers.ACTIVATIONS)
def test_activations_keep_float32(name):
    forward, backward = layers.ACTIVATIONS[name]
    out, cache = forward(np.ones(3, np.float32))
    assert out.dtype == np.float32 and backward(out, cache).dtype == np.float32


@given(strategies.arrays(strategies.shapes(3), bound=20))
@example(np.zeros((1, 1, 4)))
def test_softmax(x):
    check_gradients(layers.softmax_forward, layers.softmax_backward, [x])
    out, _ = layers.softmax_forward(x)
    np.testing.assert_allclose(out, softmax(x, axis=-1), rtol=1e-12)
    np.testing.assert_allclose(layers.softmax_forward(x + 1000)[0], out, rtol=1e-9)


def test_softmax_of_rows_far_apart_neither_overflows_nor_vanishes():
    """Each row is relative to its own maximum: not to the minimum, which overflows, nor to that of the whole array."""
    out, _ = layers.softmax_forward(np.array([[0.0, 1000.0], [-2000.0, -2000.0]]))
    np.testing.assert_array_equal(out, [[0, 1], [0.5, 0.5]])


@pytest.mark.parametrize("name", layers.LOSSES)
@given(data=st.data())
def test_loss_gradients(name, data):
    n, p = data.draw(strategies.shapes(2))
    logits = data.draw(strategies.arrays((n, p), bound=8), label="logits")
    labels = data.draw(strategies.labels(p, n), label="labels")
    forward, backward = layers.LOSSES[name]
    check_gradients(lambda x: forward(x, labels), backward, [logits])


@pytest.mark.parametrize("name", layers.LOSSES)
def test_losses_broadcast_over_an_ensemble_axis(name):
    rng = np.random.default_rng(0)
    logits, labels = rng.normal(size=(3, 5, 4)), rng.integers(0, 4, 5)
    forward, backward = layers.LOSSES[name]
    loss, cache = forward(logits, labels)
    dlogits = backward(np.arange(1.0, 4), cache)
    for member in range(3):
        value, cache_one = forward(logits[member], labels)
        np.testing.assert_allclose(loss[member], value)
        np.testing.assert_allclose(dlogits[member], backward(1.0 + member, cache_one))


@pytest.mark.parametrize("name", [*layers.LOSSES, *layers.BINARY_LOSSES])
def test_losses_keep_float32(name):
    """Also with dloss a Python number, and integer labels beside the float32 outputs."""
    forward, backward = (layers.LOSSES | layers.BINARY_LOSSES)[name]
    outputs = np.ones((3, 2) if name in layers.LOSSES else 3, np.float32)
    loss, cache = forward(outputs, np.array([1, 0, 1]))
    assert loss.dtype == backward(0.5, cache).dtype == np.float32


@given(st.data())
def test_cross_entropy_is_minus_log_softmax(data):
    n, p = data.draw(strategies.shapes(2))
    logits = data.draw(strategies.arrays((n, p), bound=30))
    labels = data.draw(strategies.labels(p, n))
    expected = -log_softmax(logits, axis=1)[np.arange(n), labels].mean()
    np.testing.assert_allclose(layers.cross_entropy_forward(logits, labels)[0], expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("gap", [3.0, 12.0, 22.8, 40.0])
def test_confident_cross_entropy_is_exact_in_float32(gap):
    """At a gap of 22.8 the loss is 1e-9: float32 still agrees with 50 digits to 1e-5, loss and gradient."""
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(4, 9)).astype(np.float32)
    labels = np.array([1, 0, 8, 3])
    logits[np.arange(4), labels] = logits.max(axis=1) + np.float32(gap)
    loss, cache = layers.cross_entropy_forward(logits, labels)
    dlogits = layers.cross_entropy_backward(1.0, cache)
    assert loss.dtype == dlogits.dtype == np.float32
    with mpmath.workdps(50):
        exact_loss, exact = mpmath.mpf(0), np.empty((4, 9), dtype=object)
        for i in range(4):
            e = [mpmath.exp(mpmath.mpf(float(x)) - mpmath.mpf(float(logits[i, labels[i]]))) for x in logits[i]]
            s = mpmath.fsum(x for j, x in enumerate(e) if j != labels[i])
            exact_loss += mpmath.log(1 + s) / 4
            exact[i] = [x / (1 + s) / 4 for x in e]
            exact[i, labels[i]] = -s / (1 + s) / 4
        assert abs(loss / exact_loss - 1) < 1e-5
        assert all(abs(d / x - 1) < 1e-5 for d, x in zip(dlogits.ravel(), exact.ravel(), strict=True))
    if gap >= 22.8:
        assert exact_loss < 1e-8
        textbook = softmax(logits, axis=1)
        assert -np.log(textbook[np.arange(4), labels]).mean() == 0  # which is why the published codes use float64
        assert (textbook[np.arange(4), labels] - 1 == 0).all()


def test_cross_entropy_of_confident_mistakes_does_not_overflow():
    logits = np.array([[0, 1000], [1000, 0], [-1e4, 1e4]], np.float32)
    loss, cache = layers.cross_entropy_forward(logits, np.array([0, 0, 0]))
    np.testing.assert_allclose(loss, (1000 + 0 + 2e4) / 3)
    np.testing.assert_allclose(layers.cross_entropy_backward(3.0, cache), [[-1, 1], [0, 0], [-1, 1]], atol=1e-26)


@pytest.mark.parametrize("p", [2, 67, 113])
def test_cross_entropy_of_a_uniform_guess(p):
    loss, _ = layers.cross_entropy_forward(np.zeros((5, p)), np.zeros(5, int))
    np.testing.assert_allclose(loss, np.log(p), rtol=1e-14)


def test_mean_squared_error_value():
    """Written out for 2 examples of 3 classes: 3.25 / 6, where labels left out would give 5.25 / 6."""
    logits, labels = np.array([[1.0, 2.0, 0.0], [0.5, 0.0, 0.0]]), np.array([1, 2])
    loss, _ = layers.LOSSES["mean_squared_error"][0](logits, labels)
    np.testing.assert_allclose(loss, (1 + (2 - 1) ** 2 + 0 + 0.25 + 0 + (0 - 1) ** 2) / 6)
    np.testing.assert_array_equal(logits[0], [1, 2, 0])  # the caller's logits are left alone


def test_predictions_are_the_largest_logit_or_the_sign():
    logits = np.random.default_rng(0).normal(size=(2, 3, 4))
    expected = [[row.tolist().index(max(row)) for row in member] for member in logits]
    for loss in layers.LOSSES:
        np.testing.assert_array_equal(layers.predictions(logits, loss), expected)
    for loss in layers.BINARY_LOSSES:
        found = layers.predictions(np.array([[-0.5, 0.0, 0.5]]), loss)
        assert found.tolist() == [[0, 0, 1]] and found.dtype.kind == "i"  # "whether f > 0": an undecided 0 is a no
