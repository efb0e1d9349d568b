"""Every public call with a wrong argument either works or says which argument, and what is allowed.

    HYPOTHESIS_PROFILE=thorough pytest tests/test_bad_arguments.py        up to 400 calls per function, over 20,000
"""

import importlib
import inspect
import re
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import grok_np
from grok_np import (
    MLP,
    AdamW,
    BitMLP,
    ModularArithmetic,
    RunError,
    SparseParity,
    analytic,
    clock_pizza,
    reading,
    resume,
    train,
)
from grok_np.layers import ACTIVATIONS
from grok_np.learning.sweep import sweep
from grok_np.networks.mlp import FACTORINGS, INITIALISATIONS
from grok_np.networks.transformer import LAYOUTS
from grok_np.reading.published import PublishedError
from grok_np.tasks import OPERATIONS

RNG = np.random.default_rng(0)
MODEL = MLP(5, 3, 4)
PARAMS = MODEL.init(np.random.default_rng(0))
STAR = analytic.star(7, 5, activation="relu")
LOGITS = analytic.clock_logits(5) + 0.1 * RNG.normal(size=(5, 5, 5))
TABLE = RNG.normal(size=(5, 3))
TASK = ModularArithmetic(5)

# What is drawn in place of one valid argument. Most are wrong for most arguments, and some are right for some.
JUNK = st.sampled_from([
    None, True, 0, -1, 1, 2, 3, 1.5, -0.5, 1e308, 10**30, float("nan"), float("inf"), -float("inf"), 1j, "", "junk",
    b"x", [], [1], ["a"], [[1], [2, 3]], {}, {"a": 1}, object(), ..., np.nan, np.array(0.5), np.zeros(0), np.zeros(3),
    np.zeros((2, 3)), np.zeros((5, 5)), np.zeros((5, 5), bool), np.zeros((2, 2, 2)), np.full(4, np.nan), np.array("a"),
    np.array([None]), np.arange(5), np.array([[9, 9]]), np.int64(3), np.float32(0.5), np.random.default_rng(0)])


def one_of(*values):
    return st.sampled_from(values)


def whole(low, high):
    return st.integers(low, high)


def real(low, high):
    return st.floats(low, high)


activation = one_of(*ACTIVATIONS)
ring_activation = one_of("square", "relu", "abs")
flag = st.booleans()
frequencies = one_of([1], [1, 2], (2,))
logits, table, mask = st.just(LOGITS), st.just(TABLE), one_of(None, np.eye(5, dtype=bool))
neurons, W_L = st.just(RNG.normal(size=(5, 5, 2))), st.just(RNG.normal(size=(2, 5)))
step, curve = st.just(np.arange(4)), st.just(np.array([2.0, 3.0, 1.0, 0.1]))
model, params = st.just(MODEL), st.just(PARAMS)
effective = st.just(STAR)
MLP_ARGUMENTS = {
    "p": whole(2, 9), "d_embed": whole(1, 4), "n_hidden": whole(1, 4), "activation": activation, "bias": flag,
    "factoring": one_of(*FACTORINGS), "initialisation": one_of(*INITIALISATIONS), "init_scale": real(0.1, 2)}
TRANSFORMER_ARGUMENTS = {
    "p": whole(2, 9), "d_model": whole(1, 8), "n_heads": whole(1, 8), "d_mlp": whole(0, 4), "activation": activation,
    "layout": one_of(*LAYOUTS), "attention_rate": real(0, 1), "separate_vocabularies": flag, "causal": flag,
    "initialisation": one_of("nanda", "pizza")}
RING = {"p": whole(2, 9), "frequency": whole(1, 9), "activation": activation, "allow_inexact": flag}
WIDE = {"p": whole(3, 9), "frequencies": frequencies}


