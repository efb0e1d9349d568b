"""The two-stage MLP: gradients of every factoring, and agreement with the one-hot definition written out."""

import draws
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grok_np import MLP
from grok_np.gradcheck import GradientError, check
from grok_np.layers import ACTIVATIONS, LOSSES
from grok_np.networks.factorings import FACTORINGS
from grok_np.networks.initial import TRUNCATED_STD, circular_embedding
from grok_np.networks.mlp import Effective, mix_backward, mix_forward


def small_model(factoring, **options):
    return MLP(p=5, d_embed=2 if factoring == "circular" else 3, n_hidden=4, factoring=factoring, **options)


def from_one_hot(model, params, inputs):
    """The network as the works describe it: one-hot vectors through every matrix, nothing folded."""
    W = params | model.frozen
    one_a, one_b = (np.eye(model.p)[column] for column in np.asarray(inputs).T)
    pre = {
        "tied": lambda: (one_a @ W["W_E"] + one_b @ W["W_E"]) @ W["W_in"],
        "input_tied": lambda: (one_a @ W["W_E"] + one_b @ W["W_E"]) @ W["W_in"],
        "untied": lambda: (one_a @ W["W_E_a"] + one_b @ W["W_E_b"]) @ W["W_in"],
        "untied_hidden": lambda: one_a @ W["W_E"] @ W["W_in_a"] + one_b @ W["W_E"] @ W["W_in_b"],
        "collapsed_input": lambda: (one_a + one_b) @ W["W_in"],
        "collapsed_output": lambda: (one_a @ W["W_E"] + one_b @ W["W_E"]) @ W["W_in"],
        "collapsed": lambda: (one_a + one_b) @ W["W_in"],
        "one_hot": lambda: np.hstack([one_a, one_b]) @ np.vstack([W["W_in_a"], W["W_in_b"]]),
        "circular": lambda: (one_a @ W["W_E"] + one_b @ W["W_E"]) @ W["W_in"],
        "concatenated": lambda: np.hstack([one_a @ W["W_E"], one_b @ W["W_E"]])
        @ np.vstack([W["W_in_a"], W["W_in_b"]]),
        "two_embeddings": lambda: (one_a @ W["W_E_a"] + one_b @ W["W_E_b"]) @ W["W_in"],
    }[model.factoring]() + W.get("b_in", 0)
    post, _ = ACTIVATIONS[model.activation][0](pre)
    if model.factoring in ("collapsed_output", "collapsed", "one_hot", "concatenated", "two_embeddings"):
        return post @ W["W_out"]
    return post @ W["W_out"] @ (W["W_U"] if "W_U" in W else W["W_E"].T)


@pytest.mark.parametrize("factoring", FACTORINGS)
@given(data=st.data())
def test_gradients_of_every_factoring(factoring, data):
    model, params, inputs = data.draw(draws.mlps(factoring=factoring))
    check(lambda **w: model.forward(w, inputs), model.backward, params)


@pytest.mark.parametrize("loss", [name for name, loss in LOSSES.items() if not loss.one_output])
@given(data=st.data())
def test_gradients_of_the_whole_loss(loss, data):
    model, params, inputs = data.draw(draws.mlps())
    labels = data.draw(draws.labels(model.p, len(inputs)))
    forward, backward, *_ = LOSSES[loss]

    def whole_forward(**weights):
        logits, cache = model.forward(weights, inputs)
        value, loss_cache = forward(logits, labels)
        return value, (cache, loss_cache)

    check(whole_forward, lambda d, caches: model.backward(backward(d, caches[1]), caches[0]), params)


@given(st.data())
def test_gradients_of_the_mix(data):
    p, h, n_classes = data.draw(draws.shapes(3))
    weights = {"A": (p, h), "B": (p, h), "bias": (h,), "C": (h, n_classes)}
    weights = {name: data.draw(draws.arrays(shape)) for name, shape in weights.items()}
    inputs = data.draw(draws.pairs(p))
    check(lambda **w: mix_forward(Effective(**w, activation="gelu"), inputs), mix_backward, weights)


@given(draws.mlps())
def test_two_stages_are_the_network(drawn):
    model, params, inputs = drawn
    logits, _ = model.forward(params, inputs)
    expected = from_one_hot(model, params, inputs)
    np.testing.assert_allclose(logits, expected, rtol=1e-12, atol=1e-12 * np.abs(expected).max())


@pytest.mark.parametrize("part", ["A", "B", "bias", "C"])
def test_a_wrong_mix_gradient_is_rejected(part):
    """Each of the four gradients, scaled by 1.001, turns the check red: none is covered up by the others."""
    rng = np.random.default_rng(0)
    model = small_model("one_hot", bias=True, activation="gelu")
    params, inputs = model.init(rng, np.float64), [[0, 1], [3, 3], [4, 0]]

    def wrong(dlogits, cache):
        gradients, out = mix_backward(dlogits, cache.mix), {name: np.empty_like(W) for name, W in params.items()}
        model.effective_backward(gradients | {part: 1.001 * gradients[part]}, cache.params, out)
        return out

    check(lambda **w: model.forward(w, inputs), model.backward, params)
    with pytest.raises(GradientError):
        check(lambda **w: model.forward(w, inputs), wrong, params)


