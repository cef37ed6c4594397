"""Householder reduction of small symmetric matrices to tridiagonal form.

LAPACK's reduction multiplies the rest of the matrix with every reflector, and waits for it, before it may
change it. Here one pass over the rows applies the last rank-two change and multiplies with the next
reflector. The passes run along rows, which vectorises without reordering a sum: the bits are the same for
every vector width. Matrices that fit the second-level cache are done in half of LAPACK's time; from about
`LARGEST` on its blocks win.
"""

import math

import numpy as np

from ._jit import inlined, jit

LARGEST = 80
"""Largest order that `reduce_small` takes less time for than LAPACK."""

WORK = 4
"""Work space of `reduce_small` per row."""


@inlined
def _scale(A, largest):
    """Bring the largest entry near 1 by a power of two, so that no square overflows; returns its inverse."""
    largest[:] = 0
    for i in range(len(A)):
        row = A[i]
        for j in range(largest.size):
            size = abs(row[j])
            largest[j] = size if size > largest[j] else largest[j]
    exponent = math.frexp(np.float64(largest.max()))[1]
    # The power must not overflow either.
    limit = 100 if A.itemsize == 4 else 1000
    exponent = max(-limit, min(exponent, limit))
    factor = A.dtype.type(math.ldexp(1.0, -exponent))
    for i in range(len(A)):
        row = A[i]
        for j in range(row.size):
            row[j] *= factor
    return math.ldexp(1.0, exponent)


@inlined
def _dot(x, y):
    """Sum of x_j y_j in four partial sums: a single one would wait for its last addition every time."""
    zero = x.dtype.type(0)
    s0, s1, s2, s3 = zero, zero, zero, zero
    whole = x.size - x.size % 4
    for j in range(0, whole, 4):
        s0 += x[j] * y[j]
        s1 += x[j + 1] * y[j + 1]
        s2 += x[j + 2] * y[j + 2]
        s3 += x[j + 3] * y[j + 3]
    for j in range(whole, x.size):
        s0 += x[j] * y[j]
    return (s0 + s1) + (s2 + s3)


@inlined
def _reflector(row, k, u):
    """Vector u, with u[k+1] = 1, and tau of the reflection 1 - tau u u^T that takes row[k+1:] to beta e_1."""
    square = _dot(row[k + 2 :], row[k + 2 :])
    alpha = row[k + 1]
    u[k + 1 :] = 0
    if square == 0:
        return alpha, row.dtype.type(0)
    beta = -math.copysign(math.sqrt(alpha * alpha + square), alpha)
    inverse = 1 / (alpha - beta)
    u[k + 1] = 1
    for j in range(k + 2, row.size):
        u[j] = row[j] * inverse
    return beta, (beta - alpha) / beta


@inlined
def _change_and_multiply(A, start, v, w, u, p):
    """A -= v w^T + w v^T and p = A u, on rows and columns from `start` on, two rows at a time."""
    n = len(A)
    ahead, vs, ws = p[start:], v[start:], w[start:]
    ahead[:] = 0
    for i in range(start, n - 1, 2):
        first, second = A[i, start:], A[i + 1, start:]
        v1, w1, u1, v2, w2, u2 = v[i], w[i], u[i], v[i + 1], w[i + 1], u[i + 1]
        for j in range(ahead.size):
            x = first[j] - (v1 * ws[j] + w1 * vs[j])
            y = second[j] - (v2 * ws[j] + w2 * vs[j])
            first[j] = x
            second[j] = y
            ahead[j] += u1 * x + u2 * y
    if (n - start) % 2 == 1:
        _change_row(A, n - 1, start, v, w)
        last, un = A[n - 1, start:], u[n - 1]
        for j in range(ahead.size):
            ahead[j] += un * last[j]


@inlined
def _change_row(A, i, start, v, w):
    """Row i of A -= v w^T + w v^T, from column `start` on."""
    row, vs, ws, vi, wi = A[i, start:], v[start:], w[start:], v[i], w[i]
    for j in range(row.size):
        row[j] -= vi * ws[j] + wi * vs[j]


@jit
def reduce_small(A, diagonal, off_diagonal, work):
    """Tridiagonal form, float64, of A (n, n), n >= 1, both triangles of which are read and destroyed.

    `work` is work space (n * WORK,) of the dtype of A.
    """
    n = len(A)
    v, w, u, p = work[:n], work[n : 2 * n], work[2 * n : 3 * n], work[3 * n : 4 * n]
    unit = _scale(A, p)
    v[:] = 0
    w[:] = 0
    for k in range(n):
        diagonal[k] = unit * A[k, k]
        if k == n - 1:
            break
        beta, tau = _reflector(A[k], k, u)
        off_diagonal[k] = unit * beta
        _change_and_multiply(A, k + 1, v, w, u, p)
        half = tau * tau * _dot(p[k + 1 :], u[k + 1 :]) / 2
        for j in range(k + 1, n):
            w[j] = tau * p[j] - half * u[j]
            v[j] = u[j]
        # The next row is needed before the next pass, which then must leave it alone.
        _change_row(A, k + 1, k + 1, v, w)
        v[k + 1] = 0
        w[k + 1] = 0
