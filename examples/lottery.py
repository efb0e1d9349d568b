# %%
"""Is a neuron's frequency decided by its first weights? The lottery of He et al. 2026 on 15,360 neurons.

    python examples/lottery.py            # 24 settings x 20 networks; about three minutes on one core

He, Wang, Chen, Yang 2026 (arXiv 2602.16849): while a neuron is small, its frequencies grow independently of each other,
and the one wins whose phases are least misaligned at the start. With u_k, v_k, w_k the Fourier coefficients of what the
neuron reads from a and from b and of what it writes, the misalignment is D_k = arg(u_k v_k conj w_k) (2 phi - psi where
u = v), and in their approximation u' = conj(v) w, v' = conj(u) w, w' = u v for each k alone. Four predictions of the
winner, from first weights alone:

    phase       the k of the smallest |D_k|
    magnitude   the k of the largest |u_k|² + |v_k|² + |w_k|²
    drive       the k of the largest |u_k v_k w_k| cos D_k, at what speed the sum of squares grows at first
    race        the k whose three equations above diverge first

The network: addition mod 17, all pairs, 32 neurons, x² or ReLU, one-hot or tied with 32 dimensions, first weights
normal (variance 1/17; tied ones as in the article) times a scale of 0.01, 0.1 or 1, loss with or without decay
1e-4 |theta|². Steps go along the gradient, of a length that is a share of |theta| (so the small scales take no longer):
gradient flow with another clock. Printed: how often the final frequency, that of most of the neuron's energy, is the
first and among the first three of a prediction, against chance, with 95 % intervals that count networks, not neurons
alone, of those neurons only that end with half of their energy or more in one frequency ("decided"). Results are rows
of runs/lottery/table.jsonl, so that an interrupted run goes on.
"""

# %%
import argparse

import numpy as np
from _console import parse, show, workers
from _flow import flow
from matplotlib.figure import Figure

from grok_np import MLP
from grok_np.figures import style
from grok_np.groups import cyclic
from grok_np.learning.sweep import grid, sweep
from grok_np.reading import groups

P, NEURONS, DECAY = 17, 32, 1e-4
PREDICTIONS = ("phase", "magnitude", "drive", "race")

# %% Predict.


def scores(effective):
    """By prediction, the score of each frequency 1 .. p//2 for each neuron: (networks, p//2, neurons); largest wins."""
    u, v, w = (np.fft.rfft(W.astype(float), axis=1)[:, 1:] for W in (effective.A, effective.B, effective.C.mT))
    D = np.angle(u * v * w.conj())
    return {"phase": -np.abs(D), "magnitude": np.abs(u) ** 2 + np.abs(v) ** 2 + np.abs(w) ** 2,
            "drive": np.abs(u * v * w) * np.cos(D), "race": -divergence(u, v, w)}


def divergence(u, v, w, steps=400):
    """When u' = conj(v) w, v' = conj(u) w, w' = u v diverge; midpoint steps that each grow by some percent."""
    theta, time = np.stack([u, v, w]), np.zeros(u.shape)

    def speed(theta):
        u, v, w = theta
        return np.stack([v.conj() * w, u.conj() * w, u * v])

    for _ in range(steps):
        h = 0.1 / np.abs(theta).max(axis=0)
        theta = theta + h * speed(theta + h / 2 * speed(theta))
        time += h
    return time


def one(activation, factoring, scale, decay, seeds, steps):
    """How often each prediction is right; a row of counts over the neurons of all networks."""
    model = MLP(P, 32, NEURONS, activation, factoring, init_scale=scale,
                initialisation="variance 1/p" if factoring == "one_hot" else "article")
    first, final = (model.effective(params) for params in flow(model, f"C_{P}", decay, range(seeds), steps))
    shares = groups.shares(final.A, final.B, final.C, cyclic(P))[:, 1:]
    winner = shares.argmax(axis=1)[:, None]
    alive = np.abs(final.C).max(axis=(1, 2)) > 1e-6  # or decay has shrunk the whole network to nothing
    decided = (shares.max(axis=1) >= 0.5) & alive[:, None]
    row = {"neurons": decided.size, "decided": decided.sum(axis=1).tolist()}
    for name, score in scores(first).items():
        place = (score > np.take_along_axis(score, winner, axis=1)).sum(axis=1)
        row |= {name: (decided & (place == 0)).sum(axis=1).tolist(),
                f"{name}_3": (decided & (place < 3)).sum(axis=1).tolist()}
    return row


