"""Extremes: finite numbers, or an error that names the step; never a warning (pytest makes them errors).

    HYPOTHESIS_PROFILE=thorough pytest tests/test_numerics.py
    GROK_NP_ARCHITECTURES=5000 pytest -s tests/test_numerics.py        gradients of 5,000 networks instead of 50
"""

import os
import re
import time
from collections import defaultdict

import numpy as np
import pytest
from draws import OURS
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from grok_np import (
    MLP,
    SGD,
    AdamW,
    BitMLP,
    DivergedError,
    ModularArithmetic,
    SparseParity,
    Transformer,
    analytic,
    load_run,
    train,
)
from grok_np.gradcheck import check
from grok_np.layers import LOSSES, softmax_backward, softmax_forward
from grok_np.learning.training import loss_and_gradients, make_shards
from grok_np.networks.deep import DeepMLP, DeepTransformer
from grok_np.networks.mlp import FACTORINGS, mix_forward
from grok_np.networks.transformer import LAYOUTS

ARCHITECTURES = int(os.environ.get("GROK_NP_ARCHITECTURES", "50"))
MULTICLASS = sorted(name for name, loss in LOSSES.items() if not loss.one_output)
# Beyond these the square of a float32, of which mean_squared_error is made, is no longer one.
HUGE = {np.float32: 2.0**60, np.float64: 2.0**500}


@pytest.mark.parametrize("dtype", HUGE)
@pytest.mark.parametrize("loss", LOSSES)
@given(data=st.data())
def test_losses_of_huge_logits(data, loss, dtype):
    shape, n_classes = ((3,), 2) if LOSSES[loss].one_output else ((3, 4), 4)
    numbers = st.floats(-HUGE[dtype], HUGE[dtype], width=32 if dtype == np.float32 else 64)
    logits = data.draw(hnp.arrays(dtype, shape, elements=numbers, fill=st.nothing()))
    labels = data.draw(hnp.arrays(np.int64, 3, elements=st.integers(0, n_classes - 1)))
    forward, backward, *_ = LOSSES[loss]
    value, cache = forward(logits, labels)
    gradient = backward(1.0, cache)
    assert np.isfinite(value) and value >= 0 and np.isfinite(gradient).all() and gradient.dtype == dtype
    if loss != "mean_squared_error":
        assert np.abs(gradient).max() <= 1 / 3 + 1e-6
    if loss == "cross_entropy":
        np.testing.assert_allclose(gradient.sum(axis=1), 0, atol=1e-6)


@given(hnp.arrays(np.float32, (2, 5), elements=st.floats(-(2.0**127), 2.0**127, width=32), fill=st.nothing()))
def test_softmax_of_huge_scores(scores):
    with np.errstate(over="ignore"):  # a difference may be -inf, whose exponential is the 0 that it should be
        out, cache = softmax_forward(scores)
    assert np.isfinite(out).all() and np.isfinite(softmax_backward(np.ones_like(out), cache)).all()
    np.testing.assert_allclose(out.sum(axis=1), 1, rtol=1e-5)


def networks(p):
    return st.one_of(
        st.builds(MLP, st.just(p), st.just(2), st.integers(1, 4), st.sampled_from(OURS),
                  st.sampled_from(sorted(FACTORINGS)), st.booleans(),
                  init_scale=st.sampled_from([1e-20, 1e-3, 1.0, 1e3, 1e9])),
        st.builds(DeepMLP, st.just(p), st.just(2), st.integers(1, 4)),
        st.builds(Transformer, st.just(p), st.just(4), st.just(2), st.integers(0, 4), layout=st.sampled_from(LAYOUTS)),
        st.builds(DeepTransformer, st.just(p), st.just(4), st.just(2), st.integers(0, 4)))


optimizers = st.one_of(
    st.builds(AdamW, st.sampled_from([1e-9, 1e-3, 1.0, 1e3, 1e30, 1e300]), weight_decay=st.sampled_from([0, 1, 1e6])),
    st.builds(SGD, st.sampled_from([1e-9, 1.0, 1e4, 1e30]), st.sampled_from([0.0, 0.9, 0.999])))


