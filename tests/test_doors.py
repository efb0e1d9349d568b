"""The doors: network, task, loss, activation and optimizer from outside, as `examples/bring_your_own` has them."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from grok_np import MLP, ModularArithmetic, RunError, layers, load_run, resume, train
from grok_np.gradcheck import check
from grok_np.learning import training
from grok_np.learning.ensemble import train_members
from grok_np.networks import Network
from grok_np.reading import all_logits
from grok_np.tasks import Split

EXAMPLE = Path(__file__).parents[1] / "examples/bring_your_own.py"


@dataclass(frozen=True)
class Rows(Network):
    """Logits = a row for a plus a row for b: as small as a network can be."""

    p: int = 5

    @property
    def shapes(self):
        return {"W_a": (self.p, self.p), "W_b": (self.p, self.p)}

    def init(self, rng, dtype=np.float32):
        return {name: rng.normal(size=shape).astype(dtype) for name, shape in self.shapes.items()}

    def mix_forward(self, params, inputs):
        inputs = np.asarray(inputs)
        at = [layers.lookup(inputs[..., i], self.p, params["W_a"].dtype) for i in (0, 1)]
        return sum(layers.lookup_forward(params[name], one)[0] for name, one in zip(self.shapes, at, strict=True)), at

    def mix_backward(self, dlogits, at):
        return {name: layers.lookup_backward(dlogits, one) for name, one in zip(self.shapes, at, strict=True)}


@dataclass(frozen=True)
class Constant:
    """Every pair has the label 3."""

    p: int = 5

    def split(self):
        inputs, labels = ModularArithmetic(self.p).all_pairs()
        return Split(inputs[::2], 0 * labels[::2] + 3, inputs[1::2], 0 * labels[1::2] + 3)


class SignDescent:
    """Not even a dataclass: its fields are what config.json keeps."""

    def __init__(self, lr=0.03):
        self.lr = lr

    def init(self, theta):
        return {"last": np.zeros_like(theta)}

    def step(self, theta, gradient, state, t):
        theta -= self.lr * np.sign(gradient + 0.5 * state["last"])
        state["last"][...] = gradient


class Cut(Exception):
    pass


@pytest.fixture
def square_loss(monkeypatch):
    """A loss under a name of its own, for one test."""
    monkeypatch.setitem(layers.LOSSES, "mine", layers.Loss(layers.mean_squared_error_forward,
                                                           layers.mean_squared_error_backward))
    return "mine"


def test_train_cut_off_and_resume(tmp_path, monkeypatch, square_loss):
    options = {"steps": 60, "loss": square_loss, "checkpoint_every": 20, "progress": False}
    whole = train(Rows(), Constant(), SignDescent(), **options)
    assert whole.history["train_loss"][-1] < whole.history["train_loss"][0] / 2
    calls, real = iter(range(99)), training.loss_and_gradients

    def cut(*arguments):
        if next(calls) == 33:
            raise Cut
        return real(*arguments)

    monkeypatch.setattr(training, "loss_and_gradients", cut)
    with pytest.raises(Cut):
        train(Rows(), Constant(), SignDescent(), out=tmp_path / "run", **options)
    monkeypatch.setattr(training, "loss_and_gradients", real)
    run = resume(tmp_path / "run", classes=[Rows, Constant, SignDescent], progress=False)
    assert all(np.array_equal(run.params[name], W) for name, W in whole.params.items())
    assert load_run(tmp_path / "run", classes=[Rows, Constant, SignDescent]).optimizer.lr == 0.03
    with pytest.raises(RunError, match=r"model's type must be one of MLP, .* \(classes=\[\.\.\.\]\), got 'Rows'"):
        load_run(tmp_path / "run")


def test_nothing_is_imported_because_a_file_names_it(tmp_path):
    train(MLP(5, 3, 4), ModularArithmetic(5), steps=1, out=tmp_path / "run", progress=False)
    file = tmp_path / "run/config.json"
    config = json.loads(file.read_text(encoding="utf-8"))
    config["model"] = {"type": "os.system", "command": "true"}
    file.write_text(json.dumps(config), encoding="utf-8")
    with pytest.raises(RunError, match=r"model's type must be one of .* got 'os\.system'"):
        load_run(tmp_path / "run")


def test_a_gradient_check_an_ensemble_and_a_reader():
    model, rng = Rows(), np.random.default_rng(0)
    params = model.init(rng, np.float64)
    check(lambda **w: model.forward(w, [[0, 1], [4, 4], [0, 2]]), model.backward, params)
    members = train_members(model, [Constant()] * 8, SignDescent(), 30, range(8))
    for seed in (0, 7):
        alone = train(model, Constant(), SignDescent(), 30, seed, progress=False)
        np.testing.assert_allclose(members.params["W_a"][seed], alone.params["W_a"], rtol=1e-5, atol=1e-6)
    expected = params["W_a"][:, None, :] + params["W_b"][None, :, :]
    np.testing.assert_allclose(all_logits(model, params), expected)


def test_a_subclass_of_our_own_network():
    class Doubled(MLP):
        def init(self, rng, dtype=np.float32):
            return {name: 2 * W for name, W in super().init(rng, dtype).items()}

    run = train(Doubled(5, 3, 4), ModularArithmetic(5), steps=3, progress=False)
    assert type(run.model) is Doubled and run.config["model"]["type"] == "Doubled"


@pytest.mark.parametrize(("model", "task", "optimizer", "message"), [
    (object(), Constant(), None, "model must be of type Network, got <object"),
    (Rows(), 3, None, r"task must be an object with split\(\), got 3"),
    (Rows(), Constant, None, r"task must be an object with split\(\), got <class"),
    (Rows(), Constant(), "adam", r"optimizer must be an object with init\(\) and step\(\), got 'adam'"),
])
def test_what_is_no_network_task_or_optimizer_is_named(model, task, optimizer, message):
    with pytest.raises(TypeError, match=message):
        train(model, task, optimizer, 1, progress=False)


def test_the_example():
    done = subprocess.run([sys.executable, EXAMPLE], capture_output=True, text=True, encoding="utf-8",
                          env=os.environ | {"PYTHONPATH": str(EXAMPLE.parents[1])})
    assert done.returncode == 0, done.stderr
    assert "resumed to the same bits: True" in done.stdout
    assert len(EXAMPLE.read_text(encoding="utf-8").splitlines()) < 100


def test_one_array_under_two_names_over_several_shards(monkeypatch):
    """mix_backward may return the same array twice: adding up shards must not change it in place."""
    @dataclass(frozen=True)
    class Symmetric(Rows):
        def mix_forward(self, params, inputs):
            logits, at = super().mix_forward(params, np.concatenate([inputs, np.asarray(inputs)[..., ::-1]]))
            return logits, at

        def mix_backward(self, dlogits, at):
            both = sum(super().mix_backward(dlogits, at).values())
            return {"W_a": both, "W_b": both}

    model = Symmetric()
    params = model.init(np.random.default_rng(0), np.float64)
    inputs, labels = ModularArithmetic(5).all_pairs()
    labels = np.concatenate([labels, labels])
    whole, pieces = ({name: np.empty_like(W) for name, W in params.items()} for _ in range(2))
    training.loss_and_gradients(model, params, [training.Shard(inputs, labels, 1.0)], layers.LOSSES["cross_entropy"],
                                whole)
    shards = [training.Shard(inputs[part], np.concatenate([labels[:25][part]] * 2), len(inputs[part]) / 25)
              for part in (slice(0, 9), slice(9, 17), slice(17, 25))]
    training.loss_and_gradients(model, params, shards, layers.LOSSES["cross_entropy"], pieces)
    for name in params:
        np.testing.assert_allclose(pieces[name], whole[name], atol=1e-14)


@pytest.mark.parametrize("thing", ["derived", "array"])
def test_what_could_not_be_made_again_is_refused_before_it_is_trained(tmp_path, thing):
    class Derived(SignDescent):
        def __init__(self, lr=0.1):
            super().__init__(lr)
            self.half = lr / 2

    class WithArray(SignDescent):
        def __init__(self, lr=0.1):
            super().__init__(np.full(3, lr))

    with pytest.raises(TypeError, match="model, task and optimizer must"):
        train(Rows(), Constant(), {"derived": Derived, "array": WithArray}[thing](), 1, out=tmp_path / "run",
              progress=False)
    assert not (tmp_path / "run").exists()
