"""Covariances of the columns of V under the softmax probabilities, streamed over tiles of classes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..arguments.matrices import features_and_parameters, indices, tile_size
from ..host.covariances import differences_lose, with_variances
from .classes import (
    CENTER_CLASSES,
    accumulate,
    centered_columns,
    class_probabilities,
    covariances,
    fold_tile,
    running,
    tiles,
)


def class_covariances(
    features: ArrayLike, V: Any, pairs: ArrayLike, tile: int | None = None
) -> NDArray[np.float64]:
    """Entries of V^T B_n V, B_n = diag(p_n) - p_n p_n^T, the covariance of V's columns under p_n.

    The middle factor of theory.md (2.2), formed as the mean of products minus the product of means, of
    columns centered at the mean of the first 256 classes. Where that difference would lose more than a
    factor of 1024 (a confident sample, or one whose classes lie far from the center), the columns are
    centered at the likeliest class of the sample instead, (2.2a): the rounding error is a few eps of the
    features' dtype times the standard deviations, and that of the logits.

    Parameters
    ----------
    features, V, tile
        As for `log_normalizers`.
    pairs : (K, 2) integers in [0, k)
        Columns (i, j) of V, with i = j for variances.

    Returns
    -------
    (N, K) float64 array, each column contiguous

    Raises
    ------
    TypeError, ValueError
        For another dtype or shape, a column out of range, or a tile below 1.
    """
    rows, V = features_and_parameters(features, V)
    entries = indices(pairs, "pairs", (None, 2), V.shape[1])
    size = tile_size(tile, rows, V.shape[0])
    used, places, variances = with_variances(entries)
    means, found, log_z = _about_a_center(rows, V, size, used, places)
    who = differences_lose(means, found[variances])
    if who.size:
        again = _about_the_top(rows[who], V, size, used, log_z[who])
        found[:, who] = again[:, places[:, 0], places[:, 1]].T
    return found[: len(entries)].T


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
    for _, part in tiles(V, size, rows.dtype):
        p = class_probabilities(rows, part, np.arange(len(part)), log_z=log_z)
        place, height = p.argmax(axis=1), p.max(axis=1)
        higher = height > largest
        largest[higher], top[higher] = height[higher], part[place[higher]][:, used]
    means, products = np.zeros(top.shape), np.zeros((*top.shape, len(used)))
    for _, part in tiles(V, size, rows.dtype):
        p = class_probabilities(rows, part, np.arange(len(part)), log_z=log_z)
        columns = part[:, used].astype(np.float64)
        for n in range(len(rows)):
            apart = columns - top[n]
            weighted = p[n, :, None] * apart
            means[n] += weighted.sum(axis=0)
            products[n] += apart.T @ weighted
    return products - means[:, :, None] * means[:, None, :]
