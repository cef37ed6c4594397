"""Operations of the exact structured models in plain NumPy: their specification."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from ..arguments.matrices import points
from ..arguments.structured import (
    Samples,
    banded_form,
    banded_forms,
    chi_elements,
    freedoms_and_scales,
    hidden_pair,
    output_layer,
    plane_grams,
    size,
    trial_streams,
)
from ..arguments.trials import SpectralStatistics, histogram_edges
from .matrices import eigenvalues_below, near_one
from .random import normals, uniforms


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


def half_space_counts(streams: ArrayLike, n_samples: int) -> NDArray[np.int64]:
    """How many of the first N uniform numbers of each stream (T, 4) are at most 1/2; theory.md (5.2)."""
    N = size(n_samples, "n_samples")
    return np.array([np.sum(uniforms(words, 0, N) <= 0.5) for words in trial_streams(streams)], np.int64)


def wedge_samples(
    streams: ArrayLike,
    n_features: int,
    n_samples: int,
    pair: Sequence[int] = (0, 1),
    dtype: DTypeLike = np.float64,
) -> Samples:
    """Samples that activate both hidden units of a pair (i, j), as they lie in the plane of w_i and w_j.

    theory.md (5.3d). streams (T, 2, 4): of W, whose rows w_i and w_j are drawn with `dtype`, and of the
    samples, N pairs of normals: along w_i, and at a right angle to it in the plane, on the side of w_j.
    """
    d, N, (i, j) = size(n_features, "n_features"), size(n_samples, "n_samples"), hidden_pair(pair)
    active, grams = [], []
    for w_stream, plane_stream in trial_streams(streams, 2):
        first, second = (normals(w_stream, k * d, d, dtype, d**-0.5).astype(np.float64) for k in (i, j))
        along = first @ second / np.sqrt(first @ first)
        rest = second - along * first / np.sqrt(first @ first)
        u = normals(plane_stream, 0, 2 * N).reshape(N, 2)
        P = u[(u[:, 0] > 0) & (u @ [along, np.sqrt(rest @ rest)] > 0)]
        active.append(len(P))
        grams.append(P.T @ P)
    return Samples(np.array(active, np.int64), np.array(grams).reshape(-1, 2, 2))


def output_grams(
    streams: ArrayLike, n_classes: int, n_hidden: int, pairs: ArrayLike, dtype: DTypeLike = np.float64
) -> NDArray[np.float64]:
    """S_ij = (V^T V)_ij of pairs (B, 2) of hidden units, (T, B), V (C, m) drawn with N(0, 1/m) entries."""
    C, m, columns, real = output_layer(n_classes, n_hidden, pairs, dtype)
    found = np.empty((len(trial_streams(streams)), len(columns)))
    for t, words in enumerate(trial_streams(streams)):
        V = normals(words, 0, C * m, real, m**-0.5).reshape(C, m).astype(np.float64)
        found[t] = (V.T @ V)[tuple(columns.T)]
    return found


def wishart_forms(
    streams: ArrayLike, freedoms: ArrayLike, order: int, scales: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Tridiagonal matrices with the law of scale Y^T Y, Y (K, d) of standard normal entries. theory.md (5.1)

    streams (T, 4), freedoms K (T,), order d, scales (T,): diagonals (T, d), off-diagonals (T, d - 1). Of
    n = min(K, d) rows, each B B^T for lower bidiagonal B with chi variables of max(K, d), max(K, d) - 1, ...
    degrees on the diagonal and of n - 1, ..., 1 below it, drawn in this order; the other rows are zero.
    """
    words, d = trial_streams(streams), size(order, "order")
    counts, factors = freedoms_and_scales(freedoms, scales, len(words))
    diagonals, off_diagonals = np.zeros((len(words), d)), np.zeros((len(words), d - 1))
    for t, (K, scale) in enumerate(zip(counts, factors, strict=True)):
        n, most = min(K, d), max(K, d)
        degrees = np.concatenate([np.arange(most, most - n, -1.0), np.arange(n - 1, 0, -1.0)])
        drawn = chi(words[t], 0, degrees)
        B = np.diag(drawn[:n]) + np.diag(drawn[n:], -1)[:n, :n]
        diagonals[t, :n] = scale * np.diag(B @ B.T)
        off_diagonals[t, : max(n - 1, 0)] = scale * np.diag(B @ B.T, 1)
    return diagonals, off_diagonals


