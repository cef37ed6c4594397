"""Masses from sums over pairs of samples in plain NumPy."""

import numpy as np

from .classes import class_probabilities, softmax_tops


def masses(K, A):
    """(1/N^2) a_r^T K a_r of each column a_r of A; theory.md, section 2."""
    kernel, vectors = K.astype(np.float64), A.astype(np.float64)
    return np.einsum("nr,nk,kr->r", vectors, kernel, vectors, optimize=True) / len(vectors) ** 2


def class_mass_totals(features, V, tile, tops):
    """Sums over c of |H[v_c, v_c]|^2 and over c != e of |H[v_c, v_e]|^2, block by block. (2.5)"""
    tops = softmax_tops(features, V, tile) if tops is None else tops
    p = class_probabilities(features, V, np.arange(V.shape[0]), tile, tops.log_z)
    K = (features.astype(np.float64) @ features.astype(np.float64).T) ** 2
    others = (masses(K, p[:, c, None] * np.delete(p, c, axis=1)).sum() for c in range(V.shape[0]))
    return np.array([masses(K, p * tops.complements(p, 0)).sum(), sum(others)])
