"""Figures of networks on strings of bits: paths of the weights, which bits matter, outputs."""

import numpy as np
from matplotlib.figure import Figure

from grok_np.figures.style import BLACK, BLUE, DIVERGING, ORANGE


def weight_paths(steps, W_in, k, marks=()):
    """Every input weight of a bit network over training: what the bits that count weigh, and what the others do.

    W_in (steps, n + 1, h); marks: (step, label) pairs to name.
    """
    figure = Figure(figsize=(8, 4.2), layout="constrained")
    axis = figure.subplots()
    groups = (("distractors", W_in[:, k:-1], "0.75"), ("bias", W_in[:, -1:], ORANGE),
              (f"first {k} bits", W_in[:, :k], BLUE))
    for name, weights, colour in groups:
        axis.plot(steps, weights.reshape(len(steps), -1), color=colour, lw=0.6, rasterized=True)
        axis.plot([], [], color=colour, lw=2, label=name)
    for step, label in marks:
        axis.axvline(step, color=BLACK, lw=0.8, ls=":")
        axis.annotate(label, (step, 1), (3, -10), xycoords=("data", "axes fraction"), textcoords="offset points",
                      fontsize=8)
    axis.set(xscale="log", xlim=(steps[min(1, len(steps) - 1)], steps[-1]), xlabel="step", ylabel="input weight")
    axis.legend(frameon=False, loc="lower left")
    figure.suptitle("The accuracy jumps, the weights do not: distractors fade away one by one")
    return figure


def bit_maps(W_in_by_title, k, most=24):
    """Input weights of the strongest neurons at several times, one row per bit; a line below the bits that count.

    W_in_by_title {title: (n + 1, h)}; neurons in the order of their last norms.
    """
    last = list(W_in_by_title.values())[-1]
    order = np.argsort(-np.linalg.norm(last, axis=0))[:most]
    figure = Figure(figsize=(3.1 * len(W_in_by_title), 4.6), layout="constrained")
    axes = figure.subplots(1, len(W_in_by_title), sharey=True, squeeze=False)[0]
    for axis, (title, W_in) in zip(axes, W_in_by_title.items(), strict=True):
        limit = np.abs(W_in).max()
        shown = axis.imshow(W_in[:, order], cmap=DIVERGING, vmin=-limit, vmax=limit, aspect="auto")
        figure.colorbar(shown, ax=axis, location="bottom", label="weight")
        for edge in (k - 0.5, len(W_in) - 1.5):
            axis.axhline(edge, color=BLACK, lw=0.8)
        axis.set(title=title, xlabel="neuron")
    axes[0].set(ylabel="input", yticks=[0, k - 1, (k + len(last) - 2) // 2, len(last) - 1])
    axes[0].set_yticklabels(["bit 1", f"bit {k}", "distractors", "bias"])
    figure.suptitle("Memorising uses every bit; the general solution needs those above the line")
    return figure


def parity_outputs(outputs_by_name, ones):
    """The output over all test strings against the number of ones among the bits that count, as spread and mean.

    outputs_by_name {name: (B,)}, each scaled to mean |f| = 1; ones (B,).
    """
    figure = Figure(figsize=(7, 3.8), layout="constrained")
    axis = figure.subplots()
    places = np.unique(ones)
    n = len(outputs_by_name)
    for i, ((name, f), colour) in enumerate(zip(outputs_by_name.items(), (ORANGE, BLUE, BLACK), strict=False)):
        offset = 0.16 * (i - (n - 1) / 2)
        groups = [f[ones == place] / np.abs(f).mean() for place in places]
        parts = axis.violinplot(groups, places + offset, widths=0.15, showextrema=False)
        for body in parts["bodies"]:
            body.set(facecolor=colour, alpha=0.5)
        axis.plot(places + offset, [group.mean() for group in groups], "o", color=colour, label=name)
    axis.axhline(0, color="0.6", lw=0.8)
    axis.set(xlabel="number of ones among the bits that count", ylabel="output f (mean |f| = 1)", xticks=places)
    axis.legend(frameon=False, fontsize=8)
    figure.suptitle("What the network says: up for odd, down for even, whatever the other bits")
    return figure
