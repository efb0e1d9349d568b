"""Networks that are written down instead of learned: rings of neurons that add mod p exactly, and why.

A *ring* is a set of neurons of one frequency k. With w = 2 pi / p, neuron i is a wave of the token with phase alpha_i
and weight w_i. In a *star* the output phase is twice the input phase (Gromov 2023, arXiv 2301.02679; Pearce et al.
2023):

    A[a, i] = B[a, i] = cos(k a w - alpha_i)         C[i, c] = w_i cos(k c w - 2 alpha_i)

*The moment law.* Let delta = k (a - b) w / 2 and psi = k (a + b) w / 2. The pre-activation is
2 cos(delta) cos(psi - alpha_i). Expand act(cos t) = sum_m c_m cos(m t) and multiply by cos(k c w - 2 alpha_i): summed
over the ring, harmonic m leaves the moments M_(m+2) and M_(m-2) only, M_n = sum_i w_i exp(i n alpha_i). Wanted is
m = 2 with M_0: it is cos(k (a + b - c) w), largest at c = a + b. Every other moment is an error:

- x² has c_0 and c_2: a star's logits are exact (p > 2) if and only if M_2 = M_4 = 0. Three neurons do it.
- ReLU calls up M_1 to M_4 through c_0, c_1, c_2. With these 0 the first error is M_6, of relative size c_4 / c_2 = 1/5:
  `largest_modulus` says how far a regular ring carries alone. (Networks combine frequencies, which outvote its errors.)
- |x| calls up M_2 and M_4, then M_6 likewise.
- For even p a tied ring is undecided on the p pairs with a - b = p / 2 mod p at least, where cos(delta) = 0, whatever
  its size. `untied_star` and a pizza with its companion have no such pairs.

All this is for pure cosines. Learned waves have a second harmonic and a constant, which call up M_5 and M_7 too. That,
the law without the star's output phases, and every proof: docs/theory.md.

Others found before: "phase uniformity", sum_i exp(i n alpha_i) = 0 for n = 2, 4, cancels the unwanted terms of x² (He,
Wang, Chen, Yang 2026, arXiv 2602.16849); vanishing weighted "sum potentials" for untied x², and that three neurons per
frequency suffice (Tian 2024, arXiv 2410.01779); a ReLU ring is a quadrature of a trigonometric integral (Yip, Agrawal,
Chan, Gross 2024, arXiv 2412.03773). Found nowhere else so far: necessity with unequal weights, ReLU's list, the
smallest rings 3 and 5 and their rigidity in networks, the law of rings of six, exactness by certificates in integers.

Not here: anything learned. Read in this order: `rings`, `proofs`, `margins`, `clock_pizza`, `parity`,
`groups`, `best`.
"""

# ruff: noqa: I001
from grok_np.analytic.rings import (
    coprime, gromov, moments, required_moments, rigid_size, ring, star, stars, together, uneven_ring, untied_star)
from grok_np.analytic.proofs import Certificate, certificate, is_exact
from grok_np.analytic.margins import (
    best_frequencies, clock_margin, largest_modulus, logits, margins, pizza_margin, solves, star_margin)
from grok_np.analytic.best import ARTICLE, Best, Decay, best_rings, penalty, polish
from grok_np.analytic.clock_pizza import (
    FORMULAS, accompanying_logits, clock, clock_logits, on_circles, pizza, pizza_logits)
from grok_np.analytic.parity import exact_parity
from grok_np.analytic.groups import composition_network, faithful_network, one_hot_network

__all__ = [
    "ARTICLE", "FORMULAS", "Best", "Certificate", "Decay", "accompanying_logits", "best_frequencies", "best_rings",
    "certificate", "clock", "clock_logits", "clock_margin", "composition_network", "coprime", "exact_parity",
    "faithful_network", "gromov", "is_exact", "largest_modulus", "logits", "margins", "moments", "on_circles",
    "one_hot_network", "penalty", "pizza", "pizza_logits", "pizza_margin", "polish", "required_moments", "rigid_size",
    "ring", "solves", "star", "star_margin", "stars", "together", "uneven_ring", "untied_star"]
