"""Softmax over the classes, streamed in tiles, compiled.

A tile holds the logits of some classes for all samples, class by class: (classes, samples). The samples are
then the inner loop of every pass, which LLVM vectorises without reordering a sum, so that a result depends
neither on the vector width nor on the number of threads; on the size of the tile it depends by rounding
alone. Running maxima and sums of exponentials make one pass over the classes enough (Milakov & Gimelshein,
arXiv:1805.02867).

Products run in the dtype of the features; sums over the classes are float64 (from tile to tile where a GEMM
makes them), and so are all results.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from ..arguments.matrices import features_and_parameters, indices, tile_size
from ..arguments.values import array
from .compiled.exp import exp
from .compiled.jit import jit

# Samples whose maxima and sums stay in the first-level cache while the classes of a tile pass by.
STRIP = 512

# Classes whose mean the columns of V are centered at before second moments are formed.
CENTER_CLASSES = 256


@jit
def _raise_maxima(logits, start, maxima, rescale):
    """Let maxima include the columns of the tile from `start` on; rescale becomes exp(old - new)."""
    for n in range(maxima.size):
        rescale[n] = maxima[n]
    for c in range(logits.shape[0]):
        row = logits[c, start : start + maxima.size]
        for n in range(row.size):
            maxima[n] = row[n] if row[n] > maxima[n] else maxima[n]
    for n in range(maxima.size):
        rescale[n] = exp(rescale[n] - maxima[n])


@jit
def _exponentials(logits, start, maxima, partial):
    """Replace the columns from `start` on by exp(logit - maximum), and sum them over the tile in float64."""
    partial[:] = 0
    for c in range(logits.shape[0]):
        row = logits[c, start : start + maxima.size]
        for n in range(row.size):
            e = exp(row[n] - maxima[n])
            row[n] = e
            partial[n] += e


@jit
def exponentiate(logits, maxima, sums, rescale):
    """Fold a tile of logits (T, N) into the running softmax; it is left with exp(logits - maxima).

    maxima, rescale (N,) in the dtype of the logits; sums (N,) float64 of exp(z - maxima) over all classes so
    far. Start with maxima = -inf and sums = 0.
    """
    partial = np.empty(STRIP)
    for start in range(0, logits.shape[1], STRIP):
        strip = slice(start, min(start + STRIP, logits.shape[1]))
        here, factor, total = maxima[strip], rescale[strip], sums[strip]
        _raise_maxima(logits, start, here, factor)
        _exponentials(logits, start, here, partial[: here.size])
        for n in range(here.size):
            total[n] = total[n] * factor[n] + partial[n]


@jit
def tile_logits(features, V, logits):
    """Write the logits V features^T, (T, N), of the classes in V (T, k)."""
    if features.size == 0:
        logits[:] = 0
    else:
        np.dot(V, features.T, logits)


@jit
def fold_tile(features, V, logits, maxima, sums, rescale):
    """Fold the classes in V (T, k) into the running softmax; `logits` (T, N) is left with exponentials."""
    tile_logits(features, V, logits)
    exponentiate(logits, maxima, sums, rescale)


@jit
def accumulate(columns, exponentials, rescale, product, totals):
    """Add columns (K, T) times exponentials (T, N), sums over the tile, to totals (K, N) float64."""
    if exponentials.size > 0 and columns.size > 0:
        np.dot(columns, exponentials, product)
        for r in range(totals.shape[0]):
            total, row = totals[r], product[r]
            for n in range(total.size):
                total[n] = total[n] * rescale[n] + row[n]


@jit
def centered_columns(V, used, center, pairs, columns):
    """Columns `used` (k,) of V - center, then products of pairs of them: rows of columns (k + K, T).

    center (k,) and pairs (K, 2) count the columns that are used.
    """
    k = len(used)
    for c in range(V.shape[0]):
        for i in range(k):
            columns[i, c] = V[c, used[i]] - center[i]
    for r in range(len(pairs)):
        first, second, row = columns[pairs[r, 0]], columns[pairs[r, 1]], columns[k + r]
        for c in range(row.size):
            row[c] = first[c] * second[c]


@jit
def covariances(totals, sums, pairs, out):
    """Mean of products minus product of means, from totals (k + K, N)."""
    k = len(totals) - len(pairs)
    for r in range(len(pairs)):
        first, second, both = totals[pairs[r, 0]], totals[pairs[r, 1]], totals[k + r]
        for n in range(sums.size):
            out[r, n] = both[n] / sums[n] - (first[n] / sums[n]) * (second[n] / sums[n])


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


def log_normalizers(features: ArrayLike, V: Any, tile: int | None = None) -> NDArray[np.float64]:
    """Log-normalizers log sum_c exp(z_nc) of the logits z = features V^T, in tiles of classes.

    Parameters
    ----------
    features : (N, k) float32 or float64
        x_n of the linear model, h_n of the hidden model; theory.md, section 1.
    V : (C, k) float32 or float64, C >= 1
        An array or anything with shape, dtype and row slicing, such as a memmap or an HDF5 dataset.
    tile : int, optional
        Classes per tile; by default as many as fill 4 MiB with logits, at least 128.

    Returns
    -------
    (N,) float64 array. Finite for every finite logit; NaN where a logit is NaN or +inf.

    Raises
    ------
    TypeError, ValueError
        For another dtype or shape, or a tile below 1.
    """
    rows, V = features_and_parameters(features, V)
    maxima, sums = softmax_sums(rows, V, tile_size(tile, rows, V.shape[0]))
    return maxima + np.log(sums)


def class_probabilities(
    features: ArrayLike, V: Any, classes: ArrayLike, tile: int | None = None, log_z: ArrayLike | None = None
) -> NDArray[np.float64]:
    """Columns `classes` of softmax(features V^T): p_n of theory.md, section 1.

    Parameters
    ----------
    features, V, tile
        As for `log_normalizers`.
    classes : (K,) integers in [0, C)
    log_z : (N,) float64, optional
        `log_normalizers(features, V)`, where it is known already: then only the rows `classes` of V are used.

    Returns
    -------
    (N, K) float64 array, each column contiguous

    Raises
    ------
    TypeError, ValueError
        For another dtype or shape, a class out of range, or a tile below 1.
    """
    rows, V = features_and_parameters(features, V)
    chosen = indices(classes, "classes", (None,), V.shape[0])
    size = tile_size(tile, rows, V.shape[0])
    if log_z is None:
        logits, normalizers = _chosen_logits(rows, V, chosen, size)
    else:
        normalizers = array(log_z, "log_z", (len(rows),), (np.float64,))
        logits = np.empty((len(chosen), len(rows)), rows.dtype)
        tile_logits(rows, _chosen_rows(V, chosen, size, rows.dtype), logits)
    # A logit never passes the normalizer but for rounding.
    return np.exp(np.minimum(logits - normalizers, 0.0)).T


def _chosen_logits(rows: NDArray, V: Any, chosen: NDArray, size: int) -> tuple[NDArray, NDArray]:
    """Logits (K, N) of the chosen classes, and the log-normalizers (N,), in one pass over V."""
    found = np.empty((len(chosen), len(rows)), rows.dtype)
    logits, maxima, sums, rescale = running(len(rows), size, rows.dtype)
    for start, part in tiles(V, size, rows.dtype):
        inside = (chosen >= start) & (chosen < start + len(part))
        tile_logits(rows, part, logits[: len(part)])
        found[inside] = logits[chosen[inside] - start]
        exponentiate(logits[: len(part)], maxima, sums, rescale)
    return found, maxima + np.log(sums)


def _chosen_rows(V: Any, chosen: NDArray, size: int, dtype: DTypeLike) -> NDArray:
    """Rows `chosen` of V, read by slices of at most `size` rows."""
    found = np.empty((len(chosen), V.shape[1]), dtype)
    for start in range(0, V.shape[0], size):
        inside = (chosen >= start) & (chosen < start + size)
        if inside.any():
            found[inside] = V[start : start + size][chosen[inside] - start]
    return found


def class_means(features: ArrayLike, V: Any, tile: int | None = None) -> NDArray[np.float64]:
    """Means V^T p_n of the rows of V under the softmax probabilities p_n.

    Parameters
    ----------
    features, V, tile
        As for `log_normalizers`.

    Returns
    -------
    (N, k) float64 array, each column contiguous

    Raises
    ------
    TypeError, ValueError
        For another dtype or shape, or a tile below 1.
    """
    rows, V = features_and_parameters(features, V)
    size = tile_size(tile, rows, V.shape[0])
    logits, maxima, sums, rescale = running(len(rows), size, rows.dtype)
    product, totals = np.empty(rows.T.shape, rows.dtype), np.zeros(rows.T.shape)
    for _, part in tiles(V, size, rows.dtype):
        fold_tile(rows, part, logits[: len(part)], maxima, sums, rescale)
        accumulate(np.ascontiguousarray(part.T), logits[: len(part)], rescale, product, totals)
    return (totals / sums).T
