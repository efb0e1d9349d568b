"""Fourier analysis on Z_p against the matrix written out from its formula, for odd and even p."""

import draws
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grok_np.reading import fourier


def matrix(p):
    """The basis, function by function, each divided by its norm."""
    x = np.arange(p)
    rows = [np.ones(p)]
    for k in range(1, p // 2 + 1):
        rows.append(np.cos(2 * np.pi * k * x / p))
        if 2 * k != p:
            rows.append(np.sin(2 * np.pi * k * x / p))
    return np.array([row / np.linalg.norm(row) for row in rows])


@pytest.mark.parametrize("p", [*range(1, 14), 67, 112, 113])
def test_basis_is_the_formula_and_orthonormal(p):
    basis = fourier.transform(np.eye(p))
    np.testing.assert_allclose(basis, matrix(p), atol=1e-12)
    np.testing.assert_allclose(basis @ basis.T, np.eye(p), atol=1e-12)


@given(st.data())
def test_transform_is_the_matrix_and_keeps_norms(data):
    p, n = data.draw(st.integers(1, 12)), data.draw(st.integers(1, 3))
    x = data.draw(draws.arrays((p, n)))
    coefficients = fourier.transform(x)
    np.testing.assert_allclose(coefficients, matrix(p) @ x, atol=1e-12)
    np.testing.assert_allclose(fourier.transform(x.T, axis=1), coefficients.T, atol=1e-12)
    np.testing.assert_allclose(fourier.inverse_transform(coefficients), x, atol=1e-12)
    np.testing.assert_allclose((coefficients**2).sum(), (x**2).sum(), atol=1e-10)


def test_transforms_of_float32_are_float64():
    x = np.random.default_rng(0).normal(size=(6, 2)).astype(np.float32)
    coefficients = fourier.transform(x)
    back = fourier.inverse_transform(coefficients.astype(np.float32))
    assert coefficients.dtype == back.dtype == np.float64
    np.testing.assert_allclose(coefficients, matrix(6) @ x, atol=1e-6)
    np.testing.assert_allclose(back, x, atol=1e-6)


@pytest.mark.parametrize("p", [0, -3])
def test_frequencies_want_a_positive_p(p):
    with pytest.raises(ValueError, match=f"p must be an integer >= 1, got {p}"):
        fourier.frequencies(p)


@given(st.data())
def test_two_dimensional_transform_is_the_matrix_twice(data):
    p = data.draw(st.integers(1, 7))
    x = data.draw(draws.arrays((p, p, 2)))
    F = matrix(p)
    squares, at = np.einsum("ia,jb,abn->ijn", F, F, x) ** 2, np.arange(p // 2 + 1)[:, None] == fourier.frequencies(p)
    np.testing.assert_allclose(fourier.power2d(x), np.einsum("ki,lj,ijn->kln", at, at, squares), atol=1e-12)
    np.testing.assert_allclose(fourier.power2d(x).sum(), (x**2).sum())


@given(st.data())
def test_power_adds_cosine_and_sine(data):
    p = data.draw(st.integers(1, 12))
    x = data.draw(draws.arrays((p, 2)))
    coefficients = matrix(p) @ x
    expected = [(coefficients[fourier.frequencies(p) == k] ** 2).sum(axis=0) for k in range(p // 2 + 1)]
    np.testing.assert_allclose(fourier.power(x), expected, atol=1e-12)
    np.testing.assert_allclose(fourier.power(x.T, axis=1), np.transpose(expected), atol=1e-12)


@given(p=st.integers(3, 30), data=st.data())
def test_strongest_waves_finds_a_planted_wave(p, data):
    k = data.draw(st.integers(1, (p - 1) // 2))
    amplitude, phase = data.draw(st.floats(0.1, 5)), data.draw(st.floats(-3.1, 3.1))
    wave = amplitude * np.cos(2 * np.pi * k * np.arange(p) / p - phase) + 7  # the constant does not count
    found = fourier.strongest_waves(wave[:, None])
    assert found.frequency == [k]
    np.testing.assert_allclose([found.amplitude[0], found.phase[0], found.share[0]], [amplitude, phase, 1], rtol=1e-6,
                               atol=1e-9)


@pytest.mark.parametrize("frequency", [[1, 2], [[1]], [1.0], [0], [4]])
def test_waves_at_frequencies_that_do_not_fit(frequency):
    """Five columns of p = 7: one integer from 1 to 3 for each."""
    with pytest.raises(ValueError, match="frequency must be 5 integers from 1 to p//2 = 3"):
        fourier.strongest_waves(np.ones((7, 5)), np.array(frequency))


def test_strongest_waves_at_half_of_an_even_p_and_of_a_constant():
    alternating = 3 * np.cos(np.pi * np.arange(6))
    found = fourier.strongest_waves(np.stack([alternating, np.ones(6)], axis=1))
    np.testing.assert_allclose(found.amplitude[0], 3)
    assert found.frequency[0] == 3 and found.share[1] == 0


def test_strongest_waves_of_float32_are_computed_in_float64():
    x = np.random.default_rng(0).normal(size=(7, 3)).astype(np.float32)
    for found, expected in zip(fourier.strongest_waves(x), fourier.strongest_waves(x.astype(float)), strict=True):
        np.testing.assert_array_equal(found, expected, strict=True)


def test_waves_at_a_given_frequency_reconstruct_that_component():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(11, 4))
    k = np.array([1, 2, 5, 3])
    found = fourier.strongest_waves(x, k)
    wave = found.amplitude * np.cos(2 * np.pi * np.outer(np.arange(11), k) / 11 - found.phase)
    for column in range(4):
        rows = matrix(11)[fourier.frequencies(11) == k[column]]
        np.testing.assert_allclose(wave[:, column], rows.T @ rows @ x[:, column], atol=1e-12)


@pytest.mark.parametrize("p", [5, 6, 13])
@given(data=st.data())
def test_sum_waves_are_the_projections(p, data):
    """Planted coefficients come back although other products of waves and noise are there too."""
    alpha = data.draw(draws.arrays((p // 2 + 1,)))
    a, b, c = np.ogrid[:p, :p, :p]
    waves = np.array([np.cos(2 * np.pi * k * (a + b - c) / p) for k in range(p // 2 + 1)])
    noise = np.random.default_rng(0).normal(size=(p, p, p))
    flat = waves.reshape(len(alpha), -1)
    noise -= (np.linalg.lstsq(flat.T, noise.ravel(), rcond=None)[0] @ flat).reshape(noise.shape)
    np.testing.assert_allclose(fourier.sum_waves(np.tensordot(alpha, waves, 1) + noise), alpha, atol=1e-9)


@given(draws.arrays((6,)).map(abs))
def test_gini_is_the_mean_absolute_difference(values):
    mean = values.mean()
    expected = np.abs(values[:, None] - values).mean() / (2 * mean) if mean > 0 else 0
    np.testing.assert_allclose(fourier.gini(values), expected, atol=1e-12)


def test_sum_waves_of_float32_logits_are_summed_in_float64():
    logits = np.full((67, 67, 67), 0.1, np.float32)
    expected = float(np.float32(0.1)) * np.eye(34)[0]
    np.testing.assert_allclose(fourier.sum_waves(logits), expected, rtol=1e-12, atol=1e-15)
    with pytest.raises(ValueError, match=r"logits.shape must be \(3, 3, 3\), got \(3, 3, 2\)"):
        fourier.sum_waves(np.ones((3, 3, 2)))


@given(st.data())
def test_gini_of_a_matrix_is_that_of_each_column(data):
    values = np.abs(data.draw(draws.arrays((5, 3))))
    np.testing.assert_allclose(fourier.gini(values), [fourier.gini(column) for column in values.T], atol=1e-12)


def test_gini_of_one_value_and_of_small_numbers():
    assert fourier.gini([0.3]) == 0 and fourier.gini([0.0, 0.2]) == 0.5
    assert fourier.gini(np.float32([0.1, 0.2])) == pytest.approx(1 / 6, rel=1e-14)  # computed in float64


@pytest.mark.parametrize("values", [[], [1.0, -1.0], [-0.5, 0.5], [[-1.0, 2.0], [3.0, 4.0]]])
def test_gini_refuses_negative_values_and_none_at_all(values):
    with pytest.raises(ValueError, match="values must be non-negative, one at least"):
        fourier.gini(values)


@given(st.integers(1, 9))
def test_inverse_participation_ratio_counts_frequencies(n):
    assert fourier.inverse_participation_ratio(np.repeat(3.0, n)) == pytest.approx(1 / n)
    assert fourier.inverse_participation_ratio(np.eye(n)[0]) == 1
    assert fourier.inverse_participation_ratio(np.zeros(n)) == 0
    assert fourier.inverse_participation_ratio(range(1, n + 1)) == pytest.approx((4 * n + 2) / (3 * n * (n + 1)))


def test_published_inverse_participation_ratios(reference):
    """Mean over neurons of the published 2026 networks (arXiv 2602.16849), to the digits given."""
    import json

    expected = json.loads(reference("yagent/expected.json").read_text(encoding="utf-8"))
    for name in ("p23_relu_full", "p23_quad_singlefreq", "p23_relu_grok_wd2"):
        with np.load(reference(f"yagent/{name}.npz"), allow_pickle=False) as z:
            W_in, W_out = z["mlp.W_in"].astype(float), z["mlp.W_out"].astype(float)
            A = (W_in @ z["embed.W_E"]).T if "embed.W_E" in z.files else W_in.T
        found = [fourier.inverse_participation_ratio(fourier.power(W)[1:]).mean() for W in (A, W_out)]
        entry = expected.get("checkpoints", expected)[name]
        np.testing.assert_allclose(found, [entry["ipr_in"], entry["ipr_out"]], rtol=1e-6)
