"""Sample weights of the blocks of a Hessian."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..arguments.trials import activation_name
from ..arguments.values import array, real
from ..host.activations import SLOPE
from .bare import Group


class WeightOperations(Group):
    """Sample weights of the blocks of a Hessian, theory.md (2.1)-(2.3)."""

    def class_weights(
        self, p_row: ArrayLike, p_col: ArrayLike, same: bool, complement: ArrayLike | None = None
    ) -> NDArray[np.float64]:
        """Sample weights of block (c, e) of a cross-entropy Hessian, entry (c, e) of B_n. (2.1), (2.3)

        Parameters
        ----------
        p_row, p_col : (N,) float32 or float64
            Probabilities of the classes c and e.
        same : bool
            Whether c = e.
        complement : (N,) float64, optional
            1 - p_c, if `same`, for classes so likely that the difference has lost its digits; `softmax_tops`
            knows it.

        Returns
        -------
        (N,) float64 array: p_c (1 - p_c) if `same`, else -p_c p_e
        """
        p = array(p_row, "p_row", (None,))
        q = array(p_col, "p_col", p.shape)
        rest = None if complement is None else array(complement, "complement", p.shape, (np.float64,))
        return self._bare.class_weights(p, q, bool(same), rest)

    def gated_weights(
        self,
        a_row: ArrayLike,
        a_col: ArrayLike,
        factor: ArrayLike,
        activation: str = "relu",
        slope: float = SLOPE,
        residuals: ArrayLike | None = None,
    ) -> NDArray[np.float64]:
        """Sample weights phi'(a_i) phi'(a_j) factor of block (w_i, w_j) of a hidden model. theory.md (2.2)

        Parameters
        ----------
        a_row, a_col : (N,) float32 or float64
            Pre-activations of the units i and j. At exactly 0 the gate is shut.
        factor : (N,) float32 or float64, or a number
            (V^T B_n V)_ij, one per sample, or S_ij = (V^T V)_ij for all.
        activation : str
            phi, by the names of `kernels.host.activations`; of ReLU phi' is a gate that is open or shut.
        slope : float
            Of "leaky_relu" below zero.
        residuals : (N,) float64, optional
            (V^T g_n)_i of a block i = j on the diagonal: phi''(a_i) times it is added.

        Returns
        -------
        (N,) float64 array
        """
        a = array(a_row, "a_row", (None,))
        b = array(a_col, "a_col", a.shape)
        phi = activation_name(activation), float(real(slope, "slope"))
        self._bare.require(activation)
        added = np.empty(0) if residuals is None else array(residuals, "residuals", a.shape, (np.float64,))
        values = np.asarray(factor)
        factors = (
            array(factor, "factor", a.shape) if values.ndim else np.array([real(values.item(), "factor")])
        )
        return self._bare.gated_weights(a, b, factors, *phi, added)
