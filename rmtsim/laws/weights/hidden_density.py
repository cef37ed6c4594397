"""Laws of the sample weights of the hidden model given V, with their densities, theory.md section 3.

The weight is a function of u ~ N(0, I_m). Along a ray u = r theta it is smooth, and r has the chi law with m
degrees of freedom: so every ray carries a density of its own, and their mean over rays theta, by randomised
quasi-Monte Carlo, is known far into the tails, where few points of a sample would lie.
"""

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.polynomial import legendre
from scipy.special import chdtri

from ..solver.log_spline import log_spline
from ..solver.measure import Floats, canonical
from .conditions import Conditions
from .hidden_joint import N_REPLICATES
from .hidden_weights import HiddenBlock, Points, SampleWeights, mse_weights
from .joint_weights import JointWeights, Sector
from .weight_law import WeightLaw
from .weight_nodes import WeightNodes

_LOG2_LEAST, _LOG2_MOST = 4, 13  # rays of one replicate
_FINE, _FEWER = 96, 40  # radii at which a ray's weights are put into panels, or on nodes
_RADIAL_TAIL = 1e-13
_UNDERFLOW = 1e-300
_SMOOTH = 1e-3  # last coefficients along rays, relative to the weights, that few radii may leave
_TINY = 1e-30  # weights below this share of the largest are put there together


def hidden_mse_law(diagonal: bool, conditions: Conditions) -> WeightLaw:
    """Law under mse, in units of S_ij: atoms where the activation is linear on both sides of zero."""
    slopes = conditions.phi.slopes
    if slopes is None:
        return hidden_density(mse_weights, diagonal, conditions.in_units_of_scale(diagonal))
    if conditions.V is not None:
        conditions.readout(diagonal)
    below, above = slopes
    pairs = [below**2, above**2] if diagonal else [below**2, below * above, below * above, above**2]
    atoms, masses = canonical(np.array(pairs), np.full(len(pairs), 1 / len(pairs)))
    return WeightLaw(atoms, masses, reach=(float(atoms[0]), float(atoms[-1])), source="exact")


def hidden_density(weights_of: SampleWeights, diagonal: bool, conditions: Conditions) -> WeightLaw:
    """Law given V of weights at a = w_std u, u ~ N(0, I_m): a density, beside an atom at zero for ReLU."""
    block = HiddenBlock.of(diagonal, conditions)
    rays = Rays.of(weights_of, block, conditions)
    values, masses = rays.values, rays.masses
    largest = float(np.abs(values).max())
    if largest == 0:  # V has equal rows
        return WeightLaw(np.zeros(1), np.ones(1), reach=(0.0, 0.0), source=rays.source)
    tiny = np.abs(values) < _TINY * largest
    lost = float(np.mean(tiny @ masses)) if tiny.any() else 0.0
    panels, errors = log_spline(np.where(tiny, np.nan, values), masses)
    atoms = np.array([0.0, _TINY * largest])
    shares = np.array([1 - block.share, block.share * lost])
    rest = block.share * (1 - lost)
    return WeightLaw(
        atoms[shares > 0],
        shares[shares > 0],
        panels.times(rest),
        (float(values.min()), float(values.max())),
        rays.error,
        errors.times(rest),
        rays.source,
    )


def hidden_nodes(weights_of: SampleWeights, diagonal: bool, conditions: Conditions) -> WeightNodes:
    """Law of the same weights on nodes, with the projections along the same rays."""
    block = HiddenBlock.of(diagonal, conditions)
    rays = Rays.of(weights_of, block, conditions, _FEWER)
    shares = np.tile(rays.shares / len(rays.directions), len(rays.directions))
    points = (rays.directions[:, None, :] * rays.radii[:, None]).reshape(shares.size, -1)
    joint = JointWeights(rays.coarse, block.share * shares, (Sector(points),), rays.source)
    return WeightNodes.binned(rays.values, block.share * rays.masses, rays.error, joint)


def hidden_mse_nodes(diagonal: bool, conditions: Conditions) -> WeightNodes:
    """Law under mse on nodes, in units of S_ij: where `hidden_mse_law` has no atoms."""
    return hidden_nodes(mse_weights, diagonal, conditions.in_units_of_scale(diagonal))


