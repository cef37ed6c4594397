"""Moments, extreme eigenvalues and counts of matrices with few diagonals, one after another."""

import numpy as np

from . import banded, banded_extremes
from .jit import jit
from .sturm import bin_counts
from .tridiagonal_extremes import inner_edges, outer_eigenvalues


@jit
def extremes(diagonal, off_diagonal):
    """Smallest and largest eigenvalue of a tridiagonal matrix, to a few eps |T|: (2,) float64.

    diagonal (n,), n >= 1, and off_diagonal (n-1,) are float64.
    """
    return np.array(outer_eigenvalues(diagonal, off_diagonal))


@jit
def trace_moments(a, b, out):
    """(1/n) tr T^k, k = 1..4, from the products of entries along closed walks of length k."""
    out[:] = 0
    n = len(a)
    for i in range(n):
        square = a[i] * a[i]
        out[0] += a[i]
        out[1] += square
        out[2] += square * a[i]
        out[3] += square * square
    for i in range(n - 1):
        edge, here, there = b[i] * b[i], a[i], a[i + 1]
        out[1] += 2 * edge
        out[2] += 3 * edge * (here + there)
        out[3] += 2 * edge * (2 * (here * here + here * there + there * there) + edge)
        if i + 1 < n - 1:
            out[3] += 4 * edge * b[i + 1] * b[i + 1]
    out /= n


@jit
def moments(diagonal, off_diagonal):
    """(1/n) tr T^k, k = 1..4, of a tridiagonal matrix, from traces: (4,) float64.

    diagonal (n,), n >= 1, and off_diagonal (n-1,) are float64.
    """
    out = np.empty(4)
    trace_moments(diagonal, off_diagonal, out)
    return out


@jit
def _divide(a, scale, out):
    for i in range(a.size):
        out[i] = a[i] / scale


@jit
def fill_statistics(diagonals, off_diagonals, scales, edges, moments, extremes, counts):
    """Statistics (T, 4), (T, 2), (T, B+2) of matrices (T, n), (T, n-1), counted in units of scales (T,)."""
    work, below = np.empty((3, edges.size)), np.empty(edges.size, np.int64)
    in_units, off_in_units = np.empty(diagonals.shape[1]), np.empty(off_diagonals.shape[1])
    for t in range(len(diagonals)):
        a, b = diagonals[t], off_diagonals[t]
        trace_moments(a, b, moments[t])
        low, high = outer_eigenvalues(a, b)
        extremes[t, 0], extremes[t, 1] = low, high
        if edges.size > 0:
            inner = inner_edges(edges, low / scales[t], high / scales[t], a.size)
            _divide(a, scales[t], in_units)
            _divide(b, scales[t], off_in_units)
            bin_counts(in_units, off_in_units, edges, inner, work, below, counts[t])


@jit
def fill_banded_statistics(bands, scales, edges, moments, extremes, counts):
    """As `fill_statistics`, of pentadiagonal matrices of bands (T, 3, n)."""
    for t in range(len(bands)):
        rows = banded.without_zeros(bands[t])
        order, form = bands.shape[2], bands[t][:, :rows].copy()
        banded.trace_moments(form, order, moments[t])
        low, high = banded_extremes.outer_eigenvalues(form, order)
        extremes[t, 0], extremes[t, 1] = low, high
        if edges.size > 0:
            inner = inner_edges(edges, low / scales[t], high / scales[t], order)
            banded.bin_counts(form / scales[t], order, edges, inner, counts[t])
