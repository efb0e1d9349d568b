# %% [markdown]
"""Ask a checkpoint that somebody else trained what it has learned.

    python examples/your_checkpoint.py PATH [--out FOLDER]

PATH is a .npz, .safetensors or .pt file with the weight names of Nanda et al., Zhong et al., TransformerLens, the
explorable article, or He et al. (`grok_np.reading.published`), or a run folder of this package; without it, an exact
pizza that is written down here is asked. Printed: loss and accuracy on all pairs, key frequencies by three definitions,
how much of logits and neurons they explain, clock or pizza, and what happens when parts are taken out.
"""

# %%
import argparse
from pathlib import Path

import numpy as np
from _console import parse, show
from matplotlib.figure import Figure

from grok_np import analytic, figures, load_run, reading
from grok_np.figures.style import BLACK, DARK_ORANGE, GREEN, WIDTH, title
from grok_np.reading import clock_pizza, fourier, progress, published

# %% [markdown]
# ## Load


# %%
def load(path):
    """Model, parameters in float64, and which pairs it was trained on (p, p) or None."""
    if path is None:
        model, params = analytic.on_circles(analytic.pizza(59, (4, 9, 25)), (4, 9, 25))
        return model, params, None
    if path.is_dir():
        run = load_run(path)
        if getattr(run.task, "operation", None) != "add":
            raise SystemExit(f"error: {path} was trained on {run.task}; here only networks that add are read")
        mask = np.zeros((run.model.p, run.model.p), bool)
        mask[tuple(run.split.train_inputs.T)] = True
        mask |= mask.T & run.task.symmetric
        return run.model, run.params, mask
    return published.load(path)[:3]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("path", type=Path, nargs="?")
    options = parse(parser, "your_checkpoint")
    try:
        model, params, train_mask = load(options.path)
    except published.PublishedError as error:
        raise SystemExit(f"error: {error}") from None

# %% [markdown]
# ## What does it compute?


# %%
def readable(model, params):
    """Weight tables with one row per number: the embedding, and what each neuron adds to each answer."""
    tables = {"W_E": params["W_E"][: model.p]} if "W_E" in params else {}
    effective = model.effective(params)
    W_L = getattr(effective, "W_L", getattr(effective, "C", None))
    return tables if W_L is None or not len(W_L) else tables | {"W_L": W_L[:, : model.p].T}


def table_key_frequencies(table):
    """Frequencies that hold at least twice an even spread of the non-constant Fourier power of a table (p, d)."""
    power = fourier.power(table.astype(np.float64)).sum(axis=1)[1:]
    return (1 + np.flatnonzero((power >= 2 / len(power) * power.sum()) & (power > 0))).tolist()


def neuron_key_frequencies(neurons):
    """Frequencies that are the best of five neurons or more and explain over half of each of these."""
    frequency, fraction = progress.neuron_frequencies(neurons)
    k, count = np.unique(frequency[fraction > 0.5], return_counts=True)
    return k[count >= 5].tolist()


def describe(model, params, train_mask, logits, neurons, k, tables):
    """Print what the weights compute."""
    right = analytic.margins(logits[..., : model.p]) > 0
    print(f"{model}\n\nall pairs: loss {progress.loss(logits):.3e} nats, accuracy {right.mean():.4f}")
    if train_mask is not None and train_mask.all():
        print("trained on all pairs, so no pair was held out")
    elif train_mask is not None:
        print(f"train loss {progress.loss(logits, train_mask):.3e}, test loss {progress.loss(logits, ~train_mask):.3e}")
    print(f"key frequencies of the logits: {k}")
    if "W_E" in tables:
        print(f"key frequencies of the embedding: {table_key_frequencies(tables['W_E'])}")
    print(f"variance of the logits along cos(w_k (a + b - c)): {progress.fraction_explained(logits, k):.1%}")
    if neurons.shape[2]:
        frequency, fraction = progress.neuron_frequencies(neurons)
        print(f"key frequencies of the neurons: {neuron_key_frequencies(neurons)}")
        print(f"neurons of which one frequency explains over 85 %: {(fraction > 0.85).sum()} of {len(frequency)}")
    print("Gini coefficients: " + ", ".join(f"{name} {progress.fourier_gini(W):.2f}" for name, W in tables.items()))
    if hasattr(model, "embedding_gradients"):
        found = clock_pizza.classify(model, params)
        print(f"clock or pizza: {found.algorithm} (gradient symmetricity {found.gradient_symmetricity:.2f}, distance "
              f"irrelevance of the right logit {found.distance_irrelevance:.2f}, circularity {found.circularity:.2f})")


if __name__ == "__main__":
    params = {name: W.astype(np.float64) for name, W in params.items()}
    logits, neurons = reading.all_logits(model, params), reading.all_activations(model, params)
    k, tables = progress.key_frequencies(logits), readable(model, params)
    describe(model, params, train_mask, logits, neurons, k, tables)

# %% [markdown]
# ## What happens when parts are taken out?


