"""Sums over pairs of samples that masses are made of, theory.md section 2, in float64.

A matrix (N, N) here is symmetric, and its upper triangle is what is read.
"""

import numpy as np

from . import lapack
from .jit import jit


@jit
def inner_products(rows, out):
    """Upper triangle of the inner products of rows (N, k), (N, N)."""
    if rows.size > 0:
        lapack.syrk(1.0, rows, 0.0, out, True)
    else:
        out[:] = 0


@jit
def sum_of_lanes(lanes):
    """Sum, by halves: few roundings, and the same for any machine."""
    n = lanes.size
    while n > 1:
        half = (n + 1) // 2
        for k in range(n - half):
            lanes[k] += lanes[half + k]
        n = half
    return lanes[0]


@jit
def squared_inner_sum(inner, A, lanes):
    """Sum over n, k of inner_nk^2 A_nk; lanes (N,) is work space."""
    n = len(inner)
    lanes[:] = 0
    for j in range(n):
        x, a = inner[j], A[j]
        lanes[j] += 0.5 * x[j] * x[j] * a[j]
        for k in range(j + 1, n):
            lanes[k] += x[k] * x[k] * a[k]
    return 2 * sum_of_lanes(lanes)


@jit
def block_masses(A, inner, pairs, lanes):
    """Sum over the rows r of A (R, N) of |sum_n A_rn x_n x_n^T|^2, from inner products of the x_n (N, N).

    pairs (N, N) is work space.
    """
    if A.size == 0:
        return 0.0
    lapack.syrk(1.0, A, 0.0, pairs)
    return squared_inner_sum(inner, pairs, lanes)


@jit
def feature_products(features, out):
    """Products z_i z_j, i <= j, of features (N, k), by rows of out (k (k+1) / 2, N); squares come first."""
    n, k = features.shape
    row = k
    for i in range(k):
        for s in range(n):
            out[i, s] = features[s, i] * features[s, i]
        for j in range(i + 1, k):
            for s in range(n):
                out[row, s] = features[s, i] * features[s, j]
            row += 1


@jit
def block_masses_by_entries(A, products, k, entries):
    """As `block_masses`, entry by entry of the blocks, from products (k (k+1) / 2, N) of `feature_products`.

    entries (k (k+1) / 2 * R,) is work space. It takes k (k+1) N R operations in place of N^2 R.
    """
    blocks = entries[: len(products) * len(A)].reshape(len(products), len(A))
    np.dot(products, A.T, blocks)
    total = 0.0
    for r in range(len(blocks)):
        row, once = blocks[r], 0.0
        for c in range(row.size):
            once += row[c] * row[c]
        total += once if r < k else 2 * once
    return total


@jit
def gated_sums(U, on, inner_x, inner_h, h, lanes):
    """Sum over j, k of U_jk x_jk (h_jk - h_j h_k), U (J, J) of the samples on (J,), h (J,) theirs.

    Without inner_h, (0, 0), the sum of U_jk x_jk.
    """
    n, plain = len(on), len(inner_h) == 0
    lanes[:n] = 0
    for j in range(n):
        u, x = U[j], inner_x[on[j]]
        if plain:
            for k in range(j, n):
                lanes[k] += u[k] * x[on[k]]
            lanes[j] -= 0.5 * u[j] * x[on[j]]
        else:
            g = inner_h[on[j]]
            for k in range(j, n):
                lanes[k] += u[k] * x[on[k]] * (g[on[k]] - h[j] * h[k])
            lanes[j] -= 0.5 * u[j] * x[on[j]] * (g[on[j]] - h[j] * h[j])
    return 2 * sum_of_lanes(lanes[:n]) if n > 0 else 0.0
