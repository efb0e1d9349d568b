"""First weights, as the works rebuilt here draw them. Biases start at 0 except where a work draws them.

Read next: `attention`.
"""

import math

import numpy as np
from scipy.special import ndtr, ndtri


def circular_embedding(p):
    """The frozen embedding (p, 2) of the article's five-neuron network: cos and sin of 2 pi a / p, unit columns.

    For p = 2 the sine column is zero and stays zero.
    """
    angles = 2 * np.pi * np.arange(p) / p
    circle = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    circle[np.abs(circle) < 1e-15] = 0  # sin(pi) is 1.2e-16; for p = 2, scaled to unit norm, it would be a direction
    return circle / np.maximum(np.linalg.norm(circle, axis=0), 1e-300)


def truncated_normal(rng, shape):
    """Standard normal values conditioned on |x| <= 2, by inverting the distribution function."""
    return ndtri(rng.uniform(ndtr(-2), ndtr(2), size=shape))


# Their standard deviation, 0.8796: variance 1 - 2 * 2 phi(2) / (Phi(2) - Phi(-2)), phi the normal density.
TRUNCATED_STD = np.sqrt(1 - 4 * np.exp(-2) / np.sqrt(2 * np.pi) / (ndtr(2) - ndtr(-2)))


def article_std(name, shape):
    """Standard deviation before truncation: the article's embeddings sqrt(2 / p) after it, its maps 1/sqrt(fan_in).

    W_U (d, p) is the read-out copy of an embedding table and starts like one.
    """
    if name.startswith("W_E"):
        return np.sqrt(2 / shape[0]) / TRUNCATED_STD
    if name == "W_U":
        return np.sqrt(2 / shape[1]) / TRUNCATED_STD
    return 1 / np.sqrt(shape[0])


def draw_article(rng, name, shape, model):
    """Truncated normal at two standard deviations, as in the explorable article (its notebook)."""
    return np.zeros(shape) if name.startswith("b_") else article_std(name, shape) * truncated_normal(rng, shape)


def draw_gromov(rng, name, shape, model):
    """Normal with standard deviation 0.5 / (2 N)^(1/3), N neurons (Gromov 2023, arXiv 2301.02679)."""
    return np.zeros(shape) if name.startswith("b_") else rng.normal(scale=0.5 / (2 * model.n_hidden) ** (1 / 3),
                                                                     size=shape)


def draw_linear(rng, name, shape, model):
    """The linear models of Clock and Pizza (Zhong et al. 2023, their code): N neurons, f inputs to a neuron.

    Embeddings normal with variance 1/(N // 2), W_out with 1/N; hidden maps and biases as PyTorch draws a Linear layer,
    uniform in +-1/sqrt(f); two maps W_in_a and W_in_b are one of f = the inputs of both.
    """
    if name.startswith("W_E"):
        return rng.normal(scale=(model.n_hidden // 2) ** -0.5, size=shape)
    if name == "W_out":
        return rng.normal(scale=model.n_hidden**-0.5, size=shape)
    into = {"W_hidden": "W_hidden", "b_hidden": "W_hidden"}.get(name, "W_in")
    fan_in = sum(shape[0] for name, shape in model.shapes.items() if name.startswith(into))
    return rng.uniform(-(fan_in**-0.5), fan_in**-0.5, size=shape)


INITIALISATIONS = {"article": draw_article, "gromov": draw_gromov, "pizza": draw_linear}


def draw_transformer(rng, name, shape, model):
    """Normal, variance 1/d_model, W_U 1/d_vocab (Nanda et al. 2023); "pizza": W_in 1/d_mlp (Zhong et al. 2023)."""
    if name.startswith("b_"):
        return np.zeros(shape)
    one_over_variance = {"W_U": model.d_vocab} | ({"W_in": model.d_mlp} if model.initialisation == "pizza" else {})
    return rng.normal(scale=math.sqrt(1 / one_over_variance.get(name, model.d_model)), size=shape)