# %%
def ablation_losses(logits, frequencies, mask=None, *, neurons=None, W_L=None):
    """Loss (nats) over the pairs in ``mask`` of the network with parts taken out (Nanda et al. 2023, section 4.4).

    A dict by name. With ``neurons`` (p, p, h) and ``W_L`` (h, p) also what can be taken out there; what reaches the
    logits (p, p, n) past W_L stays in every case, and so does the constant of W_L, which no softmax can see.
    """
    p = len(logits)
    logits, parts = logits[..., :p], {"key frequencies": frequencies} | {str(k): k for k in frequencies}
    losses = {"nothing taken out": progress.loss(logits, mask)}
    losses |= {f"only a+b at {name}": progress.restricted_loss(logits, k, mask) for name, k in parts.items()}
    losses |= {f"all but a+b at {name}": progress.excluded_loss(logits, k, mask) for name, k in parts.items()}
    if neurons is None or W_L is None:
        return losses
    waves = fourier.transform(W_L, axis=1)
    constant, key = (fourier.inverse_transform(waves * np.isin(fourier.frequencies(p), kept), axis=1)
                     for kept in ([0], [0, *frequencies]))
    frequency, fraction = progress.neuron_frequencies(neurons)
    good = fraction > 0.85
    correction = progress.neuron_fit(neurons[..., good], frequency[good]) - neurons[..., good]
    return losses | {"W_L: only key frequencies": progress.loss(logits + neurons @ (key - W_L), mask),
                     "W_L: all but key frequencies": progress.loss(logits + neurons @ (constant - key), mask),
                     "neurons over 85 % replaced by their fit": progress.loss(logits + correction @ W_L[good], mask)}


if __name__ == "__main__":
    W_L = {"neurons": neurons, "W_L": tables["W_L"].T} if "W_L" in tables else {}
    losses = ablation_losses(logits, k, **W_L)
    print(*(f"{name:44s}{loss:12.3e}" for name, loss in losses.items()), sep="\n")

# %% [markdown]
# ## Look


# %%
def logit_spectrum(component_norms) -> Figure:
    """2-D Fourier spectrum of the logits over all pairs, constant left out."""
    figure = Figure(figsize=(6, 4.9), layout="constrained")
    axis = figure.subplots()
    blocks = component_norms.copy()
    blocks[0, 0] = 0
    shown = axis.imshow(blocks.T, origin="lower", cmap="Greys")
    figure.colorbar(shown, ax=axis, label="norm of the logits' component")
    axis.set(xlabel="frequency in a (cycles per p)", ylabel="frequency in b")
    equal = (np.diagonal(blocks) ** 2).sum() / max((blocks**2).sum(), 1e-300)
    title(figure, f"Products of equal frequency in a and b hold {equal:.0%} of the logits"
          + ("" if equal >= 0.5 else ": no sum is computed"))
    return figure


def neuron_maps(activations, frequencies, spectra) -> Figure:
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


def spectra(tables, frequencies) -> Figure:
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


def ablations(losses) -> Figure:
    """Loss after taking parts out: `ablation_losses`."""
    figure = Figure(figsize=(8, 1.1 + 0.3 * len(losses)), layout="constrained")
    axis = figure.subplots()
    place = np.arange(len(losses))[::-1]
    whole = losses["nothing taken out"]
    axis.axvline(whole, color="0.7", lw=1)
    axis.plot(list(losses.values()), place, "o", color=GREEN)
    axis.plot(whole, place[list(losses).index("nothing taken out")], "o", color=BLACK)
    axis.set(xscale="log", xlabel="cross-entropy (nats), all pairs", yticks=place, yticklabels=list(losses))
    axis.grid(axis="y", color="0.9")
    kept, without = (losses.get(f"{how} a+b at key frequencies") for how in ("only", "all but"))
    text = f"Loss {whole:.1e} nats with nothing taken out"
    if kept is not None:
        text += f", {kept:.1e} with key frequencies only, {without:.1e} without them"
    title(figure, text)
    return figure


# %%
def draw(model, params, logits, neurons, k, tables, losses):
    """Every picture that these weights allow, each with what to see in it."""
    pictures = {
        "logit_spectrum": (logit_spectrum(progress.component_norms(logits[..., : model.p])),
                           "dots on the diagonal: products of equal frequency in a and b"),
        "ablations": (ablations(losses), "which parts matter: far to the right, nothing works without them"),
    }
    if tables:
        pictures["spectra"] = spectra(tables, k), "whether a few frequencies stand out"
    if getattr(model, "attention_rate", 0) > 0 and hasattr(model.effective(params), "scores"):
        pictures["attention"] = figures.attention(model.effective(params), model.p), "how each head divides attention"
    if neurons.shape[2]:
        frequency, fraction = progress.neuron_frequencies(neurons)
        strength = fraction * neurons.std(axis=(0, 1))
        best = {one: np.where(frequency == one, strength, -1).argmax() for one in k if (frequency == one).any()}
        if best:
            shown = np.moveaxis(neurons[..., list(best.values())], 2, 0)
            pictures["neurons"] = (neuron_maps(shown, list(best), [*map(progress.component_norms, shown)]),
                                   "the strongest neuron of each frequency: stripes, and one dot in the spectrum")
    return pictures


if __name__ == "__main__":
    name = options.path.resolve().stem if options.path else "exact_pizza"
    show(options.out / name, draw(model, params, logits, neurons, k, tables, losses))
