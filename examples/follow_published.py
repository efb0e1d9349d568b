# %%
"""The article's own runs, followed from its own first weights, step by step.

    python examples/follow_published.py            # about four minutes on two cores

Pearce et al. 2023 published the weights and the log of two of their networks, and in their notebooks the seeds of four;
from a seed, their initialiser gives the first weights and the training pairs. From these, in float64, our passes and
our AdamW take every step again: of the network of five neurons; of the main one, beside its published log and beside
a log of the same algorithm in JAX (autodiff, optax); and of the two runs of which only the story was told, "reverse
grokking" and "generalizing, memorizing then generalizing", these also as the authors computed, with the embedding in
float32. Printed: how far each is followed, and where and why the ways part. Left behind in runs/follow_published: the
runs, and a picture.

The files (initial_86.npz, fixed_embed_5_neurons.npz, initial_165.npz, main_model.npz, initial_68.npz, initial_78.npz)
are looked for in --published FOLDER, or under the folder GROK_NP_REFERENCE.
"""

import argparse
import json
import os
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from _console import parse
from matplotlib.figure import Figure

from grok_np import MLP, AdamW, ModularArithmetic, figures, reading, train
from grok_np.figures.style import BLUE, DARK_ORANGE, GREEN, ORANGE, RED, WIDTH, title
from grok_np.layers import cross_entropy_backward, cross_entropy_forward
from grok_np.learning.machine import cores
from grok_np.networks.flat import FlatVector
from grok_np.streams import generator

P = 67
REFERENCE = Path(os.environ.get("GROK_NP_REFERENCE", "../shared/reference"))


@dataclass(frozen=True)
class SingleEmbeddingAdamW(AdamW):
    """AdamW that keeps the first ``n_single`` numbers, and their moments, in float32 and the others in float64.

    In the authors' notebook the embedding is float32, all other weights and all arithmetic float64.
    """

    n_single: int = 0

    def step(self, theta, gradient, moments, t):
        """One step, in place, on float64 arrays; the first ``n_single`` numbers of each stay float32 numbers."""
        n = self.n_single
        single = [array[:n].astype(np.float32) for array in (theta, gradient, moments["m"], moments["v"])]
        super().step(single[0], single[1], {"m": single[2], "v": single[3]}, t)
        for array, value in zip((theta, gradient, moments["m"], moments["v"]), single, strict=True):
            array[:n] = value
        super().step(theta[n:], gradient[n:], {name: moment[n:] for name, moment in moments.items()}, t)


# %%
def follow(folder, seed, out, steps=None, single=False, changed=None):
    """The run that starts as the authors' of this seed did, except for the ``changed`` weights.

    ``single`` keeps the embedding in float32 as they did.
    """
    start = np.load(folder / f"initial_{seed}.npz")
    config = json.loads(str(start["config"]))
    fixed = "freqs" in config  # the embedding is one turn of the circle, given
    model = MLP(P, config["embed_size"], config["hidden_size"], factoring="circular" if fixed else "tied")
    task = ModularArithmetic(P, symmetric=True, train_pairs=start["train_pairs"])
    # Their loss is divided by p; for Adam that is ours with p times its eps of 1e-8.
    adamw = {"lr": config["learning_rate"], "betas": (config["b1"], config["b2"]), "eps": P * 1e-8,
             "weight_decay": config["weight_decay"]}
    optimizer = SingleEmbeddingAdamW(**adamw, n_single=start["W_E"].size) if single else AdamW(**adamw)
    every = config["max_steps"] // 500
    initial = {name: start[name] for name in model.shapes} | (changed or {})
    return train(model, task, optimizer, steps or config["max_steps"], seed, out, initial=initial, exist_ok=True,
                 dtype="float64", log_every=every, checkpoint_every=50 * every, threads=1, progress=False)


def beside(run, step, loss):
    """Steps logged by both, and there the relative differences of our training loss from a log of theirs."""
    here, there = (np.isin(one, other) for one, other in ((run.history["step"], step), (step, run.history["step"])))
    return step[there], np.abs(run.history["train_loss"][here] / P / loss[there] - 1)


def digits(difference):
    """Decimal digits that agree, of at most the 15 or 16 of a float64."""
    return -np.log10(np.maximum(difference, 2.0**-52))


def followed(name, step, difference):
    """One line: to where the relative differences stay below some bounds, and what they are at some steps."""
    shown = step[np.unique(np.searchsorted(step, np.array([0, 0.02, 0.1, 0.2, 0.3, 0.5, 0.55, 0.6, 1]) * step[-1]))]
    lengths = {bound: np.append(difference >= bound, True).argmax() for bound in (1e-9, 1e-5)}  # rows before the first
    print(f"{name}: " + ", ".join(f"below {bound:.0e} to step {step[n - 1]:,}" if n else f"never below {bound:.0e}"
                                  for bound, n in lengths.items())
          + "; " + ", ".join(f"{difference[step == one][0]:.1e} at {one:,}" for one in shown))


