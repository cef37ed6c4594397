"""Masses (squared Frobenius norms) of Hessian blocks without forming the blocks: theory.md (2.5)-(2.7).

With K_nk = (x_n . x_k)^2, the mass of the weighted Gram matrix (1/N) X^T diag(a) X is a^T K a / N^2, so
sums over blocks become sums over pairs of samples of inner products of sample weights.
"""

from collections.abc import Iterable
from types import ModuleType

import numpy as np
from numpy.typing import NDArray


def squared_gram(features: NDArray) -> NDArray[np.float64]:
    """Return K_nk = (x_n . x_k)^2, shape (N, N)."""
    gram = (features @ features.T).astype(np.float64)
    gram *= gram
    return gram


def class_block_masses(
    kernels: ModuleType, features: NDArray, p: NDArray | None, n_classes: int
) -> NDArray[np.float64]:
    """Return |H[v_c, v_e]|_F^2, shape (C, C), from features (N, k) and softmax p (N, C); p None means mse."""
    K = squared_gram(features)
    if p is None:
        return np.eye(n_classes) * (K.sum() / len(K) ** 2)
    masses = np.empty((n_classes, n_classes))
    for c in range(n_classes):
        masses[c, c:] = kernels.masses(K, p[:, c, None] * p[:, c:])
        masses[c:, c] = masses[c, c:]
    np.fill_diagonal(masses, kernels.masses(K, p * (1 - p)))
    return masses


def total_class_masses(
    features: NDArray, tiles: Iterable[NDArray] | None, n_classes: int
) -> tuple[float, float]:
    """Return the masses of all diagonal and all off-diagonal output-layer blocks, by (2.5).

    `tiles` yields softmax columns p (N, tile) that together run through all classes; None means mse.
    """
    K = squared_gram(features)
    N = len(K)
    if tiles is None:
        return n_classes * float(K.sum()) / N**2, 0.0
    products, squares, diagonal = np.zeros((3, N, N))
    for p in tiles:
        products += p @ p.T
        q = p * (1 - p)
        diagonal += q @ q.T
        p2 = p * p
        squares += p2 @ p2.T
    products *= products
    products -= squares
    # sum over c != e of p_c p_e p'_c p'_e = (p . p')^2 - p^2 . p'^2
    return float(np.vdot(K, diagonal)) / N**2, float(np.vdot(K, products)) / N**2
