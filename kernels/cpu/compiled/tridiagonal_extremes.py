"""Extreme eigenvalues of matrices with few diagonals, by counts of eigenvalues and where they lead to.

Both ends of the spectrum are bracketed, each bracket is cut into sections, and all are counted at once. Once
a bracket holds a single eigenvalue, a root of the last minor as a polynomial in the shift, a parabola through
its values says where, and the next sections close in on that place: some eight rounds, where equal sections
alone take seventeen. What is proved of the eigenvalue is the bracket; a bad guess costs a round.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .jit import jit
from .sturm import STRETCH, advance, pivot_rows, rescale, scaled, unit_of, without_zeros

SECTIONS = 8
"""Shifts per end and round: both ends are two AVX-512 or four AVX2 registers, which run side by side."""
EPS = np.finfo(np.float64).eps
SPREAD_RATIO = 16.0
"""Ratio of the distances of shifts from a guess, and how much better than a secant it is taken to be."""


class Brackets(NamedTuple):
    """Intervals that hold the smallest and the largest eigenvalue, (2,) each."""

    lower: NDArray
    upper: NDArray
    guess: NDArray
    """Where the eigenvalue is taken to lie."""
    spread: NDArray
    """How near to the guess; 0 where there is none."""


class Sections(NamedTuple):
    """Shifts that cut both brackets, the lower end's first, and what is counted at them."""

    shifts: NDArray
    """(2 SECTIONS,)"""
    minors: NDArray
    """Leading minors (R, 2 SECTIONS): the last comes first, in units of 2^powers."""
    powers: NDArray
    counts: NDArray
    """Eigenvalues below each shift."""


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
    """Brackets of both extremes from Gershgorin's interval, widened for rounding; bound of |T|."""
    norm = max(abs(low), abs(high))
    margin = 4 * n * EPS * norm
    return Brackets(np.full(2, low - margin), np.full(2, high + margin), np.empty(2), np.zeros(2)), norm


@jit
def is_wide(brackets, norm):
    """Whether either bracket is wider than a few ulp of |T|."""
    lower, upper, _, _ = brackets
    return max(upper[0] - lower[0], upper[1] - lower[1]) > 4 * EPS * norm


@jit
def empty_sections(minors):
    """Sections with room for so many minors."""
    count = 2 * SECTIONS
    shifts, powers, counts = np.empty(count), np.zeros(count, np.int64), np.empty(count, np.int64)
    return Sections(shifts, np.empty((minors, count)), powers, counts)


