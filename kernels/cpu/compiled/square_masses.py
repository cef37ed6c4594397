"""Masses under mean square, theory.md (2.5)-(2.7) with B_n = I: one pass over V, and no array of classes."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from . import lapack
from .jit import jit
from .masses import center_tile, pair_row, pick_labelled
from .memory import square
from .pair_sums import inner_products, sum_of_lanes


@jit
def add_square_tile(part, start, samples, work, gram):
    """Add a tile of V (T, m) to V^T V, (m, m); the center is 0."""
    tile = len(work.V)
    for first in range(0, len(part), tile):
        V = center_tile(part[first : first + tile], work)
        lapack.syrk(1.0, V, 1.0, gram)
        pick_labelled(V, start + first, samples)


@jit
def _squared_norm(features, work):
    """|Z^T Z|_F^2 of features Z (N, k), from the smaller of both products."""
    n, k = features.shape
    order = min(n, k)
    gram = square(work.pairs.ravel(), order)
    if n <= k:
        inner_products(features, gram)
    else:
        lapack.syrk(1.0, features, 0.0, gram)
    total = 0.0
    for i in range(order):
        row = 0.5 * gram[i, i] * gram[i, i]
        for j in range(i + 1, order):
            row += gram[i, j] * gram[i, j]
        total += 2 * row
    return total


@jit
def square_output_masses(n_classes, samples, work):
    """N^2 times the mass of the diagonal output blocks, all of which are one matrix."""
    return n_classes * _squared_norm(samples.features, work)


@jit
def fill_square_weights(gram, samples, work):
    """Sample weights of the W-layer, S_ij phi'_i phi'_j, and V^T g_n = S h_n - v_y into samples.means."""
    m, residuals, known = len(samples.slopes), samples.means, samples.labels.size > 0
    for i in range(m):
        for j in range(i):
            gram[i, j] = gram[j, i]
    np.dot(gram, samples.activations, residuals)
    for i in range(m):
        for n in range(residuals.shape[1]):
            residuals[i, n] -= samples.labelled[i, n] if known else 0.0
        for j in range(i + 1):
            out, first, second = work.hidden_weights[pair_row(i, j, m)], samples.slopes[i], samples.slopes[j]
            for n in range(out.size):
                out[n] = gram[i, j] * first[n] * second[n]


class CrossWork(NamedTuple):
    """Work space of `square_cross_masses`; empty where it is not asked for."""

    left: NDArray
    right: NDArray
    """Factors of inner products (2, m, N)."""
    squares: NDArray
    """(4, N, N)"""


@jit
def _inner_products(left, right, out):
    """Sums of products of left and right (2, m, N), for all pairs of samples (N, N)."""
    rows = 2 * left.shape[1]
    np.dot(left.reshape(rows, left.shape[2]).T, right.reshape(rows, left.shape[2]), out)


@jit
def _gate_products(gram, samples, work):
    """Sum phi'_ni phi'_ki over i, with 1, with S_ii, and with h_ni (V^T g_k)_i + h_ki (V^T g_n)_i, (N, N)."""
    h, slopes, residuals = samples.activations, samples.slopes, samples.means
    left = work.left[0]
    lapack.syrk(1.0, slopes, 0.0, work.squares[0])
    for i in range(slopes.shape[0]):
        root = np.sqrt(gram[i, i])
        for n in range(slopes.shape[1]):
            left[i, n] = root * slopes[i, n]
    lapack.syrk(1.0, left, 0.0, work.squares[1])
    for i in range(slopes.shape[0]):
        for n in range(slopes.shape[1]):
            work.left[0, i, n] = work.right[1, i, n] = slopes[i, n] * h[i, n]
            work.left[1, i, n] = work.right[0, i, n] = slopes[i, n] * residuals[i, n]
    _inner_products(work.left, work.right, work.squares[2])


@jit
def _residual_products(samples, work):
    """g_n.g_k = h_n.V^T g_k - v_yn.h_k, but for 1 where y_n = y_k, (N, N)."""
    h, residuals = samples.activations, samples.means
    for i in range(h.shape[0]):
        for n in range(h.shape[1]):
            work.left[0, i, n] = work.right[1, i, n] = h[i, n]
            work.left[1, i, n], work.right[0, i, n] = -samples.labelled[i, n], residuals[i, n]
    _inner_products(work.left, work.right, work.squares[3])


@jit
def square_cross_masses(gram, samples, work, lanes):
    """N^2 times the masses between the layers, (2.7): Q_n is V^T for every sample."""
    _gate_products(gram, samples, work)
    _residual_products(samples, work)
    gates, scaled, mixed, residual = work.squares[0], work.squares[1], work.squares[2], work.squares[3]
    y = samples.labels
    lanes[:] = 0
    for n in range(y.size):
        x, h = samples.inner_x[n], samples.inner_h[n]
        gate, scale, mix, g = gates[n], scaled[n], mixed[n], residual[n]
        for k in range(n, y.size):
            same = 1.0 if y[n] == y[k] else 0.0
            lanes[k] += x[k] * (scale[k] * h[k] + mix[k] + gate[k] * (g[k] + same))
        lanes[n] -= 0.5 * x[n] * (scale[n] * h[n] + mix[n] + gate[n] * (g[n] + 1))
    return 2 * sum_of_lanes(lanes)
