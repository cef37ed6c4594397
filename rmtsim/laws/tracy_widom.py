"""Extreme eigenvalues of Wishart matrices: the Tracy-Widom law, and which law holds at which edge."""

import math
from functools import cache

import numpy as np
from numpy.polynomial import Chebyshev
from numpy.polynomial.chebyshev import chebpts1, chebvander
from numpy.polynomial.legendre import leggauss
from scipy.special import airy

from .distribution import Distribution
from .edelman import EdelmanSmallest
from .solver.cumulants import check_order, scaled_power
from .solver.measure import Floats, Indices
from .solver.roots import increasing_roots

# The law has less than 1e-19 of its mass beyond these points: F_1(s) ~ exp(-abs(s)^3 / 24) on the left,
# 1 - F_1(s) ~ exp(-(2/3) s^(3/2)) on the right. The Airy function falls below 1e-20 there too.
_LEFT, _RIGHT = -11.0, 17.0
# Against 100 nodes, 40 are right to 2e-14; against the determinants, 100 points interpolate to 3e-14.
_N_NODES, _N_INTERPOLATION = 48, 112
_HIGHEST_MOMENT = 10


_rule = cache(leggauss)


def _airy(arguments: Floats) -> tuple[Floats, Floats]:
    """Ai and Ai' of a symmetric matrix: one triangle, and only where they are not negligible (a quarter)."""
    near = np.triu(arguments < _RIGHT)
    both = np.zeros((2, *arguments.shape))
    both[:, near] = airy(arguments[near])[:2]
    value, slope = both + np.triu(both, 1).swapaxes(1, 2)
    return value, slope


def _determinant(s: float) -> tuple[float, float]:
    """F_1(s) and its derivative by Gauss-Legendre discretisation of a Fredholm determinant.

    F_1(s) = det(I - A_s) on L^2(0, inf) with the kernel A_s(x, y) = Ai(x + y + s) (Ferrari & Spohn 2005,
    *J. Phys. A* 38, L557); the discretisation converges exponentially (Bornemann 2010, *Math. Comp.* 79,
    871). d log F_1 / ds = -tr (I - A_s)^-1 dA_s / ds.
    """
    nodes, masses = _rule(_N_NODES)
    half = 0.5 * (_RIGHT - s)
    x, root = half * (nodes + 1), np.sqrt(half * masses)
    value, slope = _airy(x[:, None] + x + s)
    quadrature = root[:, None] * root
    rest = np.eye(x.size) - quadrature * value
    determinant = float(np.linalg.det(rest))
    return determinant, -determinant * float(np.trace(np.linalg.solve(rest, quadrature * slope)))


@cache
def _interpolants() -> tuple[Chebyshev, Chebyshev]:
    """Distribution function and density, both entire functions, on [_LEFT, _RIGHT]."""
    points = chebpts1(_N_INTERPOLATION)
    middle, half = 0.5 * (_LEFT + _RIGHT), 0.5 * (_RIGHT - _LEFT)
    values = np.array([_determinant(float(s)) for s in middle + half * points])
    coefficients = 2 / points.size * chebvander(points, points.size - 1).T @ values
    coefficients[0] /= 2
    f, density = (Chebyshev(column, domain=[_LEFT, _RIGHT]) for column in coefficients.T)
    return f, density


def _standard_cdf(s: Floats) -> Floats:
    inner = np.clip(_interpolants()[0](np.clip(s, _LEFT, _RIGHT)), 0.0, 1.0)
    return np.where(s <= _LEFT, 0.0, np.where(s >= _RIGHT, 1.0, inner))


def _standard_pdf(s: Floats) -> Floats:
    inner = np.maximum(_interpolants()[1](np.clip(s, _LEFT, _RIGHT)), 0.0)
    return np.where((s <= _LEFT) | (s >= _RIGHT), 0.0, inner)


def _standard_ppf(q: Floats) -> Floats:
    grid = np.linspace(_LEFT, _RIGHT, 400)

    def mismatch(s: Floats, which: Indices) -> tuple[Floats, Floats]:
        return _standard_cdf(s) - q[which], _standard_pdf(s)

    start = np.interp(q, _standard_cdf(grid), grid)
    s = increasing_roots(mismatch, np.full(q.size, _LEFT), np.full(q.size, _RIGHT), start)
    return np.where(q <= 0, -np.inf, np.where(q >= 1, np.inf, s))


@cache
def _standard_moments() -> tuple[float, Floats]:
    """Mean and central moments of orders 0 to 10, by Gauss-Legendre quadrature of the density."""
    nodes, masses = _rule(200)
    s = 0.5 * (_LEFT + _RIGHT) + 0.5 * (_RIGHT - _LEFT) * nodes
    shares = masses * _standard_pdf(s)
    shares /= shares.sum()
    mean = float(shares @ s)
    central = shares @ (s - mean)[:, None] ** np.arange(_HIGHEST_MOMENT + 1)
    central[:2] = 1, 0
    return mean, central


