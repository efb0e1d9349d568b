"""Streams: no two purposes, and no two seeds, share their numbers."""

from itertools import combinations

import numpy as np
import pytest

from grok_np import MLP, SGD, BitMLP, ModularArithmetic, SparseParity, train
from grok_np.streams import generator

PURPOSES = ("split", "random labels", "corrupted labels", "strings", "weights", "upstream gradients")


def related(x, y):
    """Whether two sequences of 1,000 uniform numbers are alike: in value, in sign, shifted by one, or every second."""
    x, y = x - 0.5, y - 0.5
    pairs = [(x, y), (x[1:], y[:-1]), (x[:-1], y[1:]), (x[::2], y[: len(y) // 2]), (x[: len(x) // 2], y[::2])]
    return any(abs(np.corrcoef(u, v)[0, 1]) > 6 / np.sqrt(len(u)) or abs(np.mean(u * v > 0) - 0.5) > 3 / np.sqrt(len(u))
               for u, v in pairs)


def test_all_pairs_of_purposes_and_seeds():
    draws = {(seed, purpose): generator(seed, purpose).random(1000) for seed in range(21) for purpose in PURPOSES}
    draws |= {(seed, "numpy's own"): np.random.default_rng(seed).random(1000) for seed in range(21)}
    assert not [(one, other) for one, other in combinations(draws, 2) if related(draws[one], draws[other])]
    assert related(np.random.default_rng(3).random(1000), np.random.default_rng([3, 0]).random(1000))  # the old mistake
    np.testing.assert_array_equal(draws[3, "split"], generator(3, "split").random(1000))


def first_weights(model, task, seed, loss="cross_entropy"):
    """Those that `train` begins with: a learning rate of next to nothing leaves them as they are."""
    return train(model, task, SGD(lr=1e-30), 1, seed, loss=loss, progress=False).params


@pytest.mark.parametrize("seed", range(21))
def test_first_weights_know_nothing_of_the_strings(seed):
    """Once the sign of every first weight was a bit of the training strings: agreement 1.000, or 0.5 by chance."""
    bits = SparseParity(seed=seed).split().train_inputs.ravel()
    weights = first_weights(BitMLP(), SparseParity(seed=seed), seed, "logistic")["W_in"].ravel()
    for stride in (1, 2, 3, 4):
        some = bits[::stride][: len(weights)]
        assert abs(np.mean((weights[: len(some)] > 0) == some) - 0.5) < 3 / np.sqrt(len(some))


def test_every_object_asks_for_a_purpose_of_its_own(monkeypatch):
    """Split, labels, corruption, strings, weights: no two draw from one generator, whatever their seeds."""
    asked = []

    def recorded(seed, purpose):
        asked.append((seed, purpose))
        return generator(seed, purpose)

    for module in ("tasks", "learning.training"):
        monkeypatch.setattr(f"grok_np.{module}.generator", recorded)
    for seed in range(3):
        train(MLP(5, 3, 4), ModularArithmetic(5, "random", seed=seed, corrupted_fraction=0.3), steps=1, seed=seed,
              progress=False)
        train(BitMLP(4, 3), SparseParity(4, 2, 5, 5, seed), steps=1, seed=seed, loss="logistic", progress=False)
    assert {purpose for _, purpose in asked} == {"split", "random labels", "corrupted labels", "strings", "weights"}
    assert all(seed in range(3) for seed, _ in asked)


def test_bad_arguments_are_named():
    with pytest.raises(ValueError, match="seed must be an integer >= 0, got -1"):
        generator(-1, "split")
    with pytest.raises(TypeError, match="purpose must be of type str, got 3"):
        generator(0, 3)
