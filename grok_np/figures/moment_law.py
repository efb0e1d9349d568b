"""Figures of the moment law over ring sizes, and of one ring while it learns."""

import numpy as np
from matplotlib.figure import Figure

from grok_np.figures.rings import closed
from grok_np.figures.style import BLACK, BLUE, GREEN, ORANGE, RED, SKY, YELLOW


def paths_to_the_star(steps, inputs, outputs):
    """How the neurons of a circular network move: inputs (steps, 2, N) and outputs (steps, 2, N) in the plane."""
    figure = Figure(figsize=(8, 4.2), layout="constrained")
    axes = figure.subplots(1, 2)
    order = np.argsort(np.arctan2(inputs[-1, 1], inputs[-1, 0]))
    for axis, name, paths, colour in zip(axes, ("input", "output"), (inputs, outputs), (BLUE, RED), strict=True):
        for i in range(paths.shape[2]):
            axis.plot(*paths[:, :, i].T, color="0.75", lw=1)
            axis.plot(*paths[0, :, i], "o", color="0.75", ms=3)
        closed = np.append(order, order[0])
        axis.plot(*paths[-1][:, closed], "o-", color=colour)
        limit = 1.1 * np.abs(paths).max()
        axis.set(aspect="equal", xlim=(-limit, limit), ylim=(-limit, limit), title=f"{name} weights",
                 xlabel="along the cosine", ylabel="along the sine")
    figure.suptitle(f"From random weights (dots, paths in grey) to the star at step {steps[-1]:,}")
    return figure


def stars_in_training(rings):
    """The input ring and the output star at several steps, the neurons in the order of the last input ring.

    rings: pairs (step, `compare.Ring`), in order of time.
    """
    last = rings[-1][1]
    figure = Figure(figsize=(2.1 * len(rings) + 0.4, 4.9), layout="constrained")
    axes = figure.subplots(2, len(rings), squeeze=False, subplot_kw={"projection": "polar"})
    for column, (step, ring) in zip(axes.T, rings, strict=True):
        order = [list(ring.neurons).index(neuron) for neuron in last.neurons if neuron in ring.neurons]
        pairs = ((ring.input_phases, ring.input_amplitudes, BLUE), (ring.output_phases, ring.output_amplitudes, RED))
        for axis, (phases, amplitudes, colour) in zip(column, pairs, strict=True):
            closed(axis, phases[order], amplitudes[order], color=colour, lw=1.2, marker="o", ms=4)
            axis.set(xticks=[], yticks=[0], yticklabels=[], ylim=(0, 1.2 * amplitudes.max()))
            axis.spines["polar"].set_color("0.85")
        column[0].set_title(f"step {step:,}", fontsize=10)
    for axis, name in zip(axes[:, 0], ("input weights", "output weights"), strict=True):
        axis.text(-0.14, 0.5, name, transform=axis.transAxes, rotation=90, va="center", ha="center")
    figure.suptitle("Five neurons spread into a pentagon, and their outputs into a star (each panel to its own scale)")
    return figure


