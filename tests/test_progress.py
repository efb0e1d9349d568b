"""Progress measures against explicit projections and least squares on small logits, and on a published network.

The published one is Nanda et al.'s run with weight decay 0.1; its forward pass is written out below, from the README of
the reference folder, and uses nothing of the package. Losses there come from a float64 log-softmax, which is off by
2e-15 where logits are near 40; ours are exact, so they agree to 1e-14 and not to rounding of 1e-9 losses.
"""

import json
from functools import cache
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from scipy.special import log_softmax
from your_checkpoint import ablation_losses, neuron_key_frequencies, table_key_frequencies

from grok_np.reading import fourier, progress

moduli = st.integers(2, 11)
seeds = st.integers(0, 2**32 - 1)


# Oracles: the definitions, written out at full size


def sums(p):
    return np.add.outer(np.arange(p), np.arange(p)) % p


def plain_loss(logits, mask=None):
    p = len(logits)
    a, b = np.indices((p, p))
    losses = -log_softmax(logits[..., :p].astype(np.float64), axis=-1)[a, b, sums(p)]
    return losses.mean() if mask is None else losses[mask].mean()


def assert_loss(found, expected):
    np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-13)


def sum_directions(p, frequencies):
    """Unit vectors (m, p²) along cos and sin of w_k(a+b), the zero ones (sin at k = p/2) left out."""
    angles = [2 * np.pi * k * sums(p).ravel() / p for k in frequencies]
    waves = [wave(angle) for angle in angles for wave in (np.cos, np.sin)]
    return np.array([wave / np.linalg.norm(wave) for wave in waves if np.linalg.norm(wave) > 1e-6]).reshape(-1, p * p)


def projected(logits, frequencies):
    """The logits (p, p, n) along those directions, as a product of full-size matrices."""
    p = len(logits)
    directions = sum_directions(p, frequencies)
    return (directions.T @ (directions @ logits.reshape(p * p, -1))).reshape(logits.shape)


def cosines(p, k):
    """cos w_k(a+b-c) for every a, b, c."""
    a, b, c = np.ogrid[:p, :p, :p]
    return np.cos(2 * np.pi * k * (a + b - c) / p)


def polynomial(p, k):
    """The nine products of {1, cos, sin}(w_k a) and {1, cos, sin}(w_k b) as columns (p², 9)."""
    angle = 2 * np.pi * k * np.arange(p) / p
    waves = np.stack([np.ones(p), np.cos(angle), np.sin(angle)])
    return np.einsum("ia,jb->abij", waves, waves).reshape(p * p, 9)


