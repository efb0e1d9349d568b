"""The training loop: full-batch gradient steps, a log, checkpoints, and the way back after an interruption.

A step is: effective weights once, the mix shard by shard on threads, the gradient pulled back, one optimizer step.
Shards have a fixed size and their gradients are added in a fixed order, each product runs on one BLAS thread, and
after the initial draw nothing is random: so the same seed on the same machine gives the same bits, whatever the number
of threads and however often the run was interrupted and resumed.

Read next: `ensemble`, many networks as one; `runs` for the files.
"""

import sys
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from tqdm import tqdm

from grok_np.errors import DivergedError, require, require_choice, require_flag, require_integer, require_type
from grok_np.layers import LOSSES
from grok_np.learning import machine, runs
from grok_np.learning.adamw import AdamW
from grok_np.networks import Network
from grok_np.networks.flat import FlatVector
from grok_np.streams import generator

SHARD_SIZE = 1024  # examples; the activations of one shard should stay in a core's own cache


class Shard(NamedTuple):
    """A piece of a data set: indexed inputs, labels (..., B), and its share of the examples."""

    inputs: Any
    labels: np.ndarray
    share: float


def make_shards(model, inputs, labels, dtype):
    """Cut a data set into equal pieces of at most `SHARD_SIZE` examples: one, or an even number of them.

    Two threads take as long for three shards as for four of the same size, and four of 3/4 the size take 3/4 of it.
    """
    n_shards = 1 if len(inputs) <= SHARD_SIZE else 2 * -(-len(inputs) // (2 * SHARD_SIZE))
    return [Shard(model.index(x, dtype), y, len(x) / max(len(inputs), 1))
            for x, y in zip(np.array_split(inputs, n_shards), np.array_split(labels, n_shards), strict=True)]


def loss_and_gradients(model, params, shards, loss, out, map=map):
    """Mean loss over all shards; its gradient for the parameters is written into the arrays of ``out``.

    ``loss``: a `layers.Loss`. ``map`` may be an executor's: the order of addition is that of the shards.
    """
    effective = model.effective(params)

    def one_shard(shard):
        with np.errstate(over="ignore", invalid="ignore"):  # a diverging run is reported by its loss
            logits, cache = model.mix_forward(effective, shard.inputs)
            value, loss_cache = loss.forward(logits, shard.labels)
            # The mean over all examples is the sum of the shards' means, each times its share. A backward pass is
            # linear in its upstream gradient, so the share goes in there.
            return shard.share * value, model.mix_backward(loss.backward(shard.share, loss_cache), cache)

    # Added one by one as they come, so that memory stays flat: with all pairs of p = 997 there are 972 of them.
    results = iter(map(one_shard, shards))
    loss_so_far, total = next(results)
    for value, gradient in results:
        loss_so_far += value
        total = {name: total[name] + gradient[name] for name in total}
    model.effective_backward(total, params, out)
    return loss_so_far


def evaluate(model, params, shards, loss, map=map):
    """Mean loss (nats per example for cross-entropy) and accuracy (fraction; a tie is wrong); NaN of no examples."""
    effective = model.effective(params)

    def one_shard(shard):
        with np.errstate(over="ignore", invalid="ignore"):
            logits, _ = model.mix_forward(effective, shard.inputs)
            value, _ = loss.forward(logits, shard.labels)
        return shard.share * value, np.count_nonzero(loss.predict(logits) == shard.labels, axis=-1)

    n_examples = sum(shard.labels.shape[-1] for shard in shards)
    if not n_examples:
        return np.nan, np.nan
    values, correct = zip(*map(one_shard, shards), strict=True)
    return sum(values), sum(correct) / n_examples


def dense_steps(log_every):
    """What is logged besides every ``log_every``-th step: about twenty steps per decade up to ten times that.

    >>> sorted(dense_steps(2))
    [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 14, 16, 18, 20]
    """
    return set(np.geomspace(1, 10 * log_every, int(20 * np.log10(10 * log_every)) + 1).round().astype(int).tolist())


def early_steps(checkpoint_every):
    """Checkpoints before the first regular one, where most happens: eight per decade from step 10 on.

    >>> sorted(early_steps(100))
    [10, 13, 18, 24, 32, 42, 56, 75]
    """
    steps = 10 ** np.arange(1, np.log10(checkpoint_every), 1 / 8)
    return set(steps.round().astype(int).tolist())


def train(model: Network, task: Any, optimizer: Any = None, steps: int = 50_000, seed: int = 0,
          out: str | Path | None = None, *, initial: dict | None = None, exist_ok: bool = False,
          checkpoint_every: int = 1000, log_every: int = 100, loss: str = "cross_entropy", dtype: str = "float32",
          threads: int | None = None, progress: bool = True) -> runs.Run:
    """Train a network on the training examples of a task, full batch.

    Parameters
    ----------
    model, task, optimizer
        For example `MLP`, `ModularArithmetic`, `AdamW` (the default); or your own: see `networks.Network`, a task with
        ``split() -> Split``, an optimizer with ``init(theta)`` and ``step(theta, gradient, state, t)``.
    steps : int
        Number of optimizer steps.
    seed : int
        Seed of the initial parameters; the split has its own, in the task.
    out : path or None
        Folder for config.json, history.csv and checkpoints; None keeps the run in memory.
    initial : dict, optional
        First weights by name, instead of those drawn from the seed.
    exist_ok : bool
        Where ``out`` holds a run with these very settings, go on with it, or load it if it is finished.
    checkpoint_every, log_every : int
        Steps between checkpoints, and between rows of the history. Both are denser at the start, spaced by logarithm,
        and every checkpoint has a row.
    loss : str
        A key of ``layers.LOSSES``: ``"cross_entropy"`` (nats, mean over examples), ...; for `SparseParity`, whose
        networks have one output, ``"logistic"`` (nats), ...
    dtype : str
        ``"float32"`` or ``"float64"``.
    threads : int or None
        Threads for the shards; None means one per available core. The result does not depend on it.
    progress : bool
        Show a progress bar with train and test accuracy.

    Returns
    -------
    Run

    Raises
    ------
    ValueError, TypeError
        If an argument cannot be used; the message names it.
    DivergedError
        When the loss stops being finite; the message names the step, and what was saved before stays.
    FileExistsError
        If ``out`` already holds a run, unless ``exist_ok``.
    RunError
        If ``out`` holds a run with other settings, naming the first that differs; or a file cannot be written.
    KeyboardInterrupt
        After Ctrl-C; with ``out``, a checkpoint of the current step is saved first.
    """
    _check_call(threads, progress)
    require_flag(exist_ok, "exist_ok")
    optimizer = AdamW() if optimizer is None else optimizer
    settings = {"steps": steps, "seed": seed, "loss": loss, "dtype": dtype, "checkpoint_every": checkpoint_every,
                "log_every": log_every}
    check_settings(model, task, optimizer, **settings)
    if initial is not None:
        initial = _given(initial, model.shapes, dtype)
    config = runs.to_config(model, task, optimizer, initial=initial, **settings)
    params = _first_weights(model, config) if initial is None else initial
    run = runs.Run(model, task, optimizer, params, {}, config)
    _require_fit(model, params, run.split, loss)
    if out is not None:
        require_type(out, "out", str, Path)
        path = Path(out)
        runs.require_rebuildable(config, (type(model), type(task), type(optimizer)))
        if exist_ok and (path / "config.json").exists():
            runs.require_same(path, config, initial)
            return _go_on(path, config, model, task, optimizer, threads, progress)
        runs.create_folder(path, config, initial)
        run.path = path
    return _learn(run, 0, None, [], threads, progress)


def resume(path: str | Path, *, classes: tuple = (), threads: int | None = None, progress: bool = True) -> runs.Run:
    """Continue an interrupted run to its configured end, to the same bits as if it had never stopped.

    ``classes``: those of your own networks, tasks and optimizers that config.json names; no code is imported because a
    file says so. A run that was stopped before its first checkpoint begins again, so that a folder with nothing in it
    but somebody's config.json repeats their run; a finished one is just loaded. Raises `RunError` if the folder holds
    no run, or checkpoints of which none can be gone on from.
    """
    _check_call(threads, progress)
    config = runs.read_config(path)
    return _go_on(Path(path), config, *rebuild(path, config, classes), threads, progress)


def load_run(path: str | Path, *, classes: tuple = ()) -> runs.Run:
    """The `Run` in a folder, at its newest readable checkpoint; ``classes`` as in `resume`.

    Raises `RunError` if the folder holds no run, or no readable checkpoint.
    """
    config = runs.read_config(path)
    model, task, optimizer = rebuild(path, config, classes)
    return runs.open_run(Path(path), config, model, task, optimizer)


def _go_on(path, config, model, task, optimizer, threads, progress):
    """The run in a folder, continued from its newest checkpoint or loaded."""
    if not runs.checkpoint_steps(path):
        runs.make_folder(path)
        params = runs.read_initial(path, config, model) or _first_weights(model, config)
        return _learn(runs.Run(model, task, optimizer, params, {}, config, path), 0, None, [], threads, progress)
    run = runs.open_run(path, config, model, task, optimizer)
    if run.history["step"][-1] >= config["steps"]:
        return run
    step, run.params, moments = runs.newest_checkpoint(path, model, runs.read_history(path), optimizer)
    # The row of this step is written anew, and rows after it are of steps that will be taken again.
    rows = [row for row in zip(*run.history.values(), strict=True) if row[0] < step]
    return _learn(run, step, moments, rows, threads, progress)


def _first_weights(model, config):
    """Parameters before the first step."""
    return model.init(generator(config["seed"], "weights"), np.dtype(config["dtype"]))


def _learn(run, start, moments, rows, threads, progress):
    """Take the steps from ``start`` to the configured end; a step is the last lines of the loop."""
    model, optimizer, config = run.model, run.optimizer, run.config
    loss, dtype, steps = LOSSES[config["loss"]], np.dtype(config["dtype"]), config["steps"]
    split = run.split
    train_shards = make_shards(model, split.train_inputs, split.train_labels, dtype)
    test_shards = make_shards(model, split.test_inputs, split.test_labels, dtype)
    theta, gradient = FlatVector(run.params), FlatVector(run.params)
    moments = moments or optimizer.init(theta.vector)
    dense, early = dense_steps(config["log_every"]), early_steps(config["checkpoint_every"])
    machine.keep_freed_memory()
    with (machine.shard_map(len(train_shards), threads) as map_shards, machine.deferred_interrupt() as interrupted,
          np.errstate(over="ignore", invalid="ignore"),  # a diverging run overflows in many places; its loss tells
          tqdm(total=steps, initial=start, unit="step", disable=not progress, mininterval=0.2) as bar):
        if progress and (hint := machine.kernel_hint()):
            bar.write(hint, file=sys.stderr)
        for step in range(start, steps + 1):
            stop = interrupted.is_set() and step < steps
            saving = stop or step == steps or step in early or step % config["checkpoint_every"] == 0
            if saving or step == start or step in dense or step % config["log_every"] == 0:
                train_loss, train_accuracy = evaluate(model, theta.views, train_shards, loss, map_shards)
                _require_finite(train_loss, step, run.path)  # so that what has diverged is neither saved nor returned
                test_loss, test_accuracy = evaluate(model, theta.views, test_shards, loss, map_shards)
                rows.append((step, train_loss, test_loss, train_accuracy, test_accuracy, *_norms(theta.vector)))
                bar.set_postfix_str(f"accuracy: train {train_accuracy:.3f}, test {test_accuracy:.3f}", refresh=False)
            if saving and run.path is not None:
                runs.write_history(run.path, runs.columns(rows))
                runs.write_checkpoint(run.path, step, theta.views, moments)
            if stop:
                raise KeyboardInterrupt(f"stopped after step {step:,}" + (
                    f"; resume({str(run.path)!r}) goes on from there" if run.path else ""))
            if step < steps:
                value = loss_and_gradients(model, theta.views, train_shards, loss, gradient.views, map_shards)
                _require_finite(value, step, run.path)
                optimizer.step(theta.vector, gradient.vector, moments, step + 1)
                bar.update()
    run.params, run.history = theta.views, runs.columns(rows)
    return run


def _norms(theta):
    """Sum of absolute values, and root of the sum of squares."""
    theta = theta.astype(np.float64)
    return np.abs(theta).sum(), np.sqrt(theta @ theta)


def _require_finite(train_loss, step, path):
    if not np.isfinite(train_loss):
        cure = "try a smaller lr" if step else "look at the first weights and the training set"
        saved = f"; {path} keeps what was saved before" if path else ""
        raise DivergedError(f"training loss is {train_loss} after step {step}: {cure}{saved}")


def _require_fit(model, params, split, loss):
    """An error before the first step, and before there is a folder, if the network cannot take the task's examples."""
    require(len(split.train_labels) > 0, "task", "a split without training examples", "one with some")
    with np.errstate(over="ignore", invalid="ignore"):  # the loss of step 0 tells
        outputs, _ = model.forward(params, split.train_inputs[:1])
    n_classes = 2 if LOSSES[loss].one_output else outputs.shape[-1]
    for labels in (split.train_labels, split.test_labels):
        require(not labels.size or 0 <= labels.min() <= labels.max() < n_classes, "labels of the task",
                f"from {labels.min(initial=0)} to {labels.max(initial=0)}", f"in [0, {n_classes})")


def _check_call(threads, progress):
    if threads is not None:
        require_integer(threads, "threads", minimum=1)
    require_flag(progress, "progress")


def _given(initial, shapes, dtype):
    """Given first weights as arrays of the run's dtype; a ValueError if they are not those of the network."""
    require_type(initial, "initial", dict)
    found = {name: np.shape(array) for name, array in initial.items()}
    require(found == shapes, "initial", found, f"arrays of shapes {shapes}")
    return {name: np.array(initial[name], dtype) for name in shapes}


def check_settings(model, task, optimizer, *, steps, seed, loss, dtype, checkpoint_every, log_every):
    """ValueError or TypeError if a run cannot have these settings; see `train` for what they mean."""
    require_integer(steps, "steps", minimum=1, maximum=2**53)  # what the history can count
    require_integer(seed, "seed", minimum=0)
    require_integer(checkpoint_every, "checkpoint_every", minimum=1)
    require_integer(log_every, "log_every", minimum=1)
    require_choice(loss, "loss", LOSSES)
    require_choice(dtype, "dtype", ("float32", "float64"))
    require_type(model, "model", Network)
    _require_methods(task, "task", "split")
    _require_methods(optimizer, "optimizer", "init", "step")
    for size in ("p", "n_bits"):
        if hasattr(model, size) and hasattr(task, size):
            require(getattr(model, size) == getattr(task, size), f"model.{size}", getattr(model, size),
                    f"the task's {size} = {getattr(task, size)}")
    fitting = [name for name, one in LOSSES.items() if one.one_output == getattr(task, "binary", False)]
    require(loss in fitting, "loss", loss, f"one of {', '.join(fitting)} for {type(task).__name__}")


def _require_methods(thing, name, *methods):
    """A TypeError unless the thing has these methods."""
    if isinstance(thing, type | str | bytes) or not all(callable(getattr(thing, method, None)) for method in methods):
        raise TypeError(f"{name} must be an object with {' and '.join(f'{method}()' for method in methods)}, "
                        f"got {thing!r}")


def rebuild(path, config, classes):
    """Model, task and optimizer that a config describes; RunError, with what to do, if it describes none."""
    require_type(classes, "classes", tuple, list)
    for one in classes:
        require_type(one, "each of classes", type)
    try:
        model, task, optimizer = runs.from_config(config, classes)
        check_settings(model, task, optimizer, **{name: config[name] for name in runs.SETTINGS})
    except KeyError as error:
        raise runs.RunError(f"{path}/config.json describes no run: {error} is missing or unknown") from None
    except (ValueError, TypeError) as error:
        raise runs.RunError(f"{path}/config.json describes no run: {error}") from None
    return model, task, optimizer
