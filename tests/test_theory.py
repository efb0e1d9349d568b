"""The statements of docs/theory.md, section by section, each against an oracle of its own.

Oracles: sums over all pairs, quadrature, eigenvalues of unitary Hessenberg matrices, root finding, mpmath, L-BFGS. The
numbers of the tables are read from the page itself, so that the page cannot say anything else than what is checked.
"""

import math
import re
from itertools import product
from pathlib import Path

import mpmath
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.optimize import brentq, least_squares, minimize

from grok_np import MLP, AdamW, analytic
from grok_np.layers import ACTIVATIONS, cross_entropy_backward, cross_entropy_forward

PAGE = (Path(__file__).parents[1] / "docs/theory.md").read_text(encoding="utf-8")
SEEDS = st.integers(0, 2**32 - 1)
LEARNED = (0.09, -0.12)  # constant and second harmonic of a learned wave, section 1


def table(first_cell):
    """Numbers of the page's table row whose first cell is this, as floats."""
    row = next(line for line in PAGE.splitlines() if line.startswith(f"| {first_cell} |"))
    return [float(cell) for cell in re.findall(r"(?<=\|)\s*(-?[\d.]+(?:e-?\d+)?)\s*(?=\|)", row[len(first_cell) + 3 :])]


def wave(f, t):
    """The even wave sum_j f_j cos(j t)."""
    return sum(fj * np.cos(j * t) for j, fj in enumerate(f))


def coefficients(act, f, delta, m_max):
    """c_0 .. c_m_max of act(f(t + delta) + f(t - delta)) in cos(m t), by the trapezoidal rule with 8192 points."""
    t = 2 * np.pi * np.arange(8192) / 8192
    c = np.fft.rfft(act(wave(f, t + delta) + wave(f, t - delta))).real / 8192
    return c[: m_max + 1] * np.where(np.arange(m_max + 1) > 0, 2, 1)


def moments(weights, alpha, n):
    return (weights * np.exp(1j * n * alpha)).sum()


# Section 1: the moment law


@given(seed=SEEDS, name=st.sampled_from(["square", "relu", "abs"]), j=st.integers(1, 3))
@example(seed=997950, name="relu", j=1)  # small waves: what is cut off is in proportion to them, not to their squares
def test_only_the_moments_that_the_law_names_reach_the_answer(seed, name, j):
    """Any even input wave, any ring, output cos(j (chi - 2 alpha)): a sum over neurons beside one over moments."""
    rng = np.random.default_rng(seed)
    n, f, m_max = rng.integers(3, 9), rng.normal(size=4), 2000
    alpha, weights = rng.uniform(0, 2 * np.pi, n), rng.uniform(0.2, 2, n)
    delta, psi, chi = rng.uniform(0, 2 * np.pi, 3)
    act = {"square": np.square, "abs": np.abs, "relu": lambda x: np.maximum(x, 0)}[name]
    pre = wave(f, psi + delta - alpha) + wave(f, psi - delta - alpha)
    direct = (weights * act(pre) * np.cos(j * (chi - 2 * alpha))).sum()
    c = coefficients(act, f, delta, m_max)
    Z = sum(c[m] / 2 * (np.exp(-1j * m * psi) * moments(weights, alpha, 2 * j + m)
                        + np.exp(1j * m * psi) * np.conj(moments(weights, alpha, m - 2 * j))) for m in range(m_max + 1))
    by_moments = (Z * np.exp(-1j * j * chi)).real
    # c_m is at most 1 / (pi m^2) of the jumps of the slope: at six kinks, by 6 sum |f| for relu, twice that for abs.
    cut_off = 36 / (np.pi * m_max) * np.abs(f).sum() * {"square": 0, "relu": 1, "abs": 2}[name]
    assert by_moments == pytest.approx(direct, abs=(cut_off + 1e-9 * np.abs(f).sum() ** 2) * weights.sum())


@pytest.mark.parametrize("row, f", [("cosine", [0, 1]), ("learned", [LEARNED[0], 1, LEARNED[1]])])
def test_the_table_of_harmonics(row, f):
    """Root mean square of c_m over the pairs, over the mean of c_2: the page's table to its last digit."""
    deltas = np.pi * (np.arange(600) + 0.5) / 600
    c = np.array([coefficients(lambda x: np.maximum(x, 0), f, delta, 8) for delta in deltas])
    sizes = np.sqrt((c**2).mean(axis=0)) / c[:, 2].mean()
    assert table(row) == pytest.approx(sizes.tolist(), abs=6e-4)


