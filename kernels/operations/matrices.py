"""Weighted Gram matrices and dense symmetric matrices."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..arguments.matrices import rows_and_total, samples_and_weights, symmetric
from .bare import Group


class MatrixOperations(Group):
    """Weighted Gram matrices, the blocks of a Hessian, and what is asked of them whole."""

    def weighted_gram(self, X: ArrayLike, weights: ArrayLike) -> NDArray:
        """Weighted Gram matrix (1/N) X^T diag(weights) X of theory.md (2.1)-(2.3).

        The rows are scaled by sqrt|weight| and multiplied with their own transposes, those of positive and of
        negative weight apart, which takes half the operations of a general product. Rows of weight zero cost
        nothing.

        Parameters
        ----------
        X : (N, d) float32 or float64, N >= 1
        weights : (N,) float32 or float64, of either sign

        Returns
        -------
        (d, d) array of the dtype of X, exactly symmetric
        """
        return self._bare.weighted_gram(*samples_and_weights(X, weights))

    def eigenvalues(self, A: ArrayLike) -> NDArray[np.float64]:
        """All eigenvalues of a symmetric matrix, ascending.

        Parameters
        ----------
        A : (n, n) float32 or float64, finite, symmetric: only the upper triangle is read

        Returns
        -------
        (n,) float64 array, right to a small multiple of n eps |A| with eps of the dtype of A

        Raises
        ------
        numpy.linalg.LinAlgError
            If the QL iteration does not converge (LAPACK STERF).
        """
        return self._bare.eigenvalues(symmetric(A))

    def tridiagonal(self, A: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Tridiagonal matrix orthogonally similar to a symmetric one: Householder reflections.

        Parameters
        ----------
        A : (n, n) float32 or float64, finite, symmetric: only the upper triangle is read

        Returns
        -------
        diagonal : (n,) float64
        off_diagonal : (n-1,) float64
            The reduction runs in the dtype of A.
        """
        return self._bare.tridiagonal(symmetric(A))

    def gram_sum(self, A: ArrayLike, total: NDArray | None = None) -> NDArray:
        """Upper triangle of total + A^T A, for sums over classes that come in tiles; theory.md (2.5).

        Parameters
        ----------
        A : (T, N) float32 or float64
            With the softmax columns p (N, T) of a tile of classes, A = p^T.
        total : (N, N) of the dtype of A, C-contiguous and writeable, optional
            Added to in place; zeros by default. The lower triangle is left alone.

        Returns
        -------
        (N, N) array: `total`, if given
        """
        return self._bare.gram_sum(*rows_and_total(A, total))
