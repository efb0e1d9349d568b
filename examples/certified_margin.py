# %%
"""A lower bound of every pair's margin from the rings alone, without computing logits: what does it certify?

    python examples/certified_margin.py                         # stars and the best written-down network; ten seconds
    python examples/certified_margin.py --published FILE ...    # and published weights: the explorable article's
                                                                # (main_model.npz), Model A of Clock and Pizza
    python examples/certified_margin.py --run FOLDER            # and a run of the main job

ReLU(x) = (x + |x|) / 2. The linear half joins the path around the neurons, which Model A has anyway; of |x| each ring
is summed over its neurons, for every a - b, at 256 angles t = 2 pi k b / p. Let x be what a neuron reads there of its
own modes 0, k, 2k, and e all that deviates from it, |e| <= z. Then

    |x + e| = |x| + clip(x / z, -1, 1) e + R,    |R| <= max(z - |x|, 0)

so deviations count to first order, where neurons cancel, and R only where a neuron bends. The second table says what
the answer loses, on average over a - b: to angles between the 256; to other rings' modes read in, first order; to R; to
waves of no ring read in, by their size; to other rings' modes put out; to waves of no ring put out; to what is left of
the path. The work is that of the tables and of p wrong answers for each a - b, times 256 and the number of modes;
there are p^3 logits.

Where that leaves nothing, two reductions show what is to blame: to the modes of all rings, to a neuron's own modes.

Beside it the idea of Yip et al. 2024 (arXiv 2412.03773): a ring is a Riemann sum of an integral over the phase. The
error is at most the slope of the integrand times the way by which the neurons' weights must be moved to lie evenly; the
slope alone gives nothing better. All neurons share one wave, what they have beside it is lost; all else is as above.
"""

import argparse
from pathlib import Path
from typing import NamedTuple

import numpy as np

from grok_np import analytic, load_run
from grok_np.analytic import best_rings
from grok_np.networks.mlp import Effective
from grok_np.reading import published, rings

P, SIZES = 67, {8: 8, 14: 8, 27: 8}
HARMONICS, POINTS = np.arange(3), 256
NAMES = {"main_model": "the article's network", "p99zdpze5l": "Model A"}
LOSSES = ("angles", "rings in", "R", "rest in", "rings out", "rest out", "path")


# %% Networks as tables, and the waves in them
class Tables(NamedTuple):
    """logits[a, b] = ReLU(A[a] + B[b]) C + path_a[a] + path_b[b]; A, B (p, h), C (h, p), paths (p, p)."""

    A: np.ndarray
    B: np.ndarray
    C: np.ndarray
    path_a: np.ndarray
    path_b: np.ndarray


def tables(effective):
    """`Tables` of a ReLU MLP, or of a transformer that reads "a b" at attention rate 0: all values are added."""
    w, mlp = effective, isinstance(effective, Effective)
    if w.activation != "relu" or (not mlp and (w.attention_rate, len(w.values)) != (0, 2)):
        raise ValueError("network must be a ReLU MLP, or a ReLU transformer that reads a and b at attention rate 0, "
                         f"got {w.activation}" + (not mlp) * f", {len(w.values)} tokens, rate {w.attention_rate}")
    if mlp:
        return Tables(w.A, w.B + w.bias, w.C, *np.zeros((2, len(w.A), len(w.A))))
    return Tables(w.values[0] @ w.W_OI, w.values[1] @ w.W_OI + w.rest_pre, w.W_L,
                  w.values[0] @ w.W_OU, w.values[1] @ w.W_OU + w.rest_logits)


def margins(network):
    """The true ones, from all logits: (p, p), indexed [a - b, b]."""
    p, b = len(network.A), np.arange(len(network.A))
    post = np.maximum(network.A[:, None] + network.B, 0)
    table = analytic.margins(post @ network.C + network.path_a[:, None] + network.path_b)
    return np.stack([table[(b + u) % p, b] for u in range(p)])


