"""Sums of log-normal variables by their Laplace transform: softmax moments at any number of classes.

With p = softmax(z), z ~ N(0, I_C), the sum S = sum_c exp(z_c) enters through E exp(-t S) = L(t)^C,
L(t) = E exp(-t e^Z). Everything here is a trapezoidal rule on the whole line for an analytic integrand, which
converges geometrically in the step (Trefethen & Weideman 2014).
"""

import math

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

# exp(-e^y) is bounded for |Im y| < pi/2, so step h has error exp(-pi^2 / h) = 4e-18 at 1/4;
# the Gaussian factor is below 1e-17 at 8.75 standard deviations.
STEP = 0.25
REACH = 8.75


def normal_rule(step: float = STEP, reach: float = REACH) -> tuple[Floats, Floats]:
    """Trapezoidal rule of the standard normal law: nodes and probabilities that sum to 1."""
    count = math.ceil(reach / step)
    z = step * np.arange(-count, count + 1)
    mass = np.exp(-0.5 * z**2)
    return z, mass / mass.sum()


def laplace_complement(x: Floats) -> Floats:
    """1 - E exp(-e^(x + Z)), Z ~ N(0, 1): accurate relative to its own size, however small."""
    z, mass = normal_rule()
    return -np.expm1(-np.exp(np.asarray(x)[..., None] + z)) @ mass


def log_laplace(x: Floats) -> Floats:
    """Log L(e^x), accurate for L near 1, where it is multiplied by a large number of classes."""
    z, mass = normal_rule()
    # The larger half of the transform comes from the direct sum, because 1 - (1 - L) loses a tiny L.
    direct = np.exp(-np.exp(np.asarray(x)[..., None] + z)) @ mass
    complement = laplace_complement(x)
    with np.errstate(divide="ignore"):
        return np.where(complement < 0.5, np.log1p(-np.minimum(complement, 0.5)), np.log(direct))


def log_tilted_laplace(x: Floats, power: int) -> Floats:
    """Log A_k(e^x), A_k(t) = E exp(kZ - t e^Z) = e^(k^2/2) L(t e^k) (the shift k of the Gaussian is exact)."""
    return 0.5 * power**2 + log_laplace(np.asarray(x) + power)


def transform_grid(n_classes: float) -> tuple[Floats, float]:
    """Grid in x = log t for integrals of L(e^x)^C, and its step.

    Below -log C - 45 the integrands are smaller than e^-45 of their maximum; above 14 even two factors A_k have
    vanished.
    """
    low = -math.log(n_classes) - 45.0
    step = 0.125
    count = math.ceil((14.0 - low) / step)
    return low + step * np.arange(count + 1), step


def softmax_moment(powers: tuple[int, ...], n_classes: int) -> float:
    """E p_1^a p_2^b ... for p = softmax(z), z ~ N(0, I_C), theory.md (4.2).

    Parameters
    ----------
    powers : tuple of int
        Positive exponents of different classes; at most C of them.
    n_classes : int
        C, at least 2.

    Returns
    -------
    float
        Relative error about 1e-14.
    """
    x, step = transform_grid(n_classes)
    total = sum(powers)
    exponent = total * x - math.lgamma(total)
    for power in powers:
        exponent = exponent + log_tilted_laplace(x, power)
    rest = n_classes - len(powers)
    if rest:
        exponent = exponent + rest * log_laplace(x)
    return float(step * np.exp(exponent).sum())
