# %%
"""A lower bound of every pair's margin from the rings alone, without computing logits: what does it certify?

    python examples/certified_margin.py                      # stars and the best written-down network; a few seconds
    python examples/certified_margin.py --published FILE     # and the explorable article's weights (main_model.npz)
    python examples/certified_margin.py --run FOLDER         # and a run of the main job

For each ring the moment law (docs/theory.md, section 1), with a wave of its own for each neuron, gives the answer's
strength and a bound on everything else as functions of a - b: p numbers for each neuron and harmonic, where logits
would be p³. (Harmonics come from sums over 2048 points; those beyond 400 are bounded by the variation of the slope.)
What is not in a neuron's own ring, modes 0, k, 2k in and k out, is bounded by its largest value. Printed: the share of
pairs certified, and the same if those leftovers were nothing; the least margin and its bound, likewise; the leftovers,
which say what is to blame. Bounding such networks in linear time is the idea of Yip et al. 2024 (arXiv 2412.03773).
"""

import argparse
from pathlib import Path

import numpy as np

from grok_np import analytic, load_run
from grok_np.analytic import best_rings
from grok_np.reading import published, rings

P, SIZES = 67, {8: 8, 14: 8, 27: 8}
HARMONICS, ORDERS, POINTS = 3, 400, 2048


# %%
def ring_terms(effective, ring, d, offsets):
    """One ring: answer and error of the margin, both (p, p - 1), by a - b and by how far a wrong answer is off.

    And two leftovers (p,): what its neurons read in and put out beyond their own ring's modes.
    """
    p, k, alpha = len(effective.A), ring.frequency, ring.input_phases
    A, C, x = effective.A[:, ring.neurons], effective.C[ring.neurons], 2 * np.pi / len(effective.A) * np.arange(p)
    spectrum = np.fft.fft(A, axis=0) / p
    j = np.arange(HARMONICS)[:, None]
    f = np.where(j > 0, 2, 1) * (spectrum[j[:, 0] * k % p] * np.exp(1j * j * alpha)).real  # (harmonic, neuron)
    wave = sum(f[i] * np.cos(i * (k * x[:, None] - alpha)) for i in range(HARMONICS))
    output = 2 * np.conj(np.fft.fft(C, axis=1)[:, k]) / p  # t exp(i beta)
    t = 2 * np.pi * np.arange(POINTS) / POINTS
    half = k * d * np.pi / p
    pre = 2 * sum(f[i][:, None] * np.cos(i * half)[:, None, None] * np.cos(i * t) for i in range(HARMONICS))
    post = np.maximum(pre, 0)  # (p, neuron, t)
    c = np.fft.rfft(post, axis=2).real[:, :, :ORDERS] / POINTS
    c[:, :, 1:] *= 2
    m = np.arange(ORDERS)
    turned = np.exp(1j * np.outer(alpha, m))
    calls = [np.einsum("dim,im->dm", c, output[:, None] * turn) / 2 for turn in (turned, turned.conj())]
    strength = calls[1][:, 2].copy()
    calls[1][:, 2] = 0
    error = sum(np.abs(call).sum(axis=1) for call in calls)
    slopes = np.abs(np.roll(post, 1, axis=2) - 2 * post + np.roll(post, -1, axis=2)).sum(axis=2) * POINTS / (2 * np.pi)
    tail = slopes @ np.abs(output) / (np.pi * (ORDERS - 1))  # |c_m| <= variation of the slope / (pi m²)
    angle = 2 * np.pi * k / p * offsets
    answer = np.outer(strength.real, 1 - np.cos(angle)) - np.outer(np.abs(strength.imag), np.abs(np.sin(angle)))
    spread = C.max(axis=1) - C.min(axis=1)
    beyond = C - (output.conj()[:, None] * np.exp(1j * k * x)).real
    read_in = np.full(p, 2 * (np.abs(A - wave).max(axis=0) * spread).sum())
    put_out = post.max(axis=2) @ (beyond.max(axis=1) - beyond.min(axis=1))
    return answer, 2 * np.outer(error + tail, np.abs(np.sin(angle / 2))), read_in, put_out


def bounds(effective):
    """Lower bounds (p,) of the margin at a - b = 0 .. p - 1: with everything, without leftovers; and the leftovers."""
    p = len(effective.A)
    d, offsets = np.arange(p), np.arange(1, p)
    found = rings.find(effective)
    answer, error, read_in, put_out = (sum(part) for part in zip(
        *[ring_terms(effective, ring, d, offsets) for ring in found], strict=True))
    outside = np.setdiff1d(np.arange(effective.A.shape[1]), np.concatenate([ring.neurons for ring in found]))
    spread = effective.C[outside].max(axis=1, initial=0) - effective.C[outside].min(axis=1, initial=0)
    read_in = read_in + 2 * (np.abs(effective.A[:, outside]).max(axis=0, initial=0) * spread).sum()
    clean = (answer - error).min(axis=1)
    return clean - read_in - put_out, clean, read_in, put_out


def row(name, effective):
    """One line: shares certified, least margins, leftovers."""
    p = len(effective.A)
    certified, clean, read_in, put_out = bounds(effective)
    margins = analytic.margins(analytic.logits(effective, p))
    b = np.arange(p)
    least = np.array([margins[(b + d) % p, b].min() for d in range(p)])
    assert (certified <= least + 1e-9).all(), "the bound is no bound"
    return (f"{name:34s}{(certified > 0).mean():10.0%}{(clean > 0).mean():12.0%}{least.min():12.3f}"
            f"{certified.min():10.3f}{clean.min():12.3f}{read_in.max():10.1f}{put_out.max():10.1f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--published", type=Path)
    parser.add_argument("--run", type=Path)
    parser.add_argument("--evaluations", type=int, default=3000)
    arguments = parser.parse_args()
    best = best_rings(P, SIZES, starts=1, evaluations=arguments.evaluations).effective
    networks = {"cosine stars of nine": analytic.stars(P, 9, list(SIZES), activation="relu"),
                "cosine stars of five": analytic.stars(P, 5, list(SIZES), activation="relu"),
                "best written down": best, "the same, own modes only": rings.keep_harmonics(best, rings.find(best))}
    if arguments.published:
        network = published.load(arguments.published)
        networks["published"] = network.model.effective(network.params)
    if arguments.run:
        run = load_run(arguments.run)
        networks["learned"] = run.model.effective(run.params)
    print(f"{'':34s}{'certified':>10s}{'no leftover':>12s}{'margin':>12s}{'bound':>10s}{'no leftover':>12s}"
          f"{'read in':>10s}{'put out':>10s}")
    for name, effective in networks.items():
        print(row(name, effective))


if __name__ == "__main__":
    main()