def amplitudes(table, modes):
    """Complex amplitudes (mode, n) of a table (p, n); it is the sum of its `waves` over the modes 0 to p / 2."""
    spectrum = np.fft.fft(table, axis=0)[modes % len(table)] / len(table)
    return np.where(modes % len(table), 2, 1)[:, None] * spectrum


def turns(x, modes, p):
    """exp(2 pi i mode x / p), (x, mode)."""
    return np.exp(2j * np.pi / p * np.multiply.outer(x, modes))


def waves(amplitude, modes, p):
    """Re sum over modes of amplitude exp(2 pi i mode x / p), (p, n)."""
    return (turns(np.arange(p), modes, p) @ amplitude).real


# %% The idea of Riemann sums
def way_to_even(phases, weights):
    """How far weights on the circle must be moved to lie evenly: sum of |weight| times angle, the least possible.

    It is the least integral over x of |W(x) - W(2 pi) x / 2 pi - c|, W the sum of the weights up to x, c the median.
    """
    order = np.argsort(phases % (2 * np.pi))
    x, weights = phases[order] % (2 * np.pi), weights[order]
    length = np.diff(x, append=x[0] + 2 * np.pi)
    start = np.cumsum(weights) - weights.sum() / (2 * np.pi) * (x - x[0])
    end = start - weights.sum() / (2 * np.pi) * length
    middle = np.argsort(start + end)
    c = ((start + end) / 2)[middle][np.searchsorted(np.cumsum(length[middle]), np.pi)]
    start, end = start - c, end - c
    crossing = (start**2 + end**2) / np.maximum(np.abs(start - end), 1e-300)
    return (np.where(start * end < 0, crossing, np.abs(start + end)) / 2) @ length


def riemann_sums(a, b, put, spins):
    """The ring's sum of |x| as an integral, for every a - b (its ``spins``): integral (complex), error, unlike waves.

    Neuron i reads s_i y(t - alpha_i), y the mean wave of all. |y| exp(-2 i t) is, with the odd and even harmonics of y,
    max(|odd|, |even|) exp(-2 i t), of period pi, so that phases need only be even mod pi, and +-min(|odd|, |even|)
    exp(-2 i t), which is 0 for a cosine.
    """
    points = 16 * POINTS  # of one wave, not of every neuron's
    j, t, half = HARMONICS, 2 * np.pi * np.arange(points) / points, np.pi / points
    s, alpha = np.abs(a[1] + b[1]) / 2, -np.angle(a[1] + b[1])
    back, omega = np.exp(1j * np.outer(j, alpha)) / s, s * put * np.exp(-2j * alpha)
    mean_a, mean_b = (table * back @ np.abs(omega) / np.abs(omega).sum() for table in (a, b))
    way, folded = (sum(way_to_even(turn * alpha, part) for part in (omega.real, omega.imag)) / turn for turn in (1, 2))
    wave_j = np.exp(1j * np.outer(j, t))
    for spin in spins:
        f = mean_a * spin + mean_b
        harmonics = f[:, None] * wave_j
        odd, even = harmonics[1::2].sum(axis=0).real, harmonics[::2].sum(axis=0).real
        integral = omega.sum() * (np.abs(odd + even) * np.exp(-2j * t)).mean()
        odd, even = np.abs(odd), np.abs(even)
        odd_slope, even_slope = (np.abs((1j * j[n::2] @ harmonics[n::2]).real) for n in (1, 0))
        slack = half * (j + 2) ** 2 @ np.abs(f)  # by so much slopes may be larger between the angles
        either = odd <= even + slack
        large = np.hypot(np.maximum(odd_slope, even_slope * either), 2 * np.maximum(odd, even)).max() + slack
        small = np.hypot(np.maximum(even_slope, odd_slope * either), 2 * np.minimum(odd, even)).max() + slack
        error = large * folded + min(small * way, 2 * np.abs(omega).sum() * np.abs(f[::2]).sum())
        error += np.abs(omega.sum()) * half / 2 * (large + small)  # the integral is itself a sum over the angles
        own = (a.T * spin).T + b
        yield integral, error, np.abs(put) @ np.abs(own - f[:, None] / back).sum(axis=0)


