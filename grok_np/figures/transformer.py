"""What the heads of a transformer look at."""

import numpy as np
from matplotlib.figure import Figure

from grok_np.figures.style import BLACK, GREEN, WIDTH, title
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
