"""Averages over hidden activations of the two-sample sums of `softmax_pairs`.

The squared norm of a block of the hidden ce model is, given V, a double sum over samples n, k; its limit
needs E_V over products of the weights of two independent samples, and E_V of the square of one. Directions of
h are averaged by randomised quasi-Monte Carlo, norms |h| (chi laws given the number of active units) by Gauss
rules.
"""

import functools
import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import scipy  # its parts are loaded where they are first used
from numpy.polynomial import chebyshev
from numpy.typing import NDArray

from ..solver.measure import Approximation, Floats
from .gauss_rules import gauss_rule
from .gradient_forms import FORM_MONOMIALS, diagonal_form, off_diagonal_form
from .quasi_monte_carlo import quotient_error, replicate_mean, sobol_normals
from .softmax_pairs import FINE, ROUGH, CommonFactor, PairSums, Resolution, SmoothedGumbel

_N_REPLICATES = 8
# Points of one replicate, most and fewest; the W-layer integrand costs more and varies less.
_LOG2_POINTS_W, _LOG2_POINTS_V, _LOG2_FEWEST = 13, 15, 7


class Rules(NamedTuple):
    """Nodes in the norm of one sample of two, in the correlation, and in the norm of a single sample."""

    norms: int
    correlations: int
    single: int
    resolution: Resolution
    errors: tuple[tuple[int, float], ...]

    def error(self, m: int, s: float) -> float:
        """Relative error, twice or more what doubling the nodes changes.

        Changes of the fine rules over C = 2..100000 at s = 1: 4e-7 for m = 2, 3, less for larger m; 2e-5 for
        m = 1. They grow with s, as exp(s^2 |h|^2 / m) takes more nodes: by 13 from 1 to 2^(1/2). The rough
        rules differ from them by 5e-3 for m = 2, 7e-4 for m = 4 and 2e-4 for m = 8.
        """
        relative = [error for least, error in self.errors if least <= m][-1]
        return relative * max(1.0, s) ** 9


_FINE_RULES = Rules(12, 10, 48, FINE, ((1, 5e-5), (2, 1e-6)))
_ROUGH_RULES = Rules(6, 5, 48, ROUGH, ((1, 1.0), (2, 1.5e-2), (4, 1.5e-3), (8, 4e-4)))


_SMOOTHER = 5.0
"""Factor by which the rules are better for the V-layer, whose integrands are no derivatives."""


def _rules(m: int, s: float, tolerance: float) -> Rules:
    """The rough rules where their error is a small part of what is wanted."""
    return _ROUGH_RULES if _ROUGH_RULES.error(m, s) <= tolerance / 2 else _FINE_RULES


@functools.cache
def _largest_norm(m: int, s: float) -> float:
    # e^(s^2 |h|^2 / m) in the integrand widens the chi law of |h| by (1 - 2 s^2/m)^(-1/2) when C is large.
    return math.sqrt(m) + 7 / math.sqrt(1 - min(2 * s**2 / m, 0.5))


def _norm_densities(m: int, s: float, n_nodes: int) -> tuple[Floats, Floats]:
    """Legendre nodes r in |h|, and chi_k probabilities for k = 0..m active units, shape (m + 1, n_nodes).

    Row 0 is zero: h = 0 contributes nothing.
    """
    x, w = np.polynomial.legendre.leggauss(n_nodes)
    half = 0.5 * _largest_norm(m, s)
    r = half * (x + 1)
    active = np.arange(1, m + 1)[:, None]
    return r, np.vstack([np.zeros(n_nodes), half * w * scipy.stats.chi.pdf(r, active)])


