"""Softmax over the classes, streamed in tiles, for many trials on the device at once.

A tile holds the logits of some classes for all samples of all trials, (trials, samples, classes): a GEMM
writes it, one block of threads folds each row of it into the running maximum and sum of exponentials, and
another GEMM makes the sums over the classes. Products have the dtype of the features, sums from tile to tile
and results are float64. Tiles of V come as pairs (first class, (trials, classes, k) array).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

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


def trial_softmax(features: Any, tiles: Tiles) -> RunningSoftmax:
    """The softmax of features (T, N, k) over all tiles."""
    running = RunningSoftmax(features)
    for _, part in tiles:
        running.fold(running.logits(part))
    return running


def trial_chosen_logits(features: Any, tiles: Tiles, chosen: Any) -> tuple[Any, Any]:
    """Logits (T, N, K) of the classes chosen (K,) int64, and log-normalizers (T, N)."""
    running = RunningSoftmax(features)
    count = len(chosen)
    chosen_logits = empty((*features.shape[:2], count), features.dtype)
    for start, part in tiles:
        logits = running.logits(part)
        place = np.int64(start), np.int64(part.shape[1]), chosen, np.int64(count), np.int64(running.rows)
        launch(
            "classes.pick_logits",
            features.dtype,
            *elements(chosen_logits.size),
            logits,
            *place,
            chosen_logits,
        )
        running.fold(logits)
    return chosen_logits, running.log_normalizers()


def trial_probabilities(logits: Any, shift: Any, total: Any = None) -> Any:
    """Probabilities (T, N, K) of classes with the given logits (T, N, K).

    From log-normalizers (T, N), or from maxima and sums of exponentials less these, (T, N) float64.
    """
    out = empty(logits.shape)
    total = cupy().full(shift.shape, 1.0, np.float64) if total is None else total
    sizes = np.int64(shift.size), np.int64(logits.shape[2])
    launch("classes.probabilities", logits.dtype, *elements(out.size), logits, shift, total, *sizes, out)
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
        columns = centered_columns(part, center, pairs)
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


def center_of(tiles: Tiles, middle: Callable[..., NDArray] = np.mean) -> Any:
    """Mean, or another middle, of the classes of the first tile, (T, k) of its dtype."""
    _, first = next(iter(tiles))
    return to_device(middle(to_host(first).astype(np.float64), axis=1), first.dtype)


def centered_columns(part: Any, center: Any, pairs: Any) -> Any:
    """Columns of V - center, then products of pairs (K, 2) of them, (T, c, k + K); center (T, k)."""
    trials, classes, k = part.shape
    columns = empty((trials, classes, k + len(pairs)), part.dtype)
    sizes = (np.int64(n) for n in (trials * classes, classes, k, len(pairs)))
    launch(
        "classes.centered_columns", part.dtype, *elements(columns.size), part, center, pairs, *sizes, columns
    )
    return columns


def tiles_of(V: Any, size: int, dtype: np.dtype) -> Iterator[tuple[int, Any]]:
    """Tiles of V, read by slices of `size` rows."""
    for start in range(0, V.shape[0], size):
        yield start, to_device(V[start : start + size], dtype)[None]


def tile_probabilities(
    features: Any, tiles: Tiles, shift: Any, total: Any = None
) -> Iterator[tuple[int, Any, Any]]:
    """First class, probabilities (T, N, c), as `trial_probabilities` has them, and classes (T, c, k)."""
    for start, part in tiles:
        yield start, trial_probabilities(products(features, part.transpose(0, 2, 1)), shift, total), part


def folded_probabilities(running: RunningSoftmax, tiles: Tiles) -> Iterator[tuple[int, Any, Any]]:
    """As `tile_probabilities`, of tiles that have all been folded."""
    maxima = running.maxima.astype(np.float64, copy=False)
    return tile_probabilities(running.features, tiles, maxima, running.sums)
