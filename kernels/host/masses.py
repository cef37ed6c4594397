"""Squared inner products of samples, in NumPy; theory.md, section 2."""

import numpy as np
from numpy.typing import NDArray


def squared_gram(features: NDArray) -> NDArray[np.float64]:
    """K_nk = (x_n . x_k)^2 of features (N, k), shape (N, N)."""
    gram = (features @ features.T).astype(np.float64, copy=False)
    gram *= gram
    return gram
