# %%
"""Does the delay of grokking belong to the objective or to the optimizer? L-BFGS from AdamW's weights before grokking.

    python examples/before_grokking.py            # twenty seeds, three strengths of decay; some minutes

At rest AdamW minimises loss + a decay of strength eps (docs/theory.md, section 6). Here `polish` minimises the same
from the weights of the article's network at step 1,000, when it has memorised the training pairs and hardly any other
is right, for eps = 67e-8 (the article's) and ten and a hundred times that, 500 evaluations at a time, until all
held-out pairs are right, or it has stalled without (500 evaluations lower the objective by less than a thousandth,
which need not be rest), or 5,000 evaluations are used up. Printed: how many of the seeds grok, after how many
evaluations and seconds, and which; and, where --runs holds the same seeds trained to the end (examples/mlp_seeds.py),
which seeds AdamW groks, and the first logged step at which it has all their held-out pairs right. Rows are kept in
--out and gone on with.
"""

import argparse
from pathlib import Path
from time import process_time

import numpy as np
from _console import parse, workers

from grok_np import MLP, AdamW, ModularArithmetic, load_run
from grok_np.analytic import polish
from grok_np.layers import LOSSES
from grok_np.learning.ensemble import train_members
from grok_np.learning.sweep import sweep
from grok_np.reading import rings

EPS, PIECE, LEAST_GAIN = 67e-8, 500, 1e-3  # stalled: a piece gains less than a thousandth


def network(p):
    """The article's network, or for p = 11 one small enough for a quick look."""
    return MLP(p) if p == 67 else MLP(p, 32, 12)


def minimise(p, seed, steps, eps, fraction, evaluations):
    """One row: AdamW's steps, then L-BFGS; when all held-out pairs were right, or None."""
    model, task = network(p), ModularArithmetic(p, train_fraction=fraction, symmetric=True, seed=seed)
    members = train_members(model, [task], AdamW(lr=1e-3 if p == 67 else 1e-2, eps=EPS), steps, [seed], log_every=steps)
    params, split = {name: W[0].astype(np.float64) for name, W in members.params.items()}, task.split()
    start, used, last = process_time(), 0, np.inf
    while used < evaluations:
        rest = polish(model, params, split.train_inputs, AdamW(eps=eps), PIECE)
        params, used = rest.params, used + rest.evaluations
        accuracy = LOSSES["cross_entropy"].accuracy(model.forward(params, split.test_inputs)[0], split.test_labels)
        if accuracy == 1 or rest.objective > last * (1 - LEAST_GAIN):
            break
        last = rest.objective
    sizes = [[ring.frequency, ring.n_neurons] for ring in rings.find(rest.effective)]
    return {"before": float(members.history["test_accuracy"][-1, 0]), "accuracy": float(accuracy), "evaluations": used,
            "seconds": process_time() - start, "objective": rest.objective, "rings": sizes}


def print_adamw(folders, seeds):
    """Which of these runs had all held-out pairs right, first when (they may lose some again); and how far ``seeds``
    of the others have come.
    """
    steps, ends = {}, {}
    for seed, folder in enumerate(folders):
        history = load_run(folder).history
        right, ends[seed] = history["test_accuracy"] == 1, history["test_accuracy"][-1]
        if right.any():
            steps[seed] = int(history["step"][np.argmax(right)])
    print("AdamW, seeds that grok:", ", ".join(map(str, steps)))
    print("    first at steps:", ", ".join(f"{step:,}" for step in steps.values()))
    if others := sorted(seeds - steps.keys()):
        print("    in the end, of the held-out pairs:", ", ".join(f"{ends[seed]:.1%} (seed {seed})" for seed in others))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--steps", type=int, default=1000, help="of AdamW, before L-BFGS")
    parser.add_argument("--evaluations", type=int, default=5000, help="of the objective, at most")
    parser.add_argument("--fraction", type=float, default=0.4)
    parser.add_argument("--runs", type=Path, default=Path("runs/mlp_seeds"), help="the same seeds, trained by AdamW")
    parser.add_argument("--quick", action="store_true", help="p = 11, four seeds, AdamW for 100 steps")
    options = parse(parser, "before_grokking")
    if options.quick:
        options.seeds, options.steps, options.evaluations, options.fraction = 4, 100, 1000, 0.9
    settings = [{"p": 11 if options.quick else 67, "seed": seed, "steps": options.steps, "eps": factor * EPS,
                 "fraction": options.fraction, "evaluations": options.evaluations}
                for factor in (1, 10, 100) for seed in range(options.seeds)]
    with workers() as pool:
        rows = sweep(minimise, settings, options.out / "table.jsonl", executor=pool)
    print("| eps | grokked | evaluations of those, median (range) | seconds of one core | stalled, not grokked |")
    print("| --- | --- | --- | --- | --- |")
    grokked = {}
    for eps in sorted({row["eps"] for row in rows}):
        here = [row for row in rows if row["eps"] == eps]
        right = [row for row in here if row["accuracy"] == 1]
        used, seconds = ([row[name] for row in right] for name in ("evaluations", "seconds"))
        stalled = sum(row["accuracy"] < 1 and row["evaluations"] < options.evaluations for row in here)
        print(f"| {eps:.2g} | {len(right)} of {len(here)} | " + (
            f"{np.median(used):,.0f} ({min(used):,} to {max(used):,}) | {np.median(seconds):.0f}" if right else " | ")
            + f" | {stalled} |")
        grokked[eps] = [row["seed"] for row in right]
    print(f"\nheld-out pairs right at step {options.steps:,}: {max(row['before'] for row in rows):.1%} at most")
    for eps, seeds in grokked.items():
        print(f"L-BFGS, eps = {eps:.2g}, seeds that grok:", ", ".join(map(str, seeds)))
    folders = [options.runs / f"seed_{seed:02d}" for seed in range(options.seeds)]
    if all((folder / "config.json").exists() for folder in folders):
        print_adamw(folders, set().union(*grokked.values()))


if __name__ == "__main__":
    main()
