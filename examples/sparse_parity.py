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

from grok_np import AdamW, BitMLP, SparseParity, figures, train
from grok_np.analytic.parity import exact_parity

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
                figures.save(figures.weight_paths(saved, W_in, K, marks), out / "weights.png"),
                figures.save(figures.bit_maps(maps, K), out / "maps.png"),
                figures.save(figures.parity_outputs(outputs, task.test_inputs[:, :K].sum(axis=1)), out / "outputs.png")]
    print("\nLook at:", *pictures, sep="\n  ")


if __name__ == "__main__":
    main()
