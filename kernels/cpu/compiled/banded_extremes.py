"""Extreme eigenvalues of symmetric pentadiagonal matrices, by changes of sign among leading minors.

Elimination (`banded`) leaves q, u, p once columns 1, ..., i - 1 are gone. Times the minor D_(i-1) of those
columns, these and the determinant q p - u^2 are minors themselves, and take no division:

    w = D_(i-1) (1, q, u, p, q p - u^2),    of which w_0 = D_(i-1), w_1 = D_i, w_4 = D_(i+1)

    w_0' = w_1,    w_1' = w_4,    w_2' = b w_1 - c w_2,    w_3' = (a - x) w_1 - c^2 w_0
    w_4' = ((a - x) w_4 - c^2 w_3) + (2 b c w_2 - b^2 w_1)

with a, b, c the entries (i+2, i+2), (i+1, i+2), (i, i+2) that join. Few shifts wait for every step of the
chain of rows, and a step is a third of one with a division. Minors are brought back near 1 every `STRETCH`
rows; where they leave the range of numbers before that, all is counted again with a look every other row.

Unlike pivots of a definite matrix, minors can lose half of their digits, where two eigenvalues nearly
coincide in the matrix and in its leading blocks. What they find is therefore held against elimination on both
sides of each extreme eigenvalue, which is stable there, as Cholesky's is; where it says otherwise, it finds
the eigenvalue itself.
"""

import numpy as np

from .banded import joining, unit_of
from .exp import as_bits, as_float
from .jit import inlined, jit
from .memory import load, store
from .sturm import BIAS, FRACTION, MODULUS, OUT_OF_RANGE, STRETCH, change, powers_taken
from .tridiagonal_extremes import (
    EPS,
    SECTIONS,
    bracket,
    cut,
    empty_sections,
    is_wide,
    narrow,
    trailing_bounds,
)


@jit
def _radii(bands):
    """Sums of the moduli beside the diagonal in each row."""
    radii = np.zeros(bands.shape[1])
    for k in (1, 2):
        for i in range(len(radii) - k):
            radii[i] += abs(bands[k, i])
            radii[i + k] += abs(bands[k, i])
    return radii


@jit
def _first_minors(bands, shifts, minors, powers, counts):
    """Minors (5, k) before the first row is eliminated."""
    counts[:] = 0
    powers[:] = 0
    beside = bands[0, 1] if bands.shape[1] > 1 else 1.0
    for j in range(len(shifts)):
        q, u, p = bands[0, 0] - shifts[j], bands[1, 0], beside - shifts[j]
        minors[0, j], minors[1, j], minors[2, j], minors[3, j], minors[4, j] = 1.0, q, u, p, q * p - u * u


@inlined
def _next(w0, w1, w2, w3, w4, a, b, c, x):
    """Minors once another row is eliminated."""
    rest = a - x
    last = (rest * w4 - c * c * w3) + (2 * b * c * w2 - b * b * w1)
    return w1, w4, b * w1 - c * w2, rest * w1 - c * c * w0, last


@jit
def _advance(bands, first, last, shifts, minors, counts):
    """Take the minors past rows first, ..., last - 1; add the changes of sign to `counts`."""
    m0, m1, m2, m3, m4 = minors[0], minors[1], minors[2], minors[3], minors[4]
    whole = first + (last - first) // 2 * 2
    for i in range(first, whole, 2):
        a1, b1, c1 = joining(bands, 1.0, i)
        a2, b2, c2 = joining(bands, 1.0, i + 1)
        for j in range(len(shifts)):
            x = load(shifts, j, 0)
            w0, w1, w2, w3, w4 = (
                load(m0, j, 1),
                load(m1, j, 2),
                load(m2, j, 3),
                load(m3, j, 4),
                load(m4, j, 5),
            )
            changes = change(w0, w1) + change(w1, w4)
            w0, w1, w2, w3, w4 = _next(w0, w1, w2, w3, w4, a1, b1, c1, x)
            w0, w1, w2, w3, w4 = _next(w0, w1, w2, w3, w4, a2, b2, c2, x)
            store(counts, j, load(counts, j, 6) - changes, 6)
            store(m0, j, w0, 1)
            store(m1, j, w1, 2)
            store(m2, j, w2, 3)
            store(m3, j, w3, 4)
            store(m4, j, w4, 5)
    for i in range(whole, last):
        a, b, c = joining(bands, 1.0, i)
        for j in range(len(shifts)):
            counts[j] -= change(m0[j], m1[j])
            m0[j], m1[j], m2[j], m3[j], m4[j] = _next(m0[j], m1[j], m2[j], m3[j], m4[j], a, b, c, shifts[j])


