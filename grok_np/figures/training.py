"""Figures of a run over time: losses, accuracies, progress measures, and runs that end strangely."""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from grok_np.figures.style import BLACK, BLUE, CYCLE, GREEN, RED, title


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


def replacements(steps, rows_by_step):
    """Test accuracy at every checkpoint: of the learned network, and of what `rings.scores` replaces it by."""
    figure = Figure(figsize=(7, 4), layout="constrained")
    axis = figure.subplots()
    tests = [{name: test.accuracy for name, _, test in rows} for rows in rows_by_step]
    styles = {"learned weights": (BLACK, "-", 3, 0.35), "second harmonic and constant": (GREEN, "--", 1.5, 1),
              "pure cosines": (CYCLE[1], "-.", 1.5, 1), "square waves": (CYCLE[2], ":", 1.5, 1)}
    first = {}
    for name, (colour, style, width, alpha) in styles.items():
        values = np.array([test.get(name, 0) for test in tests])
        axis.plot(np.maximum(steps, 0.8), values, style, color=colour, lw=width, alpha=alpha, label=name)
        first[name] = first_step(steps, values == 1)
    axis.set(xscale="log", xlabel="step (at the checkpoints)", ylabel="held-out accuracy", ylim=(-0.03, 1.03))
    axis.set_xlim(left=max(1, 0.8 * min((step for step in steps if step), default=1)))
    axis.xaxis.set_minor_formatter(NullFormatter())
    figure.legend(*axis.get_legend_handles_labels(), frameon=False, loc="outside lower center", ncols=4, fontsize=9)
    learned = first.pop("learned weights")
    waves = {name: step for name, step in first.items() if step is not None}
    if learned is None and not waves:
        best = max(test["learned weights"] for test in tests)
        text = f"Not grokked: neither weights nor waves are ever all right (held-out pairs, weights: {best:.0%})"
    else:
        own = f"from step {learned:,}" if learned is not None else "never"
        best = min(waves, key=waves.get) if waves else None
        text = f"All held-out pairs right: the weights {own}, " + (
            f"the waves read from them ({best}) from step {waves[best]:,}" if waves else "their waves never")
    title(figure, text)
    return figure
