"""Fourier analysis on a finite group: spectra of weights and logits, key sets, purity of neurons, cosets.

    transform     x^(rho) = sum over g of x(g) rho(g)          sum over g of x(g)² = (1/n) sum over rho of d |x^(rho)|²

Classes {rho, conjugate of rho} take the place of frequencies, in the order of ``group.classes``, the trivial one first:
for C_p position k is frequency k, and `power` is `fourier.power`.

Definitions of spectral weight, key set, spectral count, purity and multiplicity: "Math for AI Safety", agenda A5,
definitions 3.1 and 3.2 (github.com/lionellevine/MAIS). Stander et al. 2024 (arXiv 2312.06581) read cosets.

Read next: `rings`, the waves of neurons together.
"""

import numpy as np

from grok_np.errors import require, require_array, require_number, require_type
from grok_np.groups import Group

ROUNDING = 1e-28  # of a squared norm: what float64 leaves of a constant less its mean is a thousandth of it or less


def transform(x, group: Group) -> list[np.ndarray]:
    """x^(rho) (d, d, ...) for each of ``group.irreps``, of x (n, ...) along its first axis."""
    x = _on(x, "x", group)
    return [np.tensordot(rho.matrices, x, axes=(0, 0)) for rho in group.irreps]


def inverse_transform(coefficients, group: Group) -> np.ndarray:
    """The x (n, ...) with these coefficients: x(g) = (1/n) sum over rho of d tr(rho(g^-1) x^(rho)); complex."""
    return sum(rho.dimension / group.order * np.tensordot(rho.matrices.conj(), one, axes=([1, 2], [0, 1]))
               for rho, one in zip(group.irreps, coefficients, strict=True))


def projections(group: Group) -> np.ndarray:
    """The projections (classes, n, n) on the isotypic components: P(g, h) = sum over the class of d chi(g h^-1) / n."""
    require_type(group, "group", Group)
    at = group.table[:, group.inverse]
    return np.array([sum(group.irreps[i].dimension * group.irreps[i].character[at] for i in one).real
                     for one in group.classes]) / group.order


def power(x, group: Group) -> np.ndarray:
    """Squared norm of x (..., n, h) in each class, along the second to last axis: (..., classes, h)."""
    x = _on(x, "x", group, axis=-2)
    return ((projections(group) @ x[..., None, :, :]) ** 2).sum(axis=-2)


def spectral_weights(logits, group: Group) -> np.ndarray:
    """Share b² (..., classes) of the centred logits' squared norm that chi(a b c^-1), chi of a class, carries.

    logits (..., n, n, n), indexed [a, b, c]; centred: less the mean over c. The trivial class has 0, and so has
    everything where the centred logits are 0 but for rounding. In C_p a class is the cosine, of which
    `fourier.sum_waves` gives the coefficient, and the sine of 2 pi k (a + b - c) / p.
    """
    logits = _on(logits, "logits", group, axis=-3)
    n = group.order
    require(logits.ndim >= 3 and logits.shape[-3:] == (n, n, n), "logits.shape", logits.shape, f"(..., {n}, {n}, {n})")
    whole = (logits.astype(np.float64) ** 2).sum(axis=(-3, -2, -1))[..., None]
    logits = logits - logits.mean(axis=-1, keepdims=True, dtype=np.float64)
    a, b, g = np.ogrid[:n, :n, :n]
    profile = logits[..., a, b, group.table[group.inverse[g], group.table[a, b]]].mean(axis=(-3, -2))  # c = g^-1 a b
    along = profile @ np.array([rho.character for rho in group.irreps]).conj().T
    total = (logits**2).sum(axis=(-3, -2, -1))[..., None]
    weights = np.divide(n * np.abs(along) ** 2, total, out=np.zeros(along.shape), where=total > ROUNDING * whole)
    weights[..., 0] = 0
    return np.stack([weights[..., list(one)].sum(axis=-1) for one in group.classes], axis=-1)


def key_set(weights, epsilon: float = 0.005) -> list[int]:
    """K_epsilon: the nontrivial classes with b >= epsilon, b the root of their `spectral_weights` (classes,).

    The threshold is on the norm, not on its square, as in the definition.
    """
    require_number(epsilon, "epsilon", "in (0, 1)", lambda x: 0 < x < 1)
    b = np.sqrt(require_array(weights, "weights", ndim=1))
    return (1 + np.flatnonzero(b[1:] >= epsilon)).tolist()


