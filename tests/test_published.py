"""Published networks come out of their files as the networks they are: logits, accuracy and losses to the digit."""

import json
import sys

import numpy as np
import pytest

from grok_np import Transformer
from grok_np.layers import cross_entropy_forward
from grok_np.reading import progress, published

PIZZA = ("p99zdpze5l", "l8k1hzciux", "p71frej8t7", "18c9ev5v5p", "dy65ktpiij", "f5dh675z97", "2fsoiei4o2")
TWO_LAYER = ("p23_relu_full", "p23_quad_singlefreq", "p23_relu_grok_wd2")


def grid(p):
    pairs = np.stack(np.divmod(np.arange(p * p), p), axis=1)
    return pairs, pairs.sum(axis=1) % p


def in_float64(network):
    return network._replace(params={name: W.astype(np.float64) for name, W in network.params.items()})


def check_logits(network, pairs, logits, tolerance=1e-4):
    """To ``tolerance`` of the largest, in the float32 of the file; in float64 much closer."""
    logits = np.array(logits)
    assert np.abs(network.model.forward(network.params, np.array(pairs))[0] - logits).max() < (
        tolerance * np.abs(logits).max())
    exact = in_float64(network)
    np.testing.assert_allclose(exact.model.forward(exact.params, np.array(pairs))[0], logits,
                               atol=1e-9 * np.abs(logits).max())


def grid_scores(network):
    network = in_float64(network)
    pairs, labels = grid(network.model.p)
    logits, _ = network.model.forward(network.params, pairs)
    return float((logits.argmax(axis=1) == labels).mean()), float(cross_entropy_forward(logits, labels)[0]), logits


@pytest.mark.parametrize("name", PIZZA)
def test_clock_and_pizza_checkpoints(reference, name):
    network = published.load(reference(f"pizza/{name}.npz"))
    expected = json.loads(reference("pizza/expected.json").read_text(encoding="utf-8"))[name]
    check_logits(network, expected["logits_64"]["pairs"], expected["logits_64"]["logits"])
    accuracy, loss, _ = grid_scores(network)
    assert accuracy == pytest.approx(expected["grid_accuracy"], abs=1e-12)
    assert loss == pytest.approx(expected["grid_cross_entropy"], rel=1e-6, abs=1e-12)
    norm = np.sqrt(sum((W.astype(float) ** 2).sum() for W in network.params.values()))
    assert norm == pytest.approx(expected["l2_norm"], rel=1e-6)


def test_nanda_checkpoint(reference):
    network = published.load(reference("nanda/wd_0.1.npz"))
    expected = json.loads(reference("nanda/expected.json").read_text(encoding="utf-8"))["wd_0.1"]
    assert network.model == Transformer(p=113)
    check_logits(network, expected["logits_64"]["pairs"], expected["logits_64"]["logits"])
    accuracy, loss, logits = grid_scores(network)
    assert accuracy == expected["grid_accuracy"] == 1
    assert loss == pytest.approx(expected["grid_cross_entropy_114"], rel=1e-6)
    logits = logits.reshape(113, 113, 114)
    assert network.train_mask.sum() == expected["n_train"]
    assert progress.loss(logits, network.train_mask) == pytest.approx(expected["train_loss_113"], rel=1e-5)
    assert progress.loss(logits, ~network.train_mask) == pytest.approx(expected["test_loss_113"], rel=1e-5)
    assert progress.key_frequencies(logits) == expected["key_frequencies_logits"]
    assert network.extra["train_losses"].shape == (107791,)


@pytest.mark.parametrize("name", TWO_LAYER)
def test_two_layer_mlps_of_2026(reference, name):
    network = published.load(reference(f"yagent/{name}.npz"))
    expected = json.loads(reference("yagent/expected.json").read_text(encoding="utf-8"))[name]
    check_logits(network, expected["pairs"], expected["logits"])
    accuracy, loss, _ = grid_scores(network)
    assert accuracy == pytest.approx(expected["grid_accuracy"], abs=1e-12)
    assert loss == pytest.approx(expected["grid_cross_entropy"], rel=1e-6)


