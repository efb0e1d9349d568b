# %% [markdown]
"""Train the explorable article's network, watch it grok, find the stars in it and hold them against exact ones.

    python examples/mlp_grokking.py            # about 40 seconds on one core

A one-layer MLP learns a + b mod 67 from 40 % of the unordered pairs (Pearce et al. 2023). It has memorised them after
some hundred steps; thousands of steps later it suddenly gets every held-out pair right. Left behind in
runs/mlp_grokking: settings, history, checkpoints, and in figures/ what to look at. Printed: learned against exact.
"""

# %%
import argparse

from _console import parse, show, verdict

from grok_np import MLP, AdamW, ModularArithmetic, analytic, figures, reading, train

P = 67
SEED = 11  # about one seed in three groks within 50,000 steps: examples/mlp_seeds.py

# %% [markdown]
# ## Train
# The article's recipe. The folder of an earlier call is gone on with or just loaded; other settings are refused.


# %%
def learn(steps, out):
    """The network after so many steps."""
    model = MLP(P, d_embed=500, n_hidden=24, activation="relu", factoring="tied")
    task = ModularArithmetic(P, "add", train_fraction=0.4, symmetric=True, seed=SEED)
    # The article divides its loss by p; for Adam that is our loss with p times its eps of 1e-8.
    optimizer = AdamW(lr=1e-3, betas=(0.9, 0.98), eps=P * 1e-8, weight_decay=1.0)
    return train(model, task, optimizer, steps, SEED, out, exist_ok=True, checkpoint_every=500)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="300 steps only: enough to memorise, not to grok")
    options = parse(parser, "mlp_grokking")
    run = learn(300 if options.quick else 35_000, options.out)

# %% [markdown]
# ## Read
# Each neuron adds a wave of one frequency; those of one frequency form a ring. What is left when the weights are
# replaced by what was read from them?

# %%
if __name__ == "__main__":
    effective = run.model.effective(run.params)
    print(reading.rings.table(effective, run.split))
    print(f"\n{verdict(run.history)}")

# %% [markdown]
# ## Look


# %%
def votes(run, rings, a, b):
    """Logits of the pair (a, b) by frequency, and all together."""
    post, C = reading.all_activations(run.model, run.params)[a, b], run.model.effective(run.params).C
    return {ring.frequency: post[ring.neurons] @ C[ring.neurons] for ring in rings}, post @ C


def draw(run):
    """Every picture of the run, each with what to see in it."""
    effective, steps = run.model.effective(run.params), run.checkpoint_steps()
    rings, required = reading.rings.find(effective), analytic.required_moments(effective.activation)
    scores = [reading.rings.scores(run.model.effective(run.checkpoint(step)), run.split) for step in steps]
    pictures = {
        "training": (figures.training_curves(run.history), "when the training pairs are known, when the others"),
        "weights": (figures.weight_maps(effective, rings), "noise on the left; on the right, few frequencies or many"),
        "learned_against_exact": (figures.scores(scores[-1]), "how much is lost if the weights become waves"),
        "replacements": (figures.replacements(steps, scores), "whether the waves know the answers before the weights"),
    }
    if rings:
        pictures |= {
            "waves": (figures.waves(effective, rings), "each neuron a wave, flatter on top than a cosine or not"),
            "stars": (figures.stars(rings), "whether outputs turn twice as fast as inputs, and draw a star"),
            "moments": (figures.moments(rings, required, analytic.rigid_size(effective.activation)),
                        "whether the shaded moments are zero; the others are free in rings of more than five"),
            "contributions": (figures.contributions(*votes(run, rings, 20, 30), 20, 30),
                              "which answer the frequencies agree on"),
        }
    return pictures


if __name__ == "__main__":
    show(run.path / "figures", draw(run), run.path)
