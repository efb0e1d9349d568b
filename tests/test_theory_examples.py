"""The examples of the theory run in their quick form and print numbers that mean something."""

import importlib.util
import re

import numpy as np
from commands import EXAMPLES, run

from grok_np import MLP, AdamW, ModularArithmetic, analytic, reading, train
from grok_np.networks.mlp import Effective
from grok_np.reading import fourier


def test_best_network(tmp_path, reference):
    """Of the published network: at equal norm the written-down rings have less loss on all pairs than the learned."""
    printed = run(tmp_path, "best_network.py", "--published", str(reference("pair/main_model.npz")), "--starts", "1",
                  "--stay", "20", "--evaluations", "200")
    losses = {name: float(loss) for name, loss in re.findall(
        r"^(learned|written down, for \S+|the same, 20)\b.*?\s([\d.]+e-\d+)\s+1\.0000$", printed, re.MULTILINE)}
    assert len(losses) == 4 and losses["learned"] == max(losses.values())
    assert losses["written down, for all"] < 0.5 * losses["learned"]
    assert printed.count("15: 6 (") == 4 and "3 of 3 rings stay" in printed


def test_which_modes(tmp_path, monkeypatch):
    """The gradient of loss + decay; a family is a line; what may differ is what a wave of these modes has."""
    printed = run(tmp_path, "which_modes.py", "--quick")
    assert len(re.findall(r"^\| (?:own|all rings'|any) \|", printed, re.MULTILINE)) == 6
    modes = module("which_modes", monkeypatch)
    rng, of_neuron = np.random.default_rng(0), np.array([9, 9, 30])
    pairs = rng.integers(0, 67, (50, 2))
    data = {"pairs": pairs, "labels": pairs.sum(axis=1) % 67}
    at, way = rng.normal(size=(2, 67, 6))
    slope = (modes.loss_and_decay(at + 1e-5 * way, **data)[0] - modes.loss_and_decay(at - 1e-5 * way, **data)[0]) / 2e-5
    np.testing.assert_allclose(np.vdot(modes.loss_and_decay(at, **data)[1], way), slope, rtol=1e-6)
    x = np.arange(67)[:, None]
    wave = np.cos(2 * np.pi / 67 * of_neuron * x - 1) + 0.3 * np.cos(2 * np.pi / 67 * 2 * of_neuron * x)
    inside = fourier.transform(wave)[~modes.may_differ(of_neuron, "own", (1, 2))]
    np.testing.assert_allclose(inside, 0, atol=1e-12)
    assert (modes.may_differ(of_neuron, "own", (1, 2)).sum(axis=0) == 4).all()
    assert (modes.may_differ(of_neuron, "all rings'", (0, 1, 2)).sum(axis=0) == 1 + 8).all()


def module(name, monkeypatch):
    """An example as a module, so that its functions can be called."""
    monkeypatch.syspath_prepend(EXAMPLES)
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


def test_the_row_of_the_main_job(monkeypatch):
    """Of stars of cosines: the row has their decay norm and far less loss; without rings there is no row."""
    written_down = module("mlp_grokking", monkeypatch).written_down
    split = ModularArithmetic(17, train_fraction=0.9, symmetric=True).split()
    stars = analytic.stars(17, 7, [1, 3], amplitudes=4, activation="relu")
    [(name, *best)] = written_down(stars, split, AdamW(eps=1e-5))
    [(_, train, test)] = reading.rings.scores(stars, split, rings=[])
    assert name == "best rings, written down" and [one.accuracy for one in best] == [1, 1]
    assert best[0].loss < 0.2 * train.loss and best[1].loss < 0.5 * test.loss
    noise = np.random.default_rng(0).normal(size=(17, 4))
    assert written_down(Effective(noise, noise, np.zeros(4), noise.T, "relu"), split, AdamW()) == []


