"""Which modes do networks of rings need? Loss + decay where it is least, with tables made of more and more waves.

    python examples/which_modes.py            # some minutes; --quick: a few evaluations, nothing is least

For the rings of the main job's network and of the explorable article's (p = 67, ReLU): the columns of A and the rows
of C are sums of waves, of a neuron's own frequency k or of those of all rings. Minimised is the mean loss on all pairs
plus AdamW's decay in its leading term, eps weight_decay |[A | C^T]|_*, the nuclear norm (docs/theory.md, section 5).
Printed: how far each family stays above the last, in which any wave may be in any neuron; the least of several starts.
(Singular values are rounded off at 0, which takes less than 0.02 % off.)
"""

import argparse
from functools import partial

import numpy as np
from _console import workers
from scipy.optimize import minimize

from grok_np import tasks
from grok_np.layers import cross_entropy_backward, cross_entropy_forward
from grok_np.networks.mlp import Effective, mix_backward, mix_forward
from grok_np.networks.pairs import index_pairs
from grok_np.reading import fourier
from grok_np.streams import generator

P, EPS = 67, 67e-8
RINGS = {"main job": {9: 10, 10: 6, 21: 8}, "published": {1: 11, 15: 6, 23: 6}}  # neurons by frequency
# Whose frequencies k count; which of their multiples a neuron reads, and which it puts out. None: every mode.
FAMILIES = (("own", (0, 1, 2), (1,)), ("own", range(6), (1,)), ("all rings'", (0, 1, 2), (1,)),
            ("all rings'", (0, 1, 2), (0, 1, 2)), ("all rings'", range(6), range(6)), ("any", None, None))


def may_differ(of_neuron, whose, multiples):
    """Which coefficients (p, n) of a table, in the basis of `fourier`, a family leaves free."""
    if multiples is None:
        return np.ones((P, len(of_neuron)), bool)
    modes = np.outer(multiples, of_neuron) % P
    free = (fourier.frequencies(P)[:, None, None] == np.minimum(modes, P - modes)).any(axis=1)
    return free if whose == "own" else np.broadcast_to(free.any(axis=1, keepdims=True), free.shape)


def nuclear_norm(table, smooth=1e-3):
    """Sum of sqrt(s² + smooth²) over the singular values: like that of s, but smooth where a mode is absent."""
    U, s, Vh = np.linalg.svd(table, full_matrices=False)
    rounded = np.sqrt(s**2 + smooth**2)
    return (rounded - smooth).sum(), U * (s / rounded) @ Vh


def loss_and_decay(coefficients, pairs, labels):
    """Of [A | C^T] (p, 2 n) in the basis of `fourier`, and the gradient."""
    A, C = np.hsplit(fourier.inverse_transform(coefficients), 2)
    logits, cache = mix_forward(Effective(A, A, np.zeros(A.shape[1]), C.T, "relu"), pairs)
    loss, loss_cache = cross_entropy_forward(logits, labels)
    grads = mix_backward(cross_entropy_backward(1.0, loss_cache), cache)
    norm, slope = nuclear_norm(coefficients)
    return loss + EPS * norm, fourier.transform(np.hstack([grads["A"] + grads["B"], grads["C"].T])) + EPS * slope


def descend(coefficients, free, evaluations, rng, **data):
    """L-BFGS on the free coefficients, pushed off the kinks of ReLU for as long as that gains; the least value."""
    def objective(vector):
        coefficients[free] = vector
        value, gradient = loss_and_decay(coefficients, **data)
        return value, gradient[free]

    best, least, gained = coefficients[free], np.inf, True
    while gained and evaluations > 0:
        push = (least < np.inf) * 1e-3 * best.std() * rng.normal(size=best.size)
        found = minimize(objective, best + push, jac=True, method="L-BFGS-B", options={
            "maxcor": 30, "maxfun": evaluations, "maxiter": evaluations, "ftol": 1e-12, "gtol": 1e-12})
        gained, evaluations = found.fun < least * (1 - 1e-5), evaluations - found.nfev
        if found.fun < least:
            best, least = found.x, found.fun
    coefficients[free] = best
    return least


def start(of_neuron, rng):
    """Regular rings with a learned wave, each turned at random and a little uneven, of about a learned size."""
    x, alpha = 2 * np.pi / P * np.arange(P)[:, None], np.empty(len(of_neuron))
    for k in np.unique(of_neuron):
        here = np.flatnonzero(of_neuron == k)
        alpha[here] = 2 * np.pi * np.arange(len(here)) / len(here) + rng.uniform(0, 2 * np.pi)
    alpha += rng.normal(scale=0.1, size=alpha.size)
    A = np.cos(of_neuron * x - alpha) - 0.12 * np.cos(2 * (of_neuron * x - alpha)) + 0.09
    return 3 * fourier.transform(np.hstack([A, np.cos(of_neuron * x - 2 * alpha)]))


def least_of_families(which, evaluations):
    """Loss + decay of each family for (name of the rings, seed of the start)."""
    name, seed = which
    rng, of_neuron = generator(seed, "starts"), np.repeat(*map(list, zip(*RINGS[name].items(), strict=True)))
    inputs = tasks.all_pairs(P)
    inputs = inputs[inputs[:, 0] <= inputs[:, 1]]
    data = {"pairs": index_pairs(inputs, P), "labels": inputs.sum(axis=1) % P}
    coefficients, values = start(of_neuron, rng), []
    for whose, reads, puts_out in FAMILIES:
        free = np.hstack([may_differ(of_neuron, whose, multiples) for multiples in (reads, puts_out)])
        coefficients *= free
        values.append(descend(coefficients, free, evaluations, rng, **data))
    return values


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--starts", type=int, default=4)
    parser.add_argument("--evaluations", type=int, default=3000, help="of the objective, at most, for each family")
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    starts, evaluations = (1, 20) if options.quick else (options.starts, options.evaluations)
    which = [(name, seed) for name in RINGS for seed in range(starts)]
    with workers() as pool:
        found = list(pool.map(partial(least_of_families, evaluations=evaluations), which))
    least = np.reshape(found, (len(RINGS), starts, len(FAMILIES))).min(axis=1).T
    print("| frequencies | a neuron reads | and puts out | " + " | ".join(RINGS) + " |\n|" + " --- |" * 5)
    for (whose, *multiples), values in zip(FAMILIES, least, strict=True):
        reads, puts_out = ("every mode" if one is None else f"{min(one)} to {max(one)}" * (len(one) > 1)
                           or str(one[0]) for one in multiples)
        shares = " | ".join(f"{value / last - 1:+.2%}" if whose != "any" else f"{value:.4e}"
                            for value, last in zip(values, least[-1], strict=True))
        print(f"| {whose} | {reads} | {puts_out} | {shares} |")


if __name__ == "__main__":
    main()
