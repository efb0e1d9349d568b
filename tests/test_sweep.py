"""Sweeps lose no finished setting and repeat none: whatever is killed, and with any executor."""

import json
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grok_np.learning.sweep import SweepError, grid, read_table, sweep


def traced(x, folder, seconds=0.0):
    """x², after leaving a trace of the call."""
    with open(Path(folder) / f"call_{x}", "a", encoding="utf-8") as file:
        file.write("x")
    time.sleep(seconds)
    return {"square": x * x}


def calls(folder):
    return {int(path.name.split("_")[1]): len(path.read_text(encoding="utf-8")) for path in Path(folder).glob("call_*")}


def settings(folder, n, **more):
    return grid(x=list(range(n)), folder=[str(folder)], **more)


def test_rows_come_back_in_order_and_a_second_call_computes_nothing(tmp_path):
    for _ in range(2):
        rows = sweep(traced, settings(tmp_path, 5), tmp_path / "table.jsonl", progress=False)
        assert [(row["x"], row["square"]) for row in rows] == [(x, x * x) for x in range(5)]
    assert calls(tmp_path) == dict.fromkeys(range(5), 1)


def members(x):
    return [{"member": np.int64(i), "value": np.float32(x + i)} for i in range(x)]


def test_a_function_may_return_several_rows_or_none(tmp_path):
    with ThreadPoolExecutor(2) as pool:
        rows = sweep(members, grid(x=[0, 1, 3]), tmp_path / "table.jsonl", executor=pool, progress=False)
    assert [(row["x"], row["member"], row["value"]) for row in rows] == [(1, 0, 1), (3, 0, 3), (3, 1, 4), (3, 2, 5)]


def fails_at_two(x):
    if x == 2:
        raise RuntimeError("two is not for me")
    return {"x_again": x}


def test_a_failure_is_told_and_the_rest_is_kept(tmp_path):
    with ThreadPoolExecutor(2) as pool, pytest.raises(SweepError, match=r"1 of 4 settings failed, first .*'x': 2.*two"):
        sweep(fails_at_two, grid(x=range(4)), tmp_path / "table.jsonl", executor=pool, progress=False)
    assert {json.loads(key)["x"] for key in read_table(tmp_path / "table.jsonl")} == {0, 1, 3}


@given(cut=st.integers(1, 200))
def test_a_line_cut_off_by_a_crash_is_computed_again(tmp_path_factory, cut):
    folder = tmp_path_factory.mktemp("cut")
    table = folder / "table.jsonl"
    with ThreadPoolExecutor(1) as pool:
        sweep(traced, settings(folder, 3), table, executor=pool, progress=False)
        whole = table.read_bytes()
        table.write_bytes(whole[:-min(cut, len(whole))])
        intact = table.read_bytes().count(b"\n")
        rows = sweep(traced, settings(folder, 3), table, executor=pool, progress=False)
    assert [row["square"] for row in rows] == [0, 1, 4]
    assert sum(calls(folder).values()) == 3 + 3 - intact
    assert len(read_table(table)) == 3


def test_a_damaged_line_is_named_not_dropped(tmp_path):
    (tmp_path / "table.jsonl").write_text('{"setting": {"x": 1}, "rows": []}\nrubbish\n', encoding="utf-8")
    with pytest.raises(ValueError, match="table.jsonl line 2 is no row of a sweep"):
        read_table(tmp_path / "table.jsonl")
    with pytest.raises(ValueError, match="settings must be all different, got '2 of which 1 differ'"):
        sweep(traced, [{"x": 1}, {"x": 1}], tmp_path / "other.jsonl")


def test_a_killed_sweep_goes_on_where_it_was(tmp_path):
    """SIGKILL to the whole process group, half-way; then the same call to the end."""
    script = (f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})\n"
              "from test_sweep import *\n"
              f"if __name__ == '__main__': sweep(traced, settings({str(tmp_path)!r}, 12, seconds=[0.3]), "
              f"{str(tmp_path / 'table.jsonl')!r}, progress=False)\n")
    (tmp_path / "job.py").write_text(script, encoding="utf-8")
    job = subprocess.Popen([sys.executable, tmp_path / "job.py"], start_new_session=True)
    deadline = time.monotonic() + 60
    while len(read_table_quietly(tmp_path / "table.jsonl")) < 3 and time.monotonic() < deadline:
        time.sleep(0.02)
    os.killpg(job.pid, signal.SIGKILL)
    job.wait()
    before = {json.loads(key)["x"] for key in read_table(tmp_path / "table.jsonl")}
    assert 3 <= len(before) < 12
    subprocess.run([sys.executable, tmp_path / "job.py"], check=True, timeout=120)
    assert {json.loads(key)["x"] for key in read_table(tmp_path / "table.jsonl")} == set(range(12))
    assert all(count == 1 for x, count in calls(tmp_path).items() if x in before)


def read_table_quietly(path):
    """Finished lines of a table that another process is writing; unlike `read_table` it does not touch the file."""
    return path.read_bytes().split(b"\n")[:-1] if path.exists() else []


def test_a_dask_cluster_loses_a_worker(tmp_path):
    """Two worker processes; one is killed half-way. Every setting is in the table once, none of the finished again."""
    distributed = pytest.importorskip("distributed", reason="dask[distributed] is an optional extra")
    with (distributed.LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None,
                                   local_directory=str(tmp_path)) as cluster,
          distributed.Client(cluster) as client, ThreadPoolExecutor(1) as background):
        client.upload_file(__file__)
        work = background.submit(sweep, traced, settings(tmp_path, 12, seconds=[0.3]), tmp_path / "table.jsonl",
                                 executor=client.get_executor(), progress=False)
        while len(read_table_quietly(tmp_path / "table.jsonl")) < 4:
            assert not work.done() or work.result()
            time.sleep(0.02)
        before = {json.loads(line)["setting"]["x"] for line in read_table_quietly(tmp_path / "table.jsonl")}
        os.kill(next(iter(client.run(os.getpid).values())), signal.SIGKILL)
        rows = work.result(timeout=120)
    assert [row["square"] for row in rows] == [x * x for x in range(12)]
    lines = (tmp_path / "table.jsonl").read_text(encoding="utf-8").splitlines()
    assert len(read_table(tmp_path / "table.jsonl")) == len(lines) == 12
    assert all(calls(tmp_path)[x] == 1 for x in before)
