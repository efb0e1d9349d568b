"""Figures of one MLP and its rings: weights, waves, stars, moments, scores."""

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from grok_np.figures.style import BLACK, BLUE, CYCLE, DARK_ORANGE, DIVERGING, GREEN, RED, WIDTH, YELLOW, title
from grok_np.reading import fourier

ZERO = 0.1  # a moment below a tenth of the sum of the weights is called zero in a title, and 10 degrees a star


def weight_maps(effective, rings):
    """Input and output weights as they are, and in the Fourier basis: noise that turns out to be a few waves.

    Neurons (rows) are grouped by the frequency of their ring.
    """
    n = effective.A.shape[1]
    order = np.concatenate([ring.neurons for ring in rings] or [np.arange(n)]).astype(int)
    order = np.concatenate([order, np.setdiff1d(np.arange(n), order)])
    figure = Figure(figsize=(WIDTH, 5.2), layout="constrained")
    axes = figure.subplots(2, 2)
    for row, weights, name in zip(axes, (effective.A.T[order], effective.C[order]), ("input A", "output C"),
                                  strict=True):
        spectrum = np.sqrt(fourier.power(weights, axis=1))
        limit = np.abs(weights).max()
        image = row[0].imshow(weights, cmap=DIVERGING, vmin=-limit, vmax=limit, aspect="auto")
        figure.colorbar(image, ax=row[0], label="weight")
        axis_name = "token" if name == "input A" else "answer"
        row[0].set(title=f"{name}: {axis_name} by {axis_name}", xlabel=axis_name, ylabel="neuron")
        image = row[1].imshow(spectrum, cmap="Greys", aspect="auto")
        figure.colorbar(image, ax=row[1], label="amplitude")
        row[1].set(title=f"{name}: by frequency", xlabel="frequency (cycles per p)", ylabel="neuron")
    members = sum(ring.n_neurons for ring in rings)
    title(figure, f"The same weights twice: {members} of {n} neurons are waves of {len(rings)} frequencies" if rings
          else "The same weights twice: no three neurons share a frequency")
    return figure


def waves(effective, rings):
    """The neurons of each frequency k over the turned token k a mod p, so that every wave is one period long.

    Dark to bright: the order on the ring. Dashed: the cosine of the neuron that is drawn thick.
    """
    p = len(effective.A)
    figure = Figure(figsize=(WIDTH, 1.2 + 1.7 * len(rings)), layout="constrained")
    axes = figure.subplots(len(rings), 2, squeeze=False, sharex=True)
    for (left, right), ring in zip(axes, rings, strict=True):
        turned = np.arange(p)
        order = np.argsort(ring.frequency * turned % p)
        angle = 2 * np.pi * turned / p
        for i, neuron in enumerate(ring.neurons):
            colour = matplotlib.colormaps["inferno"](0.1 + 0.55 * i / ring.n_neurons)
            width = 2.2 if i == 0 else 1
            left.plot(turned / p, effective.A[order, neuron], color=colour, lw=width)
            right.plot(turned / p, effective.C[neuron, order], color=colour, lw=width)
        for axis, amplitudes, phases in ((left, ring.input_amplitudes, ring.input_phases),
                                         (right, ring.output_amplitudes, ring.output_phases)):
            axis.plot(turned / p, amplitudes[0] * np.cos(angle - phases[0]), "--", color="0.5", lw=1)
        left.set_ylabel(f"frequency {ring.frequency}\n{ring.n_neurons} neurons")
    axes[0, 0].set_title("in: what token a adds to the neuron")
    axes[0, 1].set_title("out: what the neuron adds to answer c")
    axes[-1, 0].set_xlabel("k a mod p, in turns")
    axes[-1, 1].set_xlabel("k c mod p, in turns")
    least = min(min(ring.input_shares.min(), ring.output_shares.min()) for ring in rings)
    title(figure, f"One wave of frequency k holds {least:.0%} or more of each neuron, in and out (dashed: a cosine)"
          if least >= 0.8 else
          f"Not yet waves: of some neuron one frequency holds only {least:.0%} (dashed: a cosine)")
    return figure


def stars(rings):
    """Each frequency's neurons on the circle of their phases, neighbours on the input ring joined; small rings first.

    Filled: learned (distance from the centre is the amplitude). Grey: the regular ring nearest in rotation, whose
    output turns exactly twice as fast: opposite neurons of an even ring have the same output phase.
    """
    colours = {ring.frequency: CYCLE[i % len(CYCLE)] for i, ring in enumerate(rings)}
    rings = sorted(rings, key=lambda ring: (ring.n_neurons, ring.frequency))
    columns = max(len(rings), 2)
    size = min(2.6, WIDTH / columns)
    figure = Figure(figsize=(max(size * columns, 6.2), 2 * size + 1.2), layout="constrained")
    axes = figure.subplots(2, len(rings), squeeze=False, subplot_kw={"projection": "polar"})
    off = []
    for column, ring in zip(axes.T, rings, strict=True):
        radii = (ring.input_amplitudes, ring.output_amplitudes)
        phases = ((ring.input_phases, ring.regular_phases), (ring.output_phases, 2 * ring.regular_phases))
        for axis, radius, (learned, regular) in zip(column, radii, phases, strict=True):
            closed(axis, regular, np.full_like(radius, radius.mean()), color="0.6", lw=1, marker="o", mfc="white")
            closed(axis, learned, radius, color=colours[ring.frequency], lw=1.4, marker="o")
            axis.set(xticks=[], yticks=[0], yticklabels=[], ylim=(0, 1.2 * radius.max()))
            axis.spines["polar"].set_color("0.85")
        off.append(float(np.median(np.abs(ring.phase_errors))))
        column[0].set_title(f"frequency {ring.frequency}:\n{ring.n_neurons} neurons", fontsize=10)
        column[1].set_title(f"{off[-1]:.1f}° off", fontsize=9)
    for axis, name in zip(axes[:, 0], ("input ring", "output star"), strict=True):
        axis.text(-0.16, 0.5, name, transform=axis.transAxes, rotation=90, va="center", ha="center")
    good = sum(one <= 100 * ZERO for one in off)
    text = (f"In {good} of {len(off)} rings the output turns twice as fast as the input, "
            f"within {100 * ZERO:.0f}°: joined as neighbours, outputs draw a star") if good else (
        f"No star yet: output phases are {min(off):.0f}° or more away from twice the input phase")
    even = any(ring.n_neurons % 2 == 0 for ring in rings)
    pairs = "; in an even ring two neurons share each output dot" if even else ""
    title(figure, text, f"Colour: learned. Grey: the regular ring{pairs}.",
          "Degrees: median of |output phase - 2 x input phase|")
    return figure


