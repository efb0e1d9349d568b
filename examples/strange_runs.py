# %%
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

Runs 1 and 2 are those of Pearce et al. 2023. Every run is a folder under --out, continued or loaded if it is there.
"""

import argparse
from pathlib import Path

import numpy as np
from scipy.signal import find_peaks

from grok_np import MLP, AdamW, BitMLP, ModularArithmetic, SparseParity, figures, resume, train

BETAS = (0.9, 0.98)


# %%
def learn(path, model, task, optimizer, steps, seed=0, **options):
    """Train, continue or just load one network."""
    if (path / "config.json").exists():
        return resume(path, progress=False)
    return train(model, task, optimizer, steps, seed, path, checkpoint_every=steps, progress=False, **options)


def addition(seed=0, operation="add"):
    """The article's pairs: p = 67, 40 % of the unordered ones."""
    return ModularArithmetic(67, operation, train_fraction=0.4, symmetric=True, seed=seed)


def adamw(weight_decay, lr=1e-3, betas=BETAS):
    """The article divides its loss by 67; with Adam that is our loss with 67 times its eps."""
    return AdamW(lr, betas, eps=67e-8, weight_decay=weight_decay)


# %%
def reverse_grokking(out, steps):
    run = learn(out / "reverse", MLP(67, 5, 10), addition(seed=3), adamw(0.0), steps, seed=3)
    step, accuracy = run.history["step"], run.history["test_accuracy"]
    best = accuracy.argmax()
    print(f"1. reverse grokking: test accuracy {accuracy[best]:.1%} at step {step[best]:,}, {accuracy[-1]:.1%} at step "
          f"{step[-1]:,}, when {run.history['train_accuracy'][-1]:.1%} of the training pairs are right")
    return run


def random_labels(out, steps):
    run = learn(out / "random", MLP(67, 64, 24), addition(operation="random"), adamw(1.0), steps)
    print(f"2. random labels: training pairs {run.history['train_accuracy'].max():.1%} at best, test pairs never above "
          f"{run.history['test_accuracy'].max():.1%} (chance is {1 / 67:.1%})")
    return run


def initial_scale(out, steps):
    """Histories by scale, of seed 0."""
    histories = {}
    for scale in (0.5, 2.0, 8.0, 16.0):
        when = {"train": [], "test": []}
        for seed in (0, 1):
            model = MLP(67, 64, 24, init_scale=scale)
            run = learn(out / f"scale_{scale}_seed_{seed}", model, addition(seed), adamw(3.0), steps, seed)
            histories.setdefault(f"initial scale {scale}", run.history)
            for name, found in when.items():
                steps_right = run.history["step"][run.history[f"{name}_accuracy"] >= 0.95]
                found.append(f"{steps_right[0]:,}" if len(steps_right) else "never")
        print(f"3. initial scale {scale}: 95 % of the training pairs right at step {' and '.join(when['train'])} (two "
              f"seeds), of the test pairs at {' and '.join(when['test'])}")
    return histories


# %%
def swings(out, steps):
    """Runs by beta1, and the loss peaks of the second half of each."""
    runs = {}
    for beta1 in (0.9, 0.98, 0.99):
        runs[beta1] = run = learn(out / f"beta1_{beta1}", BitMLP(30, 32), SparseParity(train_size=1000, test_size=300),
                                  AdamW(0.03, (beta1, 0.98), weight_decay=1.0), steps, loss="logistic", log_every=5)
        late = run.history["step"] > steps // 3
        loss, step = np.log10(run.history["train_loss"][late]), run.history["step"][late]
        peaks, _ = find_peaks(loss, prominence=0.3)
        norm = run.history["l2_norm"][late]
        print(f"4. beta1 = {beta1}, sqrt(beta2) = {0.98 ** 0.5:.3f}: train loss {10 ** loss.min():.2g} to "
              f"{10 ** loss.max():.2g}, weight norm {norm.min():.1f} to {norm.max():.1f}"
              + (f", steps between peaks {', '.join(map(str, np.diff(step[peaks])))}" if len(peaks) > 1 else ""))
    return runs


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("runs/strange_runs"))
    parser.add_argument("--quick", action="store_true", help="50 steps each: nothing is learned, everything runs")
    arguments = parser.parse_args()
    steps = (lambda n: 50) if arguments.quick else (lambda n: n)
    out = arguments.out
    pictures = {
        "reverse": figures.training_curves(reverse_grokking(out, steps(20_000)).history),
        "random": figures.training_curves(random_labels(out, steps(10_000)).history),
        "scale": figures.accuracies(initial_scale(out, steps(10_000)), "The initial scale decides when (seed 0)"),
        "swings": figures.swings({f"beta1 = {beta1}": run.history for beta1, run in swings(out, steps(6000)).items()}),
    }
    paths = [figures.save(picture, out / "figures" / f"{name}.png") for name, picture in pictures.items()]
    print("\nLook at:", *paths, sep="\n  ")


if __name__ == "__main__":
    main()
