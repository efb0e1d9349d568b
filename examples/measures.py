# %%
"""Numbers that no other example prints: of published weights, of finished runs, of networks that are written down.

    python examples/measures.py article         # the explorable article's weights and its sweep of 225 networks
    python examples/measures.py clock_pizza     # Zhong et al.'s networks; with FOLDER those of clock_and_pizza.py
    python examples/measures.py he              # He et al. 2026: accuracy, loss and inverse participation ratios
    python examples/measures.py gromov          # x² networks: random-phase weights by width, and one that is trained
    python examples/measures.py written_down    # what the package's exact networks can do
    python examples/measures.py main_run FOLDER         # a run of mlp_grokking.py: when do its waves know the answers?
    python examples/measures.py rings_of_six FOLDER     # the runs of mlp_seeds.py beside the law of six
    python examples/measures.py eps             # the final loss is proportional to AdamW's eps; eight minutes

The first three look for published data under the folder GROK_NP_REFERENCE. One number, or one network, to a line.
`reproduce.py` holds them against what is written.
"""

import argparse
import math
import os
from functools import cache
from itertools import product
from pathlib import Path

import numpy as np

from grok_np import MLP, AdamW, ModularArithmetic, analytic, load_run, reading, train
from grok_np.layers import cross_entropy_backward, cross_entropy_forward
from grok_np.reading import clock_pizza, fourier, published

REFERENCE = Path(os.environ.get("GROK_NP_REFERENCE", "../shared/reference"))


def in_float64(params):
    return {name: W.astype(np.float64) for name, W in params.items()}


# %% The explorable article


def article(folder):
    """Its main network and its network of five neurons, from their published weights; its published sweep."""
    network = published.load(REFERENCE / "pair/main_model.npz")
    model, params, pairs = network.model, in_float64(network.params), np.argwhere(network.train_mask)
    logits, cache = model.forward(params, pairs)
    loss, loss_cache = cross_entropy_forward(logits, pairs.sum(axis=1) % model.p)
    grads = model.backward(cross_entropy_backward(1.0, loss_cache), cache)
    every = reading.all_logits(model, params)
    effective = model.effective(params)
    rings = reading.rings.find(effective)
    print(f"main network: training loss / p {loss / model.p:.6e}, accuracy on all pairs {accuracy(every):.4f}, "
          f"norm {norm(params):.4f}")
    for ring in rings:
        constants, seconds = waves_of(effective.A, ring)
        wave = [np.average(one, weights=ring.weights) for one in (constants, seconds)]
        by_second = ring.weights * seconds * np.exp(5j * ring.input_phases)
        print(f"frequency {ring.frequency}: {ring.n_neurons} neurons, largest of M_1 to M_4 "
              f"{ring.moments[:4].max():.3f}, |M_5| {ring.moments[4]:.2f}, weighted with the second harmonics too "
              f"{np.abs(by_second.sum() / (ring.weights @ seconds)):.2f}, constant {wave[0]:+.3f}, second harmonic "
              f"{wave[1]:+.3f}")
    theta, g = (np.concatenate([one[name].ravel() for name in params]) for one in (params, grads))
    nuclear = np.linalg.svd(np.hstack([effective.A, effective.C.T]), compute_uv=False).sum()
    print(f"sum of squares {(theta**2).sum():.1f}, twice the nuclear norm {2 * nuclear:.1f}")
    print(f"at rest: correlation of the weights with -g / (|g| + eps) "
          f"{np.corrcoef(theta, -g / (np.abs(g) + 67e-8))[0, 1]:.4f}")
    log = np.load(REFERENCE / "pair/fixed_embed_5_neurons.npz")
    model = MLP(67, 2, 5, factoring="circular")
    params = {"W_in": log["hidden_w"], "W_out": log["out_w"]}
    ring, = reading.rings.find(model.effective(params))
    spacing = np.degrees(np.diff(np.append(ring.input_phases, ring.input_phases[0] + 2 * np.pi)))
    print(f"five neurons: accuracy on all pairs {accuracy(reading.all_logits(model, params)):.4f}, norm "
          f"{norm(params):.4f}, within {np.abs(spacing - 72).max():.1f} degrees of 72, outputs within "
          f"{np.abs(ring.phase_errors).max():.1f} of twice the input")
    with np.load(REFERENCE / "pair/mlp_seeds.npz") as archive:
        sizes = [row[row > 0] for row in archive["freqs_neurons"]]
    print(f"sweep: {len(sizes)} networks; frequencies {counts(map(len, sizes))}; neurons of a frequency "
          f"{counts(np.concatenate(sizes))}")
    for count in (3, 4):
        here = [tuple(one) for one in sizes if len(one) == count and min(one) >= 5]
        fit = [sum(log_likelihood(one, reserved) for one in here) for reserved in range(6)]
        print(f"{len(here)} networks of {count} rings of five or more: log-likelihood of 1/(n - r)!, r = 0 to 5: "
              f"{', '.join(f'{one:.1f}' for one in fit)}; 1/(n - 4)! is better than 1/n! by {fit[4] - fit[0]:.2f} nats")


