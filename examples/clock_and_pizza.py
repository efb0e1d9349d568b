# %% [markdown]
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

# %%
import argparse
import os
from pathlib import Path

import numpy as np
from _circles import circles, isolated_circles
from _console import learn_each, parse, show
from matplotlib.figure import Figure

from grok_np import MLP, AdamW, ModularArithmetic, Transformer, analytic, load_run, reading, train
from grok_np.figures.style import BLACK, SKY, WIDTH, title
from grok_np.reading import clock_pizza, published

P = 59
RATES = (0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.9, 1)
LINEAR = {"alpha": "collapsed_output", "delta": "concatenated", "x": "two_embeddings"}
REFERENCE = Path(os.environ.get("GROK_NP_REFERENCE", "../shared/reference"))
KNOWN = {"p99zdpze5l": "Model A", "l8k1hzciux": "Model B", "p71frej8t7": "beta", "18c9ev5v5p": "two vocabularies",
         "dy65ktpiij": "GELU", "f5dh675z97": "width 86", "2fsoiei4o2": "two layers"}

# %% [markdown]
# ## Train, or load the published ones


# %%
def learn(name, steps, out):
    """Train one network on one thread: "rate 0.10", or one of `LINEAR`, which are quick and take 4 times the steps."""
    if name in LINEAR:
        steps, optimizer = 4 * steps, AdamW(lr=1e-3, betas=(0.9, 0.999), weight_decay=2.0)
        model = MLP(P, d_embed=128 if name == "delta" else 256, n_hidden=256, factoring=LINEAR[name], bias=True,
                    initialisation="pizza")
    else:
        optimizer = AdamW(lr=1e-3, betas=(0.9, 0.98), weight_decay=2.0, warmup_steps=10)
        model = Transformer(P, layout="a b", attention_rate=float(name.split()[1]), causal=False,
                            initialisation="pizza")
    train(model, ModularArithmetic(P, train_fraction=0.8), optimizer, steps, 0, out / name.replace(" ", "_"),
          exist_ok=True, checkpoint_every=500, threads=1, progress=False)


def trained(options):
    """Networks {name: (model, params)} of our own."""
    rates, linear, steps = (RATES[::13], ["alpha"], 20) if options.quick else (
        options.rates or RATES, [] if options.rates else [*LINEAR], options.steps)
    names = [f"rate {rate:.2f}" for rate in rates] + linear
    learn_each(learn, names, steps=steps, out=options.out)
    runs = {name: load_run(options.out / name.replace(" ", "_")) for name in names}
    return {name: (run.model, run.params) for name, run in runs.items()}


def loaded(folder):
    """Networks {name: (model, params)} of the paper."""
    paths = {path.stem: path for path in folder.glob("*.npz") if not path.stem.startswith("expected")}
    order = sorted(paths, key=lambda name: [*KNOWN, name].index(name))
    found = {KNOWN.get(name, name): published.load(paths[name]) for name in order}
    return {name: (one.model, one.params) for name, one in found.items()}


def exact(p):
    """The two algorithms written down, on the three circles that give the pizza the widest margin."""
    frequencies, _ = analytic.best_frequencies(p, 3, margin=analytic.pizza_margin)
    return {name: analytic.on_circles(build(p, frequencies), frequencies)
            for name, build in (("exact clock", analytic.clock), ("exact pizza", analytic.pizza))}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--published", type=Path, metavar="FOLDER", nargs="?", const=REFERENCE / "pizza")
    parser.add_argument("--table", type=Path, default=REFERENCE / "pizza_tables/fixedwidth.npz")
    parser.add_argument("--steps", type=int, default=5000)
    parser.add_argument("--rates", type=float, nargs="+", help="only these attention rates, no other networks")
    parser.add_argument("--quick", action="store_true", help="three networks, 20 steps: nothing is learned")
    options = parse(parser, "clock_and_pizza")
    networks = loaded(options.published) if options.published else trained(options)
    if not networks:
        parser.error(f"there is no .npz file in the folder {options.published}")
    networks |= exact(P)

# %% [markdown]
# ## Tell them apart
# Distance irrelevance is that of the largest wrong logit, which is what the authors' table of runs holds; the verdict
# (`clock_pizza.classify`) asks the right logit.

# %%
if __name__ == "__main__":
    print("                                                distance irrelevance\n"
          "network            accuracy  symmetricity    of the largest wrong logit   circularity   verdict")
    verdicts, measures = {}, {}
    for name, (model, params) in networks.items():
        found = clock_pizza.classify(model, params)
        wrong = clock_pizza.distance_irrelevance(model, params, of="largest wrong")
        verdicts[name], measures[name] = found.algorithm, (found.gradient_symmetricity, wrong)
        print(f"{name:18s}{found.accuracy:9.4f}{found.gradient_symmetricity:z14.4f}{wrong:30.4f}"
              f"{found.circularity:14.4f}   {found.algorithm}", flush=True)
    counts = {kind: list(verdicts.values()).count(kind) for kind in ("clock", "pizza", "neither")}
    print("\n" + ", ".join(f"{count} {kind}" for kind, count in counts.items()) + f" of {len(networks)} networks.")

