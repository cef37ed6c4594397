"""Weighted Gram matrices and dense symmetric matrices, compiled."""

import numpy as np

from .compiled import gram

weighted_gram = gram.weighted_gram
tridiagonal = gram.tridiagonal


def eigenvalues(A):
    """Tridiagonal form, then the QL iteration of LAPACK (STERF)."""
    spectrum, left = gram.eigenvalues(A)
    if left != 0:
        raise np.linalg.LinAlgError(f"eigenvalues: {left} of {len(spectrum)} eigenvalues did not converge")
    return spectrum


def gram_sum(A, total):
    """A rank-T update of BLAS (SYRK)."""
    gram.add_gram(A, total)
    return total
