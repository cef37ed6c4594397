"""Sample weights of the hidden model given V, with the projections they depend on, theory.md section 3."""

import math
from collections.abc import Iterator

import numpy as np

from ..averages.quasi_monte_carlo import sobol_normals
from ..solver.measure import Floats
from .conditions import Conditions
from .joint_weights import JointWeights, Sector

N_REPLICATES = 8
# Points of one replicate: as many as the budget of softmax entries allows, within these powers of 2.
_LOG2_ENTRIES, _LOG2_LEAST, _LOG2_MOST = 28, 8, 13
# Softmax entries held at once: 32 MiB of float64.
_TILE_ENTRIES = 2**22


def hidden_mse(diagonal: bool, conditions: Conditions) -> JointWeights:
    """Weights 1(u_i > 0) 1(u_j > 0), in units of S_ij = (V^T V)_ij.

    On a diagonal block E[lambda u_i^2] = E lambda, so that no outlier is possible. Off it the two open gates
    leave E u u^T with 1 on the diagonal and 2/pi off it: the sectors are u_i + u_j and u_i - u_j.
    """
    if conditions.V is not None:
        conditions.readout(diagonal)  # the law does not depend on it, but nonsense is refused
    if diagonal:
        return JointWeights(np.array([0.0, 1.0]), np.array([0.5, 0.5]), (), "exact")
    sectors = tuple(Sector(np.array([[1.0], [math.sqrt(1 + sign * 2 / math.pi)]])) for sign in (1, -1))
    return JointWeights(np.array([0.0, 1.0]), np.array([0.75, 0.25]), sectors, "exact")


def hidden_ce(diagonal: bool, conditions: Conditions) -> JointWeights:
    """Weights 1(u_i > 0) 1(u_j > 0) (V^T B V)_ij, p = softmax(w_std V relu(u)), u ~ N(0, I_m).

    The gates are integrated exactly (u_i and u_j are folded to positive values), the rest by randomised
    quasi-Monte Carlo: scrambled Sobol points with fixed seeds, so that the same V gives the same law.
    """
    V, i, j = conditions.readout(diagonal)
    V = centred(V)
    u = np.vstack(list(replicates(V)))
    u[:, [i, j]] = np.abs(u[:, [i, j]])
    weights = covariances(V, i, j, u, np.array([conditions.w_std]))[:, 0]
    share = 0.5 if diagonal else 0.25
    return JointWeights(
        np.append(0.0, weights),
        np.append(1 - share, np.full(weights.size, share / weights.size)),
        (Sector(np.vstack([np.zeros(V.shape[1]), u])),),
        f"{weights.size} scrambled Sobol points in {N_REPLICATES} replicates",
    )


def replicates(V: Floats) -> Iterator[Floats]:
    """Standard normal points in m dimensions, one randomisation after the other."""
    budget = _LOG2_ENTRIES - math.ceil(math.log2(len(V) * N_REPLICATES))
    log2_points = min(max(budget, _LOG2_LEAST), _LOG2_MOST)
    return (sobol_normals(V.shape[1], log2_points, replicate) for replicate in range(N_REPLICATES))


def centred(V: Floats) -> Floats:
    """V less its mean over classes, to which softmax is blind: an offset would cost digits."""
    return V - V.mean(axis=0)


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
