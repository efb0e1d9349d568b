"""The measures that tell clock from pizza: published numbers, invariances, and the two written-down networks."""

import json
import math

import draws
import numpy as np
import pytest
from _circles import find_circles, formula_agreement, isolate, isolated_circles
from hypothesis import assume, given
from hypothesis import strategies as st

from grok_np import MLP, Transformer, analytic
from grok_np.layers import predict
from grok_np.networks.deep import DeepMLP, DeepTransformer
from grok_np.networks.factorings import FACTORINGS
from grok_np.reading import all_activations, all_logits, clock_pizza, published

CHECKPOINTS = ("p99zdpze5l", "l8k1hzciux", "p71frej8t7", "18c9ev5v5p", "dy65ktpiij", "f5dh675z97", "2fsoiei4o2")


def share_right(logits):
    return (predict(logits) == np.add.outer(range(len(logits)), range(len(logits))) % len(logits)).mean()


@pytest.mark.parametrize("name", CHECKPOINTS)
def test_published_networks(reference, name):
    """Every measure of every published checkpoint, asked to 1e-3; here to 1e-5."""
    model, params, *_ = published.load(reference(f"pizza/{name}.npz"))
    expected = json.loads(reference("pizza/expected.json").read_text(encoding="utf-8"))[name]
    logits = all_logits(model, params)
    exact = all_logits(model, {key: W.astype(np.float64) for key, W in params.items()})
    assert share_right(exact) == pytest.approx(expected["grid_accuracy"], abs=1e-12)
    for of, key in (("correct", "distance_irrelevance"), ("largest wrong", "distance_irrelevance_max_wrong_logit")):
        assert clock_pizza.distance_irrelevance(model, params, of=of) == pytest.approx(expected[key], abs=1e-5)
    assert clock_pizza.circularity(model, params) == pytest.approx(expected["circularity"], abs=1e-5)
    assert clock_pizza.gradient_symmetricity(model, params) == pytest.approx(
        expected["gradient_symmetricity_full"], abs=1e-5)
    cosines = clock_pizza.gradient_cosines(model, params, clock_pizza.paper_triples(59))
    with np.load(reference("pizza/expected_arrays.npz"), allow_pickle=False) as arrays:
        np.testing.assert_array_equal(clock_pizza.paper_triples(59), arrays["triples_100"])
        np.testing.assert_allclose(cosines, arrays[f"{name}__gs_100"], atol=1e-4)
        np.testing.assert_allclose(clock_pizza.correct_logits(logits), arrays[f"{name}__correct"], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("name", "verdict"), [("p99zdpze5l", "pizza"), ("l8k1hzciux", "clock"),
                                               ("p71frej8t7", "pizza"), ("dy65ktpiij", "neither")])
def test_circles_and_verdict_of_published_networks(reference, name, verdict):
    model, params, *_ = published.load(reference(f"pizza/{name}.npz"))
    expected = json.loads(reference("pizza/expected.json").read_text(encoding="utf-8"))[name]["logit_fve"]
    found = isolated_circles(model, params)
    for one, theirs in zip(found, expected, strict=False):
        assert one.circle.frequency == theirs["freq"]
        assert one.circle.share == pytest.approx(theirs["power_share_of_freq"], abs=1e-6)
        for ours, key in (("clock", "fve_clock"), ("pizza", "fve_pizza"), ("pizza'", "fve_pizza_prime")):
            assert one.agreement[ours] == pytest.approx(theirs[key], abs=1e-5)
    assert clock_pizza.classify(model, params).algorithm == verdict


def test_model_A_has_three_pizzas_and_their_companions(reference):
    """The paper: 97 to 98 % of the companions' logits; alone every circle fails, all of them together never do."""
    model, params, *_ = published.load(reference("pizza/p99zdpze5l.npz"))
    found = isolated_circles(model, params)
    assert [(one.circle.frequency, one.accompanies) for one in found] == [
        (17, None), (3, None), (15, None), (25, 17), (6, 3), (29, 15)]
    assert all(0.97 < one.agreement["accompanying"] < 0.98 for one in found[3:])
    assert max(one.accuracy for one in found) < 0.4
    every = [component for one in found for component in one.circle.components]
    assert share_right(all_logits(model, isolate(model, params, every))) == 1


