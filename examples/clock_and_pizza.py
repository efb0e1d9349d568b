# %%
"""Clock, pizza or neither? Small networks across attention rates, told apart, beside the exact ones.

    python examples/clock_and_pizza.py                        # 17 networks; about half an hour on two cores
    python examples/clock_and_pizza.py --published FOLDER     # the same questions to checkpoints (.npz) of the paper

The transformer of Zhong et al. 2023 (p = 59, 80 % of the pairs) at 14 attention rates, and their networks without
attention: alpha, delta and x. Printed: a table of gradient symmetricity, distance irrelevance, circularity and verdict,
the exact clock and pizza included; and what each circle of the first network computes alone. Drawn: correct-logit
maps, the circles, and every network in the plane of the two measures, over the authors' table of thousands of runs
where it is found (--table FILE, or the folder GROK_NP_REFERENCE). Every network is a run folder, so that an interrupted
sweep goes on.
"""

import argparse
import os
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np

from grok_np import (
    MLP,
    AdamW,
    ModularArithmetic,
    Transformer,
    analytic,
    clock_pizza,
    figures,
    load_run,
    published,
    resume,
    train,
)

P = 59
RATES = (0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.9, 1)
LINEAR = {"alpha": "collapsed_output", "delta": "concatenated", "x": "two_embeddings"}
REFERENCE = Path(os.environ.get("GROK_NP_REFERENCE", "../shared/reference"))
KNOWN = {"p99zdpze5l": "Model A", "l8k1hzciux": "Model B", "p71frej8t7": "beta", "18c9ev5v5p": "two vocabularies",
         "dy65ktpiij": "GELU", "f5dh675z97": "width 86", "2fsoiei4o2": "two layers"}


# %%
def recipe(name):
    """Model and optimizer of a network by name: "rate 0.10", or one of `LINEAR`."""
    if name in LINEAR:
        model = MLP(P, d_embed=128 if name == "delta" else 256, n_hidden=256, factoring=LINEAR[name], bias=True,
                    initialisation="pizza")
        return model, AdamW(lr=1e-3, betas=(0.9, 0.999), weight_decay=2.0)
    model = Transformer(P, layout="a b", attention_rate=float(name.split()[1]), causal=False, initialisation="pizza")
    return model, AdamW(lr=1e-3, betas=(0.9, 0.98), weight_decay=2.0, warmup_steps=10)


def learn(name, steps, out):
    """Train, continue or just load one network on one thread; `LINEAR` ones are quick and take 4 times the steps."""
    path = out / name.replace(" ", "_")
    if (path / "config.json").exists():
        return resume(path, threads=1, progress=False)
    model, optimizer = recipe(name)
    task = ModularArithmetic(P, train_fraction=0.8)
    steps = 4 * steps if name in LINEAR else steps
    return train(model, task, optimizer, steps, 0, path, checkpoint_every=500, threads=1, progress=False)


def exact(p):
    """The two algorithms written down, on the three circles that give the pizza the widest margin."""
    frequencies, _ = analytic.best_frequencies(p, 3, margin=analytic.pizza_margin)
    return {name: analytic.on_circles(build(p, frequencies), frequencies)
            for name, build in (("exact clock", analytic.clock), ("exact pizza", analytic.pizza))}


# %%
def row(name, model, params):
    """One line of the table."""
    verdict = clock_pizza.classify(model, params)
    sample = clock_pizza.gradient_symmetricity(model, params, clock_pizza.paper_triples(model.p))
    wrong = clock_pizza.distance_irrelevance(model, params, of="largest wrong")
    print(f"{name:18s}{verdict.accuracy:9.4f}{verdict.gradient_symmetricity:z12.4f}{sample:9.4f}"
          f"{verdict.distance_irrelevance:13.4f}{wrong:9.4f}{verdict.circularity:13.4f}   {verdict.algorithm}",
          flush=True)
    return verdict.algorithm, sample, wrong


HEADER = ("network            accuracy  symmetricity  sampled irrelevance    wrong  circularity   verdict")


def describe_circles(model, params, title):
    """What the network does with each circle of its embedding alone."""
    isolated = clock_pizza.isolated_circles(model, params)
    print(f"\n{title}, each circle of its embedding alone:")
    for one in isolated:
        formulas = ", ".join(f"{name} {value:.1%}" for name, value in one.explained.items() if value > 0)
        print(f"  frequency {one.circle.frequency:2d}: {one.accuracy:.1%} right; explained by {formulas or 'none'}"
              + (f"; accompanies {one.accompanies}" if one.accompanies else ""))
    together = [component for one in isolated for component in one.circle.components]
    if together:
        logits = clock_pizza.all_logits(model, clock_pizza.isolate(model, params, together))
        print(f"  all of them together: {clock_pizza.accuracy(logits):.1%} right")
    return isolated


