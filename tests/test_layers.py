"""Every forward/backward pair against central differences, its kinks, and the losses against exact arithmetic."""

import math

import draws
import mpmath
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from scipy.special import log_softmax, softmax

from grok_np import layers
from grok_np.gradcheck import check, strategies

MULTICLASS = [name for name, loss in layers.LOSSES.items() if not loss.one_output]


@given(st.data())
def test_linear_gradients(data):
    n, m, k = data.draw(draws.shapes(3), label="B, n_in, n_out")
    x, W = data.draw(draws.arrays((n, m)), label="x"), data.draw(draws.arrays((m, k)), label="W")
    check(layers.linear_forward, layers.linear_backward, [x, W])
    b = data.draw(draws.arrays((k,)), label="b")
    check(layers.linear_forward, layers.linear_backward, [x, W, b])


@given(st.data())
def test_lookup_gradients(data):
    n, d = data.draw(draws.shapes(2))
    indices = data.draw(draws.pairs(n)).ravel()
    table = data.draw(draws.arrays((n, d)))
    at = layers.lookup(indices, n, np.float64)
    check(lambda t: layers.lookup_forward(t, at), layers.lookup_backward, [table])


@given(st.data())
def test_lookup_in_the_tables_of_an_ensemble(data):
    """Every member takes its own rows from its own table."""
    n, d, members = data.draw(draws.shapes(3))
    indices = data.draw(strategies.hnp.arrays(np.int64, (members, 4), elements=st.integers(0, n - 1)))
    tables = data.draw(draws.arrays((members, n, d)))
    at = layers.lookup(indices, n, np.float64)
    out, _ = layers.lookup_forward(tables, at)
    for member in range(members):
        np.testing.assert_array_equal(out[member], tables[member][indices[member]])
    check(lambda t: layers.lookup_forward(t, at), layers.lookup_backward, [tables])


def test_lookup_keeps_float32():
    table = np.ones((3, 2), np.float32)
    out, cache = layers.lookup_forward(table, layers.lookup(np.array([0, 2, 2, 2]), 3, np.float32))
    dtable = layers.lookup_backward(out, cache)
    assert out.dtype == dtable.dtype == np.float32
    np.testing.assert_array_equal(dtable, np.array([1, 0, 3])[:, None] * table)  # how often each row was looked up


@pytest.mark.parametrize("name", layers.ACTIVATIONS)
@given(x=draws.arrays(draws.shapes(2), away_from_zero=1e-3))
def test_activation_gradients(name, x):
    check(*layers.ACTIVATIONS[name], [x])


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
    np.testing.assert_allclose(values["gelu"], [z * (1 + math.erf(z / math.sqrt(2))) / 2 for z in x], rtol=1e-12)


@pytest.mark.parametrize("name", layers.ACTIVATIONS)
def test_activations_keep_float32(name):
    forward, backward = layers.ACTIVATIONS[name]
    out, cache = forward(np.ones(3, np.float32))
    assert out.dtype == np.float32 and backward(out, cache).dtype == np.float32


@given(draws.arrays(draws.shapes(3), bound=20))
@example(np.zeros((1, 1, 4)))
def test_softmax(x):
    check(layers.softmax_forward, layers.softmax_backward, [x])
    out, _ = layers.softmax_forward(x)
    np.testing.assert_allclose(out, softmax(x, axis=-1), rtol=1e-12)
    np.testing.assert_allclose(layers.softmax_forward(x + 1000)[0], out, rtol=1e-9)


def test_softmax_of_rows_far_apart_neither_overflows_nor_vanishes():
    """Each row is relative to its own maximum: not to the minimum, which overflows, nor to that of the whole array."""
    out, _ = layers.softmax_forward(np.array([[0.0, 1000.0], [-2000.0, -2000.0]]))
    np.testing.assert_array_equal(out, [[0, 1], [0.5, 0.5]])