# %% [markdown]
# ## What does each circle compute alone?


# %%
def describe_circles(model, params, name):
    """Print what the network does with each circle of its embedding alone, and draw it."""
    isolated = isolated_circles(model, params)
    print(f"\n{name}, each circle of its embedding alone:")
    for one in isolated:
        formulas = ", ".join(f"{name} {value:.1%}" for name, value in one.agreement.items() if value > 0)
        print(f"  frequency {one.circle.frequency:2d}: {one.accuracy:.1%} right; agrees with {formulas or 'none'}"
              + (f"; accompanies {one.accompanies}" if one.accompanies else ""))
    scores = clock_pizza.principal_components(clock_pizza.token_table(model, params)).scores[: model.p]
    return circles(scores, isolated), "which formula each circle follows when it is alone"


if __name__ == "__main__":
    first = {kind: next((name for name, verdict in verdicts.items() if verdict == kind and "W_E" in networks[name][1]),
                        None) for kind in ("pizza", "clock")}
    pictures = {f"circles_{kind}": describe_circles(*networks[name], name) for kind, name in first.items() if name}

# %% [markdown]
# ## Beside the published runs


# %%
# The published table measures the largest wrong logit, whatever the definition says; beside it stands the same.
IRRELEVANCE = "distance irrelevance\nof the largest wrong logit"


def algorithm_plane(networks, cloud=None) -> Figure:
    """Gradient symmetricity against distance irrelevance: clocks at the upper left, pizzas at the lower right.

    networks {name: (gradient symmetricity, distance irrelevance of the largest wrong logit)}; cloud (rate,
    symmetricity, irrelevance) of published runs, arrays of one length.
    """
    figure = Figure(figsize=(WIDTH, 5.4), layout="constrained")
    axis = figure.subplots()
    if cloud is not None:
        shown = axis.scatter(cloud[1], cloud[2], c=cloud[0], s=5, cmap="viridis", lw=0, rasterized=True)
        figure.colorbar(shown, label=f"attention rate of {len(cloud[0]):,} published networks")
    ranked = sorted(networks.items(), key=lambda item: item[1][1])
    for (name, (symmetric, irrelevant)), level in zip(ranked, np.linspace(0, 1, len(ranked)), strict=True):
        axis.plot(symmetric, irrelevant, "o", ms=8, mfc="white", mec=BLACK, mew=1.6, zorder=3)
        axis.annotate(name, (symmetric, irrelevant), (1.12, level), va="center", fontsize=8,
                      arrowprops={"arrowstyle": "-", "color": "0.6", "lw": 0.6})
    axis.set(xlabel="gradient symmetricity", ylabel=IRRELEVANCE, xlim=(-0.12, 1.45), ylim=(-0.05, 1.05),
             xticks=np.linspace(0, 1, 6))
    axis.text(0.02, 0.02, "clock: upper left     pizza: lower right", transform=axis.transAxes, color="0.35")
    values = np.array(list(networks.values())).reshape(-1, 2)
    title(figure, f"{len(values)} networks between clock and pizza: "
          + span("symmetricity", values[:, 0]) + ", " + span("irrelevance", values[:, 1]))
    return figure


def span(name, values):
    return f"{name} {min(values):.2f} to {max(values):.2f}" if len(values) else f"no {name}"


def transition(rates, networks, cloud=None) -> Figure:
    """Both measures over the attention rate, one marker per network of ours, over the published runs and their band.

    networks (n, 2): gradient symmetricity, and distance irrelevance of the largest wrong logit; cloud as in
    `algorithm_plane`.
    """
    figure = Figure(figsize=(WIDTH, 4.2), layout="constrained")
    axes = figure.subplots(1, 2, sharex=True)
    names, networks = ("gradient symmetricity", IRRELEVANCE), np.asarray(networks)
    for i, (axis, name) in enumerate(zip(axes, names, strict=True)):
        if cloud is not None:
            rate, values = cloud[0], cloud[1 + i]
            axis.plot(rate, values, ".", ms=2, color="0.6", rasterized=True, label="published networks")
            edges = np.linspace(0, 1, 21)
            near = [values[abs(rate - edge) <= 0.05] for edge in edges]
            bands = [np.quantile(one, (0.05, 0.95)) if len(one) else (np.nan, np.nan) for one in near]
            axis.fill_between(edges, *np.transpose(bands), color=SKY, alpha=0.4, lw=0, label="their 5-95 % band")
        axis.plot(rates, networks[:, i], "o", mfc="white", mec=BLACK, mew=1.6, label="ours")
        axis.set(xlabel="attention rate", ylabel=name, ylim=(-0.03, 1.05))
    figure.legend(*axes[0].get_legend_handles_labels(), frameon=False, fontsize=9, ncols=3, loc="outside lower center")
    first, last = np.argmin(rates), np.argmax(rates)
    ends = [f"{name} {networks[first, i]:.2f} to {networks[last, i]:.2f}"
            for i, name in enumerate(("symmetricity", "irrelevance"))]
    moved = networks[last] - networks[first]
    says = ": from pizza to clock" if moved[0] < -0.2 < 0.2 < moved[1] else ": no way from pizza to clock"
    title(figure, f"Attention rate {rates[first]:g} to {rates[last]:g}, {' and '.join(ends)}{says}")
    return figure


