"""Weighted Gram matrices H = (1/N) X^T diag(w) X, their tridiagonal forms and masses, in compiled code.

Most work in arrays that they are given, so that a loop over trials allocates nothing.
"""

from typing import NamedTuple

import numpy as np
from numba.extending import register_jitable
from numpy.typing import NDArray

from . import householder, lapack
from .jit import jit
from .memory import square


class FormWork(NamedTuple):
    """Work space of `weighted_form` for N samples of d features, in the dtype of these."""

    weights: NDArray
    """Sample weights (N,), float64."""
    scaled: NDArray
    """(N, d)"""
    gram: NDArray
    """(d, d)"""
    reduction: NDArray
    """(tridiagonal_work(d, itemsize),)"""


@register_jitable
def tridiagonal_work(n, itemsize):
    """Elements of work space that suffice `reduce_to_tridiagonal` and `weighted_form` for orders up to n.

    For LAPACK two diagonals, the reflectors, and what SYTRD asks for.
    """
    small = householder.work_size(min(n, householder.largest(itemsize)), itemsize)
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
def weighted_gram(X, weights):
    """Weighted Gram matrix (1/n) X^T diag(weights) X, (d, d) of the dtype of X, exactly symmetric.

    X (n, d), n >= 1, is float32 or float64 and C-contiguous; weights (n,) are float64, of either sign.
    """
    out = np.empty((X.shape[1], X.shape[1]), X.dtype)
    upper_gram(X, weights, np.empty_like(X), out)
    mirror(out)
    return out


@jit
def add_gram(A, total):
    """Add A^T A to the upper triangle of total (N, N), for A (T, N)."""
    if A.size > 0:
        lapack.syrk(1.0, A, 1.0, total)


@jit
def masses(K, A):
    """Squared norms (1/N^2) a_r^T K a_r (R,), summed in float64, of the columns a_r of A (N, R)."""
    product, out = np.empty_like(A), np.zeros(A.shape[1])
    np.dot(K, A, product)
    for n in range(A.shape[0]):
        for r in range(A.shape[1]):
            out[r] += np.float64(A[n, r]) * np.float64(product[n, r])
    return out / len(A) ** 2


@jit
def reduce_to_tridiagonal(A, diagonal, off_diagonal, work):
    """Tridiagonal form, float64, of A (n, n), read in its upper triangle and destroyed.

    `work` is work space (tridiagonal_work(n, itemsize),) of the dtype of A.
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


@jit
def tridiagonal(A):
    """Diagonal (n,) and off-diagonal (n-1,), float64, of a tridiagonal matrix orthogonally similar to A.

    A (n, n) is float32 or float64, C-contiguous and symmetric: its upper triangle is read.
    """
    n = len(A)
    diagonal, off_diagonal = np.empty(n), np.empty(max(n - 1, 0))
    work = np.empty(tridiagonal_work(n, A.itemsize), A.dtype)
    reduce_to_tridiagonal(A.copy(), diagonal, off_diagonal, work)
    return diagonal, off_diagonal


@jit
def eigenvalues(A):
    """Ascending eigenvalues (n,), and how many entries beside the diagonal did not converge to zero."""
    diagonal, off_diagonal = tridiagonal(A)
    info = lapack.sterf(diagonal, off_diagonal) if len(A) > 0 else 0
    return diagonal, info


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
        triangle = square(rows.ravel(), r)
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
def weighted_form(X, work, diagonal, off_diagonal):
    """Tridiagonal matrix, float64, with the eigenvalues of (1/N) X^T diag(work.weights) X."""
    weights, scaled, gram, reduction = work
    d = X.shape[1]
    positive, negative = _scale_rows(X, weights, scaled)
    r = positive + negative
    if r >= d:
        _signed_gram(scaled, positive, negative, 1 / len(X), gram)
        reduce_to_tridiagonal(gram, diagonal, off_diagonal, reduction)
        return
    diagonal[r:] = 0
    off_diagonal[max(r - 1, 0) :] = 0
    if r > 0:
        dual = square(gram.ravel(), r)
        _dual_gram(_close_gap(scaled, positive, negative), positive, 1 / len(X), dual, reduction)
        reduce_to_tridiagonal(dual, diagonal[:r], off_diagonal[: r - 1], reduction)
