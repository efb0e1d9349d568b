"""Many networks of one shape trained as one: a leading axis instead of a loop.

A tiny network's step is mostly the cost of calling NumPy. Members that share network, optimizer and sizes, but neither
initial weights nor data, are stacked along a first axis; the passes, the loss and the optimizer broadcast over it, so M
networks cost the calls of one. Nothing is averaged: each member takes the same steps as it would alone, to rounding.

What it is not: a run with a folder; it returns histories and final weights.

Read next: `runs`.
"""

from typing import Any, NamedTuple

import numpy as np

from grok_np.errors import require, require_integer, require_type
from grok_np.layers import LOSSES
from grok_np.learning.machine import keep_freed_memory, shard_map
from grok_np.learning.training import Shard, check_settings, evaluate, loss_and_gradients
from grok_np.networks import Network
from grok_np.networks.flat import FlatVector
from grok_np.streams import generator

# Members go through the passes in groups of about this many activations: with 64 members of 64,000 each, a quarter of
# it takes 1.2 times as long on one thread and twice on two (calls too short), eight times it 1.3 times (out of cache).
GROUP_SIZE = 256_000
COLUMNS = ("train_loss", "test_loss", "train_accuracy", "test_accuracy")


class Members(NamedTuple):
    """What became of M networks.

    ``step`` (R,): the logged steps. ``history``: train_loss, test_loss, train_accuracy, test_accuracy (R, M); NaN after
    a member was stopped, or has diverged. ``params``: final weights by name, (M, ...).
    """

    step: np.ndarray
    history: dict[str, np.ndarray]
    params: dict[str, np.ndarray]


class Group(NamedTuple):
    """Members that go through the passes together: which, and their training and test data."""

    members: slice
    train: Shard
    test: Shard


def train_members(model: Network, tasks: list, optimizer: Any, steps: int, seeds: list[int], *,
                  loss: str = "cross_entropy", log_every: int = 100, stop: Any = None, dtype: str = "float32",
                  threads: int | None = 1) -> Members:
    """Train one network per task and seed, all together, full batch.

    Parameters
    ----------
    model : Network
        One whose passes take leading axes: all here but the deep transformer, and yours if it is written with ``...``.
    tasks : list
        One per member, all of the same sizes; `SparseParity` of different seeds, say.
    optimizer : AdamW, SGD, or your own
        The same for all; it must work entry by entry, because it sees all members in one vector.
    steps : int
        Number of optimizer steps.
    seeds : list of int
        Seeds of the initial weights, one per member: those that `train` would draw.
    loss : str
        A key of ``layers.LOSSES``.
    log_every : int
        Steps between rows of the history; the last step is logged too.
    stop : callable, optional
        ``stop(history) -> bool (m,)``, asked after each row with what was logged of the m members that are still there;
        those it names leave, and the rest goes on faster.
    threads : int or None
        Threads for the groups of members; None means one per available core.

    Returns
    -------
    Members
    """
    require_type(tasks, "tasks", list, tuple)
    require_type(seeds, "seeds", list, tuple, range)
    require(len(tasks) == len(seeds) >= 1, "seeds", seeds, f"one per task, {len(tasks)}, and one at least")
    for task, seed in zip(tasks, seeds, strict=True):
        check_settings(model, task, optimizer, steps=steps, seed=seed, loss=loss, dtype=dtype, checkpoint_every=1,
                       log_every=log_every)
    require(stop is None or callable(stop), "stop", stop, "None or callable")
    if threads is not None:
        require_integer(threads, "threads", minimum=1)
    loss, dtype = LOSSES[loss], np.dtype(dtype)
    # Train inputs and labels, test inputs and labels: each (M, B, ...).
    splits = [task.split() for task in tasks]
    sizes = {tuple(np.shape(part) for part in split) for split in splits}
    require(len(sizes) == 1, "tasks", f"splits of the shapes {sorted(sizes)}", "all of the same sizes")
    data = [np.stack(part) for part in zip(*splits, strict=True)]
    drawn = [model.init(generator(seed, "weights"), dtype) for seed in seeds]
    theta = FlatVector({name: np.stack([one[name] for one in drawn]) for name in model.shapes})
    gradient, moments = FlatVector(theta.views), optimizer.init(theta.vector)
    final = {name: view.copy() for name, view in theta.views.items()}
    alive, rows, logged = np.arange(len(seeds)), [], []
    groups = make_groups(model, data, dtype)
    keep_freed_memory()
    with shard_map(len(groups), threads) as map_groups, np.errstate(over="ignore", invalid="ignore"):
        for step in range(steps + 1):
            if step % log_every == 0 or step == steps:
                row = np.full((4, len(seeds)), np.nan)
                row[:, alive] = _scores(model, theta.views, groups, loss, map_groups)
                rows.append(row)
                logged.append(step)
                for name, view in theta.views.items():
                    final[name][alive] = view
                if stop is not None and step < steps:
                    here = dict(zip(COLUMNS, np.moveaxis(np.array(rows)[:, :, alive], 1, 0), strict=True))
                    keep = ~np.asarray(stop(here), bool)
                    if not keep.any():
                        break
                    if not keep.all():
                        alive, data = alive[keep], [part[keep] for part in data]
                        moments = {name: _only(keep, theta, vector).vector for name, vector in moments.items()}
                        theta = _only(keep, theta, theta.vector)
                        gradient = FlatVector(theta.views)
                        groups = make_groups(model, data, dtype)
            if step < steps:
                step_of_all(model, theta.views, groups, loss, gradient.views, map_groups)
                optimizer.step(theta.vector, gradient.vector, moments, step + 1)
    return Members(np.array(logged), dict(zip(COLUMNS, np.moveaxis(np.array(rows), 1, 0), strict=True)), final)