ARGUMENTS = {
    "tasks.ModularArithmetic": {
        "p": whole(2, 9), "operation": one_of(*OPERATIONS), "train_fraction": real(0.01, 0.99), "symmetric": flag,
        "seed": whole(0, 9), "corrupted_fraction": real(0, 1)},
    "tasks.SparseParity": {"n_bits": whole(2, 9), "k": whole(1, 9), "train_size": whole(1, 9),
                           "test_size": whole(1, 9), "seed": whole(0, 9), "random_labels": flag},
    "mlp.MLP": MLP_ARGUMENTS,
    "mlp.index_pairs": {"inputs": one_of([[0, 1]], np.zeros((3, 2), int)), "p": whole(2, 9)},
    "deep.DeepMLP": MLP_ARGUMENTS,
    "transformer.Transformer": TRANSFORMER_ARGUMENTS,
    "deep.DeepTransformer": TRANSFORMER_ARGUMENTS | {"n_layers": whole(1, 3)},
    "parity.BitMLP": {"n_bits": whole(1, 9), "n_hidden": whole(1, 9), "activation": activation},
    "parity.exact_parity": {"n_bits": whole(1, 9), "k": whole(1, 9)},
    "adamw.AdamW": {"lr": real(1e-5, 1), "betas": one_of((0.9, 0.98), [0, 0.5]), "eps": real(1e-12, 1),
                    "weight_decay": real(0, 2), "penalty": one_of("l1", "l2"), "warmup_steps": whole(0, 9)},
    "adamw.SGD": {"lr": real(1e-5, 1), "momentum": real(0, 0.99), "weight_decay": real(0, 2),
                  "warmup_steps": whole(0, 9)},
    "training.train": {
        "model": model, "task": st.just(TASK), "optimizer": one_of(None, AdamW()), "steps": whole(1, 3),
        "seed": whole(0, 9), "checkpoint_every": whole(1, 3), "log_every": whole(1, 3), "threads": one_of(None, 1),
        "loss": one_of("cross_entropy", "mean_squared_error"), "dtype": one_of("float32", "float64"),
        "progress": st.just(False)},
    "training.resume": {"path": one_of("nowhere"), "threads": one_of(None, 1), "progress": flag},
    "runs.load_run": {"path": one_of("nowhere")},
    "ensemble.train_members": {
        "model": st.just(BitMLP(3, 2)), "tasks": st.just([SparseParity(3, 2, 4, 4)]), "optimizer": st.just(AdamW()),
        "steps": whole(1, 3), "seeds": one_of([0]), "loss": one_of("logistic", "hinge"), "log_every": whole(1, 3),
        "stop": st.none(), "dtype": one_of("float32", "float64")},
    "published.load": {"source": st.just({"embed": TABLE, "hidden_w": np.ones((3, 4)), "out_w": np.ones((4, 3))}),
                       "config": one_of(None, {"p": 5})},
    "sweep.grid": {"p": one_of([1, 2], range(3))},
    "sweep.read_table": {"path": one_of("nowhere.jsonl")},
    "gradcheck.check_gradients": {
        "forward": st.just(lambda x: (x * x, x)), "backward": st.just(lambda dout, x: 2 * x * dout),
        "inputs": st.just([np.ones(2)]), "rng": one_of(None, RNG), "h": real(1e-6, 1e-4), "rtol": real(1e-6, 1e-3)},
    "analytic.required_moments": {"activation": ring_activation},
    "analytic.rigid_size": {"activation": ring_activation},
    "analytic.moments": {"phases": st.just(np.arange(5.0)), "weights": one_of(None, np.ones(5)), "n_max": whole(1, 20)},
    "analytic.cosine_coefficients": {"activation": ring_activation, "n_max": whole(2, 20)},
    "analytic.aliases": {"n_neurons": whole(1, 9), "coefficients": one_of(np.ones(9), [1, 2, 3])},
    "analytic.ring": RING | {"phases": st.just(np.arange(5.0)), "weights": one_of(None, np.ones(5))},
    "analytic.coprime": {"frequency": whole(1, 9), "p": whole(2, 9), "allow_inexact": flag},
    "analytic.star": RING | {"n_neurons": whole(1, 9), "phase": real(-4, 4)},
    "analytic.stars": {"p": whole(3, 9), "n_neurons": one_of(5, [5]), "frequencies": one_of([1], [2]),
                       "phases": one_of(0.0, [1.0]), "amplitudes": one_of(1.0, [2.0]), "activation": activation,
                       "allow_inexact": flag},
    "analytic.untied_star": {"p": whole(2, 9), "n_neurons": whole(1, 9), "windings": one_of((1, 4), (1, 3)),
                             "frequency": whole(1, 9), "allow_inexact": flag},
    "analytic.clock_logits": WIDE,
    "analytic.pizza_logits": WIDE | {"companion": real(0, 0.9)},
    "analytic.accompanying_logits": WIDE,
    "analytic.clock": WIDE,
    "analytic.pizza": WIDE | {"companion": real(0, 0.9)},
    "analytic.on_circles": {"network": effective, "frequencies": one_of([1], [1, 2])},
    "analytic.exact_weights": {"phases": st.just(2 * np.pi / 5 * np.arange(5)), "activation": ring_activation},
    "analytic.uneven_ring": {"n_neurons": whole(4, 9), "moment": one_of(0, 0.4, 0.3j), "activation": ring_activation},
    "analytic.gromov": {"p": whole(2, 9), "n_neurons": whole(1, 9), "rng": st.just(RNG)},
    "analytic.certificate": {"n_neurons": whole(1, 9), "windings": one_of((1, 1), (1, 4))},
    "analytic.is_exact": {"n_neurons": whole(1, 9)},
    "analytic.logits": {"effective": effective, "p": st.just(7)},
    "analytic.margins": {"logits": logits},
    "analytic.star_margin": WIDE | {"amplitudes": one_of(1.0, 2.0)},
    "analytic.clock_margin": WIDE,
    "analytic.pizza_margin": WIDE | {"companion": real(0, 0.9)},
    "analytic.best_frequencies": {"p": one_of(7, 11, 13), "m": whole(1, 3), "exhaustive_up_to": whole(0, 50),
                                  "margin": one_of(analytic.star_margin, analytic.clock_margin)},
    "analytic.solves": {"p": one_of(3, 7, 9), "n_neurons": whole(1, 9), "activation": ring_activation,
                        "phase": real(-4, 4)},
    "analytic.largest_modulus": {"n_neurons": whole(1, 9), "activation": ring_activation, "up_to": whole(3, 30)},
    "rings.find": {"effective": effective},
    "rings.transplant": {"effective": effective, "wave": one_of(reading.rings.cosine, reading.rings.square_wave)},
    "rings.keep_harmonics": {"effective": effective, "harmonics": one_of((0, 1, 2), [1])},
    "rings.regularise": {"effective": effective},
    "rings.score": {"effective": effective, "inputs": st.just(np.array([[0, 1], [2, 3]])),
                      "labels": st.just(np.array([1, 5]))},
    "rings.scores": {"effective": effective, "split": st.just(ModularArithmetic(7).split())},
    "rings.table": {"effective": effective, "split": st.just(ModularArithmetic(7).split())},
    "fourier.frequencies": {"p": whole(1, 9)},
    "fourier.basis": {"p": whole(1, 9)},
    "fourier.transform": {"x": table, "axis": one_of(0, 1, -1)},
    "fourier.inverse_transform": {"coefficients": table, "axis": one_of(0, 1, -1)},
    "fourier.transform2d": {"x": logits},
    "fourier.inverse_transform2d": {"coefficients": logits},
    "fourier.power": {"x": table, "axis": one_of(0, 1, -1)},
    "fourier.key_frequencies": {"power_by_frequency": st.just(np.arange(4.0)), "share": real(0.01, 1)},
    "fourier.strongest_waves": {"x": table, "frequency": one_of(None, np.array([1, 2, 1]))},
    "fourier.sum_waves": {"logits": logits},
    "fourier.gini": {"values": st.just(np.arange(4.0))},
    "fourier.inverse_participation_ratio": {"power_by_frequency": st.just(np.arange(4.0))},
    "progress.sum_part": {"logits": logits, "frequencies": frequencies},
    "progress.loss": {"logits": logits, "mask": mask},
    "progress.restricted_loss": {"logits": logits, "frequencies": frequencies, "mask": mask},
    "progress.excluded_loss": {"logits": logits, "frequencies": frequencies, "mask": mask},
    "progress.trigonometric_loss": {"logits": logits, "frequencies": frequencies},
    "progress.cosine_coefficients": {"logits": logits},
    "progress.fraction_explained": {"logits": logits, "frequencies": frequencies,
                                    "centring": one_of("total", "output", "input", "both")},
    "progress.sum_fraction_explained": {"logits": logits, "frequencies": frequencies},
    "progress.key_frequencies": {"logits_or_weights": one_of(LOGITS, TABLE), "share": one_of(None, 0.1)},
    "progress.neuron_key_frequencies": {"neurons": neurons, "least_neurons": whole(1, 3), "least_fraction": real(0, 1)},
    "progress.neuron_frequencies": {"neurons": neurons},
    "progress.neuron_fit": {"neurons": neurons, "frequency": one_of(np.array([1, 2]), [0, 1])},
    "progress.component_norms": {"x": logits},
    "progress.fourier_gini": {"table": table},
    "progress.sum_of_squared_weights": {"params": params},
    "progress.restrict_readout": {"W_L": W_L, "frequencies": frequencies},
    "progress.ablations": {"logits": logits, "frequencies": frequencies, "mask": mask, "neurons": neurons, "W_L": W_L},
    "progress.measures": {"logits": logits, "frequencies": frequencies, "train_mask": st.just(np.eye(5, dtype=bool)),
                          "test_mask": mask, "W_E": one_of(None, TABLE), "W_L": W_L, "params": params},
    "progress.phases": {"step": step, "test_loss": curve, "p": whole(2, 9)},
    "progress.halfway": {"step": step, "curve": curve, "rising": flag},
    "clock_pizza.all_logits": {"model": model, "params": params},
    "clock_pizza.correct_logits": {"logits": logits},
    "clock_pizza.largest_wrong_logits": {"logits": logits},
    "clock_pizza.by_sum_and_difference": {"table": st.just(RNG.normal(size=(5, 5)))},
    "clock_pizza.gradient_cosines": {"model": model, "params": params, "triples": one_of(None, np.array([[0, 1, 2]]))},
    "clock_pizza.gradient_symmetricity": {"model": model, "params": params,
                                          "triples": one_of(None, np.array([[0, 1, 2]]))},
    "clock_pizza.paper_triples": {"p": whole(2, 9), "n": whole(1, 8), "seed": whole(0, 9)},
    "clock_pizza.distance_irrelevance": {"model": model, "params": params, "of": one_of("correct", "largest wrong")},
    "clock_pizza.spread_within_distances": {"logits": logits, "of": one_of("correct", "largest wrong")},
    "clock_pizza.circularity": {"model": model, "params": params},
    "clock_pizza.token_table": {"model": model, "params": params},
    "clock_pizza.principal_components": {"table": table},
    "clock_pizza.circles": {"table": table, "least_share": real(0, 1), "p": one_of(None, 4)},
    "clock_pizza.circle_of": {"scores": table, "components": one_of((0, 1), [1, 2])},
    "clock_pizza.isolate": {"model": model, "params": params, "components": one_of([0], (0, 1))},
    "clock_pizza.pizza_prime": {"p": whole(2, 9), "frequency": whole(1, 4)},
    "clock_pizza.fraction_explained": {"logits": logits, "frequency": whole(1, 2),
                                       "formula": one_of(*clock_pizza.FORMULAS)},
    "clock_pizza.isolated_circles": {"model": model, "params": params, "least_share": real(0, 1)},
    "clock_pizza.accuracy": {"logits": logits},
    "clock_pizza.classify": {"model": model, "params": params},
}


