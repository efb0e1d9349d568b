"""Two stages and the general layers are one network: values, gradients, training."""

import draws
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grok_np import AdamW, ModularArithmetic, Transformer, load_run, train
from grok_np.gradcheck import GradientError, check
from grok_np.layers import cross_entropy_backward, cross_entropy_forward
from grok_np.networks.deep import DeepMLP, DeepTransformer, blocks, general_backward, general_forward


def by_definition(model, params, inputs):
    """The same network through the general layers."""
    return general_forward(params, model.tokens(inputs), activation=model.activation, causal=model.causal,
                           attention_rate=model.attention_rate)


def largest_difference(first, second):
    """Largest entry of the difference, relative to the largest entry of the second; per name for dicts."""
    if isinstance(second, dict):
        assert first.keys() == second.keys()
        return max(largest_difference(first[name], second[name]) for name in second)
    assert first.shape == second.shape
    return np.abs(first - second).max() / max(np.abs(second).max(), 1e-3) if second.size else 0


@given(data=st.data(), seed=st.integers(0, 1000))
def test_two_stages_agree_with_the_general_layers(data, seed):
    """Random shapes: to 1e-12 in float64, to 1e-5 in float32, logits and every gradient."""
    n_heads = data.draw(st.integers(1, 4))
    model = Transformer(p=data.draw(st.integers(2, 9)), d_model=n_heads * data.draw(st.integers(1, 8)), n_heads=n_heads,
                        d_mlp=data.draw(st.integers(0, 30)), activation=data.draw(st.sampled_from(["relu", "gelu"])),
                        layout=data.draw(st.sampled_from(["a b =", "a b"])),
                        attention_rate=data.draw(st.floats(0, 1)), separate_vocabularies=data.draw(st.booleans()))
    rng = np.random.default_rng(seed)
    params = {name: rng.normal(size=shape) / np.sqrt(model.d_model) for name, shape in model.shapes.items()}
    inputs = rng.integers(0, model.p, (data.draw(st.integers(1, 20)), 2))
    dlogits = rng.normal(size=(len(inputs), model.d_vocab))
    expected, expected_cache = by_definition(model, params, inputs)
    expected_grads = general_backward(dlogits, expected_cache)
    for dtype, tolerance in ((np.float64, 1e-12), (np.float32, 1e-5)):
        cast = {name: W.astype(dtype) for name, W in params.items()}
        logits, cache = model.forward(cast, inputs)
        grads = model.backward(dlogits.astype(dtype), cache)
        assert logits.dtype == dtype and all(g.dtype == dtype for g in grads.values())
        assert largest_difference(logits, expected) < tolerance
        # A ReLU whose input is within rounding of 0 may switch in float32; then the gradient is another one. And where
        # attention hardly matters, the one for W_Q is a difference of large numbers: rounding is as large as they are.
        if dtype == np.float64:
            assert largest_difference(grads, expected_grads) < 10 * tolerance
        elif model.activation == "gelu":
            flat, expected_flat = (np.concatenate([one[name].ravel() for name in model.shapes])
                                   for one in (grads, expected_grads))
            assert largest_difference(flat, expected_flat) < 10 * tolerance


@given(draws.transformers())
def test_gradients(drawn):
    model, params, inputs = drawn
    check(lambda **w: model.forward(w, inputs), model.backward, params)


@given(draws.transformers())
def test_gradients_of_the_general_layers(drawn):
    model, params, inputs = drawn
    check(lambda **w: by_definition(model, w, inputs), general_backward, params)


def two_layers():
    """Weights of a small network of two layers, and tokens."""
    rng = np.random.default_rng(0)
    one = {"W_Q": (2, 4, 2), "W_K": (2, 4, 2), "W_V": (2, 4, 2), "W_O": (2, 2, 4), "W_in": (4, 5), "b_in": (5,),
           "W_out": (5, 4), "b_out": (4,)}
    shapes = {"W_E": (6, 4), "W_pos": (3, 4), "W_U": (4, 6)} | {f"{n}.{i}": s for i in (0, 1) for n, s in one.items()}
    return {name: rng.normal(size=shape) for name, shape in shapes.items()}, rng.integers(0, 6, (5, 3))


@pytest.mark.parametrize("causal", [True, False])
def test_gradients_of_two_layers(causal):
    params, tokens = two_layers()
    assert len(blocks(params)) == 2
    check(lambda **w: general_forward(w, tokens, activation="gelu", causal=causal, attention_rate=0.6),
                    general_backward, params)


def test_causality_matters_in_two_layers_only():
    params, tokens = two_layers()
    logits = [general_forward(params, tokens, causal=causal)[0] for causal in (True, False)]
    assert np.abs(logits[0] - logits[1]).max() > 1e-3
    model = Transformer(p=5, d_model=4, n_heads=2, d_mlp=3)
    params = model.init(np.random.default_rng(0), np.float64)
    logits = [general_forward(params, model.tokens([[1, 2], [0, 4]]), causal=causal)[0] for causal in (True, False)]
    np.testing.assert_allclose(logits[0], logits[1], atol=1e-14)


