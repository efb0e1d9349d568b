"""The examples about what training selects: their quick forms, and the rules that they rest on."""

import importlib.util
import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest
from commands import EXAMPLES, refused, run
from scipy.integrate import solve_ivp
from scipy.stats import binomtest

from grok_np import MLP, Composition
from grok_np.files import read_npz
from grok_np.groups import named
from grok_np.layers import cross_entropy_backward, cross_entropy_forward
from grok_np.networks.mlp import Effective


def load(name):
    """The example as a module."""
    sys.path.insert(0, str(EXAMPLES))  # as for a script; it imports what the examples share
    specification = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


class Bar:
    def update(self, n=1):
        pass


# The selection law


def test_selection_law(tmp_path):
    printed = run(tmp_path, "selection_law.py", "--quick")
    rows = [line for line in printed.splitlines() if line.startswith(("| C_5", "| S_3"))]
    assert len(rows) == 24 and all("| 3 | 0 | 0 |" in row for row in rows)  # none has converged, none has collapsed
    folder = tmp_path / "runs/selection_law_quick"
    arrays = read_npz(folder / "networks.npz")
    settings = json.loads(bytes(arrays["settings"]))
    assert len(settings["configurations"]) == 24 and settings["seeds"] == [0, 1, 2]
    assert arrays["23/W_out"].shape == (3, 8, 6) and arrays["00/W_in_a"].shape == (3, 5, 2)
    assert len(json.loads((folder / "table.json").read_text(encoding="utf-8"))) == 24
    assert (folder / "law.png").stat().st_size > 10_000
    before = (folder / "C_5_relu_8_0.0001.npz").read_bytes()
    assert run(tmp_path, "selection_law.py", "--quick") == printed
    assert (folder / "C_5_relu_8_0.0001.npz").read_bytes() == before
    refusal = refused(tmp_path, "selection_law.py", "--out", str(folder))
    assert "holds 3 seeds and 100 updates, not 100 and 20000" in refusal


@pytest.mark.parametrize(("group", "activation", "decay"), [("C_5", "square", 1e-2), ("S_3", "relu", 1e-4)])
def test_training_is_adam_on_the_decayed_loss(group, activation, decay):
    """One network at a time by Kingma & Ba's formulas, gradients from the definition of the network."""
    law = load("selection_law")
    model, n, steps = law.network(group, activation, 2), named(group).order, 60
    found = law.train(model, group, decay, [3, 8], steps, Bar())
    for i, seed in enumerate([3, 8]):
        theta = {name: W[0] for name, W in law.first_weights(model, [seed]).items()}
        m, v = ({name: np.zeros(W.shape) for name, W in theta.items()} for _ in range(2))
        for t in range(1, steps + 1):
            u, b, w = theta["W_in_a"], theta["W_in_b"], theta["W_out"]
            pre = u[:, None] + b[None]
            post = pre**2 if activation == "square" else np.maximum(pre, 0)
            logits = post @ w
            share = np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True)
            d = (share - np.eye(n)[named(group).table]) / n**2
            dpre = d @ w.T * (2 * pre if activation == "square" else pre > 0)
            g = {"W_in_a": dpre.sum(axis=1), "W_in_b": dpre.sum(axis=0), "W_out": np.einsum("abi,abc->ic", post, d)}
            for name in theta:
                g[name] = g[name] + 2 * decay * theta[name]
                m[name] = 0.9 * m[name] + 0.1 * g[name]
                v[name] = 0.999 * v[name] + 0.001 * g[name] ** 2
                theta[name] = theta[name] - 1e-3 * m[name] / (1 - 0.9**t) / (np.sqrt(v[name] / (1 - 0.999**t)) + 1e-8)
        for name in theta:
            np.testing.assert_allclose(found[name][i], theta[name], rtol=1e-9, atol=1e-12)
    assert (found["converged"] == -1).all()


