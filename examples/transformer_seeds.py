# %%
"""The mainline transformer five times: when it memorises and groks, and what it has learned, beside the paper.

    python examples/transformer_seeds.py            # 5 seeds x 15,000 steps; about 45 minutes on two cores

Every seed is a run folder under runs/transformer_seeds, so an interrupted sweep goes on where it stopped. Printed: a
table with the first steps at which all training and all test pairs are right, the key frequencies, how much
of the variance of the logits their waves explain, and how many of the 512 neurons one frequency explains above 85 %.
"""

import argparse
import os
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

from transformer_grokking import learn
from your_checkpoint import activations

from grok_np import load_run
from grok_np.reading import progress


# %%
def one_seed(seed, steps, out):
    """Train, continue or just load the network of one seed; one process, one thread."""
    learn(seed, steps, out / f"seed_{seed:02d}", threads=1, progress=False)


def row(seed, run):
    """One line of the table."""
    logits, neurons, _ = activations(run.model, run.params)
    k = progress.key_frequencies(logits)
    _, fraction = progress.neuron_frequencies(neurons)
    steps = [run.history["step"][run.history[f"{name}_accuracy"] == 1] for name in ("train", "test")]
    memorised, grokked = (f"{step[0]:,}" if len(step) else "-" for step in steps)
    explained = progress.fraction_explained(logits, k)
    return (f"| {seed} | {memorised} | {grokked} | {run.history['test_loss'][-1]:.1e} | {', '.join(map(str, k))} | "
            f"{explained:.1%} | {(fraction > 0.85).sum()} |")


# %%
def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=15_000)
    parser.add_argument("--out", type=Path, default=Path("runs/transformer_seeds"))
    arguments = parser.parse_args()
    print("| seed | memorised at step | grokked at step | test loss (nats) | key frequencies | variance explained | "
          "neurons above 85 % of 512 |\n| --- | --- | --- | --- | --- | --- | --- |")
    work = partial(one_seed, steps=arguments.steps, out=arguments.out)
    with ProcessPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        for seed, _ in enumerate(pool.map(work, range(arguments.seeds))):
            print(row(seed, load_run(arguments.out / f"seed_{seed:02d}")), flush=True)
    print("| paper | about 1,400 | about 14,000 | | 14, 35, 41, 42, 52 | about 95 % | 433 |")


if __name__ == "__main__":
    main()
