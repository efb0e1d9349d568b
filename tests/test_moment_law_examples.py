"""The example of the moment law: what it prints and draws, and the law that it rests on."""

import importlib.util
import itertools
import sys
from collections import Counter

import numpy as np
import pytest
from commands import EXAMPLES, run

from grok_np import MLP, analytic, reading
from grok_np.networks.mlp import Effective


def test_moment_law(tmp_path):
    printed = run(tmp_path, "moment_law.py", "--quick", "--out", "out", "--published", "none.npz")
    rows = [line.split(" | ") for line in printed.splitlines() if line.startswith(("| relu", "| square", "| abs"))]
    assert [int(row[1]) for row in rows] == 3 * list(range(3, 17))
    even_over_least = np.array([float(row[3]) for row in rows])
    assert even_over_least.min() >= 1  # scipy also starts from the even ring
    assert {path.name for path in (tmp_path / "out").glob("*.png")} == {"moment_law.png", "training.png"}
    table = tmp_path / "out/networks.jsonl"
    before = table.read_bytes()
    assert run(tmp_path, "moment_law.py", "--quick", "--out", "out", "--published", "none.npz") == printed
    assert table.read_bytes() == before


@pytest.fixture(scope="module")
def moment_law():
    """The example as a module."""
    sys.path.insert(0, str(EXAMPLES))  # as for a script; it imports what the examples share
    specification = importlib.util.spec_from_file_location("moment_law", EXAMPLES / "moment_law.py")
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


@pytest.mark.parametrize("activation", ["relu", "square", "abs"])
def test_loss_at_a_norm(moment_law, activation):
    """Its gradient is that of central differences, along the sphere; the length of the vector is ignored."""
    model = MLP(67, 2, 5, activation, "circular")
    rng = np.random.default_rng(1)
    vector, direction = rng.normal(size=(2, 20))
    loss, gradient = moment_law.loss_at(model, vector, 90.0)
    h = 1e-5
    up, down = (moment_law.loss_at(model, vector + sign * h * direction, 90.0)[0] for sign in (1, -1))
    assert (up - down) / (2 * h) == pytest.approx(gradient @ direction, rel=1e-5)
    assert abs(gradient @ vector) < 1e-10 * np.linalg.norm(gradient) * np.linalg.norm(vector)
    np.testing.assert_allclose(moment_law.loss_at(model, 3 * vector, 90.0)[0], loss, rtol=1e-12)


@pytest.mark.parametrize(("activation", "n_neurons"),
                         [("relu", 5), ("relu", 7), ("square", 3), ("square", 4), ("abs", 5)])
def test_the_even_ring_meets_the_law(moment_law, activation, n_neurons):
    model = MLP(67, 2, n_neurons, activation, "circular")
    W_in, W_out = np.split(moment_law.even_ring(model), 2)
    params = {"W_in": W_in.reshape(2, -1), "W_out": W_out.reshape(-1, 2)}
    (ring,) = reading.rings.find(model.effective(params))
    moments = moment_law.read_out_moments(ring)
    assert moments[0] == pytest.approx(1)
    assert moment_law.required(activation, moments[1:]) < 1e-12
    assert moment_law.evenness(ring, activation) == pytest.approx(1)


def test_the_law_does_without_the_star_law(moment_law):
    """x² is exact with output phases far from twice the input phases, as long as R_2 = R_4 = 0 and R_0 > 0."""
    rng = np.random.default_rng(0)
    alpha = rng.uniform(0, 2 * np.pi, 9)
    waves = np.exp(1j * np.outer([0, 2], alpha))
    beta_waves = np.exp(2j * alpha + 0.5j * rng.normal(size=9))
    # Outputs z_i = w_i exp(i beta_i) near a star's, projected on those with sum z = 0 and sum z exp(2 i alpha) = 0.
    z = beta_waves - np.linalg.lstsq(waves, waves @ beta_waves)[0]
    z *= np.exp(-1j * np.angle(np.sum(z * np.exp(-2j * alpha))))
    p, x = 31, 2 * np.pi / 31 * np.arange(31)
    A = np.cos(x[:, None] - alpha)
    C = (np.conj(z)[:, None] * np.exp(1j * x)).real
    network = Effective(A, A, np.zeros(9), C, "square")
    (ring,) = reading.rings.find(network)
    assert np.abs(ring.phase_errors).max() > 20
    assert moment_law.required("square", ring.moments) > 0.05  # the moments that assume a star
    assert moment_law.required("square", moment_law.read_out_moments(ring)[1:]) < 1e-12
    assert moment_law.read_out_moments(ring)[0] < 0.99
    assert analytic.margins(analytic.logits(network, p)).min() > 0


def test_moments_of_random_phases(moment_law):
    """Of many neurons they are independent complex normals, |M_n|² exponential with mean 1 / N; of one neuron 1."""
    exact = np.sqrt(-np.log(1 - 0.5 ** (1 / 4)) / 400)
    assert moment_law.by_chance("relu", 400) == pytest.approx(exact, rel=0.03)
    assert moment_law.by_chance("square", 1) == pytest.approx(1)


def test_expected_sizes_are_those_of_all_deals(moment_law):
    """Seven neurons dealt to two rings, two at least to each: by hand, all 2^7 deals."""
    deals = [Counter(deal) for deal in itertools.product(range(2), repeat=7)]
    sizes = Counter(size for deal in deals if min(deal[0], deal[1]) >= 2 for size in (deal[0], deal[1]))
    total = sum(sizes.values()) / 2
    expected = moment_law.expected_sizes([np.array([3, 4])], 2)
    np.testing.assert_allclose(expected, [sizes[n] / total for n in range(8)])