def small_models():
    yield from (MLP(5, 2 if name == "circular" else 3, 4, "gelu", name, bias=True) for name in sorted(FACTORINGS))
    yield DeepMLP(5, 3, 4, "gelu")
    for layout in ("a b", "a b ="):
        for two in (False, True):
            yield Transformer(5, 4, 2, 6, "gelu", layout, 0.7, two)
    yield Transformer(5, 4, 2, 0, "gelu", "a b", 0.7)
    yield DeepTransformer(5, 4, 2, 6, "gelu", "a b", 0.7, causal=False)
    yield DeepTransformer(5, 4, 2, 6, "gelu", "a b =", 0.7)


def draw(model, seed=0):
    rng = np.random.default_rng(seed)
    return {name: rng.normal(size=shape) for name, shape in model.shapes.items()}


def rows(model, params, a, b):
    """(name, row) of what is looked up for a and for b; None for a frozen embedding."""
    if getattr(model, "frozen", None):
        return None
    if "W_E" in params:
        return ("W_E", a), ("W_E", b + (model.p if getattr(model, "separate_vocabularies", False) else 0))
    names = ("W_E_a", "W_E_b") if "W_E_a" in params else ("W_in_a", "W_in_b") if "W_in_a" in params else ("W_in",) * 2
    return (names[0], a), (names[1], b)


@pytest.mark.parametrize("model", list(small_models()), ids=str)
def test_embedding_gradients_are_differences(model):
    """Move one embedding, look at the logits of one pair, a != b; a tied read-out of a or b has no say in dlogits."""
    params = draw(model)
    a, b = 1, 3
    logits, cache = model.forward(params, np.array([[a, b], [b, a]]))
    dlogits = np.random.default_rng(1).normal(size=logits.shape)
    dlogits[:, [a, b]] = 0
    found = [g[0] for g in model.embedding_gradients(dlogits, cache)]
    where = rows(model, params, a, b)
    if where is None:
        assert [g.shape for g in found] == [(2,), (2,)]
        return
    for (name, row), gradient in zip(where, found, strict=True):
        assert np.abs(gradient).max() > 1e-3
        for i in range(params[name].shape[1]):
            moved = []
            for h in (1e-5, -1e-5):
                table = params[name].copy()
                table[row, i] += h
                moved.append((model.forward(params | {name: table}, [[a, b]])[0] * dlogits[0]).sum())
            assert gradient[i] == pytest.approx((moved[0] - moved[1]) / 2e-5, rel=1e-6, abs=1e-7)


@given(draws.transformers())
def test_embedding_gradients_add_up_to_the_gradient_of_the_table(drawn):
    model, params, inputs = drawn
    logits, cache = model.forward(params, inputs)
    dlogits = np.random.default_rng(0).normal(size=logits.shape)
    g_a, g_b = model.embedding_gradients(dlogits, cache)
    table = np.zeros_like(params["W_E"])
    tokens = model.tokens(inputs)
    np.add.at(table, tokens[:, 0], g_a)
    np.add.at(table, tokens[:, 1], g_b)
    used = 2 * model.p if model.separate_vocabularies else model.p
    np.testing.assert_allclose(table[:used], model.backward(dlogits, cache)["W_E"][:used], atol=1e-9)


def measures(model, params):
    return [clock_pizza.gradient_symmetricity(model, params), clock_pizza.distance_irrelevance(model, params),
            clock_pizza.distance_irrelevance(model, params, of="largest wrong"),
            clock_pizza.circularity(model, params)]


@given(p=st.integers(3, 9), multiplier=st.integers(2, 8), seed=st.integers(0, 99), deep=st.booleans())
def test_renaming_the_tokens_changes_nothing(p, multiplier, seed, deep):
    """t -> m t for tokens and answers, m coprime to p, is another network with the same measures."""
    assume(math.gcd(multiplier, p) == 1)
    model = DeepTransformer(p, 4, 2, 6, layout="a b") if deep else Transformer(p, 4, 2, 6, layout="a b")
    params = draw(model, seed)
    renamed = multiplier * np.arange(p) % p
    other = params | {"W_E": params["W_E"][renamed], "W_U": params["W_U"][:, renamed]}
    np.testing.assert_allclose(measures(model, other), measures(model, params), rtol=1e-9, atol=1e-12)


