# %% [markdown]
"""Training runs that do not end where they seemed to go.

    python examples/strange_runs.py            # about two minutes

1. Reverse grokking: without weight decay a small network (5 dimensions, 10 neurons) first generalises for the most
   part, then memorises the rest and forgets some of what it knew.
2. Labels that are drawn by lot: every training pair is learned, nothing generalises, ever.
3. Omnigrok's initial scale (Liu et al. 2022, arXiv 2210.01117): how large the first weights are decides when.
4. AdamW swings between low loss and low weights. Why: without gradient m fades as beta1^t and sqrt(v) as sqrt(beta2)^t.
   If beta1 = sqrt(beta2), as nearly in the article's (0.99, 0.98), their ratio does not fade at all: the last step is
   repeated at full length long after its reason is gone. The weights overshoot, decay shrinks them until the loss
   is back, and so on. With beta1 of 0.985 or less (beta2 = 0.98) the network comes to rest.

Runs 1 and 2 are those of Pearce et al. 2023. Every run is a folder, gone on with or loaded if it is there.
"""

# %%
import argparse

import numpy as np
from _console import parse, show
from matplotlib.figure import Figure
from scipy.signal import find_peaks
from tqdm import tqdm

from grok_np import MLP, AdamW, BitMLP, ModularArithmetic, SparseParity, figures, train
from grok_np.figures.style import CYCLE, GREEN, title
from grok_np.figures.training import first_step

# %% [markdown]
# ## The runs


# %%
def addition(seed=0, operation="add"):
    """The article's pairs: p = 67, 40 % of the unordered ones."""
    return ModularArithmetic(67, operation, train_fraction=0.4, symmetric=True, seed=seed)


def adamw(weight_decay):
    """The article divides its loss by 67; with Adam that is our loss with 67 times its eps."""
    return AdamW(1e-3, (0.9, 0.98), eps=67e-8, weight_decay=weight_decay)


def settings(quick):
    """Arguments of `train` by name."""
    def steps(n):
        return 50 if quick else n

    found = {"reverse": (MLP(67, 5, 10), addition(seed=3), adamw(0.0), steps(20_000), 3),
             "random": (MLP(67, 64, 24), addition(operation="random"), adamw(1.0), steps(10_000), 0)}
    for scale in (0.5, 2.0, 8.0, 16.0):
        for seed in (0, 1):
            found[f"scale_{scale}_seed_{seed}"] = (MLP(67, 64, 24, init_scale=scale), addition(seed), adamw(3.0),
                                                   steps(10_000), seed)
    for beta1 in (0.9, 0.98, 0.99):
        found[f"beta1_{beta1}"] = (BitMLP(30, 32), SparseParity(train_size=1000, test_size=300),
                                   AdamW(0.03, (beta1, 0.98), weight_decay=1.0), steps(6000), 0)
    return found


def learn(name, arguments, out):
    """Train, go on with or load one network."""
    bits = {"loss": "logistic", "log_every": 5} if name.startswith("beta1") else {}
    return train(*arguments, out / name, exist_ok=True, checkpoint_every=arguments[3], progress=False, **bits)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="50 steps each: nothing is learned, everything runs")
    options = parse(parser, "strange_runs")
    runs = {name: learn(name, arguments, options.out)
            for name, arguments in tqdm(settings(options.quick).items(), unit="network")}

# %% [markdown]
# ## What became of them


# %%
def tell_of_accuracy(runs):
    """Print where the first two runs went."""
    history = runs["reverse"].history
    step, accuracy = history["step"], history["test_accuracy"]
    best = accuracy.argmax()
    print(f"1. reverse grokking: test accuracy {accuracy[best]:.1%} at step {step[best]:,}, {accuracy[-1]:.1%} at step "
          f"{step[-1]:,}, when {history['train_accuracy'][-1]:.1%} of the training pairs are right")
    history = runs["random"].history
    print(f"2. random labels: training pairs {history['train_accuracy'].max():.1%} at best, test pairs never above "
          f"{history['test_accuracy'].max():.1%} (chance is {1 / 67:.1%})")


def tell_of_scale(runs):
    """Print when networks of each initial scale know 95 % of the pairs."""
    for scale in (0.5, 2.0, 8.0, 16.0):
        when = {"train": [], "test": []}
        for name, found in when.items():
            for seed in (0, 1):
                history = runs[f"scale_{scale}_seed_{seed}"].history
                steps = history["step"][history[f"{name}_accuracy"] >= 0.95]
                found.append(f"{steps[0]:,}" if len(steps) else "never")
        print(f"3. initial scale {scale}: 95 % of the training pairs right at step {' and '.join(when['train'])} (two "
              f"seeds), of the test pairs at {' and '.join(when['test'])}")


