"""What the page knows of runs: quantized weights, true answers, curves, rings, all computed by the package.

Weights are int8 with one scale a neuron and checkpoint: value = scale * integer. Which pairs a network has right is
computed from the true weights and put beside them, so that nothing said of right and wrong depends on the rounding.

Not here: the file, see `build`.
"""

import base64
import json
from pathlib import Path

import numpy as np

from grok_np import analytic, load_run, reading
from grok_np.errors import require
from grok_np.layers import predict
from grok_np.networks.bits import BitMLP
from grok_np.networks.deep import DeepTransformer
from grok_np.networks.mlp import MLP, mix_forward
from grok_np.networks.transformer import Transformer
from grok_np.reading import clock_pizza, every_pair, fourier, progress, published
from grok_np.tasks import ModularArithmetic, all_pairs

CHECKPOINTS, HISTORY_ROWS = 60, 200
# Bytes of weights: of the first network, and of all others together. Base64 makes 4 characters of 3 bytes.
FIRST, OTHERS = 230_000, 230_000
TRANSFORMER_CHECKPOINTS, PARITY_CHECKPOINTS = 40, 24
EXAMPLES = ("mlp_grokking", "mlp_seeds", "five_neurons", "sparse_parity", "sparse_parity_sweep", "strange_runs",
            "transformer_grokking", "transformer_seeds", "clock_and_pizza", "addition_sweep", "factorings")
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
    for finer in range(n, 20 * n):  # several marks may fall on one step
        places = np.unique(np.abs(way[:, None] - np.linspace(0, way[-1], finer)).argmin(axis=0))
        if len(places) >= n:
            break
    return steps[places[np.unique(np.linspace(0, len(places) - 1, n).round().astype(int))]].tolist()


def curves(history, rows=HISTORY_ROWS):
    """`columns` evenly spread by the logarithm of the step, and the row from which all of a data set are right."""
    chosen = choose(history["step"], history, rows)
    for name in ("train_accuracy", "test_accuracy"):
        since = 1 + np.flatnonzero(history[name] < 1).max(initial=-1)
        chosen = sorted({*chosen, *history["step"][since : since + 1].tolist()})
    return columns(history, np.searchsorted(history["step"], chosen))


def columns(history, rows):
    """These rows of the history: steps, and float32 columns in base64."""
    return {"step": history["step"][rows].tolist()} | {
        name: encode(history[name][rows], "<f4") for name in CURVES if name in history}


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


def network(head, model, points, labels, training, history, operation="add"):
    """An MLP at some checkpoints; ``head`` as from `head`, ``points`` {step: params}, the others (p, p)."""
    require(model.activation in analytic.rings.REQUIRED, "activation", model.activation,
            f"one of {', '.join(analytic.rings.REQUIRED)} for the page")
    effective = [model.effective(params) for params in points.values()]
    last = effective[-1]
    right = [predict(mix_forward(one, all_pairs(model.p))[0]) == labels.ravel() for one in effective]
    rings = reading.rings.find(last, "subtract" if operation == "subtract" else "add")
    return head | {
        "p": model.p, "neurons": model.n_hidden, "activation": model.activation,
        "question": QUESTIONS.get(operation, f"{operation}(a, b)"), "steps": list(points),
        "A": quantize(np.stack([one.A.T for one in effective])),
        "B": None if last.A is last.B else quantize(np.stack([one.B.T for one in effective])),
        "C": quantize(np.stack([one.C for one in effective])),
        "bias": encode(np.stack([one.bias for one in effective]), "<f4") if model.bias else None,
        "right": bits(right), "training": None if training is None else bits(training),
        "labels": None if np.array_equal(labels, every_pair.answers(model.p)) else encode(labels, "<u2"),
        "history": None if history is None else curves(history),
        "rings": [{"frequency": ring.frequency, "neurons": ring.neurons.tolist(), "sign": ring.sign} for ring in rings],
    }


def command_of(path):
    """The example that made what lies there, else how the page was asked for it."""
    made = [folder.name for folder in (path, *path.parents) if folder.name in EXAMPLES]
    return f"python examples/{made[0]}.py" if made else f"python -m grok_np.page {path.name}"


def title_of(path):
    """A name for readers: seed 3 for mlp_seeds/seed_03, published main model for main_model.npz."""
    words = (path.name if path.is_dir() else f"published {path.stem}").replace("_", " ").split()
    return " ".join(word.lstrip("0") or "0" if word.isdecimal() else word for word in words)


def head(path):
    """What everything on the page has: its name, and how it was made."""
    return {"name": title_of(path), "command": command_of(path)}


def checkpoints(run, n):
    """At most n checkpoints of a run, chosen by `choose`: {step: params}."""
    return {step: run.checkpoint(step) for step in choose(run.checkpoint_steps(), run.history, n)}


