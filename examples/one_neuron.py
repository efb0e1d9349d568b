# %%
"""The fate of one ReLU neuron, and of two x² neurons, that learn addition mod 5: 100,000 runs.

    python examples/one_neuron.py            # a minute and a half on one core

The problems MAIS-O92 and MAIS-O59 ("Math for AI Safety", agenda A5): logits f(a, b)(c) = sum over i of
sigma(u_i(a) + v_i(b)) w_i(c), gradient flow on the cross-entropy of the full table without decay, first weights normal
with standard deviation tau. One ReLU neuron, active at the start, can die (it is active nowhere: a state that never
changes), align (its direction tends to a single frequency), or memorise (it tends to another direction). Two x² neurons
may or may not choose the same frequency.

The flow is followed as a curve: explicit Euler steps whose length is a share h of |theta|, falling from 0.02 to 0.001,
because without decay the weights grow without end, ever more slowly. At kinks of ReLU it chatters by the length of a
step, as Clarke's flow slides. A run ends, so limits are not seen: pure is called a neuron with 95 % of its centred
energy in one frequency, at rest a network whose direction moves by less than 0.1 in the second half of the run. A
neuron that is neither dead nor pure memorises if it is at rest, and is undecided if not. Printed:
probabilities with 95 % Wilson intervals by tau, how many pairs keep the neuron active, how far directions still move,
and how many runs are called the same with steps of half the length.
"""

# %%
import argparse
from itertools import product

import numpy as np
from _console import parse, show, wilson
from matplotlib.figure import Figure
from threadpoolctl import threadpool_limits
from tqdm import tqdm

from grok_np import RunError
from grok_np.figures import style
from grok_np.files import read_npz, write_atomically
from grok_np.groups import cyclic
from grok_np.reading import groups
from grok_np.streams import generator

P, TAUS, CHUNK, AT_REST = 5, (0.1, 0.3, 1.0, 3.0), 250, 0.1
SUM = np.add.outer(np.arange(P), np.arange(P)) % P
ONE, TWO = ("relu", 1), ("square", 2)
NAMES = {ONE: "one ReLU neuron", TWO: "two x² neurons"}

# %% The flow, for many networks at once: theta (3, m, P, runs) holds u, v, w.


def gradient(theta, activation):
    """Gradient of the mean cross-entropy of each network, like theta. As in `layers`, relative to the right logit."""
    u, v, w = theta
    pre = u[:, :, None] + v[:, None]
    post = np.maximum(pre, 0) if activation == "relu" else pre**2  # (m, a, b, runs)
    logits = sum(post[i][:, :, None] * w[i] for i in range(len(w)))  # (a, b, c, runs)
    a, b = np.ogrid[:P, :P]
    logits -= logits[a, b, SUM][:, :, None]
    e = np.exp(np.minimum(logits, 600.0))
    e[a, b, SUM] = 0
    wrong = e.sum(axis=2)
    e /= P**2 * (1 + wrong[:, :, None])
    e[a, b, SUM] = -wrong / (P**2 * (1 + wrong))
    dw = np.stack([(e * post[i][:, :, None]).sum(axis=(0, 1)) for i in range(len(w))])
    dpre = np.stack([(e * w[i]).sum(axis=2) for i in range(len(w))]) * (pre > 0 if activation == "relu" else 2 * pre)
    return np.stack([dpre.sum(axis=2), dpre.sum(axis=1), dw])


def flow(theta, activation, steps, finer=1):
    """Weights at the middle and at the end, of ``finer`` times as many steps, each that much shorter."""
    theta = theta.copy()
    for step in range(finer * steps):
        if step == finer * steps // 2:
            middle = theta.copy()
        g = gradient(theta, activation)
        h = 0.02 * 20.0 ** (-step / (finer * steps)) / finer
        length = np.sqrt((g**2).sum(axis=(0, 1, 2)))
        theta -= np.divide(h * np.sqrt((theta**2).sum(axis=(0, 1, 2))), length, out=np.zeros(length.shape),
                           where=length > 0) * g
    return middle, theta


