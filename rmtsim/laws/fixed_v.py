"""Limits of the hidden model for one V: masses of its layers under ce, theory.md (4.7), and its V-blocks.

Averages over h = phi(w_std u), u ~ N(0, I_m), by randomised quasi-Monte Carlo. Squares of an average are
products of the averages of two independent randomisations, which leaves no bias.
"""

import math
from collections.abc import Callable
from typing import Unpack

import numpy as np
from numpy.typing import ArrayLike

from ..blas import single_blas_thread
from .averages.log_ratio import normal_rule
from .averages.quasi_monte_carlo import quotient_error, replicate_mean, sobol_normals
from .masses import BlockMass
from .solver.measure import Floats, check_aspect_ratio
from .weights.activation import Activation
from .weights.checks import check_choice, check_pair, check_readout
from .weights.conditions import Initialisation, InitialisationOptions
from .weights.hidden_joint import N_REPLICATES, log2_count

_REPLICATES = 16
_ENTRIES = 1 << 22
"""Entries n C of the probabilities of one randomisation, or of those that are held at once."""
_MOST, _FEWEST = {"w": 13, "v": 10}, 6
"""Binary logarithms of the number of points: the V-layer costs its square."""


@single_blas_thread
def masses_given_v(
    V: ArrayLike,
    layer: str,
    aspect_ratio: float,
    *,
    tolerance: float = 0.0,
    **init: Unpack[InitialisationOptions],
) -> BlockMass:
    """Limits of |H|_F^2 / n, summed over the diagonal and over the off-diagonal blocks of a layer.

    Parameters
    ----------
    V : array_like, shape (C, m)
    layer : {"w", "v"}
        Blocks of n = d or n = m rows.
    aspect_ratio : float
        gamma = d/N, for layer "w".
    tolerance : float, optional
        Wanted relative error of the ratio of both: points are doubled until it is reached, or the most are
        taken.
    **init
        Options of `Initialisation`.

    Returns
    -------
    BlockMass
        Errors are three standard errors over the randomisations.
    """
    gamma, scales, matrix = check_aspect_ratio(aspect_ratio), Initialisation(**init), check_readout(V)
    matrix = matrix - matrix.mean(axis=0)  # softmax is blind to it
    check_choice("layer", layer, list(_MOST))
    most = max(4, min(_MOST[layer], int(np.log2(_ENTRIES / len(matrix)))))
    of_layer = _hidden_masses if layer == "w" else _output_masses
    for points in range(min(_FEWEST, most) if tolerance else most, most + 1):
        samples = [scales.w_std * sobol_normals(matrix.shape[1], points, k) for k in range(_REPLICATES)]
        values = of_layer(matrix, scales.phi, samples, gamma)
        mean, error = replicate_mean(values)
        diagonal, off, diagonal_error, off_error = (float(part) for part in (*mean, *error))
        mass = BlockMass(diagonal, off, diagonal_error, off_error, quotient_error(values))
        if mass.ratio.error <= tolerance * mass.ratio.value:
            break
    return mass


def _probabilities(h: Floats, V: Floats) -> Floats:
    p = h @ V.T
    p -= p.max(axis=1, keepdims=True)
    np.exp(p, out=p)
    p /= p.sum(axis=1, keepdims=True)
    return p


def _hidden_masses(V: Floats, phi: Activation, samples: list[Floats], gamma: float) -> Floats:
    """(E lambda)^2 + gamma E lambda^2 of (3.4), lambda_ij of (3.13), labels averaged in closed form."""
    m = V.shape[1]
    products = (V[:, :, None] * V[:, None, :]).reshape(len(V), -1)
    spread = np.mean(V**2, axis=0)
    means, squares = [], []
    for a in samples:
        p, slopes = _probabilities(phi.value(a), V), phi.derivative(a)
        centre = p @ V
        inner = (p @ products).reshape(-1, m, m) - centre[:, :, None] * centre[:, None, :]
        weights = inner * slopes[:, :, None] * slopes[:, None, :]
        scatter = np.zeros(m)
        if phi.second is not None:  # (V^T g)_i = centre_i - V_yi over labels y, V being centred
            bend = phi.second(a)
            np.einsum("nii->ni", weights)[:] += bend * centre
            scatter = np.mean(bend**2 * spread, axis=0)
        means.append(weights.mean(axis=0))
        squares.append(np.mean(weights**2, axis=0) + np.diag(scatter))

    def total(a: int, b: int) -> list[float]:
        table = means[a] * means[b] + gamma * (squares[a] + squares[b]) / 2
        return [float(np.trace(table)), float(table.sum() - np.trace(table))]

    return _over_pairs(total)


