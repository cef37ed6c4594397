"""Masses from sums over pairs of samples in plain NumPy."""

import numpy as np
from numpy.typing import NDArray

from ..host.activations import ACTIVATIONS
from .classes import class_covariances, class_probabilities, softmax_tops


def masses(K, A):
    """(1/N^2) a_r^T K a_r of each column a_r of A; theory.md, section 2."""
    kernel, vectors = K.astype(np.float64), A.astype(np.float64)
    return np.einsum("nr,nk,kr->r", vectors, kernel, vectors, optimize=True) / len(vectors) ** 2


def linear_masses(X, V, loss, tile):
    """Block by block. (2.5)"""
    return np.array(_output_masses(X.astype(np.float64), V, loss == "ce"))


def hidden_masses(X, W, V, loss, labels, network, tile):
    """Layer by layer. (2.5), (2.6), (2.7)"""
    phi, slope, is_ce = ACTIVATIONS[network.activation], network.slope, loss == "ce"
    exact, V = X.astype(np.float64), np.asarray(V[:], np.float64)
    a = (X @ W.T).astype(np.float64)
    h, slopes = phi.value(a, slope), phi.first(a, slope)
    g = None if labels is None else _residuals(h, V, labels, is_ce)
    pairs = np.array([(i, j) for i in range(len(W)) for j in range(len(W))]).reshape(-1, 2)
    factors = class_covariances(h, V, pairs, len(V)) if is_ce else (V.T @ V)[tuple(pairs.T)]
    weights = slopes[:, pairs[:, 0]] * slopes[:, pairs[:, 1]] * factors
    diagonal = pairs[:, 0] == pairs[:, 1]
    if phi.second is not None and g is not None:
        weights[:, diagonal] += phi.second(a, slope) * (g @ V)
    of_pairs = masses((exact @ exact.T) ** 2, weights)
    totals = [of_pairs[diagonal].sum(), of_pairs[~diagonal].sum(), *_output_masses(h, V, is_ce)]
    return np.array(totals if g is None else [*totals, _cross_masses(exact, h, slopes, V, g, is_ce)])


def _output_masses(features: NDArray, V: NDArray, is_ce: bool) -> tuple[float, float]:
    """Sums over c of |H[v_c, v_c]|^2 and over c != e of |H[v_c, v_e]|^2."""
    K, C = (features @ features.T) ** 2, V.shape[0]
    if not is_ce:
        return C * float(masses(K, np.ones((len(K), 1)))[0]), 0.0
    tops = softmax_tops(features, V, C)
    p = class_probabilities(features, V, np.arange(C), C, tops.log_z)
    others = (masses(K, p[:, c, None] * np.delete(p, c, axis=1)).sum() for c in range(C))
    return float(masses(K, p * tops.complements(p, 0)).sum()), float(sum(others))


def _residuals(h: NDArray, V: NDArray, labels: NDArray, is_ce: bool) -> NDArray[np.float64]:
    """Residuals p_n - onehot(y_n) or z_n - onehot(y_n), (N, C)."""
    samples, C = np.arange(len(labels)), len(V)
    if not is_ce:
        g = h @ V.T
        g[samples, labels] -= 1
        return g
    tops = softmax_tops(h, V, C)
    g = class_probabilities(h, V, np.arange(C), C, tops.log_z)
    g[samples, labels] = -tops.complements(g, 0)[samples, labels]
    return g


def _cross_masses(X: NDArray, h: NDArray, slopes: NDArray, V: NDArray, g: NDArray, is_ce: bool) -> float:
    """Sum over i and c of |H[w_i, v_c]|^2: the columns beside i, and column i, of the blocks (2.4)."""
    total = 0.0
    for i in range(h.shape[1]):
        Q = _curved_column(h, V, i) if is_ce else np.tile(V[:, i], (len(h), 1))
        u = (X @ X.T) * np.outer(slopes[:, i], slopes[:, i])
        beside = u * (h @ h.T - np.outer(h[:, i], h[:, i]))
        total += masses(beside, Q).sum() + masses(u, h[:, i, None] * Q + g).sum()
    return total


def _curved_column(h: NDArray, V: NDArray, i: int) -> NDArray[np.float64]:
    """(V^T B_n)_ic = p_nc (V_ci - mean), (N, C), about the likeliest class."""
    p = class_probabilities(h, V, np.arange(len(V)), len(V), None)
    apart = V[:, i] - V[p.argmax(axis=1), i, None]
    return p * (apart - np.sum(p * apart, axis=1, keepdims=True))
