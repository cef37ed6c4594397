"""Top classes of confident samples, streamed over tiles of classes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..arguments.matrices import features_and_parameters, tile_size
from ..host.tops import CONFIDENT_SUM, SoftmaxTops, fill_tops, largest_of_rows, no_tops
from .classes import class_probabilities, softmax_sums, tiles


def softmax_tops(features: ArrayLike, V: Any, tile: int | None = None) -> SoftmaxTops:
    """Log-normalizers, and the top class of every sample that is nearly sure of it, with 1 - p of that class.

    1 - p is the sum of the other probabilities: right to a few eps of itself (and the rounding of the logits)
    however near 1 p is. One pass over the classes, and one more for the confident samples alone.

    Parameters
    ----------
    features, V, tile
        As for `log_normalizers`.

    Returns
    -------
    SoftmaxTops
        log_z (N,) float64, top (N,) int64: the class with p > 1 - 1/64 or -1, complement (N,) float64:
        1 - p of that class or 1.

    Raises
    ------
    TypeError, ValueError
        For another dtype or shape, or a tile below 1.
    """
    rows, V = features_and_parameters(features, V)
    size = tile_size(tile, rows, V.shape[0])
    maxima, sums = softmax_sums(rows, V, size)
    found = no_tops(maxima + np.log(sums))
    who = np.flatnonzero(sums < CONFIDENT_SUM)
    if who.size:
        fill_tops(found, who, _largest(rows[who], V, size, found.log_z[who]))
    return found


def _largest(
    rows: NDArray, V: Any, size: int, log_z: NDArray
) -> Iterator[tuple[int, NDArray, NDArray, NDArray]]:
    """First class, and `largest_of_rows` of the probabilities, of each tile."""
    for start, part in tiles(V, size, rows.dtype):
        p = class_probabilities(rows, part, np.arange(len(part)), log_z=log_z)
        yield start, *largest_of_rows(p)
