# %%
"""When does grokking happen? Hundreds of sparse-parity networks over train size, width and weight decay.

    python examples/sparse_parity_sweep.py                      # nine seeds: 675 networks, some 25 minutes
    python examples/sparse_parity_sweep.py --exact-seeds 3      # and 225 with the loss that is not clipped
    python examples/sparse_parity_sweep.py --quick              # one seed, 2 steps: nothing is learned

The explorable article's sweep (Pearce et al. 2023): 30 bits, 3 count, AdamW with lr 0.003, at most 20,000 steps. Its
code is not public; its numbers tell that bits enter as 0 and 1, and that probabilities are clipped before the
logarithm, so that an example which is right for sure no longer moves the weights (`grok_np.layers`).
All seeds of a cell train together as one ensemble; cells run in one process per core and are appended to
runs/sparse_parity_sweep/table.jsonl, so that an interrupted sweep goes on. A network whose class is decided is not
trained further. Printed: the share of each class, and how far it agrees with the published table where that is found
(--published FILE, or the folder GROK_NP_REFERENCE); drawn: the phase diagrams.
"""

import argparse
import json
import os
import time
from pathlib import Path

import numpy as np
from _console import parse
from _phase_diagrams import phase_diagrams

from grok_np import AdamW, BitMLP, SparseParity, figures
from grok_np.figures.style import title
from grok_np.learning.ensemble import train_members
from grok_np.learning.sweep import grid, sweep

CLASSES = ("fail", "memorise_only", "grok", "generalise")
TRAIN_SIZES, HIDDEN_SIZES, WEIGHT_DECAYS = (750, 1000, 1250, 1500, 1750), (16, 32, 64, 128, 258), (0.01, 0.1, 1.0)
LOW, APART = 1e-5, 50_000  # the article's thresholds: of a loss that is low, and of the ratio test / train loss
FLOOR = 2.0**-23  # the article's losses are float32 logarithms of numbers next to 1, which know no smaller loss
REFERENCE = Path(os.environ.get("GROK_NP_REFERENCE", "../shared/reference"))


# %%
def classify(train_loss, test_loss):
    """The article's class of each of M runs from its logged losses (R, M); NaN where it was not trained any more."""
    train_loss, test_loss = np.maximum(train_loss, FLOOR), np.maximum(test_loss, FLOOR)
    ratio = np.nanmax(test_loss / train_loss, axis=0)
    low_train, low_test = (np.nanmin(loss, axis=0) <= LOW for loss in (train_loss, test_loss))
    return np.select([~low_train, ~low_test, ratio < APART], ["fail", "memorise_only", "generalise"], "grok")


def decided(history):
    """Members that have been low on both sets and far apart before: later losses cannot change the class "grok"."""
    return classify(history["train_loss"], history["test_loss"]) == "grok"


def cell(train_size, hidden_size, weight_decay, seeds, steps, loss):
    """Rows, one per seed, of the networks of one cell."""
    begin = time.process_time()
    tasks = [SparseParity(30, 3, train_size, test_size=5000, seed=seed) for seed in range(seeds)]
    optimizer = AdamW(lr=3e-3, betas=(0.99, 0.98), weight_decay=weight_decay)
    _, history, _ = train_members(BitMLP(30, hidden_size, coding="bits"), tasks, optimizer, steps, range(seeds),
                                  loss=loss, log_every=100, stop=decided)
    classes = classify(history["train_loss"], history["test_loss"])
    seconds = time.process_time() - begin
    return [{"seed": seed, "class": str(classes[seed]), "min_train_loss": np.nanmin(history["train_loss"][:, seed]),
             "min_test_loss": np.nanmin(history["test_loss"][:, seed]), "seconds": seconds / seeds}
            for seed in range(seeds)]


# %%
def shares(rows):
    """Shares of the classes in every cell: (weight decays, train sizes, hidden sizes, classes)."""
    count = np.zeros((len(WEIGHT_DECAYS), len(TRAIN_SIZES), len(HIDDEN_SIZES), len(CLASSES)))
    for row in rows:
        count[WEIGHT_DECAYS.index(row["weight_decay"]), TRAIN_SIZES.index(row["train_size"]),
              HIDDEN_SIZES.index(row["hidden_size"]), CLASSES.index(row["class"])] += 1
    return count / np.maximum(count.sum(axis=-1, keepdims=True), 1)