# The modules whose functions users call. Those of the others (layers, attention, mlp, transformer, deep, adamw) are the
# parts of a training step, but for the constructors, which are in the table; figures and strategies only draw.
MODULES = ("tasks", "parity", "training", "runs", "ensemble", "sweep", "gradcheck", "analytic", "compare", "fourier",
           "progress", "clock_pizza", "published")
EXCLUDED = {
    "what a function returns": ["tasks.Split", "training.Shard", "runs.Run", "ensemble.Members", "analytic.Certificate",
                                "rings.Ring", "rings.Score", "fourier.Waves", "progress.Phases",
                                "clock_pizza.Components", "clock_pizza.Circle", "clock_pizza.Isolated",
                                "clock_pizza.Verdict", "published.Published"],
    "errors": ["runs.RunError", "published.PublishedError", "sweep.SweepError", "gradcheck.GradientError"],
    "inside a training step, where nothing is checked": [
        "training.make_shards", "training.loss_and_gradients", "training.evaluate", "training.keep_freed_memory",
        "training.dense_steps", "ensemble.stack", "ensemble.loss_and_gradients"],
    "parts of train, resume and load_run, see test_broken_files": [
        "runs.to_config", "runs.from_config", "runs.check_settings", "runs.make_folder", "runs.create_folder",
        "runs.read_config", "runs.write_history", "runs.read_history", "runs.checkpoint_steps", "runs.write_checkpoint",
        "runs.read_checkpoint", "runs.newest_checkpoint", "runs.write_atomically", "runs.read_npz"],
    "part of load": ["published.read"],
    "waves, functions of an angle": ["rings.cosine", "rings.square_wave"],
    "any number of networks, tested below": ["analytic.together"],
    "needs a table on disk and a function, tested below": ["sweep.sweep"],
}


