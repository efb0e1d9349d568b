"""Certified margins are margins at most, for all kinds of networks, and near them where a ring is all there is.

The true margins come from the model's own forward pass, pair by pair, or from a closed form.
"""

import certified_margin
import numpy as np
import pytest
from commands import run
from scipy.optimize import linprog

from grok_np import Transformer, analytic
from grok_np.networks.mlp import Effective
from grok_np.reading import published
from grok_np.tasks import all_pairs

P = 13


def model_a(rng, noise, even):
    """A transformer without attention whose weights make rings, companions, and noise: (model, params)."""
    model = Transformer(P, d_model=12, n_heads=2, d_mlp=26, layout="a b", attention_rate=0.0, causal=False)
    params = {name: noise * rng.normal(size=shape) for name, shape in model.shapes.items()}
    x, eye, gain = 2 * np.pi / P * np.arange(P), np.eye(12), 8.0
    for h in range(2):
        params["W_V"][h] += eye[:, 6 * h : 6 * h + 6]
        params["W_O"][h] += gain * eye[6 * h : 6 * h + 6]
    for r, (k, n) in enumerate(((2, 12), (5, 14))):
        circle, double, answer = (slice(start, start + 2) for start in (4 * r, 4 * r + 2, 8 + 2 * r))
        params["W_E"][:, circle] += np.stack([np.cos(k * x), np.sin(k * x)], axis=1)
        params["W_E"][:, double] += np.stack([np.cos(2 * k * x), np.sin(2 * k * x)], axis=1)
        alpha = 2 * np.pi / n * (np.arange(n) + (not even) * rng.uniform(-0.5, 0.5, n))
        neurons, s = slice(12 * r, 12 * r + n), 1 if even else rng.uniform(0.5, 1.5, n)
        params["W_in"][circle, neurons] += s * np.stack([np.cos(alpha), np.sin(alpha)])
        params["W_in"][double, neurons] += -0.12 * s * np.stack([np.cos(2 * alpha), np.sin(2 * alpha)])
        params["b_in"][neurons] += 0.2 * gain * s
        params["W_out"][neurons, answer] += np.stack([np.cos(2 * alpha), np.sin(2 * alpha)], axis=1)
        params["W_U"][answer] += np.stack([np.cos(k * x), np.sin(k * x)])
        params["W_U"][double] -= 0.05 * np.stack([np.cos(k * x), np.sin(k * x)])
    return model, params


def true_margins(logits, p):
    """(p, p) by [a - b, b], one pair after the other."""
    margins = np.zeros((p, p))
    for (a, b), row in zip(all_pairs(p), logits.reshape(p * p, p), strict=True):
        margins[(a - b) % p, b] = row[(a + b) % p] - np.delete(row, (a + b) % p).max()
    return margins


def both_bounds(network):
    return [2 * parts[:, 0] - parts.sum(axis=1) for parts in certified_margin.bounds(network)]


@pytest.mark.parametrize("noise", [0, 0.002, 0.02, 0.1])
@pytest.mark.parametrize("seed", range(4))
def test_no_pair_of_a_drawn_network_has_less(monkeypatch, seed, noise):
    monkeypatch.setattr(certified_margin, "POINTS", 64)
    model, params = model_a(np.random.default_rng(seed), noise, even=seed == 0)
    margins = true_margins(model.forward(params, all_pairs(P))[0], P).min(axis=1)
    bound, by_sums = both_bounds(certified_margin.tables(model.effective(params)))
    assert (bound <= margins + 1e-9).all() and (by_sums <= margins + 1e-9).all()
    if noise == seed == 0:
        assert (bound > 0.7 * margins).all() and margins.min() > 1