def accuracy(logits):
    return (analytic.margins(logits) > 0).mean()


def norm(params):
    return math.sqrt(sum((W.astype(float) ** 2).sum() for W in params.values()))


def counts(values):
    size, count = np.unique(list(values), return_counts=True)
    return ", ".join(f"{one}: {n}" for one, n in zip(size, count, strict=True))


def waves_of(A, ring):
    """Constant and second harmonic of each neuron's wave, first harmonic 1."""
    j = np.array([0, 2])[:, None]
    spectrum = np.fft.fft(A[:, ring.neurons], axis=0) / len(A)
    first = 2 * np.abs(spectrum[ring.frequency])
    return (spectrum[j[:, 0] * ring.frequency % len(A)] * np.exp(1j * j * ring.input_phases)).real * [[1], [2]] / first


@cache
def log_likelihood(sizes, reserved):
    """Of these ring sizes among all of five or more with their sum, if P is the product of 1 / (n - reserved)!."""
    sizes = [int(n) for n in sizes]
    deals = [deal for deal in product(range(5, sum(sizes) - 9), repeat=len(sizes)) if sum(deal) == sum(sizes)]
    weight = {deal: math.prod(1 / math.factorial(n - reserved) for n in deal) for deal in deals}
    return math.log(weight[tuple(sizes)] / sum(weight.values()))


# %% Clock and Pizza

CHECKPOINTS = {"p99zdpze5l": "Model A", "l8k1hzciux": "Model B", "p71frej8t7": "beta", "18c9ev5v5p": "two vocabularies",
               "dy65ktpiij": "GELU", "f5dh675z97": "width 86", "2fsoiei4o2": "two layers"}


def clock_pizza_measures(folder):
    """The paper's measures of the runs in a folder; without one of the published networks and of the exact two."""
    if folder:
        paths = [path.parent for path in sorted(folder.glob("*/config.json"))]
        runs = {path.name.replace("_", " "): load_run(path) for path in paths}
        networks = {name: (run.model, run.params) for name, run in runs.items()}
    else:
        networks = {title: published.load(REFERENCE / f"pizza/{name}.npz")[:2] for name, title in CHECKPOINTS.items()}
        best, _ = analytic.best_frequencies(59, 3, margin=analytic.pizza_margin)
        networks |= {f"exact {name}": analytic.on_circles(build(59, best), best)
                     for name, build in (("pizza", analytic.pizza), ("clock", analytic.clock))}
    print("| network | accuracy | symmetricity, all triples | of the paper's 100 | irrelevance of the right logit | "
          "of the largest wrong one | circularity | verdict |\n|" + " --- |" * 8)
    for name, (model, params) in networks.items():
        found = clock_pizza.classify(model, params)
        paper = clock_pizza.gradient_symmetricity(model, params, clock_pizza.paper_triples(model.p))
        wrong = clock_pizza.distance_irrelevance(model, params, of="largest wrong")
        numbers = (found.gradient_symmetricity, paper, found.distance_irrelevance, wrong, found.circularity)
        print(f"| {name} | {found.accuracy:.4f} | {' | '.join(f'{one:z.5f}' for one in numbers)} | {found.algorithm} |",
              flush=True)


# %% He et al. 2026


def he(folder):
    """Accuracy and loss on all pairs, inverse participation ratios (mean over neurons), neurons of each frequency."""
    for name in ("p23_relu_full", "p23_quad_singlefreq", "p23_relu_grok_wd2"):
        network = published.load(REFERENCE / f"yagent/{name}.npz")
        describe_two_layers(name, network.model, in_float64(network.params))
    model = network.model
    with np.load(REFERENCE / "yagent/p23_relu_grok_wd2_trajectory.npz") as archive:
        points = zip(archive["epochs"], archive["W_in"].astype(float), archive["W_out"].astype(float), strict=True)
        for epoch, W_in, W_out in points:
            describe_two_layers(f"epoch {epoch}", model, {"W_in": W_in.T, "W_out": W_out.T})


def describe_two_layers(name, model, params):
    logits = reading.all_logits(model, params)
    effective = model.effective(params)
    power = [fourier.power(table)[1:] for table in (effective.A, effective.C.T)]
    into, out = (fourier.inverse_participation_ratio(one).mean() for one in power)
    print(f"{name}: accuracy {accuracy(logits):.6f}, loss {reading.progress.loss(logits):.6e}, IPR in {into:.6f}, out "
          f"{out:.6f}, neurons by frequency {counts(power[0].argmax(axis=0) + 1)}")


