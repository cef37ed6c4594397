"""Laws of one bulk with two square-root edges, whose levels are integrals over the angle from an edge."""

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .distribution import SpectralLaw, elementwise
from .solver.measure import Complexes, Floats
from .solver.poisson_kernel import PoissonKernel

Pair = tuple[float, float]
"""A number as the sum of two: the second is the rounding error of the first."""


class AngularLaw(SpectralLaw):
    """A bulk centre - (width/2) cos phi, 0 <= phi <= pi, with the density of a `PoissonKernel` over phi.

    Distances to the edges are taken from edges in two parts, and levels from the nearer edge, so that nothing
    cancels. A mass ``atom`` at zero lies at or left of the bulk.
    """

    _left: Pair
    _right: Pair
    _width: float
    _mass: float
    _kernel: PoissonKernel

    def support(self) -> list[tuple[float, float]]:
        """The bulk [(left, right)], without the atom."""
        return [(self._left[0], self._right[0])]

    def _angles(self, x: Floats) -> tuple[Floats, Floats]:
        """Angles phi from the left edge and pi - phi from the right one, 0 beyond it."""
        above = np.sqrt(np.maximum((x - self._left[0]) - self._left[1], 0))
        below = np.sqrt(np.maximum((self._right[0] - x) + self._right[1], 0))
        return 2 * np.arctan2(above, below), 2 * np.arctan2(below, above)

    def _from_edges(self, z: Complexes) -> tuple[Complexes, Complexes]:
        """Differences of points from both edges; points of the support, the atom included, are refused."""
        from_left, from_right = ((z - edge) - rest for edge, rest in (self._left, self._right))
        on_bulk = (from_left.real >= 0) & (from_right.real <= 0) | (z.real == 0) & (self.atom > 0)
        bad = (z.imag == 0) & on_bulk
        if bad.any():
            raise ValueError(f"z: expected points off the support, got {z[bad][0].real}")
        return from_left, from_right

    def _level(self, x: Floats) -> Floats:
        return self._levels(x)[0]

    def sf(self, x: ArrayLike) -> Any:
        """Survival function 1 - cdf, without its cancellation near the right edge."""
        return elementwise(lambda flat: self._levels(flat)[1], x)

    def _levels(self, x: Floats) -> tuple[Floats, Floats]:
        """Distribution and survival function."""
        left, right = self._angles(x)
        lower = left < right
        share = np.empty(x.size)
        share[lower] = self._mass * self._kernel.left_level(left[lower])
        share[~lower] = self._mass * self._kernel.right_level(right[~lower])
        before_atom = (x < 0) & (self.atom > 0)
        below = np.where(before_atom, 0.0, self.atom + share)
        above = np.where(before_atom, 1.0, self._mass - share)
        return np.where(lower, below, 1 - share), np.where(lower, above, share)

    def _quantile(self, q: Floats) -> Floats:
        lower, upper = (q - self.atom) / self._mass, (1 - q) / self._mass
        x = np.where(lower <= 0, self._left[0], self._right[0])
        from_left = (lower > 0) & (lower <= self._kernel.left_level(np.array([math.pi / 2]))[0])
        from_right = (lower > 0) & ~from_left & (upper > 0)
        x[from_left] = self._point(self._left, 1, self._kernel.left_angle(lower[from_left]))
        x[from_right] = self._point(self._right, -1, self._kernel.right_angle(upper[from_right]))
        return np.where((q <= self.atom) & (self.atom > 0), 0.0, x)

    def _point(self, edge: Pair, sign: int, angle: Floats) -> Floats:
        """Point at an angle from an edge."""
        return edge[0] + (edge[1] + sign * self._width * np.sin(angle / 2) ** 2)