def spoiled(how):
    """Stars of frequencies 2 and 5 (so modes 2 to 5 are of rings, 1 and 6 of none), and what spoils their answers."""
    n, x, token = 48, 2 * np.pi / P * np.arange(P), np.eye(P)[:1]
    if how == "three neurons":
        return certified_margin.tables(analytic.stars(P, 3, [2, 5], activation="relu", allow_inexact=True))
    star = certified_margin.tables(analytic.stars(P, n, [2, 5], activation="relu"))
    alpha, first, across = 2 * np.pi / n * np.arange(n), np.pad(np.ones(n), (0, n)), x[:, None]
    waves = {"another ring's mode read": np.cos(5 * across - alpha),
             "a mode of no ring read": np.cos(6 * across - alpha),
             "kinks": np.cos(5 * across) * np.cos(alpha),
             "unlike waves": np.cos(4 * across - 2 * alpha) * np.cos(2 * alpha)}
    if how in waves:
        read = 0.9 * np.pad(waves[how], ((0, 0), (0, n)))
        return star._replace(A=star.A + read, B=star.B + read)
    return {"another ring's mode put out": lambda: star._replace(C=star.C + np.outer(first, np.cos(5 * x))),
            "a mode of no ring put out": lambda: star._replace(C=star.C + np.outer(first, np.cos(6 * x))),
            "one entry of the path": lambda: star._replace(path_a=20 * token.T @ token),
            "a neuron of no ring": lambda: star._replace(
                A=np.hstack([star.A, 40 * token.T]), B=np.hstack([star.B, 0 * token.T]), C=np.vstack([star.C, token])),
            "b turned": lambda: star._replace(B=np.roll(star.B, 2, axis=0)),
            "a companion": lambda: star._replace(path_a=-10 * np.cos(2 * (2 * across - x)),
                                                 path_b=-10 * np.cos(2 * (2 * across - x)))}[how]()


@pytest.mark.parametrize("points", [3, 32])
@pytest.mark.parametrize("how", [
    "three neurons", "another ring's mode read", "a mode of no ring read", "kinks", "unlike waves",
    "another ring's mode put out", "a mode of no ring put out", "one entry of the path", "a neuron of no ring",
    "b turned", "a companion"])
def test_no_pair_of_a_network_spoiled_on_purpose_has_less(monkeypatch, how, points):
    """Each takes so much from the margin that the bound is wrong if it does not allow for it."""
    monkeypatch.setattr(certified_margin, "POINTS", points)
    network = spoiled(how)
    post = np.maximum(network.A[:, None] + network.B, 0)
    margins = true_margins(post @ network.C + network.path_a[:, None] + network.path_b, P).min(axis=1)
    bound, by_sums = both_bounds(network)
    assert (bound <= margins + 1e-9).all() and (by_sums <= margins + 1e-9).all()
    if points == 32 and how in ("another ring's mode put out", "b turned", "a companion"):
        assert (margins - bound).min() < 1


def test_an_mlp_with_waves_of_its_own_and_biases():
    for seed in range(6):
        rng = np.random.default_rng(seed)
        star = analytic.stars(P, 7, [1, 3], activation="relu")
        A, B, C = (table + 0.03 * rng.normal(size=table.shape) for table in (star.A, star.B, star.C))
        network = Effective(A, B, 0.1 * rng.normal(size=14), C, "relu")
        margins = true_margins(analytic.logits(network, P), P).min(axis=1)
        for bound in both_bounds(certified_margin.tables(network)):
            assert (bound <= margins + 1e-9).all()


def test_a_pizza_with_its_companion_is_certified_to_its_closed_form():
    """N ReLU neurons give 2 N / 3 pi |cos delta| cos(2 psi - chi), the path -kappa cos 2 delta cos(2 psi - chi)."""
    p, frequencies, n, kappa = 59, (1, 12, 20), 60, 2.0
    star = certified_margin.tables(analytic.stars(p, n, frequencies, activation="relu"))
    x, d = 2 * np.pi / p * np.arange(p), np.arange(1, p)
    path = -kappa / 2 * sum(np.cos(k * (2 * x[:, None] - x)) for k in frequencies)
    network = star._replace(path_a=path, path_b=path)
    expected = sum((2 * n / (3 * np.pi) * np.abs(np.cos(k * x / 2)) - kappa * np.cos(k * x))[:, None]
                   * (1 - np.cos(2 * np.pi * k * d / p)) for k in frequencies).min(axis=1)
    logits = analytic.logits(analytic.stars(p, n, frequencies, activation="relu"), p) + path[:, None] + path
    margins = true_margins(logits, p).min(axis=1)
    np.testing.assert_allclose(margins, expected, rtol=0.01)
    bound, by_sums = both_bounds(network)
    assert (bound <= margins + 1e-9).all() and (bound > 0.96 * expected).all()
    assert (by_sums <= margins + 1e-9).all()