def test_the_articles_network(reference):
    network = published.load(reference("pair/main_model.npz"))
    expected = json.loads(reference("pair/main_model_expected.json").read_text(encoding="utf-8"))
    accuracy, loss, _ = grid_scores(network)
    assert accuracy == expected["grid_accuracy"] == 1
    assert loss == pytest.approx(expected["grid_cross_entropy"], rel=1e-6)
    assert network.train_mask.sum() == 911


def nanda_arrays(model, params):
    """Our parameters under Nanda et al.'s names and in their orientation."""
    arrays = {"embed.W_E": params["W_E"].T, "pos_embed.W_pos": params["W_pos"], "unembed.W_U": params["W_U"],
              "blocks.0.attn.mask": np.tri(3)}
    arrays |= {f"blocks.0.attn.{name}": params[name].mT for name in ("W_Q", "W_K", "W_V")}
    arrays["blocks.0.attn.W_O"] = params["W_O"].reshape(-1, model.d_model).T
    return arrays | {f"blocks.0.mlp.{name}": params[name].T for name in ("W_in", "b_in", "W_out", "b_out")}


def lens_arrays(params):
    """The same under TransformerLens's names: nothing is turned, biases that we lack are there and zero."""
    arrays = {"embed.W_E": params["W_E"], "pos_embed.W_pos": params["W_pos"], "unembed.W_U": params["W_U"],
              "unembed.b_U": np.zeros(params["W_U"].shape[1]), "blocks.0.attn.b_Q": np.zeros(3)}
    arrays |= {f"blocks.0.attn.{name}": params[name] for name in ("W_Q", "W_K", "W_V", "W_O")}
    return arrays | {f"blocks.0.mlp.{name}": params[name] for name in ("W_in", "b_in", "W_out", "b_out")}


@pytest.fixture
def small():
    model = Transformer(p=5, d_model=6, n_heads=2, d_mlp=7)
    return model, {name: np.random.default_rng(1).normal(size=shape) for name, shape in model.shapes.items()}


@pytest.mark.parametrize("lens", [False, True])
def test_our_own_weights_come_back_from_either_naming(small, lens):
    model, params = small
    arrays = lens_arrays(params) if lens else nanda_arrays(model, params)
    network = published.load(arrays, {"p": 5, "causal_mask": True})
    assert network.model == model
    assert all(np.array_equal(network.params[name], W) for name, W in params.items())


@pytest.mark.parametrize("kind", ["A", "B", "C", "D", "X"])
def test_linear_models_are_their_formulas(kind):
    """Each of the five, written out from its formula with PyTorch's x @ weight.T + bias."""
    rng = np.random.default_rng(0)
    tables, width = ("embed1", "embed2") if kind == "X" else ("embed",), 8 if kind == "D" else 4
    arrays = {f"{name}.weight": rng.normal(size=(7, 4)) for name in tables}
    arrays |= {"l1.weight": rng.normal(size=(6, width)), "l1.bias": rng.normal(size=6),
               "unembed.weight": rng.normal(size=(7, 6))}
    if kind in "BC":
        arrays |= {"l2.weight": rng.normal(size=(6, 6)), "l2.bias": rng.normal(size=6)}
    pairs, _ = grid(7)
    a, b = (arrays[f"{name}.weight"][pairs[:, i]] for i, name in enumerate((tables * 2)[:2]))

    def layer(x, name):
        return x @ arrays[f"{name}.weight"].T + arrays[f"{name}.bias"]

    pre = {"A": lambda: layer(a + b, "l1"), "B": lambda: layer(a + b, "l1"), "X": lambda: layer(a + b, "l1"),
           "C": lambda: layer(a, "l1") + layer(b, "l1"), "D": lambda: layer(np.hstack([a, b]), "l1")}[kind]()
    h = np.maximum(pre, 0)
    if kind in "BC":
        h = np.maximum(layer(h, "l2"), 0)
    network = published.load(arrays, {"model_type": kind})
    logits, _ = network.model.forward(network.params, pairs)
    np.testing.assert_allclose(logits, h @ arrays["unembed.weight"].T, atol=1e-12)


