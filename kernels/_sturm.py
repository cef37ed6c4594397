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
def trailing_bounds(diagonal, radii):
    """Gershgorin's interval of rows i, ..., n - 1 for each i, empty from n on: low, high, each (n + 2,)."""
    n = len(diagonal)
    low, high = np.full(n + 2, np.inf), np.full(n + 2, -np.inf)
    for i in range(n - 1, -1, -1):
        low[i] = min(low[i + 1], diagonal[i] - radii[i])
        high[i] = max(high[i + 1], diagonal[i] + radii[i])
    return low, high


@jit
def bracket(low, high, n):
    """Lower and upper ends of both extremes' brackets, (2,) each, widened for rounding; bound of |T|."""
    norm = max(abs(low), abs(high))
    margin = 4 * n * np.finfo(np.float64).eps * norm
    return np.full(2, low - margin), np.full(2, high + margin), norm


@jit
def _radii(b):
    """Sums of the moduli beside the diagonal in each row."""
    radii = np.zeros(len(b) + 1)
    for i in range(len(b)):
        radii[i] += abs(b[i])
        radii[i + 1] += abs(b[i])
    return radii


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
    """Eliminate rows first, ..., last - 1 at all shifts; `pivots` are those of the row before, then the last.

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
def _count(a, b, unit, shifts, pivots, found):
    """Counts at `shifts` (in units of 1/unit), with `pivots` as work space."""
    pivots[:] = 1.0
    found[:] = 0
    _rows(a, b, unit, 0, len(a), shifts, pivots, found)


@jit
def counts(a, b, shifts):
    """Number of eigenvalues below each shift."""
    unit = _unit(a, b)
    found = np.empty(len(shifts), np.int64)
    _count(a, b, unit, unit * shifts, np.empty(len(shifts)), found)
    return found


@jit
def bin_counts(a, b, edges, pivots, below, found):
    """Eigenvalues below the edges (B+1,), in the bins, and at or above, into found (B+2,).

    Work space like edges: pivots, and below (int64).
    """
    unit = _unit(a, b)
    _count(a, b, unit, unit * edges, pivots, below)
    found[0], found[-1] = below[0], len(a) - below[-1]
    for k in range(1, edges.size):
        found[k] = below[k] - below[k - 1]


@jit
def _decided(shifts, pivots, found, rows, coupling, low, high):
    """Whether the rows that are left cannot change on which side of a shift its end of the spectrum lies.

    The lower end is below a shift if any pivot is negative, the upper end above it if any is positive. A
    pivot no smaller than the coupling takes no more than that off the next diagonal entry; if the rows that
    are left are diagonally dominant, all further pivots then have its sign.
    """
    for s in range(SECTIONS):
        if found[s] == 0 and (pivots[s] < coupling or low < shifts[s]):
            return False
    for s in range(SECTIONS, 2 * SECTIONS):
        if found[s] == rows and (-pivots[s] < coupling or high > shifts[s]):
            return False
    return True


@jit
def _outer_counts(a, b, low, high, shifts, pivots, found):
    """Eliminate until every shift is decided; returns the number of rows that took."""
    n = len(a)
    pivots[:] = 1.0
    found[:] = 0
    for first in range(0, n, STRETCH):
        rows = min(first + STRETCH, n)
        _rows(a, b, 1.0, first, rows, shifts, pivots, found)
        if rows < n:
            coupling = abs(b[rows - 1])
            if _decided(shifts, pivots, found, rows, coupling, low[rows], high[rows]):
                return rows
    return n


@jit
def outer_eigenvalues(a, b):
    """Smallest and largest eigenvalue, to a few ulp of |T|."""
    # In units near 1 neither sums of entries overflow nor does an ulp of them vanish.
    unit = _unit(a, b)
    smallest, largest = _outer_eigenvalues(unit * a, unit * b)
    return smallest / unit, largest / unit


@jit
def _outer_eigenvalues(a, b):
    """Both brackets cut into sections until a few ulp of |T| wide."""
    low, high = trailing_bounds(a, _radii(b))
    lower, upper, norm = bracket(low[0], high[0], len(a))
    shifts, pivots = np.empty(2 * SECTIONS), np.empty(2 * SECTIONS)
    found = np.empty(2 * SECTIONS, np.int64)
    while max(upper[0] - lower[0], upper[1] - lower[1]) > 4 * np.finfo(np.float64).eps * norm:
        cut(lower, upper, shifts)
        rows = _outer_counts(a, b, low, high, shifts, pivots, found)
        for end in range(2):
            narrow(shifts, found, end, rows, lower, upper)
    return (lower[0] + upper[0]) / 2, (lower[1] + upper[1]) / 2


@jit
def cut(lower, upper, shifts):
    """Write the ends of the sections of both brackets."""
    for end in range(2):
        step = (upper[end] - lower[end]) / (SECTIONS + 1)
        for s in range(SECTIONS):
            shifts[end * SECTIONS + s] = lower[end] + (s + 1) * step


@jit
def narrow(shifts, found, end, rows, lower, upper):
    """Keep the section in which the count reaches 1 (end 0) or the number of rows (end 1)."""
    wanted = 1 if end == 0 else rows
    for s in range(SECTIONS):
        x = shifts[end * SECTIONS + s]
        if found[end * SECTIONS + s] >= wanted:
            upper[end] = x
            return
        lower[end] = x
