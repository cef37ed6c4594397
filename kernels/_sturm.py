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
def _count(a, b, unit, shifts, pivots, found):
    """Counts at `shifts` (in units of 1/unit), with `pivots` as work space.

    A pivot nearer to zero than the smallest safe number is moved to the positive side: an eigenvalue that
    equals the shift is not below it.
    """
    tiny = np.finfo(np.float64).tiny
    k = len(shifts)
    found[:] = 0
    square = 0.0
    pivots[:] = 1.0
    for i in range(len(a)):
        entry = unit * a[i]
        for j in range(k):
            q = (entry - shifts[j]) - square / pivots[j]
            q = tiny if abs(q) < tiny else q
            found[j] += q < 0
            pivots[j] = q
        if i < len(b):
            square = (unit * b[i]) * (unit * b[i])


@jit
def counts(a, b, shifts):
    """Number of eigenvalues below each shift."""
    unit = _unit(a, b)
    found = np.empty(len(shifts), np.int64)
    _count(a, b, unit, unit * shifts, np.empty(len(shifts)), found)
    return found


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
    while max(upper[0] - lower[0], upper[1] - lower[1]) > 4 * np.finfo(np.float64).eps * norm:
        cut(lower, upper, unit, shifts)
        _count(a, b, unit, shifts, pivots, found)
        for end in range(2):
            narrow(shifts, found, end, len(a), unit, lower, upper)
    return (lower + upper) / 2


@jit
def cut(lower, upper, unit, shifts):
    """Write the ends of the sections of both brackets, in units of 1/unit."""
    for end in range(2):
        step = (upper[end] - lower[end]) / (SECTIONS + 1)
        for s in range(SECTIONS):
            shifts[end * SECTIONS + s] = unit * (lower[end] + (s + 1) * step)


@jit
def narrow(shifts, found, end, n, unit, lower, upper):
    """Keep the section in which the count reaches 1 (end 0) or n (end 1)."""
    wanted = 1 if end == 0 else n
    for s in range(SECTIONS):
        x = shifts[end * SECTIONS + s] / unit
        if found[end * SECTIONS + s] >= wanted:
            upper[end] = x
            return
        lower[end] = x
