"""Figures of a run over time: losses, accuracies, progress measures, and runs that end strangely."""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from grok_np.figures.style import BLACK, BLUE, CYCLE, GREEN, GREY, RED, SKY, WIDTH, YELLOW, title


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


def phases(history, boundaries):
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


def progress_measures(steps, measures, frequencies, ends=(), halfway=None):
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


def accuracies(histories, level=0.95):
    """Accuracy of several runs over steps, one colour per run; the title names who reaches ``level`` and when."""
    figure = Figure(figsize=(7.5, 4), layout="constrained")
    axis = figure.subplots()
    reached = {}
    for (name, history), colour in zip(histories.items(), CYCLE, strict=False):
        step = np.maximum(history["step"], 0.8)
        axis.plot(step, history["train_accuracy"], "--", color=colour, lw=1)
        axis.plot(step, history["test_accuracy"], "-", color=colour, label=name)
        reached[name] = first_step(history["step"], history["test_accuracy"] >= level)
    axis.plot([], [], "--", color="0.4", lw=1, label="dashed: training")
    axis.set(xscale="log", xlabel="step", ylabel="accuracy", ylim=(-0.03, 1.03))
    figure.legend(*axis.get_legend_handles_labels(), loc="outside lower center", ncols=3, frameon=False, fontsize=9)
    title(figure, f"{level:.0%} of the held-out pairs are right from step: " + ", ".join(
        f"{'never' if step is None else f'{step:,}'} ({name})" for name, step in reached.items()))
    return figure


def swings(histories, swing=10):
    """Training loss and weight norm of several runs; one swings if its later loss spans a factor ``swing`` or more."""
    figure = Figure(figsize=(8, 5), layout="constrained")
    top, bottom = figure.subplots(2, 1, sharex=True)
    spans = {}
    for (name, history), colour, style in zip(histories.items(), (GREEN, CYCLE[1], CYCLE[2]), ("-", "--", "-."),
                                              strict=False):
        step, loss = history["step"], history["train_loss"]
        top.plot(step, loss, style, color=colour, lw=1.2, label=name)
        bottom.plot(step, history["l2_norm"], style, color=colour, lw=1.2)
        late = loss[step >= step[-1] / 2]
        spans[name] = late.max() / max(late.min(), 1e-300)
    top.set(yscale="log", ylabel="training loss (nats)")
    bottom.set(xlabel="step", ylabel="norm of all weights", ylim=(0, None))
    figure.legend(*top.get_legend_handles_labels(), loc="outside lower center", ncols=3, frameon=False)
    swinging = ", ".join(f"{name} (by a factor of {span:.2g})" for name, span in spans.items() if span >= swing)
    resting = ", ".join(name for name, span in spans.items() if span < swing)
    title(figure, f"Over the second half the loss swings with {swinging or 'none of these'}; "
                  f"at rest (less than a factor of {swing}): {resting or 'none'}")
    return figure
