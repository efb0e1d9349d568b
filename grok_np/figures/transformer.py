"""Figures of one transformer: attention, neurons over (a, b), spectra."""

import numpy as np
from matplotlib.figure import Figure

from grok_np.figures.style import BLACK, DARK_ORANGE, GREEN, WIDTH, title
from grok_np.layers import softmax_forward
from grok_np.reading import fourier


def attention(effective, p):
    """Scores of each head over the tokens, and how much the last position attends to a, over all pairs.

    The pairs are drawn in the order of k a mod p and k b mod p, k the strongest frequency of the head's scores: a wave
    of frequency k is then one period wide.
    """
    table_a, score_b = effective.scores[:2]
    n_heads = score_b.shape[1]
    figure = Figure(figsize=(min(max(2.1 * n_heads, 5), WIDTH), 5), layout="constrained")
    axes = figure.subplots(2, n_heads, squeeze=False)
    score_a = table_a.reshape(p, -1, n_heads).mean(axis=1)  # "a b": mean over the query b
    pattern, held, spread = _weights_on_a(effective, p), [], []
    for head, (line, image) in enumerate(axes.T):
        power = fourier.power(score_a[:, [head]].astype(np.float64))[1:, 0]
        strongest = [int(i) + 1 for i in np.argsort(-power)[:3] if power[i] >= 0.15 * power.sum()]
        held.append(power[np.array(strongest, int) - 1].sum() / max(power.sum(), 1e-300))
        spread.append(float(np.ptp(pattern[head])))
        line.plot(score_a[:, head], color=GREEN, lw=2.2, alpha=0.6, label="of a")
        line.plot(score_b[:, head], color=BLACK, lw=0.8, ls="--", label="of b")
        line.set_title(f"head {head}: k = {', '.join(map(str, strongest))}", fontsize=9)
        k = strongest[0] if strongest else 1
        order = np.argsort(k * np.arange(p) % p)
        shown = image.imshow(pattern[head][np.ix_(order, order)].T, origin="lower", cmap="viridis", vmin=0, vmax=1)
        image.set(xlabel=f"{k} a mod {p}", ylabel=f"{k} b mod {p}")
    axes[0, 0].set_ylabel("score against token")
    figure.legend(handles=axes[0, 0].lines, frameon=False, fontsize=9, ncols=2, loc="outside lower center")
    figure.colorbar(shown, ax=axes[1], label="attention to a", shrink=0.8)
    if max(spread) < 0.01:
        text = "Attention is flat: it moves by less than 0.01 over all pairs, in every head"
    elif min(held) >= 0.7:
        text = f"Attention is periodic: the named frequencies hold {min(held):.0%} or more of each head's scores of a"
    else:
        text = f"Attention is not periodic: in one head, the named frequencies hold only {min(held):.0%} of the scores"
    title(figure, text)
    return figure


def _weights_on_a(effective, p):
    """Attention of the last position to a, (heads, p, p), as the second stage of `transformer.mix_forward` mixes it."""
    n_heads = effective.scores[1].shape[1]
    tables = (effective.scores[0].reshape(p, -1, n_heads), *effective.scores[1:])
    scores = [np.broadcast_to(table, (p, p, n_heads)) for table in tables]
    soft, _ = softmax_forward(np.stack(scores, axis=-1))
    rate = effective.attention_rate
    return np.moveaxis(rate * soft[..., 0] + (1 - rate), 2, 0)


def neurons(activations, frequencies, spectra):
    """One neuron per key frequency over all pairs, and its 2-D Fourier spectrum: a wave in a times a wave in b.

    activations (n, p, p), spectra (n, p//2 + 1, p//2 + 1) from `progress.component_norms`.
    """
    n = max(len(frequencies), 2)
    figure = Figure(figsize=(min(2.4 * n, WIDTH), 1.1 + 2 * min(2.4, WIDTH / n)), layout="constrained")
    axes = figure.subplots(2, len(frequencies), squeeze=False)
    held = []
    for (top, bottom), k, pre, spectrum in zip(axes.T, frequencies, activations, spectra, strict=True):
        top.imshow(pre.T, origin="lower", cmap="viridis")
        top.set(title=f"k = {k}", xlabel="a")
        blocks = spectrum.copy()
        blocks[0, 0] = 0  # the constant
        bottom.imshow(blocks.T, origin="lower", cmap="Greys")
        bottom.set(xlabel="frequency in a")
        held.append((blocks[[0, 0, k], [k, 0, 0]] ** 2).sum() + blocks[k, k] ** 2)
        held[-1] /= max((blocks**2).sum(), 1e-300)
    axes[0, 0].set_ylabel("b")
    axes[1, 0].set_ylabel("frequency in b")
    title(figure, f"Neurons over all pairs, and their spectra: one frequency holds {min(held):.0%} or more of each"
          if min(held) >= 0.5 else
          f"Neurons over all pairs, and their spectra: no single wave, as one frequency may hold only {min(held):.0%}")
    return figure


def spectra(tables, frequencies):
    """Fourier power of weight tables {name: (p, d)} by frequency; key frequencies are named."""
    figure = Figure(figsize=(8, 1.2 + 1.8 * len(tables)), layout="constrained")
    axes = figure.subplots(len(tables), 1, sharex=True, squeeze=False)[:, 0]
    held = []
    for axis, (name, table) in zip(axes, tables.items(), strict=True):
        power = fourier.power(np.asarray(table, np.float64)).sum(axis=1)[1:]
        share = power / max(power.sum(), 1e-300)
        k = np.arange(1, len(power) + 1)
        axis.bar(k, share, color=[DARK_ORANGE if one in frequencies else "0.6" for one in k])
        axis.set(ylabel="share of power", title=name)
        for one in frequencies:
            axis.annotate(str(one), (one, share[one - 1]), ha="center", va="bottom", fontsize=8)
        axis.margins(y=0.2)
        held.append(f"{share[np.array(frequencies, int) - 1].sum():.0%} of {name}")
    axes[-1].set_xlabel("frequency k (cycles per p)")
    title(figure, f"The {len(frequencies)} key frequencies of the logits (orange) hold {', '.join(held)}"
          if len(frequencies) else "The logits have no key frequency; the power is spread as drawn")
    return figure
