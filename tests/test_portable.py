"""Where there is no Linux: the main job, saving, killing, resuming and a sweep, with the calls of Linux taken away.

`elsewhere/sitecustomize.py` takes them away in every process that these tests start.
"""

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parent
ELSEWHERE = os.environ | {
    "PYTHONPATH": os.pathsep.join([str(HERE / "elsewhere"), str(ROOT)]), "PYTHONWARNDEFAULTENCODING": "1",
    "PYTHONWARNINGS": "error::EncodingWarning:grok_np,error::EncodingWarning:__main__", "PYTHONUTF8": "0"}


def run(*command, code=0):
    done = subprocess.run([sys.executable, *map(str, command)], env=ELSEWHERE, capture_output=True, text=True,
                          encoding="utf-8", cwd=ROOT, timeout=300)
    assert done.returncode == code, done.stderr
    return done.stdout


def test_the_calls_are_gone(tmp_path):
    """The tester tested: in a process started like this the old code cannot work."""
    script = tmp_path / "script.py"
    script.write_text("""
import os, sys
assert not hasattr(os, "sched_getaffinity") and not hasattr(os, "process_cpu_count")
for call in (lambda: os.open(sys.argv[1], os.O_RDONLY), lambda: __import__("resource")):
    try:
        call()
    except (PermissionError, ImportError):
        continue
    raise SystemExit("it was there")
""", encoding="utf-8")
    run(script, tmp_path)


def test_the_main_job(tmp_path):
    printed = run("examples/mlp_grokking.py", "--quick", "--out", tmp_path / "run")
    assert (tmp_path / "run/figures/training.png").exists() and "test acc" in printed


JOB = """
import os, sys
import numpy as np
from grok_np import MLP, ModularArithmetic, resume, train
from grok_np.learning import training

out, stop = sys.argv[1], int(sys.argv[2])
real, calls = training.loss_and_gradients, [0]

def dying(*arguments):
    calls[0] += 1
    if calls[0] == stop:
        os._exit(9)
    return real(*arguments)

if __name__ == "__main__":
    training.loss_and_gradients = dying
    run = train(MLP(11, 8, 6), ModularArithmetic(11), steps=40, out=out, checkpoint_every=7, exist_ok=True,
                progress=False)
    print(float(np.concatenate([W.ravel() for W in run.params.values()]).astype(float).sum()).hex())
"""


def test_save_kill_and_resume(tmp_path):
    (tmp_path / "job.py").write_text(JOB, encoding="utf-8")
    whole = run(tmp_path / "job.py", tmp_path / "whole", 0)
    for stop in (9, 17, 2):
        run(tmp_path / "job.py", tmp_path / "run", stop, code=9)
    assert run(tmp_path / "job.py", tmp_path / "run", 0) == whole
    assert (tmp_path / "run/history.csv").read_bytes() == (tmp_path / "whole/history.csv").read_bytes()


SWEEP = """
import sys
from grok_np.learning.sweep import grid, sweep

def square(x, y):
    if len(sys.argv) > 2 and x == 2:
        raise ValueError("no")
    return {"area": x * y}

if __name__ == "__main__":
    print([row["area"] for row in sweep(square, grid(x=[1, 2, 3], y=[4, 5]), sys.argv[1], progress=False)])
"""


def test_a_sweep(tmp_path):
    """On processes that are spawned, as they are everywhere but on Linux; what failed is done the next time."""
    (tmp_path / "sweep_job.py").write_text(SWEEP, encoding="utf-8")
    run(tmp_path / "sweep_job.py", tmp_path / "table.jsonl", "fail", code=1)
    assert len((tmp_path / "table.jsonl").read_text(encoding="utf-8").splitlines()) == 4
    assert json.loads(run(tmp_path / "sweep_job.py", tmp_path / "table.jsonl")) == [4, 5, 8, 10, 12, 15]


def texts(tree):
    """Calls that read or write text: read_text, write_text, and open without a "b" in its mode."""
    for call in ast.walk(tree):
        if isinstance(call, ast.Call):
            name = getattr(call.func, "attr", getattr(call.func, "id", None))
            mode = next((word.value.value for word in call.keywords if word.arg == "mode"), None)
            modes = [mode] + [a.value for a in call.args[1:2] if isinstance(a, ast.Constant)]
            binary = any(isinstance(one, str) and "b" in one for one in modes)
            plain_open = name == "open" and isinstance(call.func, ast.Name) and not binary
            if name in ("read_text", "write_text") or plain_open:
                yield call


@pytest.mark.parametrize("folder", ["grok_np", "examples", "tests"])
def test_every_text_names_its_encoding(folder):
    """Windows reads and writes text in a code page of its own unless told otherwise."""
    nameless = [f"{file.relative_to(ROOT)}:{call.lineno}" for file in (ROOT / folder).glob("**/*.py")
                for call in texts(ast.parse(file.read_text(encoding="utf-8")))
                if "encoding" not in {word.arg for word in call.keywords}]
    assert not nameless
