"""Masses, squared Frobenius norms, of blocks that are never formed."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..arguments.classes import tile_size
from ..arguments.masses import hidden_samples, kernel_and_vectors, samples_and_parameters
from ..arguments.trials import LECUN, Network, checked_network, loss_name
from ..arguments.values import indices
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

    def linear_masses(self, X: ArrayLike, V: Any, loss: str, tile: int | None = None) -> NDArray[np.float64]:
        """Squared Frobenius norms of the blocks of a linear model f(x) = V x, summed over all blocks.

        No block is formed: theory.md (2.5), O(N^2 (C + d)) time, a few N x N sums and arrays of a tile, all
        float64. The top classes of confident samples are summed apart, (2.5a).

        Parameters
        ----------
        X : (N, d) float32 or float64, N >= 1
        V, tile
            As for `log_normalizers`.
        loss : {"ce", "mse"}

        Returns
        -------
        (2,) float64 array: sum over c of |H[v_c, v_c]|^2, sum over c != e of |H[v_c, v_e]|^2

        Raises
        ------
        TypeError, ValueError
            For another dtype, shape or loss, or a tile below 1.
        """
        rows, V = samples_and_parameters(X, V)
        return self._bare.linear_masses(rows, V, loss_name(loss), tile_size(tile, rows, V.shape[0]))

    def hidden_masses(
        self,
        X: ArrayLike,
        W: ArrayLike,
        V: Any,
        loss: str,
        labels: ArrayLike | None = None,
        network: Network = LECUN,
        tile: int | None = None,
    ) -> NDArray[np.float64]:
        """Squared Frobenius norms of the blocks of a hidden model f(x) = V phi(W x), summed over all blocks.

        As `linear_masses`: theory.md (2.5) to (2.7), O(N^2 (d + m C)) time.

        Parameters
        ----------
        X : (N, d) float32 or float64, N >= 1
        W : (m, d) of the dtype of X
        V, tile
            As for `log_normalizers`, with k = m.
        loss : {"ce", "mse"}
        labels : (N,) integers in [0, C), optional
            Without them no masses between the layers; needed for activations with a second derivative.
        network : Network
            Of which the activation and its slope count.

        Returns
        -------
        (4,) or, with labels, (5,) float64 array
            Sums over i of |H[w_i, w_i]|^2, over i != j of |H[w_i, w_j]|^2, over c of |H[v_c, v_c]|^2, over
            c != e of |H[v_c, v_e]|^2, and over i and c of |H[w_i, v_c]|^2.

        Raises
        ------
        TypeError, ValueError
            As `linear_masses`, or labels out of range or missing.
        """
        phi = checked_network(network)
        self._bare.require(phi.activation)
        rows, first, V = hidden_samples(X, W, V)
        y = None if labels is None else indices(labels, "labels", (len(rows),), V.shape[0])
        if y is None and phi.residuals_enter:
            raise ValueError(
                f"labels: expected those of the samples for activation {phi.activation}, got None"
            )
        size = tile_size(tile, rows, V.shape[0])
        return self._bare.hidden_masses(rows, first, V, loss_name(loss), y, phi, size)
