# ruff: noqa: C408
"""Every public function with one wrong argument raises an error that begins with the name of that argument.

The functions are found by walking the package. What an argument may be is known by its name, the same in every function
but for the few of EXCEPT; a new argument has to be written down here once.

    pytest -s tests/test_bad_arguments.py        prints how many calls that were
"""

import importlib
import inspect
import pkgutil
import re
import warnings
from collections import Counter

import numpy as np
import pytest

import grok_np
from grok_np import (
    MLP,
    SGD,
    AdamW,
    BitMLP,
    ModularArithmetic,
    Transformer,
    analytic,
    load_run,
    reading,
    resume,
    train,
)
from grok_np.groups import cyclic
from grok_np.learning.ensemble import train_members
from grok_np.learning.sweep import sweep
from grok_np.networks.deep import DeepMLP, DeepTransformer
from grok_np.streams import generator

RNG = np.random.default_rng(0)
MODEL, TASK, MASK = MLP(7, 3, 4), ModularArithmetic(7), np.eye(7, dtype=bool)
PARAMS = MODEL.init(np.random.default_rng(0))
STAR = analytic.star(7, 5)
LOGITS = analytic.clock_logits(7) + 0.1 * RNG.normal(size=(7, 7, 7))
TABLE, SQUARE = RNG.normal(size=(7, 3)), RNG.normal(size=(7, 7))

# A right value of each argument, by what kind of thing it is.
RIGHT = {
    "integer": dict(
        axis=0, checkpoint_every=1, d_embed=3, d_mlp=4, d_model=4, exhaustive_up_to=9, frequency=2, k=2,
        log_every=1, m=2, n=5, n_bits=4, n_heads=2, n_hidden=4, n_layers=2, n_max=5, n_neurons=5, p=7,
        seed=1, steps=1, test_size=3, threads=1, train_size=3, up_to=9, warmup_steps=0),
    "real": dict(
        attention_rate=0.5, companion=0.5, corrupted_fraction=0.1, delta=0.05, eps=1e-8, epsilon=0.005, init_scale=1.0,
        lr=1e-3, momentum=0.9, phase=0.3, share=0.1, train_fraction=0.4, weight_decay=0.5),
    "number": dict(moment=0.3j),
    "flag": dict(
        allow_inexact=False, bias=True, causal=False, exist_ok=False, progress=False, random_labels=False, rising=True,
        separate_vocabularies=True, symmetric=False),
    "choice": dict(
        activation="square", coding="bits", dtype="float64", factoring="tied",
        initialisation="pizza", layout="a b", loss="cross_entropy", of="correct", operation="add", penalty="l1"),
    "array": dict(
        A=TABLE, B=TABLE, C=TABLE.T, W_E=TABLE, W_L=RNG.normal(size=(2, 7)), amplitudes=1.0, coefficients=np.ones(9),
        components=[0, 1], neuron_shares=np.eye(4), subgroup=[0],
        curve=[2.0, 3.0, 1.0, 0.1], frequencies=[1, 2], harmonics=(0, 1), logits=LOGITS, betas=(0.9, 0.98),
        neurons=RNG.normal(size=(7, 7, 2)), phases=2 * np.pi / 5 * np.arange(5), power_by_frequency=np.arange(4.0),
        step=np.arange(4), table=TABLE, test_loss=[2.0, 3.0, 1.0, 0.1], train_pairs=((0, 1), (2, 3)),
        triples=[[0, 1, 2]], values=np.arange(4.0), weights=np.ones(5), windings=(1, 4), x=SQUARE),
    "mask": dict(mask=MASK, test_mask=MASK, train_mask=MASK),
    "object": dict(
        classes=(), config={"p": 7}, effective=STAR, function=dict, group=cyclic(7), initial=PARAMS,
        margin=analytic.clock_margin,
        model=MODEL, network=STAR, optimizer=AdamW(), params=PARAMS, rings=reading.rings.find(STAR), rng=RNG, seeds=[0],
        settings=[], split=TASK.split(), task=TASK, tasks=[TASK], wave=np.cos),
    "path": dict(purpose="split", source={"embed": TABLE, "hidden_w": np.ones((3, 4)), "out_w": np.ones((4, 3))}),
}
KNOWN = {name: (kind, value) for kind, values in RIGHT.items() for name, value in values.items()}
EXCEPT = {
    "reading.clock_pizza.by_sum_and_difference": {"table": ("array", SQUARE)},
    "reading.fourier.strongest_waves": {"frequency": ("array", [1, 2, 1, 1, 1, 1, 1])},
    "reading.progress.neuron_fit": {"frequency": ("array", [1, 2])},
    "analytic.rings.stars": {"phases": ("array", 0.5)},
    "analytic.rings.untied_star": {"n_neurons": ("integer", 6)},
}
ANY = {"executor", "stop", "out"}  # left at their defaults: see test_sweep, test_parity, test_broken_files
# What is wrong for every argument of a kind.
NEVER = [b"x", object(), 1j]
JUNK = {
    "integer": [*NEVER, None, "junk", {}, [1, 2], 1.5, True, float("nan"), -(10**6), np.zeros(3)],
    "real": [*NEVER, None, "junk", {}, [], True, float("nan"), np.zeros(3)],
    "number": [b"x", object(), None, "junk", {}, [], 2.0, 3j],
    "flag": [*NEVER, None, "junk", {}, 0, 1.5, [], "False"],
    "choice": [*NEVER, None, "junk", {}, 0, True, [], np.zeros(3)],
    "array": [*NEVER, None, "junk", {}, ["a"], [[1], [2, 3]], np.array([None]), np.zeros((2, 3, 5, 9)) * 1j],
    "mask": [*NEVER, None, "junk", {}, 3, [True], np.zeros((7, 7)), np.ones((2, 7), bool)],
    "object": [*NEVER, None, "junk", 0, True, ["a"], np.zeros(3)],
    "path": [*NEVER, None, 0, True, [1], np.zeros(3)],
}
# Rooms whose every public function checks what it is given. Of the others, whose functions are steps of a pass or of a
# run, only these do.
ROOMS = ("tasks", "analytic", "reading")
DOORS = {thing.__name__: thing for thing in (
    MLP, DeepMLP, Transformer, DeepTransformer, BitMLP, AdamW, SGD, train, train_members, resume, load_run, sweep,
    generator)}
