"""The networks of examples/selection_law.py in PyTorch and JAX: do they end in the same key sets, and how fast?

    python examples/benchmarks/selection_law.py docs/selection_networks.npz     # torch and jax; 3 minutes

PyTorch (autograd, torch.optim.Adam, float64) starts from the same first weights and takes as many updates as our
network did: one network for each of the 24 configurations. JAX: jit of a lax.scan of vmap over the networks, 100 at
once; one core for both sides, in turns, because machines are never quiet.
"""

import argparse
import json
import os
import time
from itertools import product

os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1")
import jax
import jax.numpy as jnp
import numpy as np
import torch
from threadpoolctl import threadpool_limits

from grok_np import MLP, AdamW, Composition
from grok_np.files import read_npz
from grok_np.groups import named
from grok_np.layers import LOSSES
from grok_np.learning.ensemble import make_groups, step_of_all
from grok_np.networks.flat import FlatVector
from grok_np.reading import groups
from grok_np.streams import generator
from grok_np.tasks import all_pairs

jax.config.update("jax_enable_x64", True)
torch.set_num_threads(1)
GROUPS, ACTIVATIONS, WIDTHS, DECAYS = ("C_5", "S_3"), ("square", "relu"), (2, 8), (0.0, 1e-4, 1e-2)
NAMES = ("W_in_a", "W_in_b", "W_out")


def first_weights(model, seed):
    rng, n = generator(seed, "weights"), model.p
    return {name: n**-0.5 * rng.normal(size=shape) for name, shape in model.shapes.items()}


def in_torch(group, activation, model, seeds, decays, updates):
    """Final weights of one network for each seed and decay, after its number of updates."""
    n = model.p
    labels = torch.tensor(named(group).table.ravel())
    drawn = [first_weights(model, seed) for seed in seeds]
    u, v, w = (torch.tensor(np.stack([one[name] for one in drawn]), requires_grad=True) for name in NAMES)
    optimizer = torch.optim.Adam([u, v, w], lr=1e-3, betas=(0.9, 0.999), eps=1e-8)
    decays, final = torch.tensor(decays), [None] * len(seeds)
    for step in range(max(updates) + 1):
        for i in np.flatnonzero(np.array(updates) == step):
            final[i] = {name: W[i].detach().numpy().copy() for name, W in zip(NAMES, (u, v, w), strict=True)}
        pre = (u[:, :, None] + v[:, None]).reshape(len(seeds), n * n, -1)
        logits = (pre**2 if activation == "square" else torch.relu(pre)) @ w
        loss = torch.nn.functional.cross_entropy(logits.reshape(-1, n), labels.repeat(len(seeds))) * len(seeds)
        loss = loss + sum((decays * (W**2).sum(dim=(1, 2))).sum() for W in (u, v, w))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return final


def key_set(group, model, params):
    n = model.p
    logits = model.forward(params, all_pairs(n))[0].reshape(n, n, n)
    return groups.key_set(groups.spectral_weights(logits, named(group)))


def same_key_sets(path):
    arrays = read_npz(path)
    settings = json.loads(bytes(arrays["settings"]))
    configurations = [tuple(one.values()) for one in settings["configurations"]]
    same = total = 0
    largest = []
    for group, activation, width in product(GROUPS, ACTIVATIONS, WIDTHS):
        model = MLP(named(group).order, n_hidden=width, activation=activation, factoring="one_hot")
        seeds = [3 * (WIDTHS.index(width) + 2 * ACTIVATIONS.index(activation)) + i for i in range(len(DECAYS))]
        at = [configurations.index((group, activation, width, decay)) for decay in DECAYS]
        took = [int(arrays[f"{i:02d}/converged"][seed]) for i, seed in zip(at, seeds, strict=True)]
        updates = [settings["steps"] if step < 0 else step for step in took]
        for i, seed, decay, theirs in zip(at, seeds, DECAYS, in_torch(group, activation, model, seeds, DECAYS, updates),
                                          strict=True):
            ours = {name: arrays[f"{i:02d}/{name}"][seed] for name in NAMES}
            sets = [key_set(group, model, one) for one in (ours, theirs)]
            apart = max(np.abs(ours[name] - theirs[name]).max() / np.abs(ours[name]).max() for name in NAMES)
            same, total = same + (sets[0] == sets[1]), total + 1
            largest.append(apart)
            print(f"  {group} {activation:6} m = {width} lambda = {decay:g} seed {seed:2}: {sets[0]} and {sets[1]}, "
                  f"weights {apart:.0e} apart", flush=True)
    print(f"{same} of {total} networks end in the same key set; weights are a median of {np.median(largest):.0e} "
          f"apart, at most {max(largest):.0e}")