# %% One ring, and all
def ring_parts(network, ring, keys):
    """A ring's share of the margin, by a - b and by how far off a wrong answer is, and what it explains of the paths.

    ours (p, 7, p - 1): the answer and six losses, at the worst angle; sums (p, 4, p - 1): the integral, its error,
    unlike waves, all other losses; two tables (p, p). Neurons are |x| here. ``keys``: modes k and 2k of all rings.
    """
    p, k, j, m = len(network.A), ring.frequency, HARMONICS, np.arange(1 - len(HARMONICS), len(HARMONICS))
    A, B, C = network.A[:, ring.neurons], network.B[:, ring.neurons], network.C[ring.neurons]
    t, half, tokens = 2 * np.pi * np.arange(POINTS) / POINTS, np.pi / POINTS, np.arange(p)
    wave_j, wave_m = np.exp(1j * np.outer(j, t)), np.exp(1j * np.outer(m, t))

    # Read in: own modes, those of other rings, the rest.
    others = np.array([key for key in keys if not np.isin((key, p - key), j * k % p).any()], int)
    a, b = amplitudes(A, j * k), amplitudes(B, j * k)
    A, B = A - waves(a, j * k, p), B - waves(b, j * k, p)
    other_a, other_b = amplitudes(A, others), amplitudes(B, others)
    rest_a, rest_b = np.abs(A - waves(other_a, others, p)), np.abs(B - waves(other_b, others, p))
    # Put out: C[i, c] = Re sum over l of put[l, i] exp(-2 pi i out[l] c / p) + beyond; the own frequency first.
    out = np.array([k, *(key for key in keys if key not in (k, p - k))])
    put = amplitudes(C.T, out).conj()
    beyond, size = C - waves(put.conj(), out, p).T, np.abs(put)
    spread = np.ptp(beyond, axis=1)
    # The paths, from mode m k to mode out; their constants go to the own frequency alone, so that they count once.
    once = (m != 0) | (out[:, None] == k)
    path_a, path_b = (once * np.fft.fft(amplitudes(table.T, out).conj())[:, m * k % p] / p
                      for table in (network.path_a, network.path_b))
    explained = [(turns(tokens, m * k, p) @ path.T @ turns(-out, tokens, p)).real for path in (path_a, path_b)]

    wrong = 1 - turns(out, -tokens[1:], p)
    rest_a, rest_b, reach = rest_a @ size.T, rest_b @ size.T, rest_a.max(axis=0) + rest_b.max(axis=0)
    spins = turns(tokens, j * k, p)
    mean = np.mean([np.abs((((a.T * spin).T + b).T @ wave_j).real) for spin in spins], axis=(0, 2))
    constant = np.ptp(mean @ beyond)
    ours, sums = [], []
    for u, (integral, error, unlike) in enumerate(riemann_sums(a, b, put[0], spins)):  # a = b + u
        own = (a.T * spins[u]).T + b
        x, slope = (own.T @ wave_j).real, ((1j * j * own.T) @ wave_j).real
        bend = half**2 / 2 * (j**2 @ np.abs(own))[:, None] + np.zeros(x.shape)
        read = (other_a.T * turns(u, others, p)).T + other_b
        z = half * np.abs(slope) + bend + (np.abs(read).sum(axis=0) + reach)[:, None]
        sign = np.clip(x / np.maximum(z, 1e-300), -1, 1)
        path = path_a * turns(u, m * k, p) + path_b
        total, change = put @ np.abs(x) + path @ wave_m, put @ (sign * slope) + (1j * m * path) @ wave_m
        back = turns(u, -k, p) * np.exp(-2j * t)  # to the right answer, a + b = 2 b + u
        answer = ((total[0] * back)[:, None] * wrong[0]).real

        drift = np.abs(change)
        drift[0] = np.abs(change[0] - 2j * total[0]) + 2 * half * (np.abs(total[0]) + drift[0])  # the answer turns too
        angles = half * drift + size @ bend + half**2 / 2 * (np.abs(path) @ m**2)[:, None]
        rings_in = sum((np.abs(put @ (sign * wave[:, None])) + np.abs(put @ (sign * wave.conj()[:, None]))) / 2
                       for wave in read) + np.zeros(drift.shape)
        bends = size @ np.maximum(z - np.abs(x), 0)
        rest_in = (np.roll(rest_a, -u, axis=0) + rest_b).max(axis=0)[:, None] + np.zeros(drift.shape)
        rings_out = np.abs(total) * (np.arange(len(out)) > 0)[:, None]
        level = spread @ np.abs(x).mean(axis=1) / max(spread @ mean, 1e-300)
        rest_out = spread @ (np.abs(np.abs(x) - level * mean[:, None]) + z) + level * constant
        losses = [loss.T @ np.abs(wrong) for loss in (angles, rings_in, bends, rest_in, rings_out)]
        losses.append(rest_out[:, None] + np.zeros(answer.shape))
        worst = (answer - sum(losses)).argmin(axis=0), tokens[:-1]
        ours.append([part[worst] for part in (answer, *losses)])

        # Here x is taken between the angles, so that R counts twice; the integral knows neurons only, so add the path.
        besides = sum(losses[1:], losses[2]) + angles[1:].T @ np.abs(wrong[1:])
        besides += half * (np.abs(path[0]) @ np.abs(m - 2)) * np.abs(wrong[0])
        besides -= ((path[0] @ wave_m * back)[:, None] * wrong[0]).real
        sums.append([(integral * turns(u, -k, p) * wrong[0]).real, error * np.abs(wrong[0]),
                     unlike * np.abs(wrong[0]), besides.max(axis=0)])
    return np.array(ours), np.array(sums), explained


