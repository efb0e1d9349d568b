"""The tester, tested: right layers pass under every condition, planted mistakes are found and named, never misnamed."""

import subprocess
import sys

import draws
import gradcheck_zoo as zoo
import gradcheck_zoo_heldout as heldout
import numpy as np
import pytest
from hypothesis import example, given

from grok_np.gradcheck import GradientError, check, layer_test, methods, repair, strategies
from grok_np.layers import (
    cross_entropy_backward,
    cross_entropy_forward,
    linear_backward,
    linear_forward,
    softmax_backward,
    softmax_forward,
)

RNG = np.random.default_rng(1)
SCORES = RNG.normal(size=(5, 7))


def message(forward, backward, inputs, **options):
    with pytest.raises(GradientError) as caught:
        check(forward, backward, inputs, **options)
    return str(caught.value)


# ------------------------------------------------------------------------------------------------ the zoo
@pytest.mark.parametrize("name", zoo.LAYERS)
def test_right_layers_raise_no_alarm(name):
    kind = zoo.LAYERS[name]
    for words, condition in zoo.conditions().items():
        rng = np.random.default_rng(0)
        report = check(kind.forward, kind.backward, zoo.under(condition, rng, kind.draw(rng)))
        assert words != "normal" or (report.complete and report.worst < 1e-8)
    check(kind.forward, kind.backward, kind.draw(np.random.default_rng(0), 0))  # an empty batch


@pytest.fixture(scope="module")
def verdicts():
    """(name, message, words) of every planted mistake that is found."""
    found = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(repair, "SECONDS", 0.5)
        for mistake in zoo.planted():
            try:
                check(mistake.forward, mistake.backward, mistake.inputs)
                found[mistake.name] = None
            except GradientError as error:
                found[mistake.name] = str(error), mistake.words
    return found


def test_all_planted_mistakes_are_found(verdicts):
    assert len(verdicts) >= 143 and [name for name, verdict in verdicts.items() if verdict is None] == []


def test_most_planted_mistakes_are_named_and_none_is_misnamed(verdicts):
    unnamed = {name: text for name, (text, words) in verdicts.items()
               if not any(word in text for word in words) and "it is right with" not in text}
    assert len(unnamed) < 0.15 * len(verdicts)
    misnamed = [name for name, text in unnamed.items() if not text.split("\n")[0].endswith("is wrong")]
    assert len(misnamed) <= 0.02 * len(verdicts), misnamed


def test_messages_have_four_lines_at_most(verdicts):
    assert all(len(text.split("\n")) <= 4 for text, _ in verdicts.values())


def test_generated_mutants_are_found():
    """A twentieth of them here; `examples/benchmarks/gradient_checkers.py` takes all."""
    mutants = [mutant for i, mutant in enumerate(zoo.mutants()) if i % 20 == 7]
    assert len(mutants) > 20
    for mutant in mutants:
        with pytest.raises(GradientError):
            check(mutant.forward, mutant.backward, mutant.inputs)


# ------------------------------------------------------------------------------------- what older checkers miss
def test_the_users_random_stream_is_not_ours():
    """With dout equal to the first input x.T @ dout is symmetric, and a transposed dW passes."""
    x, W = np.random.default_rng(0).normal(size=(5, 5)), np.eye(5)
    assert "transposed" in message(lambda x, W: (x @ W, (x, W)), lambda d, c: (d @ c[1].T, d.T @ c[0]), [x, W])


@pytest.mark.parametrize("scale", [1e-12, 1e-8, 1e-4, 1e4, 1e8])
def test_losses_of_any_size_are_checked(scale):
    def forward(x):
        return scale * np.sin(x).sum(), x

    assert check(forward, lambda d, x: scale * d * np.cos(x), [SCORES]).worst < 1e-8
    assert "opposite sign" in message(forward, lambda d, x: -scale * d * np.cos(x), [SCORES])


def test_a_small_entry_beside_large_ones_is_checked():
    weights = np.array([1.0, 1e6])
    text = message(lambda x: (weights * x, None), lambda d, c: d * np.array([2.0, 1e6]), [np.ones(2)])
    assert "[0]" in text and "1 of 2" in text


def test_a_gradient_below_the_noise_is_said_to_be_unchecked():
    report = check(lambda x: (np.tanh(x), x), lambda d, x: d * (1 - np.tanh(x)**2), [np.full(3, 1e4)])
    assert not report.complete and np.isnan(report.worst) and "below the noise" in str(report)
    report = check(lambda x: (x / np.abs(x), x), lambda d, x: 0 * d * x, [np.zeros(3)])
    assert not report.complete and "not finite at this very point" in str(report)