def correct_logit_maps(maps) -> Figure:
    """The correct logit by a - b and a + b (`by_sum_and_difference`): upright stripes for the pizza.

    maps {title: (p, p)}, each on a scale of its own: dark is the smallest, bright the largest. Under each name the
    share of its variance that is due to a - b alone.
    """
    columns = min(len(maps), 5)
    rows = -(-len(maps) // columns)
    figure = Figure(figsize=(max(WIDTH / 5 * columns, 6), 0.9 + 2.1 * rows), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False)
    due = []
    for axis, (name, table) in zip(axes.flat, maps.items(), strict=False):
        flat = np.nanmax(table) - np.nanmin(table) < 1e-9
        half = len(table) // 2
        axis.imshow(np.roll(table, half, axis=1), origin="lower", cmap="viridis", extent=(-half, half, 0, len(table)),
                    aspect="auto", vmin=np.nanmin(table) - flat, vmax=np.nanmax(table) + flat)
        if flat:
            axis.set_title(f"{name}\nconstant", fontsize=9)
        else:
            due.append(np.nanvar(np.nanmean(table, axis=0)) / np.nanvar(table))
            axis.set_title(f"{name}\n{due[-1]:.0%} by a - b", fontsize=9)
    for axis in axes.flat[len(maps):]:
        axis.set_axis_off()
    for axis in axes[:, 0]:
        axis.set_ylabel("a + b mod p")
    for axis in axes[-1]:
        axis.set_xlabel("a - b mod p")
    upright = sum(share > 0.5 for share in due)
    title(figure, f"How sure of the right answer? In {upright} of {len(maps)} networks a - b alone decides more than "
                  "half of it: upright stripes, the mark of the pizza")
    return figure


# %%
def published_cloud(path):
    """Rate, symmetricity and irrelevance (of the largest wrong logit) of the paper's runs: ReLU, one layer, plain."""
    with np.load(path, allow_pickle=False) as table:
        chosen = ((table["n_layers"] == 1) & (table["diff_vocab"] == 0) & (table["eqn_sign"] == 0)
                  & (table["circularity"] > 0.9))
        return tuple(table[name][chosen] for name in ("attn_coeff", "gradient_sim", "distance_irrelevance"))


def in_band(cloud, rates, pairs):
    """For each network whether both measures lie in the 5-95 % band of published runs within 0.05 of its rate."""
    near = [abs(cloud[0] - rate) <= 0.05 for rate in rates]
    bands = np.array([[np.quantile(values[here], (0.05, 0.95)) for values in cloud[1:]] for here in near])
    return (bands[..., 0] <= pairs) & (pairs <= bands[..., 1])


if __name__ == "__main__":
    cloud = published_cloud(options.table) if options.table.exists() else None
    maps = {name: clock_pizza.by_sum_and_difference(clock_pizza.correct_logits(reading.all_logits(*network)))
            for name, network in networks.items()}
    # The exact clock's logits may be constant, so that its irrelevance is not a number: it has no place in the plane.
    plane = {name: pair for name, pair in measures.items() if np.isfinite(pair).all()}
    pictures |= {"correct_logits": (correct_logit_maps(maps), "upright stripes: a - b decides, as in a pizza"),
                 "plane": (algorithm_plane(plane, cloud), "where each network lies between clock and pizza")}
    ours = {float(name.split()[1]): pair for name, pair in measures.items() if name.startswith("rate")}
    if ours:
        rates, pairs = list(ours), np.array(list(ours.values()))
        pictures["transition"] = transition(rates, pairs, cloud), "whether the rate leads from pizza to clock"
        if cloud is not None:
            inside = in_band(cloud, rates, pairs)
            print(f"\nin the published 5-95 % band at their rate: symmetricity {inside[:, 0].sum()}, irrelevance "
                  f"{inside[:, 1].sum()}, both {inside.all(axis=1).sum()} of {len(rates)} networks")
    show(options.out / ("published_figures" if options.published else "figures"), pictures)
