# %%
"""Which representations does training select? A pilot measurement with 2,400 small networks: MAIS-O61 to the letter.

    python examples/selection_law.py            # 24 configurations x 100 seeds; some eight minutes on one core

The problem, with all definitions: "Math for AI Safety", agenda A5, problem 6.3 (github.com/lionellevine/MAIS). Logits
f(a, b)(c) = sum over m neurons of sigma(u(a) + v(b)) w(c) on the group C_5 or S_3, sigma x² or ReLU, all weights
normal with variance 1/|G|, loss = mean cross-entropy over the full table + lambda |theta|², full-batch Adam, float64. A
network has converged when loss and weights have changed by less than 1e-7 of themselves at 500 updates in a row; it is
kept as it is then. The same seed has the same first weights whatever sigma and lambda.

Printed: the law of the key set K_.005 with 95 % Wilson intervals, spectral counts N_.05, multiplicities nu_.05, how
many networks did not converge, the probability that both of two neurons choose the same frequency of C_5, and how far
the law moves with width and decay. Left in runs/selection_law: one file a configuration, from which an interrupted run
goes on; networks.npz with configurations, seeds, and the final weights of all networks; table.json; law.png.
"""

# %%
import argparse
import json
from itertools import combinations, product

import numpy as np
from _console import parse, show, wilson
from matplotlib.figure import Figure
from scipy.stats import binomtest
from threadpoolctl import threadpool_limits
from tqdm import tqdm

from grok_np import MLP, AdamW, Composition, RunError
from grok_np.figures import style
from grok_np.files import read_npz, write_atomically
from grok_np.groups import named
from grok_np.layers import LOSSES, predict
from grok_np.learning.ensemble import make_groups, step_of_all
from grok_np.networks.flat import FlatVector
from grok_np.networks.initial import INITIALISATIONS
from grok_np.reading import groups
from grok_np.streams import generator
from grok_np.tasks import all_pairs

GROUPS, ACTIVATIONS, WIDTHS, DECAYS = ("C_5", "S_3"), ("square", "relu"), (2, 8), (0.0, 1e-4, 1e-2)
ADAM = AdamW(lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0)  # the decay is in the loss
STEPS, SEEDS, TOLERANCE, PATIENCE, EPSILON, DELTA = 20_000, 100, 1e-7, 500, 0.005, 0.05
AT_KINK = 1e-3  # a pre-activation this near to zero counts as one at ReLU's kink
NAMES = {"C_5": ("1", "2"), "S_3": ("sgn", "std")}  # the nontrivial classes in their order
SIGMA = {"square": "x²", "relu": "ReLU"}
INITIALISATIONS["normal"] = lambda rng, name, shape, model: rng.normal(size=shape)

# %% Train the networks of one configuration together.


def network(group, activation, width):
    """The one-hot network; its first weights have variance 1/n."""
    n = named(group).order
    return MLP(n, n_hidden=width, activation=activation, factoring="one_hot", initialisation="normal",
               init_scale=n**-0.5)


def first_weights(model, seeds):
    """By name, (seeds, ...)."""
    drawn = [model.init(generator(seed, "weights"), np.float64) for seed in seeds]
    return {name: np.stack([one[name] for one in drawn]) for name in model.shapes}


def train(model, group, decay, seeds, steps, bar):
    """Final weights by name, the step at which each network converged (-1: it did not), final losses."""
    split = Composition(group).split()
    theta = FlatVector(first_weights(model, seeds))
    gradient, last, moments = FlatVector(theta.views), FlatVector(theta.views), ADAM.init(theta.vector)
    final = {name: W.copy() for name, W in theta.views.items()}
    converged, calm, losses = np.full(len(seeds), -1), np.zeros(len(seeds), int), np.full(len(seeds), np.nan)
    parts = make_groups(model, [np.stack([part] * len(seeds)) for part in split], np.float64)
    before = np.full(len(seeds), np.inf)
    for step in range(steps + 1):
        loss = step_of_all(model, theta.views, parts, LOSSES["cross_entropy"], gradient.views)
        if decay:
            loss += decay * sum_of_squares(theta.views)
            gradient.vector += 2 * decay * theta.vector
        still = np.abs(loss - before) < TOLERANCE * before
        if still.any():
            change = {name: W - last.views[name] for name, W in theta.views.items()}
            still &= sum_of_squares(change) < TOLERANCE**2 * sum_of_squares(last.views)
        calm = np.where(still, calm + 1, 0)
        here = (converged < 0) & ((calm == PATIENCE) | (step == steps))
        if here.any():
            for name, W in theta.views.items():
                final[name][here] = W[here]
            losses[here] = loss[here]
            converged[here & (calm == PATIENCE)] = step
        if (converged >= 0).all() or step == steps:
            bar.update(steps - step)
            return final | {"converged": converged, "loss": losses}
        before, last.vector[:] = loss, theta.vector
        ADAM.step(theta.vector, gradient.vector, moments, step + 1)
        bar.update()


