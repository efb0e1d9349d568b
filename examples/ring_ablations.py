# %%
"""Break one law of the rings at a time and watch the loss: which moments carry a network?

    python examples/ring_ablations.py            # ten seconds on one core

Three networks with p = 67, three frequencies and 32 neurons each: ReLU with pure cosines, ReLU with a learned wave
(constant 0.09, second harmonic -0.12), and x² with pure cosines. All rings are regular, so that no moment below M_30 is
left, and scaled so that the loss over all pairs is 1e-4. Then one thing is broken in all rings by eps:

    turned    phases alpha + eps, output phases + 2 eps, eps in radians: a symmetry, up to the grid of tokens
    M_n       weights 1 + 2 eps cos(n alpha), which give |M_n| = |M_(32-n)| = eps of the total weight and nothing else
    star law  output phases 2 alpha +- eps radians, neighbours in opposite directions: |R_0| = cos eps, R_16 = sin eps

Printed and drawn: loss over all pairs against eps. The moment law (docs/theory.md, section 1) says beforehand which
curves are flat: for cosines M_5 and M_7 are, for the learned wave they are not; x² feels M_2 and M_4 alone.
"""

import argparse

import numpy as np
from _console import parse
from matplotlib.figure import Figure
from scipy.optimize import brentq

from grok_np import analytic, figures, tasks
from grok_np.figures.style import CYCLE
from grok_np.layers import LOSSES
from grok_np.networks.mlp import Effective

P, N, FREQUENCIES, START = 67, 32, (8, 14, 27), 1e-4
NETWORKS = {"ReLU, cosines": ("relu", 0, 0), "ReLU, learned wave": ("relu", 0.09, -0.12),
            "x², cosines": ("square", 0, 0)}
BREAKS = ("turned", "M_4", "M_5", "M_6", "M_7", "star law")


# %%
def broken(network, what, eps, scale=1.0):
    """The network's effective weights with one law broken."""
    activation, constant, second = NETWORKS[network]
    x, rings = 2 * np.pi / P * np.arange(P)[:, None], []
    for k in FREQUENCIES:
        alpha = 2 * np.pi * np.arange(N) / N + (eps if what == "turned" else 0)
        weights = 1 + 2 * eps * np.cos(int(what[2:]) * alpha) if what.startswith("M_") else np.ones(N)
        beta = 2 * alpha + (eps * (-1.0) ** np.arange(N) if what == "star law" else 0)
        t = k * x - alpha
        A = scale * (constant + np.cos(t) + second * np.cos(2 * t))
        rings.append(Effective(A, A, np.zeros(N), scale * (weights * np.cos(k * x - beta)).T, activation))
    return analytic.together(*rings)


def score(effective):
    """Loss over all pairs in nats, and accuracy."""
    logits, labels = analytic.logits(effective, P).reshape(P * P, P), tasks.all_pairs(P).sum(axis=1) % P
    loss = LOSSES["cross_entropy"]
    return float(loss.forward(logits, labels)[0]), loss.accuracy(logits, labels)


def curves(network, sizes):
    """Loss and accuracy by what is broken and by how much, at the scale at which the whole network's loss is START."""
    def too_sure(log_scale):
        loss, _ = score(broken(network, "turned", 0, np.exp(log_scale)))
        return np.log(max(loss, 1e-300) / START)

    log_scale = brentq(too_sure, -3, 4, xtol=1e-6)
    return {what: [score(broken(network, what, eps, np.exp(log_scale))) for eps in sizes] for what in BREAKS}


# %%
def draw(sizes, by_network):
    """Loss over that of the whole network against the size of the break; titles say which breaks are free."""
    figure = Figure(figsize=(11, 3.8), layout="constrained")
    axes = figure.subplots(1, len(by_network), sharey=True)
    for axis, (network, breaks) in zip(axes, by_network.items(), strict=True):
        for (what, scores), color, marker in zip(breaks.items(), CYCLE, "ovs^Dx", strict=False):
            axis.plot(sizes, [loss / START for loss, _ in scores], color=color, marker=marker, ms=4, label=tex(what))
        unhurt = ", ".join(tex(what) for what in free(breaks))
        axis.set(yscale="log", ylim=(0.9, 10), xlabel="size of the break", title=f"{network}\nfree: {unhurt or 'none'}",
                 yticks=[1, 2, 5, 10], yticklabels=["1", "2", "5", "10"])
        axis.minorticks_off()
    axes[0].set_ylabel("loss over all pairs / whole network's")
    axes[-1].legend(title="broken", frameon=False, fontsize=9, loc="upper right")
    return figure


def tex(what):
    """The name of a break as matplotlib writes it."""
    return f"${what}$" if what.startswith("M_") else what


def free(breaks):
    """Those that change the loss by less than a twentieth at every size."""
    return [what for what, scores in breaks.items() if max(abs(loss / START - 1) for loss, _ in scores) < 0.05]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--points", type=int, default=11)
    arguments = parse(parser, "ring_ablations")
    sizes = np.linspace(0, 0.5, arguments.points)
    by_network = {network: curves(network, sizes) for network in NETWORKS}
    for network, breaks in by_network.items():
        print(f"\n{network}: loss over all pairs (accuracy) after a break of")
        print(f"{'':10s}" + "".join(f"{eps:20.2f}" for eps in sizes[:: max(1, len(sizes) // 5)]))
        for what, scores in breaks.items():
            shown = [f"{loss:.2e} ({accuracy:.3f})" for loss, accuracy in scores[:: max(1, len(sizes) // 5)]]
            print(f"{what:10s}" + "".join(f"{text:>20s}" for text in shown))
        print("free (loss within a twentieth):", ", ".join(free(breaks)) or "none")
    print("\nLook at:", figures.save(draw(sizes, by_network), arguments.out / "ring_ablations.png"), sep="\n  ")


if __name__ == "__main__":
    main()
