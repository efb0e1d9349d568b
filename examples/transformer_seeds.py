# %% [markdown]
"""The mainline transformer five times: when it memorises and groks, and what it has learned, beside the paper.

    python examples/transformer_seeds.py            # 5 seeds x 15,000 steps; about 45 minutes on two cores

Every seed is a run folder under runs/transformer_seeds, so an interrupted sweep goes on where it stopped. Printed: a
table with the first steps at which all training and all test pairs are right, the key frequencies, how much
of the variance of the logits their waves explain, and how many of the 512 neurons one frequency explains above 85 %.
"""

# %%
import argparse

from _console import learn_each, parse

from grok_np import AdamW, ModularArithmetic, Transformer, load_run, reading, train
from grok_np.reading import progress

P = 113

# %% [markdown]
# ## Train every seed
# One process per core, one thread each.


# %%
def learn(seed, steps, out):
    """Train the network of one seed by the paper's recipe."""
    task = ModularArithmetic(P, train_fraction=0.3, seed=seed)
    optimizer = AdamW(lr=1e-3, betas=(0.9, 0.98), weight_decay=1.0, warmup_steps=10)
    train(Transformer(P), task, optimizer, steps, seed, out / f"seed_{seed:02d}", exist_ok=True, checkpoint_every=250,
          threads=1, progress=False)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=15_000)
    parser.add_argument("--quick", action="store_true", help="one seed, 5 steps: nothing is learned")
    options = parse(parser, "transformer_seeds")
    seeds, steps = (1, 5) if options.quick else (options.seeds, options.steps)
    learn_each(learn, range(seeds), steps=steps, out=options.out)

# %% [markdown]
# ## Beside the paper


# %%
def row(seed, run):
    """One line of the table."""
    logits, neurons = (read(run.model, run.params) for read in (reading.all_logits, reading.all_activations))
    k = progress.key_frequencies(logits)
    _, fraction = progress.neuron_frequencies(neurons)
    right = [run.history["step"][run.history[f"{name}_accuracy"] == 1] for name in ("train", "test")]
    memorised, grokked = (f"{step[0]:,}" if len(step) else "-" for step in right)
    return (f"| {seed} | {memorised} | {grokked} | {run.history['test_loss'][-1]:.1e} | {', '.join(map(str, k))} | "
            f"{progress.fraction_explained(logits, k):.1%} | {(fraction > 0.85).sum()} |")


if __name__ == "__main__":
    print("| seed | all training pairs right at step | grokked at step | test loss (nats) | key frequencies | "
          "variance explained | neurons above 85 % of 512 |\n| --- | --- | --- | --- | --- | --- | --- |")
    runs = [load_run(options.out / f"seed_{seed:02d}") for seed in range(seeds)]
    for seed, run in enumerate(runs):
        print(row(seed, run), flush=True)
    print("| paper | | about 14,000 | | 14, 35, 41, 42, 52 | about 95 % | 433 |")
    grokked = sum(run.history["test_accuracy"][-1] == 1 for run in runs)
    print(f"\n{grokked} of {seeds} seeds have grokked by step {steps:,}.")