@given(seed=st.integers(0, 99), scale=st.floats(0.1, 10))
def test_turning_the_stream_and_scaling_the_logits_change_nothing(seed, scale):
    model = Transformer(7, 4, 2, 6, layout="a b", attention_rate=0.4)
    params = draw(model, seed)
    turn, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(4, 4)))
    into, out_of = ("W_E", "W_pos", "W_O", "W_out", "b_out"), ("W_Q", "W_K", "W_V", "W_in", "W_U")
    other = (params | {name: params[name] @ turn for name in into} | {name: turn.T @ params[name] for name in out_of})
    other["W_U"] = scale * other["W_U"]
    np.testing.assert_allclose(measures(model, other), measures(model, params), rtol=1e-8, atol=1e-10)


@given(p=st.integers(3, 40), k=st.integers(1, 20))
def test_the_exact_clock_and_pizza_are_the_poles(p, k):
    """Clock: g_a and g_b are b's and a's place, turned, cosine cos(w (a - b)), mean 0; pizza: the same vector."""
    assume(math.gcd(k, p) == 1)
    clock, pizza = (analytic.on_circles(build(p, (k,)), (k,)) for build in (analytic.clock, analytic.pizza))
    cosines = clock_pizza.gradient_cosines(*clock)
    a, b, _ = np.ogrid[:p, :p, :p]
    np.testing.assert_allclose(cosines, np.broadcast_to(np.cos(2 * np.pi * k / p * (a - b)), cosines.shape), atol=1e-9)
    assert clock_pizza.gradient_symmetricity(*clock) == pytest.approx(0, abs=1e-9)
    assert np.isnan(clock_pizza.distance_irrelevance(*clock))
    assert clock_pizza.distance_irrelevance(*pizza) == pytest.approx(0, abs=1e-7)
    if p % 2:
        assert clock_pizza.gradient_symmetricity(*pizza) == pytest.approx(1, abs=1e-9)
    assert clock_pizza.circularity(*clock) == pytest.approx(1, abs=1e-9)


def test_circularity_counts_the_alternating_wave_once():
    """Half the power of the only component alternates (frequency p/2, which has no mirror image), half is a cosine."""
    p, t = 60, np.arange(60)
    W_E = ((-1.0) ** t / np.sqrt(2) + np.cos(2 * np.pi * 3 * t / p))[:, None]
    model = MLP(p, d_embed=1, n_hidden=2)
    params = {"W_E": W_E, "W_in": np.ones((1, 2)), "W_out": np.ones((2, 1))}
    assert clock_pizza.circularity(model, params) == pytest.approx(0.5)



def test_exact_networks_are_recognised():
    for build, name in ((analytic.clock, "clock"), (analytic.pizza, "pizza")):
        assert clock_pizza.classify(*analytic.on_circles(build(31, (1, 4)), (1, 4))).algorithm == name
    model = MLP(31, 8, 6)
    assert clock_pizza.classify(model, draw(model)).algorithm == "neither"


def test_maps_by_sum_and_difference():
    a, b = np.indices((6, 6))
    turned = clock_pizza.by_sum_and_difference(10.0 * a + b)
    assert turned[3, 1] == (21 + 54) / 2 and turned[0, 0] == (0 + 33) / 2 and np.isnan(turned[1, 0])
    odd = clock_pizza.by_sum_and_difference(np.arange(25.0).reshape(5, 5))
    assert sorted(odd.ravel()) == list(range(25)) and odd[(4 + 3) % 5, 4 - 3] == 23