def free_rings(points, chance, rigid):
    """The moment law over ring sizes: what must vanish, what is free, and what the freedom costs.

    points {activation: cells}; a cell has "n", "even_ring" (its loss over the least) and, by optimizer ("descent",
    "adamw"), a dict with a list of one value per network for each of "alive" (neurons left), "M", "R", "evenness" and
    "ratio" (loss over the least). chance {activation: one value per cell}; rigid {activation: N}.
    """
    figure = Figure(figsize=(3.7 * len(points), 7), layout="constrained")
    axes = figure.subplots(2, len(points), sharey="row", squeeze=False)
    names = {"relu": "ReLU", "square": "x²", "abs": "|x|"}
    for (top, bottom), (activation, cells) in zip(axes.T, points.items(), strict=True):
        sizes, n = [cell["n"] for cell in cells], rigid[activation]
        for axis in (top, bottom):
            axis.axvspan(n - 0.45, n + 0.45, color=YELLOW, alpha=0.4, lw=0)
            axis.set(xticks=sizes[::2], xlim=(sizes[0] - 0.8, sizes[-1] + 0.8))
        evenness = top.plot(*_spread(cells, "descent", "alive", "evenness"), "^", color=ORANGE, mfc="none", ms=5)
        by_chance = top.plot(sizes, chance[activation], "--", color="0.5", lw=1)
        descent = top.plot(*_spread(cells, "descent", "alive", "M", -0.14), "o", color=BLUE, ms=4)
        adamw = top.plot(*_spread(cells, "adamw", "alive", "R", 0.14), "s", color=GREEN, mfc="none", ms=4)
        regular = bottom.plot(sizes, [cell["even_ring"] for cell in cells], "^--", color=ORANGE, lw=1, ms=5)
        bottom.plot(*_spread(cells, "descent", "n", "ratio", -0.14), "o", color=BLUE, ms=4)
        bottom.plot(*_spread(cells, "adamw", "n", "ratio", 0.14), "s", color=GREEN, mfc="none", ms=4)
        bottom.axhline(1, color=BLACK, lw=0.8)
        learned = any(n in cell["descent"]["alive"] for cell in cells)
        top.set(title=f"{names[activation]}: rigid at {n}" + ("" if learned else ", too few for this p"),
                xlabel="neurons left in the ring", ylim=(-0.03, 1.05))
        bottom.set(xlabel="neurons given", ylim=(0.9, 2.6))
    axes[0, 0].set_ylabel("moment / sum of weights;\nevenness")
    axes[1, 0].set_ylabel("loss / least loss\nof as many neurons, same norm")
    handles = [line for (line,) in (descent, adamw, by_chance, evenness, regular)]
    figure.legend(handles, ["gradient descent: largest moment that must vanish; loss",
                            "AdamW: the same, with its output phases as they are; loss",
                            "the same moment of random phases (median)", "evenness of the learned ring: 1 is regular",
                            "loss of the regular ring"], loc="outside lower center", ncols=2, frameon=False, fontsize=9)
    figure.suptitle("What must vanish vanishes at every size; the ring is regular where it has no choice (yellow).\n"
                    "Larger rings are uneven and lose nothing by it; six evenly spaced ReLU neurons would be far worse")
    return figure


def _spread(cells, optimizer, place, name, shift=0.0):
    """All values of a quantity against the number of neurons, given ("n") or left ("alive"): x and y."""
    x = [n for cell in cells for n in (cell[optimizer]["alive"] if place == "alive" else
                                       [cell["n"]] * len(cell[optimizer][name]))]
    return np.array(x) + shift, [value for cell in cells for value in cell[optimizer][name]]


def moments_beside_losses(steps, moments, losses):
    """|R_0| to |R_8| of one ReLU ring over training above its losses; moments (steps, 9), from n = 0."""
    figure = Figure(figsize=(8.5, 5.4), layout="constrained")
    top, bottom = figure.subplots(2, 1, sharex=True)
    top.plot(steps, moments[:, 0], "-", color=BLACK, lw=2, label="R_0: the answer")
    for n, colour, style, label in ((1, BLUE, "-", "c_1"), (3, SKY, "--", "c_1"), (2, GREEN, "-", "c_0"),
                                    (4, ORANGE, "-", "c_2"), (6, RED, "-.", "c_4 = -c_2 / 5")):
        top.plot(steps, moments[:, n], style, color=colour, label=f"R_{n}: called up by {label}")
    for n, style in ((5, "--"), (7, ":")):
        top.plot(steps, moments[:, n], style, color="0.55", label=f"R_{n}: called up by nothing")
    top.set(ylabel="|R_n| / sum of weights", ylim=(-0.02, 1.03))
    for (name, curve), colour, style in zip(losses.items(), (BLUE, RED), ("-", "--"), strict=True):
        bottom.plot(steps, curve, style, color=colour, label=f"{name} loss")
    bottom.set(xscale="log", ylim=(0, None), xlabel="step", ylabel="cross-entropy (nats)")
    for axis in (top, bottom):
        axis.legend(frameon=False, fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5))
    figure.suptitle("The moments that the activation calls up (colours) vanish as the losses fall,\n"
                    "and nearly all the weights add to the answer (black)")
    return figure