def first(kind, tau, runs, purpose):
    """First weights (3, m, P, runs); ReLU neurons that nothing activates are drawn again."""
    rng, (activation, m) = generator(0, f"{purpose} {tau}"), kind
    theta = rng.normal(size=(3, m, P, 2 * runs))
    if activation == "relu":
        theta = theta[..., (theta[0].max(axis=1) + theta[1].max(axis=1)).max(axis=0) > 0]
    return tau * theta[..., :runs]


# %% What became of them.


def read(theta):
    """Of each neuron: share of its centred energy in its best frequency, that frequency, how many pairs activate it,
    and whether they are a staircase: k, k - 1, ..., 1 of the b for k of the a, none for the others.
    """
    A, B, C = theta.transpose(0, 3, 2, 1)  # (runs, P, m)
    found = groups.shares(A, B, C.mT, cyclic(P))
    pre = A[:, :, None] + B[:, None]
    active = (pre > 0.01 * np.abs(pre).max(axis=(1, 2), keepdims=True)) & (pre > 0).any(axis=(1, 2), keepdims=True)
    rows = -np.sort(-active.sum(axis=2), axis=1)  # how many b for each a, most first
    stairs = (rows == np.maximum(rows[:, :1] - np.arange(P)[:, None], 0)).all(axis=1) & (rows[:, 0] > 0)
    return found.max(axis=1), found.argmax(axis=1), active.sum(axis=(1, 2)), stairs


def moved(middle, end):
    """Distance of the directions at the middle and at the end of the run."""
    one, other = (x / np.sqrt((x**2).sum(axis=(0, 1, 2))) for x in (middle, end))
    return np.sqrt(((one - other) ** 2).sum(axis=(0, 1, 2)))


def run_all(activation, theta, steps, bar, finer=1):
    """Of all runs: what `read` says, and how far directions moved in the second half."""
    parts = []
    for start in range(0, theta.shape[-1], CHUNK):
        middle, end = flow(theta[..., start:start + CHUNK], activation, steps, finer)
        parts.append((*read(end), moved(middle, end)))
        bar.update(end.shape[-1])
    return dict(zip(("purity", "frequency", "active", "stairs", "moved"), map(np.concatenate, zip(*parts, strict=True)),
                    strict=True))


def fates(found):
    """0 dead, 1 memorises, 2 pure, 3 undecided, of each single ReLU neuron."""
    neither = np.where(found["moved"] < AT_REST, 1, 3)
    return np.where(found["active"][:, 0] == 0, 0, np.where(found["purity"][:, 0] >= 0.95, 2, neither))


def pairs(found):
    """0 not both pure, 1 both pure for one frequency, 2 for two, of each two x² neurons."""
    same = found["frequency"][:, 0] == found["frequency"][:, 1]
    return np.where((found["purity"] >= 0.95).all(axis=1), np.where(same, 1, 2), 0)


