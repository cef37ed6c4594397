"""Expected traces and masses of cross-entropy blocks at finite d and N, theory.md (5.6) and (5.7).

V is averaged: given the inputs, logits of one sample are independent Gaussian variables of a common variance
q, those of two samples are correlated as their inputs are. What is left are integrals over lengths and angles
of Gaussian vectors, by Gauss rules.
"""

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.polynomial import Chebyshev
from numpy.typing import NDArray
from scipy.linalg import eigh_tridiagonal
from scipy.stats import binom, chi2

from .averages.softmax_kernel import CommonFactor, PairSums, SmoothedGumbel

Floats = NDArray[np.float64]

TRACE_ERROR = 1e-6
"""Relative error of the traces."""
_RULES = ((6, 6), (4, 4))
"""Nodes in length and angle: lengths vary by d^(-1/2), cosines are of that size."""
_LENGTHS = 48
_NEGLIGIBLE = 1e-18


@dataclass(frozen=True)
class ExpectedTraces:
    """Expectations of (1/n) tr H of representative blocks over V, W and X; None where there is no block."""

    vv_diag: float
    vv_off: float
    ww_diag: float | None = None
    ww_off: float | None = None


def chi_square_rule(freedom: float, n_nodes: int) -> tuple[Floats, Floats]:
    """Gauss rule of the chi-square law: nodes and probabilities, by Golub and Welsch (1969)."""
    k, shape = np.arange(n_nodes, dtype=np.float64), freedom / 2 - 1
    nodes, vectors = eigh_tridiagonal(2 * k + 1 + shape, np.sqrt(k[1:] * (k[1:] + shape)))
    return 2 * nodes, vectors[0] ** 2


def length_rule(freedom: int) -> tuple[Floats, Floats]:
    """Squared lengths and probabilities of a Gaussian vector, for functions that are smooth in the length."""
    ends = np.sqrt([chi2.ppf(_NEGLIGIBLE, freedom), chi2.isf(_NEGLIGIBLE, freedom)])
    nodes, weights = np.polynomial.legendre.leggauss(_LENGTHS)
    lengths = ends[0] + (ends[1] - ends[0]) * (nodes + 1) / 2
    masses = weights * lengths * chi2.pdf(lengths**2, freedom)
    return lengths**2, masses / masses.sum()


def softmax_moments(n_classes: int, variance: float) -> Floats:
    """Return E p_1, E p_1^2, E p_1^3, E p_1^4 and E (p_1 p_2)^2 of p = softmax(z), z ~ N(0, variance I_C).

    The integrals of theory.md (4.2) with exp(s Z) for exp(Z), s^2 = variance, by the trapezoidal rule.
    """
    s = math.sqrt(variance)
    step = 0.3 / max(1.0, s)  # the function exp(-e^y) of y = s z has an error exp(-pi^2 / 0.3)
    z = step * np.arange(-math.ceil(9 / step), math.ceil((9 + 4 * min(s, 2.0)) / step) + 1)
    mass = np.exp(-(z**2) / 2)
    mass /= mass.sum()
    width = 0.125 * max(1.0, s / 2)
    x = np.arange(-math.log(n_classes) - 9 * s - variance * (s < 2) * 4 - 45, 9 * s + 14, width)
    u = np.exp(np.minimum(x[:, None] + s * z, 6.0))
    kernel = np.exp(-u)
    log_laplace = _log_laplace(u, kernel, mass)
    tilted = []  # t^k A_k(t)
    for _ in range(4):
        kernel = kernel * u
        tilted.append(kernel @ mass)
    others = width * np.exp((n_classes - 1) * log_laplace)
    powers = np.array(tilted) @ others / [1.0, 1.0, 2.0, 6.0]
    joint = tilted[1] ** 2 @ (width * np.exp((n_classes - 2) * log_laplace)) / 6
    return np.append(powers, joint)


