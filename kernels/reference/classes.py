"""Softmax over the classes and sample weights in plain NumPy: the specification of these operations.

Everything is computed in float64 with the whole N x C matrix of probabilities in memory.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..arguments.matrices import (
    class_complement,
    features_and_parameters,
    indices,
    sample_factor,
    sample_vectors,
    tile_size,
)
from ..arguments.values import array
from ..host.masses import samples_and_tops
from ..host.tops import SoftmaxTops
from .matrices import masses


def _softmax(features: ArrayLike, V: Any, tile: int | None) -> tuple[NDArray, NDArray, NDArray]:
    """Probabilities p_n (N, C), log-normalizers (N,) and V (C, k), all float64."""
    rows, V = features_and_parameters(features, V)
    tile_size(tile, rows, V.shape[0])
    parameters = np.asarray(V[:], np.float64)
    logits = rows.astype(np.float64) @ parameters.T
    shifted = logits - logits.max(axis=1, keepdims=True)
    sums = np.exp(shifted).sum(axis=1)
    return np.exp(shifted) / sums[:, None], logits.max(axis=1) + np.log(sums), parameters


def log_normalizers(features: ArrayLike, V: Any, tile: int | None = None) -> NDArray[np.float64]:
    """Log-normalizers log sum_c exp(z_nc) of the logits z = features V^T, shape (N,)."""
    return _softmax(features, V, tile)[1]


def softmax_tops(features: ArrayLike, V: Any, tile: int | None = None) -> SoftmaxTops:
    """Log-normalizers; the class with p > 1 - 1/64 or -1; the sum of the other probabilities or 1. (N,)"""
    p, log_normalizer, _ = _softmax(features, V, tile)
    others = _without_largest(p).sum(axis=1)
    is_sure = others < 1 / 64
    return SoftmaxTops(log_normalizer, np.where(is_sure, p.argmax(axis=1), -1), np.where(is_sure, others, 1))


def _without_largest(p: NDArray) -> NDArray[np.float64]:
    """Probabilities (N, C) with the largest of every row set to 0."""
    rest = p.copy()
    rest[range(len(p)), p.argmax(axis=1)] = 0
    return rest


def class_probabilities(
    features: ArrayLike, V: Any, classes: ArrayLike, tile: int | None = None, log_z: ArrayLike | None = None
) -> NDArray[np.float64]:
    """Columns `classes` of softmax(features V^T), shape (N, K); p_n of theory.md, section 1."""
    p, log_normalizer, parameters = _softmax(features, V, tile)
    chosen = indices(classes, "classes", (None,), len(parameters))
    if log_z is None:
        return p[:, chosen]
    given = array(log_z, "log_z", (len(p),), (np.float64,))
    return p[:, chosen] * np.exp(log_normalizer - given)[:, None]


def class_means(features: ArrayLike, V: Any, tile: int | None = None) -> NDArray[np.float64]:
    """V^T p_n, shape (N, k)."""
    p, _, parameters = _softmax(features, V, tile)
    return p @ parameters


def class_covariances(
    features: ArrayLike, V: Any, pairs: ArrayLike, tile: int | None = None
) -> NDArray[np.float64]:
    """Entries (i, j) of V^T B_n V, B_n = diag(p_n) - p_n p_n^T, for each of `pairs`; shape (N, K). (2.2)"""
    p, _, parameters = _softmax(features, V, tile)
    first, second = indices(pairs, "pairs", (None, 2), parameters.shape[1]).T
    apart = parameters[None, :, :] - parameters[p.argmax(axis=1), None, :]
    means = np.einsum("nc,nck->nk", p, apart)
    products = np.einsum("nc,nck,nck->nk", p, apart[:, :, first], apart[:, :, second])
    return products - means[:, first] * means[:, second]


def class_mass_totals(
    features: ArrayLike, V: Any, tile: int | None = None, tops: SoftmaxTops | None = None
) -> NDArray[np.float64]:
    """Sums over c of |H[v_c, v_c]|^2 and over c != e of |H[v_c, v_e]|^2, block by block. (2.5)"""
    rows, V, given = samples_and_tops(features, V, tops)
    found = softmax_tops(rows, V, tile) if given is None else given
    p = class_probabilities(rows, V, np.arange(V.shape[0]), tile, found.log_z)
    K = (rows.astype(np.float64) @ rows.astype(np.float64).T) ** 2
    others = (masses(K, p[:, c, None] * np.delete(p, c, axis=1)).sum() for c in range(V.shape[0]))
    return np.array([masses(K, p * found.complements(p, 0)).sum(), sum(others)])


def class_weights(
    p_row: ArrayLike, p_col: ArrayLike, same: bool, complement: ArrayLike | None = None
) -> NDArray[np.float64]:
    """Entry (c, e) of B_n: p_c (1 - p_c) if c = e, else -p_c p_e, with p_c = p_row, p_e = p_col. (2.1)"""
    p, q = (x.astype(np.float64) for x in sample_vectors(p_row, p_col, ("p_row", "p_col")))
    given = class_complement(complement, p)
    return p * (1 - p if given is None else given) if same else -p * q


def gated_weights(a_row: ArrayLike, a_col: ArrayLike, factor: ArrayLike) -> NDArray[np.float64]:
    """1(a_row > 0) 1(a_col > 0) factor, with `factor` a number or one per sample. (2.2)"""
    a, b = sample_vectors(a_row, a_col, ("a_row", "a_col"))
    return np.where((a > 0) & (b > 0), sample_factor(factor, len(a)).astype(np.float64), 0.0)