def find(network):
    """The rings of a network, and their modes: k and 2k of all."""
    p = len(network.A)
    found = rings.find(Effective(network.A, network.B, np.zeros(network.A.shape[1]), network.C, "relu"))
    if not found:
        raise ValueError("network has no rings, so there is nothing to start from")
    return found, sorted({min(key % p, -key % p) for ring in found for key in (ring.frequency, 2 * ring.frequency)})


def rings_alone(network):
    """The network with nothing but its rings' modes, and constants, in all of its tables."""
    modes = np.array([0, *find(network)[1]])
    A, B, C, path_a, path_b = (waves(amplitudes(table, modes), modes, len(table)) for table in (
        network.A, network.B, network.C.T, network.path_a, network.path_b))
    path_a, path_b = (waves(amplitudes(path.T, modes), modes, len(path)).T for path in (path_a, path_b))
    return Tables(A, B, C.T, path_a, path_b)


def product(A, C, modes):
    """A C but for the product of what lies beyond these modes in both, and the spread of that at most, (p, p), (p,)."""
    p, a, c = len(A), amplitudes(A, modes), amplitudes(C.T, modes)
    rest_a, rest_c, turn = A - waves(a, modes, len(A)), C - waves(c, modes, len(A)).T, turns(np.arange(p), modes, p)
    return (turn @ (a @ C) + rest_a @ c.T @ turn.T).real, np.abs(rest_a) @ np.ptp(rest_c, axis=1)


