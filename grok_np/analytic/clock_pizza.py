"""The clock and the pizza, written down (Zhong et al. 2023, arXiv 2306.17844).

Read next: `parity`.
"""

from dataclasses import replace

import numpy as np

from grok_np.analytic.rings import frequency_array, together, untied_star
from grok_np.errors import (
    require,
    require_number,
    require_type,
)
from grok_np.networks.mlp import MLP, Effective


def clock_logits(p, frequencies=(1,)):
    """What the clock computes: sum over k of cos(2 pi k (a + b - c) / p), logits (p, p, p) indexed [a, b, c].

    Two rotations multiplied, and read out at every c (Nanda et al. 2023; Zhong et al. 2023, section 2.1). Each k
    coprime to p alone decides every pair, for every p, by a margin of 1 - cos(2 pi / p) (`clock_margin`).
    """
    frequencies = frequency_array(frequencies, p)
    a, b, c = np.ogrid[:p, :p, :p]
    return sum(np.cos(2 * np.pi / p * k * (a + b - c)) for k in frequencies)


def check_companion(companion):
    require_number(companion, "companion", "in [0, 1)", lambda x: 0 <= x < 1)


def pizza_logits(p, frequencies=(1,), companion=0.0):
    """What the pizza computes: logits (p, p, p) indexed [a, b, c] from absolute values of sums of embeddings.

    With w = 2 pi k / p and x = (cos wa + cos wb, sin wa + sin wb), the paper's alpha and beta (section 2.2):

        |x . (cos wc/2, sin wc/2)| - |x . (-sin wc/2, cos wc/2)|
            = 2 |cos(w(a-b)/2)| (|cos(w(a+b-c)/2)| - |sin(w(a+b-c)/2)|)

    summed over k. The second factor is largest at c = a + b alone (k coprime to p), the first nowhere 0 for odd p: so
    one circle is exact for every odd p, thinly where a - b is near p / 2 (`pizza_margin`). For even p it is 0 on
    exactly p pairs, a - b = p / 2 mod p, whatever the (odd) frequencies, as for every tied ring.

    ``companion`` adds so much of twice `accompanying_logits`. In (0, 0.9] every p is exact, even ones too; from 0.903
    on large p fail where a = b, because 2 companion sin² t exceeds 1 - cos t + sin t near t = 67 degrees.
    """
    check_companion(companion)
    frequencies = frequency_array(frequencies, p)
    a, b, c = np.ogrid[:p, :p, :p]
    total = 0
    for k in frequencies:
        half = np.pi * k / p
        answer = half * (a + b - c)
        total = total + 2 * np.abs(np.cos(half * (a - b))) * (np.abs(np.cos(answer)) - np.abs(np.sin(answer)))
    return total + 2 * companion * accompanying_logits(p, frequencies)


def accompanying_logits(p, frequencies=(1,)):
    """-cos(w (a - b)) cos(w (a + b - c)), w = 2 pi k / p, summed over k: what accompanies a pizza, (p, p, p).

    By cos 2wa + cos 2wb = 2 cos(w (a - b)) cos(w (a + b)), and the same for sines, it is a *linear* function of a
    circle of frequency 2k, added over a and b and read out at frequency k: -1/2 (cos 2wa + cos 2wb) cos wc
    - 1/2 (sin 2wa + sin 2wb) sin wc. It is strongest, and right, where the pizza is blind, and wrong where the pizza is
    strongest, which can afford it.
    """
    frequencies = frequency_array(frequencies, p)
    a, b, c = np.ogrid[:p, :p, :p]
    return sum(-np.cos(w * (a - b)) * np.cos(w * (a + b - c)) for w in 2 * np.pi / p * frequencies)


def clock(p: int, frequencies: tuple[int, ...] = (1,)) -> Effective:
    """The exact clock in six x² neurons per frequency: `untied_star`, scaled so that it gives `clock_logits`."""
    each = [untied_star(p, 6, (1, 4), k) for k in frequency_array(frequencies, p)]
    return together(*[replace(one, C=one.C / 3) for one in each])


def pizza(p: int, frequencies: tuple[int, ...] = (1,), companion: float = 0.0) -> Effective:
    """The exact pizza in 2 p neurons |x| per frequency, alpha and beta of every c: it gives `pizza_logits`.

    With a ``companion`` three more, whose bias of 2 keeps |x + 2| linear.
    """
    require_number(companion, "companion", "in [0, 0.9], see `pizza_logits`", lambda x: 0 <= x <= 0.9)
    each = []
    for k in frequency_array(frequencies, p):
        token, c = np.arange(p)[:, None], np.arange(p)
        w = 2 * np.pi * k / p
        A = np.hstack([np.cos(w * (token - c / 2)), np.sin(w * (token - c / 2))])
        each.append(Effective(A, A, np.zeros(2 * p), np.vstack([np.eye(p), -np.eye(p)]), "abs"))
        if companion:
            third = 2 * np.pi / 3 * np.arange(3)
            A = np.cos(2 * w * token - third)
            each.append(Effective(A, A, np.full(3, 2.0), -2 / 3 * companion * np.cos(w * c - third[:, None]), "abs"))
    return together(*each)


def on_circles(network: Effective, frequencies: tuple[int, ...]) -> tuple[MLP, dict]:
    """The same network with an embedding: a model and parameters, W_E (p, 2 m) the circles of m frequencies.

    For whatever asks for embeddings, as `clock_pizza` does. Each circle is a tenth smaller than the one before, so that
    principal components find them one by one. A and B must be waves of these frequencies, else ValueError.
    """
    require_type(network, "network", Effective)
    p, h = network.A.shape
    frequencies = frequency_array(frequencies, p)
    angles = 2 * np.pi / p * np.outer(np.arange(p), frequencies)
    W_E = np.hstack([np.cos(angles), np.sin(angles)]) * np.tile(0.9 ** np.arange(len(frequencies)), 2)
    (W_in_a, W_in_b) = (np.linalg.lstsq(W_E, table)[0] for table in (network.A, network.B))
    missed = max(np.abs(W_E @ W_in_a - network.A).max(), np.abs(W_E @ W_in_b - network.B).max())
    require(missed < 1e-9, "frequencies", frequencies.tolist(), "all those of the network's A and B")
    model = MLP(p, W_E.shape[1], h, network.activation, "concatenated", bias=True)
    return model, {"W_E": W_E, "W_in_a": W_in_a, "W_in_b": W_in_b, "W_out": network.C, "b_in": network.bias}
