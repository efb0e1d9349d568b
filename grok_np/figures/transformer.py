"""Figures of one transformer: attention, neurons over (a, b), spectra, ablations."""

import numpy as np
from matplotlib.figure import Figure

from grok_np.figures.style import BLACK, BLUE, RED
from grok_np.reading import fourier


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
