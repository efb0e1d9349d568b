"""Figures of networks on strings of bits: paths of the weights, which bits matter, outputs."""

import numpy as np
from matplotlib.figure import Figure

from grok_np.figures.style import BLACK, BLUE, CYCLE, DARK_ORANGE, DIVERGING, WIDTH, title


def weight_paths(steps, W_in, k, marks=()):
    """Every input weight of a bit network over training: what the bits that count weigh, and what the others do.

    W_in (steps, n + 1, h); marks: (step, label) pairs to name.
    """
    figure = Figure(figsize=(WIDTH, 4.4), layout="constrained")
    axis = figure.subplots()
    groups = ((f"first {k} bits", W_in[:, :k], BLUE, 0.5), ("bias", W_in[:, -1:], DARK_ORANGE, 0.5),
              ("distractors", W_in[:, k:-1], "0.35", 0.35))  # last, so that the crowd of the others does not hide them
    for name, weights, colour, width in groups:
        axis.plot(steps, weights.reshape(len(steps), -1), color=colour, lw=width, rasterized=True)
        axis.plot([], [], color=colour, lw=2, label=name)
    for i, (step, label) in enumerate(marks):
        axis.axvline(step, color=BLACK, lw=0.8, ls=":")
        axis.annotate(label, (step, 1), (3, -10 - 12 * (i % 2)), xycoords=("data", "axes fraction"),
                      textcoords="offset points", fontsize=9)
    axis.set(xscale="log", xlim=(max(1, steps[min(1, len(steps) - 1)]), max(2, steps[-1])), xlabel="step",
             ylabel="input weight")
    axis.legend(frameon=False, loc="lower left")
    first, last = (np.abs(W_in[i, k:-1]).max(initial=0) for i in (0, -1))
    mean = np.abs(W_in[-1, :k]).max()
    title(figure, f"The largest weight of a distractor is {first:.2g} at step {steps[0]:,} and {last:.2g} at step "
                  f"{steps[-1]:,}, where the first {k} bits weigh up to {mean:.2g}"
                  + ("" if last < 0.1 * mean else ": they have not faded away"))
    return figure


def bit_maps(W_in_by_title, k, most=24):
    """Input weights of the strongest neurons at several times, one row per bit; a line below the bits that count.

    W_in_by_title {title: (n + 1, h)}; neurons in the order of their last norms.
    """
    last = list(W_in_by_title.values())[-1]
    order = np.argsort(-np.linalg.norm(last, axis=0))[:most]
    figure = Figure(figsize=(min(3.1 * max(len(W_in_by_title), 2), WIDTH), 4.8), layout="constrained")
    axes = figure.subplots(1, len(W_in_by_title), sharey=True, squeeze=False)[0]
    held = []
    for axis, (name, W_in) in zip(axes, W_in_by_title.items(), strict=True):
        limit = np.abs(W_in).max()
        shown = axis.imshow(W_in[:, order], cmap=DIVERGING, vmin=-limit, vmax=limit, aspect="auto")
        figure.colorbar(shown, ax=axis, location="bottom", label="weight")
        for edge in (k - 0.5, len(W_in) - 1.5):
            axis.axhline(edge, color=BLACK, lw=0.8)
        axis.set(xlabel="neuron")
        axis.set_title(name, fontsize=9)
        held.append((W_in[:k] ** 2).sum() / max((W_in[:-1] ** 2).sum(), 1e-300))
    axes[0].set(ylabel="input", yticks=[0, k - 1, (k + len(last) - 2) // 2, len(last) - 1])
    axes[0].set_yticklabels(["bit 1", f"bit {k}", "distractors", "bias"])
    title(figure, f"The {k} bits that count (above the line) hold {', '.join(f'{share:.0%}' for share in held)} of the "
                  "squared input weights of all bits")
    return figure


def parity_outputs(outputs_by_name, ones):
    """The output over all test strings against the number of ones among the bits that count, as spread and mean.

    outputs_by_name {name: (B,)}, each scaled to mean |f| = 1; ones (B,).
    """
    figure = Figure(figsize=(7, 4), layout="constrained")
    axis = figure.subplots()
    places = np.unique(ones)
    n = len(outputs_by_name)
    right = []
    for i, ((name, f), colour) in enumerate(zip(outputs_by_name.items(), (CYCLE[2], CYCLE[0], BLACK), strict=False)):
        offset = 0.16 * (i - (n - 1) / 2)
        groups = [f[ones == place] / np.abs(f).mean() for place in places]
        parts = axis.violinplot(groups, places + offset, widths=0.15, showextrema=False)
        for body in parts["bodies"]:
            body.set(facecolor=colour, alpha=0.5)
        axis.plot(places + offset, [group.mean() for group in groups], "o", color=colour, label=name)
        right.append(f"{np.mean((f > 0) == (ones % 2 == 1)):.1%} ({name})")
    axis.axhline(0, color="0.6", lw=0.8)
    axis.set(xlabel="number of ones among the bits that count", ylabel="output f (mean |f| = 1)", xticks=places)
    figure.legend(*axis.get_legend_handles_labels(), frameon=False, fontsize=9, ncols=n, loc="outside lower center")
    title(figure, f"Up for an odd number of ones, down for an even one: {', '.join(right)} of the strings")
    return figure
