"""Weight laws of the hidden model given V, theory.md section 3, and the limit of its V-layer blocks (2.3)."""

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...blas import single_blas_thread
from ..averages.quadrature import replicate_mean, sobol_normals
from .joint import JointWeights, Sector

Floats = NDArray[np.float64]

_N_REPLICATES = 8
# Points of one replicate: as many as the budget of softmax entries allows, within these powers of 2.
_LOG2_ENTRIES, _LOG2_LEAST, _LOG2_MOST = 28, 8, 13
# Softmax entries held at once: 32 MiB of float64.
_TILE_ENTRIES = 2**22


def check_readout(V: ArrayLike | None) -> Floats:
    """Check the output weights V (C, m): finite, at least 2 classes and 1 unit."""
    if V is None:
        raise ValueError("V: expected the output weights (n_classes, n_hidden) of the hidden model, got None")
    matrix = np.asarray(V, dtype=np.float64)
    if matrix.ndim != 2 or matrix.shape[0] < 2 or matrix.shape[1] < 1:
        raise ValueError(f"V: expected shape (n_classes >= 2, n_hidden >= 1), got {matrix.shape}")
    if not np.isfinite(matrix).all():
        raise ValueError("V: expected finite numbers, got NaN or infinity")
    return matrix


def check_pair(rows: tuple[int, int], size: int, diagonal: bool) -> tuple[int, int]:
    """Check the two indices of a block; a diagonal block uses the first alone."""
    i, j = int(rows[0]), int(rows[0] if diagonal else rows[1])
    if not (0 <= i < size and 0 <= j < size):
        raise ValueError(f"rows: expected indices from 0 to {size - 1}, got {tuple(rows)}")
    if not diagonal and i == j:
        raise ValueError(f"rows: expected two different indices for an off-diagonal block, got {tuple(rows)}")
    return i, j


def hidden_mse(block: str) -> JointWeights:
    """Weights 1(u_i > 0) 1(u_j > 0), in units of S_ij = (V^T V)_ij.

    On a diagonal block E[lambda u_i^2] = E lambda, so that no outlier is possible. Off it the two open gates
    leave E u u^T with 1 on the diagonal and 2/pi off it: the sectors are u_i + u_j and u_i - u_j.
    """
    if block == "ww_diag":
        return JointWeights(np.array([0.0, 1.0]), np.array([0.5, 0.5]), (), "exact")
    sectors = tuple(Sector(np.array([[1.0], [math.sqrt(1 + sign * 2 / math.pi)]])) for sign in (1, -1))
    return JointWeights(np.array([0.0, 1.0]), np.array([0.75, 0.25]), sectors, "exact")


def hidden_ce(V: ArrayLike | None, rows: tuple[int, int], diagonal: bool) -> JointWeights:
    """Weights 1(u_i > 0) 1(u_j > 0) (V^T B V)_ij, p = softmax(V relu(u)), u ~ N(0, I_m), given V.

    The gates are integrated exactly (u_i and u_j are folded to positive values), the rest by randomised
    quasi-Monte Carlo: scrambled Sobol points with fixed seeds, so that the same V gives the same law.
    """
    V = centred(check_readout(V))
    i, j = check_pair(rows, V.shape[1], diagonal)
    replicates = [_open_weights(V, i, j, u) for u in _replicates(V)]
    open_probability = 0.5 if diagonal else 0.25
    values = np.array([weights for weights, _ in replicates])
    n_points = values.size
    directions = np.vstack([np.zeros(V.shape[1]), *(u for _, u in replicates)])
    return JointWeights(
        np.append(0.0, values.ravel()),
        np.append(1 - open_probability, np.full(n_points, open_probability / n_points)),
        (Sector(directions),),
        f"{n_points} scrambled Sobol points in {_N_REPLICATES} replicates",
    )


def _replicates(V: Floats) -> Iterator[Floats]:
    n_classes, n_hidden = V.shape
    budget = _LOG2_ENTRIES - math.ceil(math.log2(n_classes * _N_REPLICATES))
    log2_points = min(max(budget, _LOG2_LEAST), _LOG2_MOST)
    for replicate in range(_N_REPLICATES):
        yield sobol_normals(n_hidden, log2_points, replicate)