def test_the_stop_rule(monkeypatch):
    """A network at rest has converged after as many updates as the rule asks for; one that moves has not."""
    law = load("selection_law")
    model = law.network("C_5", "relu", 2)
    dead = {"W_in_a": -np.ones((5, 2)), "W_in_b": -np.ones((5, 2)), "W_out": np.ones((2, 5))}  # no gradient, no decay
    drawn = {name: W[0] for name, W in law.first_weights(model, [0]).items()}
    monkeypatch.setattr(law, "first_weights", lambda model, seeds: {
        name: np.stack([dead[name], drawn[name]]) for name in dead})
    found = law.train(model, "C_5", 0.0, [0, 1], law.PATIENCE + 20, Bar())
    assert found["converged"].tolist() == [law.PATIENCE, -1]
    assert found["loss"][0] == pytest.approx(np.log(5))
    assert all(np.array_equal(found[name][0], dead[name]) for name in dead)


def test_the_laws_are_compared_within_seeds():
    """What all six pairs of seeds have in common is as far in 2 of the 64 exchanges; equal laws in every one."""
    law, rng = load("selection_law"), np.random.default_rng(0)
    far, chance = law.distance(6 * [[1]], 6 * [[1, 2]], rng, draws=20_000)
    assert far == 1 and chance == pytest.approx(2 / 64, abs=0.006)
    assert law.distance([[1], [2], []], [[2], [], [1]], rng) == (0, 1)
    # A hundred seeds that agree do not hide three that all move the same way: 2 of 8 exchanges.
    far, chance = law.distance(100 * [[1]] + 3 * [[1]], 100 * [[1]] + 3 * [[2]], rng, draws=20_000)
    assert far == pytest.approx(3 / 103) and chance == pytest.approx(2 / 8, abs=0.015)


def test_share_of_a_class_among_pure_neurons():
    law, rng = load("selection_law"), np.random.default_rng(0)
    pure = np.array([[2, 2, 0, 1], [2, 0, 0, 0]] * 50)  # 0: pure for none
    words = law.of_class("S_3", {"pure_for": pure}, "std", rng)
    assert words.startswith("150 of 200 = 0.750 [0.7")


def test_a_planted_network_is_read():
    """One neuron mostly of frequency 1, whose two inputs cancel where a = b or a = -b; another pure for frequency 2."""
    law, t = load("selection_law"), 2 * np.pi * np.arange(5) / 5
    one, two = np.cos(t) + 0.3 * np.cos(2 * t), np.cos(2 * t + 0.1)
    params = {"W_in_a": np.stack([one, two], axis=1), "W_in_b": np.stack([-one, two], axis=1),
              "W_out": np.stack([one, two])}
    found = law.read("C_5", law.network("C_5", "relu", 2), {name: W[None] for name, W in params.items()})
    assert found["best"].tolist() == [[1, 2]] and found["pure_for"].tolist() == [[0, 2]]
    assert found["at_kink"].tolist() == [9]


# One neuron


def test_one_neuron(tmp_path):
    printed = run(tmp_path, "one_neuron.py", "--quick")
    assert printed.count(", τ = ") == 8 and "Steps of half the length" in printed
    fates = [re.findall(r" (\S+) \[", line) for line in printed.splitlines() if re.match(r"\| [\d.]+ \|.*%\), ", line)]
    assert len(fates) == 4 and all(abs(sum(map(float, row)) - 1) < 2e-4 for row in fates)
    assert (tmp_path / "runs/one_neuron_quick/fates.png").stat().st_size > 10_000
    assert run(tmp_path, "one_neuron.py", "--quick") == printed


@pytest.mark.parametrize(("activation", "m"), [("relu", 1), ("square", 2), ("relu", 3)])
def test_the_gradient_of_one_neuron_is_that_of_the_network(activation, m):
    one = load("one_neuron")
    theta = np.random.default_rng(0).normal(size=(3, m, 5, 7))
    found = one.gradient(theta, activation)
    split, model = Composition("C_5").split(), MLP(5, n_hidden=m, activation=activation, factoring="one_hot")
    for i in range(7):
        u, v, w = theta[..., i]
        logits, cache = model.forward({"W_in_a": u.T, "W_in_b": v.T, "W_out": w}, split.train_inputs)
        _, loss_cache = cross_entropy_forward(logits, split.train_labels)
        g = model.backward(cross_entropy_backward(1.0, loss_cache), cache)
        np.testing.assert_allclose(found[..., i], np.stack([g["W_in_a"].T, g["W_in_b"].T, g["W_out"]]), atol=1e-14)


