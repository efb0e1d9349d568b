"""Where the time of a training step goes: each part of it, beside the matrix products alone, on one thread.

    python examples/benchmarks/parts_of_a_step.py            # 15 seconds

The networks and data of step_time.py, after some hundred steps (a trained network's loss takes longer: many of its
entries become 0). Printed: microseconds of processor time, medians over the steps that follow; then what the matrix
products of the same algebra take alone, with the factors in the order that BLAS likes best.
"""

import time

import contestants
import numpy as np
from threadpoolctl import threadpool_limits

from grok_np import AdamW
from grok_np.layers import LOSSES
from grok_np.learning.machine import keep_freed_memory
from grok_np.learning.training import make_shards
from grok_np.networks.flat import FlatVector

NETWORKS = {"the article's MLP": (contestants.ARTICLE, 2000, 1000),  # steps before, and steps that count
            "the mainline transformer": (contestants.NANDA, 20, 60),
            "Clock and Pizza's transformer": (contestants.PIZZA, 20, 60)}
PARTS = ("effective weights", "mix, forward", "loss, forward and backward", "mix, backward",
         "gradient of the parameters", "AdamW")


def parts_of(contest, before, counted):
    """Seconds of each of the `PARTS` of a step, medians: what `training.loss_and_gradients` does, with a clock."""
    model, loss = contest.model, LOSSES["cross_entropy"]
    params, pairs, labels = contest.start()
    shards = make_shards(model, pairs, labels, np.float32)
    theta, optimizer = FlatVector(params), AdamW(**contestants.ADAMW, eps=contest.eps)
    gradient, moments = FlatVector(theta.views), optimizer.init(theta.vector)
    taken = np.zeros((before + counted, len(PARTS)))
    for t, row in enumerate(taken, start=1):
        def clock(part, call, *arguments, row=row):
            begin = time.thread_time()
            out = call(*arguments)
            row[PARTS.index(part)] += time.thread_time() - begin
            return out

        def loss_both(logits, shard):
            return loss.backward(shard.share, loss.forward(logits, shard.labels)[1])

        effective, total = clock("effective weights", model.effective, theta.views), None
        for shard in shards:
            logits, cache = clock("mix, forward", model.mix_forward, effective, shard.inputs)
            dlogits = clock("loss, forward and backward", loss_both, logits, shard)
            grads = clock("mix, backward", model.mix_backward, dlogits, cache)
            total = grads if total is None else {name: total[name] + grads[name] for name in total}
        clock("gradient of the parameters", model.effective_backward, total, theta.views, gradient.views)
        clock("AdamW", optimizer.step, theta.vector, gradient.vector, moments, t)
    return np.median(taken[before:], axis=0)


def products_of(contest):
    """Seconds of its matrix products alone, median."""
    step, taken = contestants.products_alone(contest, threads=1), []
    for _ in range(50):
        begin = time.thread_time()
        step()
        taken.append(time.thread_time() - begin)
    return np.median(taken)


def main():
    keep_freed_memory()
    threadpool_limits(1, user_api="blas")
    columns = {name: [*(parts := parts_of(*settings)), parts.sum(), products_of(settings[0])]
               for name, settings in NETWORKS.items()}
    print(f"| microseconds | {' | '.join(columns)} |\n|" + " --- |" * (1 + len(columns)))
    for name, *row in zip((*PARTS, "all of it", "matrix products alone"), *columns.values(), strict=True):
        print(f"| {name} | {' | '.join(f'{1e6 * seconds:,.0f}' for seconds in row)} |")


if __name__ == "__main__":
    main()
