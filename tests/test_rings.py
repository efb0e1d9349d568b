"""Rings planted in weights are found again; published weights give the published numbers."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grok_np import analytic
from grok_np.layers import predict
from grok_np.networks.mlp import Effective
from grok_np.reading import rings
from grok_np.reading.progress import fraction_explained
from grok_np.tasks import ModularArithmetic, Split

P = 23
SPLIT = ModularArithmetic(P, train_fraction=0.5).split()


def scrambled(*networks, rng):
    """The networks' neurons together, shuffled."""
    whole = analytic.together(*networks)
    order = rng.permutation(len(whole.bias))
    return Effective(whole.A[:, order], whole.B[:, order], whole.bias[order], whole.C[order], whole.activation)


@given(st.data())
def test_planted_rings_are_found(data):
    activation = data.draw(st.sampled_from(["relu", "square", "abs"]))
    frequencies = data.draw(st.sets(st.integers(1, P // 2), min_size=1, max_size=3))
    sizes = [data.draw(st.integers(5, 9)) for _ in frequencies]
    phases = [data.draw(st.floats(0, 6)) for _ in frequencies]
    stars = [analytic.star(P, n, k, phase, activation) for n, k, phase in zip(sizes, frequencies, phases, strict=True)]
    effective = scrambled(*stars, rng=np.random.default_rng(0))
    found = rings.find(effective)
    assert {ring.frequency: ring.n_neurons for ring in found} == dict(zip(frequencies, sizes, strict=True))
    for ring in found:
        np.testing.assert_allclose(ring.phase_errors, 0, atol=1e-8)
        np.testing.assert_allclose(ring.evenness, 1, atol=1e-9)
        np.testing.assert_allclose(ring.weights, 1, atol=1e-9)
        np.testing.assert_allclose([ring.input_shares, ring.output_shares], 1, atol=1e-9)
        expected = [1.0 if n % ring.n_neurons == 0 else 0.0 for n in range(1, 13)]
        np.testing.assert_allclose(ring.moments, expected, atol=1e-9)
        apart = np.angle(np.exp(1j * (ring.regular_phases - ring.input_phases)))
        np.testing.assert_allclose(apart, 0, atol=1e-9)


def test_exact_networks_survive_every_faithful_replacement():
    effective = scrambled(analytic.star(P, 5, 2), analytic.star(P, 7, 9), rng=np.random.default_rng(1))
    expected = analytic.logits(effective, P)
    found = rings.find(effective)
    for replace_by in (rings.transplant, rings.regularise, rings.keep_harmonics):
        np.testing.assert_allclose(analytic.logits(replace_by(effective, found), P), expected, atol=1e-9)
    assert np.abs(analytic.logits(rings.transplant(effective, found, rings.square_wave), P) - expected).max() > 0.1


def test_regularise_evens_out_a_lopsided_ring_and_keeps_its_weight():
    rng = np.random.default_rng(0)
    phases = 2 * np.pi * np.arange(6) / 6 + rng.normal(scale=0.1, size=6)
    lopsided = analytic.ring(P, phases, 3, rng.uniform(0.5, 1.5, 6), "relu")
    before, = rings.find(lopsided)
    after, = rings.find(rings.regularise(lopsided, [before]))
    assert before.evenness < 0.99 and after.evenness == pytest.approx(1)
    assert after.weights.sum() == pytest.approx(before.weights.sum())
    np.testing.assert_allclose(after.weights, after.weights.mean())


def test_dead_impure_and_lonely_neurons_make_no_ring():
    star = analytic.star(P, 5, 4, activation="relu")
    rng = np.random.default_rng(0)
    noise = rng.normal(size=(P, 3))
    lonely = analytic.ring(P, [0.0, 2.0], 7, activation="relu")
    A = np.hstack([star.A, 1e-3 * star.A, noise, lonely.A])
    C = np.vstack([star.C, star.C, rng.normal(size=(3, P)), lonely.C])
    ring, = rings.find(Effective(A, A, np.zeros(15), C, "relu"))
    assert ring.frequency == 4 and sorted(ring.neurons) == [0, 1, 2, 3, 4]


def test_untied_rings_add_their_phases():
    ring, = rings.find(analytic.untied_star(P, 6, (1, 4), 5))
    np.testing.assert_allclose(ring.phase_errors, 0, atol=1e-9)
    assert not np.allclose(ring.input_phases, ring.second_input_phases)


def test_square_weights_count_the_input_twice():
    star = analytic.star(P, 5)
    doubled = Effective(2 * star.A, 2 * star.B, star.bias, 3 * star.C, "square")
    np.testing.assert_allclose(rings.find(doubled)[0].weights, 12)
    np.testing.assert_allclose(rings.find(replace(doubled, activation="relu"))[0].weights, 6)


def test_scores_count_ties_as_errors():
    blind = Effective(np.zeros((P, 1)), np.zeros((P, 1)), np.zeros(1), np.zeros((1, P)), "relu")
    (_, train, test), = rings.scores(blind, SPLIT)
    assert train.accuracy == test.accuracy == 0 and train.loss == pytest.approx(np.log(P))
    (_, _, test), *_ = rings.scores(analytic.star(P, 5), SPLIT)
    assert test.accuracy == 1
    a, b = np.indices((6, 6)).reshape(2, -1)
    pairs = np.stack([a, b], axis=1)
    (_, whole, nothing), *_ = rings.scores(analytic.star(6, 3), Split(pairs, (a + b) % 6, pairs[:0], a[:0]))
    assert whole.accuracy == 30 / 36 and np.isnan(nothing).all()


def subtracting(effective):
    """B turned around: what added now subtracts."""
    return replace(effective, B=effective.B[-np.arange(len(effective.B)) % len(effective.B)])


@pytest.mark.parametrize("network", [analytic.star(P, 5, 4), analytic.untied_star(P, 6, (1, 4), 5),
                                     analytic.star(P, 7, 3, 0.2, "relu")])
def test_the_phase_law_of_subtraction(network):
    """C - A + B; read as a sum, good rings look as if they were unformed."""
    effective = subtracting(network)
    ring, = rings.find(effective, "subtract")
    as_sum, = rings.find(effective)
    np.testing.assert_allclose(ring.phase_errors, 0, atol=1e-8)
    assert np.median(np.abs(as_sum.phase_errors)) > 20
    for replaced in (rings.transplant(effective, [ring]), rings.regularise(effective, [ring])):
        logits = analytic.logits(replaced, P)
        assert (predict(logits) == np.subtract.outer(range(P), range(P)) % P).all()
    split = ModularArithmetic(P, "subtract", train_fraction=0.5).split()
    text = rings.table(effective, split)
    assert "0.0 deg" in text and "phase of a + phase of b|" in text and "(a-b-c)" in text
    explained = fraction_explained(analytic.logits(network, P), [ring.frequency])
    assert f"explain {explained:.1%} of the variance of the logits about each pair's mean" in text


def test_the_ring_of_b_is_read_too():
    """In the untied star b's phases wind four times, so its moments are others; and its amplitudes are its own."""
    star = analytic.untied_star(P, 7, (1, 3), 5)
    louder = replace(star, B=3 * star.B)
    ring, = rings.find(louder)
    np.testing.assert_allclose(ring.second_input_amplitudes, 3 * ring.input_amplitudes)
    np.testing.assert_allclose(ring.weights, 3)  # of x² only the product of both inputs is wanted
    of_b = replace(ring, input_phases=ring.second_input_phases)
    np.testing.assert_allclose(of_b.moments, [n % 7 == 0 for n in range(1, 13)], atol=1e-9)
    np.testing.assert_allclose(analytic.logits(rings.transplant(louder, [ring]), P), analytic.logits(louder, P),
                               atol=1e-9)
    assert "ring of b" in rings.table(louder, SPLIT) and "ring of b" not in rings.table(analytic.star(P, 5), SPLIT)


def test_evenness_is_one_on_the_corners_of_a_polygon_filled_or_not():
    corner, = rings.find(analytic.ring(P, np.full(5, 0.3), 4, activation="relu"))
    assert corner.evenness == pytest.approx(1) and corner.moments[0] == pytest.approx(1)


def test_networks_of_an_activation_without_a_law_have_a_table():
    text = rings.table(analytic.star(P, 5, activation="gelu", allow_inexact=True), SPLIT)
    assert "for gelu no moment law is known" in text and "*M" not in text and "should vanish" not in text


def test_pure_tied_stars_explain_what_their_modulation_leaves():
    """cos² has mean 1/2 and mean square 3/8, |cos| 2/pi and 1/2: the wave's share is 2/3, and (2/pi)² 2 for ReLU."""
    square = analytic.logits(analytic.star(101, 5), 101)
    relu = analytic.logits(analytic.star(101, 13, activation="relu"), 101)
    assert fraction_explained(square, [1]) == pytest.approx(2 / 3, abs=1e-3)
    assert fraction_explained(relu, [1]) == pytest.approx(8 / np.pi**2, abs=2e-3)


def test_table_prints_rings_and_scores():
    text = rings.table(scrambled(analytic.star(P, 5, 2), analytic.star(P, 6, 9), rng=np.random.default_rng(0)), SPLIT)
    rows = [line.split() for line in text.splitlines()]
    assert any(row[:2] == ["2", "5"] for row in rows) and any(row[:2] == ["9", "6"] for row in rows)
    assert "*M2" in text and "*M4" in text and "*M1" not in text and "learned weights" in text
    nothing = Effective(*np.random.default_rng(0).normal(size=(2, P, 2)), np.zeros(2), np.ones((2, P)), "relu")
    assert rings.table(nothing, SPLIT).startswith("No rings yet")


@pytest.fixture(scope="module")
def article(reference):
    """The article's published network and its split."""
    with np.load(reference("pair/main_model.npz"), allow_pickle=False) as z:
        A = z["embed"].astype(np.float64) @ z["hidden_w"]
        effective = Effective(A, A, np.zeros(24), z["out_w"].astype(np.float64) @ z["embed"].T, "relu")
        mask = z["train_mask"]
    pairs = np.array([(a, b) for a in range(67) for b in range(a, 67)])
    train = mask[pairs[:, 0], pairs[:, 1]]
    labels = pairs.sum(axis=1) % 67
    return effective, Split(pairs[train], labels[train], pairs[~train], labels[~train])


def test_the_articles_network_has_the_published_losses(article, reference):
    effective, split = article
    expected = json.loads(reference("pair/main_model_expected.json").read_text(encoding="utf-8"))
    results = {name: parts for name, *parts in rings.scores(effective, split)}
    train, test = results["learned weights"]
    assert (train.accuracy, test.accuracy) == (1, 1)
    # The article divides by p = 67.
    np.testing.assert_allclose(test.loss / 67, expected["eval_loss"], rtol=1e-6)
    np.testing.assert_allclose(train.loss / 67, expected["train_loss"], rtol=1e-6)
    # Square waves do not come close, cosines with the second harmonic and the constant do.
    assert results["pure cosines"][1].accuracy == 1 and 0.4 < results["square waves"][1].accuracy < 0.6
    assert results["second harmonic and constant"][1].loss < 2 * test.loss < results["pure cosines"][1].loss


def test_learned_waves_have_a_second_harmonic_and_a_constant(article):
    """The numbers of `rings.keep_harmonics`, by sums of cosines."""
    A, seconds, constants = article[0].A, [], []
    for ring in rings.find(article[0]):
        angle = 2 * np.pi * ring.frequency * np.arange(67)[:, None] / 67 - ring.input_phases
        first, second = (2 / 67 * (A[:, ring.neurons] * np.cos(m * angle)).sum(axis=0) for m in (1, 2))
        seconds.append((second / first).mean())
        constants.append((A[:, ring.neurons].mean(axis=0) / first).mean())
    assert -0.16 < min(seconds) < max(seconds) < -0.095 and 0.075 < min(constants) < max(constants) < 0.11


def test_the_articles_network_has_the_published_frequencies_and_obeys_the_moment_law(article):
    effective, _ = article
    found = rings.find(effective)
    assert [ring.frequency for ring in found] == [1, 15, 23]
    for ring in found:
        assert (ring.moments[:4] <= 0.05).all()
        assert ring.moments[4:].max() > 0.3
    errors = np.concatenate([ring.phase_errors for ring in found])
    assert np.median(np.abs(errors)) < 3


def test_the_published_sweep_is_what_its_readme_states(reference):
    with np.load(reference("pair/mlp_seeds.npz"), allow_pickle=False) as z:
        n_freqs, neurons = z["n_freqs"], z["freqs_neurons"]
    assert np.bincount(n_freqs).tolist() == [0, 0, 0, 134, 88, 3]
    counts = np.bincount(neurons[neurons > 0])
    assert {size: int(counts[size]) for size in range(4, 11)} == {4: 21, 5: 222, 6: 179, 7: 128, 8: 100, 9: 64, 10: 26}