@st.composite
def random_logits(draw, extra_outputs=1):
    """Normal logits (p, p, p) or with one output more, some frequencies (perhaps none), and a mask."""
    p = draw(moduli)
    rng = np.random.default_rng(draw(seeds))
    logits = rng.normal(size=(p, p, p + draw(st.integers(0, extra_outputs)))) * draw(st.sampled_from([0.1, 1, 30]))
    frequencies = draw(st.lists(st.integers(1, p // 2), unique=True))
    mask = rng.random((p, p)) < 0.5
    mask[tuple(rng.integers(p, size=2))] = True
    return logits, frequencies, mask


# Small logits


@given(random_logits())
def test_losses_are_those_of_projections_written_out(drawn):
    logits, frequencies, mask = drawn
    part = projected(logits, frequencies)
    restricted = part + logits.mean(axis=(0, 1))
    for where in (None, mask):
        assert_loss(progress.loss(logits, where), plain_loss(logits, where))
        assert_loss(progress.restricted_loss(logits, frequencies, where), plain_loss(restricted, where))
        assert_loss(progress.excluded_loss(logits, frequencies, where), plain_loss(logits - part, where))


@given(random_logits())
def test_the_formula_is_a_least_squares_fit(drawn):
    logits, frequencies, _ = drawn
    p = len(logits)
    design = np.stack([cosines(p, k).ravel() for k in range(p // 2 + 1)], axis=1)
    fit, *_ = np.linalg.lstsq(design, logits[..., :p].ravel())
    np.testing.assert_allclose(fourier.sum_waves(logits[..., :p]), fit, atol=1e-10 * abs(logits).max())

    wanted = (design[:, frequencies] @ fit[frequencies]).reshape(p, p, p)
    assert_loss(progress.trigonometric_loss(logits, frequencies), plain_loss(wanted))
    centred = logits[..., :p] - logits[..., :p].mean(axis=2, keepdims=True)
    np.testing.assert_allclose(progress.fraction_explained(logits, frequencies), (wanted**2).sum() / (centred**2).sum(),
                               rtol=1e-9)


@given(moduli, seeds, st.sampled_from([np.float32, np.float64]))
@example(2, 0, np.float64)
def test_a_sum_of_cosines_is_found_again(p, seed, dtype):
    rng = np.random.default_rng(seed)
    amplitudes = np.r_[0, rng.choice([0.0, 3.0, 8.0, 40.0], size=p // 2)]
    logits = sum(alpha * cosines(p, k) for k, alpha in enumerate(amplitudes))
    biases, pair_means = rng.normal(size=p), rng.normal(size=(p, p, 1))
    noisy = (logits + biases - biases.mean() + pair_means - pair_means.mean()).astype(dtype)
    atol = 1e-4 if dtype == np.float32 else 1e-12
    np.testing.assert_allclose(fourier.sum_waves(noisy), amplitudes, atol=atol)
    used = np.flatnonzero(amplitudes).tolist()
    if used:
        power = amplitudes**2 * np.where(2 * np.arange(p // 2 + 1) == p, 2, 1)  # cos² is 1, not 1/2, on average
        assert progress.key_frequencies(logits) == np.flatnonzero(power > 0.01 * power.sum()).tolist()
        np.testing.assert_allclose(progress.fraction_explained(logits, used), 1, rtol=1e-12)
        assert_loss(progress.trigonometric_loss(logits, used), plain_loss(logits))
        assert_loss(progress.restricted_loss(logits, used), plain_loss(logits))
        assert_loss(progress.excluded_loss(logits, used), np.log(p))


@pytest.mark.parametrize("p", [6, 7])
def test_key_frequencies_of_logits_at_the_threshold(p):
    logits = 10 * cosines(p, 1) + 1.01 * cosines(p, 2)  # 1.01² / (10² + 1.01²) = 1.01 %
    assert progress.key_frequencies(logits) == [1, 2]
    pair_means = 100 * np.random.default_rng(0).normal(size=(p, p, 1))
    assert progress.key_frequencies(logits + pair_means) == [1, 2]  # which no softmax sees
    assert progress.key_frequencies(10 * cosines(p, 1) + cosines(p, 2)) == [1]
    assert progress.key_frequencies(logits, share=0.5) == [1]
    assert progress.key_frequencies(np.zeros((p, p, p))) == []
    assert progress.fraction_explained(np.ones((p, p, p)), [1]) == 0


def test_the_mean_of_a_pair_is_no_variance_and_a_bias_is():
    p, rng = 7, np.random.default_rng(0)
    wave, bias, pair = cosines(p, 2), rng.normal(size=p), rng.normal(size=(p, p, 1))
    expected = (wave**2).sum() / ((wave**2).sum() + p**2 * ((bias - bias.mean()) ** 2).sum())
    np.testing.assert_allclose(progress.fraction_explained(wave + bias + pair, 2), expected)


def test_key_frequencies_of_a_table():
    w = 2 * np.pi / 13 * np.arange(13)
    waves = np.stack([np.cos(3 * w), np.sin(3 * w), np.cos(5 * w + 1)])
    table = waves.T @ np.random.default_rng(0).normal(size=(3, 4)) + 100  # the constant does not count
    assert table_key_frequencies(table) == [3, 5]
    assert table_key_frequencies(np.zeros((7, 2))) == []
    for weak, found in ((1.45, [1, 3]), (1.35, [3])):  # its share is above, and below, 2 of 6
        assert table_key_frequencies((2 * np.cos(3 * w) + weak * np.cos(w))[:, None]) == found
    assert table_key_frequencies(np.eye(12)) == []  # an even spread


def test_a_network_trained_on_all_pairs_has_no_test_loss():
    logits = np.random.default_rng(0).normal(size=(5, 5, 5))
    everything = np.ones((5, 5), bool)
    found = progress.measures(logits, 2, everything)
    assert np.isnan(found["test_loss"]) and found["train_loss"] == progress.loss(logits)
    assert np.isnan([progress.loss(logits, ~everything), progress.restricted_loss(logits, 1, ~everything),
                     progress.excluded_loss(logits, 1, ~everything)]).all()
    assert np.isnan(ablation_losses(logits, [1], ~everything)["nothing taken out"])


def test_subtraction_is_addition_with_b_turned_around():
    p, rng = 6, np.random.default_rng(0)
    logits = rng.normal(size=(p, p, p))
    a, b = np.indices((p, p))
    labels = (a - b) % p
    expected = -np.take_along_axis(log_softmax(logits, axis=-1), labels[..., None], -1).mean()
    np.testing.assert_allclose(progress.loss(logits[:, -np.arange(p) % p]), expected)


@given(st.integers(2, 9), st.integers(1, 4), seeds)
@example(4, 3, 0)
def test_neurons_against_least_squares(p, h, seed):
    neurons = np.random.default_rng(seed).normal(size=(p, p, h)) + 3
    flat = neurons.reshape(p * p, h)
    fits = np.array([polynomial(p, k) @ np.linalg.lstsq(polynomial(p, k), flat)[0] for k in range(1, p // 2 + 1)])
    fractions = fits.var(axis=1) / flat.var(axis=0)
    frequency, fraction = progress.neuron_frequencies(neurons)
    np.testing.assert_allclose(fraction, fractions.max(axis=0), rtol=1e-9)
    np.testing.assert_allclose(fractions[frequency - 1, np.arange(h)], fraction, rtol=1e-9)  # p = 2, 3: all fit alike
    np.testing.assert_allclose(progress.neuron_fit(neurons, frequency).reshape(p * p, h),
                               fits[frequency - 1, :, np.arange(h)].T, atol=1e-12)


def test_neurons_that_are_constant_or_one_polynomial():
    p, rng = 9, np.random.default_rng(0)
    neurons = np.stack([np.zeros((p, p)), np.full((p, p), 0.1),
                        (polynomial(p, 4) @ rng.normal(size=9)).reshape(p, p)], axis=2)
    frequency, fraction = progress.neuron_frequencies(neurons)
    assert frequency.tolist() == [0, 0, 4]
    np.testing.assert_allclose(fraction, [0, 0, 1])
    np.testing.assert_allclose(progress.neuron_fit(neurons, frequency), neurons, atol=1e-12)
    assert neuron_key_frequencies(np.repeat(neurons, 4, axis=2)) == []
    assert neuron_key_frequencies(np.repeat(neurons, 5, axis=2)) == [4]


@given(moduli, seeds)
def test_component_norms_are_those_in_an_explicit_basis(p, seed):
    x = np.random.default_rng(seed).normal(size=(p, p, 2, 3))
    angle = 2 * np.pi * np.outer(np.arange(1, p // 2 + 1), np.arange(p)) / p
    rows = np.stack([np.cos(angle), np.sin(angle)], axis=1).reshape(-1, p)[: p - 1]
    basis = np.vstack([np.ones(p), rows])
    basis /= np.linalg.norm(basis, axis=1, keepdims=True)
    squares = (np.einsum("ia,jb,ab...->ij...", basis, basis, x) ** 2).sum(axis=(2, 3))
    at = (np.arange(p) + 1) // 2 == np.arange(p // 2 + 1)[:, None]
    norms = progress.component_norms(x)
    np.testing.assert_allclose(norms**2, at @ squares @ at.T, atol=1e-12)
    np.testing.assert_allclose((norms**2).sum(), (x**2).sum())


def test_fourier_gini():
    a = np.arange(10)
    assert progress.fourier_gini(np.eye(10)) == pytest.approx(0, abs=1e-12)
    assert progress.fourier_gini(np.outer(np.cos(2 * np.pi * 3 * a / 10), [1.0, -2.0])) == pytest.approx(0.9)
    # Squares 1 and 9 among ten components: (2 * 9 - 11) * 1 + (2 * 10 - 11) * 9 over 10 * (1 + 9).
    two = np.cos(np.pi * a) / np.sqrt(10) + 3 * np.sin(2 * np.pi * a / 10) / np.sqrt(5)
    assert progress.fourier_gini(two[:, None]) == pytest.approx(0.88)
    assert progress.sum_of_squared_weights({"W": np.full((2, 3), 2, np.float32), "b": np.array([3.0])}) == 33


@given(random_logits(extra_outputs=0))
def test_ablations_take_out_what_they_say(drawn):
    logits, frequencies, mask = drawn
    p, rng = len(logits), np.random.default_rng(0)
    neurons, W_L = rng.normal(size=(p, p, 5)), rng.normal(size=(5, p))
    neurons[..., 0] = (polynomial(p, p // 2) @ rng.normal(size=9)).reshape(p, p) + 0.05 * neurons[..., 0]
    losses = ablation_losses(logits, frequencies, mask, neurons=neurons, W_L=W_L)
    waves = [f(2 * np.pi * k * np.arange(p) / p) for k in frequencies for f in (np.cos, np.sin)]
    waves = np.array([wave / np.linalg.norm(wave) for wave in waves if np.linalg.norm(wave) > 1e-6]).reshape(-1, p)
    key = W_L @ waves.T @ waves
    assert_loss(losses["W_L: only key frequencies"], plain_loss(logits + neurons @ (key - W_L), mask))
    assert_loss(losses["W_L: all but key frequencies"], plain_loss(logits - neurons @ key, mask))
    for k in frequencies:
        part = projected(logits, [k])
        assert_loss(losses[f"only a+b at {k}"], plain_loss(part + logits.mean(axis=(0, 1)), mask))
        assert_loss(losses[f"all but a+b at {k}"], plain_loss(logits - part, mask))
    frequency, fraction = progress.neuron_frequencies(neurons)
    fit = np.where(fraction > 0.85, progress.neuron_fit(neurons, frequency), neurons)
    assert_loss(losses["neurons over 85 % replaced by their fit"], plain_loss(logits + (fit - neurons) @ W_L, mask))
    assert len(losses) == 3 + 2 * len(frequencies) + 3
    assert len(ablation_losses(logits, frequencies)) == 3 + 2 * len(frequencies)


@given(random_logits())
def test_measures_are_their_definitions(drawn):
    """Each from the oracles above, at full size: none by a function that `measures` could call."""
    logits, frequencies, mask = drawn
    mask[0, :2] = True, False
    p = len(logits)
    W_E, W_L = np.random.default_rng(1).normal(size=(2, p, 3))
    found = progress.measures(logits, frequencies, mask, W_E=W_E, W_L=W_L.T, params={"W_E": W_E, "W_L": W_L})
    part = projected(logits, frequencies)
    amplitude = {k: (logits[..., :p] * cosines(p, k)).sum() / (cosines(p, k) ** 2).sum() for k in frequencies}
    formula = sum((amplitude[k] * cosines(p, k) for k in frequencies), np.zeros((p, p, p)))
    centred = logits[..., :p] - logits[..., :p].mean(axis=2, keepdims=True)
    expected = {"train_loss": plain_loss(logits, mask), "test_loss": plain_loss(logits, ~mask),
                "restricted_loss": plain_loss(part + logits.mean(axis=(0, 1))),
                "excluded_loss": plain_loss(logits - part, mask), "trigonometric_loss": plain_loss(formula),
                "fraction_explained": (formula**2).sum() / (centred**2).sum(),
                "sum_of_squared_weights": (W_E**2).sum() + (W_L**2).sum()}
    for name, table in (("gini_W_E", W_E), ("gini_W_L", W_L)):
        angle = 2 * np.pi * np.outer(np.arange(1, p // 2 + 1), np.arange(p)) / p
        basis = np.vstack([np.ones(p), *np.stack([np.cos(angle), np.sin(angle)], axis=1).reshape(-1, p)[: p - 1]])
        power = ((basis / np.linalg.norm(basis, axis=1, keepdims=True) @ table) ** 2).sum(axis=1)
        expected[name] = np.abs(power[:, None] - power).mean() / (2 * power.mean())
    expected |= {f"excluded_loss_{k}": plain_loss(logits - projected(logits, [k]), mask) for k in frequencies}
    expected |= {f"amplitude_{k}": amplitude[k] for k in frequencies}
    assert found == pytest.approx(expected, rel=1e-9, abs=1e-11) and all(type(x) is float for x in found.values())
    other = progress.measures(logits, frequencies, mask, test_mask=mask)
    assert other["test_loss"] == other["train_loss"] and "gini_W_E" not in other


ZEROS = np.zeros((5, 5, 5))
SOME = np.eye(5, dtype=bool)


@pytest.mark.parametrize(("call", "message"), [
    (lambda: progress.loss(np.zeros((3, 4, 4))), r"logits.shape must be .*, got \(3, 4, 4\)"),
    (lambda: progress.loss(np.zeros((3, 3, 2))), r"logits.shape must be .*, got \(3, 3, 2\)"),
    (lambda: progress.loss(ZEROS, np.ones((5, 5))), "mask must be bool .* got 'float64"),
    (lambda: progress.measures(ZEROS, 1, 3), "train_mask must be bool .* got 'int64"),
    (lambda: progress.measures(ZEROS, 1, SOME, SOME[:4]), "test_mask must be bool of shape .* got 'bool of shape"),
    (lambda: progress.restricted_loss(ZEROS, [1, 3]), r"from 1 to p//2 = 2, got \[1, 3\]"),
    (lambda: progress.excluded_loss(ZEROS, 0), "frequencies must be an integer >= 1, got 0"),
    (lambda: progress.key_frequencies(np.zeros(5)), r"logits.shape must be of length 3, got \(5,\)"),
    (lambda: progress.neuron_frequencies(np.zeros((3, 2, 5))),
     r"neurons.shape must be \(p, p, h\) with p >= 2, got \(3, 2, 5\)"),
    (lambda: progress.measures(ZEROS, 1, SOME, W_E=np.zeros((6, 2))), r"W_E.shape must be \(5, d\)"),
    (lambda: progress.measures(ZEROS, 1, SOME, W_L=np.zeros((2, 6))), r"W_L.shape must be \(h, 5\)"),
    (lambda: progress.component_norms(np.zeros((3, 4))), "x.shape must be"),
    (lambda: progress.phases([0, 1], [1.0], 5), "test_loss.shape must be"),
    (lambda: progress.halfway([0, 1], [1.0, np.nan]), "curve must be finite"),
])
def test_what_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


# Phases


def test_phases_of_networks_that_have_not_grokked():
    assert progress.phases([0, 5, 10], [1.7, 9.0, 4.0], p=5) == (5, None, None)
    assert progress.phases([0, 5, 10, 15], [1.7, 0.5, 2.0, 1.8], p=5) == (10, None, None)  # a guess is log 5 = 1.61
    assert progress.phases([0, 5, 10, 15], [1.7, 0.5, 2.0, 1.2], p=5) == (10, 15, 15)


def test_phases_without_memorisation():
    assert progress.phases([0, 5, 10], [1.7, 0.5, 0.4], p=5) == (0, 5, 5)


def test_halfway_of_curves_that_turn():
    step = np.arange(7)
    assert progress.halfway(step, [5, 9, 8, 6, 4.9, 1, 2]) == 4
    assert progress.halfway(step, [5, 1, 0, 3, 9, 4, 4], rising=True) == 4
    assert progress.halfway(step, np.ones(7)) == 0


@pytest.mark.parametrize("fraction", ["0.3", "0.28", "0.25"])
def test_phases_of_the_published_curves(reference, fraction):
    expected = json.loads(reference("nanda/expected.json").read_text(encoding="utf-8"))["frac_train_sweep"][fraction]
    test_loss = np.load(reference("nanda/frac_train_sweep.npz"))[f"test_{fraction}"]
    found = progress.phases(np.arange(len(test_loss)), test_loss, p=113)
    assert found.memorisation_end == expected["test_max_epoch"] and abs(found.memorisation_end - 1400) < 60
    assert found.memorisation_end < progress.halfway(np.arange(len(test_loss)), test_loss) < found.circuit_formation_end
    assert found.circuit_formation_end < expected["first_epoch_test_below_1"]
    assert test_loss[found.circuit_formation_end - 1] >= np.log(113) > test_loss[found.circuit_formation_end:].max()
    assert expected["first_epoch_test_below_0.001"] < found.cleanup_end < expected["first_epoch_test_below_1e-05"]


# The published network


@cache
def forward(path):
    """Everything at the last position for all pairs, in float64, from the README's 'Forward'."""
    stored = np.load(path)
    w = {name.split(".")[-1]: stored[name].astype(np.float64) for name in stored if "." in name}
    p, d_head = 113, 32
    a, b = np.indices((p, p))
    x = np.stack([w["W_E"].T[a], w["W_E"].T[b], np.broadcast_to(w["W_E"].T[p], (p, p, 128))], axis=2) + w["W_pos"]
    q = np.einsum("ihd,abd->abih", w["W_Q"], x[:, :, 2])
    k, v = (np.einsum("ihd,absd->absih", w[name], x) for name in ("W_K", "W_V"))
    scores = np.einsum("abih,absih->abis", q, k) / np.sqrt(d_head)
    pattern = np.exp(scores - scores.max(axis=-1, keepdims=True))
    pattern /= pattern.sum(axis=-1, keepdims=True)
    z = np.einsum("abis,absih->abih", pattern, v).reshape(p, p, -1)
    residual = x[:, :, 2] + z @ w["W_O"].T
    neurons = np.maximum(residual @ w["W_in"].T + w["b_in"], 0)
    logits = (residual + neurons @ w["W_out"].T + w["b_out"]) @ w["W_U"]
    return SimpleNamespace(scores=scores, neurons=neurons, logits=logits, train_mask=stored["train_mask"],
                           neuron_freq=stored["neuron_freq"], neuron_frac_explained=stored["neuron_frac_explained"],
                           W_E=w["W_E"].T[:p], W_U=w["W_U"][:, :p], W_L=w["W_out"].T @ w["W_U"][:, :p])


@pytest.fixture
def network(reference):
    return forward(reference("nanda/wd_0.1.npz"))


@pytest.fixture
def expected(reference):
    return json.loads(reference("nanda/expected.json").read_text(encoding="utf-8"))["wd_0.1"]


def test_the_oracle_itself(network, expected):
    a, b = np.transpose(expected["logits_64"]["pairs"])
    np.testing.assert_allclose(network.logits[a, b], expected["logits_64"]["logits"], atol=1e-12)


def test_published_logits(network, expected):
    theirs = np.array(expected["cos_abc_coefficients"]) / np.sqrt(113**3 / 2)  # for unit vectors
    np.testing.assert_allclose(fourier.sum_waves(network.logits[..., :113])[1:], theirs, rtol=0,
                               atol=1e-13 * theirs.max())
    for k, share in expected["cos_abc_top"]:
        assert progress.fraction_explained(network.logits, k) == pytest.approx(share, rel=1e-9)
    for which in ("key_frequencies", "key_frequencies_neurons"):
        explained = expected[f"logit_fve_cos_abc__{which}"]
        found = progress.fraction_explained(network.logits, expected[which])
        assert found == pytest.approx(explained["centre_per_input"], rel=1e-12)
        assert list(explained.values()) == pytest.approx([found] * len(explained), abs=1e-3)  # as the docstring says


def test_published_losses(network, expected):
    for split, mask in (("all", None), ("train", network.train_mask), ("test", ~network.train_mask)):
        for which in ("key_frequencies", "key_frequencies_neurons"):
            np.testing.assert_allclose(progress.restricted_loss(network.logits, expected[which], mask),
                                       expected[f"restricted_loss__{which}"][split], rtol=0, atol=1e-14)
            np.testing.assert_allclose(progress.excluded_loss(network.logits, expected[which], mask),
                                       expected[f"excluded_loss__{which}"][split], rtol=1e-12)
    found = progress.measures(network.logits, expected["key_frequencies"], network.train_mask)
    assert found["train_loss"] == pytest.approx(expected["train_loss_113"], abs=1e-14)
    assert found["test_loss"] == pytest.approx(expected["test_loss_113"], abs=1e-14)


def test_published_restricted_loss_to_rounding(network, expected):
    """Where float64 log-softmax is off by 8e-7 of this loss, compare with extended precision."""
    logits, p = network.logits[..., :113], 113
    kept = projected(logits, expected["key_frequencies"]) + logits.mean(axis=(0, 1))
    above = kept - np.take_along_axis(kept, sums(p)[..., None], -1)
    np.put_along_axis(above, sums(p)[..., None], -np.inf, -1)
    exact = np.log1p(np.exp(above.astype(np.longdouble)).sum(axis=-1)).mean()
    found = progress.restricted_loss(network.logits, expected["key_frequencies"])
    assert found == pytest.approx(float(exact), rel=1e-11)


def test_published_key_frequencies(network, expected):
    assert progress.key_frequencies(network.logits) == expected["key_frequencies_logits"]
    assert table_key_frequencies(network.W_E) == expected["key_frequencies_embedding"]
    assert neuron_key_frequencies(network.neurons) == expected["key_frequencies_neurons"]


def test_published_neurons(network, expected):
    frequency, fraction = progress.neuron_frequencies(network.neurons)
    assert np.array_equal(frequency, network.neuron_freq)
    np.testing.assert_allclose(fraction, network.neuron_frac_explained, atol=6e-8)  # stored in float32
    summary = expected["neuron_frac_explained"]
    np.testing.assert_allclose([fraction.mean(), np.median(fraction), fraction.min()],
                               [summary["mean"], summary["median"], summary["min"]], rtol=1e-12)
    assert np.mean(fraction > 0.85) == summary["frac_above_0_85"]
    k, count = np.unique(frequency, return_counts=True)
    assert {str(one): n for one, n in zip(k, count.tolist(), strict=True)} == expected["neuron_freq_counts"]


@pytest.mark.parametrize("name", ["W_E", "W_U", "W_L"])
def test_published_spectra(network, expected, name):
    table = network.W_E if name == "W_E" else getattr(network, name).T
    for k, share in expected[f"{name}_fourier_top"]:
        power = fourier.power(table).sum(axis=1)
        assert power[k] / power[1:].sum() == pytest.approx(share, rel=1e-9)


def test_published_network_does_what_the_paper_says(network, expected):
    """Qualitative claims of section 4 (their mainline is another run, so only directions are compared)."""
    key = expected["key_frequencies"]
    losses = ablation_losses(network.logits, key, ~network.train_mask, neurons=network.neurons, W_L=network.W_L)
    assert losses["nothing taken out"] == pytest.approx(expected["test_loss_113"], abs=1e-14)
    assert losses["W_L: only key frequencies"] < 1e-6 and losses["W_L: all but key frequencies"] > np.log(113)
    assert losses["neurons over 85 % replaced by their fit"] < 1e-6
    assert all(losses[f"all but a+b at {k}"] > 1e3 * losses["nothing taken out"] for k in key)
    assert progress.trigonometric_loss(network.logits, key) < losses["nothing taken out"] / 100
    # The score of the key at a depends on a alone, so only products with the constant of b are left.
    norms = progress.component_norms(network.scores[..., 0])
    assert norms[:, 1:].max() < 1e-12 * norms.max() and norms[1:, 0].max() > 0.1 * norms[0, 0]
