"""Masses of all blocks of a network on some samples, in float64; theory.md (2.5)-(2.7) and section 2.

No block is formed. Work goes to sums over pairs of samples, of which BLAS makes all that takes long; classes
come in tiles, (classes, samples) each, as in `compiled.classes`. What the two losses do with a tile is in
`softmax_masses` and `square_masses`.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .activations import first, second
from .jit import jit
from .pair_sums import block_masses, block_masses_by_entries, feature_products, inner_products


class Samples(NamedTuple):
    """N samples as masses see them, with m = 0 for the linear model."""

    inputs: NDArray
    """(N, d); (0, d) for the linear model, whose features they are."""
    features: NDArray
    """What the output layer sees (N, k)."""
    activations: NDArray
    """Hidden activations by unit (m, N)."""
    slopes: NDArray
    """phi' of the pre-activations (m, N)."""
    curvatures: NDArray
    """phi'' of the pre-activations (m, N); (0, N) where it is zero almost everywhere."""
    means: NDArray
    """V^T p_n less the center of V (m, N); in the end V^T g_n, where the labels are known."""
    labels: NDArray
    """(N,) int64; (0,) where they are not known, and the masses between the layers are not asked for."""
    labelled: NDArray
    """Row y_n of V less the center (m, N)."""
    inner_x: NDArray
    """Inner products of the inputs (N, N); (0, 0) for the linear model."""
    inner_h: NDArray
    """Inner products of the features (N, N); (0, 0) for the linear model under mse."""


class PairWork(NamedTuple):
    """Work space for sums over pairs of samples and a tile of T classes."""

    products: NDArray
    """Sums over the classes (N, N)."""
    pairs: NDArray
    """(N, N), or of the order of the smaller of N and d for the linear model under mse"""
    lanes: NDArray
    """(N,)"""
    entries: NDArray
    """Products of features (E, N); E is 0 where blocks are too large to be formed entry by entry."""
    blocks: NDArray
    """Their sums over samples (E * T,)."""
    hidden_weights: NDArray
    """Sample weights of the blocks (w_i, w_j) (m (m+1) / 2, N): those of i = j, then those of j < i."""
    V: NDArray
    """A tile of V, less the center, and under ce a column of ones (T, m + 1)."""
    center: NDArray
    """(m,)"""
    p: NDArray
    q: NDArray
    """(T, N)"""
    on: NDArray
    """Samples whose gate is open (N,), int64."""
    of_unit: NDArray
    """Slopes, means and activations of a unit at these samples (3, N)."""
    beside: NDArray
    column: NDArray
    """Class factors of the columns of a cross block beside i, and of column i (T * N,)."""
    inputs: NDArray
    """Inputs at open gates (N, d); (0, d) where their inner products are fewer operations."""
    columns: NDArray
    """Column i of the cross blocks (T, d); (0, d) likewise."""
    covariances: NDArray
    """Sums over a tile of the class factors, weighted with V ((m + 1) * N,)."""


@jit
def see_samples(X, preactivations, features, phi, samples):
    """Fill `samples`, but for what follows from the classes."""
    code, slope = phi
    by_unit = samples.activations
    for n in range(features.shape[0]):
        for k in range(features.shape[1]):
            samples.features[n, k] = features[n, k]
    for i in range(by_unit.shape[0]):
        for n in range(by_unit.shape[1]):
            by_unit[i, n] = features[n, i]
            a = np.float64(preactivations[n, i])
            samples.slopes[i, n] = first(code, slope, a)
            if len(samples.curvatures) > 0:
                samples.curvatures[i, n] = second(code, slope, a)
    for n in range(samples.inputs.shape[0]):
        for k in range(samples.inputs.shape[1]):
            samples.inputs[n, k] = X[n, k]
    if len(samples.inner_x) > 0:
        inner_products(samples.inputs, samples.inner_x)
    if len(samples.inner_h) > 0:
        inner_products(samples.features, samples.inner_h)


@jit
def start_masses(samples, work):
    """Prepare sums over tiles of classes."""
    work.products[:] = 0
    work.hidden_weights[:] = 0
    if len(work.entries) > 0:
        feature_products(samples.features, work.entries)


@jit
def center_tile(part, work):
    """Write a tile of V (T, k), less the center, to work.V, and return it."""
    V = work.V[: len(part)]
    for c in range(part.shape[0]):
        for k in range(part.shape[1]):
            V[c, k] = np.float64(part[c, k]) - work.center[k]
        for k in range(part.shape[1], V.shape[1]):
            V[c, k] = 1
    return V


@jit
def pick_labelled(V, start, samples):
    """Copy rows of the tile V (T, m) of classes from `start` on to the samples with these labels."""
    for n in range(samples.labels.size):
        c = samples.labels[n] - start
        if 0 <= c < len(V):
            for i in range(len(samples.labelled)):
                samples.labelled[i, n] = V[c, i]


@jit
def output_masses(weights, samples, work):
    """Sum of the masses of output blocks with sample weights (R, N)."""
    if len(work.entries) > 0:
        k = samples.features.shape[1]
        return block_masses_by_entries(weights, work.entries, k, work.blocks)
    return block_masses(weights, samples.inner_h, work.pairs, work.lanes)


@jit
def pair_row(i, j, m):
    """Row of the weights of the block (w_i, w_j), j <= i."""
    return i if i == j else m + i * (i - 1) // 2 + j


@jit
def end_hidden_masses(samples, work, out):
    """Write N^2 times the masses of the W-layer, on the diagonal and beside it, (2.6)."""
    m, weights = len(samples.slopes), work.hidden_weights
    for i in range(len(samples.curvatures)):
        for n in range(weights.shape[1]):
            weights[i, n] += samples.curvatures[i, n] * samples.means[i, n]
    out[0] = block_masses(weights[:m], samples.inner_x, work.pairs, work.lanes)
    out[1] = 2 * block_masses(weights[m:], samples.inner_x, work.pairs, work.lanes)
