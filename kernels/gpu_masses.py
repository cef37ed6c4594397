"""Masses of all output-layer blocks together, on the GPU, which no probability leaves."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ._gpu import cupy, products, to_device, to_host
from ._masses import mass_totals, samples_and_normalizers, squares
from .gpu_classes import (
    tile_of,
    tiles_of,
    trial_class_weights,
    trial_log_normalizers,
    trial_probabilities,
)
from .gpu_matrices import trial_gram_sum


def class_mass_totals(
    features: ArrayLike, V: Any, tile: int | None = None, log_z: ArrayLike | None = None
) -> NDArray[np.float64]:
    """Masses of all diagonal and of all off-diagonal output-layer blocks, shape (2,); see the CPU.

    Sums over the classes run on the GPU, tile after tile; four N x N arrays come back at the end.
    """
    rows, V, normalizers = samples_and_normalizers(features, V, log_z)
    size, n = tile_of(tile, rows, V.shape[0]), len(rows)
    given = to_device(rows)[None]
    if normalizers is None:
        log_sums = trial_log_normalizers(given, tiles_of(V, size, rows.dtype))
    else:
        log_sums = to_device(normalizers)[None]
    totals = [cupy().zeros((1, n, n), np.float64) for _ in range(3)]
    for _, part in tiles_of(V, size, rows.dtype):
        p = trial_probabilities(products(given, part.transpose(0, 2, 1)), log_sums)
        trial_gram_sum(p.transpose(0, 2, 1), totals[0])
        # -p^2 and p (1 - p): a sign of both factors does not matter
        for same, total in zip((False, True), totals[1:], strict=True):
            trial_gram_sum(trial_class_weights(p, p, same).transpose(0, 2, 1), total)
    K = squares(to_host(products(given, given.transpose(0, 2, 1)))[0])
    return mass_totals(K, *(to_host(total)[0] for total in totals))
