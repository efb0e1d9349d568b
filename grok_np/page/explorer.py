"""The explorable page: one HTML file in which a run moves through its training, and written-down stars beside it.

    python -m grok_np.page runs/NAME            # writes runs/NAME/explorer.html

The page holds the effective weights of the run's checkpoints, as float32 in base64, and recomputes waves, stars and
logits from them whenever a slider moves; the few formulas this takes are at the head of ``explorer.js``, which also
works out the margins of the stars that are written down. Which pairs a learned network has right, and the rings in its
final weights, are computed here. The file opens without a network.

Not here: pictures for a paper, see `figures`; the analysis, see `reading` and `analytic`.
"""

import argparse
import base64
import json
from importlib import resources
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.colors import to_hex

from grok_np import Run, analytic, load_run, reading
from grok_np.errors import require
from grok_np.figures import style
from grok_np.files import write_atomically
from grok_np.layers import predict
from grok_np.networks.mlp import MLP, mix_forward
from grok_np.tasks import ModularArithmetic, all_pairs

# plotly.js takes 5 MB; base64 makes 4 characters of 3 bytes, 9 MB of these: so the page stays below 15 MB.
CHECKPOINTS, CHECKPOINT_BYTES, HISTORY_ROWS = 100, 6_800_000, 1000
COLOURS = {name: getattr(style, name) for name in ("BLACK", "ORANGE", "YELLOW", "BLUE", "RED", "CYCLE")}
QUESTIONS = {"add": "a + b", "subtract": "a − b", "multiply": "a · b", "x2_plus_y2": "a² + b²",
             "x2_plus_xy_plus_y2": "a² + a · b + b²", "random": "label(a, b)"}


def explore(run: Run, out: str | Path | None = None) -> Path:
    """Write the explorable page of a run, by default as explorer.html in its folder; returns the path.

    Parameters
    ----------
    run : Run
        Of an `MLP` with activation x², ReLU or |x| on `ModularArithmetic`, with checkpoints in its folder.
    out : path, optional
        The HTML file to write.

    Raises
    ------
    ValueError
        If the run is of another kind, or was kept in memory only.
    ImportError
        Without plotly, which is optional.
    """
    html = page(describe(run))
    path = run.path / "explorer.html" if out is None else Path(out)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, lambda file: file.write(html.encode()))
    return path


def page(description):
    """The HTML text: the template with its script, plotly.js and what `describe` says of the run put in."""
    try:
        from plotly.offline import get_plotlyjs
    except ImportError:
        raise ImportError('the explorable page needs plotly: pip install -e ".[explorer]"') from None
    files = resources.files("grok_np.page")
    html, script = ((files / name).read_text(encoding="utf-8") for name in ("explorer.html", "explorer.js"))
    data = json.dumps(description, ensure_ascii=False).replace("</", "<\\/")  # </script> would end the page's data
    for place, text in (("{{data}}", data), ("{{script}}", script), ("{{plotly}}", get_plotlyjs())):
        before, after = html.split(place)
        html = before + text + after
    return html


def describe(run):
    """What the page knows of the run, as a dict for JSON; n checkpoints, p tokens, h neurons.

    Weights are base64 of float32: A, B (null where it is A), C of shape (n, h, p), bias (n, h). ``right``, base64 of
    bytes (n, p, p), says at which pairs the network answers rightly; ``labels`` (p, p) holds the right answers and
    ``training`` (p, p) is 1 for training pairs, 0 for held-out ones. All three are indexed [a, b].
    """
    model, task = run.model, run.task
    if not (isinstance(model, MLP) and isinstance(task, ModularArithmetic)):
        raise ValueError("run must be of an MLP on ModularArithmetic to be explored, got "
                         f"{type(model).__name__} on {type(task).__name__}")
    require(model.activation in analytic.rings.REQUIRED, "activation", model.activation,
            f"one of {', '.join(analytic.rings.REQUIRED)} to be explored")
    if not run.checkpoint_steps():
        raise ValueError("run must have checkpoints to be explored: give train a folder, train(..., out=FOLDER)")

    final = model.effective(run.params)
    shared = final.A is final.B
    bytes_each = 4 * model.p * model.n_hidden * (2 if shared else 3) + model.p**2
    steps = spread(run.checkpoint_steps(), min(CHECKPOINTS, CHECKPOINT_BYTES // bytes_each))
    networks = [model.effective(run.checkpoint(step)) for step in steps]
    labels, training = pair_tables(task)
    right = [predict(mix_forward(network, all_pairs(model.p))[0]) == labels.ravel() for network in networks]
    rings = reading.rings.find(networks[-1], "subtract" if task.operation == "subtract" else "add")
    rows = spread(range(len(run.history["step"])), HISTORY_ROWS)
    return {
        "name": run.path.name, "p": model.p, "neurons": model.n_hidden, "activation": model.activation,
        "factoring": model.factoring, "question": QUESTIONS.get(task.operation, f"{task.operation}(a, b)"),
        "history": {name: column[rows].tolist() for name, column in run.history.items()},
        "steps": steps,
        "A": encode(np.stack([network.A.T for network in networks]), "<f4"),
        "B": None if shared else encode(np.stack([network.B.T for network in networks]), "<f4"),
        "bias": encode(np.stack([network.bias for network in networks]), "<f4"),
        "C": encode(np.stack([network.C for network in networks]), "<f4"),
        "rings": [{"frequency": ring.frequency, "neurons": ring.neurons.tolist(), "sign": ring.sign} for ring in rings],
        "right": encode(np.stack(right), np.uint8),
        "labels": labels.tolist(), "training": training.astype(int).tolist(),
        "required": analytic.rings.REQUIRED,
        "colours": COLOURS | {"DIVERGING": [[x, to_hex(matplotlib.colormaps[style.DIVERGING](x))]
                                            for x in np.linspace(0, 1, 11)]},
    }


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


def spread(items, n):
    """At most n of the items, the first and the last among them (the last alone for n <= 1), evenly spread.

    >>> spread([0, 10, 20, 30, 40, 50], 3)
    [0, 20, 50]
    """
    if n >= len(items):
        return list(items)
    places = np.linspace(len(items) - 1, 0, max(n, 1)).astype(int)[::-1]
    return [items[i] for i in places]


def encode(array, dtype):
    """The array's bytes, C order, little-endian, in base64."""
    return base64.b64encode(np.ascontiguousarray(array, dtype)).decode()


def main():
    parser = argparse.ArgumentParser(prog="python -m grok_np.page", description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path, help="folder of a run, as runs/mlp_grokking")
    parser.add_argument("--out", type=Path, help="HTML file to write (default: explorer.html in the run's folder)")
    arguments = parser.parse_args()
    try:
        path = explore(load_run(arguments.run), arguments.out)
    except (ValueError, ImportError) as error:
        raise SystemExit(f"{parser.prog}: {error}") from None
    print(f"{path}: {path.stat().st_size / 1e6:.1f} MB; open it in a browser")


if __name__ == "__main__":
    main()
