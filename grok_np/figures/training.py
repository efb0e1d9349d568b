"""Figures of a run over time: losses, accuracies, progress measures, and runs that end strangely."""

import numpy as np
from matplotlib.figure import Figure

from grok_np.figures.style import BLUE, RED, title


def first_step(steps, holds):
    """The first of the steps at which a condition holds, or None."""
    found = np.asarray(steps)[np.asarray(holds)]
    return int(found[0]) if len(found) else None


def training_curves(history):
    """Accuracy and loss over steps: memorisation first, generalisation much later."""
    figure = Figure(figsize=(7, 5.2), layout="constrained")
    top, bottom = figure.subplots(2, 1, sharex=True)
    step = np.maximum(history["step"], 0.8)  # step 0 has no place on a logarithmic axis; draw it left of step 1
    for name, label, colour, style in (("train", "training pairs", BLUE, "-"), ("test", "held-out pairs", RED, "--")):
        top.plot(step, history[f"{name}_accuracy"], style, color=colour, label=label)
        bottom.plot(step, history[f"{name}_loss"], style, color=colour)
    top.set(ylabel="accuracy", ylim=(-0.03, 1.03))
    bottom.set(xscale="log", yscale="log", xlabel="step", ylabel="loss (nats)")
    top.legend(loc="center left", frameon=False)
    title(figure, _when_learned(history))
    return figure


def _when_learned(history):
    """One sentence from the two accuracy curves."""
    train, test = (history[f"{name}_accuracy"] for name in ("train", "test"))
    memorised, grokked = (first_step(history["step"], accuracy == 1) for accuracy in (train, test))
    if memorised is None:
        return f"Still learning: {train[-1]:.0%} of the training and {test[-1]:.0%} of the held-out data are right"
    memorised = f"Training data all right from step {memorised:,}"
    if grokked is None:
        end = f", {test[-1]:.1%} at the end" if test[-1] < test.max() else ""
        return f"{memorised}; held-out data never all, {test.max():.1%} at best{end}"
    lost = "" if test[-1] == 1 else f" (but {test[-1]:.1%} at the end)"
    return f"{memorised}, held-out data from step {grokked:,}{lost}"
