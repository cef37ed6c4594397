"""Draws of the exact structured models: chi variables, active samples, matrices with few diagonals."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from ..arguments.structured import (
    Samples,
    chi_elements,
    freedoms_and_scales,
    hidden_pair,
    plane_grams,
    size,
    trial_streams,
)
from ..arguments.values import float_dtype, indices
from .bare import Group


class StructuredOperations(Group):
    """Blocks of mse models without samples, theory.md (5.1)-(5.3d)."""

    def chi(self, stream: ArrayLike, start: int, degrees: ArrayLike) -> NDArray[np.float64]:
        """Chi variables start, ..., start + n - 1 of a stream, one of each number of degrees of freedom.

        By rejection (Marsaglia & Tsang 2000), theory.md (7.4). Let a = k/2 - 1/3, x normal and
        v = (1 + x / sqrt(9 a))^3. For k >= 2, if v > 0 is accepted with probability
        exp(x^2/2 + a (1 - v + ln v)), a v is a Gamma variable of shape k/2 and sqrt(2 a v) is chi with k
        degrees of freedom. Below 2 degrees a chi variable is one with k + 2 degrees times a uniform number to
        the power 1/k.

        Element i owns blocks 64 i to 64 i + 63 of the stream, that is numbers 128 i to 128 i + 127, whatever
        its neighbours. Attempt t, from 0 to 61, takes normal number 4 (t div 2) + (t mod 2) of those and the
        uniform number two after it. The last attempt is taken as it comes (probability below 0.05^61), and
        v <= 2^-63 is never accepted (2^-37). The power is one of uniform number 124. On the CPU all decisions
        have the same bits on every machine.

        Parameters
        ----------
        stream : (4,) uint32, or int
            As for `uniforms`.
        start : int
            start + n <= 2^57.
        degrees : (n,) float32 or float64, from 0 to 2^40
            Fractions allowed; with 0 degrees of freedom the variable is 0.

        Returns
        -------
        (n,) float64 array
        """
        return self._bare.chi(*chi_elements(stream, start, degrees))

    def half_space_counts(self, streams: ArrayLike, n_samples: int) -> NDArray[np.int64]:
        """How many of N samples lie on the positive side of a hyperplane: Binomial(N, 1/2), theory.md (5.2).

        Parameters
        ----------
        streams : (T, 4) uint32
            A sample counts where its uniform number is at most 1/2.
        n_samples : int
            N of at least 1, as all sizes here.

        Returns
        -------
        (T,) int64 array
        """
        return self._bare.half_space_counts(trial_streams(streams), size(n_samples, "n_samples"))

    def wedge_samples(
        self,
        streams: ArrayLike,
        n_features: int,
        n_samples: int,
        pair: Sequence[int] = (0, 1),
        dtype: DTypeLike = np.float64,
    ) -> Samples:
        """Samples that activate both hidden units of a pair, as they lie in the plane of their rows of W.

        theory.md (5.3d). Of N samples the two coordinates in the plane are drawn, along w_i and at a right
        angle to it on the side of w_j: pairs of normals, float64.

        Parameters
        ----------
        streams : (T, 2, 4) uint32
            Streams of W and of the samples of each trial.
        n_features, n_samples : int
            d and N.
        pair : two ints
            The hidden units i and j; rows i and j of W (m, d) ~ N(0, 1/d) are drawn.
        dtype : float64 or float32
            Of W.

        Returns
        -------
        Samples
            active (T,) int64, grams (T, 2, 2) float64.
        """
        words, d, N = trial_streams(streams, 2), size(n_features, "n_features"), size(n_samples, "n_samples")
        return self._bare.wedge_samples(words, d, N, hidden_pair(pair), float_dtype(dtype))

    def output_grams(
        self,
        streams: ArrayLike,
        n_classes: int,
        n_hidden: int,
        pairs: ArrayLike,
        dtype: DTypeLike = np.float64,
    ) -> NDArray[np.float64]:
        """S_ij = (V^T V)_ij of pairs of hidden units, for V (C, m) ~ N(0, 1/m): only their columns are drawn.

        Parameters
        ----------
        streams : (T, 4) uint32
            Stream of V of each trial.
        n_classes, n_hidden : int
            C and m.
        pairs : (B, 2) integers in [0, m)
        dtype : float64 or float32
            Of V.

        Returns
        -------
        (T, B) float64 array
        """
        words, C, m = trial_streams(streams), size(n_classes, "n_classes"), size(n_hidden, "n_hidden")
        chosen = indices(pairs, "pairs", (None, 2), m)
        return self._bare.output_grams(words, C, m, chosen, float_dtype(dtype))

    def wishart_forms(
        self, streams: ArrayLike, freedoms: ArrayLike, order: int, scales: ArrayLike
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Tridiagonal matrices with the law of scale Y^T Y, Y (K, d) of standard normal entries.

        The chi model of Dumitriu & Edelman 2002, theory.md (5.1), in O(min(K, d)) random numbers: B B^T for
        lower bidiagonal B of n = min(K, d) rows, with chi variables of max(K, d), max(K, d) - 1, ... degrees
        on the diagonal and of n - 1, ..., 1 below it, drawn in this order from number 0 on.

        Parameters
        ----------
        streams : (T, 4) uint32
            Of the chi variables.
        freedoms : (T,) integers
            K >= 0.
        order : int
            d >= 1.
        scales : (T,) float32 or float64, finite

        Returns
        -------
        diagonals : (T, d) float64
        off_diagonals : (T, d-1) float64
            Rows from K on are zero, where there are such: as many eigenvalues are 0.
        """
        words, d = trial_streams(streams), size(order, "order")
        counts, factors = freedoms_and_scales(freedoms, scales, len(words))
        return self._bare.wishart_forms(words, counts, d, factors)

    def wedge_forms(
        self, streams: ArrayLike, freedoms: ArrayLike, grams: ArrayLike, order: int, scales: ArrayLike
    ) -> NDArray[np.float64]:
        """Pentadiagonal matrices with the law of scale Y^T Y, Y (K, d) normal but for its first two columns.

        theory.md (5.3d), in O(min(K, d)) random numbers: A A^T for A (n, n + 2) with three entries to each of
        its n = min(K, d) rows, of chi variables of K, ..., K - n + 1 and d - 2, d - 3, ... >= 0 degrees,
        drawn in this order, and normals between them. A block (w_i, w_j) over S_ij, from N samples:

            active, grams = ops.wedge_samples(streams[:, :2], d, N)          # streams (T, 4, 4)
            bands = ops.wedge_forms(streams[:, 2:], active, grams, d, np.full(T, 1 / N))
            moments, extremes, counts = ops.banded_statistics(bands, np.ones(T), edges)

        Parameters
        ----------
        streams : (T, 2, 4) uint32
            Of the chi variables and of the normals.
        freedoms : (T,) integers
            K >= 0, the `active` of `wedge_samples`.
        grams : (T, 2, 2) float32 or float64
            P^T P of the two columns P (K, 2), symmetric and positive semidefinite; with d = 1 the one
            column's is its first entry.
        order : int
            d >= 1.
        scales : (T,) float32 or float64, finite

        Returns
        -------
        (T, 3, d) float64 array
            bands[t, k, j] is the entry (j + k, j). Rows from K on are zero, where there are such.
        """
        words, d = trial_streams(streams, 2), size(order, "order")
        counts, factors = freedoms_and_scales(freedoms, scales, len(words))
        return self._bare.wedge_forms(words, counts, plane_grams(grams, counts), d, factors)