def _norm_rules(m: int, s: float, n_norms: int) -> tuple[Floats, Floats]:
    """Gauss nodes r of the law of |h| and, at these nodes, interpolatory weights of chi_k for every k."""
    fine, densities = _norm_densities(m, s, 400)
    mixture = scipy.stats.binom.pmf(np.arange(m + 1), m, 0.5) @ densities
    r, _ = gauss_rule(fine, mixture, n_norms)

    def basis(points: Floats) -> Floats:
        return chebyshev.chebvander(2 * points / fine[-1] - 1, n_norms - 1)

    return r, np.asarray(np.linalg.solve(basis(r).T, (densities @ basis(fine)).T).T, dtype=np.float64)


def _correlation_nodes(n_nodes: int) -> Floats:
    """Chebyshev nodes of rho on (0, 1)."""
    return 0.5 * (1 + chebyshev.chebpts1(n_nodes))


def _correlation_basis(rho: Floats, n_nodes: int) -> Floats:
    """Lagrange polynomials of the correlation nodes, shape (n, n_nodes)."""
    nodes = chebyshev.chebvander(2 * _correlation_nodes(n_nodes) - 1, n_nodes - 1)
    points = chebyshev.chebvander(2 * rho - 1, n_nodes - 1)
    return np.asarray(np.linalg.solve(nodes.T, points.T).T, dtype=np.float64)


def _pair_table(
    scales: Floats, n_classes: int, sums: Callable[[PairSums], Floats], swap: list[int], rules: Rules
) -> Floats:
    """Two-sample sums for all correlation nodes and pairs of scales, shape (n_correlations, n, n, n_sums).

    Exchanging the two samples permutes the sums by ``swap``.
    """
    table = []
    for rho in _correlation_nodes(rules.correlations):
        common = CommonFactor.build(float(rho), float(scales.max()), rules.resolution)
        smoothed = [SmoothedGumbel.build(float(s), n_classes, common) for s in scales]
        values = np.zeros((len(scales), len(scales), len(swap)))
        for i, j in zip(*np.triu_indices(len(scales)), strict=True):
            values[i, j] = sums(PairSums(smoothed[i], smoothed[j], common, n_classes))
            values[j, i] = values[i, j, swap]
        table.append(values)
    return np.array(table)


def _derivatives(sums: PairSums) -> Floats:
    return np.array([sums.derivative(monomial) for monomial in FORM_MONOMIALS])


def _norm_powers(r: Floats, side: int) -> Floats:
    # A coefficient of P^a P'^b R^c is homogeneous of degree 2a + c - 2 in h (2b + c - 2 in h').
    degrees = np.array([2 * monomial[side] + monomial[2] - 2 for monomial in FORM_MONOMIALS])
    return r[:, None] ** degrees


@functools.lru_cache(maxsize=16)
def _gradient_table(n_classes: int, m: int, s: float, rules: Rules) -> Floats:
    """Norm-averaged derivatives of K, shape (m + 1, m + 1, n_monomials, n_correlations)."""
    r, masses = _norm_rules(m, s, rules.norms)
    swap = [FORM_MONOMIALS.index((b, a, c)) for a, b, c in FORM_MONOMIALS]
    table = _pair_table(s * r / math.sqrt(m), n_classes, _derivatives, swap, rules) * _unit_factors(m)
    left, right = (masses[:, :, None] * _norm_powers(s * r, side) for side in (0, 1))
    return np.einsum("kaf,cabf,lbf->klfc", left, table, right, optimize=True)


def _unit_factors(m: int) -> Floats:
    # Each of P, P', R carries 1/m from q, q', w.
    return np.array([float(m) ** -sum(monomial) for monomial in FORM_MONOMIALS])


def _directions(u: Floats) -> tuple[Floats, NDArray[np.int64]]:
    """Unit vectors h / |h| of h = relu(u) (zero stays zero) and numbers of active units."""
    h = np.maximum(u, 0.0)
    norm = np.linalg.norm(h, axis=1, keepdims=True)
    return h / np.where(norm > 0, norm, 1.0), np.count_nonzero(h, axis=1)


