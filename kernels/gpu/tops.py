"""Top classes of confident samples taken out of sums, and moments about them, on the GPU."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..host.tops import CONFIDENT_SUM, SoftmaxTops, fill_tops, no_tops
from .device import elements, empty, launch, to_device, to_host
from .softmax import RunningSoftmax, fold_threads

Tiles = Iterable[tuple[int, Any, Any]]


def largest_of_rows(p: Any) -> tuple[NDArray, NDArray, NDArray]:
    """Largest entry of each row of p (T, N, c) on the device, its place, the sum of the others: (T N,)."""
    n, classes = p.shape[0] * p.shape[1], p.shape[2]
    largest, others, place = empty((n,)), empty((n,)), empty((n,), np.int64)
    grid, block = (n,), (fold_threads(classes),)
    launch("tops.largest_of_rows", np.float64, grid, block, p, np.int64(classes), largest, place, others)
    return to_host(largest), to_host(place), to_host(others)


def largest_of_tiles(tiles: Tiles) -> Iterator[tuple[int, NDArray, NDArray, NDArray]]:
    """First class, and `largest_of_rows` of the probabilities, of each tile of `tile_probabilities`."""
    for start, p, _ in tiles:
        yield start, *largest_of_rows(p)


def trial_tops(running: RunningSoftmax, tiles: Tiles) -> SoftmaxTops:
    """Top classes of all samples of all trials, one after another, from a softmax and tiles of its p.

    The tiles are looked at if there are confident samples.
    """
    tops = no_tops(to_host(running.log_normalizers()).ravel())
    sure = np.flatnonzero(to_host(running.sums).ravel() < CONFIDENT_SUM)
    if sure.size:
        rows = largest_of_tiles(tiles)
        fill_tops(tops, sure, ((start, p[sure], place[sure], rest[sure]) for start, p, place, rest in rows))
    return tops


def take_out(tops: SoftmaxTops, start: int, p: Any, weights: Any) -> None:
    """For the top classes in a tile that begins with class `start`: weights become p (1 - p), then p 0.

    p and weights are (T, N, c), on the device, and the tops those of the T N samples.
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