def _output_masses(V: Floats, phi: Activation, samples: list[Floats], gamma: float) -> Floats:
    """|E B_ce h h^T|^2 / m summed over blocks: (2.5) between the samples of two randomisations."""
    activations = [phi.value(a) for a in samples]
    probabilities = [_probabilities(h, V) for h in activations]

    def total(a: int, b: int) -> list[float]:
        overlaps = (activations[a] @ activations[b].T) ** 2 / (V.shape[1] * len(samples[a]) ** 2)
        p, q = probabilities[a], probabilities[b]
        diagonal = np.sum(overlaps * ((p * (1 - p)) @ (q * (1 - q)).T))
        return [float(diagonal), float(np.sum(overlaps * ((p @ q.T) ** 2 - p**2 @ (q**2).T)))]

    return _over_pairs(total)


def _over_pairs(total: Callable[[int, int], list[float]]) -> Floats:
    """Estimates from disjoint pairs of randomisations, which are independent."""
    return np.array([total(k, k + 1) for k in range(0, _REPLICATES, 2)])


@single_blas_thread
def vv_limit(
    loss: str, V: ArrayLike, rows: tuple[int, int] = (0, 1), **init: Unpack[InitialisationOptions]
) -> tuple[Floats, Floats]:
    """Limit of the hidden V-layer block H[v_c, v_e] given V, E[B_ce h h^T | V], theory.md (2.3).

    Parameters
    ----------
    loss : {"ce", "mse"}
    V : array_like, shape (C, m)
        Output weights.
    rows : (int, int), optional
        Classes (c, e), equal or not.
    **init
        Options of `Initialisation`.

    Returns
    -------
    limit : ndarray, shape (m, m), float64
    error : ndarray, shape (m, m), float64
        Three standard errors of the quasi-Monte Carlo average; 0 for mse, whose limit is in closed form
        (E phi^2 on the diagonal and (E phi)^2 off it if c = e, else 0).
    """
    matrix, scales = check_readout(V), Initialisation(**init)
    check_choice("loss", loss, ["ce", "mse"])
    c, e = check_pair(rows, matrix.shape[0], diagonal=rows[0] == rows[1])
    m = matrix.shape[1]
    if loss == "mse":
        mean, second = _activation_moments(scales.phi, scales.w_std)
        gram = np.full((m, m), mean**2) + (second - mean**2) * np.eye(m)
        return gram * float(c == e), np.zeros((m, m))
    points = log2_count(len(matrix))
    samples = [scales.w_std * sobol_normals(m, points, replicate) for replicate in range(N_REPLICATES)]
    return replicate_mean(np.array([_class_second_moment(matrix, scales.phi, c, e, a) for a in samples]))


def _activation_moments(phi: Activation, std: float) -> tuple[float, float]:
    """E phi(a) and E phi(a)^2, a ~ N(0, std^2): closed where there is a kink, else an analytic integrand."""
    if phi.slopes is not None:
        below, above = phi.slopes
        return std * (above - below) / math.sqrt(2 * math.pi), std**2 * (below**2 + above**2) / 2
    z, mass = normal_rule(0.05 / max(1.0, std), -9.0, 9.0)
    values = phi.value(std * z)
    return float(mass @ values), float(mass @ values**2)


def _class_second_moment(V: Floats, phi: Activation, c: int, e: int, a: Floats) -> Floats:
    """Mean of B_ce h h^T over points, a bounded number at a time."""
    total = np.zeros((V.shape[1], V.shape[1]))
    size = max(1, _ENTRIES // len(V))
    for start in range(0, len(a), size):
        h = phi.value(a[start : start + size])
        p = _probabilities(h, V)
        total += (h * (p[:, c] * (float(c == e) - p[:, e]))[:, None]).T @ h
    return total / len(a)
