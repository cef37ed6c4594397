"""Sums over pairs of samples that masses of output-layer blocks end in, in NumPy; theory.md, section 2."""

import numpy as np
from numpy.typing import NDArray

from .tops import TopTerms


def squared_gram(features: NDArray) -> NDArray[np.float64]:
    """K_nk = (x_n . x_k)^2 of features (N, k), shape (N, N)."""
    return squares(features @ features.T)


def squares(gram: NDArray) -> NDArray[np.float64]:
    """Squares of the entries of a Gram matrix, which may be overwritten."""
    gram = gram.astype(np.float64, copy=False)
    gram *= gram
    return gram


def mass_totals(
    K: NDArray[np.float64],
    products: NDArray,
    squared: NDArray,
    diagonal: NDArray,
    terms: TopTerms | None = None,
) -> NDArray[np.float64]:
    """Masses of all diagonal and of all off-diagonal blocks, shape (2,); theory.md (2.5).

    From K (N, N) and the upper triangles of the sums over the classes of p_n p_k, p_n^2 p_k^2 and w_n w_k,
    each (N, N), with w = p (1 - p). The first two leave out the top classes of confident samples, whose terms
    come apart (2.5a). `products` is overwritten.
    """
    tops = 0.0 if terms is None else _pairs_with_a_top(products, terms)
    # sum over c != e of p_c p_e p'_c p'_e = (p . p')^2 - p^2 . p'^2
    products *= products
    products -= squared
    products += tops
    return np.array([_upper_sum(K, diagonal), _upper_sum(K, products)]) / len(K) ** 2


def _pairs_with_a_top(products: NDArray, terms: TopTerms) -> NDArray[np.float64]:
    """Sum over c != e of p_c p_e p'_c p'_e where c or e is a top class of one of the samples, (N, N)."""
    either = terms.across + terms.across.T
    return 2 * (terms.across * terms.across.T + (either + terms.within) * products)


def _upper_sum(K: NDArray, upper: NDArray) -> float:
    """Sum of K_nk A_nk for symmetric K and a symmetric A of which the upper triangle is given."""
    total = 0.0
    for n in range(len(K)):
        total += 2 * float(np.dot(K[n, n:], upper[n, n:])) - K[n, n] * upper[n, n]
    return total
