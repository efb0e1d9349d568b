# %%
"""Train the explorable article's network, watch it grok, find the stars in it and hold them against exact ones.

    python examples/mlp_grokking.py            # about 40 seconds on one core

A one-layer MLP learns a + b mod 67 from 40 % of the unordered pairs (Pearce et al. 2023). It has memorised them after
some 500 steps; tens of thousands of steps later it suddenly gets every held-out pair right. Left behind in
runs/mlp_grokking: settings, history, checkpoints, and in figures/ what to look at. Printed: learned against exact.
"""

import argparse
from pathlib import Path

from grok_np import MLP, AdamW, ModularArithmetic, analytic, figures, reading, resume, train

P = 67
SEED = 36  # groks at 7,200 steps; about one seed in three does within 50,000: examples/mlp_seeds.py


# %%
def learn(steps, out):
    """The article's recipe; a folder from an earlier call is continued to its end or just loaded."""
    if (out / "config.json").exists():
        print(f"continuing or loading the run in {out}; delete the folder to train again")
        return resume(out)
    model = MLP(P, d_embed=500, n_hidden=24, activation="relu", factoring="tied")
    task = ModularArithmetic(P, "add", train_fraction=0.4, symmetric=True, seed=SEED)
    # The article divides its loss by p; for Adam that is our loss with p times its eps of 1e-8.
    optimizer = AdamW(lr=1e-3, betas=(0.9, 0.98), eps=P * 1e-8, weight_decay=1.0)
    return train(model, task, optimizer, steps, SEED, out)


# %%
def draw(run, effective, rings):
    """Every figure of the run, as PNG in its folder."""
    split, steps = run.task.split(), run.checkpoint_steps()
    scores = [reading.rings.scores(run.model.effective(run.checkpoint(step)), split) for step in steps]
    required = analytic.required_moments(effective.activation)
    pictures = {
        "training": figures.training_curves(run.history),
        "weights": figures.weight_maps(effective, rings),
        "learned_against_exact": figures.scores(scores[-1]),
        "replacements": figures.replacements(steps, scores),
    }
    if rings:
        pictures |= {
            "waves": figures.waves(effective, rings),
            "stars": figures.stars(rings),
            "moments": figures.moments(rings, required, analytic.rigid_size(effective.activation)),
            "contributions": figures.contributions(effective, rings, a=20, b=30),
        }
    return [figures.save(figure, run.path / "figures" / f"{name}.png") for name, figure in pictures.items()]


# %%
def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("runs/mlp_grokking"))
    parser.add_argument("--quick", action="store_true", help="300 steps only: enough to memorise, not to grok")
    arguments = parser.parse_args()
    run = learn(300 if arguments.quick else 35_000, arguments.out)
    effective = run.model.effective(run.params)
    print(reading.rings.table(effective, run.task.split()))
    pictures = draw(run, effective, reading.rings.find(effective))
    print("\nLook at:", *pictures, sep="\n  ")


if __name__ == "__main__":
    main()