def finite_or_diverged(*arguments, **options):
    """The run, all of it finite; None if it diverged, and said at which step."""
    try:
        run = train(*arguments, steps=12, log_every=3, progress=False, threads=1, **options)
    except DivergedError as error:
        step = int(re.search(r"after step (\d+): ", str(error)).group(1))  # at step 0 no lr has been used
        assert ("try a smaller lr" if step else "look at the first weights") in str(error)
        return None
    assert np.isfinite(run.history["train_loss"]).all()
    return run


@given(data=st.data(), p=st.sampled_from([2, 3, 5]), size=st.sampled_from(["one", "half", "all but one"]),
       dtype=st.sampled_from(["float32", "float64"]), loss=st.sampled_from(MULTICLASS))
def test_training_is_finite_or_says_that_it_diverged(data, p, size, dtype, loss):
    fraction = {"one": 1.1 / p**2, "half": 0.5, "all but one": 1 - 0.9 / p**2}[size]
    task = ModularArithmetic(p, train_fraction=fraction)
    assert len(task.split().train_labels) == {"one": 1, "half": p**2 // 2, "all but one": p**2 - 1}[size]
    finite_or_diverged(data.draw(networks(p)), task, data.draw(optimizers), dtype=dtype, loss=loss)


@pytest.mark.parametrize("dtype, diverges", [("float32", True), ("float64", False)])
def test_first_weights_too_large_for_the_loss(dtype, diverges):
    """Weights near 1e9 make scores near 1e27, whose square float32 does not hold: said at step 0, before any update."""
    model, task = MLP(2, 2, 1, "abs", init_scale=1e9), ModularArithmetic(2, train_fraction=0.3)
    run = finite_or_diverged(model, task, AdamW(1e-9, weight_decay=0), dtype=dtype, loss="mean_squared_error")
    assert (run is None) == diverges
    # A product of the very first forward, by which the task is tried, overflows.
    model = MLP(2, 2, 1, "square", "collapsed_output", init_scale=1e9)
    assert (finite_or_diverged(model, task, AdamW(1e-9, weight_decay=0), dtype=dtype) is None) == diverges


@given(optimizer=optimizers, loss=st.sampled_from(sorted(set(LOSSES) - set(MULTICLASS))),
       dtype=st.sampled_from(["float32", "float64"]))
def test_parity_training_is_finite_or_says_that_it_diverged(optimizer, loss, dtype):
    finite_or_diverged(BitMLP(3, 4), SparseParity(3, 2, 1, 1), optimizer, loss=loss, dtype=dtype)


@pytest.mark.parametrize("lr", [1e-3, 1e-1])
def test_usual_settings_do_not_diverge(lr):
    for model in (MLP(5, 3, 4), Transformer(5, 4, 2, 4), DeepTransformer(5, 4, 2, 4)):
        run = finite_or_diverged(model, ModularArithmetic(5), AdamW(lr, weight_decay=0))
        assert run is not None and all(np.isfinite(W).all() for W in run.params.values())


def test_what_has_diverged_is_neither_saved_nor_returned(tmp_path):
    """Also in the last step, and in a step at which a checkpoint is due."""
    model, task, steps = MLP(5, 3, 4), ModularArithmetic(5), set()
    for n in range(1, 6):
        try:
            train(model, task, SGD(1e4), n, out=tmp_path / str(n), checkpoint_every=1, progress=False)
        except DivergedError as error:
            steps.add(str(error))
            assert "keeps what was saved before" in str(error)
        run = load_run(tmp_path / str(n))
        assert all(np.isfinite(W).all() for W in run.params.values()) and np.isfinite(run.history["train_loss"]).all()
    assert steps


def test_a_large_modulus():
    """p = 1009: a split of a million pairs, one gradient, and an exact star."""
    split = ModularArithmetic(1009, train_fraction=0.002).split()
    assert len(split.train_labels) == int(0.002 * 1009**2) and len(split.test_labels) + 2036 == 1009**2
    for model in (MLP(1009, 8, 6), Transformer(1009, 8, 2, 6)):
        params = model.init(np.random.default_rng(0))
        shards = make_shards(model, split.train_inputs, split.train_labels, np.float32)
        gradients = {name: np.empty_like(W) for name, W in params.items()}
        value = loss_and_gradients(model, params, shards, LOSSES["cross_entropy"], gradients)
        assert abs(value - np.log(1009)) < 1 and all(np.isfinite(g).all() for g in gradients.values())
    logits, _ = mix_forward(analytic.star(1009, 3), split.train_inputs)
    np.testing.assert_array_equal(logits.argmax(axis=1), split.train_labels)


def test_nothing_held_out_and_nothing_to_train_on():
    run = finite_or_diverged(MLP(5, 3, 4), ModularArithmetic(5, train_fraction=1.0), AdamW())
    assert np.isnan(run.history["test_loss"]).all() and len(run.split.train_labels) == 25
    with pytest.raises(ValueError, match="train_fraction must be large enough for one training pair"):
        ModularArithmetic(5, train_fraction=0.01)


def draw_architecture(rng):
    """A small network of any kind; where the activation has a kink, with all pre-activations away from it."""
    p, kind = int(rng.integers(2, 5)), rng.choice(["MLP", "DeepMLP", "Transformer", "DeepTransformer", "BitMLP"])
    smooth = str(rng.choice(["gelu", "square"]))
    flags = {"separate_vocabularies": bool(rng.integers(2)), "causal": bool(rng.integers(2)),
             "layout": str(rng.choice(LAYOUTS)), "attention_rate": float(rng.choice([0, 0.4, 1])), "activation": smooth}
    heads, wide = int(rng.integers(1, 3)), [int(n) for n in rng.integers(1, 4, 3)]
    if kind == "MLP":
        factoring = str(rng.choice(sorted(FACTORINGS)))
        p += (p == 2 and factoring == "circular")  # two opposite tokens add up to 0: output and gradients are rounding
        model = MLP(p, 2 if factoring == "circular" else wide[0], wide[1], str(rng.choice(OURS)),
                    factoring, bool(rng.integers(2)))
    elif kind == "BitMLP":
        model = BitMLP(p, wide[0], smooth)
    elif kind == "DeepMLP":
        model = DeepMLP(p, wide[0], wide[1], smooth)
    elif kind == "Transformer":
        model = Transformer(p, heads * wide[0], heads, wide[1] - 1, **flags)
    else:
        flags["activation"] = "gelu"  # squares of squares grow too fast for differences
        model = DeepTransformer(p, heads, heads, wide[1] - 1, **flags, n_layers=int(rng.integers(1, 3)))
    params = {name: rng.normal(scale=0.5, size=shape) for name, shape in model.shapes.items()}
    inputs = rng.integers(0, 2, (4, p)) if kind == "BitMLP" else rng.integers(0, p, (wide[2], 2))
    if getattr(model, "activation", None) in ("relu", "abs"):
        weights, (a, b) = model.effective(params), inputs.T
        if np.abs(weights.A[a] + weights.B[b] + weights.bias).min() < 1e-3:
            return draw_architecture(rng)
    return kind, model, params, inputs


def test_gradients_of_drawn_architectures():
    rng, worst, count, started = np.random.default_rng(0), defaultdict(float), defaultdict(int), time.monotonic()
    for _ in range(ARCHITECTURES):
        kind, model, params, inputs = draw_architecture(rng)
        error = check(lambda **w: model.forward(w, inputs), model.backward, params).worst  # noqa: B023
        worst[kind], count[kind] = max(worst[kind], error), count[kind] + 1
    for kind in sorted(count):
        print(f"{kind}: {count[kind]} networks, worst relative error {worst[kind]:.1e}")
    print(f"{ARCHITECTURES} networks in {time.monotonic() - started:.0f} s")
    assert len(count) == 5
