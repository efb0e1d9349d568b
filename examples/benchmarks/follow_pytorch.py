"""For how many digits does PyTorch go the same way? One network, the same first weights, in float64, step by step.

    pip install -e ".[bench]" && python examples/benchmarks/follow_pytorch.py            # about ten minutes

The mainline transformer and Clock and Pizza's, as their authors write them (`contestants`), with PyTorch's autograd and
torch.optim.AdamW; beside them our passes and our AdamW. Printed: the relative difference of the two training losses
at some steps, and the largest up to there.
"""

import argparse

import contestants
import numpy as np

from grok_np import AdamW
from grok_np.layers import cross_entropy_backward, cross_entropy_forward
from grok_np.networks.flat import FlatVector
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
    """Relative difference of the two training losses, step by step."""
    split = task.split()
    start = model.init(generator(task.seed, "weights"), np.float64), split.train_inputs, split.train_labels
    for _, ours, theirs in zip(range(steps), our_losses(model, *start), torch_losses(model, *start), strict=False):
        yield abs(ours / theirs - 1)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=1000)
    steps = parser.parse_args().steps
    for name, contest in CONTESTS.items():
        print(f"{name}: relative difference of the training loss, and the largest so far")
        largest = 0
        for step, difference in enumerate(differences(contest.model, contest.task, steps)):
            largest = max(largest, difference)
            if step in (0, 10, 30, 100, 300) or step == steps - 1:
                print(f"  step {step:5,} {difference:.1e} {largest:.1e}", flush=True)


if __name__ == "__main__":
    main()
