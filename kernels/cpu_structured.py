"""Operations of the exact structured models: chi variables, spectra of pentadiagonal matrices."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import _banded
from ._arguments import bin_edges, points
from ._chi import fill_chi
from ._structured_arguments import banded_form, chi_elements, nonempty_bands


def chi(stream: ArrayLike, start: int, degrees: ArrayLike) -> NDArray[np.float64]:
    """Chi variables start, ..., start + n - 1 of a stream, one of each number of degrees of freedom.

    By rejection (Marsaglia & Tsang 2000), theory.md (7.4): element i is drawn from blocks 64 i to 64 i + 63
    of the stream, whatever its neighbours. The decisions use the project's own logarithm and Box-Muller
    normals: the bits are the same on every machine.

    Parameters
    ----------
    stream : (4,) uint32
    start : int
        start + n <= 2^57.
    degrees : (n,) float32 or float64, from 0 to 2^40
        Fractions allowed; with 0 degrees of freedom the variable is 0.

    Returns
    -------
    (n,) float64 array

    Raises
    ------
    TypeError, ValueError
        For another dtype or shape, degrees out of range, or an element number that would wrap.
    """
    words, first, freedom = chi_elements(stream, start, degrees)
    out = np.empty(len(freedom))
    fill_chi(words, np.uint64(first), freedom, out)
    return out


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
    return _banded.counts(banded_form(bands), points(shifts, "shifts"))


def banded_histogram(bands: ArrayLike, edges: ArrayLike) -> NDArray[np.int64]:
    """Eigenvalues of a symmetric pentadiagonal matrix in bins, as `histogram` counts them.

    Parameters
    ----------
    bands : (3, n) float32 or float64
        As in `banded_counts`.
    edges : (B+1,) float32 or float64, strictly increasing

    Returns
    -------
    (B+2,) int64 array
        Number below edges[0], in each of the B bins [edges[k], edges[k+1]), and at or above edges[B].

    Raises
    ------
    TypeError, ValueError
        For another dtype or shape, entries that are not finite, or edges that do not increase.
    """
    return _banded.bin_counts(banded_form(bands), bin_edges(edges))


def banded_extremes(bands: ArrayLike) -> NDArray[np.float64]:
    """Smallest and largest eigenvalue of a symmetric pentadiagonal matrix, by bisection to a few eps |S|.

    Parameters
    ----------
    bands : (3, n) float32 or float64, n >= 1
        As in `banded_counts`.

    Returns
    -------
    (2,) float64 array

    Raises
    ------
    TypeError, ValueError
        For another dtype or shape, or entries that are not finite.
    """
    return _banded.outer_eigenvalues(nonempty_bands(bands))


def banded_moments(bands: ArrayLike) -> NDArray[np.float64]:
    """First four spectral moments (1/n) tr S^k, k = 1..4, of a symmetric pentadiagonal matrix, in O(n).

    Parameters
    ----------
    bands : (3, n) float32 or float64, n >= 1
        As in `banded_counts`.

    Returns
    -------
    (4,) float64 array

    Raises
    ------
    TypeError, ValueError
        For another dtype or shape, or entries that are not finite.
    """
    out = np.empty(4)
    _banded.trace_moments(nonempty_bands(bands), out)
    return out
