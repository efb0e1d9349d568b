# %% [markdown]
"""Train the mainline transformer of Nanda et al. 2023 on two CPU cores and see it memorise, form a circuit, clean up.

    python examples/transformer_grokking.py            # about 9 minutes on two cores

One layer of attention and one of neurons learn a + b mod 113 from 30 % of the pairs. Printed: key frequencies and what
they explain, beside the paper's figures; the ends of the three phases; the steps at which excluded loss, restricted
loss and test loss are half way, in this order. Left behind in runs/transformer_grokking: settings, history,
checkpoints, and figures.
"""

# %%
import argparse

import numpy as np
from _console import parse, show, verdict
from tqdm import tqdm

from grok_np import AdamW, ModularArithmetic, Transformer, figures, reading, train
from grok_np.reading import progress

P = 113

# %% [markdown]
# ## Train


# %%
def learn(seed, steps, out):
    """The paper's recipe."""
    task = ModularArithmetic(P, train_fraction=0.3, seed=seed)
    optimizer = AdamW(lr=1e-3, betas=(0.9, 0.98), weight_decay=1.0, warmup_steps=10)
    return train(Transformer(P), task, optimizer, steps, seed, out, exist_ok=True, checkpoint_every=250)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--quick", action="store_true", help="20 steps only: nothing is learned, everything runs")
    options = parse(parser, "transformer_grokking")
    run = learn(options.seed, 20 if options.quick else 15_000, options.out)

# %% [markdown]
# ## What has it learned at the end?


# %%
def describe(run):
    """Print key frequencies and what they explain; returns them."""
    logits, neurons = (read(run.model, run.params) for read in (reading.all_logits, reading.all_activations))
    k = progress.key_frequencies(logits)
    _, fraction = progress.neuron_frequencies(neurons)
    print(f"key frequencies {k}: they explain {progress.fraction_explained(logits, k):.1%} of the variance of the "
          f"logits; {(fraction > 0.85).sum()} of {len(fraction)} neurons are over 85 % one frequency")
    print("the paper: five frequencies, about 95 % of the variance, 433 of 512 neurons")
    return k


if __name__ == "__main__":
    k = describe(run)

# %% [markdown]
# ## When has it learned it?
# Every progress measure at every checkpoint: under a flat test loss, the circuit may grow for thousands of steps.


# %%
def measure(run, frequencies):
    """Every progress measure at every checkpoint; about 0.3 seconds each."""
    train_mask = np.zeros((P, P), bool)
    train_mask[tuple(run.split.train_inputs.T)] = True
    found = []
    for step in tqdm(run.checkpoint_steps(), unit="checkpoint"):
        params = run.checkpoint(step)
        found.append(progress.measures(reading.all_logits(run.model, params), frequencies, train_mask, params=params,
                                       W_E=params["W_E"][:P], W_L=run.model.effective(params).W_L[:, :P]))
    return found


def story(run, steps, measures):
    """Print the phases, and who is half way first; returns both."""
    ends = progress.phases(run.history["step"], run.history["test_loss"], P)
    print("\nphases end at step: memorisation {}, circuit formation {}, cleanup {}".format(*ends))
    print("the paper's mainline, by eye: about 1,400, 9,400 and 14,000")
    # Logarithms, as the losses span eight decades; half way in nats is passed before test accuracy has begun to rise.
    curves = {name: np.log([m[name] for m in measures]) for name in ("excluded_loss", "restricted_loss", "test_loss")}
    half = {name: progress.halfway(steps, curve, rising=name == "excluded_loss") for name, curve in curves.items()}
    if ends.circuit_formation_end is None:
        print("the held-out loss is not below that of a guess, so nothing is half way yet")
        return ends, None
    print("half way, on a logarithmic scale, at step:",
          ", ".join(f"{name.replace('_', ' ')} {step:,}" for name, step in half.items()))
    return ends, half


if __name__ == "__main__":
    steps = run.checkpoint_steps()
    measures = measure(run, k)
    ends, half = story(run, steps, measures)
    print(f"\n{verdict(run.history)}")

# %% [markdown]
# ## Look

# %%
if __name__ == "__main__":
    show(run.path / "figures", {
        "training": (figures.training_curves(run.history), "when the training pairs are known, when the others"),
        "phases": (figures.phases(run.history, ends), "memorisation, circuit formation and cleanup, if they end"),
        "progress": (figures.progress_measures(steps, measures, k, ends, half),
                     "which measures move while the held-out loss is still flat"),
        "attention": (figures.attention(run.model.effective(run.params), P), "what the heads look at, and how often"),
    })
    print(f"\nMore of the last network:\n  python examples/your_checkpoint.py {run.path}")
