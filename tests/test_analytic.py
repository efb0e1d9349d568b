"""The written-down networks: theorems over ranges of p, N and k, checked against brute force and closed forms."""

import math
from dataclasses import replace
from itertools import product

import draws
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.optimize import least_squares, linprog, nnls

from grok_np import analytic, layers
from grok_np.networks.mlp import mix_forward
from grok_np.reading.fourier import strongest_waves


def right_everywhere(logits, tolerance=1e-9):
    """Whether (a + b) mod p is strictly the largest logit of every pair: a tie is an error."""
    p = len(logits)
    a, b = np.ogrid[:p, :p]
    right = logits[a, b, (a + b) % p].copy()
    others = logits.copy()
    others[a, b, (a + b) % p] = -np.inf
    return right > others.max(axis=2) + tolerance


def tied_formula(p, n, k):
    a, b, c = np.ogrid[:p, :p, :p]
    w = 2 * np.pi / p
    return n * np.cos(k * (a - b) * w / 2) ** 2 * np.cos(k * (a + b - c) * w)


@given(p=st.integers(2, 30), n=st.integers(1, 12), k=st.integers(1, 40), phase=st.floats(-7, 7))
def test_square_star_is_the_formula_exactly_where_the_certificate_says(p, n, k, phase):
    assume(math.gcd(k, p) == 1)
    logits = analytic.logits(analytic.star(p, n, k, phase, allow_inexact=True), p)
    error = np.abs(logits - tied_formula(p, n, k)).max()
    if analytic.is_exact(n):
        assert error < 1e-12 * n
    elif p > 4:
        assert error > 0.1


@pytest.mark.parametrize("n", [1, 2, 4])
def test_rings_of_one_two_and_four_fail(n):
    """Not only is the formula missed: for p = 67 answers are wrong."""
    assert not right_everywhere(analytic.logits(analytic.star(67, n, allow_inexact=True), 67)).all()
    with pytest.raises(ValueError, match=rf"must not divide 4 .* got {n}: moment M_4 .* does not vanish"):
        analytic.star(67, n)