def test_ring_law(tmp_path, monkeypatch):
    """Tiny networks grok, and L-BFGS from the weights just after it finds what training has in the end."""
    printed = run(tmp_path, "ring_law.py", "--quick")
    trained, grokked = map(int, re.search(r"(\d+) networks trained, (\d+) grokked", printed).groups())
    assert trained == 4 and grokked >= 1
    first = printed.split("rings of six or more learned")[1].split("rings of six or more at rest")[0]
    rows = {line.split(" | ")[0][2:]: line.split(" | ")[1:] for line in first.splitlines() if line.startswith("| ")}
    for name in ("those brought to rest", "weights of long after, brought to rest"):
        assert float(rows[name][3]) < 0.2 * float(rows["the same, pure cosines"][3])
    assert (tmp_path / "runs/ring_law_quick/ring_law.png").stat().st_size > 10_000
    assert re.search(r"^ReLU, 90% of the pairs, \d networks, after grokking: .* at 2,500$", printed, re.MULTILINE)
    assert run(tmp_path, "ring_law.py", "--quick") == printed
    law = module("ring_law", monkeypatch)
    state = {"step": 9000, "look": 1000, "grokked": np.array([2000, -1]), "right": np.ones((9, 2)),
             "residual": np.arange(18).reshape(9, 2)}
    trained_on = state | {"step": 10_000, "residual": np.arange(100, 120).reshape(10, 2)}
    [(by_step, words)] = law.courses([("ReLU", state), ("ReLU", trained_on)]).values()
    assert words == "after grokking" and by_step == {1000 * look: [98 + 2 * look] for look in range(2, 11)}
    by_step, words = law.courses([("x²", state | {"grokked": np.array([-1, -1])})])["x²"]
    assert words == "100.0% to 100.0% of the held-out pairs right" and by_step[1000] == [0, 1]
    random_moments = law.random_moments
    np.testing.assert_allclose(random_moments(5, 20), [0, 0, 0, 0, 1, 0, 0, 0], atol=1e-12)
    six, seven = random_moments(6, 1001), random_moments(7, 101)
    assert np.abs(six[:4]).max() < 1e-12 and np.abs(seven[:4]).max() < 1e-12
    assert abs(six[4] - 0.5**0.5) < 0.05 and abs(six[5] - (1 - six[4] ** 2)) < 1e-12  # the law of six


def test_before_grokking(tmp_path):
    """L-BFGS goes on from memorised weights to rings, for whatever strength of the decay; and which seeds grok."""
    printed = run(tmp_path, "before_grokking.py", "--quick")
    found = re.findall(r"^\| ([\d.e-]+) \| (\d) of 4 \|", printed, re.MULTILINE)
    assert [float(eps) for eps, _ in found] == [6.7e-7, 6.7e-6, 6.7e-5] and sum(int(n) for _, n in found) >= 1
    listed = re.findall(r"^L-BFGS, .* seeds that grok:(.*)$", printed, re.MULTILINE)
    assert [len(seeds.split(", ")) * bool(seeds.strip()) for seeds in listed] == [int(n) for _, n in found]
    assert "AdamW" not in printed  # there are no runs to look at
    for seed, steps in enumerate((10, 1500, 10, 1500)):  # those of ten steps cannot have grokked
        task = ModularArithmetic(11, train_fraction=0.9, symmetric=True, seed=seed)
        train(MLP(11, 32, 12), task, AdamW(1e-2, eps=67e-8), steps, seed, out=tmp_path / f"long/seed_{seed:02d}",
              progress=False)
    printed = run(tmp_path, "before_grokking.py", "--quick", "--runs", "long")
    assert re.search(r"^AdamW, seeds that grok: 1, 3\n    first at steps: [\d,]+, [\d,]+$", printed, re.MULTILINE)


def test_how_many_frequencies(tmp_path, monkeypatch):
    """One frequency is the dearest under one-hot decay; what is written down uses those that it was given."""
    printed = run(tmp_path, "how_many_frequencies.py", "--quick")
    rows = {line.split(" | ")[0][2:]: re.findall(r"([\d.]+) \((\d+)\)", line) for line in printed.splitlines()
            if line.startswith(("| tied", "| one-hot"))}
    assert len(rows) == 2 and all([int(n) for _, n in row] == [1, 2, 4, 6] for row in rows.values())
    one_hot = [float(objective) for objective, _ in rows["one-hot (sum of squares)"]]
    assert one_hot[0] == max(one_hot)
    assert (tmp_path / "runs/how_many_frequencies_quick/frequencies.png").stat().st_size > 10_000
    told_apart = module("how_many_frequencies", monkeypatch).told_apart
    sets = {1: (12, 15), 2: (2.7, 3.5), 3: (2.5, 2.6), 4: (2.4, 2.65), 5: (2.66, 2.8)}
    rows = [{"used": count, "objective": objective} for count, both in sets.items() for objective in both]
    assert told_apart(rows) == (3, 4)  # the sets of 4 scatter up to 2.65, which 3 is below and 2 and 5 are not


def test_ring_ablations(tmp_path):
    """What the moment law says is free is free, and nothing else."""
    printed = run(tmp_path, "ring_ablations.py", "--points", "3", "--out", "pictures")
    assert re.findall(r"^free .*: (.*)$", printed, re.MULTILINE) == [
        "turned, M_5, M_7", "turned", "turned, M_5, M_6, M_7"]
    assert (tmp_path / "pictures/ring_ablations.png").stat().st_size > 10_000


def hexagon(field, r, n):
    """Tables A (p, n), C (n, p) of a regular ring of the field, in plain NumPy."""
    x, alpha = 2 * np.pi / 67 * np.arange(67)[:, None], 2 * np.pi * np.arange(n) / n
    t, size = field.k[r] * x - alpha, np.sqrt(field.weight[r] / n)
    return (size * (field.constant[r] + np.cos(t) + field.second[r] * np.cos(2 * t)),
            size * np.cos(field.k[r] * x - 2 * alpha).T)


