"""Moments of softmax probabilities of independent Gaussian logits, at any number of classes.

With p = softmax(z), z ~ N(0, s^2 I_C), the sum S = sum_c exp(z_c) enters through E exp(-t S) = L(t)^C,
L(t) = E exp(-t e^(s Z)), theory.md (4.2). Everything is a trapezoidal rule on the whole line for an analytic
integrand, which converges geometrically in the step (Trefethen & Weideman 2014).
"""

import functools
import math

import numpy as np
from numpy.polynomial import Chebyshev

from ..solver.measure import Floats

_DEGREE = 48
"""Of the interpolation of E p_1 (1 - p_1) in the standard deviation of the logits."""


def softmax_moments(n_classes: int, variance: float) -> Floats:
    """Return E p_1, E p_1^2, E p_1^3, E p_1^4 and E (p_1 p_2)^2 of p = softmax(z), z ~ N(0, variance I_C).

    The relative error is about 1e-14 at variance 1.
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
    log_laplace = log_expectation(-np.expm1(-u) @ mass, kernel @ mass)
    tilted = []  # t^k A_k(t)
    for _ in range(4):
        kernel = kernel * u
        tilted.append(kernel @ mass)
    others = width * np.exp((n_classes - 1) * log_laplace)
    powers = np.array(tilted) @ others / [1.0, 1.0, 2.0, 6.0]
    joint = tilted[1] ** 2 @ (width * np.exp((n_classes - 2) * log_laplace)) / 6
    return np.append(powers, joint)


def log_expectation(complement: Floats, direct: Floats) -> Floats:
    """Logarithm of an expectation from 0 to 1, by its complement where it is near 1.

    The two sums are of the same function: a logarithm near 0 has to keep its digits, because it is multiplied
    by a large number of classes, and 1 - (1 - L) would lose a tiny L.
    """
    return np.where(
        complement < 0.5, np.log1p(-np.minimum(complement, 0.5)), np.log(np.maximum(direct, 1e-300))
    )


@functools.lru_cache(maxsize=64)
def mean_variance(n_classes: int, log2_largest: int) -> "MeanVariance":
    """Return the interpolation up to a power of 2, which sizes of one number of classes share."""
    return MeanVariance(n_classes, 2.0**log2_largest)


class MeanVariance:
    """g(q) = E p_1 (1 - p_1), p = softmax of logits N(0, q), interpolated in q^(1/2) up to a largest q."""

    def __init__(self, n_classes: int, largest: float) -> None:
        def variance(roots: Floats) -> Floats:
            return np.array([np.subtract(*softmax_moments(n_classes, float(s) ** 2)[:2]) for s in roots])

        self._series = Chebyshev.interpolate(variance, _DEGREE, domain=[0.0, math.sqrt(largest)])
        self._slope = self._series.deriv()

    def value(self, q: Floats) -> Floats:
        """Return g(q)."""
        return np.asarray(self._series(np.sqrt(q)), dtype=np.float64)

    def scaled_slope(self, q: Floats) -> Floats:
        """Return q g'(q)."""
        root = np.sqrt(q)
        return np.asarray(root * self._slope(root) / 2, dtype=np.float64)
