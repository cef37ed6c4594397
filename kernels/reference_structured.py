"""Operations of the exact structured models in plain NumPy: their specification."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ._arguments import bin_edges, points
from ._structured_arguments import banded_form, chi_elements, nonempty_bands
from .reference_random import normals, uniforms


def chi(stream: ArrayLike, start: int, degrees: ArrayLike) -> NDArray[np.float64]:
    """Chi variables start, ..., start + n - 1 of a stream, one of each of `degrees` (n,).

    Marsaglia & Tsang 2000: let a = k/2 - 1/3, x normal and v = (1 + x / sqrt(9 a))^3. For k >= 2, if v > 0 is
    accepted with probability exp(x^2/2 + a (1 - v + ln v)), a v is a Gamma variable of shape k/2 and
    sqrt(2 a v) is chi with k degrees of freedom. Below 2 degrees a chi variable is one with k + 2 degrees
    times a uniform number to the power 1/k.

    Element i owns blocks 64 i to 64 i + 63 of the stream, that is numbers 128 i to 128 i + 127. Attempt t,
    from 0 to 61, takes normal number 4 (t div 2) + (t mod 2) of those and the uniform number two after it.
    The last attempt is taken as it comes (probability below 0.05^61), and v <= 2^-63 is never accepted
    (2^-37). The power is one of uniform number 124.
    """
    words, first, freedom = chi_elements(stream, start, degrees)
    return np.array([_chi(words, first + i, k) for i, k in enumerate(freedom)], np.float64)


def _chi(stream: NDArray, element: int, degrees: float) -> float:
    if degrees == 0:
        return 0.0
    if degrees < 2:
        power = uniforms(stream, 128 * element + 124, 1)[0] ** (1 / degrees)
        return float(_accepted(stream, element, degrees + 2) * power)
    return _accepted(stream, element, degrees)


def _accepted(stream: NDArray, element: int, degrees: float) -> float:
    """Chi variable of two or more degrees of freedom."""
    a = degrees / 2 - 1 / 3
    v = 1.0
    for attempt in range(62):
        number = 128 * element + 4 * (attempt // 2) + attempt % 2
        x, u = normals(stream, number, 1)[0], uniforms(stream, number + 2, 1)[0]
        root = 1 + x / np.sqrt(9 * a)
        if root <= 2.0**-21:
            continue
        v = root**3
        if np.log(u) < x**2 / 2 + a * (1 - v + np.log(v)):
            break
    return float(np.sqrt(2 * a * v))


def _spectrum(bands: NDArray) -> NDArray[np.float64]:
    lower = sum(np.diag(band[: len(band) - k], -k) for k, band in enumerate(bands) if k < len(band))
    return np.linalg.eigvalsh(lower, UPLO="L") if bands.shape[1] else np.empty(0)


def banded_counts(bands: ArrayLike, shifts: ArrayLike) -> NDArray[np.int64]:
    """Number of eigenvalues below each of `shifts`, shape (k,); bands[k, j] = S[j + k, j], shape (3, n)."""
    spectrum = _spectrum(banded_form(bands))
    return np.searchsorted(spectrum, points(shifts, "shifts"), side="left").astype(np.int64)


def banded_histogram(bands: ArrayLike, edges: ArrayLike) -> NDArray[np.int64]:
    """Eigenvalues below edges[0], in each bin [e_k, e_k+1), and at or above edges[-1]; shape (B + 2,)."""
    below = banded_counts(bands, bin_edges(edges))
    return np.diff(below, prepend=0, append=np.asarray(bands).shape[1])


def banded_extremes(bands: ArrayLike) -> NDArray[np.float64]:
    """Smallest and largest eigenvalue, shape (2,)."""
    return _spectrum(nonempty_bands(bands))[[0, -1]]


def banded_moments(bands: ArrayLike) -> NDArray[np.float64]:
    """(1/n) tr S^k for k = 1..4, shape (4,)."""
    spectrum = _spectrum(nonempty_bands(bands))
    return np.array([np.mean(spectrum**k) for k in (1, 2, 3, 4)])