def tell_of_swings(runs):
    """Print how far loss and norm move after the first third, and when the loss peaks."""
    for beta1 in (0.9, 0.98, 0.99):
        history = runs[f"beta1_{beta1}"].history
        late = history["step"] > history["step"][-1] // 3
        loss, norm = np.log10(history["train_loss"][late]), history["l2_norm"][late]
        peaks = history["step"][late][find_peaks(loss, prominence=0.3)[0]]
        print(f"4. beta1 = {beta1}, sqrt(beta2) = {0.98 ** 0.5:.3f}: train loss {10 ** loss.min():.2g} to "
              f"{10 ** loss.max():.2g}, weight norm {norm.min():.1f} to {norm.max():.1f}"
              + (f", steps between peaks {', '.join(map(str, np.diff(peaks)))}" if len(peaks) > 1 else ""))


if __name__ == "__main__":
    tell_of_accuracy(runs)
    tell_of_scale(runs)
    tell_of_swings(runs)

# %% [markdown]
# ## Look


# %%
def accuracies(histories, level=0.95) -> Figure:
    """Accuracy of several runs over steps, one colour per run; the title names who reaches ``level`` and when."""
    figure = Figure(figsize=(7.5, 4), layout="constrained")
    axis = figure.subplots()
    reached = {}
    for (name, history), colour in zip(histories.items(), CYCLE, strict=False):
        step = np.maximum(history["step"], 0.8)
        axis.plot(step, history["train_accuracy"], "--", color=colour, lw=1)
        axis.plot(step, history["test_accuracy"], "-", color=colour, label=name)
        reached[name] = first_step(history["step"], history["test_accuracy"] >= level)
    axis.plot([], [], "--", color="0.4", lw=1, label="dashed: training")
    axis.set(xscale="log", xlabel="step", ylabel="accuracy", ylim=(-0.03, 1.03))
    figure.legend(*axis.get_legend_handles_labels(), loc="outside lower center", ncols=3, frameon=False, fontsize=9)
    title(figure, f"{level:.0%} of the held-out pairs are right from step: " + ", ".join(
        f"{'never' if step is None else f'{step:,}'} ({name})" for name, step in reached.items()))
    return figure


def swings(histories, swing=10) -> Figure:
    """Training loss and weight norm of several runs; one swings if its later loss spans a factor ``swing`` or more."""
    figure = Figure(figsize=(8, 5), layout="constrained")
    top, bottom = figure.subplots(2, 1, sharex=True)
    spans = {}
    for (name, history), colour, style in zip(histories.items(), (GREEN, CYCLE[1], CYCLE[2]), ("-", "--", "-."),
                                              strict=False):
        step, loss = history["step"], history["train_loss"]
        top.plot(step, loss, style, color=colour, lw=1.2, label=name)
        bottom.plot(step, history["l2_norm"], style, color=colour, lw=1.2)
        late = loss[step >= step[-1] / 2]
        spans[name] = late.max() / max(late.min(), 1e-300)
    top.set(yscale="log", ylabel="training loss (nats)")
    bottom.set(xlabel="step", ylabel="norm of all weights", ylim=(0, None))
    figure.legend(*top.get_legend_handles_labels(), loc="outside lower center", ncols=3, frameon=False)
    swinging = ", ".join(f"{name} (by a factor of {span:.2g})" for name, span in spans.items() if span >= swing)
    resting = ", ".join(name for name, span in spans.items() if span < swing)
    title(figure, f"Over the second half the loss swings with {swinging or 'none of these'}; "
                  f"at rest (less than a factor of {swing}): {resting or 'none'}")
    return figure


if __name__ == "__main__":
    scales = {f"scale {scale}": runs[f"scale_{scale}_seed_0"].history for scale in (0.5, 2.0, 8.0, 16.0)}
    betas = {f"beta1 = {beta1}": runs[f"beta1_{beta1}"].history for beta1 in (0.9, 0.98, 0.99)}
    show(options.out / "figures", {
        "reverse": (figures.training_curves(runs["reverse"].history), "whether the test accuracy falls at the end"),
        "random": (figures.training_curves(runs["random"].history), "training pairs learned, the others never"),
        "scale": (accuracies(scales), "the larger the first weights, the later the test pairs (seed 0)"),
        "swings": (swings(betas), "whether loss and norm come to rest"),
    })