def decides_all_pairs(effective, p):
    """The real weights through the real mix on all p² pairs; rows in blocks, as p³ logits are many.

    The thinnest margin, sin²(pi / 2p) (1 - cos(2 pi / p)) n, is 3e-8 n at p = 199: 1e-10 is far above rounding.
    """
    for a in np.array_split(np.arange(p), -(-p // 50)):
        pairs = np.stack([np.repeat(a, p), np.tile(np.arange(p), len(a))], axis=1)
        logits, _ = mix_forward(effective, pairs)
        rows, answer = np.arange(len(pairs)), pairs.sum(axis=1) % p
        right = logits[rows, answer].copy()
        logits[rows, answer] = -np.inf
        if not (right > logits.max(axis=1) + 1e-10).all():
            return False
    return True


@pytest.mark.parametrize("n", [3, 5, 6, 7])
def test_stars_are_right_on_all_pairs_of_every_odd_p_to_199(n):
    assert all(decides_all_pairs(analytic.star(p, n), p) for p in range(3, 200, 2))


def test_untied_six_is_right_on_all_pairs_of_every_p_to_200():
    assert all(decides_all_pairs(analytic.untied_star(p), p) for p in range(2, 201))


def test_deciding_all_pairs_can_fail():
    assert not decides_all_pairs(analytic.star(67, 4, allow_inexact=True), 67)
    assert not decides_all_pairs(analytic.star(66, 5), 66)


@pytest.mark.parametrize("p", [2, 3, 12, 67, 113])
@pytest.mark.parametrize(("n", "windings"), [(6, (1, 4)), (6, (2, 5)), (7, (1, 3)), (8, (1, 2))])
def test_untied_stars_through_the_mix(p, n, windings):
    logits = analytic.logits(analytic.untied_star(p, n, windings), p)
    a, b, c = np.ogrid[:p, :p, :p]
    np.testing.assert_allclose(logits, n / 2 * np.cos(2 * np.pi * (a + b - c) / p), atol=1e-12)
    assert right_everywhere(logits).all()


@given(n=st.integers(1, 12), x=st.integers(-8, 8), y=st.integers(-8, 8))
def test_untied_condition_is_the_certificate(n, x, y):
    """The list of divisors in the docstring, the integer certificate and the numbers agree."""
    listed = all(m % n for m in (2 * x, 2 * y, 2 * x + 2 * y, x + y, x - y, 3 * x + y, x + 3 * y))
    certificate = analytic.certificate(n, (x, y))
    assert listed == (certificate.exact and (x - y) % n != 0)
    p = 13
    logits = analytic.logits(analytic.untied_star(p, n, (x, y), allow_inexact=True), p)
    angles = 2 * np.pi * np.arange(p) / p
    X, Y, Z = angles[:, None, None], angles[None, :, None], angles[None, None, :]
    survivors = sum(count * np.exp(1j * (a * X + b * Y + c * Z)) for (a, b, c), count in certificate.surviving.items())
    np.testing.assert_allclose(logits, np.broadcast_to(n / 8 * survivors, logits.shape), atol=1e-11)


def test_untied_stars_are_refused_exactly_where_the_certificate_fails():
    for n, x, y in product(range(1, 13), range(-3, 6), range(-3, 6)):
        if analytic.certificate(n, (x, y)).exact and (x - y) % n:
            analytic.untied_star(2, n, (x, y))
        else:
            with pytest.raises(ValueError, match="n_neurons must not divide any of"):
                analytic.untied_star(2, n, (x, y))


def test_certificate_rejects_one_two_and_four_only():
    assert [n for n in range(1, 200) if not analytic.is_exact(n)] == [1, 2, 4]
    assert analytic.certificate(3, (1, 4)) == analytic.certificate(3)  # windings only count mod N


def test_no_untied_star_is_smaller_than_six():
    exact = {n: [(x, y) for x, y in product(range(n), repeat=2)
                 if x != y and analytic.certificate(n, (x, y)).exact] for n in range(1, 7)}
    assert not any(exact[n] for n in range(1, 6))
    assert (1, 4) in exact[6] and (2, 5) in exact[6]


@pytest.mark.parametrize("p", [2, 4, 10, 12, 66])
@pytest.mark.parametrize("n", [3, 5, 8])
def test_even_p_leaves_exactly_p_pairs_undecided(p, n):
    for k in (k for k in range(1, p) if math.gcd(k, p) == 1 and k < 8):
        right = right_everywhere(analytic.logits(analytic.star(p, n, k), p))
        assert (~right).sum() == p
        a, b = np.nonzero(~right)
        assert ((k * (a - b)) % p == p // 2).all()


@pytest.mark.parametrize("activation", analytic.rings.REQUIRED)
def test_even_p_is_undecided_however_many_frequencies(activation):
    """Even those that share a divisor with p: the pairs a - b = p / 2 stay undecided, and no others."""
    p = 22
    network = analytic.stars(p, 9, range(1, p // 2), activation=activation, allow_inexact=True)
    a, b = np.nonzero(~right_everywhere(analytic.logits(network, p)))
    assert len(a) == p and ((a - b) % p == p // 2).all()


@pytest.mark.parametrize("p", [9, 15, 66])
def test_a_frequency_that_shares_a_divisor_with_p_fails_when_built_all_the_same(p):
    """Three answers tie at every pair, in the tied and in the untied star."""
    tied, untied = (build(p, 6, frequency=3, allow_inexact=True) for build in (analytic.star, analytic.untied_star))
    for network in (tied, untied):
        assert not right_everywhere(analytic.logits(network, p)).any()


@given(data=st.data())
def test_margins_are_the_right_logit_minus_the_best_wrong_one(data):
    p = data.draw(st.integers(2, 4))
    logits = data.draw(draws.arrays((p, p, p)))
    expected = np.array([[logits[a, b, (a + b) % p] - max(logits[a, b, c] for c in range(p) if c != (a + b) % p)
                          for b in range(p)] for a in range(p)])
    expected[np.abs(expected) <= 64 * 2.0**-52 * np.abs(logits).max()] = 0
    np.testing.assert_array_equal(analytic.margins(logits), expected)


def decided(network, p):
    """How many of the p² pairs are right by `margins`; `layers.predict` must say the same."""
    logits = analytic.logits(network, p)
    right = layers.predict(logits.reshape(p * p, p)).reshape(p, p) == np.add.outer(range(p), range(p)) % p
    np.testing.assert_array_equal(analytic.margins(logits) > 0, right)
    return right.sum()


def test_the_phase_of_a_star_is_that_of_its_first_neuron():
    for star in (analytic.star(67, 5, 3, phase=0.3), analytic.stars(67, [3], [5], [0.3])):
        assert strongest_waves(star.A).phase[0] == pytest.approx(0.3)
        assert strongest_waves(star.C.T).phase[0] == pytest.approx(0.6)


def test_a_tie_is_wrong_whatever_rounding_makes_of_it():
    """All ties differ by rounding: by 1e-17 or 1e-32 of the largest logit, and by nothing at some pairs."""
    assert decided(analytic.star(6, 3), 6) == 30
    assert decided(analytic.star(66, 3), 66) == 66 * 65
    assert decided(analytic.star(100, 5), 100) == 100 * 99
    assert analytic.pizza_margin(60, [1]) == analytic.star_margin(60, [1]) == analytic.star_margin(60, [7, 11]) == 0
    assert analytic.clock_margin(60, [1]) > 0 and analytic.pizza_margin(60, [1], 0.5) > 0
    # In float32 a tie is as wide as float32 rounds, before anything is subtracted.
    single = analytic.logits(analytic.star(66, 3), 66).astype(np.float32)
    assert (analytic.margins(single) == 0).sum() == 66


@pytest.mark.parametrize("dtype, ties", [(np.float32, 9), (np.float64, 0)])
def test_how_wide_a_tie_is_depends_on_the_precision(dtype, ties):
    """Right answers ahead by 1e-6 of the largest logit: 8 roundings of float32, millions of float64."""
    c = np.arange(3)
    right = c == (c[:, None, None] + c[:, None]) % 3
    assert (analytic.margins((1 - 1e-6 * ~right).astype(dtype)) == 0).sum() == ties


@pytest.mark.parametrize("n", [3, 5, 6, 7])
def test_every_even_p_to_100_leaves_exactly_p_pairs_undecided(n):
    for p in range(4, 101, 2):
        assert decided(analytic.star(p, n), p) == p * p - p
        assert (analytic.margins(analytic.logits(analytic.star(p, n), p)) == 0).sum() == p
        assert analytic.star_margin(p, [1]) == analytic.pizza_margin(p, [1]) == 0


@pytest.mark.parametrize("activation", analytic.rings.REQUIRED)
def test_ties_at_high_frequencies(activation):
    """Waves of 33 turns are as exact as waves of one, because angles are reduced before they are rounded."""
    for p, k in ((50, 23), (66, 31), (98, 47)):
        margins = analytic.margins(analytic.logits(analytic.star(p, 5, k, 0.4, activation), p))
        a, b = np.nonzero(margins == 0)
        assert len(a) == p and ((a - b) % p == p // 2).all()


@pytest.mark.parametrize("p", [101, 199, 301])
def test_thin_margins_are_no_ties(p):
    """pi⁴ / (2 p⁴) of the largest logit is 6e-9 at p = 301, where a tie is what differs by 1.4e-14."""
    assert decided(analytic.star(p, 5), p) == p * p
    margin = np.sin(np.pi / (2 * p)) ** 2 * (1 - np.cos(2 * np.pi / p))
    assert analytic.star_margin(p, [1]) == pytest.approx(margin, rel=1e-6)


def test_even_frequencies_do_not_break_the_ties_of_odd_ones():
    assert decided(analytic.stars(22, 9, range(1, 11), allow_inexact=True), 22) == 22 * 21


def test_margins_for_two_tokens():
    """cos² vanishes where a - b = 1, so a star cannot decide; a clock says cos 0 against cos pi."""
    assert analytic.star_margin(2, [1]) == pytest.approx(0, abs=1e-12) and analytic.clock_margin(2, [1]) == 2


def test_margins_of_design():
    """A thin exact star, a wide untied one; both through the mix and from the closed form."""
    tied = analytic.margins(analytic.logits(analytic.star(67, 5), 67)).min()
    np.testing.assert_allclose(tied, 5 * np.sin(np.pi / 134) ** 2 * (1 - np.cos(2 * np.pi / 67)), rtol=1e-6)
    np.testing.assert_allclose(tied, 5 * analytic.star_margin(67, [1]), rtol=1e-6)
    untied = analytic.margins(analytic.logits(analytic.untied_star(67), 67)).min()
    np.testing.assert_allclose(untied, 3 * (1 - np.cos(2 * np.pi / 67)), rtol=1e-9)
    assert f"{tied:.1e}" == "1.2e-05" and f"{untied:.1e}" == "1.3e-02"


@pytest.mark.parametrize(("frequencies", "margin"), [
    ([1], 2.415e-6), ([1, 18], 1.78e-3), ([1, 20, 25], 1.43e-2), ([1, 10, 13, 24], 3.57e-2)])
def test_best_frequencies_for_67(frequencies, margin):
    found, found_margin = analytic.best_frequencies(67, len(frequencies))
    assert found == frequencies
    np.testing.assert_allclose(found_margin, margin, rtol=6e-3)
    stars = analytic.together(*[analytic.star(67, 3, k) for k in frequencies])
    through_mix = analytic.margins(analytic.logits(stars, 67)).min() / (3 * len(frequencies))
    np.testing.assert_allclose(through_mix, found_margin, rtol=1e-6)


def test_stars_of_one_frequency_are_a_star():
    one, several = analytic.star(31, 5, 7, activation="relu"), analytic.stars(31, 5, [7], activation="relu")
    for name in ("A", "B", "C", "bias"):
        np.testing.assert_array_equal(getattr(several, name), getattr(one, name))


@pytest.mark.parametrize("activation", ["relu", "gelu"])
def test_the_phase_of_a_star_is_where_its_first_neuron_has_its_crest(activation):
    a, i = np.ogrid[:31, :5]
    network = analytic.star(31, 5, 2, 0.3, activation, allow_inexact=activation == "gelu")
    np.testing.assert_allclose(network.A, np.cos(4 * np.pi * a / 31 - 2 * np.pi * i / 5 - 0.3), atol=1e-12)
    np.testing.assert_allclose(network.C.T, np.cos(4 * np.pi * a / 31 - 4 * np.pi * i / 5 - 0.6), atol=1e-12)


def test_stars_with_sizes_phases_and_amplitudes_of_their_own():
    p, sizes, frequencies, phases, amplitudes = 31, (3, 5, 7), (1, 6, 11), (0.1, 0.2, 0.3), (1.0, 0.5, 2.0)
    logits = analytic.logits(analytic.stars(p, sizes, frequencies, phases, amplitudes), p)
    expected = sum(s * tied_formula(p, n, k) for n, k, s in zip(sizes, frequencies, amplitudes, strict=True))
    np.testing.assert_allclose(logits, expected, atol=1e-11)
    weighted = analytic.margins(analytic.logits(analytic.stars(p, 5, frequencies, 0.0, amplitudes), p)).min()
    np.testing.assert_allclose(weighted / (5 * sum(amplitudes)), analytic.star_margin(p, frequencies, amplitudes),
                               rtol=1e-9)


def test_best_frequencies_by_brute_force():
    """All sets without the argument that one frequency may be 1, for a prime and for a composite p."""
    from itertools import combinations

    for p in (13, 15):
        units = [k for k in range(1, (p + 1) // 2) if math.gcd(k, p) == 1]
        best = max(analytic.star_margin(p, ks) for ks in combinations(units, 2))
        np.testing.assert_allclose(analytic.best_frequencies(p, 2)[1], best, rtol=1e-12)


def test_greedy_choice_is_a_real_set_of_the_margin_it_states():
    greedy, margin = analytic.best_frequencies(67, 4, exhaustive_up_to=0)
    assert len(set(greedy)) == 4 and greedy[0] == 1 and margin == analytic.star_margin(67, greedy)
    assert 0.8 * 3.57e-2 < margin <= 3.571e-2


@pytest.mark.parametrize(("limit", "sizes"), [(10, {3}), (9, {2, 3})])
def test_all_sets_are_tried_up_to_the_limit_and_above_it_one_frequency_is_added_at_a_time(limit, sizes):
    """For p = 13 two of the five units 2 .. 6 join the 1: ten sets."""
    tried = set()

    def margin(p, frequencies):
        tried.add(tuple(sorted(frequencies)))
        return analytic.star_margin(p, frequencies)

    analytic.best_frequencies(13, 3, limit, margin)
    assert {len(frequencies) for frequencies in tried} == sizes and all(1 in frequencies for frequencies in tried)


@pytest.mark.parametrize("p", [3, 5, 9, 21, 23, 55, 57])
@pytest.mark.parametrize("n", [3, 5, 6, 8])
@pytest.mark.parametrize("activation", ["relu", "abs", "square"])
def test_solves_is_the_direct_check_of_all_pairs(p, n, activation):
    direct = right_everywhere(analytic.logits(analytic.star(p, n, activation=activation, allow_inexact=True), p), 1e-12)
    assert analytic.solves(p, n, activation) == direct.all()


@pytest.mark.parametrize(("n", "largest"), [(3, None), (5, 117), (6, 21), (7, 343), (8, 55), (10, 117), (16, 517)])
def test_largest_moduli_of_relu_rings(n, largest):
    assert analytic.largest_modulus(n) == largest
    if largest:
        assert all(analytic.solves(p, n) for p in range(3, largest + 1, 2))


@pytest.mark.parametrize(("up_to", "largest"), [(3, 3), (4, 3), (20, 19), (21, 21)])
def test_the_largest_modulus_looked_at_is_the_last_odd_number(up_to, largest):
    assert analytic.largest_modulus(9, up_to=up_to) == analytic.largest_modulus(5, "square", up_to) == largest
    assert analytic.largest_modulus(3, "relu", up_to) is None  # three are a star for x² only
    assert analytic.largest_modulus(3, "square", up_to) == largest


def test_one_neuron_solves_nothing_and_the_default_limit_is_601():
    for activation in analytic.rings.REQUIRED:
        assert not analytic.solves(7, 1, activation)
        assert not analytic.solves(3, 4, activation)  # two answers tie, and a tie is an error
    assert analytic.largest_modulus(9) == 601


@pytest.mark.parametrize("n", [9, 11, 13])
def test_larger_odd_relu_rings_solve_everything_to_681(n):
    assert all(analytic.solves(p, n) for p in range(3, 682, 2))


def test_moments_of_float32_weights_are_computed_in_float64():
    weights = np.random.default_rng(0).uniform(1, 2, 50).astype(np.float32)
    phases = np.linspace(0, 5, 50)
    np.testing.assert_array_equal(analytic.moments(phases, weights), analytic.moments(phases, weights.astype(float)))
    assert len(analytic.moments(phases)) == 12


@given(st.integers(1, 30), st.floats(-7, 7))
def test_moments_of_a_regular_ring(n, phase):
    m = analytic.moments(2 * np.pi * np.arange(n) / n + phase, n_max=12)
    expected = [np.exp(1j * order * phase) if order % n == 0 else 0 for order in range(1, 13)]
    np.testing.assert_allclose(m, expected, atol=1e-9)


@given(st.data())
def test_square_ring_is_exact_if_and_only_if_two_moments_vanish(data):
    """The law itself, for any phases and weights: the error of the logits is what M_2 and M_4 predict."""
    n, p = data.draw(st.integers(1, 6)), 11
    phases = data.draw(st.lists(st.floats(-3, 3), min_size=n, max_size=n))
    weights = np.array(data.draw(st.lists(st.floats(0.1, 2), min_size=n, max_size=n)))
    logits = analytic.logits(analytic.ring(p, phases, weights=weights), p)
    M = analytic.moments(phases, weights, 4) * weights.sum()
    a, b, c = np.ogrid[:p, :p, :p]
    w = 2 * np.pi / p
    delta, psi, z = (a - b) * w / 2, (a + b) * w / 2, c * w
    # cos² t = 1/2 + cos(2t) / 2 and 2 cos x cos y = cos(x + y) + cos(x - y): M_2 comes from the 1/2, M_4 from cos(2t).
    error = np.cos(delta) ** 2 * np.real(2 * np.exp(-1j * z) * M[1] + np.exp(-1j * (2 * psi + z)) * M[3])
    np.testing.assert_allclose(logits, weights.sum() * tied_formula(p, 1, 1) + error, atol=1e-10)


def test_uneven_square_rings_are_exact():
    """Phases drawn at random, weights solved for: exact although nothing about the ring is regular."""
    rng = np.random.default_rng(3)
    for n in (5, 6, 9):
        phases = np.pi * (np.arange(n) + rng.uniform(-0.25, 0.25, n)) / n  # x² sees 2 alpha: half a turn is the circle
        weights = exact_weights(phases)
        logits = analytic.logits(analytic.ring(23, phases, weights=weights), 23)
        np.testing.assert_allclose(logits, tied_formula(23, weights.sum(), 1), atol=1e-9)
        assert np.ptp(np.diff(phases)) > 0.01 and np.ptp(weights) > 0.01
        moved = phases + 0.1 * np.eye(n)[0]
        off = analytic.logits(analytic.ring(23, moved, weights=weights), 23)
        assert np.abs(off - tied_formula(23, weights.sum(), 1)).max() > 0.01


def exact_weights(phases, activation="square"):
    """Weights >= 0, of mean 1, with which the star of these phases meets every required moment; else a ValueError.

    There are some if and only if 0 is in the convex hull of the N points (exp(i n alpha)), n the required orders: of 4
    dimensions for x² and |x|, of 8 for ReLU. So generic phases need five and nine neurons at least, and with so few it
    is rare. Non-negative least squares leaves five weights (ReLU: nine) above 0 at most.
    """
    phases = np.array(phases)
    waves = np.exp(1j * np.outer(analytic.required_moments(activation), phases))
    equations = np.vstack([waves.real, waves.imag, np.ones_like(phases)])
    weights, residual = nnls(equations, np.append(np.zeros(2 * len(waves)), len(phases)))
    if residual > 1e-9 * len(phases):
        raise ValueError(f"no weights serve {phases}: the best miss by {residual:.2g}")
    return weights


disc = st.tuples(st.floats(0, 0.95), st.floats(-3.2, 3.2)).map(lambda m: m[0] * np.exp(1j * m[1]))


@pytest.mark.parametrize("activation", analytic.rings.REQUIRED)
@given(extra=st.integers(1, 4), moment=disc)
def test_uneven_rings_have_the_moments_they_promise(activation, extra, moment):
    n = analytic.rigid_size(activation) + extra
    phases, weights = analytic.uneven_ring(n, moment, activation)
    order = 1 if activation == "relu" else 2
    M = analytic.moments(phases, weights, order * (n + 1))[order - 1::order]
    expected = [0] * (n - 2) + [moment, 1 - abs(moment) ** 2, -np.conj(moment) * (1 - abs(moment) ** 2)]
    np.testing.assert_allclose(M, expected, atol=1e-9)
    assert (weights > 0).all() and weights.mean() == pytest.approx(1, abs=1e-12)  # a sum of 1, times N


@given(moment=disc)
def test_uneven_four_rings_add_exactly_and_stop_when_disturbed(moment):
    """Four neurons, as exact as three: the x² formula over all pairs; a tenth of a radian on one neuron spoils it."""
    phases, weights = analytic.uneven_ring(4, moment)
    logits = analytic.logits(analytic.ring(13, phases, weights=weights), 13)
    np.testing.assert_allclose(logits, tied_formula(13, 4, 1), atol=1e-9)
    heaviest = np.eye(4)[weights.argmax()]
    off = analytic.logits(analytic.ring(13, phases + 0.1 * heaviest, weights=weights), 13)
    assert np.abs(off - tied_formula(13, 4, 1)).max() > 0.05


@pytest.mark.parametrize("n", [4, 6])
def test_every_ring_of_one_neuron_more_than_rigid_is_an_uneven_ring(n):
    """Solve the moment equations blindly from random starts: each solution is the family's ring of its own M_(N-1)."""
    rng = np.random.default_rng(0)

    def M(solution, order):
        angles, weights = solution[:n], np.exp(solution[n:])
        return (weights / weights.sum()) @ np.exp(1j * order * angles)

    def equations(solution):
        return np.ravel([[M(solution, order).real, M(solution, order).imag] for order in range(1, n - 1)])

    found = 0
    while found < 5:
        start = np.concatenate([rng.uniform(0, 2 * np.pi, n), rng.normal(0, 0.7, n)])
        solution = least_squares(equations, start, xtol=1e-15, ftol=1e-15, gtol=1e-15).x
        if np.abs(equations(solution)).max() > 1e-11 or np.ptp(solution[n:]) > 5:
            continue
        found += 1
        turn = np.angle(M(solution, n)) / n  # turned back, M_N is real and positive as in `uneven_ring`
        turned = solution - turn * (np.arange(2 * n) < n)
        phases, weights = analytic.uneven_ring(n, M(turned, n - 1), "relu" if n == 6 else "square")
        nodes = np.exp(1j * (phases if n == 6 else 2 * phases))
        distance = np.abs(np.exp(1j * turned[:n])[:, None] - nodes)
        partner = distance.argmin(axis=1)
        assert sorted(partner) == list(range(n)) and distance.min(axis=1).max() < 1e-7
        mass = np.exp(turned[n:])
        np.testing.assert_allclose(n * mass / mass.sum(), weights[partner], rtol=1e-6)


def test_lopsided_relu_sixes_decide_as_their_moments_say():
    """M_6 = 1 - |m|², and M_5, M_7 do not reach ReLU from pure cosines: the more uneven, the further the six carries.

    Alone, a six with |M_5| = 0.5 is wrong on most pairs of p = 67, although every required moment vanishes.
    """

    def carries(phases, weights):
        return all(right_everywhere(analytic.logits(analytic.ring(p, phases, 1, weights, "relu"), p), 1e-12).all()
                   for p in range(3, 36, 2))
    assert carries(*analytic.uneven_ring(6, 0.9, "relu"))
    assert not carries(*analytic.uneven_ring(6, 0.0, "relu"))
    phases, weights = analytic.uneven_ring(6, 0.5, "relu")
    assert 0.2 < decided(analytic.ring(67, phases, 1, weights, "relu"), 67) / 67**2 < 0.35


def test_an_uneven_relu_ring_of_nine_can_meet_all_four_moments():
    rng = np.random.default_rng(0)
    phases = 2 * np.pi * (np.arange(9) + rng.uniform(-0.2, 0.2, 9)) / 9
    M = analytic.moments(phases, exact_weights(phases, "relu"))
    assert np.abs(M[:4]).max() < 1e-9 and np.abs(M[4:]).max() > 0.05


@pytest.mark.parametrize(("activation", "n", "low", "high"), [
    ("square", 4, 0, 0), ("square", 5, 0.02, 0.12), ("square", 8, 0.33, 0.53), ("square", 16, 0.9, 1),
    ("relu", 8, 0, 0), ("relu", 12, 0.02, 0.14), ("relu", 20, 0.5, 0.7), ("relu", 30, 0.88, 1)])
def test_how_many_random_rings_can_be_served(activation, n, low, high):
    """Weights exist if and only if 0 is in the convex hull of the waves, which linear programming decides too."""
    rng, served = np.random.default_rng(1), 0
    for i in range(300):
        phases = rng.uniform(0, 2 * np.pi, n)
        try:
            weights = exact_weights(phases, activation)
            exist = True
            assert (weights > 0).sum() == 2 * len(analytic.required_moments(activation)) + 1 and weights.min() >= 0
        except ValueError:
            exist = False
        served += exist
        if i < 20:
            waves = np.exp(1j * np.outer(analytic.required_moments(activation), phases))
            equations = np.vstack([waves.real, waves.imag, np.ones(n)])
            assert linprog(np.zeros(n), A_eq=equations, b_eq=[0] * (2 * len(waves)) + [1]).success == exist
    assert low <= served / 300 <= high


@pytest.mark.parametrize("activation", analytic.rings.REQUIRED)
@given(data=st.data())
def test_rings_of_the_rigid_size_are_regular(activation, data):
    """Move one neuron of the smallest ring and no weights can save it; fewer neurons never work."""
    n = analytic.rigid_size(activation)
    turn = 2 * np.pi if activation == "relu" else np.pi  # x² and abs see 2 alpha
    phases = turn * np.arange(n) / n + data.draw(st.floats(0, 6))
    np.testing.assert_allclose(exact_weights(phases, activation), np.ones(n), atol=1e-9)
    phases[0] += data.draw(st.sampled_from([-1, 1])) * data.draw(st.floats(1e-3, 0.3))
    with pytest.raises(ValueError, match="no weights serve"):
        exact_weights(phases, activation)
    fewer = data.draw(st.lists(st.floats(-3, 3), min_size=1, max_size=n - 1))
    with pytest.raises(ValueError, match="no weights serve"):
        exact_weights(fewer, activation)


def test_gromov_gets_better_with_width():
    accuracy = [right_everywhere(analytic.logits(analytic.gromov(23, n, np.random.default_rng(0)), 23)).mean()
                for n in (10, 100, 4000)]
    assert accuracy[0] < 0.5 < accuracy[1] < accuracy[2] == 1


@pytest.mark.parametrize(("p", "highest"), [(2, 1), (3, 1), (8, 3), (23, 11)])
def test_gromov_draws_every_frequency_that_has_a_cosine_and_a_sine(p, highest):
    network = analytic.gromov(p, 500, np.random.default_rng(0))
    waves = [strongest_waves(table) for table in (network.A, network.B, network.C.T)]
    assert all(set(wave.frequency) == set(range(1, highest + 1)) for wave in waves) and not network.bias.any()
    np.testing.assert_allclose([wave.share for wave in waves], 1)


def test_gromov_draws_phases_all_round_the_circle():
    network = analytic.gromov(23, 4000, np.random.default_rng(0))
    for table in (network.A, network.B):  # 4,000 uniform phases average out to about 1 / sqrt 4000 = 0.016
        assert abs(np.exp(1j * strongest_waves(table).phase).mean()) < 0.05


def test_together_adds_logits():
    one, two = analytic.star(11, 5, 1), analytic.star(11, 6, 3)
    np.testing.assert_allclose(analytic.logits(analytic.together(one, two), 11),
                               analytic.logits(one, 11) + analytic.logits(two, 11), atol=1e-12)
    with pytest.raises(ValueError, match="same activation"):
        analytic.together(one, analytic.star(11, 5, activation="relu"))


@pytest.mark.parametrize(("build", "message"), [
    (lambda: analytic.star(66, 5, frequency=3), "frequency must be coprime to p = 66, got 3: both are multiples of 3"),
    (lambda: analytic.stars(66, 5, [2]), "frequency must be coprime to p = 66, got 2: both are multiples of 2"),
    (lambda: analytic.ring(66, [0.0], frequency=2), "frequency must be coprime to p = 66, got 2"),
    (lambda: analytic.clock_logits(66, (2,)), "frequency must be coprime to p = 66, got 2"),
    (lambda: analytic.star(67, 5, frequency=0), "frequency must be an integer >= 1, got 0"),
    (lambda: analytic.ring(67, [0.0], activation="tanh"), "activation must be one of relu, .*, got 'tanh'"),
    (lambda: analytic.gromov(1, 5, np.random.default_rng(0)), "p must be an integer >= 2, got 1"),
    (lambda: analytic.gromov(5, 0, np.random.default_rng(0)), "n_neurons must be an integer >= 1, got 0"),
    (lambda: analytic.untied_star(1), "p must be an integer >= 2, got 1"),
    (lambda: analytic.untied_star(67, 0), "n_neurons must be an integer >= 1, got 0"),
    (lambda: analytic.untied_star(66, frequency=2), "frequency must be coprime to p = 66, got 2"),
    (lambda: analytic.star(67, 3, activation="relu"), "n_neurons must not divide 3 .* M_3"),
    (lambda: analytic.star(1, 5), "p must be an integer >= 2, got 1"),
    (lambda: analytic.star(67, 0), "n_neurons must be an integer >= 1, got 0"),
    (lambda: analytic.untied_star(67, 6, (1, 2)), r"divides 2x\+2y = 6"),
    (lambda: analytic.best_frequencies(7, 4), "m must be from 1 to the 3 frequencies coprime to p = 7, got 4"),
    (lambda: analytic.best_frequencies(7, 0), "m must be an integer >= 1, got 0"),
    (lambda: analytic.certificate(0), "n_neurons must be an integer >= 1, got 0"),
    (lambda: analytic.logits(analytic.star(7, 5), 5), "p must be the number of rows of A, 7, got 5"),
    (lambda: analytic.required_moments("gelu"), "activation must be one of square, relu, abs, got 'gelu'"),
    (lambda: analytic.solves(10, 5), "p must be odd"),
    (lambda: analytic.solves(2, 5), "p must be an integer >= 3, got 2"),
    (lambda: analytic.best_frequencies(2, 1), "p must be an integer >= 3, got 2"),
    (lambda: analytic.solves(7, 0), "n_neurons must be an integer >= 1, got 0"),
    (lambda: analytic.solves(7, 5, "gelu"), "activation must be one of square, relu, abs, got 'gelu'"),
    (lambda: analytic.best_frequencies(66, 2), "p must be odd .* any frequencies leave p pairs undecided"),
    (lambda: analytic.uneven_ring(3, 0.1), "n_neurons must be an integer >= 4, got 3"),
    (lambda: analytic.uneven_ring(4, 1.0), "moment must be of modulus below 1"),
    (lambda: analytic.stars(67, 5, []), "frequencies must be one or more"),
    (lambda: analytic.moments([0.0, 1.0], [1.0]), r"weights.shape must be that of phases, \(2,\), got \(1,\)"),
    (lambda: analytic.moments(np.ones((2, 2))), r"phases.shape must be of length 1, got \(2, 2\)"),
])
def test_the_impossible_is_refused_with_the_reason(build, message):
    with pytest.raises(ValueError, match=message):
        build()


def test_gelu_and_other_activations_have_no_stated_law_but_can_be_looked_at():
    for build in (analytic.star, lambda p, n, **rest: analytic.stars(p, n, [1], **rest)):
        with pytest.raises(ValueError, match="activation must be one of square, relu, abs, got 'gelu'"):
            build(67, 4, activation="gelu")
        assert build(67, 4, activation="gelu", allow_inexact=True).activation == "gelu"
    assert analytic.ring(7, [0.0, 1.0], activation="gelu").activation == "gelu"


@given(p=st.integers(2, 40), k=st.integers(1, 60), companion=st.sampled_from([0.0, 0.3, 0.9]))
def test_clock_and_pizza_networks_are_their_formulas(p, k, companion):
    assume(math.gcd(k, p) == 1)
    np.testing.assert_allclose(analytic.logits(analytic.clock(p, (k,)), p), analytic.clock_logits(p, (k,)), atol=1e-11)
    np.testing.assert_allclose(analytic.logits(analytic.pizza(p, (k,), companion), p),
                               analytic.pizza_logits(p, (k,), companion), atol=1e-11)


@pytest.mark.parametrize("build", [analytic.clock_logits, analytic.pizza_logits, analytic.accompanying_logits])
def test_logits_add_over_frequencies_and_the_default_is_frequency_one(build):
    np.testing.assert_array_equal(build(11), build(11, (1,)))
    np.testing.assert_allclose(build(11, (1, 3)), build(11) + build(11, (3,)), atol=1e-13)


@pytest.mark.parametrize("build", [analytic.clock, analytic.pizza])
def test_networks_add_over_frequencies_and_the_default_is_frequency_one(build):
    one, three, both = (analytic.logits(build(*arguments), 11) for arguments in ((11,), (11, (3,)), (11, (1, 3))))
    np.testing.assert_array_equal(one, analytic.logits(build(11, (1,)), 11))
    np.testing.assert_allclose(both, one + three, atol=1e-11)


@given(p=st.integers(2, 40), k=st.integers(1, 60), c=st.data())
def test_pizza_is_the_papers_absolute_values(p, k, c):
    """alpha - beta as the paper writes them, from the summed embeddings of one pair."""
    assume(math.gcd(k, p) == 1)
    a, b, c = (c.draw(st.integers(0, p - 1)) for _ in range(3))
    w = 2 * math.pi * k / p
    x = np.array([math.cos(w * a) + math.cos(w * b), math.sin(w * a) + math.sin(w * b)])
    alpha = abs(x @ [math.cos(w * c / 2), math.sin(w * c / 2)])
    beta = abs(x @ [-math.sin(w * c / 2), math.cos(w * c / 2)])
    assert analytic.pizza_logits(p, (k,))[a, b, c] == pytest.approx(alpha - beta, abs=1e-9)


@pytest.mark.parametrize("p", range(3, 41))
def test_where_clock_and_pizza_are_right(p):
    """The clock always; the pizza for odd p, for even p on all but the p antipodal pairs; with a companion always."""
    units = [k for k in range(1, p // 2 + 1) if math.gcd(k, p) == 1]
    several = units[:3]
    assert right_everywhere(analytic.clock_logits(p, units[-1:])).all()
    for frequencies in (units[-1:], several):
        right = right_everywhere(analytic.pizza_logits(p, frequencies))
        if p % 2:
            assert right.all()
        else:
            a, b = np.nonzero(~right)
            assert len(a) == p and ((a - b) % p == p // 2).all()
        for companion in (0.1, 0.5, 0.9):
            assert right_everywhere(analytic.pizza_logits(p, frequencies, companion)).all()


def test_too_strong_a_companion_is_wrong_where_a_is_b():
    """At a = b the margin is 2 (1 - cos t + sin t - 2 companion sin² t), t = w (a + b - c) / 2, least near 67 deg."""
    p = 59
    a, b = np.nonzero(~right_everywhere(analytic.pizza_logits(p, companion=0.905)))
    assert len(a) == p and (a == b).all()
    t = np.pi / p * np.arange(1, p)
    for companion in (0.9, 0.905):
        least = 2 * (1 - np.cos(t) + np.sin(t) - 2 * companion * np.sin(t) ** 2).min()
        assert analytic.pizza_margin(p, [1], companion) == pytest.approx(least, abs=1e-12)


@pytest.mark.parametrize("p", [3, 5, 7, 13, 59, 60, 67])
def test_margins_of_clock_and_pizza(p):
    """Closed forms of the docstrings, and the least margin over all pairs by brute force."""
    def brute(logits):
        return analytic.margins(logits).min()

    assert analytic.clock_margin(p, [1]) == pytest.approx(1 - math.cos(2 * math.pi / p))
    assert analytic.clock_margin(p, [1]) == pytest.approx(brute(analytic.clock_logits(p)))
    for companion in (0.0, 0.5):
        assert analytic.pizza_margin(p, [1], companion) == pytest.approx(
            brute(analytic.pizza_logits(p, (1,), companion)), abs=1e-12)
    units = [k for k in range(1, p // 2 + 1) if math.gcd(k, p) == 1][:3]
    assert analytic.clock_margin(p, units) == pytest.approx(brute(analytic.clock_logits(p, units)) / len(units))
    if p % 2:
        half = math.pi / p
        assert analytic.pizza_margin(p, [1]) == pytest.approx(
            2 * math.sin(half / 2) * (1 - math.cos(half) + math.sin(half)))
        several, margin = analytic.best_frequencies(p, min(3, (p - 1) // 2), margin=analytic.pizza_margin)
        if p > 3:
            assert margin > analytic.pizza_margin(p, [1])
            assert margin == pytest.approx(brute(analytic.pizza_logits(p, several)) / len(several))


def test_on_circles_wants_all_the_frequencies():
    network = analytic.pizza(11, (1, 3))
    model, params = analytic.on_circles(network, (1, 3))
    np.testing.assert_allclose(model.effective(params).A, network.A, atol=1e-12)
    nothing = np.zeros_like(network.A)
    for partly in (network, replace(network, A=nothing), replace(network, B=nothing)):
        with pytest.raises(ValueError, match="frequencies must be all those of the network's A and B"):
            analytic.on_circles(partly, (1, 4))
    for companion in (-0.5, 0.95):
        with pytest.raises(ValueError, match=rf"companion must be in \[0, 0.9\], .* got {companion}"):
            analytic.pizza(11, companion=companion)


def test_on_circles_is_the_same_network_biases_and_all():
    """The companion, at twice the frequency, brings biases of 2; each circle is a tenth smaller than the last."""
    network = analytic.pizza(11, (1, 3), companion=0.5)
    model, params = analytic.on_circles(network, (1, 2, 3, 6))
    assert model.shapes == {name: array.shape for name, array in params.items()}
    np.testing.assert_allclose(analytic.logits(model.effective(params), 11), analytic.logits(network, 11), atol=1e-11)
    radii = np.sqrt(params["W_E"][:, :4] ** 2 + params["W_E"][:, 4:] ** 2)
    np.testing.assert_allclose(radii, np.tile([1, 0.9, 0.81, 0.729], (11, 1)), rtol=1e-12)
