"""Masses from sums over pairs of samples, on the GPU; probabilities of all classes never leave it."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..host.masses import mass_totals, squares
from ..host.tops import top_terms
from .classes import class_probabilities, softmax_tops
from .device import cupy, empty, launch, products, to_device, to_host
from .matrices import WARP, trial_gram_sum
from .softmax import tile_probabilities
from .tops import take_out
from .weights import trial_class_weights

COLUMN_WARPS = 8


def trial_masses(K: Any, A: Any) -> Any:
    """(1/N^2) a_r^T K a_r, (T, R), for K (T, N, N) and A (T, N, R)."""
    trials, samples, columns = A.shape
    out = empty((trials, columns))
    sizes = np.int64(samples), np.int64(columns), np.float64(1 / samples**2)
    grid = (-(-columns // WARP), trials)
    launch("gram.column_dots", A.dtype, grid, (WARP, COLUMN_WARPS), A, products(K, A), *sizes, out)
    return out


def masses(K, A):
    """A product with K, and a dot product to a column."""
    return to_host(trial_masses(to_device(K)[None], to_device(A)[None]))[0]


def class_mass_totals(features, V, tile, tops):
    """Three N x N sums over the classes; the top classes of confident samples are summed apart, (2.5a)."""
    tops = softmax_tops(features, V, tile) if tops is None else tops
    given, n = to_device(features)[None], len(features)
    inner, squared, diagonal = (cupy().zeros((1, n, n), np.float64) for _ in range(3))
    for start, p, _ in tile_probabilities(given, V, tile, to_device(tops.log_z)[None]):
        weights = trial_class_weights(p, p, True)
        take_out(tops, start, p, weights)
        # of -p^2 a sign of both factors does not matter
        for factor, total in ((p, inner), (trial_class_weights(p, p, False), squared), (weights, diagonal)):
            trial_gram_sum(factor.transpose(0, 2, 1), total)
    K = squares(to_host(products(given, given.transpose(0, 2, 1)))[0])
    terms = None
    if tops.confident.size:
        chosen = tops.top[tops.confident]
        terms = top_terms(tops, class_probabilities(features, V, chosen, tile, tops.log_z))
    return mass_totals(K, *(to_host(total)[0] for total in (inner, squared, diagonal)), terms)
