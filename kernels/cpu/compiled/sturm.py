"""Sturm counts of symmetric tridiagonal matrices, vectorised over the shifts.

The number of eigenvalues of T below x is the number of changes of sign along the leading principal minors of
T - x,

    p_0 = 1,    p_1 = a_1 - x,    p_i = (a_i - x) p_(i-1) - b_(i-1)^2 p_(i-2)

(Givens 1954), which take no division. A matrix of entries near 1 makes them grow or shrink by a few bits a
row; every `STRETCH` rows they are brought back near 1. Where they leave the range of numbers before that, the
eigenvalues below that shift are counted again by the pivots q_i = p_i / p_(i-1) of T - x = L D L^T,

    q_1 = a_1 - x,    q_i = (a_i - x) - b_(i-1)^2 / q_(i-1)

(Barth, Martin & Wilkinson 1967; LAPACK DLAEBZ), a chain of divisions that nothing stops. Either count is
right for a matrix within a few eps |T|. Counts at several shifts are independent: the inner loop runs over
them and fills the vector registers.
"""

import math

import numpy as np

from .exp import as_bits, as_float
from .jit import inlined, jit
from .memory import load, store

STRETCH = 32
"""Rows between two looks at the minors: entries below 1 and shifts below 4 make them grow to 2^84 at most."""
SIGN, FRACTION = 63, 52
"""Place of the sign among the bits of a float64, and number of those of its fraction."""
BIAS, MODULUS = 1023, 2**63 - 1
"""Exponent field of 1, and the bits of |x| among those of x."""
LOWEST, HIGHEST = BIAS - 900, BIAS + 900
"""Exponents of minors that were normal numbers all along the stretch that they end."""
OUT_OF_RANGE = 2**50
"""More than all powers of two that are taken out of minors."""


@jit
def unit_of(a, b):
    """Power of two (exact to multiply by) that brings the largest entry near 1: no square overflows."""
    largest = 0.0
    for x in a:
        largest = max(largest, abs(x))
    for x in b:
        largest = max(largest, abs(x))
    # At most 2^1000: the inverse of a subnormal number would overflow.
    return math.ldexp(1.0, min(-math.frexp(largest)[1], 1000))


@jit
def scaled(a, b, unit):
    """Entries unit a_i (n,) and the squares of those before them, (unit b_(i-1))^2, with 0 for the first."""
    entries, squares = np.empty(len(a)), np.empty(len(a))
    for i in range(len(a)):
        entries[i] = unit * a[i]
        before = unit * b[i - 1] if i > 0 else 0.0
        squares[i] = before * before
    return entries, squares


@inlined
def change(x, y):
    """-1 where the signs of x and y differ, else 0."""
    return (as_bits(x) ^ as_bits(y)) >> SIGN


@jit
def advance(entries, squares, first, last, shifts, minors, counts):
    """Take minors (2, k), the last and the one before, past rows first, ..., last - 1; add to `counts`."""
    p, q, count = minors[0], minors[1], len(shifts)
    whole = first + (last - first) // 4 * 4
    for i in range(first, whole, 4):
        a1, a2, a3, a4 = entries[i], entries[i + 1], entries[i + 2], entries[i + 3]
        b1, b2, b3, b4 = squares[i], squares[i + 1], squares[i + 2], squares[i + 3]
        for j in range(count):
            x, p0 = load(shifts, j, 0), load(p, j, 1)
            p1 = (a1 - x) * p0 - b1 * load(q, j, 2)
            p2 = (a2 - x) * p1 - b2 * p0
            p3 = (a3 - x) * p2 - b3 * p1
            p4 = (a4 - x) * p3 - b4 * p2
            store(p, j, p4, 1)
            store(q, j, p3, 2)
            changes = (change(p0, p1) + change(p1, p2)) + (change(p2, p3) + change(p3, p4))
            store(counts, j, load(counts, j, 3) - changes, 3)
    for i in range(whole, last):
        entry, square = entries[i], squares[i]
        for j in range(count):
            p0 = load(p, j, 1)
            p1 = (entry - load(shifts, j, 0)) * p0 - square * load(q, j, 2)
            store(p, j, p1, 1)
            store(q, j, p0, 2)
            store(counts, j, load(counts, j, 3) - change(p0, p1), 3)


@inlined
def powers_taken(exponent):
    """Power of two that brings a number of that exponent field near 1, or OUT_OF_RANGE."""
    return exponent - BIAS + (OUT_OF_RANGE if (exponent < LOWEST) | (exponent > HIGHEST) else 0)


@jit
def rescale(minors, powers):
    """Bring the larger of both minors of each shift near 1; whether none had left the range of numbers.

    The powers of two taken out are added to powers (k,), int64, and OUT_OF_RANGE where they had left it.
    """
    p, q = minors[0], minors[1]
    worst = np.int64(0)
    for j in range(len(p)):
        x, y = load(p, j, 1), load(q, j, 2)
        # The bits of numbers without a sign are in their order.
        exponent = max(as_bits(x) & MODULUS, as_bits(y) & MODULUS) >> FRACTION
        power = min(load(powers, j, 4) + powers_taken(exponent), OUT_OF_RANGE)
        worst = max(worst, power)
        factor = as_float((2 * BIAS - exponent) << FRACTION)
        store(p, j, x * factor, 1)
        store(q, j, y * factor, 2)
        store(powers, j, power, 4)
    return worst < OUT_OF_RANGE // 2


