"""The logarithm of one log-normal variable over a sum of others: its density by Fourier inversion.

With z ~ N(0, s^2 I_C), the sum S = sum_c exp(z_c) enters through E exp(-t S) = L(t)^C,
L(t) = E exp(-t e^(s Z)).
"""

import functools
import math
from dataclasses import dataclass

import numpy as np
from scipy.special import loggamma

from ..solver.measure import Complexes, Floats
from .softmax_moments import log_expectation

# exp(-e^y) is bounded for |Im y| < pi/2, so step h has error exp(-pi^2 / h) = 4e-18 at 1/4;
# the Gaussian factor is below 1e-17 at 8.75 standard deviations.
_STEP = 0.25
_REACH = 8.75
# L(e^x) itself lives on z < -x: x reaches 20.
_DEEP = 26.0
_OVERFLOW = 700.0


def normal_rule(step: float, low: float, high: float) -> tuple[Floats, Floats]:
    """Trapezoidal rule of the standard normal law on [low, high], normalised to 1."""
    z = step * np.arange(math.ceil(low / step), math.floor(high / step) + 1, dtype=np.float64)
    mass = np.exp(-0.5 * z**2)
    return z, mass / mass.sum()


def _log_laplace(x: Floats, s: float) -> Floats:
    """Logarithm of L(e^x)."""
    wide = max(s, 1.0)
    z, mass = normal_rule(_STEP / wide, -_DEEP, _REACH + wide - 1)
    u = np.exp(np.minimum(x[:, None] + s * z, _OVERFLOW))
    return log_expectation(-np.expm1(-u) @ mass, np.exp(-u) @ mass)


def _log_tilted_laplace(x: Floats, s: float) -> Floats:
    """Logarithm of A_2(e^x), A_k(t) = E exp(k s Z - t e^(s Z)) = e^(k^2 s^2 / 2) L(t e^(k s^2)), k = 2."""
    return 2 * s**2 + _log_laplace(x + 2 * s**2, s)


@dataclass(frozen=True)
class LogRatio:
    """Quadrature of W = z - log S, z ~ N(0, variance s^2), S = sum of ``n_rest`` independent exp(N(0, s^2)).

    Attributes
    ----------
    nodes, probabilities : ndarray, shape (k,)
        Equidistant w and density times step: a trapezoidal rule, exponentially accurate for analytic
        functions of w.
    curvature : ndarray, shape (k,)
        f''/f of the density f of W.
    rest : ndarray, shape (k,)
        E[(t . y)^2 | W] / s^2 for a unit vector t orthogonal to (1, ..., 1), y the ``n_rest`` variables in S;
        1 if there is no such vector. With q = softmax(y), Q = sum q_c^2 and Stein's identity twice it is 1 +
        s^2 [((Q - 1/n) f)'' + ((1 - Q) f)'] / ((n - 1) f), n = ``n_rest``, where Q f is the density of W
        weighted by Q.
    """

    nodes: Floats
    probabilities: Floats
    curvature: Floats
    rest: Floats


# Tilts theta of the density, exp(theta w) f(w), in units of 1/s: one of them keeps rounding
# relative at every w of interest.
_TILTS = (-0.5, 1.0, 3.0, 6.0, 10.0, 14.0, 18.0)
_NODE_STEP, _FREQUENCY_STEP = 0.05, 0.125  # in units of s and of 1/s
# Densities this close to their rounding level are cut.
_CUT = 1e-12


