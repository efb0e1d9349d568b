"""For how many digits does PyTorch go the same way? One network, the same first weights, in float64, step by step.

    pip install -e ".[bench]" && python examples/benchmarks/follow_pytorch.py            # about five minutes

The mainline transformer and Clock and Pizza's, as their authors write them (`contestants`), with PyTorch's autograd and
torch.optim.AdamW; beside them our passes and our AdamW. Printed: the relative difference of the two training losses
at some steps, and the largest over all.
"""

import argparse

import contestants
import numpy as np

from grok_np import AdamW
from grok_np.layers import cross_entropy_backward, cross_entropy_forward
from grok_np.learning.adamw import FlatVector
from grok_np.streams import generator

CONTESTS = {"the mainline transformer": contestants.NANDA, "Clock and Pizza's transformer": contestants.PIZZA}


def our_losses(model, params, pairs, labels):
    """Training losses before each step, without end: hand-written passes, AdamW."""
    optimizer, theta = AdamW(**contestants.ADAMW), FlatVector(params)
    moments, t, inputs = optimizer.init(theta.vector), 0, model.index(pairs, np.float64)
    while True:
        logits, cache = model.forward(theta.views, inputs)
        loss, loss_cache = cross_entropy_forward(logits, labels)
        yield float(loss)
        t += 1
        gradient = FlatVector(model.backward(cross_entropy_backward(1.0, loss_cache), cache))
        optimizer.step(theta.vector, gradient.vector, moments, t)


def torch_losses(model, params, pairs, labels):
    """The same of PyTorch, every example through every layer."""
    import torch

    if model.layout == "a b =":
        pairs = np.hstack([pairs, np.full((len(pairs), 1), model.d_vocab - 1)])
    W = {name: torch.tensor(array, requires_grad=True) for name, array in params.items()}
    tokens, labels = torch.tensor(pairs), torch.tensor(labels)
    optimizer = torch.optim.AdamW(list(W.values()), **contestants.ADAMW)
    while True:
        logits = contestants.transformer_as_the_papers(torch, torch.nn.functional, W, tokens, model)
        loss = torch.nn.functional.cross_entropy(logits, labels)
        yield loss.item()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def differences(model, task, steps):
    """Relative differences (steps,) of the two training losses."""
    split = task.split()
    start = model.init(generator(task.seed, "weights"), np.float64), split.train_inputs, split.train_labels
    pairs = zip(range(steps), our_losses(model, *start), torch_losses(model, *start), strict=False)
    return np.array([abs(ours / theirs - 1) for _, ours, theirs in pairs])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=1000)
    arguments = parser.parse_args()
    for name, contest in CONTESTS.items():
        found = differences(contest.model, contest.task, arguments.steps)
        shown = sorted({step for step in (0, 10, 30, 100, 300) if step < len(found)} | {len(found) - 1})
        print(f"{name}: largest relative difference of the loss over {len(found):,} steps {found.max():.1e}; "
              + ", ".join(f"step {step:,} {found[step]:.1e}" for step in shown), flush=True)


if __name__ == "__main__":
    main()