def spectral_count(weights, delta: float = 0.05) -> np.ndarray:
    """N_delta (...): the fewest classes that hold 1 - delta of the sum of `spectral_weights` (..., classes).

    0 where the sum is 0 but for rounding: no class is in the logits.

    >>> spectral_count([0.0, 0.02, 0.5, 0.4]), spectral_count([0.0, 0.0])
    (2, 0)
    """
    require_number(delta, "delta", "in (0, 1)", lambda x: 0 < x < 1)
    held = np.cumsum(-np.sort(-require_array(weights, "weights").astype(np.float64), axis=-1), axis=-1)
    enough = held >= (1 - delta) * held[..., -1:] * (1 - 1e-12)
    counts = np.where(held[..., -1] > ROUNDING, 1 + enough.argmax(axis=-1), 0)
    return counts if counts.ndim else int(counts)


def shares(A, B, C, group: Group) -> np.ndarray:
    """Share of each neuron's centred energy in each class: (..., classes, h), 0 throughout for a dead neuron.

    The energy is the squared norm of what the neuron reads and writes, columns of A and B (..., n, h) and a row of C
    (..., h, n), each less its mean. Dead is a neuron without energy, but for rounding at the network's own scale.
    """
    A, B, C = (_on(W, name, group, axis) for W, name, axis in ((A, "A", -2), (B, "B", -2), (C, "C", -1)))
    found = sum(power(W, group) for W in (A, B, C.mT))
    largest = found.sum(axis=-2, keepdims=True).max(axis=-1, keepdims=True, initial=0)  # of a neuron, with its means
    found[..., 0, :] = 0
    total = found.sum(axis=-2, keepdims=True)
    return np.divide(found, total, out=np.zeros_like(found), where=total > ROUNDING * largest)


def multiplicities(neuron_shares, delta: float = 0.05) -> np.ndarray:
    """Share of the neurons (..., classes) that are pure for each class: 1 - delta of their energy, see `shares`."""
    require_number(delta, "delta", "in (0, 1/2)", lambda x: 0 < x < 0.5)
    return (require_array(neuron_shares, "neuron_shares") >= 1 - delta).mean(axis=-1)


def subgroups(group: Group) -> list[tuple[int, ...]]:
    """All subgroups by their elements, smallest first: generated by one element more at a time from the trivial one."""
    require_type(group, "group", Group)
    trivial = (group.identity,)
    found, new = {trivial}, [trivial]
    while new:
        new = {_closed(group, (*one, g)) for one in new for g in range(group.order) if g not in one} - found
        found |= new
    return sorted(found, key=lambda one: (len(one), one))


def _closed(group, elements):
    inside = np.zeros(group.order, bool)
    inside[list(elements)] = True
    while True:
        at = np.flatnonzero(inside)
        inside[group.table[np.ix_(at, at)]] = True
        if len(at) == inside.sum():
            return tuple(at.tolist())


def coset_concentration(x, group: Group, subgroup) -> np.ndarray:
    """Share (...) of the variance of x (n, ...) that is constant on the cosets g H; on H g with x[group.inverse].

    1: x only tells cosets apart; (cosets - 1)/(n - 1) is what noise has on average; 0 for a constant x,
    also where its mean is rounded.
    """
    x = _on(x, "x", group)
    subgroup = sorted(set(require_array(subgroup, "subgroup", ndim=1).tolist()))
    require(subgroup and _closed(group, subgroup) == tuple(subgroup), "subgroup", subgroup, "closed under composition")
    centred = x - x.mean(axis=0, dtype=np.float64)
    between, total = centred[group.table[:, subgroup]].mean(axis=1), (centred**2).sum(axis=0)
    return np.divide((between**2).sum(axis=0), total, out=np.zeros(x.shape[1:]),
                     where=total > ROUNDING * (x.astype(np.float64) ** 2).sum(axis=0))


def _on(x, name, group, axis=0):
    """x as an array that is as long as the group along an axis."""
    require_type(group, "group", Group)
    x = require_array(x, name)
    require(x.ndim >= max(-axis, axis + 1) and x.shape[axis] == group.order, f"{name}.shape", x.shape,
            f"of length {group.order} along axis {axis}")
    return x
