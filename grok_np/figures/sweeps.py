"""Figures of many runs: phase diagrams and tables of shares."""

import numpy as np
from matplotlib.figure import Figure

from grok_np.figures.style import BLUE, GREEN, ORANGE


def phase_diagrams(shares_by_name, rows, columns, panels):
    """Shares of runs by what became of them, one stack of bars per cell of a sweep; one line of panels per name.

    shares_by_name {name: (panels, rows, columns, 4)}: shares of fail, memorise only, grok, generalise at once;
    ``rows``, ``columns`` and ``panels`` are (label, values).
    """
    kinds = (("learns nothing", "0.8"), ("memorises only", ORANGE), ("groks", BLUE), ("generalises at once", GREEN))
    names = list(shares_by_name)
    figure = Figure(figsize=(max(2.6 * len(panels[1]) + 1, 7), 2.5 * len(names) + 0.8), layout="constrained")
    axes = figure.subplots(len(names), len(panels[1]), squeeze=False, sharex=True, sharey=True)
    for line, name in zip(axes, names, strict=True):
        for axis, value, shares in zip(line, panels[1], shares_by_name[name], strict=True):
            for i, j in np.ndindex(*shares.shape[:2]):
                bottom = i - 0.45
                for share, (_, colour) in zip(shares[i, j], kinds, strict=True):
                    axis.bar(j, 0.9 * share, 0.9, bottom, color=colour)
                    bottom += 0.9 * share
            axis.set_title(f"{name}: {panels[0]} {value}", fontsize=9)
            axis.set(xticks=range(len(columns[1])), yticks=range(len(rows[1])), xticklabels=columns[1],
                     yticklabels=rows[1])
    for axis in axes[-1]:
        axis.set_xlabel(columns[0])
    for axis in axes[:, 0]:
        axis.set_ylabel(rows[0])
    handles = [axes[0, 0].bar(0, 0, color=colour, label=label) for label, colour in kinds]
    figure.legend(handles=handles, loc="outside lower center", ncols=4, frameon=False)
    figure.suptitle("Grokking is a matter of weight decay: too little memorises, too much learns nothing")
    return figure


def shares(table, rows, columns, title):
    """A table of shares in [0, 1] as colours, with the numbers in it."""
    figure = Figure(figsize=(2.4 + 1.1 * len(columns), 1.4 + 0.36 * len(rows)), layout="constrained")
    axis = figure.subplots()
    axis.imshow(table, cmap="Blues", vmin=0, vmax=1.3, aspect="auto")
    for (i, j), value in np.ndenumerate(table):
        axis.text(j, i, f"{value:.0%}", ha="center", va="center", color="white" if value > 0.7 else "black")
    axis.set(xticks=range(len(columns)), yticks=range(len(rows)), xticklabels=columns, yticklabels=rows)
    figure.suptitle(title)
    return figure
