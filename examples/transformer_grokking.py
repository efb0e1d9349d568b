# %% [markdown]
"""Train the mainline transformer of Nanda et al. 2023 on two CPU cores and see it memorise, form a circuit, clean up.

    python examples/transformer_grokking.py            # about 9 minutes on two cores

One layer of attention and one of neurons learn a + b mod 113 from 30 % of the pairs. Printed: key frequencies and what
they explain, beside the paper's figures; the ends of the three phases; the steps at which excluded loss, restricted
loss and test loss are half way, in this order. Left behind in runs/transformer_grokking: settings, history,
checkpoints, and figures.
"""

# %%
import argparse

import numpy as np
from _console import parse, show, verdict
from matplotlib.figure import Figure
from tqdm import tqdm

from grok_np import AdamW, ModularArithmetic, Transformer, figures, reading, train
from grok_np.figures.style import BLACK, BLUE, CYCLE, GREEN, GREY, RED, SKY, WIDTH, YELLOW, title
from grok_np.reading import progress

P = 113

# %% [markdown]
# ## Train


# %%
def learn(seed, steps, out):
    """The paper's recipe."""
    task = ModularArithmetic(P, train_fraction=0.3, seed=seed)
    optimizer = AdamW(lr=1e-3, betas=(0.9, 0.98), weight_decay=1.0, warmup_steps=10)
    return train(Transformer(P), task, optimizer, steps, seed, out, exist_ok=True, checkpoint_every=250)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--quick", action="store_true", help="20 steps only: nothing is learned, everything runs")
    options = parse(parser, "transformer_grokking")
    run = learn(options.seed, 20 if options.quick else 15_000, options.out)

# %% [markdown]
# ## What has it learned at the end?


# %%
def describe(run):
    """Print key frequencies and what they explain; returns them."""
    logits, neurons = (read(run.model, run.params) for read in (reading.all_logits, reading.all_activations))
    k = progress.key_frequencies(logits)
    _, fraction = progress.neuron_frequencies(neurons)
    print(f"key frequencies {k}: they explain {progress.fraction_explained(logits, k):.1%} of the variance of the "
          f"logits; {(fraction > 0.85).sum()} of {len(fraction)} neurons are over 85 % one frequency")
    print("the paper: five frequencies, about 95 % of the variance, 433 of 512 neurons")
    return k


if __name__ == "__main__":
    k = describe(run)

# %% [markdown]
# ## When has it learned it?
# Every progress measure at every checkpoint: under a flat test loss, the circuit may grow for thousands of steps.


# %%
def measure(run, frequencies):
    """Every progress measure at every checkpoint; about 0.3 seconds each."""
    train_mask = np.zeros((P, P), bool)
    train_mask[tuple(run.split.train_inputs.T)] = True
    found = []
    for step in tqdm(run.checkpoint_steps(), unit="checkpoint"):
        params = run.checkpoint(step)
        found.append(progress.measures(reading.all_logits(run.model, params), frequencies, train_mask, params=params,
                                       W_E=params["W_E"][:P], W_L=run.model.effective(params).W_L[:, :P]))
    return found


def story(run, steps, measures):
    """Print the phases, and who is half way first; returns both."""
    ends = progress.phases(run.history["step"], run.history["test_loss"], P)
    print("\nphases end at step: memorisation {}, circuit formation {}, cleanup {}".format(*ends))
    print("the paper's mainline, by eye: about 1,400, 9,400 and 14,000")
    # Logarithms, as the losses span eight decades; half way in nats is passed before test accuracy has begun to rise.
    curves = {name: np.log([m[name] for m in measures]) for name in ("excluded_loss", "restricted_loss", "test_loss")}
    half = {name: progress.halfway(steps, curve, rising=name == "excluded_loss") for name, curve in curves.items()}
    if ends.circuit_formation_end is None:
        print("the held-out loss is not below that of a guess, so nothing is half way yet")
        return ends, None
    print("half way, on a logarithmic scale, at step:",
          ", ".join(f"{name.replace('_', ' ')} {step:,}" for name, step in half.items()))
    return ends, half


if __name__ == "__main__":
    steps = run.checkpoint_steps()
    measures = measure(run, k)
    ends, half = story(run, steps, measures)
    print(f"\n{verdict(run.history)}")

# %% [markdown]
# ## Look


