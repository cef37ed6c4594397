"""Softmax over the classes, streamed in tiles, and sample weights, on the GPU.

A tile holds the logits of some classes for all samples of all trials, (trials, samples, classes): a GEMM
writes it, one block of threads folds each row of it into the running maximum and sum of exponentials, and
another GEMM makes the sums over the classes. What the CPU file says of precision holds here: products in the
dtype of the features, sums from tile to tile and results in float64.

The functions that begin with `trial_` work on arrays that are on the device, for many trials at once; tiles
of V come as pairs (first class, (trials, classes, k) array).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..arguments.matrices import (
    class_complement,
    features_and_parameters,
    indices,
    sample_factor,
    sample_vectors,
    tile_size,
)
from ..arguments.values import array
from .device import cupy, elements, empty, launch, products, to_device, to_host

Tiles = Iterable[tuple[int, Any]]

TILE_BYTES = 8 << 20
"""Logits of one trial in a tile: enough for a large GEMM, and the same for any number of trials."""
TILE_MINIMUM = 256
CENTER_CLASSES = 256
"""Classes whose mean the columns of V are centered at before second moments are formed."""


class RunningSoftmax:
    """Softmax of the logits of features (T, N, k) over the tiles folded so far."""

    def __init__(self, features: Any) -> None:
        self.features = features
        self.rows = features.shape[0] * features.shape[1]
        self.maxima, self.rescale = (empty(features.shape[:2], features.dtype) for _ in range(2))
        self.sums = empty(features.shape[:2])
        self._launch("start_fold", *elements(self.rows), np.int64(self.rows), self.maxima, self.sums)

    def _launch(self, kernel: str, *arguments: Any) -> None:
        launch(f"classes.{kernel}", self.features.dtype, *arguments)

    def logits(self, part: Any) -> Any:
        """Logits (T, N, c) of the classes in part (T, c, k)."""
        return products(self.features, part.transpose(0, 2, 1))

    def fold(self, logits: Any) -> Any:
        """Fold a tile of logits, which become exp(logit - maximum) and are returned."""
        classes = logits.shape[2]
        arguments = logits, np.int64(classes), self.maxima, self.sums, self.rescale
        self._launch("fold_tile", (self.rows,), (fold_threads(classes),), *arguments)
        return logits

    def add(self, product: Any, totals: Any) -> None:
        """Add sums over the last tile (T, N, K) to sums over all earlier ones."""
        sizes = np.int64(self.rows), np.int64(totals.shape[2])
        self._launch("accumulate", *elements(totals.size), product, self.rescale, *sizes, totals)

    def log_normalizers(self) -> Any:
        """Logarithm of the sum of exponentials (T, N)."""
        out = empty(self.sums.shape)
        self._launch("log_sums", *elements(self.rows), self.maxima, self.sums, np.int64(self.rows), out)
        return out


def tile_width(column_bytes: int) -> int:
    """Classes to a tile whose logits take `column_bytes` to a class and trial."""
    return max(TILE_MINIMUM, TILE_BYTES // max(1, column_bytes))


def fold_threads(classes: int) -> int:
    """Threads that fold one row: whole warps, about four classes to a thread, at most 256."""
    return 32 * min(8, max(1, -(-classes // 128)))


def trial_log_normalizers(features: Any, tiles: Tiles) -> Any:
    """Log-normalizers (T, N) of features (T, N, k)."""
    running = RunningSoftmax(features)
    for _, part in tiles:
        running.fold(running.logits(part))
    return running.log_normalizers()


def trial_chosen_logits(features: Any, tiles: Tiles, chosen: Any) -> tuple[Any, Any]:
    """Logits (T, N, K) of the classes chosen (K,) int64, and log-normalizers (T, N)."""
    running = RunningSoftmax(features)
    count = len(chosen)
    found = empty((*features.shape[:2], count), features.dtype)
    for start, part in tiles:
        logits = running.logits(part)
        place = np.int64(start), np.int64(part.shape[1]), chosen, np.int64(count), np.int64(running.rows)
        launch("classes.pick_logits", features.dtype, *elements(found.size), logits, *place, found)
        running.fold(logits)
    return found, running.log_normalizers()


def trial_probabilities(logits: Any, log_z: Any) -> Any:
    """Probabilities (T, N, K) of classes with the given logits (T, N, K), and log-normalizers (T, N)."""
    out = empty(logits.shape)
    sizes = np.int64(log_z.size), np.int64(logits.shape[2])
    launch("classes.probabilities", logits.dtype, *elements(out.size), logits, log_z, *sizes, out)
    return out


def trial_means(features: Any, tiles: Tiles) -> Any:
    """Means V^T p_n (T, N, k)."""
    running = RunningSoftmax(features)
    totals = cupy().zeros(features.shape, np.float64)
    for _, part in tiles:
        exponentials = running.fold(running.logits(part))
        running.add(products(exponentials, part), totals)
    return means_of(running, totals)


def means_of(running: RunningSoftmax, totals: Any) -> Any:
    """Sums over all classes (T, N, K) divided by the sum of exponentials."""
    out = empty(totals.shape)
    sizes = np.int64(running.rows), np.int64(totals.shape[2])
    dtype = running.features.dtype
    launch("classes.divide_rows", dtype, *elements(out.size), totals, running.sums, *sizes, out)
    return out


def trial_covariances(features: Any, tiles: Tiles, center: Any, pairs: Any) -> Any:
    """Entries (T, N, K) of V^T B_n V for pairs (K, 2) int64; V is centered at center (T, k) meanwhile."""
    return covariances_of(*trial_moments(features, tiles, center, pairs), pairs)


def trial_moments(features: Any, tiles: Tiles, center: Any, pairs: Any) -> tuple[RunningSoftmax, Any]:
    """The softmax of all tiles, and the sums (T, N, k + K) of columns of V - center and products of pairs."""
    running = RunningSoftmax(features)
    totals = cupy().zeros((*features.shape[:2], features.shape[2] + len(pairs)), np.float64)
    for _, part in tiles:
        columns = _centered_columns(part, center, pairs)
        running.add(products(running.fold(running.logits(part)), columns), totals)
    return running, totals


def covariances_of(running: RunningSoftmax, totals: Any, pairs: Any) -> Any:
    """Mean of products minus product of means (T, N, K), of what `trial_moments` returns."""
    count = len(pairs)
    out = empty((*totals.shape[:2], count))
    sizes = np.int64(running.rows), np.int64(totals.shape[2] - count), np.int64(count)
    dtype = running.features.dtype
    launch("classes.covariances", dtype, *elements(out.size), totals, running.sums, pairs, *sizes, out)
    return out


def _centered_columns(part: Any, center: Any, pairs: Any) -> Any:
    trials, classes, k = part.shape
    columns = empty((trials, classes, k + len(pairs)), part.dtype)
    sizes = (np.int64(n) for n in (trials * classes, classes, k, len(pairs)))
    launch(
        "classes.centered_columns", part.dtype, *elements(columns.size), part, center, pairs, *sizes, columns
    )
    return columns


def trial_class_weights(p: Any, q: Any, same: bool) -> Any:
    """Weights p (1 - p) if `same`, else -p q, of any shape. theory.md (2.1), (2.3)"""
    out = empty(p.shape)
    launch("weights.class_weights", None, *elements(p.size), p, q, np.int32(same), np.int64(p.size), out)
    return out


def trial_gated_weights(a: Any, b: Any, factor: Any) -> Any:
    """Weights 1(a > 0) 1(b > 0) factor; a, b (T, N) float64, a factor to a sample or to a trial. (2.2)"""
    out = empty(a.shape)
    shared = a.size // max(factor.size, 1)
    sizes = np.int64(shared), np.int64(a.size)
    launch("weights.gated_weights", None, *elements(a.size), a, b, factor, *sizes, out)
    return out


# --------------------------------------------------------------------------------------------- one trial


def tile_of(tile: int | None, rows: NDArray, n_classes: int) -> int:
    """Classes to a tile of one trial."""
    return tile_size(tile_width(len(rows) * rows.itemsize) if tile is None else tile, rows, n_classes)


def tiles_of(V: Any, size: int, dtype: np.dtype) -> Iterator[tuple[int, Any]]:
    """Tiles of V, read by slices of `size` rows."""
    for start in range(0, V.shape[0], size):
        yield start, to_device(V[start : start + size], dtype)[None]


def log_normalizers(features: ArrayLike, V: Any, tile: int | None = None) -> NDArray[np.float64]:
    """Log-normalizers log sum_c exp(z_nc) of the logits z = features V^T, shape (N,); see the CPU."""
    rows, V = features_and_parameters(features, V)
    tiles = tiles_of(V, tile_of(tile, rows, V.shape[0]), rows.dtype)
    return to_host(trial_log_normalizers(to_device(rows)[None], tiles))[0]


def class_probabilities(
    features: ArrayLike, V: Any, classes: ArrayLike, tile: int | None = None, log_z: ArrayLike | None = None
) -> NDArray[np.float64]:
    """Columns `classes` of softmax(features V^T), shape (N, K); see the CPU."""
    rows, V = features_and_parameters(features, V)
    chosen = indices(classes, "classes", (None,), V.shape[0])
    size = tile_of(tile, rows, V.shape[0])
    given = to_device(rows)[None]
    if log_z is None:
        logits, log_sums = trial_chosen_logits(given, tiles_of(V, size, rows.dtype), to_device(chosen))
    else:
        log_sums = to_device(array(log_z, "log_z", (len(rows),), (np.float64,)))[None]
        logits = products(given, to_device(_chosen_rows(V, chosen, size, rows.dtype).T)[None])
    return to_host(trial_probabilities(logits, log_sums))[0]


def _chosen_rows(V: Any, chosen: NDArray, size: int, dtype: np.dtype) -> NDArray:
    """Rows `chosen` of V, read by slices of at most `size` rows."""
    found = np.empty((len(chosen), V.shape[1]), dtype)
    for start in range(0, V.shape[0], size):
        inside = (chosen >= start) & (chosen < start + size)
        if inside.any():
            found[inside] = V[start : start + size][chosen[inside] - start]
    return found


def class_means(features: ArrayLike, V: Any, tile: int | None = None) -> NDArray[np.float64]:
    """Means V^T p_n, shape (N, k); see the CPU."""
    rows, V = features_and_parameters(features, V)
    tiles = tiles_of(V, tile_of(tile, rows, V.shape[0]), rows.dtype)
    return to_host(trial_means(to_device(rows)[None], tiles))[0]


def class_weights(
    p_row: ArrayLike, p_col: ArrayLike, same: bool, complement: ArrayLike | None = None
) -> NDArray[np.float64]:
    """Sample weights p_c (1 - p_c) if `same`, else -p_c p_e, shape (N,); see the CPU."""
    p, q = (to_device(x, np.float64) for x in sample_vectors(p_row, p_col, ("p_row", "p_col")))
    others = class_complement(complement, p)
    if same and others is not None:
        # p_c (1 - p_c) = -p_c q for q = -(1 - p_c)
        return to_host(trial_class_weights(p, to_device(-others), False))
    return to_host(trial_class_weights(p, q, bool(same)))


def gated_weights(a_row: ArrayLike, a_col: ArrayLike, factor: ArrayLike) -> NDArray[np.float64]:
    """Sample weights 1(a_row > 0) 1(a_col > 0) factor, shape (N,); see the CPU."""
    a, b = (to_device(x, np.float64) for x in sample_vectors(a_row, a_col, ("a_row", "a_col")))
    values = to_device(sample_factor(factor, len(a)), np.float64)
    return to_host(trial_gated_weights(a, b, values))
