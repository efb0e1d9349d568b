"""Every public function with one wrong argument raises an error that begins with the name of that argument.

The functions are found by walking the package. What an argument may be is known by its name, the same in every function
but for the few of EXCEPT; a new argument has to be written down here once.
"""

import importlib
import inspect
import pkgutil
import re
import warnings

import numpy as np
import pytest

import grok_np
from grok_np import MLP, BitMLP, ModularArithmetic, analytic, reading

RNG = np.random.default_rng(0)
MODEL = MLP(7, 3, 4)
PARAMS = MODEL.init(np.random.default_rng(0))
STAR = analytic.star(7, 5)
LOGITS = analytic.clock_logits(7) + 0.1 * RNG.normal(size=(7, 7, 7))
TABLE, SQUARE = RNG.normal(size=(7, 3)), RNG.normal(size=(7, 7))
BITS = BitMLP(3, 2)

# What is wrong for every argument of a kind.
NEVER = [b"x", object(), 1j, {"a": object()}, lambda: None]
KINDS = {
    "integer": [*NEVER, None, "junk", [1, 2], 1.5, True, float("nan"), -(10**6), np.zeros(3)],
    "real": [*NEVER, None, "junk", [], True, float("nan"), np.zeros(3)],
    "number": [b"x", object(), None, "junk", [], 2.0, 3j],
    "flag": [*NEVER, None, "junk", 0, 1.5, [], "False"],
    "choice": [*NEVER, None, "junk", 0, True, [], np.zeros(3)],
    "array": [*NEVER, None, "junk", ["a"], [[1], [2, 3]], np.array([None]), np.zeros((2, 3, 5, 9)) * 1j],
    "mask": [*NEVER, None, "junk", 3, [True], np.zeros((7, 7)), np.ones((2, 7), bool)],
    "object": [b"x", object(), 1j, None, "junk", 0, True, [1], np.zeros(3)],
    "path": [b"x", object(), 1j, None, 0, True, [1], np.zeros(3)],
}
VALUES = {  # name: kind, a value that is right
    "activation": ("choice", "square"), "allow_inexact": ("flag", False), "amplitudes": ("array", 1.0),
    "axis": ("integer", 0), "centring": ("choice", "output"), "coefficients": ("array", np.ones(9)),
    "companion": ("real", 0.5), "components": ("array", [0, 1]), "config": ("object", {"p": 7}),
    "corrupted_fraction": ("real", 0.1), "curve": ("array", [2.0, 3.0, 1.0, 0.1]), "effective": ("object", STAR),
    "exhaustive_up_to": ("integer", 9), "formula": ("choice", "clock"), "frequencies": ("array", [1, 2]),
    "frequency": ("integer", 2), "harmonics": ("array", (0, 1)), "k": ("integer", 2), "least_fraction": ("real", 0.5),
    "least_neurons": ("integer", 1), "least_share": ("real", 0.5), "logits": ("array", LOGITS), "m": ("integer", 2),
    "margin": ("object", analytic.clock_margin), "mask": ("mask", np.eye(7, dtype=bool)), "model": ("object", MODEL),
    "moment": ("number", 0.3j), "n": ("integer", 5), "n_bits": ("integer", 4), "n_max": ("integer", 5),
    "n_neurons": ("integer", 5), "network": ("object", STAR), "neurons": ("array", RNG.normal(size=(7, 7, 2))),
    "of": ("choice", "correct"), "operation": ("choice", "add"), "p": ("integer", 7), "params": ("object", PARAMS),
    "phase": ("real", 0.3), "phases": ("array", 2 * np.pi / 5 * np.arange(5)),
    "power_by_frequency": ("array", np.arange(4.0)), "random_labels": ("flag", False), "rings": (
        "object", reading.rings.find(STAR)), "rising": ("flag", True), "rng": ("object", RNG), "seed": ("integer", 1),
    "share": ("real", 0.1), "source": ("path", {"embed": TABLE, "hidden_w": np.ones((3, 4)), "out_w": np.ones((4, 3))}),
    "split": ("object", ModularArithmetic(7).split()), "step": ("array", np.arange(4)), "symmetric": ("flag", False),
    "table": ("array", TABLE), "test_loss": ("array", [2.0, 3.0, 1.0, 0.1]), "test_size": ("integer", 3),
    "train_fraction": ("real", 0.4), "train_size": ("integer", 3), "triples": ("array", [[0, 1, 2]]),
    "up_to": ("integer", 9), "values": ("array", np.arange(4.0)), "wave": ("object", np.cos),
    "weights": ("array", np.ones(5)), "windings": ("array", (1, 4)), "x": ("array", SQUARE), "W_E": ("array", TABLE),
    "W_L": ("array", RNG.normal(size=(2, 7))), "test_mask": ("mask", np.eye(7, dtype=bool)),
    "train_mask": ("mask", np.eye(7, dtype=bool)),
}
EXCEPT = {
    "reading.fourier.strongest_waves": {"frequency": ("array", [1, 2, 1, 1, 1, 1, 1])},
    "reading.progress.neuron_fit": {"frequency": ("array", [1, 2])},
    "reading.clock_pizza.by_sum_and_difference": {"table": ("array", SQUARE)},
    "analytic.rings.stars": {"phases": ("array", 0.5)},
    "analytic.rings.untied_star": {"n_neurons": ("integer", 6)},
}
# Rooms whose every public function checks what it is given. Elsewhere only DOORS do: the rest are steps of a pass.
ROOMS = ("tasks", "analytic", "reading")
DOORS = {}
UNCHECKED = {"analytic.rings.together", "analytic.rings.angles", "analytic.rings.frequency_array",
             "analytic.rings.one_each", "analytic.rings.two_windings", "analytic.clock_pizza.formula",
             "reading.rings.cosine", "reading.rings.square_wave", "reading.every_pair.check",
             "reading.every_pair.answers", "reading.every_pair.grid", "reading.published.read", "tasks.all_pairs"}


def doors():
    """{name: function or class} of every public door."""
    found = {}
    for module in pkgutil.walk_packages(grok_np.__path__, "grok_np."):
        name = module.name.removeprefix("grok_np.")
        if name.split(".")[0] in ROOMS:
            for thing in vars(importlib.import_module(module.name)).values():
                result = inspect.isclass(thing) and (issubclass(thing, tuple | Exception) or not hasattr(
                    thing, "split"))  # what functions return, and errors; tasks are made by users
                if callable(thing) and getattr(thing, "__module__", None) == module.name and not result:
                    found[f"{name}.{thing.__name__}"] = thing
    found = {name: thing for name, thing in found.items() if not name.split(".")[-1].startswith(("_", "<"))}
    return {name: thing for name, thing in found.items() if name not in UNCHECKED} | DOORS


@pytest.mark.parametrize("name", doors())
def test_the_wrong_argument_is_named(name):
    call = doors()[name]
    known = VALUES | EXCEPT.get(name, {})
    parameters = inspect.signature(call).parameters
    right = {one: known[one][1] for one in parameters}
    call(**right)
    for one, parameter in parameters.items():
        for junk in KINDS[known[one][0]]:
            if junk is parameter.default:
                continue
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                try:
                    call(**right | {one: junk})
                except (ValueError, TypeError) as error:
                    assert re.match(rf"(each of )?{one}\b.* must ", str(error), re.S), f"{one}={junk!r}: {error!r}"
                else:
                    raise AssertionError(f"{one}={junk!r} is accepted")
