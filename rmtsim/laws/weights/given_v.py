"""Limit masses of all blocks of the hidden ce model for one given V, theory.md (4.7).

Averages over h = relu(u), u ~ N(0, I_m), by randomised quasi-Monte Carlo. Squares of an average are products
of the averages of two independent randomisations, which leaves no bias.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import logsumexp

from ...blas import single_blas_thread
from ..averages.quadrature import replicate_mean, sobol_normals
from ..block_mass import BlockMass

Floats = NDArray[np.float64]

_REPLICATES = 16
_ENTRIES = 1 << 22
"""Entries n C of the probabilities of one randomisation."""
_MOST_W, _MOST_V = 13, 10
"""Logarithms of the number of points: the V-layer costs its square."""


@single_blas_thread
def masses_given_v(V: ArrayLike, layer: str, aspect_ratio: float) -> BlockMass:
    """Limits of |H|_F^2 / n, summed over the diagonal and over the off-diagonal blocks of a layer.

    Parameters
    ----------
    V : array_like, shape (C, m)
    layer : {"w", "v"}
        Blocks of n = d or n = m rows.
    aspect_ratio : float
        gamma = d/N, for layer "w".

    Returns
    -------
    BlockMass
        Errors are three standard errors over the randomisations.
    """
    values = np.asarray(V, dtype=np.float64)
    values = values - values.mean(axis=0)  # ce does not see a common offset
    most = _MOST_W if layer == "w" else _MOST_V
    points = max(4, min(most, int(np.log2(_ENTRIES / len(values)))))
    masses = _hidden_masses(values, points, aspect_ratio) if layer == "w" else _output_masses(values, points)
    mean, error = replicate_mean(masses)
    return BlockMass(float(mean[0]), float(mean[1]), float(error[0]), float(error[1]))


def _activations(m: int, log2_points: int, replicate: int) -> Floats:
    return np.maximum(sobol_normals(m, log2_points, replicate), 0.0)


def _probabilities(h: Floats, V: Floats) -> Floats:
    z = h @ V.T
    return np.asarray(np.exp(z - logsumexp(z, axis=1, keepdims=True)), dtype=np.float64)


def _hidden_masses(V: Floats, log2_points: int, gamma: float) -> Floats:
    """(E lambda)^2 + gamma E lambda^2 of (3.4), lambda_ij = D_i D_j (V^T B V)_ij."""
    m = V.shape[1]
    means, squares = [], []
    for replicate in range(_REPLICATES):
        h = _activations(m, log2_points, replicate)
        p, gates = _probabilities(h, V), (h > 0).astype(float)
        centre = p @ V
        products = (V[:, :, None] * V[:, None, :]).reshape(len(V), -1)
        inner = (p @ products).reshape(-1, m, m) - centre[:, :, None] * centre[:, None, :]
        weights = inner * gates[:, :, None] * gates[:, None, :]
        means.append(weights.mean(axis=0))
        squares.append(np.mean(weights**2, axis=0))

    def total(a: int, b: int) -> list[float]:
        table = means[a] * means[b] + gamma * (squares[a] + squares[b]) / 2
        return [float(np.trace(table)), float(table.sum() - np.trace(table))]

    return _over_pairs(total)


def _output_masses(V: Floats, log2_points: int) -> Floats:
    """|E B_ce h h^T|^2 / m summed over blocks: (2.5) between the samples of two randomisations."""
    m = V.shape[1]
    samples = [_activations(m, log2_points, replicate) for replicate in range(_REPLICATES)]
    probabilities = [_probabilities(h, V) for h in samples]

    def total(a: int, b: int) -> list[float]:
        overlaps = (samples[a] @ samples[b].T) ** 2 / (m * len(samples[a]) ** 2)
        p, q = probabilities[a], probabilities[b]
        diagonal = np.sum(overlaps * ((p * (1 - p)) @ (q * (1 - q)).T))
        return [float(diagonal), float(np.sum(overlaps * ((p @ q.T) ** 2 - p**2 @ (q**2).T)))]

    return _over_pairs(total)


def _over_pairs(total: Callable[[int, int], list[float]]) -> Floats:
    """Estimates from disjoint pairs of randomisations, which are independent."""
    return np.array([total(k, k + 1) for k in range(0, _REPLICATES, 2)])
