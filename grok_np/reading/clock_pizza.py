"""Which algorithm adds mod p: the clock, which multiplies rotations, or the pizza, which takes |sums| of them.

The measures of Zhong, Liu, Tegmark, Andreas 2023 (arXiv 2306.17844), for any model of this package and, where a
network can be told from its logits alone, for plain arrays (p, p, n), indexed [a, b, c], of which n >= p:

    clock    cos(w (a + b - c))                          the same for every a - b; g_a and g_b point different ways
    pizza    |cos(w (a - b) / 2)| cos(w (a + b - c))     weak where a - b is near p / 2; g_a = g_b

with w = 2 pi k / p and g_a, g_b the gradients of logit c for the embeddings of a and b. So two numbers tell them
apart: `gradient_symmetricity` (cosine of g_a and g_b; 1 for the pizza) and `distance_irrelevance` (how little of the
correct logit's spread is due to a - b; 0 for the pizza). A third, `circularity`, says whether the embedding is made of
circles at all. (Which formula each circle follows alone: examples/_circles.py.)

That these are two algorithms is contested: McCracken et al. 2025 (arXiv 2505.18266) and Moisescu-Pareja et al. 2025
(arXiv 2512.25060) find one after a remapping. The right answer is a + b mod p throughout. Read next: `published`.
"""

import random
from typing import NamedTuple

import numpy as np

from grok_np.errors import require, require_array, require_choice, require_integer
from grok_np.reading import fourier
from grok_np.reading.every_pair import accuracy, all_logits, answers, check, grid
from grok_np.tasks import all_pairs


def correct_logits(logits):
    """The logit of the right answer of each pair: (p, p, n) -> (p, p), indexed [a, b]."""
    logits = grid(logits)
    return np.take_along_axis(logits, answers(len(logits))[..., None], axis=2)[..., 0]


def gradient_cosines(model, params, triples=None):
    """Cosine of the gradients of logit c for the embedding of a and for that of b.

    The gradients are for what is looked up for the token, before a position is added; ``model`` is one with
    `embedding_gradients`. A network deaf to a token, whose gradient is 0, counts as cosine 0.

    Returns an array (p, p, p), indexed [a, b, c], by one forward pass over all pairs and one backward pass per c; or
    (n,) for the rows (a, b, c) of ``triples``, an int array (n, 3).
    """
    check(model, params)
    require(hasattr(model, "embedding_gradients"), "model", model, "one with `embedding_gradients`")
    p = model.p
    if triples is None:
        logits, cache = model.forward(params, all_pairs(p))
        return np.stack([_cosines(model, cache, logits, c).reshape(p, p) for c in range(p)], axis=-1)
    triples = require_array(triples, "triples")
    fits = triples.ndim == 2 and triples.shape[1] == 3 and triples.dtype.kind in "iu" and len(triples)
    require(fits and triples.min() >= 0 and triples.max() < p, "triples", triples.tolist(),
            f"an integer array (n, 3), n >= 1, in [0, {p})")
    logits, cache = model.forward(params, triples[:, :2])
    return _cosines(model, cache, logits, triples[:, 2])


def _cosines(model, cache, logits, c):
    dlogits = np.zeros_like(logits)  # what asks for the gradient of logit c
    dlogits[np.arange(len(logits)), c] = 1
    g_a, g_b = model.embedding_gradients(dlogits, cache)
    dot, a, b = (np.einsum("bd,bd->b", x, y, dtype=np.float64) for x, y in ((g_a, g_b), (g_a, g_a), (g_b, g_b)))
    return np.divide(dot, np.sqrt(a * b), out=np.zeros_like(dot), where=a * b > 0)


def gradient_symmetricity(model, params, triples=None):
    """Mean of `gradient_cosines` (Zhong et al. 2023, Definition 4.1): 1 for the pizza, far less for the clock.

    Over all p³ triples (a, b, c) by default, or over a sample: the paper's is `paper_triples`.
    """
    return float(gradient_cosines(model, params, triples).mean())


def paper_triples(p, n=100, seed=42):
    """The triples of the paper's estimate: all (a, b, c) in nested order, shuffled by Python's generator; the first n.

    >>> paper_triples(59).shape
    (100, 3)
    """
    p, n, seed = require_integer(p, "p", 1), require_integer(n, "n", 1), require_integer(seed, "seed", 0)
    triples = list(range(p**3))
    random.Random(seed).shuffle(triples)
    return np.stack(np.unravel_index(triples[:n], (p, p, p)), axis=1)


def by_sum_and_difference(table):
    """A table (p, p) over [a, b] turned to [a + b mod p, a - b mod p]: the paper's correct-logit map (Figure 3).

    For even p a sum and a difference of one parity belong to two pairs, whose mean it holds, others to none: NaN.
    """
    table = require_array(table, "table", ndim=2)
    p = len(table)
    require(table.shape == (p, p), "table.shape", table.shape, "square, (p, p)")
    a, b = np.indices((p, p))
    total, count = np.zeros((2, p, p))
    for counted, values in ((total, table), (count, 1)):
        np.add.at(counted, ((a + b) % p, (a - b) % p), values)
    return np.divide(total, count, out=np.full((p, p), np.nan), where=count > 0)


