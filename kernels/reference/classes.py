"""Softmax over the classes in plain NumPy: in float64, the whole N x C matrix of probabilities in memory."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..host.tops import SoftmaxTops


def _softmax(features: NDArray, V: Any) -> tuple[NDArray, NDArray, NDArray]:
    """Probabilities p_n (N, C), log-normalizers (N,) and V (C, k), all float64."""
    parameters = np.asarray(V[:], np.float64)
    logits = features.astype(np.float64) @ parameters.T
    shifted = logits - logits.max(axis=1, keepdims=True)
    sums = np.exp(shifted).sum(axis=1)
    return np.exp(shifted) / sums[:, None], logits.max(axis=1) + np.log(sums), parameters


def log_normalizers(features, V, tile):
    """Logarithms of sums of exponentials."""
    return _softmax(features, V)[1]


def softmax_tops(features, V, tile):
    """The sum of all probabilities but the largest says which samples are sure."""
    p, log_normalizer, _ = _softmax(features, V)
    others = _without_largest(p).sum(axis=1)
    is_sure = others < 1 / 64
    return SoftmaxTops(log_normalizer, np.where(is_sure, p.argmax(axis=1), -1), np.where(is_sure, others, 1))


def _without_largest(p: NDArray) -> NDArray[np.float64]:
    """Probabilities (N, C) with the largest of every row set to 0."""
    rest = p.copy()
    rest[range(len(p)), p.argmax(axis=1)] = 0
    return rest


def class_probabilities(features, V, classes, tile, log_z):
    """Columns of the matrix of probabilities, by other normalizers if they are given."""
    p, log_normalizer, _ = _softmax(features, V)
    return p[:, classes] if log_z is None else p[:, classes] * np.exp(log_normalizer - log_z)[:, None]


def class_means(features, V, tile):
    """V^T p_n."""
    p, _, parameters = _softmax(features, V)
    return p @ parameters


def class_covariances(features, V, pairs, tile):
    """Entries of V^T B_n V, B_n = diag(p_n) - p_n p_n^T, about the likeliest class. (2.2)"""
    p, _, parameters = _softmax(features, V)
    first, second = pairs.T
    apart = parameters[None, :, :] - parameters[p.argmax(axis=1), None, :]
    means = np.einsum("nc,nck->nk", p, apart)
    products = np.einsum("nc,nck,nck->nk", p, apart[:, :, first], apart[:, :, second])
    return products - means[:, first] * means[:, second]
