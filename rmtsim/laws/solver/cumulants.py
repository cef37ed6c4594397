"""Moments of a law from its free cumulants."""

import math

import numpy as np

from .measure import Floats


def check_order(k: int) -> int:
    """Check the order of a moment."""
    if k != int(k) or k < 0:
        raise ValueError(f"k: expected an integer of at least 0, got {k!r}")
    return int(k)


def scaled_power(value: float, base: float, k: int) -> float:
    """Compute value base^k for a base above 0 without overflow on the way; infinite if it is no double."""
    mantissa, exponent = math.frexp(base)
    try:
        return math.ldexp(value * mantissa**k, exponent * k)
    except OverflowError:
        return math.copysign(math.inf, value)


def free_moment(weights: Floats, probabilities: Floats, aspect_ratio: float, k: int) -> float:
    """E t^k of the law with free cumulants kappa_j = gamma^(j-1) E lambda^j, theory.md (3.4).

    M(x) = sum m_j x^j and K(x) = 1 + sum kappa_j x^j satisfy M(x) = K(x M(x)); Lagrange's inversion gives
    m_k = [x^k] K^(k+1) / (k + 1), and Miller's recurrence the power (Knuth, *TAOCP* 2, 4.7). All its factors
    are positive, so that nothing cancels but cumulants of different sign. The moment is infinite where it is
    no finite double.
    """
    k = check_order(k)
    largest, gamma = float(np.max(np.abs(weights))) or 1.0, float(aspect_ratio)
    scale = largest * max(1.0, gamma)  # of t, whose cumulants in this unit are at most 1
    orders = np.arange(1, k + 1)
    cumulants = probabilities @ (weights[:, None] / largest) ** orders
    cumulants *= 1 / gamma if gamma > 1 else gamma ** (orders - 1)
    power = np.ones(k + 1)
    for n in orders:
        j = orders[:n]
        power[n] = np.sum(((k + 2) * j - n) * cumulants[:n] * power[n - j]) / n
    return scaled_power(float(power[k] / (k + 1)), scale, k)