def members_per_second(n_members=100, updates=200, rounds=5):
    """Network updates per second of CPU time on one core, ours and JAX's, in turns."""
    for group, activation, width in product(GROUPS, ACTIVATIONS, WIDTHS):
        n = named(group).order
        model = MLP(n, n_hidden=width, activation=activation, factoring="one_hot")
        drawn = [first_weights(model, seed) for seed in range(n_members)]
        params = {name: np.stack([one[name] for one in drawn]) for name in NAMES}
        labels = jnp.asarray(named(group).table.ravel())

        def loss(one, labels=labels, n=n, activation=activation):
            pre = (one["W_in_a"][:, None] + one["W_in_b"][None]).reshape(n * n, -1)
            logits = (pre**2 if activation == "square" else jax.nn.relu(pre)) @ one["W_out"]
            right = jnp.take_along_axis(logits, labels[:, None], axis=1)[:, 0]
            return (jax.nn.logsumexp(logits, axis=1) - right).mean() + 1e-4 * sum((W**2).sum() for W in one.values())

        def update(state, t, loss=loss):
            one, m, v = state
            g = jax.grad(loss)(one)
            m = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, m, g)
            v = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, v, g)
            step = jax.tree.map(lambda m, v: 1e-3 * m / (1 - 0.9**t) / (jnp.sqrt(v / (1 - 0.999**t)) + 1e-8), m, v)
            return (jax.tree.map(jnp.subtract, one, step), m, v), None

        zeros = jax.tree.map(jnp.zeros_like, params)
        ts = jnp.arange(1.0, updates + 1)
        run = jax.jit(jax.vmap(lambda one, m, v, update=update, ts=ts: jax.lax.scan(update, (one, m, v), ts)[0][0]))
        theirs = jax.block_until_ready(run(params, zeros, zeros))  # compiled
        adam, parts = AdamW(1e-3, (0.9, 0.999), weight_decay=0), make_groups(
            model, [np.stack([part] * n_members) for part in Composition(group).split()], np.float64)
        times = {"ours": [], "jax": []}
        for _ in range(rounds):
            start = time.process_time()
            theta = FlatVector(params)
            gradient, moments = FlatVector(params), adam.init(theta.vector)
            for t in range(1, updates + 1):
                step_of_all(model, theta.views, parts, LOSSES["cross_entropy"], gradient.views)
                gradient.vector += 2e-4 * theta.vector
                adam.step(theta.vector, gradient.vector, moments, t)
            times["ours"].append(time.process_time() - start)
            start = time.process_time()
            jax.block_until_ready(run(params, zeros, zeros))
            times["jax"].append(time.process_time() - start)
        far = max(np.abs(theta.views[name] - np.asarray(theirs[name])).max() for name in NAMES)
        ours, jaxs = (n_members * updates / np.median(times[who]) for who in times)
        print(f"  {group} {activation:6} m = {width}: {ours:9,.0f} ours, {jaxs:9,.0f} jax.vmap, "
              f"{jaxs / ours:.1f} times as fast; weights {far:.0e} apart after {updates} updates", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("networks", nargs="?", help="networks.npz of examples/selection_law.py")
    options = parser.parse_args()
    with threadpool_limits(1):
        print("Network updates per second of one core (Adam, float64, 100 networks at once; processor time):")
        members_per_second()
        if options.networks:
            print("\nPyTorch from the same first weights:")
            same_key_sets(options.networks)