@pytest.mark.parametrize("name", MULTICLASS)
@given(data=st.data())
def test_loss_gradients(name, data):
    n, p = data.draw(draws.shapes(2))
    logits = data.draw(draws.arrays((n, p), bound=8), label="logits")
    labels = data.draw(draws.labels(p, n), label="labels")
    loss = layers.LOSSES[name]
    check(lambda x: loss.forward(x, labels), loss.backward, [logits])


@pytest.mark.parametrize("labels_of", ["all", "each"])
@pytest.mark.parametrize("name", MULTICLASS)
def test_losses_broadcast_over_an_ensemble_axis(name, labels_of):
    """The same labels for all members, or labels of their own."""
    rng = np.random.default_rng(0)
    logits, labels = rng.normal(size=(3, 5, 4)), rng.integers(0, 4, 5 if labels_of == "all" else (3, 5))
    forward, backward, *_ = layers.LOSSES[name]
    loss, cache = forward(logits, labels)
    dlogits = backward(np.arange(1.0, 4), cache)
    for member in range(3):
        value, cache_one = forward(logits[member], labels if labels_of == "all" else labels[member])
        np.testing.assert_allclose(loss[member], value)
        np.testing.assert_allclose(dlogits[member], backward(1.0 + member, cache_one))


@pytest.mark.parametrize("name", layers.LOSSES)
def test_losses_keep_float32(name):
    """Also with dloss a Python number, and integer labels beside the float32 outputs."""
    forward, backward, *_ = layers.LOSSES[name]
    outputs = np.ones((3, 2) if name in MULTICLASS else 3, np.float32)
    loss, cache = forward(outputs, np.array([1, 0, 1]))
    assert loss.dtype == backward(0.5, cache).dtype == np.float32


@given(st.data())
def test_cross_entropy_is_minus_log_softmax(data):
    n, p = data.draw(draws.shapes(2))
    logits = data.draw(draws.arrays((n, p), bound=30))
    labels = data.draw(draws.labels(p, n))
    expected = -log_softmax(logits, axis=1)[np.arange(n), labels].mean()
    np.testing.assert_allclose(layers.cross_entropy_forward(logits, labels)[0], expected, rtol=1e-9, atol=1e-12)


def exact_cross_entropy(logits, labels):
    """Loss and gradient in 60 digits."""
    B, p = logits.shape
    with mpmath.workdps(60):
        loss, dlogits = mpmath.mpf(0), np.zeros((B, p), dtype=object)
        for i in range(B):
            e = [mpmath.exp(mpmath.mpf(float(x)) - mpmath.mpf(float(logits[i, labels[i]]))) for x in logits[i]]
            s = mpmath.fsum(x for j, x in enumerate(e) if j != labels[i])
            loss += mpmath.log1p(s) / B
            dlogits[i] = [x / (1 + s) / B for x in e]
            dlogits[i, labels[i]] = -s / (1 + s) / B
        return loss, dlogits


@pytest.mark.parametrize("n_examples", [1, 4])
@pytest.mark.parametrize(("dtype", "gap"), [
    *((np.float32, gap) for gap in (0.5, 3.0, 12.0, 22.75, 40.0, 61.0, 70.0, 83.0)),
    *((np.float64, gap) for gap in (3.0, 40.0, 61.0, 70.0, 300.0, 698.0))])
def test_confident_cross_entropy_is_exact(dtype, gap, n_examples):
    """To 1e-6 of itself, loss and every entry of the gradient, where both published forms have long been 0 or noise.

    Logits are multiples of 1/64, so that their differences are exact and what is left is the loss's own error.
    """
    rng = np.random.default_rng(0)
    logits = (rng.integers(-64, 65, (n_examples, 9)) / 64).astype(dtype)
    labels = np.array([1, 0, 8, 3])[:n_examples]
    right = np.arange(n_examples), labels
    logits[right] = -np.inf
    logits[right] = logits.max(axis=1) + dtype(gap)
    loss, cache = layers.cross_entropy_forward(logits, labels)
    dlogits = layers.cross_entropy_backward(1.0, cache)
    assert loss.dtype == dlogits.dtype == dtype
    exact_loss, exact = exact_cross_entropy(logits, labels)
    assert abs(loss / exact_loss - 1) < 1e-6
    assert all(abs(d / x - 1) < 1e-6 for d, x in zip(dlogits.ravel(), exact.ravel(), strict=True))


