# %%
"""When does modular addition grok? Weight decay against the share of pairs to train on, and against the initial scale.

    python examples/addition_sweep.py            # 2 x 25 settings, 3 seeds each; about 15 minutes on two cores

The article's MLP with 64 dimensions of embedding, p = 67, 10,000 steps. A network counts as grokked if it got 99 % of
the test pairs right, and 99 % of the training pairs at least 500 steps before; as generalised at once if not so long
before. Networks are rows of runs/addition_sweep/table.jsonl, so that an interrupted sweep goes on.
"""

import argparse
from pathlib import Path

import numpy as np

from grok_np import MLP, AdamW, ModularArithmetic, figures, train
from grok_np.learning.sweep import grid, sweep

WEIGHT_DECAYS = (0.0, 0.3, 1.0, 3.0, 5.0)
TRAIN_FRACTIONS = (0.2, 0.3, 0.4, 0.6, 0.8)
SCALES = (0.25, 0.5, 1.0, 2.0, 4.0)
DELAY = 500  # steps


# %%
def one(weight_decay, train_fraction, init_scale, seed, steps):
    """Train one network; the row says when it had memorised and when it generalised (None: never)."""
    optimizer = AdamW(1e-3, (0.9, 0.98), eps=67e-8, weight_decay=weight_decay)
    task = ModularArithmetic(67, train_fraction=train_fraction, symmetric=True, seed=seed)
    model = MLP(67, 64, 24, init_scale=init_scale)
    run = train(model, task, optimizer, steps, seed, threads=1, progress=False)

    def first(name):
        steps_right = run.history["step"][run.history[f"{name}_accuracy"] >= 0.99]
        return int(steps_right[0]) if len(steps_right) else None

    return {"memorised": first("train"), "generalised": first("test")}


def classify(row):
    """0: learns nothing, 1: memorises only, 2: groks, 3: generalises at once, as in `figures.phase_diagrams`."""
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


# %%
def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=10_000)
    parser.add_argument("--out", type=Path, default=Path("runs/addition_sweep"))
    arguments = parser.parse_args()
    common = {"seed": range(arguments.seeds), "steps": [arguments.steps]}
    pictures = []
    for name, values, fixed in (("train_fraction", TRAIN_FRACTIONS, {"init_scale": [1.0]}),
                                ("init_scale", SCALES, {"train_fraction": [0.6]})):
        rows = sweep(one, grid(weight_decay=WEIGHT_DECAYS, **{name: values}, **fixed, **common),
                     arguments.out / "table.jsonl")
        table = shares(rows, name, values)
        print(f"\nshare that generalises (at once or after a delay)\n{name:16s}" + "".join(f"{x:>8}" for x in values))
        for weight_decay, line in zip(WEIGHT_DECAYS, table[..., 2:].sum(axis=-1), strict=True):
            print(f"decay {weight_decay:<10g}" + "".join(f"{value:8.0%}" for value in line))
        picture = figures.phase_diagrams({"addition": table[None]}, ("weight decay", WEIGHT_DECAYS),
                                         (name.replace("_", " "), values), ("p =", [67]))
        pictures.append(figures.save(picture, arguments.out / f"{name}.png"))
    print("\nLook at:", *pictures, sep="\n  ")


if __name__ == "__main__":
    main()