def test_circles_alone_and_together():
    """Three circles of an exact pizza: isolation gives back the exact pizza of that circle."""
    p, frequencies = 31, (1, 3, 9)
    model, params = analytic.on_circles(analytic.pizza(p, frequencies), frequencies)
    found = find_circles(params["W_E"])
    assert [circle.frequency for circle in found] == [1, 3, 9]
    assert all(circle.share == pytest.approx(1) for circle in found)
    logits = all_logits(model, isolate(model, params, found[1].components))
    assert formula_agreement(logits, 3, "pizza") == pytest.approx(1)
    np.testing.assert_allclose(logits, analytic.pizza_logits(p, (3,)), atol=1e-9)
    everything = [i for circle in found for i in circle.components]
    np.testing.assert_allclose(isolate(model, params, everything)["W_E"], params["W_E"], atol=1e-9)


@given(p=st.integers(3, 31).filter(lambda p: p % 2), k=st.integers(1, 15))
def test_the_two_pizza_formulas_are_nearly_one(p, k):
    """The second is what neurons at multiples of 45 degrees give; both are pizzas, and the clock is neither."""
    assume(math.gcd(k, p) == 1 and p > 8)
    pizza, clock = analytic.pizza_logits(p, [k]), analytic.clock_logits(p, [k])
    assert formula_agreement(pizza, k, "pizza'") > 0.9
    assert formula_agreement(pizza, k, "pizza") == pytest.approx(1)
    assert formula_agreement(3 * clock - 2, k, "clock") == pytest.approx(1)
    assert 0.6 < formula_agreement(clock, k, "pizza") < 0.85


def test_agreement_is_two_correlations_less_one():
    """So it is no fraction: 1 at best, -1 for no relation or no logits at all, -3 for the opposite."""
    clock, noise = analytic.clock_logits(31), np.random.default_rng(0).normal(size=(31, 31, 31))
    found = [formula_agreement(logits, 1, "clock") for logits in (clock, noise, 0 * clock, -clock)]
    np.testing.assert_allclose(found, [1, -1, -1, -3], atol=0.05)


def test_circles_of_any_frequency_can_stand_alone_for_composite_p():
    """Frequency 3 of p = 15 cannot add, but its circle can be looked at."""
    model = MLP(15, 2, 4)
    angle = 2 * np.pi * 3 / 15 * np.arange(15)
    params = draw(model) | {"W_E": np.stack([np.cos(angle), np.sin(angle)], axis=1)}
    one, = isolated_circles(model, params)
    assert one.circle.frequency == 3 and one.accuracy < 0.5 and one.accompanies is None


def test_logits_and_activations_of_all_pairs():
    model = MLP(5, 3, 4, "gelu", bias=True)
    params = draw(model)
    effective = model.effective(params)
    np.testing.assert_allclose(all_logits(model, params)[2, 4], model.forward(params, [[2, 4]])[0][0])
    np.testing.assert_allclose(all_logits(model, params), analytic.logits(effective, 5))
    np.testing.assert_allclose(all_activations(model, params) @ effective.C, all_logits(model, params))
    for read in (all_logits, all_activations):
        with pytest.raises(ValueError, match="params must be arrays of the model's shapes"):
            read(model, {})
        with pytest.raises(ValueError, match="model must be a network"):
            read(3, params)


def test_bad_arguments_are_named():
    model = MLP(5, 3, 4)
    params = draw(model)
    for triples in ([[1, 2]], [[0, 2, 5]], [[-1, 2, 3]]):
        with pytest.raises(ValueError, match=r"triples must be an integer array \(n, 3\), n >= 1, in \[0, 5\), got"):
            clock_pizza.gradient_symmetricity(model, params, triples=triples)
    with pytest.raises(ValueError, match="of must be one of correct, largest wrong, got 'wrong'"):
        clock_pizza.distance_irrelevance(model, params, of="wrong")
    with pytest.raises(ValueError, match="formula must be one of clock, pizza"):
        formula_agreement(np.zeros((5, 5, 5)), 1, "tart")
    with pytest.raises(ValueError, match=r"components must be one or more of 0 to 2, got \[3\]"):
        isolate(model, params, (3,))
    with pytest.raises(ValueError, match="params must be with an embedding W_E"):
        collapsed = MLP(5, 3, 4, factoring="collapsed")
        isolate(collapsed, {"W_in": np.ones((5, 4)), "W_out": np.ones((4, 5))}, (0,))
