"""Laws of the sample weights of the hidden ce model given V, with their densities, theory.md section 3.

The weight is a function of u ~ N(0, I_m). Along a ray u = r theta it is smooth, and r has the chi law with m
degrees of freedom: so every ray carries a density of its own, and their mean over rays theta, by randomised
quasi-Monte Carlo, is known far into the tails, where few points of a sample would lie.
"""

import math
from collections.abc import Iterator

import numpy as np
from numpy.polynomial import legendre
from scipy.special import chdtri, gammaln

from ..averages.quasi_monte_carlo import sobol_normals
from ..solver.log_spline import log_spline
from ..solver.measure import Floats
from .conditions import Conditions
from .hidden_joint import N_REPLICATES, centred, covariances
from .weight_law import WeightLaw

_LOG2_LEAST, _LOG2_MOST = 4, 13  # rays of one replicate
_FINE = 96  # radii at which a ray's weights are put into panels
_RADIAL_TAIL = 1e-13
_UNDERFLOW = 1e-300
_SMOOTH = 1e-3  # last coefficients along rays, relative to the weights, that few radii may leave
_TINY = 1e-30  # weights below this share of the largest are put there together


def hidden_ce_density(diagonal: bool, conditions: Conditions) -> WeightLaw:
    """Law of 1(u_i > 0) 1(u_j > 0) (V^T B V)_ij given V: an atom at zero beside a density.

    The gates are integrated exactly (u_i and u_j are folded to positive values).
    """
    V, i, j = conditions.readout(diagonal)
    values, shares, radial, n_rays = _along_rays(
        conditions.w_std * centred(V), i, j, diagonal, conditions.log2_entries
    )
    values = values / conditions.w_std**2
    share = 0.5 if diagonal else 0.25
    source = f"{N_REPLICATES * n_rays} scrambled Sobol rays in {N_REPLICATES} replicates"
    largest = float(np.abs(values).max())
    if largest == 0:  # V has equal rows
        return WeightLaw(np.zeros(1), np.ones(1), reach=(0.0, 0.0), source=source)
    tiny = np.abs(values) < _TINY * largest
    lost = float(np.mean(tiny @ shares)) if tiny.any() else 0.0
    panels, errors = log_spline(np.where(tiny, np.nan, values), shares)
    atoms, weights = [0.0], [1 - share]
    if lost:
        atoms, weights = [0.0, _TINY * largest], [1 - share, share * lost]
    rest = share * (1 - lost)
    return WeightLaw(
        np.array(atoms),
        np.array(weights),
        panels.times(rest),
        (float(values.min()), float(values.max())),
        radial,
        errors.times(rest),
        source,
    )


def _along_rays(
    V: Floats, i: int, j: int, diagonal: bool, log2_entries: int
) -> tuple[Floats, Floats, float, int]:
    """Weights along the rays of each replicate (replicates, n), probabilities (n,), error, rays of each."""
    # Where softmax saturates along the rays few radii do not tell the weights between them: all are taken.
    for n_radii in (min(24, 7 + math.ceil(40 / V.shape[1])), _FINE):
        radii, masses, interpolate = _radial_rules(V.shape[1], n_radii)
        n_rays = 2 ** _log2_rays(V.shape[0] * radii.size, log2_entries)
        coarse = np.array([covariances(V, i, j, rays, radii) for rays in _rays(V.shape[1], n_rays, i, j)])
        if _radial_error(coarse, relative=True) < _SMOOTH:
            break
    if diagonal:  # positive, over many orders of magnitude where softmax saturates
        coarse = np.log(np.maximum(coarse, _UNDERFLOW))
    # Along a ray the polynomial must not leave the range that was seen: where softmax saturates it would.
    lowest, highest = coarse.min(axis=-1, keepdims=True), coarse.max(axis=-1, keepdims=True)
    values = np.clip(coarse @ interpolate, lowest, highest).reshape(N_REPLICATES, -1)
    if diagonal:
        values = np.where(values > math.log(_UNDERFLOW) + 1, np.exp(values), 0.0)
    shares = np.tile(masses / n_rays, n_rays)
    return values, shares, _radial_error(coarse, relative=not diagonal), n_rays


def _log2_rays(entries: int, log2_entries: int) -> int:
    budget = log2_entries - math.ceil(math.log2(entries * N_REPLICATES))
    return min(max(budget, _LOG2_LEAST), _LOG2_MOST)


def _rays(n_hidden: int, n_rays: int, i: int, j: int) -> Iterator[Floats]:
    """Directions of each replicate, folded to open gates, shape (n_rays, m)."""
    for replicate in range(N_REPLICATES):
        u = sobol_normals(n_hidden, round(math.log2(n_rays)), replicate)
        u[:, [i, j]] = np.abs(u[:, [i, j]])
        yield u / np.linalg.norm(u, axis=1, keepdims=True)


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
