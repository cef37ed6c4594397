"""Arguments of the operations that sum masses over pairs of samples."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .classes import features_and_parameters
from .values import array


def kernel_and_vectors(K: ArrayLike, A: ArrayLike) -> tuple[NDArray, NDArray]:
    """K (N, N) and A (N, R), N >= 1, of one dtype."""
    vectors = array(A, "A", (None, None))
    if len(vectors) == 0:
        raise ValueError(f"A: expected at least one sample, got shape {vectors.shape}")
    return array(K, "K", (len(vectors), len(vectors)), (vectors.dtype,)), vectors


def samples_and_parameters(X: ArrayLike, V: Any) -> tuple[NDArray, Any]:
    """X (N, d), N >= 1, and V (C, d) as it came."""
    return features_and_parameters(_samples(X), V)


def _samples(X: ArrayLike) -> NDArray:
    """X (N, d), N >= 1."""
    rows = array(X, "X", (None, None))
    if len(rows) == 0:
        raise ValueError(f"X: expected at least one sample, got shape {rows.shape}")
    return rows


def hidden_samples(X: ArrayLike, W: ArrayLike, V: Any) -> tuple[NDArray, NDArray, Any]:
    """X (N, d), N >= 1, W (m, d) of its dtype, and V (C, m) as it came."""
    rows = _samples(X)
    first = array(W, "W", (None, rows.shape[1]), (rows.dtype,))
    if len(first) == 0:
        raise ValueError(f"W: expected at least one hidden unit, got shape {first.shape}")
    return rows, first, features_and_parameters(np.empty((0, len(first)), rows.dtype), V)[1]