def published_cloud(path):
    """Rate, symmetricity and irrelevance (of the largest wrong logit) of the paper's runs: ReLU, one layer, plain."""
    with np.load(path, allow_pickle=False) as table:
        chosen = ((table["n_layers"] == 1) & (table["diff_vocab"] == 0) & (table["eqn_sign"] == 0)
                  & (table["circularity"] > 0.9))
        return tuple(table[name][chosen] for name in ("attn_coeff", "gradient_sim", "distance_irrelevance"))


def in_band(cloud, rates, measures):
    """For each network whether both measures lie in the 5-95 % band of published runs within 0.05 of its rate."""
    inside = []
    for rate, pair in zip(rates, measures, strict=True):
        near = abs(cloud[0] - rate) <= 0.05
        bands = [np.quantile(values[near], (0.05, 0.95)) for values in cloud[1:]]
        inside.append([low <= value <= high for value, (low, high) in zip(pair, bands, strict=True)])
    return np.array(inside)


# %%
def show(networks, out, cloud):
    """Table and figures of networks {name: (model, params)}; returns the table's measures by name, and the pictures."""
    print(HEADER)
    rows = {name: row(name, *network) for name, network in networks.items()}
    pictures = []
    for algorithm in ("pizza", "clock"):
        name = next((name for name, (verdict, *_) in rows.items() if verdict == algorithm), None)
        if name and "W_E" in networks[name][1]:
            model, params = networks[name]
            isolated = describe_circles(model, params, name)
            scores = clock_pizza.principal_components(clock_pizza.token_table(model, params)).scores[: model.p]
            pictures.append(figures.save(figures.circles(scores, isolated), out / f"circles_{algorithm}.png"))
    maps = {name: clock_pizza.by_sum_and_difference(clock_pizza.correct_logits(clock_pizza.all_logits(*network)))
            for name, network in networks.items()}
    # The exact clock's correct logit is constant, so its irrelevance is not a number: it has no place in the plane.
    plane = {name: pair for name, (_, *pair) in rows.items() if np.isfinite(pair).all()}
    pictures += [figures.save(figures.correct_logit_maps(maps), out / "correct_logits.png"),
                 figures.save(figures.algorithm_plane(plane, cloud), out / "plane.png")]
    return rows, pictures


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--published", type=Path, metavar="FOLDER", nargs="?", const=REFERENCE / "pizza")
    parser.add_argument("--table", type=Path, default=REFERENCE / "pizza_tables/fixedwidth.npz")
    parser.add_argument("--steps", type=int, default=5000)
    parser.add_argument("--out", type=Path, default=Path("runs/clock_and_pizza"))
    parser.add_argument("--quick", action="store_true", help="three networks, 20 steps: nothing is learned")
    arguments = parser.parse_args()
    cloud = published_cloud(arguments.table) if arguments.table.exists() else None
    if arguments.published:
        if not any(arguments.published.glob("*.npz")):
            parser.error(f"there is no .npz file in the folder {arguments.published}")
        loaded = {path.stem: published.load(path) for path in sorted(arguments.published.glob("*.npz"))
                  if not path.stem.startswith("expected")}
        order = sorted(loaded, key=lambda name: [*KNOWN, name].index(name))
        networks = {KNOWN.get(name, name): (loaded[name].model, loaded[name].params) for name in order}
        _, pictures = show(networks | exact(P), arguments.out / "published_figures", cloud)
    else:
        rates = RATES[::13] if arguments.quick else RATES
        names = [f"rate {rate:.2f}" for rate in rates] + (["alpha"] if arguments.quick else list(LINEAR))
        work = partial(learn, steps=20 if arguments.quick else arguments.steps, out=arguments.out)
        with ProcessPoolExecutor(len(os.sched_getaffinity(0))) as pool:
            list(pool.map(work, names))
        runs = {name: load_run(arguments.out / name.replace(" ", "_")) for name in names}
        networks = {name: (run.model, run.params) for name, run in runs.items()}
        rows, pictures = show(networks | exact(P), arguments.out / "figures", cloud)
        ours = [rows[name][1:] for name in names[: len(rates)]]
        pictures.append(figures.save(figures.transition(rates, ours, cloud), arguments.out / "figures/transition.png"))
        if cloud is not None:
            inside = in_band(cloud, rates, ours)
            print(f"\nin the published 5-95 % band at their rate: symmetricity {inside[:, 0].sum()}, irrelevance "
                  f"{inside[:, 1].sum()}, both {inside.all(axis=1).sum()} of {len(rates)} networks")
    print("\nLook at:", *pictures, sep="\n  ")


if __name__ == "__main__":
    main()
