"""Batches of trials in plain NumPy, from the other operations."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..arguments.trials import Forms, HiddenForms
from .classes import class_covariances, class_probabilities
from .matrices import tridiagonal, weighted_gram
from .random import drawn
from .weights import class_weights, gated_weights

Form = tuple[NDArray[np.float64], NDArray[np.float64]]


def linear_forms(streams, sizes, loss, class_pairs, dtype, network):
    """Trial by trial. (2.1)"""
    (N, d, C), forms = sizes, []
    for x_stream, v_stream in streams:
        X = _matrix(x_stream, N, d, 1.0, dtype)
        V = _matrix(v_stream, C, d, network.v_std * d**-0.5, dtype)
        forms.append(_class_forms(X, V, class_pairs, loss == "ce"))
    return _stacked(forms, len(class_pairs), d)


def hidden_forms(streams, sizes, loss, hidden_pairs, class_pairs, dtype, network):
    """Trial by trial. (2.2), (2.3)"""
    (N, d, C, m), is_ce = sizes, loss == "ce"
    forms, class_forms = [], []
    scales = np.ones((len(streams), len(hidden_pairs)))
    for t, (x_stream, w_stream, v_stream) in enumerate(streams):
        X = _matrix(x_stream, N, d, 1.0, dtype)
        W = _matrix(w_stream, m, d, network.w_std * d**-0.5, dtype)
        V = _matrix(v_stream, C, m, network.v_std * m**-0.5, dtype)
        h = np.maximum(X @ W.T, 0)
        if not is_ce:
            scales[t] = (V.astype(np.float64).T @ V.astype(np.float64))[tuple(hidden_pairs.T)]
        factors = class_covariances(h, V, hidden_pairs, C) if is_ce else np.tile(scales[t], (N, 1))
        forms.append(_hidden_forms(X, h, hidden_pairs, factors))
        class_forms.append(_class_forms(h, V, class_pairs, is_ce))
    hidden = _stacked(forms, len(hidden_pairs), d)
    return HiddenForms(hidden, _stacked(class_forms, len(class_pairs), m), scales)


def _matrix(stream: NDArray, rows: int, columns: int, deviation: float, dtype: np.dtype) -> NDArray:
    return drawn(stream, 0, rows * columns, dtype, deviation).reshape(rows, columns)


def _hidden_forms(X: NDArray, h: NDArray, hidden: NDArray, factors: NDArray) -> list[Form]:
    weights = (gated_weights(h[:, i], h[:, j], factors[:, r]) for r, (i, j) in enumerate(hidden))
    return [tridiagonal(weighted_gram(X, w)) for w in weights]


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
