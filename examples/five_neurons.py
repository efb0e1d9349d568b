# %% [markdown]
"""Five neurons on a circle: twenty parameters learn to add mod 67, as a star.

    python examples/five_neurons.py            # 20 seeds; about two minutes on two cores

The explorable article's smallest network (Pearce et al. 2023): the embedding is frozen, one turn of a circle; five ReLU
neurons with input and output weights in the plane, 30 % of the unordered pairs. Printed: for each seed the accuracy,
how far neighbours are from 72 degrees apart, how far the outputs are from twice their input angle, and the moments.
Drawn, for the first seed that succeeds: the paths of the neurons, the ring and its star at several steps, the learned
beside the regular star, and the moments beside the losses.
"""

# %%
import argparse

import numpy as np
from _console import learn_each, parse, show, verdict
from matplotlib.figure import Figure

from grok_np import MLP, AdamW, ModularArithmetic, figures, load_run, reading, train
from grok_np.figures.rings import closed
from grok_np.figures.style import GREEN, WIDTH, title

P = 67

# %% [markdown]
# ## Train every seed


# %%
def learn(seed, steps, out):
    """Train the network of one seed by the article's recipe."""
    task = ModularArithmetic(P, train_fraction=0.3, symmetric=True, seed=seed)
    # The article divides its loss by p; for Adam that is our loss with p times its eps of 1e-8.
    optimizer = AdamW(lr=1e-2, betas=(0.9, 0.98), eps=P * 1e-8, weight_decay=1e-3)
    train(MLP(P, d_embed=2, n_hidden=5, factoring="circular"), task, optimizer, steps, seed, out / f"seed_{seed:02d}",
          exist_ok=True, checkpoint_every=max(1, steps // 150), threads=1, progress=False)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--steps", type=int, default=15_000)
    parser.add_argument("--quick", action="store_true", help="two seeds, 300 steps: no star yet")
    options = parse(parser, "five_neurons")
    seeds, steps = (2, 300) if options.quick else (options.seeds, options.steps)
    learn_each(learn, range(seeds), steps=steps, out=options.out)
    runs = [load_run(options.out / f"seed_{seed:02d}") for seed in range(seeds)]

# %% [markdown]
# ## Who has a star?
# In a star neighbours are 72 degrees apart, outputs turn twice as fast as inputs, and M_1 to M_4 vanish. Where an
# output phase beta_i is not twice its alpha_i, R_n = sum_i w_i exp(i (beta_i + (n - 2) alpha_i)) takes the place of
# M_n.


# %%
def ring_of(run, step=None):
    """The neurons as a ring, at the end or at a checkpoint; None if some of the five are too weak to count."""
    found = reading.rings.find(run.model.effective(run.params if step is None else run.checkpoint(step)))
    return found[0] if found and found[0].n_neurons == 5 else None


def read_out_moments(ring, n_max=8):
    """|R_n| / sum w for n = 0 .. n_max; in a star they are the moments |M_n| / sum w."""
    waves = np.exp(1j * (ring.output_phases + np.outer(np.arange(n_max + 1) - 2, ring.input_phases)))
    return np.abs(waves @ ring.weights) / ring.weights.sum()


def row(seed, run):
    """One line of the table of seeds."""
    right, ring = run.history["step"][run.history["test_accuracy"] == 1], ring_of(run)
    cells = [seed, f"{run.history['test_accuracy'][-1]:.1%}", f"{right[0]:,}" if len(right) else "-",
             f"{run.history['test_loss'][-1]:.2f}"]
    if ring is None:
        return f"| {' | '.join(map(str, cells))} | fewer than five neurons | | | |"
    spacings = np.degrees(np.diff(np.append(ring.input_phases, ring.input_phases[0] + 2 * np.pi)))
    moments = [f"{m:.3f}" for m in read_out_moments(ring)]
    cells += [f"{np.abs(spacings - 72).max():.1f}", f"{np.abs(ring.phase_errors).max():.1f}",
              ", ".join(f"{m:.3f}" for m in ring.moments[:5]), f"{moments[0]}; {', '.join(moments[1:5])}"]
    return f"| {' | '.join(map(str, cells))} |"


if __name__ == "__main__":
    print("| seed | test accuracy | all right at step | test loss | largest difference from 72 degrees | "
          "from output = 2 x input | M_1 to M_5 | R_0; R_1 to R_4 |\n|" + " --- |" * 8)
    print(*map(row, range(seeds), runs), sep="\n")
    grokked = [seed for seed, run in enumerate(runs) if run.history["test_accuracy"][-1] == 1]
    print(f"\n{len(grokked)} of {seeds} seeds have grokked by step {steps:,}.")

# %% [markdown]
# ## How the star forms, in the first seed that succeeds


# %%
def paths_to_the_star(steps, inputs, outputs) -> Figure:
    """How the neurons of a circular network move: inputs (steps, 2, N) and outputs (steps, 2, N) in the plane."""
    figure = Figure(figsize=(8, 4.4), layout="constrained")
    axes = figure.subplots(1, 2)
    angles = np.arctan2(inputs[-1, 1], inputs[-1, 0])
    order = np.argsort(angles)
    for axis, name, paths in zip(axes, ("input", "output"), (inputs, outputs), strict=True):
        for i in range(paths.shape[2]):
            axis.plot(*paths[:, :, i].T, color="0.75", lw=1)
            axis.plot(*paths[0, :, i], "o", color="0.55", ms=3)
        around = np.append(order, order[0])
        axis.plot(*paths[-1][:, around], "o-", color=GREEN)
        limit = 1.1 * np.abs(paths).max()
        axis.set(aspect="equal", xlim=(-limit, limit), ylim=(-limit, limit), title=f"{name} weights",
                 xlabel="on the cosine of the embedding", ylabel="on its sine")
    spacings = np.degrees(np.diff(np.append(angles[order], angles[order[0]] + 2 * np.pi)))
    title(figure, f"From random weights (dots, paths in grey) to step {steps[-1]:,} (green): neighbours on the input "
                  f"ring are {spacings.min():.0f} to {spacings.max():.0f}° apart (regular: {360 / len(order):.0f}°)")
    return figure


def stars_in_training(rings) -> Figure:
    """The input ring and the output star at several steps, the neurons in the order of the last input ring.

    rings: pairs (step, `rings.Ring`), in order of time.
    """
    step, last = rings[-1]
    figure = Figure(figsize=(min(max(2.1 * len(rings) + 0.4, 5.5), WIDTH), 4.4), layout="constrained")
    axes = figure.subplots(2, len(rings), squeeze=False, subplot_kw={"projection": "polar"})
    for column, (step, ring) in zip(axes.T, rings, strict=True):
        order = [list(ring.neurons).index(neuron) for neuron in last.neurons if neuron in ring.neurons]
        pairs = ((ring.input_phases, ring.input_amplitudes), (ring.output_phases, ring.output_amplitudes))
        for axis, (phases, amplitudes) in zip(column, pairs, strict=True):
            closed(axis, phases[order], amplitudes[order], color=GREEN, lw=1.2, marker="o", ms=4)
            axis.set(xticks=[], yticks=[0], yticklabels=[], ylim=(0, 1.2 * amplitudes.max()))
            axis.spines["polar"].set_color("0.85")
        column[0].set_title(f"step {step:,}", fontsize=9)
    for axis, name in zip(axes[:, 0], ("input weights", "output weights"), strict=True):
        axis.text(-0.14, 0.5, name, transform=axis.transAxes, rotation=90, va="center", ha="center")
    off = float(np.abs(last.phase_errors).max())
    title(figure, f"Input ring and output, each panel to its own scale. At step {step:,} every output phase is "
                  f"within {off:.0f}° of twice the input phase: a star" if off <= 10 else
                  f"No star at step {step:,}: an output phase is {off:.0f}° away from twice the input phase")
    return figure


# %%
def draw(run):
    """Every picture of one run, each with what to see in it."""
    points = {step: run.checkpoint(step) for step in run.checkpoint_steps()}
    pictures = {
        "training": (figures.training_curves(run.history), "when the training pairs are known, when the others"),
        "paths": (paths_to_the_star(np.array(list(points)), np.array([one["W_in"] for one in points.values()]),
                                    np.array([one["W_out"].T for one in points.values()])),
                  "where the five neurons come from, and whether they end as a pentagon and a star"),
    }
    rings = {step: ring for step in points if step > 0 and (ring := ring_of(run, step))}
    if rings:
        shown = np.array(list(rings))
        few = sorted({int(shown[np.abs(shown - step).argmin()]) for step in np.geomspace(shown[0], shown[-1], 6)})
        moments = [read_out_moments(ring) for ring in rings.values()]
        losses = {name: run.history[f"{name}_loss"][np.searchsorted(run.history["step"], shown)]
                  for name in ("train", "test")}
        pictures |= {
            "stars": (stars_in_training([(step, rings[step]) for step in few]), "whether a star forms"),
            "star": (figures.stars([rings[shown[-1]]]), "the learned star (colour) beside the regular one (grey)"),
            "moments": (figures.moments_beside_losses(shown, np.array(moments), losses), "which moments vanish"),
        }
    return pictures


if __name__ == "__main__":
    run = runs[grokked[0] if grokked else 0]
    print(f"Seed {run.config['seed']}: {verdict(run.history)}")
    show(options.out, draw(run), run.path)
