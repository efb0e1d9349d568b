# %%
"""How many frequencies does a network use, and which? Spectral counts against p; the law of sets at p = 7, 11, 13.

    python examples/frequency_count.py            # 1,380 networks and 6,000 small ones; half an hour on one core

The setting of MAIS-O52 ("Math for AI Safety", agenda A5) as far as it is finite: the full table of a + b mod p, p
neurons, first weights of variance 1/p, loss + 1e-4 |theta|², gradient flow followed by steps that are shares of
|theta| (`_flow`). N_.05 is the least number of frequencies with 95 % of the spectral mass of the logits. Beside ReLU
and one-hot weights: x², and tied weights with p dimensions (first weights as in the explorable article). Networks that
are wrong at more than 1 % of the pairs are left out and counted. Growth is fitted by least squares on the means:
constant, a + b log p, a + b p, with b's 95 % interval from 2,000 bootstraps of the seeds, and the residual of each;
once more for the primes alone, where all frequencies are equivalent (not so mod 9 and 15). No count exceeds (p - 1)/2.

Which sets: one-hot, 8 x² or 16 ReLU neurons, p = 7, 11, 13, 1,000 seeds each. That every frequency is equally likely is
a theorem for x² (proposition 4.4 there), so its chi-squared tests the program. Pairs of frequencies fall into orbits
under multiplication, within which they are equally likely; whether orbits are, MAIS-O58 asks. One is that of {k, 2k}.
Results are rows of runs/frequency_count/*.jsonl, so that an interrupted run goes on.
"""

# %%
import argparse
from collections import Counter
from itertools import combinations

import numpy as np
from _console import parse, show, workers
from _flow import flow
from matplotlib.figure import Figure
from scipy.stats import binomtest, chisquare

from grok_np import MLP
from grok_np.figures import style
from grok_np.groups import cyclic
from grok_np.layers import predict
from grok_np.learning.sweep import grid, sweep
from grok_np.reading import groups
from grok_np.tasks import all_pairs

MODULI = (5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 29, 31, 37, 41, 47, 53, 59, 71, 83, 97)
LARGE = 50  # from here on a quarter of the seeds: work grows with p^4
DECAY, DELTA, ENOUGH = 1e-4, 0.05, 3  # right networks that a modulus needs to enter a fit
SMALL, NEURONS = (7, 11, 13), {"square": 8, "relu": 16}
NAMES = {"square": "x²", "relu": "ReLU", "one_hot": "one-hot", "tied": "tied"}

# %% Train, and read the logits.


def read(p, activation, factoring, neurons, seeds, steps):
    """A row for each network: the least set of frequencies with 95 % of the spectral mass, and the accuracy."""
    model = MLP(p, p, neurons, activation, factoring,
                initialisation="variance 1/p" if factoring == "one_hot" else "article")
    rows = []
    for seed in seeds:  # a few at a time, so that activations stay in the cache
        _, final = flow(model, f"C_{p}", DECAY, seed, steps)
        pairs = all_pairs(p)
        logits, _ = model.forward(final, pairs)
        weights = groups.spectral_weights(logits.reshape(-1, p, p, p), cyclic(p))
        shares = groups.shares(*(getattr(model.effective(final), name) for name in "ABC"), cyclic(p))
        for i, (weight, count) in enumerate(zip(weights, groups.spectral_count(weights, DELTA), strict=True)):
            rows.append({"count": int(count), "set": sorted(np.argsort(-weight)[:count].tolist()),
                         "strongest": int(weight.argmax()),
                         "accuracy": float((predict(logits[i]) == pairs.sum(axis=1) % p).mean()),
                         "pure": int((shares[i].max(axis=0) >= 0.95).sum())})
    return rows


