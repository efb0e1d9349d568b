"""Fourier analysis on Z_p, the numbers 0 .. p-1 with addition mod p: real, orthonormal, for every p.

The basis, one row per function of x in Z_p, each of unit norm:

    1 / sqrt p;    sqrt(2/p) cos(2 pi k x / p), sqrt(2/p) sin(2 pi k x / p)  for k = 1 .. (p-1)//2;
    for even p also cos(pi x) / sqrt p: at k = p/2 the sine is zero and is left out.

Frequencies k are in cycles per p. Transforms run through scipy.fft; ``transform(np.eye(p))`` is the basis as a matrix.
Phases follow one convention everywhere: a wave of phase phi is cos(2 pi k x / p - phi), so phi is where its crest lies.

Read next: `groups`, the same on any finite group.
"""

from typing import NamedTuple

import numpy as np
import scipy.fft

from grok_np.errors import require, require_array, require_integer


def _axis_first(x, name, axis):
    """The array with this axis in front, checked: the transforms work along the first."""
    x = require_array(x, name)
    x = np.moveaxis(x, require_integer(axis, "axis", minimum=-x.ndim, maximum=x.ndim - 1), 0)
    require(len(x) > 0, f"{name}.shape", x.shape, "of one row at least")
    return x


def frequencies(p):
    """Frequency of each basis row: 0, 1, 1, 2, 2, ..., and p/2 once where p is even.

    >>> frequencies(5), frequencies(4)
    (array([0, 1, 1, 2, 2]), array([0, 1, 1, 2]))
    """
    require_integer(p, "p", minimum=1)
    return (np.arange(p) + 1) // 2


