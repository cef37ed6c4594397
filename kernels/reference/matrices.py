"""Weighted Gram matrices and dense symmetric matrices in plain NumPy."""

from __future__ import annotations

import numpy as np

from .spectra import near_one


def weighted_gram(X, weights):
    """(1/N) X^T diag(weights) X in float64, its rounding made symmetric. (2.1)-(2.3)"""
    exact, kept = X.astype(np.float64), weights != 0
    gram = (exact[kept].T * weights[kept]) @ exact[kept] / len(X)
    return ((gram + gram.T) / 2).astype(X.dtype)


def eigenvalues(A):
    """Those of LAPACK's driver for all eigenvalues."""
    return np.linalg.eigvalsh(A.astype(np.float64), UPLO="U")


def tridiagonal(A):
    """Householder reflections from the first column on, which leave e_1 fixed (Golub & Van Loan, 8.3.1)."""
    T = A.astype(np.float64)
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


def gram_sum(A, total):
    """Upper triangle of A^T A added to the total."""
    total += np.triu(A.T @ A)
    return total