@pytest.mark.parametrize("name", Transformer(p=5, d_model=4, n_heads=2, d_mlp=3).shapes)
def test_each_gradient_off_by_a_thousandth_is_rejected(name):
    model = Transformer(p=5, d_model=4, n_heads=2, d_mlp=3, activation="gelu")
    params, inputs = model.init(np.random.default_rng(0), np.float64), [[0, 1], [4, 4], [2, 3]]

    def wrong(dlogits, cache):
        grads = model.backward(dlogits, cache)
        return grads | {name: 1.001 * grads[name]}

    with pytest.raises(GradientError, match=name):
        check(lambda **w: model.forward(w, inputs), wrong, params)


@pytest.mark.parametrize("model", [DeepTransformer(p=5, d_model=4, n_heads=2, d_mlp=6, activation="gelu"),
                                   DeepTransformer(p=5, d_model=4, n_heads=2, d_mlp=0, layout="a b", n_layers=3),
                                   DeepMLP(p=5, d_embed=4, n_hidden=3, activation="gelu")])
def test_deep_models_keep_the_protocol(model):
    params = {name: 0.7 * np.random.default_rng(0).normal(size=shape) for name, shape in model.shapes.items()}
    inputs = [[0, 1], [4, 4], [2, 3]]
    check(lambda **w: model.forward(w, inputs), model.backward, params)
    run = train(model, ModularArithmetic(5, train_fraction=0.6), AdamW(lr=1e-2, weight_decay=0.0), 200, progress=False)
    assert run.history["train_loss"][-1] < run.history["train_loss"][0] / 2


def test_tokens_of_every_layout():
    pairs = [[3, 4]]
    assert Transformer(p=5).tokens(pairs).tolist() == [[3, 4, 5]]
    assert Transformer(p=5, layout="a b").tokens(pairs).tolist() == [[3, 4]]
    assert Transformer(p=5, layout="a b", separate_vocabularies=True).tokens(pairs).tolist() == [[3, 9]]
    assert Transformer(p=5, separate_vocabularies=True).tokens(pairs).tolist() == [[3, 9, 10]]


def test_mainline_shapes_and_initial_widths():
    model = Transformer(p=113)
    params = model.init(np.random.default_rng(0))
    assert {name: W.shape for name, W in params.items()} == {
        "W_E": (114, 128), "W_pos": (3, 128), "W_Q": (4, 128, 32), "W_K": (4, 128, 32), "W_V": (4, 128, 32),
        "W_O": (4, 32, 128), "W_in": (128, 512), "b_in": (512,), "W_out": (512, 128), "b_out": (128,),
        "W_U": (128, 114)}
    np.testing.assert_allclose(params["W_in"].std(), 128**-0.5, rtol=0.02)
    np.testing.assert_allclose(params["W_U"].std(), 114**-0.5, rtol=0.02)
    assert not params["b_in"].any() and not params["b_out"].any()


@pytest.mark.parametrize("layout", ["a b =", "a b"])
def test_it_learns_saves_and_comes_back(tmp_path, layout):
    model = Transformer(p=7, d_model=16, n_heads=2, d_mlp=32, layout=layout)
    task = ModularArithmetic(7, train_fraction=0.7)
    run = train(model, task, AdamW(lr=5e-3, weight_decay=0.3, warmup_steps=10), 300, out=tmp_path / "run",
                checkpoint_every=100, progress=False)
    assert run.history["train_accuracy"][-1] == 1 and run.history["train_loss"][-1] < 0.05
    again = load_run(tmp_path / "run")
    assert again.model == model and all(np.array_equal(again.params[name], W) for name, W in run.params.items())


def test_initial_loss_is_near_a_uniform_guess():
    task, model = ModularArithmetic(113, train_fraction=0.3), Transformer(p=113)
    split = task.split()
    logits, _ = model.forward(model.init(np.random.default_rng(0)), split.train_inputs)
    loss, cache = cross_entropy_forward(logits, split.train_labels)
    np.testing.assert_allclose(loss, np.log(114), rtol=0.1)
    assert cross_entropy_backward(1.0, cache).shape == (3830, 114)


@pytest.mark.parametrize(("arguments", "message"), [
    ({"layout": "b a"}, "layout must be one of"),
    ({"attention_rate": 2}, r"attention_rate must be in \[0, 1\], got 2"),
    ({"n_heads": 0}, "n_heads must be an integer >= 1, got 0"),
    ({"n_heads": 200}, "n_heads must be at most d_model = 128, got 200"),
    ({"activation": "tanh"}, "activation must be one of"),
    ({"d_mlp": -1}, "d_mlp must be an integer >= 0, got -1"),
])
def test_bad_arguments_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        Transformer(**arguments)


@pytest.mark.parametrize(("initialisation", "variance"), [("nanda", 1 / 64), ("pizza", 1 / 256)])
def test_initial_widths(initialisation, variance):
    model = Transformer(59, d_model=64, d_mlp=256, initialisation=initialisation)
    params = model.init(np.random.default_rng(0), np.float64)
    assert params["W_in"].var() == pytest.approx(variance, rel=0.05)
    assert params["W_E"].var() == pytest.approx(1 / 64, rel=0.05)
    assert params["W_U"].var() == pytest.approx(1 / 60, rel=0.05)
    assert not params["b_in"].any()
    with pytest.raises(ValueError, match="initialisation must be one of nanda, pizza, got 'zeros'"):
        Transformer(initialisation="zeros")
