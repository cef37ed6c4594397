"""Sturm counts of symmetric tridiagonal matrices, vectorised over the shifts, and bisection on them.

The number of eigenvalues of T below x is the number of negative pivots of T - x = L D L^T,

    q_1 = a_1 - x,    q_i = (a_i - x) - b_(i-1)^2 / q_(i-1)

(Barth, Martin & Wilkinson 1967; LAPACK DLAEBZ). One count is a chain of divisions, each waiting for the one
before; counts at several shifts are independent, so the inner loop runs over the shifts and fills the vector
registers.
"""

import math

import numpy as np

from ._jit import jit

# Sections per end and round of the bisection, which gain log2(9) = 3.2 bits: two ends are two AVX-512 or four
# AVX2 registers, about as many divisions as the processor has in flight while a single chain waits.
SECTIONS = 8
# Rows between two looks at whether the count of the extremes is decided. In structured models it is after a
# few hundred rows, wherever the eigenvector of an extreme eigenvalue sits in the first ones.
STRETCH = 32


@jit
def bracket(a, b):
    """Interval that holds all eigenvalues (Gershgorin), widened for rounding, and a bound of |T|."""
    low, high = np.inf, -np.inf
    n = len(a)
    for i in range(n):
        radius = 0.0
        if i > 0:
            radius += abs(b[i - 1])
        if i < n - 1:
            radius += abs(b[i])
        low = min(low, a[i] - radius)
        high = max(high, a[i] + radius)
    norm = max(abs(low), abs(high))
    margin = 4 * n * np.finfo(np.float64).eps * norm
    return low - margin, high + margin, norm


@jit
def _unit(a, b):
    """Power of two (exact to multiply by) that brings the largest entry near 1: no square overflows."""
    largest = 0.0
    for x in a:
        largest = max(largest, abs(x))
    for x in b:
        largest = max(largest, abs(x))
    # At most 2^1000: the inverse of a subnormal number would overflow.
    return math.ldexp(1.0, min(-math.frexp(largest)[1], 1000))


@jit
def _rows(a, b, unit, first, last, shifts, pivots, found):
    """Eliminate rows first, ..., last - 1 at all shifts: pivots of the row before come in, of the last go out.

    A pivot nearer to zero than the smallest safe number is moved to the positive side: an eigenvalue that
    equals the shift is not below it.
    """
    tiny = np.finfo(np.float64).tiny
    for i in range(first, last):
        entry = unit * a[i]
        square = (unit * b[i - 1]) * (unit * b[i - 1]) if i > 0 else 0.0
        for j in range(len(shifts)):
            q = (entry - shifts[j]) - square / pivots[j]
            q = tiny if abs(q) < tiny else q
            found[j] += q < 0
            pivots[j] = q


@jit
def counts(a, b, shifts):
    """Number of eigenvalues below each shift."""
    unit = _unit(a, b)
    found, pivots = np.zeros(len(shifts), np.int64), np.ones(len(shifts))
    _rows(a, b, unit, 0, len(a), unit * shifts, pivots, found)
    return found


@jit
def _row_bounds(a, b, unit):
    """Gershgorin's interval of rows i, ..., n - 1 for each i, and an empty one at n; in units of 1/unit."""
    n = len(a)
    low, high = np.full(n + 1, np.inf), np.full(n + 1, -np.inf)
    for i in range(n - 1, -1, -1):
        radius = (abs(b[i - 1]) if i > 0 else 0.0) + (abs(b[i]) if i < n - 1 else 0.0)
        low[i] = min(low[i + 1], unit * (a[i] - radius))
        high[i] = max(high[i + 1], unit * (a[i] + radius))
    return low, high


@jit
def _decided(shifts, pivots, found, rows, coupling, low, high):
    """Whether the rows that are left cannot change on which side of a shift its end of the spectrum lies.

    The lower end is found below a shift at the first negative pivot, the upper end above it at the first
    positive one. If what is left, the pivot included, is diagonally dominant, all its pivots have one sign.
    """
    for s in range(SECTIONS):
        if found[s] == 0 and (pivots[s] < coupling or low < shifts[s]):
            return False
    for s in range(SECTIONS, 2 * SECTIONS):
        if found[s] == rows and (-pivots[s] < coupling or high > shifts[s]):
            return False
    return True


@jit
def _outer_counts(a, b, unit, low, high, shifts, pivots, found):
    """Eliminate until every shift is decided; returns the number of rows that took."""
    n = len(a)
    found[:] = 0
    pivots[:] = 1.0
    for first in range(0, n, STRETCH):
        last = min(first + STRETCH, n)
        _rows(a, b, unit, first, last, shifts, pivots, found)
        if last < n and _decided(shifts, pivots, found, last, unit * abs(b[last - 1]), low[last], high[last]):
            return last
    return n


@jit
def outer_eigenvalues(a, b):
    """Smallest and largest eigenvalue: both brackets cut into sections until a few ulp of |T| wide."""
    low, high, norm = bracket(a, b)
    lower, upper = np.full(2, low), np.full(2, high)
    shifts, pivots, found = (
        np.empty(2 * SECTIONS),
        np.empty(2 * SECTIONS),
        np.empty(2 * SECTIONS, np.int64),
    )
    unit = _unit(a, b)
    low_bounds, high_bounds = _row_bounds(a, b, unit)
    while max(upper[0] - lower[0], upper[1] - lower[1]) > 4 * np.finfo(np.float64).eps * norm:
        cut(lower, upper, unit, shifts)
        rows = _outer_counts(a, b, unit, low_bounds, high_bounds, shifts, pivots, found)
        for end in range(2):
            narrow(shifts, found, end, rows, unit, lower, upper)
    return (lower + upper) / 2


@jit
def cut(lower, upper, unit, shifts):
    """Write the ends of the sections of both brackets, in units of 1/unit."""
    for end in range(2):
        step = (upper[end] - lower[end]) / (SECTIONS + 1)
        for s in range(SECTIONS):
            shifts[end * SECTIONS + s] = unit * (lower[end] + (s + 1) * step)


@jit
def narrow(shifts, found, end, rows, unit, lower, upper):
    """Keep the section in which the count reaches 1 (end 0) or the number of rows (end 1)."""
    wanted = 1 if end == 0 else rows
    for s in range(SECTIONS):
        x = shifts[end * SECTIONS + s] / unit
        if found[end * SECTIONS + s] >= wanted:
            upper[end] = x
            return
        lower[end] = x