@jit
def start(shifts, unit, within, minors, counts):
    """Shifts in units of 1/unit into `within`, held to where no eigenvalue is beyond them; first minors."""
    for j in range(len(shifts)):
        within[j] = max(-4.0, min(unit * shifts[j], 4.0))
    minors[0] = 1.0
    minors[1] = 0.0
    counts[:] = 0


@jit
def pivot_rows(entries, squares, first, last, shifts, pivots, counts):
    """Eliminate rows first, ..., last - 1 at all shifts; `pivots` are those of the row before, then the last.

    A pivot nearer to zero than the smallest safe number is moved to the positive side.
    """
    tiny = np.finfo(np.float64).tiny
    for i in range(first, last):
        entry, square = entries[i], squares[i]
        for j in range(len(shifts)):
            q = (entry - shifts[j]) - square / pivots[j]
            q = tiny if abs(q) < tiny else q
            counts[j] += q < 0
            pivots[j] = q


@jit
def _settle(entries, squares, shifts, minors, powers, counts):
    """Counts that the minors leave open.

    An eigenvalue that equals the shift is not below it: a last minor of 0 changes no sign. Where minors left
    the range of numbers, at any shift, pivots count: no count depends on what the other shifts are.
    """
    lost = 0
    for j in range(len(counts)):
        lost += powers[j] >= OUT_OF_RANGE // 2
        if minors[0, j] == 0:
            counts[j] += change(minors[0, j], minors[1, j])
    if lost > 0:
        pivots, by_pivots = np.ones(len(counts)), np.zeros(len(counts), np.int64)
        pivot_rows(entries, squares, 0, len(entries), shifts, pivots, by_pivots)
        for j in range(len(counts)):
            if powers[j] >= OUT_OF_RANGE // 2:
                counts[j] = by_pivots[j]


@jit
def _count(entries, squares, shifts, minors, counts):
    """Counts at shifts, scaled as the entries; `minors` and `counts` as `start` leaves them."""
    powers = np.zeros(len(shifts), np.int64)
    for first in range(0, len(entries), STRETCH):
        last = min(first + STRETCH, len(entries))
        advance(entries, squares, first, last, shifts, minors, counts)
        rescale(minors, powers)
    _settle(entries, squares, shifts, minors, powers, counts)


@jit
def without_zeros(a, b):
    """Number of rows left when zero rows at the end, which are eigenvalues 0, are taken away."""
    rows = len(a)
    while rows > 0 and a[rows - 1] == 0 and (rows == 1 or b[rows - 2] == 0):
        rows -= 1
    return rows


@jit
def counts_into(a, b, shifts, work, counts):
    """Number of eigenvalues below each shift into counts (k,); work (3, k) is work space."""
    within, minors = work[0], work[1:]
    rows = without_zeros(a, b)
    unit = unit_of(a[:rows], b[: max(rows - 1, 0)])
    entries, squares = scaled(a[:rows], b, unit)
    start(shifts, unit, within, minors, counts)
    _count(entries, squares, within, minors, counts)
    for j in range(len(shifts)):
        if shifts[j] > 0:
            counts[j] += len(a) - rows


@jit
def sturm_counts(diagonal, off_diagonal, shifts):
    """Number of eigenvalues of a tridiagonal matrix below each shift, (k,) int64.

    diagonal (n,), off_diagonal (n-1,) and shifts (k,) are float64; shifts in any order, infinities allowed.
    """
    counts = np.empty(len(shifts), np.int64)
    counts_into(diagonal, off_diagonal, shifts, np.empty((3, len(shifts))), counts)
    return counts


@jit
def bins_between(below, n, counts):
    """Of n eigenvalues those below the first edge, between edges, and at or above the last, (B+2,).

    From the numbers below each edge (B+1,), which rounding can keep from ascending where edges are a few ulp
    apart; the larger number holds then.
    """
    for k in range(1, below.size):
        below[k] = max(below[k], below[k - 1])
    counts[0], counts[-1] = below[0], n - below[-1]
    for k in range(1, below.size):
        counts[k] = below[k] - below[k - 1]


@jit
def histogram(diagonal, off_diagonal, edges):
    """Eigenvalues of a tridiagonal matrix below, between and at or above increasing edges: (B+2,) int64.

    diagonal (n,), off_diagonal (n-1,) and edges (B+1,) are float64.
    """
    counts = np.empty(len(edges) + 1, np.int64)
    bins_between(sturm_counts(diagonal, off_diagonal, edges), len(diagonal), counts)
    return counts


@jit
def bin_counts(a, b, edges, inner, work, below, counts):
    """Eigenvalues below the edges (B+1,), in the bins, and at or above, into counts (B+2,).

    `inner` are the first and last edges to count at. Work space: work (3, B+1) and below (B+1,), int64.
    """
    first, last = inner
    below[:first] = 0
    below[last:] = len(a)
    counts_into(a, b, edges[first:last], work[:, : last - first], below[first:last])
    bins_between(below, len(a), counts)