def test_law_of_six_prices_are_those_of_the_true_loss(monkeypatch):
    """A and B before the answers: second differences of the loss over all pairs, as M_5 and M_6 of fine rings grow."""
    law = module("law_of_six", monkeypatch)
    field = law.mean_field([4, 23, 28])
    a, b = np.indices((67, 67)).reshape(2, -1)
    pairs, labels = np.arange(67 * 67), (a + b) % 67

    def loss(ring, order, eps):
        logits = 0
        for r in range(3):
            A, C = hexagon(field, r, 32)
            weights = 1 + (r == ring) * 2 * eps * np.cos(order * 2 * np.pi * np.arange(32) / 32)
            logits = logits + np.maximum(A[a] + A[b], 0) @ (weights[:, None] * C)
        others = logits - logits[pairs, labels][:, None]
        return np.log(np.exp(others).sum(axis=1)).mean()

    for ring in range(3):
        for order in (5, 6):
            second = (loss(ring, order, 0.05) - loss(ring, order, 0)) / 0.05**2
            predicted = np.abs(law.answers(field, ring, order)[0][order]) ** 2 @ field.chance
            assert abs(second / predicted - 1) < 0.03
            angle = 2 * np.pi / 67 * field.k[ring]  # and the page's H_n, n = 5, 6
            t, delta = 2 * np.pi * np.arange(512) / 512, angle * field.d[:, None]
            second = field.second[ring] * np.cos(2 * delta) * np.cos(2 * t)
            pre = field.constant[ring] + np.cos(delta) * np.cos(t) + second
            c, turn = np.fft.rfft(np.maximum(pre, 0)).real.T / 128, np.exp(-1j * angle * field.j) - 1
            E = field.weight[ring] / 2 * (c[order - 2] * turn + c[order + 2] * turn.conj())
            assert abs(np.abs(E) ** 2 @ field.chance / 4 / predicted - 1) < 1e-3


def test_law_of_six_answers_are_derivatives(monkeypatch):
    """How the error moves, and the decay's Hessian: differences of logits and of the nuclear norm of [A | C^T]."""
    law = module("law_of_six", monkeypatch)
    field, rng = law.mean_field([6, 12, 20]), np.random.default_rng(0)
    A, C = hexagon(field, 1, 6)
    error, moved, hessian = law.answers(field, 1, 6)
    change = rng.normal(size=(5, 12))
    k, x = field.k[1], 2 * np.pi / 67 * np.arange(67)
    waves = np.array([np.ones(67), *(f(m * k * x) for m in (1, 2) for f in (np.cos, np.sin))])
    tables = (waves / np.linalg.norm(waves, axis=1)[:, None]).T @ change

    def charges(eps):
        in_, out = A + eps * tables[:, :6], C + eps * tables[:, 6:].T
        u = np.arange(67)[:, None] * pow(int(k), -1, 67)  # so that the charge counts turns of k u
        post = np.maximum(in_[(u + field.d) % 67] + in_[(u - field.d) % 67], 0)
        logits = (post * (out.T[(2 * u + field.j) % 67] - out.T[2 * u % 67])).sum(axis=2)
        return np.fft.fft(logits, axis=0)[:18] / 67

    derivative = (charges(1e-7) - charges(-1e-7)) / 2e-7
    np.testing.assert_allclose(derivative, np.tensordot(change.ravel(), moved, 1), atol=1e-5)
    np.testing.assert_allclose(charges(0)[1:], error[1:], atol=1e-10)
    constants = np.full((67, 1), np.sqrt(sum((field.weight * field.constant**2)[[0, 2]])))
    norm = [np.linalg.norm(np.hstack([np.hstack([A, C.T]) + eps * tables, constants]), "nuc")
            for eps in (-0.01, 0, 0.01)]
    second = (norm[0] - 2 * norm[1] + norm[2]) / 0.01**2 * law.STRENGTH
    assert abs(change.ravel() @ hessian @ change.ravel() / second - 1) < 1e-3


def test_law_of_six(tmp_path):
    """The formula says what the optimiser finds for the first set, and answers make both errors cheaper."""
    printed = run(tmp_path, "law_of_six.py", "--quick")
    found = np.array(re.findall(r"^ +(\d+)" + 4 * r" +([\d.]+)" + 2 * r" +(\d+)%", printed, re.MULTILINE), float)
    assert found[:, 0].tolist() == [4, 23, 28] and (found[:, 2] < 0.5 * found[:, 1]).all()
    assert np.abs(found[:, 3] - found[:, 4]).max() < 0.2
    np.testing.assert_allclose(found[:, 1] * found[:, 5] / found[:, 6], found[:, 2], rtol=0.1)  # rounded to a percent
    assert (tmp_path / "runs/law_of_six_quick/law_of_six.png").stat().st_size > 10_000