def of_mlp(run, budget):
    """The `network` of a run, with as many checkpoints as fit into the budget (bytes)."""
    model, last = run.model, run.model.effective(run.params)
    bytes_each = model.p * model.n_hidden * (2 if last.A is last.B else 3) + model.p**2 // 8
    points = checkpoints(run, min(CHECKPOINTS, budget // bytes_each))
    return network(head(run.path), model, points, *pair_tables(run.task), run.history, run.task.operation)


def of_published_mlp(path, found):
    """The `network` of a published checkpoint: one state, and the authors' log where it comes along."""
    p, log = found.model.p, {name.removeprefix("log_"): column for name, column in found.extra.items()}
    history, mask = None, found.train_mask
    if {"step", "train_loss", "eval_loss", "train_acc", "eval_acc"} <= log.keys():
        history = {"step": log["step"], "train_loss": p * log["train_loss"], "test_loss": p * log["eval_loss"],
                   "train_accuracy": log["train_acc"], "test_accuracy": log["eval_acc"], "l2_norm": log["l2_norm"]}
    step = int(log["step"][-1]) if history else 0
    return network(head(path), found.model, {step: found.params}, every_pair.answers(p),
                   None if mask is None else mask | mask.T, history)


def of_five(run):
    """A network on the circle: the arrows of its neurons, float16, (checkpoints, neurons, 2)."""
    points = checkpoints(run, CHECKPOINTS)
    return head(run.path) | {
        "p": run.model.p, "neurons": run.model.n_hidden, "steps": list(points), "history": curves(run.history, 60),
        "W_in": encode([params["W_in"].T for params in points.values()], "<f2"),
        "W_out": encode([params["W_out"] for params in points.values()], "<f2")}


def of_parity(run):
    """A network on strings of bits: input weights of each neuron (the last is its bias), output weights, int8."""
    points = checkpoints(run, PARITY_CHECKPOINTS)
    return head(run.path) | {
        "n_bits": run.task.n_bits, "k": run.task.k, "neurons": run.model.n_hidden, "steps": list(points),
        "history": curves(run.history, 120),
        "W_in": quantize(np.stack([params["W_in"].T for params in points.values()])),
        "W_out": quantize(np.stack([params["W_out"] for params in points.values()]))}


def of_transformer(head, model, params):
    """What tells clock from pizza, and what the heads look at; for one state of a transformer."""
    logits = reading.all_logits(model, params)[..., : model.p]
    correct = clock_pizza.by_sum_and_difference(clock_pizza.correct_logits(logits))
    low, high = np.nanmin(correct), np.nanmax(correct)
    irrelevance = clock_pizza.spread_within_distances(logits)  # NaN where the right logit is constant
    frequencies = progress.key_frequencies(logits)
    found = head | {
        "p": model.p, "frequencies": frequencies, "accuracy": every_pair.accuracy(logits),
        "explained": progress.fraction_explained(logits, frequencies) if frequencies else 0.0,
        "symmetricity": clock_pizza.gradient_symmetricity(model, params, clock_pizza.paper_triples(model.p)),
        "irrelevance": None if np.isnan(irrelevance) else irrelevance, "heads": None,
        # the logit of the right answer over (a + b, a - b): 0 the least, 255 the most
        "correct": encode(np.nan_to_num(np.rint(255 * (correct - low) / max(high - low, 1e-30))), "u1")}
    if isinstance(model, Transformer) and model.attention_rate == 1:
        scores = model.effective(params).scores[0]
        scores = scores.reshape(model.p, -1, scores.shape[-1]).mean(axis=1).T  # (heads, p): "a b": mean over b
        power = fourier.power(scores.T.astype(np.float64))[1:]
        found |= {"heads": quantize(scores), "head_frequencies": (1 + power.argmax(axis=0)).tolist(),
                  "head_shares": (power.max(axis=0) / power.sum(axis=0)).tolist()}
    return found


def of_transformer_run(run):
    """A run of a transformer on a + b: the four losses over its checkpoints as well."""
    found, mask = of_transformer(head(run.path), run.model, run.params), pair_tables(run.task)[1]
    steps = choose(run.checkpoint_steps(), run.history, TRANSFORMER_CHECKPOINTS)
    rows = [progress.measures(reading.all_logits(run.model, run.checkpoint(step)), found["frequencies"], mask)
            for step in steps] if found["frequencies"] and not mask.all() else []
    names = ("train_loss", "test_loss", "restricted_loss", "excluded_loss")
    half = {name: progress.halfway(steps, np.log([row[name] for row in rows]), rising=name == "excluded_loss")
            for name in names[1:]} if rows else None
    ends = progress.phases(run.history["step"], run.history["test_loss"], run.model.p) if rows else ()
    return found | {"history": curves(run.history, 120), "steps": steps, "phases": list(ends), "halfway": half,
                    "measures": {name: [float(f"{row[name]:.3g}") for row in rows] for name in names}}


def of_sweeps(path):
    """The sweeps of a table, one for each loss, number of steps and of seeds: two experiments are never pooled.

    Of each the settings that vary, and what became of each network, a place in `FATES`: by the article's class where
    the table has one, else by when training and held-out pairs were right, as far as that was written down.
    """
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    if not lines or not all("class" in row or "generalised" in row for line in lines for row in line["rows"]):
        raise ValueError(f"{path} is no table of a sweep whose rows have a 'class' or say when they 'generalised'")
    sweeps = {}
    for line in lines:
        whole = {name: line["setting"].pop(name) for name in ("loss", "steps", "seeds") if name in line["setting"]}
        sweeps.setdefault(tuple(whole.items()), []).extend({**line["setting"], **row} for row in line["rows"])
    for whole, rows in sweeps.items():
        axes = {name: values for name in lines[0]["setting"]
                if name != "seed" and len(values := sorted({row[name] for row in rows})) > 1}
        own = "".join(", {} {}".format(*one) for one in whole if any(one not in other for other in sweeps))
        yield {"name": title_of(path.parent) + own.replace("_", " "), "command": command_of(path), "axes": axes,
               "rows": [[*(axes[name].index(row[name]) for name in axes), FATES.index(fate(row)),
                         row.get("memorised"), row.get("generalised")] for row in rows]}


FATES = ("fail", "memorise_only", "grok", "generalise", "understood", "not_understood")
DELAY = 500  # steps from all by heart to understood: less is "at once" (examples/addition_sweep.py)


def fate(row):
    """What became of a network of a sweep."""
    if "class" in row:
        return row["class"]
    if "memorised" not in row:
        return "not_understood" if row["generalised"] is None else "understood"
    if row["memorised"] is None:
        return "fail"
    if row["generalised"] is None:
        return "memorise_only"
    return "grok" if row["generalised"] - row["memorised"] >= DELAY else "generalise"


def of_published_seeds(table):
    """The article's sweep of networks: frequencies, neurons at each, losses as 20 (log10(nats) + 10) in a byte."""
    p, losses = 67, np.stack([table["train_loss"], table["eval_loss"]])
    logs = 20 * (np.log10(np.maximum(p * losses, 1e-10)) + 10)
    return {"networks": len(table["freqs"]), "p": p, "steps": table["step"].tolist(),
            "frequencies": encode(table["freqs"], "u1"), "neurons": encode(table["freqs_neurons"], "u1"),
            "losses": encode(np.rint(logs).clip(0, 255), "u1")}


def is_strange(run):
    """Does it lose more than five points of an accuracy it had, or does its training loss swing a thousandfold?"""
    accuracy, loss = run.history["test_accuracy"], run.history["train_loss"]
    late = loss[len(loss) // 3 :]
    return accuracy.max() - accuracy[-1] > 0.05 or (late.argmax() > late.argmin() and late.max() > 1000 * late.min()
                                                    and late.max() > 0.01)


def of_strange(run, rows=400):
    """A run by its curves alone, evenly spread over the steps."""
    spread = np.unique(np.linspace(0, len(run.history["step"]) - 1, rows).astype(int))
    return head(run.path) | {"history": columns(run.history, spread)}


def collect(paths: list[Path]) -> dict:
    """All that the page needs of these run folders, published checkpoints and tables of sweeps.

    Raises ValueError, naming the file or folder, if one of them is none of these, or a network of a kind that the page
    cannot show.
    """
    data = {name: [] for name in ("networks", "five", "parity", "transformers", "sweeps", "strange")}
    data["published"] = None
    mlps, circles = [], []
    for path in paths:
        if path.suffix == ".jsonl":
            data["sweeps"] += of_sweeps(path)
        elif path.is_dir():
            run = load_run(path)
            adds, strange = isinstance(run.task, ModularArithmetic), is_strange(run)
            if isinstance(run.model, BitMLP):
                if not (strange and data["parity"]):
                    data["parity"].append(of_parity(run))
            elif isinstance(run.model, Transformer) and adds and run.task.operation == "add":
                data["transformers"].append(of_transformer_run(run))
            elif isinstance(run.model, MLP) and adds:
                (circles if run.model.factoring == "circular" else mlps).append(run)
            else:
                raise ValueError(f"{path} holds a run of {type(run.model).__name__} on {run.task}: the page shows MLPs "
                                 "on pairs, transformers that add, and networks on strings of bits")
            if strange and circles[-1:] != [run]:
                data["strange"].append(of_strange(run))
        elif "freqs_neurons" in (arrays := published.read(path)[0]):
            data["published"] = of_published_seeds(arrays)
        else:
            found = published.load(path)
            if isinstance(found.model, MLP):
                data["networks"].append(of_published_mlp(path, found))
            elif isinstance(found.model, Transformer | DeepTransformer):
                name = {"name": f"{title_of(path)}, attention rate {found.model.attention_rate:g}"}
                data["transformers"].append(of_transformer(head(path) | name, found.model, found.params))
            else:
                raise ValueError(f"{path} holds a {type(found.model).__name__}: the page shows MLPs and transformers")
    if not mlps and not data["networks"]:
        mlps = circles[:1]  # a page of five neurons alone shows them in the first sections, too
    data["five"] = [of_five(run) for run in circles]
    # Those that ended with everything right get more of the room.
    right = [1 + 5 * (run.history["test_accuracy"][-1] == 1) for run in mlps[1:]]
    room = [FIRST] + [int(OTHERS * weight / sum(right)) for weight in right]
    data["networks"] = [of_mlp(run, budget) for run, budget in zip(mlps, room, strict=False)] + data["networks"]
    return data
