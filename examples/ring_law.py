# %%
"""Do rings settle where loss + decay is least? Learned networks beside predicted ones, ring by ring.

    python examples/ring_law.py                                             # the article's 40 % of the pairs
    python examples/ring_law.py --fraction 0.6 --members 16 --steps 20000   # with 60 % every network groks, and early
    python examples/ring_law.py --members 0 --runs runs/mlp_seeds/seed_*    # finished runs instead

Networks of the article's recipe (p = 67, 24 neurons) are trained eight at a time. Of each that groks the weights are
kept as they were just after it (all held-out pairs right, and right 1,000 steps before) and at the end, 5,000 steps
later or more; --long STEPS trains ten of them on. Then two predictions. *At rest*: `polish` minimises loss + AdamW's
exact decay from the weights just after grokking; and from those at the end of --steps. *Written down*: `best_rings`
knows frequencies and ring sizes alone, of the learned network and of the one at rest. Beside them stand two baselines:
the median of all rings of N neurons that obey the moment law (Verblunsky coefficients uniform in the disc:
docs/theory.md, section 2), and the optimum with pure cosines.
Printed: ring by ring |M_5|, |M_6|, second harmonic and constant; mean absolute errors of these and of the phases, over
rings that have as many neurons in both; of all rings the share that has the predicted size and basin; loss on all pairs
at equal norm; and how far training is from rest, with g averaged over 400 steps, |theta + <g>/(wd (|<g>| + eps))| /
|theta|. Drawn: prediction against learning. All is kept in --out and gone on with.
"""

import argparse
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from time import process_time

import numpy as np
from _console import parse, show, workers
from matplotlib.figure import Figure
from tqdm import tqdm

from grok_np import MLP, AdamW, ModularArithmetic, analytic, load_run, tasks
from grok_np.analytic import best_rings, penalty, polish
from grok_np.figures.style import CYCLE, WIDTH, title
from grok_np.files import read_npz, write_atomically
from grok_np.layers import LOSSES
from grok_np.learning.ensemble import make_groups, step_of_all
from grok_np.learning.machine import keep_freed_memory
from grok_np.learning.sweep import sweep
from grok_np.learning.training import evaluate
from grok_np.networks.mlp import mix_forward
from grok_np.reading import rings
from grok_np.streams import generator

LOSS, OPTIMIZER = LOSSES["cross_entropy"], AdamW(eps=67e-8)
BATCH, LOOKS = 8, 5  # networks trained together; looks at the held-out pairs between two savings
BASIN = 0.15  # two rings are in the same basin if |M_5| to |M_8| differ by less than this
QUANTITIES = {"M5": "$|M_5|$", "M6": "$|M_6|$", "second": "second harmonic", "constant": "constant"}


# %% [markdown]
# ## Train eight networks at once, and go on where they are


# %%
def problem(p, seed, fraction):
    """The article's task."""
    return ModularArithmetic(p, train_fraction=fraction, symmetric=True, seed=int(seed))


def views(model, vector, members):
    """Views (M, ...) by name into the vector of a batch."""
    ends = np.cumsum([members * int(np.prod(shape)) for shape in model.shapes.values()])
    return {name: part.reshape(members, *shape)
            for part, (name, shape) in zip(np.split(vector, ends[:-1]), model.shapes.items(), strict=True)}


def norms(model, vector, members):
    """Euclidean norm of each member's parameters."""
    return np.sqrt(sum((W.reshape(members, -1) ** 2).sum(axis=1) for W in views(model, vector, members).values()))


def begin(model, seeds, look):
    """State of a batch at step 0; ``early``: the weights just after grokking, ``grokked``: the step of that (or -1)."""
    drawn = [model.init(generator(seed, "weights"), np.float32) for seed in seeds]
    theta = np.concatenate([np.stack([one[name] for one in drawn]).ravel() for name in model.shapes])
    return {"size": np.array([model.p, model.d_embed, model.n_hidden]), "look": np.array(look),
            "seeds": np.array(seeds), "step": np.array(0), "theta": theta, "m": np.zeros_like(theta),
            "v": np.zeros_like(theta), "early": np.zeros_like(theta), "grokked": np.full(len(seeds), -1),
            "right": np.zeros((0, len(seeds))), "residual": np.zeros((0, len(seeds)))}


