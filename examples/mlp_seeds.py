# %% [markdown]
"""What share of seeds groks within 50,000 steps? The article's network twenty times, initial weights and split varied.

    python examples/mlp_seeds.py            # 20 seeds; about 12 minutes on two cores

Every seed is a run folder under runs/mlp_seeds, so that an interrupted sweep goes on where it stopped, and every
network can be looked at afterwards. Printed: a table with the step at which all held-out pairs were right, the final
test loss, and the neurons per key frequency, and the share to hold against the article's published sweep. Drawn: the
moments of all rings. Rings of five are forced to be regular, larger ones are free.
"""

# %%
import argparse

import numpy as np
from _console import learn_each, parse, show
from matplotlib.figure import Figure

from grok_np import MLP, AdamW, ModularArithmetic, analytic, load_run, reading, train
from grok_np.figures.rings import on_moments, shade
from grok_np.figures.style import CYCLE, GREEN, title

# %% [markdown]
# ## Train every seed
# One process per core, one thread each. What is there from an earlier call is gone on with, or just loaded.


# %%
def learn(seed, steps, out):
    """Train the network of one seed."""
    task = ModularArithmetic(p=67, train_fraction=0.4, symmetric=True, seed=seed)
    # The article divides its loss by p = 67; with Adam that is our loss with 67 times its eps of 1e-8.
    optimizer = AdamW(lr=1e-3, betas=(0.9, 0.98), eps=67e-8, weight_decay=1.0)
    train(MLP(), task, optimizer, steps, seed, out / f"seed_{seed:02d}", exist_ok=True, checkpoint_every=5000,
          threads=1, progress=False)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--steps", type=int, default=50_000)
    parser.add_argument("--quick", action="store_true", help="two seeds, 100 steps: nothing is learned")
    options = parse(parser, "mlp_seeds")
    seeds, steps = (2, 100) if options.quick else (options.seeds, options.steps)
    learn_each(learn, range(seeds), steps=steps, out=options.out)
    runs = [load_run(options.out / f"seed_{seed:02d}") for seed in range(seeds)]

# %% [markdown]
# ## Which of them grok, and how many neurons share a frequency?


# %%
def rings_of(run):
    """The rings of a finished network."""
    return reading.rings.find(run.model.effective(run.params))


def row(seed, run):
    """One line of the table; a frequency with n neurons is printed as frequency x n."""
    right = run.history["step"][run.history["test_accuracy"] == 1]
    step = f"{right[0]:,}" if len(right) else "-"
    accuracy, loss = (run.history[name][-1] for name in ("test_accuracy", "test_loss"))
    rings = ", ".join(f"{ring.frequency} x {ring.n_neurons}" for ring in rings_of(run)) if accuracy == 1 else ""
    return f"| {seed} | {step} | {accuracy:.4f} | {loss:.1e} | {rings} |"


if __name__ == "__main__":
    print("| seed | all test pairs right at step | test accuracy | test loss (nats) | frequency x neurons |")
    print("| --- | --- | --- | --- | --- |", *map(row, range(seeds), runs), sep="\n")
    grokked = [run for run in runs if run.history["test_accuracy"][-1] == 1]
    print(f"\n{len(grokked)} of {seeds} seeds have grokked by step {steps:,}.")

# %% [markdown]
# ## Do their rings obey the moment law?
# Rings still move and shed neurons for some thousands of steps after the accuracy is 1, so only networks count that
# were right over the last fifth of the steps.


# %%
def moments_of_many(rings, required, rigid_size, n_max=8) -> Figure:
    """|M_n| / sum w of the rings of many networks: those of the rigid size beside the larger ones."""
    figure = Figure(figsize=(8, 4.4), layout="constrained")
    axis = figure.subplots()
    shade(axis, required, n_max)
    groups = (("o", GREEN, -0.15, f"{rigid_size} neurons", lambda n: n == rigid_size),
              ("s", CYCLE[1], 0.15, f"more than {rigid_size} neurons", lambda n: n > rigid_size))
    spread = np.linspace(-0.1, 0.1, len(rings))
    for marker, colour, offset, label, belongs in groups:
        members = [(ring.moments[:n_max], x) for ring, x in zip(rings, spread, strict=True) if belongs(ring.n_neurons)]
        for i, (values, x) in enumerate(members):
            axis.plot(np.arange(1, n_max + 1) + offset + x, values, marker, color=colour, ms=4, mfc="none",
                      label=f"{label}: {len(members)} rings" if i == 0 else None)
    figure.legend(*axis.get_legend_handles_labels(), frameon=False, ncols=2, loc="outside lower center")
    rigid = [float(ring.moments[rigid_size - 1]) for ring in rings if ring.n_neurons == rigid_size]
    free = [float(ring.moments[rigid_size - 1]) for ring in rings if ring.n_neurons > rigid_size]
    title(figure, on_moments(rings, required), "; ".join(
        f"at n = {rigid_size}, {name}: {min(values):.2f} to {max(values):.2f}"
        for name, values in ((f"rings of {rigid_size}", rigid), ("larger rings", free)) if values))
    return figure


if __name__ == "__main__":
    late = {id(run): run.history["test_accuracy"][run.history["step"] >= 0.8 * steps] for run in grokked}
    settled = [run for run in grokked if (late[id(run)] == 1).all()]
    rings = [ring for run in settled for ring in rings_of(run)]
    if rings:
        counts = np.bincount([ring.n_neurons for ring in rings])
        print(f"rings of the {len(settled)} that were right over the last fifth of the steps, by number of neurons:",
              ", ".join(f"{size}: {count}" for size, count in enumerate(counts) if count))
        required, rigid = analytic.required_moments("relu"), analytic.rigid_size("relu")
        worst = max(ring.moments[n - 1] for ring in rings for n in required)
        print(f"largest |M_n| / sum w over all {len(rings)} rings, n = 1 to 4: {worst:.3f}")
        show(options.out, {"moments": (moments_of_many(rings, required, rigid),
                                       "shaded, what must vanish; at 5, rings of five against larger ones")})
    else:
        print("No ring to look at: no network was right over the last fifth of its steps.")
