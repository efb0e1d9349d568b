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

from grok_np import analytic, figures, load_run, reading
from grok_np.reading import clock_pizza, progress, published

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
        print(f"key frequencies of the embedding: {progress.table_key_frequencies(tables['W_E'])}")
    print(f"variance of the logits along cos(w_k (a + b - c)): {progress.fraction_explained(logits, k):.1%}")
    if neurons.shape[2]:
        frequency, fraction = progress.neuron_frequencies(neurons)
        print(f"key frequencies of the neurons: {progress.neuron_key_frequencies(neurons)}")
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
if __name__ == "__main__":
    W_L = {"neurons": neurons, "W_L": tables["W_L"].T} if "W_L" in tables else {}
    losses = progress.ablations(logits, k, **W_L)
    print(*(f"{name:44s}{loss:12.3e}" for name, loss in losses.items()), sep="\n")

# %% [markdown]
# ## Look


# %%
def draw(model, params, logits, neurons, k, tables, losses):
    """Every picture that these weights allow, each with what to see in it."""
    pictures = {
        "logit_spectrum": (figures.logit_spectrum(progress.component_norms(logits[..., : model.p])),
                           "dots on the diagonal: products of equal frequency in a and b"),
        "ablations": (figures.ablations(losses), "which parts matter: far to the right, nothing works without them"),
    }
    if tables:
        pictures["spectra"] = figures.spectra(tables, k), "whether a few frequencies stand out"
    if getattr(model, "attention_rate", 0) > 0 and hasattr(model.effective(params), "scores"):
        pictures["attention"] = figures.attention(model.effective(params), model.p), "how each head divides attention"
    if neurons.shape[2]:
        frequency, fraction = progress.neuron_frequencies(neurons)
        strength = fraction * neurons.std(axis=(0, 1))
        best = {one: np.where(frequency == one, strength, -1).argmax() for one in k if (frequency == one).any()}
        if best:
            shown = np.moveaxis(neurons[..., list(best.values())], 2, 0)
            pictures["neurons"] = (figures.neurons(shown, list(best), [*map(progress.component_norms, shown)]),
                                   "the strongest neuron of each frequency: stripes, and one dot in the spectrum")
    return pictures


if __name__ == "__main__":
    name = options.path.resolve().stem if options.path else "exact_pizza"
    show(options.out / name, draw(model, params, logits, neurons, k, tables, losses))