class TracyWidom(Distribution):
    """Tracy-Widom law of real symmetric ensembles (beta = 1): loc + scale T with T ~ F_1.

    Absolute errors of ``pdf`` and ``cdf`` are below 1e-13.

    Parameters
    ----------
    loc : float
    scale : float
        Not zero; a negative one reflects the law, as a left edge wants it.

    References
    ----------
    Tracy & Widom 1996, *Commun. Math. Phys.* 177, 727; Bornemann 2010, *Math. Comp.* 79, 871.

    Examples
    --------
    >>> round(TracyWidom().cdf(0.0), 12)
    0.831908066203
    """

    def __init__(self, loc: float = 0.0, scale: float = 1.0) -> None:
        if not np.isfinite(loc):
            raise ValueError(f"loc: expected a finite number, got {loc}")
        if not np.isfinite(scale) or scale == 0:
            raise ValueError(f"scale: expected a finite number other than 0, got {scale}")
        self.loc, self.scale = float(loc), float(scale)

    def __repr__(self) -> str:
        return f"TracyWidom(loc={self.loc}, scale={self.scale})"

    def _standard(self, x: Floats) -> Floats:
        with np.errstate(over="ignore"):  # to infinity, where the functions have their limits
            return (x - self.loc) / self.scale

    def support(self) -> list[tuple[float, float]]:
        """The line that carries the law."""
        return [(-math.inf, math.inf)]

    def _density(self, x: Floats) -> Floats:
        return _standard_pdf(self._standard(x)) / abs(self.scale)

    def _level(self, x: Floats) -> Floats:
        below = _standard_cdf(self._standard(x))
        return below if self.scale > 0 else 1 - below

    def _quantile(self, q: Floats) -> Floats:
        return self.loc + self.scale * _standard_ppf(q if self.scale > 0 else 1 - q)

    def mean(self) -> float:
        """First moment."""
        return self.loc + self.scale * _standard_moments()[0]

    def var(self) -> float:
        """Variance."""
        return self.scale * _standard_moments()[1][2] * self.scale

    def std(self) -> float:
        """Standard deviation."""
        return abs(self.scale) * math.sqrt(_standard_moments()[1][2])

    def moment(self, k: int) -> float:
        """E t^k for k up to 10, from the central moments: their relative error is below 1e-9.

        Raises
        ------
        ValueError
            For higher orders, to which the ends of the tails contribute that the law is computed without.
        """
        k = check_order(k)
        if k > _HIGHEST_MOMENT:
            raise ValueError(f"k: expected an order of at most {_HIGHEST_MOMENT}, got {k}")
        central = _standard_moments()[1]
        unit = max(abs(self.mean()), abs(self.scale))
        mean, scale = self.mean() / unit, self.scale / unit
        terms = (math.comb(k, j) * mean ** (k - j) * scale**j * float(central[j]) for j in range(k + 1))
        return scaled_power(math.fsum(terms), unit, k)


def johnstone_scaling(n_samples: int, n_features: int) -> tuple[float, float]:
    """Centre and scale of the largest eigenvalue of (1/N) X^T X.

    mu = (sqrt(N - 1) + sqrt(d))^2 / N, sigma = (sqrt(N - 1) + sqrt(d)) (1/sqrt(N - 1) + 1/sqrt(d))^(1/3) / N:
    (largest - mu) / sigma -> F_1 (Johnstone 2001, *Ann. Statist.* 29, 295, theorem 1.1).

    Parameters
    ----------
    n_samples, n_features : int
        N of at least 2, and d of at least 1.

    Returns
    -------
    centre, scale : float
    """
    _check_sizes(n_samples, n_features)
    a, b = math.sqrt(n_samples - 1), math.sqrt(n_features)
    return (a + b) ** 2 / n_samples, (a + b) * (1 / a + 1 / b) ** (1 / 3) / n_samples


def _check_sizes(n_samples: int, n_features: int) -> None:
    for name, value, least in (("n_samples", n_samples, 2), ("n_features", n_features, 1)):
        if not (least <= value <= 2**53 and value == int(value)):
            raise ValueError(f"{name}: expected a whole number from {least} to 2^53, got {value}")


def largest_eigenvalue_law(n_samples: int, n_features: int, scale: float = 1.0) -> TracyWidom:
    """Law of the largest eigenvalue of (scale/N) X^T X, X N x d standard normal: `johnstone_scaling`.

    The error of the distribution function is O(d^-1/3) with a small constant: Johnstone's table 1 has about
    0.01 at N = d = 100 in the upper tail.
    """
    centre, width = johnstone_scaling(n_samples, n_features)
    return TracyWidom(scale * centre, scale * width)


def smallest_eigenvalue_law(
    n_samples: int, n_features: int, scale: float = 1.0
) -> TracyWidom | EdelmanSmallest:
    """Law of the smallest nonzero eigenvalue of (scale/N) X^T X, X N x d standard normal.

    The left edge of the Marchenko-Pastur law is soft where d/N stays away from 1: reflected Tracy-Widom, with
    centre (sqrt(n) - sqrt(p))^2 / N and scale (sqrt(n) - sqrt(p)) (1/sqrt(p) - 1/sqrt(n))^(1/3) / N,
    n = max(N, d) - 1/2, p = min(N, d) - 1/2 (Ma 2012, *Bernoulli* 18, 322). It is hard at N = d:
    `EdelmanSmallest`. In between, where abs(N - d) stays finite as N grows, neither is the limit (it is a
    Bessel-kernel law), and the soft law is not to be trusted.

    """
    _check_sizes(n_samples, n_features)
    if n_samples == n_features:
        return EdelmanSmallest(scale / n_samples**2)
    a, b = math.sqrt(max(n_samples, n_features) - 0.5), math.sqrt(min(n_samples, n_features) - 0.5)
    difference = abs(n_samples - n_features) / (a + b)  # a - b, which cancels where they are near
    width = difference * (difference / (a * b)) ** (1 / 3)
    return TracyWidom(scale * difference**2 / n_samples, -scale * width / n_samples)
