"""Softmax over the classes of one trial, streamed in tiles on the GPU; `softmax` says how one is folded."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..host.covariances import differences_lose, with_variances
from ..host.rows import chosen_rows
from .device import cupy, products, to_device, to_host
from .softmax import (
    CENTER_CLASSES,
    RunningSoftmax,
    covariances_of,
    folded_probabilities,
    means_of,
    tile_probabilities,
    tiles_of,
    trial_chosen_logits,
    trial_means,
    trial_moments,
    trial_probabilities,
    trial_softmax,
)
from .tops import add_moments, largest_of_tiles, trial_tops


def log_normalizers(features, V, tile):
    """Logarithms of sums of exponentials, in one pass over V."""
    return to_host(_folded(features, V, tile).log_normalizers())[0]


def _folded(rows: NDArray, V: Any, tile: int) -> RunningSoftmax:
    return trial_softmax(to_device(rows)[None], tiles_of(V, tile, rows.dtype))


def softmax_tops(features, V, tile):
    """One pass over the classes, and one more if there are confident samples."""
    running = _folded(features, V, tile)
    return trial_tops(running, folded_probabilities(running, tiles_of(V, tile, features.dtype)))


def class_probabilities(features, V, classes, tile, log_z):
    """Exponentials of logits less the log-normalizers, which take a pass over V where they are not known."""
    on_device = to_device(features)[None]
    if log_z is None:
        logits, sums = trial_chosen_logits(on_device, tiles_of(V, tile, features.dtype), to_device(classes))
    else:
        rows, sums = chosen_rows(V, classes, tile, features.dtype), to_device(log_z)[None]
        logits = products(on_device, to_device(rows.T)[None])
    return to_host(trial_probabilities(logits, sums))[0]


def class_means(features, V, tile):
    """Sums of the rows of V with weights p_n."""
    return to_host(trial_means(to_device(features)[None], tiles_of(V, tile, features.dtype)))[0]


def class_covariances(features, V, pairs, tile):
    """Mean of products minus product of means, about a center that loses no digits, (2.2a)."""
    used, places, variances = with_variances(pairs)
    every = to_device(used[places])
    center = to_device(np.mean(V[:CENTER_CLASSES], axis=0, dtype=np.float64), features.dtype)[None]
    tiles = tiles_of(V, tile, features.dtype)
    running, totals = trial_moments(to_device(features)[None], tiles, center, every)
    entries = to_host(covariances_of(running, totals, every))[0]
    lost = differences_lose(to_host(means_of(running, totals))[0, :, used], entries[:, variances].T)
    if lost.size:
        log_z = to_host(running.log_normalizers())[0, lost]
        entries[lost] = _about_the_top(features[lost], V, tile, used[places], log_z)
    return entries[:, : len(pairs)]


def _about_the_top(rows: NDArray, V: Any, tile: int, pairs: NDArray, log_z: NDArray) -> NDArray[np.float64]:
    """Covariances (N, K) from columns centered at the likeliest class of each sample."""
    largest, top = np.full(len(rows), -np.inf), np.zeros(rows.shape, rows.dtype)
    classes = to_device(rows)[None], tiles_of(V, tile, rows.dtype), to_device(log_z)[None]
    for start, height, place, _ in largest_of_tiles(tile_probabilities(*classes)):
        higher = height > largest
        largest[higher], top[higher] = height[higher], V[start : start + tile][place[higher]]
    k = rows.shape[1]
    columns = np.stack([np.arange(k), np.full(k, -1)], axis=1)
    wanted, origin = to_device(np.concatenate([columns, pairs])), to_device(top)
    sums = cupy().zeros((len(rows), k + len(pairs)), np.float64)
    for _, p, part in tile_probabilities(classes[0], tiles_of(V, tile, rows.dtype), classes[2]):
        add_moments(p, part, origin, wanted, sums)
    moments = to_host(sums)
    means = moments[:, :k]
    return moments[:, k:] - means[:, pairs[:, 0]] * means[:, pairs[:, 1]]
