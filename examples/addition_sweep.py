# %% [markdown]
"""When does modular addition grok? Weight decay against the share of pairs to train on, and against the initial scale.

    python examples/addition_sweep.py            # 2 x 25 settings, 3 seeds each; about 15 minutes on two cores

The article's MLP with 64 dimensions of embedding, p = 67, 10,000 steps. A network counts as grokked if it got 99 % of
the test pairs right, and 99 % of the training pairs at least 500 steps before; as generalised at once if not so long
before. The seeds of a cell train as one ensemble, each until its class is known; cells are lines of
runs/addition_sweep/table.jsonl, so that an interrupted sweep goes on.
"""

# %%
import argparse

import numpy as np
from _console import parse, show, workers
from _phase_diagrams import phase_diagrams

from grok_np import MLP, AdamW, ModularArithmetic
from grok_np.learning.ensemble import train_members
from grok_np.learning.sweep import grid, sweep

WEIGHT_DECAYS = (0.0, 0.3, 1.0, 3.0, 5.0)
SWEEPS = {"train_fraction": (0.2, 0.3, 0.4, 0.6, 0.8), "init_scale": (0.25, 0.5, 1.0, 2.0, 4.0)}
FIXED = {"train_fraction": {"init_scale": [1.0]}, "init_scale": {"train_fraction": [0.6]}}
DELAY = 500  # steps

# %% [markdown]
# ## Train


# %%
def settled(history):
    """Members whose class is known: 99 % of the training and of the test pairs have been right."""
    return np.all([(history[f"{name}_accuracy"] >= 0.99).any(axis=0) for name in ("train", "test")], axis=0)


def cell(weight_decay, train_fraction, init_scale, seeds, steps):
    """Train the seeds of a cell as one ensemble; a row for each: when it memorised and generalised (None: never)."""
    optimizer = AdamW(1e-3, (0.9, 0.98), eps=67e-8, weight_decay=weight_decay)
    tasks = [ModularArithmetic(67, train_fraction=train_fraction, symmetric=True, seed=seed) for seed in range(seeds)]
    step, history, _ = train_members(MLP(67, 64, 24, init_scale=init_scale), tasks, optimizer, steps, range(seeds),
                                     stop=settled)
    right = {name: history[f"{name}_accuracy"] >= 0.99 for name in ("train", "test")}
    first = {name: [int(step[one][0]) if one.any() else None for one in reached.T] for name, reached in right.items()}
    return [{"seed": seed, "memorised": memorised, "generalised": generalised}
            for seed, (memorised, generalised) in enumerate(zip(first["train"], first["test"], strict=True))]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=10_000)
    parser.add_argument("--quick", action="store_true", help="one seed, 2 steps: nothing is learned")
    options = parse(parser, "addition_sweep")
    seeds, steps = (1, 2) if options.quick else (options.seeds, options.steps)
    with workers() as pool:
        rows = {name: sweep(cell, grid(weight_decay=WEIGHT_DECAYS, **{name: values}, **FIXED[name], seeds=[seeds],
                                       steps=[steps]), options.out / "table.jsonl", executor=pool)
                for name, values in SWEEPS.items()}

# %% [markdown]
# ## What became of them


# %%
def classify(row):
    """0: learns nothing, 1: memorises only, 2: groks, 3: generalises at once, as in `phase_diagrams`."""
    if row["memorised"] is None:
        return 0
    if row["generalised"] is None:
        return 1
    return 2 if row["generalised"] - row["memorised"] >= DELAY else 3


def shares(rows, name, values):
    """(weight decays, values, classes): shares of the seeds."""
    count = np.zeros((len(WEIGHT_DECAYS), len(values), 4))
    for row in rows:
        count[WEIGHT_DECAYS.index(row["weight_decay"]), values.index(row[name]), classify(row)] += 1
    return count / count.sum(axis=-1, keepdims=True)


if __name__ == "__main__":
    pictures = {}
    for name, values in SWEEPS.items():
        table = shares(rows[name], name, values)
        print(f"\nshare that generalises (at once or after a delay)\n{name:16s}" + "".join(f"{x:>8}" for x in values))
        for weight_decay, line in zip(WEIGHT_DECAYS, table[..., 2:].sum(axis=-1), strict=True):
            print(f"decay {weight_decay:<10g}" + "".join(f"{value:8.0%}" for value in line))
        axes = ("weight decay", WEIGHT_DECAYS), (name.replace("_", " "), values), ("p =", [67])
        pictures[name] = (phase_diagrams({"addition": table[None]}, *axes),
                          "blue: groks; green: generalises at once; orange: memorises only; grey: learns nothing")
    show(options.out, pictures)
