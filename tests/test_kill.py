"""SIGKILL at random moments, also inside a checkpoint's write: the run resumes to the same bits, no file is cut off.

    GROK_NP_KILLS=50 pytest tests/test_kill.py        50 kills instead of 8
"""

import os
import signal
import subprocess
import sys
import time

import numpy as np

from grok_np import MLP, AdamW, ModularArithmetic, load_run, train
from grok_np.learning.runs import checkpoint_steps, read_checkpoint

KILLS = int(os.environ.get("GROK_NP_KILLS", "8"))
MODEL, TASK, OPTIMIZER = MLP(11, 8, 6), ModularArithmetic(11, seed=1), AdamW()
OPTIONS = {"steps": 1500, "seed": 2, "checkpoint_every": 3, "progress": False}
JOB = """
import sys
from pathlib import Path
from test_kill import MODEL, OPTIMIZER, OPTIONS, TASK
from grok_np import resume, train
out = Path(sys.argv[1])
print("ready", flush=True)
if (out / "config.json").exists():
    resume(out, progress=False)
else:
    train(MODEL, TASK, OPTIMIZER, out=out, **OPTIONS)
"""


def test_killed_at_random_moments(tmp_path):
    undisturbed = train(MODEL, TASK, OPTIMIZER, out=None, **OPTIONS)
    (tmp_path / "job.py").write_text(JOB, encoding="utf-8")
    out, rng = tmp_path / "run", np.random.default_rng(0)
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}  # this folder, and wherever grok_np is
    killed, writing = 0, 0
    while True:
        job = subprocess.Popen([sys.executable, tmp_path / "job.py", out], stdout=subprocess.PIPE, env=environment)
        job.stdout.readline()
        if killed < KILLS:
            time.sleep(rng.uniform(0, 0.15))
            job.send_signal(signal.SIGKILL)
        code = job.wait()
        job.stdout.close()
        if code == 0:
            break
        killed += 1
        assert code == -signal.SIGKILL
        writing += bool(list(out.rglob(".*.tmp")))
        for step in checkpoint_steps(out) if (out / "checkpoints").exists() else []:
            read_checkpoint(out, step, MODEL)  # every file that has its name is whole
    run = load_run(out)
    assert run.history["step"][-1] == OPTIONS["steps"] and killed >= min(KILLS, 4)
    for name, weights in undisturbed.params.items():
        np.testing.assert_array_equal(run.params[name], weights)
    for name, values in undisturbed.history.items():
        np.testing.assert_array_equal(run.history[name], values)
    print(f"{killed} kills, {writing} of them inside a write")
