"""Spectra of symmetric matrices with few diagonals in plain NumPy, from all their eigenvalues."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..arguments.spectra import SpectralStatistics


def near_one(A: NDArray) -> tuple[NDArray[np.float64], int]:
    """A in units of a power of two near its largest entry, and that power: no square over- or underflows."""
    exponent = int(np.frexp(np.abs(A).max(initial=0.0))[1])
    return np.ldexp(A, -exponent), exponent


def _eigenvalues_below(spectrum: NDArray, exponent: int, shifts: NDArray) -> NDArray[np.int64]:
    """Number of eigenvalues, in units of 2^exponent, below each of `shifts`."""
    with np.errstate(over="ignore"):  # a shift beyond all numbers near 1 is beyond all eigenvalues
        return np.searchsorted(spectrum, np.ldexp(shifts, -exponent), side="left").astype(np.int64)


def _spectrum(a: NDArray, b: NDArray) -> NDArray[np.float64]:
    return np.linalg.eigvalsh(np.diag(a) + np.diag(b, 1) + np.diag(b, -1)) if len(a) else np.empty(0)


def _banded_spectrum(bands: NDArray) -> NDArray[np.float64]:
    lower = sum(np.diag(band[: len(band) - k], -k) for k, band in enumerate(bands) if k < len(band))
    return np.linalg.eigvalsh(lower, UPLO="L") if bands.shape[1] else np.empty(0)


def sturm_counts(diagonal, off_diagonal, shifts):
    """Eigenvalues counted."""
    form, exponent = near_one(np.concatenate([diagonal, off_diagonal]))
    return _eigenvalues_below(_spectrum(form[: len(diagonal)], form[len(diagonal) :]), exponent, shifts)


def histogram(diagonal, off_diagonal, edges):
    """Differences of the numbers below the edges."""
    return np.diff(sturm_counts(diagonal, off_diagonal, edges), prepend=0, append=len(diagonal))


def extremes(diagonal, off_diagonal):
    """First and last eigenvalue."""
    return _spectrum(diagonal, off_diagonal)[[0, -1]]


def moments(diagonal, off_diagonal):
    """Means of powers of the eigenvalues. Limits: (3.4)"""
    return _mean_powers(_spectrum(diagonal, off_diagonal))


def _mean_powers(spectrum: NDArray) -> NDArray[np.float64]:
    with np.errstate(over="ignore", invalid="ignore"):  # moments may leave the range of numbers
        return np.array([np.mean(spectrum**k) for k in (1, 2, 3, 4)])


def _statistics(spectra: list[NDArray], counts: list[NDArray], edges: NDArray) -> SpectralStatistics:
    """Statistics of matrices from their spectra, and counts, which are none without edges."""
    return SpectralStatistics(
        np.array([_mean_powers(spectrum) for spectrum in spectra]).reshape(-1, 4),
        np.array([spectrum[[0, -1]] for spectrum in spectra]).reshape(-1, 2),
        np.array(counts, np.int64).reshape(len(spectra), edges.size + 1 if edges.size else 0),
    )


def spectral_statistics(diagonals, off_diagonals, scales, edges):
    """Matrix by matrix."""
    forms = list(zip(diagonals, off_diagonals, scales, strict=True))
    counts = [histogram(a / scale, b / scale, edges) for a, b, scale in forms if edges.size]
    return _statistics([_spectrum(a, b) for a, b, _ in forms], counts, edges)


def banded_counts(bands, shifts):
    """Eigenvalues counted."""
    form, exponent = near_one(bands)
    return _eigenvalues_below(_banded_spectrum(form), exponent, shifts)


def banded_statistics(bands, scales, edges):
    """Matrix by matrix."""
    below = [
        banded_counts(form / scale, edges) for form, scale in zip(bands, scales, strict=True) if edges.size
    ]
    counts = [np.diff(numbers, prepend=0, append=bands.shape[2]) for numbers in below]
    return _statistics([_banded_spectrum(form) for form in bands], counts, edges)
