# %%
"""What share of seeds groks within 50,000 steps? The article's network twenty times, initial weights and split varied.

    python examples/mlp_seeds.py            # 20 seeds; about 12 minutes on two cores

Every seed is a run folder under runs/mlp_seeds, so that an interrupted sweep goes on where it stopped, and every
network can be looked at afterwards. Printed: a table with the step at which all held-out pairs were right, the final
test loss, and the neurons per key frequency, and the shares to hold against the article's published sweep. Drawn: the
moments of all rings, in runs/mlp_seeds/moments.png: rings of five are forced to be regular, larger ones are free.
"""

import argparse
import os
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np

from grok_np import MLP, AdamW, ModularArithmetic, analytic, figures, load_run, reading, resume, train


# %%
def one_seed(seed, steps, out):
    """Train, continue or just load the network of one seed; one process, one thread."""
    path = out / f"seed_{seed:02d}"
    if (path / "config.json").exists():
        return resume(path, threads=1, progress=False)
    task = ModularArithmetic(p=67, train_fraction=0.4, symmetric=True, seed=seed)
    # The article divides its loss by p = 67; with Adam that is our loss with 67 times its eps of 1e-8.
    optimizer = AdamW(lr=1e-3, betas=(0.9, 0.98), eps=67e-8, weight_decay=1.0)
    return train(MLP(), task, optimizer, steps, seed, path, checkpoint_every=5000, threads=1, progress=False)


def row(seed, run):
    """One line of the table; a frequency with n neurons is printed as frequency x n."""
    right = run.history["step"][run.history["test_accuracy"] == 1]
    found = reading.rings.find(run.model.effective(run.params))
    rings = ", ".join(f"{ring.frequency} x {ring.n_neurons}" for ring in found)
    step = f"{right[0]:,}" if len(right) else "-"
    accuracy, loss = (run.history[name][-1] for name in ("test_accuracy", "test_loss"))
    return f"| {seed} | {step} | {accuracy:.4f} | {loss:.1e} | {rings if accuracy == 1 else ''} |"


# %%
def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--steps", type=int, default=50_000)
    parser.add_argument("--out", type=Path, default=Path("runs/mlp_seeds"))
    arguments = parser.parse_args()
    print("| seed | all test pairs right at step | test accuracy | test loss (nats) | frequency x neurons |")
    print("| --- | --- | --- | --- | --- |")
    work = partial(one_seed, steps=arguments.steps, out=arguments.out)
    with ProcessPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        runs = []
        for seed, _ in enumerate(pool.map(work, range(arguments.seeds))):
            runs.append(load_run(arguments.out / f"seed_{seed:02d}"))
            print(row(seed, runs[-1]), flush=True)
    grokked = [run for run in runs if run.history["test_accuracy"][-1] == 1]
    print(f"\n{len(grokked)} of {len(runs)} seeds grokked")
    # Rings still move and shed neurons for some thousands of steps after the accuracy is 1: cleanup.
    settled = [run for run in grokked
               if (run.history["test_accuracy"] == 1)[run.history["step"] >= 0.8 * arguments.steps].all()]
    rings = [ring for run in settled for ring in reading.rings.find(run.model.effective(run.params))]
    if rings:
        counts = np.bincount([ring.n_neurons for ring in rings])
        print(f"rings of the {len(settled)} that were right over the last fifth of the steps, by number of neurons:",
              ", ".join(f"{size}: {count}" for size, count in enumerate(counts) if count))
        required, rigid = analytic.required_moments("relu"), analytic.rigid_size("relu")
        worst = max(ring.moments[n - 1] for ring in rings for n in required)
        print(f"largest |M_n| / sum w over all {len(rings)} rings, n = 1 to 4: {worst:.3f}")
        print("Look at:", figures.save(figures.moments_of_many(rings, required, rigid), arguments.out / "moments.png"))


if __name__ == "__main__":
    main()
