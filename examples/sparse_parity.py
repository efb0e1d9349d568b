# %%
"""Sparse parity: a network memorises 1,200 strings of 30 bits, then finds the three bits that count.

    python examples/sparse_parity.py            # about half a minute

The explorable article's first system (Pearce et al. 2023; the task is Merrill et al. 2023, arXiv 2303.11873), with the
settings that its published sweep betrays: 128 ReLU neurons read 30 bits as 0 and 1, the answer is the parity of the
first 3, probabilities are clipped (`grok_np.layers`), L1 regularisation. Printed: when it memorises and when it
generalises, the neurons that survive beside the exact four-neuron network, and two controls: L2 instead of L1, and
labels by coin. Left behind in runs/sparse_parity: settings, history, checkpoints, and figures.
"""

import argparse

import numpy as np
from _console import parse
from matplotlib.figure import Figure

from grok_np import AdamW, BitMLP, SparseParity, figures, train
from grok_np.analytic.parity import exact_parity
from grok_np.figures.style import BLACK, BLUE, CYCLE, DARK_ORANGE, DIVERGING, WIDTH, title

K = 3


# %%
def learn(out, steps, weight_decay, penalty, random_labels=False):
    """Train, continue or just load one network."""
    task = SparseParity(n_bits=30, k=K, train_size=1200, random_labels=random_labels)
    optimizer = AdamW(lr=3e-3, betas=(0.99, 0.98), weight_decay=weight_decay, penalty=penalty)
    return train(BitMLP(30, 128, coding="bits"), task, optimizer, steps, 0, out, exist_ok=True,
                 loss="clipped_logistic", checkpoint_every=50, log_every=10, progress=False)


def first(run, name):
    """First logged step at which every example of that part is right, or None."""
    steps = run.history["step"][run.history[f"{name}_accuracy"] == 1]
    return int(steps[0]) if len(steps) else None


def when(step):
    """The step in words."""
    return "never all right" if step is None else f"all right from step {step:,}"


def strength(params):
    """What each neuron can add at most: norm of its input weights times |W_out|."""
    return np.linalg.norm(params["W_in"], axis=0) * np.abs(params["W_out"])


def describe(name, run):
    """When it learned what, and what its weights look like at the end."""
    W_in, neurons = run.params["W_in"], strength(run.params)
    print(f"{name}: training strings {when(first(run, 'train'))}, test strings {when(first(run, 'test'))} (in the end "
          f"{run.history['test_accuracy'][-1]:.1%}); training loss {run.history['train_loss'].min():.1e} at best, "
          f"{run.history['train_loss'][-1]:.1e} in the end; {(neurons > 0.01 * neurons.max()).sum()} of "
          f"{len(neurons)} neurons above 1 % of the strongest; distractors hold "
          f"{(W_in[K:-1] ** 2).sum() / (W_in ** 2).sum():.1e} of the squared input weights")


def for_bits(params):
    """The same network for bits 0 and 1: its weights are those for the signs 2 bits - 1."""
    W_in = 2 * params["W_in"]
    W_in[-1] = params["W_in"][-1] - params["W_in"][:-1].sum(axis=0)
    return params | {"W_in": W_in}


def print_neurons(title, params):
    """The strongest neurons, one per line."""
    print(f"\n{title}\n   bit 1   bit 2   bit 3    bias   W_out")
    order = np.argsort(-strength(params))
    for i in order[strength(params)[order] > 0.01 * strength(params).max()][:8]:
        print("".join(f"{value:8.2f}" for value in (*params["W_in"][:K, i], params["W_in"][-1, i], params["W_out"][i])))


# %% The pictures
def weight_paths(steps, W_in, k, marks=()) -> Figure:
    """Every input weight of a bit network over training: what the bits that count weigh, and what the others do.

    W_in (steps, n + 1, h); marks: (step, label) pairs to name.
    """
    figure = Figure(figsize=(WIDTH, 4.4), layout="constrained")
    axis = figure.subplots()
    groups = ((f"first {k} bits", W_in[:, :k], BLUE, 0.5), ("bias", W_in[:, -1:], DARK_ORANGE, 0.5),
              ("distractors", W_in[:, k:-1], "0.35", 0.35))  # last, so that the crowd of the others does not hide them
    for name, weights, colour, width in groups:
        axis.plot(steps, weights.reshape(len(steps), -1), color=colour, lw=width, rasterized=True)
        axis.plot([], [], color=colour, lw=2, label=name)
    for i, (step, label) in enumerate(marks):
        axis.axvline(step, color=BLACK, lw=0.8, ls=":")
        axis.annotate(label, (step, 1), (3, -10 - 12 * (i % 2)), xycoords=("data", "axes fraction"),
                      textcoords="offset points", fontsize=9)
    axis.set(xscale="log", xlim=(max(1, steps[min(1, len(steps) - 1)]), max(2, steps[-1])), xlabel="step",
             ylabel="input weight")
    axis.legend(frameon=False, loc="lower left")
    first, last = (np.abs(W_in[i, k:-1]).max(initial=0) for i in (0, -1))
    mean = np.abs(W_in[-1, :k]).max()
    title(figure, f"The largest weight of a distractor is {first:.2g} at step {steps[0]:,} and {last:.2g} at step "
                  f"{steps[-1]:,}, where the first {k} bits weigh up to {mean:.2g}"
                  + ("" if last < 0.1 * mean else ": they have not faded away"))
    return figure


