"""Covariances of the columns of V under the softmax probabilities, on the GPU."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..arguments.matrices import features_and_parameters, indices
from ..host.covariances import differences_lose, with_variances
from .classes import CENTER_CLASSES, covariances_of, fold_threads, means_of, tile_of, tiles_of, trial_moments
from .device import cupy, launch, to_device, to_host
from .tops import largest_of_rows, tile_probabilities


def class_covariances(
    features: ArrayLike, V: Any, pairs: ArrayLike, tile: int | None = None
) -> NDArray[np.float64]:
    """Entries (i, j) of V^T B_n V for each of `pairs` (K, 2), shape (N, K); see the CPU."""
    rows, V = features_and_parameters(features, V)
    entries = indices(pairs, "pairs", (None, 2), V.shape[1])
    used, places, variances = with_variances(entries)
    size, every = tile_of(tile, rows, V.shape[0]), to_device(used[places])
    center = to_device(np.mean(V[:CENTER_CLASSES], axis=0, dtype=np.float64), rows.dtype)[None]
    tiles = tiles_of(V, size, rows.dtype)
    running, totals = trial_moments(to_device(rows)[None], tiles, center, every)
    found = to_host(covariances_of(running, totals, every))[0]
    who = differences_lose(to_host(means_of(running, totals))[0, :, used], found[:, variances].T)
    if who.size:
        log_z = to_host(running.log_normalizers())[0, who]
        found[who] = _about_the_top(rows[who], V, size, used[places], log_z)
    return found[:, : len(entries)]


def _about_the_top(rows: NDArray, V: Any, size: int, pairs: NDArray, log_z: NDArray) -> NDArray[np.float64]:
    """Covariances (N, K) from columns centered at the likeliest class of each sample."""
    largest, top = np.full(len(rows), -np.inf), np.zeros(rows.shape, rows.dtype)
    for start, p, _ in tile_probabilities(rows, V, size, log_z):
        height, place, _ = largest_of_rows(p)
        higher = height > largest
        largest[higher], top[higher] = height[higher], V[start : start + size][place[higher]]
    k = rows.shape[1]
    columns = np.stack([np.arange(k), np.full(k, -1)], axis=1)
    wanted, origin = to_device(np.concatenate([columns, pairs])), to_device(top)
    sums = cupy().zeros((len(rows), k + len(pairs)), np.float64)
    for _, p, part in tile_probabilities(rows, V, size, log_z):
        add_moments(p, part, origin, wanted, sums)
    found = to_host(sums)
    means = found[:, :k]
    return found[:, k:] - means[:, pairs[:, 0]] * means[:, pairs[:, 1]]


def add_moments(p: Any, part: Any, origin: Any, pairs: Any, sums: Any) -> None:
    """Add to sums (N, K) those over a tile of p times columns of V - origin, one or the product of a pair."""
    _, n, classes = p.shape
    sizes = np.int64(classes), np.int64(part.shape[2]), np.int64(len(pairs))
    grid, block = (n,), (fold_threads(classes),)
    launch("tops.add_moments", part.dtype, grid, block, p, part, origin, pairs, *sizes, sums)
