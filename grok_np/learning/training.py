"""The training loop: full-batch gradient steps, a log, checkpoints, and the way back after an interruption.

A step is: effective weights once, the mix shard by shard on threads, the gradient pulled back, one optimizer step.
Shards have a fixed size and their gradients are added in a fixed order, each product runs on one BLAS thread, and
after the initial draw nothing is random: so the same seed on the same machine gives the same bits, whatever the number
of threads and however often the run was interrupted and resumed.

Read next: `fourier` and `analytic` to understand what was learned; `runs` for the files.
"""

import contextlib
import os
import signal
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from threadpoolctl import threadpool_limits
from tqdm import tqdm

from grok_np.errors import DivergedError, require_flag, require_integer, require_type
from grok_np.layers import BINARY_LOSSES, LOSSES, predictions
from grok_np.learning import runs
from grok_np.learning.adamw import AdamW, FlatVector
from grok_np.learning.machine import kernel_hint
from grok_np.streams import generator

ALL_LOSSES = LOSSES | BINARY_LOSSES
SHARD_SIZE = 1024  # examples; the activations of one shard should stay in a core's own cache


class Shard(NamedTuple):
    """A piece of a data set: indexed inputs, labels, and its share of the examples."""

    inputs: Any
    labels: np.ndarray
    share: float


