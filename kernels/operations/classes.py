"""Softmax over the classes, which come in tiles: V may be read from disk, and is never whole in memory."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..arguments.classes import features_and_parameters, tile_size
from ..arguments.values import array, indices
from ..host.tops import SoftmaxTops
from .bare import Group


class ClassOperations(Group):
    """Softmax probabilities p_n of theory.md, section 1, and averages under them."""

    def log_normalizers(self, features: ArrayLike, V: Any, tile: int | None = None) -> NDArray[np.float64]:
        """Log-normalizers log sum_c exp(z_nc) of the logits z = features V^T, in tiles of classes.

        Parameters
        ----------
        features : (N, k) float32 or float64
            x_n of the linear model, h_n of the hidden model; theory.md, section 1.
        V : (C, k) float32 or float64, C >= 1
            An array or anything with shape, dtype and row slicing, such as a memmap or an HDF5 dataset.
        tile : int, optional
            Classes per tile, at least 1; by default as many as fill 4 MiB with logits, at least 128.

        Returns
        -------
        (N,) float64 array. Finite for every finite logit; NaN where a logit is NaN or +inf.
        """
        rows, V = features_and_parameters(features, V)
        return self._bare.log_normalizers(rows, V, tile_size(tile, rows, V.shape[0]))

    def softmax_tops(self, features: ArrayLike, V: Any, tile: int | None = None) -> SoftmaxTops:
        """Log-normalizers, and the class that a sample is nearly sure of, with 1 - p of that class.

        1 - p is the sum of the other probabilities: right to a few eps of itself (and the rounding of the
        logits) however near 1 p is. One pass over the classes, and one more for the confident samples alone.

        Parameters
        ----------
        features, V, tile
            As for `log_normalizers`.

        Returns
        -------
        SoftmaxTops
            log_z (N,) float64, top (N,) int64: the class with p > 1 - 1/64 or -1, complement (N,) float64:
            1 - p of that class or 1.
        """
        rows, V = features_and_parameters(features, V)
        return self._bare.softmax_tops(rows, V, tile_size(tile, rows, V.shape[0]))

    def class_probabilities(
        self,
        features: ArrayLike,
        V: Any,
        classes: ArrayLike,
        tile: int | None = None,
        log_z: ArrayLike | None = None,
    ) -> NDArray[np.float64]:
        """Columns `classes` of softmax(features V^T): p_n of theory.md, section 1.

        Parameters
        ----------
        features, V, tile
            As for `log_normalizers`.
        classes : (K,) integers in [0, C)
        log_z : (N,) float64, optional
            `log_normalizers(features, V)`, where it is known already: then only the rows `classes` of V are
            used.

        Returns
        -------
        (N, K) float64 array, each column contiguous
        """
        rows, V = features_and_parameters(features, V)
        chosen = indices(classes, "classes", (None,), V.shape[0])
        size = tile_size(tile, rows, V.shape[0])
        known = None if log_z is None else array(log_z, "log_z", (len(rows),), (np.float64,))
        return self._bare.class_probabilities(rows, V, chosen, size, known)

    def class_means(self, features: ArrayLike, V: Any, tile: int | None = None) -> NDArray[np.float64]:
        """Means V^T p_n of the rows of V under the softmax probabilities p_n.

        Parameters
        ----------
        features, V, tile
            As for `log_normalizers`.

        Returns
        -------
        (N, k) float64 array, each column contiguous
        """
        rows, V = features_and_parameters(features, V)
        return self._bare.class_means(rows, V, tile_size(tile, rows, V.shape[0]))

    def class_covariances(
        self, features: ArrayLike, V: Any, pairs: ArrayLike, tile: int | None = None
    ) -> NDArray[np.float64]:
        """Entries of V^T B_n V, B_n = diag(p_n) - p_n p_n^T, the covariance of V's columns under p_n.

        The middle factor of theory.md (2.2), formed as the mean of products minus the product of means, of
        columns centered at the mean of the first 256 classes. Where that difference would lose more than a
        factor of 1024 (a confident sample, or one whose classes lie far from the center), the columns are
        centered at the likeliest class of the sample instead, (2.2a): the rounding error is a few eps of the
        features' dtype times the standard deviations, and that of the logits.

        Parameters
        ----------
        features, V, tile
            As for `log_normalizers`.
        pairs : (K, 2) integers in [0, k)
            Columns (i, j) of V, with i = j for variances.

        Returns
        -------
        (N, K) float64 array, each column contiguous
        """
        rows, V = features_and_parameters(features, V)
        entries = indices(pairs, "pairs", (None, 2), V.shape[1])
        return self._bare.class_covariances(rows, V, entries, tile_size(tile, rows, V.shape[0]))