def learn(path, model, fraction, steps, seeds=(), look=1000, optimizer=OPTIMIZER):
    """Train the batch in this file, or a new one of these seeds, until ``steps``; every ``look`` steps it is judged."""
    state = read_npz(path) if path.exists() else begin(model, seeds, look)
    if state["step"] >= steps:
        return
    seeds, members = state["seeds"], len(state["seeds"])
    data = [np.stack(part) for part in zip(*[problem(model.p, seed, fraction).split() for seed in seeds], strict=True)]
    groups = make_groups(model, data, np.dtype("float32"))
    theta, gradient, mean = state["theta"], np.empty_like(state["theta"]), np.zeros_like(state["theta"])
    params, gradients = (views(model, vector, members) for vector in (theta, gradient))
    keep_freed_memory()
    start = int(state["step"])
    for step in tqdm(range(start + 1, steps + 1), path.stem, initial=start, total=steps, unit="step", mininterval=1):
        step_of_all(model, params, groups, LOSS, gradients)
        if (step - 1) % look >= 0.6 * look:
            mean += gradient / np.float32(0.4 * look)
        optimizer.step(theta, gradient, {"m": state["m"], "v": state["v"]}, step)
        if step % look == 0:
            right = np.concatenate([evaluate(model, {name: W[group.members] for name, W in params.items()},
                                             [group.test], LOSS)[1] for group in groups])
            rest = theta + mean / (optimizer.weight_decay * (np.abs(mean) + np.float32(optimizer.eps)))
            residual = norms(model, rest, members) / norms(model, theta, members)
            state["right"] = np.vstack([state["right"], right])
            state["residual"] = np.vstack([state["residual"], residual])
            recent = state["right"][-2:] == 1
            new = (state["grokked"] < 0) & (len(recent) == 2) & recent.all(axis=0)
            state["grokked"][new], mean[:] = step, 0
            for name, early in views(model, state["early"], members).items():
                early[new] = params[name][new]
        if step % (LOOKS * look) == 0 or step == steps:
            state["step"] = np.array(step)
            write_atomically(path, partial(np.savez, **state))


def chosen(model, states, count):
    """State of a batch of the first so many networks that have grokked."""
    found = [(state, i) for state in states for i in np.flatnonzero(has_grokked(state))][:count]
    new = {name: np.concatenate([np.stack([views(model, state[name], len(state["seeds"]))[key][i]
                                           for state, i in found]).ravel() for key in model.shapes])
           for name in ("theta", "m", "v", "early")}
    new |= {name: np.array([state[name][i] for state, i in found]) for name in ("seeds", "grokked")}
    new |= {name: np.stack([state[name][:, i] for state, i in found], axis=1) for name in ("right", "residual")}
    return new | {name: states[0][name] for name in ("size", "look", "step")}


def has_grokked(state):
    """Whether each member was right at two looks in a row, goes on for five, and is right at the end."""
    settled = state["grokked"] <= state["step"] - LOOKS * state["look"]
    return (state["grokked"] > 0) & settled & (state["right"][-1] == 1)


# %% [markdown]
# ## Predict, one network at a time


# %%
def load(source, member, activation, fraction):
    """Model, weights just after grokking and at the end (float64), training pairs, and both steps."""
    source = Path(source)
    if source.is_dir():
        run = load_run(source)
        logged, right = run.history["step"], run.history["test_accuracy"] == 1
        step = min(step for step in run.checkpoint_steps()
                   if step >= 1000 and right[(logged >= step - 1000) & (logged <= step)].all())
        early, late, model, task = run.checkpoint(step), run.params, run.model, run.task
        steps = int(step), int(run.history["step"][-1])
    else:
        state = read_npz(source)
        model = MLP(*state["size"].tolist(), activation)
        task = problem(model.p, state["seeds"][member], fraction)
        early, late = ({name: W[member] for name, W in views(model, state[name], len(state["seeds"])).items()}
                       for name in ("early", "theta"))
        steps = int(state["grokked"][member]), int(state["step"])
    early, late = ({name: W.astype(np.float64) for name, W in one.items()} for one in (early, late))
    return model, early, late, task.split().train_inputs, steps