def _log_laplace(u: Floats, kernel: Floats, mass: Floats) -> Floats:
    """Log E exp(-u), from the complement where it is near 0."""
    complement = -np.expm1(-u) @ mass
    direct = np.log(np.maximum(kernel @ mass, 1e-300))
    return np.where(complement < 0.5, np.log1p(-np.minimum(complement, 0.5)), direct)


class MeanVariance:
    """g(q) = E p_1 (1 - p_1), p = softmax of logits N(0, q), interpolated in q^(1/2) up to a largest q."""

    def __init__(self, n_classes: int, largest: float) -> None:
        def variance(roots: Floats) -> Floats:
            return np.array([np.subtract(*softmax_moments(n_classes, float(s) ** 2)[:2]) for s in roots])

        self._series = Chebyshev.interpolate(variance, _LENGTHS, domain=[0.0, math.sqrt(largest)])
        self._slope = self._series.deriv()

    def value(self, q: Floats) -> Floats:
        """Return g(q)."""
        return np.asarray(self._series(np.sqrt(q)), dtype=np.float64)

    def scaled_slope(self, q: Floats) -> Floats:
        """Return q g'(q)."""
        root = np.sqrt(q)
        return np.asarray(root * self._slope(root) / 2, dtype=np.float64)


def expected_traces(n_features: int, n_classes: int, n_hidden: int | None = None) -> ExpectedTraces:
    """Return E (1/n) tr H of the ce blocks, V drawn with the inputs, theory.md (5.6): any N.

    Parameters
    ----------
    n_features, n_classes : int
        d, and C of at least 2.
    n_hidden : int, optional
        m; the linear model without.

    Examples
    --------
    Two classes have p_1 (1 - p_1) = -p_1 (p_2 - 1), and so opposite traces.

    >>> found = expected_traces(10, 2)
    >>> round(found.vv_diag, 6), round(found.vv_off, 6)
    (0.176683, -0.176683)
    """
    if n_hidden is None:
        diagonal, ww_diag, ww_off = _linear_trace(n_features, n_classes), None, None
    else:
        diagonal, ww_diag, ww_off = _hidden_traces(n_features, n_classes, n_hidden)
    # Block rows sum to zero and classes are exchangeable, theory.md (5.4).
    return ExpectedTraces(diagonal, -diagonal / (n_classes - 1), ww_diag, ww_off)


def _linear_trace(d: int, n_classes: int) -> float:
    squares, masses = length_rule(d + 2)  # chi-square weighted by itself has two degrees of freedom more
    return float(masses @ MeanVariance(n_classes, squares[-1] / d).value(squares / d))


def _hidden_traces(d: int, n_classes: int, m: int) -> tuple[float, float | None, float | None]:
    """Traces of vv_diag, ww_diag, ww_off; q = |h|^2/m is a product of two chi-squares given k open gates."""
    inputs, masses = length_rule(d + 2)
    variance = MeanVariance(n_classes, inputs[-1] * length_rule(m + 2)[0][-1] / (d * m))

    def average(function: Callable[[Floats], Floats], freedom: int) -> float:
        """Mean of a function of q with |h|^2 d/|x|^2 chi-square of some degrees of freedom."""
        units, shares = length_rule(freedom)
        return float(masses @ function(np.outer(inputs, units) / (d * m)) @ shares)

    vv = sum(binom.pmf(k, m, 0.5) * k / m * average(variance.value, k + 2) for k in range(1, m + 1))
    if m == 1:
        return float(vv), float(vv) * n_classes, None
    off = sum(
        binom.pmf(k - 2, m - 2, 0.5) / (k * math.pi) * average(variance.scaled_slope, k)
        for k in range(2, m + 1)
    )
    return float(vv), float(vv) * n_classes / m, float(off) * n_classes / m


