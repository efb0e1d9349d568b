# %%
"""Five neurons on a circle: twenty parameters learn to add mod 67, as a star.

    python examples/five_neurons.py            # 20 seeds; about two minutes on two cores

The explorable article's smallest network (Pearce et al. 2023): the embedding is frozen, one turn of a circle; five ReLU
neurons with input and output weights in the plane, 30 % of the unordered pairs. Printed: for each seed the accuracy,
how far neighbours are from 72 degrees apart, how far the outputs are from twice their input angle, and the moments;
for the first seed that succeeds, every neuron. Drawn, for that seed: the paths of the neurons, the ring and its star
at several steps, the learned beside the regular star, and the moments beside the losses.
"""

import argparse
import os
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from grok_np import MLP, AdamW, ModularArithmetic, figures, load_run, reading, resume, train

P = 67


# %%
def learn(seed, steps, out):
    """Train, continue or just load the network of one seed; the article's recipe."""
    path = out / f"seed_{seed:02d}"
    if (path / "config.json").exists():
        return resume(path, threads=1, progress=False)
    task = ModularArithmetic(P, train_fraction=0.3, symmetric=True, seed=seed)
    # The article divides its loss by p; for Adam that is our loss with p times its eps of 1e-8.
    optimizer = AdamW(lr=1e-2, betas=(0.9, 0.98), eps=P * 1e-8, weight_decay=1e-3)
    model = MLP(P, d_embed=2, n_hidden=5, factoring="circular")
    return train(model, task, optimizer, steps, seed, path, checkpoint_every=max(1, steps // 150), threads=1,
                 progress=False)


def ring_of(run, step=None):
    """The neurons as a ring, at the end or at a checkpoint; fewer than five if some are too weak to count."""
    found = reading.rings.find(run.model.effective(run.params if step is None else run.checkpoint(step)))
    return found[0] if found else None


def read_out_moments(ring, n_max=8):
    """|R_n| / sum w, n = 0 .. n_max, with R_n = sum_i w_i exp(i (beta_i + (n - 2) alpha_i)).

    These are the moments M_n with the output phases beta_i as they are; in a star, beta_i = 2 alpha_i, R_n = M_n.
    """
    waves = np.exp(1j * (ring.output_phases + np.outer(np.arange(n_max + 1) - 2, ring.input_phases)))
    return np.abs(waves @ ring.weights) / ring.weights.sum()


def spacings(ring):
    """Angles between neighbours on the input ring, degrees."""
    return np.degrees(np.diff(np.append(ring.input_phases, ring.input_phases[0] + 2 * np.pi)))


# %%
def row(seed, run):
    """One line of the table of seeds."""
    accuracy, loss = (run.history[name][-1] for name in ("test_accuracy", "test_loss"))
    right = run.history["step"][run.history["test_accuracy"] == 1]
    first = f"{right[0]:,}" if len(right) else "-"
    ring = ring_of(run)
    if ring is None or ring.n_neurons < 5:
        return f"| {seed} | {accuracy:.1%} | {first} | {loss:.2f} | fewer than five neurons | | | |"
    moments = read_out_moments(ring)
    return (f"| {seed} | {accuracy:.1%} | {first} | {loss:.2f} | {np.abs(spacings(ring) - 72).max():.1f} | "
            f"{np.abs(ring.phase_errors).max():.1f} | {', '.join(f'{m:.3f}' for m in ring.moments[:5])} | "
            f"{moments[0]:.3f}; {', '.join(f'{m:.3f}' for m in moments[1:5])} |")


def describe(ring):
    """Every neuron of a ring: norms and angles."""
    lines = ["neuron  input norm  output norm  input angle  to the next  output angle  output - 2 x input (degrees)"]
    for i in range(ring.n_neurons):
        alpha, beta = np.degrees([ring.input_phases[i], ring.output_phases[i]])
        lines.append(f"{ring.neurons[i]:6d}{ring.input_amplitudes[i]:12.2f}{ring.output_amplitudes[i]:13.2f}{alpha:13.1f}"
                     f"{spacings(ring)[i]:13.1f}{beta:14.1f}{ring.phase_errors[i]:13.1f}")
    return "\n".join(lines)


def draw(run, out):
    """Every figure of one run."""
    steps = run.checkpoint_steps()
    points = [run.checkpoint(step) for step in steps]
    rings = {step: ring_of(run, step) for step in steps}
    rings = {step: ring for step, ring in rings.items() if ring is not None and ring.n_neurons == 5}
    pictures = {"training": figures.training_curves(run.history),
                "paths": figures.paths_to_the_star(np.array(steps), np.array([one["W_in"] for one in points]),
                                                   np.array([one["W_out"].T for one in points]))}
    if rings:
        shown = np.array(list(rings))
        few = {int(shown[np.abs(shown - step).argmin()]) for step in [0, *np.geomspace(max(1, shown[-1] // 150),
                                                                                       shown[-1], 5)]}
        later = shown[shown > 0] if len(shown) > 1 else shown
        at = np.searchsorted(run.history["step"], later)
        losses = {name: run.history[f"{name}_loss"][at] for name in ("train", "test")}
        moments = np.array([read_out_moments(rings[step]) for step in later])
        pictures |= {"stars": figures.stars_in_training([(step, rings[step]) for step in sorted(few)]),
                     "star": figures.stars([rings[shown[-1]]]),
                     "moments": figures.moments_beside_losses(later, moments, losses)}
    return [figures.save(figure, out / f"{name}.png") for name, figure in pictures.items()]


# %%
def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--steps", type=int, default=15_000)
    parser.add_argument("--quick", action="store_true", help="two seeds, 300 steps: no star yet")
    parser.add_argument("--out", type=Path, default=Path("runs/five_neurons"))
    arguments = parser.parse_args()
    seeds, steps = (2, 300) if arguments.quick else (arguments.seeds, arguments.steps)
    print("| seed | test accuracy | all right at step | test loss | largest difference from 72 degrees | "
          "from output = 2 x input | M_1 to M_5 | R_0; R_1 to R_4 |\n|" + " --- |" * 8)
    with ProcessPoolExecutor(len(os.sched_getaffinity(0)), get_context("spawn")) as pool:
        list(pool.map(partial(learn, steps=steps, out=arguments.out), range(seeds)))
    runs = [load_run(arguments.out / f"seed_{seed:02d}") for seed in range(seeds)]
    for seed, run in enumerate(runs):
        print(row(seed, run))
    grokked = [seed for seed, run in enumerate(runs) if run.history["test_accuracy"][-1] == 1]
    print(f"\n{len(grokked)} of {len(runs)} seeds get every test pair right")
    seed = grokked[0] if grokked else 0
    ring = ring_of(runs[seed])
    if ring is not None:
        print(f"\nSeed {seed}\n{describe(ring)}")
    print("\nLook at:", *draw(runs[seed], arguments.out), sep="\n  ")


if __name__ == "__main__":
    main()