def sum_of_squares(arrays):
    """Of each network: (seeds,)."""
    return sum(np.einsum("sij,sij->s", W, W) for W in arrays.values())


# %% Read them.


def read(group, model, found):
    """What is recorded of each network; class by class in the order of NAMES."""
    G = named(group)
    params = {name: found[name] for name in model.shapes}
    pairs = all_pairs(G.order)
    logits, _ = model.forward(params, pairs)
    weights = groups.spectral_weights(logits.reshape(-1, *3 * [G.order]), G)
    neurons = groups.shares(params["W_in_a"], params["W_in_b"], params["W_out"], G)
    centred = np.abs(logits - logits.mean(axis=-1, keepdims=True)).max(axis=(1, 2))
    pre = params["W_in_a"][:, :, None] + params["W_in_b"][:, None]
    return {"key_set": [groups.key_set(one, EPSILON) for one in weights],
            "key_set_of_squares": [groups.key_set(one, EPSILON**0.5) for one in weights],
            "count": groups.spectral_count(weights, DELTA),
            "multiplicity": groups.multiplicities(neurons, DELTA)[:, 1:],
            "best": neurons.argmax(axis=1),  # class of each neuron
            "pure_for": np.where(neurons.max(axis=1) >= 1 - DELTA, neurons.argmax(axis=1), 0),  # 0: for none
            "at_kink": (np.abs(pre) < AT_KINK).sum(axis=(1, 2, 3)),
            "held": weights.sum(axis=-1), "largest_logit": centred,
            "right": (predict(logits) == G.table[tuple(pairs.T)]).mean(axis=-1)}


def distance(one, other, rng, draws=2000):
    """Total variation between two laws of the key set, and how often it is as large if seeds exchange their networks.

    A seed has the same first weights in both, so its two networks belong together; each seed exchanges them or not.
    """
    codes = np.array([[sum(1 << k for k in keys) for keys in law] for law in (one, other)])

    def between(codes):
        counts = [np.bincount(law, minlength=8) / len(law) for law in codes]
        return np.abs(counts[0] - counts[1]).sum() / 2

    found = between(codes)
    return found, np.mean([between(np.where(rng.random(len(one)) < 0.5, codes, codes[::-1])) >= found - 1e-12
                           for _ in range(draws)])


def of_class(group, found, name, rng, draws=2000):
    """Share of the pure neurons that are pure for a class, with a 95 % interval from bootstraps of the networks."""
    ours, all_ = ((found["pure_for"] == k).sum(axis=1) for k in (1 + NAMES[group].index(name), 0))
    all_ = found["pure_for"].shape[1] - all_
    drawn = rng.integers(len(ours), size=(draws, len(ours)))
    low, high = np.quantile(ours[drawn].sum(axis=1) / np.maximum(all_[drawn].sum(axis=1), 1), [0.025, 0.975])
    return f"{ours.sum()} of {all_.sum()} = {ours.sum() / max(all_.sum(), 1):.3f} [{low:.3f}, {high:.3f}]"


def picture(laws, same):
    """Bars of the key sets of each configuration; the same-frequency probabilities."""
    figure = Figure(figsize=(style.WIDTH, 5.6), layout="constrained")
    axes = figure.subplots(1, 3, width_ratios=[3, 3, 2])
    colours = (style.GREY, style.SKY, style.ORANGE, style.BLUE)
    for ax, group in zip(axes, GROUPS, strict=False):
        rows = [config for config in laws if config[0] == group]
        left = np.zeros(len(rows))
        for k, (keys, colour) in enumerate(zip(key_sets(group), colours, strict=True)):
            share = np.array([laws[config][k] for config in rows])
            if share.any():
                ax.barh(range(len(rows)), share, left=left, color=colour, edgecolor="white",
                        label=f"{{{', '.join(keys)}}}")
            left += share
        ax.set_yticks(range(len(rows)), [f"{SIGMA[s]}, m={m}, λ={decay:g}" for _, s, m, decay in rows], fontsize=8)
        ax.invert_yaxis()
        ax.set(xlim=(0, 1), xlabel="share of networks", title=f"key set, {group}")
        ax.legend(ncols=3, fontsize=8, loc="upper center", bbox_to_anchor=(0.4, -0.13))
    for y, (words, (k, n)) in enumerate(same.items()):
        low, high = binomtest(k, n).proportion_ci(method="wilson")
        axes[2].plot([low, high], [y, y], color=style.BLACK)
        axes[2].plot(k / n, y, "o", color=style.BLUE)
        axes[2].text(0.97, y - 0.25, words, ha="right", fontsize=8)
    axes[2].set(xlim=(-0.03, 1), ylim=(len(same) - 0.5, -0.7), yticks=[], xlabel="share of networks",
                title="C_5, m=2: both\nneurons pure for\none frequency")
    charged = sum(sum(share > 0 for share in law) > 1 for law in laws.values())
    style.title(figure, f"{charged} of {len(laws)} configurations end in more than one key set.")
    return figure


