"""Top classes of confident samples, on the GPU."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..arguments.matrices import features_and_parameters
from ..host.tops import CONFIDENT_SUM, SoftmaxTops, fill_tops, no_tops
from .classes import RunningSoftmax, fold_threads, tile_of, tiles_of, trial_probabilities
from .device import elements, empty, launch, products, to_device, to_host


def softmax_tops(features: ArrayLike, V: Any, tile: int | None = None) -> SoftmaxTops:
    """Log-normalizers; the class with p > 1 - 1/64 or -1; the other probabilities' sum or 1. See the CPU."""
    rows, V = features_and_parameters(features, V)
    size = tile_of(tile, rows, V.shape[0])
    running = RunningSoftmax(to_device(rows)[None])
    for _, part in tiles_of(V, size, rows.dtype):
        running.fold(running.logits(part))
    found = no_tops(to_host(running.log_normalizers())[0])
    who = np.flatnonzero(to_host(running.sums)[0] < CONFIDENT_SUM)
    if who.size:
        fill_tops(found, who, _largest(rows[who], V, size, found.log_z[who]))
    return found


def _largest(
    rows: NDArray, V: Any, size: int, log_z: NDArray
) -> Iterator[tuple[int, NDArray, NDArray, NDArray]]:
    """First class of each tile, the largest probability of each row, its place, and the sum of the others."""
    for start, p, _ in tile_probabilities(rows, V, size, log_z):
        yield start, *largest_of_rows(p)


def tile_probabilities(rows: NDArray, V: Any, size: int, log_z: NDArray) -> Iterator[tuple[int, Any, Any]]:
    """First class, probabilities (1, N, c) and classes (1, c, k) of each tile, on the device."""
    features, log_sums = to_device(rows)[None], to_device(log_z)[None]
    for start, part in tiles_of(V, size, rows.dtype):
        yield start, trial_probabilities(products(features, part.transpose(0, 2, 1)), log_sums), part


def largest_of_rows(p: Any) -> tuple[NDArray, NDArray, NDArray]:
    """Largest entry of each row of p (1, N, c) on the device, its place, and the sum of the others, (N,)."""
    _, n, classes = p.shape
    largest, others, place = empty((n,)), empty((n,)), empty((n,), np.int64)
    grid, block = (n,), (fold_threads(classes),)
    launch("tops.largest_of_rows", np.float64, grid, block, p, np.int64(classes), largest, place, others)
    return to_host(largest), to_host(place), to_host(others)


def take_out(tops: SoftmaxTops, start: int, p: Any, weights: Any) -> None:
    """For the top classes in a tile that begins with class `start`: weights become p (1 - p), then p 0.

    p and weights are (1, N, c), on the device.
    """
    samples, places = tops.inside(start, p.shape[2])
    if samples.size == 0:
        return
    where, complement = to_device(samples * p.shape[2] + places), to_device(tops.complement[samples])
    launch(
        "tops.take_out",
        np.float64,
        *elements(samples.size),
        where,
        complement,
        np.int64(samples.size),
        p,
        weights,
    )
