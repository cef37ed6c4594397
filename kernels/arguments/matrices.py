"""Arguments of the operations on weighted Gram matrices and dense symmetric ones."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .values import array, finite, reals


def samples_and_weights(X: ArrayLike, weights: ArrayLike) -> tuple[NDArray, NDArray[np.float64]]:
    """X (N, d) and weights (N,); the weights as float64."""
    rows = array(X, "X", (None, None))
    if len(rows) == 0:
        raise ValueError(f"X: expected at least one sample to average over, got shape {rows.shape}")
    return rows, reals(weights, "weights", (len(rows),), bounded=False)


def symmetric(A: ArrayLike) -> NDArray:
    """A square matrix with finite entries (LAPACK does not return from some that have none)."""
    matrix = array(A, "A", (None, None))
    if matrix.shape[0] != matrix.shape[1]:
        raise ValueError(f"A: expected a square matrix, got shape {matrix.shape}")
    finite(matrix, "A")
    return matrix


def rows_and_total(A: ArrayLike, total: NDArray | None) -> tuple[NDArray, NDArray]:
    """A (T, N) and the sum (N, N) of its dtype that is added to in place; zeros if None."""
    rows = array(A, "A", (None, None))
    n = rows.shape[1]
    if total is None:
        return rows, np.zeros((n, n), rows.dtype)
    array(total, "total", (n, n), (rows.dtype,))
    if not (total.flags.c_contiguous and total.flags.writeable):
        raise ValueError(
            "total: expected a C-contiguous array that can be written, got a view or a read-only one"
        )
    return rows, total
