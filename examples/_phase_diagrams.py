"""Phase diagrams, which two sweeps draw: what became of the networks of every setting."""

import numpy as np
from matplotlib.figure import Figure

from grok_np.figures.style import BLUE, GREEN, ORANGE, WIDTH, title


def phase_diagrams(shares_by_name, rows, columns, panels) -> Figure:
    """Shares of runs by what became of them, one stack of bars per cell of a sweep; one line of panels per name.

    shares_by_name {name: (panels, rows, columns, 4)}: shares of fail, memorise only, grok, generalise at once;
    ``rows``, ``columns`` and ``panels`` are (label, values).
    """
    kinds = (("learns nothing", "0.8"), ("memorises only", ORANGE), ("groks", BLUE), ("generalises at once", GREEN))
    names = list(shares_by_name)
    figure = Figure(figsize=(min(max(2.6 * len(panels[1]) + 1, 6), WIDTH), 2.5 * len(names) + 0.9),
                    layout="constrained")
    axes = figure.subplots(len(names), len(panels[1]), squeeze=False, sharex=True, sharey=True)
    for line, name in zip(axes, names, strict=True):
        for axis, value, shares in zip(line, panels[1], shares_by_name[name], strict=True):
            for i, j in np.ndindex(*shares.shape[:2]):
                bottom = i - 0.45
                for share, (_, colour) in zip(shares[i, j], kinds, strict=True):
                    axis.bar(j, 0.9 * share, 0.9, bottom, color=colour)
                    bottom += 0.9 * share
            axis.set_title(f"{name}, {panels[0]} {value}", fontsize=9)
            axis.set(xticks=range(len(columns[1])), yticks=range(len(rows[1])), xticklabels=columns[1],
                     yticklabels=rows[1])
    for axis in axes[-1]:
        axis.set_xlabel(columns[0])
    for axis in axes[:, 0]:
        axis.set_ylabel(rows[0])
    handles = [axes[0, 0].bar(0, 0, color=colour, label=label) for label, colour in kinds]
    figure.legend(handles=handles, loc="outside lower center", ncols=4 if figure.get_figwidth() > 7 else 2,
                  frameon=False)
    title(figure, *where([np.asarray(table)[..., 2:].sum(axis=-1) > 0.5 for table in shares_by_name.values()],
                          rows, columns))
    return figure


def where(generalises, rows, columns):
    """Sentences on the cells (panels, rows, columns) in which more than half of the networks generalise."""
    generalises = np.concatenate(generalises)
    count, total = int(generalises.sum()), generalises.size
    found = [f"More than half of the networks generalise in {count} of {total} settings"]
    if 0 < count < total:
        for (label, values), axis in ((rows, (0, 2)), (columns, (0, 1))):
            good = [value for value, here in zip(values, generalises.any(axis=axis), strict=True) if here]
            never = [value for value in values if value not in good]
            if never:
                found.append(f"in none of those with {label} {', '.join(map(str, never))}")
    return ["; ".join(found)]
