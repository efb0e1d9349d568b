"""Figures of one MLP and its rings: weights, waves, stars, moments, contributions to the logits."""

import numpy as np
from matplotlib.figure import Figure

from grok_np.figures.style import BLACK, BLUE, CYCLE, DIVERGING, ORANGE, RED, YELLOW
from grok_np.layers import ACTIVATIONS
from grok_np.reading import fourier


def weight_maps(effective, rings):
    """Input and output weights as they are, and in the Fourier basis: noise that turns out to be a few waves.

    Neurons (rows) are grouped by the frequency of their ring.
    """
    order = np.concatenate([ring.neurons for ring in rings] or [np.arange(effective.A.shape[1])]).astype(int)
    rest = np.setdiff1d(np.arange(effective.A.shape[1]), order)
    order = np.concatenate([order, rest])
    figure = Figure(figsize=(10, 5.4), layout="constrained")
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
    figure.suptitle("The same weights twice: each neuron is one wave" if rings else "The weights, raw and by frequency")
    return figure


def waves(effective, rings):
    """The neurons of each frequency k over the turned token k a mod p, so that every wave is one period long."""
    p = len(effective.A)
    figure = Figure(figsize=(9, 1.1 + 1.9 * len(rings)), layout="constrained")
    axes = figure.subplots(len(rings), 2, squeeze=False, sharex=True)
    for (left, right), ring in zip(axes, rings, strict=True):
        token = np.arange(p)
        order = np.argsort(ring.frequency * token % p)
        for i, neuron in enumerate(ring.neurons):
            colour = CYCLE[i % len(CYCLE)]
            left.plot(token / p, effective.A[order, neuron], color=colour, lw=1.3)
            right.plot(token / p, effective.C[neuron, order], color=colour, lw=1.3)
        left.set_ylabel(f"frequency {ring.frequency}\n{ring.n_neurons} neurons")
    axes[0, 0].set_title("in: what token a adds to the neuron")
    axes[0, 1].set_title("out: what the neuron adds to answer c")
    axes[-1, 0].set_xlabel("k a mod p, in turns")
    axes[-1, 1].set_xlabel("k c mod p, in turns")
    figure.suptitle("Neurons of one frequency k are one wave, shifted; the inputs are flatter on top than a cosine")
    return figure


def stars(rings):
    """Each frequency's neurons on the circle of their phases, neighbours on the input ring joined.

    Filled: learned (distance from the centre is the amplitude). Grey: the regular ring nearest in rotation, whose
    output turns exactly twice as fast.
    """
    figure = Figure(figsize=(2.6 * max(len(rings), 2.6), 5.8), layout="constrained")
    axes = figure.subplots(2, len(rings), squeeze=False, subplot_kw={"projection": "polar"})
    for column, ring in zip(axes.T, rings, strict=True):
        radii = (ring.input_amplitudes, ring.output_amplitudes)
        phases = ((ring.input_phases, ring.regular_phases), (ring.output_phases, 2 * ring.regular_phases))
        for axis, radius, (learned, regular), colour in zip(column, radii, phases, (BLUE, RED), strict=True):
            closed(axis, regular, np.full_like(radius, radius.mean()), color="0.6", lw=1, marker="o", mfc="white")
            closed(axis, learned, radius, color=colour, lw=1.4, marker="o")
            axis.set(xticks=[], yticks=[0], yticklabels=[], ylim=(0, 1.2 * radius.max()))
            axis.spines["polar"].set_color("0.85")
        column[0].set_title(f"frequency {ring.frequency}: {ring.n_neurons} neurons")
    for axis, name in zip(axes[:, 0], ("input ring", "output ring"), strict=True):
        axis.text(-0.16, 0.5, name, transform=axis.transAxes, rotation=90, va="center", ha="center")
    figure.suptitle("Joined as neighbours on the input ring, the outputs draw stars\n"
                    "colour: learned; grey: the regular ring, output phase = 2 x input phase")
    return figure


def closed(axis, angles, radii, **style):
    """Draw a polygon whose last point is joined to the first."""
    axis.plot(np.append(angles, angles[0]), np.append(radii, radii[0]), **style)