UNCHECKED = {"analytic.best.best_rings", "analytic.best.polish", "analytic.best.penalty",  # see test_best
             "analytic.rings.together", "analytic.rings.angles", "analytic.rings.frequency_array",
             "analytic.rings.one_each", "analytic.rings.two_windings", "analytic.clock_pizza.formula",
             "reading.rings.square_wave", "reading.every_pair.check",
             "analytic.groups.composition_network", "reading.groups.inverse_transform",
             "reading.every_pair.answers", "reading.every_pair.grid", "reading.published.read", "tasks.all_pairs"}


def doors():
    """{name: function or class} of every public door."""
    found = {}
    for module in pkgutil.walk_packages(grok_np.__path__, "grok_np."):
        name = module.name.removeprefix("grok_np.")
        if name.split(".")[0] in ROOMS:
            for thing in vars(importlib.import_module(module.name)).values():
                # Of classes only tasks are made by users; the others are what functions return or raise.
                own = callable(thing) and getattr(thing, "__module__", None) == module.name
                if own and (hasattr(thing, "split") or not inspect.isclass(thing)):
                    found[f"{name}.{thing.__name__}"] = thing
    return DOORS | {name: thing for name, thing in found.items()
                    if name not in UNCHECKED and not name.split(".")[-1].startswith(("_", "<"))}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Folder of a finished run."""
    folder = tmp_path_factory.mktemp("run") / "run"
    train(MODEL, TASK, steps=1, out=folder, progress=False)
    return folder


def wrong_arguments(call, known):
    """(argument, junk, error or None) for every argument of the call and all that is wrong for its kind."""
    parameters = {name: one for name, one in inspect.signature(call).parameters.items() if name not in ANY}
    right = {name: known[name][1] for name in parameters}
    call(**right)
    for name, parameter in parameters.items():
        for junk in JUNK[known[name][0]]:
            if junk is not parameter.default and not (junk is None and name == "threads"):  # None: one per core
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    try:
                        call(**right | {name: junk})
                        yield name, junk, None
                    except (ValueError, TypeError) as error:
                        yield name, junk, str(error)


@pytest.fixture(scope="module")
def calls():
    """Counts the wrong calls by function, and prints how many there were."""
    made = Counter()
    yield made
    print(f"\n{made.total()} wrong calls of {len(made)} public functions and classes")


@pytest.mark.parametrize("name", doors())
def test_the_wrong_argument_is_named(name, run, tmp_path, calls):
    paths = {"path": ("path", run)} | ({"table": ("path", tmp_path / "table.jsonl")} if name == "sweep" else {})
    for argument, junk, error in wrong_arguments(doors()[name], KNOWN | paths | EXCEPT.get(name, {})):
        calls[name] += 1
        assert error is not None, f"{argument}={junk!r} is accepted"
        named = rf"(each of )?{argument.removesuffix('s')}s?\b.* must "  # of several tasks one may be named
        assert re.match(named, error, re.S), f"{argument}={junk!r}: {error}"


def test_a_wrong_name_and_accepted_junk_would_be_noticed():
    known = {"p": ("integer", 7)}
    assert {error for _, _, error in wrong_arguments(lambda p: p, known)} == {None}
    errors = [error for _, _, error in wrong_arguments(lambda p: MLP(n_hidden=p), known)]
    assert all(error.startswith("n_hidden must be") for error in errors) and len(errors) == len(JUNK["integer"])


@pytest.mark.parametrize(("call", "message"), [
    (lambda: analytic.together(STAR, 3), "each of networks must be of type Effective, got 3"),
    (lambda: analytic.together(STAR, analytic.star(7, 5, activation="relu")), "networks must be one or more of the"),
    (lambda: sweep(dict, [3], "table"), "each of settings must be of type dict, got 3"),
    (lambda: sweep(dict, [{"x": object()}], "table"), "settings and rows must hold what JSON can.* got <object"),
    (lambda: sweep(dict, [], 3), "table must be of type str or Path, got 3"),
    (lambda: train(MODEL, TASK, out=3), "out must be of type str or Path, got 3"),
    (lambda: MODEL.forward(PARAMS, [[0, 7]]), "inputs must be in .0, 7., got values from 0 to 7"),
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
