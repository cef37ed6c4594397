"""Masses of all output-layer blocks together, streamed over tiles of classes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..arguments.matrices import tile_size
from ..host.masses import mass_totals, samples_and_tops, squared_gram
from ..host.tops import SoftmaxTops, top_terms
from .classes import class_probabilities
from .matrices import gram_sum
from .tops import softmax_tops


def class_mass_totals(
    features: ArrayLike, V: Any, tile: int | None = None, tops: SoftmaxTops | None = None
) -> NDArray[np.float64]:
    """Squared Frobenius norms of the output-layer blocks of cross-entropy, summed over all blocks.

    No block is formed: theory.md (2.5), O(N^2 (C + k)) time, three N x N sums and a few arrays of a tile. The
    top classes of confident samples are summed apart, (2.5a).

    Parameters
    ----------
    features : (N, k) float32 or float64, N >= 1
    V, tile
        As for `log_normalizers`.
    tops : SoftmaxTops, optional
        `softmax_tops(features, V)`, where it is known already.

    Returns
    -------
    (2,) float64 array: sum over c of |H[v_c, v_c]|^2, sum over c != e of |H[v_c, v_e]|^2

    Raises
    ------
    TypeError, ValueError
        For another dtype or shape, or a tile below 1.
    """
    rows, V, known = samples_and_tops(features, V, tops)
    found = softmax_tops(rows, V, tile) if known is None else known
    size, n = tile_size(tile, rows, V.shape[0]), len(rows)
    products, squared, diagonal = np.zeros((3, n, n))
    for start in range(0, V.shape[0], size):
        part = V[start : start + size]
        p = class_probabilities(rows, part, np.arange(len(part)), log_z=found.log_z)
        gram_sum((p * found.complements(p, start)).T, diagonal)
        found.take_out(p, start)
        gram_sum(p.T, products)
        gram_sum((p * p).T, squared)
    terms = None
    if found.confident.size:
        chosen = found.top[found.confident]
        terms = top_terms(found, class_probabilities(rows, V, chosen, tile, found.log_z))
    return mass_totals(squared_gram(rows), products, squared, diagonal, terms)