def test_every_public_name_is_drawn_or_excluded():
    public = {f"{module}.{name}" for module in MODULES
              for name, thing in vars(importlib.import_module(f"grok_np.{module}")).items()
              if callable(thing) and not name.startswith("_") and thing.__module__ == f"grok_np.{module}"}
    excluded = {name for names in EXCLUDED.values() for name in names}
    assert public == excluded | {name for name in ARGUMENTS if name.split(".")[0] in MODULES}
    assert {thing.__name__ for thing in map(vars(grok_np).get, grok_np.__all__)} <= {
        name.split(".")[1] for name in [*ARGUMENTS, *excluded]} | {"DivergedError"}


@pytest.mark.parametrize("name", ARGUMENTS)
def test_every_argument_is_drawn(name):
    arguments = set(inspect.signature(function(name)).parameters)
    # Where a run is written to is test_broken_files' business; a dtype is any that NumPy knows; grid takes any name.
    assert arguments - {"out", "dtype", "lists"} <= set(ARGUMENTS[name])


def function(name):
    module, function = name.split(".")
    return getattr(importlib.import_module(f"grok_np.{module}"), function)


# A message may name an argument by what it holds.
ALSO = {"frequencies": "frequency", "phases": "phase", "train_mask": "mask", "test_mask": "mask", "params": "shapes"}