# %% Gromov 2023


def gromov(folder):
    """Random-phase weights by width, p = 97; his network trained: x², width 500, half of the pairs, squared error."""
    for width in (10, 30, 100, 300, 1000, 4000):
        found = [accuracy(analytic.logits(analytic.gromov(97, width, np.random.default_rng(seed)), 97))
                 for seed in range(3)]
        shares = ", ".join(f"{one:.4f}" for one in found)
        print(f"random phases, {width} neurons: {shares} of the pairs right", flush=True)
    untied = analytic.logits(analytic.untied_star(97), 97)
    print(f"untied star, 6 neurons: {accuracy(untied):.4f} of the pairs right")
    model = MLP(97, n_hidden=500, activation="square", factoring="one_hot", initialisation="gromov")
    for seed in range(3):
        run = train(model, ModularArithmetic(97, train_fraction=0.5, seed=seed), AdamW(lr=5e-3), 400, seed,
                    loss="mean_squared_error", progress=False)
        effective = model.effective(run.params)
        ratios = fourier.inverse_participation_ratio(fourier.power(effective.A)[1:])
        waves = [fourier.strongest_waves(table) for table in (effective.A, effective.B, effective.C.T)]
        same = (waves[0].frequency == waves[1].frequency) & (waves[0].frequency == waves[2].frequency)
        apart = np.angle(np.exp(1j * (waves[2].phase - waves[0].phase - waves[1].phase)))[same]
        history = run.history
        right = history["step"][history["test_accuracy"] == 1]
        print(f"trained, seed {seed}: training pairs {history['train_accuracy'][-1]:.4f}, test pairs "
              f"{history['test_accuracy'][-1]:.4f} (all from step {right[0] if len(right) else '-'}), median IPR "
              f"{np.median(ratios):.3f}, {same.mean():.3f} of the neurons of one frequency in A, B and C, median "
              f"|phase_c - phase_a - phase_b| {np.degrees(np.median(np.abs(apart))):.1f} degrees", flush=True)


# %% Written down


def written_down(folder):
    """Sizes, margins and limits of exact networks."""
    print("x² stars fail at", ", ".join(str(n) for n in range(1, 25) if not analytic.is_exact(n)), "of 1 to 24 neurons")
    for n in (3, 5):
        print(f"x² star of {n}: {accuracy(analytic.logits(analytic.star(67, n), 67)):.4f} of the pairs of p = 67 right")
    margin = {"tied five": analytic.star(67, 5), "untied six": analytic.untied_star(67)}
    print(*(f"margin of the {name}, p = 67: {analytic.margins(analytic.logits(one, 67)).min():.3e}"
            for name, one in margin.items()), sep="\n")
    for n in (5, 6, 7, 8, 10, 16):
        print(f"regular ReLU ring of {n}: right to p = {analytic.largest_modulus(n)}")
    five = 2 * np.pi * np.arange(5) / 5
    two = np.append(five, five + np.radians(18))
    right = [p for p in range(1019, 1032, 2) if ring_is_right(p, two)]
    print(f"two ReLU pentagons 18 degrees apart: right to p = {max(right)}")
    for p in (6, 66, 100):
        ties = sum((analytic.margins(analytic.logits(analytic.star(p, n), p)) <= 0).sum() == p for n in (3, 5, 6))
        untied = accuracy(analytic.logits(analytic.untied_star(p), p))
        print(f"p = {p}: exactly p pairs undecided by {ties} of 3 tied stars; the untied star has {untied:.4f} right")
    for m in (1, 2, 3, 4):
        found, width = analytic.best_frequencies(67, m)
        print(f"best {m} frequencies of 67: {', '.join(map(str, found))}, margin {width:.3e}")
    both = [(analytic.pizza_margin(p, [1], companion=0.5) > 0, analytic.pizza_margin(p, [1]) > 0) for p in (58, 59, 60)]
    print(f"pizza with its companion right at p = 58, 59, 60: {[bool(one[0]) for one in both]}, without: "
          f"{[bool(one[1]) for one in both]}")
    low, high = 0.5, 0.999
    while high - low > 1e-4:
        middle = (low + high) / 2
        low, high = (middle, high) if analytic.pizza_margin(1_009, [1], companion=middle) > 0 else (low, middle)
    print(f"largest companion that decides all pairs of p = 1,009: {low:.4f}")
    print(f"parity of 3 bits, neurons of the exact network: {analytic.exact_parity(30, 3)[0].n_hidden}")


