"""Spectra of symmetric matrices with few diagonals, none of whose eigenvalues need to be computed."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..arguments.spectra import (
    SpectralStatistics,
    banded_form,
    banded_forms,
    bin_edges,
    histogram_edges,
    nonempty_form,
    points,
    tridiagonal_form,
    tridiagonal_forms,
)
from .bare import Group


class SpectrumOperations(Group):
    """Counts, extremes and moments of tridiagonal and of pentadiagonal matrices."""

    def sturm_counts(
        self, diagonal: ArrayLike, off_diagonal: ArrayLike, shifts: ArrayLike
    ) -> NDArray[np.int64]:
        """Number of eigenvalues of a tridiagonal matrix below each shift.

        The count is exact for a matrix within a few eps |T| of the given one, so that it can differ from the
        truth for a shift that near to an eigenvalue (Givens 1954; theory.md (8.1)).

        Parameters
        ----------
        diagonal : (n,) float32 or float64, finite
        off_diagonal : (n-1,) float32 or float64, finite
        shifts : (k,) float32 or float64 in any order, infinities allowed but no NaN

        Returns
        -------
        (k,) int64 array
        """
        form = tridiagonal_form(diagonal, off_diagonal)
        return self._bare.sturm_counts(*form, points(shifts, "shifts"))

    def histogram(self, diagonal: ArrayLike, off_diagonal: ArrayLike, edges: ArrayLike) -> NDArray[np.int64]:
        """Eigenvalues of a tridiagonal matrix counted in bins by Sturm sequences, none of them computed.

        Albrecht, Chan & Edelman 2009.

        Parameters
        ----------
        diagonal, off_diagonal
            As for `sturm_counts`.
        edges : (B+1,) float32 or float64, strictly increasing

        Returns
        -------
        (B+2,) int64 array
            Number below edges[0], in each of the B bins [edges[k], edges[k+1]), and at or above edges[B]; the
            sum is n.
        """
        return self._bare.histogram(*tridiagonal_form(diagonal, off_diagonal), bin_edges(edges))

    def extremes(self, diagonal: ArrayLike, off_diagonal: ArrayLike) -> NDArray[np.float64]:
        """Smallest and largest eigenvalue of a tridiagonal matrix, to a few eps |T|; theory.md (8.1).

        Parameters
        ----------
        diagonal : (n,) float32 or float64, finite, n >= 1
        off_diagonal : (n-1,) float32 or float64, finite

        Returns
        -------
        (2,) float64 array
        """
        return self._bare.extremes(*nonempty_form(diagonal, off_diagonal))

    def moments(self, diagonal: ArrayLike, off_diagonal: ArrayLike) -> NDArray[np.float64]:
        """First four spectral moments (1/n) tr T^k, k = 1..4, of a tridiagonal matrix, from traces in O(n).

        Their limits are theory.md (3.4).

        Parameters
        ----------
        diagonal : (n,) float32 or float64, finite, n >= 1
        off_diagonal : (n-1,) float32 or float64, finite

        Returns
        -------
        (4,) float64 array
        """
        return self._bare.moments(*nonempty_form(diagonal, off_diagonal))

    def spectral_statistics(
        self,
        diagonals: ArrayLike,
        off_diagonals: ArrayLike,
        scales: ArrayLike,
        edges: ArrayLike | None = None,
    ) -> SpectralStatistics:
        """Moments, extreme eigenvalues and histogram counts of many tridiagonal matrices in one call.

        Each as `moments`, `extremes` and `histogram` give it, the last for the matrix divided by its scale.

        Parameters
        ----------
        diagonals : (T, n) float32 or float64, finite, n >= 1
        off_diagonals : (T, n-1) float32 or float64, finite
        scales : (T,) float32 or float64, finite, none of them 0
            Units of the edges, of either sign.
        edges : (B+1,) float32 or float64, strictly increasing, optional
            Without them nothing is counted.

        Returns
        -------
        SpectralStatistics
            moments (T, 4), extremes (T, 2), counts (T, B+2), or (T, 0) without edges.
        """
        forms = tridiagonal_forms(diagonals, off_diagonals, scales)
        return self._bare.spectral_statistics(*forms, histogram_edges(edges))

    def banded_counts(self, bands: ArrayLike, shifts: ArrayLike) -> NDArray[np.int64]:
        """Number of eigenvalues of a symmetric pentadiagonal matrix S below each shift, theory.md (8.1a).

        The count is exact for a matrix within a few eps |S| of the given one, or within a few eps^(1/2) |S|
        where elimination meets a pivot that is nearly zero.

        Parameters
        ----------
        bands : (3, n) float32 or float64
            bands[k, j] = S[j + k, j], as LAPACK stores the lower triangle; the entries bands[k, n - k:]
            beyond the matrix are ignored.
        shifts : (k,) float32 or float64 in any order, infinities allowed but no NaN

        Returns
        -------
        (k,) int64 array
        """
        return self._bare.banded_counts(banded_form(bands), points(shifts, "shifts"))

    def banded_statistics(
        self, bands: ArrayLike, scales: ArrayLike, edges: ArrayLike | None = None
    ) -> SpectralStatistics:
        """Moments, extreme eigenvalues and histogram counts of many symmetric pentadiagonal matrices.

        As `spectral_statistics`: moments from traces in O(n), theory.md (8.2); extremes to a few eps
        |S|; counts as `banded_counts`, of the matrix divided by its scale.

        Parameters
        ----------
        bands : (T, 3, n) float32 or float64, n >= 1
            Each as in `banded_counts`.
        scales, edges
            As for `spectral_statistics`.

        Returns
        -------
        SpectralStatistics
            As of `spectral_statistics`.
        """
        return self._bare.banded_statistics(*banded_forms(bands, scales), histogram_edges(edges))
