"""Edelman's law of the smallest eigenvalue at the hard edge."""

import math

import numpy as np
from numpy.polynomial.legendre import leggauss

from .distribution import Distribution
from .solver.cumulants import check_order, scaled_power
from .solver.measure import Floats


class EdelmanSmallest(Distribution):
    """Limit law of scale^-1 times the smallest eigenvalue at the hard edge of a square real Wishart matrix.

    With X n x n standard normal, n times the smallest eigenvalue of X^T X has in the limit the distribution
    function 1 - exp(-(t/2 + t^(1/2))) (Edelman 1988, *SIAM J. Matrix Anal. Appl.* 9, 543, theorem 1.3,
    corollary 3.1).

    Parameters
    ----------
    scale : float
        Above zero.
    """

    def __init__(self, scale: float = 1.0) -> None:
        if not (np.isfinite(scale) and scale > 0):
            raise ValueError(f"scale: expected a finite number above 0, got {scale}")
        self.scale = float(scale)

    def __repr__(self) -> str:
        return f"EdelmanSmallest(scale={self.scale})"

    def _standard(self, x: Floats) -> Floats:
        with np.errstate(over="ignore"):  # to infinity, where the functions have their limits
            return x / self.scale

    def support(self) -> list[tuple[float, float]]:
        """The half-line that carries the law."""
        return [(0.0, math.inf)]

    def _density(self, x: Floats) -> Floats:
        t = self._standard(x)
        density = np.where(np.isnan(t), np.nan, np.where(t == 0, np.inf, 0.0))
        root = np.sqrt(t[t > 0])
        density[t > 0] = 0.5 * (1 + 1 / root) * np.exp(-root * (0.5 * root + 1)) / self.scale
        return density

    def _level(self, x: Floats) -> Floats:
        t = np.maximum(self._standard(x), 0)
        return -np.expm1(-(t / 2 + np.sqrt(t)))

    def _quantile(self, q: Floats) -> Floats:
        """The root of t at level q is the positive r with r^2 / 2 + r = -log(1 - q)."""
        x = np.full(q.size, np.inf)
        exponent = -np.log1p(-q[q < 1])
        x[q < 1] = self.scale * (2 * exponent / (1 + np.sqrt(1 + 2 * exponent))) ** 2
        return x

    def var(self) -> float:
        """Variance."""
        return self.scale * self._standard_var() * self.scale

    def std(self) -> float:
        """Standard deviation."""
        return self.scale * math.sqrt(self._standard_var())

    @staticmethod
    def _standard_var() -> float:
        r, shares = _edelman_rule(2)
        squares = r * r
        return float(shares @ (squares - shares @ squares) ** 2)

    def moment(self, k: int) -> float:
        """E t^k, by Gauss-Legendre quadrature in the root of t; infinite where it is no finite double."""
        k = check_order(k)
        r, shares = _edelman_rule(k)
        peak = math.sqrt(2 * k) if k else 1.0
        return scaled_power(float(shares @ (r / peak) ** (2 * k)), peak**2 * self.scale, k)


def _edelman_rule(k: int) -> tuple[Floats, Floats]:
    """Roots of t and their shares: 12 units, of which 7 would do, around the peak of r^2k exp(-r^2 / 2)."""
    peak = math.sqrt(2 * k)
    nodes, masses = leggauss(200)
    low, high = max(0.0, peak - 12), peak + 12
    r = 0.5 * (low + high) + 0.5 * (high - low) * nodes
    return r, 0.5 * (high - low) * masses * (1 + r) * np.exp(-r * (0.5 * r + 1))
