"""Batches of trials in plain NumPy, from the other operations."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..arguments.trials import Forms, HiddenForms, LinearForms, Network
from ..host.activations import ACTIVATIONS
from .classes import class_covariances, class_probabilities
from .masses import hidden_masses, linear_masses
from .matrices import tridiagonal, weighted_gram
from .random import drawn, labels
from .weights import class_weights, gated_weights

Form = tuple[NDArray[np.float64], NDArray[np.float64]]


def linear_forms(streams, sizes, loss, class_pairs, dtype, network, masses):
    """Trial by trial. (2.1)"""
    (N, d, C), forms, totals = sizes, [], []
    for x_stream, v_stream in streams:
        X, V = _matrix(x_stream, N, d, 1.0, dtype), _matrix(v_stream, C, d, network.v_std * d**-0.5, dtype)
        forms.append(_class_forms(X, V, class_pairs, loss == "ce"))
        if masses:
            totals.append(linear_masses(X, V, loss, C))
    stacked = np.array(totals).reshape(len(streams), 2) if masses else None
    return LinearForms(_stacked(forms, len(class_pairs), d), stacked)


def hidden_forms(streams, sizes, loss, hidden_pairs, class_pairs, dtype, network, masses):
    """Trial by trial. (2.2), (2.3)"""
    (N, d, C, m), is_ce = sizes, loss == "ce"
    forms, class_forms, totals = [], [], []
    scales = np.ones((len(streams), len(hidden_pairs)))
    phi = ACTIVATIONS[network.activation]
    for t, (x_stream, w_stream, v_stream, *y_stream) in enumerate(streams):
        X, W = _matrix(x_stream, N, d, 1.0, dtype), _matrix(w_stream, m, d, network.w_std * d**-0.5, dtype)
        V = _matrix(v_stream, C, m, network.v_std * m**-0.5, dtype)
        a = X @ W.T
        h = phi.value(a, network.slope)
        if not is_ce:
            scales[t] = (V.astype(np.float64).T @ V.astype(np.float64))[tuple(hidden_pairs.T)]
        factors = class_covariances(h, V, hidden_pairs, C) if is_ce else np.tile(scales[t], (N, 1))
        y = labels(*y_stream, 0, N, C) if y_stream else np.empty(0, np.int64)
        residuals = _residual_products(h, V, y, is_ce) if network.residuals_enter else None
        weights = _hidden_weights(a, hidden_pairs, factors, network, residuals)
        forms.append([tridiagonal(weighted_gram(X, w)) for w in weights])
        class_forms.append(_class_forms(h, V, class_pairs, is_ce))
        if masses:
            totals.append(hidden_masses(X, W, V, loss, y, network, C))
    hidden, classes = _stacked(forms, len(hidden_pairs), d), _stacked(class_forms, len(class_pairs), m)
    return HiddenForms(hidden, classes, scales, np.array(totals).reshape(len(streams), 5) if masses else None)


def _matrix(stream: NDArray, rows: int, columns: int, deviation: float, dtype: np.dtype) -> NDArray:
    return drawn(stream, 0, rows * columns, dtype, deviation).reshape(rows, columns)


def _hidden_weights(
    a: NDArray, hidden: NDArray, factors: NDArray, network: Network, residuals: NDArray | None
) -> list[NDArray[np.float64]]:
    weights = []
    for r, (i, j) in enumerate(hidden):
        added = np.empty(0) if residuals is None or i != j else residuals[:, i]
        phi = network.activation, network.slope
        weights.append(gated_weights(a[:, i], a[:, j], factors[:, r], *phi, added))
    return weights


def _residual_products(h: NDArray, V: NDArray, y: NDArray, is_ce: bool) -> NDArray[np.float64]:
    """V^T g_n of every sample, (N, m)."""
    z = h.astype(np.float64) @ V.T
    g = np.exp(z - z.max(axis=1, keepdims=True)) if is_ce else z
    g = g / g.sum(axis=1, keepdims=True) if is_ce else g
    g[np.arange(len(y)), y] -= 1
    return g @ V


def _class_forms(features: NDArray, V: NDArray, classes: NDArray, is_ce: bool) -> list[Form]:
    p = class_probabilities(features, V, classes.ravel(), len(V), None).reshape(len(features), -1, 2)
    forms = []
    for r, (c, e) in enumerate(classes):
        weights = (
            class_weights(p[:, r, 0], p[:, r, 1], c == e, None) if is_ce else np.full(len(p), float(c == e))
        )
        forms.append(tridiagonal(weighted_gram(features, weights)))
    return forms


def _stacked(forms: list[list[Form]], blocks: int, order: int) -> Forms:
    diagonals = np.array([[a for a, _ in trial] for trial in forms]).reshape(len(forms), blocks, order)
    off = np.array([[b for _, b in trial] for trial in forms]).reshape(len(forms), blocks, order - 1)
    return Forms(diagonals.astype(np.float64), off.astype(np.float64))