def test_how_even_the_answer_of_a_learned_wave_is():
    """Relative standard deviation of c_2 over the pairs: 48 % for cosines, by integrals of |cos|, 12 % for learned."""
    assert math.sqrt(np.pi**2 / 8 - 1) == pytest.approx(0.48, abs=0.005)
    c_2 = [float(mpmath.quad(lambda t, d=d: 2 / mpmath.pi * mpmath.cos(2 * t) * max(
        0, 2 * 0.09 + 2 * mpmath.cos(d) * mpmath.cos(t) - 0.24 * mpmath.cos(2 * d) * mpmath.cos(2 * t)),
        mpmath.linspace(0, mpmath.pi, 9))) for d in np.pi / 2 * (np.arange(40) + 0.5) / 40]
    assert np.std(c_2) / np.mean(c_2) == pytest.approx(0.12, abs=0.005)
    assert min(c_2) > 0.7 * np.mean(c_2)


def ring_logits(p, alpha, f, act, k=1):
    """Logits (p, p, p) of a tied ring of equal weights and input wave f, in plain NumPy."""
    x = 2 * np.pi * k / p * np.arange(p)
    A = wave(f, x[:, None] - alpha)
    return act(A[:, None] + A) @ np.cos(x - 2 * alpha[:, None])


@pytest.mark.parametrize("n", range(5, 12))
def test_the_tied_clock(n):
    """x² with 8 f_0 f_2 = -1 gives (N/2) cos(k (a+b-c) w) for every p, even ones too, if N is 7 or more."""
    alpha = 2 * np.pi * np.arange(n) / n + 0.3
    for p, k, f_0 in [(2, 1, 0.3), (12, 5, 0.7), (13, 2, 8**-0.5), (60, 7, -0.5)]:
        a, b, c = np.ogrid[:p, :p, :p]
        wanted = n / 2 * np.cos(2 * np.pi * k / p * (a + b - c))
        error = np.abs(ring_logits(p, alpha, [f_0, 1, -1 / (8 * f_0)], np.square, k) - wanted).max()
        assert (error < 1e-12 * n) if n >= 7 else p == 2 or error > 0.1


def margins(logits):
    """Right logit minus the best wrong one, all pairs."""
    p = len(logits)
    a, b, d = np.ogrid[:p, :p, :p]
    turned = logits[a, b, (a + b + d) % p]
    return turned[:, :, 0] - turned[:, :, 1:].max(axis=2)