def _means(m: int, n_open: int, log2_most: int, tolerance: float, integrand: Callable[..., Floats]) -> Floats:
    """Means by replicate of ``integrand(h, k, other_h, other_k, rho)``, units below ``n_open`` active.

    As many points as the error asks for, relative to the mean or, of two means, to their quotient, if these
    are not too many.
    """
    log2_points = _LOG2_FEWEST if tolerance else log2_most
    while True:
        values = _replicates(m, n_open, log2_points, integrand)
        error = _relative_error(values)
        if error <= tolerance or log2_points == log2_most:
            return values
        missing = math.ceil(math.log2(error / tolerance)) + 1
        log2_points = min(log2_points + missing, log2_most)


def _relative_error(values: Floats) -> float:
    if values.ndim > 1:
        return quotient_error(values)
    mean, error = replicate_mean(values)
    return float(error / abs(mean))


def _replicates(m: int, n_open: int, log2_points: int, integrand: Callable[..., Floats]) -> Floats:
    """Means of the integrand over each replicate."""
    means = []
    for replicate in range(_N_REPLICATES):
        u = sobol_normals(2 * m, log2_points, replicate).reshape(-1, 2, m).copy()
        u[:, :, :n_open] = np.abs(u[:, :, :n_open])
        (h, k), (other, other_k) = _directions(u[:, 0]), _directions(u[:, 1])
        rho = np.clip(np.einsum("ni,ni->n", h, other), 0.0, 1.0)
        means.append(integrand(h, k, other, other_k, rho).mean(axis=0))
    return np.array(means)


def _form_at(diagonal: bool, h: Floats, other: Floats) -> Floats:
    """Coefficients of all monomials at directions h, other, shape (n, n_monomials)."""
    if diagonal:
        form = diagonal_form(h[:, 0], other[:, 0])
    else:
        form = off_diagonal_form(h[:, 0], h[:, 1], other[:, 0], other[:, 1])
    absent = np.zeros(len(h))
    return np.stack([absent + form.get(monomial, absent) for monomial in FORM_MONOMIALS], axis=1)


def _pair_mean(n_classes: int, m: int, s: float, diagonal: bool, tolerance: float) -> Approximation:
    """E_V of (E[lambda | V, gates open])^2."""
    rules = _rules(m, s, tolerance)
    table = _gradient_table(n_classes, m, s, rules)

    def integrand(h: Floats, k: Floats, other: Floats, other_k: Floats, rho: Floats) -> Floats:
        coefficients = _form_at(diagonal, h, other)
        return np.einsum(
            "nf,nfc,nc->n",
            coefficients,
            table[k, other_k],
            _correlation_basis(rho, rules.correlations),
            optimize=True,
        )

    mean, error = replicate_mean(_means(m, 1 if diagonal else 2, _LOG2_POINTS_W, tolerance / 2, integrand))
    return Approximation(float(mean), float(error) + rules.error(m, s) * float(mean))


@functools.lru_cache(maxsize=16)
def _single_table(n_classes: int, m: int, s: float, rules: Rules) -> Floats:
    """Norm-averaged derivatives of K at h' = h, shape (m + 1, n_monomials)."""
    r, densities = _norm_densities(m, s, rules.single)
    rows = []
    for scale in s * r / math.sqrt(m):
        common = CommonFactor.build(1.0, float(scale), rules.resolution)
        smoothed = SmoothedGumbel.build(float(scale), n_classes, common)
        rows.append(_derivatives(PairSums(smoothed, smoothed, common, n_classes)))
    return densities @ (np.array(rows) * _unit_factors(m) * _norm_powers(s * r, 0) * _norm_powers(s * r, 1))


def _diagonal_cubature(k: Floats) -> tuple[Floats, Floats]:
    """Nodes h_i and probabilities exact for quadratics in h_i^2, h uniform on a sphere of k dimensions."""
    first, second = 1 / k, 3 / (k * (k + 2))
    squares = np.array([[0.0], [0.5], [1.0]])
    return np.sqrt(squares), np.stack([1 - 3 * first + 2 * second, 4 * (first - second), 2 * second - first])


