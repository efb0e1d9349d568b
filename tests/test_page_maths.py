"""The page's mathematics in JavaScript agrees with `grok_np.analytic` and the layers, function by function."""

import numpy as np
import pytest
from browser import with_script
from scipy.optimize import minimize

from grok_np import MLP, AdamW, ModularArithmetic, analytic, train
from grok_np.layers import LOSSES
from grok_np.networks.mlp import Effective
from grok_np.streams import generator

LEARNED = {"constant": 0.09, "second": -0.12}
COSINE = {"constant": 0, "second": 0}


@pytest.fixture
def js(driver):
    """js("maths.f(...arguments)", x, y): the value of an expression, typed arrays as lists."""
    script = with_script(driver, "maths")
    return lambda expression, *arguments: script(
        "const plain = x => ArrayBuffer.isView(x) ? Array.from(x) : x && typeof x === 'object' && !Array.isArray(x) ?"
        f"Object.fromEntries(Object.entries(x).map(([key, y]) => [key, plain(y)])) : x; return plain({expression})",
        *arguments)


def rings(n=8):
    """Phases and weights of a lopsided ring, good for nothing."""
    rng = generator(0, "ring")
    return {"phases": rng.uniform(-3, 3, n).tolist(), "weights": rng.uniform(0.5, 2, n).tolist()}


def star(p, ring, activation, shape=None):
    """The effective weights of a ring whose neurons read waves with a constant and a second harmonic."""
    found = analytic.ring(p, ring["phases"], 1, ring["weights"], activation)
    if shape is None:
        return found
    t = 2 * np.pi / p * np.arange(p)[:, None] - np.array(ring["phases"])
    A = shape["constant"] + np.cos(t) + shape["second"] * np.cos(2 * t)
    return Effective(A, A, found.bias, found.C, activation)


STARS = [(13, "relu", COSINE), (12, "relu", COSINE), (67, "relu", LEARNED), (31, "square", COSINE), (20, "abs", COSINE),
         (30, "relu", LEARNED)]


def sinusoids(js_ring, p, activation, shape):
    return f"maths.sinusoids(maths.star({p}, {js_ring}, '{activation}', {shape}))"


def test_moments(js):
    ring = rings()
    found = np.array(js("maths.moments(arguments[0], 8)", ring)) @ [1, 1j]
    np.testing.assert_allclose(found, analytic.moments(ring["phases"], np.array(ring["weights"]), 8), atol=1e-14)


def test_the_regular_ring(js):
    ring = js("maths.regularRing(7, 0.3)")
    np.testing.assert_allclose(ring["phases"], 2 * np.pi * np.arange(7) / 7 + 0.3, rtol=1e-15)
    assert ring["weights"] == [1] * 7


def test_which_moments_must_vanish(js):
    assert js("maths.REQUIRED") == {name: list(analytic.required_moments(name)) for name in ("relu", "square", "abs")}


def test_the_unknowns_are_the_ring(js):
    ring = rings()
    found = js("maths.ringOf(maths.unknowns(arguments[0]), 12)", ring)
    np.testing.assert_allclose(found["phases"], ring["phases"], rtol=1e-15)
    np.testing.assert_allclose(found["weights"], 12 * np.array(ring["weights"]) / sum(ring["weights"]), rtol=1e-14)


@pytest.mark.parametrize(("n", "moment", "activation"), [
    (6, 0.52, "relu"), (6, -0.46, "relu"), (6, 0.3 + 0.4j, "relu"), (7, 0.9, "relu"), (4, 0.4, "square"),
    (9, 0, "relu"), (5, -0.2 - 0.7j, "abs"), (12, 0.97j, "relu")])
