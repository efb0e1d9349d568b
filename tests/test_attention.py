"""The attention layer against its definition in loops, and its gradients."""

import draws
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grok_np.gradcheck import GradientError, check
from grok_np.networks.attention import attention_backward, attention_forward


def draw_layer(data):
    B, T, H, d, e = data.draw(st.tuples(*[st.integers(1, 3)] * 5), label="B, T, H, d, e")
    shapes = [(B, T, d), *[(H, d, e)] * 3, (H, e, d)]
    return [data.draw(draws.arrays(shape, bound=2), label=name)
            for name, shape in zip(("x", "W_Q", "W_K", "W_V", "W_O"), shapes, strict=True)]


options = st.fixed_dictionaries({"causal": st.booleans(), "attention_rate": st.sampled_from([0.0, 0.4, 1.0])})


def by_loops(x, W_Q, W_K, W_V, W_O, causal, attention_rate):
    """One number at a time, as in a textbook."""
    out = np.zeros_like(x)
    for b in range(len(x)):
        for h in range(len(W_Q)):
            q, k, v = x[b] @ W_Q[h], x[b] @ W_K[h], x[b] @ W_V[h]
            for i in range(len(q)):
                seen = range(i + 1) if causal else range(len(q))
                e = [np.exp(q[i] @ k[j] / np.sqrt(q.shape[1])) for j in seen]
                pattern = [attention_rate * x / sum(e) + 1 - attention_rate for x in e]
                out[b, i] += sum(w * v[j] for w, j in zip(pattern, seen, strict=True)) @ W_O[h]
    return out


@given(data=st.data(), options=options)
def test_forward_is_the_definition(data, options):
    inputs = draw_layer(data)
    np.testing.assert_allclose(attention_forward(*inputs, **options)[0], by_loops(*inputs, **options), atol=1e-10)


def test_by_default_all_is_visible_and_softmax_is_all():
    rng = np.random.default_rng(0)
    inputs = [rng.normal(size=shape) for shape in ((2, 3, 4), *[(2, 4, 3)] * 3, (2, 3, 4))]
    np.testing.assert_allclose(attention_forward(*inputs)[0], by_loops(*inputs, False, 1.0), atol=1e-12)


@given(data=st.data(), options=options)
def test_gradients(data, options):
    check(lambda *inputs: attention_forward(*inputs, **options), attention_backward, draw_layer(data))


@pytest.mark.parametrize("wrong", range(5))
def test_each_gradient_off_by_a_thousandth_is_rejected(wrong):
    rng = np.random.default_rng(0)
    inputs = [rng.normal(size=shape) for shape in ((2, 3, 4), (2, 4, 3), (2, 4, 3), (2, 4, 3), (2, 3, 4))]

    def backward(dout, cache):
        return tuple(1.001 * d if i == wrong else d for i, d in enumerate(attention_backward(dout, cache)))

    with pytest.raises(GradientError, match=f"input {wrong}"):
        check(attention_forward, backward, inputs)


def test_float32_stays_float32():
    rng = np.random.default_rng(0)
    inputs = [rng.normal(size=shape).astype(np.float32) for shape in ((2, 3, 4), *[(2, 4, 3)] * 3, (2, 3, 4))]
    out, cache = attention_forward(*inputs, causal=True, attention_rate=0.3)
    assert out.dtype == np.float32 and all(d.dtype == np.float32 for d in attention_backward(out, cache))


def test_bad_shapes_and_rates_are_named():
    x, W, W_O = np.ones((1, 2, 3)), np.ones((1, 3, 2)), np.ones((1, 2, 3))
    with pytest.raises(ValueError, match=r"shapes of x, W_Q, W_K, W_V, W_O must be .* \(1, 3, 3\)"):
        attention_forward(x, W, W, np.ones((1, 3, 3)), W_O)
    for rate in (-0.1, 1.5):
        with pytest.raises(ValueError, match=rf"attention_rate must be in \[0, 1\], got {rate}"):
            attention_forward(x, W, W, W, W_O, attention_rate=rate)
def test_a_float64_rate_leaves_gradients_float32():
    rng = np.random.default_rng(0)
    inputs = [rng.normal(size=shape).astype("float32") for shape in ((2, 3, 4), *3 * [(1, 4, 2)], (1, 2, 4))]
    out, cache = attention_forward(*inputs, attention_rate=np.float64(0.3))
    assert {g.dtype for g in (out, *attention_backward(out, cache))} == {np.dtype("float32")}


