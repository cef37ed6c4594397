"""Spectra of symmetric pentadiagonal matrices."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..arguments.matrices import points
from ..arguments.structured import banded_form, banded_forms
from ..arguments.trials import SpectralStatistics, empty_statistics, histogram_edges
from .compiled import banded, banded_extremes
from .compiled.extremes import inner_edges
from .compiled.jit import jit


def banded_counts(bands: ArrayLike, shifts: ArrayLike) -> NDArray[np.int64]:
    """Number of eigenvalues of a symmetric pentadiagonal matrix S below each shift, theory.md (8.1a).

    The count is exact for a matrix within a few eps |S| of the given one, or within a few eps^(1/2) |S| where
    elimination meets a pivot that is nearly zero.

    Parameters
    ----------
    bands : (3, n) float32 or float64
        bands[k, j] = S[j + k, j], as LAPACK stores the lower triangle; the entries bands[k, n - k:] beyond
        the matrix are ignored.
    shifts : (k,) float32 or float64 in any order, infinities allowed

    Returns
    -------
    (k,) int64 array

    Raises
    ------
    TypeError, ValueError
        For another dtype or shape, or entries that are not finite.
    """
    return banded.counts(banded_form(bands), points(shifts, "shifts"))


def banded_statistics(
    bands: ArrayLike, scales: ArrayLike, edges: ArrayLike | None = None
) -> SpectralStatistics:
    """Moments, extreme eigenvalues and histogram counts of many symmetric pentadiagonal matrices.

    As `spectral_statistics`: moments from traces in O(n), theory.md (8.2); extremes to a few eps
    |S|; counts as `banded_counts`, of the matrix divided by its scale.

    Parameters
    ----------
    bands : (T, 3, n) float32 or float64, n >= 1
        Each as in `banded_counts`.
    scales : (T,) float32 or float64, finite, none of them 0
        Units of the edges, of either sign.
    edges : (B+1,) float32 or float64, strictly increasing, optional
        Without them nothing is counted.

    Returns
    -------
    SpectralStatistics
        moments (T, 4), extremes (T, 2), counts (T, B+2), or (T, 0) without edges.

    Raises
    ------
    TypeError, ValueError
        For another dtype or shape, entries that are not finite, or edges that do not increase.
    """
    forms, units = banded_forms(bands, scales)
    at = histogram_edges(edges)
    found = empty_statistics(len(forms), at)
    _banded_statistics(forms, units, at, *found)
    return found


@jit
def _banded_statistics(bands, scales, edges, moments, extremes, counts):
    for t in range(len(bands)):
        rows = banded.without_zeros(bands[t])
        order, form = bands.shape[2], bands[t][:, :rows].copy()
        banded.trace_moments(form, order, moments[t])
        low, high = banded_extremes.outer_eigenvalues(form, order)
        extremes[t, 0], extremes[t, 1] = low, high
        if edges.size > 0:
            inner = inner_edges(edges, low / scales[t], high / scales[t], order)
            banded.bin_counts(form / scales[t], order, edges, inner, counts[t])
