"""Every picture: what a reader should notice, in the title.

Functions take plain arrays and the records of `compare`, and return a matplotlib ``Figure`` that belongs to no window
(it renders without a display); `save` writes it. Colours are those of Okabe and Ito, which colour-blind readers can
tell apart; where order matters, lines also differ in style or carry labels. What is not here: any analysis.
"""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from grok_np import fourier
from grok_np.layers import ACTIVATIONS

BLACK, ORANGE, SKY, GREEN, YELLOW, BLUE, RED, PURPLE = (
    "#000000", "#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7")
CYCLE = (BLUE, ORANGE, GREEN, PURPLE, RED, SKY, BLACK)
DIVERGING = "PuOr_r"


def save(figure, path, dpi=150):
    """Write the figure as PNG (or whatever the suffix says), making the folder; returns the path."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=dpi)
    return path


def training_curves(history):
    """Accuracy and loss over steps: memorisation first, generalisation much later."""
    figure = Figure(figsize=(7, 5.2), layout="constrained")
    top, bottom = figure.subplots(2, 1, sharex=True)
    step = np.maximum(history["step"], 0.8)  # step 0 has no place on a logarithmic axis; draw it left of step 1
    for name, colour, style in (("train", BLUE, "-"), ("test", RED, "--")):
        top.plot(step, history[f"{name}_accuracy"], style, color=colour, label=name)
        bottom.plot(step, history[f"{name}_loss"], style, color=colour, label=name)
    top.set(ylabel="accuracy", ylim=(-0.03, 1.03))
    bottom.set(xscale="log", yscale="log", xlabel="step", ylabel="cross-entropy (nats)")
    top.legend(loc="center left", frameon=False)
    figure.suptitle(_when_learned(history))
    return figure


def _when_learned(history):
    """One sentence from the two accuracy curves."""
    first = {name: history["step"][history[f"{name}_accuracy"] == 1] for name in ("train", "test")}
    if not len(first["train"]):
        return "Still learning the training pairs"
    memorised = f"Training pairs all right from step {first['train'][0]:,}"
    return f"{memorised}, " + (f"held-out pairs from step {first['test'][0]:,}" if len(first["test"])
                               else f"held-out pairs {history['test_accuracy'][-1]:.0%} right so far")


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
            _closed(axis, regular, np.full_like(radius, radius.mean()), color="0.6", lw=1, marker="o", mfc="white")
            _closed(axis, learned, radius, color=colour, lw=1.4, marker="o")
            axis.set(xticks=[], yticks=[0], yticklabels=[], ylim=(0, 1.2 * radius.max()))
            axis.spines["polar"].set_color("0.85")
        column[0].set_title(f"frequency {ring.frequency}: {ring.n_neurons} neurons")
    for axis, name in zip(axes[:, 0], ("input ring", "output ring"), strict=True):
        axis.text(-0.16, 0.5, name, transform=axis.transAxes, rotation=90, va="center", ha="center")
    figure.suptitle("Joined as neighbours on the input ring, the outputs draw stars\n"
                    "colour: learned; grey: the regular ring, output phase = 2 x input phase")
    return figure


def _closed(axis, angles, radii, **style):
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


def replacements(steps, rows_by_step):
    """Test accuracy at every checkpoint: of the learned network, and of what `compare.scores` replaces it by."""
    figure = Figure(figsize=(7, 3.6), layout="constrained")
    axis = figure.subplots()
    tests = [{name: test.accuracy for name, _, test in rows} for rows in rows_by_step]
    styles = {"learned weights": (BLACK, "-"), "second harmonic and constant": (GREEN, "--"),
              "pure cosines": (BLUE, "-."), "square waves": (RED, ":")}
    for name, (colour, style) in styles.items():
        axis.plot(np.maximum(steps, 0.8), [test.get(name, 0) for test in tests], style, color=colour, label=name)
    axis.set(xscale="log", xlabel="step", ylabel="test accuracy", ylim=(-0.03, 1.03))
    axis.set_xlim(left=max(1, 0.8 * min((step for step in steps if step), default=1)))
    axis.legend(frameon=False, loc="upper left")
    figure.suptitle("The weights, and the waves read from them: which is right first?")
    return figure


def phases(history, boundaries):
    """Loss curves with memorisation, circuit formation and cleanup shaded (`progress.Phases`)."""
    figure = Figure(figsize=(8, 3.8), layout="constrained")
    axis = figure.subplots()
    starts = [0, *boundaries]
    for name, colour, start, end in zip(("memorisation", "circuit formation", "cleanup"), (SKY, YELLOW, GREEN), starts,
                                        starts[1:], strict=False):
        if start is not None and end is not None:
            axis.axvspan(start, end, color=colour, alpha=0.25, lw=0, label=f"{name} to step {end:,}")
    for name, colour, style in (("train", BLUE, "-"), ("test", RED, "--")):
        axis.plot(history["step"], history[f"{name}_loss"], style, color=colour, label=f"{name} loss")
    axis.set(yscale="log", xlabel="step", ylabel="cross-entropy (nats)")
    figure.legend(*axis.get_legend_handles_labels(), loc="outside lower center", ncols=3, frameon=False)
    figure.suptitle("Memorisation, circuit formation, cleanup")
    return figure


def progress_measures(steps, measures, frequencies):
    """Every progress measure over training on one page: `progress.measures` at each of the steps."""
    figure = Figure(figsize=(10, 6.6), layout="constrained")
    (losses, amplitudes), (sparsity, norms) = figure.subplots(2, 2, sharex=True)
    curve = {name: np.array([m[name] for m in measures]) for name in measures[0]}
    for name, colour, style in (("train_loss", BLUE, "-"), ("test_loss", RED, "--"), ("restricted_loss", GREEN, "-."),
                                ("excluded_loss", BLACK, ":"), ("trigonometric_loss", PURPLE, "-")):
        losses.plot(steps, np.maximum(curve[name], 1e-9), style, color=colour, label=name.replace("_", " "))
    losses.set(yscale="log", ylabel="nats", title="losses")
    for i, k in enumerate(frequencies):
        amplitudes.plot(steps, curve[f"amplitude_{k}"], color=CYCLE[i % len(CYCLE)], label=f"k = {k}")
    amplitudes.set(ylabel="amplitude", title="coefficient of cos(w_k (a + b - c)) in the logits")
    for name, colour, style in (("gini_W_E", BLUE, "-"), ("gini_W_L", RED, "--"), ("fraction_explained", GREEN, "-.")):
        if name in curve:
            sparsity.plot(steps, curve[name], style, color=colour, label=name.replace("_", " "))
    sparsity.set(xlabel="step", ylim=(0, 1.02), title="sparsity in the Fourier basis; variance explained")
    norms.plot(steps, curve["sum_of_squared_weights"], color=BLACK)
    norms.set(xlabel="step", ylim=(0, None), title="sum of squared weights")
    for axis in (losses, sparsity, *([amplitudes] if len(frequencies) else [])):
        axis.legend(frameon=False, fontsize=8)
    figure.suptitle("Under a flat test loss the circuit grows (restricted loss falls, excluded loss rises)")
    return figure


def attention(effective, p):
    """Scores of each head over the tokens, and how much the last position looks at a, over all pairs."""
    n_heads = effective.score_b.shape[1]
    figure = Figure(figsize=(2.5 * n_heads, 5), layout="constrained")
    axes = figure.subplots(2, n_heads, squeeze=False)
    score_a = effective.score_a.reshape(p, -1, n_heads).mean(axis=1)  # "a b": mean over the query b
    for head, (line, image) in enumerate(axes.T):
        line.plot(score_a[:, head], color=BLUE, lw=1, label="of a")
        line.plot(effective.score_b[:, head], color=RED, lw=1, ls="--", label="of b")
        line.set_title(f"head {head}")
        scores_a = effective.score_a[:, head].reshape(p, -1)
        scores = [np.broadcast_to(scores_a, (p, p)), np.broadcast_to(effective.score_b[:, head], (p, p))]
        if effective.score_last is not None:
            scores.append(np.full((p, p), effective.score_last[0, head]))
        weights = np.exp(np.stack(scores) - np.max(scores, axis=0))
        shown = image.imshow((weights[0] / weights.sum(axis=0)).T, origin="lower", cmap="viridis", vmin=0, vmax=1)
        image.set_xlabel("a")
    axes[0, 0].set_ylabel("score against token")
    axes[0, 0].legend(frameon=False, fontsize=8)
    axes[1, 0].set_ylabel("b")
    figure.colorbar(shown, ax=axes[1], label="softmax weight on a", shrink=0.8)
    figure.suptitle("Attention is a periodic function of the tokens")
    return figure


def neurons(activations, frequencies, spectra):
    """One neuron per key frequency over all pairs, and its 2-D Fourier spectrum: a wave in a times a wave in b.

    activations (n, p, p), spectra (n, p, p) from `progress.component_norms`.
    """
    figure = Figure(figsize=(2.4 * max(len(frequencies), 2), 5), layout="constrained")
    axes = figure.subplots(2, len(frequencies), squeeze=False)
    for (top, bottom), k, pre, spectrum in zip(axes.T, frequencies, activations, spectra, strict=True):
        top.imshow(pre.T, origin="lower", cmap="viridis")
        top.set(title=f"k = {k}", xlabel="a")
        bottom.imshow(_by_frequency(spectrum).T, origin="lower", cmap="Greys")
        bottom.set(xlabel="frequency in a")
    axes[0, 0].set_ylabel("b")
    axes[1, 0].set_ylabel("frequency in b")
    figure.suptitle("Neurons over all pairs, and their spectra: each knows one frequency")
    return figure


def _by_frequency(norms):
    """Norms of the blocks of equal frequency in a and in b: (p, p) components -> (p//2 + 1)², the constant set to 0."""
    starts = np.r_[0, np.arange(1, len(norms), 2)]
    blocks = np.sqrt(np.add.reduceat(np.add.reduceat(norms**2, starts, axis=0), starts, axis=1))
    blocks[0, 0] = 0
    return blocks


def spectra(tables, frequencies):
    """Fourier power of weight tables {name: (p, d)} by frequency; key frequencies are named."""
    figure = Figure(figsize=(8, 1.2 + 1.8 * len(tables)), layout="constrained")
    axes = figure.subplots(len(tables), 1, sharex=True, squeeze=False)[:, 0]
    for axis, (name, table) in zip(axes, tables.items(), strict=True):
        power = fourier.power(np.asarray(table, np.float64)).sum(axis=1)[1:]
        k = np.arange(1, len(power) + 1)
        axis.bar(k, power / power.sum(), color=[RED if one in frequencies else "0.6" for one in k])
        axis.set(ylabel="share of power", title=name)
        for one in frequencies:
            axis.annotate(str(one), (one, power[one - 1] / power.sum()), ha="center", va="bottom", fontsize=8)
        axis.margins(y=0.2)
    axes[-1].set_xlabel("frequency k (cycles per p)")
    figure.suptitle("A few frequencies hold the power (red: key frequencies of the logits)")
    return figure


def logit_spectrum(component_norms):
    """2-D Fourier spectrum of the logits over all pairs, constant left out."""
    figure = Figure(figsize=(5.4, 4.8), layout="constrained")
    axis = figure.subplots()
    shown = axis.imshow(_by_frequency(component_norms).T, origin="lower", cmap="Greys")
    figure.colorbar(shown, ax=axis, label="norm of the logits' component")
    axis.set(xlabel="frequency in a (cycles per p)", ylabel="frequency in b")
    figure.suptitle("The logits know products of equal frequency")
    return figure


def ablations(losses):
    """Loss after taking parts out: `progress.ablations`."""
    figure = Figure(figsize=(8, 0.8 + 0.32 * len(losses)), layout="constrained")
    axis = figure.subplots()
    place = np.arange(len(losses))[::-1]
    axis.barh(place, list(losses.values()), color=[BLACK if name == "nothing taken out" else BLUE for name in losses])
    axis.set(xscale="log", xlabel="cross-entropy (nats), all pairs", yticks=place, yticklabels=list(losses))
    figure.suptitle("What is left when a part is taken out")
    return figure


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


def accuracies(histories, title):
    """Accuracy of several runs over steps: training dashed, test solid, one colour per run."""
    figure = Figure(figsize=(7.5, 3.8), layout="constrained")
    axis = figure.subplots()
    for (name, history), colour in zip(histories.items(), CYCLE, strict=False):
        step = np.maximum(history["step"], 0.8)
        axis.plot(step, history["train_accuracy"], "--", color=colour, lw=1)
        axis.plot(step, history["test_accuracy"], "-", color=colour, label=name)
    axis.set(xscale="log", xlabel="step", ylabel="accuracy (dashed: training)", ylim=(-0.03, 1.03))
    axis.legend(frameon=False, loc="center left")
    figure.suptitle(title)
    return figure


def swings(histories):
    """Training loss and weight norm of several runs, one above the other."""
    figure = Figure(figsize=(8, 5), layout="constrained")
    top, bottom = figure.subplots(2, 1, sharex=True)
    for (name, history), colour, style in zip(histories.items(), (SKY, GREEN, RED), ("-", "--", "-"), strict=False):
        top.plot(history["step"], history["train_loss"], style, color=colour, lw=1.2, label=name)
        bottom.plot(history["step"], history["l2_norm"], style, color=colour, lw=1.2)
    top.set(yscale="log", ylabel="training loss (nats)")
    bottom.set(xlabel="step", ylabel="norm of all weights", ylim=(0, None))
    figure.legend(*top.get_legend_handles_labels(), loc="outside lower center", ncols=3, frameon=False)
    figure.suptitle("AdamW swings between low loss and low weights where beta1 is the root of beta2 (0.99, 0.98)")
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
            _closed(axis, phases[order], amplitudes[order], color=colour, lw=1.2, marker="o", ms=4)
            axis.set(xticks=[], yticks=[0], yticklabels=[], ylim=(0, 1.2 * amplitudes.max()))
            axis.spines["polar"].set_color("0.85")
        column[0].set_title(f"step {step:,}", fontsize=10)
    for axis, name in zip(axes[:, 0], ("input weights", "output weights"), strict=True):
        axis.text(-0.14, 0.5, name, transform=axis.transAxes, rotation=90, va="center", ha="center")
    figure.suptitle("Five neurons spread into a pentagon, and their outputs into a star (each panel to its own scale)")
    return figure
