"""Masses of all blocks of a network, of many trials at once, on the GPU; what sums need stays there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .device import cupy, products, to_device, to_host
from .pair_sums import trial_masses
from .softmax import CENTER_CLASSES, Tiles, center_of, tiles_of
from .softmax_masses import hidden_softmax_masses, linear_softmax_masses
from .square_masses import hidden_square_masses, square_output_masses

TilesOf = Callable[..., Tiles]
"""Tiles of V, of as many classes as is said or else of a good number."""


def masses(K, A):
    """A product with K, and a dot product to a column."""
    return to_host(trial_masses(to_device(K)[None], to_device(A)[None]))[0]


def trial_linear_masses(X: Any, tiles: TilesOf, n_classes: int, is_ce: bool) -> NDArray[np.float64]:
    """Masses of vv_diag and vv_off (T, 2) of linear models on X (T, N, d)."""
    return linear_softmax_masses(X, tiles) if is_ce else square_output_masses(X, n_classes)


def trial_hidden_masses(
    X: Any,
    h: Any,
    tiles: TilesOf,
    n_classes: int,
    is_ce: bool,
    labels: Any,
    middle: Callable[..., NDArray] = np.mean,
) -> NDArray[np.float64]:
    """Masses of all parts, (T, 5) or, where no labels (T, N) are given, (T, 4): without wv.

    Of hidden models on X (T, N, d), whose activations h = relu(X W^T) are (T, N, m). Under ce V is centered
    at the middle of its first classes.
    """
    if is_ce:
        return hidden_softmax_masses(X, h, tiles, center_of(tiles(CENTER_CLASSES), middle), labels)
    return hidden_square_masses(X, h, tiles, n_classes, labels)


def linear_masses(X, V, loss, tile):
    """One trial."""
    return trial_linear_masses(to_device(X)[None], _given(V, tile, X.dtype), V.shape[0], loss == "ce")[0]


def hidden_masses(X, W, V, loss, labels, network, tile):
    """One trial, of ReLU."""
    inputs, y = to_device(X)[None], None if labels is None else to_device(labels)[None]
    h = cupy().maximum(products(inputs, to_device(W)[None].transpose(0, 2, 1)), 0)
    of_classes = _given(V, tile, X.dtype), V.shape[0], loss == "ce"
    # a median, of which a few rows apart make little
    return trial_hidden_masses(inputs, h, *of_classes, y, np.median)[0]


def _given(V: Any, tile: int, dtype: np.dtype) -> TilesOf:
    return lambda width=tile: tiles_of(V, width, dtype)
