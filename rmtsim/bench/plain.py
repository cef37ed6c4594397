"""What ours is compared with: BLAS and LAPACK alone, and the same work as one would write it in NumPy."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import blas, lapack

Run = Callable[[], object]


def floor(n_samples: int, n_features: int, n_classes: int, precision: str) -> Run:
    """GEMM of the logits, SYRK of the block, SYTRD to tridiagonal form, on arrays that are there already."""
    rng, single = np.random.default_rng(0), precision == "float32"
    syrk, sytrd = (blas.ssyrk, lapack.ssytrd) if single else (blas.dsyrk, lapack.dsytrd)
    X = rng.standard_normal((n_samples, n_features)).astype(precision)
    V = rng.standard_normal((n_classes, n_features)).astype(precision)
    logits = np.empty((n_samples, n_classes), precision)
    H = syrk(1 / n_samples, X.T, lower=1)

    def run() -> None:
        np.matmul(X, V.T, out=logits)
        syrk(1 / n_samples, X.T, lower=1)
        sytrd(H, lower=1, lwork=32 * n_features)

    return run


def trial(n_samples: int, n_features: int, n_classes: int, precision: str, edges: NDArray) -> Run:
    """A linear ce trial: block (v_0, v_0) and the histogram of its eigenvalues."""
    rng = np.random.default_rng(0)
    dtype: Any = np.dtype(precision)

    def run() -> NDArray:
        X = rng.standard_normal((n_samples, n_features), dtype)
        V = rng.standard_normal((n_classes, n_features), dtype) / np.sqrt(n_features, dtype=dtype)
        p = _softmax(X @ V.T)[:, 0]
        H = (X.T * (p * (1 - p))) @ X / n_samples
        return np.histogram(np.linalg.eigvalsh(H), edges)[0]

    return run


def _softmax(logits: NDArray) -> NDArray:
    e = np.exp(logits - logits.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def hidden_hessian(X: NDArray, y: NDArray, W: NDArray, V: NDArray) -> NDArray:
    """Full Hessian of the hidden ce model, theory.md (2.2)-(2.4), by whole arrays."""
    (N, d), (C, m) = X.shape, V.shape
    h = np.maximum(X @ W.T, 0)
    p = _softmax(h @ V.T)
    g, centered = p - np.eye(C)[y], V[None] - (p @ V)[:, None]
    H = np.empty(((d + C) * m,) * 2)
    for i in range(m):
        rows, on = slice(i * d, (i + 1) * d), h[:, i] > 0
        Q = p * centered[:, :, i]
        for j in range(m):
            weights = on * (h[:, j] > 0) * np.einsum("nc,nc->n", Q, centered[:, :, j])
            H[rows, j * d : (j + 1) * d] = (X.T * weights) @ X / N
        cross = Q[:, :, None] * h[:, None, :]
        cross[:, :, i] += g
        H[rows, m * d :] = (X.T * on) @ cross.reshape(N, -1) / N
        H[m * d :, rows] = H[rows, m * d :].T
    Y = (p[:, :, None] * h[:, None, :]).reshape(N, -1)
    H[m * d :, m * d :] = -(Y.T @ Y) / N
    for c in range(C):
        here = slice(m * d + c * m, m * d + (c + 1) * m)
        H[here, here] += (h.T * p[:, c]) @ h / N
    return H