def test_at_a_kink_anything_between_the_one_sided_slopes_is_right():
    x = np.array([[0.0, 1.0, -2.0]])
    for slope in (0.0, 0.3, 1.0):
        check(lambda x: (np.maximum(x, 0), x), lambda d, x, s=slope: d * np.where(x == 0, s, x > 0), [x])
    for slope in (-0.1, 1.1, 2.0):
        assert "kink" in message(
            lambda x: (np.maximum(x, 0), x), lambda d, x, s=slope: d * np.where(x == 0, s, x > 0), [x]
        )
    check(lambda x: (np.maximum(x, 0), x), lambda d, x: d * (x > 0), [np.array([3e-6, -1e-9, 1e-12])])


def test_ties_must_not_get_the_gradient_twice():
    def forward(a, b):
        return np.maximum(a, b), (a, b)

    ones = np.ones(3)
    check(forward, lambda d, c: (d * (c[0] >= c[1]), d * (c[0] < c[1])), [ones, ones])
    check(forward, lambda d, c: (0.5 * d, 0.5 * d), [ones, ones])
    assert "tie" in message(forward, lambda d, c: (d * (c[0] >= c[1]), d * (c[0] <= c[1])), [ones, ones])


# ------------------------------------------------------------------------------------------------ the report
def test_quick_level_says_what_it_did_not_see():
    W = RNG.normal(size=(40, 50))

    def forward(x):
        return np.tanh(x @ W), (x,)

    def right(dout, cache):
        return dout * (1 - np.tanh(cache[0] @ W)**2) @ W.T

    x = RNG.normal(size=(30, 40))
    report = check(forward, right, [x], level="quick")
    assert "sampled by 3 random directions" in str(report) and report.worst < 1e-6
    hidden = report.inputs[0].hidden
    assert 1e-7 < hidden < 1e-3

    one = np.zeros((30, 40))
    one[3, 4] = 1.0
    assert "at [3, 4]" in message(forward, lambda d, c: right(d, c) * (1 + one), [x], level="quick")


def test_large_inputs_are_moved_in_groups_and_a_single_wrong_entry_is_found():
    x = RNG.normal(size=(30, 40))

    def backward(dout, x):
        dx = dout * np.cos(x)
        dx[29, 0] *= 1.001
        return dx

    assert "all 1200 entries moved in 256 groups" in str(
        check(lambda x: (np.sin(x), x), lambda d, x: d * np.cos(x), [x])
    )
    assert "at [29, 0]" in message(lambda x: (np.sin(x), x), backward, [x])


def test_the_report_can_be_printed():
    text = str(check(linear_forward, linear_backward, [np.ones((2, 3)), np.ones((3, 4))]))
    assert "input 0 (x): all 6 entries moved" in text and "would not be seen" in text


# ------------------------------------------------------------------------------------------- ways to write a layer
def test_dict_inputs_are_checked_by_name():
    def forward(x, y):
        return x * y, (x, y)

    point = {"x": np.array([2.0]), "y": np.array([3.0])}
    check(forward, lambda d, c: {"x": d * c[1], "y": d * c[0]}, point)
    assert "'y'" in message(forward, lambda d, c: {"x": d * c[1], "y": d * c[1]}, point)
    assert "for ['x']" in message(forward, lambda d, c: {"x": d * c[1]}, point)


def test_nested_parameters_labels_and_several_outputs():
    def forward(params, x, labels, rate):
        h = rate * x @ params["layers"][0]["W"] + params["b"]
        return (h, h[np.arange(len(labels)), labels].sum()), (params, x, labels, rate)

    def backward(dout, cache):
        params, x, labels, rate = cache
        dh = dout[0].copy()
        dh[np.arange(len(labels)), labels] += dout[1]
        dparams = {"layers": [{"W": rate * x.T @ dh}], "b": dh.sum(axis=0)}
        return dparams, rate * dh @ params["layers"][0]["W"].T

    params = {"layers": [{"W": RNG.normal(size=(3, 4))}], "b": RNG.normal(size=4)}
    inputs = [params, RNG.normal(size=(2, 3)), np.array([1, 3]), 2]
    check(forward, backward, inputs)
    check(forward, lambda d, c: (*backward(d, c), None, None), inputs)
    text = message(
        forward, lambda d, c: (backward(d, c)[0] | {"b": -backward(d, c)[0]["b"]}, backward(d, c)[1]), inputs
    )
    assert "input 0['b'] (params) has the opposite sign" in text


