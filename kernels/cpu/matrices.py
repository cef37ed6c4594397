"""Weighted Gram matrices and their spectra, compiled.

Each operation is a function for arrays from anywhere, which checks its arguments, over a compiled core that
works in the arrays it is given: a loop over trials calls the cores and allocates nothing.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..arguments.matrices import (
    bin_edges,
    kernel_and_vectors,
    nonempty_form,
    points,
    rows_and_total,
    samples_and_weights,
    symmetric,
    tridiagonal_form,
)
from .compiled import lapack
from .compiled.extremes import outer_eigenvalues
from .compiled.gram import mirror, reduce_to_tridiagonal, tridiagonal_work, upper_gram
from .compiled.jit import jit
from .compiled.sturm import bins_between, counts


@jit
def _weighted_gram(X, weights):
    out = np.empty((X.shape[1], X.shape[1]), X.dtype)
    upper_gram(X, weights, np.empty_like(X), out)
    mirror(out)
    return out


def weighted_gram(X: ArrayLike, weights: ArrayLike) -> NDArray:
    """Weighted Gram matrix (1/N) X^T diag(weights) X of theory.md (2.1)-(2.3).

    The rows are scaled by sqrt|weight| and multiplied with their own transposes, those of positive and of
    negative weight apart, which takes half the operations of a general product. Rows of weight zero cost
    nothing.

    Parameters
    ----------
    X : (N, d) float32 or float64, N >= 1
    weights : (N,) float32 or float64, of either sign

    Returns
    -------
    (d, d) array of the dtype of X, exactly symmetric

    Raises
    ------
    TypeError, ValueError
        For another dtype or shape.
    """
    rows, w = samples_and_weights(X, weights)
    return _weighted_gram(rows, w)


def tridiagonal(A: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Tridiagonal matrix orthogonally similar to a symmetric one: Householder reflections.

    Parameters
    ----------
    A : (n, n) float32 or float64, finite, symmetric: only the upper triangle is read

    Returns
    -------
    diagonal : (n,) float64
    off_diagonal : (n-1,) float64
        The reduction runs in the dtype of A.

    Raises
    ------
    TypeError, ValueError
        For another dtype, a matrix that is not square, or an entry that is not finite.
    """
    matrix = symmetric(A)
    a, b = np.empty(len(matrix)), np.empty(max(len(matrix) - 1, 0))
    reduce_to_tridiagonal(matrix.copy(), a, b, np.empty(tridiagonal_work(len(a), matrix.dtype), matrix.dtype))
    return a, b


@jit
def _all_eigenvalues(A, work):
    a, b = np.empty(len(A)), np.empty(max(len(A) - 1, 0))
    reduce_to_tridiagonal(A, a, b, work)
    info = lapack.sterf(a, b) if len(a) > 0 else 0
    return a, info


def eigenvalues(A: ArrayLike) -> NDArray[np.float64]:
    """All eigenvalues of a symmetric matrix, ascending.

    Parameters
    ----------
    A : (n, n) float32 or float64, finite, symmetric: only the upper triangle is read

    Returns
    -------
    (n,) float64 array, right to a small multiple of n eps |A| with eps of the dtype of A

    Raises
    ------
    TypeError, ValueError
        For another dtype, a matrix that is not square, or an entry that is not finite.
    numpy.linalg.LinAlgError
        If the QL iteration does not converge (LAPACK STERF).
    """
    matrix = symmetric(A).copy()
    work = np.empty(tridiagonal_work(len(matrix), matrix.dtype), matrix.dtype)
    found, info = _all_eigenvalues(matrix, work)
    if info != 0:
        raise np.linalg.LinAlgError(f"eigenvalues: {info} of {len(found)} eigenvalues did not converge")
    return found


def sturm_counts(diagonal: ArrayLike, off_diagonal: ArrayLike, shifts: ArrayLike) -> NDArray[np.int64]:
    """Number of eigenvalues of a tridiagonal matrix below each shift.

    The count is exact for a matrix within a few eps |T| of the given one, so that it can differ from the
    truth for a shift that near to an eigenvalue (Givens 1954; theory.md (8.1)).

    Parameters
    ----------
    diagonal : (n,) float32 or float64, finite
    off_diagonal : (n-1,) float32 or float64, finite
    shifts : (k,) float32 or float64 in any order, infinities allowed

    Returns
    -------
    (k,) int64 array

    Raises
    ------
    TypeError, ValueError
        For another dtype or shape, or NaN.
    """
    a, b = tridiagonal_form(diagonal, off_diagonal)
    return counts(a, b, points(shifts, "shifts"))


