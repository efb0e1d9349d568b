# %%
"""Why are larger rings lopsided? The moment law, tested on rings of 3 to 16 neurons of three activations.

    python examples/moment_law.py            # 168 tiny networks; about ten minutes on two cores

The explorable article left open why a frequency with more than five neurons is not an even star. The answer (see the
head of `grok_np.analytic`): what an activation needs is that a few moments of the ring vanish, M_2 and M_4 for x² and
|x|, M_1 to M_4 for ReLU. Three or five neurons can do that in one way only, the regular star; more have freedom, and
training stops anywhere in it. Each network has a frozen circular embedding (p = 31) and N neurons. Printed by
activation and N: how many of the seeds get all pairs right, the largest moment that must vanish, evenness (1 for a
regular ring), and the loss beside the least that any N neurons of the same norm can have, found with scipy.optimize
from 20 starts. Networks are rows of runs/moment_law/table.jsonl, so that an interrupted sweep goes on.
"""

import argparse
from pathlib import Path

import numpy as np
from scipy.optimize import minimize

from grok_np import MLP, AdamW, ModularArithmetic, analytic, compare, figures, resume, train
from grok_np.layers import cross_entropy_backward, cross_entropy_forward
from grok_np.sweep import grid, sweep

P, ACTIVATIONS, SIZES = 31, ("relu", "square", "abs"), tuple(range(3, 17))


# %%
def task(seed):
    """70 % of the unordered pairs to train on."""
    return ModularArithmetic(P, train_fraction=0.7, symmetric=True, seed=seed)


def required(activation, moments):
    """The largest of the moments that must vanish."""
    return max(moments[n - 1] for n in analytic.required_moments(activation))


def one(activation, n_neurons, seed, steps, starts):
    """Train one ring; its row."""
    model = MLP(P, d_embed=2, n_hidden=n_neurons, activation=activation, factoring="circular")
    optimizer = AdamW(lr=1e-2, betas=(0.9, 0.98), weight_decay=1e-3)
    run = train(model, task(seed), optimizer, steps, seed, dtype="float64", threads=1, progress=False)
    rings = compare.rings(model.effective(run.params))
    row = {"test_accuracy": run.history["test_accuracy"][-1], "train_loss": run.history["train_loss"][-1],
           "norm": run.history["l2_norm"][-1]}
    row["best_loss"] = best_loss(model, task(seed), row["norm"], starts)
    if rings:
        row |= {"alive": rings[0].n_neurons, "evenness": rings[0].evenness, "moments": rings[0].moments.tolist()}
    return row


def best_loss(model, task, norm, starts):
    """Least training loss of the model among all parameters of this norm that L-BFGS finds from random starts."""
    split = task.split()
    pairs = model.index(split.train_inputs, np.float64)
    sizes = {name: int(np.prod(shape)) for name, shape in model.shapes.items()}

    def loss(x):
        length = np.linalg.norm(x)
        parts = np.split(norm * x / length, np.cumsum(list(sizes.values()))[:-1])
        params = {name: part.reshape(model.shapes[name]) for name, part in zip(sizes, parts, strict=True)}
        logits, cache = model.forward(params, pairs)
        value, loss_cache = cross_entropy_forward(logits, split.train_labels)
        grads = model.backward(cross_entropy_backward(1.0, loss_cache), cache)
        g = np.concatenate([grads[name].ravel() for name in sizes])
        return float(value), norm / length * (g - x * (x @ g) / length**2)  # along the sphere only

    rng = np.random.default_rng(0)
    return min(minimize(loss, rng.normal(size=sum(sizes.values())), jac=True, method="L-BFGS-B",
                        options={"maxiter": 300}).fun for _ in range(starts))


# %%
def trajectory(n_neurons, steps, out):
    """Checkpoints of one ReLU ring: steps, moments (checkpoints, 6), history."""
    model = MLP(P, d_embed=2, n_hidden=n_neurons, factoring="circular")
    path = out / f"relu_{n_neurons}"
    if (path / "config.json").exists():
        run = resume(path, progress=False)
    else:
        run = train(model, task(0), AdamW(lr=1e-2, betas=(0.9, 0.98), weight_decay=1e-3), steps, 0, path,
                    checkpoint_every=max(1, steps // 100), threads=1, progress=False)
    saved = run.checkpoint_steps()
    moments = []
    for step in saved:
        effective = model.effective(run.checkpoint(step))
        found = compare.rings(effective)
        moments.append(found[0].moments[:7] if found else np.full(7, np.nan))
    return np.array(saved), np.array(moments), run.history


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=4)
    parser.add_argument("--steps", type=int, default=8000)
    parser.add_argument("--starts", type=int, default=20, help="of L-BFGS, for the least loss")
    parser.add_argument("--out", type=Path, default=Path("runs/moment_law"))
    arguments = parser.parse_args()
    settings = grid(activation=ACTIVATIONS, n_neurons=SIZES, seed=range(arguments.seeds), steps=[arguments.steps],
                    starts=[arguments.starts])
    rows = sweep(one, settings, arguments.out / "table.jsonl")
    print("| activation | N | all pairs right | largest required moment: median, worst | evenness: median | "
          "loss / least loss of this norm: median |\n| --- | --- | --- | --- | --- | --- |")
    points = {activation: [] for activation in ACTIVATIONS}
    for activation in ACTIVATIONS:
        for n in SIZES:
            here = [row for row in rows if (row["activation"], row["n_neurons"]) == (activation, n)]
            right = [row for row in here if row["test_accuracy"] == 1 and row.get("alive") == n]
            points[activation] += [(n, required(activation, row["moments"]), row["evenness"]) for row in right]
            text = "| | |"
            if right:
                largest = [required(activation, row["moments"]) for row in right]
                evenness = np.median([row["evenness"] for row in right])
                above = np.median([row["train_loss"] / row["best_loss"] for row in right])
                text = f"{np.median(largest):.3f}, {max(largest):.3f} | {evenness:.2f} | {above:.2f} |"
            print(f"| {activation} | {n} | {len(right)} of {len(here)} | {text}")
    pictures = [figures.save(figures.moment_law(points, {a: analytic.rigid_size(a) for a in ACTIVATIONS}),
                             arguments.out / "moment_law.png"),
                figures.save(figures.moments_in_training(*trajectory(6, arguments.steps, arguments.out)),
                             arguments.out / "training.png")]
    print("\nLook at:", *pictures, sep="\n  ")


if __name__ == "__main__":
    main()
