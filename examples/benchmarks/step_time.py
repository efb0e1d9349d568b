"""How long one training step takes in grok_np, PyTorch and JAX, on this machine, in one run.

    pip install -e ".[bench]" && python examples/benchmarks/step_time.py            # about five minutes

Every contestant lives in a process of its own; they take turns, a round of steps each, so that a slow moment of the
machine hits all alike. Printed: the median over the rounds, the spread, the ratio to grok_np round by round; and how
large a share of grok_np's step the matrix products of its algebra take when they run alone: the limit.
Before it counts, each contestant must reach the same losses as grok_np over its first ten steps.
"""

import argparse
import os
import subprocess
import sys
import time

import contestants
import numpy as np


def worker(contest, name):
    """Print ten losses, or why not; then obey numbers on standard input: take that many steps, print seconds each."""
    try:
        step = contestants.CONTESTS[contest][name]()
        print(*[step() for _ in range(10)], flush=True)
    except Exception as error:  # a framework that is missing or does not run here must not stop the others
        print("failed", type(error).__name__, str(error).splitlines()[0][:80], flush=True)
        return
    for line in sys.stdin:
        begin = time.perf_counter()
        for _ in range(int(line)):
            step()
        print((time.perf_counter() - begin) / int(line), flush=True)


def race(contest, rounds, seconds):
    """Seconds per step, an array (rounds,) per contestant; prints who failed or trains something else."""
    processes = {name: subprocess.Popen([sys.executable, __file__, "--worker", contest, name], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
                 for name in contestants.CONTESTS[contest]}

    def ask(name, steps):
        processes[name].stdin.write(f"{steps}\n")
        processes[name].stdin.flush()
        return float(processes[name].stdout.readline())

    answers = {name: process.stdout.readline().split() for name, process in processes.items()}
    expected = np.array(answers["grok_np"], float)
    running = []
    for name, answer in answers.items():
        if answer[:1] == ["failed"]:
            print(f"{name}: {' '.join(answer[1:])}")
        elif not all(np.isnan(losses := np.array(answer, float)) | np.isclose(losses, expected, rtol=2e-3)):
            print(f"{name} trains something else: losses {losses}, grok_np {expected}")
        else:
            running.append(name)
    steps = {name: max(1, round(seconds / ask(name, 20))) for name in running}
    times = np.array([[ask(name, steps[name]) for name in running] for _ in range(rounds)]).T
    for process in processes.values():
        process.stdin.close()
        process.wait()
    return dict(zip(running, times, strict=True))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=21)
    parser.add_argument("--seconds", type=float, default=0.2, help="per contestant and round")
    parser.add_argument("--only", help="only the contests whose name holds this")
    parser.add_argument("--worker", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker:
        worker(*arguments.worker)
        return
    print(f"{len(os.sched_getaffinity(0))} cores, NumPy {np.__version__}, Python {sys.version.split()[0]}")
    for contest in [c for c in contestants.CONTESTS if not arguments.only or arguments.only in c]:
        times = race(contest, arguments.rounds, arguments.seconds)
        limit = ""
        if contest in contestants.FLOPS:
            rate = contestants.FLOPS[contest] / np.median(times["its matrix products alone"])
            share = np.median(times["its matrix products alone"] / times["grok_np"])
            limit = (f"\n{contestants.FLOPS[contest] / 1e9:.3f} GFLOP in matrix products, {rate / 1e9:.0f} GFLOP/s "
                     f"alone; share of grok_np's step: {share:.0%}")
        print(f"\n{contest}{limit}\n{'':32s}{'median':>10s}{'min':>10s}{'max':>10s}{'of grok_np':>14s}")
        for name, values in times.items():
            ratio = np.median(values / times["grok_np"])
            print(f"{name:32s}{np.median(values) * 1e3:7.2f} ms{values.min() * 1e3:7.2f} ms{values.max() * 1e3:7.2f} ms"
                  f"{ratio:12.1f} x")


if __name__ == "__main__":
    main()