def test_the_law_of_six(js, n, moment, activation):
    ring = js("maths.unevenRing(...arguments)", n, [np.real(moment), np.imag(moment)], activation)
    phases, weights = analytic.uneven_ring(n, moment, activation)
    turns = 1 if activation == "relu" else 2
    np.testing.assert_allclose(np.exp(1j * turns * np.array(ring["phases"])) @ ring["weights"], 0, atol=1e-12)
    order = np.argsort((np.array(ring["phases"]) + 0.1) % (2 * np.pi / turns))  # one node is at 0
    expected = np.argsort((phases + 0.1) % (2 * np.pi / turns))
    np.testing.assert_allclose(np.exp(1j * turns * np.array(ring["phases"])[order]),
                               np.exp(1j * turns * phases[expected]), atol=1e-10)  # NumPy's roots: about 1e-12
    np.testing.assert_allclose(np.array(ring["weights"])[order], weights[expected], rtol=1e-9)
    size = np.abs(analytic.moments(turns * np.array(ring["phases"]), np.array(ring["weights"]), n - 1))
    np.testing.assert_allclose(size, [0] * (n - 2) + [abs(moment)], atol=1e-13)


@pytest.mark.parametrize(("p", "activation", "shape"), STARS)
def test_logits_margins_and_loss_of_stars(js, p, activation, shape):
    for ring in (rings(), js("maths.regularRing(5)")):
        check(js, sinusoids("arguments[0]", p, activation, shape), star(p, ring, activation, shape), ring)


@pytest.mark.parametrize(("p", "n", "windings"), [(67, 6, (1, 4)), (20, 6, (2, 5)), (13, 7, (1, 3)), (12, 8, (1, 2))])
def test_untied_stars(js, p, n, windings):
    check(js, f"maths.sinusoids(maths.untiedStar({p}, {n}, {list(windings)}))", analytic.untied_star(p, n, windings))


def test_four_neurons_of_x2_fail_and_even_moduli_tie(js):
    """The rule for ties decides here, not rounding."""
    for p, n, share in ((67, 4, 1 / 67), (66, 3, 65 / 66), (66, 5, 65 / 66)):
        network = analytic.star(p, n, allow_inexact=True)
        expected = (analytic.margins(analytic.logits(network, p)) > 0).mean()
        found = js(f"maths.share(maths.margins({sinusoids(f'maths.regularRing({n})', p, 'square', COSINE)}))")
        assert found == pytest.approx(expected, abs=1e-15) == pytest.approx(share)


def check(js, Z, network, *arguments):
    """Logits, deviations, margins, the share of right pairs and the loss at several scales, against NumPy's."""
    p = len(network.A)
    logits = analytic.logits(network, p)
    most = np.abs(logits).max()
    for a, b in ((0, 0), (2, p - 4), (p - 1, p - 2)):
        found = js(f"maths.logits({Z}, {a}, {b})", *arguments)
        np.testing.assert_allclose(found, logits[a, b], atol=1e-12 * most)
    margins = analytic.margins(logits)
    found = np.reshape(js(f"maths.margins({Z})", *arguments), (p, p))
    np.testing.assert_allclose(found, margins, atol=1e-12 * most)
    np.testing.assert_array_equal(found > 0, margins > 0)
    labels = np.add.outer(np.arange(p), np.arange(p)).ravel() % p
    flat, loss = logits.reshape(p * p, p), LOSSES["cross_entropy"]
    assert js(f"maths.share(maths.margins({Z}))", *arguments) == pytest.approx(loss.accuracy(flat, labels), abs=1e-15)
    for scale in (0.1, 3, 40, 2000):
        found = js(f"maths.loss({Z}, {scale})", *arguments)
        assert found == pytest.approx(loss.forward(scale * flat, labels)[0], rel=1e-10)
    off = np.reshape(js(f"maths.deviations({Z})", *arguments), (p, p))
    d = 2 * np.pi / p * np.arange(p)
    vector = logits @ np.exp(1j * d)
    clear = np.abs(vector) > 1e-9 * most * p
    turned = np.angle(vector * np.exp(-1j * np.add.outer(d, d)))
    np.testing.assert_allclose(np.exp(1j * off)[clear], np.exp(1j * turned)[clear], atol=1e-7)


