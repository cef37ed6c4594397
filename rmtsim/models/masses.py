"""Masses (squared Frobenius norms) of output-layer blocks without forming the blocks: theory.md (2.5).

With K_nk = (x_n . x_k)^2, the mass of the weighted Gram matrix (1/N) X^T diag(a) X is a^T K a / N^2, so
sums over blocks become sums over pairs of samples of inner products of sample weights. A function that
takes `tiles` is given softmax columns p (N, tile) that together run through all classes.
"""

from collections.abc import Iterable
from types import ModuleType
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..kernels._masses import squared_gram


class ClassMasses(NamedTuple):
    """Masses by class c of the output layer, each of shape (C,)."""

    diagonal: NDArray[np.float64]
    """|H[v_c, v_c]|_F^2."""
    off_diagonal: NDArray[np.float64]
    """Sum over e != c of |H[v_c, v_e]|_F^2."""


class LargestBlocks(NamedTuple):
    """The largest off-diagonal blocks found, largest first."""

    pairs: NDArray[np.int64]
    """Classes (c, e), c < e, shape (count, 2)."""
    masses: NDArray[np.float64]
    """|H[v_c, v_e]|_F^2, shape (count,)."""
    bound: float
    """No block that was not looked at has a larger mass; if masses[-1] >= bound, these are the largest."""


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


def class_masses(
    kernels: ModuleType, features: NDArray, gram_tiles: Iterable[NDArray], tiles: Iterable[NDArray]
) -> ClassMasses:
    """Return masses by class; `gram_tiles` and `tiles` are two runs through the classes.

    Summing p_c p_e p'_c p'_e over e != c leaves p_c p'_c (p . p' - p_c p'_c).
    """
    K = squared_gram(features)
    N = len(K)
    products = np.zeros((N, N))
    for p in gram_tiles:
        kernels.gram_sum(p.T, products)
    products = np.triu(products) + np.triu(products, 1).T
    products *= K
    diagonal, off_diagonal = [], []
    for p in tiles:
        diagonal.append(kernels.masses(K, p * (1 - p)))
        off_diagonal.append(kernels.masses(products, p) - kernels.masses(K, p * p))
    return ClassMasses(np.concatenate(diagonal), np.concatenate(off_diagonal))


def self_bounds(kernels: ModuleType, K: NDArray, tiles: Iterable[NDArray]) -> NDArray[np.float64]:
    """Return b_c, shape (C,), with |H[v_c, v_e]|_F^2 <= sqrt(b_c b_e) by Cauchy-Schwarz over sample pairs."""
    return np.concatenate([kernels.masses(K, p * p) for p in tiles])


def largest_pairs(
    kernels: ModuleType, K: NDArray, p: NDArray, chosen: NDArray, bounds: NDArray, count: int
) -> LargestBlocks:
    """Return the largest blocks among the `chosen` classes with softmax p (N, len(chosen)).

    `bounds` (C,) are those of `self_bounds`; the chosen classes must be those of the largest bounds,
    largest first.
    """
    n = len(chosen)
    masses = np.zeros((n, n))
    for c in range(n - 1):
        masses[c, c + 1 :] = kernels.masses(K, p[:, c, None] * p[:, c + 1 :])
    first, second = np.triu_indices(n, 1)
    order = np.argsort(-masses[first, second], kind="stable")[:count]
    pairs = np.sort(np.stack([chosen[first[order]], chosen[second[order]]], axis=1), axis=1)
    unseen = np.delete(bounds, chosen)
    bound = float(np.sqrt(bounds.max() * unseen.max())) if unseen.size else 0.0
    return LargestBlocks(pairs, masses[first[order], second[order]], bound)