def key_sets(group):
    """Names of the four possible key sets."""
    one, other = NAMES[group]
    return ((), (one,), (other,), (one, other))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="3 seeds, 100 updates: hardly anything is learned")
    options = parse(parser, "selection_law")
    seeds, steps = (range(3), 100) if options.quick else (range(SEEDS), STEPS)
    configurations = list(product(GROUPS, ACTIVATIONS, WIDTHS, DECAYS))
    options.out.mkdir(parents=True, exist_ok=True)
    results = {}
    with threadpool_limits(1, user_api="blas"), tqdm(total=steps * len(configurations), unit="update") as bar:
        for config in configurations:
            group, activation, width, decay = config
            model = network(group, activation, width)
            path = options.out / f"{group}_{activation}_{width}_{decay:g}.npz"
            if path.exists():
                bar.update(steps)
            else:
                found = train(model, group, decay, seeds, steps, bar)
                write_atomically(path, lambda file, arrays=found: np.savez_compressed(file, **arrays, steps=steps))
            results[config] = read_npz(path)
            kept = (len(results[config]["loss"]), int(results[config]["steps"]))
            if kept != (len(seeds), steps):
                raise RunError(f"{path} holds {kept[0]} seeds and {kept[1]} updates, not {len(seeds)} and {steps}")
    settings = {"configurations": [dict(zip(("group", "activation", "width", "decay"), one, strict=True))
                                   for one in configurations], "seeds": list(seeds), "steps": steps, "lr": ADAM.lr,
                "betas": ADAM.betas, "eps": ADAM.eps, "tolerance": TOLERANCE, "patience": PATIENCE,
                "epsilon": EPSILON, "delta": DELTA, "first_weights": "grok_np.streams.generator(seed, 'weights')"}
    arrays = {f"{i:02d}/{name}": W for i, config in enumerate(configurations)
              for name, W in results[config].items() if name != "steps"}
    text = np.frombuffer(json.dumps(settings).encode(), np.uint8)
    write_atomically(options.out / "networks.npz", lambda file: np.savez_compressed(file, settings=text, **arrays))

