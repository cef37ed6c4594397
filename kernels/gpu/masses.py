"""Masses of all output-layer blocks together, on the GPU, which no probability leaves."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..host.masses import mass_totals, samples_and_tops, squares
from ..host.tops import SoftmaxTops, top_terms
from .classes import class_probabilities, tile_of, tiles_of, trial_class_weights, trial_probabilities
from .device import cupy, products, to_device, to_host
from .matrices import trial_gram_sum
from .tops import softmax_tops, take_out


def class_mass_totals(
    features: ArrayLike, V: Any, tile: int | None = None, tops: SoftmaxTops | None = None
) -> NDArray[np.float64]:
    """Masses of all diagonal and of all off-diagonal output-layer blocks, shape (2,); see the CPU.

    Sums over the classes run on the GPU, tile after tile; four N x N arrays come back at the end.
    """
    rows, V, known = samples_and_tops(features, V, tops)
    found = softmax_tops(rows, V, tile) if known is None else known
    size, n = tile_of(tile, rows, V.shape[0]), len(rows)
    given, log_sums = to_device(rows)[None], to_device(found.log_z)[None]
    inner, squared, diagonal = (cupy().zeros((1, n, n), np.float64) for _ in range(3))
    for start, part in tiles_of(V, size, rows.dtype):
        p = trial_probabilities(products(given, part.transpose(0, 2, 1)), log_sums)
        weights = trial_class_weights(p, p, True)
        take_out(found, start, p, weights)
        # of -p^2 a sign of both factors does not matter
        for factor, total in ((p, inner), (trial_class_weights(p, p, False), squared), (weights, diagonal)):
            trial_gram_sum(factor.transpose(0, 2, 1), total)
    K = squares(to_host(products(given, given.transpose(0, 2, 1)))[0])
    terms = None
    if found.confident.size:
        chosen = found.top[found.confident]
        terms = top_terms(found, class_probabilities(rows, V, chosen, tile, found.log_z))
    sums = [to_host(total)[0] for total in (inner, squared, diagonal)]
    return mass_totals(K, sums[0], sums[1], sums[2], terms)
