"""Softmax over the classes, streamed in tiles, compiled; `compiled.classes` says how a tile is folded."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from ..host.covariances import differences_lose, with_variances
from ..host.rows import chosen_rows
from ..host.tops import CONFIDENT_SUM, fill_tops, largest_of_rows, no_tops
from .compiled.classes import (
    CENTER_CLASSES,
    accumulate,
    centered_columns,
    covariances,
    exponentiate,
    fold_tile,
    tile_logits,
)


def tiles(V: Any, size: int, dtype: DTypeLike) -> Iterator[tuple[int, NDArray]]:
    """First class and rows of each tile.

    A read-only tile is copied: it would be another type to Numba, for which all this would be compiled anew.
    """
    for start in range(0, V.shape[0], size):
        yield start, np.require(V[start : start + size], dtype, ["C", "W", "E"])


def running(n: int, size: int, dtype: DTypeLike) -> tuple[NDArray, NDArray, NDArray, NDArray]:
    """Arrays of `fold_tile` before the first tile: logits, maxima, sums, rescale."""
    return np.empty((size, n), dtype), np.full(n, -np.inf, dtype), np.zeros(n), np.empty(n, dtype)


def softmax_sums(rows: NDArray, V: Any, size: int) -> tuple[NDArray, NDArray[np.float64]]:
    """Largest logits (N,) in the dtype of the rows, and sums (N,) of exp(z - largest), in one pass over V."""
    logits, maxima, sums, rescale = running(len(rows), size, rows.dtype)
    for _, part in tiles(V, size, rows.dtype):
        fold_tile(rows, part, logits[: len(part)], maxima, sums, rescale)
    return maxima, sums


def log_normalizers(features, V, tile):
    """Logarithms of sums of exponentials, in one pass over V."""
    maxima, sums = softmax_sums(features, V, tile)
    return maxima + np.log(sums)


def softmax_tops(features, V, tile):
    """One pass over the classes, and one more for the confident samples alone."""
    maxima, sums = softmax_sums(features, V, tile)
    tops = no_tops(maxima + np.log(sums))
    sure = np.flatnonzero(sums < CONFIDENT_SUM)
    if sure.size:
        fill_tops(tops, sure, _largest(features[sure], V, tile, tops.log_z[sure]))
    return tops


def _largest(
    rows: NDArray, V: Any, size: int, log_z: NDArray
) -> Iterator[tuple[int, NDArray, NDArray, NDArray]]:
    """First class, and `largest_of_rows` of the probabilities, of each tile."""
    for start, _, p in tile_probabilities(rows, V, size, log_z):
        yield start, *largest_of_rows(p)


def tile_probabilities(
    rows: NDArray, V: Any, size: int, log_z: NDArray
) -> Iterator[tuple[int, NDArray, NDArray]]:
    """First class, rows of V and probabilities (N, c) of each tile."""
    for start, part in tiles(V, size, rows.dtype):
        logits = np.empty((len(part), len(rows)), rows.dtype)
        tile_logits(rows, part, logits)
        yield start, part, _probabilities(logits, log_z)


def _probabilities(logits: NDArray, log_z: NDArray) -> NDArray[np.float64]:
    """Probabilities (N, K) from logits (K, N), which never pass log_z (N,) but for rounding."""
    return np.exp(np.minimum(logits - log_z, 0.0)).T


def class_probabilities(features, V, classes, tile, log_z):
    """Exponentials of logits less the log-normalizers, which take a pass over V where they are not known."""
    if log_z is None:
        logits, log_z = _chosen_logits(features, V, classes, tile)
    else:
        logits = np.empty((len(classes), len(features)), features.dtype)
        tile_logits(features, chosen_rows(V, classes, tile, features.dtype), logits)
    return _probabilities(logits, log_z)


def _chosen_logits(rows: NDArray, V: Any, chosen: NDArray, size: int) -> tuple[NDArray, NDArray]:
    """Logits (K, N) of the chosen classes, and the log-normalizers (N,), in one pass over V."""
    picked = np.empty((len(chosen), len(rows)), rows.dtype)
    logits, maxima, sums, rescale = running(len(rows), size, rows.dtype)
    for start, part in tiles(V, size, rows.dtype):
        inside = (chosen >= start) & (chosen < start + len(part))
        tile_logits(rows, part, logits[: len(part)])
        picked[inside] = logits[chosen[inside] - start]
        exponentiate(logits[: len(part)], maxima, sums, rescale)
    return picked, maxima + np.log(sums)


def class_means(features, V, tile):
    """Sums of the rows of V with weights p_n."""
    logits, maxima, sums, rescale = running(len(features), tile, features.dtype)
    product, totals = np.empty(features.T.shape, features.dtype), np.zeros(features.T.shape)
    for _, part in tiles(V, tile, features.dtype):
        fold_tile(features, part, logits[: len(part)], maxima, sums, rescale)
        accumulate(np.ascontiguousarray(part.T), logits[: len(part)], rescale, product, totals)
    return (totals / sums).T


def class_covariances(features, V, pairs, tile):
    """Mean of products minus product of means, about a center that loses no digits, (2.2a)."""
    used, places, variances = with_variances(pairs)
    means, entries, log_z = _about_a_center(features, V, tile, used, places)
    lost = differences_lose(means, entries[variances])
    if lost.size:
        again = _about_the_top(features[lost], V, tile, used, log_z[lost])
        entries[:, lost] = again[:, places[:, 0], places[:, 1]].T
    return entries[: len(pairs)].T


def _about_a_center(
    rows: NDArray, V: Any, size: int, used: NDArray, places: NDArray
) -> tuple[NDArray, NDArray, NDArray]:
    """Means (u, N), covariances of the pairs `places` among the columns `used`, and log-normalizers (N,)."""
    logits, maxima, sums, rescale = running(len(rows), size, rows.dtype)
    center = np.mean(V[:CENTER_CLASSES], axis=0, dtype=np.float64).astype(rows.dtype)[used]
    moments = len(used) + len(places)
    product, totals = np.empty((moments, len(rows)), rows.dtype), np.zeros((moments, len(rows)))
    for _, part in tiles(V, size, rows.dtype):
        columns = np.empty((moments, len(part)), rows.dtype)
        centered_columns(part, used, center, places, columns)
        fold_tile(rows, part, logits[: len(part)], maxima, sums, rescale)
        accumulate(columns, logits[: len(part)], rescale, product, totals)
    out = np.empty((len(places), len(rows)))
    covariances(totals, sums, places, out)
    return totals[: len(used)] / sums, out, maxima + np.log(sums)


def _about_the_top(rows: NDArray, V: Any, size: int, used: NDArray, log_z: NDArray) -> NDArray[np.float64]:
    """Covariance matrices (N, u, u) from columns centered at the likeliest class of each sample."""
    largest, top = np.full(len(rows), -np.inf), np.zeros((len(rows), len(used)))
    for _, part, p in tile_probabilities(rows, V, size, log_z):
        place, height = p.argmax(axis=1), p.max(axis=1)
        higher = height > largest
        largest[higher], top[higher] = height[higher], part[place[higher]][:, used]
    means, products = np.zeros(top.shape), np.zeros((*top.shape, len(used)))
    for _, part, p in tile_probabilities(rows, V, size, log_z):
        columns = part[:, used].astype(np.float64)
        for n in range(len(rows)):
            apart = columns - top[n]
            weighted = p[n, :, None] * apart
            means[n] += weighted.sum(axis=0)
            products[n] += apart.T @ weighted
    return products - means[:, :, None] * means[:, None, :]