@jit
def cut(brackets, shifts):
    """Write ascending shifts in both brackets: about the guess if its spread is not 0, else equally far."""
    lower, upper, guess, spread = brackets
    for end in range(2):
        part = shifts[end * SECTIONS : (end + 1) * SECTIONS]
        step = (upper[end] - lower[end]) / (SECTIONS + 1)
        distance = spread[end]
        for s in range(SECTIONS // 2):
            below, above = SECTIONS // 2 - 1 - s, SECTIONS // 2 + s
            if spread[end] > 0:
                part[below] = max(guess[end] - distance, lower[end])
                part[above] = min(guess[end] + distance, upper[end])
                distance *= SPREAD_RATIO
            else:
                part[below] = lower[end] + (below + 1) * step
                part[above] = lower[end] + (above + 1) * step


@jit
def _parabola(x, f, smallest):
    """Root of the parabola through (x_k, f_k) near x_0 and x_1, where f changes sign; how far off it is."""
    slope = (f[1] - f[0]) / (x[1] - x[0])
    bend = ((f[2] - f[1]) / (x[2] - x[1]) - slope) / (x[2] - x[0])
    secant = x[0] - f[0] / slope
    change = bend * (secant - x[0]) * (secant - x[1]) / (slope + bend * ((secant - x[0]) + (secant - x[1])))
    return secant - change, max(abs(change) / SPREAD_RATIO, smallest)


@jit
def narrow(end, sections, rows, norm, brackets):
    """Keep the section where the count reaches 1 (end 0) or the number of rows (end 1); guess the place."""
    shifts, minors, powers, counts = sections
    lower, upper, guess, spread = brackets
    values = minors[0]
    first, wanted = end * SECTIONS, 1 if end == 0 else rows
    width, was_guessed = upper[end] - lower[end], spread[end] > 0
    r = 0
    while r < SECTIONS and counts[first + r] < wanted:
        lower[end] = shifts[first + r]
        r += 1
    if r < SECTIONS:
        upper[end] = shifts[first + r]
    spread[end] = 0.0
    if r == 0 or r == SECTIONS or (was_guessed and 4 * (upper[end] - lower[end]) > width):
        return
    if counts[first + r] - counts[first + r - 1] != 1:
        return
    third = r - 2 if r > 1 else r + 1
    x, f = np.empty(3), np.empty(3)
    for k, s in enumerate((r - 1, r, third)):
        x[k] = shifts[first + s]
        power = powers[first + s] - powers[first + r]
        f[k] = math.ldexp(values[first + s], max(-1000, min(power, 1000)))
    if x[0] < x[1] and x[2] != x[0] and x[2] != x[1]:
        place, distance = _parabola(x, f, EPS * norm)
        if lower[end] < place < upper[end]:
            guess[end], spread[end] = place, distance


@jit
def _radii(b):
    """Sums of the moduli beside the diagonal in each row."""
    radii = np.zeros(len(b) + 1)
    for i in range(len(b)):
        radii[i] += abs(b[i])
        radii[i + 1] += abs(b[i])
    return radii


@jit
def _decided(sections, rows, coupling, low, high):
    """Whether the rows that are left cannot change on which side of a shift its end of the spectrum lies.

    The lower end is below a shift if any pivot is negative, the upper end above it if any is positive. A
    pivot no smaller than the coupling takes no more than that off the next diagonal entry; if the rows that
    are left are diagonally dominant, all further pivots then have its sign.
    """
    shifts, minors, _, counts = sections
    for s in range(SECTIONS):
        if counts[s] == 0:
            pivot = minors[0, s] / minors[1, s]
            if not (pivot >= coupling and low >= shifts[s]):
                return False
    for s in range(SECTIONS, 2 * SECTIONS):
        if counts[s] == rows:
            pivot = minors[0, s] / minors[1, s]
            if not (-pivot >= coupling and high <= shifts[s]):
                return False
    return True


@jit
def _outer_counts(entries, squares, low, high, sections):
    """Count until every shift is decided; returns the number of rows that took."""
    n = len(entries)
    shifts, minors, powers, counts = sections
    minors[0] = 1.0
    minors[1] = 0.0
    powers[:] = 0
    counts[:] = 0
    for first in range(0, n, STRETCH):
        rows = min(first + STRETCH, n)
        advance(entries, squares, first, rows, shifts, minors, counts)
        if not rescale(minors, powers):
            # Pivots instead, the last of which changes sign where the last minor does.
            minors[0] = 1.0
            powers[:] = 0
            counts[:] = 0
            pivot_rows(entries, squares, 0, n, shifts, minors[0], counts)
            return n
        if rows < n and _decided(sections, rows, np.sqrt(squares[rows]), low[rows], high[rows]):
            return rows
    return n


@jit
def _outer_eigenvalues(a, b):
    """Both brackets narrowed until a few ulp of |T| wide; entries near 1."""
    entries, squares = scaled(a, b, 1.0)
    low, high = trailing_bounds(a, _radii(b))
    brackets, norm = bracket(low[0], high[0], len(a))
    cuts = empty_sections(2)
    while is_wide(brackets, norm):
        cut(brackets, cuts.shifts)
        rows = _outer_counts(entries, squares, low, high, cuts)
        for end in range(2):
            narrow(end, cuts, rows, norm, brackets)
    lower, upper, _, _ = brackets
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


@jit
def inner_edges(edges, one, other, n):
    """First and last (exclusive) of the edges that eigenvalues from `one` to `other` need counting at.

    Below them are no eigenvalues, above them all n; both ends are known to a few ulp of the larger.
    """
    slack = 4 * n * EPS * max(abs(one), abs(other))
    low, high = min(one, other) - slack, max(one, other) + slack
    # An edge that equals the largest eigenvalue has fewer than n below it.
    return np.searchsorted(edges, low), np.searchsorted(edges, high, side="right")
