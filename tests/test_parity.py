"""Sparse parity: the bit network, its losses, the exact solution, and many networks at once."""

from functools import partial
from itertools import product

import draws
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit, log_expit

from grok_np import AdamW, BitMLP, ModularArithmetic, SparseParity, gradcheck, load_run, train
from grok_np.analytic.parity import exact_parity
from grok_np.gradcheck import strategies
from grok_np.layers import (
    CLIP,
    LOSSES,
    clipped_logistic_backward,
    clipped_logistic_forward,
    logistic_backward,
    logistic_forward,
    predict_sign,
)
from grok_np.learning import ensemble

MOST = np.log(1 / CLIP - 1)  # the margin from which a probability is clipped


@given(n=st.integers(2, 12), k=st.integers(1, 12), seed=st.integers(0, 9))
def test_labels_are_parities_of_the_first_bits(n, k, seed):
    k = min(n, k)
    split = SparseParity(n, k, train_size=7, test_size=11, seed=seed).split()
    assert split.train_inputs.shape == (7, n) and split.test_inputs.shape == (11, n)
    for bits, label in zip(split.train_inputs, split.train_labels, strict=True):
        assert label == np.bitwise_xor.reduce(bits[:k])
    again = SparseParity(n, k, train_size=7, test_size=11, seed=seed).split()
    np.testing.assert_array_equal(split.test_inputs, again.test_inputs)


@given(st.data())
def test_gradients_with_and_without_leading_axes(data):
    lead = data.draw(st.sampled_from([(), (1,), (3,)]))
    n, h, B = (data.draw(st.integers(1, 4)) for _ in range(3))
    model = BitMLP(n, h, data.draw(st.sampled_from(["square", "gelu"])), data.draw(st.sampled_from(["bits", "signs"])))
    params = {name: data.draw(draws.arrays((*lead, *shape))) for name, shape in model.shapes.items()}
    bits = data.draw(strategies.hnp.arrays(np.int64, (*lead, B, n), elements=st.integers(0, 1)))
    x = model.index(bits, np.float64)
    gradcheck.check(lambda **w: model.mix_forward(w, x), model.mix_backward, params)


def test_relu_gradients_away_from_the_kink():
    model, rng = BitMLP(5, 4), np.random.default_rng(3)
    params = {name: rng.normal(size=shape) for name, shape in model.shapes.items()}
    bits = rng.integers(2, size=(6, 5))
    assert np.abs(model.index(bits, np.float64) @ params["W_in"]).min() > 1e-3
    x = model.index(bits, np.float64)
    gradcheck.check(lambda **w: model.mix_forward(w, x), model.mix_backward, params)


def test_bits_enter_as_they_are_or_as_signs_beside_a_fixed_one():
    bits = np.array([[0, 1, 1]])
    assert BitMLP(3, 2, coding="bits").index(bits).tolist() == [[0, 1, 1, 1]]
    assert BitMLP(3, 2, coding="signs").index(bits).tolist() == [[-1, 1, 1, 1]]


def test_initial_weights_are_truncated_normals_with_a_bias_of_zero():
    """Standard deviation 1/sqrt(fan_in) after the cut at two of those before it; 1 % is 4.5 standard errors."""
    params = BitMLP(30, 5000).init(np.random.default_rng(0), np.float64)
    assert not params["W_in"][-1].any()
    weights = params["W_in"][:-1] * np.sqrt(30)
    assert weights.std() == pytest.approx(1, rel=0.01) and 2.2 < np.abs(weights).max() < 2 / 0.8796
    assert params["W_out"].std() == pytest.approx(5000**-0.5, rel=0.05)