def closed(axis, angles, radii, **style):
    """Draw a polygon whose last point is joined to the first."""
    axis.plot(np.append(angles, angles[0]), np.append(radii, radii[0]), **style)


def _worst(rings, required):
    """The largest moment that should be zero."""
    return max(float(ring.moments[n - 1]) for ring in rings for n in required)


def on_moments(rings, required):
    """The sentence on what should be zero."""
    worst = _worst(rings, required)
    bad = sum(_worst([ring], required) >= ZERO for ring in rings)
    return (f"The moments that the activation needs to be zero (shaded) are at most {worst:.2f} in every ring"
            if not bad else f"Moments that the activation needs to be zero (shaded) are not, in {bad} of {len(rings)} "
                            f"rings: up to {worst:.2f}")


def moments(rings, required, rigid_size, n_max=8):
    """|M_n| / sum w of each ring for n = 1 .. n_max: what the activation requires to be zero, and what is free."""
    figure = Figure(figsize=(8, 4.4), layout="constrained")
    axis = figure.subplots()
    shade(axis, required, n_max)
    for i, ring in enumerate(rings):
        rigid = ring.n_neurons == rigid_size
        orders = np.arange(1, n_max + 1) + 0.1 * (i - (len(rings) - 1) / 2)
        axis.plot(orders, ring.moments[:n_max], "o-" if rigid else "s--", color=CYCLE[i % len(CYCLE)], ms=5, lw=0.9,
                  label=f"frequency {ring.frequency}: {ring.n_neurons} neurons")
    figure.legend(*axis.get_legend_handles_labels(), frameon=False, fontsize=9, ncols=3, loc="outside lower center")
    rigid = [ring for ring in rings if ring.n_neurons == rigid_size]
    title(figure, on_moments(rings, required),
          *([f"Rings of {rigid_size} have no choice left: {min(ring.moments[rigid_size - 1] for ring in rigid):.2f} or "
             f"more at n = {rigid_size}, where the regular ring has 1"] if rigid else []))
    return figure


def shade(axis, required, n_max):
    """The axes of moments, with those shaded that must vanish."""
    for n in required:
        axis.axvspan(n - 0.5, n + 0.5, color=YELLOW, alpha=0.35, lw=0)
    axis.set(xlabel="order n of the moment", ylabel=r"$|M_n|$ / sum of weights", ylim=(-0.03, 1.05),
             xlim=(0.4, n_max + 0.6), xticks=np.arange(1, n_max + 1))


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
    worst = max(moments[-1, n] for n in (1, 2, 3, 4))
    title(figure, f"At step {steps[-1]:,} the moments that ReLU calls up with weight, $R_1$ to $R_4$, are "
          + (f"at most {worst:.2f}" if worst < 0.1 else f"not yet zero, up to {worst:.2f}")
          + f" of the sum of the weights; the answer has {moments[-1, 0]:.2f} of it")
    return figure


def scores(rows):
    """Loss and accuracy of the learned network and of what it is replaced by; rows of (name, train, test) scores."""
    figure = Figure(figsize=(WIDTH, 1.7 + 0.42 * len(rows)), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    place = np.arange(len(rows))[::-1]
    for index, colour, marker, label in ((1, BLUE, "o", "training pairs"), (2, RED, "s", "held-out pairs")):
        left.plot([row[index].loss for row in rows], place, marker, color=colour, label=label, mfc="none", mew=1.6)
        right.plot([row[index].accuracy for row in rows], place, marker, color=colour, mfc="none", mew=1.6)
    left.set(xscale="log", xlabel="cross-entropy (nats)", yticks=place, yticklabels=[row[0] for row in rows],
             ylim=(-0.6, len(rows) - 0.4))
    right.set(xlabel="accuracy", xlim=(-0.03, 1.03))
    for axis in (left, right):
        axis.grid(axis="y", color="0.9")
    figure.legend(*left.get_legend_handles_labels(), loc="outside lower center", ncols=2, frameon=False)
    learned, *others = [row[2].accuracy for row in rows]
    title(figure, f"Held-out pairs right: {learned:.1%} with the learned weights, "
          + (f"{min(others):.1%} to {max(others):.1%} with what was read from them" if others else
             "in which there is no ring to replace them by"))
    return figure
