# %%
"""Write down a network as good as the learned one: rings whose shape makes loss + decay least.

    python examples/best_network.py                        # the main job's network; half a minute (three with --stay)
    python examples/best_network.py --published FILE       # the explorable article's weights (main_model.npz)
    python examples/best_network.py --run runs/mlp_seeds/seed_05 runs/mlp_seeds/seed_11 --stay 20000     # several

Of a learned network only frequencies and ring sizes are taken. `best_rings` then finds phases, weights and waves by
itself, once for the network's own training pairs and once for all pairs. Printed: loss + decay and loss / eps on the
training pairs, the loss on all pairs when every network is scaled to the decay norm of the learned one, and the rings'
moments. With --stay STEPS training goes on from the network that was written down: does it stay? docs/theory.md says
why it should.
"""

import argparse
from dataclasses import replace
from pathlib import Path
from time import perf_counter

import numpy as np

from grok_np import AdamW, ModularArithmetic, load_run, tasks, train
from grok_np.analytic import best_rings
from grok_np.layers import LOSSES
from grok_np.networks.mlp import mix_forward
from grok_np.reading import published, rings


# %%
def score(effective, pairs):
    """Loss on these pairs in nats, and accuracy."""
    labels, loss = pairs.sum(axis=1) % len(effective.A), LOSSES["cross_entropy"]
    logits, _ = mix_forward(effective, pairs)
    return float(loss.forward(logits, labels)[0]), loss.accuracy(logits, labels)


def learned_network(path, is_published):
    """Model, float64 parameters, training pairs and the optimizer whose decay it felt."""
    if is_published:
        network = published.load(path)
        model, params, optimizer = network.model, network.params, AdamW(eps=67e-8)
        train = np.argwhere(network.train_mask)
    else:
        run = load_run(path)
        model, params, optimizer, train = run.model, run.params, run.optimizer, run.task.split().train_inputs
    return model, {name: W.astype(np.float64) for name, W in params.items()}, train, optimizer


def decay_norm(effective):
    """Twice the nuclear norm of [A | C^T]: the least sum of squares of tied factors."""
    return 2 * np.linalg.svd(np.hstack([effective.A, effective.C.T]), compute_uv=False).sum()


def row(name, effective, train, optimizer, norm):
    """One line of the table: on the training pairs; and on all pairs, scaled to a norm."""
    p = len(effective.A)
    own = decay_norm(effective)
    loss_here, _ = score(effective, train)
    objective = loss_here + optimizer.eps * optimizer.weight_decay / 2 * own
    scaled = replace(effective, A=effective.A * norm / own, B=effective.B * norm / own, C=effective.C * norm / own)
    loss, accuracy = score(scaled, tasks.all_pairs(p))
    return f"{name:38s}{objective:12.4e}{loss_here / optimizer.eps:10.1f}{own:9.1f}{loss:14.3e}{accuracy:10.4f}"


def rings_row(name, effective):
    """Frequency, size, |M_5| .. |M_8| of each ring."""
    found = [f"{ring.frequency}: {ring.n_neurons} (" + " ".join(f"{m:.2f}" for m in ring.moments[4:8]) + ")"
             for ring in rings.find(effective)]
    return f"{name:38s}" + "   ".join(found)


# %%
def stay(best, pairs, optimizer, steps):
    """AdamW, started from the network that was written down."""
    task = ModularArithmetic(best.model.p, symmetric=True, train_pairs=pairs)
    run = train(best.model, task, optimizer, steps, initial=best.params)
    return best.model.effective({name: W.astype(np.float64) for name, W in run.params.items()})


def differences(one, other):
    """By how much |M_5| to |M_8| of each ring differ at most; infinite if the other has it with other neurons."""
    there = {(ring.frequency, ring.n_neurons): ring.moments for ring in rings.find(other)}
    return [np.abs(ring.moments - there.get((ring.frequency, ring.n_neurons), np.inf))[4:8].max()
            for ring in rings.find(one)]


def examine(path, arguments):
    """Print what the written-down networks are beside the learned one.

    With --stay, return how far each ring moves (n,), and how far it is then from the learned one (n,).
    """
    model, params, pairs, optimizer = learned_network(path, bool(arguments.published))
    networks, moved = {"learned": model.effective(params)}, np.empty((2, 0))
    sizes = {ring.frequency: ring.n_neurons for ring in rings.find(networks["learned"])}
    print(f"{path}: frequencies and neurons {sizes}")
    for name, inputs in (("for the training pairs", pairs), ("for all pairs", None)):
        start = perf_counter()
        width = model.d_embed if arguments.stay and inputs is pairs else None
        best = best_rings(model.p, sizes, optimizer, model.activation, inputs=inputs, width=width,
                          starts=arguments.starts, evaluations=arguments.evaluations)
        networks[f"written down, {name}"] = best.effective
        print(f"written down {name} in {perf_counter() - start:.0f} seconds, {arguments.starts} starts")
        if arguments.stay and inputs is pairs:
            later = stay(best, pairs, optimizer, arguments.stay)
            networks[f"the same, {arguments.stay:,} steps later"] = later
            moved = np.array([differences(one, later) for one in (best.effective, networks["learned"])])
    print(f"\n{'':38s}{'loss+decay':>12s}{'loss/eps':>10s}{'norm':>9s}{'loss at equal':>14s}{'accuracy':>10s}\n"
          f"{'':38s}{'training pairs':>22s}{'':9s}{'norm, all':>14s}{'all pairs':>10s}")
    norm = decay_norm(networks["learned"])
    print("\n".join(row(name, one, pairs, optimizer, norm) for name, one in networks.items()))
    print("\nfrequency: neurons (|M_5| |M_6| |M_7| |M_8|)")
    print("\n".join(rings_row(name, one) for name, one in networks.items()), flush=True)
    return moved


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--run", type=Path, nargs="+", default=[Path("runs/mlp_grokking")],
                        help="finished runs like the main job's")
    parser.add_argument("--published", type=Path, help="the article's weights instead")
    parser.add_argument("--stay", type=int, default=0, metavar="STEPS", help="train on from the written-down network")
    parser.add_argument("--starts", type=int, default=3)
    parser.add_argument("--evaluations", type=int, default=3000, help="of the objective, at most, for each start")
    arguments = parser.parse_args()
    paths = [arguments.published] if arguments.published else arguments.run
    moved, apart = np.hstack([examine(path, arguments) for path in paths])
    if arguments.stay:
        print(f"\n{(moved <= 0.06).sum()} of {len(moved)} rings stay: none of their |M_5| to |M_8| moves by more than "
              f"0.06; the largest move of all is {moved.max():.2f}. {(apart > 0.2).sum()} are more than 0.2 from the "
              f"learned ones")


if __name__ == "__main__":
    main()