# %%
def phases(history, boundaries) -> Figure:
    """Loss curves with memorisation, circuit formation and cleanup shaded (`progress.Phases`)."""
    figure = Figure(figsize=(8, 3.8), layout="constrained")
    axis = figure.subplots()
    starts, ended = [0, *boundaries], []
    for name, colour, start, end in zip(("memorisation", "circuit formation", "cleanup"), (SKY, YELLOW, GREEN), starts,
                                        starts[1:], strict=False):
        if start is not None and end is not None:
            axis.axvspan(start, end, color=colour, alpha=0.25, lw=0, label=f"{name} to step {end:,}")
            ended.append(f"{name} ends at step {end:,}")
    for name, label, colour, style in (("train", "training loss", BLUE, "-"), ("test", "held-out loss", RED, "--")):
        axis.plot(history["step"], history[f"{name}_loss"], style, color=colour, label=label)
    axis.set(yscale="log", xlabel="step", ylabel="cross-entropy (nats)")
    figure.legend(*axis.get_legend_handles_labels(), loc="outside lower center", ncols=3, frameon=False)
    text = ", ".join(ended) or "no phase has ended"
    if len(ended) < 3:
        text += f"; not grokked by step {history['step'][-1]:,}"
    title(figure, text[0].upper() + text[1:])
    return figure


def progress_measures(steps, measures, frequencies, ends=(), halfway=None) -> Figure:
    """Every progress measure over training on one page: `progress.measures` at each of the steps.

    ``ends``: steps at which phases end, drawn as lines (None: not reached). ``halfway``: dict name -> step at which
    excluded_loss, restricted_loss and test_loss are half way, for the title.
    """
    figure = Figure(figsize=(WIDTH, 6.2), layout="constrained")
    (losses, amplitudes), (sparsity, norms) = figure.subplots(2, 2, sharex=True)
    curve = {name: np.array([m[name] for m in measures]) for name in measures[0]}
    for name, label, colour, style in (
            ("train_loss", "training", BLUE, "-"), ("test_loss", "held-out", RED, "--"),
            ("restricted_loss", "restricted to key waves", BLACK, "-."),
            ("excluded_loss", "key waves excluded", BLACK, ":"), ("trigonometric_loss", "pure waves", GREY, "-")):
        losses.plot(steps, np.maximum(curve[name], 1e-9), style, color=colour, label=label)
    losses.set(yscale="log", ylabel="nats", title="losses")
    for i, k in enumerate(frequencies):
        amplitudes.plot(steps, curve[f"amplitude_{k}"], color=CYCLE[i % len(CYCLE)], label=f"k = {k}")
    amplitudes.set(ylabel="amplitude", title=r"waves $\cos(2\pi k(a + b - c)/p)$ in the logits")
    for name, label, style in (("gini_W_E", "Gini coefficient of $W_E$", "-"),
                               ("gini_W_L", "Gini coefficient of $W_L$", "--"),
                               ("fraction_explained", "variance of the logits explained", "-.")):
        if name in curve:
            sparsity.plot(steps, curve[name], style, color=BLACK, label=label)
    sparsity.set(xlabel="step", ylim=(0, 1.02), title="sparsity in the Fourier basis")
    if "sum_of_squared_weights" in curve:
        norms.plot(steps, curve["sum_of_squared_weights"], color=BLACK)
    norms.set(xlabel="step", ylim=(0, None), title="sum of squared weights")
    for axis in (losses, amplitudes, sparsity, norms):
        for end in ends:
            if end is not None:
                axis.axvline(end, color="0.7", lw=0.8, zorder=0)
        if axis.get_legend_handles_labels()[0]:
            axis.legend(frameon=False, fontsize=8)
    last = curve["test_loss"][-1]
    half = {name: step for name, step in (halfway or {}).items() if step is not None}
    order = sorted(half, key=half.get)
    if not last < 0.5 * curve["test_loss"][0]:
        text = f"Not grokked: the held-out loss is {last:.2g} nats at step {steps[-1]:,}"
    elif order[-1:] == ["test_loss"] and len(half) == 3:
        text = ("The circuit grows before the held-out loss falls: half way are "
                + ", ".join(f"{name.replace('_', ' ').replace('test', 'held-out')} at step {half[name]:,}"
                            for name in order))
    else:
        text = f"The held-out loss falls to {last:.2g} nats; variance explained {curve['fraction_explained'][-1]:.0%}"
    title(figure, text, *(["Grey lines: ends of memorisation, circuit formation, cleanup"] if any(ends) else []))
    return figure


# %%
if __name__ == "__main__":
    show(run.path / "figures", {
        "training": (figures.training_curves(run.history), "when the training pairs are known, when the others"),
        "phases": (phases(run.history, ends), "memorisation, circuit formation and cleanup, if they end"),
        "progress": (progress_measures(steps, measures, k, ends, half),
                     "which measures move while the held-out loss is still flat"),
        "attention": (figures.attention(run.model.effective(run.params), P), "what the heads look at, and how often"),
    })
    print(f"\nMore of the last network:\n  python examples/your_checkpoint.py {run.path}")
