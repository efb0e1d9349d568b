"""The story in one file is the package's story: the same losses, step by step, from the same weights."""

import importlib.util
import subprocess
import sys
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from grok_np import MLP, AdamW
from grok_np.layers import cross_entropy_backward, cross_entropy_forward

SCRIPT = Path(__file__).parents[1] / "examples" / "grok_in_one_file.py"


@pytest.fixture(scope="module")
def story():
    specification = importlib.util.spec_from_file_location("grok_in_one_file", SCRIPT)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


@pytest.fixture
def weights(story):
    shapes = MLP(story.p, story.width, story.neurons).shapes
    return {name: np.random.default_rng(7).normal(size=shape) / 10 for name, shape in shapes.items()}


def package_losses(story, params, pairs, labels, steps):
    """The package's passes and optimizer, array by array, in float64."""
    model = MLP(story.p, story.width, story.neurons, "relu", "tied")
    optimizer = AdamW(story.lr, (story.beta1, story.beta2), story.eps, story.weight_decay)
    moments, losses = {name: optimizer.init(w) for name, w in params.items()}, []
    indexed = model.index(pairs, np.float64)
    for step in range(1, steps + 1):
        logits, cache = model.forward(params, indexed)
        loss, loss_cache = cross_entropy_forward(logits, labels)
        losses.append(float(loss))
        for name, gradient in model.backward(cross_entropy_backward(1.0, loss_cache), cache).items():
            optimizer.step(params[name], gradient.copy(), moments[name], step)
    return np.array(losses)


def test_losses_are_those_of_the_package_for_100_steps(story, weights):
    (inputs, sums), _ = story.split(np.random.default_rng(3))
    # A row has 2 at a pair (a, a): the first and the last number that occur in it are a and b either way.
    pairs = np.stack([inputs.argmax(axis=1), story.p - 1 - inputs[:, ::-1].argmax(axis=1)], axis=1)
    np.testing.assert_array_equal(pairs.sum(axis=1) % story.p, sums)
    theirs = package_losses(story, {name: w.copy() for name, w in weights.items()}, pairs, sums, 100)
    ours = np.array(list(islice(story.train(weights, inputs, sums), 100)))
    assert theirs[0] - theirs[-1] > 0.1  # something is learned meanwhile
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-10)


def test_the_split_holds_every_unordered_pair_once(story):
    parts = story.split(np.random.default_rng(0))
    rows = np.concatenate([inputs for inputs, _ in parts])
    assert rows.shape == (story.p * (story.p + 1) // 2, story.p) and (rows.sum(axis=1) == 2).all()
    assert len(np.unique(rows, axis=0)) == len(rows)
    for inputs, sums in parts:
        np.testing.assert_array_equal(inputs @ np.arange(story.p) % story.p, sums)


def test_reading_finds_what_was_written_down(story):
    alpha = np.sort(np.random.default_rng(1).uniform(0, 2 * np.pi, 6))
    written = (9, alpha, (2 * alpha + 0.1) % (2 * np.pi), np.linspace(1, 2, 6))
    (k, *found), = story.find_rings(*story.write_down([written]))
    assert k == 9
    for value, expected in zip(found, written[1:], strict=True):
        np.testing.assert_allclose(value, expected, atol=1e-9)


def test_it_is_short_and_needs_numpy_alone():
    text = SCRIPT.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 130
    assert [line for line in text.splitlines() if line.startswith(("import", "from"))] == ["import numpy as np"]


def test_the_story_is_printed_to_its_end(story, monkeypatch, capsys):
    monkeypatch.setattr(story, "steps", 0)
    story.main()
    printed = capsys.readouterr().out
    assert "the network as it was learned" in printed and printed.endswith("It has not grokked yet.\n")


def test_it_groks():
    done = subprocess.run([sys.executable, "-W", "error", str(SCRIPT)], capture_output=True, text=True, timeout=300,
                          encoding="utf-8")
    assert done.returncode == 0, done.stderr
    assert "stars of these frequencies, never trained   100.0%" in done.stdout
    assert done.stdout.endswith("It has grokked.\n")
