"""About how large the blocks of hidden ce are given W and V: units that take most of their scatter out.

Averages of (4.7) over a few fixed inputs. Any function of the parameters would do: errors do not matter.
"""

import numpy as np

from ..models.architectures import VV_DIAG, VV_OFF, WW_DIAG, WW_OFF
from .spectra import Floats
from .trials import Trials

MOST_POINTS, FEWEST_POINTS = 256, 32
MOST_ENTRIES = 2e8
"""Probabilities of all trials and inputs that are computed."""


def units_given_parameters(trials: Trials, n_points: int) -> dict[str, Floats]:
    """Return, of every trial (T,), E lambda and E lambda^2 of ww_diag and the limit masses by part."""
    cell = trials.cell
    m = cell.n_hidden or 0
    u = np.random.default_rng(9).standard_normal((n_points, m))
    rows = []
    for row in range(trials.count):
        rows.append(_units(trials.V(row), _activations(trials.W_gram(row), u), cell.aspect_ratio))
    return {name: np.array([row[name] for row in rows]) for name in rows[0]}


def points_for(count: int, n_classes: int) -> int:
    """How many inputs are affordable for as many trials; 0 if too few."""
    points = int(MOST_ENTRIES / (count * n_classes))
    return min(points, MOST_POINTS) if points >= FEWEST_POINTS else 0


def _activations(gram: Floats, u: Floats) -> Floats:
    """Activations relu(W x) of inputs x that W sees as the normal variables u: W W^T is their covariance."""
    # W has rank min(m, d): a little more makes a triangular root, continuous in W.
    room = 1e-12 * np.trace(gram) * np.eye(len(gram))
    return np.asarray(np.maximum(u @ np.linalg.cholesky(gram + room).T, 0.0))


def _units(V: Floats, h: Floats, gamma: float) -> dict[str, float]:
    p = np.exp(h @ (V - V.mean(axis=0)).T)
    p /= p.sum(axis=1, keepdims=True)
    centre, m, gates = p @ V, V.shape[1], (h > 0).astype(float)
    inner = (p @ (V[:, :, None] * V[:, None]).reshape(len(V), -1)).reshape(-1, m, m)
    weights = (inner - centre[:, :, None] * centre[:, None]) * gates[:, :, None] * gates[:, None]
    mean, square = weights.mean(axis=0), np.mean(weights**2, axis=0)
    hidden = mean**2 + gamma * square
    overlaps = (h @ h.T) ** 2
    pairs, q = p @ p.T, p * (1 - p)
    return {
        "mean": float(mean[0, 0]),
        "square": float(square[0, 0]),
        WW_DIAG: float(np.trace(hidden)),
        WW_OFF: float(hidden.sum() - np.trace(hidden)),
        VV_DIAG: float(np.mean(overlaps * (q @ q.T))),
        VV_OFF: float(np.mean(overlaps * (pairs**2 - p**2 @ (p**2).T))),
    }