def describe(effective):
    """What is compared, ring by ring: weighted means over the neurons."""
    found, p = [], len(effective.A)
    x = 2 * np.pi / p * np.arange(p)[:, None]
    for ring in rings.find(effective):
        A = effective.A[:, ring.neurons] / ring.input_amplitudes
        second = 2 * (A * np.cos(2 * (ring.frequency * x - ring.input_phases))).mean(axis=0)
        found.append({"k": ring.frequency, "n": ring.n_neurons, "M": ring.moments[:8].round(4).tolist(),
                      "second": float(np.average(second, weights=ring.weights)),
                      "constant": float(np.average(A.mean(axis=0), weights=ring.weights)),
                      "phase": float(np.abs(ring.phase_errors).mean())})
    return found


def loss_on(effective, pairs):
    """Mean cross-entropy in nats."""
    return float(LOSS.forward(mix_forward(effective, pairs)[0], pairs.sum(axis=1) % len(effective.A))[0])


def nuclear(effective):
    """Twice the nuclear norm of [A | C^T]."""
    return 2 * float(np.linalg.svd(np.hstack([effective.A, effective.C.T]), compute_uv=False).sum())


def cheapest(effective, pairs):
    """Loss + eps wd times the nuclear norm of [A | C^T]: AdamW's decay to leading order, in the cheapest factors."""
    return loss_on(effective, pairs) + OPTIMIZER.eps * OPTIMIZER.weight_decay / 2 * nuclear(effective)


def at_rest(source, member, activation, fraction, evaluations, late=False):
    """One row: where loss + AdamW's exact decay is least, from the weights just after grokking, or in the end."""
    model, early, end, pairs, _ = load(source, member, activation, fraction)
    start = process_time()
    rest = polish(model, end if late else early, pairs, OPTIMIZER, evaluations)
    return {"seconds_rest": process_time() - start, "evaluations_rest": rest.evaluations, "objective": rest.objective,
            "rest": describe(rest.effective), "cheapest_rest": cheapest(rest.effective, pairs)}


def write_down(source, member, activation, fraction, sizes, pure, everything, starts):
    """One row: the best rings of these sizes, for the training pairs or for everything; with pure cosines only.

    ``ratio``: loss on all pairs over that of the learned network, both scaled to the learned decay norm.
    """
    model, _, late, pairs, _ = load(source, member, activation, fraction)
    start = process_time()
    best = best_rings(model.p, dict(sizes), OPTIMIZER, activation, harmonics=(1,) if pure else range(6), starts=starts,
                      inputs=None if everything else pairs).effective
    seconds, learned = process_time() - start, model.effective(late)
    scale = nuclear(learned) / nuclear(best)
    equal = replace(best, **{key: scale * getattr(best, key) for key in "ABC"})
    ratio = loss_on(equal, tasks.all_pairs(model.p)) / loss_on(learned, tasks.all_pairs(model.p))
    return {"rings": describe(best), "seconds": seconds, "cheapest": cheapest(best, pairs), "ratio": ratio}


# %% [markdown]
# ## Baseline: any ring that obeys the moment law


# %%
@cache
def random_moments(n_neurons, draws=2000):
    """Medians of |M_1| .. |M_8| over rings with M_1 = .. = M_4 = 0, Verblunsky coefficients uniform in the disc.

    The nodes are the eigenvalues of the CMV matrix, the weights the squares of first components (Simon 2005, 4.2).
    """
    rng, found = generator(n_neurons, "rings"), []
    for _ in range(draws):
        a = np.zeros(n_neurons, complex)
        a[4:] = np.sqrt(rng.uniform(size=n_neurons - 4)) * np.exp(2j * np.pi * rng.uniform(size=n_neurons - 4))
        a[-1] /= abs(a[-1])
        factors = [np.eye(n_neurons, dtype=complex) for _ in range(2)]
        for j, one in enumerate(a[:-1]):
            rho = np.sqrt(1 - abs(one) ** 2)
            factors[j % 2][j : j + 2, j : j + 2] = [[one.conjugate(), rho], [rho, -one]]
        factors[(n_neurons - 1) % 2][-1, -1] = a[-1].conjugate()
        nodes, vectors = np.linalg.eig(factors[0] @ factors[1])
        found.append(np.abs(analytic.moments(np.angle(nodes), np.abs(vectors[0]) ** 2, 8)))
    return np.median(found, axis=0)