def _ratio_transforms(a: Complexes, n_rest: int, variance: float, s: float) -> Complexes:
    """E e^(aW) and E e^(aW) sum_c q_c^2 at points a of one real part theta, shape (2, n).

    E S^-a = integral x^(a - 1) L^n / Gamma(a), for -1 < theta < 0 with L^n - 1 in place of L^n.
    """
    theta, wide = float(a[0].real), max(s, 1.0)
    low, high = (
        -math.log(n_rest) - 75.0 * wide - 0.5 * (wide**2 - 1),
        (-40 / theta if theta < 0 else 14 * wide),
    )
    step = 0.125 * min(s, 1.0)
    x = low + step * np.arange(math.ceil((high - low) / step) + 1, dtype=np.float64)
    rest = (n_rest - 1) * _log_laplace(x, s) if n_rest > 1 else np.zeros_like(x)
    total = rest + _log_laplace(x, s)
    power = np.expm1(total) if theta < 0 else np.exp(total)
    squares = n_rest * np.exp(rest + _log_tilted_laplace(x, s) + 2 * x)
    gaussian = np.exp(0.5 * variance * s**2 * a**2)
    integrals = step * np.exp(a[:, None] * x) @ np.stack([power, squares], axis=1)
    gammas = np.stack([loggamma(a), loggamma(a + 2)])
    return np.asarray(gaussian * integrals.T * np.exp(-gammas), dtype=np.complex128)


def _ratio_range(n_rest: int, variance: float, s: float) -> tuple[float, float]:
    """Range of W that carries E e^(aW) for 0 <= a <= 4 / variance: that factor shifts the mass by 4 s^2.

    Farther right, nodes of probability below 1e-30 would only bring the rounding of a compressed rule into
    moments.
    """
    centre = -math.log(n_rest) - (0.5 * s**2 if n_rest > 1 else 0.0)
    left = 8.5 * s * math.sqrt(variance + 1)
    right = 6.4 * s * math.sqrt(variance + min(1.0, math.expm1(s**2) / (n_rest * s**2)))
    return centre - left, centre + right + 4 * s**2


@functools.lru_cache(maxsize=64)
def log_ratio(n_rest: int, variance: float, s: float = 1.0) -> LogRatio:
    """Law of z - log S by Fourier inversion of its analytic characteristic function.

    Dividing by Gamma(a), which falls like exp(-pi |omega| / 2), is harmless because the Gaussian z brings
    exp(-variance s^2 omega^2 / 2): rounding grows at most by exp(pi^2 / (8 variance s^2)).

    Parameters
    ----------
    n_rest : int
        At least 1.
    variance : float
        Of z in units of s^2, 1/2 or more.
    s : float
        Standard deviation of the logits in S.
    """
    low, high = _ratio_range(n_rest, variance, s)
    w = np.arange(low, high, _NODE_STEP * s)
    omega = _FREQUENCY_STEP / s * np.arange(math.ceil(9 / math.sqrt(variance) / _FREQUENCY_STEP) + 1)
    tilts = [theta / (max(s, 1.0) if theta < 0 else s) for theta in _TILTS]
    candidates = [
        _tilted_densities(np.asarray(theta + 1j * omega, dtype=np.complex128), w, n_rest, variance, s)
        for theta in tilts
    ]
    best = np.argmin([noise for noise, _ in candidates], axis=0)
    density, second, rest = np.take_along_axis(
        np.array([values for _, values in candidates]), best[None, None, :], axis=0
    )[0]
    kept = density > _CUT * np.min([noise for noise, _ in candidates], axis=0)
    mass = density[kept] / density[kept].sum()
    return LogRatio(w[kept], mass, second[kept] / density[kept], 1 + s**2 * rest[kept] / density[kept])


def _tilted_densities(
    a: Complexes, w: Floats, n_rest: int, variance: float, s: float
) -> tuple[Floats, Floats]:
    """Level of rounding at every w, and f, f'', f (rest - 1) / s^2 from the transform along one real part."""
    transform, squares = _ratio_transforms(a, n_rest, variance, s)
    # The transform at -omega is the conjugate: twice the real part, the end point 0 counted once.
    step = np.where(a.imag == 0, 0.5, 1.0) * _FREQUENCY_STEP / s / math.pi
    waves = np.exp(-1j * np.outer(w, a.imag)) * step
    second = transform * a**2  # d/dw is a factor -a
    rest = squares * (a**2 + a) - second / n_rest - transform * a
    columns = np.stack([transform, second, rest / max(n_rest - 1, 1)], axis=1)
    values = np.real(waves @ columns).T
    factor = np.exp(-a[0].real * w)
    return factor * abs(transform[0]), factor * values
