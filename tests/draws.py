"""Hypothesis strategies that the tests share: arrays, pairs, labels, models with their parameters and inputs."""

import numpy as np
from hypothesis import assume
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from grok_np.networks.factorings import FACTORINGS
from grok_np.networks.mlp import MLP
from grok_np.networks.transformer import LAYOUTS, Transformer

KINKED = ("relu", "abs")
OURS = ("abs", "gelu", "relu", "square")  # activations; other tests, and the README, add some of their own


def arrays(shape, bound=3.0, away_from_zero=0.0):
    """Float64 arrays with all entries drawn, ``away_from_zero <= |entry| <= bound``.

    ``shape`` is a tuple or a strategy for one. By default hypothesis draws a few entries and repeats one value in the
    rest, and constant arrays hide transposes; here every entry is drawn (``fill=nothing()``).
    """
    entries = st.floats(away_from_zero, bound)
    entries = (entries | entries.map(lambda x: -x)).map(lambda x: x if abs(x) > 1e-9 else 0.0)  # not 1e-249
    return hnp.arrays(np.float64, shape, elements=entries, fill=st.nothing())


def shapes(n_dims, max_side=5):
    """Shapes with sides from 1 to ``max_side``, mostly unequal: squares hide transposes."""
    return st.tuples(*[st.integers(1, max_side)] * n_dims)


def pairs(p, max_examples=6):
    """Inputs (B, 2) of residues mod p, repeated pairs allowed, B from 1 to ``max_examples``."""
    shape = st.tuples(st.integers(1, max_examples), st.just(2))
    return hnp.arrays(np.int64, shape, elements=st.integers(0, p - 1), fill=st.nothing())


def labels(p, n_examples):
    """Labels (n_examples,) in [0, p)."""
    return hnp.arrays(np.int64, n_examples, elements=st.integers(0, p - 1), fill=st.nothing())


def factorings():
    """Names of all factorings of the one-layer MLP."""
    return st.sampled_from(sorted(FACTORINGS))


@st.composite
def transformers(draw):
    """(model, params, inputs): a small one-layer transformer of any layout, drawn weights, drawn pairs.

    GELU, or no neurons at all: with ReLU see `mlps`, here the kink would have to be kept away from in every position.
    """
    n_heads = draw(st.integers(1, 3))
    model = Transformer(p=draw(st.integers(2, 4)), d_model=n_heads * draw(st.integers(1, 2)), n_heads=n_heads,
                        d_mlp=draw(st.integers(0, 4)), activation="gelu", layout=draw(st.sampled_from(LAYOUTS)),
                        attention_rate=draw(st.sampled_from([0.0, 0.3, 1.0])),
                        separate_vocabularies=draw(st.booleans()), causal=draw(st.booleans()))
    params = {key: draw(arrays(shape, bound=1.5), label=key) for key, shape in model.shapes.items()}
    return model, params, draw(pairs(model.p), label="inputs")


@st.composite
def mlps(draw, max_p=5, factoring=None):
    """(model, params, inputs): a small MLP of any factoring and activation, drawn weights, drawn pairs.

    For activations with a kink the examples keep every pre-activation at least 1e-3 away from it.
    """
    name = draw(factorings()) if factoring is None else factoring
    model = MLP(p=draw(st.integers(2, max_p)), d_embed=2 if name == "circular" else draw(st.integers(1, 3)),
                n_hidden=draw(st.integers(1, 4)), activation=draw(st.sampled_from(OURS)),
                factoring=name, bias=draw(st.booleans()))
    params = {key: draw(arrays(shape, bound=2.0), label=key) for key, shape in model.shapes.items()}
    assume(all(W.any() for W in params.values()))  # of a table of zeros the gradients may be nothing but rounding
    inputs = draw(pairs(model.p), label="inputs")
    a, b = inputs.T
    if name == "circular":  # opposite tokens cancel: of such pairs alone the gradients are nothing but rounding as well
        assume(((a == b) | (2 * (a - b) % model.p != 0)).any())
    if model.activation in KINKED:
        weights = model.effective(params)
        assume(np.abs(weights.A[a] + weights.B[b] + weights.bias).min() > 1e-3)
    return model, params, inputs
