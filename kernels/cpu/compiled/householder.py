"""Householder reduction of symmetric matrices to tridiagonal form, while they fit into the caches.

LAPACK's reduction multiplies the rest of the matrix with every reflector, and waits for it, before it may
change it. Here one pass over the rows applies the last rank-two change and multiplies with the next
reflector. The passes run along rows, which vectorises without reordering a sum: the bits are the same for
every vector width. Rows are padded to whole cache lines and come in groups of `GROUP`, with zeros in what was
added; passes begin on whole lines and groups. Columns and rows before the current one, which such a pass
takes along, are not needed any more: their entries of v, w and u are zero but for those of w, through which
they see one side of each reflection and stay bounded.
"""

import math

import numpy as np
from numba.extending import register_jitable

from .jit import inlined, jit
from .memory import load, store, whole_lines

LARGEST_BYTES = 5 << 18
"""Size of the largest matrix that `reduce_small` takes clearly less time for than LAPACK."""

GROUP = 4
"""Rows to a pass, which saves loads and stores of the vectors. Row i is in memory region i mod 4."""


@jit
def is_small(n, itemsize):
    """Whether `reduce_small` is the faster one for matrices of order n."""
    return n * n * itemsize <= LARGEST_BYTES


@register_jitable
def largest(itemsize):
    """Return the largest order that is small."""
    return int(math.sqrt(LARGEST_BYTES // itemsize))


@register_jitable
def work_size(n, itemsize):
    """Elements of work space that `reduce_small` needs for order n: a padded copy and four vectors."""
    return (-(-n // GROUP) * GROUP + 4) * whole_lines(n, itemsize)


@inlined
def _dot(x, y):
    """Sum of x_j y_j in eight partial sums, of whole lines: a single one would wait for its last addition."""
    zero = x.dtype.type(0)
    s0, s1, s2, s3, s4, s5, s6, s7 = zero, zero, zero, zero, zero, zero, zero, zero
    for j in range(0, x.size, 8):
        s0 += x[j] * y[j]
        s1 += x[j + 1] * y[j + 1]
        s2 += x[j + 2] * y[j + 2]
        s3 += x[j + 3] * y[j + 3]
        s4 += x[j + 4] * y[j + 4]
        s5 += x[j + 5] * y[j + 5]
        s6 += x[j + 6] * y[j + 6]
        s7 += x[j + 7] * y[j + 7]
    return ((s0 + s1) + (s2 + s3)) + ((s4 + s5) + (s6 + s7))


@inlined
def _unit(A):
    """Power of two near the largest entry of the upper triangle; neither it nor its inverse overflows."""
    largest = 0.0
    for i in range(len(A)):
        row = A[i, i:]
        top = row.dtype.type(0)
        for j in range(row.size):
            size = abs(row[j])
            top = size if size > top else top
        largest = max(largest, np.float64(top))
    limit = 100 if A.itemsize == 4 else 1000
    return math.ldexp(1.0, max(-limit, min(math.frexp(largest)[1], limit)))


@inlined
def _place(A, factor, padded):
    """Write factor A, read in its upper triangle, into the corner of `padded`, and zeros beside it."""
    n = len(A)
    for i in range(n):
        row = padded[i]
        for j in range(i, n):
            row[j] = factor * A[i, j]
        row[n:] = 0
    padded[n:] = 0
    for i in range(0, len(padded), GROUP):
        _mirror(padded, i)


@inlined
def _mirror(A, i):
    """Copy the group of rows from i on, right of the diagonal, to the columns below it."""
    for k in range(i, i + GROUP):
        for j in range(i, k):
            A[k, j] = A[j, k]
    r0, r1, r2, r3 = A[i], A[i + 1], A[i + 2], A[i + 3]
    for j in range(i + GROUP, len(A)):
        # All are loaded before any is stored: LLVM then stores them at once.
        x0, x1, x2, x3 = r0[j], r1[j], r2[j], r3[j]
        column = A[j, i : i + GROUP]
        column[0] = x0
        column[1] = x1
        column[2] = x2
        column[3] = x3


@inlined
def _reflector(row, k, rest, u):
    """Vector u, with u[k+1] = 1, and tau of the reflection 1 - tau u u^T that takes row[k+1:] to beta e_1.

    rest = row[first:] and u[first:] begin on the line that holds k + 1; row is destroyed.
    """
    alpha = row[k + 1]
    ahead = k + 2 - (row.size - rest.size)
    rest[:ahead] = 0
    square = _dot(rest, rest)
    # Entries are in units of the largest, beside which such small ones vanish. A square below the smallest
    # normal number would lose its digits, and u no longer be the vector of a reflection.
    if square < (2.0**-100 if row.itemsize == 4 else 2.0**-960):
        u[:] = 0
        u[ahead - 1] = 1
        return alpha, row.dtype.type(0)
    beta = row.dtype.type(-math.copysign(math.sqrt(alpha * alpha + square), alpha))
    inverse = row.dtype.type(1) / (alpha - beta)
    for j in range(rest.size // 8 * 8):
        u[j] = rest[j] * inverse
    u[ahead - 1] = 1
    return beta, (beta - alpha) / beta


@inlined
def _change_and_multiply(rows, v, w, vs, ws, us, ahead, count):
    """A group of rows -= v w^T + w v^T, and ahead += their product with us, from one column on.

    v, w and us are of these rows, vs and ws of the columns, `count` of them in whole lines.
    """
    r0, r1, r2, r3 = rows
    v0, v1, v2, v3 = v[0], v[1], v[2], v[3]
    w0, w1, w2, w3 = w[0], w[1], w[2], w[3]
    u0, u1, u2, u3 = us[0], us[1], us[2], us[3]
    for j in range(count // 8 * 8):
        vj, wj = load(vs, j, 4), load(ws, j, 5)
        x0 = load(r0, j, 0) - (v0 * wj + w0 * vj)
        x1 = load(r1, j, 1) - (v1 * wj + w1 * vj)
        x2 = load(r2, j, 2) - (v2 * wj + w2 * vj)
        x3 = load(r3, j, 3) - (v3 * wj + w3 * vj)
        store(r0, j, x0, 0)
        store(r1, j, x1, 1)
        store(r2, j, x2, 2)
        store(r3, j, x3, 3)
        store(ahead, j, load(ahead, j, 6) + ((u0 * x0 + u1 * x1) + (u2 * x2 + u3 * x3)), 6)


@inlined
def _pass(A, start, first, v, w, u, p):
    """A -= v w^T + w v^T and p = A u, on rows from the group of `start` and columns from `first` on."""
    ahead, vs, ws = p[first:], v[first:], w[first:]
    ahead[:] = 0
    for i in range(start // GROUP * GROUP, len(A), GROUP):
        rows = A[i, first:], A[i + 1, first:], A[i + 2, first:], A[i + 3, first:]
        _change_and_multiply(rows, v[i:], w[i:], vs, ws, u[i:], ahead, ahead.size)


@inlined
def _prepare(row, k, first, tau, p, u, v, w):
    """Vectors v = u and w = tau p - tau^2 (p u)/2 u of the next change, and that change of row k.

    That row is needed before the next pass, which then must leave it alone.
    """
    half = u.dtype.type(0.5) * tau * tau * _dot(p[first:], u[first:])
    wk, vk = tau * p[k] - half * u[k], u[k]
    rows, ps, us, vs, ws = row[first:], p[first:], u[first:], v[first:], w[first:]
    for j in range(rows.size // 8 * 8):
        x = tau * ps[j] - half * us[j]
        vs[j] = us[j]
        ws[j] = x
        rows[j] -= vk * x + wk * us[j]
    v[k] = 0
    w[k] = 0


@jit
def reduce_small(A, diagonal, off_diagonal, work):
    """Tridiagonal form, float64, of A (n, n), n >= 1, read in its upper triangle.

    `work` is work space (work_size(n, itemsize),) of the dtype of A, best on a cache line.
    """
    n, lane = len(A), 64 // A.itemsize
    width, height = -(-n // lane) * lane, -(-n // GROUP) * GROUP
    padded, vectors = work[: height * width].reshape(height, width), work[height * width :]
    v, w, u, p = (
        vectors[:width],
        vectors[width : 2 * width],
        vectors[2 * width : 3 * width],
        vectors[3 * width : 4 * width],
    )
    unit = _unit(A)
    _place(A, A.dtype.type(1 / unit), padded)
    v[:] = 0
    w[:] = 0
    u[:] = 0
    for k in range(n - 1):
        first = (k + 1) // lane * lane
        row = padded[k]
        diagonal[k] = unit * row[k]
        beta, tau = _reflector(row, k, row[first:], u[first:])
        off_diagonal[k] = unit * beta
        u[k] = 0
        _pass(padded, k + 1, first, v, w, u, p)
        _prepare(padded[k + 1], k + 1, first, tau, p, u, v, w)
    diagonal[n - 1] = unit * padded[n - 1, n - 1]
