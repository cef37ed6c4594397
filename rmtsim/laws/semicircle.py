"""The semicircle law, theory.md (3.11)."""

import math

import numpy as np

from .angular import AngularLaw
from .solver.cumulants import check_order, scaled_power
from .solver.measure import Complexes, Floats
from .solver.poisson_kernel import PoissonKernel
from .weights.weight_law import WeightLaw


class Semicircle(AngularLaw):
    """Law of density 2 (radius^2 - (x - center)^2)^(1/2) / (pi radius^2).

    Parameters
    ----------
    radius : float
        Above zero: twice the standard deviation.
    center : float

    Raises
    ------
    ValueError
        Naming the argument that is not a finite number, or the radius if it is not above zero or vanishes
        beside the center.

    Examples
    --------
    >>> law = Semicircle(2.0)
    >>> law.support(), round(law.cdf(1.0), 12), law.moment(4)
    ([(-2.0, 2.0)], 0.804498890522, 2.0)
    """

    _mass = 1.0

    def __init__(self, radius: float = 2.0, center: float = 0.0) -> None:
        if not math.isfinite(center):
            raise ValueError(f"center: expected a finite number, got {center}")
        if not (math.isfinite(2 * radius) and center - radius < center + radius):
            raise ValueError(
                f"radius: expected a finite number above 0 that is no zero beside the center, got {radius}"
            )
        self.radius, self.center = float(radius), float(center)
        self._left, self._right = (_sum(self.center, sign * self.radius) for sign in (-1, 1))
        self._width = 2 * self.radius
        self._kernel = PoissonKernel(0.0, 1.0)

    @classmethod
    def of(cls, weight_law: WeightLaw, aspect_ratio: float) -> "Semicircle":
        """Semicircle with mean and variance of the generalised Marchenko-Pastur law of the same arguments.

        It is what that law approaches as the aspect ratio tends to 0, theory.md (3.11), with a distance of
        the distribution functions of about gamma^(1/2) abs(E lambda^3) / (3 pi (E lambda^2)^(3/2)).
        """
        mean = float(weight_law.probabilities @ weight_law.weights)
        second = float(weight_law.probabilities @ weight_law.weights**2)
        return cls(2 * math.sqrt(aspect_ratio * second), mean)

    def __repr__(self) -> str:
        return f"Semicircle(radius={self.radius}, center={self.center})"

    def moment(self, k: int) -> float:
        """E t^k: sums of Catalan numbers times powers of center and radius, all of one sign."""
        k = check_order(k)
        unit = max(abs(self.center), self.radius)
        center, half = self.center / unit, 0.5 * self.radius / unit
        terms = (
            math.comb(k, 2 * j) * math.comb(2 * j, j) // (j + 1) * center ** (k - 2 * j) * half ** (2 * j)
            for j in range(k // 2 + 1)
        )
        return scaled_power(math.fsum(terms), unit, k)

    def var(self) -> float:
        """Variance, radius^2 / 4."""
        return 0.25 * self.radius * self.radius

    def _density(self, x: Floats) -> Floats:
        left, right = self._angles(x)
        return 2 / (math.pi * self.radius) * np.sin(np.minimum(left, right))

    def _transform(self, z: Complexes) -> Complexes:
        from_left, from_right = self._from_edges(z)
        return np.asarray(-4 / (np.sqrt(from_left) + np.sqrt(from_right)) ** 2, dtype=np.complex128)


def _sum(a: float, b: float) -> tuple[float, float]:
    """A sum and its rounding error (Knuth, *TAOCP* 2, 4.2.2)."""
    total = a + b
    rest = total - a
    return total, (a - (total - rest)) + (b - rest)
