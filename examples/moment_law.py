# %%
"""Why are larger rings lopsided? The moment law, tested on rings of 3 to 16 neurons of three activations.

    python examples/moment_law.py            # 672 tiny networks; about eleven minutes on one core; ReLU alone: four

The explorable article left open why a frequency with more than five neurons is not an even star. The moment law answers
(head of `grok_np.analytic`): an activation needs a few moments of the ring to vanish, M_1 to M_4 for ReLU, M_2 and M_4
for x² and |x|. Five neurons, or three, can do that in one way only, the regular ring; more are free.

Where the output phases beta_i are not twice the input phases alpha_i, what must vanish, and what gives the answer, are

    R_n = sum_i w_i exp(i (beta_i + (n - 2) alpha_i))          R_0 = sum_i w_i exp(i (beta_i - 2 alpha_i))

in place of M_n and M_0. In a star R_n = M_n; only in a star, possibly turned, is |R_0| the whole sum of the weights.

Each network has N neurons on a frozen circle (p = 67, 30 % of the unordered pairs). Two optimizers: gradient descent,
to which all directions of the plane are alike, and AdamW, which moves each coordinate at its own speed. Printed by
activation and N: how many seeds get all pairs right, how many neurons are left, the moments, how even the rings are,
and the training loss with all weights scaled to one norm, over the least of any network, trained or found by
scipy.optimize. Drawn, for ReLU: the same under gradient descent, and how the moments of one ring fall. Where the
article's published ring sizes are found (--published FILE, or the folder GROK_NP_REFERENCE), they are held against
chance. Results are rows of runs/moment_law/*.jsonl, so that an interrupted sweep goes on.
"""

# %%
import argparse
import os
from functools import cache
from math import factorial
from pathlib import Path

import numpy as np
from _console import parse, show, workers
from matplotlib.figure import Figure
from scipy.optimize import minimize

from grok_np import MLP, SGD, AdamW, ModularArithmetic, analytic, figures, reading, train
from grok_np.figures.style import BLACK, DARK_ORANGE, WIDTH, YELLOW, title
from grok_np.layers import cross_entropy_backward, cross_entropy_forward
from grok_np.learning.ensemble import train_members
from grok_np.learning.sweep import sweep

P, NAMES, SIZES = 67, ("relu", "square", "abs"), tuple(range(3, 17))
REFERENCE = Path(os.environ.get("GROK_NP_REFERENCE", "../shared/reference"))
TASK = ModularArithmetic(P, train_fraction=0.3, symmetric=True)
# Initial scale and learning rate by trial: x² is of the third degree in the weights, its gradient grows faster.
DESCENT = {"relu": SGD(10, 0.9, 1e-5), "abs": SGD(10, 0.9, 1e-5), "square": SGD(1, 0.9, 1e-5)}


# %% [markdown]
# ## Train: all seeds of one size as one ensemble


# %%
def build(activation, n_neurons, optimizer):
    """Model and optimizer by name."""
    scale, rule = (5, DESCENT[activation]) if optimizer == "descent" else (1, AdamW(lr=0.03, weight_decay=1e-3))
    return MLP(P, 2, n_neurons, activation, "circular", init_scale=scale), rule


def networks(activation, n_neurons, optimizer, seeds, steps):
    """Train; one row per seed."""
    model, rule = build(activation, n_neurons, optimizer)
    found = train_members(model, seeds * [TASK], rule, steps, range(seeds), log_every=steps)
    return [describe(model, {name: W[i].astype(float) for name, W in found.params.items()}) for i in range(seeds)]


def describe(model, params):
    """What is to be known of one network, as a row of the table."""
    effective = model.effective(params)
    accuracy = float((analytic.margins(analytic.logits(effective, P)) > 0).mean())
    vector = np.concatenate([W.ravel() for W in params.values()])
    row = {"accuracy": accuracy, "params": vector.tolist(), "norm": float(np.linalg.norm(vector))}
    rings = reading.rings.find(effective)
    if rings:
        ring = rings[0]
        row |= {"alive": ring.n_neurons, "M": ring.moments.tolist(), "R": read_out_moments(ring).tolist(),
                "phase_error": float(np.abs(ring.phase_errors).max()), "evenness": evenness(ring, model.activation)}
    return row


