"""Inertia counts, extreme eigenvalues and moments of symmetric pentadiagonal matrices.

The number of eigenvalues of S below x is the number of negative pivots of S - x = L D L^T (Sylvester). With
diagonals a, b, c, and u_i, p_i the entries (i, i+1) and (i+1, i+1) once columns 1, ..., i-1 are eliminated,

    q_(i+1) = p_i - u_i^2/q_i,    u_(i+1) = b_(i+1) - u_i c_i/q_i,    p_(i+1) = (a_(i+2) - x) - c_i^2/q_i.

Unlike in the tridiagonal case a pivot near zero costs digits: entries of the size |S|^2/q are subtracted from
one another. A pivot below FLOOR = eps^(1/2), in units of the largest entry, is moved out to it on its own
side of zero, which changes S by as much as the rounding that it prevents. So counts are those of a matrix
within a few eps^(1/2) |S|, and within a few eps |S| where no pivot is small. Extreme eigenvalues do not
suffer: pivots of a definite matrix are no smaller than its smallest eigenvalue, and where an eigenvalue of a
leading block is that close to the extreme one, its eigenvector nearly vanishes where the next row joins.
"""

import math

import numpy as np

from ._jit import jit
from ._sturm import SECTIONS, cut, narrow

EPS = np.finfo(np.float64).eps
FLOOR = math.sqrt(EPS)


@jit
def _bracket(bands):
    """Interval that holds all eigenvalues (Gershgorin), widened for rounding, and a bound of |S|."""
    n = bands.shape[1]
    low, high = np.inf, -np.inf
    for i in range(n):
        radius = abs(bands[1, i]) + abs(bands[2, i])
        radius += abs(bands[1, i - 1]) if i > 0 else 0.0
        radius += abs(bands[2, i - 2]) if i > 1 else 0.0
        low = min(low, bands[0, i] - radius)
        high = max(high, bands[0, i] + radius)
    norm = max(abs(low), abs(high))
    margin = 4 * n * EPS * norm
    return low - margin, high + margin, norm


@jit
def _unit(bands):
    """Power of two (exact to multiply by) that brings the largest entry near 1."""
    largest = 0.0
    for x in bands.ravel():
        largest = max(largest, abs(x))
    return math.ldexp(1.0, min(-math.frexp(largest)[1], 1000))


@jit
def _count(bands, unit, shifts, work, found):
    """Counts at `shifts` (in units of 1/unit), with `work` (3, k) as work space."""
    n, k = bands.shape[1], len(shifts)
    pivots, couplings, entries = work[0], work[1], work[2]
    found[:] = 0
    pivots[:] = unit * bands[0, 0] - shifts
    couplings[:] = unit * bands[1, 0]
    entries[:] = (unit * bands[0, 1] if n > 1 else 1.0) - shifts
    for i in range(n):
        c = unit * bands[2, i]
        b = unit * bands[1, i + 1] if i + 1 < n else 0.0
        a = unit * bands[0, i + 2] if i + 2 < n else 1.0
        for j in range(k):
            q, u = pivots[j], couplings[j]
            found[j] += q < 0
            q = math.copysign(max(abs(q), FLOOR), q)
            inverse = 1.0 / q
            ratio = u * inverse
            pivots[j] = entries[j] - ratio * u
            couplings[j] = b - ratio * c
            entries[j] = (a - shifts[j]) - c * c * inverse


@jit
def counts(bands, shifts):
    """Number of eigenvalues below each shift; bands (3, n) with zeros beyond the ends of the diagonals."""
    found = np.zeros(len(shifts), np.int64)
    if bands.shape[1] > 0:
        unit = _unit(bands)
        _count(bands, unit, unit * shifts, np.empty((3, len(shifts))), found)
    return found


@jit
def outer_eigenvalues(bands):
    """Smallest and largest eigenvalue: both brackets cut into sections until a few ulp of |S| wide."""
    low, high, norm = _bracket(bands)
    lower, upper = np.full(2, low), np.full(2, high)
    shifts, work = np.empty(2 * SECTIONS), np.empty((3, 2 * SECTIONS))
    found = np.empty(2 * SECTIONS, np.int64)
    unit = _unit(bands)
    while max(upper[0] - lower[0], upper[1] - lower[1]) > 4 * EPS * norm:
        cut(lower, upper, unit, shifts)
        _count(bands, unit, shifts, work, found)
        for end in range(2):
            narrow(shifts, found, end, bands.shape[1], unit, lower, upper)
    return (lower + upper) / 2


@jit
def trace_moments(bands, out):
    """(1/n) tr S^k, k = 1..4, from the entries of S^2 on and above its diagonal."""
    n = bands.shape[1]
    # Two zeros on either side stand for the entries that are not there.
    padded = np.zeros((3, n + 4))
    padded[:, 2 : n + 2] = bands
    a, b, c = padded[0], padded[1], padded[2]
    out[:] = 0
    for i in range(2, n + 2):
        s0 = a[i] * a[i] + b[i] * b[i] + c[i] * c[i] + b[i - 1] * b[i - 1] + c[i - 2] * c[i - 2]
        s1 = b[i] * (a[i] + a[i + 1]) + c[i] * b[i + 1] + c[i - 1] * b[i - 1]
        s2 = c[i] * (a[i] + a[i + 2]) + b[i] * b[i + 1]
        s3 = b[i] * c[i + 1] + c[i] * b[i + 2]
        s4 = c[i] * c[i + 2]
        out[0] += a[i]
        out[1] += s0
        out[2] += s0 * a[i] + 2 * (s1 * b[i] + s2 * c[i])
        out[3] += s0 * s0 + 2 * (s1 * s1 + s2 * s2 + s3 * s3 + s4 * s4)
    out /= n
