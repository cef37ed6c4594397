"""Draws of the exact structured models in plain NumPy."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..arguments.structured import Samples
from .random import drawn, uniforms


def chi(stream, start, degrees):
    """Element by element."""
    return np.array([_chi(stream, start + i, k) for i, k in enumerate(degrees)], np.float64)


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
        x, u = drawn(stream, number, 1)[0], uniforms(stream, number + 2, 1)[0]
        root = 1 + x / np.sqrt(9 * a)
        if root <= 2.0**-21:
            continue
        v = root**3
        if np.log(u) < x**2 / 2 + a * (1 - v + np.log(v)):
            break
    return float(np.sqrt(2 * a * v))


def half_space_counts(streams, n_samples):
    """Uniform numbers up to 1/2."""
    return np.array([np.sum(uniforms(words, 0, n_samples) <= 0.5) for words in streams], np.int64)


def wedge_samples(streams, n_features, n_samples, pair, dtype):
    """Samples with positive products with both rows of W, in coordinates of their plane. (5.3d)"""
    d, N, (i, j) = n_features, n_samples, pair
    active, grams = [], []
    for w_stream, plane_stream in streams:
        first, second = (drawn(w_stream, k * d, d, dtype, d**-0.5).astype(np.float64) for k in (i, j))
        along = first @ second / np.sqrt(first @ first)
        rest = second - along * first / np.sqrt(first @ first)
        u = drawn(plane_stream, 0, 2 * N).reshape(N, 2)
        P = u[(u[:, 0] > 0) & (u @ [along, np.sqrt(rest @ rest)] > 0)]
        active.append(len(P))
        grams.append(P.T @ P)
    return Samples(np.array(active, np.int64), np.array(grams).reshape(-1, 2, 2))


def output_grams(streams, n_classes, n_hidden, pairs, dtype):
    """Entries of V^T V, V drawn whole."""
    C, m = n_classes, n_hidden
    grams = np.empty((len(streams), len(pairs)))
    for t, words in enumerate(streams):
        V = drawn(words, 0, C * m, dtype, m**-0.5).reshape(C, m).astype(np.float64)
        grams[t] = (V.T @ V)[tuple(pairs.T)]
    return grams


def wishart_forms(streams, freedoms, order, scales):
    """B B^T for lower bidiagonal B of chi variables. (5.1)"""
    d = order
    diagonals, off_diagonals = np.zeros((len(streams), d)), np.zeros((len(streams), d - 1))
    for t, (K, scale) in enumerate(zip(freedoms, scales, strict=True)):
        n, most = min(K, d), max(K, d)
        degrees = np.concatenate([np.arange(most, most - n, -1.0), np.arange(n - 1, 0, -1.0)])
        entries = chi(streams[t], 0, degrees)
        B = np.diag(entries[:n]) + np.diag(entries[n:], -1)[:n, :n]
        diagonals[t, :n] = scale * np.diag(B @ B.T)
        off_diagonals[t, : max(n - 1, 0)] = scale * np.diag(B @ B.T, 1)
    return diagonals, off_diagonals


def wedge_forms(streams, freedoms, grams, order, scales):
    """A A^T for A (n, n + 2) with three entries to a row. (5.3d)"""
    d = order
    bands = np.zeros((len(streams), 3, d))
    for t, K in enumerate(freedoms):
        n = min(K, d)
        degrees = np.concatenate([np.arange(K, K - n, -1.0), np.maximum(d - 2.0 - np.arange(n), 0)])
        x, g = chi(streams[t, 0], 0, degrees), drawn(streams[t, 1], 0, n)
        A = np.zeros((n, n + 2))
        for i in range(n):
            A[i, i : i + 3] = x[i], g[i] if i < d - 1 else 0, x[n + i]
        if n > 0:
            A[0, 0] = np.sqrt(grams[t, 0, 0])
            A[0, 1] = grams[t, 0, 1] / A[0, 0] if d > 1 else 0
        if n > 1:
            A[1, 1] = np.sqrt(max(grams[t, 1, 1] - A[0, 1] ** 2, 0))
        for k in range(min(3, n)):
            bands[t, k, : n - k] = scales[t] * np.diag(A @ A.T, k)
    return bands