def read_out_moments(ring, n_max=8):
    """|R_n| / sum w for n = 0 .. n_max: the moments with the output phases as they are."""
    waves = np.exp(1j * (ring.output_phases + np.outer(np.arange(n_max + 1) - 2, ring.input_phases)))
    return np.abs(waves @ ring.weights) / ring.weights.sum()


def evenness(ring, activation):
    """1 for the regular ring; x² and |x| see only 2 alpha, so for them half turns do not count."""
    turns = 1 if activation == "relu" else 2
    return float(np.abs(np.exp(1j * turns * ring.n_neurons * ring.input_phases).mean()))


def required(activation, moments):
    """The largest of the moments that must vanish, of moments from n = 1 on."""
    return max(moments[n - 1] for n in analytic.required_moments(activation))


# %% [markdown]
# ## The least loss of any network of this size and norm


# %%
@cache
def training_data(model):
    """Indexed inputs and labels, float64."""
    split = TASK.split()
    return model.index(split.train_inputs, np.float64), split.train_labels


def loss_at(model, vector, norm):
    """Training loss of a parameter vector (4 N,) scaled to this norm, and its gradient along the sphere."""
    vector = np.asarray(vector)
    length = np.linalg.norm(vector)
    W_in, W_out = np.split(norm / length * vector, 2)
    inputs, labels = training_data(model)
    logits, cached = model.forward({"W_in": W_in.reshape(2, -1), "W_out": W_out.reshape(-1, 2)}, inputs)
    loss, loss_cache = cross_entropy_forward(logits, labels)
    gradients = model.backward(cross_entropy_backward(1.0, loss_cache), cached)
    g = np.concatenate([gradients["W_in"].ravel(), gradients["W_out"].ravel()])
    return float(loss), norm / length * (g - (g @ vector) * vector / length**2)


def even_ring(model):
    """Parameter vector of the regular ring, norm shared between input and output as is best: 1 : 1, for x² 2 : 1."""
    turns = 1 if model.activation == "relu" else 2
    alpha = 2 * np.pi * np.arange(model.n_hidden) / (turns * model.n_hidden)
    W_in = np.stack([np.cos(alpha), np.sin(alpha)]) * (np.sqrt(2) if model.activation == "square" else 1)
    return np.concatenate([W_in.ravel(), np.stack([np.cos(2 * alpha), np.sin(2 * alpha)], axis=1).ravel()])


def least_loss(activation, n_neurons, norm, starts):
    """Least training loss of N neurons at this norm, by L-BFGS from random starts and from the even ring."""
    model = MLP(P, 2, n_neurons, activation, "circular")
    first = [even_ring(model), *np.random.default_rng(0).normal(size=(starts, 4 * n_neurons))]

    found = [minimize(lambda vector: loss_at(model, vector, norm), start, jac=True, method="L-BFGS-B",
                      options={"maxiter": 500}) for start in first]
    best = min(found, key=lambda result: result.fun)
    return {"least": best.fun, "even": loss_at(model, even_ring(model), norm)[0], "params": best.x.tolist(),
            "all": [result.fun for result in found]}


# %% [markdown]
# ## One ring while it learns


