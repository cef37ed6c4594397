"""Weighted Gram matrices, their tridiagonal form and eigenvalues, and quadratic forms, on the GPU.

GEMMs are cuBLAS's; `gpu_eigen` says what computes forms and eigenvalues.

The functions that begin with `trial_` work on arrays that are on the device, for many trials at once.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..arguments.matrices import kernel_and_vectors, rows_and_total, samples_and_weights, symmetric
from .cusolver import check_order
from .device import THREADS, TRIALS_LIMIT, empty, launch, products, to_device, to_host
from .eigen import trial_eigenvalues, trial_tridiagonals

WARP, COLUMN_WARPS = 32, 8


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
    launch(
        "gram.add_upper",
        A.dtype,
        (min(n, TRIALS_LIMIT), trials),
        (_row_threads(n),),
        product,
        np.int64(n),
        total,
    )


def trial_masses(K: Any, A: Any) -> Any:
    """(1/N^2) a_r^T K a_r, (T, R), for K (T, N, N) and A (T, N, R)."""
    trials, samples, columns = A.shape
    out = empty((trials, columns))
    sizes = np.int64(samples), np.int64(columns), np.float64(1 / samples**2)
    grid = (-(-columns // WARP), trials)
    launch("gram.column_dots", A.dtype, grid, (WARP, COLUMN_WARPS), A, products(K, A), *sizes, out)
    return out


# --------------------------------------------------------------------------------------------- one matrix


def weighted_gram(X: ArrayLike, weights: ArrayLike) -> NDArray:
    """Weighted Gram matrix (1/N) X^T diag(weights) X, shape (d, d); see the CPU."""
    rows, w = samples_and_weights(X, weights)
    return to_host(trial_grams(to_device(rows)[None], to_device(w)[None]))[0]


def _full(A: ArrayLike) -> tuple[NDArray, Any]:
    """A checked matrix, and it on the device, (1, n, n), its lower triangle made from its upper one."""
    matrix = symmetric(A)
    check_order(len(matrix))
    given = to_device(matrix)[None]
    symmetrize(given)
    return matrix, given


def tridiagonal(A: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Diagonal and off-diagonal of a tridiagonal matrix orthogonally similar to A; see the CPU.

    Beyond an order of 1024 the off-diagonal is zero and the diagonal holds the eigenvalues.
    """
    _, full = _full(A)
    if full.size == 0:
        return np.empty(0), np.empty(0)
    a, b = trial_tridiagonals(full)
    return to_host(a)[0], to_host(b)[0]


def eigenvalues(A: ArrayLike) -> NDArray[np.float64]:
    """All eigenvalues of a symmetric matrix, ascending, held against LAPACK's; see the CPU."""
    matrix, full = _full(A)
    return to_host(trial_eigenvalues(full, first=matrix))[0] if full.size else np.empty(0)


def gram_sum(A: ArrayLike, total: NDArray | None = None) -> NDArray:
    """Upper triangle of total + A^T A, shape (N, N); a given total is changed in place. See the CPU."""
    rows, out = rows_and_total(A, total)
    sums = to_device(out)[None]
    trial_gram_sum(to_device(rows)[None], sums)
    out[:] = to_host(sums)[0]
    return out


def masses(K: ArrayLike, A: ArrayLike) -> NDArray[np.float64]:
    """Squared Frobenius norms (1/N^2) a_r^T K a_r, shape (R,); see the CPU."""
    kernel, vectors = kernel_and_vectors(K, A)
    return to_host(trial_masses(to_device(kernel)[None], to_device(vectors)[None]))[0]