def distance_irrelevance(model, params, of="correct"):
    """How little a - b matters to the correct logit (Zhong et al. 2023, Definition 4.2), in [0, 1].

    Mean over a - b of the standard deviation over a + b, divided by the standard deviation over all pairs: 0 if the
    logit depends on a - b alone (the exact pizza), near 1 if a - b says nothing about it, NaN for constant logits (the
    exact clock). ``of="largest wrong"`` takes the largest wrong logit, as the authors' table of runs does.
    """
    return spread_within_distances(all_logits(model, params), of)


def spread_within_distances(logits, of="correct"):
    """`distance_irrelevance` of logits (p, p, n)."""
    require_choice(of, "of", ("correct", "largest wrong"))
    logits = grid(logits).astype(np.float64)
    table = correct_logits(logits)
    if of == "largest wrong":
        np.put_along_axis(logits, answers(len(logits))[..., None], -np.inf, axis=2)
        table = logits.max(axis=2)
    a, difference = np.indices(table.shape)
    by_difference = table[a, (a - difference) % len(table)]
    whole = table.std()
    return float(by_difference.std(axis=0).mean() / whole) if whole > 1e-12 * np.abs(table).max() else np.nan


def circularity(model, params):
    """How much of each of the first four principal components of the embedding is one frequency (Definition 4.3).

    Mean over the components of the largest share of power that one frequency holds, in [0, 1]: 1 for circles. A model
    with separate vocabularies is taken over all 2p tokens, and of the components' scores only the first p, as in the
    authors' code: two perfect sets of circles then give about 1/2. Fewer than four components count what there is.
    """
    scores = principal_components(token_table(model, params)).scores[:, :4]
    scores = scores[:, np.linalg.norm(scores, axis=0) > 0]
    power = fourier.power(scores[: model.p] / np.linalg.norm(scores, axis=0))[1:]
    return float(np.minimum(power.max(axis=0), 1).mean()) if scores.size else 0.0


def token_table(model, params):
    """What is looked up, a row per token (p, d), or (2 p, d) where b has tokens of its own ("=" is left out).

    W_E, or W_E_a above W_E_b, or the rows of W_in where numbers are fed one-hot.
    """
    check(model, params)
    if "W_E" in params:
        return params["W_E"][: 2 * model.p if getattr(model, "separate_vocabularies", False) else model.p]
    if getattr(model, "frozen", None):
        return model.frozen["W_E"]
    names = [name for name in ("W_E_a", "W_E_b", "W_in_a", "W_in_b", "W_in") if name in params]
    return np.concatenate([params[name] for name in names if name[:3] == names[0][:3]])


class Components(NamedTuple):
    """Principal components of a table of n tokens, the strongest first: the table is mean + scores @ directions."""

    mean: np.ndarray  # (d,)
    scores: np.ndarray  # (n, r), orthogonal columns
    directions: np.ndarray  # (r, d), orthonormal rows
    share: np.ndarray  # (r,) of the variance


def principal_components(table):
    """Principal components of a table (n, d) of embeddings, as `Components` in float64."""
    table = require_array(table, "table", ndim=2).astype(np.float64, copy=False)
    require(table.size > 0 and np.isfinite(table).all(), "table", table, "finite numbers (n, d), n and d >= 1")
    mean = table.mean(axis=0)
    left, strength, directions = np.linalg.svd(table - mean, full_matrices=False)
    strength[strength < 1e-12 * strength[0]] = 0  # rounding: the centred table lacks one rank at least
    total = (strength**2).sum()
    return Components(mean, left * strength, directions, strength**2 / total if total > 0 else strength)


class Verdict(NamedTuple):
    """The measures of one network, and what they say: "pizza", "clock", or "neither"."""

    algorithm: str
    accuracy: float
    gradient_symmetricity: float
    distance_irrelevance: float
    circularity: float


def classify(model, params):
    """`Verdict` on a network.

    "pizza": gradients symmetric (at least 0.95) and the correct logit mostly a matter of a - b (at most 0.5).
    "clock": gradients asymmetric (at most 0.6) and the correct logit hardly a matter of a - b (at least 0.6).
    "neither": everything between, and whatever is not right on 99 % of the pairs. The thresholds are ours: the paper
    shows a continuum, with Model A at (0.99, 0.17) and Model B at (0.33, 0.85).
    """
    logits = all_logits(model, params)
    right, symmetric = accuracy(logits), gradient_symmetricity(model, params)
    irrelevant = spread_within_distances(logits)
    algorithm = "neither"
    if right >= 0.99:
        if symmetric >= 0.95 and irrelevant <= 0.5:
            algorithm = "pizza"
        elif symmetric <= 0.6 and not irrelevant < 0.6:  # NaN too: the exact clock's correct logit is constant
            algorithm = "clock"
    return Verdict(algorithm, right, symmetric, irrelevant, circularity(model, params))
