"""Figures that tell clocks from pizzas: the two measures, their transition, the correct logit, circles."""

import numpy as np
from matplotlib.figure import Figure

from grok_np.figures.style import BLACK, CYCLE, SKY, WIDTH, title

# The published table measures the largest wrong logit, whatever the definition says; beside it stands the same.
IRRELEVANCE = "distance irrelevance\nof the largest wrong logit"


def algorithm_plane(networks, cloud=None):
    """Gradient symmetricity against distance irrelevance: clocks at the upper left, pizzas at the lower right.

    networks {name: (gradient symmetricity, distance irrelevance of the largest wrong logit)}; cloud (rate,
    symmetricity, irrelevance) of published runs, arrays of one length.
    """
    figure = Figure(figsize=(WIDTH, 5.4), layout="constrained")
    axis = figure.subplots()
    if cloud is not None:
        shown = axis.scatter(cloud[1], cloud[2], c=cloud[0], s=5, cmap="viridis", lw=0, rasterized=True)
        figure.colorbar(shown, label=f"attention rate of {len(cloud[0]):,} published networks")
    ranked = sorted(networks.items(), key=lambda item: item[1][1])
    for (name, (symmetric, irrelevant)), level in zip(ranked, np.linspace(0, 1, len(ranked)), strict=True):
        axis.plot(symmetric, irrelevant, "o", ms=8, mfc="white", mec=BLACK, mew=1.6, zorder=3)
        axis.annotate(name, (symmetric, irrelevant), (1.12, level), va="center", fontsize=8,
                      arrowprops={"arrowstyle": "-", "color": "0.6", "lw": 0.6})
    axis.set(xlabel="gradient symmetricity", ylabel=IRRELEVANCE, xlim=(-0.12, 1.45), ylim=(-0.05, 1.05),
             xticks=np.linspace(0, 1, 6))
    axis.text(0.02, 0.02, "clock: upper left     pizza: lower right", transform=axis.transAxes, color="0.35")
    values = np.array(list(networks.values())).reshape(-1, 2)
    title(figure, f"{len(values)} networks between clock and pizza: "
          + _range("symmetricity", values[:, 0]) + ", " + _range("irrelevance", values[:, 1]))
    return figure


def _range(name, values):
    return f"{name} {min(values):.2f} to {max(values):.2f}" if len(values) else f"no {name}"


def transition(rates, networks, cloud=None):
    """Both measures over the attention rate, one marker per network of ours, over the published runs and their band.

    networks (n, 2): gradient symmetricity, and distance irrelevance of the largest wrong logit; cloud as in
    `algorithm_plane`.
    """
    figure = Figure(figsize=(WIDTH, 4.2), layout="constrained")
    axes = figure.subplots(1, 2, sharex=True)
    names, networks = ("gradient symmetricity", IRRELEVANCE), np.asarray(networks)
    for i, (axis, name) in enumerate(zip(axes, names, strict=True)):
        if cloud is not None:
            rate, values = cloud[0], cloud[1 + i]
            axis.plot(rate, values, ".", ms=2, color="0.6", rasterized=True, label="published networks")
            edges = np.linspace(0, 1, 21)
            near = [values[abs(rate - edge) <= 0.05] for edge in edges]
            bands = [np.quantile(one, (0.05, 0.95)) if len(one) else (np.nan, np.nan) for one in near]
            axis.fill_between(edges, *np.transpose(bands), color=SKY, alpha=0.4, lw=0, label="their 5-95 % band")
        axis.plot(rates, networks[:, i], "o", mfc="white", mec=BLACK, mew=1.6, label="ours")
        axis.set(xlabel="attention rate", ylabel=name, ylim=(-0.03, 1.05))
    figure.legend(*axes[0].get_legend_handles_labels(), frameon=False, fontsize=9, ncols=3, loc="outside lower center")
    first, last = np.argmin(rates), np.argmax(rates)
    ends = [f"{name} {networks[first, i]:.2f} to {networks[last, i]:.2f}"
            for i, name in enumerate(("symmetricity", "irrelevance"))]
    moved = networks[last] - networks[first]
    says = ": from pizza to clock" if moved[0] < -0.2 < 0.2 < moved[1] else ": no way from pizza to clock"
    title(figure, f"Attention rate {rates[first]:g} to {rates[last]:g}, {' and '.join(ends)}{says}")
    return figure