@pytest.mark.parametrize(("dtype", "last"), [(np.float32, 85), (np.float64, 700)])
def test_beyond_its_range_cross_entropy_is_exactly_0(dtype, last):
    """One example: right to the last gap, then 0, and never a denormal number, which takes a CPU a hundred cycles."""
    for gap in np.arange(last - 3, last + 25, 0.25):
        logits = np.array([[gap, 0]], dtype)
        loss, cache = layers.cross_entropy_forward(logits, np.array([0]))
        dlogits = layers.cross_entropy_backward(1.0, cache)
        small = [float(loss), *np.abs(dlogits).ravel()]
        assert all(x == 0 or x >= np.finfo(dtype).tiny for x in small)
        if gap <= last:
            np.testing.assert_allclose(small, float(mpmath.log1p(mpmath.exp(-gap))), rtol=1e-6)
    assert small == [0, 0, 0]


@pytest.mark.parametrize("n_examples", [1, 64, 4000])
def test_an_example_whose_share_would_be_denormal_is_0(n_examples):
    gaps = np.linspace(60, 110, n_examples)
    logits = np.stack([gaps, 0 * gaps], axis=1).astype(np.float32)
    loss, cache = layers.cross_entropy_forward(logits, np.zeros(n_examples, int))
    for share in (1.0, 0.25):
        dlogits = np.abs(layers.cross_entropy_backward(share, cache))
        assert ((dlogits == 0) | (dlogits >= np.finfo(np.float32).tiny)).all()
    np.testing.assert_allclose(loss, float(mpmath.fsum(mpmath.exp(-g) for g in gaps) / n_examples), rtol=2e-6)


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


def test_an_answer_is_the_largest_logit_or_the_sign():
    logits = np.random.default_rng(0).normal(size=(2, 3, 4))
    expected = [[row.tolist().index(max(row)) for row in member] for member in logits]
    for name in MULTICLASS:
        np.testing.assert_array_equal(layers.LOSSES[name].predict(logits), expected)
    for name in set(layers.LOSSES) - set(MULTICLASS):
        found = layers.LOSSES[name].predict(np.array([[-0.5, 0.0, 0.5]]))
        assert found.tolist() == [[0, -1, 1]] and found.dtype.kind == "i"


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_tie_is_no_answer_and_rounding_decides_nothing(dtype):
    """Logits apart by some roundings of the largest are a tie, whichever is larger; by 1,000 they are none."""
    eps = np.finfo(dtype).eps
    logits = np.array([[1, 1, 0], [1, 1 + 8 * eps, 0], [1 + 8 * eps, 1, 0], [1, 1 + 1000 * eps, 0], [0, 0, 0]], dtype)
    assert layers.predict(logits).tolist() == [-1, -1, -1, 1, -1]
    loss = layers.LOSSES["cross_entropy"]
    assert loss.accuracy(logits, np.array([0, 1, 0, 1, 0])) == 1 / 5
    assert loss.accuracy(np.zeros((2, 3, 5), dtype), np.zeros(3, int)).tolist() == [0, 0]
    assert layers.predict(np.array([[np.nan, 1, 2]], dtype)).tolist() == [-1]


def test_what_a_tie_is_does_not_depend_on_the_other_networks_of_an_ensemble():
    """Members (2, ...): the second's outputs are far below a rounding of the first's."""
    f = np.array([[1.0, -2.0], [1e-20, -2e-20]])
    np.testing.assert_array_equal(layers.predict_sign(f), [[1, 0], [1, 0]])
    logits = np.array([[[1.0, 0.0]], [[0.0, 1e-20]]])
    np.testing.assert_array_equal(layers.predict(logits), [[0], [1]])