def bounds(network):
    """Lower bounds of the margin: two arrays (p, terms), by a - b, at the wrong answer for which they are least.

    The bound is the first term minus the others: the answer and `LOSSES`; the integral, the error of the Riemann sum,
    unlike waves, other losses, path.
    """
    p, (found, keys), C = len(network.A), find(network), network.C / 2
    (half_a, missed_a), (half_b, missed_b) = (product(A, C, np.array([0, *keys])) for A in network[:2])
    whole = network._replace(C=C, path_a=network.path_a + half_a, path_b=network.path_b + half_b)
    *both, explained = zip(*[ring_parts(whole, ring, keys) for ring in found], strict=True)
    outside = np.setdiff1d(np.arange(len(C)), np.concatenate([ring.neurons for ring in found]))
    left_a, left_b = (
        np.ptp(path - sum(part), axis=1) + missed + np.abs(A[:, outside]) @ np.ptp(C[outside], axis=1)
        for path, part, missed, A in zip(whole[3:], zip(*explained, strict=True), (missed_a, missed_b), network[:2],
                                         strict=True))
    left = np.array([(np.roll(left_a, -u) + left_b).max() for u in range(p)])
    for parts in both:
        parts = np.concatenate([sum(parts), np.broadcast_to(left[:, None, None], (p, 1, p - 1))], axis=1)
        yield parts[np.arange(p), :, (2 * parts[:, 0] - parts.sum(axis=1)).argmin(axis=1)]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--published", type=Path, nargs="+", default=[])
    parser.add_argument("--run", type=Path)
    parser.add_argument("--evaluations", type=int, default=3000)
    arguments = parser.parse_args()
    best = best_rings(P, SIZES, starts=1, evaluations=arguments.evaluations).effective
    networks = {"cosine stars of nine": analytic.stars(P, 9, list(SIZES), activation="relu"),
                "cosine stars of 151": analytic.stars(P, 151, list(SIZES), activation="relu"),
                "best written down": best, "the same, own modes": rings.keep_harmonics(best, rings.find(best))}
    networks = {name: tables(effective) for name, effective in networks.items()}
    learned = {NAMES.get(path.stem, path.stem): published.load(path) for path in arguments.published}
    if arguments.run:
        learned["main job"] = load_run(arguments.run)
    for name, one in learned.items():
        effective = one.model.effective({key: W.astype(np.float64) for key, W in one.params.items()})
        networks[name] = tables(effective)
        networks[f"{name}, rings' modes"] = rings_alone(networks[name])
        if isinstance(effective, Effective):
            networks[f"{name}, own modes"] = tables(rings.keep_harmonics(effective, rings.find(effective)))
    rows = []
    print("| network | least margin | its bound | pairs certified | median bound / margin | "
          "Riemann sums: least bound | pairs certified |\n|" + " --- |" * 7)
    for name, network in networks.items():
        true, (ours, sums) = margins(network), bounds(network)
        bound, by_sums = (2 * parts[:, 0] - parts.sum(axis=1) for parts in (ours, sums))
        assert (np.maximum(bound, by_sums) <= true.min(axis=1) + 1e-9).all(), "the bound is no bound"
        print(f"| {name} | {true.min():.3f} | {bound.min():.3f} | {(bound > 0).mean():.0%} | "
              f"{np.median(bound[:, None] / true):.2f} | {by_sums.min():.3f} | {(by_sums > 0).mean():.0%} |")
        alone = rings_alone(network)
        of_no_ring = (100 * ((whole - part) ** 2).sum() / (whole**2).sum() for whole, part in zip(
            (network.A, network.C), (alone.A, alone.C), strict=True))
        rows.append((name, *ours.mean(axis=0), *sums.mean(axis=0)[:3], *of_no_ring))
    print("\n| network | answer | " + " | ".join(LOSSES) + " | integral | error | unlike waves | "
          "of no ring, % of A² | of C² |\n|" + " --- |" * 14)
    for name, *terms in rows:
        print(f"| {name} | " + " | ".join(f"{term:.2f}" for term in terms) + " |")


if __name__ == "__main__":
    main()
