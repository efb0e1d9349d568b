"""What the page knows of runs: quantized weights, true answers, curves, rings; everything computed here, by the package.

Weights are int8 with one scale a neuron and checkpoint: value = scale * integer. Which pairs a network has right is
computed from the true weights and put beside them, so that nothing said of right and wrong depends on the rounding.

Not here: the file, see `build`.
"""

import base64
from pathlib import Path

import numpy as np

from grok_np import analytic, load_run, reading
from grok_np.errors import require
from grok_np.layers import predict
from grok_np.networks.bits import BitMLP
from grok_np.networks.mlp import MLP, mix_forward
from grok_np.networks.transformer import Transformer
from grok_np.tasks import ModularArithmetic, all_pairs

CHECKPOINTS, HISTORY_ROWS = 60, 200
# Bytes of weights: of the first network, and of all others together. Base64 makes 4 characters of 3 bytes.
FIRST, OTHERS = 260_000, 230_000
QUESTIONS = {"add": "a + b", "subtract": "a − b", "multiply": "a · b", "x2_plus_y2": "a² + b²",
             "x2_plus_xy_plus_y2": "a² + a · b + b²", "random": "label(a, b)"}
CURVES = ("train_loss", "test_loss", "train_accuracy", "test_accuracy", "l2_norm")


def encode(array, dtype):
    """The array's bytes, C order, little-endian, in base64."""
    return base64.b64encode(np.ascontiguousarray(array, dtype)).decode()


def quantize(array):
    """Integers in -127 .. 127 (int8) and the scale (float32) of each row (last axis), both in base64.

    >>> quantize(np.array([[0.0, 2.54]]))["scale"] == encode(np.float32([0.02]), "<f4")
    True
    """
    scale = np.abs(array).max(axis=-1) / 127
    integers = np.rint(array / np.where(scale == 0, 1, scale)[..., None])
    return {"integers": encode(integers, "i1"), "scale": encode(scale, "<f4")}


def bits(array):
    """Booleans, eight a byte, the first the highest, in base64."""
    return encode(np.packbits(np.asarray(array, bool)), "u1")


def choose(steps, history, n):
    """At most n of the steps: first, last, and evenly by the logarithm of the step and by what the network knows.

    >>> choose([0, 10, 100, 1000], {"step": np.array([0, 10, 100, 1000]), "train_accuracy": np.zeros(4),
    ...     "test_accuracy": np.zeros(4)}, 2)
    [0, 1000]
    """
    steps = np.array(steps)
    if n < 2 or len(steps) <= n:
        return steps.tolist() if len(steps) <= n else steps[-1:].tolist()
    at = np.searchsorted(history["step"], steps).clip(max=len(history["step"]) - 1)
    knows = np.nan_to_num(history["train_accuracy"][at] + history["test_accuracy"][at])
    way = np.concatenate([[0], np.cumsum(np.diff(np.log(steps + 10)) / 4 + np.abs(np.diff(knows)))])
    return steps[np.unique(np.abs(way[:, None] - np.linspace(0, way[-1], n)).argmin(axis=0))].tolist()


def curves(history, rows=HISTORY_ROWS):
    """The history: steps, and float32 columns in base64; rows evenly spread by the logarithm of the step."""
    chosen = choose(history["step"], history, rows)
    at = np.searchsorted(history["step"], chosen)
    return {"step": chosen} | {name: encode(history[name][at], "<f4") for name in CURVES if name in history}


def pair_tables(task):
    """The right answer of every ordered pair, (p, p) int, and whether it was trained on, (p, p) bool.

    Where a task has unordered pairs, (b, a) is as (a, b).
    """
    labels, training = np.zeros((task.p, task.p), int), np.zeros((task.p, task.p), bool)
    inputs, answers = task.all_pairs()
    train_inputs = task.split().train_inputs
    for order in ((0, 1), (1, 0)) if task.symmetric else ((0, 1),):
        labels[tuple(inputs[:, order].T)] = answers
        training[tuple(train_inputs[:, order].T)] = True
    return labels, training


def network(name, model, points, labels, training, history, operation="add", command=""):
    """An MLP at some checkpoints; ``points`` {step: params}, ``labels`` and ``training`` (p, p)."""
    require(model.activation in analytic.rings.REQUIRED, "activation", model.activation,
            f"one of {', '.join(analytic.rings.REQUIRED)} for the page")
    effective = [model.effective(params) for params in points.values()]
    last = effective[-1]
    right = [predict(mix_forward(one, all_pairs(model.p))[0]) == labels.ravel() for one in effective]
    sums = np.add.outer(np.arange(model.p), np.arange(model.p)) % model.p
    rings = reading.rings.find(last, "subtract" if operation == "subtract" else "add")
    return {
        "name": name, "command": command, "p": model.p, "neurons": model.n_hidden, "activation": model.activation,
        "question": QUESTIONS.get(operation, f"{operation}(a, b)"), "steps": list(points),
        "A": quantize(np.stack([one.A.T for one in effective])),
        "B": None if last.A is last.B else quantize(np.stack([one.B.T for one in effective])),
        "C": quantize(np.stack([one.C for one in effective])),
        "bias": encode(np.stack([one.bias for one in effective]), "<f4") if model.bias else None,
        "right": bits(right), "training": None if training is None else bits(training),
        "labels": None if np.array_equal(labels, sums) else encode(labels, "<u2"),
        "history": None if history is None else curves(history),
        "rings": [{"frequency": ring.frequency, "neurons": ring.neurons.tolist(), "sign": ring.sign} for ring in rings],
    }


def of_mlp(run, budget, command):
    """The `network` of a run, with as many checkpoints as fit into the budget (bytes)."""
    model = run.model
    tables = 2 if model.effective(run.params).A is model.effective(run.params).B else 3
    n = min(CHECKPOINTS, budget // (model.p * model.n_hidden * tables + model.p**2 // 8))
    points = {step: run.checkpoint(step) for step in choose(run.checkpoint_steps(), run.history, n)}
    labels, training = pair_tables(run.task)
    return network(run.path.name, model, points, labels, training, run.history, run.task.operation, command)


def collect(paths: list[Path]) -> dict:
    """All that the page needs of these folders, checkpoints and tables."""
    data = {"networks": [], "five": [], "parity": [], "transformers": [], "sweeps": [], "strange": []}
    runs = [load_run(path) for path in paths if path.is_dir()]
    mlps = [run for run in runs if isinstance(run.model, MLP) and isinstance(run.task, ModularArithmetic)]
    for i, run in enumerate(mlps):
        data["networks"].append(of_mlp(run, OTHERS // max(len(mlps) - 1, 1) if i else FIRST, ""))
    return data