def picture(one, two):
    """How many pairs keep the ReLU neuron active, by tau; the purity of the x² neurons."""
    figure = Figure(figsize=(style.WIDTH, 3.8), layout="constrained")
    left, right = figure.subplots(1, 2)
    colours = (style.SKY, style.BLUE, style.GREEN, style.ORANGE)
    for i, ((tau, found), colour) in enumerate(zip(one.items(), colours, strict=True)):
        counts = np.bincount(found["active"][:, 0], minlength=P * P + 1) / len(found["active"])
        left.bar(np.arange(14) + 0.2 * (i - 1.5), counts[:14], 0.2, color=colour, label=f"τ = {tau:g}")
    left.set(xlabel="pairs (of 25) that keep the neuron active; 0: dead", ylabel="share of runs",
             title="one ReLU neuron", xticks=[0, 1, 3, 6, 10])
    left.legend()
    for (tau, found), colour in zip(two.items(), colours, strict=True):
        right.hist(found["purity"].ravel(), bins=np.linspace(0.5, 1, 51), density=True, histtype="step", lw=1.5,
                   color=colour, label=f"τ = {tau:g}")
    right.axvline(0.95, color=style.GREY, ls=":")
    right.set(xlabel="share of a neuron's energy in its best frequency", ylabel="density", title="two x² neurons")
    right.legend(loc="upper left")
    aligned = sum((fates(found) == 2).sum() for found in one.values())
    total = sum(len(found["active"]) for found in one.values())
    different = sum((pairs(found) == 2).sum() for found in two.values())
    style.title(figure, f"{aligned:,} of {total:,} single ReLU neurons have 95 % of their energy in one frequency.",
                f"{different:,} of {sum(map(len, map(pairs, two.values()))):,} pairs of x² neurons have it in two.")
    return figure


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=12_500, help="for each activation and initial scale")
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--quick", action="store_true", help="50 runs of 40 steps")
    options = parse(parser, "one_neuron")
    runs, steps = (50, 40) if options.quick else (options.runs, options.steps)
    check = min(runs, 1000)
    options.out.mkdir(parents=True, exist_ok=True)
    found = {}
    with threadpool_limits(1, user_api="blas"), tqdm(total=2 * (len(TAUS) * runs + check), unit="run") as bar:
        for kind, tau, finer in [*product((ONE, TWO), TAUS, (1,)), (ONE, 1.0, 2), (TWO, 1.0, 2)]:
            path, n = options.out / f"{kind[0]}_{tau:g}_{finer}.npz", runs if finer == 1 else check
            if path.exists():
                bar.update(n)
            else:
                theta = first(kind, tau, runs, "first weights")[..., :n]
                done = run_all(kind[0], theta, steps, bar, finer)
                write_atomically(path, lambda file, done=done: np.savez_compressed(file, **done, steps=steps))
            found[kind, tau, finer] = read_npz(path)
            kept = (len(found[kind, tau, finer]["moved"]), int(found[kind, tau, finer]["steps"]))
            if kept != (n, steps):
                raise RunError(f"{path} holds {kept[0]} runs of {kept[1]} steps, not {n} of {steps}")
    print("| τ | dies | memorises | pure (95 %) | undecided | most frequent numbers of active pairs | staircases |\n"
          + "|" + " --- |" * 7)
    for tau in TAUS:
        one = found[ONE, tau, 1]
        sizes = np.bincount(one["active"][:, 0])
        often = ", ".join(f"{k} ({sizes[k] / runs:.0%})" for k in np.argsort(-sizes)[:3])
        print(f"| {tau:g} | {' | '.join(wilson(k, runs, 4) for k in np.bincount(fates(one), minlength=4))} | {often} | "
              f"{one['stairs'].mean():.0%} |")
    print("\n| τ | two x² neurons: both pure, one frequency | both pure, two frequencies | quartiles of purity | "
          "one best frequency |\n|" + " --- |" * 5)
    for tau in TAUS:
        two = found[TWO, tau, 1]
        counts = np.bincount(pairs(two), minlength=3)[1:]
        print(f"| {tau:g} | {' | '.join(wilson(k, runs, 4) for k in counts)} | "
              f"{', '.join(f'{q:.3f}' for q in np.quantile(two['purity'], [0.25, 0.5, 0.75]))} | "
              f"{(two['frequency'][:, 0] == two['frequency'][:, 1]).mean():.0%} |")
    print()
    for (kind, tau, finer), one in found.items():
        if finer == 1:
            print(f"{NAMES[kind]}, τ = {tau:g}: energy 99.9 % in one frequency of {(one['purity'] >= 0.999).sum()} "
                  f"neurons; directions moved by {np.median(one['moved']):.3f} (median), "
                  f"{np.quantile(one['moved'], 0.99):.2f} (99 %), by {AT_REST} or more in "
                  f"{(one['moved'] >= AT_REST).sum()} runs")
    same = [(judge(found[kind, 1.0, 2]) == judge(found[kind, 1.0, 1])[:check]).mean()
            for kind, judge in ((ONE, fates), (TWO, pairs))]
    coarse, fine = (np.where(fates(found[ONE, 1.0, finer]) == 3, 1, fates(found[ONE, 1.0, finer]))[:check]
                    for finer in (1, 2))
    active = (found[ONE, 1.0, 2]["active"] == found[ONE, 1.0, 1]["active"][:check]).mean()
    print(f"Steps of half the length: {same[0]:.1%} of single neurons ({(coarse == fine).mean():.1%} if memorised and "
          f"undecided are one) and {same[1]:.1%} of pairs are called the same; {active:.1%} of single neurons are "
          "active on as many pairs.")
    show(options.out, {"fates": (picture({tau: found[ONE, tau, 1] for tau in TAUS},
                                         {tau: found[TWO, tau, 1] for tau in TAUS}), "blocks of 1, 3, 6, 10 pairs")})
