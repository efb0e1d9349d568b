"""Many runs: settings in, a table on disk out, on this machine or on a cluster.

A sweep is a function of keyword arguments and a list of them. Each finished setting is appended to the table at once,
one line per row, so that an interrupted sweep, a killed worker or a full disk lose at most what was being computed;
called again with the same table it computes only what is missing. Any executor of `concurrent.futures` will do:
processes by default, a dask.distributed client's ``get_executor()`` for a cluster.

What it is not: an experiment tracker.

Read next: `analytic`.
"""

import contextlib
import json
import os
from concurrent.futures import Executor, ProcessPoolExecutor, as_completed
from functools import partial
from itertools import product
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits
from tqdm import tqdm

from grok_np.errors import require, require_flag, require_type
from grok_np.learning.machine import cores


class SweepError(RuntimeError):
    """Some settings failed, or the table cannot be written; the message says which, other results are in the table."""


def grid(**lists: list) -> list[dict]:
    """All combinations of the values in lists, as settings; the last name varies fastest.

    >>> grid(p=[5, 7], seed=range(2))
    [{'p': 5, 'seed': 0}, {'p': 5, 'seed': 1}, {'p': 7, 'seed': 0}, {'p': 7, 'seed': 1}]
    """
    for name, values in lists.items():
        listed = isinstance(values, list | tuple | range) or getattr(values, "ndim", 0) == 1
        require(listed, name, values, "a list of values")
    return [dict(zip(lists, values, strict=True)) for values in product(*lists.values())]


def sweep(function: Any, settings: list[dict], table: str | Path, *, executor: Executor | None = None,
          progress: bool = True) -> list[dict]:
    """Call ``function(**setting)`` for every setting that the table does not hold yet, and return all rows.

    Parameters
    ----------
    function : callable
        Returns a dict of numbers and strings, or a list of such dicts (an ensemble's members). Defined in a module, so
        that other processes can find it.
    settings : list of dict
        Keyword arguments, of what JSON can hold; no two alike.
    table : path
        A file of JSON lines, {"setting": ..., "rows": [...]}, made if it is not there. A line that a crash cut off is
        dropped.
    executor : concurrent.futures.Executor, optional
        Left open; by default one process per core, each on one BLAS thread.
    progress : bool
        Show a progress bar.

    Returns
    -------
    list of dict
        The rows of these settings, in their order, each with its setting: {**setting, **row}.

    Raises
    ------
    SweepError
        If a setting's function raised; every other setting is finished first. Or if the disk is full.
    """
    require(callable(function), "function", function, "callable")
    require_flag(progress, "progress")
    require_type(table, "table", str, Path)
    require_type(settings, "settings", list, tuple)
    for setting in settings:
        require_type(setting, "each of settings", dict)
    keys = [_key(setting) for setting in settings]
    require(len(set(keys)) == len(keys), "settings", f"{len(keys)} of which {len(set(keys))} differ", "all different")
    table = Path(table)
    table.parent.mkdir(parents=True, exist_ok=True)
    finished = {key: rows for key, rows in read_table(table).items() if key in set(keys)}
    missing = [setting for key, setting in zip(keys, settings, strict=True) if key not in finished]
    failures = []
    if missing:
        with (open(table, "ab") as file, _pool(executor) as pool,
              tqdm(total=len(settings), initial=len(finished), unit="setting", disable=not progress) as bar):
            # partial, because an executor may have keyword arguments of its own.
            futures = {pool.submit(partial(function, **setting)): setting for setting in missing}
            try:
                for future in as_completed(futures):
                    # Kept nowhere: a cluster computes a result again whose worker dies while somebody holds its future.
                    setting, error = futures.pop(future), future.exception()
                    if error:
                        failures.append((setting, error))
                    else:
                        rows = future.result()
                        finished[_key(setting)] = rows = rows if isinstance(rows, list) else [rows]
                        line = json.dumps({"setting": setting, "rows": rows}, default=_plain)
                        _append(file, line)
                    del future
                    bar.update()
            except BaseException:
                for future in futures:
                    future.cancel()
                raise
    if failures:
        setting, error = failures[0]
        raise SweepError(f"{len(failures)} of {len(settings)} settings failed, first {setting}: {error!r}; the others "
                         f"are in {table}") from error
    return [{**setting, **row} for key, setting in zip(keys, settings, strict=True) for row in finished[key]]


def read_table(path: str | Path) -> dict[str, list[dict]]:
    """Rows by setting (its JSON with sorted names) of a table; a last line that was cut off is removed from the file.

    Raises ValueError, naming the line, if anything else in it cannot be read; then the file is left as it is.
    """
    require_type(path, "path", str, Path)
    path = Path(path)
    if not path.exists():
        return {}
    *lines, rest = path.read_bytes().split(b"\n")
    finished = {}
    for number, line in enumerate(lines, start=1):
        try:
            entry = json.loads(line)
            finished[_key(dict(entry["setting"]))] = [dict(row) for row in entry["rows"]]
        except (ValueError, KeyError, TypeError, RecursionError):
            raise _no_row(path, number, line) from None
    if not rest.startswith(LINE_START[: len(rest)]):  # not cut off by a crash: somebody else's file
        raise _no_row(path, len(lines) + 1, rest)
    if rest:
        os.truncate(path, path.stat().st_size - len(rest))
    return finished


LINE_START = b'{"setting": '


def _no_row(path, number, line):
    return ValueError(f"{path} line {number} is no row of a sweep: {line[:80]!r}; remove it to compute it again")


def _append(file, line):
    """Write a line and see it on the disk; if that fails, what is there of it is dropped by the next `read_table`."""
    try:
        file.write(line.encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())
    except OSError as error:
        raise SweepError(f"{file.name} cannot be written: {error.strerror}; rows before are intact, so put that right "
                         "(free space, say) and call sweep again") from None


def _key(setting):
    return json.dumps(setting, sort_keys=True, default=_plain)


def _plain(value):
    """A NumPy number as the Python number that JSON knows."""
    if not isinstance(value, np.generic):
        raise TypeError(f"settings and rows must hold what JSON can: numbers, strings, lists and dicts, got {value!r}")
    return value.item()


def _one_blas_thread():
    threadpool_limits(1, user_api="blas")


@contextlib.contextmanager
def _pool(executor):
    """The executor that was given, left open, or a pool of processes that is closed afterwards."""
    if executor is not None:
        yield executor
        return
    # "spawn", because a fork of a process whose BLAS has started threads may hang.
    with ProcessPoolExecutor(cores(), get_context("spawn"), _one_blas_thread) as own:
        yield own
