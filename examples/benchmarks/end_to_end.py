"""Seconds until a network has grokked: in grok_np, and as the papers' code computes it, from the same first weights.

    pip install -e ".[bench]" && python examples/benchmarks/end_to_end.py            # about half an hour

As in step_time.py every contestant is a process of its own, and they take turns, a hundred steps each. Only the steps
count, compilation with them; after each turn the test pairs are asked, and who has 99 % of them right is done. Rounding
sends the runs on slightly different ways, so they do not grok at the same step.
"""

import argparse
import subprocess
import sys
import time

import contestants
import numpy as np

from grok_np.layers import LOSSES
from grok_np.learning.training import evaluate, make_shards

TURN, GIVE_UP = 100, 30_000  # steps
RACES = {"the article's MLP": ("grok_np", "JAX jit", "JAX jit, float64", "PyTorch eager"),
         "the mainline transformer": ("grok_np", "PyTorch eager")}  # PyTorch is what its authors use


def contest_named(name):
    """The functions of the contestants, and the contest, whose full name begins so."""
    for contest, full_name in zip((contestants.ARTICLE, contestants.NANDA), contestants.CONTESTS, strict=False):
        if full_name.startswith(name):
            return contestants.CONTESTS[full_name], contest


def worker(race, name):
    """For every line on standard input: take a turn, print its seconds and the accuracy on the test pairs."""
    builders, contest = contest_named(race)
    split, step = contest.task.split(), builders[name]()
    shards = make_shards(contest.model, split.test_inputs, split.test_labels, np.float32)
    for _ in sys.stdin:
        begin = time.perf_counter()
        for _ in range(TURN):
            step()
        seconds = time.perf_counter() - begin
        print(seconds, evaluate(contest.model, step.weights(), shards, LOSSES["cross_entropy"])[1], flush=True)


def run(race, names):
    """Train in turns until all have grokked; steps and seconds by name, and whether it was reached."""
    processes = {name: subprocess.Popen([sys.executable, __file__, "--worker", race, name], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
                 for name in names}
    steps, seconds, grokked = dict.fromkeys(names, 0), dict.fromkeys(names, 0.0), dict.fromkeys(names, False)
    while running := [name for name in names if not grokked[name] and steps[name] < GIVE_UP]:
        for name in running:
            print("go", file=processes[name].stdin, flush=True)
            took, accuracy = map(float, processes[name].stdout.readline().split())
            steps[name] += TURN
            seconds[name] += took
            grokked[name] = accuracy >= 0.99
    for process in processes.values():
        process.stdin.close()
        process.wait()
    return steps, seconds, grokked


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", help="only the race whose name holds this")
    parser.add_argument("--worker", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker:
        worker(*arguments.worker)
        return
    for race, names in RACES.items():
        if arguments.only not in race:
            continue
        steps, seconds, grokked = run(race, names)
        print(f"\n{race}")
        for name in names:
            when = f"groks at step {steps[name]:,}" if grokked[name] else f"not grokked after {steps[name]:,} steps"
            print(f"{name:20s}{when:34s}{seconds[name]:8.1f} s{seconds[name] / seconds['grok_np']:8.1f} x", flush=True)


if __name__ == "__main__":
    main()
