# %%
"""How lopsided is a ring of six? A formula from the frequencies alone, beside the optimiser.

    python examples/law_of_six.py                             # 13 sets of frequencies, two starts each; minutes
    python examples/law_of_six.py --written written.jsonl     # and the optima that ring_law.py has kept

A ring of six has two errors, |M_5| = m and |M_6| = 1 - m². To second order they cost A m² + B (1 - m²)², which is least
at m² = 1 - A / 2B, or at 0. B is the price of a regular hexagon, A that of a regular pentagon, each in the mean field
of rings without errors, and after the ring's waves and the directions of the embedding have answered to the error. The
formulas: docs/theory.md, section 10. Printed, ring by ring: A / 2B before and after the answers, m predicted, and m of
`best_rings`; then mean absolute errors, apart for rings that resonate: 5k or 6k is another ring's k or 2k.
"""

import argparse
import json
from pathlib import Path
from typing import NamedTuple

import numpy as np
from _console import parse, show, workers
from matplotlib.figure import Figure
from scipy.optimize import minimize

from grok_np.analytic import ARTICLE, best_rings
from grok_np.figures.style import CYCLE, title
from grok_np.learning.sweep import sweep
from grok_np.reading import rings

P, STRENGTH, CHARGES, KEPT = 67, ARTICLE.eps * ARTICLE.weight_decay, 18, 0.995
W, T = 2 * np.pi / P, 2 * np.pi * (np.arange(512) + 0.5) / 512
HALF, OFFSETS = np.arange(P // 2 + 1)[:, None], np.arange(1, P)  # (a - b) / 2 mod p up to its sign, and c - a - b


class Field(NamedTuple):
    """Rings without errors, F of them; S pairs (half difference d, wrong answer j), those that make the loss."""

    k: np.ndarray  # (F,)
    weight: np.ndarray
    constant: np.ndarray
    second: np.ndarray
    d: np.ndarray  # (S,)
    j: np.ndarray
    chance: np.ndarray  # of this wrong answer, times the share of these pairs
    on: np.ndarray  # (F, 5, S) harmonics 0 .. 4 of where the activated wave is on
    answer: np.ndarray  # (F, S) what the ring takes from the wrong answer
    sigma: tuple  # singular values of the rows 0, k, 2k of [A | C^T]: a number and two (F,)


# %%
def second_of(pre):
    """Half of the second harmonic of the activated wave."""
    return (np.maximum(pre, 0) * np.cos(2 * T)).mean(axis=-1)


def mean_field(k):
    """The field whose weights, constants and second harmonics make loss + decay least."""
    k, F, twice = np.array(k), len(k), np.where(HALF[:, 0] > 0, 2, 1) / P

    def waves(theta, d):
        for k_r, weight, constant, second in zip(k, np.exp(theta[:F]), theta[F : 2 * F], theta[2 * F :], strict=True):
            delta = k_r * d * W
            yield weight, 2 * (constant + np.cos(delta) * np.cos(T) + second * np.cos(2 * delta) * np.cos(2 * T))

    def wrong(theta):
        return np.exp(-sum(weight * np.outer(second_of(wave), 1 - np.cos(k_r * OFFSETS * W))
                           for k_r, (weight, wave) in zip(k, waves(theta, HALF), strict=True)))

    def objective(theta):
        weight, constant, second = np.exp(theta[:F]), theta[F : 2 * F], theta[2 * F :]
        price = np.sqrt(2 * P * weight) @ (1 + np.abs(second) / np.sqrt(2)) + np.sqrt(P * weight @ constant**2)
        return 1e4 * (twice @ np.log1p(wrong(theta).sum(axis=1)) + STRENGTH * price)

    start, bounds = np.repeat([np.log(300 / F), 0.1, -0.12], F), [(2, 7)] * F + [(0, 0.3)] * F + [(-0.3, 0)] * F
    best = minimize(objective, start, method="L-BFGS-B", bounds=bounds).x
    chance = (twice[:, None] * wrong(best)).ravel()
    kept = np.argsort(-chance)
    kept = kept[: 1 + np.searchsorted(np.cumsum(chance[kept]), KEPT * chance.sum())]
    d, j = HALF[kept // (P - 1), 0], OFFSETS[kept % (P - 1)]
    weights, pre = zip(*waves(best, d[:, None]), strict=True)
    weight, constant, second = np.array(weights), best[F : 2 * F], best[2 * F :]
    on = np.array([[((wave > 0) * np.cos(n * T)).mean(axis=1) for n in range(5)] for wave in pre])
    answer = np.array([w * second_of(wave) * (1 - np.cos(k_r * j * W))
                       for k_r, w, wave in zip(k, weight, pre, strict=True)])
    sigma = (np.sqrt(P * weight @ constant**2), np.sqrt(P * weight / 2), -second * np.sqrt(P * weight / 4))
    return Field(k, weight, constant, second, d, j, chance[kept] * chance.sum() / chance[kept].sum(), on, answer, sigma)


def turns(field, charge, own):
    """What turning the embedding's directions of modes 0 and 2k by a charge adds to the logits (n, S); prices."""
    used = {0: field.sigma[0]} | {sign * n * k % P: field.sigma[n][r] for r, k in enumerate(field.k)
                                  for n in (1, 2) for sign in (1, -1)}
    mine = {sign * n * field.k[own] % P for n in range(3) for sign in (1, -1)}

    def logits(r, n, amplitude):
        turn, on = np.exp(1j * field.k[r] * field.j * W) - 1, field.on[r]
        return field.weight[r] * amplitude * np.cos((n * field.k[r] + charge) * field.d * W) * (
            on[abs(n + 2)] * turn + on[abs(n - 2)] * turn.conj())

    found = [(sum(logits(r, 0, constant) for r, constant in enumerate(field.constant)), field.sigma[0], charge % P)]
    for r, k in enumerate(field.k):
        found += [(logits(r, n, field.second[r] / 2), field.sigma[2][r], (n * k + charge) % P) for n in (-2, 2)
                  if r != own or (n * k + charge) % P not in mine]  # those are the ring's own waves
    return (np.array([profile for profile, _, _ in found]),
            STRENGTH * np.array([sigma**2 / (sigma + used.get(mode, 0)) for _, sigma, mode in found]))


def answers(field, r, n):
    """Of a regular ring of n: its error (charges, S), how each coefficient moves that, and the decay's Hessian.

    The 10 n coefficients are [A | C^T] at the five waves of the ring: what a neuron reads of them, what it puts out.
    """
    k, alpha, size = field.k[r], 2 * np.pi * np.arange(n) / n, np.sqrt(field.weight[r] / n)
    x, delta, turn = np.arange(P)[:, None] * W, k * field.d * W, k * field.j * W
    norm = np.sqrt(np.array([1, 2, 2, 2, 2]) / P)

    def waves(angle):
        found = [np.ones_like(angle), *(wave(m * angle) for m in (1, 2) for wave in (np.cos, np.sin))]
        return norm[:, None, None] * found

    read, put = waves(x + delta) + waves(x - delta), waves(2 * x + turn) - waves(2 * x + 0 * turn)  # (5, p, S)
    rows = np.zeros((5, 2 * n + 1))
    first, second = ([np.cos(m * alpha), np.sin(m * alpha)] for m in (1, 2))
    rows[:, :n] = size / norm[:, None] * [np.full(n, field.constant[r]), *first, *(field.second[r] * np.array(second))]
    rows[1:3, n:-1] = size / norm[1] * np.array(second)
    rows[0, -1] = np.sqrt(field.sigma[0] ** 2 - (rows[0] ** 2).sum())  # the constants of the other rings
    pre, out = np.tensordot(rows[:, :n].T, read, 1), np.tensordot(rows[:, n:-1].T, put, 1)  # (n, p, S)
    fourier = np.exp(-1j * np.outer(np.arange(CHARGES), x)) / P
    error = fourier @ (np.maximum(pre, 0) * out).sum(axis=0)
    error[0] += field.answer[r]
    moved = np.stack([fourier @ part for wave in range(5) for part in (*((pre > 0) * out * read[wave]),
                                                                      *(np.maximum(pre, 0) * put[wave]))])
    sigma = np.linalg.norm(rows, axis=1)
    V, hessian = (rows / sigma[:, None]), np.zeros((5, 2 * n, 5, 2 * n))
    beyond, V = (np.eye(2 * n + 1) - V.T @ V)[:-1, :-1], V[:, :-1]
    for a in range(5):
        hessian[a, :, a] += beyond / sigma[a]
        for b in set(range(5)) - {a}:
            hessian[a, :, a] += np.outer(V[b], V[b]) / (sigma[a] + sigma[b])
            hessian[a, :, b] -= np.outer(V[b], V[a]) / (sigma[a] + sigma[b])
    return error, moved, STRENGTH * hessian.reshape(10 * n, 10 * n)


def price(field, r, n):
    """What a regular ring of n costs in loss + decay, in nats: before and after waves and embedding have answered."""
    error, moved, hessian = answers(field, r, n)
    both, gram = np.concatenate([error[None], moved]), np.zeros((10 * n + 1, 10 * n + 1))
    for charge in range(CHARGES):
        part = (both[:, charge].conj() * field.chance) @ both[:, charge].T
        if charge:
            profiles, prices = turns(field, charge * field.k[r], r)
            weighted = profiles.conj() * field.chance
            overlap = weighted @ both[:, charge].T
            part = 2 * (part - overlap.conj().T @ np.linalg.solve(weighted @ profiles.T + np.diag(prices), overlap))
        gram += part.real
    stiff = gram[1:, 1:] + hessian
    stiff += 1e-9 * np.trace(stiff) / len(stiff) * np.eye(len(stiff))  # some moves cost nothing
    after = gram[0, 0] - gram[0, 1:] @ np.linalg.solve(stiff, gram[1:, 0])
    return (np.abs(error[1:]) ** 2 @ field.chance).sum(), after / 2


# %%
def optimum(frequencies, sizes, seed, evaluations):
    """Rings of one start of `best_rings`: frequency, size, |M_5|."""
    best = best_rings(P, dict(zip(frequencies, sizes, strict=True)), starts=1, rng=np.random.default_rng(seed),
                      evaluations=evaluations)
    found = [{"k": ring.frequency, "n": ring.n_neurons, "M": ring.moments[:8].tolist()}
             for ring in rings.find(best.effective)]
    return {"objective": best.objective, "rings": found}


def resonates(k, others):
    """Whether five or six times k is, up to its sign, another ring's frequency or twice that."""
    return any((n * k + m * other) % P == 0 for n in (5, 6) for m in (-2, -1, 1, 2) for other in others)


class Six(NamedTuple):
    """A ring of six: A / 2B before and after the answers, |M_5| by the formula and by the optimiser, whether it
    resonates, which share of A and of B the answers leave; second harmonic and constant of mean field and optimum.
    """

    k: int
    before: float
    after: float
    predicted: float
    optimal: float
    resonant: bool
    left: tuple
    field: tuple
    wave: tuple | None  # where it is known


def predictions(found):
    """All sixes of an optimum."""
    k, sixes = [ring["k"] for ring in found], []
    field = mean_field(k)
    for r, ring in enumerate(found):
        if ring["n"] == 6:
            (A, A_left), (B, B_left) = price(field, r, 5), price(field, r, 6)
            after = A_left / B_left / 2
            sixes.append(Six(ring["k"], A / B / 2, after, np.sqrt(max(0, 1 - after)), ring["M"][4],
                             resonates(ring["k"], k[:r] + k[r + 1 :]), (A_left / A, B_left / B),
                             (field.second[r], field.constant[r]),
                             (ring["second"], ring["constant"]) if "second" in ring else None))
    return sixes


def print_sixes(name, sixes):
    """One by one; on which side of the optimiser the formula is; and the mean field's waves beside the optimum's."""
    print(f"\n{name}: frequency, A / 2B before and after the answers, |M_5| predicted and optimal, left of A and of B")
    for six in sixes:
        print(f"{six.k:4d}{six.before:8.2f}{six.after:8.2f}{six.predicted:8.2f}{six.optimal:8.2f}{six.left[0]:8.0%}"
              f"{six.left[1]:8.0%}" + "  resonant" * six.resonant)
    off = np.array([six.predicted - six.optimal for six in sixes])
    print(f"the formula is above the optimiser in {(off > 0).sum()} of {len(off)}, by {off.mean():.2f} on average")
    if all(six.wave for six in sixes):
        field, best = (np.transpose([getattr(six, which) for six in sixes]) for which in ("field", "wave"))
        for what, one, other in zip(("second harmonic", "constant"), field, best, strict=True):
            print(f"{what}, mean: field {one.mean():.3f}, optimum {other.mean():.3f}, apart "
                  f"{np.abs(one - other).mean():.3f}")


def draw(groups):
    """Prediction against optimum."""
    figure = Figure(figsize=(5.2, 5), layout="constrained")
    axis = figure.subplots()
    axis.plot([0, 1], [0, 1], color="0.6", lw=1)
    for (name, sixes), color, marker in zip(groups.items(), CYCLE, "os", strict=False):
        for filled in (False, True):
            points = np.array([(six.predicted, six.optimal) for six in sixes if six.resonant == filled]).reshape(-1, 2)
            axis.plot(*points.T, marker, color=color, mfc=color if filled else "none", ms=6,
                      label=name + ", resonant" * filled)
    axis.set(xlabel="$|M_5|$ by the formula", ylabel="$|M_5|$ by the optimiser", xlim=(-0.03, 1), ylim=(-0.03, 1),
             aspect="equal")
    axis.legend(frameon=False, loc="lower right", fontsize=9)
    off = np.array([abs(six.predicted - six.optimal) for sixes in groups.values() for six in sixes])
    title(figure, f"{(off <= 0.1).sum()} of {len(off)} rings of six are where the formula says, to 0.1")
    return figure


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sets", type=int, default=13)
    parser.add_argument("--starts", type=int, default=2)
    parser.add_argument("--evaluations", type=int, default=3000)
    parser.add_argument("--written", type=Path, help="table of ring_law.py; its optima for all pairs are used")
    parser.add_argument("--quick", action="store_true", help="one set, one start, 300 evaluations")
    options, rng, settings = parse(parser, "law_of_six"), np.random.default_rng(17), []
    if options.quick:
        options.sets, options.starts, options.evaluations = 1, 1, 300
    for i in range(options.sets):
        sizes = ((6, 6, 6), (6, 9, 9), (6, 6, 9), (6, 6, 6, 6))[i % 4]
        k = rng.choice(np.arange(1, 34), len(sizes), replace=False).tolist()
        settings += [{"frequencies": k, "sizes": sizes, "seed": [i // 4, start], "evaluations": options.evaluations}
                     for start in range(options.starts)]
    options.out.mkdir(parents=True, exist_ok=True)
    with workers() as pool:
        rows = sweep(optimum, settings, options.out / "optima.jsonl", executor=pool)
    best = [min(rows[i : i + options.starts], key=lambda row: row["objective"])["rings"]
            for i in range(0, len(rows), options.starts)]
    sources = {"random frequencies": best}
    if options.written:
        lines = map(json.loads, options.written.read_text(encoding="utf-8").splitlines())
        found = [line["rows"][0]["rings"] for line in lines
                 if line["setting"]["everything"] and not line["setting"]["pure"]]
        # A network that was trained on is there twice.
        sources["those of learned networks"] = list({str([ring["k"] for ring in one]): one for one in found}.values())
    groups = {name: [six for found in nets for six in predictions(found)] for name, nets in sources.items()}
    for name, sixes in groups.items():
        print_sixes(name, sixes)
    everything = [six for sixes in groups.values() for six in sixes]
    ends = np.quantile([(six.before, six.after, *six.left) for six in everything], (0, 1), axis=0).T.ravel()
    print("\nall: A / 2B before {:.2f} to {:.2f}, after {:.2f} to {:.2f}; left of A {:.0%} to {:.0%}, of B {:.0%} to "
          "{:.0%}".format(*ends))
    groups_too = {"all": everything, "without resonance": [six for six in everything if not six.resonant],
                  "with resonance": [six for six in everything if six.resonant]}
    print("\n| sixes | rings | M_5 off by, mean | median | at most 0.1 for | the constant, their median |\n|"
          + " --- |" * 6)
    for name, group in (groups | groups_too).items():
        if group:
            predicted, optimal = np.array([(six.predicted, six.optimal) for six in group]).T
            off = np.abs(predicted - optimal)
            print(f"| {name} | {len(group)} | {off.mean():.3f} | {np.median(off):.3f} | {(off <= 0.1).sum()} | "
                  f"{np.abs(optimal - np.median(optimal)).mean():.3f} |")
    show(options.out, {"law_of_six": (draw(groups), "whether the points are on the line")})


if __name__ == "__main__":
    main()
