# %%
"""Does decay ask for few frequencies with an embedding, and for many without? Compare the optima, and training.

    python examples/how_many_frequencies.py            # a quarter of an hour on two cores

A sum of squares over the factors of tied weights is a nuclear norm, which charges for rank; over weights of one-hot
inputs it is |A|² + |C|² (A = B), which does not (docs/theory.md, section 5). For 1 to 12 frequencies, two random sets
of each, `best_rings` writes down 24 neurons with the least loss + decay on all pairs (p = 67) under both decays. It may
give up frequencies that it starts with.

Beside them stand networks that were trained on all pairs from random weights. AdamW's decay has the strength eps wd and
a wall at |theta| = 1/wd (section 6), beyond which one-hot weights want to go. So wd is a hundredth of the article's
here and eps a hundred times its: the same strength, and the wall at 100. AdamW ends before it is at rest; `polish` goes
on to a stationary point of the same objective.

Printed and drawn: the objective by the number of frequencies, and that of the trained networks by how many they use:
the fewest with 90 % of the power of A. Rows are kept in --out and gone on with.
"""

import argparse

import numpy as np
from _console import parse, show, workers
from matplotlib.figure import Figure

from grok_np import MLP, AdamW, ModularArithmetic
from grok_np.analytic import best_rings, polish
from grok_np.figures.style import BLUE, CYCLE, WIDTH, title
from grok_np.learning.ensemble import train_members
from grok_np.learning.sweep import sweep
from grok_np.networks.mlp import mix_forward
from grok_np.reading import fourier
from grok_np.streams import generator

NEURONS, OPTIMIZER = 24, AdamW(lr=1e-2, eps=67e-6, weight_decay=0.01)
TICKS = [1, 2, 3, 4, 5, 6, 8, 10, 14]
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
    return {"objective": best.objective, "loss": best.loss, "used": frequencies_used(best.effective.A)}


def trained(p, factoring, seeds, steps, evaluations):
    """Rows: networks trained on all pairs by AdamW, and then brought to rest."""
    model = MLP(p, 500 if p == 67 else 64, NEURONS, factoring=factoring)
    task = ModularArithmetic(p, train_fraction=1.0, symmetric=True)
    pairs = task.split().train_inputs
    members = train_members(model, seeds * [task], OPTIMIZER, steps, range(seeds), log_every=steps)
    rows = []
    for i in range(seeds):
        params = {name: W[i].astype(np.float64) for name, W in members.params.items()}
        before = frequencies_used(model.effective(params).A)
        rest = polish(model, params, pairs, OPTIMIZER, evaluations)
        logits = mix_forward(rest.effective, pairs)[0]
        rows.append({"objective": rest.objective, "loss": rest.loss, "before": before,
                     "used": frequencies_used(rest.effective.A),
                     "accuracy": float((logits.argmax(axis=1) == pairs.sum(axis=1) % p).mean())})
    return rows


def told_apart(rows):
    """Fewest and most frequencies in use that cannot be told from the best number: the least objective with so many is
    no larger than the second least with that number."""
    by_count = {}
    for row in rows:
        by_count.setdefault(row["used"], []).append(row["objective"])
    best = sorted(min(by_count.values(), key=min))
    alike = [count for count, objectives in by_count.items() if min(objectives) <= best[:2][-1]]
    return min(alike), max(alike)


