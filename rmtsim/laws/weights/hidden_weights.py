"""Sample weights of the hidden W-layer at points of pre-activations, given V, theory.md (3.13)."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy.special import ndtr

from ..averages.quasi_monte_carlo import sobol_normals
from ..solver.measure import Floats, Indices
from .activation import Activation
from .conditions import Conditions

# Softmax entries held at once: 1 MiB of float64, which stays in a core's cache.
_TILE_ENTRIES = 2**17


class Points(NamedTuple):
    """Projections u of shape (n, m), and the label of each, which diagonal weights depend on."""

    u: Floats
    labels: Indices


class HiddenBlock(NamedTuple):
    """One block W_ij of the hidden model given V: what its weights are computed from."""

    V: Floats
    i: int
    j: int
    phi: Activation

    @classmethod
    def of(cls, diagonal: bool, conditions: Conditions) -> "HiddenBlock":
        """Check what users give."""
        return cls(*conditions.readout(diagonal), conditions.phi)

    @property
    def folded(self) -> bool:
        """Whether only open gates count: u_i and u_j are then folded to positive values."""
        return self.phi.is_relu

    @property
    def share(self) -> float:
        """Probability that folded points stand for."""
        return (0.5 if self.i == self.j else 0.25) if self.folded else 1.0

    @property
    def has_residual(self) -> bool:
        """Whether the second derivative of the activation enters, and the labels with it."""
        return self.i == self.j and self.phi.second is not None

    def points(self, log2_points: int, replicate: int) -> Points:
        """Scrambled Sobol points of one randomisation."""
        n_classes, m = self.V.shape
        u = sobol_normals(m + self.has_residual, log2_points, replicate)
        labels = np.minimum((ndtr(u[:, m:].sum(axis=1)) * n_classes).astype(np.intp), n_classes - 1)
        u = u[:, :m].copy()
        if self.folded:
            u[:, [self.i, self.j]] = np.abs(u[:, [self.i, self.j]])
        return Points(u, labels)

    def gates(self, a: Floats) -> Floats:
        """phi'(a_i) phi'(a_j)."""
        return self.phi.derivative(a[:, self.i]) * self.phi.derivative(a[:, self.j])


SampleWeights = Callable[[HiddenBlock, Points, Floats], Floats]
"""Weights at the points r u for each radius r, shape (n, k)."""


def ce_weights(block: HiddenBlock, points: Points, radii: Floats) -> Floats:
    """phi'(a_i) phi'(a_j) (V^T B V)_ij + [i = j] phi''(a_i) (V^T (p - onehot(y)))_i."""
    V, i, j, phi = block
    V = V - V.mean(axis=0)  # softmax is blind to it, and an offset would cost digits
    if phi.slopes is not None:  # homogeneous: logits are proportional to the radius
        _, covariances = _moments(V, i, j, phi.value(points.u), radii)
        return covariances * block.gates(points.u)[:, None]
    columns = []
    for radius in radii:
        a = radius * points.u
        means, covariances = _moments(V, i, j, phi.value(a), np.ones(1))
        weights = block.gates(a) * covariances[:, 0]
        if block.has_residual and phi.second is not None:
            weights += phi.second(a[:, i]) * (means[:, 0] - V[points.labels, i])
        columns.append(weights)
    return np.stack(columns, axis=1)


def mse_weights(block: HiddenBlock, points: Points, radii: Floats) -> Floats:
    """phi'(a_i) phi'(a_j) + [i = j] phi''(a_i) (V^T (V phi(a) - onehot(y)))_i / S_ii, units of S_ij."""
    V, i, _, phi = block
    S = V[:, i] @ V
    columns = []
    for radius in radii:
        a = radius * points.u
        weights = block.gates(a)
        if block.has_residual and phi.second is not None:
            weights = weights + phi.second(a[:, i]) * (phi.value(a) @ S - V[points.labels, i]) / S[i]
        columns.append(weights)
    return np.stack(columns, axis=1)


def _moments(V: Floats, i: int, j: int, h: Floats, radii: Floats) -> tuple[Floats, Floats]:
    """Means (V^T p)_i and covariances (V^T B V)_ij under p = softmax(r V h) for each point and radius r.

    The class of the largest logit, the same at every radius, is split off: the sums run over the others, so
    that nothing cancels where it takes nearly all the probability.

    Parameters
    ----------
    V : ndarray, shape (C, m)
    i, j : int
    h : ndarray, shape (n, m)
    radii : ndarray, shape (k,)
        Above zero.

    Returns
    -------
    means, covariances : ndarray, shape (n, k)
    """
    columns = np.stack([np.ones(len(V)), V[:, i], V[:, j], V[:, i] * V[:, j]], axis=1)
    size = max(1, _TILE_ENTRIES // (len(V) * radii.size))
    tiles = [_tile_moments(V, columns, h[start : start + size], radii) for start in range(0, len(h), size)]
    means, covariances = zip(*tiles, strict=True)
    return np.concatenate(means), np.concatenate(covariances)


def _tile_moments(V: Floats, columns: Floats, h: Floats, radii: Floats) -> tuple[Floats, Floats]:
    logits = h @ V.T
    top = logits.argmax(axis=1)
    points = np.arange(len(h))
    logits -= logits[points, top][:, None]
    terms = np.exp(logits[:, None, :] * radii[:, None])
    terms[points, :, top] = 0.0
    total, first, second, product = np.moveaxis(terms @ columns, 2, 0)
    a, b = (columns[top, k][:, None] for k in (1, 2))
    whole = 1 + total
    product = product - a * second - b * first + a * b * total
    first, second = (first - a * total) / whole, (second - b * total) / whole
    return a + first, product / whole - first * second
