"""Top classes of confident samples taken out of sums, and moments about them, on the GPU."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..host.tops import SoftmaxTops
from .device import elements, empty, launch, to_device, to_host
from .softmax import fold_threads


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
    arguments = where, complement, np.int64(samples.size), p, weights
    launch("tops.take_out", np.float64, *elements(samples.size), *arguments)


def add_moments(p: Any, part: Any, origin: Any, pairs: Any, sums: Any) -> None:
    """Add to sums (N, K) those over a tile of p times columns of V - origin, one or the product of a pair."""
    _, n, classes = p.shape
    sizes = np.int64(classes), np.int64(part.shape[2]), np.int64(len(pairs))
    grid, block = (n,), (fold_threads(classes),)
    launch("tops.add_moments", part.dtype, grid, block, p, part, origin, pairs, *sizes, sums)