def story(run):
    """The best held-out accuracy, the worst after it, and the last, in words."""
    step, accuracy = run.history["step"], run.history["test_accuracy"]
    best = accuracy.argmax()
    worst = best + accuracy[best:].argmin()
    return (f"held-out pairs right {accuracy[best]:.1%} at step {step[best]:,}, after that at worst "
            f"{accuracy[worst]:.1%} at {step[worst]:,}, in the end {accuracy[-1]:.1%}; training pairs "
            f"{run.history['train_accuracy'][-1]:.1%}")


# %%
def last_bits(folder, step, draws, out):
    """Relative differences (draws,) from the published loss at a step, the first embedding changed in its last bits.

    The published run was one of a GPU; the first weights were recovered on a CPU, whose functions round otherwise. Each
    number of the embedding is moved to the next float32 below, or above, or left, at random.
    """
    log = np.load(folder / "main_model.npz")
    start = np.load(folder / "initial_165.npz")["W_E"].astype(np.float32)
    found = []
    for draw in range(draws):
        way = generator(draw, "last bits").integers(3, size=start.shape)
        W_E = np.choose(way, [np.nextafter(start, np.float32(-np.inf)), start, np.nextafter(start, np.float32(np.inf))])
        run = follow(folder, 165, out / f"165_last_bits_{draw:02d}", step, changed={"W_E": W_E})
        found.append(beside(run, log["log_step"], log["log_train_loss"])[1][-1])
    return np.array(found)


def edge_of_stability(run, steps, every):
    """Why two ways part that differ by rounding: rows (step, lr lambda, distance from a twin), every so many steps.

    lambda is the largest eigenvalue of D^1/2 H D^1/2, H the Hessian of the loss, D = 1 / (sqrt(v / (1 - beta2^t)) +
    eps) what Adam multiplies its step with. Adam with a fixed D moves stably along an eigenvector as long as lr lambda
    < (2 + 2 beta1) / (1 - beta1), which is 38 for beta1 = 0.9; in training lambda rises up to there and stays about
    there (Cohen et al. 2022, arXiv 2207.14484). The twin takes the same steps, its training pairs added up in the
    opposite order; the distance is that of the farthest weight.
    """
    model, optimizer, split = run.model, run.optimizer, run.split
    initial = run.checkpoint(0)

    def gradient_of(order):
        inputs, labels = model.index(split.train_inputs[order], np.float64), split.train_labels[order]
        weights = FlatVector(initial)

        def gradient(theta):
            weights.vector[:] = theta
            logits, cache = model.forward(weights.views, inputs)
            _, loss_cache = cross_entropy_forward(logits, labels)
            return FlatVector(model.backward(cross_entropy_backward(1.0, loss_cache), cache)).vector

        return gradient

    n = len(split.train_labels)
    gradients = [gradient_of(np.arange(n)), gradient_of(np.arange(n)[::-1])]
    thetas = [FlatVector(initial).vector for _ in gradients]
    moments = [optimizer.init(theta) for theta in thetas]
    rows = []
    for t in range(1, steps + 1):
        if t > 1 and (t - 1) % every == 0:
            theta, h = thetas[0], 1e-8 * np.maximum(1, np.abs(thetas[0]))
            H = [(gradients[0](theta + e) - gradients[0](theta - e)) / (2 * e.max()) for e in np.diag(h)]
            root_D = (np.sqrt(moments[0]["v"] / (1 - optimizer.betas[1] ** (t - 1))) + optimizer.eps) ** -0.5
            largest = np.linalg.eigvalsh(root_D[:, None] * (np.array(H) + np.transpose(H)) / 2 * root_D)[-1]
            rows.append((t - 1, optimizer.lr * largest, np.abs(thetas[0] - thetas[1]).max()))
        for gradient, theta, moment in zip(gradients, thetas, moments, strict=True):
            optimizer.step(theta, gradient(theta), moment, t)
    return np.array(rows)


