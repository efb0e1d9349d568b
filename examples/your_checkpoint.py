# %%
"""Ask a checkpoint that somebody else trained what it has learned.

    python examples/your_checkpoint.py PATH [--out FOLDER]

PATH is a .npz, .safetensors or .pt file with the weight names of Nanda et al., Zhong et al., TransformerLens, the
explorable article, or He et al. (`grok_np.published`), or a run folder of this package. Printed: loss and accuracy on
all pairs, key frequencies by three definitions, how much of logits and neurons they explain, and what happens
when parts are taken out. The figures go to FOLDER, by default a folder named after the checkpoint under runs/.
"""

import argparse
from pathlib import Path

import numpy as np

from grok_np import figures, load_run
from grok_np.networks import deep
from grok_np.reading import progress, published


# %%
def activations(model, params):
    """Logits (p, p, n), neurons (p, p, h) or None, and effective weights or None, over all pairs; float64."""
    params = {name: W.astype(np.float64) for name, W in params.items()}
    pairs = model.index(np.stack(np.divmod(np.arange(model.p**2), model.p), axis=1), np.float64)
    effective = model.effective(params)
    logits, cache = model.mix_forward(effective, pairs)
    logits = logits.reshape(model.p, model.p, -1)
    if isinstance(model, deep.WholeNetwork):
        return logits, None, None
    return logits, cache[-1].reshape(model.p, model.p, -1), effective


# %%
def describe(model, params, train_mask=None):
    """Print what the weights compute; returns the key frequencies of the logits, logits, neurons, effective weights."""
    logits, neurons, effective = activations(model, params)
    k = progress.key_frequencies(logits)
    labels = np.add.outer(np.arange(model.p), np.arange(model.p)) % model.p
    accuracy = (logits.argmax(axis=2) == labels).mean()
    print(f"{model}\n\nall pairs: loss {progress.loss(logits):.3e} nats, accuracy {accuracy:.4f}")
    if train_mask is not None:
        print(f"train loss {progress.loss(logits, train_mask):.3e}, test loss {progress.loss(logits, ~train_mask):.3e}")
    print(f"key frequencies of the logits: {k}")
    if "W_E" in params:
        print(f"key frequencies of the embedding: {progress.key_frequencies(params['W_E'][:model.p])}")
    print(f"variance of the logits along cos(w_k (a + b - c)): {progress.fraction_explained(logits, k):.1%}")
    if neurons is not None and neurons.shape[2]:
        frequency, fraction = progress.neuron_frequencies(neurons)
        print(f"key frequencies of the neurons: {progress.neuron_key_frequencies(neurons)}")
        print(f"neurons of which one frequency explains over 85 %: {(fraction > 0.85).sum()} of {len(frequency)}")
    print("Gini coefficients: " + ", ".join(f"{name} {progress.fourier_gini(table):.2f}"
                                            for name, table in readable(model, params, effective).items()))
    return k, logits, neurons, effective


def readable(model, params, effective):
    """Weight tables with one row per number: the embedding, and what neurons add to each answer."""
    tables = {name: params[name][: model.p] for name in ("W_E",) if name in params}
    if effective is not None:
        tables["W_L"] = (effective.W_L if hasattr(effective, "W_L") else effective.C).T[: model.p]
    return tables


# %%
def draw(model, params, k, logits, neurons, effective, out):
    """Every figure that these weights allow; prints the ablations too."""
    pictures = {"logit_spectrum": figures.logit_spectrum(progress.component_norms(logits[..., : model.p]))}
    tables = readable(model, params, effective)
    if tables:
        pictures["spectra"] = figures.spectra(tables, k)
    if hasattr(effective, "score_b"):
        pictures["attention"] = figures.attention(effective, model.p)
    W_L = tables["W_L"].T if "W_L" in tables else None
    losses = progress.ablations(logits, k, neurons=neurons if W_L is not None and len(W_L) else None, W_L=W_L)
    print("\n" + "\n".join(f"{name:44s}{loss:12.3e}" for name, loss in losses.items()))
    pictures["ablations"] = figures.ablations(losses)
    if neurons is not None and neurons.shape[2] and k:
        frequency, fraction = progress.neuron_frequencies(neurons)
        strength = fraction * neurons.std(axis=(0, 1))
        owned = [one for one in k if (frequency == one).any()]
        chosen = [np.where(frequency == one, strength, -1).argmax() for one in owned]
        if chosen:
            shown = np.moveaxis(neurons[..., chosen], 2, 0)
            pictures["neurons"] = figures.neurons(shown, owned, [progress.component_norms(one) for one in shown])
    return [figures.save(figure, out / f"{name}.png") for name, figure in pictures.items()]


# %%
def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("path", type=Path)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    try:
        if arguments.path.is_dir():
            run = load_run(arguments.path)
            model, params, train_mask = run.model, run.params, None
        else:
            model, params, train_mask, *_ = published.load(arguments.path)
    except ValueError as error:  # RunError or PublishedError: the sentence says it all
        parser.error(str(error))
    k, *rest = describe(model, params, train_mask)
    pictures = draw(model, params, k, *rest, arguments.out or Path("runs") / arguments.path.stem / "figures")
    print("\nLook at:", *pictures, sep="\n  ")


if __name__ == "__main__":
    main()