def share(right, decided):
    """Percent and its 95 % interval, from how many are right of how many in each network.

    Neurons of one network are not independent. So Wilson's interval is that of fewer neurons: as many as, drawn
    independently, would give the variance that the networks show (Kish's design effect, at least 1; where all or none
    are right there is no variance to see, and it is taken for 1: such an interval is too narrow).
    """
    k, n = np.array(right), np.array(decided)
    if not n.sum():
        return "-"
    p, networks = k.sum() / n.sum(), (n > 0).sum()
    shown = networks / max(networks - 1, 1) * ((k - p * n) ** 2).sum() / n.sum()  # times n: p (1 - p) if independent
    effective = n.sum() / max(1, shown / (p * (1 - p))) if 0 < p < 1 else n.sum()
    z2 = 1.96**2 / effective
    middle, half = (p + z2 / 2) / (1 + z2), np.sqrt(z2 * (p * (1 - p) + z2 / 4)) / (1 + z2)
    return f"{p:.0%} [{middle - half:.0%}, {middle + half:.0%}]"


# %% How often is the prediction right?


def totals(rows):
    """How many neurons there are, how many are decided, and for how many of these each prediction is right."""
    right = {name: sum(sum(row[name]) for row in rows) for name in ("decided", *PREDICTIONS, "race_3")}
    return right | {"neurons": sum(row["neurons"] for row in rows)}


def picture(rows):
    """Share of right predictions against the initial scale, a panel for each network."""
    figure = Figure(figsize=(style.WIDTH, 5.4), layout="constrained")
    panels = figure.subplots(2, 2, sharex=True, sharey=True)
    for i, activation in enumerate(("square", "relu")):
        for j, factoring in enumerate(("one_hot", "tied")):
            ax = panels[i, j]
            for name, colour, marker in zip(PREDICTIONS, style.CYCLE, "o^sD", strict=False):
                for decay, line in ((0.0, "-"), (DECAY, "--")):
                    here = [row for row in rows if (row["activation"], row["factoring"], row["decay"]) ==
                            (activation, factoring, decay) and sum(row["decided"])]
                    ax.plot([row["scale"] for row in here],
                            [sum(row[name]) / sum(row["decided"]) for row in here], line,
                            marker=marker, color=colour, label=name if not decay else None)
            ax.axhline(1 / (P // 2), color=style.BLACK, ls=":")
            ax.set(xscale="log", ylim=(0, 1.04), title=f"{'x²' if activation == 'square' else 'ReLU'}, "
                   f"{'one-hot' if factoring == 'one_hot' else 'tied'}")
    panels[0, 1].legend(fontsize=8, loc="upper left")
    for ax in panels[1]:
        ax.set_xlabel("initial scale")
    for ax in panels[:, 0]:
        ax.set_ylabel("right, of decided neurons")
    found = totals(rows)
    best, decided = max(PREDICTIONS, key=found.get), max(found["decided"], 1)
    style.title(figure, f"{best.capitalize()} names the final frequency of {found[best] / decided:.0%} of decided "
                f"neurons (which are {decided / found['neurons']:.0%} of all).",
                "The best of the four predictions on these same neurons. "
                f"Decided: half of the energy in one frequency.\nDotted: chance, {1 / (P // 2):.1%}. "
                "Dashed: with decay.")
    return figure


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--quick", action="store_true", help="one network each, 10 steps: hardly anything is learned")
    options = parse(parser, "lottery")
    seeds, steps = (1, 10) if options.quick else (options.seeds, options.steps)
    settings = grid(activation=["square", "relu"], factoring=["one_hot", "tied"], scale=[0.01, 0.1, 1.0],
                    decay=[0.0, DECAY], seeds=[seeds], steps=[steps])
    with workers() as pool:
        rows = sweep(one, settings, options.out / "table.jsonl", executor=pool)
    print(f"Chance: first {1 / (P // 2):.1%}, among the first three {3 / (P // 2):.1%}.")
    print("| σ | weights | scale | decay | decided | " + " | ".join(PREDICTIONS) + " | "
          + " | ".join(f"{name}, top 3" for name in PREDICTIONS) + " |\n|" + " --- |" * (5 + 2 * len(PREDICTIONS)))
    for row in rows:
        cells = [share(row[name + top], row["decided"]) for top in ("", "_3") for name in PREDICTIONS]
        print(f"| {'x²' if row['activation'] == 'square' else 'ReLU'} | {row['factoring']} | {row['scale']:g} | "
              f"{row['decay']:g} | {sum(row['decided'])} of {row['neurons']} | {' | '.join(cells)} |")
    found, one_hot = totals(rows), totals([row for row in rows if (row["activation"], row["factoring"]) ==
                                           ("square", "one_hot")])
    print(f"\nDecided: {found['decided']:,} of {found['neurons']:,} neurons "
          f"({found['decided'] / found['neurons']:.0%}); the race is right for "
          f"{found['race'] / max(found['decided'], 1):.0%} of them. One-hot x²: the final frequency is among the "
          f"race's first three for {one_hot['race_3']:,} of {one_hot['decided']:,}.")
    show(options.out, {"lottery": (picture(rows), "solid and dashed lines; the dotted one is chance")})
