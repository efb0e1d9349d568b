# %%
"""Train the mainline transformer of Nanda et al. 2023 on two CPU cores and see it memorise, form a circuit, clean up.

    python examples/transformer_grokking.py            # about 8 minutes on two cores

One layer of attention and one of neurons learn a + b mod 113 from 30 % of the pairs. Printed: the ends of the three
phases; the steps at which excluded loss, restricted loss and test loss are half way, in this order; key frequencies and
what they explain, beside the paper's figures. Left behind in runs/transformer_grokking: settings, history, checkpoints,
and figures.
"""

import argparse
from pathlib import Path

import numpy as np
from your_checkpoint import activations, describe, draw

from grok_np import AdamW, ModularArithmetic, Transformer, figures, resume, train
from grok_np.reading import progress

P = 113


# %%
def learn(seed, steps, out, **options):
    """The paper's recipe; a folder from an earlier call is continued to its end or just loaded."""
    if (out / "config.json").exists():
        return resume(out, **options)
    task = ModularArithmetic(P, train_fraction=0.3, seed=seed)
    optimizer = AdamW(lr=1e-3, betas=(0.9, 0.98), weight_decay=1.0, warmup_steps=10)
    return train(Transformer(P), task, optimizer, steps, seed, out, checkpoint_every=250, **options)


def train_mask(run):
    """(p, p) bool, True for the training pairs."""
    mask = np.zeros((run.model.p, run.model.p), bool)
    mask[tuple(run.task.split().train_inputs.T)] = True
    return mask


# %%
def measure(run, frequencies):
    """Every progress measure at every checkpoint; about 0.3 seconds each."""
    found = []
    for step in run.checkpoint_steps():
        params = run.checkpoint(step)
        logits, _, effective = activations(run.model, params)
        found.append(progress.measures(logits, frequencies, train_mask(run), W_E=params["W_E"][:P],
                                       W_L=effective.W_L[:, :P], params=params))
    return found


def print_story(run, steps, measures):
    """The phases, and who is half way first."""
    ends = progress.phases(run.history["step"], run.history["test_loss"], P)
    print("\nphases end at step: memorisation {}, circuit formation {}, cleanup {}".format(*ends))
    print("the paper's mainline, by eye: about 1,400, 9,400 and 14,000")
    # Logarithms, as the losses span eight decades; half way in nats is passed before test accuracy has begun to rise.
    curves = {name: np.log([m[name] for m in measures]) for name in ("excluded_loss", "restricted_loss", "test_loss")}
    halves = {name: progress.halfway(steps, curve, rising=name == "excluded_loss") for name, curve in curves.items()}
    print("half way, on a logarithmic scale, at step:",
          ", ".join(f"{name.replace('_', ' ')} {step:,}" for name, step in halves.items()))
    return ends


# %%
def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("runs/transformer_grokking"))
    parser.add_argument("--quick", action="store_true", help="20 steps only: nothing is learned, everything runs")
    arguments = parser.parse_args()
    run = learn(arguments.seed, 20 if arguments.quick else 15_000, arguments.out)
    k, logits, neurons, effective = describe(run.model, run.params, train_mask(run))
    print("the paper: five frequencies, about 95 % of the variance, 433 of 512 neurons")
    steps = run.checkpoint_steps()
    measures = measure(run, k)
    ends = print_story(run, steps, measures)
    out = run.path / "figures"
    pictures = draw(run.model, run.params, k, logits, neurons, effective, out)
    pictures += [figures.save(figures.training_curves(run.history), out / "training.png"),
                 figures.save(figures.phases(run.history, ends), out / "phases.png"),
                 figures.save(figures.progress_measures(steps, measures, k), out / "progress.png")]
    print("\nLook at:", *pictures, sep="\n  ")


if __name__ == "__main__":
    main()
