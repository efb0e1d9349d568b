# %%
"""Does decay ask for few frequencies with an embedding, and for many without? Compare the optima.

    python examples/how_many_frequencies.py            # some minutes on one core

A sum of squares over the factors of tied weights is a nuclear norm, which charges for rank; over weights of one-hot
inputs it is |A|² + |C|² (A = B), which does not (docs/theory.md, section 5). For 1 to 24 frequencies, four random sets
of each, `best_rings` writes down 24 neurons with the least loss + decay on all pairs (p = 67) under both decays.

Beside them stand networks that AdamW has trained on all pairs. AdamW's decay is the sum of squares only where
wd |theta| is far below 1, its wall (section 6). One-hot weights run into the wall, and their optimum lies beyond it. So
AdamW minimises something else there, and what it finds is no evidence about a sum of squares: accuracy and the largest
wd |theta| are printed beside it.

Printed and drawn: the objective by the number of frequencies, and how many frequencies the trained networks use: the
fewest with 90 % of the power of A. Rows are kept in --out and gone on with.
"""

import argparse

import numpy as np
from _console import parse, show, workers
from matplotlib.figure import Figure

from grok_np import MLP, AdamW, ModularArithmetic, tasks
from grok_np.analytic import best_rings
from grok_np.figures.style import BLUE, CYCLE, WIDTH, title
from grok_np.layers import LOSSES
from grok_np.learning.ensemble import train_members
from grok_np.learning.sweep import sweep
from grok_np.networks.mlp import mix_forward
from grok_np.reading import fourier
from grok_np.streams import generator

NEURONS, OPTIMIZER = 24, AdamW(eps=67e-8)
KINDS = {"tied": "tied factors (nuclear norm)", "collapsed": "one-hot (sum of squares)"}


def frequencies_used(A):
    """The fewest frequencies (1 to (p-1)/2) that have 90 % of the power of A without its constant."""
    by_frequency = np.sort(fourier.power(A).sum(axis=1)[1:])[::-1]
    return int(np.searchsorted(np.cumsum(by_frequency), 0.9 * by_frequency.sum()) + 1)


