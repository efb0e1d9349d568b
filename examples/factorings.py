# %% [markdown]
"""Which factoring of the weights lets a network generalise? Ten ways, three weight decays, several seeds.

    python examples/factorings.py            # 10 x 3 x 4 networks; about 10 minutes on two cores

The explorable article (Pearce et al. 2023) saw a network without any factoring memorise only, and left open why
factoring the input does not do the same as factoring the output. Everything else is the article's recipe with 64
dimensions of embedding and more data: p = 67, 80 % of the unordered pairs, 24 ReLU neurons. Printed: for each factoring
and weight decay, how many seeds got 99 % of the test pairs right, and the median step at which they did. The seeds of a
cell train as one ensemble, each until that is known; cells are lines of runs/factorings/table.jsonl, so that an
interrupted sweep goes on.
"""

# %%
import argparse

import numpy as np
from _console import parse, show, workers
from matplotlib.figure import Figure

from grok_np import MLP, AdamW, ModularArithmetic
from grok_np.figures.style import WIDTH, title
from grok_np.learning.ensemble import train_members
from grok_np.learning.sweep import grid, sweep

WEIGHT_DECAYS = (0.3, 1.0, 3.0)
# How A and B (input) and C (output) come about; "shared": one map or table for a and b, "tied": through W_E^T. The
# unordered pairs have a <= b: where a and b share everything, the network knows that a + b = b + a.
SYMMETRIC = {
    "tied": ("embedding shared", "shared", "tied"),
    "input_tied": ("embedding shared", "shared", "factored"),
    "collapsed_input": ("none", "shared", "factored"),
    "collapsed_output": ("embedding shared", "shared", "direct"),
    "collapsed": ("none", "shared", "direct"),
}
ASYMMETRIC = {
    "untied_hidden": ("embedding shared", "separate", "tied"),
    "untied": ("embeddings separate", "shared", "factored"),
    "concatenated": ("embedding shared", "separate", "direct"),
    "two_embeddings": ("embeddings separate", "shared", "direct"),
    "one_hot": ("none", "separate", "direct"),
}

# %% [markdown]
# ## Train


# %%
def settled(history):
    """Members of which nothing more is asked: 99 % of the training and of the test pairs have been right."""
    return np.all([(history[f"{name}_accuracy"] >= 0.99).any(axis=0) for name in ("train", "test")], axis=0)


def cell(factoring, weight_decay, seeds, steps):
    """Train the seeds of a cell as one ensemble; a row for each says when it generalised (None: never)."""
    optimizer = AdamW(1e-3, (0.9, 0.98), eps=67e-8, weight_decay=weight_decay)
    tasks = [ModularArithmetic(67, train_fraction=0.8, symmetric=True, seed=seed) for seed in range(seeds)]
    step, history, _ = train_members(MLP(67, 64, 24, factoring=factoring), tasks, optimizer, steps, range(seeds),
                                     stop=settled)
    right = history["test_accuracy"] >= 0.99
    return [{"seed": seed, "generalised": int(step[right[:, seed]][0]) if right[:, seed].any() else None}
            for seed in range(seeds)]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=4)
    parser.add_argument("--steps", type=int, default=10_000)
    parser.add_argument("--quick", action="store_true", help="one seed, 3 steps: nothing is learned")
    options = parse(parser, "factorings")
    seeds, steps = (1, 3) if options.quick else (options.seeds, options.steps)
    factorings = SYMMETRIC | ASYMMETRIC
    settings = grid(factoring=list(factorings), weight_decay=WEIGHT_DECAYS, seeds=[seeds], steps=[steps])
    with workers() as pool:
        rows = sweep(cell, settings, options.out / "table.jsonl", executor=pool)

# %% [markdown]
# ## Draw


# %%
def shares(table, rows, columns, groups=()) -> Figure:
    """A table of shares in [0, 1] as colours, with the numbers in it.

    groups: pairs (label, number of rows) that divide the rows from the top, by a line and the label on the right.
    """
    table = np.asarray(table)
    figure = Figure(figsize=(WIDTH if groups else 6, 1.5 + 0.36 * len(rows)), layout="constrained")
    axis = figure.subplots()
    axis.imshow(table, cmap="Blues", vmin=0, vmax=1.3, aspect="auto")
    for (i, j), value in np.ndenumerate(table):
        axis.text(j, i, f"{value:.0%}", ha="center", va="center",
                  color="0.6" if value == 0 else "white" if value > 0.7 else "black")
    axis.set(xticks=range(len(columns)), yticks=range(len(rows)), xticklabels=columns, yticklabels=rows)
    end = -0.5
    for label, size in groups:
        axis.text(len(columns) - 0.4, end + size / 2, label, va="center")
        end += size
        axis.axhline(min(end, len(rows) - 0.5), color="black", lw=1)
    most = [str(name) for name, line in zip(rows, table, strict=True) if line.max() >= 0.5]
    none = sum(line.max() == 0 for line in table)
    title(figure, f"Half or more of the networks generalise, in some column, in {len(most)} of {len(rows)} rows"
                  + (f", none in {none}" if none else ""))
    return figure

# %% [markdown]
# ## Which ones generalise?

# %%
if __name__ == "__main__":
    print("| factoring | embedding | hidden map | read-out | "
          + " | ".join(f"weight decay {weight_decay}" for weight_decay in WEIGHT_DECAYS) + " |")
    print("|" + " --- |" * (4 + len(WEIGHT_DECAYS)))
    share = np.zeros((len(factorings), len(WEIGHT_DECAYS)))
    for i, (factoring, how) in enumerate(factorings.items()):
        cells = []
        for j, weight_decay in enumerate(WEIGHT_DECAYS):
            found = [row["generalised"] for row in rows
                     if row["factoring"] == factoring and row["weight_decay"] == weight_decay]
            right = [step for step in found if step is not None]
            share[i, j] = len(right) / len(found)
            cells.append(f"{len(right)} of {len(found)}, step {np.median(right):,.0f}" if right else "-")
        print(f"| {factoring} | {' | '.join(how)} | {' | '.join(cells)} |")
    print(f"\n{(share > 0).any(axis=1).sum()} of {len(factorings)} factorings generalise within {steps:,} steps.")
    names = [f"{embedding}, map {hidden}, out {out}" for embedding, hidden, out in factorings.values()]
    groups = [("a and b alike", len(SYMMETRIC)), ("a and b apart", len(ASYMMETRIC))]
    picture = shares(share, names, [f"decay {weight_decay}" for weight_decay in WEIGHT_DECAYS], groups)
    show(options.out, {"shares": (picture, "rows above the line cannot tell a + b from b + a")})