# %% [markdown]
# ## Hold them together


# %%
PREDICTIONS = {"early": "the weights just after grokking", "rest": "those brought to rest",
               "later": "weights of long after, brought to rest", "written": "rings written down",
               "cosines": "the same, pure cosines", "random": "the median ring"}


def compare(row, name, least=6, truth="late"):
    """Pairs (learned, predicted) of the rings of ``least`` neurons or more that have as many in both."""
    learned = {(ring["k"], ring["n"]): ring for ring in row[truth] if ring["n"] >= least}
    if name == "random":
        return [(ring, {"M": random_moments(ring["n"])}) for ring in learned.values()]
    there = {(ring["k"], ring["n"]): ring for ring in row[name]}
    return [(ring, there[key]) for key, ring in learned.items() if key in there]


def value(ring, quantity):
    """A number of a ring; nan where a baseline has none."""
    return ring["M"][int(quantity[1]) - 1] if quantity[0] == "M" else ring.get(quantity, np.nan)


def same_basin(one, other):
    """Whether |M_5| to |M_8| all differ by less than BASIN."""
    return max(abs(a - b) for a, b in zip(one["M"][4:], other["M"][4:], strict=True)) < BASIN


def print_errors(group):
    """Tables of mean absolute errors: against the learned rings, and against those at rest."""
    for truth, names in (("late", PREDICTIONS), ("rest", ("settled", "random"))):
        total = sum(ring["n"] >= 6 for row in group for ring in row[truth])
        print(f"\nMean absolute differences from the {total} rings of six or more "
              + {"late": "learned in the end", "rest": "at rest"}[truth] + "\n\n| predicted by | rings of equal size | "
              + " | ".join(QUANTITIES) + " | phase (degrees) | same size and basin |")
        print("|" + " --- |" * (4 + len(QUANTITIES)))
        for name in names:
            both = [pair for row in group for pair in compare(row, name, 6, truth)]
            if both:
                errors = [np.mean([abs(value(a, q) - value(b, q)) for a, b in both]) for q in (*QUANTITIES, "phase")]
                texts = [f"{error:.3f}" for error in errors[:-1]]
                hits = sum(same_basin(a, b) for a, b in both)  # medians of |M_n| are no ring, so are in no basin
                texts += [f"{errors[-1]:.1f}", "" if name == "random" else f"{hits / total:.0%}"]
                print(f"| {PREDICTIONS.get(name, 'rings written down')} | {len(both)} | "
                      + " | ".join(texts).replace("nan", "") + " |")


def print_rings(group):
    """Ring by ring: learned / at rest / written down."""
    print("\nfrequency x neurons: |M_5| |M_6| second harmonic, constant (learned / at rest / written down)")
    for row in group:
        print(f"{row['name']}, grokked by {row['grokked']:,}, learned until {row['late_step']:,}:")
        for ring in row["late"]:
            texts = []
            for name in ("late", "rest", "written"):
                here = [one for one in row[name] if (one["k"], one["n"]) == (ring["k"], ring["n"])]
                texts.append("{:.2f} {:.2f} {:.3f} {:.3f}".format(*[value(here[0], q) for q in QUANTITIES])
                             if here else "of another size")
            print(f"    {ring['k']:2d} x {ring['n']}:  " + "  /  ".join(texts))