def optimum(p, factoring, count, trial, evaluations):
    """One row: the best network of ``count`` random frequencies that share the neurons evenly."""
    rng = generator(trial, f"{factoring} {count}")
    chosen = rng.choice(np.arange(1, (p + 1) // 2), count, replace=False)
    sizes = {int(k): NEURONS // count + (i < NEURONS % count) for i, k in enumerate(chosen)}
    best = best_rings(p, sizes, OPTIMIZER, factoring=factoring, starts=1, rng=rng, evaluations=evaluations)
    return {"objective": best.objective, "loss": best.loss, "used": frequencies_used(best.effective.A),
            "wall": to_wall(best.params) if factoring == "collapsed" else None}  # tied: depends on the width


def to_wall(params):
    """The largest wd |theta|: AdamW holds no weight where it is above 1."""
    return OPTIMIZER.weight_decay * max(float(np.abs(W).max()) for W in params.values())


def trained(p, factoring, seeds, steps):
    """Rows: networks trained on all pairs."""
    model = MLP(p, 500 if p == 67 else 64, NEURONS, factoring=factoring)
    task = ModularArithmetic(p, train_fraction=1.0, symmetric=True)
    members = train_members(model, seeds * [task], OPTIMIZER, steps, range(seeds), log_every=steps)
    rows, pairs = [], tasks.all_pairs(p)
    pairs = pairs[pairs[:, 0] <= pairs[:, 1]]
    for i in range(seeds):
        params = {name: W[i].astype(np.float64) for name, W in members.params.items()}
        effective = model.effective(params)
        logits, labels = mix_forward(effective, pairs)[0], pairs.sum(axis=1) % p
        loss = float(LOSSES["cross_entropy"].forward(logits, labels)[0])
        decay = OPTIMIZER.eps * OPTIMIZER.weight_decay / 2 * sum(float((W**2).sum()) for W in params.values())
        rows.append({"objective": loss + decay, "loss": loss, "used": frequencies_used(effective.A),
                     "wall": to_wall(params), "accuracy": float((logits.argmax(axis=1) == labels).mean())})
    return rows


def told_apart(rows):
    """Fewest and most frequencies that cannot be told from the best number: a set of them is no dearer than the dearest
    set of that number."""
    by_count = {}
    for row in rows:
        by_count.setdefault(row["count"], []).append(row["objective"])
    best = min(by_count.values(), key=min)
    alike = [count for count, objectives in by_count.items() if min(objectives) <= max(best)]
    return min(alike), max(alike)


def draw(optima, learned):
    """Objective over the least of its kind, by the number of frequencies; crosses: what trained networks use."""
    figure = Figure(figsize=(WIDTH, 3.8), layout="constrained")
    axes, told = figure.subplots(1, 2), []
    for axis, (kind, name), colour in zip(axes, KINDS.items(), CYCLE, strict=False):
        rows = [row for row in optima if row["factoring"] == kind]
        least = min(row["objective"] for row in rows)
        counts = sorted({row["count"] for row in rows})
        lowest = [min(row["objective"] for row in rows if row["count"] == count) / least for count in counts]
        axis.plot([row["count"] for row in rows], [row["objective"] / least for row in rows], "o", mfc="none",
                  color=colour, ms=4)
        axis.plot(counts, lowest, "-", color=colour, label="written down")
        here = [row for row in learned if row["factoring"] == kind]
        axis.plot([row["used"] for row in here], [row["objective"] / least for row in here], "x", color=BLUE,
                  label="trained")
        axis.set(xscale="log", yscale="log", xticks=counts, xticklabels=counts, title=name,
                 xlabel="frequencies", ylabel="loss + decay / least written down")
        axis.set_yticks([1, 2, 5, 10], ["1", "2", "5", "10"])
        axis.minorticks_off()
        axis.legend(frameon=False)
        used, accuracy, wall = ([row[key] for row in here] for key in ("used", "accuracy", "wall"))
        told.append(f"{name}: least for {spread(told_apart(rows))} frequencies, as far as the sets tell; trained ones "
                    f"use {spread(used)} (accuracy {spread(accuracy, '.1%')}, largest wd|θ| {spread(wall, '.2f')})")
    title(figure, *told)
    return figure


def spread(values, form=""):
    """Least to largest, or the one."""
    low, high = (format(end, form) for end in (min(values), max(values)))
    return low if low == high else f"{low} to {high}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, default=4, help="random sets of frequencies for each number")
    parser.add_argument("--seeds", type=int, default=8, help="trained networks of each kind")
    parser.add_argument("--steps", type=int, default=10_000)
    parser.add_argument("--quick", action="store_true", help="p = 13, one set each, 200 steps")
    options = parse(parser, "how_many_frequencies")
    p, counts, evaluations = 67, (1, 2, 3, 4, 5, 6, 7, 8, 12, 24), 1500
    if options.quick:
        p, counts, evaluations, options.trials, options.seeds, options.steps = 13, (1, 2, 4, 6), 100, 1, 2, 200
    settings = [{"p": p, "factoring": kind, "count": count, "trial": trial, "evaluations": evaluations}
                for count in counts[::-1] for kind in KINDS for trial in range(options.trials)]
    with workers() as pool:
        optima = sweep(optimum, settings, options.out / "optima.jsonl", executor=pool)
        learned = sweep(trained, [{"p": p, "factoring": kind, "seeds": options.seeds, "steps": options.steps}
                                  for kind in KINDS], options.out / "trained.jsonl", executor=pool)
    print("least loss + decay of the random sets, in 1e-4, and the frequencies that this network uses; which number\n"
          "of frequencies is least, as far as the sets tell; its largest wd |theta|; then the same of AdamW's")
    titles = [*map(str, counts), "least for", "largest", "AdamW's", "they use", "accuracy", "largest"]
    print("| decay | " + " | ".join(titles) + " |\n|" + " --- |" * (len(titles) + 1))
    for kind, name in KINDS.items():
        best = [min((row for row in optima if (row["factoring"], row["count"]) == (kind, count)),
                    key=lambda row: row["objective"]) for count in counts]
        here = [row for row in learned if row["factoring"] == kind]
        alike = told_apart([row for row in optima if row["factoring"] == kind])
        least = min(best, key=lambda row: row["objective"])
        cells = [*(f"{1e4 * row['objective']:.3f} ({row['used']})" for row in best), spread(alike),
                 "" if least["wall"] is None else f"{least['wall']:.2f}",
                 spread([1e4 * row["objective"] for row in here], ".3f"),
                 *(spread([row[key] for row in here], form)
                   for key, form in (("used", ""), ("accuracy", ".1%"), ("wall", ".2f")))]
        print(f"| {name} | {' | '.join(cells)} |")
    show(options.out, {"frequencies": (draw(optima, learned), "where loss + decay is least, and what training uses")})


if __name__ == "__main__":
    main()
