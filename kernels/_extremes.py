"""Extreme eigenvalues of matrices with few diagonals, by bisection on counts of eigenvalues.

Both ends of the spectrum are bracketed and each bracket is cut into sections, all counted at once.
"""

import numpy as np

from ._jit import jit
from ._sturm import STRETCH, advance, pivot_rows, rescale, scaled, unit_of, without_zeros

SECTIONS = 8
"""Sections per end and round of the bisection, which gain log2(9) = 3.2 bits.

Both ends together are two AVX-512 or four AVX2 registers, whose chains of operations run side by side.
"""
EPS = np.finfo(np.float64).eps


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
    margin = 4 * n * EPS * norm
    return np.full(2, low - margin), np.full(2, high + margin), norm


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


@jit
def _radii(b):
    """Sums of the moduli beside the diagonal in each row."""
    radii = np.zeros(len(b) + 1)
    for i in range(len(b)):
        radii[i] += abs(b[i])
        radii[i + 1] += abs(b[i])
    return radii


@jit
def _decided(shifts, minors, found, rows, coupling, low, high):
    """Whether the rows that are left cannot change on which side of a shift its end of the spectrum lies.

    The lower end is below a shift if any pivot is negative, the upper end above it if any is positive. A
    pivot no smaller than the coupling takes no more than that off the next diagonal entry; if the rows that
    are left are diagonally dominant, all further pivots then have its sign.
    """
    for s in range(SECTIONS):
        if found[s] == 0:
            pivot = minors[0, s] / minors[1, s]
            if not (pivot >= coupling and low >= shifts[s]):
                return False
    for s in range(SECTIONS, 2 * SECTIONS):
        if found[s] == rows:
            pivot = minors[0, s] / minors[1, s]
            if not (-pivot >= coupling and high <= shifts[s]):
                return False
    return True


@jit
def _outer_counts(entries, squares, low, high, shifts, minors, found):
    """Count until every shift is decided; returns the number of rows that took."""
    n = len(entries)
    minors[0] = 1.0
    minors[1] = 0.0
    found[:] = 0
    for first in range(0, n, STRETCH):
        rows = min(first + STRETCH, n)
        advance(entries, squares, first, rows, shifts, minors, found)
        if not rescale(minors):
            minors[0] = 1.0
            found[:] = 0
            pivot_rows(entries, squares, 0, n, shifts, minors[0], found)
            return n
        if rows < n:
            coupling = np.sqrt(squares[rows])
            if _decided(shifts, minors, found, rows, coupling, low[rows], high[rows]):
                return rows
    return n


@jit
def _outer_eigenvalues(a, b):
    """Both brackets cut into sections until a few ulp of |T| wide; entries near 1."""
    entries, squares = scaled(a, b, 1.0)
    low, high = trailing_bounds(a, _radii(b))
    lower, upper, norm = bracket(low[0], high[0], len(a))
    shifts, minors = np.empty(2 * SECTIONS), np.empty((2, 2 * SECTIONS))
    found = np.empty(2 * SECTIONS, np.int64)
    while max(upper[0] - lower[0], upper[1] - lower[1]) > 4 * EPS * norm:
        cut(lower, upper, shifts)
        rows = _outer_counts(entries, squares, low, high, shifts, minors, found)
        for end in range(2):
            narrow(shifts, found, end, rows, lower, upper)
    return (lower[0] + upper[0]) / 2, (lower[1] + upper[1]) / 2


@jit
def outer_eigenvalues(a, b):
    """Smallest and largest eigenvalue, to a few ulp of |T|."""
    rows = without_zeros(a, b)
    if rows == 0:
        return 0.0, 0.0
    # In units near 1 neither sums of entries overflow nor does an ulp of them vanish.
    unit = unit_of(a[:rows], b[: rows - 1])
    smallest, largest = _outer_eigenvalues(unit * a[:rows], unit * b[: rows - 1])
    if rows < len(a):
        smallest, largest = min(smallest, 0.0), max(largest, 0.0)
    return smallest / unit, largest / unit
