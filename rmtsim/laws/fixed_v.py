"""Limits of the hidden model for one V: masses of its layers under ce, theory.md (4.7), and its V-blocks.

Averages over h = relu(u), u ~ N(0, I_m), by randomised quasi-Monte Carlo. Squares of an average are products
of the averages of two independent randomisations, which leaves no bias.
"""

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from ..blas import single_blas_thread
from .averages.quasi_monte_carlo import replicate_mean, sobol_normals
from .masses import BlockMass
from .solver.measure import Floats, check_aspect_ratio
from .weights.conditions import Initialisation, check_choice, check_pair, check_readout
from .weights.hidden_joint import centred, replicates

_REPLICATES = 16
_ENTRIES = 1 << 22
"""Entries n C of the probabilities of one randomisation, or of those that are held at once."""
_MOST = {"w": 13, "v": 10}
"""Binary logarithms of the number of points: the V-layer costs its square."""


@single_blas_thread
def masses_given_v(V: ArrayLike, layer: str, aspect_ratio: float, w_std: float = 1.0) -> BlockMass:
    """Limits of |H|_F^2 / n, summed over the diagonal and over the off-diagonal blocks of a layer.

    Parameters
    ----------
    V : array_like, shape (C, m)
    layer : {"w", "v"}
        Blocks of n = d or n = m rows.
    aspect_ratio : float
        gamma = d/N, for layer "w".
    w_std : float, optional
        Of `Initialisation`.

    Returns
    -------
    BlockMass
        Errors are three standard errors over the randomisations.

    Raises
    ------
    ValueError
        Naming the argument.
    """
    gamma, w_std = check_aspect_ratio(aspect_ratio), Initialisation(w_std=w_std).w_std
    matrix = w_std * centred(check_readout(V))  # ReLU is homogeneous: V h with W of the standard scale
    check_choice("layer", layer, list(_MOST))
    points = max(4, min(_MOST[layer], int(np.log2(_ENTRIES / len(matrix)))))
    samples = [np.maximum(sobol_normals(matrix.shape[1], points, k), 0.0) for k in range(_REPLICATES)]
    masses = _hidden_masses(matrix, samples, gamma) if layer == "w" else _output_masses(matrix, samples)
    mean, error = replicate_mean(masses)
    masses_of_product = BlockMass(float(mean[0]), float(mean[1]), float(error[0]), float(error[1]))
    return masses_of_product.times(w_std ** (-4 if layer == "w" else 4))


def _probabilities(h: Floats, V: Floats) -> Floats:
    p = h @ V.T
    p -= p.max(axis=1, keepdims=True)
    np.exp(p, out=p)
    p /= p.sum(axis=1, keepdims=True)
    return p


def _hidden_masses(V: Floats, samples: list[Floats], gamma: float) -> Floats:
    """(E lambda)^2 + gamma E lambda^2 of (3.4), lambda_ij = D_i D_j (V^T B V)_ij."""
    m = V.shape[1]
    products = (V[:, :, None] * V[:, None, :]).reshape(len(V), -1)
    means, squares = [], []
    for h in samples:
        p, gates = _probabilities(h, V), (h > 0).astype(float)
        centre = p @ V
        inner = (p @ products).reshape(-1, m, m) - centre[:, :, None] * centre[:, None, :]
        weights = inner * gates[:, :, None] * gates[:, None, :]
        means.append(weights.mean(axis=0))
        squares.append(np.mean(weights**2, axis=0))

    def total(a: int, b: int) -> list[float]:
        table = means[a] * means[b] + gamma * (squares[a] + squares[b]) / 2
        return [float(np.trace(table)), float(table.sum() - np.trace(table))]

    return _over_pairs(total)


def _output_masses(V: Floats, samples: list[Floats]) -> Floats:
    """|E B_ce h h^T|^2 / m summed over blocks: (2.5) between the samples of two randomisations."""
    probabilities = [_probabilities(h, V) for h in samples]

    def total(a: int, b: int) -> list[float]:
        overlaps = (samples[a] @ samples[b].T) ** 2 / (V.shape[1] * len(samples[a]) ** 2)
        p, q = probabilities[a], probabilities[b]
        diagonal = np.sum(overlaps * ((p * (1 - p)) @ (q * (1 - q)).T))
        return [float(diagonal), float(np.sum(overlaps * ((p @ q.T) ** 2 - p**2 @ (q**2).T)))]

    return _over_pairs(total)


def _over_pairs(total: Callable[[int, int], list[float]]) -> Floats:
    """Estimates from disjoint pairs of randomisations, which are independent."""
    return np.array([total(k, k + 1) for k in range(0, _REPLICATES, 2)])


@single_blas_thread
def vv_limit(
    loss: str, V: ArrayLike, rows: tuple[int, int] = (0, 1), w_std: float = 1.0
) -> tuple[Floats, Floats]:
    """Limit of the hidden V-layer block H[v_c, v_e] given V, E[B_ce h h^T | V], theory.md (2.3).

    Parameters
    ----------
    loss : {"ce", "mse"}
    V : array_like, shape (C, m)
        Output weights.
    rows : (int, int), optional
        Classes (c, e), equal or not.
    w_std : float, optional
        Of `Initialisation`.

    Returns
    -------
    limit : ndarray, shape (m, m), float64
    error : ndarray, shape (m, m), float64
        Three standard errors of the quasi-Monte Carlo average; 0 for mse, whose limit is in closed form
        (1/2 on the diagonal and 1/(2 pi) off it, times w_std^2, if c = e, else 0).

    Raises
    ------
    ValueError
        Naming the argument.
    """
    w_std = Initialisation(w_std=w_std).w_std
    matrix = w_std * check_readout(V)
    check_choice("loss", loss, ["ce", "mse"])
    c, e = check_pair(rows, matrix.shape[0], diagonal=rows[0] == rows[1])
    m = matrix.shape[1]
    if loss == "mse":
        gram = np.full((m, m), 0.5 / math.pi) + (0.5 - 0.5 / math.pi) * np.eye(m)
        return w_std**2 * gram * float(c == e), np.zeros((m, m))
    moments = np.array([_class_second_moment(matrix, c, e, u) for u in replicates(matrix)])
    return replicate_mean(w_std**2 * moments)


def _class_second_moment(V: Floats, c: int, e: int, u: Floats) -> Floats:
    """Mean of B_ce h h^T over points, a bounded number at a time."""
    total = np.zeros((V.shape[1], V.shape[1]))
    size = max(1, _ENTRIES // len(V))
    for start in range(0, len(u), size):
        h = np.maximum(u[start : start + size], 0.0)
        p = _probabilities(h, V)
        total += (h * (p[:, c] * (float(c == e) - p[:, e]))[:, None]).T @ h
    return total / len(u)