# %%
def trajectory(n_neurons, rows, steps, out):
    """One ReLU ring under gradient descent, of the first seed that succeeds: steps, |R_0| to |R_8|, both losses."""
    seeds = [row["accuracy"] for row in rows
             if (row["activation"], row["n_neurons"], row["optimizer"]) == ("relu", n_neurons, "descent")]
    model, rule = build("relu", n_neurons, "descent")
    run = train(model, TASK, rule, steps, int(np.argmax(seeds)), out, exist_ok=True,
                checkpoint_every=max(1, steps // 400), threads=1)
    saved = np.array(run.checkpoint_steps())
    shown = np.unique(saved[np.abs(saved[:, None] - np.geomspace(max(1, saved[1]), steps, 80)).argmin(axis=0)])
    rings = [reading.rings.find(model.effective(run.checkpoint(int(step)))) for step in shown]
    at = np.searchsorted(run.history["step"], shown)
    losses = {name: run.history[f"{name}_loss"][at] for name in ("train", "test")}
    return shown, np.array([read_out_moments(ring[0]) for ring in rings]), losses


# %% [markdown]
# ## The article's published rings, beside chance


# %%
def expected_sizes(sizes_by_network, least):
    """How many rings of n neurons there would be if each network's neurons had been dealt to its rings at random.

    Every ring gets ``least`` or more. Deals with sizes n_1, n_2, ... number total! / (n_1! n_2! ...), hence the 1/n!.
    """
    n_max = max(sum(sizes) for sizes in sizes_by_network)
    weight = np.array([1 / factorial(n) if n >= least else 0 for n in range(n_max + 1)])
    expected = np.zeros(n_max + 1)
    for sizes in sizes_by_network:
        others = np.eye(1, n_max + 1)[0]
        for _ in sizes[1:]:
            others = np.convolve(others, weight)[: n_max + 1]
        chance = weight[: sum(sizes) + 1] * others[sum(sizes) :: -1]
        expected[: len(chance)] += len(sizes) * chance / chance.sum()
    return expected


def published_sizes(path):
    """Ring sizes of the article's published sweep (mlp_seeds.npz), one array per network."""
    with np.load(path) as archive:
        return [row[row > 0].astype(int) for row in archive["freqs_neurons"]]


def print_published(networks):
    """Published ring sizes beside chance, for networks whose rings all have five neurons or more."""
    whole = [sizes for sizes in networks if sizes.min() >= 5]
    print(f"\nThe article's sweep: {len(whole)} of {len(networks)} networks have only rings of five or more. How many "
          "rings have n neurons,\nand how many would if the neurons were dealt to their rings at random, five at least "
          "to each:\n")
    print("| rings | | " + " | ".join(str(n) for n in range(5, 13)) + " |\n| --- | --- |" + " --- |" * 8)
    for count in (3, 4):
        here = [sizes for sizes in whole if len(sizes) == count]
        found, chance = np.bincount(np.concatenate(here), minlength=13), expected_sizes(here, 5)
        print(f"| {count} | found | " + " | ".join(str(found[n]) for n in range(5, 13)) + " |")
        print("| | expected | " + " | ".join(f"{chance[n]:.1f}" for n in range(5, 13)) + " |")


# %% [markdown]
# ## Tables


# %%
def cell(rows, reached):
    """What became of the networks of one activation and size, by optimizer, and the even ring's and least loss."""
    activation, n_neurons = reached["activation"], reached["n_neurons"]
    result = {"n": n_neurons}
    model = MLP(P, 2, n_neurons, activation, "circular")
    for optimizer in ("descent", "adamw"):
        here = [row for row in rows
                if (row["activation"], row["n_neurons"], row["optimizer"]) == (activation, n_neurons, optimizer)]
        right = [row for row in here if row["accuracy"] == 1]
        result[optimizer] = {
            "right": f"{len(right)} of {len(here)}", "alive": [row["alive"] for row in right],
            "M": [required(activation, row["M"]) for row in right],
            "R": [required(activation, row["R"][1:]) for row in right],
            "phase_error": [row["phase_error"] for row in right], "evenness": [row["evenness"] for row in right],
            "loss": [loss_at(model, row["params"], reached["norm"])[0] for row in right],
            "boxed": [loss_at(model, row["params"], reached["norm"] / 5 * over_largest(row["params"]))[0]
                      for row in right]}
    result["least"] = min([reached["least"], *result["descent"]["loss"], *result["adamw"]["loss"]])
    result["even_ring"] = reached["even"] / result["least"]
    for optimizer in ("descent", "adamw"):
        result[optimizer]["ratio"] = [loss / result["least"] for loss in result[optimizer]["loss"]]
    return result


def over_largest(vector):
    """Norm of a vector over its largest entry."""
    return float(np.linalg.norm(vector) / np.abs(vector).max())


def print_norms(cells):
    """Which optimizer has the lower median loss, at equal norm and at an equal largest weight."""
    both = [one for one in cells if one["descent"]["loss"] and one["adamw"]["loss"]]
    lower = {name: sum(np.median(one["descent"][name]) < np.median(one["adamw"][name]) for one in both)
             for name in ("loss", "boxed")}
    print(f"at equal norm gradient descent has the lower median loss at {lower['loss']} of {len(both)} sizes, at an "
          f"equal largest weight at {lower['boxed']}.")


def print_table(cells_by_activation):
    """Medians over the seeds that get all pairs right, and the worst of the moments."""
    print("\n| | N | least loss | even ring | descent: right | alive | M | R | evenness | phases off | loss "
          "| AdamW: right | R | M | phases off | loss |\n|" + " --- |" * 16)
    for activation, cells in cells_by_activation.items():
        for one in cells:
            texts = [activation, str(one["n"]), f"{one['least']:.4f}", f"{one['even_ring']:.2f}"]
            for optimizer, names in (("descent", ("alive", "M", "R", "evenness", "phase_error", "ratio")),
                                     ("adamw", ("R", "M", "phase_error", "ratio"))):
                texts += [one[optimizer]["right"], *[summary(name, one[optimizer][name]) for name in names]]
            print("| " + " | ".join(texts) + " |")


def summary(name, values):
    """The median, for moments with the worst behind it."""
    if not values:
        return ""
    median = np.median(values)
    if name in ("M", "R"):
        return f"{median:.3f}, {max(values):.3f}"
    return {"alive": f"{min(values)} to {max(values)}", "phase_error": f"{median:.0f} deg"}.get(name, f"{median:.2f}")


def by_chance(activation, n_neurons, draws=2000):
    """Median over random phases, equal weights, of the largest moment that would have to vanish."""
    phases = np.random.default_rng(0).uniform(0, 2 * np.pi, (draws, 1, n_neurons))
    orders = np.array(analytic.required_moments(activation))[:, None]
    return float(np.median(np.abs(np.exp(1j * orders * phases).mean(axis=2)).max(axis=1)))


# %% How it is drawn
def free_rings(points, chance, rigid) -> Figure:
    """The moment law over sizes of ReLU rings, gradient descent: what must vanish and what is free; what that costs.

    points {activation: cells}, of which "relu" is drawn; a cell has "n", "even_ring" (its loss over the least) and, in
    "descent", a list of one value per network for each of "alive" (neurons left), "M", "evenness" and "ratio" (loss
    over the least). chance {activation: one value per cell}; rigid {activation: N}.
    """
    figure = Figure(figsize=(WIDTH, 4), layout="constrained")
    (left, right), cells, n = figure.subplots(1, 2), points["relu"], rigid["relu"]
    sizes = [cell["n"] for cell in cells]
    for axis in (left, right):
        axis.axvspan(n - 0.45, n + 0.45, color=YELLOW, alpha=0.4, lw=0)
        axis.set(xticks=sizes[::2], xlim=(sizes[0] - 0.8, sizes[-1] + 0.8), xlabel="neurons in the ring")
    left.plot(sizes, chance["relu"], "--", color="0.5", lw=1, label="largest of $|M_1|$ to $|M_4|$, random phases")
    left.plot(*spread(cells, "descent", "alive", "evenness"), "^", color=DARK_ORANGE, mfc="none", ms=5,
              label="evenness of the learned ring")
    left.plot(*spread(cells, "descent", "alive", "M"), "o", color=BLACK, ms=4,
              label="largest of $|M_1|$ to $|M_4|$, learned")
    left.set(ylim=(-0.03, 1.4), yticks=np.linspace(0, 1, 6), ylabel="of the sum of weights; evenness",
             title="what must vanish, and what is free")
    right.plot(sizes, [cell["even_ring"] for cell in cells], "^--", color=DARK_ORANGE, lw=1, ms=5,
               label="the regular ring")
    right.plot(*spread(cells, "descent", "n", "ratio"), "o", color=BLACK, ms=4, label="learned")
    right.axhline(1, color=BLACK, lw=0.8)
    right.set(ylim=(0.9, 2.6), ylabel="loss / least of as many neurons, same norm", title="what the freedom costs")
    for axis in (left, right):
        axis.legend(frameon=False, fontsize=9)
    worst = max((m for cell in cells for m in cell["descent"]["M"]), default=np.nan)
    title(figure, "No network gets all pairs right, so nothing is known of their moments" if np.isnan(worst) else
          f"The moments that must vanish for ReLU are at most {worst:.2f} in learned rings of every size; a ring of "
          f"{n} (yellow) has no choice but to be regular")
    return figure


def spread(cells, optimizer, place, name, shift=0.0):
    """All values of a quantity against the number of neurons, given ("n") or left ("alive"): x and y."""
    x = [n for cell in cells for n in (cell[optimizer]["alive"] if place == "alive" else
                                       [cell["n"]] * len(cell[optimizer][name]))]
    return np.array(x) + shift, [value for cell in cells for value in cell[optimizer][name]]


# %%
def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=8)
    parser.add_argument("--steps", type=int, default=2000, help="of gradient descent; AdamW takes half as many more")
    parser.add_argument("--starts", type=int, default=8, help="of L-BFGS, for the least loss")
    parser.add_argument("--activations", nargs="+", choices=NAMES, default=NAMES)
    parser.add_argument("--quick", action="store_true", help="2 seeds, 30 steps, no random start: no ring is finished")
    parser.add_argument("--published", type=Path, default=REFERENCE / "pair/mlp_seeds.npz")
    arguments = parse(parser, "moment_law")
    seeds, steps, starts = (2, 30, 0) if arguments.quick else (arguments.seeds, arguments.steps, arguments.starts)
    settings = [{"activation": activation, "n_neurons": n, "optimizer": optimizer, "seeds": seeds,
                 "steps": steps * 3 // 2 if optimizer == "adamw" else steps}
                for activation in arguments.activations for n in SIZES for optimizer in ("descent", "adamw")]
    with workers() as pool:
        rows = sweep(networks, settings, arguments.out / "networks.jsonl", executor=pool)
    norms = {activation: common_norm(rows, activation) for activation in arguments.activations}
    settings = [{"activation": activation, "n_neurons": n, "starts": starts, "norm": norms[activation]}
                for activation in arguments.activations for n in SIZES]
    with workers() as pool:
        reached = sweep(least_loss, settings, arguments.out / "least.jsonl", executor=pool)
    cells = {activation: [cell(rows, one) for one in reached if one["activation"] == activation]
             for activation in arguments.activations}
    chance = {activation: [by_chance(activation, n) for n in SIZES] for activation in arguments.activations}
    print("Networks that get all pairs right: medians, for moments also the worst; losses over the least loss.")
    print("Losses are those at the norm", ", ".join(f"{norm:g} ({name})" for name, norm in norms.items()))
    print_table(cells)
    for activation in arguments.activations:
        few, many = (chance[activation][i] for i in (0, -1))
        print(f"\n{activation}: random phases would leave {few:.2f} ({SIZES[0]} neurons) to {many:.2f} ({SIZES[-1]}) "
              "as the largest of the moments that must vanish; ", end="")
        print_norms(cells[activation])
    if arguments.published.exists():
        print_published(published_sizes(arguments.published))
    if "relu" in arguments.activations:
        rigid = {"relu": analytic.rigid_size("relu")}
        falling = trajectory(8, rows, steps, arguments.out / "ring_of_eight")
        show(arguments.out, {
            "moment_law": (free_rings(cells, chance, rigid), "what must vanish, what is free, what it costs"),
            "training": (figures.moments_beside_losses(*falling), "how the moments of one ring fall")})


def common_norm(rows, activation):
    """The median norm under gradient descent, of the networks that get all pairs right if there are any."""
    here = [row for row in rows if (row["activation"], row["optimizer"]) == (activation, "descent")]
    return float(np.round(np.median([row["norm"] for row in here if row["accuracy"] == 1] or
                                    [row["norm"] for row in here])))


if __name__ == "__main__":
    main()
