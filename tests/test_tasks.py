"""Splits are disjoint, complete and reproducible; labels are arithmetic."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from grok_np import ModularArithmetic
from grok_np.tasks import OPERATIONS

FORMULAS = {
    "add": lambda a, b: a + b,
    "subtract": lambda a, b: a - b,
    "multiply": lambda a, b: a * b,
    "x2_plus_y2": lambda a, b: a**2 + b**2,
    "x2_plus_xy_plus_y2": lambda a, b: a**2 + a * b + b**2,
}


def tasks(operations=tuple(OPERATIONS)):
    return st.builds(
        ModularArithmetic, st.integers(3, 20), st.sampled_from(operations), st.floats(0.2, 0.8),
        symmetric=st.booleans(), seed=st.integers(0, 2**32), corrupted_fraction=st.just(0.0),
    )


COMMUTATIVE = tuple(name for name in OPERATIONS if name != "subtract")


@given(tasks(COMMUTATIVE))
@example(ModularArithmetic(2, train_fraction=0.5))
def test_split_is_disjoint_complete_and_true(task):
    train_x, train_y, test_x, test_y = task.split()
    inputs, labels = task.all_pairs()
    n_pairs = task.p * (task.p + 1) // 2 if task.symmetric else task.p**2
    assert len(inputs) == n_pairs and len(train_x) == int(task.train_fraction * n_pairs)
    together = {(*pair, label) for pair, label in zip(np.concatenate([train_x, test_x]).tolist(),
                                                      np.concatenate([train_y, test_y]).tolist(), strict=True)}
    assert together == {(*pair, label) for pair, label in zip(inputs.tolist(), labels.tolist(), strict=True)}
    assert len(train_x) + len(test_x) == len(together) == n_pairs
    if task.symmetric:
        assert (inputs[:, 0] <= inputs[:, 1]).all()


@given(tasks(COMMUTATIVE))
def test_the_seed_decides(task):
    again = ModularArithmetic(task.p, task.operation, task.train_fraction, task.symmetric, task.seed)
    assert all(map(np.array_equal, task.split(), again.split()))


def test_another_seed_is_another_split():
    first, second = (ModularArithmetic(23, seed=seed).split().train_inputs for seed in (0, 1))
    assert not np.array_equal(first, second)


@pytest.mark.parametrize("operation", FORMULAS)
@given(p=st.integers(2, 30))
def test_labels(operation, p):
    inputs, labels = ModularArithmetic(p, operation, 0.5).all_pairs()
    assert inputs.tolist() == [[a, b] for a in range(p) for b in range(p)]
    assert labels.tolist() == [FORMULAS[operation](a, b) % p for a in range(p) for b in range(p)]


def test_random_labels_are_fixed_and_uniform():
    labels = ModularArithmetic(31, "random", seed=3).all_pairs()[1]
    np.testing.assert_array_equal(labels, ModularArithmetic(31, "random", 0.7, seed=3).all_pairs()[1])
    counts = np.bincount(labels, minlength=31)
    assert counts.min() > 10 and counts.max() < 60  # 31 expected, standard deviation 5.5


@given(st.floats(0, 1), st.integers(0, 100))
@example(1.0, 0)
@example(0.0, 0)
def test_corruption_changes_exactly_that_share_of_training_labels_only(fraction, seed):
    clean = ModularArithmetic(11, train_fraction=0.5, seed=seed).split()
    dirty = ModularArithmetic(11, train_fraction=0.5, seed=seed, corrupted_fraction=fraction).split()
    np.testing.assert_array_equal(clean.train_inputs, dirty.train_inputs)
    np.testing.assert_array_equal(clean.test_labels, dirty.test_labels)
    assert np.count_nonzero(clean.train_labels != dirty.train_labels) == round(fraction * 60)
    assert dirty.train_labels.min() >= 0 and dirty.train_labels.max() < 11


@pytest.mark.parametrize(("arguments", "error", "message"), [
    ({"p": 1}, ValueError, "p must be an integer >= 2, got 1"),
    ({"p": 5.5}, TypeError, "p must be an integer >= 2, got 5.5"),
    ({"operation": "divide"}, ValueError, "operation must be one of add, .*, got 'divide'"),
    ({"train_fraction": 0}, ValueError, r"train_fraction must be in \(0, 1\], got 0"),
    ({"train_fraction": 1.5}, ValueError, r"train_fraction must be in \(0, 1\], got 1.5"),
    ({"train_fraction": "0.5"}, TypeError, r"train_fraction must be in \(0, 1\], got '0.5'"),
    ({"train_fraction": 1e-9}, ValueError, "train_fraction must be large enough"),
    ({"corrupted_fraction": -0.1}, ValueError, r"corrupted_fraction must be in \[0, 1\], got -0.1"),
    ({"seed": -1}, ValueError, "seed must be an integer >= 0, got -1"),
    ({"operation": "subtract", "symmetric": True}, ValueError, "symmetric must be False"),
])
def test_bad_arguments_are_named(arguments, error, message):
    with pytest.raises(error, match=message):
        ModularArithmetic(**({"p": 7} | arguments))