def centred(V: Floats) -> Floats:
    """V less its mean over classes, to which softmax is blind: an offset would cost digits."""
    return V - V.mean(axis=0)


def _open_weights(V: Floats, i: int, j: int, u: Floats) -> tuple[Floats, Floats]:
    """Weights and points with both gates open: covariances of columns i and j of V under p."""
    u[:, [i, j]] = np.abs(u[:, [i, j]])
    return covariances(V, i, j, u, np.ones(1))[:, 0], u


def covariances(V: Floats, i: int, j: int, u: Floats, radii: Floats) -> Floats:
    """Covariances (V^T B V)_ij under softmax(r V relu(u)) for each point u and radius r.

    The class of the largest logit, the same at every radius, is split off: the sums run over the others, so
    that nothing cancels where it takes nearly all the probability.

    Parameters
    ----------
    V : ndarray, shape (C, m)
    i, j : int
    u : ndarray, shape (n, m)
    radii : ndarray, shape (k,)
        Above zero.

    Returns
    -------
    ndarray, shape (n, k)
    """
    columns = np.stack([np.ones(len(V)), V[:, i], V[:, j], V[:, i] * V[:, j]], axis=1)
    size = max(1, _TILE_ENTRIES // (len(V) * radii.size))
    return np.concatenate(
        [_tile_covariances(V, columns, u[start : start + size], radii) for start in range(0, len(u), size)]
    )


def _tile_covariances(V: Floats, columns: Floats, u: Floats, radii: Floats) -> Floats:
    logits = np.maximum(u, 0.0) @ V.T
    top = logits.argmax(axis=1)
    points = np.arange(len(u))
    logits -= logits[points, top][:, None]
    terms = np.exp(logits[:, None, :] * radii[:, None])
    terms[points, :, top] = 0.0
    total, first, second, product = np.moveaxis(terms @ columns, 2, 0)
    a, b = (columns[top, k][:, None] for k in (1, 2))
    whole = 1 + total
    product = product - a * second - b * first + a * b * total
    return product / whole - (first - a * total) * (second - b * total) / whole**2


def _softmax_tiles(V: Floats, u: Floats) -> Iterator[tuple[Floats, Floats]]:
    """Hidden activations and class probabilities of points, a bounded number at a time."""
    size = max(1, _TILE_ENTRIES // V.shape[0])
    for start in range(0, len(u), size):
        h = np.maximum(u[start : start + size], 0.0)
        p = h @ V.T
        p -= p.max(axis=1, keepdims=True)
        np.exp(p, out=p)
        p /= p.sum(axis=1, keepdims=True)
        yield h, p


@single_blas_thread
def vv_limit(
    loss: str, V: ArrayLike, rows: tuple[int, int] = (0, 1)
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Limit of the hidden V-layer block H[v_c, v_e] given V, E[B_ce h h^T | V], theory.md (2.3).

    Parameters
    ----------
    loss : {"ce", "mse"}
    V : array_like, shape (C, m)
        Output weights.
    rows : (int, int), optional
        Classes (c, e), equal or not.

    Returns
    -------
    limit : ndarray, shape (m, m), float64
    error : ndarray, shape (m, m), float64
        Three standard errors of the quasi-Monte Carlo average; 0 for mse, whose limit is in closed form
        (1/2 on the diagonal and 1/(2 pi) off it if c = e, else 0).

    Raises
    ------
    ValueError
        Naming the argument.
    """
    matrix = check_readout(V)
    c, e = check_pair(rows, matrix.shape[0], diagonal=rows[0] == rows[1])
    m = matrix.shape[1]
    if loss == "mse":
        gram = np.full((m, m), 0.5 / math.pi) + (0.5 - 0.5 / math.pi) * np.eye(m)
        return gram * float(c == e), np.zeros((m, m))
    if loss != "ce":
        raise ValueError(f"loss: expected 'ce' or 'mse', got {loss!r}")
    return replicate_mean(np.array([_class_second_moment(matrix, c, e, u) for u in _replicates(matrix)]))


def _class_second_moment(V: Floats, c: int, e: int, u: Floats) -> Floats:
    total = np.zeros((V.shape[1], V.shape[1]))
    for h, p in _softmax_tiles(V, u):
        weights = p[:, c] * (float(c == e) - p[:, e])
        total += (h * weights[:, None]).T @ h
    return total / len(u)
