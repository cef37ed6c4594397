"""Inertia counts and moments of symmetric pentadiagonal matrices.

The number of eigenvalues of S below x is the number of negative pivots of S - x = L D L^T (Sylvester). With
diagonals a, b, c, and u_i, p_i the entries (i, i+1) and (i+1, i+1) once columns 1, ..., i-1 are eliminated,

    q_(i+1) = p_i - u_i^2/q_i,    u_(i+1) = b_(i+1) - u_i c_i/q_i,    p_(i+1) = (a_(i+2) - x) - c_i^2/q_i.

Unlike in the tridiagonal case a pivot near zero costs digits: entries of the size |S|^2/q are subtracted from
one another. A pivot below FLOOR = eps^(1/2), in units of the largest entry, is moved out to it on its own
side of zero, which changes S by as much as the rounding that it prevents. So counts are those of a matrix
within a few eps^(1/2) |S|, and within a few eps |S| where no pivot is small.
"""

import math

import numpy as np

from .jit import inlined, jit
from .memory import load, store
from .sturm import bins_between

EPS = np.finfo(np.float64).eps
FLOOR = math.sqrt(EPS)
HIGHEST = 1000
"""Largest power of two taken as a unit: the inverse of a subnormal number would overflow."""


@jit
def unit_of(bands):
    """Power of two (exact to multiply by) that brings the largest entry near 1."""
    largest = 0.0
    for x in bands.ravel():
        largest = max(largest, abs(x))
    return math.ldexp(1.0, min(-math.frexp(largest)[1], HIGHEST))


@jit
def _floor_of(bands, unit):
    """Smallest modulus of a pivot, in units of 1/unit: below 2^-HIGHEST no unit brings the entries near 1."""
    if unit < 2.0**HIGHEST:
        return FLOOR
    largest = 0.0
    for x in bands.ravel():
        largest = max(largest, abs(unit * x))
    return FLOOR * largest


@jit
def without_zeros(bands):
    """Number of rows left when zero rows at the end, which are eigenvalues 0, are taken away."""
    rows = bands.shape[1]
    while rows > 0 and bands[0, rows - 1] == 0:
        if (rows > 1 and bands[1, rows - 2] != 0) or (rows > 2 and bands[2, rows - 3] != 0):
            break
        rows -= 1
    return rows


@jit
def _start(bands, unit, shifts, work, counts):
    """Work space (3, k) of `_eliminate_rows` at the first row: pivots q, couplings u, next diagonals p."""
    counts[:] = 0
    work[0] = unit * bands[0, 0] - shifts
    work[1] = unit * bands[1, 0]
    work[2] = (unit * bands[0, 1] if bands.shape[1] > 1 else 1.0) - shifts


@inlined
def _eliminate(q, u, p, a, b, c, x, floor):
    """Pivot, coupling and next diagonal entry once q is eliminated; a, b, c are the entries that join."""
    inverse = 1.0 / math.copysign(max(abs(q), floor), q)
    ratio = u * inverse
    return p - ratio * u, b - ratio * c, (a - x) - c * c * inverse


@inlined
def joining(bands, unit, i):
    """What joins when row i is eliminated: entries (i+2, i+2), (i+1, i+2) and (i, i+2)."""
    n = bands.shape[1]
    a = unit * bands[0, i + 2] if i + 2 < n else 1.0
    b = unit * bands[1, i + 1] if i + 1 < n else 0.0
    return a, b, unit * bands[2, i]


@jit
def _eliminate_rows(bands, unit, shifts, work, counts):
    """Eliminate all rows at all shifts, in units of 1/unit, from where `_start` left `work`."""
    n, floor = bands.shape[1], _floor_of(bands, unit)
    pivots, couplings, entries = work[0], work[1], work[2]
    whole = n // 2 * 2
    for i in range(0, whole, 2):
        a1, b1, c1 = joining(bands, unit, i)
        a2, b2, c2 = joining(bands, unit, i + 1)
        for j in range(len(shifts)):
            x, q = load(shifts, j, 0), load(pivots, j, 1)
            r, u, p = _eliminate(q, load(couplings, j, 2), load(entries, j, 3), a1, b1, c1, x, floor)
            s, u, p = _eliminate(r, u, p, a2, b2, c2, x, floor)
            store(pivots, j, s, 1)
            store(couplings, j, u, 2)
            store(entries, j, p, 3)
            store(counts, j, load(counts, j, 4) + np.int64(q < 0) + np.int64(r < 0), 4)
    for i in range(whole, n):
        a, b, c = joining(bands, unit, i)
        for j in range(len(shifts)):
            counts[j] += pivots[j] < 0
            pivots[j], couplings[j], entries[j] = _eliminate(
                pivots[j], couplings[j], entries[j], a, b, c, shifts[j], floor
            )


@jit
def banded_counts(bands, shifts):
    """Number of eigenvalues below each shift; bands (3, n) with zeros beyond the ends of the diagonals."""
    counts, n = np.zeros(len(shifts), np.int64), bands.shape[1]
    if n > 0:
        unit, work = unit_of(bands), np.empty((3, len(shifts)))
        within = unit * shifts
        _start(bands, unit, within, work, counts)
        _eliminate_rows(bands, unit, within, work, counts)
    return counts


@jit
def bin_counts(bands, order, edges, inner, counts):
    """Eigenvalues below the edges (B+1,), in the bins, and at or above, into counts (B+2,).

    Those of bands (3, n), and `order` - n more that are 0. `inner` are the first and last edges to count at.
    """
    first, last = inner
    below = np.zeros(edges.size, np.int64)
    below[last:] = order
    below[first:last] = banded_counts(bands, edges[first:last])
    for k in range(first, last):
        if edges[k] > 0:
            below[k] += order - bands.shape[1]
    bins_between(below, order, counts)


@jit
def trace_moments(bands, order, out):
    """(1/order) tr S^k, k = 1..4, from the entries of S^2 on and above its diagonal."""
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
    out /= order
