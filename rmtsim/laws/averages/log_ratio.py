"""The logarithm of one log-normal variable over a sum of others: its density by Fourier inversion.

With z ~ N(0, I_C), the sum S = sum_c exp(z_c) enters through E exp(-t S) = L(t)^C, L(t) = E exp(-t e^Z).
"""

import functools
import math
from dataclasses import dataclass

import numpy as np
from scipy.special import loggamma

from ..solver.measure import Floats
from .softmax_moments import log_expectation

# exp(-e^y) is bounded for |Im y| < pi/2, so step h has error exp(-pi^2 / h) = 4e-18 at 1/4;
# the Gaussian factor is below 1e-17 at 8.75 standard deviations.
_STEP = 0.25
_REACH = 8.75
# L(e^x) itself lives on z < -x: x reaches 20.
_DEEP = 26.0


def normal_rule(step: float, low: float, high: float) -> tuple[Floats, Floats]:
    """Trapezoidal rule of the standard normal law on [low, high], normalised to 1."""
    z = step * np.arange(math.ceil(low / step), math.floor(high / step) + 1, dtype=np.float64)
    mass = np.exp(-0.5 * z**2)
    return z, mass / mass.sum()


def _log_laplace(x: Floats) -> Floats:
    """Logarithm of L(e^x)."""
    z, mass = normal_rule(_STEP, -_DEEP, _REACH)
    u = np.exp(x[:, None] + z)
    return log_expectation(-np.expm1(-u) @ mass, np.exp(-u) @ mass)


def _log_tilted_laplace(x: Floats, power: int) -> Floats:
    """Logarithm of A_k(e^x), A_k(t) = E exp(kZ - t e^Z) = e^(k^2/2) L(t e^k), by a shift of the Gaussian."""
    return 0.5 * power**2 + _log_laplace(x + power)


@dataclass(frozen=True)
class LogRatio:
    """Quadrature of W = z - log S, z ~ N(0, variance), S = sum of ``n_rest`` independent exp(N(0, 1)).

    Attributes
    ----------
    nodes, probabilities : ndarray, shape (k,)
        Equidistant w and density times step: a trapezoidal rule, exponentially accurate for analytic
        functions of w.
    curvature : ndarray, shape (k,)
        f''/f of the density f of W.
    rest : ndarray, shape (k,)
        E[(t . y)^2 | W] for a unit vector t orthogonal to (1, ..., 1), y the ``n_rest`` variables in S; 1 if
        there is no such vector. With q = softmax(y), Q = sum q_c^2 and Stein's identity twice it is 1 + [((Q
        - 1/n) f)'' + ((1 - Q) f)'] / ((n - 1) f), n = ``n_rest``, where Q f is the density of W weighted by
        Q.
    """

    nodes: Floats
    probabilities: Floats
    curvature: Floats
    rest: Floats


# Tilts theta of the density, exp(theta w) f(w): one of them keeps rounding relative at every w of interest.
_TILTS = (-0.5, 1.0, 3.0, 6.0, 10.0, 14.0, 18.0)
_NODE_STEP = 0.05
_FREQUENCY_STEP = 0.125
# Densities this close to their rounding level are cut.
_CUT = 1e-12


def _ratio_transforms(theta: float, omega: Floats, n_rest: int, variance: float) -> Floats:
    """E e^(aW) and E e^(aW) sum_c q_c^2 at a = theta + i omega, shape (2, n).

    E S^-a = integral x^(a - 1) L^n / Gamma(a), for -1 < theta < 0 with L^n - 1 in place of L^n.
    """
    low, high = -math.log(n_rest) - 75.0, (80.0 if theta < 0 else 14.0)
    x = low + 0.125 * np.arange(math.ceil((high - low) / 0.125) + 1, dtype=np.float64)
    rest = (n_rest - 1) * _log_laplace(x) if n_rest > 1 else np.zeros_like(x)
    total = rest + _log_laplace(x)
    power = np.expm1(total) if theta < 0 else np.exp(total)
    squares = n_rest * np.exp(rest + _log_tilted_laplace(x, 2) + 2 * x)
    a = theta + 1j * omega
    gaussian = np.exp(0.5 * variance * a**2)
    integrals = 0.125 * np.exp(a[:, None] * x) @ np.stack([power, squares], axis=1)
    gammas = np.stack([loggamma(a), loggamma(a + 2)])
    return gaussian * integrals.T * np.exp(-gammas)


def _ratio_range(n_rest: int, variance: float) -> tuple[float, float]:
    """Range of W that carries E e^(aW) for 0 <= a <= 4 / variance: that factor shifts the mass by 4.

    Farther right, nodes of probability below 1e-30 would only bring the rounding of a compressed rule into
    moments.
    """
    centre = -math.log(n_rest) - (0.5 if n_rest > 1 else 0.0)
    left = 8.5 * math.sqrt(variance + 1)
    right = 6.4 * math.sqrt(variance + min(1.0, (math.e - 1) / n_rest))
    return centre - left, centre + right + 4


@functools.lru_cache(maxsize=64)
def log_ratio(n_rest: int, variance: float) -> LogRatio:
    """Law of z - log S by Fourier inversion of its analytic characteristic function.

    Dividing by Gamma(a), which falls like exp(-pi |omega| / 2), is harmless because the Gaussian z brings
    exp(-variance omega^2 / 2): rounding grows at most by exp(pi^2 / (8 variance)).

    Parameters
    ----------
    n_rest : int
        At least 1.
    variance : float
        Of z, 1/2 or more.
    """
    low, high = _ratio_range(n_rest, variance)
    w = np.arange(low, high, _NODE_STEP)
    omega = _FREQUENCY_STEP * np.arange(
        math.ceil(9 / math.sqrt(variance) / _FREQUENCY_STEP) + 1, dtype=np.float64
    )
    candidates = [_tilted_densities(theta, omega, w, n_rest, variance) for theta in _TILTS]
    best = np.argmin([noise for noise, _ in candidates], axis=0)
    density, second, rest = np.take_along_axis(
        np.array([values for _, values in candidates]), best[None, None, :], axis=0
    )[0]
    kept = density > _CUT * np.min([noise for noise, _ in candidates], axis=0)
    mass = density[kept] / density[kept].sum()
    return LogRatio(w[kept], mass, second[kept] / density[kept], 1 + rest[kept] / density[kept])


def _tilted_densities(
    theta: float, omega: Floats, w: Floats, n_rest: int, variance: float
) -> tuple[Floats, Floats]:
    """Level of rounding at every w, and f, f'', f (rest - 1) from the transform along Re a = theta."""
    transform, squares = _ratio_transforms(theta, omega, n_rest, variance)
    a = theta + 1j * omega
    # The transform at -omega is the conjugate: twice the real part, the end point 0 counted once.
    step = np.where(omega == 0, 0.5, 1.0) * _FREQUENCY_STEP / math.pi
    waves = np.exp(-1j * np.outer(w, omega)) * step
    second = transform * a**2  # d/dw is a factor -a
    rest = squares * (a**2 + a) - second / n_rest - transform * a
    columns = np.stack([transform, second, rest / max(n_rest - 1, 1)], axis=1)
    values = np.real(waves @ columns).T
    factor = np.exp(-theta * w)
    return factor * abs(transform[0]), factor * values
