"""Sums over pairs of samples that masses of output-layer blocks end in, in NumPy; theory.md, section 2."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ._arguments import features_and_parameters
from ._checks import array


def squared_gram(features: NDArray) -> NDArray[np.float64]:
    """K_nk = (x_n . x_k)^2 of features (N, k), shape (N, N)."""
    return squares(features @ features.T)


def squares(gram: NDArray) -> NDArray[np.float64]:
    """Squares of the entries of a Gram matrix, which may be overwritten."""
    gram = gram.astype(np.float64, copy=False)
    gram *= gram
    return gram


def samples_and_normalizers(
    features: ArrayLike, V: object, log_z: ArrayLike | None
) -> tuple[NDArray, object, NDArray | None]:
    """Features (N, k), N >= 1, V (C, k) as it came, and log-normalizers (N,) if they are given."""
    rows, V = features_and_parameters(features, V)
    if len(rows) == 0:
        raise ValueError(f"features: expected at least one sample, got shape {rows.shape}")
    return rows, V, None if log_z is None else array(log_z, "log_z", (len(rows),), (np.float64,))


def mass_totals(
    K: NDArray[np.float64], products: NDArray, squared: NDArray, diagonal: NDArray
) -> NDArray[np.float64]:
    """Masses of all diagonal and of all off-diagonal blocks, shape (2,); theory.md (2.5).

    From K (N, N) and the upper triangles of the sums over the classes of p_n p_k, p_n^2 p_k^2 and q_n q_k,
    each (N, N). `products` is overwritten.
    """
    # sum over c != e of p_c p_e p'_c p'_e = (p . p')^2 - p^2 . p'^2
    products *= products
    products -= squared
    return np.array([_upper_sum(K, diagonal), _upper_sum(K, products)]) / len(K) ** 2


def _upper_sum(K: NDArray, upper: NDArray) -> float:
    """Sum of K_nk A_nk for symmetric K and a symmetric A of which the upper triangle is given."""
    total = 0.0
    for n in range(len(K)):
        total += 2 * float(np.dot(K[n, n:], upper[n, n:])) - K[n, n] * upper[n, n]
    return total