@inlined
def _field(x):
    """Bits of |x|, in the order of such numbers."""
    return as_bits(x) & MODULUS


@jit
def _rescale(minors, powers):
    """Bring the largest minor of each shift near 1, as `sturm.rescale`."""
    m0, m1, m2, m3, m4 = minors[0], minors[1], minors[2], minors[3], minors[4]
    worst = np.int64(0)
    for j in range(len(m0)):
        w0, w1, w2, w3, w4 = load(m0, j, 1), load(m1, j, 2), load(m2, j, 3), load(m3, j, 4), load(m4, j, 5)
        size = max(max(_field(w0), _field(w1)), max(max(_field(w2), _field(w3)), _field(w4)))
        exponent = size >> FRACTION
        power = min(load(powers, j, 6) + powers_taken(exponent), OUT_OF_RANGE)
        worst = max(worst, power)
        factor = as_float((2 * BIAS - exponent) << FRACTION)
        store(m0, j, w0 * factor, 1)
        store(m1, j, w1 * factor, 2)
        store(m2, j, w2 * factor, 3)
        store(m3, j, w3 * factor, 4)
        store(m4, j, w4 * factor, 5)
        store(powers, j, power, 6)
    return worst < OUT_OF_RANGE // 2


@jit
def _definite(sign, q, u, p, b, c, bound, shift):
    """Whether sign times the rows that are left, less the shift, is diagonally dominant and so definite.

    Of these rows q, u, p are the first two entries of the first and the second one's diagonal, with b and c
    beside them; `bound` is Gershgorin's of the others.
    """
    dominant = sign * q >= abs(u) + abs(c) and sign * p >= abs(u) + b
    return dominant and sign * (bound - shift) >= 0


@jit
def _decided(bands, rows, low, high, sections):
    """Whether the rows that are left cannot change on which side of a shift its end of the spectrum lies."""
    shifts, minors, _, counts = sections
    b = abs(bands[1, rows + 1]) + abs(bands[2, rows + 1])
    c = bands[2, rows]
    for s in range(2 * SECTIONS):
        upper = s >= SECTIONS
        settled = counts[s] < rows if upper else counts[s] > 0
        bound, sign = (high, -1.0) if upper else (low, 1.0)
        if not settled:
            q, u, p = minors[1, s] / minors[0, s], minors[2, s] / minors[0, s], minors[3, s] / minors[0, s]
            if not _definite(sign, q, u, p, b, c, bound, shifts[s]):
                return False
    return True


@jit
def _counted_rows(bands, low, high, sections, stretch):
    """Count until every shift is decided; rows that took, or -1 where minors left the range of numbers."""
    shifts, minors, powers, counts = sections
    n = bands.shape[1]
    _first_minors(bands, shifts, minors, powers, counts)
    for first in range(0, n, stretch):
        rows = min(first + stretch, n)
        _advance(bands, first, rows, shifts, minors, counts)
        if not _rescale(minors, powers):
            return -1
        if rows + 2 < n and _decided(bands, rows, low[rows + 2], high[rows + 2], sections):
            return rows
    return n