def print_objectives(group):
    """How far above the network at rest each stands, losses at equal norm, seconds."""
    def spread(values):
        return f"{np.median(values):.3g} ({min(values):.3g} to {max(values):.3g})"

    print("\nper cent above the network at rest, median and range: learned, in loss + AdamW's exact decay "
          + spread([100 * (row["objective_late"] / row["objective"] - 1) for row in group]))
    for name, label in (("late", "learned"), ("settled", "rings written down"), ("cosines", "pure cosines")):
        print(f"  {label}, in loss + eps wd times the nuclear norm: "
              + spread([100 * (row[f"cheapest_{name}"] / row["cheapest_rest"] - 1) for row in group]))
    for name, label in (("written", "written down for the training pairs"), ("all", "written down for all pairs")):
        print(f"loss on all pairs at equal norm, {label} / learned: {spread([row[f'ratio_{name}'] for row in group])}")
    print("seconds of one core:", ", ".join(f"{name} {spread([row[f'seconds_{name}'] for row in group])}"
                                            for name in ("rest", "written", "all", "cosines")))


# %%
def scatter(group):
    """Prediction against learning, ring by ring, coloured by the number of neurons; filled: trained longest."""
    figure = Figure(figsize=(WIDTH, 6.8), layout="constrained")
    names = {"rest": "at rest, from the weights\njust after grokking", "later": "at rest, from weights\nof long after",
             "written": "written down from\nfrequencies and sizes"}
    axes = figure.subplots(len(names), len(QUANTITIES))
    sizes = sorted({min(ring["n"], 9) for row in group for ring in row["late"] if ring["n"] >= 5})
    steps = sorted({row["late_step"] for row in group})
    shorter = [row for row in group if row["late_step"] < steps[-1]]
    longest = [row for row in group if row["late_step"] == steps[-1]]
    for line, (name, words) in zip(axes, names.items(), strict=True):
        for axis, (quantity, label) in zip(line, QUANTITIES.items(), strict=True):
            ends = (0, 1) if quantity[0] == "M" else (-0.15, 0) if quantity == "second" else (0, 0.15)
            axis.plot(ends, ends, color="0.6", lw=1)
            for of, filled in ((shorter, False), (longest, True)):
                both = [pair for row in of for pair in compare(row, name, 5)]
                for size, colour, marker in zip(sizes, CYCLE, "os^Dv", strict=False):
                    points = [(value(a, quantity), value(b, quantity)) for a, b in both if min(a["n"], 9) == size]
                    axis.plot(*np.array(points).reshape(-1, 2).T, marker, color=colour, ms=4,
                              mfc=colour if filled else "none", alpha=1 if filled else 0.5,
                              label=f"{size}{' or more' * (size == 9)}" if filled else None)
            axis.set(aspect="equal", title=label if name == "rest" else "", xlabel="learned")
        line[0].set_ylabel(words)
    figure.legend(*axes[0, 0].get_legend_handles_labels(), title="neurons in the ring", ncols=5, frameon=False,
                  loc="outside lower center", fontsize=9)

    def error(name, of):
        return np.mean([abs(value(a, "M5") - value(b, "M5")) for row in of for a, b in compare(row, name)] or [np.nan])

    told = [f"{len(of)} networks, {', '.join(f'{error(name, of):.2f}' for name in names)}"
            for of in (shorter, longest) if of]
    title(figure, "Mean error of $|M_5|$ in the three rows, rings of six or more.",
          f"Filled, trained for {steps[-1]:,} steps: {told[-1]}.",
          *[f"Hollow, for {' or '.join(f'{step:,}' for step in steps[:-1])}: {told[0]}."] * (len(steps) > 1))
    return figure


def courses(states):
    """By kind of network {step: distances from the rest law, of each that has grokked by then}, of the batches that
    were trained longest; of all networks where none has grokked; and which of the two.
    """
    found = {}
    for kind in dict.fromkeys(kind for kind, _ in states):
        here = [state for other, state in states if other == kind]
        here = [state for state in here if state["step"] == max(one["step"] for one in here)]
        grokked, by_step = any(has_grokked(state).any() for state in here), {}
        for state in here:
            for i in np.flatnonzero(has_grokked(state) | (not grokked)):
                for look, value in enumerate(state["residual"][:, i], 1):
                    if look * state["look"] >= state["grokked"][i]:
                        by_step.setdefault(int(look * state["look"]), []).append(value)
        right = np.concatenate([state["right"][-1] for state in here])
        known = f"{right.min():.1%} to {right.max():.1%} of the held-out pairs right"
        found[kind] = by_step, "after grokking" if grokked else known
    return found


