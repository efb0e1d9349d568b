# %% [markdown]
"""Train the explorable article's network, watch it grok, find the stars in it and hold them against exact ones.

    python examples/mlp_grokking.py            # about 40 seconds on one core

A one-layer MLP learns a + b mod 67 from 40 % of the unordered pairs (Pearce et al. 2023). It has memorised them after
some hundred steps; thousands of steps later it suddenly gets every held-out pair right. Left behind in
runs/mlp_grokking: settings, history, checkpoints, and in figures/ what to look at. Printed: learned against exact.
"""

# %%
import argparse
from dataclasses import replace

import numpy as np
from _console import parse, show, verdict
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from grok_np import MLP, AdamW, ModularArithmetic, analytic, figures, reading, train
from grok_np.figures.style import BLACK, CYCLE, GREEN, title
from grok_np.figures.training import first_step

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
# replaced by what was read from them? The last row reads frequencies and ring sizes alone: the network of such rings
# with the least loss + decay on the training pairs, scaled to the decay norm of the learned one.


# %%
def written_down(effective, split, optimizer):
    """The row of the best rings, as a line of the table; nothing where there is no ring yet."""
    def norm(network):
        return np.linalg.svd(np.hstack([network.A, network.C.T]), compute_uv=False).sum()

    sizes = {ring.frequency: ring.n_neurons for ring in reading.rings.find(effective)}
    if not sizes:
        return []
    best = analytic.best_rings(len(effective.A), sizes, optimizer, effective.activation, inputs=split.train_inputs,
                               starts=2, evaluations=1000).effective
    scale = norm(effective) / norm(best)
    best = replace(best, **{name: scale * getattr(best, name) for name in "ABC"})
    return [("best rings, written down", *reading.rings.scores(best, split, rings=[])[0][1:])]


if __name__ == "__main__":
    effective = run.model.effective(run.params)
    print(reading.rings.table(effective, run.split), flush=True)  # the next line takes some seconds
    written = written_down(effective, run.split, run.optimizer)
    for name, training, test in written:
        print(f"{name:30s}{training.loss:12.2e}{test.loss:12.2e}{training.accuracy:12.4f}{test.accuracy:12.4f}")
    print("", verdict(run.history), sep="\n")

# %% [markdown]
# ## Look


# %%
def votes(run, rings, a, b):
    """Logits of the pair (a, b) by frequency, and all together."""
    post, C = reading.all_activations(run.model, run.params)[a, b], run.model.effective(run.params).C
    return {ring.frequency: post[ring.neurons] @ C[ring.neurons] for ring in rings}, post @ C


def replacements(steps, rows_by_step) -> Figure:
    """Test accuracy at every checkpoint: of the learned network, and of what `rings.scores` replaces it by."""
    figure = Figure(figsize=(7, 4), layout="constrained")
    axis = figure.subplots()
    tests = [{name: test.accuracy for name, _, test in rows} for rows in rows_by_step]
    styles = {"learned weights": (BLACK, "-", 3, 0.35), "second harmonic and constant": (GREEN, "--", 1.5, 1),
              "pure cosines": (CYCLE[1], "-.", 1.5, 1), "square waves": (CYCLE[2], ":", 1.5, 1)}
    first = {}
    for name, (colour, style, width, alpha) in styles.items():
        values = np.array([test.get(name, 0) for test in tests])
        axis.plot(np.maximum(steps, 0.8), values, style, color=colour, lw=width, alpha=alpha, label=name)
        first[name] = first_step(steps, values == 1)
    axis.set(xscale="log", xlabel="step (at the checkpoints)", ylabel="held-out accuracy", ylim=(-0.03, 1.03))
    axis.set_xlim(left=max(1, 0.8 * min((step for step in steps if step), default=1)))
    axis.xaxis.set_minor_formatter(NullFormatter())
    figure.legend(*axis.get_legend_handles_labels(), frameon=False, loc="outside lower center", ncols=4, fontsize=9)
    learned = first.pop("learned weights")
    waves = {name: step for name, step in first.items() if step is not None}
    if learned is None and not waves:
        best = max(test["learned weights"] for test in tests)
        text = f"Not grokked: neither weights nor waves are ever all right (held-out pairs, weights: {best:.0%})"
    else:
        own = f"from step {learned:,}" if learned is not None else "never"
        best = min(waves, key=waves.get) if waves else None
        text = f"All held-out pairs right: the weights {own}, " + (
            f"the waves read from them ({best}) from step {waves[best]:,}" if waves else "their waves never")
    title(figure, text)
    return figure


def contributions(parts, total, a, b) -> Figure:
    """What each frequency adds to the logits of one pair, and the logits, over the answers c, all on one scale.

    parts {frequency: (p,)}; total (p,), the logits of the whole network.
    """
    p, answer = len(total), (a + b) % len(total)
    figure = Figure(figsize=(8, 1.5 + 1.05 * (len(parts) + 1)), layout="constrained")
    axes = figure.subplots(len(parts) + 1, 1, sharex=True, sharey=True, squeeze=False)[:, 0]
    lines = [(f"frequency {k}", logits) for k, logits in parts.items()] + [("all neurons", total)]
    for i, (axis, (name, logits)) in enumerate(zip(axes, lines, strict=True)):
        axis.axvline(answer, color="0.7", lw=4, alpha=0.6)
        axis.plot(logits - logits.mean(), color=BLACK if i == len(parts) else CYCLE[i % len(CYCLE)])
        axis.set_ylabel(name, rotation=0, ha="right", va="center")
    axes[-1].set_xlabel("answer c")
    winner, lead = int(np.argmax(total)), float(total[answer] - np.delete(total, answer).max())
    title(figure, f"Each frequency votes with a wave; their sum is largest at c = {winner}, the answer to {a} + {b} "
                  f"mod {p}, by {lead:.3g}" if lead > 0 else
                  f"Wrong: the sum of the votes is largest at c = {winner}, but {a} + {b} mod {p} is {answer}, "
                  f"which lies {-lead:.3g} lower")
    return figure


# %%
def draw(run, written):
    """Every picture of the run and of the row `written_down`, each with what to see in it."""
    effective, steps = run.model.effective(run.params), run.checkpoint_steps()
    rings, required = reading.rings.find(effective), analytic.required_moments(effective.activation)
    scores = [reading.rings.scores(run.model.effective(run.checkpoint(step)), run.split) for step in steps]
    pictures = {
        "training": (figures.training_curves(run.history), "when the training pairs are known, when the others"),
        "weights": (figures.weight_maps(effective, rings), "noise on the left; on the right, few frequencies or many"),
        "learned_against_exact": (figures.scores(scores[-1] + written), "how much is lost if the weights become waves"),
        "replacements": (replacements(steps, scores), "whether the waves know the answers before the weights"),
    }
    if rings:
        pictures |= {
            "waves": (figures.waves(effective, rings), "each neuron a wave, flatter on top than a cosine or not"),
            "stars": (figures.stars(rings), "whether outputs turn twice as fast as inputs, and draw a star"),
            "moments": (figures.moments(rings, required, analytic.rigid_size(effective.activation)),
                        "whether the shaded moments are zero; the others are free in rings of more than five"),
            "contributions": (contributions(*votes(run, rings, 20, 30), 20, 30),
                              "which answer the frequencies agree on"),
        }
    return pictures


if __name__ == "__main__":
    show(run.path / "figures", draw(run, written), run.path)
