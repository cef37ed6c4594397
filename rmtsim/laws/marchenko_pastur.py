"""The Marchenko-Pastur law in closed form."""

import math
from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal

import numpy as np

from .angular import AngularLaw, Pair
from .solver.cumulants import free_moment
from .solver.measure import Complexes, Floats, check_aspect_ratio
from .solver.poisson_kernel import PoissonKernel

# Enough digits for (1 - gamma^1/2)^2 at the smallest ratio of double precision, 5e-324.
_EXACT = Context(prec=400, Emax=MAX_EMAX, Emin=MIN_EMIN)
_TINY = float(np.finfo(float).tiny)


class MarchenkoPastur(AngularLaw):
    """Limit law of the eigenvalues of (scale/N) X^T X, theory.md (3.6).

    X is N x d with independent standard normal entries, d/N -> aspect_ratio.

    Parameters
    ----------
    aspect_ratio : float
        gamma = d/N > 0.
    scale : float
        Above zero: the variance of the entries, or the one sample weight.

    Raises
    ------
    ValueError
        Naming the argument that is not a finite number above zero, or the scale if the end or the width of
        the bulk is beyond the range of double precision.

    Notes
    -----
    Levels are integrals over the angle phi of theory.md (3.6) from the nearer edge, in which nothing cancels
    at any ratio; distances to the edges are taken from edges in two parts. So ``pdf``, ``cdf`` and ``sf`` are
    right to a few rounding units up to both edges, ``aspect_ratio``, ``scale`` and ``x`` taken as exact.

    Examples
    --------
    >>> law = MarchenkoPastur(1.0)
    >>> law.support(), round(law.cdf(1.0), 12), law.moment(3)
    ([(0.0, 4.0)], 0.608997781044, 5.0)
    """

    def __init__(self, aspect_ratio: float, scale: float = 1.0) -> None:
        self.aspect_ratio = check_aspect_ratio(aspect_ratio)
        if not (np.isfinite(scale) and scale > 0):
            raise ValueError(f"scale: expected a finite number above 0, got {scale}")
        self.scale = float(scale)
        self._root = math.sqrt(self.aspect_ratio)
        self._mass = min(1.0, 1 / self.aspect_ratio)
        self._left, self._right = (_edge(self.aspect_ratio, self.scale, sign) for sign in (-1, 1))
        self._width = 4 * self._root * self.scale
        if not (self._right[0] < math.inf and self._width >= _TINY):
            raise ValueError(
                "scale: expected a bulk with a finite end and a width that is no zero in double precision, "
                f"got {scale} at aspect_ratio {aspect_ratio}"
            )
        # 1 - r without the cancellation near ratio 1
        gap = abs(1 - self.aspect_ratio) / (1 + self._root) / max(1.0, self._root)
        self._kernel = PoissonKernel(min(self._root, 1 / self._root), gap)

    def __repr__(self) -> str:
        return f"MarchenkoPastur(aspect_ratio={self.aspect_ratio}, scale={self.scale})"

    @property
    def atom(self) -> float:
        """Mass at zero, max(0, 1 - 1/aspect_ratio)."""
        return max(0.0, (self.aspect_ratio - 1) / self.aspect_ratio)

    def moment(self, k: int) -> float:
        """E t^k = scale^k sum_j Narayana(k, j) gamma^(j - 1); infinite where it is no finite double."""
        return free_moment(np.array([self.scale]), np.ones(1), self.aspect_ratio, k)

    def var(self) -> float:
        """Variance, aspect_ratio scale^2: the second free cumulant."""
        return self.scale * self.aspect_ratio * self.scale

    def std(self) -> float:
        """Standard deviation."""
        return self.scale * self._root

    def _density(self, x: Floats) -> Floats:
        """Sin phi / (pi gamma^1/2 x) within the bulk."""
        density = np.where(np.isnan(x), np.nan, 0.0)
        if self._left[0] == 0:
            density[x == 0] = np.inf
        left, right = self._angles(x)
        inner = (left > 0) & (right > 0) & (x > 0)
        sine = np.sin(np.minimum(left, right)[inner])
        density[inner] = sine / math.pi / self._root / x[inner]
        return density

    def _transform(self, z: Complexes) -> Complexes:
        """Root of gamma z s^2 + (z + gamma - 1) s + 1 = 0, z and s in units of the scale."""
        gamma = self.aspect_ratio
        z, from_left, from_right = (part / self.scale for part in (z, *self._from_edges(z)))
        radical = np.sqrt(from_left) * np.sqrt(from_right)  # ~ z at infinity
        # z + gamma - 1; at small ratios by z - 1 - gamma, which the edges have without rounding of 1 + gamma
        linear = z + (gamma - 1) if gamma > 0.5 else 0.5 * (from_left + from_right) + 2 * gamma
        small, large = linear - radical, linear + radical
        # The roots have the product 1 / (gamma z): the one that would cancel follows from the other.
        direct = np.abs(large) >= np.abs(small)
        s = np.empty(z.size, dtype=np.complex128)
        s[direct] = -2 / large[direct]
        s[~direct] = -0.5 * (small[~direct] / gamma) / z[~direct]
        return s / self.scale


def _edge(aspect_ratio: float, scale: float, sign: int) -> Pair:
    """Scale (1 + sign aspect_ratio^1/2)^2 to twice the digits of a double."""
    root = _EXACT.sqrt(Decimal(aspect_ratio))
    side = _EXACT.fma(root, sign, 1)
    exact = _EXACT.multiply(Decimal(scale), _EXACT.multiply(side, side))
    rounded = float(exact)
    return rounded, float(_EXACT.subtract(exact, Decimal(rounded))) if math.isfinite(rounded) else 0.0