def print_courses(found):
    """Median distances from the rest law at steps 1, 2, 5, 10, ... and the last."""
    print("\ndistance from the rest law over the norm of the weights, median")
    for kind, (by_step, state) in found.items():
        steps = [step for step in sorted(by_step) if str(step).rstrip("0") in ("1", "2", "5") or step == max(by_step)]
        print(f"{kind}, {len(by_step[steps[-1]])} networks, {state}:",
              ", ".join(f"{np.median(by_step[step]):.2%} at {step:,}" for step in steps))


def residuals(found):
    """How far training is from rest, by step: median and range."""
    figure = Figure(figsize=(WIDTH / 1.5, 3.4), layout="constrained")
    axis, last = figure.subplots(), []
    for (kind, (by_step, _)), colour, style in zip(found.items(), CYCLE, ("-", "--", ":", "-."), strict=False):
        steps = [step for step in sorted(by_step) if len(by_step[step]) >= min(3, len(by_step[max(by_step)]))]
        low, middle, high = np.transpose([np.quantile(by_step[step], (0, 0.5, 1)) for step in steps])
        axis.fill_between(steps, low, high, color=colour, alpha=0.2, lw=0)
        axis.plot(steps, middle, style, color=colour, label=f"{kind}: {len(by_step[steps[-1]])} networks")
        last.append(f"{middle[-1]:.2%} at step {steps[-1]:,}")
    axis.set(xscale="log", yscale="log", xlabel="step", ylabel="distance from the rest law / norm")
    axis.legend(frameon=False, loc="lower left")
    title(figure, "Distance from the rest law in the end, median, as listed:", ", ".join(last))
    return figure


# %% [markdown]
# ## Everything in the folder, together


# %%
def learned(path, member, activation, fraction):
    """What is shown of a learned network."""
    model, early, late, pairs, (grokked, step) = load(path, member, activation, fraction)
    effective, decay = model.effective(late), sum(penalty(W, OPTIMIZER)[0] for W in late.values())
    return {"grokked": grokked, "late_step": step, "early": describe(model.effective(early)),
            "late": describe(effective), "cheapest_late": cheapest(effective, pairs),
            "objective_late": loss_on(effective, pairs) + decay}