def transform(x, axis=0):
    """Coefficients of x along an axis of length p in the real orthonormal basis, in the order of `frequencies`.

    x (..., p, ...) real -> the same shape, float64. Norms are kept (Parseval).
    """
    x = _axis_first(x, "x", axis)
    p = len(x)
    spectrum = scipy.fft.rfft(x, axis=0) * np.sqrt(2 / p)
    coefficients = np.empty(x.shape)
    coefficients[0] = spectrum[0].real / np.sqrt(2)
    coefficients[1::2] = spectrum.real[1:]
    coefficients[2::2] = -spectrum.imag[1 : (p + 1) // 2]
    if p % 2 == 0:
        coefficients[-1] /= np.sqrt(2)
    return np.moveaxis(coefficients, 0, axis)


def inverse_transform(coefficients, axis=0):
    """The x with these coefficients: undoes `transform`."""
    coefficients = _axis_first(coefficients, "coefficients", axis)
    p = len(coefficients)
    spectrum = np.zeros((p // 2 + 1, *coefficients.shape[1:]), complex)
    spectrum[0] = coefficients[0] * np.sqrt(2)
    spectrum.real[1:] = coefficients[1::2]
    spectrum.imag[1 : (p + 1) // 2] = -1 * coefficients[2::2]
    if p % 2 == 0:
        spectrum[-1] *= np.sqrt(2)
    return np.moveaxis(scipy.fft.irfft(spectrum / np.sqrt(2 / p), n=p, axis=0), 0, axis)


def power(x, axis=0):
    """Squared norm of x at each frequency 0 .. p//2 along an axis: cosine and sine coefficient together."""
    return _by_frequency(transform(x, axis) ** 2, axis)


def power2d(x):
    """Squared norm of x (p, p, ...) at each frequency along both axes: (p//2 + 1, p//2 + 1, ...)."""
    require(np.ndim(require_array(x, "x")) >= 2, "x.shape", np.shape(x), "(p, p, ...)")
    return _by_frequency(_by_frequency(transform(transform(x, axis=0), axis=1) ** 2, 0), 1)


def _by_frequency(squares, axis):
    """Squares of coefficients in the order of `frequencies`, added up for each frequency."""
    return np.add.reduceat(squares, np.r_[0, np.arange(1, squares.shape[axis], 2)], axis=axis)


class Waves(NamedTuple):
    """The strongest wave of each of h columns: amplitude * cos(2 pi frequency x / p - phase)."""

    frequency: np.ndarray  # (h,) int
    amplitude: np.ndarray  # (h,)
    phase: np.ndarray  # (h,) radians in [-pi, pi)
    share: np.ndarray  # (h,) of the column's non-constant power, in [0, 1], 0 for a constant column


def strongest_waves(x, frequency=None):
    """The strongest wave of each column of x (p, h), or the wave at a given ``frequency`` (h,), as `Waves`."""
    x = require_array(x, "x", ndim=2).astype(np.float64, copy=False)
    require(len(x) >= 2, "x.shape", x.shape, "(p, h) with p >= 2")
    spectrum = scipy.fft.rfft(x, axis=0)
    by_frequency = power(x)[1:]
    if frequency is None:
        frequency = 1 + by_frequency.argmax(axis=0)
    frequency = require_array(frequency, "frequency")
    fits = frequency.dtype.kind in "iu" and frequency.shape == x.shape[1:]
    require(fits and np.isin(frequency, np.arange(1, len(x) // 2 + 1)).all(), "frequency", frequency,
            f"{x.shape[1]} integers from 1 to p//2 = {len(x) // 2}")
    columns = np.arange(x.shape[1])
    strongest = spectrum[frequency, columns]
    total = by_frequency.sum(axis=0)
    share = np.divide(by_frequency[frequency - 1, columns], total, out=np.zeros_like(total), where=total > 0)
    # sum_x x cos(2 pi k x / p) is p/2 times the amplitude, but p times at k = p/2.
    scale = np.where(2 * frequency == len(x), 1, 2) / len(x)
    return Waves(frequency, scale * np.abs(strongest), -np.angle(strongest), share)


def sum_waves(logits):
    """Coefficients alpha_k, k = 0 .. p//2, of cos(2 pi k (a + b - c) / p) in logits (p, p, p), indexed [a, b, c].

    These waves are orthogonal, so alpha_k is the projection, whatever else the logits contain: the mean of the logits
    over all (a, b, c) with the same d = a + b - c, transformed over d (Nanda et al. 2023, section 4.1). Together they
    hold p² * sum over k of alpha_k² |cos_k|² of the sum of squares, with |cos_k|² = p/2 (p at k = 0 and k = p/2); the
    term of k = 0 is the mean.
    """
    logits = require_array(logits, "logits", ndim=3)
    p = len(logits)
    require(p > 0 and logits.shape == (p, p, p), "logits.shape", logits.shape, f"({p}, {p}, {p})")
    a, b, d = np.ogrid[:p, :p, :p]
    profile = logits[a, b, (a + b - d) % p].mean(axis=(0, 1), dtype=np.float64)
    spectrum = scipy.fft.rfft(profile).real / p
    spectrum[1 : (p + 1) // 2] *= 2
    return spectrum


def gini(values):
    """Gini coefficient of non-negative values over the first axis: 0 if all are equal, near 1 if one holds all.

    With the values in ascending order x_1 .. x_n: sum_i (2i - n - 1) x_i / (n sum_i x_i). All zeros give 0.

    >>> gini([1.0, 1.0, 1.0]), gini([0.0, 0.0, 0.0, 1.0])
    (0.0, 0.75)
    """
    values = require_array(values, "values").astype(np.float64)
    require(values.ndim > 0 and values.size > 0 and values.min() >= 0, "values", values, "non-negative, one at least")
    values.sort(axis=0)
    n, total = len(values), values.sum(axis=0)
    weighted = np.tensordot(2 * np.arange(1, n + 1) - n - 1, values, axes=1)
    result = np.divide(weighted, n * total, out=np.zeros_like(total), where=total > 0)
    return float(result) if result.ndim == 0 else result


def inverse_participation_ratio(power_by_frequency):
    """sum_k s_k² of the shares s_k of power over the first axis: 1 if one frequency holds all, 1/n if all n are equal.

    Doshi et al. 2023 (arXiv 2310.13061), Eq. 3 with r = 2. Zero power gives 0.
    """
    values = require_array(power_by_frequency, "power_by_frequency").astype(np.float64)
    require(values.ndim > 0, "power_by_frequency.shape", values.shape, "(frequencies, ...)")
    total = values.sum(axis=0)
    return np.divide((values**2).sum(axis=0), total**2, out=np.zeros_like(total), where=total > 0)