@pytest.mark.parametrize("p", [8, 20, 36, 60])
def test_a_second_harmonic_unties_even_p(p):
    """Odd waves leave the p pairs a - b = p/2 undecided; the learned wave decides every pair."""
    alpha, relu = 2 * np.pi * np.arange(11) / 11, ACTIVATIONS["relu"][0]
    tied = np.abs(margins(ring_logits(p, alpha, [0, 1, 0, 0.2], lambda x: relu(x)[0]))) < 1e-12
    a, b = np.nonzero(tied)
    assert len(a) == p and ((a - b) % p == p // 2).all()
    assert margins(ring_logits(p, alpha, [LEARNED[0], 1, LEARNED[1]], lambda x: relu(x)[0])).min() > 1e-3


# Section 2: rings without the first moments


def hessenberg(verblunsky):
    """The unitary Hessenberg matrix of Verblunsky coefficients (Simon 2005, section 4.1), the last one of modulus 1.

    Its eigenvalues are the nodes, the squared first entries of its eigenvectors the weights of the measure.
    """
    a = np.append(-1, verblunsky)
    rho = np.sqrt(1 - np.abs(a[1:-1]) ** 2)
    n = len(verblunsky)
    G = np.zeros((n, n), complex)
    for i, j in product(range(n), repeat=2):
        if i <= j:
            G[i, j] = -np.conj(a[j + 1]) * a[i] * np.prod(rho[i:j]) if i < j else -np.conj(a[j + 1]) * a[j]
        elif i == j + 1:
            G[i, j] = rho[j]
    return G


def measure(verblunsky):
    """Nodes' angles and weights of the measure with these Verblunsky coefficients."""
    values, vectors = np.linalg.eig(hessenberg(verblunsky))
    weights = np.abs(vectors[0]) ** 2 / (np.abs(vectors) ** 2).sum(axis=0)
    order = np.argsort(np.angle(values))
    return np.angle(values)[order], weights[order]


def in_the_disc(rng, n):
    return np.sqrt(rng.uniform(0, 0.8, n)) * np.exp(2j * np.pi * rng.uniform(size=n))


@given(seed=SEEDS, n=st.integers(5, 9))
def test_verblunsky_coefficients_are_all_the_freedom(seed, n):
    """Four zeros, N - 5 points of the disc, one of the circle: a ring without M_1 .. M_4, in a family of 2(N-5) + 1."""
    rng = np.random.default_rng(seed)
    free = in_the_disc(rng, n - 5)
    alpha, weights = measure(np.concatenate([np.zeros(4), free, [np.exp(2j * np.pi * rng.uniform())]]))
    assert weights.min() > 0 and weights.sum() == pytest.approx(1)
    assert max(abs(moments(weights, alpha, m)) for m in range(1, 5)) < 1e-9
    # Differentiate (M_0, .. M_4) by phases and weights: what is left free is 2(N-5) and the turn.
    waves = np.exp(1j * np.outer(np.arange(5), alpha))
    by = np.hstack([1j * np.arange(5)[:, None] * waves * weights, waves])
    rank = np.linalg.matrix_rank(np.vstack([by.real, by.imag[1:]]), tol=1e-9)
    assert 2 * n - rank == 2 * (n - 5) + 1


@given(seed=SEEDS)
def test_five_neurons_are_regular_whatever_the_signs(seed):
    """Least squares from random phases and weights of any sign ends at the regular pentagon or at no weight at all."""
    rng = np.random.default_rng(seed)

    def missed(x):
        M = np.exp(1j * np.outer(np.arange(1, 5), x[:5])) @ x[5:]
        return np.r_[M.real, M.imag, x[5:].sum() - 1]

    found = least_squares(missed, np.r_[rng.uniform(0, 2 * np.pi, 5), rng.normal(0.2, 0.3, 5)], xtol=1e-15, gtol=1e-15)
    if found.cost < 1e-20:
        assert found.x[5:] == pytest.approx(np.full(5, 0.2), abs=1e-6)
        assert abs(np.exp(5j * found.x[:5]).mean()) == pytest.approx(1, abs=1e-6)


@given(seed=SEEDS, n=st.integers(4, 9))
def test_the_law_of_six(seed, n):
    """The moments that follow from M_(N-1) = m, and `uneven_ring`, beside eigenvalues, in the turn of the law."""
    m = complex(in_the_disc(np.random.default_rng(seed), 1)[0])
    alpha, weights = measure(np.r_[np.zeros(n - 2), np.conj(m), 1.0 + 0j])
    M = [moments(weights, alpha, i) for i in range(n + 3)]
    assert np.abs(M[1 : n - 1]).max() < 1e-9
    turn = np.exp(-1j * np.angle(M[n]) / n)  # the one in which the nodes' equation has no further phase
    M = [moment * turn**i for i, moment in enumerate(M)]
    m = M[n - 1]
    assert M[n] == pytest.approx(1 - abs(m) ** 2)
    assert M[n + 1] == pytest.approx(-np.conj(m) * (1 - abs(m) ** 2))
    assert n == 4 or M[n + 2] == pytest.approx(np.conj(m) ** 2 * (1 - abs(m) ** 2))
    if n > 5:
        nodes = np.exp(1j * alpha) * turn
        angles, ours = analytic.uneven_ring(n, m, "relu")
        nearest = np.abs(np.exp(1j * angles)[:, None] - nodes).argmin(axis=1)
        assert np.exp(1j * angles) == pytest.approx(nodes[nearest], abs=1e-8)
        assert ours / n == pytest.approx(weights[nearest], abs=1e-8)


# Section 3: the exact margin of a ReLU star


def star_rows(p, alpha, weights=1.0):
    """Z over |cos delta| at psi = j pi / p, j = 0 .. 2p - 1, for pure cosines and ReLU, by summing the neurons."""
    psi = np.pi / p * np.arange(2 * p)[:, None]
    return psi[:, 0], (weights * 2 * np.maximum(np.cos(psi - alpha), 0) * np.exp(2j * alpha)).sum(axis=1)


@given(seed=SEEDS, n=st.integers(5, 9), p=st.sampled_from([11, 37, 67]))
@example(seed=64172, n=6, p=67)  # |e| beyond 3 pi / p: the nearest wrong answer is two steps away
def test_the_phase_error_decides_and_gives_the_margin(seed, n, p):
    rng = np.random.default_rng(seed)
    alpha, weights = measure(np.r_[np.zeros(4), in_the_disc(rng, n - 5), np.exp(2j * np.pi * rng.uniform())])
    psi, Z = star_rows(p, alpha, weights)
    # the series of the page
    order = np.arange(3, 2000)
    a, b = 3 / ((2 * order - 2) ** 2 - 1), 3 / ((2 * order + 2) ** 2 - 1)
    M = (-1.0) ** order * (np.exp(2j * np.outer(order, alpha)) @ weights)
    series = 1 + np.exp(-2j * np.outer(psi, order)) @ (a * M) + np.exp(2j * np.outer(psi, order)) @ (b * np.conj(M))
    assert Z * np.exp(-2j * psi) == pytest.approx(2 / (3 * np.pi) * series, abs=1e-3)
    # one sinusoid in c: margin from its size and phase error, beside brute force over c
    e = np.angle(Z * np.exp(-2j * psi))
    logits = (Z[:, None] * np.exp(-2j * np.pi * np.arange(p) / p)).real
    rows = np.arange(2 * p)
    right = logits[rows, rows % p].copy()
    logits[rows, rows % p] = -np.inf
    nearest = np.maximum(1, np.round(np.abs(e) * p / (2 * np.pi))) * 2 * np.pi / p  # multiple of 2 pi / p other than 0
    margin = np.abs(Z) * (np.cos(e) - np.cos(nearest - np.abs(e)))
    assert right - logits.max(axis=1) == pytest.approx(margin, abs=1e-12)
    assert ((margin > 0) == (np.abs(e) < np.pi / p)).all()
    # to first order, the sum over n of (a_n - b_n) |M_2n| bounds the error; squares are left out
    first = ((a - b) * np.abs(M)).sum()
    assert np.abs(e).max() <= first + 2 * ((a + b) * np.abs(M)).sum() ** 2


def largest_error(h):
    """Page: the largest phase error of a regular ring of reach H."""
    rho = math.sin(math.pi / h) / math.sin(3 * math.pi / h)
    cosine = (1 + 3 * rho**2) / (4 * rho)
    sine = math.sqrt(1 - cosine**2)
    return abs(math.acos(cosine) / 2 - math.atan(rho * sine / (1 - rho * cosine)))


def decides(p, alpha):
    """All pairs of odd p at once, neurons summed."""
    _, Z = star_rows(p, alpha)
    logits = (Z[:, None] * np.exp(-2j * np.pi * np.arange(p) / p)).real
    rows = np.arange(2 * p)
    right = logits[rows, rows % p].copy()
    logits[rows, rows % p] = -np.inf
    return bool((right > logits.max(axis=1) + 1e-11).all())


@pytest.mark.parametrize("n", [5, 6, 7, 8, 9, 10, 12, 16])
def test_the_closed_form_of_the_largest_modulus(n):
    """A ring at a turn of bad luck ends where pi / p passes the largest error; the error itself against a fine scan."""
    h = n if n % 2 == 0 else 2 * n
    psi = np.linspace(0, 2 * np.pi, 400_001)[:, None]
    alpha = 2 * np.pi * np.arange(n) / n
    Z = (np.maximum(np.cos(psi - alpha), 0) * np.exp(2j * alpha)).sum(axis=1)
    assert np.abs(np.angle(Z * np.exp(-2j * psi[:, 0]))).max() == pytest.approx(largest_error(h), rel=1e-7)
    limit = math.pi / largest_error(h)
    assert table(f"{n}") [:2] == pytest.approx([h, limit], abs=0.06)
    below = int(limit) if int(limit) % 2 else int(limit) - 1  # the largest odd p below the limit
    assert all(decides(below, alpha + turn) for turn in (0, 0.1, 0.2))
    for beyond in (below + 2, below + 4):  # a lucky turn can save at most the first few
        assert decides(beyond, alpha) <= (beyond / limit < 1.03)
    assert not decides(2 * math.ceil(0.515 * limit) + 1, alpha)
    assert table(f"{n}")[2] == max(p for p in range(below - 2, below + 9, 2) if decides(p, alpha))


def test_two_pentagons_reach_as_far_as_a_regular_ring_of_twenty():
    five = 2 * np.pi * np.arange(5) / 5
    alpha = np.r_[five, five + np.radians(18)]
    assert math.pi / largest_error(20) == pytest.approx(1026.9, abs=0.05)
    for n in (6, 8, 10, 12, 14, 16, 18):
        assert abs(moments(1, alpha, n)) < 1e-12
    assert all(decides(p, alpha) for p in (117, 119, 1001, 1023, 1025))
    assert not any(decides(p, alpha) for p in (1027, 1029, 1031))
    assert not decides(119, 2 * np.pi * np.arange(10) / 10)


def test_the_reach_grows_like_the_cube():
    for h in (100, 1000):
        assert math.pi / largest_error(h) == pytest.approx(3 * math.sqrt(3) / (4 * math.pi**2) * h**3, rel=60 / h**2)


# Section 4: the star law as optimality


@given(seed=SEEDS, frequencies=st.sampled_from([(1,), (2,), (1, 3), (1, 2, 5)]))
def test_no_measure_beats_the_average_star(seed, frequencies):
    """Loss(mu) >= Loss(translates averaged) >= Loss(star of the same total weight), all pairs of p = 17."""
    rng, p = np.random.default_rng(seed), 17
    a, b = np.divmod(np.arange(p * p), p)
    labels, logits, averaged, best = (a + b) % p, 0, 0, 0
    for k in frequencies:
        n = rng.integers(1, 7)
        alpha, beta, weights = rng.uniform(0, 2 * np.pi, n), rng.uniform(0, 2 * np.pi, n), rng.gamma(1, 2, n)
        w = 2 * np.pi * k / p
        chi = w * np.arange(p)[:, None]

        def neurons(turn, alpha=alpha, beta=beta, weights=weights, w=w, chi=chi):
            pre = np.cos(w * a[:, None] - alpha - turn) + np.cos(w * b[:, None] - alpha - turn)
            return np.maximum(pre, 0) @ (weights * np.cos(chi - beta - 2 * turn)).T

        logits = logits + neurons(0)
        m = 2 + 2 * p * np.arange(-300, 301)  # the even harmonics that the grid of p shifts cannot tell from 2
        c = 2 / np.pi * (-1.0) ** (m // 2 + 1) / (m**2 - 1)
        R = (c * np.exp(1j * (beta[:, None] - np.outer(alpha, m))) * weights[:, None]).sum()
        answer = np.abs(np.cos(w * (a - b) / 2))[:, None] * np.exp(1j * (w * (a + b)[:, None] - chi.T))
        shifted = np.mean([neurons(w * u) for u in range(p)], axis=0)
        assert shifted == pytest.approx((answer * R).real, abs=1e-5 * weights.sum())
        averaged = averaged + shifted
        best = best + answer.real * np.abs(c).sum() * weights.sum()
        assert np.abs(c).sum() == pytest.approx(2 / (3 * np.pi), rel=3 / p**2)  # c_2 and what aliases can add
    loss = [cross_entropy_forward(z, labels)[0] for z in (logits, averaged, best)]
    assert loss[0] >= loss[1] - 1e-9 and loss[1] >= loss[2] - 1e-9


# Section 5: the decay that a factoring makes


@pytest.mark.parametrize("seed", range(3))
def test_the_least_factoring_is_twice_the_nuclear_norm(seed):
    """L-BFGS over all factorings X Y of a matrix, by a stiff penalty, beside the singular values."""
    rng = np.random.default_rng(seed)
    M = rng.normal(size=(5, 3)) @ rng.normal(size=(3, 8))
    d, stiff = 6, 1e6
    twice = 2 * np.linalg.svd(M, compute_uv=False).sum()

    def cost(v):
        X, Y = v[: 5 * d].reshape(5, d), v[5 * d :].reshape(d, 8)
        R = X @ Y - M
        return v @ v + stiff * (R**2).sum(), 2 * v + 2 * stiff * np.r_[(R @ Y.T).ravel(), (X.T @ R).ravel()]

    found = minimize(cost, rng.normal(size=13 * d), jac=True, method="L-BFGS-B",
                     options={"maxiter": 50_000, "maxfun": 50_000, "ftol": 1e-15, "gtol": 1e-9})
    assert found.fun == pytest.approx(twice, rel=1e-3)
    X = rng.normal(size=(5, 5)) + 3 * np.eye(5)
    assert (X**2).sum() + (np.linalg.solve(X, M) ** 2).sum() >= twice


def star_tables(p, sizes, weight=1.0, f_0=0.0, f_2=0.0):
    """[A | C^T] of regular stars of frequencies {k: N}, each of total weight ``weight``, s = t."""
    tables = []
    for k, n in sizes.items():
        x, alpha = 2 * np.pi * k / p * np.arange(p)[:, None], 2 * np.pi * np.arange(n) / n + 0.1 * k
        s = math.sqrt(weight / n)
        tables += [s * (f_0 + np.cos(x - alpha) + f_2 * np.cos(2 * (x - alpha))), s * np.cos(x - 2 * alpha)]
    return np.hstack(tables)


def nuclear(M):
    return np.linalg.svd(M, compute_uv=False).sum()


@given(p=st.sampled_from([23, 67]), n=st.integers(5, 12), weight=st.floats(0.1, 50), f_0=st.floats(-0.5, 0.5),
       f_2=st.floats(-0.5, 0.5))
def test_a_star_costs_the_root_of_its_weight_and_its_harmonics_by_their_modulus(p, n, weight, f_0, f_2):
    wanted = 2 * math.sqrt(2 * p * weight) * (1 + (abs(f_0) + abs(f_2)) / math.sqrt(2))
    assert 2 * nuclear(star_tables(p, {3: n}, weight, f_0, f_2)) == pytest.approx(wanted)


def test_factored_weights_pay_less_for_one_frequency_than_for_two_and_one_hot_weights_the_same():
    one, two = star_tables(67, {3: 12}, 2.0), star_tables(67, {3: 6, 5: 6}, 1.0)
    assert 2 * nuclear(two) == pytest.approx(math.sqrt(2) * 2 * nuclear(one))
    assert (two**2).sum() == pytest.approx((one**2).sum())


@given(seed=SEEDS)
def test_a_tight_ring_costs_the_most(seed):
    """At given s = t the nuclear norm falls with |M_2 + M_4|: sqrt(W + x) + sqrt(W - x), x = |M_2 + M_4| / 2."""
    rng, p = np.random.default_rng(seed), 31
    alpha, s = rng.uniform(0, 2 * np.pi, 6), rng.uniform(0.3, 1, 6)
    x = 2 * np.pi / p * np.arange(p)[:, None]
    W, off = (s**2).sum(), abs(moments(s**2, alpha, 2) + moments(s**2, alpha, 4)) / 2
    tables = np.hstack([s * np.cos(x - alpha), s * np.cos(x - 2 * alpha)])
    assert nuclear(tables) == pytest.approx(math.sqrt(p / 2) * (math.sqrt(W + off) + math.sqrt(W - off)))


def test_learned_waves_have_higher_harmonics_only_in_modes_that_are_paid_for(reference):
    """The article's network: power of harmonics 3 to 8 by whether their mode is in use (0, k or 2 k of some ring)."""
    with np.load(reference("pair/main_model.npz")) as archive:
        A = archive["embed"].astype(float) @ archive["hidden_w"]
    p, keys = len(A), (1, 15, 23)
    power = np.abs(np.fft.rfft(A, axis=0)) ** 2
    frequency = power[1:].argmax(axis=0) + 1
    assert set(frequency) <= {1, 15, 23}
    fold = lambda f: min(f % p, p - f % p)  # noqa: E731
    used = {0} | {fold(m * k) for k in keys for m in (1, 2)}
    share = {True: [], False: []}
    for i, k in enumerate(frequency):
        for m in range(3, 9):
            share[fold(m * k) in used].append(power[fold(m * k), i] / power[k, i])
    assert len(share[True]) >= 6 and np.mean(share[True]) > 5 * np.mean(share[False])


# Section 6: AdamW at rest


@pytest.mark.parametrize("eps, decay", [(1e-3, 1.0), (0.1, 0.3), (1.0, 3.0)])
def test_adamw_comes_to_rest_where_the_page_says(eps, decay):
    """Our AdamW on sums of h (x - a)² / 2, beside the root of the rest law found by bisection."""
    optimizer = AdamW(lr=2e-3, betas=(0.9, 0.98), eps=eps, weight_decay=decay)
    h, a = np.array([0.02, 0.5, 1.0, 3.0]), np.array([-2.0, 0.7, 0.1, 5.0])
    theta = np.full(4, 0.01)
    state = optimizer.init(theta)
    for t in range(1, 30_001):
        optimizer.step(theta, h * (theta - a), state, t)
    for x, h_i, a_i in zip(theta, h, a, strict=True):
        wall = (1 - 1e-12) / decay
        root = brentq(lambda x, h=h_i, a=a_i: h * (x - a) + eps * decay * x / (1 - decay * abs(x)), -wall, wall)
        assert x == pytest.approx(root, rel=2e-3, abs=2e-3)


@given(x=st.floats(-0.98, 0.98), eps=st.floats(1e-6, 10), decay=st.floats(0.1, 5))
def test_the_penalty_has_the_slope_of_the_rest_law_and_is_the_conjugate_of_k(x, eps, decay):
    """d/dtheta of (eps/wd)(-u - log(1-u)), by mpmath; and K* of K = |g| - eps log(1 + |g|/eps), maximised by hand."""
    theta = x / decay

    def penalty(y):
        return eps / decay * (-decay * abs(y) - mpmath.log(1 - decay * abs(y)))

    if abs(x) > 1e-3:
        assert float(mpmath.diff(penalty, theta)) == pytest.approx(eps * x / (1 - abs(x)), rel=1e-6)
    g = np.sign(x) * eps * np.geomspace(1e-9, 60, 600_001)
    conjugate = (x * g - (np.abs(g) - eps * np.log1p(np.abs(g) / eps))).max() / decay
    assert conjugate == pytest.approx(float(penalty(theta)), rel=1e-5, abs=1e-12)


@pytest.mark.parametrize("factoring, activation, degree", [
    ("tied", "relu", 4), ("tied", "square", 6), ("one_hot", "relu", 2), ("one_hot", "square", 3),
    ("collapsed_output", "relu", 3), ("input_tied", "square", 6)])
def test_eulers_identity(factoring, activation, degree):
    """sum theta dL/dtheta = - D times the mean of sum_c p_c (right logit - logit c), with softmax written out here."""
    model = MLP(7, 4, 6, activation, factoring)
    params = model.init(np.random.default_rng(3), np.float64)
    a, b = np.divmod(np.arange(49), 7)
    logits, cache = model.forward(params, np.stack([a, b], axis=1))
    labels = (a + b) % 7
    _, loss_cache = cross_entropy_forward(logits, labels)
    grads = model.backward(cross_entropy_backward(1.0, loss_cache), cache)
    chance = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    margin = (chance * (logits[np.arange(49), labels][:, None] - logits)).sum(axis=1).mean()
    assert sum((grads[name] * params[name]).sum() for name in params) == pytest.approx(-degree * margin)


def test_the_final_loss_is_the_eps_wd_s_over_d_m_of_the_page():
    """A small x² network brought to the least of loss + penalty: the identity at rest, and its growth with eps."""
    model, p, decay = MLP(5, 6, 4, "square", "tied"), 5, 1.0
    a, b = np.divmod(np.arange(p * p), p)
    inputs, labels = np.stack([a, b], axis=1), (a + b) % p
    shapes = model.shapes

    def unpack(v):
        parts = np.split(v, np.cumsum([math.prod(s) for s in shapes.values()])[:-1])
        return {name: part.reshape(shape) for (name, shape), part in zip(shapes.items(), parts, strict=True)}

    def objective(v, eps):
        logits, cache = model.forward(unpack(v), inputs)
        loss, loss_cache = cross_entropy_forward(logits, labels)
        grads = model.backward(cross_entropy_backward(1.0, loss_cache), cache)
        u = decay * np.abs(v)
        if u.max() >= 1:
            return np.inf, v
        slope = eps * decay * v / (1 - u)
        gradient = np.concatenate([g.ravel() for g in grads.values()]) + slope
        return loss + eps / decay * (-u - np.log1p(-u)).sum(), gradient

    v = np.concatenate([0.8 * W.ravel() for W in model.init(np.random.default_rng(1), np.float64).values()])
    v = np.clip(v, -0.9, 0.9)
    losses = []
    for eps in (1e-3, 1e-4, 1e-5):
        v = minimize(objective, v, (eps,), jac=True, method="L-BFGS-B", bounds=[(-0.999, 0.999)] * len(v),
                     options={"maxiter": 20_000, "maxfun": 20_000, "ftol": 1e-16, "gtol": 1e-11}).x
        logits, _ = model.forward(unpack(v), inputs)
        loss = cross_entropy_forward(logits, labels)[0]
        chance = np.exp(logits - logits.max(axis=1, keepdims=True))
        chance /= chance.sum(axis=1, keepdims=True)
        m = (chance * (logits[np.arange(p * p), labels][:, None] - logits)).sum(axis=1).mean() / loss
        s_eff = (v**2 / (1 - decay * np.abs(v))).sum()
        assert loss == pytest.approx(eps * decay * s_eff / (6 * m), rel=1e-3)
        losses.append(loss / eps)
    assert max(losses) / min(losses) < 4 < 100  # eps changes a hundredfold


def test_the_published_network_obeys_the_rest_law(reference):
    """Its weights beside -g / (|g| + eps) at one moment, eps = 67e-8 in our units, decay 1: ReLU's kinks blur it."""
    with np.load(reference("pair/main_model.npz")) as archive:
        params = {ours: archive[theirs].astype(float)
                  for ours, theirs in (("W_E", "embed"), ("W_in", "hidden_w"), ("W_out", "out_w"))}
        inputs = np.argwhere(archive["train_mask"])
    model = MLP(67, 500, 24)
    logits, cache = model.forward(params, inputs)
    _, loss_cache = cross_entropy_forward(logits, inputs.sum(axis=1) % 67)
    grads = model.backward(cross_entropy_backward(1.0, loss_cache), cache)
    theta, g = (np.concatenate([one[name].ravel() for name in params]) for one in (params, grads))
    assert np.corrcoef(theta, -g / (np.abs(g) + 67e-8))[0, 1] > 0.98
    effective = model.effective(params)
    squares = (theta**2).sum()
    assert 1 <= squares / (2 * nuclear(np.hstack([effective.A, effective.C.T]))) < 1.002


# Section 7: AdamW's bound


@given(seed=SEEDS, beta1=st.floats(0.5, 0.95), slack=st.floats(0.2, 0.9))
def test_the_step_is_bounded_where_the_page_says_and_the_bound_is_reached(seed, beta1, slack):
    beta2 = beta1**2 + slack * (1 - beta1**2)
    bound = (1 - beta1) / math.sqrt((1 - beta2) * (1 - beta1**2 / beta2))
    rng = np.random.default_rng(seed)
    ages = np.arange(400)
    for g in (rng.normal(size=400), rng.standard_cauchy(400), (beta1 / beta2) ** ages):
        m, v = (1 - beta1) * (beta1**ages * g).sum(), (1 - beta2) * (beta2**ages * g**2).sum()
        assert abs(m) <= bound * math.sqrt(v) * (1 + 1e-9)
    assert abs(m) / math.sqrt(v) == pytest.approx(bound, rel=1e-3)  # the last: gradients that grow like (b2/b1)^t


@pytest.mark.parametrize("t", [10, 1000])
def test_at_equality_the_bound_grows_like_the_root_of_t(t):
    beta1, ages = 0.9, np.arange(t)
    g = beta1 ** -ages.astype(float)
    m, v = (1 - beta1) * (beta1**ages * g).sum(), (1 - beta1**2) * (beta1 ** (2 * ages) * g**2).sum()
    assert m / math.sqrt(v) == pytest.approx((1 - beta1) * math.sqrt(t / (1 - beta1**2)))


# Section 8: networks that are exact


@pytest.mark.parametrize("n", range(1, 15))
def test_the_untied_star_by_its_seven_divisors(n):
    """Real angles, not tokens: the sum over the ring beside (N/2) cos(X + Y - Z)."""
    X, Y, Z = np.random.default_rng(0).uniform(0, 2 * np.pi, (3, 50, 1))
    turn = 2 * np.pi * np.arange(n) / n
    for x, y in product(range(n), repeat=2):
        total = ((np.cos(X - x * turn) + np.cos(Y - y * turn)) ** 2 * np.cos(Z - (x + y) * turn)).sum(axis=1)
        exact = np.abs(total - n / 2 * np.cos(X + Y - Z)[:, 0]).max() < 1e-10
        assert exact == all(order % n for order in (2 * x, 2 * y, 2 * x + 2 * y, x + y, x - y, 3 * x + y, x + 3 * y))
        assert not (exact and n < 6)


@pytest.mark.parametrize("k", [1, 2, 3, 10, 31])
def test_parity_in_integers(k):
    """f = sum_j w_j relu(2 (i - j) + 1) with w = -1, 4, -8, 12, ..: -(-1)^i for i = 0 .. k ones."""
    weights = [-1] + [4 * j * (-1) ** (j + 1) for j in range(1, k + 1)]
    assert [sum(w * max(2 * (i - j) + 1, 0) for j, w in enumerate(weights)) for i in range(k + 1)] == [
        -((-1) ** i) for i in range(k + 1)]


def test_the_companions_critical_value_is_a_root_of_a_cubic():
    tau = mpmath.findroot(lambda x: 2 * x**3 + x**2 - 1, 0.6)
    critical = float((1 / tau + 1 + tau + tau**2) / 4)
    assert critical == pytest.approx(0.90268, abs=5e-6)
    assert float(mpmath.degrees(2 * mpmath.atan(tau))) == pytest.approx(66.6, abs=0.05)
    y = np.linspace(1e-4, np.pi / 2, 200_001)
    assert ((1 - np.cos(y) + np.sin(y)) / (2 * np.sin(y) ** 2)).min() == pytest.approx(critical, abs=1e-9)


@pytest.mark.parametrize("p", [2, 3, 4, 30, 59, 60, 500, 501])
def test_below_the_critical_value_the_pizza_is_right_everywhere_above_only_small_p(p):
    delta, eta = np.pi / p * np.arange(p)[:, None], np.pi / p * np.arange(1, p)

    def margin(companion):
        pizza = 2 * np.abs(np.cos(delta)) * (1 - np.abs(np.cos(eta)) + np.abs(np.sin(eta)))
        return (pizza - 2 * companion * np.cos(2 * delta) * (1 - np.cos(2 * eta))).min()

    assert margin(0.9026) > 0 and margin(0.01) > 0
    assert (margin(0) > 1e-12) == (p % 2 == 1)
    if p >= 500:
        assert margin(0.9030) < 0


# Section 9: the guarantee beside rectangles


def test_rectangles_need_thirty_neurons():
    """The answer is 2/3, no slope exceeds 2, and rectangles of width 2 pi / N miss by slope (2 pi / N)² / 4 each."""
    answer, _ = quad(lambda t: np.cos(t) * np.cos(2 * t), -np.pi / 2, np.pi / 2)
    assert answer == pytest.approx(2 / 3)
    t, chi = np.linspace(-np.pi / 2, np.pi / 2, 2001)[:, None], np.linspace(0, 2 * np.pi, 361)
    slope = np.abs(-np.sin(t) * np.cos(2 * t - chi) - 2 * np.cos(t) * np.sin(2 * t - chi)).max()
    assert slope == pytest.approx(2)
    bound = {n: n * slope * (2 * np.pi / n) ** 2 / 4 / answer for n in (9, 29, 30)}
    assert bound[9] == pytest.approx(3 * np.pi**2 / 9) and bound[30] < 1 < bound[29]


# Section 11: open


def test_the_likelihoods_of_the_ring_sizes(reference):
    """Log-likelihood of 1/(n - 4)! over that of 1/n!, sizes of five or more of given sum: the page's two numbers."""
    with np.load(reference("pair/mlp_seeds.npz")) as archive:
        networks = [sizes[sizes > 0].tolist() for sizes in archive["freqs_neurons"]]

    def log_likelihood(sizes, reserved):
        deals = [deal for deal in product(range(5, sum(sizes) - 9), repeat=len(sizes)) if sum(deal) == sum(sizes)]
        weights = {deal: math.prod(1 / math.factorial(n - reserved) for n in deal) for deal in deals}
        return math.log(weights[tuple(sizes)] / sum(weights.values()))

    for count, number, difference in ((3, 130, 13.3), (4, 61, -0.5)):
        here = [sizes for sizes in networks if len(sizes) == count and min(sizes) >= 5]
        gain = {sizes: log_likelihood(sizes, 4) - log_likelihood(sizes, 0) for sizes in {tuple(s) for s in here}}
        assert len(here) == number
        assert sum(gain[tuple(sizes)] for sizes in here) == pytest.approx(difference, abs=0.06)
