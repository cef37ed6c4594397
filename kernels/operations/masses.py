"""Masses, squared Frobenius norms, of blocks that are never formed."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..arguments.classes import tile_size
from ..arguments.masses import kernel_and_vectors, samples_and_tops
from ..host.tops import SoftmaxTops
from .bare import Group


class MassOperations(Group):
    """Masses of blocks from sums over pairs of samples, theory.md, section 2."""

    def masses(self, K: ArrayLike, A: ArrayLike) -> NDArray[np.float64]:
        """Squared Frobenius norms |H_r|^2 = (1/N^2) a_r^T K a_r of weighted Gram matrices never formed.

        Parameters
        ----------
        K : (N, N) float32 or float64
            Squared inner products (x_n . x_k)^2 of the samples; theory.md, section 2.
        A : (N, R) of the dtype of K, N >= 1
            Sample weights of the R matrices, a column each.

        Returns
        -------
        (R,) float64 array

        Raises
        ------
        TypeError, ValueError
            For another dtype or shape.
        """
        return self._bare.masses(*kernel_and_vectors(K, A))

    def class_mass_totals(
        self, features: ArrayLike, V: Any, tile: int | None = None, tops: SoftmaxTops | None = None
    ) -> NDArray[np.float64]:
        """Squared Frobenius norms of the output-layer blocks of cross-entropy, summed over all blocks.

        No block is formed: theory.md (2.5), O(N^2 (C + k)) time, three N x N sums and a few arrays of a tile.
        The top classes of confident samples are summed apart, (2.5a).

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
        return self._bare.class_mass_totals(rows, V, tile_size(tile, rows, V.shape[0]), known)