def wedge_forms(
    streams: ArrayLike, freedoms: ArrayLike, grams: ArrayLike, order: int, scales: ArrayLike
) -> NDArray[np.float64]:
    """Bands (T, 3, d) of matrices with the law of scale Y^T Y, Y = [P G] (K, d). theory.md (5.3d)

    P (K, 2) is known by P^T P, grams (T, 2, 2); G is standard normal. streams (T, 2, 4): chi variables, of
    degrees K, ..., K - n + 1 and d - 2, d - 3, ... >= 0 for n = min(K, d) rows, and normals. The bands are
    those of A A^T, A (n, n + 2) with three entries to a row; bands[t, k, i] is its entry (i + k, i).
    """
    words, d = trial_streams(streams, 2), size(order, "order")
    counts, factors = freedoms_and_scales(freedoms, scales, len(words))
    R = plane_grams(grams, counts)
    bands = np.zeros((len(words), 3, d))
    for t, K in enumerate(counts):
        n = min(K, d)
        degrees = np.concatenate([np.arange(K, K - n, -1.0), np.maximum(d - 2.0 - np.arange(n), 0)])
        drawn, g = chi(words[t, 0], 0, degrees), normals(words[t, 1], 0, n)
        A = np.zeros((n, n + 2))
        for i in range(n):
            A[i, i : i + 3] = drawn[i], g[i] if i < d - 1 else 0, drawn[n + i]
        if n > 0:
            A[0, 0] = np.sqrt(R[t, 0, 0])
            A[0, 1] = R[t, 0, 1] / A[0, 0] if d > 1 else 0
        if n > 1:
            A[1, 1] = np.sqrt(max(R[t, 1, 1] - A[0, 1] ** 2, 0))
        for k in range(min(3, n)):
            bands[t, k, : n - k] = factors[t] * np.diag(A @ A.T, k)
    return bands


def _spectrum(bands: NDArray) -> NDArray[np.float64]:
    lower = sum(np.diag(band[: len(band) - k], -k) for k, band in enumerate(bands) if k < len(band))
    return np.linalg.eigvalsh(lower, UPLO="L") if bands.shape[1] else np.empty(0)


def banded_counts(bands: ArrayLike, shifts: ArrayLike) -> NDArray[np.int64]:
    """Number of eigenvalues below each of `shifts`, shape (k,); bands[k, j] = S[j + k, j], shape (3, n)."""
    form, exponent = near_one(banded_form(bands))
    return eigenvalues_below(_spectrum(form), exponent, points(shifts, "shifts"))


def banded_statistics(
    bands: ArrayLike, scales: ArrayLike, edges: ArrayLike | None = None
) -> SpectralStatistics:
    """Moments (T, 4), extremes (T, 2), counts (T, B+2) in units of scales, of matrices of bands (T, 3, n)."""
    forms, units = banded_forms(bands, scales)
    at = histogram_edges(edges)
    spectra = [_spectrum(form) for form in forms]
    below = [banded_counts(form / unit, at) for form, unit in zip(forms, units, strict=True) if at.size]
    counts = [np.diff(found, prepend=0, append=forms.shape[2]) for found in below]
    with np.errstate(over="ignore", invalid="ignore"):  # moments may leave the range of numbers
        moments = np.array([[np.mean(x**k) for k in (1, 2, 3, 4)] for x in spectra])
    return SpectralStatistics(
        moments.reshape(len(forms), 4),
        np.array([x[[0, -1]] for x in spectra]).reshape(len(forms), 2),
        np.array(counts, np.int64).reshape(len(forms), at.size + 1 if at.size else 0),
    )
