"""Draws of the exact structured models on the GPU.

Chi variables, forms and normals have the bits of the CPU; sums over samples and classes have an order of
their own. A call splits its trials by the memory that is free and halves a part that does not fit; a trial
has the same bits in any part.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..arguments.structured import Samples
from . import random
from .batches import FEW, by_parts
from .device import THREADS, elements_by_trial, empty, launch, to_device, to_host


def _draw_chi(streams: Any, start: int, degrees: Any) -> Any:
    """Chi variables from `start` on of streams (T, 4), of degrees (T, n)."""
    trials, count = degrees.shape
    out = empty((trials, count))
    grid, threads = elements_by_trial(count, trials)
    arguments = streams, np.uint64(start), degrees, np.int64(count), out
    launch("structured.fill_chi", None, grid, threads, *arguments)
    return out


def _form_chi(kind: str, streams: Any, freedoms: Any, order: int) -> Any:
    """Chi variables (T, 2 order) of "wishart" or "wedge" forms; 0 beyond those that a form has."""
    trials = len(freedoms)
    degrees = empty((trials, 2 * order))
    grid, threads = elements_by_trial(2 * order, trials)
    launch(f"structured.{kind}_degrees", None, grid, threads, freedoms, np.int64(order), degrees)
    return _draw_chi(streams, 0, degrees)


def chi(stream, start, degrees):
    """A thread to a variable, which it draws until one is accepted."""
    return to_host(_draw_chi(to_device(stream[None]), start, to_device(degrees[None])))[0]


def wishart_forms(streams, freedoms, order, scales):
    """Tridiagonal Wishart matrices by the chi model."""
    diagonals, off_diagonals = np.empty((len(streams), order)), np.empty((len(streams), order - 1))

    def compute(part: slice) -> None:
        K, factors = to_device(freedoms[part]), to_device(scales[part])
        drawn = _form_chi("wishart", to_device(streams[part]), K, order)
        form = empty((len(K), order)), empty((len(K), order - 1))
        arguments = drawn, K, factors, np.int64(order), *form
        launch("structured.wishart_forms", None, *elements_by_trial(order, len(K)), *arguments)
        diagonals[part], off_diagonals[part] = map(to_host, form)

    by_parts(len(streams), 8 * (6 * order + FEW), compute)
    return diagonals, off_diagonals


def wedge_forms(streams, freedoms, grams, order, scales):
    """Pentadiagonal matrices of the samples of a wedge."""
    bands = np.empty((len(streams), 3, order))

    def compute(part: slice) -> None:
        K, normals = to_device(freedoms[part]), empty((part.stop - part.start, order))
        drawn = _form_chi("wedge", to_device(streams[part, 0]), K, order)
        random.draw_normals(to_device(streams[part, 1]), 0, np.float64(1), normals)
        form, given = empty((len(K), 3, order)), (to_device(grams[part]), to_device(scales[part]))
        arguments = drawn, normals, K, *given, np.int64(order), form
        launch("structured.wedge_forms", None, *elements_by_trial(order, len(K)), *arguments)
        bands[part] = to_host(form)

    by_parts(len(streams), 8 * (8 * order + FEW), compute)
    return bands


def half_space_counts(streams, n_samples):
    """A block of threads to a trial."""
    found = np.empty(len(streams), np.int64)

    def compute(part: slice) -> None:
        counts = empty((part.stop - part.start,), np.int64)
        arguments = to_device(streams[part]), np.int64(n_samples), counts
        launch("structured.half_space_counts", None, (len(counts),), (THREADS,), *arguments)
        found[part] = to_host(counts)

    by_parts(len(streams), 8 * FEW, compute)
    return found


def _plane_coordinates(streams: Any, d: int, pair: tuple[int, int], dtype: np.dtype) -> Any:
    """Rows j of W (m, d), drawn from streams (T, 4), along rows i and across them: (T, 2)."""
    rows = [empty((len(streams), d), dtype) for _ in pair]
    for unit, row in zip(pair, rows, strict=True):
        random.draw_normals(streams, unit * d, dtype.type(d**-0.5), row)
    planes = empty((len(streams), 2))
    launch("layers.plane_coordinates", dtype, (len(streams),), (THREADS,), *rows, np.int64(d), planes)
    return planes


def wedge_samples(streams, n_features, n_samples, pair, dtype):
    """A block of threads to a trial: the plane of both rows of W, then its samples."""
    found = Samples(np.empty(len(streams), np.int64), np.empty((len(streams), 2, 2)))

    def compute(part: slice) -> None:
        planes = _plane_coordinates(to_device(streams[part, 0]), n_features, pair, dtype)
        active, grams = empty((len(planes),), np.int64), empty((len(planes), 2, 2))
        arguments = to_device(streams[part, 1]), np.int64(n_samples), planes, active, grams
        launch("structured.wedge_samples", None, (len(planes),), (THREADS,), *arguments)
        found.active[part], found.grams[part] = to_host(active), to_host(grams)

    by_parts(len(streams), 2 * n_features * dtype.itemsize + 8 * FEW, compute)
    return found


def trial_output_grams(streams: Any, sizes: tuple[int, int], deviation: np.floating, pairs: Any) -> Any:
    """S_ij = (V^T V)_ij of pairs (B, 2) on the device, (T, B) float64, V of sizes (C, m) from streams (T, 4).

    The entries of V are normals times `deviation`, which has their dtype.
    """
    out = empty((len(streams), len(pairs)))
    arguments = streams, *map(np.int64, sizes), pairs, deviation, out
    launch("layers.output_grams", deviation.dtype, (len(pairs), len(out)), (THREADS,), *arguments)
    return out


def output_grams(streams, n_classes, n_hidden, pairs, dtype):
    """A block of threads to a pair, which draws its columns of V alone."""
    found, deviation = np.empty((len(streams), len(pairs))), dtype.type(n_hidden**-0.5)

    def compute(part: slice) -> None:
        words, columns = to_device(streams[part]), to_device(pairs)
        found[part] = to_host(trial_output_grams(words, (n_classes, n_hidden), deviation, columns))

    by_parts(len(streams), 8 * (len(pairs) + FEW), compute)
    return found