@dataclass(frozen=True)
class Rays:
    """Weights along rays of random directions.

    Attributes
    ----------
    values : ndarray, shape (replicates, n)
        At fine radii of all rays.
    masses : ndarray, shape (n,)
        Probabilities of the points of each replicate.
    coarse : ndarray, shape (all rays times k,)
        At the radii they were computed at.
    directions : ndarray, shape (all rays, m)
    radii, shares : ndarray, shape (k,)
        With their probabilities.
    error : float
        Of the interpolation between them.
    source : str
    """

    values: Floats
    masses: Floats
    coarse: Floats
    directions: Floats
    radii: Floats
    shares: Floats
    error: float
    source: str

    @classmethod
    def of(
        cls, weights_of: SampleWeights, block: HiddenBlock, conditions: Conditions, n_fine: int = _FINE
    ) -> "Rays":
        """Compute as many as the budget of softmax entries allows."""
        n_classes, m = block.V.shape
        # Where softmax saturates along rays few radii do not tell the weights between them: all are taken.
        for n_radii in (min(24, 7 + math.ceil(40 / m)), _FINE):
            rule = _RadialRule.of(m, n_radii, n_fine)
            log2_rays = _log2_rays(n_classes * n_radii, conditions.log2_entries)
            points = [_normalised(block.points(log2_rays, replicate)) for replicate in range(N_REPLICATES)]
            coarse = np.array([weights_of(block, each, conditions.w_std * rule.radii) for each in points])
            if _radial_error(coarse, relative=True) < _SMOOTH:
                break
        # Without a residual weights of a diagonal block are positive, over many orders under saturation.
        positive = block.i == block.j and not block.has_residual
        series = np.log(np.maximum(coarse, _UNDERFLOW)) if positive else coarse
        # Along a ray the polynomial must not leave the range that was seen: where softmax saturates it would.
        lowest, highest = series.min(axis=-1, keepdims=True), series.max(axis=-1, keepdims=True)
        values = np.clip(series @ rule.interpolate, lowest, highest).reshape(N_REPLICATES, -1)
        if positive:
            values = np.where(values > math.log(_UNDERFLOW) + 1, np.exp(values), 0.0)
        n_rays = 2**log2_rays
        source = f"{N_REPLICATES * n_rays} scrambled Sobol rays in {N_REPLICATES} replicates"
        error = _radial_error(series, relative=not positive)
        directions = np.vstack([each.u for each in points])
        masses = np.tile(rule.masses / n_rays, n_rays)
        return cls(values, masses, coarse.ravel(), directions, rule.radii, rule.shares, error, source)


def _normalised(points: Points) -> Points:
    """Points on the unit sphere."""
    return points._replace(u=points.u / np.linalg.norm(points.u, axis=1, keepdims=True))


def _log2_rays(entries: int, log2_entries: int) -> int:
    budget = log2_entries - math.ceil(math.log2(entries * N_REPLICATES))
    return min(max(budget, _LOG2_LEAST), _LOG2_MOST)


@dataclass(frozen=True)
class _RadialRule:
    """Radii to compute at, and finer ones, with their chi probabilities, and what interpolates."""

    radii: Floats
    shares: Floats
    masses: Floats
    interpolate: Floats

    @classmethod
    @lru_cache(maxsize=64)
    def of(cls, n_hidden: int, n_radii: int, n_fine: int) -> "_RadialRule":
        """Rule of the chi law of ``n_hidden`` degrees of freedom."""
        low, high = (math.sqrt(chdtri(n_hidden, level)) for level in (1 - _RADIAL_TAIL, _RADIAL_TAIL))
        (nodes, rule), (fine, fine_rule) = legendre.leggauss(n_radii), legendre.leggauss(n_fine)
        degrees = np.arange(nodes.size)
        project = legendre.legvander(nodes, nodes.size - 1) * rule[:, None] * (degrees + 0.5)
        radii, dense = (low + 0.5 * (high - low) * (t + 1) for t in (nodes, fine))

        def probabilities(r: Floats, weights: Floats) -> Floats:
            log_density = (n_hidden - 1) * np.log(r) - 0.5 * r**2
            masses = np.exp(log_density - log_density.max()) * weights
            return np.asarray(masses / masses.sum(), dtype=np.float64)

        return cls(
            radii,
            probabilities(radii, rule),
            probabilities(dense, fine_rule),
            project @ legendre.legvander(fine, nodes.size - 1).T,
        )


def _radial_error(coarse: Floats, relative: bool) -> float:
    """Size of the last two Legendre coefficients along a ray, of the weight relative to it, or of its log."""
    last = _last_coefficients(coarse.shape[-1])
    size = float(np.abs(coarse).mean()) or 1.0 if relative else 1.0
    return float(np.abs(coarse @ last).mean()) / size


@lru_cache(maxsize=64)
def _last_coefficients(n_nodes: int) -> Floats:
    """Projection of values at Gauss nodes on the last two Legendre coefficients, shape (n_nodes, 2)."""
    nodes, rule = legendre.leggauss(n_nodes)
    last = legendre.legvander(nodes, n_nodes - 1)[:, -2:] * rule[:, None] * (n_nodes - 0.5)
    return np.asarray(last, dtype=np.float64)
