"""Figures of a run over time: losses, accuracies, progress measures, and runs that end strangely."""

import numpy as np
from matplotlib.figure import Figure

from grok_np.figures.style import BLACK, BLUE, CYCLE, GREEN, PURPLE, RED, SKY, YELLOW


def training_curves(history):
    """Accuracy and loss over steps: memorisation first, generalisation much later."""
    figure = Figure(figsize=(7, 5.2), layout="constrained")
    top, bottom = figure.subplots(2, 1, sharex=True)
    step = np.maximum(history["step"], 0.8)  # step 0 has no place on a logarithmic axis; draw it left of step 1
    for name, colour, style in (("train", BLUE, "-"), ("test", RED, "--")):
        top.plot(step, history[f"{name}_accuracy"], style, color=colour, label=name)
        bottom.plot(step, history[f"{name}_loss"], style, color=colour, label=name)
    top.set(ylabel="accuracy", ylim=(-0.03, 1.03))
    bottom.set(xscale="log", yscale="log", xlabel="step", ylabel="cross-entropy (nats)")
    top.legend(loc="center left", frameon=False)
    figure.suptitle(_when_learned(history))
    return figure


def _when_learned(history):
    """One sentence from the two accuracy curves."""
    first = {name: history["step"][history[f"{name}_accuracy"] == 1] for name in ("train", "test")}
    if not len(first["train"]):
        return "Still learning the training pairs"
    memorised = f"Training pairs all right from step {first['train'][0]:,}"
    return f"{memorised}, " + (f"held-out pairs from step {first['test'][0]:,}" if len(first["test"])
                               else f"held-out pairs {history['test_accuracy'][-1]:.0%} right so far")


def phases(history, boundaries):
    """Loss curves with memorisation, circuit formation and cleanup shaded (`progress.Phases`)."""
    figure = Figure(figsize=(8, 3.8), layout="constrained")
    axis = figure.subplots()
    starts = [0, *boundaries]
    for name, colour, start, end in zip(("memorisation", "circuit formation", "cleanup"), (SKY, YELLOW, GREEN), starts,
                                        starts[1:], strict=False):
        if start is not None and end is not None:
            axis.axvspan(start, end, color=colour, alpha=0.25, lw=0, label=f"{name} to step {end:,}")
    for name, colour, style in (("train", BLUE, "-"), ("test", RED, "--")):
        axis.plot(history["step"], history[f"{name}_loss"], style, color=colour, label=f"{name} loss")
    axis.set(yscale="log", xlabel="step", ylabel="cross-entropy (nats)")
    figure.legend(*axis.get_legend_handles_labels(), loc="outside lower center", ncols=3, frameon=False)
    figure.suptitle("Memorisation, circuit formation, cleanup")
    return figure


def progress_measures(steps, measures, frequencies):
    """Every progress measure over training on one page: `progress.measures` at each of the steps."""
    figure = Figure(figsize=(10, 6.6), layout="constrained")
    (losses, amplitudes), (sparsity, norms) = figure.subplots(2, 2, sharex=True)
    curve = {name: np.array([m[name] for m in measures]) for name in measures[0]}
    for name, colour, style in (("train_loss", BLUE, "-"), ("test_loss", RED, "--"), ("restricted_loss", GREEN, "-."),
                                ("excluded_loss", BLACK, ":"), ("trigonometric_loss", PURPLE, "-")):
        losses.plot(steps, np.maximum(curve[name], 1e-9), style, color=colour, label=name.replace("_", " "))
    losses.set(yscale="log", ylabel="nats", title="losses")
    for i, k in enumerate(frequencies):
        amplitudes.plot(steps, curve[f"amplitude_{k}"], color=CYCLE[i % len(CYCLE)], label=f"k = {k}")
    amplitudes.set(ylabel="amplitude", title="coefficient of cos(w_k (a + b - c)) in the logits")
    for name, colour, style in (("gini_W_E", BLUE, "-"), ("gini_W_L", RED, "--"), ("fraction_explained", GREEN, "-.")):
        if name in curve:
            sparsity.plot(steps, curve[name], style, color=colour, label=name.replace("_", " "))
    sparsity.set(xlabel="step", ylim=(0, 1.02), title="sparsity in the Fourier basis; variance explained")
    norms.plot(steps, curve["sum_of_squared_weights"], color=BLACK)
    norms.set(xlabel="step", ylim=(0, None), title="sum of squared weights")
    for axis in (losses, sparsity, *([amplitudes] if len(frequencies) else [])):
        axis.legend(frameon=False, fontsize=8)
    figure.suptitle("Under a flat test loss the circuit grows (restricted loss falls, excluded loss rises)")
    return figure


def replacements(steps, rows_by_step):
    """Test accuracy at every checkpoint: of the learned network, and of what `compare.scores` replaces it by."""
    figure = Figure(figsize=(7, 3.6), layout="constrained")
    axis = figure.subplots()
    tests = [{name: test.accuracy for name, _, test in rows} for rows in rows_by_step]
    styles = {"learned weights": (BLACK, "-"), "second harmonic and constant": (GREEN, "--"),
              "pure cosines": (BLUE, "-."), "square waves": (RED, ":")}
    for name, (colour, style) in styles.items():
        axis.plot(np.maximum(steps, 0.8), [test.get(name, 0) for test in tests], style, color=colour, label=name)
    axis.set(xscale="log", xlabel="step", ylabel="test accuracy", ylim=(-0.03, 1.03))
    axis.set_xlim(left=max(1, 0.8 * min((step for step in steps if step), default=1)))
    axis.legend(frameon=False, loc="upper left")
    figure.suptitle("The weights, and the waves read from them: which is right first?")
    return figure


def accuracies(histories, title):
    """Accuracy of several runs over steps: training dashed, test solid, one colour per run."""
    figure = Figure(figsize=(7.5, 3.8), layout="constrained")
    axis = figure.subplots()
    for (name, history), colour in zip(histories.items(), CYCLE, strict=False):
        step = np.maximum(history["step"], 0.8)
        axis.plot(step, history["train_accuracy"], "--", color=colour, lw=1)
        axis.plot(step, history["test_accuracy"], "-", color=colour, label=name)
    axis.set(xscale="log", xlabel="step", ylabel="accuracy (dashed: training)", ylim=(-0.03, 1.03))
    axis.legend(frameon=False, loc="center left")
    figure.suptitle(title)
    return figure


def swings(histories):
    """Training loss and weight norm of several runs, one above the other."""
    figure = Figure(figsize=(8, 5), layout="constrained")
    top, bottom = figure.subplots(2, 1, sharex=True)
    for (name, history), colour, style in zip(histories.items(), (SKY, GREEN, RED), ("-", "--", "-"), strict=False):
        top.plot(history["step"], history["train_loss"], style, color=colour, lw=1.2, label=name)
        bottom.plot(history["step"], history["l2_norm"], style, color=colour, lw=1.2)
    top.set(yscale="log", ylabel="training loss (nats)")
    bottom.set(xlabel="step", ylabel="norm of all weights", ylim=(0, None))
    figure.legend(*top.get_legend_handles_labels(), loc="outside lower center", ncols=3, frameon=False)
    figure.suptitle("AdamW swings between low loss and low weights where beta1 is the root of beta2 (0.99, 0.98)")
    return figure