@pytest.mark.parametrize("n", [3, 4, 5, 6, 7, 8, 10])
def test_the_reach(js, n):
    assert js("maths.reach(maths.regularRing(arguments[0]), 'relu', 401)", n) == analytic.largest_modulus(n, up_to=401)
    odd = list(range(3, 150, 4))
    found = js("arguments[1].map(p => maths.solves(p, maths.regularRing(arguments[0]), 'relu'))"
               .replace("arguments", "given").join(["((...given) => ", ")(...arguments)"]), n, odd)
    assert found == [analytic.solves(p, n) for p in odd]


@pytest.mark.parametrize(("n", "reach"), [(5, 118.5), (6, 20.4), (7, 342.9), (8, 56.9), (9, 744.2), (12, 211.8)])
def test_the_worst_direction(js, n, reach):
    """The closed form's numbers in docs/theory.md, section 3."""
    assert np.pi / js("maths.worst(maths.regularRing(arguments[0], 0.2), 'relu')", n) == pytest.approx(reach, abs=0.06)


def test_how_strongly_the_moments_are_felt(js):
    """From the table of docs/theory.md, section 1: M_n comes in by c_(n-2) and c_(n+2), M_2 by c_0 twice."""
    for shape, c in ((COSINE, [1.666, 2.617, 1.111, 0, 0.222, 0, 0.095, 0, 0.053]),
                     (LEARNED, [2.031, 2.990, 1.007, 0.266, 0.179, 0.114, 0.055, 0.067, 0.021])):
        expected = [c[1] + c[3], 2 * c[0] + c[4], c[1] + c[5], c[2] + c[6], c[3] + c[7], c[4] + c[8]]
        np.testing.assert_allclose(js("maths.strengths('relu', arguments[0], 6)", shape), expected, atol=5e-3)


def test_two_pentagons_reach_1025(js):
    """Turned by 18 degrees they have no M_10: docs/theory.md, section 3."""
    ring = {"phases": [2 * np.pi * i / 5 + j * np.pi / 10 for j in range(2) for i in range(5)], "weights": [1] * 10}
    assert js("maths.reach(arguments[0], 'relu', 1101)", ring) == 1025
    assert abs(complex(*js("maths.moments(arguments[0], 10)[9]", ring))) < 1e-14


@pytest.mark.parametrize(("n", "orders"), [(5, [1, 2, 3, 4]), (8, [1, 2, 3, 4]), (9, [1, 2, 3, 4, 5, 6]), (6, [2, 4])])
def test_the_projection_onto_rings_whose_moments_vanish(js, n, orders):
    ring = rings(n)
    found = js("maths.project(...arguments)", ring, orders)
    sizes = np.abs(analytic.moments(found["phases"], np.array(found["weights"])))
    assert sizes[np.array(orders) - 1].max() < 1e-12
    assert min(found["weights"]) > 0 and sum(found["weights"]) == pytest.approx(sum(ring["weights"]))
    if n == 5:  # nothing but the regular ring is left
        np.testing.assert_allclose(found["weights"], np.mean(ring["weights"]), rtol=1e-6)
        np.testing.assert_allclose(np.ptp(np.diff(np.sort(found["phases"]))), 0, atol=1e-6)


def test_the_projection_leaves_alone_what_is_good(js):
    phases, weights = analytic.uneven_ring(6, 0.5, "relu")
    ring = {"phases": phases.tolist(), "weights": weights.tolist()}
    found = js("maths.project(...arguments)", ring, [1, 2, 3, 4])
    np.testing.assert_allclose(np.exp(1j * np.array(found["phases"])), np.exp(1j * phases), atol=1e-9)
    np.testing.assert_allclose(found["weights"], weights, rtol=1e-9)


def objective(x, p, activation, shape, total):
    """What `maths.ringLoss` says it is: phases, roots of weights -> mean loss of the ring over all pairs."""
    phases, roots = np.split(np.asarray(x), 2)
    ring = {"phases": phases, "weights": total * roots**2 / (roots @ roots)}
    logits = analytic.logits(star(p, ring, activation, shape), p)
    labels = np.add.outer(np.arange(p), np.arange(p)).ravel() % p
    return float(LOSSES["cross_entropy"].forward(logits.reshape(p * p, p), labels)[0])


