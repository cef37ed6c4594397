"""Weighted Gram matrices H = (1/N) X^T diag(w) X and their tridiagonal forms: cores for compiled code.

They work in arrays that they are given, so that a loop over trials allocates nothing.
"""

import numpy as np

from . import householder, lapack
from .jit import jit


def tridiagonal_work(n: int, dtype: np.dtype) -> int:
    """Elements of work space that suffice `reduce_to_tridiagonal` and `weighted_form` for orders up to n.

    For LAPACK two diagonals, the reflectors, and what SYTRD asks for.
    """
    small = householder.work_size(min(n, householder.largest(dtype)), dtype)
    return max(small, n * (3 + lapack.SYTRD_WORK))


@jit
def _scale_rows(X, weights, scaled):
    """Fill `scaled` with sqrt|w_n| x_n, positive weights from the front, negative from the back."""
    front, back = 0, len(scaled)
    for n in range(len(X)):
        w = weights[n]
        if w == 0:
            continue
        if w < 0:
            back -= 1
            target = back
        else:  # NaN as well: it shows in the result
            target = front
            front += 1
        root = X.dtype.type(np.sqrt(abs(w)))
        for j in range(X.shape[1]):
            scaled[target, j] = root * X[n, j]
    return front, len(scaled) - back


@jit
def _signed_gram(rows, positive, negative, factor, out):
    """Upper triangle of factor (P^T P - M^T M), P the first rows and M the last ones, into out."""
    out[:] = 0
    if positive > 0:
        lapack.syrk(factor, rows[:positive], 0.0, out)
    if negative > 0:
        lapack.syrk(-factor, rows[len(rows) - negative :], 1.0, out)


@jit
def upper_gram(X, weights, scaled, out):
    """Upper triangle of (1/N) X^T diag(weights) X into out (d, d); `scaled` is work space like X."""
    positive, negative = _scale_rows(X, weights, scaled)
    _signed_gram(scaled, positive, negative, 1 / len(X), out)


@jit
def mirror(A):
    """Copy the upper triangle to the lower one, in tiles that stay in the first-level cache."""
    n, tile = len(A), 32
    for top in range(0, n, tile):
        for left in range(0, top + 1, tile):
            for i in range(top, min(top + tile, n)):
                for j in range(left, min(left + tile, i)):
                    A[i, j] = A[j, i]


@jit
def reduce_to_tridiagonal(A, diagonal, off_diagonal, work):
    """Tridiagonal form, float64, of A (n, n), read in its upper triangle and destroyed.

    `work` is work space (tridiagonal_work(n),) of the dtype of A.
    """
    n = len(A)
    if not householder.is_small(n, A.itemsize):
        a, b = work[:n], work[n : 2 * n]
        lapack.sytrd(A, a, b, work[2 * n : 3 * n], work[3 * n :])
        for i in range(n):
            diagonal[i] = a[i]
        for i in range(n - 1):
            off_diagonal[i] = b[i]
    elif n > 0:
        householder.reduce_small(A, diagonal, off_diagonal, work)


# ------------------------------------------------------------------------ fewer rows of nonzero weight than d
#
# H = R^T S R with R (r, d) the scaled rows, S = diag(+-1), r < d, has d - r eigenvalues that are exactly 0.
# The others are those of an r x r matrix: S R R^T where all signs agree. Otherwise the symmetric matrix
# U S U^T with R^T = Q U. (That S R R^T has the same eigenvalues, and Cholesky's U would do as well, is of no
# use: the one is not symmetric, and the other squares the condition number of R.)


@jit
def _lower_triangle(rows, triangle):
    """Move the lower triangle of rows[:, :r] (r, d) to triangle (r, r), which may lie in the same memory."""
    for i in range(len(triangle)):
        for j in range(i + 1):
            triangle[i, j] = rows[i, j]
        triangle[i, i + 1 :] = 0


@jit
def _square(flat, n):
    """A contiguous n x n matrix in the memory of `flat`."""
    return flat[: n * n].reshape(n, n)


@jit
def _dual_gram(rows, positive, factor, out, work):
    """Upper triangle of factor times the matrix above, of the scaled rows (r, d), destroyed."""
    r = len(rows)
    if positive == r:
        lapack.syrk(factor, rows, 0.0, out, True)
    elif positive == 0:
        lapack.syrk(-factor, rows, 0.0, out, True)
    else:
        lapack.geqrf(rows, work[:r], work[r : r + r * lapack.GEQRF_WORK])
        # A row of the triangle starts no later in memory than the row that it is read from.
        triangle = _square(rows.ravel(), r)
        _lower_triangle(rows, triangle)
        _signed_gram(triangle, positive, r - positive, factor, out)


@jit
def _close_gap(scaled, positive, negative):
    """Move the last rows behind the first ones; returns all of them."""
    r, N = positive + negative, len(scaled)
    if r < N:
        for i in range(negative):
            for j in range(scaled.shape[1]):
                scaled[positive + i, j] = scaled[N - negative + i, j]
    return scaled[:r]


@jit
def weighted_form(X, weights, scaled, gram, work, diagonal, off_diagonal):
    """Tridiagonal matrix, float64, with the eigenvalues of (1/N) X^T diag(weights) X.

    Work space of the dtype of X: scaled like X, gram (d, d), work (tridiagonal_work(d),).
    """
    d = X.shape[1]
    positive, negative = _scale_rows(X, weights, scaled)
    r = positive + negative
    if r >= d:
        _signed_gram(scaled, positive, negative, 1 / len(X), gram)
        reduce_to_tridiagonal(gram, diagonal, off_diagonal, work)
        return
    diagonal[r:] = 0
    off_diagonal[max(r - 1, 0) :] = 0
    if r > 0:
        dual = _square(gram.ravel(), r)
        _dual_gram(_close_gap(scaled, positive, negative), positive, 1 / len(X), dual, work)
        reduce_to_tridiagonal(dual, diagonal[:r], off_diagonal[: r - 1], work)