@pytest.mark.parametrize("factoring", FACTORINGS)
def test_shapes_dtypes_and_shared_weights(factoring):
    model = small_model(factoring, bias=True)
    params = model.init(np.random.default_rng(0), np.float32)
    logits, cache = model.forward(params, [[1, 2], [0, 4]])
    grads = model.backward(np.ones_like(logits), cache)
    assert logits.shape == (2, 5) and logits.dtype == np.float32
    assert {name: g.shape for name, g in grads.items()} == {name: w.shape for name, w in params.items()}
    assert list(grads) == list(params) == list(model.shapes)
    assert all(g.dtype == np.float32 for g in grads.values())
    weights = model.effective(params)
    assert weights.A.shape == weights.B.shape == (5, 4) and weights.bias.shape == (4,) and weights.C.shape == (4, 5)
    symmetric = model.forward(params, [[3, 1]])[0], model.forward(params, [[1, 3]])[0]
    shared = factoring in ("tied", "input_tied", "collapsed_input", "collapsed_output", "collapsed", "circular")
    assert np.allclose(*symmetric) == shared


def test_article_initialisation():
    """Widths of the article: embedding variance 2/67 after truncation; the maps 1/fan_in before it."""
    params = MLP().init(np.random.default_rng(0), np.float64)
    assert params["W_E"].shape == (67, 500)
    np.testing.assert_allclose(params["W_E"].std(), np.sqrt(2 / 67), rtol=0.02)
    np.testing.assert_allclose(params["W_in"].std(), TRUNCATED_STD / np.sqrt(500), rtol=0.03)
    np.testing.assert_allclose(params["W_out"].std(), TRUNCATED_STD / np.sqrt(24), rtol=0.03)
    assert np.abs(params["W_in"]).max() <= 2 / np.sqrt(500)
    np.testing.assert_allclose(TRUNCATED_STD, 0.87962566103423978, rtol=1e-14)  # the constant quoted by JAX
    norm = np.sqrt(sum((w**2).sum() for w in params.values()))
    np.testing.assert_allclose(norm, 37.4, rtol=0.02)  # the article's own run starts at 37.4


def test_gromov_initialisation_and_common_scale():
    model = MLP(p=97, n_hidden=500, factoring="one_hot", activation="square", initialisation="gromov")
    params = model.init(np.random.default_rng(0), np.float64)
    np.testing.assert_allclose(params["W_in_a"].std(), 0.5 / 1000 ** (1 / 3), rtol=0.02)
    doubled = MLP(p=97, n_hidden=500, factoring="one_hot", activation="square", initialisation="gromov", init_scale=2)
    for name, W in doubled.init(np.random.default_rng(0), np.float64).items():
        np.testing.assert_array_equal(W, 2 * params[name])


@given(st.integers(2, 50))
def test_circular_embedding_is_one_turn_of_unit_columns(p):
    circle = circular_embedding(p)
    gram = circle.T @ circle
    np.testing.assert_allclose(gram, np.eye(2) if p > 2 else [[1, 0], [0, 0]], atol=1e-12)
    angles = np.unwrap(np.arctan2(circle[:, 1], circle[:, 0]))
    if p > 2:
        np.testing.assert_allclose(np.diff(angles), 2 * np.pi / p, rtol=1e-9)


@pytest.mark.parametrize(("arguments", "message"), [
    ({"p": 1}, "p must be an integer >= 2"),
    ({"n_hidden": 0}, "n_hidden must be an integer >= 1"),
    ({"activation": "tanh"}, "activation must be one of relu, square, abs, gelu, got 'tanh'"),
    ({"factoring": "twisted"}, "factoring must be one of tied, .*, got 'twisted'"),
    ({"initialisation": "zeros"}, "initialisation must be one of article, gromov, pizza, got 'zeros'"),
    ({"init_scale": 0}, "init_scale must be a positive finite number, got 0"),
    ({"factoring": "circular"}, "d_embed must be 2 for the factoring 'circular'"),
])
def test_bad_arguments_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        MLP(**arguments)


@pytest.mark.parametrize("inputs", [[[0, 5]], [[-1, 0]], [0, 1], [[0, 1, 2]], [[0.0, 1.0]]])
def test_bad_inputs_are_named(inputs):
    model = small_model("tied")
    params = model.init(np.random.default_rng(0))
    with pytest.raises(ValueError, match="inputs must be"):
        model.forward(params, inputs)


@pytest.mark.parametrize(("factoring", "fan_in"),
                         [("collapsed_output", 40), ("concatenated", 80), ("two_embeddings", 40)])
def test_pizza_initialisation_has_the_published_widths(factoring, fan_in):
    """Embeddings of variance 1/(N // 2), read-out 1/N, hidden map and bias uniform in +-1/sqrt(inputs of a neuron)."""
    model = MLP(59, 40, 256, factoring=factoring, bias=True, initialisation="pizza")
    params = model.init(np.random.default_rng(0), np.float64)
    for name, W in params.items():
        if name.startswith("W_E"):
            assert W.std() == pytest.approx(128**-0.5, rel=0.05)
        elif name == "W_out":
            assert W.std() == pytest.approx(256**-0.5, rel=0.05)
        else:
            assert 0.95 * fan_in**-0.5 < np.abs(W).max() <= fan_in**-0.5
            assert W.std() == pytest.approx(fan_in**-0.5 / np.sqrt(3), rel=0.1)
