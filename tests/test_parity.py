"""Sparse parity: the bit network, its losses, the exact solution, and many networks at once."""

from functools import partial
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import log_expit

from grok_np import AdamW, BitMLP, ModularArithmetic, SparseParity, gradcheck, load_run, strategies, train
from grok_np.analytic.parity import exact_parity
from grok_np.layers import LOSSES, logistic_backward, logistic_forward, predict_sign
from grok_np.learning import ensemble


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
    model = BitMLP(n, h, data.draw(st.sampled_from(["square", "gelu"])))
    params = {name: data.draw(strategies.arrays((*lead, *shape))) for name, shape in model.shapes.items()}
    bits = data.draw(strategies.hnp.arrays(np.int64, (*lead, B, n), elements=st.integers(0, 1)))
    x = model.index(bits, np.float64)
    gradcheck.check_gradients(lambda **w: model.mix_forward(w, x), model.mix_backward, params)


def test_relu_gradients_away_from_the_kink():
    model, rng = BitMLP(5, 4), np.random.default_rng(3)
    params = {name: rng.normal(size=shape) for name, shape in model.shapes.items()}
    bits = rng.integers(2, size=(6, 5))
    assert np.abs(model.index(bits, np.float64) @ params["W_in"]).min() > 1e-3
    x = model.index(bits, np.float64)
    gradcheck.check_gradients(lambda **w: model.mix_forward(w, x), model.mix_backward, params)


@pytest.mark.parametrize("name", [name for name, loss in LOSSES.items() if loss.one_output])
@given(data=st.data())
def test_binary_loss_gradients(name, data):
    shape = data.draw(st.sampled_from([(4,), (2, 3)]))
    f = data.draw(strategies.arrays(shape, away_from_zero=1e-3))
    labels = data.draw(strategies.hnp.arrays(np.int64, shape, elements=st.integers(0, 1)))
    margins = (2 * labels - 1) * f
    f = np.where(np.abs(margins - 1) < 1e-3, 2 * f, f)  # the hinge's kink
    forward, backward, *_ = LOSSES[name]
    gradcheck.check_gradients(lambda f: forward(f, labels), backward, [f])


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