def test_model_a_is_certified_wholly_and_model_b_is_not_read(reference):
    network = published.load(reference("pizza/p99zdpze5l.npz"))
    model, params = network.model, {name: W.astype(np.float64) for name, W in network.params.items()}
    margins = true_margins(model.forward(params, all_pairs(59))[0], 59)
    network = certified_margin.tables(model.effective(params))
    bound, by_sums = both_bounds(network)
    assert (bound > 0).all() and (bound <= margins.min(axis=1)).all() and (by_sums <= margins.min(axis=1)).all()
    network = published.load(reference("pizza/l8k1hzciux.npz"))
    with pytest.raises(ValueError, match="attention rate 0, got relu, 2 tokens, rate 1"):
        certified_margin.tables(network.model.effective(network.params))


def test_the_waves_of_model_a(reference):
    """What docs/theory.md says of them: ring sizes, the second harmonic and constant, companions of the right sign."""
    network = published.load(reference("pizza/p99zdpze5l.npz"))
    network = certified_margin.tables(network.model.effective(network.params))
    spectrum, path = np.fft.fft(network.A + network.B, axis=0), np.fft.fft2(network.path_a)
    for ring, size in zip(certified_margin.find(network)[0], (149, 187, 171), strict=True):
        k, amplitude = ring.frequency, spectrum[ring.frequency, ring.neurons]
        constant = spectrum[0, ring.neurons].real / 2 / np.abs(amplitude)
        second = (spectrum[2 * k % 59, ring.neurons] * np.conj(amplitude) ** 2).real / np.abs(amplitude) ** 3
        assert ring.n_neurons == size
        assert abs(np.average(constant, weights=ring.weights) - 0.10) < 0.01
        assert abs(np.average(second, weights=ring.weights) + 0.11) < 0.01
        assert abs(np.angle(-path[2 * k % 59, -k])) < 0.02  # -cos(2 k w a - k w c), in phase to a degree


def test_what_has_no_rings_is_refused():
    noise = np.random.default_rng(0).normal(size=(P, 4))
    with pytest.raises(ValueError, match="no rings"):
        list(certified_margin.bounds(certified_margin.tables(Effective(noise, noise, np.zeros(4), noise.T, "relu"))))


@pytest.mark.parametrize("n", [1, 5, 8])
def test_weights_are_moved_as_little_as_possible(n):
    """By a linear program that moves each weight to 180 bins of the circle; evenly spaced ones move a quarter step."""
    assert np.isclose(certified_margin.way_to_even(2 * np.pi * np.arange(n) / n + 0.3, np.ones(n)), np.pi / 2)
    rng = np.random.default_rng(n)
    phases, weights, bins = rng.uniform(0, 2 * np.pi, n), rng.uniform(0.5, 2, n), 2 * np.pi / 180 * np.arange(180)
    angle = np.abs(np.angle(np.exp(1j * (phases[:, None] - bins))))
    given = [np.kron(np.eye(n), np.ones(180)), np.kron(np.ones(n), np.eye(180))]
    least = linprog(angle.ravel(), A_eq=np.vstack(given), b_eq=[*weights, *np.full(180, weights.sum() / 180)]).fun
    assert np.isclose(certified_margin.way_to_even(phases, weights), least, atol=weights.sum() * np.pi / 180)


def test_the_example(tmp_path):
    printed = run(tmp_path, "certified_margin.py", "--evaluations", "150")
    rows = {cells[0]: cells[1:] for cells in (line.strip("| ").split(" | ") for line in printed.splitlines()[:6])}
    for name in ("cosine stars of nine", "cosine stars of 151"):
        margin, bound, share = rows[name][:3]
        assert share == "100%" and 0.95 * float(margin) < float(bound) <= float(margin)
    assert rows["cosine stars of nine"][5] == "0%" and rows["cosine stars of 151"][5] == "100%"
    assert rows["the same, own modes"][2] == "100%"
    assert float(rows["the same, own modes"][1]) > float(rows["best written down"][1])