@pytest.mark.parametrize(("activation", "shape"), [("relu", COSINE), ("relu", LEARNED), ("square", COSINE)])
def test_the_slope_of_a_rings_loss(js, activation, shape):
    p, ring, total = 11, rings(6), 100
    x = np.concatenate([ring["phases"], np.sqrt(ring["weights"])])
    problem = {"p": p, "activation": activation, "shape": shape, "total": total}
    found = js("maths.ringLoss(...arguments)", x.tolist(), problem)
    assert found["value"] == pytest.approx(objective(x, p, activation, shape, total), rel=1e-12)
    # central differences of fourth order: what is left of the kinks of ReLU is none at these phases
    eye = 1e-4 * np.eye(len(x))
    f = [[objective(x + h * e, p, activation, shape, total) for e in eye] for h in (-2, -1, 1, 2)]
    slope = np.array([1, -8, 8, -1]) @ f / (12 * 1e-4)
    np.testing.assert_allclose(found["slope"], slope, atol=1e-8 * np.abs(slope).max())


def test_the_descent_finds_what_scipy_finds(js):
    """x² and cosines have no kinks: both come to rest at the same loss."""
    problem = {"p": 7, "activation": "square", "shape": COSINE, "total": 30}
    ring = rings(4)
    x = np.concatenate([ring["phases"], np.sqrt(ring["weights"])])
    best = minimize(objective, x, tuple(problem.values()), method="BFGS", options={"gtol": 1e-7})
    found = js("(() => { const state = maths.descent(x => maths.ringLoss(x, arguments[1]), arguments[0]);"
               "for (let i = 0; i < 300; i++) state.step(); return {value: state.value, slope: state.slope}; })()"
               .replace("arguments", "given").replace("(() =>", "((...given) =>").replace("})()", "})(...arguments)"),
               x.tolist(), problem)
    assert found["value"] == pytest.approx(best.fun, rel=1e-8)
    assert np.abs(found["slope"]).max() < 1e-6


# Training in the page.


@pytest.mark.parametrize(("p", "d", "h", "fraction", "lr"), [(31, 32, 24, 0.6, 1e-2), (67, 500, 24, 0.4, 1e-3)])
def test_a_hundred_steps_have_numpys_losses(driver, p, d, h, fraction, lr):
    """From the same weights and pairs; the first network is the page's, the second the article's."""
    script = with_script(driver, "learner")
    model = MLP(p, d_embed=d, n_hidden=h)
    task = ModularArithmetic(p, train_fraction=fraction, symmetric=True)
    initial = model.init(generator(0, "weights"), np.float64)
    run = train(model, task, AdamW(lr=lr, eps=p * 1e-8), 100, initial=initial, log_every=1, dtype="float64",
                threads=1, progress=False)
    split = task.split()
    found = script("""
        const [theta, train, test, options] = arguments;
        const one = learner({...options, theta: Float64Array.from(theta), train, test});
        const losses = [], tests = [];
        for (let i = 0; i < 100; i++) {
          one.effective();
          tests.push(one.evaluate(test));
          losses.push(one.step());
        }
        one.effective();
        return [losses, tests, one.evaluate(train), Array.from(one.theta), Array.from(one.C)]""",
        np.concatenate([W.ravel() for W in initial.values()]).tolist(), split.train_inputs.ravel().tolist(),
        split.test_inputs.ravel().tolist(), {"p": p, "d": d, "h": h, "lr": lr, "eps": p * 1e-8})
    losses, tests, last, theta, C = found
    np.testing.assert_allclose(losses, run.history["train_loss"][:100], rtol=1e-9)
    np.testing.assert_allclose([one["loss"] for one in tests], run.history["test_loss"][:100], rtol=1e-9)
    np.testing.assert_allclose([one["accuracy"] for one in tests], run.history["test_accuracy"][:100], atol=1e-12)
    assert last["accuracy"] == pytest.approx(run.history["train_accuracy"][100])
    np.testing.assert_allclose(theta, np.concatenate([W.ravel() for W in run.params.values()]), atol=1e-9)
    np.testing.assert_allclose(np.reshape(C, (h, p)), model.effective(run.params).C, atol=1e-8)
