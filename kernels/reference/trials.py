"""Batches of trials in plain NumPy, from the other operations: the specification of these operations."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from ..arguments.trials import (
    Forms,
    HiddenForms,
    SpectralStatistics,
    histogram_edges,
    pairs,
    trials,
    tridiagonal_forms,
)
from .classes import class_covariances, class_probabilities, class_weights, gated_weights
from .matrices import extremes, histogram, moments, tridiagonal, weighted_gram
from .random import normals

Form = tuple[NDArray[np.float64], NDArray[np.float64]]


def linear_forms(
    streams: ArrayLike, sizes: Sequence[int], loss: str, class_pairs: ArrayLike, dtype: DTypeLike = np.float64
) -> Forms:
    """Tridiagonal forms of blocks (v_c, v_e) of linear models drawn from streams (T, 2, 4) of X, V. (2.1)

    sizes is (N, d, C); X (N, d) has N(0, 1) entries, V (C, d) N(0, 1/d) entries.
    """
    given = trials(streams, sizes, ("n_samples", "n_features", "n_classes"), loss, dtype)
    N, d, C = given.sizes
    classes = pairs(class_pairs, "class_pairs", C)
    found = []
    for x_stream, v_stream in given.streams:
        X, V = _matrix(x_stream, N, d, 1.0, given.dtype), _matrix(v_stream, C, d, d**-0.5, given.dtype)
        found.append(_class_forms(X, V, classes, given.is_ce))
    return _stacked(found, len(classes), d)


def hidden_forms(
    streams: ArrayLike,
    sizes: Sequence[int],
    loss: str,
    hidden_pairs: ArrayLike,
    class_pairs: ArrayLike,
    dtype: DTypeLike = np.float64,
) -> HiddenForms:
    """Tridiagonal forms of blocks of hidden models drawn from streams (T, 3, 4) of X, W, V. (2.2), (2.3)

    sizes is (N, d, C, m); X (N, d) has N(0, 1) entries, W (m, d) N(0, 1/d) and V (C, m) N(0, 1/m) entries.
    """
    given = trials(streams, sizes, ("n_samples", "n_features", "n_classes", "n_hidden"), loss, dtype)
    N, d, C, m = given.sizes
    hidden, classes = pairs(hidden_pairs, "hidden_pairs", m), pairs(class_pairs, "class_pairs", C)
    found, class_found = [], []
    scales = np.ones((len(given.streams), len(hidden)))
    for t, (x_stream, w_stream, v_stream) in enumerate(given.streams):
        X, W = _matrix(x_stream, N, d, 1.0, given.dtype), _matrix(w_stream, m, d, d**-0.5, given.dtype)
        V = _matrix(v_stream, C, m, m**-0.5, given.dtype)
        h = np.maximum(X @ W.T, 0)
        if not given.is_ce:
            scales[t] = (V.astype(np.float64).T @ V.astype(np.float64))[tuple(hidden.T)]
        factors = class_covariances(h, V, hidden) if given.is_ce else np.tile(scales[t], (N, 1))
        found.append(_hidden_forms(X, h, hidden, factors))
        class_found.append(_class_forms(h, V, classes, given.is_ce))
    return HiddenForms(_stacked(found, len(hidden), d), _stacked(class_found, len(classes), m), scales)


def _matrix(stream: NDArray, rows: int, columns: int, deviation: float, dtype: np.dtype) -> NDArray:
    return normals(stream, 0, rows * columns, dtype, deviation).reshape(rows, columns)


def _hidden_forms(X: NDArray, h: NDArray, hidden: NDArray, factors: NDArray) -> list[Form]:
    weights = (gated_weights(h[:, i], h[:, j], factors[:, r]) for r, (i, j) in enumerate(hidden))
    return [tridiagonal(weighted_gram(X, w)) for w in weights]


def _class_forms(features: NDArray, V: NDArray, classes: NDArray, is_ce: bool) -> list[Form]:
    p = class_probabilities(features, V, classes.ravel()).reshape(len(features), -1, 2)
    found = []
    for r, (c, e) in enumerate(classes):
        weights = class_weights(p[:, r, 0], p[:, r, 1], c == e) if is_ce else np.full(len(p), float(c == e))
        found.append(tridiagonal(weighted_gram(features, weights)))
    return found


def _stacked(found: list[list[Form]], blocks: int, order: int) -> Forms:
    diagonals = np.array([[a for a, _ in trial] for trial in found]).reshape(len(found), blocks, order)
    off = np.array([[b for _, b in trial] for trial in found]).reshape(len(found), blocks, order - 1)
    return Forms(diagonals.astype(np.float64), off.astype(np.float64))


def spectral_statistics(
    diagonals: ArrayLike, off_diagonals: ArrayLike, scales: ArrayLike, edges: ArrayLike | None = None
) -> SpectralStatistics:
    """Moments (T, 4), extremes (T, 2), counts (T, B+2) in units of scales, of matrices (T, n), (T, n-1)."""
    a, b, s = tridiagonal_forms(diagonals, off_diagonals, scales)
    at = histogram_edges(edges)
    forms = list(zip(a, b, s, strict=True))
    counts = [histogram(x / scale, y / scale, at) for x, y, scale in forms] if at.size else []
    return SpectralStatistics(
        np.array([moments(x, y) for x, y, _ in forms]).reshape(len(a), 4),
        np.array([extremes(x, y) for x, y, _ in forms]).reshape(len(a), 2),
        np.array(counts, np.int64).reshape(len(a), at.size + 1 if at.size else 0),
    )