def histogram(diagonal: ArrayLike, off_diagonal: ArrayLike, edges: ArrayLike) -> NDArray[np.int64]:
    """Eigenvalues of a tridiagonal matrix counted in bins by Sturm sequences, none of them computed.

    Albrecht, Chan & Edelman 2009.

    Parameters
    ----------
    diagonal : (n,) float32 or float64, finite
    off_diagonal : (n-1,) float32 or float64, finite
    edges : (B+1,) float32 or float64, strictly increasing

    Returns
    -------
    (B+2,) int64 array
        Number below edges[0], in each of the B bins [edges[k], edges[k+1]), and at or above edges[B]; the sum
        is n.

    Raises
    ------
    TypeError, ValueError
        For another dtype or shape, NaN, or edges that do not increase.
    """
    a, b = tridiagonal_form(diagonal, off_diagonal)
    at = bin_edges(edges)
    below, found = counts(a, b, at), np.empty(len(at) + 1, np.int64)
    bins_between(below, len(a), found)
    return found


def extremes(diagonal: ArrayLike, off_diagonal: ArrayLike) -> NDArray[np.float64]:
    """Smallest and largest eigenvalue of a tridiagonal matrix, to a few eps |T|; theory.md (8.1).

    Parameters
    ----------
    diagonal : (n,) float32 or float64, finite, n >= 1
    off_diagonal : (n-1,) float32 or float64, finite

    Returns
    -------
    (2,) float64 array

    Raises
    ------
    TypeError, ValueError
        For another dtype or shape, or entries that are not finite.
    """
    a, b = nonempty_form(diagonal, off_diagonal)
    return np.array(outer_eigenvalues(a, b))


@jit
def trace_moments(a, b, out):
    """(1/n) tr T^k, k = 1..4, from the products of entries along closed walks of length k."""
    out[:] = 0
    n = len(a)
    for i in range(n):
        square = a[i] * a[i]
        out[0] += a[i]
        out[1] += square
        out[2] += square * a[i]
        out[3] += square * square
    for i in range(n - 1):
        edge, here, there = b[i] * b[i], a[i], a[i + 1]
        out[1] += 2 * edge
        out[2] += 3 * edge * (here + there)
        out[3] += 2 * edge * (2 * (here * here + here * there + there * there) + edge)
        if i + 1 < n - 1:
            out[3] += 4 * edge * b[i + 1] * b[i + 1]
    out /= n


def moments(diagonal: ArrayLike, off_diagonal: ArrayLike) -> NDArray[np.float64]:
    """First four spectral moments (1/n) tr T^k, k = 1..4, of a tridiagonal matrix, from traces in O(n).

    Their limits are theory.md (3.4).

    Parameters
    ----------
    diagonal : (n,) float32 or float64, finite, n >= 1
    off_diagonal : (n-1,) float32 or float64, finite

    Returns
    -------
    (4,) float64 array

    Raises
    ------
    TypeError, ValueError
        For another dtype or shape, or entries that are not finite.
    """
    out = np.empty(4)
    trace_moments(*nonempty_form(diagonal, off_diagonal), out)
    return out


@jit
def _add_gram(A, out):
    if A.size > 0:
        lapack.syrk(1.0, A, 1.0, out)


def gram_sum(A: ArrayLike, total: NDArray | None = None) -> NDArray:
    """Upper triangle of total + A^T A, for sums over classes that come in tiles; theory.md (2.5).

    Parameters
    ----------
    A : (T, N) float32 or float64
        With the softmax columns p (N, T) of a tile of classes, A = p^T.
    total : (N, N) of the dtype of A, optional
        Added to in place; zeros by default. The lower triangle is left alone.

    Returns
    -------
    (N, N) array: `total`, if given

    Raises
    ------
    TypeError, ValueError
        For another dtype or shape, or a total that cannot be written in place.
    """
    rows, out = rows_and_total(A, total)
    _add_gram(rows, out)
    return out


@jit
def quadratic_forms(K, A, product, out):
    """out_r = a_r^T K a_r summed in float64; `product` is work space of the shape of A."""
    np.dot(K, A, product)
    out[:] = 0
    for n in range(A.shape[0]):
        for r in range(A.shape[1]):
            out[r] += np.float64(A[n, r]) * np.float64(product[n, r])


def masses(K: ArrayLike, A: ArrayLike) -> NDArray[np.float64]:
    """Squared Frobenius norms |H_r|^2 = (1/N^2) a_r^T K a_r of weighted Gram matrices that are never formed.

    Parameters
    ----------
    K : (N, N) float32 or float64
        Squared inner products (x_n . x_k)^2 of the samples; theory.md, section 2.
    A : (N, R) of the dtype of K, N >= 1
        Sample weights of the R matrices, a column each.

    Returns
    -------
    (R,) float64 array

    Raises
    ------
    TypeError, ValueError
        For another dtype or shape.
    """
    kernel, vectors = kernel_and_vectors(K, A)
    out = np.empty(vectors.shape[1])
    quadratic_forms(kernel, vectors, np.empty_like(vectors), out)
    return out / len(vectors) ** 2