def write_safetensors(path, arrays, config):
    header, body = {"__metadata__": {"config": json.dumps(config)}}, b""
    for name, array in arrays.items():
        raw = np.ascontiguousarray(array, "<f8").tobytes()
        header[name] = {"dtype": "F64", "shape": list(array.shape), "data_offsets": [len(body), len(body) + len(raw)]}
        body += raw
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + body)


def test_npz_and_safetensors_files(small, tmp_path):
    model, params = small
    arrays, config = nanda_arrays(model, params), {"p": 5, "causal_mask": True}
    np.savez(tmp_path / "a.npz", config=json.dumps(config), **arrays)
    write_safetensors(tmp_path / "b.safetensors", arrays, config)
    for name in ("a.npz", "b.safetensors"):
        network = published.load(tmp_path / name)
        assert network.model == model and all(np.array_equal(network.params[key], W) for key, W in params.items())


def test_torch_files(small, tmp_path):
    torch = pytest.importorskip("torch", reason="PyTorch is never needed; without it .pt files are refused")
    model, params = small
    state = {name: torch.tensor(np.ascontiguousarray(array)) for name, array in nanda_arrays(model, params).items()}
    torch.save({"model": state}, tmp_path / "a.pth")
    assert published.load(tmp_path / "a.pth", {"p": 5, "causal_mask": True}).model == model
    torch.save({"model": print}, tmp_path / "b.pt")
    with pytest.raises(published.PublishedError, match="more than tensors"):
        published.load(tmp_path / "b.pt")


def test_without_torch_its_files_are_refused(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(published.PublishedError, match="needs PyTorch"):
        published.load(tmp_path / "a.pt")


def test_files_that_are_refused(small, tmp_path):
    model, params = small
    np.savez(tmp_path / "pickle.npz", weights=np.array([print], dtype=object))
    np.savez(tmp_path / "other.npz", weights=np.ones(3))
    (tmp_path / "empty.npz").write_bytes(b"")
    (tmp_path / "cut.safetensors").write_bytes((1000).to_bytes(8, "little") + b"{}")
    write_safetensors(tmp_path / "short.safetensors", nanda_arrays(model, params), {})
    whole = (tmp_path / "short.safetensors").read_bytes()
    (tmp_path / "short.safetensors").write_bytes(whole[:-50])
    (tmp_path / "model.pkl").write_bytes(b"")
    for name, message in (("pickle.npz", "needs pickle"), ("other.npz", "no known network"), ("empty.npz", "damaged"),
                          ("cut.safetensors", "cut off"), ("short.safetensors", "cut off"), ("model.pkl", "none of"),
                          ("absent.npz", "does not exist")):
        with pytest.raises(published.PublishedError, match=message):
            published.load(tmp_path / name)


def test_weights_that_are_refused(small):
    arrays = lens_arrays(small[1])
    with pytest.raises(ValueError, match="config must be a dict with the modulus"):
        published.load(arrays)
    with pytest.raises(published.PublishedError, match="attention biases"):
        published.load(arrays | {"blocks.0.attn.b_Q": np.ones(3)}, {"p": 5})
    with pytest.raises(published.PublishedError, match="do not fit together"):
        published.load(arrays | {"unembed.W_U": np.ones((6, 9))}, {"p": 5})
    with pytest.raises(published.PublishedError, match=r"'blocks\.0\.attn\.W_K' is missing"):
        published.load({name: W for name, W in arrays.items() if name != "blocks.0.attn.W_K"}, {"p": 5})
    with pytest.raises(ValueError, match=r"config\['act_fn'\] must be one of"):
        published.load(arrays, {"p": 5, "act_fn": "tanh"})
