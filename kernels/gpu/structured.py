"""Draws of the exact structured models on the GPU.

Chi variables, forms and normals have the bits of the CPU; sums over samples and classes have an order of
their own. A trial has the same bits in any part of the trials that fits into memory.
"""

from typing import Any

import numpy as np

from ..arguments.structured import Samples
from .batches import FEW, by_parts
from .device import THREADS, elements_by_trial, empty, launch, to_device, to_host
from .random import draw_normals

# Chi variables, and forms of them ---------------------------------------------------------------------------


def draw_chi(streams: Any, start: int, degrees: Any) -> Any:
    """Chi variables from `start` on of streams (T, 4), of degrees (T, n), on the device."""
    trials, count = degrees.shape
    out = empty((trials, count))
    grid, threads = elements_by_trial(count, trials)
    arguments = streams, np.uint64(start), degrees, np.int64(count), out
    launch("structured.fill_chi", None, grid, threads, *arguments)
    return out


def _chi_of_forms(kind: str, streams: Any, freedoms: Any, order: int) -> Any:
    """Chi variables (T, 2 order) of "wishart" or "wedge" forms; 0 beyond those that a form has."""
    degrees = empty((len(freedoms), 2 * order))
    grid, threads = elements_by_trial(2 * order, len(freedoms))
    launch(f"structured.{kind}_degrees", None, grid, threads, freedoms, np.int64(order), degrees)
    return draw_chi(streams, 0, degrees)


def chi(stream, start, degrees):
    """Those of one stream, with the project's own logarithm and normals: the bits of the CPU."""
    return to_host(draw_chi(to_device(stream[None]), start, to_device(degrees[None])))[0]


def wishart_forms(streams, freedoms, order, scales):
    """Tridiagonal Wishart matrices by the chi model."""

    def compute(part: slice) -> tuple[Any, Any]:
        K, scale = to_device(freedoms[part]), to_device(scales[part])
        drawn = _chi_of_forms("wishart", to_device(streams[part]), K, order)
        form = empty((len(K), order)), empty((len(K), order - 1))
        arguments = drawn, K, scale, np.int64(order), *form
        launch("structured.wishart_forms", None, *elements_by_trial(order, len(K)), *arguments)
        return form

    return tuple(by_parts(len(streams), 8 * (6 * order + FEW), compute))


def wedge_forms(streams, freedoms, grams, order, scales):
    """Pentadiagonal matrices of the samples of a wedge."""

    def compute(part: slice) -> tuple[Any]:
        K, scale, planes = (to_device(array[part]) for array in (freedoms, scales, grams))
        drawn, normals = _chi_of_forms("wedge", to_device(streams[part, 0]), K, order), empty((len(K), order))
        draw_normals(to_device(streams[part, 1]), 0, np.float64(1), normals)
        bands = empty((len(K), 3, order))
        arguments = drawn, normals, K, planes, scale, np.int64(order), bands
        launch("structured.wedge_forms", None, *elements_by_trial(order, len(K)), *arguments)
        return (bands,)

    return by_parts(len(streams), 8 * (8 * order + FEW), compute)[0]


# Samples by their signs, and what they need of W and V ------------------------------------------------------


def half_space_counts(streams, n_samples):
    """Uniform numbers up to 1/2, a block of threads to a trial."""

    def compute(part: slice) -> tuple[Any]:
        words = to_device(streams[part])
        counts = empty((len(words),), np.int64)
        arguments = words, np.int64(n_samples), counts
        launch("structured.half_space_counts", None, (len(words),), (THREADS,), *arguments)
        return (counts,)

    return by_parts(len(streams), 8 * FEW, compute)[0]


def plane_coordinates(streams: Any, d: int, pair: tuple[int, int], dtype: np.dtype) -> Any:
    """Rows j of W (m, d), drawn from streams (T, 4), along rows i and across them: (T, 2), on the device."""
    rows = [empty((len(streams), d), dtype) for _ in pair]
    for unit, row in zip(pair, rows, strict=True):
        draw_normals(streams, unit * d, dtype.type(d**-0.5), row)
    planes = empty((len(streams), 2))
    launch("layers.plane_coordinates", dtype, (len(streams),), (THREADS,), *rows, np.int64(d), planes)
    return planes


def wedge_samples(streams, n_features, n_samples, pair, dtype):
    """Samples that activate both hidden units, in the plane of their rows of W."""

    def compute(part: slice) -> tuple[Any, Any]:
        planes = plane_coordinates(to_device(streams[part, 0]), n_features, pair, dtype)
        active, grams = empty((len(planes),), np.int64), empty((len(planes), 2, 2))
        arguments = to_device(streams[part, 1]), np.int64(n_samples), planes, active, grams
        launch("structured.wedge_samples", None, (len(planes),), (THREADS,), *arguments)
        return active, grams

    return Samples(*by_parts(len(streams), 2 * n_features * dtype.itemsize + 8 * FEW, compute))


def trial_output_grams(streams: Any, sizes: tuple[int, int], deviation: np.floating, pairs: Any) -> Any:
    """S_ij = (V^T V)_ij of pairs (B, 2) on the device, (T, B) float64, V of sizes (C, m) from streams (T, 4).

    The entries of V are normals times `deviation`, which has their dtype.
    """
    out = empty((len(streams), len(pairs)))
    arguments = streams, *map(np.int64, sizes), pairs, deviation, out
    launch("layers.output_grams", deviation.dtype, (len(pairs), len(out)), (THREADS,), *arguments)
    return out


def output_grams(streams, n_classes, n_hidden, pairs, dtype):
    """Inner products of columns of V, drawn without the others."""
    deviation = dtype.type(n_hidden**-0.5)

    def compute(part: slice) -> tuple[Any]:
        words, columns = to_device(streams[part]), to_device(pairs)
        return (trial_output_grams(words, (n_classes, n_hidden), deviation, columns),)

    return by_parts(len(streams), 8 * (len(pairs) + FEW), compute)[0]