def bit_maps(W_in_by_title, k, most=24) -> Figure:
    """Input weights of the strongest neurons at several times, one row per bit; a line below the bits that count.

    W_in_by_title {title: (n + 1, h)}; neurons in the order of their last norms.
    """
    last = list(W_in_by_title.values())[-1]
    order = np.argsort(-np.linalg.norm(last, axis=0))[:most]
    figure = Figure(figsize=(min(3.1 * max(len(W_in_by_title), 2), WIDTH), 4.8), layout="constrained")
    axes = figure.subplots(1, len(W_in_by_title), sharey=True, squeeze=False)[0]
    held = []
    for axis, (name, W_in) in zip(axes, W_in_by_title.items(), strict=True):
        limit = np.abs(W_in).max()
        shown = axis.imshow(W_in[:, order], cmap=DIVERGING, vmin=-limit, vmax=limit, aspect="auto")
        figure.colorbar(shown, ax=axis, location="bottom", label="weight")
        for edge in (k - 0.5, len(W_in) - 1.5):
            axis.axhline(edge, color=BLACK, lw=0.8)
        axis.set(xlabel="neuron")
        axis.set_title(name, fontsize=9)
        held.append((W_in[:k] ** 2).sum() / max((W_in[:-1] ** 2).sum(), 1e-300))
    axes[0].set(ylabel="input", yticks=[0, k - 1, (k + len(last) - 2) // 2, len(last) - 1])
    axes[0].set_yticklabels(["bit 1", f"bit {k}", "distractors", "bias"])
    title(figure, f"The {k} bits that count (above the line) hold {', '.join(f'{share:.0%}' for share in held)} of the "
                  "squared input weights of all bits")
    return figure


def parity_outputs(outputs_by_name, ones) -> Figure:
    """The output over all test strings against the number of ones among the bits that count, as spread and mean.

    outputs_by_name {name: (B,)}, each scaled to mean |f| = 1; ones (B,).
    """
    figure = Figure(figsize=(7, 4), layout="constrained")
    axis = figure.subplots()
    places = np.unique(ones)
    n = len(outputs_by_name)
    right = []
    for i, ((name, f), colour) in enumerate(zip(outputs_by_name.items(), (CYCLE[2], CYCLE[0], BLACK), strict=False)):
        offset = 0.16 * (i - (n - 1) / 2)
        groups = [f[ones == place] / np.abs(f).mean() for place in places]
        parts = axis.violinplot(groups, places + offset, widths=0.15, showextrema=False)
        for body in parts["bodies"]:
            body.set(facecolor=colour, alpha=0.5)
        axis.plot(places + offset, [group.mean() for group in groups], "o", color=colour, label=name)
        right.append(f"{np.mean((f > 0) == (ones % 2 == 1)):.1%} ({name})")
    axis.axhline(0, color="0.6", lw=0.8)
    axis.set(xlabel="number of ones among the bits that count", ylabel="output f (mean |f| = 1)", xticks=places)
    figure.legend(*axis.get_legend_handles_labels(), frameon=False, fontsize=9, ncols=n, loc="outside lower center")
    title(figure, f"Up for an odd number of ones, down for an even one: {', '.join(right)} of the strings")
    return figure


# %%
def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="100 steps only: nothing is learned, everything runs")
    arguments = parse(parser, "sparse_parity")
    steps = 100 if arguments.quick else 4000
    run = learn(arguments.out, steps, 1e-5, "l1")
    describe("L1", run)
    describe("L2", learn(arguments.out / "l2", 2 * steps, 0.1, "l2"))
    describe("coins as labels", learn(arguments.out / "coins", steps, 1e-5, "l1", random_labels=True))
    exact_model, exact = exact_parity(30, K)
    print_neurons("the learned network's neurons", run.params)
    print_neurons("the exact network's", for_bits(exact))

    saved = run.checkpoint_steps()
    W_in = np.array([run.checkpoint(step)["W_in"] for step in saved])
    memorised, grokked = first(run, "train"), first(run, "test")
    marks = [(step, label) for step, label in ((memorised, "memorised"), (grokked, "generalised")) if step is not None]
    early = saved[np.searchsorted(saved, memorised if memorised is not None else 0)]
    task = run.task.split()
    outputs = {f"step {early:,}": run.model.forward(run.checkpoint(early), task.test_inputs)[0],
               f"step {saved[-1]:,}": run.model.forward(run.params, task.test_inputs)[0],
               "exact": exact_model.forward(exact, task.test_inputs)[0]}
    out = arguments.out / "figures"
    middle = saved[np.searchsorted(saved, grokked if grokked is not None else saved[-1])]
    maps = {f"step {step:,}": W_in[saved.index(step)] for step in dict.fromkeys((early, middle, saved[-1]))}
    pictures = [figures.save(figures.training_curves(run.history), out / "training.png"),
                figures.save(weight_paths(saved, W_in, K, marks), out / "weights.png"),
                figures.save(bit_maps(maps, K), out / "maps.png"),
                figures.save(parity_outputs(outputs, task.test_inputs[:, :K].sum(axis=1)), out / "outputs.png")]
    print("\nLook at:", *pictures, sep="\n  ")


if __name__ == "__main__":
    main()
