"""Figures of the moment law over ring sizes, and of one ring while it learns."""

import numpy as np
from matplotlib.figure import Figure

from grok_np.figures.rings import closed
from grok_np.figures.style import BLACK, BLUE, CYCLE, DARK_ORANGE, GREEN, RED, WIDTH, YELLOW, title

ORDERS = (1, 2, 3, 4)  # of the moments that ReLU needs to vanish


def paths_to_the_star(steps, inputs, outputs):
    """How the neurons of a circular network move: inputs (steps, 2, N) and outputs (steps, 2, N) in the plane."""
    figure = Figure(figsize=(8, 4.4), layout="constrained")
    axes = figure.subplots(1, 2)
    angles = np.arctan2(inputs[-1, 1], inputs[-1, 0])
    order = np.argsort(angles)
    for axis, name, paths in zip(axes, ("input", "output"), (inputs, outputs), strict=True):
        for i in range(paths.shape[2]):
            axis.plot(*paths[:, :, i].T, color="0.75", lw=1)
            axis.plot(*paths[0, :, i], "o", color="0.55", ms=3)
        around = np.append(order, order[0])
        axis.plot(*paths[-1][:, around], "o-", color=GREEN)
        limit = 1.1 * np.abs(paths).max()
        axis.set(aspect="equal", xlim=(-limit, limit), ylim=(-limit, limit), title=f"{name} weights",
                 xlabel="on the cosine of the embedding", ylabel="on its sine")
    spacings = np.degrees(np.diff(np.append(angles[order], angles[order[0]] + 2 * np.pi)))
    title(figure, f"From random weights (dots, paths in grey) to step {steps[-1]:,} (green): neighbours on the input "
                  f"ring are {spacings.min():.0f} to {spacings.max():.0f}° apart (regular: {360 / len(order):.0f}°)")
    return figure


def stars_in_training(rings):
    """The input ring and the output star at several steps, the neurons in the order of the last input ring.

    rings: pairs (step, `rings.Ring`), in order of time.
    """
    step, last = rings[-1]
    figure = Figure(figsize=(min(max(2.1 * len(rings) + 0.4, 5.5), WIDTH), 4.4), layout="constrained")
    axes = figure.subplots(2, len(rings), squeeze=False, subplot_kw={"projection": "polar"})
    for column, (step, ring) in zip(axes.T, rings, strict=True):
        order = [list(ring.neurons).index(neuron) for neuron in last.neurons if neuron in ring.neurons]
        pairs = ((ring.input_phases, ring.input_amplitudes), (ring.output_phases, ring.output_amplitudes))
        for axis, (phases, amplitudes) in zip(column, pairs, strict=True):
            closed(axis, phases[order], amplitudes[order], color=GREEN, lw=1.2, marker="o", ms=4)
            axis.set(xticks=[], yticks=[0], yticklabels=[], ylim=(0, 1.2 * amplitudes.max()))
            axis.spines["polar"].set_color("0.85")
        column[0].set_title(f"step {step:,}", fontsize=9)
    for axis, name in zip(axes[:, 0], ("input weights", "output weights"), strict=True):
        axis.text(-0.14, 0.5, name, transform=axis.transAxes, rotation=90, va="center", ha="center")
    off = float(np.abs(last.phase_errors).max())
    title(figure, f"Input ring and output, each panel to its own scale. At step {step:,} every output phase is "
                  f"within {off:.0f}° of twice the input phase: a star" if off <= 10 else
                  f"No star at step {step:,}: an output phase is {off:.0f}° away from twice the input phase")
    return figure


