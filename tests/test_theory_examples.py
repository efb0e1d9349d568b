"""The examples of the theory run in their quick form and print numbers that mean something."""

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np

from grok_np import AdamW, ModularArithmetic, analytic, reading
from grok_np.networks.mlp import Effective

EXAMPLES = Path(__file__).parents[1] / "examples"


def run(tmp_path, name, *arguments):
    """The example's standard output, run as a user runs it."""
    environment = os.environ | {"MPLBACKEND": "Agg", "MPLCONFIGDIR": str(tmp_path)}
    done = subprocess.run([sys.executable, "-W", "error", str(EXAMPLES / name), *arguments], cwd=tmp_path,
                          capture_output=True, text=True, env=environment, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_best_network(tmp_path, reference):
    """Of the published network: at equal norm the written-down rings have less loss on all pairs than the learned."""
    printed = run(tmp_path, "best_network.py", "--published", str(reference("pair/main_model.npz")), "--starts", "1",
                  "--stay", "20", "--evaluations", "200")
    losses = {name: float(loss) for name, loss in re.findall(
        r"^(learned|written down, for \S+|the same, 20)\b.*?\s([\d.]+e-\d+)\s+1\.0000$", printed, re.MULTILINE)}
    assert len(losses) == 4 and losses["learned"] == max(losses.values())
    assert losses["written down, for all"] < 0.5 * losses["learned"]
    assert printed.count("15: 6 (") == 4


def module(name, monkeypatch):
    """An example as a module, so that its functions can be called."""
    monkeypatch.syspath_prepend(EXAMPLES)
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


def test_the_row_of_the_main_job(monkeypatch):
    """Of stars of cosines: the row has their decay norm and far less loss; without rings there is no row."""
    written_down = module("mlp_grokking", monkeypatch).written_down
    split = ModularArithmetic(17, train_fraction=0.9, symmetric=True).split()
    stars = analytic.stars(17, 7, [1, 3], amplitudes=4, activation="relu")
    row = written_down(stars, split, AdamW(eps=1e-5))
    name, losses = row[:30].strip(), [float(cell) for cell in row[30:].split()]
    [(_, train, test)] = reading.rings.scores(stars, split, rings=[])
    assert name == "best rings, written down" and losses[2:] == [1, 1]
    assert losses[0] < 0.2 * train.loss and losses[1] < 0.5 * test.loss
    noise = np.random.default_rng(0).normal(size=(17, 4))
    assert written_down(Effective(noise, noise, np.zeros(4), noise.T, "relu"), split, AdamW()) == ""


def test_ring_ablations(tmp_path):
    """What the moment law says is free is free, and nothing else."""
    printed = run(tmp_path, "ring_ablations.py", "--points", "3", "--out", "pictures")
    assert re.findall(r"^free .*: (.*)$", printed, re.MULTILINE) == [
        "turned, M_5, M_7", "turned", "turned, M_5, M_6, M_7"]
    assert (tmp_path / "pictures/ring_ablations.png").stat().st_size > 10_000


def test_certified_margin(tmp_path):
    """Bounds are at most the margins (the example asserts it for every a - b), and stars are certified wholly."""
    printed = run(tmp_path, "certified_margin.py", "--evaluations", "150")
    rows = {line[:34].strip(): line[34:].split() for line in printed.splitlines()[1:]}
    for name in ("cosine stars of nine", "cosine stars of five"):
        share, clean, margin, bound = rows[name][:4]
        assert share == clean == "100%" and 0.6 * float(margin) < float(bound) <= float(margin)
    assert rows["best written down"][0] == "0%"  # neighbours' modes, bounded by their largest value, are to blame
    assert float(rows["the same, own modes only"][3]) > float(rows["best written down"][3])