class Linear:
    """What students write: a class that keeps its cache and its gradients to itself."""

    def __init__(self, W, b):
        self.W, self.b = W, b

    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, dout):
        self.dW, self.db = self.x.T @ dout, dout.sum(axis=0)
        return dout @ self.W.T


class Wrong(Linear):
    def backward(self, dout):
        self.dW, self.db = self.x.T @ dout, dout.mean(axis=0)
        return dout @ self.W.T


class Accumulating(Linear):
    dW = 0.0

    def backward(self, dout):
        self.dW = self.dW + self.x.T @ dout
        self.db = dout.sum(axis=0)
        return dout @ self.W.T


def test_classes():
    x, W, b = RNG.normal(size=(3, 4)), RNG.normal(size=(4, 5)), RNG.normal(size=5)
    assert check(*methods(Linear(W, b), W="dW", b="db"), [x, W, b]).worst < 1e-8
    text = message(*methods(Wrong(W, b), W="dW", b="db"), [x, W, b])
    assert "(b) is 3 times too small" in text and "dout.sum(axis=0)" in text
    assert "accumulate" in message(*methods(Accumulating(W, b), W="dW", b="db"), [x, W, b])


def test_float32_inputs_are_checked_in_both_precisions():
    x = SCORES.astype(np.float32)
    check(softmax_forward, softmax_backward, [x])

    def forward(x):
        return np.log1p(x**2), x

    def cancels(dout, x):
        big = x.dtype.type(1e6) if x.dtype == np.float32 else 0.0
        return dout * ((2 * x / (1 + x**2) + big) - big)

    assert "in float32 off by" in message(forward, cancels, [x])


@pytest.mark.parametrize(("inputs", "error"), [([np.arange(3)], TypeError), ([], TypeError), ("x", TypeError)])
def test_inputs_without_floats_are_refused(inputs, error):
    with pytest.raises(error, match="inputs must"):
        check(softmax_forward, softmax_backward, inputs)


def test_inputs_must_be_finite():
    with pytest.raises(ValueError, match="must be finite"):
        check(softmax_forward, softmax_backward, [np.full((2, 2), np.nan)])


def test_a_layer_at_its_kink_inside_a_loss_raises_no_alarm():
    """Dead inputs and biases of 0 put whole units exactly at the kink; together they have other one-sided slopes."""
    x = RNG.normal(size=(12, 8)) * (np.arange(12) > 3)[:, None]

    def forward(W, b, V):
        h = np.maximum(x @ W + b, 0)
        return np.log(np.cosh(h @ V)).sum(), (h, V)

    def backward(dout, cache):
        h, V = cache
        ds = dout * np.tanh(h @ V)
        dh = (ds @ V.T) * (h > 0)
        return x.T @ dh, dh.sum(axis=0), h.T @ ds

    inputs = [RNG.normal(size=(8, 9)), np.zeros(9), RNG.normal(size=(9, 7))]
    for level in ("full", "quick"):
        check(forward, backward, inputs, level=level)


def test_inputs_are_left_unchanged():
    x = SCORES.copy()
    check(softmax_forward, softmax_backward, [x])
    np.testing.assert_array_equal(x, SCORES)


# ----------------------------------------------------------------------------------------------- the diagnosis
def wrong_softmaxes():
    return {
        "zeros": lambda dout, s: np.zeros_like(s),
        "mean term missing": lambda dout, s: s * dout,
        "sum over the wrong axis": lambda dout, s: s * (dout - (s * dout).sum(axis=0, keepdims=True)),
        "sign": lambda dout, s: -softmax_backward(dout, s),
        "half": lambda dout, s: softmax_backward(dout, s) / 2,
        "one part in 100,000": lambda dout, s: softmax_backward(dout, s) * (1 + 1e-5),
        "not a number": lambda dout, s: np.full_like(s, np.nan),
        "wrong shape": lambda dout, s: softmax_backward(dout, s).sum(axis=0),
    }


@pytest.mark.parametrize("name", wrong_softmaxes())
def test_wrong_softmax_backwards_are_rejected(name):
    with pytest.raises(GradientError):
        check(softmax_forward, wrong_softmaxes()[name], [SCORES])


