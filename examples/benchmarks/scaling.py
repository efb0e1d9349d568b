"""How step time and peak memory grow with modulus, width, batch and threads: the transformer, measured and fitted.

    python examples/benchmarks/scaling.py            # about a minute; --quick: small sizes only

Every measurement is a process of its own. Around the mainline network (p = 113, width 512, 30 % of the pairs, one
thread per core) one quantity at a time is varied. Printed: median step time, peak memory, and the exponent of a power
law through the larger half of the sizes (by least squares of the logarithms).
"""

import argparse
import os
import resource
import subprocess
import sys
import time

import contestants
import numpy as np

from grok_np import ModularArithmetic, Transformer

BASE = {"p": 113, "d_mlp": 512, "fraction": 0.3, "threads": len(os.sched_getaffinity(0))}
SIZES = {"p": (23, 47, 113, 251, 499, 997), "d_mlp": (64, 256, 512, 1024, 2048, 4096),
         "fraction": (0.05, 0.1, 0.3, 0.6, 0.95), "threads": (1, 2)}


def worker(p, d_mlp, fraction, threads):
    """Seconds per step (median of as many as fit in a few seconds) and peak memory in MB of this process."""
    contest = contestants.Contest(Transformer(int(p), d_mlp=int(d_mlp)),
                                  ModularArithmetic(int(p), train_fraction=fraction), True)
    step = contestants.grok_np_step(contest, int(threads))
    times = []
    while not times or (sum(times) < 3 and len(times) < 200):
        begin = time.perf_counter()
        step()
        times.append(time.perf_counter() - begin)
    print(np.median(times[len(times) > 1:]), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000)


def measure(setting):
    """The two numbers of one setting, from a process of its own."""
    command = [sys.executable, __file__, "--worker", *(str(setting[name]) for name in BASE)]
    return tuple(map(float, subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()))


def exponent(sizes, values):
    """Slope of log(value) over log(size) in the larger half of the sizes."""
    half = len(sizes) // 2
    return np.polyfit(np.log(sizes[half:]), np.log(values[half:]), 1)[0]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--worker", nargs=4, type=float, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker:
        worker(*arguments.worker)
        return
    for name, sizes in SIZES.items():
        sizes = sizes[:3] if arguments.quick else sizes
        times, memory = np.transpose([measure(BASE | {name: size}) for size in sizes])
        print(f"\n{name:>10s}{'step':>14s}{'peak memory':>16s}")
        for size, seconds, megabytes in zip(sizes, times, memory, strict=True):
            print(f"{size:>10}{seconds * 1e3:11.1f} ms{megabytes:13.0f} MB", flush=True)
        if len(sizes) > 2:
            print(f"step time grows as {name}^{exponent(sizes, times):.2f}, memory as "
                  f"{name}^{exponent(sizes, memory):.2f}")


if __name__ == "__main__":
    main()