def draw(optima, learned):
    """Objective over the least of its kind, by the number of frequencies; crosses: what trained networks use."""
    figure = Figure(figsize=(WIDTH, 3.8), layout="constrained")
    axes, told = figure.subplots(1, 2), []
    for axis, (kind, name), colour in zip(axes, KINDS.items(), CYCLE, strict=False):
        rows = [row for row in optima if row["factoring"] == kind]
        least = min(row["objective"] for row in rows)
        counts = sorted({row["used"] for row in rows})
        lowest = [min(row["objective"] for row in rows if row["used"] == count) / least for count in counts]
        axis.plot([row["used"] for row in rows], [row["objective"] / least for row in rows], "o", mfc="none",
                  color=colour, ms=4)
        axis.plot(counts, lowest, "-", color=colour, label="written down")
        here = [row for row in learned if row["factoring"] == kind]
        axis.plot([row["used"] for row in here], [row["objective"] / least for row in here], "x", color=BLUE,
                  label="trained, at rest")
        axis.set(xscale="log", yscale="log", title=name, xlabel="frequencies in use",
                 ylabel="loss + decay / least written down")
        axis.set_xticks(TICKS, TICKS)
        axis.set_yticks([1, 2, 5, 10, 20], [1, 2, 5, 10, 20])
        axis.minorticks_off()
        axis.legend(frameon=False)
        told.append(f"{name}: least with {spread(told_apart(rows))}, trained networks use "
                    f"{spread([row['used'] for row in here])}")
    title(figure, *told)
    return figure


def spread(values, form=""):
    """Least to largest, or the one."""
    low, high = (format(end, form) for end in (min(values), max(values)))
    return low if low == high else f"{low} to {high}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, default=2, help="random sets of frequencies for each number")
    parser.add_argument("--seeds", type=int, default=8, help="trained networks of each kind")
    parser.add_argument("--steps", type=int, default=10_000)
    parser.add_argument("--quick", action="store_true", help="p = 13, one set each, 200 steps")
    options = parse(parser, "how_many_frequencies")
    p, counts, evaluations = 67, (1, 2, 3, 4, 5, 6, 8, 12), 1500
    if options.quick:
        p, counts, evaluations, options.trials, options.seeds, options.steps = 13, (1, 2, 4, 6), 100, 1, 2, 200
    settings = [{"p": p, "factoring": kind, "count": count, "trial": trial, "evaluations": evaluations}
                for count in counts[::-1] for kind in KINDS for trial in range(options.trials)]
    with workers() as pool:
        optima = sweep(optimum, settings, options.out / "optima.jsonl", executor=pool)
        learned = sweep(trained, [{"p": p, "factoring": kind, "seeds": options.seeds, "steps": options.steps,
                                   "evaluations": evaluations} for kind in KINDS],
                        options.out / "trained.jsonl", executor=pool)
    print("least loss + decay of the random sets, in 1e-4, and the frequencies that this network uses; which number\n"
          "of frequencies is least, as far as the sets tell; then of the trained networks, at rest")
    titles = [*map(str, counts), "least for", "trained", "they use", "before rest", "accuracy"]
    print("| decay | " + " | ".join(titles) + " |\n|" + " --- |" * (len(titles) + 1))
    for kind, name in KINDS.items():
        best = [min((row for row in optima if (row["factoring"], row["count"]) == (kind, count)),
                    key=lambda row: row["objective"]) for count in counts]
        here = [row for row in learned if row["factoring"] == kind]
        alike = told_apart([row for row in optima if row["factoring"] == kind])
        cells = [*(f"{1e4 * row['objective']:.3g} ({row['used']})" for row in best), spread(alike),
                 spread([1e4 * row["objective"] for row in here], ".3g"),
                 *(spread([row[key] for row in here], form)
                   for key, form in (("used", ""), ("before", ""), ("accuracy", ".1%")))]
        print(f"| {name} | {' | '.join(cells)} |")
    for kind, name in KINDS.items():
        rows = [row for row in optima if row["factoring"] == kind]
        sets = [[row["objective"] for row in rows if row["count"] == count] for count in counts]
        least = min(map(min, sets))
        used = sorted((row["used"], row["objective"] / least) for row in learned if row["factoring"] == kind)
        print(f"\n{name}: sets of one number differ by at most {max(max(one) / min(one) for one in sets) - 1:.0%}; "
              "trained networks, frequencies: objective over the least written down:\n    "
              + ", ".join(f"{n}: {ratio:.2f}" for n, ratio in used))
    show(options.out, {"frequencies": (draw(optima, learned), "where loss + decay is least, and what training uses")})


if __name__ == "__main__":
    main()