def test_forgotten_mean_is_rejected():
    labels = np.array([0, 3, 6, 2, 2])

    def summed(dloss, cache):
        return len(labels) * cross_entropy_backward(dloss, cache)

    text = message(lambda x: cross_entropy_forward(x, labels), summed, [SCORES])
    assert "5 times too large" in text and "batch" in text


def test_the_line_is_found_and_the_file_left_alone():
    factor = 2.0

    def backward(dout, x):
        slope = np.exp(x) - x
        return factor * dout * slope

    text = message(lambda x: (factor * (np.exp(x) + 0.5 * x**2), x), backward, [SCORES])
    assert "it is right with another sign" in text and "slope = np.exp(x) + x" in text
    assert backward(1.0, 0.0) == 2.0


def test_without_source_there_is_no_line():
    scope = {"np": np}
    exec("def backward(dout, x):\n    return -dout * np.cos(x)", scope)
    text = message(lambda x: (np.sin(x), x), scope["backward"], [SCORES])
    assert "opposite sign" in text and "it is right with" not in text


# ---------------------------------------------------------------------------------------------- the strategies
test_linear = layer_test("x: B D, W: D K -> B K", linear_forward, linear_backward)
test_embedding = layer_test(
    "table: V D, index: int(B T) < V -> B T D", zoo.LAYERS["embedding"].forward, zoo.LAYERS["embedding"].backward
)
test_dropout = layer_test(
    "x: B D, mask: mask(B D) -> B D", zoo.LAYERS["dropout"].forward, zoo.LAYERS["dropout"].backward
)
test_softmax_in_float32 = layer_test("x: float32(B D) -> B D", softmax_forward, softmax_backward)
test_attention = layer_test(
    "x: B T D, Wq Wk Wv: D D -> B T D",
    zoo.LAYERS["attention"].forward,
    zoo.LAYERS["attention"].backward,
    sizes={"D": (1, 3), "T": (1, 3), "B": (1, 2)},
)
test_layer_norm = layer_test(
    "x: B D, gain bias: D -> B D", zoo.LAYERS["layer_norm"].forward, zoo.LAYERS["layer_norm"].backward
)
test_batch_norm_with_empty_batches = layer_test("x: B D, gain bias: D -> B D", zoo.LAYERS["batch_norm"].forward,
                                                zoo.LAYERS["batch_norm"].backward, sizes={"B": (0, 4)})


@pytest.mark.parametrize(("specification", "forward", "backward", "words"), [
    ("x: B D -> B D", softmax_forward, lambda d, s: d * s, "gradient of"),
    ("table: V D, index: int(B T) < V -> B T D", zoo.LAYERS["embedding"].forward, zoo._assigned, "gradient of"),
    ("x: B D -> D B", softmax_forward, softmax_backward, "forward returns an out of shape"),
    ("x: B D -> B D", lambda x: (np.exp(x) / np.exp(x).sum(axis=1, keepdims=True),) * 2, softmax_backward, "overflow"),
])
def test_layer_test_finds_mistakes(specification, forward, backward, words):
    test = layer_test(specification, forward, backward, max_examples=200)
    with pytest.raises(GradientError, match=words):
        test()


def test_layer_test_explains_a_generic_example():
    def forward(x, W, b):
        return np.tanh(x @ W + b), (x, W, np.tanh(x @ W + b))

    def backward(dout, cache):  # in an example of one column and zeros, a 2 for a 1 would explain it too
        x, W, out = cache
        dpre = dout * (1 - out**2)
        return dpre @ W.T, x.T @ dpre, dpre.mean(axis=0)

    with pytest.raises(GradientError, match="a mean where a sum is due") as caught:
        layer_test("x: B D, W: D K, b: K -> B K", forward, backward)()
    assert "sum for mean" in str(caught.value)


def test_heldout_layers_and_mistakes():
    for forward, backward, inputs in heldout.heldout_layers().values():
        assert check(forward, backward, inputs).worst < 1e-7
    for mistake in heldout.heldout():
        with pytest.raises(GradientError):
            check(mistake.forward, mistake.backward, mistake.inputs)


@pytest.mark.parametrize("specification", ["x", "x: B D, y: label(B)", "x: B D < 3", "x: complex(B)", "x: B-1", ""])
def test_bad_specifications_are_refused(specification):
    with pytest.raises(ValueError, match="specification must"):
        layer_test(specification, softmax_forward, softmax_backward)