def count_one(p, activation, factoring, seeds, steps):
    """`read` with as many neurons as residues."""
    return read(p, activation, factoring, p, np.array_split(range(seeds), max(1, seeds // 5)), steps)


def sets_of(p, activation, seeds, steps):
    """`read` with few neurons and many seeds."""
    return read(p, activation, "one_hot", NEURONS[activation], np.array_split(range(seeds), max(1, seeds // 50)), steps)


# %% How the count grows.


def fits(p, counts, rng, draws=2000):
    """(name, slope, its interval, root mean square residual) of the three laws, of counts: a list of arrays by p."""
    found = []
    for name, x in (("a", None), ("a + b log p", np.log(p)), ("a + b p", np.array(p, float))):
        design = np.ones((len(p), 1)) if x is None else np.stack([np.ones(len(p)), x], axis=1)

        def solve(means, design=design):
            return np.linalg.lstsq(design, means)[0]

        means = np.array([one.mean() for one in counts])
        a = solve(means)
        slopes = [solve(np.array([rng.choice(one, len(one)).mean() for one in counts]))[-1] for _ in range(draws)]
        found.append((name, a[-1], np.quantile(slopes, [0.025, 0.975]), np.sqrt(((design @ a - means) ** 2).mean())))
    return found


def prime(p):
    return all(p % k for k in range(2, p))


def orbits(p):
    """Pairs of frequencies {i, j}, by the orbit under multiplication: its smallest pair names it."""
    def fold(k):
        return min(k % p, -k % p)

    name = {}
    for pair in combinations(range(1, p // 2 + 1), 2):
        name[pair] = min(tuple(sorted((fold(t * pair[0]), fold(t * pair[1])))) for t in range(1, p))
    return name


def picture(counts, better, laws):
    """Counts against p, with the law that fits better; shares of the orbits of pairs against equal ones."""
    figure = Figure(figsize=(style.WIDTH, 3.9), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=[3, 2])
    for (name, by_p), colour, marker in zip(counts.items(), style.CYCLE, "o^sD", strict=False):
        p = [one for one in by_p if len(by_p[one])]
        means, errors = ([f(by_p[one]) for one in p] for f in (np.mean, lambda x: x.std() / np.sqrt(len(x))))
        left.errorbar(p, means, errors, color=colour, marker=marker, ms=5, capsize=2,
                      label=name)
    p = np.array(MODULI)
    left.plot(p, p // 2, ":", color=style.BLACK, label="all frequencies")
    left.set(xlabel="p", ylabel="frequencies, $N_{.05}$ (mean, standard error)", title="How many")
    left.legend(fontsize=8)
    for y, (_, k, n, share) in enumerate(laws):
        low, high = binomtest(k, n).proportion_ci(method="wilson")
        right.plot([low, high], [y, y], color=style.BLACK)
        right.plot(k / n, y, "o", color=style.BLUE, label="measured, 95 %" if not y else None)
        right.plot(share, y, "|", color=style.RED, ms=14, mew=2, label="all pairs equally likely" if not y else None)
    right.set(yticks=range(len(laws)), yticklabels=[words for words, *_ in laws], xlim=(0, 1),
              xlabel="share of {k, 2k} among two-element sets", title="Which", ylim=(-0.6, len(laws) + 0.4))
    if laws:
        right.legend(fontsize=8, loc="upper right")
    told = [f"{law} for {' and '.join(name for name in better if better[name] == law)}"
            for law in sorted(set(better.values()), reverse=True)]
    style.title(figure, *[f"Of the two laws of growth the better fit is {', '.join(told)}."] * bool(told))
    return figure


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--many", type=int, default=1000, help="seeds for the law of sets")
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--quick", action="store_true", help="2 seeds, 5 steps: nothing is learned")
    options = parse(parser, "frequency_count")
    seeds, many, steps = (2, 3, 5) if options.quick else (options.seeds, options.many, options.steps)
    networks = {p: seeds if p < LARGE else max(1, seeds // 4) for p in MODULI}
    kinds = {f"{NAMES[activation]}, {NAMES[factoring]}": (activation, factoring)
             for activation in ("relu", "square") for factoring in ("one_hot", "tied")}
    with workers() as pool:
        settings = [{"p": p, "activation": activation, "factoring": factoring, "seeds": networks[p], "steps": steps}
                    for p in MODULI[::-1] for activation, factoring in kinds.values()]  # the longest first
        rows = sweep(count_one, settings, options.out / "counts.jsonl", executor=pool)
        sets = sweep(sets_of, grid(p=SMALL, activation=["relu", "square"], seeds=[many], steps=[steps]),
                     options.out / "sets.jsonl", executor=pool)
    good = {name: {p: [row for row in rows if (row["activation"], row["factoring"], row["p"]) == (*kind, p)
                       and row["accuracy"] >= 0.99] for p in MODULI} for name, kind in kinds.items()}
    counts = {name: {p: np.array([row["count"] for row in here]) for p, here in by_p.items()}
              for name, by_p in good.items()}
    print(f"| p | seeds | {' | '.join(kinds)} | pure neurons per frequency |\n|" + " --- |" * 7)
    for p, of in networks.items():
        cells = [f"{here[p].mean():.1f}" + f" ({len(here[p])})" * (len(here[p]) < of) if len(here[p]) else "-"
                 for here in counts.values()]
        pure = [f"{sum(row['pure'] for row in here[p]) / sum(row['count'] for row in here[p]):.1f}" if here[p] else "-"
                for here in good.values()]
        print(f"| {p} | {of} | {' | '.join(cells)} | {', '.join(pure)} |")
    print("\n| network | moduli | law | a or b, 95 % | residual |\n|" + " --- |" * 5)
    better = {}
    for name, by_p in counts.items():
        usable = [p for p in MODULI if len(by_p[p]) >= ENOUGH]
        for moduli, words in (([p for p in usable if prime(p)], "primes"), (usable, "all")):
            if len(moduli) >= 4:
                found = fits(moduli, [by_p[p] for p in moduli], np.random.default_rng(0))
                better[name] = min(found[1:], key=lambda one: one[-1])[0]
                for law, slope, (low, high), residual in found:
                    print(f"| {name} | {words} | {law} | {slope:.3f} [{low:.3f}, {high:.3f}] | {residual:.2f} |")
    laws = []
    print("\nWhich sets (of networks that are right at 99 % of the pairs)")
    for activation in ("square", "relu"):
        for p in SMALL:
            here = [row for row in sets if (row["p"], row["activation"]) == (p, activation)]
            good = [row for row in here if row["accuracy"] >= 0.99]
            first = np.bincount([row["strongest"] for row in here], minlength=p // 2 + 1)[1:]
            print(f"  {NAMES[activation]}, p = {p}: strongest frequency of all {len(here)}: {first.tolist()}, equally "
                  f"likely p-value {chisquare(first).pvalue:.3f}; {len(good)} right, sizes of sets "
                  f"{dict(sorted(Counter(row['count'] for row in good).items()))}")
            name = orbits(p)
            pairs = Counter(name[tuple(row["set"])] for row in good if row["count"] == 2)
            sizes, total = Counter(name.values()), sum(pairs.values())
            if total and len(sizes) > 1:
                expected = [total * sizes[one] / len(name) for one in sizes]
                print(f"      pairs by orbit {({one: pairs[one] for one in sizes})}, orbits' sizes {dict(sizes)}: "
                      f"equally likely p-value {chisquare([pairs[one] for one in sizes], expected).pvalue:.2g}")
                laws.append((f"{NAMES[activation]}, p = {p}", pairs[1, 2], total, sizes[1, 2] / len(name)))
    show(options.out, {"frequencies": (picture(counts, better, laws),
                                       "growth with p, and pairs {k, 2k} against chance")})
