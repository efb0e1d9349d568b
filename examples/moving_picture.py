"""The moving picture: a run memorises, then groks, and its waves become stars.

    python examples/mlp_grokking.py && python examples/moving_picture.py            # writes docs/grokking.gif

One frame a checkpoint of the page's choice: the share of right pairs over the steps, the map of all pairs, and the
smallest ring with its star.
"""

import argparse
import io
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from PIL import Image

from grok_np import load_run, reading
from grok_np.figures.style import BLUE, CYCLE, RED
from grok_np.layers import predict
from grok_np.page.collect import choose, pair_tables
from grok_np.reading import fourier

TONES = matplotlib.colors.ListedColormap(["#26313d", "#dfe9ee", "#56616d", "#b9d0dc"])  # wrong, right; known: greyer


def frame(run, step, ring):
    """The picture at one checkpoint."""
    params, history = run.checkpoint(step), run.history
    labels, training = pair_tables(run.task)
    right = predict(reading.all_logits(run.model, params)) == labels
    figure = Figure(figsize=(8.4, 2.9), dpi=100, layout="constrained")
    chart, pairs, into, out = figure.subplots(1, 4, width_ratios=(1.5, 1, 1, 1))
    x, now = np.maximum(history["step"], 1), history["step"] <= step
    chart.plot(x[now], history["train_accuracy"][now], color=BLUE, lw=1.4, ls="--")
    chart.plot(x[now], history["test_accuracy"][now], color=RED, lw=2.2)
    chart.set(xscale="log", xlim=(1, x[-1]), ylim=(-0.03, 1.05), yticks=(0, 1), yticklabels=("0 %", "100 %"))
    chart.set_title("right: training (dashed), held out", fontsize=9)
    chart.set_xlabel("step", fontsize=8)
    chart.tick_params(labelsize=8)
    pairs.imshow((right + 2 * training).T, origin="lower", cmap=TONES, vmin=0, vmax=3, interpolation="nearest")
    pairs.set(xticks=(), yticks=())
    pairs.set_title("all pairs (a, b)", fontsize=9)
    effective = run.model.effective(params)
    for axis, table, title in ((into, effective.A, "a ring of waves"), (out, effective.C.T, "its star")):
        waves = fourier.strongest_waves(table[:, ring.neurons], np.full(ring.n_neurons, ring.frequency))
        points = np.append(*[waves.amplitude / waves.amplitude.max() * np.exp(1j * waves.phase)] * 2)
        points = points[: ring.n_neurons + 1]
        axis.add_patch(matplotlib.patches.Circle((0, 0), 1, fill=False, color="#dddddd"))
        axis.plot(points.real, points.imag, color=CYCLE[0], lw=1.5, marker="o", ms=4)
        axis.set(xlim=(-1.1, 1.1), ylim=(-1.1, 1.1), aspect="equal")
        axis.axis("off")
        axis.set_title(title, fontsize=9)
    figure.suptitle(f"Step {step:,}: {right[training].mean():.0%} of the training pairs, {right[~training].mean():.0%} "
                    "of the held-out ones are right", fontsize=11, x=0.01, ha="left")
    file = io.BytesIO()
    figure.savefig(file, format="png")
    return Image.open(file).convert("RGB")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--run", type=Path, default=Path("runs/mlp_grokking"))
    parser.add_argument("--out", type=Path, default=Path("docs/grokking.gif"))
    parser.add_argument("--frames", type=int, default=44)
    arguments = parser.parse_args()
    run = load_run(arguments.run)
    rings = reading.rings.find(run.model.effective(run.params))
    if not rings:
        raise SystemExit(f"error: {arguments.run} has no ring to show: it has not grokked")
    ring = min(rings, key=lambda one: one.n_neurons)
    steps = choose(run.checkpoint_steps(), run.history, arguments.frames)
    frames = [frame(run, step, ring) for step in steps]
    colours = np.hstack([frames[0], frames[-1]])  # one palette for all, so that no colour changes on the way
    palette = Image.fromarray(colours).quantize(40)
    frames = [one.quantize(palette=palette, dither=Image.Dither.NONE) for one in frames]
    times = [700, *[160] * (len(frames) - 2), 2500]
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    frames[0].save(arguments.out, save_all=True, append_images=frames[1:], duration=times, loop=0, optimize=True)
    print(f"{arguments.out}: {arguments.out.stat().st_size / 1e6:.2f} MB, {len(frames)} frames")


if __name__ == "__main__":
    main()
