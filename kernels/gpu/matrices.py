"""Weighted Gram matrices and dense symmetric matrices, on the GPU.

GEMMs are cuBLAS's; `eigen` says what computes forms and eigenvalues. The functions that begin with `trial_`
work on arrays that are on the device, for many trials at once.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .device import THREADS, TRIALS_LIMIT, empty, launch, products, to_device, to_host
from .eigen import spot_check, trial_tridiagonals
from .spectra import FewDiagonals

WARP = 32


def trial_grams(X: Any, weights: Any) -> Any:
    """(1/N) X^T diag(weights) X, (T, d, d), for X (T, N, d) and float64 weights (T, N).

    Rows of weight 0, three in four in a block between two hidden units, are left out of the GEMM.
    """
    trials, samples, columns = X.shape
    left, right, counts = _scaled_rows(X, weights)
    grams = empty((trials, columns, columns), X.dtype)
    for trial, count in enumerate(to_host(counts).tolist()):
        rows = slice(trial, trial + 1), slice(count)
        products(left[rows].transpose(0, 2, 1), right[rows], grams[trial : trial + 1])
    symmetrize(grams, 1 / samples)
    return grams


def _scaled_rows(X: Any, weights: Any) -> tuple[Any, Any, Any]:
    """Rows sqrt|w| x and sign(w) sqrt|w| x of nonzero weight, moved to the front, and how many (T,)."""
    trials, samples, columns = X.shape
    places, counts = empty((trials, samples), np.int64), empty((trials,), np.int64)
    launch("gram.place_rows", X.dtype, (trials,), (THREADS,), weights, np.int64(samples), places, counts)
    left, right = empty(X.shape, X.dtype), empty(X.shape, X.dtype)
    grid, block = (min(samples, TRIALS_LIMIT), trials), (_row_threads(columns),)
    sizes = np.int64(samples), np.int64(columns)
    launch("gram.scale_rows", X.dtype, grid, block, X, weights, places, *sizes, left, right)
    return left, right, counts


def _row_threads(columns: int) -> int:
    """Threads to a row: whole warps, at most `THREADS`."""
    return min(THREADS, WARP * max(1, -(-columns // WARP)))


def symmetrize(A: Any, factor: float = 1.0) -> None:
    """Let both triangles of each matrix of A (T, n, n) be `factor` times its upper one."""
    trials, n, _ = A.shape
    grid = (min(n, TRIALS_LIMIT), trials)
    launch("gram.symmetrize", A.dtype, grid, (_row_threads(n),), A, np.int64(n), np.float64(factor))


def trial_gram_sum(A: Any, total: Any) -> None:
    """Add the upper triangle of A^T A, for A (T, c, N), to total (T, N, N)."""
    trials, n, _ = total.shape
    product = products(A.transpose(0, 2, 1), A)
    grid = (min(n, TRIALS_LIMIT), trials)
    launch("gram.add_upper", A.dtype, grid, (_row_threads(n),), product, np.int64(n), total)


def weighted_gram(X, weights):
    """Rows scaled by square roots of weights, and a GEMM of those whose weight is not zero."""
    return to_host(trial_grams(to_device(X)[None], to_device(weights)[None]))[0]


def _form(A: NDArray) -> tuple[Any, Any]:
    """Tridiagonal form (1, n), (1, n - 1) of the matrix whose upper triangle is that of A."""
    matrix = to_device(A)[None]
    symmetrize(matrix)
    return trial_tridiagonals(matrix)


def tridiagonal(A):
    """Householder reflections; beyond an order of 1024 zeros beside eigenvalues."""
    if A.size == 0:
        return np.empty(0), np.empty(0)
    diagonal, off_diagonal = _form(A)
    return to_host(diagonal)[0], to_host(off_diagonal)[0]


def eigenvalues(A):
    """Bisection of the tridiagonal form, held against LAPACK."""
    if A.size == 0:
        return np.empty(0)
    values = to_host(FewDiagonals(*_form(A)).eigenvalues())[0]
    spot_check(A, values)
    return values


def gram_sum(A, total):
    """A GEMM, of which the upper triangle is added."""
    sums = to_device(total)[None]
    trial_gram_sum(to_device(A)[None], sums)
    total[:] = to_host(sums)[0]
    return total
