"""A disk that is full, read-only or gone: one sentence says so, earlier checkpoints are intact, later the same bits."""

import contextlib
import errno
import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from grok_np import MLP, ModularArithmetic, RunError, load_run, resume, train
from grok_np.learning import training
from grok_np.learning.runs import checkpoint_steps, read_checkpoint
from grok_np.learning.sweep import SweepError, grid, read_table, sweep

MODEL, TASK = MLP(5, 3, 4), ModularArithmetic(5)
OPTIONS = {"steps": 6, "checkpoint_every": 2, "log_every": 1, "progress": False}


def run_or_go_on(out):
    """What a user does after the message."""
    return resume(out, progress=False) if (out / "config.json").exists() else train(MODEL, TASK, out=out, **OPTIONS)


def check(out):
    """Every checkpoint is whole, nothing temporary is left, and the run goes on to the bits of an undisturbed one."""
    for step in checkpoint_steps(out):
        read_checkpoint(out, step, MODEL)
    assert not list(out.rglob("*.tmp"))
    undisturbed, run = train(MODEL, TASK, **OPTIONS), run_or_go_on(out)
    assert all(np.array_equal(run.params[name], W) for name, W in undisturbed.params.items())
    assert all(np.array_equal(run.history[name], column) for name, column in undisturbed.history.items())


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_any_write_may_find_the_disk_full(tmp_path, monkeypatch, call):
    """Each of the calls that a run makes fails in turn."""
    real, n = getattr(os, call), 0
    while True:
        calls = iter(range(10**6))

        def full(*arguments):
            if next(calls) == n:  # noqa: B023
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return real(*arguments)

        monkeypatch.setattr(os, call, full)
        out = tmp_path / str(n)
        try:
            train(MODEL, TASK, out=out, **OPTIONS)
            break
        except RunError as error:
            assert str(error).startswith(f"{out}/")
            assert "cannot be written: No space left on device; what was saved before is intact" in str(error)
        monkeypatch.undo()
        check(out)
        n += 1
    assert n == (1 + 4 * 2 + 2) * (2 if call == "fsync" else 1)  # config, history and checkpoint, moments dropped


def test_a_file_that_cannot_grow(tmp_path):
    """Not pretended: the kernel stops history.csv at 2,500 bytes."""
    resource = pytest.importorskip("resource", reason="limits on the size of a file are not for every system")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2500, hard))
    try:
        with pytest.raises(RunError, match="history.csv cannot be written: File too large"):
            train(MODEL, TASK, out=tmp_path / "run", **OPTIONS | {"steps": 100})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert len(checkpoint_steps(tmp_path / "run")) > 2
    assert resume(tmp_path / "run", progress=False).history["step"][-1] == 100


def test_a_folder_that_is_pulled_away(tmp_path, monkeypatch):
    calls, real = iter(range(100)), training.loss_and_gradients

    def pull(*arguments):
        if next(calls) == 3:
            os.rename(tmp_path / "run", tmp_path / "elsewhere")
        return real(*arguments)

    monkeypatch.setattr(training, "loss_and_gradients", pull)
    with pytest.raises(RunError, match="history.csv cannot be written: No such file or directory"):
        train(MODEL, TASK, out=tmp_path / "run", **OPTIONS)
    check(tmp_path / "elsewhere")


@contextlib.contextmanager
def without_permission(*folders):
    """No right to write in the folders, for a while; as nobody where the tests run as root."""
    user = os.geteuid()
    for folder in folders:
        folder.chmod(0o500)
    if user == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(user)
        for folder in folders:
            folder.chmod(0o700)


def test_a_folder_without_permission(tmp_path):
    with without_permission(tmp_path), pytest.raises(RunError, match="run cannot be made: Permission denied; choose"):
        train(MODEL, TASK, out=tmp_path / "run", **OPTIONS)
    train(MODEL, TASK, out=tmp_path / "run", **OPTIONS)
    (tmp_path / "run/config.json").chmod(0)
    with without_permission(), pytest.raises(RunError, match="config.json cannot be read: Permission denied"):
        load_run(tmp_path / "run")


def test_permission_lost_during_a_run(tmp_path, monkeypatch):
    calls, real, out = iter(range(100)), training.loss_and_gradients, tmp_path / "run"
    with contextlib.ExitStack() as stack:
        def lose(*arguments):
            if next(calls) == 3:
                stack.enter_context(without_permission(out, out / "checkpoints"))
            return real(*arguments)

        monkeypatch.setattr(training, "loss_and_gradients", lose)
        with pytest.raises(RunError, match="history.csv cannot be written: Permission denied"):
            train(MODEL, TASK, out=out, **OPTIONS)
    monkeypatch.undo()
    check(out)


def test_a_file_in_the_way(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(RunError, match="file/run cannot be made: Not a directory"):
        train(MODEL, TASK, out=tmp_path / "file/run", **OPTIONS)
    with pytest.raises(RunError, match="holds no run"):
        load_run(tmp_path / "file")


def test_a_damaged_old_checkpoint_does_not_stop_a_run(tmp_path):
    train(MODEL, TASK, out=tmp_path / "run", **OPTIONS)
    for step in (2, 6):
        (tmp_path / f"run/checkpoints/{step:08d}.npz").write_bytes(b"")
    assert resume(tmp_path / "run", progress=False).history["step"][-1] == 6


def square(x):
    return {"square": x * x}


def test_a_sweep_on_a_full_disk(tmp_path, monkeypatch):
    calls, table = iter(range(100)), tmp_path / "table.jsonl"

    def full(file):
        if next(calls) == 2:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with ThreadPoolExecutor(1) as pool:
        with pytest.raises(SweepError, match="table.jsonl cannot be written: No space left on device; rows before"):
            sweep(square, grid(x=range(5)), table, executor=pool, progress=False)
        table.write_bytes(table.read_bytes()[:-5])  # as much of the line as fitted
        assert len(read_table(table)) == 2
        rows = sweep(square, grid(x=range(5)), table, executor=pool, progress=False)
    assert [row["square"] for row in rows] == [0, 1, 4, 9, 16]
