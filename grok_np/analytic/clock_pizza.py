"""The clock and the pizza, written down (Zhong et al. 2023, arXiv 2306.17844).

That they are two algorithms is contested (`reading.clock_pizza`); here are the two formulas, with what each can decide.

Read next: `parity`.
"""

from dataclasses import replace

import numpy as np

from grok_np.analytic.rings import angles, frequency_array, together, untied_star
from grok_np.errors import require, require_number, require_type
from grok_np.networks.mlp import MLP, Effective


def _pizza_prime(d, s, c):
    """The paper's second formula (its appendix), what neurons of one angle each add up."""
    C, S = np.cos(d) * np.cos(s), np.cos(d) * np.sin(s)
    # C and S are half of cos w a + cos w b and of sin w a + sin w b.
    return 2 * (abs(C) - abs(S)) * np.cos(c) - np.sqrt(2) * (abs(C - S) - abs(C + S)) * np.sin(c)


# Logits from the angles w (a - b) / 2, w (a + b) / 2 and w c.
FORMULAS = {
    "clock": lambda d, s, c: np.cos(2 * s - c),
    "pizza": lambda d, s, c: 2 * abs(np.cos(d)) * (abs(np.cos(s - c / 2)) - abs(np.sin(s - c / 2))),
    "pizza'": _pizza_prime,
    "accompanying": lambda d, s, c: -np.cos(2 * d) * np.cos(2 * s - c),
}


def formula(name, p, frequency):
    """The logits (p, p, p) of one of `FORMULAS` at one frequency, coprime to p or not."""
    a, b, c = np.ogrid[:p, :p, :p]
    return FORMULAS[name](angles(a - b, frequency, 2 * p), angles(a + b, frequency, 2 * p), angles(c, frequency, p))


def clock_logits(p, frequencies=(1,)):
    """What the clock computes: sum over k of cos(2 pi k (a + b - c) / p), logits (p, p, p) indexed [a, b, c].

    Two rotations multiplied, and read out at every c (Nanda et al. 2023; Zhong et al. 2023, section 2.1). Each k
    coprime to p alone decides every pair, for every p, by a margin of 1 - cos(2 pi / p) (`clock_margin`).
    """
    return sum(formula("clock", p, k) for k in frequency_array(frequencies, p))


def pizza_logits(p, frequencies=(1,), companion=0.0):
    """What the pizza computes: logits (p, p, p) indexed [a, b, c] from absolute values of sums of embeddings.

    With w = 2 pi k / p and x = (cos wa + cos wb, sin wa + sin wb), the paper's alpha and beta (section 2.2):

        |x . (cos wc/2, sin wc/2)| - |x . (-sin wc/2, cos wc/2)|
            = 2 |cos(w(a-b)/2)| (|cos(w(a+b-c)/2)| - |sin(w(a+b-c)/2)|)

    summed over k. The second factor is largest at c = a + b alone (k coprime to p), the first nowhere 0 for odd p: so
    one circle is exact for every odd p, thinly where a - b is near p / 2 (`pizza_margin`). For even p it is 0 on the p
    pairs with a - b = p / 2 mod p, as for every tied ring.

    ``companion`` adds so much of twice `accompanying_logits`. In (0, 0.9] every p is exact, even ones too; from 0.903
    on one circle fails for large p where a = b: 2 companion sin² t exceeds 1 - cos t + sin t near t = 67 degrees.
    """
    require_number(companion, "companion", "in [0, 1)", lambda x: 0 <= x < 1)
    frequencies = frequency_array(frequencies, p)
    return sum(formula("pizza", p, k) + 2 * companion * formula("accompanying", p, k) for k in frequencies)


def accompanying_logits(p, frequencies=(1,)):
    """-cos(w (a - b)) cos(w (a + b - c)), w = 2 pi k / p, summed over k: what accompanies a pizza, (p, p, p).

    As -1/2 (cos 2wa + cos 2wb) cos wc - 1/2 (sin 2wa + sin 2wb) sin wc it is a *linear* function of a circle of
    frequency 2k, added over a and b and read out at frequency k. It is strongest, and right, where the pizza is blind,
    and wrong where the pizza is strongest and can afford it.
    """
    return sum(formula("accompanying", p, k) for k in frequency_array(frequencies, p))


def clock(p: int, frequencies: tuple[int, ...] = (1,)) -> Effective:
    """The exact clock in six x² neurons per frequency: `untied_star`, scaled so that it gives `clock_logits`."""
    each = [untied_star(p, 6, (1, 4), k) for k in frequency_array(frequencies, p)]
    return together(*[replace(one, C=one.C / 3) for one in each])


def pizza(p: int, frequencies: tuple[int, ...] = (1,), companion: float = 0.0) -> Effective:
    """The exact pizza in 2 p neurons |x| per frequency, alpha and beta of every c: it gives `pizza_logits`.

    With a ``companion`` three more, whose bias of 2 keeps |x + 2| linear.
    """
    require_number(companion, "companion", "in [0, 0.9], see `pizza_logits`", lambda x: 0 <= x <= 0.9)
    frequencies, each = frequency_array(frequencies, p), []
    token = np.arange(p)[:, None]
    for k in frequencies:
        turn = angles(2 * token - token.T, k, 2 * p)
        A, third = np.hstack([np.cos(turn), np.sin(turn)]), 2 * np.pi / 3 * np.arange(3)
        each.append(Effective(A, A, np.zeros(2 * p), np.vstack([np.eye(p), -np.eye(p)]), "abs"))
        if companion:
            A, C = np.cos(angles(token, 2 * k, p) - third), np.cos(angles(token, k, p) - third).T
            each.append(Effective(A, A, np.full(3, 2.0), -2 / 3 * companion * C, "abs"))
    return together(*each)


def on_circles(network: Effective, frequencies: tuple[int, ...]) -> tuple[MLP, dict]:
    """The same network with an embedding: a model and parameters, W_E (p, 2 m) the circles of m frequencies.

    For whatever asks for embeddings, as `reading.clock_pizza` does. Each circle is a tenth smaller than the one before,
    so that principal components find them one by one. A and B must be waves of these frequencies, else ValueError.
    """
    require_type(network, "network", Effective)
    p, h = network.A.shape
    frequencies = frequency_array(frequencies, p)
    turn = angles(np.arange(p)[:, None], frequencies, p)
    W_E = np.hstack([np.cos(turn), np.sin(turn)]) * np.tile(0.9 ** np.arange(len(frequencies)), 2)
    W_in_a, W_in_b = (np.linalg.lstsq(W_E, table)[0] for table in (network.A, network.B))
    missed = max(np.abs(W_E @ W_in_a - network.A).max(), np.abs(W_E @ W_in_b - network.B).max())
    require(missed < 1e-9, "frequencies", frequencies.tolist(), "all those of the network's A and B")
    model = MLP(p, W_E.shape[1], h, network.activation, "concatenated", bias=True)
    return model, {"W_E": W_E, "W_in_a": W_in_a, "W_in_b": W_in_b, "W_out": network.C, "b_in": network.bias}