def test_fates():
    """A neuron that nothing activates is dead; one wave is aligned; one that has a single pair is flat: 1/2 each."""
    one = load("one_neuron")
    wave, point = np.cos(2 * np.pi * np.arange(5) / 5), np.eye(5)[0]
    theta = np.stack([[x, y, z] for x, y, z in ((wave - 3, wave, wave), (wave, wave, wave),
                                                (point - 0.6, point - 0.6, point))], axis=-1)[:, None]
    purity, frequency, active, stairs = one.read(theta)
    assert one.fates({"purity": purity, "active": active, "moved": np.zeros(3)}).tolist() == [0, 2, 1]
    assert one.fates({"purity": purity, "active": active, "moved": np.ones(3)}).tolist() == [0, 2, 3]
    assert purity[:, 0] == pytest.approx([1, 1, 0.5]) and active[2, 0] == 1 and frequency[1, 0] == 1
    assert stairs[:, 0].tolist() == [False, False, True]
    ramp = np.array([3.0, 2, 1, -9, -9])  # 3, 2 and 1 of its sums are above 3.5
    active, stairs = one.read(np.stack([ramp - 3.5, ramp, ramp])[:, None, :, None])[2:]
    assert active[0, 0] == 6 and stairs[0, 0]


# The lottery


def test_intervals_of_the_lottery_count_networks():
    """Independent neurons: scipy's Wilson interval. Networks that are right or wrong as one: that of the networks."""
    share = load("lottery").share

    def wilson(k, n):
        low, high = binomtest(k, n).proportion_ci(method="wilson")
        return f"{k / n:.0%} [{low:.0%}, {high:.0%}]"

    assert share([5, 5, 5, 5], [10, 10, 10, 10]) == wilson(20, 40) and share([4], [4]) == wilson(4, 4)
    assert share([0, 10] * 50, [10] * 100) == wilson(50, 100) != wilson(500, 1000)
    assert share([0, 0], [0, 0]) == "-"


def test_lottery(tmp_path):
    printed = run(tmp_path, "lottery.py", "--quick")
    rows = [line for line in printed.splitlines() if line.startswith(("| x²", "| ReLU"))]
    assert len(rows) == 24 and "Chance: first 12.5%, among the first three 37.5%." in printed
    assert run(tmp_path, "lottery.py", "--quick") == printed


def test_totals_of_the_lottery():
    lottery = load("lottery")
    right = {"phase": [0, 1], "magnitude": [1, 1], "drive": [1, 2], "race": [2, 2], "race_3": [2, 3]}
    rows = [{"neurons": 8, "decided": [2, 3]} | right, {"neurons": 8, "decided": [0, 1]} | dict.fromkeys(right, (0, 1))]
    assert lottery.totals(rows) == {"neurons": 16, "decided": 6, "phase": 2, "magnitude": 3, "drive": 4, "race": 5,
                                    "race_3": 6}


def test_when_frequencies_diverge():
    """Against scipy's solver up to a size of 1e4, from where on time is less than 1e-4: real, complex, misaligned."""
    lottery = load("lottery")
    rng = np.random.default_rng(0)
    start = rng.normal(size=(3, 6)) + 1j * rng.normal(size=(3, 6))
    found = lottery.divergence(*start)

    def speed(t, y):
        u, v, w = y
        return [np.conj(v) * w, np.conj(u) * w, u * v]

    def large(t, y):
        return np.abs(y).max() - 1e4

    large.terminal = True
    for i in range(6):
        exact = solve_ivp(speed, (0, 100), start[:, i], events=large, rtol=1e-8).t_events[0][0]
        assert found[i] == pytest.approx(exact, rel=0.02)
    assert lottery.divergence(*np.ones((3, 1)))[0] == pytest.approx(1, rel=0.01)  # x' = x²