# %% The law.
if __name__ == "__main__":
    found = {config: read(config[0], network(*config[:3]), results[config]) for config in configurations}
    laws, table, moved = {}, [], []
    print("| G | sigma | m | lambda | nonconvergent | all pairs right | logits below 1e-6 | {} | {first} | {second} "
          "| {both} | N_.05: 0, 1, 2 | mean nu_.05 |\n|" + " --- |" * 13)
    for config in configurations:
        group, activation, width, decay = config
        one, n = found[config], len(seeds)
        counts = [one["key_set"].count(keys) for keys in ([], [1], [2], [1, 2])]
        laws[config] = np.array(counts) / n
        stricter = [one["key_set_of_squares"].count(keys) for keys in ([], [1], [2], [1, 2])]
        moved.append(f"{group} {SIGMA[activation]} m = {width}, lambda = {decay:g}: {stricter}")
        failed, right = int((results[config]["converged"] < 0).sum()), int((one["right"] == 1).sum())
        dead = int((one["largest_logit"] < 1e-6).sum())
        sizes = np.bincount(one["count"], minlength=3)
        means = one["multiplicity"].mean(axis=0)
        nu = ", ".join(f"{name} {x:.2f}" for name, x in zip(NAMES[group], means, strict=True))
        print(f"| {group} | {SIGMA[activation]} | {width} | {decay:g} | {failed} | {right} | {dead} | "
              + " | ".join(wilson(k, n) for k in counts) + f" | {', '.join(map(str, sizes))} | {nu} |")
        table.append({"group": group, "activation": activation, "width": width, "decay": decay, "networks": n,
                      "nonconvergent": failed, "all_right": right, "collapsed": dead, "counts": sizes.tolist(),
                      "key_sets_of_squares": stricter,
                      "key_sets": dict(zip(["+".join(names) or "none" for names in key_sets(group)], counts,
                                           strict=True)), "nu": means.tolist()})
    write_atomically(options.out / "table.json", lambda file: file.write(json.dumps(table, indent=1).encode()))
    others = sum(keys != strict for one in found.values()
                 for keys, strict in zip(one["key_set"], one["key_set_of_squares"], strict=True))
    print(f"\nWith 0.5 % of the squared norm for threshold, b² >= 0.005 instead of b, {others} of "
          f"{len(seeds) * len(found):,} sets are others: networks with {{}}, {{first}}, {{second}}, {{both}}\n  "
          + "\n  ".join(moved))
    print("\nKey sets {first}, {second}, {both} and final losses of networks that are right at all pairs, and of the "
          "others;\nmedian share of the squared norm of the centred logits that the classes hold together")
    for (group, activation, width, decay), one in found.items():
        right = one["right"] == 1
        split = [[sum(keys == kept for kept, judged in zip(one["key_set"], right, strict=True) if judged == side)
                  for keys in ([1], [2], [1, 2])] for side in (True, False)]
        loss = results[group, activation, width, decay]["loss"]
        most = f"at most {loss[right].max():.1e} nats" if right.any() else "-"
        span = "-" if right.all() else f"{loss[~right].min():.2f} to {loss[~right].max():.2f} nats"
        print(f"  {group} {SIGMA[activation]:4} m = {width}, lambda = {decay:<6g} right {split[0]}, {most}, others "
              f"{split[1]}, {span}; {np.median(one['held']):.0%}")
    print(f"\nReLU with decay: networks with pre-activations within {AT_KINK:g} of zero, median number of these")
    for group, width, decay in product(GROUPS, WIDTHS, DECAYS[1:]):
        at_kink = found[group, "relu", width, decay]["at_kink"]
        print(f"  {group} m = {width}, lambda = {decay:<6g} {(at_kink > 0).mean():.0%}, {np.median(at_kink):g} of "
              f"{width * named(group).order**2}")
    rng = generator(0, "bootstrap")
    print("\nS_3: share of the pure neurons that are pure for std (d²: 0.800, d³: 0.889)")
    for activation, width, decay in product(ACTIVATIONS, WIDTHS, DECAYS):
        print(f"  {SIGMA[activation]:4} m = {width}, lambda = {decay:<6g} "
              f"{of_class('S_3', found['S_3', activation, width, decay], 'std', rng)}")
    print("\nC_5, two neurons: both pure for one frequency; for two; not both pure; same given that both are pure; one "
          "best frequency,\nof the networks that are right at all pairs, and of the others")
    same = {}
    for activation, decay in product(ACTIVATIONS, DECAYS):
        one = found["C_5", activation, 2, decay]
        pure, right, alike = one["pure_for"], one["right"] == 1, one["best"][:, 0] == one["best"][:, 1]
        both = (pure > 0).all(axis=1)
        equal = int((both & (pure[:, 0] == pure[:, 1])).sum())
        words = f"{SIGMA[activation]}, lambda = {decay:g}"
        given = wilson(equal, both.sum()) if both.any() else "-"
        print(f"  {words:22} {wilson(equal, n)}   {wilson(both.sum() - equal, n)}   {wilson((~both).sum(), n)}   "
              f"{given:17}   {alike[right].sum()} of {right.sum()}, {alike[~right].sum()} of {(~right).sum()}")
        same[words.replace("lambda = ", "λ=")] = (equal, n)
    print("\nHow far the law of the key set moves (total variation; share of exchanges within seeds that do as much)")
    rng = generator(0, "exchange")
    for group, activation in product(GROUPS, ACTIVATIONS):
        moves = [((m, one), (m, other)) for m in WIDTHS for one, other in combinations(DECAYS, 2)]
        for one, other in [*moves, *(((WIDTHS[0], decay), (WIDTHS[1], decay)) for decay in DECAYS)]:
            far, chance = distance(*(found[group, activation, *at]["key_set"] for at in (one, other)), rng)
            print(f"  {group} {SIGMA[activation]:4} m = {one[0]}, lambda = {one[1]:g} -> m = {other[0]}, "
                  f"lambda = {other[1]:g}: {far:.2f} ({chance:.3f})")
    show(options.out, {"law": (picture(laws, same), "which sets are possible, and how the decay changes them")})