def correct_logit_maps(maps):
    """The correct logit by a - b and a + b (`clock_pizza.by_sum_and_difference`): upright stripes for the pizza.

    maps {title: (p, p)}, each on a scale of its own: dark is the smallest, bright the largest. Under each name the
    share of its variance that is due to a - b alone.
    """
    columns = min(len(maps), 5)
    rows = -(-len(maps) // columns)
    figure = Figure(figsize=(max(WIDTH / 5 * columns, 6), 0.9 + 2.1 * rows), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False)
    due = []
    for axis, (name, table) in zip(axes.flat, maps.items(), strict=False):
        flat = np.nanmax(table) - np.nanmin(table) < 1e-9
        half = len(table) // 2
        axis.imshow(np.roll(table, half, axis=1), origin="lower", cmap="viridis", extent=(-half, half, 0, len(table)),
                    aspect="auto", vmin=np.nanmin(table) - flat, vmax=np.nanmax(table) + flat)
        if flat:
            axis.set_title(f"{name}\nconstant", fontsize=9)
        else:
            due.append(np.nanvar(np.nanmean(table, axis=0)) / np.nanvar(table))
            axis.set_title(f"{name}\n{due[-1]:.0%} by a - b", fontsize=9)
    for axis in axes.flat[len(maps):]:
        axis.set_axis_off()
    for axis in axes[:, 0]:
        axis.set_ylabel("a + b mod p")
    for axis in axes[-1]:
        axis.set_xlabel("a - b mod p")
    upright = sum(share > 0.5 for share in due)
    title(figure, f"How sure of the right answer? In {upright} of {len(maps)} networks a - b alone decides more than "
                  "half of it: upright stripes, the mark of the pizza")
    return figure


def circles(scores, isolated):
    """Each circle of the embedding with its tokens in order, and what the network computes with it alone.

    scores (p, r) of `clock_pizza.principal_components`; isolated from `clock_pizza.isolated_circles`.
    """
    lines = max(1, -(-len(isolated) // 4))
    columns = max(1, -(-len(isolated) // lines))
    figure = Figure(figsize=(WIDTH if columns > 2 else 6, 0.9 + 4.6 * lines), layout="constrained")
    axes = figure.subplots(2 * lines, columns, squeeze=False)
    for axis in axes.flat:
        axis.set_axis_off()
    for i, one in enumerate(isolated):
        top, bottom = axes[2 * (i // columns), i % columns], axes[2 * (i // columns) + 1, i % columns]
        for axis in (top, bottom):
            axis.set_axis_on()
        k, (x, y) = one.circle.frequency, one.circle.components
        order = np.argsort(k * np.arange(len(scores)) % len(scores))
        order = np.append(order, order[0])
        size = np.abs(scores[:, [x, y]]).max()
        top.plot(scores[order, x] / size, scores[order, y] / size, "-", color="0.8", lw=0.8)
        top.plot(scores[:, x] / size, scores[:, y] / size, ".", color=CYCLE[0], ms=4)
        top.set(aspect="equal", xticks=[], yticks=[], xlim=(-1.3, 1.3), ylim=(-1.3, 1.3))
        role = f"\naccompanies {one.accompanies}" if one.accompanies else ""
        top.set_title(f"frequency {k}\nalone {one.accuracy:.0%} right{role}", fontsize=9)
        values = np.maximum(np.nan_to_num(list(one.agreement.values()), nan=0), 0)
        bottom.barh(range(len(values))[::-1], values, color="0.45")
        bottom.set(yticks=range(len(values))[::-1], xlim=(0, 1.05), xticks=(0, 0.5, 1))
        bottom.set_yticklabels(list(one.agreement) if i % columns == 0 else [], fontsize=9)
        bottom.set_xlabel("agreement", fontsize=9)
    winners = [max(one.agreement, key=lambda name: np.nan_to_num(one.agreement[name], nan=-9)) for one in isolated
               if np.nan_to_num(list(one.agreement.values()), nan=-9).max() > 0.5]
    found = ", ".join(f"{winners.count(name)} {name}" for name in dict.fromkeys(winners))
    if isolated:
        title(figure, f"{len(isolated)} circles of the embedding. Formula that agrees best with a circle's own logits: "
                      f"{found or 'none above one half'}",
              "pizza': the pizza's second formula. accompanying: a second circle that helps where the first is weak")
    else:
        title(figure, "The embedding holds no circle: no two principal components share a frequency")
    return figure