def moments(rings, required, rigid_size):
    """|M_n| / sum w of each ring for n = 1..12: what the activation requires is zero, and only then is freedom."""
    figure = Figure(figsize=(8, 4.2), layout="constrained")
    axis = figure.subplots()
    for n in required:
        axis.axvspan(n - 0.5, n + 0.5, color=YELLOW, alpha=0.35, lw=0)
    for i, ring in enumerate(rings):
        rigid = ring.n_neurons == rigid_size
        orders = np.arange(1, len(ring.moments) + 1) + 0.1 * (i - (len(rings) - 1) / 2)
        axis.plot(orders, ring.moments, "o-" if rigid else "s--", color=CYCLE[i % len(CYCLE)], ms=5, lw=0.9,
                  label=f"frequency {ring.frequency}: {ring.n_neurons} neurons")
    axis.set(xlabel="order n of the moment", ylabel="|M_n| / sum of weights", ylim=(-0.03, 1.05),
             xticks=np.arange(1, 13))
    axis.legend(frameon=False, fontsize=8, ncols=2, loc="upper left", bbox_to_anchor=(0, -0.16))
    rest = (f"Rings of {rigid_size} have no choice left and are regular (1 at n = {rigid_size}); larger ones are free"
            if any(ring.n_neurons == rigid_size for ring in rings) else
            f"With more than {rigid_size} neurons a ring is free in all others")
    figure.suptitle(f"The moments that the activation needs to be zero (shaded) are zero in every ring.\n{rest}")
    return figure


def moments_of_many(rings, required, rigid_size):
    """|M_n| / sum w of the rings of many networks: those of the rigid size beside the larger ones."""
    figure = Figure(figsize=(8, 4.2), layout="constrained")
    axis = figure.subplots()
    for n in required:
        axis.axvspan(n - 0.5, n + 0.5, color=YELLOW, alpha=0.35, lw=0)
    groups = (("o", BLUE, -0.15, f"{rigid_size} neurons", lambda n: n == rigid_size),
              ("s", ORANGE, 0.15, f"more than {rigid_size} neurons", lambda n: n > rigid_size))
    spread = np.random.default_rng(0).uniform(-0.1, 0.1, len(rings))
    for marker, colour, offset, label, belongs in groups:
        members = [(ring.moments, x) for ring, x in zip(rings, spread, strict=True) if belongs(ring.n_neurons)]
        for i, (values, x) in enumerate(members):
            axis.plot(np.arange(1, len(values) + 1) + offset + x, values, marker, color=colour, ms=4, alpha=0.8,
                      label=f"{label}: {len(members)} rings" if i == 0 else None)
    axis.set(xlabel="order n of the moment", ylabel="|M_n| / sum of weights", ylim=(-0.03, 1.05),
             xticks=np.arange(1, 13))
    axis.legend(frameon=False, loc="upper left")
    figure.suptitle("Moments that the activation needs to be zero (shaded) are zero in every ring;\n"
                    f"beyond, rings of {rigid_size} are regular (1 at n = {rigid_size}, 0 beside), larger ones free")
    return figure


def contributions(effective, rings, a, b):
    """What each frequency adds to the logits of one pair, and their sum, over the answers c."""
    p = effective.C.shape[1]
    activate, _ = ACTIVATIONS[effective.activation]
    post, _ = activate(effective.A[a] + effective.B[b] + effective.bias)
    figure = Figure(figsize=(8, 1.5 + 1.15 * (len(rings) + 1)), layout="constrained")
    axes = figure.subplots(len(rings) + 1, 1, sharex=True)
    parts = [(f"frequency {ring.frequency}", post[ring.neurons] @ effective.C[ring.neurons]) for ring in rings]
    parts.append(("all neurons", post @ effective.C))
    answer = (a + b) % p
    for i, (axis, (name, logits)) in enumerate(zip(axes, parts, strict=True)):
        axis.axvline(answer, color="0.7", lw=4, alpha=0.6)
        axis.plot(logits - logits.mean(), color=BLACK if i == len(rings) else CYCLE[i % len(CYCLE)])
        axis.set_ylabel(name, rotation=0, ha="right", va="center")
    axes[-1].set_xlabel("answer c")
    figure.suptitle(f"Each frequency votes with a wave; only at c = {answer} do all agree ({a} + {b} mod {p})")
    return figure


def scores(rows):
    """Loss and accuracy of the learned network and of what it is replaced by; rows of (name, train, test) scores."""
    figure = Figure(figsize=(9, 1.2 + 0.6 * len(rows)), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    place = np.arange(len(rows))[::-1]
    for offset, index, colour, label in ((0.18, 1, BLUE, "train"), (-0.18, 2, RED, "test")):
        left.barh(place + offset, [row[index].loss for row in rows], 0.34, color=colour, label=label)
        right.barh(place + offset, [row[index].accuracy for row in rows], 0.34, color=colour, label=label)
    left.set(xscale="log", xlabel="cross-entropy (nats)", yticks=place, yticklabels=[row[0] for row in rows])
    right.set(xlabel="accuracy", xlim=(0, 1))
    figure.legend(*left.get_legend_handles_labels(), loc="outside lower center", ncols=2, frameon=False)
    figure.suptitle("What remains when the learned weights are replaced by what they were read as")
    return figure