def make_shards(model, inputs, labels, dtype):
    """Cut a data set into equal pieces of at most `SHARD_SIZE` examples: one, or an even number of them.

    Two threads take as long for three shards as for four of the same size, and four of 3/4 the size take 3/4 of it.
    """
    n_shards = 1 if len(inputs) <= SHARD_SIZE else 2 * -(-len(inputs) // (2 * SHARD_SIZE))
    return [Shard(model.index(x, dtype), y, len(x) / len(inputs))
            for x, y in zip(np.array_split(inputs, n_shards), np.array_split(labels, n_shards), strict=True)]


def loss_and_gradients(model, params, shards, loss="cross_entropy", map=map):
    """Mean loss (a float) and its gradient for the parameters, over all shards.

    ``map`` may be an executor's: the order of addition is that of the shards.
    """
    loss_forward, loss_backward = ALL_LOSSES[loss]
    effective = model.effective(params)

    def one_shard(shard):
        with np.errstate(over="ignore", invalid="ignore"):  # a diverging run is reported by its loss
            logits, cache = model.mix_forward(effective, shard.inputs)
            value, loss_cache = loss_forward(logits, shard.labels)
            return shard.share * value, model.mix_backward(loss_backward(shard.share, loss_cache), cache)

    # Added one by one as they come, so that memory stays flat: with all pairs of p = 997 there are 970 of them.
    loss_so_far, total = 0.0, None
    for value, gradient in map(one_shard, shards):
        loss_so_far += value
        if total is None:
            total = gradient
        else:
            for name in total:
                total[name] += gradient[name]
    return float(loss_so_far), model.effective_backward(total, params)


def evaluate(model, params, shards, loss="cross_entropy", map=map):
    """Mean loss (nats per example for cross-entropy) and accuracy (fraction), as floats."""
    loss_forward, _ = ALL_LOSSES[loss]
    effective = model.effective(params)

    def one_shard(shard):
        with np.errstate(over="ignore", invalid="ignore"):
            logits, _ = model.mix_forward(effective, shard.inputs)
            value, _ = loss_forward(logits, shard.labels)
        return shard.share * value, np.count_nonzero(predictions(logits, loss) == shard.labels)

    values, correct = zip(*map(one_shard, shards), strict=True)
    return float(sum(values)), sum(correct) / sum(len(shard.labels) for shard in shards)


def keep_freed_memory():
    """Make the C library keep the blocks that a step frees, for the next step to use again.

    glibc returns freed blocks above 128 KB to the kernel until the program has once freed a larger one; then it keeps
    blocks up to that size (mallopt(3), M_MMAP_THRESHOLD, at most 32 MB). Without this the article's MLP took 170 page
    faults and 1.5 ms a step, with it none and 1.0 ms. The block itself is never touched, so it costs nothing.
    """
    np.empty(30_000_000, np.uint8)


def dense_steps(log_every):
    """What is logged besides every ``log_every``-th step: about twenty steps per decade up to ten times that.

    >>> sorted(dense_steps(2))
    [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 14, 16, 18, 20]
    """
    return set(np.geomspace(1, 10 * log_every, int(20 * np.log10(10 * log_every)) + 1).round().astype(int).tolist())


def train(model: Any, task: Any, optimizer: Any = None, steps: int = 50_000, seed: int = 0,
          out: str | Path | None = None, *, checkpoint_every: int = 1000, log_every: int = 100,
          loss: str = "cross_entropy", dtype: str = "float32", threads: int | None = None,
          progress: bool = True) -> runs.Run:
    """Train a model on the training pairs of a task, full batch.

    Parameters
    ----------
    model, task, optimizer
        For example `MLP`, `ModularArithmetic`, `AdamW` (the default).
    steps : int
        Number of optimizer steps.
    seed : int
        Seed of the initial parameters; the split has its own, in the task.
    out : path or None
        Folder for config.json, history.csv and checkpoints; None keeps the run in memory.
    checkpoint_every, log_every : int
        Steps between checkpoints, and between rows of the history (which is denser at the start, and has a row for
        every checkpoint).
    loss : str
        ``"cross_entropy"`` (nats, mean over examples) or ``"mean_squared_error"``; for `SparseParity`, whose networks
        have one output, ``"logistic"`` (nats) or ``"hinge"``.
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
    DivergedError
        When the loss stops being finite; the message names the step, and what was saved before stays.
    FileExistsError
        If ``out`` already holds a run.
    KeyboardInterrupt
        After Ctrl-C; with ``out``, a checkpoint of the current step is saved first.
    """
    if threads is not None:
        require_integer(threads, "threads", minimum=1, maximum=1000)
    if out is not None:
        require_type(out, "out", str, Path)
    require_flag(progress, "progress")
    settings = {"steps": steps, "seed": seed, "loss": loss, "dtype": dtype, "checkpoint_every": checkpoint_every,
                "log_every": log_every}
    runs.check_settings(model, task, **settings)
    config = runs.to_config(model, task, AdamW() if optimizer is None else optimizer, **settings)
    path = None if out is None else runs.create_folder(out, config)
    return _run_from(config, path, 0, _first_params(config), None, [], threads, progress)


def resume(path: str | Path, *, threads: int | None = None, progress: bool = True) -> runs.Run:
    """Continue an interrupted run to its configured end, to the same bits as if it had never stopped.

    A run that was stopped before its first checkpoint begins again, so that a folder with nothing in it but somebody's
    config.json repeats their run; a finished one is just loaded. Raises `RunError` if the folder holds no run, or
    checkpoints of which none can be gone on from.
    """
    if threads is not None:
        require_integer(threads, "threads", minimum=1, maximum=1000)
    config = runs.read_config(path)
    path = Path(path)
    if not runs.checkpoint_steps(path):
        runs.make_folder(path)
        return _run_from(config, path, 0, _first_params(config), None, [], threads, progress)
    run = runs.load_run(path)
    if run.history["step"][-1] >= run.config["steps"]:
        return run
    step, params, moments = runs.newest_checkpoint(run.path, run.model, runs.read_history(path), run.optimizer)
    rows = [row for row in zip(*run.history.values(), strict=True) if row[0] < step]
    return _run_from(run.config, run.path, step, params, moments, rows, threads, progress)


def _first_params(config):
    """Parameters before the first step."""
    model, _, _ = runs.from_config(config)
    return model.init(generator(config["seed"], "weights"), np.dtype(config["dtype"]))


def _run_from(config, path, start, params, moments, rows, threads, progress):
    """Take the steps from ``start`` to the configured end."""
    model, task, optimizer = runs.from_config(config)
    steps, loss, dtype = config["steps"], config["loss"], np.dtype(config["dtype"])
    log_every, checkpoint_every = config["log_every"], config["checkpoint_every"]
    split = task.split()
    train_shards = make_shards(model, split.train_inputs, split.train_labels, dtype)
    test_shards = make_shards(model, split.test_inputs, split.test_labels, dtype)
    theta, gradient = FlatVector(params), FlatVector(params)
    moments = moments or optimizer.init(theta.vector)
    keep_freed_memory()
    dense = dense_steps(log_every)

    def check(train_loss, step):
        if not np.isfinite(train_loss):
            saved = f"; {path} keeps what was saved before" if path else ""
            raise DivergedError(f"training loss is {train_loss} after step {step}: try a smaller lr{saved}")

    def log(step):
        train_loss, train_accuracy = evaluate(model, theta.views, train_shards, loss, map_shards)
        check(train_loss, step)  # here too, so that what has diverged is neither saved nor returned
        test_loss, test_accuracy = evaluate(model, theta.views, test_shards, loss, map_shards)
        vector = theta.vector.astype(np.float64)
        rows.append((step, train_loss, test_loss, train_accuracy, test_accuracy,
                     np.abs(vector).sum(), np.sqrt(vector @ vector)))
        bar.set_postfix_str(f"accuracy: train {train_accuracy:.3f}, test {test_accuracy:.3f}", refresh=False)

    def save(step):
        if path is not None:
            runs.write_history(path, _columns(rows))
            runs.write_checkpoint(path, step, theta.views, moments)

    # A diverging run overflows in many places before its loss does; the loss is what tells.
    with (np.errstate(over="ignore", invalid="ignore"),
          threadpool_limits(1, user_api="blas"), _shard_map(len(train_shards), threads) as map_shards,
          tqdm(total=steps, initial=start, unit="step", disable=not progress, mininterval=0.2) as bar,
          _deferred_interrupt() as interrupted):
        if progress and (hint := kernel_hint()):
            bar.write(hint, file=sys.stderr)
        for step in range(start, steps):
            stop = interrupted.is_set()
            saving = stop or step % checkpoint_every == 0
            if saving or step in dense or step % log_every == 0:
                log(step)
            if saving:
                save(step)
            if stop:
                raise KeyboardInterrupt(f"stopped after step {step}" + (f"; resume({str(path)!r})" if path else ""))
            value, gradients = loss_and_gradients(model, theta.views, train_shards, loss, map_shards)
            check(value, step)
            optimizer.step(theta.vector, gradient.load(gradients), moments, step + 1)
            bar.update()
        log(steps)
        save(steps)
    return runs.Run(model, task, optimizer, theta.views, _columns(rows), config, path)


def _columns(rows):
    columns = np.array(rows, dtype=np.float64).T
    history = dict(zip(runs.HISTORY_COLUMNS, columns, strict=True))
    return history | {"step": history["step"].astype(np.int64)}


@contextlib.contextmanager
def _shard_map(n_shards, threads):
    """``map`` over shards: an executor's on up to as many threads as there are cores, the built-in for one."""
    threads = min(threads or len(os.sched_getaffinity(0)), n_shards)
    if threads == 1:
        yield map
        return
    with ThreadPoolExecutor(threads) as pool:
        yield pool.map


@contextlib.contextmanager
def _deferred_interrupt():
    """An Event that Ctrl-C sets, so that the loop stops between two steps and never inside one."""
    event = threading.Event()
    if threading.current_thread() is not threading.main_thread():  # only the main thread may handle signals
        yield event
        return
    previous = signal.signal(signal.SIGINT, lambda *_: event.set())
    try:
        yield event
    finally:
        signal.signal(signal.SIGINT, previous)