@pytest.mark.parametrize("lead", [(), (3,)])
def test_examples_that_do_not_push_may_be_left_out(lead):
    """A few examples with df != 0 among many, a different number in each member: the formula of the docstring."""
    rng = np.random.default_rng(5)
    model = BitMLP(6, 4)
    params = {name: rng.normal(size=(*lead, *shape)) for name, shape in model.shapes.items()}
    x = model.index(rng.integers(2, size=(*lead, 50, 6)), np.float64)
    _, cache = model.mix_forward(params, x)
    df = rng.normal(size=(*lead, 50)) * (rng.uniform(size=(*lead, 50)) < 0.1)
    assert 0 < np.count_nonzero(df) < df.size / 4
    post = np.maximum(x @ params["W_in"], 0)
    expected = {"W_out": np.einsum("...bh,...b->...h", post, df),
                "W_in": np.einsum("...bi,...bh,...b,...h->...ih", x, post > 0, df, params["W_out"])}
    for some, factor in ((df, 1), (0 * df, 0)):
        for name, gradient in model.mix_backward(some, cache).items():
            np.testing.assert_allclose(gradient, factor * expected[name], rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("name", [name for name, loss in LOSSES.items() if loss.one_output])
@given(data=st.data())
def test_binary_loss_gradients(name, data):
    shape = data.draw(st.sampled_from([(4,), (2, 3)]))
    f = data.draw(draws.arrays(shape, away_from_zero=1e-3))
    labels = data.draw(strategies.hnp.arrays(np.int64, shape, elements=st.integers(0, 1)))
    margins = (2 * labels - 1) * f
    f = np.where(np.abs(margins - 1) < 1e-3, 2 * f, f)  # the hinge's kink
    forward, backward, *_ = LOSSES[name]
    gradcheck.check(lambda f: forward(f, labels), backward, [f])


@given(data=st.data())
def test_clipped_loss_gradient(data):
    """Inside and outside the clip, not within 1e-3 of its kinks."""
    shape = data.draw(st.sampled_from([(4,), (2, 3)]))
    f = data.draw(draws.arrays(shape)) * data.draw(st.sampled_from([1.0, 10.0]))
    f = np.where(np.abs(np.abs(f) - MOST) < 1e-3, 1.0, f)
    labels = data.draw(strategies.hnp.arrays(np.int64, shape, elements=st.integers(0, 1)))
    gradcheck.check(lambda f: clipped_logistic_forward(f, labels), clipped_logistic_backward, [f])


@given(f=st.lists(st.floats(-40, 40), min_size=1, max_size=5), seed=st.integers(0, 9))
def test_clipped_loss_is_the_logarithm_of_a_clipped_probability(f, seed):
    f = np.array(f)
    labels = np.random.default_rng(seed).integers(2, size=len(f))
    probability = expit((2 * labels - 1) * f)  # of the label
    expected = -np.log(np.clip(probability, CLIP, 1 - CLIP)).mean()
    # float64 knows a probability next to 1 to 1e-16, its logarithm of 1.2e-7 to 1e-9 of itself
    assert clipped_logistic_forward(f, labels)[0] == pytest.approx(expected, rel=1e-8)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_clipped_examples_do_not_push(dtype):
    """Beyond the kinks, and at them, the gradient is exactly 0; just before, that of the exact loss."""
    most = dtype(MOST)
    f = np.array([most, np.nextafter(most, dtype(0)), -most, -1.001 * most, 40, -40, 1], dtype)
    labels = np.ones(len(f), np.int64)
    value, cache = clipped_logistic_forward(f, labels)
    assert value.dtype == dtype and clipped_logistic_forward(f[4:5], labels[:1])[0] == pytest.approx(
        1.1920930e-7, rel=1e-6)  # the smallest training loss of the article's table
    gradient = clipped_logistic_backward(dtype(1), cache)
    assert gradient.dtype == dtype and (gradient[[0, 2, 3, 4, 5]] == 0).all()
    exact = logistic_backward(dtype(1), logistic_forward(f, labels)[1])
    np.testing.assert_allclose(gradient[[1, 6]], exact[[1, 6]], rtol=1e-12)
    assert gradient[1] < 0


def test_hinge_at_its_kink_has_no_gradient():
    forward, backward, *_ = LOSSES["hinge"]
    value, cache = forward(np.array([1.0, -1.0, 0.5]), np.array([1, 0, 1]))
    assert value == pytest.approx(0.5 / 3)
    np.testing.assert_allclose(backward(1.0, cache), [0, 0, -1 / 3])


@given(f=st.lists(st.floats(-1e4, 1e4), min_size=1, max_size=5), seed=st.integers(0, 9))
def test_logistic_loss_is_exact_in_float32(f, seed):
    """Beside SciPy's log_expit in float64: relative, also where the loss is 1e-20."""
    f = np.array(f, np.float32)
    labels = np.random.default_rng(seed).integers(2, size=len(f))
    value, cache = logistic_forward(f, labels)
    margins = (2 * labels - 1) * f.astype(np.float64)
    assert value == pytest.approx(-log_expit(margins).mean(), rel=1e-5, abs=1e-37)
    np.testing.assert_allclose(logistic_backward(1.0, cache), -(2 * labels - 1) * np.exp(log_expit(-margins)) / len(f),
                               rtol=1e-5, atol=1e-37)


@pytest.mark.parametrize(("n", "k"), [(1, 1), (3, 3), (4, 3), (6, 5), (8, 8), (10, 1)])
def test_exact_parity_on_every_string(n, k):
    model, params = exact_parity(n, k)
    bits = np.array(list(product([0, 1], repeat=n)))
    f, _ = model.forward(params, bits)
    np.testing.assert_allclose(f, 2 * (bits[:, :k].sum(axis=1) % 2) - 1, atol=1e-10)
    assert model.n_hidden == k + 1


train_members = partial(ensemble.train_members, loss="logistic")


def small(seed):
    return SparseParity(n_bits=8, k=2, train_size=40, test_size=50, seed=seed)


OPTIMIZER = AdamW(lr=0.01, betas=(0.9, 0.98), weight_decay=0.1)


@pytest.mark.parametrize("penalty", ["l2", "l1"])
def test_members_learn_what_they_learn_alone(penalty, monkeypatch):
    """To rounding: the histories and weights of five networks together and one by one; any grouping."""
    model, optimizer = BitMLP(8, 6), AdamW(lr=0.01, betas=(0.9, 0.98), weight_decay=0.01, penalty=penalty)
    together = train_members(model, [small(s) for s in range(5)], optimizer, 60, range(5), log_every=20,
                             dtype="float64")
    monkeypatch.setattr("grok_np.learning.ensemble.GROUP_SIZE", 1)
    apart = train_members(model, [small(s) for s in range(5)], optimizer, 60, range(5), log_every=20, dtype="float64")
    for seed in range(5):
        alone = train(model, small(seed), optimizer, 60, seed, loss="logistic", dtype="float64", log_every=20,
                      progress=False)
        for members in (together, apart):
            assert members.step.tolist() == [0, 20, 40, 60]
            for name, weights in alone.params.items():
                np.testing.assert_allclose(members.params[name][seed], weights, rtol=1e-9, atol=1e-12)
            for name, values in members.history.items():
                here = np.isin(alone.history["step"], members.step)
                np.testing.assert_allclose(values[:, seed], alone.history[name][here], rtol=1e-9)


def test_members_that_are_stopped_leave_and_the_others_do_not_notice():
    model = BitMLP(8, 6)
    tasks = [small(s) for s in range(4)]
    everyone = train_members(model, tasks, OPTIMIZER, 60, range(4), log_every=20, dtype="float64")
    asked = []

    def stop(history):
        asked.append(history["train_loss"].shape)
        return np.arange(history["train_loss"].shape[1]) == 1 if len(history["train_loss"]) == 2 else np.zeros(
            history["train_loss"].shape[1], bool)

    some = train_members(model, tasks, OPTIMIZER, 60, range(4), log_every=20, dtype="float64", stop=stop)
    assert asked == [(1, 4), (2, 4), (3, 3)]
    assert np.isnan(some.history["test_loss"][:, 1]).tolist() == [False, False, True, True]
    for i in (0, 2, 3):
        np.testing.assert_allclose(some.history["test_loss"][:, i], everyone.history["test_loss"][:, i], rtol=1e-9)
        np.testing.assert_allclose(some.params["W_in"][i], everyone.params["W_in"][i], rtol=1e-9)
    gone = train_members(model, tasks, OPTIMIZER, 60, range(4), log_every=20, stop=lambda history: np.ones(4, bool))
    assert gone.step.tolist() == [0]


def test_a_run_of_sparse_parity_has_a_folder_like_any_other(tmp_path):
    run = train(BitMLP(8, 6), small(0), OPTIMIZER, 30, 0, tmp_path / "run", loss="hinge", progress=False)
    again = load_run(tmp_path / "run")
    assert again.model == run.model and again.task == run.task
    np.testing.assert_array_equal(again.params["W_in"], run.params["W_in"])


def test_bad_arguments_are_named():
    with pytest.raises(ValueError, match="loss must be one of logistic, .* got 'cross_entropy'"):
        train(BitMLP(8, 6), small(0), steps=1)
    with pytest.raises(ValueError, match="model.n_bits must be the task's n_bits = 8, got 7"):
        train(BitMLP(7, 6), small(0), steps=1)
    with pytest.raises(ValueError, match=r"inputs must be an integer array \(\.\.\., B, 8\)"):
        train(BitMLP(8, 6), ModularArithmetic(8), steps=1)
    with pytest.raises(ValueError, match="k must be at most n_bits = 3, got 4"):
        SparseParity(3, 4)
    with pytest.raises(ValueError, match="inputs must be 0 and 1, got 'values from 0 to 2'"):
        BitMLP(2, 3).index(np.array([[0, 2]]))
    with pytest.raises(ValueError, match=r"inputs must be an integer array \(..., B, 2\)"):
        BitMLP(2, 3).index(np.array([[0, 1, 1]]))
    with pytest.raises(ValueError, match=r"seeds must be one per task, 1, and one at least, got \[1, 2\]"):
        train_members(BitMLP(8, 6), [small(0)], OPTIMIZER, 10, [1, 2])
    assert predict_sign(np.array([-1.0, 2.0])).tolist() == [0, 1]
