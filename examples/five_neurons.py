# %%
"""Five neurons on a circle: twenty parameters learn to add mod 67, as a star.

    python examples/five_neurons.py            # ten seeds; about one minute on two cores

The explorable article's smallest network (Pearce et al. 2023): the embedding is frozen, one turn of a circle; five ReLU
neurons, input and output weights in the plane, 30 % of the unordered pairs. Printed, for each seed: accuracy, how far
the five neurons are from evenly spaced, how far each output turns from twice its input, and the moments that must
vanish. Drawn: how the first network that groks moves to its star.
"""

import argparse
import os
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np

from grok_np import MLP, AdamW, ModularArithmetic, compare, figures, load_run, resume, train


# %%
def learn(seed, steps, out):
    """Train, continue or just load the network of one seed; the article's recipe."""
    path = out / f"seed_{seed}"
    if (path / "config.json").exists():
        return resume(path, threads=1, progress=False)
    task = ModularArithmetic(67, train_fraction=0.3, symmetric=True, seed=seed)
    optimizer = AdamW(lr=1e-2, betas=(0.9, 0.98), eps=67e-8, weight_decay=1e-3)
    model = MLP(67, d_embed=2, n_hidden=5, factoring="circular")
    return train(model, task, optimizer, steps, seed, path, checkpoint_every=max(1, steps // 150), threads=1,
                 progress=False)


def row(seed, run):
    """One line of the table."""
    accuracy = run.history["test_accuracy"][-1]
    rings = compare.rings(run.model.effective(run.params))
    if not rings or rings[0].n_neurons < 5:
        return f"| {seed} | {accuracy:.1%} | fewer than five neurons left | | | |"
    ring = rings[0]
    spacing = np.degrees(np.diff(np.append(ring.input_phases, ring.input_phases[0] + 2 * np.pi)))
    norms = ring.input_amplitudes
    return (f"| {seed} | {accuracy:.1%} | {np.abs(spacing - 72).max():.1f} | {np.abs(ring.phase_errors).max():.1f} | "
            f"{norms.max() / norms.min():.2f} | {', '.join(f'{m:.3f}' for m in ring.moments[:5])} |")


# %%
def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--steps", type=int, default=15_000)
    parser.add_argument("--out", type=Path, default=Path("runs/five_neurons"))
    arguments = parser.parse_args()
    print("| seed | test accuracy | largest difference from 72 degrees | from output = 2 x input (degrees) | "
          "largest / smallest norm | \\|M_1\\| to \\|M_5\\| |\n| --- | --- | --- | --- | --- | --- |")
    work = partial(learn, steps=arguments.steps, out=arguments.out)
    with ProcessPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        list(pool.map(work, range(arguments.seeds)))
    runs = [load_run(arguments.out / f"seed_{seed}") for seed in range(arguments.seeds)]
    for seed, run in enumerate(runs):
        print(row(seed, run))
    grokked = [run for run in runs if run.history["test_accuracy"][-1] == 1]
    print(f"\n{len(grokked)} of {len(runs)} seeds get every test pair right")
    run = (grokked or runs)[0]
    steps = run.checkpoint_steps()
    points = [run.checkpoint(step) for step in steps]
    picture = figures.paths_to_the_star(np.array(steps), np.array([one["W_in"] for one in points]),
                                        np.array([one["W_out"].T for one in points]))
    print("\nLook at:", figures.save(picture, arguments.out / "star.png"), sep="\n  ")


if __name__ == "__main__":
    main()