@functools.lru_cache(maxsize=64)
def linear_second_moments(
    n_features: int, n_samples: int, n_classes: int
) -> tuple[tuple[float, float], tuple[float, float]]:
    """Return E (1/d) |H|_F^2 of a diagonal and of an off-diagonal block of linear ce, theory.md (5.7).

    Parameters
    ----------
    n_features, n_samples, n_classes : int
        d, N, and C of at least 2.

    Returns
    -------
    (diagonal, error), (off_diagonal, error)
        The error is what a coarser rule differs by, twice.

    Examples
    --------
    As d and N grow, their ratio tends to that of (4.2).

    >>> (diagonal, _), (off, _) = linear_second_moments(10**6, 2 * 10**6, 10)
    >>> round(off / diagonal * 100, 4)
    1.6596
    """
    d, N = n_features, n_samples
    squares, masses = length_rule(d + 4)
    single = sum(p * _single(n_classes, float(square) / d) for square, p in zip(squares, masses, strict=True))
    pair, coarse = (_pair(d, n_classes, *sizes) for sizes in _RULES)
    values = (d + 2) / N * single + (1 - 1 / N) * pair
    errors = 2 * np.abs(pair - coarse)
    return (float(values[0]), float(errors[0])), (float(values[1]), float(errors[1]))


def _single(n_classes: int, q: float) -> Floats:
    """E lambda^2 of one sample: of p_1 (1 - p_1) and of p_1 p_2."""
    _, p2, p3, p4, joint = softmax_moments(n_classes, q)
    return np.array([p2 - 2 * p3 + p4, joint])


def _pair(d: int, n_classes: int, n_lengths: int, n_angles: int) -> Floats:
    """E lambda lambda' (x . x')^2 / d of two samples, for both blocks."""
    squares, masses = chi_square_rule(d + 2, n_lengths)
    total = np.zeros(2)
    for cosine, share in zip(*_cosine_rule(d, n_angles), strict=True):
        total += share * _pair_given_cosine(np.sqrt(squares / d), masses, float(cosine), n_classes)
    return total


def _cosine_rule(d: int, n_nodes: int) -> tuple[Floats, Floats]:
    """Nodes and probabilities of |cos| weighted by its square: cos^2 is then a beta variable."""
    if d == 1:
        return np.ones(1), np.ones(1)
    nodes, shares = _jacobi_rule((d - 3) / 2, 0.5, n_nodes)
    return np.sqrt((1 + nodes) / 2), shares


def _jacobi_rule(alpha: float, beta: float, n_nodes: int) -> tuple[Floats, Floats]:
    """Gauss rule of the density (1 - x)^alpha (1 + x)^beta, normalised: any size of alpha."""
    k = np.arange(1, n_nodes, dtype=np.float64)
    total = 2 * k + alpha + beta
    diagonal = np.append((beta - alpha) / (alpha + beta + 2), (beta**2 - alpha**2) / (total * (total + 2)))
    squares = 4 * k * (k + alpha) * (k + beta) * (k + alpha + beta) / (total**2 * (total**2 - 1))
    nodes, vectors = eigh_tridiagonal(diagonal, np.sqrt(squares))
    return nodes, vectors[0] ** 2


def _pair_given_cosine(scales: Floats, masses: Floats, cosine: float, n_classes: int) -> Floats:
    """Mean over lengths and the sign of the cosine of E_V lambda lambda'."""
    rule = CommonFactor.build(cosine, float(scales.max()))
    reach = max(-rule.nodes[0], rule.nodes[-1])
    step = float(rule.nodes[1] - rule.nodes[0])
    nodes = step * np.arange(-round(reach / step), round(reach / step) + 1)  # the same at either sign
    common = CommonFactor(cosine, nodes, np.exp(-(nodes**2) / 2) * step / math.sqrt(2 * math.pi))
    smoothed = [SmoothedGumbel.build(float(s), n_classes, common) for s in scales]
    total = np.zeros(2)
    for i, left in enumerate(smoothed):
        for j, right in enumerate(smoothed[: i + 1]):
            opposite = SmoothedGumbel(right.values[..., ::-1], right.step)
            both = [PairSums(left, one, common, n_classes).variance_products() for one in (right, opposite)]
            total += (2 - (i == j)) * masses[i] * masses[j] * np.mean(both, axis=0)
    return total
