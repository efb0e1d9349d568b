"""Figures that tell clocks from pizzas: the two measures, their transition, the correct logit, circles."""

import numpy as np
from matplotlib.figure import Figure

from grok_np.figures.style import BLUE, GREEN, ORANGE, RED, SKY


def algorithm_plane(networks, cloud=None):
    """Gradient symmetricity against distance irrelevance: clocks at the upper left, pizzas at the lower right.

    networks {name: (gradient symmetricity, distance irrelevance)}; cloud (rate, symmetricity, irrelevance) of
    published runs, arrays of one length.
    """
    figure = Figure(figsize=(8.4, 5.4), layout="constrained")
    axis = figure.subplots()
    if cloud is not None:
        shown = axis.scatter(cloud[1], cloud[2], c=cloud[0], s=5, cmap="viridis", lw=0, rasterized=True)
        figure.colorbar(shown, label=f"attention rate of {len(cloud[0]):,} published networks")
    ranked = sorted(networks.items(), key=lambda item: item[1][1])
    for (name, (symmetric, irrelevant)), level in zip(ranked, np.linspace(0, 1, len(ranked)), strict=True):
        axis.plot(symmetric, irrelevant, "o", ms=8, mfc="white", mec=RED, mew=1.6, zorder=3)
        axis.annotate(name, (symmetric, irrelevant), (1.12, level), va="center", fontsize=8,
                      arrowprops={"arrowstyle": "-", "color": "0.6", "lw": 0.6})
    axis.set(xlabel="gradient symmetricity", ylabel="distance irrelevance", xlim=(-0.12, 1.35), ylim=(-0.05, 1.05),
             xticks=np.linspace(0, 1, 6))
    axis.text(0.02, 0.02, "clock: upper left     pizza: lower right", transform=axis.transAxes, color="0.35")
    figure.suptitle("From the clock to the pizza there is a continuum")
    return figure


def transition(rates, networks, cloud=None):
    """Both measures over the attention rate, one marker per network of ours, over the published runs and their band.

    networks (n, 2): gradient symmetricity and distance irrelevance; cloud as in `algorithm_plane`.
    """
    figure = Figure(figsize=(9, 3.8), layout="constrained")
    axes = figure.subplots(1, 2, sharex=True)
    names = ("gradient symmetricity", "distance irrelevance")
    for i, (axis, name) in enumerate(zip(axes, names, strict=True)):
        if cloud is not None:
            rate, values = cloud[0], cloud[1 + i]
            axis.plot(rate, values, ".", ms=2, color="0.6", rasterized=True, label="published networks")
            edges = np.linspace(0, 1, 21)
            bands = [np.quantile(values[abs(rate - edge) <= 0.05], (0.05, 0.95)) for edge in edges]
            axis.fill_between(edges, *np.transpose(bands), color=SKY, alpha=0.4, lw=0, label="their 5-95 % band")
        axis.plot(rates, np.asarray(networks)[:, i], "o", mfc="white", mec=RED, mew=1.6, label="ours")
        axis.set(xlabel="attention rate", ylabel=name, ylim=(-0.03, 1.05))
    axes[0].legend(frameon=False, fontsize=8, loc="lower left")
    figure.suptitle("The more the network may attend, the less it adds: from pizza to clock")
    return figure


def correct_logit_maps(maps):
    """The correct logit by a - b and a + b (`clock_pizza.by_sum_and_difference`): upright stripes for the pizza.

    maps {title: (p, p)}, each on a scale of its own: dark is the smallest, bright the largest.
    """
    columns = min(len(maps), 5)
    rows = -(-len(maps) // columns)
    figure = Figure(figsize=(2.3 * columns, 0.8 + 2.6 * rows), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False)
    for axis, (title, table) in zip(axes.flat, maps.items(), strict=False):
        flat = np.nanmax(table) - np.nanmin(table) < 1e-9
        half = len(table) // 2
        axis.imshow(np.roll(table, half, axis=1), origin="lower", cmap="viridis", extent=(-half, half, 0, len(table)),
                    aspect="auto", vmin=np.nanmin(table) - flat, vmax=np.nanmax(table) + flat)
        axis.set_title(title, fontsize=9)
    for axis in axes.flat[len(maps):]:
        axis.set_axis_off()
    for axis in axes[:, 0]:
        axis.set_ylabel("a + b mod p")
    for axis in axes[-1]:
        axis.set_xlabel("a - b mod p")
    figure.suptitle("How sure of the right answer? The pizza only where a - b suits its circles")
    return figure


def circles(scores, isolated):
    """Each circle of the embedding with its tokens in order, and what the network computes with it alone.

    scores (p, r) of `clock_pizza.principal_components`; isolated from `clock_pizza.isolated_circles`.
    """
    n = len(isolated)
    figure = Figure(figsize=(2.2 * max(n, 2), 5.4), layout="constrained")
    axes = figure.subplots(2, max(n, 1), squeeze=False)
    for (top, bottom), one in zip(axes.T, isolated, strict=False):
        k, (i, j) = one.circle.frequency, one.circle.components
        order = np.argsort(k * np.arange(len(scores)) % len(scores))
        order = np.append(order, order[0])
        size = np.abs(scores[:, [i, j]]).max()
        top.plot(scores[order, i] / size, scores[order, j] / size, "-", color="0.8", lw=0.8)
        top.scatter(scores[:, i] / size, scores[:, j] / size, c=np.arange(len(scores)), cmap="viridis", s=9, zorder=2)
        top.set(aspect="equal", xticks=[], yticks=[], xlim=(-1.3, 1.3), ylim=(-1.3, 1.3))
        role = f"accompanies {one.accompanies}" if one.accompanies else ""
        top.set_title(f"frequency {k}\nalone {one.accuracy:.0%} right\n{role}", fontsize=9)
        values = [max(value, 0) for value in one.explained.values()]  # NaN > 0 is false, so NaN becomes 0
        bottom.bar(range(len(values)), np.nan_to_num(values), color=[BLUE, ORANGE, RED, GREEN])
        bottom.set(xticks=range(len(values)), ylim=(0, 1.05))
        bottom.set_xticklabels(list(one.explained), rotation=60, ha="right", fontsize=8)
    axes[1, 0].set_ylabel("variance of its logits\nexplained (below 0: not drawn)")
    figure.suptitle("Circles of the embedding (colour: token), and which formula each computes alone")
    return figure