# %%
def draw(curves, agreements, edge, limit, stories):
    """Published and ours; the digits that agree; why they part; and the two runs of which there is no log."""
    figure = Figure(figsize=(WIDTH, 9.6), layout="constrained")
    axes = figure.subplots(3, 2)
    for axis, (name, (run, step, loss)) in zip(axes[0], curves.items(), strict=True):
        axis.plot(step, P * loss, color=ORANGE, lw=4, alpha=0.6, label="published")
        axis.plot(run.history["step"], run.history["train_loss"], color=BLUE, lw=0.9, label="ours")
        axis.set(yscale="log", xlabel="step", ylabel="training loss (nats)", title=name)
        axis.legend(frameon=False)
    for (name, (step, difference)), colour in zip(agreements.items(), (BLUE, DARK_ORANGE, GREEN), strict=True):
        axes[1, 0].plot(step, digits(difference), ".", ms=2.5, color=colour, label=name)
    axes[1, 0].set(xlabel="step", ylabel="digits of the training loss that agree", ylim=(0, 19),
                   yticks=range(0, 17, 4), title="how far they are followed")
    axes[1, 0].legend(frameon=False, fontsize=8, markerscale=3, loc="upper right")
    step, curvature, distance = edge.T
    axes[1, 1].plot(step, distance, color=BLUE)
    axes[1, 1].set(yscale="log", xlabel="step", title="five neurons: why the ways part")
    axes[1, 1].set_ylabel("distance of twins (rounding)", color=BLUE)
    twin = axes[1, 1].twinx()
    twin.plot(step, curvature, color=RED, lw=1)
    twin.axhline(limit, color=RED, lw=0.8, ls=":")
    twin.set(ylim=(0, 2 * limit))
    twin.set_ylabel(f"lr x curvature (stable to {limit:.0f})", color=RED)
    for axis, (name, runs) in zip(axes[2], stories.items(), strict=True):
        for (precision, run), colour, style in zip(runs.items(), (BLUE, RED), ("-", "--"), strict=True):
            axis.plot(run.history["step"], run.history["test_accuracy"], style, lw=1.2, color=colour, label=precision)
        axis.set(xscale="log", xlim=(100, None), xlabel="step", ylabel="held-out pairs right", ylim=(-0.03, 1.03))
        axis.set_title(name, fontsize=11)
        axis.legend(frameon=False, fontsize=8, loc="lower right")
    title(figure, "Published and ours: to 1e-9 the same " + "; ".join(
        f"to step {step[np.append(difference >= 1e-9, True).argmax() - 1]:,} ({name})"
        for name, (step, difference) in agreements.items() if difference[0] < 1e-9))
    return figure


# %%
def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--published", type=Path, default=REFERENCE / "pair")
    parser.add_argument("--quick", action="store_true", help="the first 300 steps of each")
    arguments = parse(parser, "follow_published")
    folder, steps, draws = arguments.published, *((300, 2) if arguments.quick else (None, 20))
    out = arguments.out
    if not (folder / "initial_86.npz").exists():
        parser.error(f"no published first weights in {folder}; say where with --published FOLDER")
    with ProcessPoolExecutor(cores(), get_context("spawn")) as pool:
        jobs = {name: pool.submit(follow, folder, int(name.split("_")[0]), out / name, steps, "single" in name)
                for name in ("165", "78", "78_single", "68", "68_single", "86")}
        runs = {name: job.result() for name, job in jobs.items()}

    log = np.load(folder / "fixed_embed_5_neurons.npz")
    five, curves = runs["86"], {"five neurons": (runs["86"], log["log_step"], log["log_train_loss"])}
    agreements = {"five neurons, published log": beside(*curves["five neurons"])}
    followed("five neurons, from the published log", *agreements["five neurons, published log"])
    published = FlatVector({"W_in": log["hidden_w"], "W_out": log["out_w"]}).vector
    apart = np.abs(FlatVector(five.params).vector - published).max()
    print(f"  final weights within {apart:.2g} of the published ones, the largest being {np.abs(published).max():.0f}")
    edge = edge_of_stability(five, steps or 3000, 50)
    limit = (2 + 2 * five.optimizer.betas[0]) / (1 - five.optimizer.betas[0])
    near = edge[edge[:, 1] > 0.9 * limit]
    reached = (f"comes within 10 % of it at step {near[0, 0]:,.0f}, when twins that differ by rounding are "
               f"{near[0, 2]:.0e} apart" if len(near) else "stays below it")
    print(f"  why: Adam is stable for lr x curvature up to {limit:.0f}; it {reached}; at step {edge[-1, 0]:,.0f} they "
          f"are {edge[-1, 2]:.0e} apart")

    log, jax_log = np.load(folder / "main_model.npz"), np.load(folder / "initial_165.npz")["jax_log"]
    curves["the main network"] = runs["165"], log["log_step"], log["log_train_loss"]
    agreements["main network, published log"] = beside(*curves["the main network"])
    agreements["main network, JAX"] = beside(runs["165"], jax_log[:, 0].astype(int), jax_log[:, 1])
    followed("the main network, from the published log", *agreements["main network, published log"])
    differences = last_bits(folder, 200, draws, out)
    print(f"  why: with other last bits in the first embedding {(differences < 1e-6).sum()} of {draws} runs are within "
          f"1e-6 of the published log at step 200, the others {differences[differences >= 1e-6].min(initial=1):.1e} to "
          f"{differences.max():.1e} away")
    followed("the main network, from the authors' algorithm in JAX", *agreements["main network, JAX"])
    rings = reading.rings.find(runs["165"].model.effective(runs["165"].params))
    print(f"  {story(runs['165'])}; frequencies {', '.join(str(ring.frequency) for ring in rings) or 'none'} "
          f"(published {log['log_eval_acc'][-1]:.1%}; 1, 15, 23)")

    stories = {}
    for seed, name in (("68", "reverse grokking"), ("78", "generalizing, memorizing then generalizing")):
        stories[name] = {"all in float64": runs[seed],
                          "embedding in float32": runs[f"{seed}_single"]}
        for precision, run in stories[name].items():
            print(f"{name}, {precision}: {story(run)}")
    print("\nLook at:", figures.save(draw(curves, agreements, edge, limit, stories), out / "followed.png"), sep="\n  ")


if __name__ == "__main__":
    main()
