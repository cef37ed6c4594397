"""Weighted Gram matrices and their spectra in plain NumPy: the specification of these operations."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..arguments.matrices import (
    bin_edges,
    kernel_and_vectors,
    nonempty_form,
    points,
    rows_and_total,
    samples_and_weights,
    symmetric,
    tridiagonal_form,
)


def near_one(A: NDArray) -> tuple[NDArray[np.float64], int]:
    """A in units of a power of two near its largest entry, and that power: no square over- or underflows."""
    exponent = int(np.frexp(np.abs(A).max(initial=0.0))[1])
    return np.ldexp(A, -exponent), exponent


def eigenvalues_below(spectrum: NDArray, exponent: int, shifts: NDArray) -> NDArray[np.int64]:
    """Number of eigenvalues, in units of 2^exponent, below each of `shifts`."""
    with np.errstate(over="ignore"):  # a shift beyond all numbers near 1 is beyond all eigenvalues
        return np.searchsorted(spectrum, np.ldexp(shifts, -exponent), side="left").astype(np.int64)


def weighted_gram(X: ArrayLike, weights: ArrayLike) -> NDArray:
    """(1/N) X^T diag(weights) X, shape (d, d), exactly symmetric, in the dtype of X. (2.1)-(2.3)"""
    rows, w = samples_and_weights(X, weights)
    exact = rows.astype(np.float64)
    kept = w != 0
    gram = (exact[kept].T * w[kept]) @ exact[kept] / len(rows)
    return ((gram + gram.T) / 2).astype(rows.dtype)


def eigenvalues(A: ArrayLike) -> NDArray[np.float64]:
    """Eigenvalues of a symmetric matrix, ascending, shape (n,)."""
    return np.linalg.eigvalsh(symmetric(A).astype(np.float64), UPLO="U")


def tridiagonal(A: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Diagonal (n,) and off-diagonal (n-1,) of a tridiagonal matrix orthogonally similar to A.

    Householder reflections from the first column on, which leave e_1 fixed (Golub & Van Loan, 8.3.1).
    """
    T = symmetric(A).astype(np.float64)
    T = np.triu(T) + np.triu(T, 1).T
    T, exponent = near_one(T)
    for k in range(len(T) - 2):
        v = T[k + 1 :, k].copy()
        v[0] += np.copysign(np.linalg.norm(v), v[0])
        if v.any():
            v /= np.linalg.norm(v)
            T[k + 1 :, :] -= 2 * np.outer(v, v @ T[k + 1 :, :])
            T[:, k + 1 :] -= 2 * np.outer(T[:, k + 1 :] @ v, v)
    return np.ldexp(np.diagonal(T), exponent), np.ldexp(np.diagonal(T, -1), exponent)


def _spectrum(a: NDArray, b: NDArray) -> NDArray[np.float64]:
    return np.linalg.eigvalsh(np.diag(a) + np.diag(b, 1) + np.diag(b, -1)) if len(a) else np.empty(0)


def sturm_counts(diagonal: ArrayLike, off_diagonal: ArrayLike, shifts: ArrayLike) -> NDArray[np.int64]:
    """Number of eigenvalues below each of `shifts`, shape (k,)."""
    a, b = tridiagonal_form(diagonal, off_diagonal)
    form, exponent = near_one(np.concatenate([a, b]))
    return eigenvalues_below(_spectrum(form[: len(a)], form[len(a) :]), exponent, points(shifts, "shifts"))


def histogram(diagonal: ArrayLike, off_diagonal: ArrayLike, edges: ArrayLike) -> NDArray[np.int64]:
    """Eigenvalues below edges[0], in each bin [e_k, e_k+1), and at or above edges[-1]; shape (B + 2,)."""
    below = sturm_counts(diagonal, off_diagonal, bin_edges(edges))
    return np.diff(below, prepend=0, append=len(np.asarray(diagonal)))


def extremes(diagonal: ArrayLike, off_diagonal: ArrayLike) -> NDArray[np.float64]:
    """Smallest and largest eigenvalue, shape (2,)."""
    return _spectrum(*nonempty_form(diagonal, off_diagonal))[[0, -1]]


def moments(diagonal: ArrayLike, off_diagonal: ArrayLike) -> NDArray[np.float64]:
    """(1/n) tr T^k for k = 1..4, shape (4,). Limits: (3.4)"""
    spectrum = _spectrum(*nonempty_form(diagonal, off_diagonal))
    with np.errstate(over="ignore", invalid="ignore"):  # moments may leave the range of numbers
        return np.array([np.mean(spectrum**k) for k in (1, 2, 3, 4)])


def gram_sum(A: ArrayLike, total: NDArray | None = None) -> NDArray:
    """Upper triangle of total + A^T A, shape (N, N), for A (T, N); a given total is changed in place.

    With A the transposed softmax columns of a tile of classes, the sums over classes in theory.md (2.5).
    """
    rows, out = rows_and_total(A, total)
    out += np.triu(rows.T @ rows)
    return out


def masses(K: ArrayLike, A: ArrayLike) -> NDArray[np.float64]:
    """(1/N^2) a_r^T K a_r for each column a_r of A, shape (R,).

    With K_nk = (x_n . x_k)^2 this is |H_r|_F^2 of the Gram matrix with sample weights a_r (theory.md, section
    2).
    """
    kernel, vectors = (x.astype(np.float64) for x in kernel_and_vectors(K, A))
    return np.einsum("nr,nk,kr->r", vectors, kernel, vectors, optimize=True) / len(vectors) ** 2