EVERYTHING = "x: B 2D, y: positive(H*D B+1), p: probability(B), i: int(B) < D, s: permutation(D) -> B H+D"


@example(strategies.generic_inputs(EVERYTHING, bound=2))
@given(strategies.layer_inputs(EVERYTHING, bound=2))
def test_letters_tie_shapes_together(drawn):
    (x, y, p, i, s), out = drawn
    (B, D), H = (len(x), x.shape[1] // 2), y.shape[0] * 2 // x.shape[1]
    assert x.shape == (B, 2 * D) and y.shape == (H * D, B + 1) and p.shape == i.shape == (B,) and out == (B, H + D)
    assert np.abs(x).max() <= 2 and (y > 0).all() and ((p > 0) & (p < 1)).all()
    assert (i < D).all() and sorted(s) == list(range(D))


def test_hypothesis_is_needed_for_the_strategies_alone():
    code = "import sys; sys.modules['hypothesis'] = None; import grok_np.gradcheck as g; print(g.check.__name__)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "check\n"
    failed = subprocess.run([sys.executable, "-c", f"{code}; g.layer_test"], capture_output=True, text=True)
    assert failed.returncode == 1 and 'layer_test needs hypothesis: pip install -e ".[test]"' in failed.stderr


@given(draws.arrays((2, 3), bound=2.0, away_from_zero=0.5))
def test_arrays_keep_their_promise(x):
    assert x.shape == (2, 3) and x.dtype == np.float64
    assert (np.abs(x) >= 0.5).all() and (np.abs(x) <= 2).all()


@given(draws.mlps())
def test_models_keep_their_promise(drawn):
    model, params, inputs = drawn
    assert {name: W.shape for name, W in params.items()} == model.shapes
    assert inputs.shape[1] == 2 and inputs.min() >= 0 and inputs.max() < model.p


def test_terms_that_cancel_are_no_mistake():
    """The norm over a single entry, and a softmax that is sure: what is left of their gradients is mostly rounding."""
    def forward(x, gain):
        scale = 1 / np.sqrt((x**2).mean(axis=-1, keepdims=True) + 1e-6)
        return x * scale * gain, (x, scale, gain)

    def backward(dout, cache):
        x, scale, gain = cache
        dn = dout * gain
        return (scale * dn - x * scale**3 * (dn * x).mean(axis=-1, keepdims=True), (dout * x * scale).sum(axis=0))

    rng = np.random.default_rng(0)
    for _ in range(40):  # of 40 such pairs a third once raised "not linear in dout" or "float32 is hidden inside"
        check(forward, backward, [rng.normal(size=(1, 1)) * 10.0 ** int(rng.integers(-2, 4)), rng.normal(size=1)])
    sure = [[[2.0, 0], [-3, 0]]], [[0.0, 1], [0, 0]], [[0.0, 3], [0, 0]], [[0.0, 1], [0, 0]]
    attention = zoo.LAYERS["attention"]
    check(attention.forward, attention.backward, [np.array(one) for one in sure])


def test_the_line_offered_leaves_right_gradients_right():
    """A wrong sign behind a shared line: that line could turn it, too, but would spoil what is right."""
    def forward(x, W, b):
        return np.tanh(x @ W + b), (x, W, np.tanh(x @ W + b))

    def wrong_x(dout, cache):
        x, W, out = cache
        da = dout * (1 - out * out)
        dx = -da @ W.T
        return dx, x.T @ da, da.sum(axis=0)

    def wrong_b(dout, cache):
        x, W, out = cache
        da = dout * (1 - out * out)
        db = -da.sum(axis=0)
        return da @ W.T, x.T @ da, db

    rng = np.random.default_rng(0)
    point = [rng.normal(size=shape) for shape in ((3, 4), (4, 5), 5)]
    for backward, line in ((wrong_x, "dx = da @ W.T"), (wrong_b, "db = da.sum(axis=0)")):
        with pytest.raises(GradientError) as error:
            check(forward, backward, point)
        assert line in str(error.value)


def test_a_missing_gradient_in_a_dict_inside_is_said():
    def backward(dout, cache):
        return dout, {"W": dout}

    x = np.ones(3)
    with pytest.raises(GradientError, match="backward returned gradients for .* inputs are .*'s'"):
        check(lambda x, p: (x * p["W"] * p["s"], None), backward, [x, {"W": x, "s": x}])