@pytest.mark.parametrize("name", ARGUMENTS)
@settings(max_examples=max(5, 2 * settings().max_examples // 5))
@given(data=st.data())
def test_it_works_or_says_what_is_wrong(name, data):
    arguments = {name: data.draw(strategy, label=name) for name, strategy in ARGUMENTS[name].items()}
    wrong = data.draw(st.none() | st.sampled_from(sorted(arguments)), label="wrong")
    if wrong is not None:
        arguments[wrong] = data.draw(JUNK, label="junk")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            function(name)(**arguments)
    except (RunError, PublishedError, OSError):
        assert "path" in arguments or "source" in arguments  # there is no such file, and the message names it
    except (ValueError, TypeError) as error:
        named = [rf"\b({one}|{ALSO.get(one, one)})\b" for one in arguments] + ["shapes of the parameters"]
        assert any(re.search(one, str(error)) for one in named), error
        assert " must " in str(error), error


@pytest.mark.parametrize(("call", "message"), [
    (lambda: analytic.together(STAR, 3), "each of networks must be of type Effective, got 3"),
    (lambda: analytic.together(STAR, analytic.star(7, 5)), "networks must be one or more of the same activation"),
    (lambda: sweep(3, [], "table"), "function must be callable, got 3"),
    (lambda: sweep(dict, 3, "table"), "settings must be of type list or tuple, got 3"),
    (lambda: sweep(dict, [3], "table"), "each of settings must be of type dict, got 3"),
    (lambda: sweep(dict, [{"x": object()}], "table"), "settings and rows must hold what JSON can.* got <object"),
    (lambda: sweep(dict, [], 3), "table must be of type str or Path, got 3"),
    (lambda: train(MODEL, TASK, out=3), "out must be of type str or Path, got 3"),
    (lambda: MODEL.forward(PARAMS, [[0, 5]]), "inputs must be in .0, 5., got values from 0 to 5"),
])
def test_the_rest(call, message):
    with pytest.raises((ValueError, TypeError), match=message):
        call()


def test_numbers_of_numpy_are_numbers(tmp_path):
    """They are written to config.json as Python's, and a resumed run computes with the same ones."""
    model, task = MLP(np.int64(5), np.int32(3), 4), ModularArithmetic(np.int64(5))
    run = train(model, task, AdamW(lr=np.float32(1e-3)), np.int64(4), np.int64(1), tmp_path / "run", progress=False)
    (tmp_path / "run/checkpoints/00000004.npz").unlink()
    again = resume(tmp_path / "run", progress=False)
    assert all(np.array_equal(again.params[name], W) for name, W in run.params.items())