def gather(out, runs, starts, evaluations):
    """Groups of rows by name, predictions made where there are none yet; and all states with their activation."""
    files = {path: (path.stem.split("_"), read_npz(path)) for path in sorted(out.glob("*_*_*.npz"))}
    found = [(path, int(i), float(fraction), f"{float(fraction):.0%} of the pairs{', trained on' * (number == 'long')}",
              f"seed {state['seeds'][i]}")
             for path, ((activation, fraction, number), state) in files.items() if activation == "relu"
             for i in np.flatnonzero(has_grokked(state))]
    for path in runs:
        run = load_run(path)
        since = run.history["step"] >= run.history["step"][-1] - LOOKS * 1000
        if (run.history["test_accuracy"][since] == 1).all():
            fraction = run.task.train_fraction
            found.append((path, 0, fraction, f"{fraction:.0%} of the pairs", path.name))
    networks = [{"source": str(path), "member": i, "activation": "relu", "fraction": fraction}
                for path, i, fraction, _, _ in found]
    with workers() as pool:
        rows = sweep(at_rest, [one | {"evaluations": evaluations} for one in networks], out / "rest.jsonl",
                     executor=pool)
        for row, (*_, name) in zip(rows, found, strict=True):
            row |= learned(row["source"], row["member"], "relu", row["fraction"]) | {"name": name}
        first = {(row["fraction"], row["name"]): {key: row[key] for key in networks[0]} for row in rows[::-1]}
        late = [setting | {"evaluations": evaluations, "late": True} for setting in first.values()]
        later = sweep(at_rest, late, out / "rest.jsonl", executor=pool)  # trained on or not: from where its batch ended
        later = {key: one["rest"] for key, one in zip(first, later, strict=True)}
        wanted = [(row, name, {key: row[key] for key in networks[0]} | {
            "sizes": [[ring["k"], ring["n"]] for ring in row["rest" if name == "settled" else "late"]],
            "pure": name == "cosines", "everything": name == "all", "starts": starts})
            for row in rows for name in ("written", "settled", "all", "cosines")]
        settings = list({str(setting): setting for _, _, setting in wanted}.values())
        written = dict(zip(map(str, settings), sweep(write_down, settings, out / "written.jsonl", executor=pool),
                           strict=True))
    for row, name, setting in wanted:
        best = written[str(setting)]
        row |= {name: best["rings"]} | {f"{key}_{name}": best[key] for key in ("seconds", "cheapest", "ratio")}
    groups = {}
    for row, (_, _, _, group, _) in zip(rows, found, strict=True):
        groups.setdefault(group, []).append(row | {"later": later[row["fraction"], row["name"]]})
    return groups, [(f"{ {'relu': 'ReLU', 'square': 'x²'}[activation]}, {float(fraction):.0%} of the pairs", state)
                    for (activation, fraction, _), state in files.values()]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--fraction", type=float, default=0.4, help="share of the unordered pairs to train on")
    parser.add_argument("--activation", choices=("relu", "square"), default="relu")
    parser.add_argument("--members", type=int, default=96, help="networks to train; of 40 %% of the pairs a third grok")
    parser.add_argument("--steps", type=int, default=50_000)
    parser.add_argument("--long", type=int, default=0, metavar="STEPS", help="train ten of those that grok until here")
    parser.add_argument("--runs", type=Path, nargs="*", default=[], help="folders of finished runs of the same recipe")
    parser.add_argument("--starts", type=int, default=1, help="of each network that is written down")
    parser.add_argument("--evaluations", type=int, default=2000, help="of an objective, at most")
    parser.add_argument("--quick", action="store_true", help="four tiny networks, p = 11, 2,000 steps")
    options = parse(parser, "ring_law")
    model, look, optimizer = MLP(67, activation=options.activation), 1000, OPTIMIZER
    if options.quick:
        model, look, optimizer = MLP(11, 32, 12), 100, replace(OPTIMIZER, lr=1e-2)
        options.fraction, options.members, options.steps, options.long, options.evaluations = 0.9, 4, 2000, 2500, 300
    options.out.mkdir(parents=True, exist_ok=True)
    kind, paths = f"{options.activation}_{options.fraction:g}", []
    for first in range(0, options.members, BATCH):
        paths.append(options.out / f"{kind}_{first:03d}.npz")
        seeds = range(first, min(first + BATCH, options.members))
        learn(paths[-1], model, options.fraction, options.steps, seeds, look, optimizer)
    batches, path = [read_npz(path) for path in paths], options.out / f"{kind}_long.npz"
    if options.long and any(has_grokked(state).any() for state in batches):
        if not path.exists():
            write_atomically(path, partial(np.savez, **chosen(model, batches, 10)))
        learn(path, model, options.fraction, options.long, look=look, optimizer=optimizer)
    groups, states = gather(options.out, options.runs, options.starts, options.evaluations)
    print(sum(len(state["seeds"]) for state in batches), "networks trained,",
          sum(has_grokked(state).sum() for state in batches), "grokked early enough")
    for name, group in groups.items():
        print(f"\n{name}: {len(group)} networks")
        print_rings(group)
        print_errors(group)
        print_objectives(group)
    if not groups:
        print("No network has grokked: nothing to compare.")
        return
    last = list({(row["fraction"], row["name"]): row for group in groups.values() for row in group}.values())
    if len(groups) > 1:
        print(f"\nall {len(last)} networks, each where it was trained longest")
        print_errors(last)
        print_objectives(last)
    pictures = {"ring_law": (scatter(last), "whether the points are on the line")}
    if states:
        found = courses(states)
        print_courses(found)
        pictures["rest"] = residuals(found), "how near to rest training comes, and how slowly"
    show(options.out, pictures)


if __name__ == "__main__":
    main()