def ring_is_right(p, alpha):
    """A ReLU star at every pair of odd p: by psi = j pi / p alone, as cos(delta) > 0 only scales."""
    psi, chi = np.pi / p * np.arange(2 * p), 2 * np.pi / p * np.arange(p)
    Z = (np.maximum(np.cos(psi[:, None] - alpha), 0) * np.exp(2j * alpha)).sum(axis=1)
    logits = (Z[:, None] * np.exp(-1j * chi)).real
    right = logits[np.arange(2 * p), np.arange(2 * p) % p]
    logits[np.arange(2 * p), np.arange(2 * p) % p] = -np.inf
    return (right > logits.max(axis=1) + 1e-11).all()


# %% Finished runs


def main_run(folder):
    """When it had memorised, and from which checkpoint on waves alone, and the weights, are right everywhere."""
    run = load_run(folder)
    memorised = run.history["step"][run.history["train_accuracy"] == 1][0]
    print(f"training pairs all right at step {memorised:,}")
    steps = run.checkpoint_steps()
    for name in ("learned weights", "second harmonic and constant"):
        wrong = [i for i, step in enumerate(steps) if test_accuracies(run, step).get(name, 0) < 1]
        since = wrong[-1] + 1 if wrong else 0
        print(f"{name}: held-out pairs",
              f"all right from checkpoint {steps[since]:,} on" if since < len(steps) else "not all right")


def test_accuracies(run, step):
    """By what the weights of a checkpoint are replaced with."""
    found = reading.rings.scores(run.model.effective(run.checkpoint(step)), run.split)
    return {name: test.accuracy for name, _, test in found}


def rings_of_six(folder):
    """|M_5|, |M_6|, |M_7| of the settled rings of six, beside 1 - m² and m (1 - m²), m = |M_5|."""
    print("| seed, frequency | \\|M_5\\| | \\|M_6\\| | law | \\|M_7\\| | law |\n|" + " --- |" * 6)
    for path in sorted(folder.glob("seed_*")):
        run = load_run(path)
        step, right = run.history["step"], run.history["test_accuracy"]
        if (right[step >= 0.8 * step[-1]] < 1).any():
            continue
        for ring in reading.rings.find(run.model.effective(run.params)):
            if ring.n_neurons == 6:
                m5, m6, m7 = ring.moments[4:7]
                print(f"| {run.config['seed']}, {ring.frequency} | {m5:.2f} | {m6:.2f} | {1 - m5**2:.2f} | {m7:.2f} | "
                      f"{m5 * (1 - m5**2):.2f} |")


def eps(folder):
    """60 % of the unordered pairs, weight decay 1, 30,000 steps: final loss over eps and sum of squares; and those of
    its rings, written down for the same pairs under the exact decay.
    """
    for value in (6.7e-9, 6.7e-8, 6.7e-7, 6.7e-6):
        optimizer = AdamW(1e-3, (0.9, 0.98), value, 1.0)
        run = train(MLP(), ModularArithmetic(67, train_fraction=0.6, symmetric=True), optimizer, 30_000, progress=False)
        print(f"eps {value:.1e}: loss / eps {run.history['train_loss'][-1] / value:.2f}, sum of squares "
              f"{norm(run.params) ** 2:.0f}, test accuracy {run.history['test_accuracy'][-1]:.4f}", flush=True)
        rings = {ring.frequency: ring.n_neurons for ring in reading.rings.find(run.model.effective(run.params))}
        best = analytic.best_rings(67, rings, optimizer, inputs=run.split.train_inputs,
                                   width=run.model.d_embed)
        print(f"    rings {', '.join(f'{k} x {n}' for k, n in rings.items())} written down: loss / eps "
              f"{best.loss / value:.2f}, sum of squares {best.squares:.0f}", flush=True)


# %%
MEASURES = {"article": article, "clock_pizza": clock_pizza_measures, "he": he, "gromov": gromov,
            "written_down": written_down, "main_run": main_run, "rings_of_six": rings_of_six, "eps": eps}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("measure", choices=MEASURES)
    parser.add_argument("folder", type=Path, nargs="?", help="of the run or runs to be measured")
    arguments = parser.parse_args()
    if arguments.measure in ("main_run", "rings_of_six") and arguments.folder is None:
        parser.error(f"{arguments.measure} needs the FOLDER of what is to be measured")
    if arguments.measure in ("article", "he", "clock_pizza") and not arguments.folder and not REFERENCE.is_dir():
        parser.error(f"there is no folder {REFERENCE}; set GROK_NP_REFERENCE")
    MEASURES[arguments.measure](arguments.folder)


if __name__ == "__main__":
    main()