def make_groups(model, data, dtype):
    """`Group`s of as many members as keep the activations in cache; data as in `train_members`, (M, B, ...)."""
    train_inputs, train_labels, test_inputs, test_labels = data
    n_members, n_examples = train_labels.shape
    one = {name: np.zeros(shape, dtype) for name, shape in model.shapes.items()}
    outputs, cache = model.forward(one, train_inputs[0, :1])
    width = max(outputs.shape[-1], getattr(cache.mix, "post", outputs).shape[-1])
    size = max(1, GROUP_SIZE // (n_examples * width))
    return [Group(part, Shard(model.index(train_inputs[part], dtype), train_labels[part], 1.0),
                  Shard(model.index(test_inputs[part], dtype), test_labels[part], 1.0))
            for part in (slice(start, start + size) for start in range(0, n_members, size))]


def step_of_all(model, params, groups, loss, out, map=map):
    """Mean loss of each member (M,); gradients are written into the arrays of ``out``. ``map`` may be an executor's."""
    def one_group(group):
        part, gradients = ({name: W[group.members] for name, W in arrays.items()} for arrays in (params, out))
        return loss_and_gradients(model, part, [group.train], loss, gradients)

    return np.concatenate(list(map(one_group, groups)))


def _scores(model, params, groups, loss, map):
    """Losses and accuracies of each member on training and test data: (4, M) in the order of `COLUMNS`."""
    def one_group(group):
        part = {name: W[group.members] for name, W in params.items()}
        (train_loss, train_accuracy), (test_loss, test_accuracy) = (
            evaluate(model, part, [shard], loss) for shard in (group.train, group.test))
        return np.broadcast_arrays(train_loss, test_loss, train_accuracy, test_accuracy)

    return np.concatenate(list(map(one_group, groups)), axis=1)


def _only(keep, flat, vector):
    """The `FlatVector` of the members to keep, taken from a vector laid out like ``flat``."""
    parts = np.split(vector, np.cumsum([view.size for view in flat.views.values()])[:-1])
    return FlatVector({name: part.reshape(view.shape)[keep]
                       for (name, view), part in zip(flat.views.items(), parts, strict=True)})
