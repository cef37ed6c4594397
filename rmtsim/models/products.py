"""Products of two factors of every sample, y_n = a_n (x) b_n, and their Gram matrix, by chunks of samples."""

import numpy as np
from numpy.typing import NDArray

from ..kernels import Operations

CHUNK_BYTES = 64 << 20
"""Products that are in memory at once."""
TILE = 128
"""Rows and columns of a matrix whose transpose stays in the second-level cache."""


def row_products(a: NDArray, b: NDArray) -> NDArray:
    """Return a_ni b_nj, shape (N, A, B), for a (N, A) and b (N, B). Fast where B is the longer of the two."""
    out = np.empty((len(a), a.shape[1], b.shape[1]), np.result_type(a, b))
    for i in range(a.shape[1]):
        np.multiply(a[:, i, None], b, out=out[:, i])
    return out


def fill_gram(kernels: Operations, a: NDArray, b: NDArray, factor: float, out: NDArray) -> None:
    """Write factor sum_n a_ni b_nj a_nk b_nl to out (A, B, A, B), which may be a view.

    Half of the products are summed, the other half are the same by symmetry.
    """
    N, A, B = len(a), a.shape[1], b.shape[1]
    total = np.zeros((A * B, A * B), a.dtype)
    chunk = max(1, CHUNK_BYTES // (A * B * a.itemsize))
    for start in range(0, N, chunk):
        here = slice(start, start + chunk)
        kernels.gram_sum(row_products(a[here], b[here]).reshape(-1, A * B), total)
    _mirror(total)
    # Row by row: strided reads of a row stay in the cache, strided writes over all of `out` would not.
    for i in range(A):
        for j in range(B):
            np.multiply(total[i * B + j].reshape(A, B), factor, out=out[i, j])


def _mirror(S: NDArray) -> None:
    """Copy the upper triangle to the lower one, in tiles."""
    for top in range(0, len(S), TILE):
        rows = slice(top, top + TILE)
        corner = S[rows, rows]
        corner[:] = np.triu(corner) + np.triu(corner, 1).T
        for left in range(top + TILE, len(S), TILE):
            S[left : left + TILE, rows] = S[rows, left : left + TILE].T
