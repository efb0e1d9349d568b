"""Networks that are written down instead of learned: rings of neurons that add mod p exactly, and why.

A ring is a set of neurons of one frequency k. With w = 2 pi / p, neuron i turns with the token and is read out twice as
fast (Pearce et al. 2023, Appendix; Gromov 2023, arXiv 2301.02679):

    A[a, i] = B[a, i] = cos(k a w - alpha_i)         C[i, c] = weight_i cos(k c w - 2 alpha_i)

*The moment law.* Let delta = k (a - b) w / 2 and psi = k (a + b) w / 2. The pre-activation is
2 cos(delta) cos(psi - alpha_i). Expand act(cos t) = sum_m c_m cos(m t), and multiply by cos(k c w - 2 alpha_i):
summed over the ring, harmonic m leaves only the moments M_(m+2) and M_(m-2), where

    M_n = sum_i weight_i exp(i n alpha_i).

The one term that is wanted is m = 2 with M_0 = sum of weights: it is cos(k (a + b - c) w), largest at c = a + b.
Every other moment that an activation calls up must vanish: `required_moments`. So

- x² has c_0 and c_2 only: a ring is exact *if and only if* M_2 = M_4 = 0. Evenly spaced, M_n vanishes unless N divides
  n, so every N but 1, 2 and 4 is exact, three already (the article asks for N > 4; see `certificate` for the proof).
- ReLU needs M_1 to M_4 (from c_0, c_1, c_2) for all large errors; then come M_6 (c_4 / c_2 = 1/5), M_8, ...
- A ring with positive weights that meets n such conditions in a row with the fewest neurons is evenly spaced with equal
  weights (it is a Szego quadrature on the circle): `rigid_size` three for x², five for ReLU. Larger rings are free;
  with one neuron more than the rigid size a single complex number says all: `uneven_ring`.

*Without the star law.* If the output phases beta_i are not 2 alpha_i, the same derivation leaves of harmonic m the sums
R_(m+2) and R_(2-m), where R_n = sum_i weight_i exp(i (beta_i + (n - 2) alpha_i)). Up to m = 2 these are R_1 to R_4, the
same orders, and the answer is told by R_0 = sum_i weight_i exp(i (beta_i - 2 alpha_i)), which only in a star (or one
whose outputs are all turned alike) has the whole sum of weights for its modulus. Beyond, R_(-2), R_(-4), ... are
conditions of their own; in a star M_(-n) is the conjugate of M_n. (`examples/moment_law.py` finds such rings where
AdamW trains on a frozen circle.) For |x| the required moments suffice only up to small p: see `largest_modulus`.

*Even p.* cos(delta) = 0 where k (a - b) = p / 2 mod p: a tied ring is undecided on exactly p of the p² pairs,
whatever its size and its (necessarily odd) frequency. More frequencies do not help: at a - b = p / 2 the odd ones are
silent, and the even ones cannot tell c from c + p / 2. The untied star has no such zeros, nor has a pizza with its
companion, which reads a circle of frequency 2k out at frequency k (`accompanying_logits`).

Not here: anything learned. Read next: `progress`, what a network shows of this during training; `compare`, which finds
these rings in trained networks.
"""

from grok_np.analytic.clock_pizza import accompanying_logits, clock, clock_logits, on_circles, pizza, pizza_logits
from grok_np.analytic.margins import (
    best_frequencies,
    clock_margin,
    largest_modulus,
    logits,
    margins,
    pizza_margin,
    solves,
    star_margin,
)
from grok_np.analytic.parity import exact_parity
from grok_np.analytic.proofs import Certificate, aliases, certificate, is_exact
from grok_np.analytic.rings import (
    coprime,
    cosine_coefficients,
    exact_weights,
    gromov,
    moments,
    required_moments,
    rigid_size,
    ring,
    star,
    stars,
    together,
    uneven_ring,
    untied_star,
)

__all__ = [
    "Certificate", "accompanying_logits", "aliases", "best_frequencies", "certificate", "clock", "clock_logits",
    "clock_margin", "coprime", "cosine_coefficients", "exact_parity", "exact_weights", "gromov", "is_exact",
    "largest_modulus", "logits", "margins", "moments", "on_circles", "pizza", "pizza_logits", "pizza_margin",
    "required_moments", "rigid_size", "ring", "solves", "star", "star_margin", "stars", "together", "uneven_ring",
    "untied_star",
]
