# %%
"""Why do networks with an embedding use few frequencies, and one-hot networks many? Compare the optima.

    python examples/how_many_frequencies.py            # some minutes on one core

Decay on the factors of tied weights is a nuclear norm, which charges for rank; decay on one-hot weights is |A|² + |C|²,
which does not (docs/theory.md, section 5). For 1 to 24 frequencies, four random sets of each, `best_rings` writes down
24 neurons with the least loss + decay on all pairs (p = 67) under both decays. Beside them stand networks that AdamW
has trained on all pairs, so that the objective is the same. Printed and drawn: the objective by the number of
frequencies, and how many frequencies the trained networks use: the fewest with 90 % of the power of A. Rows are kept
in --out and gone on with.
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
    return {"objective": best.objective, "loss": best.loss, "used": frequencies_used(best.effective.A)}


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
        loss = float(LOSSES["cross_entropy"].forward(mix_forward(effective, pairs)[0], pairs.sum(axis=1) % p)[0])
        decay = OPTIMIZER.eps * OPTIMIZER.weight_decay / 2 * sum(float((W**2).sum()) for W in params.values())
        rows.append({"objective": loss + decay, "loss": loss, "used": frequencies_used(effective.A)})
    return rows


def draw(optima, learned):
    """Objective over the least of its kind, by the number of frequencies; bars: what trained networks use."""
    figure = Figure(figsize=(WIDTH, 3.8), layout="constrained")
    axes, best = figure.subplots(1, 2), {}
    for axis, (kind, name), colour in zip(axes, KINDS.items(), CYCLE, strict=False):
        rows = [row for row in optima if row["factoring"] == kind]
        least = min(row["objective"] for row in rows)
        counts = sorted({row["count"] for row in rows})
        lowest = [min(row["objective"] for row in rows if row["count"] == count) / least for count in counts]
        best[kind] = counts[int(np.argmin(lowest))]
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
    used = {kind: sorted(row["used"] for row in learned if row["factoring"] == kind) for kind in KINDS}
    title(figure, f"Least for {best['tied']} frequencies with tied factors, trained ones use "
                  f"{used['tied'][0]} to {used['tied'][-1]}; least for {best['collapsed']} with one-hot weights, "
                  f"trained ones use {used['collapsed'][0]} to {used['collapsed'][-1]}")
    return figure


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
    print("least loss + decay of the random sets, in 1e-4, and the frequencies that this network uses")
    print("| decay | " + " | ".join(map(str, counts)) + " | trained | they use |\n|" + " --- |" * (len(counts) + 3))
    for kind, name in KINDS.items():
        best = [min((row for row in optima if (row["factoring"], row["count"]) == (kind, count)),
                    key=lambda row: row["objective"]) for count in counts]
        here = [row for row in learned if row["factoring"] == kind]
        objectives, used = ([row[key] for row in here] for key in ("objective", "used"))
        print(f"| {name} | " + " | ".join(f"{1e4 * row['objective']:.3f} ({row['used']})" for row in best)
              + f" | {1e4 * min(objectives):.3f} to {1e4 * max(objectives):.3f} | {min(used)} to {max(used)} |")
    show(options.out, {"frequencies": (draw(optima, learned), "where loss + decay is least, and what training uses")})


if __name__ == "__main__":
    main()