@jit
def _definite_at(bands, shifts, signs, definite):
    """Whether sign (S - x) is positive definite at each shift: elimination meets positive pivots alone."""
    pivots, couplings, entries = np.empty(len(shifts)), np.empty(len(shifts)), np.empty(len(shifts))
    beside = bands[0, 1] if bands.shape[1] > 1 else 1.0
    for j in range(len(shifts)):
        definite[j] = True
        pivots[j] = signs[j] * (bands[0, 0] - shifts[j])
        couplings[j] = signs[j] * bands[1, 0]
        entries[j] = signs[j] * (beside - shifts[j])
    for i in range(bands.shape[1]):
        a, b, c = joining(bands, 1.0, i)
        for j in range(len(shifts)):
            q, u, p = load(pivots, j, 0), load(couplings, j, 1), load(entries, j, 2)
            x, sign = load(shifts, j, 3), load(signs, j, 4)
            definite[j] &= q > 0
            inverse = 1.0 / q
            ratio = u * inverse
            store(pivots, j, p - ratio * u, 0)
            store(couplings, j, sign * b - ratio * (sign * c), 1)
            store(entries, j, sign * (a - x) - c * c * inverse, 2)


@jit
def _confirmed(bands, brackets, slack):
    """Whether elimination finds both extreme eigenvalues in their brackets, widened by `slack`."""
    lower, upper, _, _ = brackets
    shifts = np.array([lower[0] - slack, upper[0] + slack, lower[1] - slack, upper[1] + slack])
    definite = np.empty(4, np.bool_)
    _definite_at(bands, shifts, np.array([1.0, 1.0, -1.0, -1.0]), definite)
    return definite[0] and not definite[1] and not definite[2] and definite[3]


@jit
def _bisect(bands, norm, brackets):
    """Narrow brackets of both extreme eigenvalues by elimination alone, in equal sections."""
    signs, definite = np.ones(2 * SECTIONS), np.empty(2 * SECTIONS, np.bool_)
    cuts = empty_sections(1)
    cuts.minors[:] = np.nan  # no values that a guess could be made from
    signs[SECTIONS:] = -1.0
    while is_wide(brackets, norm):
        cut(brackets, cuts.shifts)
        _definite_at(bands, cuts.shifts, signs, definite)
        for s in range(SECTIONS):
            cuts.counts[s] = 0 if definite[s] else 1
            cuts.counts[SECTIONS + s] = 2 if definite[SECTIONS + s] else 1
        for end in range(2):
            narrow(end, cuts, 2, norm, brackets)


@jit
def _search(bands, low, high, norm, brackets):
    """Narrow brackets of both extreme eigenvalues by minors; whether these stayed in the range of numbers."""
    cuts = empty_sections(5)
    while is_wide(brackets, norm):
        cut(brackets, cuts.shifts)
        rows = _counted_rows(bands, low, high, cuts, STRETCH)
        if rows < 0:
            rows = _counted_rows(bands, low, high, cuts, 2)
        if rows < 0:
            return False
        for end in range(2):
            narrow(end, cuts, rows, norm, brackets)
    return True


@jit
def _outer_eigenvalues(bands):
    """Both extreme eigenvalues to a few ulp of |S|; entries near 1."""
    low, high = trailing_bounds(bands[0], _radii(bands))
    brackets, norm = bracket(low[0], high[0], bands.shape[1])
    within_range = _search(bands, low, high, norm, brackets)
    if not within_range or not _confirmed(bands, brackets, 16 * EPS * norm):
        brackets, norm = bracket(low[0], high[0], bands.shape[1])
        _bisect(bands, norm, brackets)
    return (brackets.lower + brackets.upper) / 2


@jit
def outer_eigenvalues(bands, order):
    """Smallest and largest eigenvalue, to a few ulp of |S|, where `order` - n of them are 0."""
    if bands.shape[1] == 0:
        return 0.0, 0.0
    unit = unit_of(bands)  # in units near 1
    low, high = _outer_eigenvalues(unit * bands)
    if order > bands.shape[1]:
        low, high = min(low, 0.0), max(high, 0.0)
    return low / unit, high / unit