def _off_diagonal_cubature(k: Floats) -> tuple[Floats, Floats]:
    """Nodes (h_i, h_j) and probabilities exact for bilinear functions of h_i^2, h_j^2."""
    first, both = 1 / k, 1 / (k * (k + 2))
    nodes = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    return nodes, np.stack([1 - 2 * first + both, first - both, first - both, both])


def _single_mean(n_classes: int, m: int, s: float, diagonal: bool, tolerance: float) -> Approximation:
    """E lambda^2 given open gates."""
    n_open = 1 if diagonal else 2
    k = np.arange(n_open, m + 1)
    nodes, probabilities = (_diagonal_cubature if diagonal else _off_diagonal_cubature)(k.astype(float))
    coefficients = probabilities.T @ _form_at(diagonal, nodes, nodes)
    rules = _rules(m, s, tolerance)
    given_k = np.sum(coefficients * _single_table(n_classes, m, s, rules)[k], axis=1)
    value = float(scipy.stats.binom.pmf(k - n_open, m - n_open, 0.5) @ given_k)
    return Approximation(value, rules.error(m, s) * value)


def gradient_covariance_masses(
    n_classes: int, m: int, s: float, tolerance: float = 0.0
) -> tuple[tuple[Approximation, Approximation], ...]:
    """Moments of the W-layer weight lambda of theory.md (2.2), ce, for i = j and for i != j.

    ``tolerance`` is the relative error that is wanted of each; at zero the finest rules are taken.

    Returns
    -------
    tuple of (pair, square)
        pair = E_V (E[lambda | V])^2 and square = E lambda^2, each with its error.
    """
    result = []
    for diagonal, open_probability in ((True, 1 / 2), (False, 1 / 4)):
        pair, square = (of(n_classes, m, s, diagonal, tolerance) for of in (_pair_mean, _single_mean))
        result.append((_scaled(pair, open_probability**2), _scaled(square, open_probability)))
    return tuple(result)


def _scaled(estimate: Approximation, factor: float) -> Approximation:
    return Approximation(factor * estimate.value, factor * estimate.error)


def _variance_products(sums: PairSums) -> Floats:
    return np.array(sums.variance_products())


@functools.lru_cache(maxsize=16)
def _variance_table(n_classes: int, m: int, s: float, rules: Rules) -> Floats:
    """Norm-averaged products of variances, shape (m + 1, m + 1, 2, n_correlations)."""
    r, masses = _norm_rules(m, s, rules.norms)
    table = _pair_table(s * r / math.sqrt(m), n_classes, _variance_products, [0, 1], rules)
    return np.einsum("ka,cabf,lb->klfc", masses * r**2, table, masses * r**2, optimize=True) / m


def hidden_variance_masses(
    n_classes: int, m: int, s: float, tolerance: float = 0.0
) -> tuple[Approximation, Approximation, float]:
    """E_V |E[B_ce h h^T | V]|_F^2 / m of theory.md (2.3), ce, for c = e and c != e, each with its error.

    The last number is the error of their ratio, relative to it, for which ``tolerance`` is wanted.
    """
    rules = _rules(m, s, tolerance * _SMOOTHER)
    averaged = _variance_table(n_classes, m, s, rules)

    def integrand(h: Floats, k: Floats, other: Floats, other_k: Floats, rho: Floats) -> Floats:
        basis = _correlation_basis(rho, rules.correlations) * rho[:, None] ** 2
        return np.einsum("nfc,nc->nf", averaged[k, other_k], basis)

    values = _means(m, 0, _LOG2_POINTS_V, tolerance / 2, integrand)
    mean, error = replicate_mean(values)
    of_rules = rules.error(m, s) / _SMOOTHER
    first, second = (
        Approximation(float(v), float(e + of_rules * v)) for v, e in zip(mean, error, strict=True)
    )
    return first, second, quotient_error(values) + 2 * of_rules
