"""Many networks of one shape trained as one: a leading axis instead of a loop.

A tiny network's step is mostly the cost of calling NumPy. Members that share model, optimizer and sizes, but neither
initial weights nor data, are stacked along a first axis; the passes, the loss and the optimizer broadcast over it, so M
networks cost the calls of one. Nothing is averaged: each member takes the same steps as it would alone, to rounding.

What it is not: a run with a folder; it returns histories and final weights. Read next: `sweep`.
"""

from typing import Any, NamedTuple

import numpy as np
from threadpoolctl import threadpool_limits

from grok_np.errors import require, require_choice, require_integer, require_type
from grok_np.layers import BINARY_LOSSES, predictions
from grok_np.learning.adamw import OPTIMIZERS, FlatVector
from grok_np.learning.training import keep_freed_memory
from grok_np.streams import generator
from grok_np.tasks import ModularArithmetic, SparseParity

# Members go through the passes in groups of about this many activations: with 64 members of 64,000 each, a quarter of
# it takes 1.2 times as long on one thread and twice on two (calls too short), eight times it 1.3 times (out of cache).
GROUP_SIZE = 256_000


class Members(NamedTuple):
    """What became of M networks.

    ``step`` (R,): the logged steps. ``history``: train_loss, test_loss, train_accuracy, test_accuracy (R, M); NaN after
    a member was stopped. ``params``: final weights by name, (M, ...).
    """

    step: np.ndarray
    history: dict[str, np.ndarray]
    params: dict[str, np.ndarray]


def train_members(model: Any, tasks: list, optimizer: Any, steps: int, seeds: list[int], *, loss: str = "logistic",
                  log_every: int = 100, stop: Any = None, dtype: str = "float32") -> Members:
    """Train one network per task and seed, all together, full batch, on one BLAS thread.

    Parameters
    ----------
    model : BitMLP
        Or whatever takes leading axes in all its passes.
    tasks : list
        One per member, all of the same sizes; `SparseParity` of different seeds, say.
    optimizer : AdamW or SGD
        The same for all.
    steps : int
        Number of optimizer steps.
    seeds : list of int
        Seeds of the initial weights, one per member: those that `train` would draw.
    loss : str
        ``"logistic"`` (nats) or ``"hinge"``.
    log_every : int
        Steps between rows of the history; the last step is logged too.
    stop : callable, optional
        ``stop(history) -> bool (m,)``, asked after each row with what was logged of the m members that are still there;
        those it names leave, and the rest goes on faster.

    Returns
    -------
    Members
    """
    require(hasattr(model, "mix_forward"), "model", model, "a BitMLP, or whatever takes leading axes in all its passes")
    require_type(optimizer, "optimizer", *OPTIMIZERS.values())
    require_type(tasks, "tasks", list, tuple)
    require_type(seeds, "seeds", list, tuple, range)
    for task, seed in zip(tasks, seeds, strict=False):
        require_type(task, "each of tasks", SparseParity, ModularArithmetic)
        require_integer(seed, "each of seeds", minimum=0)
    require(stop is None or callable(stop), "stop", stop, "None or callable")
    require_choice(dtype, "dtype", ("float32", "float64"))
    require(len(tasks) == len(seeds) >= 1, "seeds", seeds, f"one per task, {len(tasks)}, and one at least")
    require_choice(loss, "loss", BINARY_LOSSES)
    require_integer(steps, "steps", minimum=1, maximum=10**12)
    require_integer(log_every, "log_every", minimum=1)
    data = [stack(model, tasks, part, dtype) for part in ("train", "test")]
    drawn = [model.init(generator(seed, "weights"), np.dtype(dtype)) for seed in seeds]
    theta = FlatVector({name: np.stack([one[name] for one in drawn]) for name in model.shapes})
    gradient, moments = FlatVector(theta.views), optimizer.init(theta.vector)
    final = {name: view.copy() for name, view in theta.views.items()}
    alive, rows, logged = np.arange(len(seeds)), [], []
    keep_freed_memory()
    with threadpool_limits(1, user_api="blas"):
        for step in range(steps + 1):
            if step % log_every == 0 or step == steps:
                row = np.full((4, len(seeds)), np.nan)
                row[:, alive] = [value for part in data for value in _scores(model, theta.views, part, loss)]
                rows.append(row[[0, 2, 1, 3]])
                logged.append(step)
                for name, view in theta.views.items():
                    final[name][alive] = view
                if stop is not None and step < steps:
                    here = dict(zip(COLUMNS, np.moveaxis(np.array(rows)[:, :, alive], 1, 0), strict=True))
                    keep = ~np.asarray(stop(here), bool)
                    if not keep.all():
                        alive, data = alive[keep], [tuple(array[keep] for array in part) for part in data]
                        moments = {name: _only(keep, FlatVector(theta.views), vector).vector
                                   for name, vector in moments.items()}
                        theta = _only(keep, theta, theta.vector)
                        gradient = FlatVector(theta.views)
                    if not len(alive):
                        break
            if step < steps:
                loss_and_gradients(model, theta.views, data[0], loss, gradient.views)
                optimizer.step(theta.vector, gradient.vector, moments, step + 1)
    return Members(np.array(logged), dict(zip(COLUMNS, np.moveaxis(np.array(rows), 1, 0), strict=True)), final)


COLUMNS = ("train_loss", "test_loss", "train_accuracy", "test_accuracy")


def stack(model, tasks, part, dtype):
    """Indexed inputs (M, B, ...) and labels (M, B) of the train or the test part."""
    splits = [task.split() for task in tasks]
    inputs, labels = (np.stack([getattr(split, f"{part}_{name}") for split in splits]) for name in ("inputs", "labels"))
    return model.index(inputs, np.dtype(dtype)), labels


def _groups(n_members, n_examples, model):
    """Slices of members, so that the activations of a group stay in cache."""
    size = max(1, GROUP_SIZE // (n_examples * model.n_hidden))
    return [slice(start, start + size) for start in range(0, n_members, size)]


def loss_and_gradients(model, params, data, loss, out, map=map):
    """Mean loss of each member (M,); gradients are written into the arrays of ``out``. ``map`` may be an executor's."""
    forward, backward = BINARY_LOSSES[loss]
    x, labels = data

    def one_group(group):
        f, cache = model.mix_forward({name: W[group] for name, W in params.items()}, x[group])
        values, loss_cache = forward(f, labels[group])
        for name, gradient in model.mix_backward(backward(np.ones(len(f)), loss_cache), cache).items():
            out[name][group] = gradient
        return values

    return np.concatenate(list(map(one_group, _groups(*labels.shape, model))))


def _scores(model, params, data, loss):
    """Mean loss and accuracy of each member: two arrays (M,)."""
    forward, _ = BINARY_LOSSES[loss]
    x, labels = data
    losses, accuracies = [], []
    for group in _groups(*labels.shape, model):
        f, _ = model.mix_forward({name: W[group] for name, W in params.items()}, x[group])
        losses.append(forward(f, labels[group])[0])
        accuracies.append((predictions(f, loss) == labels[group]).mean(axis=-1))
    return np.concatenate(losses), np.concatenate(accuracies)


def _only(keep, flat, vector):
    """The `FlatVector` of the members to keep, taken from a vector laid out like ``flat``."""
    like, start = {}, 0
    for name, view in flat.views.items():
        like[name] = vector[start : start + view.size].reshape(view.shape)[keep]
        start += view.size
    return FlatVector(like)