def published_shares(path):
    """The same of the article's table (sparse_parity_phase.json)."""
    out = np.zeros((len(WEIGHT_DECAYS), len(TRAIN_SIZES), len(HIDDEN_SIZES), len(CLASSES)))
    for one in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        place = (WEIGHT_DECAYS.index(one["weight_decay"]), TRAIN_SIZES.index(one["train_size"]),
                 HIDDEN_SIZES.index(one["hidden_size"]))
        out[place] = [one[name] for name in CLASSES]
    return out


def new_classes(diagram, other):
    """Cells and classes that have networks in one diagram and none in another, in words."""
    return [f"{diagram[i, j, k, c]:.0%} {CLASSES[c]} (decay {WEIGHT_DECAYS[i]:g}, {TRAIN_SIZES[j]} examples, "
            f"{HIDDEN_SIZES[k]} neurons)" for i, j, k, c in np.argwhere((diagram > 0) & (other == 0))]


def agreement(ours, published):
    """Share of cells whose most frequent class is the published one, and the mean overlap of the shares."""
    same = (ours.argmax(axis=-1) == published.argmax(axis=-1)).mean()
    return same, np.minimum(ours, published).sum(axis=-1).mean()


# %%
def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=9)
    parser.add_argument("--exact-seeds", type=int, default=0, help="seeds with the loss that is not clipped")
    parser.add_argument("--steps", type=int, default=20_000)
    parser.add_argument("--published", type=Path, default=REFERENCE / "pair/sparse_parity_phase.json")
    parser.add_argument("--quick", action="store_true", help="one seed, 2 steps: nothing is learned")
    arguments = parse(parser, "sparse_parity_sweep")
    seeds, exact_seeds, steps = (1, 0, 2) if arguments.quick else (
        arguments.seeds, arguments.exact_seeds, arguments.steps)
    diagrams = {}
    for name, loss, n_seeds in (("clipped", "clipped_logistic", seeds), ("exact", "logistic", exact_seeds)):
        if n_seeds:
            settings = grid(hidden_size=HIDDEN_SIZES[::-1], train_size=TRAIN_SIZES[::-1], weight_decay=WEIGHT_DECAYS,
                            seeds=[n_seeds], steps=[steps], loss=[loss])  # the long ones first
            start = time.perf_counter()
            rows = sweep(cell, settings, arguments.out / "table.jsonl")
            print(f"{name}: {len(rows)} networks, {sum(row['seconds'] for row in rows) / 60:.1f} core-minutes; this "
                  f"call took {(time.perf_counter() - start) / 60:.1f} minutes")
            diagrams[name] = shares(rows)
    beside = []
    if arguments.published.exists():
        published = published_shares(arguments.published)
        for name, diagram in diagrams.items():
            same, overlap = agreement(diagram, published)
            beside.append(f"{name}: most frequent class the published one in {same:.1%} of the cells")
            print(f"{beside[-1]}, mean overlap of the shares {overlap:.1%}")
        diagrams["published"] = published
    if {"clipped", "exact"} <= diagrams.keys():
        print("with the exact loss, and never with the clipped one:", "; ".join(
            new_classes(diagrams["exact"], diagrams["clipped"])) or "nothing")
    print(f"{'':24s}" + "".join(f"{name:>15s}" for name in CLASSES))
    for name, diagram in diagrams.items():
        for weight_decay, share in zip(WEIGHT_DECAYS, diagram.mean(axis=(1, 2)), strict=True):
            print(f"{name:10s}decay {weight_decay:<8g}" + "".join(f"{value:15.1%}" for value in share))
    picture = phase_diagrams(diagrams, ("train size", TRAIN_SIZES), ("hidden size", HIDDEN_SIZES),
                             ("weight decay", WEIGHT_DECAYS))
    if beside:
        title(picture, *beside)
    print("\nLook at:", figures.save(picture, arguments.out / "phases.png"), sep="\n  ")


if __name__ == "__main__":
    main()
