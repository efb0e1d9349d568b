"""What every network of the package keeps, whatever its kind: the protocol of `networks.Network`."""

import numpy as np
import pytest

from grok_np import MLP, BitMLP, Transformer
from grok_np.gradcheck import check
from grok_np.learning.runs import CLASSES
from grok_np.networks import Network
from grok_np.networks.deep import DeepMLP, DeepTransformer
from grok_np.networks.factorings import FACTORINGS
from grok_np.networks.transformer import LAYOUTS

NETWORKS = {
    **{f"MLP {factoring}": MLP(5, 2, 4, "gelu", factoring, bias=True) for factoring in FACTORINGS},
    **{f"Transformer {layout}, {m}": Transformer(5, 6, 2, m, "gelu", layout, 0.7, layout == "a b")
       for layout in LAYOUTS for m in (0, 3)},
    "DeepMLP": DeepMLP(5, 3, 4, "gelu"),
    "DeepTransformer": DeepTransformer(5, 4, 2, 3, "gelu"),
    "BitMLP": BitMLP(4, 3, "gelu"),
}


def drawn(model, *lead):
    """Weights and inputs, with leading axes."""
    rng = np.random.default_rng(1)
    params = {name: rng.normal(scale=0.5, size=(*lead, *shape)) for name, shape in model.shapes.items()}
    high, width = (2, model.n_bits) if isinstance(model, BitMLP) else (model.p, 2)
    return params, rng.integers(high, size=(*lead, 6, width))


def test_no_network_is_forgotten():
    assert {type(model) for model in NETWORKS.values()} == {one for one in CLASSES if issubclass(one, Network)}


@pytest.mark.parametrize("name", NETWORKS)
def test_the_gradient_is_that_of_the_forward_pass(name):
    model = NETWORKS[name]
    params, inputs = drawn(model)
    check(lambda **w: model.forward(w, inputs), model.backward, params)


@pytest.mark.parametrize("name", NETWORKS)
def test_indexed_inputs_are_taken_like_raw_ones(name):
    model = NETWORKS[name]
    params, inputs = drawn(model)
    indexed = model.index(inputs, np.float64)
    expected, effective = model.forward(params, inputs)[0], model.effective(params)
    np.testing.assert_array_equal(model.forward(params, indexed)[0], expected)
    for either in (inputs, indexed):
        np.testing.assert_array_equal(model.mix_forward(effective, either)[0], expected)
    assert model.index(indexed) is indexed


@pytest.mark.parametrize("name", [name for name in NETWORKS if name != "DeepTransformer"])
def test_leading_axes_are_networks_side_by_side(name):
    """Three members on inputs of their own, and on the same ones: each is what it is alone, forward and backward."""
    model = NETWORKS[name]
    params, inputs = drawn(model, 3)
    for shared in (False, True):
        outputs, cache = model.forward(params, inputs[0] if shared else inputs)
        dout = np.random.default_rng(2).normal(size=outputs.shape)
        gradients = model.backward(dout, cache)
        for member in range(3):
            own = {key: W[member] for key, W in params.items()}
            alone, cache_alone = model.forward(own, inputs[0 if shared else member])
            np.testing.assert_allclose(outputs[member], alone, rtol=1e-12, atol=1e-13)
            for key, gradient in model.backward(dout[member], cache_alone).items():
                np.testing.assert_allclose(gradients[key][member], gradient, rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("name", NETWORKS)
def test_biases_start_at_0_and_weights_do_not(name):
    model = NETWORKS[name]
    params = model.init(np.random.default_rng(0))
    assert {key: W.shape for key, W in params.items()} == model.shapes
    for key, W in params.items():
        assert W.dtype == np.float32 and W.any() != key.startswith("b_")


@pytest.mark.parametrize("name", [name for name in NETWORKS if name not in ("DeepTransformer", "BitMLP")])
def test_indexed_inputs_of_one_network_are_refused_by_several(name):
    """Once every member silently read the table of the first."""
    model = NETWORKS[name]
    params, inputs = drawn(model, 3)
    with pytest.raises(ValueError, match="cannot reshape|could not be broadcast|not broadcastable|mismatch"):
        model.forward(params, model.index(inputs[0], np.float64))


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int32, np.uint64])
@pytest.mark.parametrize("model", [MLP(113, 2, 4), Transformer(113, 4, 2, 3, layout="a b"),
                                   DeepTransformer(113, 4, 2, 3)])
def test_integers_of_any_width(model, dtype):
    params, pairs = model.init(np.random.default_rng(0)), np.array([[112, 100], [3, 77]])
    np.testing.assert_array_equal(model.forward(params, pairs.astype(dtype))[0], model.forward(params, pairs)[0])
