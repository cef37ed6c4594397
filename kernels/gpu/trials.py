"""Batches of trials on the GPU: draws to tridiagonal forms, and forms to statistics.

A call splits its trials by the memory that is free, draws one batch while it measures another, and halves a
batch that does not fit. A trial has the same bits in any batch. In each batch the eigenvalues of one matrix
of each block are held against LAPACK's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from ..arguments.trials import (
    Forms,
    HiddenForms,
    SpectralStatistics,
    Trials,
    empty_statistics,
    histogram_edges,
    pairs,
    trials,
    tridiagonal_forms,
)
from . import classes as gpu_classes
from . import eigen, matrices, random, spectra
from .batches import FEW, batch_size, by_parts, free_memory, halving, pipelined
from .device import cupy, empty, products, to_device, to_host
from .structured import trial_output_grams


class Normals(NamedTuple):
    """What is drawn of a batch of trials ahead of time."""

    X: Any
    """(T, N, d)"""
    W: Any
    """(T, m, d) of hidden models, None of linear ones."""
    v_streams: Any
    """(T, 4)"""


class Drawn(NamedTuple):
    """Arrays of a batch of trials on the device; V is drawn by tiles of classes, whenever it is needed."""

    X: Any
    """(T, N, d)"""
    features: Any
    """What the output layer sees, (T, N, k): X itself or relu(X W^T)."""
    v_streams: Any
    """(T, 4)"""
    n_classes: int

    def tiles(self, width: int | None = None) -> Iterator[tuple[int, Any]]:
        """Tiles of V (T, c, k), as the functions of `gpu_classes` take them."""
        _, N, k = self.features.shape
        dtype = self.features.dtype
        width = width or gpu_classes.tile_width(N * dtype.itemsize)
        for start in range(0, self.n_classes, width):
            rows = min(width, self.n_classes - start)
            yield start, _normals(self.v_streams, start * k, (rows, k), k**-0.5, dtype)


Parts = list[Any]


def trial_bytes(sizes: Sequence[int], itemsize: int) -> int:
    """Bytes of device memory that a trial of sizes (N, d, C) or (N, d, C, m) takes.

    X and two scaled copies, Gram matrices, the features and their sums, a tile of logits and of V.
    """
    N, d, C, *hidden = sizes
    k = hidden[0] if hidden else d
    tile = min(C, gpu_classes.tile_width(N * itemsize))
    return itemsize * (N * (3 * d + 2 * k + tile) + tile * (k + 2) + 2 * d * d) + 8 * N * (2 * k + 8)


def _normals(streams: Any, start: int, shape: tuple[int, int], deviation: float, dtype: np.dtype) -> Any:
    """Matrices of normals (T, rows, columns) that begin with number `start` of each stream."""
    numbers = empty((len(streams), shape[0] * shape[1]), dtype)
    random.draw_normals(streams, start, dtype.type(deviation), numbers)
    return numbers.reshape(len(streams), *shape)


def _draw(given: Trials, streams: NDArray) -> Normals:
    """The normals of the trials of streams (T, roles, 4): X, and W for hidden models."""
    N, d, _, *hidden = given.sizes
    on_device = [to_device(streams[:, role]) for role in range(streams.shape[1])]
    X = _normals(on_device[0], 0, (N, d), 1.0, given.dtype)
    W = _normals(on_device[1], 0, (hidden[0], d), d**-0.5, given.dtype) if hidden else None
    return Normals(X, W, on_device[-1])


def _with_features(given: Trials, normals: Normals) -> Drawn:
    """The arrays of trials. Its GEMMs have no place in `_draw`; see `pipelined`."""
    X, W, v_streams = normals
    features = X if W is None else cupy().maximum(products(X, W.transpose(0, 2, 1)), 0)
    return Drawn(X, features, v_streams, given.sizes[2])


def _in_batches(given: Trials, measure: Callable[[Drawn], Parts]) -> list[Parts]:
    """What `measure` returns for each batch of trials, in order."""
    count = batch_size(trial_bytes(given.sizes, given.dtype.itemsize), free_memory())
    batches = [given.streams[first : first + count] for first in range(0, len(given.streams), count)]

    def draw(streams: NDArray) -> list[Normals]:
        try:
            return [_draw(given, streams)]
        except cupy().cuda.memory.OutOfMemoryError:
            return []  # by halves, later on

    def compute(streams: NDArray, ahead: list[Normals]) -> list[Parts]:
        def measured(part: NDArray) -> list[Parts]:
            return [measure(_with_features(given, ahead.pop() if ahead else _draw(given, part)))]

        return halving(measured, streams)

    return [parts for found in pipelined(batches, draw, compute) for parts in found]


# Sample weights of each block ------------------------------------------------------------------------------


def _class_weights(drawn: Drawn, classes: NDArray, is_ce: bool) -> Iterator[Any]:
    """Sample weights (T, N) of each block (v_c, v_e). theory.md (2.1), (2.3)"""
    if not is_ce:
        yield from (cupy().full(drawn.X.shape[:2], float(c == e), np.float64) for c, e in classes)
    elif len(classes):
        used, places = np.unique(classes, return_inverse=True)
        logits, log_z = gpu_classes.trial_chosen_logits(drawn.features, drawn.tiles(), to_device(used))
        p = gpu_classes.trial_probabilities(logits, log_z)
        for c, e in places.reshape(classes.shape):
            yield gpu_classes.trial_class_weights(_column(p, c), _column(p, e), c == e)


def _hidden_weights(drawn: Drawn, hidden: NDArray, is_ce: bool, scales: NDArray) -> Iterator[Any]:
    """Sample weights (T, N) of each block (w_i, w_j); scales (T, B) are S_ij under mse. theory.md (2.2)"""
    h = drawn.features
    if is_ce and len(hidden):
        _, first = next(drawn.tiles(gpu_classes.CENTER_CLASSES))
        center = to_device(np.mean(to_host(first), axis=1, dtype=np.float64), h.dtype)
        factors = gpu_classes.trial_covariances(h, drawn.tiles(), center, to_device(hidden))
    for r, (i, j) in enumerate(hidden):
        factor = _column(factors, r) if is_ce else to_device(scales[:, r])
        # relu(a) > 0 exactly where a > 0, so h gates as well as a does
        yield gpu_classes.trial_gated_weights(_column(h, i), _column(h, j), factor)


def _column(array: Any, index: int) -> Any:
    """Column (T, N) of an array (T, N, k), contiguous and float64."""
    return cupy().ascontiguousarray(array[:, :, index]).astype(np.float64, copy=False)


def _scales(drawn: Drawn, hidden: NDArray, is_ce: bool) -> NDArray[np.float64]:
    """Natural units (T, B) of the blocks (w_i, w_j): (V^T V)_ij under mse, 1 under ce."""
    if is_ce:
        return np.ones((len(drawn.X), len(hidden)))
    m = drawn.features.shape[2]
    grams = trial_output_grams(drawn.v_streams, drawn.n_classes, m, to_device(hidden), drawn.features.dtype)
    return to_host(grams)


def _forms(rows: Any, weights: Iterator[Any]) -> list[tuple[NDArray, NDArray]]:
    """Tridiagonal forms (T, n), (T, n - 1) of each block, from rows (T, N, n) and its weights."""
    found = []
    for w in weights:
        H = matrices.trial_grams(rows, w)
        first = to_host(H[0])
        form = eigen.trial_tridiagonals(H)
        eigenvalues = spectra.trial_bisected_eigenvalues(form[0][:1], form[1][:1])
        eigen.spot_check(first, to_host(eigenvalues)[0])
        found.append((to_host(form[0]), to_host(form[1])))
    return found


def _stacked(parts: Sequence[list[tuple[NDArray, NDArray]]], shape: tuple[int, int, int]) -> Forms:
    """Forms of all batches, of shape (T, B, n), which may be empty."""
    trials, blocks, order = shape
    whole = Forms(np.empty(shape), np.empty((trials, blocks, order - 1)))
    first = 0
    for forms in parts if blocks else ():
        last = first + len(forms[0][0])
        for r, form in enumerate(forms):
            whole.diagonals[first:last, r], whole.off_diagonals[first:last, r] = form
        first = last
    return whole


# For everybody ---------------------------------------------------------------------------------------------


def linear_forms(
    streams: ArrayLike, sizes: Sequence[int], loss: str, class_pairs: ArrayLike, dtype: DTypeLike = np.float64
) -> Forms:
    """Tridiagonal forms of blocks (v_c, v_e) of linear models drawn from streams (T, 2, 4); see the CPU.

    Raises
    ------
    DeviceError
        If a single trial does not fit into memory.
    numpy.linalg.LinAlgError
        If eigenvalues are not LAPACK's.
    """
    given = trials(streams, sizes, ("n_samples", "n_features", "n_classes"), loss, dtype)
    _, d, C = given.sizes
    classes = pairs(class_pairs, "class_pairs", C)
    found = _in_batches(given, lambda drawn: _forms(drawn.X, _class_weights(drawn, classes, given.is_ce)))
    return _stacked(found, (len(given.streams), len(classes), d))


def hidden_forms(
    streams: ArrayLike,
    sizes: Sequence[int],
    loss: str,
    hidden_pairs: ArrayLike,
    class_pairs: ArrayLike,
    dtype: DTypeLike = np.float64,
) -> HiddenForms:
    """Tridiagonal forms of blocks of hidden models drawn from streams (T, 3, 4); see the CPU."""
    given = trials(streams, sizes, ("n_samples", "n_features", "n_classes", "n_hidden"), loss, dtype)
    _, d, C, m = given.sizes
    hidden, classes = pairs(hidden_pairs, "hidden_pairs", m), pairs(class_pairs, "class_pairs", C)

    def measure(drawn: Drawn) -> Parts:
        scales = _scales(drawn, hidden, given.is_ce)
        return [
            _forms(drawn.X, _hidden_weights(drawn, hidden, given.is_ce, scales)),
            _forms(drawn.features, _class_weights(drawn, classes, given.is_ce)),
            scales,
        ]

    parts = _in_batches(given, measure)
    count = len(given.streams)
    return HiddenForms(
        _stacked([part[0] for part in parts], (count, len(hidden), d)),
        _stacked([part[1] for part in parts], (count, len(classes), m)),
        np.concatenate([np.empty((0, len(hidden))), *(part[2] for part in parts)]),
    )


def spectral_statistics(
    diagonals: ArrayLike, off_diagonals: ArrayLike, scales: ArrayLike, edges: ArrayLike | None = None
) -> SpectralStatistics:
    """Moments, extreme eigenvalues and histogram counts of many tridiagonal matrices; see the CPU.

    Raises
    ------
    DeviceError
        If a single matrix does not fit into memory.
    """
    a, b, s = tridiagonal_forms(diagonals, off_diagonals, scales)
    at = histogram_edges(edges)
    found, order = empty_statistics(len(a), at), a.shape[1]

    def compute(part: slice) -> None:
        form = to_device(a[part]), to_device(b[part])
        found.moments[part] = to_host(spectra.trial_moments(*form))
        found.extremes[part] = to_host(spectra.trial_extremes(*form))
        if at.size:
            in_units = to_device(a[part] / s[part, None]), to_device(b[part] / s[part, None])
            every = to_device(np.broadcast_to(at, (len(a[part]), at.size)))
            found.counts[part] = to_host(spectra.trial_histograms(*in_units, every))

    by_parts(len(a), 8 * (4 * order + 3 * at.size + FEW), compute)
    return found