def free_rings(points, chance, rigid):
    """The moment law over sizes of ReLU rings, gradient descent: what must vanish and what is free; what that costs.

    points {activation: cells}, of which "relu" is drawn; a cell has "n", "even_ring" (its loss over the least) and, in
    "descent", a list of one value per network for each of "alive" (neurons left), "M", "evenness" and "ratio" (loss
    over the least). chance {activation: one value per cell}; rigid {activation: N}.
    """
    figure = Figure(figsize=(WIDTH, 4), layout="constrained")
    (left, right), cells, n = figure.subplots(1, 2), points["relu"], rigid["relu"]
    sizes = [cell["n"] for cell in cells]
    for axis in (left, right):
        axis.axvspan(n - 0.45, n + 0.45, color=YELLOW, alpha=0.4, lw=0)
        axis.set(xticks=sizes[::2], xlim=(sizes[0] - 0.8, sizes[-1] + 0.8), xlabel="neurons in the ring")
    left.plot(sizes, chance["relu"], "--", color="0.5", lw=1, label="largest of $|M_1|$ to $|M_4|$, random phases")
    left.plot(*_spread(cells, "descent", "alive", "evenness"), "^", color=DARK_ORANGE, mfc="none", ms=5,
              label="evenness of the learned ring")
    left.plot(*_spread(cells, "descent", "alive", "M"), "o", color=BLACK, ms=4,
              label="largest of $|M_1|$ to $|M_4|$, learned")
    left.set(ylim=(-0.03, 1.4), yticks=np.linspace(0, 1, 6), ylabel="of the sum of weights; evenness",
             title="what must vanish, and what is free")
    right.plot(sizes, [cell["even_ring"] for cell in cells], "^--", color=DARK_ORANGE, lw=1, ms=5,
               label="the regular ring")
    right.plot(*_spread(cells, "descent", "n", "ratio"), "o", color=BLACK, ms=4, label="learned")
    right.axhline(1, color=BLACK, lw=0.8)
    right.set(ylim=(0.9, 2.6), ylabel="loss / least of as many neurons, same norm", title="what the freedom costs")
    for axis in (left, right):
        axis.legend(frameon=False, fontsize=9)
    worst = max((m for cell in cells for m in cell["descent"]["M"]), default=np.nan)
    title(figure, "No network gets all pairs right, so nothing is known of their moments" if np.isnan(worst) else
          f"The moments that must vanish for ReLU are at most {worst:.2f} in learned rings of every size; a ring of "
          f"{n} (yellow) has no choice but to be regular")
    return figure


def _spread(cells, optimizer, place, name, shift=0.0):
    """All values of a quantity against the number of neurons, given ("n") or left ("alive"): x and y."""
    x = [n for cell in cells for n in (cell[optimizer]["alive"] if place == "alive" else
                                       [cell["n"]] * len(cell[optimizer][name]))]
    return np.array(x) + shift, [value for cell in cells for value in cell[optimizer][name]]


def moments_beside_losses(steps, moments, losses):
    """|R_0| to |R_8| of one ReLU ring over training above its losses; moments (steps, 9), from n = 0."""
    figure = Figure(figsize=(WIDTH, 5.2), layout="constrained")
    top, bottom = figure.subplots(2, 1, sharex=True)
    top.plot(steps, moments[:, 0], "-", color=BLACK, lw=2, label="$R_0$: the answer")
    for n, colour, style, label in ((1, GREEN, "-", "c_1"), (3, GREEN, "--", "c_1"), (2, CYCLE[1], "-", "c_0"),
                                    (4, DARK_ORANGE, "-", "c_2"), (6, CYCLE[4], "-.", "c_4 = -c_2 / 5")):
        top.plot(steps, moments[:, n], style, color=colour, label=f"$R_{n}$: called up by ${label}$")
    for n, style in ((5, "--"), (7, ":")):
        top.plot(steps, moments[:, n], style, color="0.55", label=f"$R_{n}$: called up by nothing")
    top.set(ylabel="$|R_n|$ / sum of weights", ylim=(-0.02, 1.03))
    for (name, curve), colour, style in zip(losses.items(), (BLUE, RED), ("-", "--"), strict=True):
        bottom.plot(steps, curve, style, color=colour, label=f"{name} loss")
    bottom.set(xscale="log", ylim=(0, None), xlabel="step", ylabel="cross-entropy (nats)")
    for axis in (top, bottom):
        axis.legend(frameon=False, fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5))
    worst = max(moments[-1, n] for n in ORDERS)
    title(figure, f"At step {steps[-1]:,} the moments that ReLU calls up with weight, $R_1$ to $R_4$, are "
          + (f"at most {worst:.2f}" if worst < 0.1 else f"not yet zero, up to {worst:.2f}")
          + f" of the sum of the weights; the answer has {moments[-1, 0]:.2f} of it")
    return figure