def test_scores_of_a_planted_neuron():
    """One neuron with waves of frequencies 2 (aligned, small) and 3 (misaligned, large) of C_17."""
    lottery, t = load("lottery"), 2 * np.pi * np.arange(17) / 17
    read, write = 0.1 * np.cos(2 * t - 0.3) + np.cos(3 * t), 0.1 * np.cos(2 * t - 0.6) + np.cos(3 * t - 3)
    effective = Effective(*(x[None, :, None] for x in (read, read)), np.zeros((1, 1)), write[None, None], "square")
    scores = {name: score[0, :, 0] for name, score in lottery.scores(effective).items()}
    assert scores["phase"][1] == pytest.approx(0, abs=1e-9) and scores["phase"][2] == pytest.approx(-3)
    assert scores["magnitude"].argmax() == 2 and scores["drive"].argmax() == 1
    assert scores["drive"][1] == pytest.approx((0.1 * 17 / 2) ** 3)


# How many frequencies, and which


def test_frequency_count(tmp_path):
    printed = run(tmp_path, "frequency_count.py", "--quick")
    assert "| 97 | 1 |" in printed and "x², p = 13: strongest frequency of all 3" in printed
    assert run(tmp_path, "frequency_count.py", "--quick") == printed


def test_orbits_of_pairs():
    count = load("frequency_count")
    assert set(count.orbits(7).values()) == {(1, 2)}
    eleven = count.orbits(11)
    assert {pair for pair in eleven if eleven[pair] == (1, 2)} == {(1, 2), (2, 4), (3, 4), (3, 5), (1, 5)}
    assert sorted(np.unique(list(map(str, count.orbits(13).values())), return_counts=True)[1]) == [3, 6, 6]


def test_fits_find_the_law_that_made_the_data():
    count, rng = load("frequency_count"), np.random.default_rng(0)
    p = np.array([5, 11, 23, 47])
    counts = [2 + 1.5 * np.log(one) + 0.1 * rng.normal(size=50) for one in p]
    (_, value, _, first), (_, slope, (low, high), second), (_, _, _, third) = count.fits(p, counts, rng, draws=200)
    assert low < 1.5 < high and slope == pytest.approx(1.5, abs=0.05) and second < min(first, third)
    assert value == pytest.approx(np.mean([one.mean() for one in counts]))


# docs/selection.md

DOCS = Path(__file__).parents[1] / "docs"


def test_the_table_of_the_page_is_that_of_the_published_weights():
    """Every number of the table, computed again from the final weights of all 2,400 networks."""
    law, arrays = load("selection_law"), read_npz(DOCS / "selection_networks.npz")
    settings = json.loads(bytes(arrays["settings"]))
    assert (settings["steps"], settings["seeds"]) == (20_000, list(range(100)))
    page = (DOCS / "selection.md").read_text(encoding="utf-8")
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in page.splitlines()
            if line.startswith(("| C_5 |", "| S_3 |"))]
    assert len(rows) == len(settings["configurations"]) == 24
    for i, (row, setting) in enumerate(zip(rows, settings["configurations"], strict=True)):
        group, activation, width, decay = setting.values()
        assert row[:4] == [group, law.SIGMA[activation], str(width), f"{decay:g}"]
        found = {name.split("/")[1]: W for name, W in arrays.items() if name.startswith(f"{i:02d}/")}
        one = law.read(group, law.network(group, activation, width), found)
        assert int(row[4]) == (found["converged"] < 0).sum() and int(row[5]) == (one["right"] == 1).sum()
        assert row[6:9] == [law.wilson(one["key_set"].count(keys), 100) for keys in ([1], [2], [1, 2])]
        assert int(row[9]) == (one["count"] == 2).sum() and (one["count"] > 0).all()
        assert [float(cell.split()[1]) for cell in row[10].split(", ")] == pytest.approx(
            one["multiplicity"].mean(axis=0), abs=0.00501)
        if (activation, width) == ("square", 2):
            right = one["right"] == 1
            split = [sum(keys == kept for kept, judged in zip(one["key_set"], right, strict=True) if judged == side)
                     for side in (True, False) for keys in ([1], [2], [1, 2])]
            assert f"| {group}, x² | {decay:g} | {' | '.join(map(str, split))} |" in page
