"""Laws of the sample weights of the hidden model given V, with their densities, theory.md section 3.

The weight is a function of u ~ N(0, I_m). Along a ray u = r theta it is smooth, and r has the chi law with m
degrees of freedom: so every ray carries a density of its own, and their mean over rays theta, by randomised
quasi-Monte Carlo, is known far into the tails, where few points of a sample would lie.
"""

import math

import numpy as np
from numpy.polynomial import legendre
from scipy.special import chdtri, gammaln

from ..solver.log_spline import log_spline
from ..solver.measure import Floats, canonical
from .conditions import Conditions
from .hidden_joint import N_REPLICATES
from .hidden_weights import HiddenBlock, Points, SampleWeights, mse_weights
from .weight_law import WeightLaw

_LOG2_LEAST, _LOG2_MOST = 4, 13  # rays of one replicate
_FINE = 96  # radii at which a ray's weights are put into panels
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
    values, shares, radial, n_rays = _along_rays(weights_of, block, conditions)
    source = f"{N_REPLICATES * n_rays} scrambled Sobol rays in {N_REPLICATES} replicates"
    largest = float(np.abs(values).max())
    if largest == 0:  # V has equal rows
        return WeightLaw(np.zeros(1), np.ones(1), reach=(0.0, 0.0), source=source)
    tiny = np.abs(values) < _TINY * largest
    lost = float(np.mean(tiny @ shares)) if tiny.any() else 0.0
    panels, errors = log_spline(np.where(tiny, np.nan, values), shares)
    atoms = np.array([0.0, _TINY * largest])
    masses = np.array([1 - block.share, block.share * lost])
    rest = block.share * (1 - lost)
    return WeightLaw(
        atoms[masses > 0],
        masses[masses > 0],
        panels.times(rest),
        (float(values.min()), float(values.max())),
        radial,
        errors.times(rest),
        source,
    )


def _along_rays(
    weights_of: SampleWeights, block: HiddenBlock, conditions: Conditions
) -> tuple[Floats, Floats, float, int]:
    """Weights along the rays of each replicate (replicates, n), probabilities (n,), error, rays of each."""
    n_classes, m = block.V.shape
    # Where softmax saturates along the rays few radii do not tell the weights between them: all are taken.
    for n_radii in (min(24, 7 + math.ceil(40 / m)), _FINE):
        radii, masses, interpolate = _radial_rules(m, n_radii)
        log2_rays = _log2_rays(n_classes * radii.size, conditions.log2_entries)
        rays = [_normalised(block.points(log2_rays, replicate)) for replicate in range(N_REPLICATES)]
        coarse = np.array([weights_of(block, each, conditions.w_std * radii) for each in rays])
        if _radial_error(coarse, relative=True) < _SMOOTH:
            break
    # Without a residual weights of a diagonal block are positive, over many orders where softmax saturates.
    positive = block.i == block.j and not block.has_residual
    if positive:
        coarse = np.log(np.maximum(coarse, _UNDERFLOW))
    # Along a ray the polynomial must not leave the range that was seen: where softmax saturates it would.
    lowest, highest = coarse.min(axis=-1, keepdims=True), coarse.max(axis=-1, keepdims=True)
    values = np.clip(coarse @ interpolate, lowest, highest).reshape(N_REPLICATES, -1)
    if positive:
        values = np.where(values > math.log(_UNDERFLOW) + 1, np.exp(values), 0.0)
    n_rays = 2**log2_rays
    return values, np.tile(masses / n_rays, n_rays), _radial_error(coarse, relative=not positive), n_rays


def _normalised(points: Points) -> Points:
    """Points on the unit sphere."""
    return points._replace(u=points.u / np.linalg.norm(points.u, axis=1, keepdims=True))


def _log2_rays(entries: int, log2_entries: int) -> int:
    budget = log2_entries - math.ceil(math.log2(entries * N_REPLICATES))
    return min(max(budget, _LOG2_LEAST), _LOG2_MOST)


def _radial_rules(n_hidden: int, n_radii: int) -> tuple[Floats, Floats, Floats]:
    """Radii to compute at, chi probabilities of finer ones, and the interpolation between them."""
    low, high = (math.sqrt(chdtri(n_hidden, level)) for level in (1 - _RADIAL_TAIL, _RADIAL_TAIL))
    nodes, rule = legendre.leggauss(n_radii)
    fine, fine_rule = legendre.leggauss(_FINE)
    radii, dense = (low + 0.5 * (high - low) * (t + 1) for t in (nodes, fine))
    log_density = (n_hidden - 1) * np.log(dense) - 0.5 * dense**2 - gammaln(0.5 * n_hidden)
    masses = np.exp(log_density - log_density.max()) * fine_rule
    degrees = np.arange(nodes.size)
    project = legendre.legvander(nodes, nodes.size - 1) * rule[:, None] * (degrees + 0.5)
    return radii, masses / masses.sum(), project @ legendre.legvander(fine, nodes.size - 1).T


def _radial_error(coarse: Floats, relative: bool) -> float:
    """Size of the last two Legendre coefficients along a ray, of the weight relative to it, or of its log."""
    nodes, rule = legendre.leggauss(coarse.shape[-1])
    last = legendre.legvander(nodes, nodes.size - 1)[:, -2:] * rule[:, None] * (nodes.size - 0.5)
    size = float(np.abs(coarse).mean()) or 1.0 if relative else 1.0
    return float(np.abs(coarse @ last).mean()) / size
