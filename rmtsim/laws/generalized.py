"""The generalised Marchenko-Pastur law: spectra of weighted Gram matrices."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .distribution import SpectralLaw, shaped
from .solver.boundary import Boundary
from .solver.bulks import Bulks
from .solver.chart import Model
from .solver.cumulants import free_moment
from .solver.dense_boundary import DenseBoundary
from .solver.dense_map import DenseMap
from .solver.measure import Complexes, Floats, canonical, check_aspect_ratio, check_measure, check_range
from .weights.weight_law import WeightLaw


class GeneralizedMarchenkoPastur(SpectralLaw):
    """Limit law of the eigenvalues of (1/N) X^T diag(lambda) X, theory.md (3.1)-(3.4).

    X is N x d with independent standard normal entries, d/N -> aspect_ratio, and the sample weights
    lambda_n, of either sign, have the given discrete law.

    Parameters
    ----------
    weights, probabilities : array_like, shape (k,)
        Atoms of the weight law; the probabilities sum to 1 within 1e-12. Equal weights are merged.
    aspect_ratio : float
        gamma = d/N > 0. Within 16 ulp of P(lambda != 0) it is taken as equal to it: the hard edge, with
        density abs(x)^-1/2 at zero (abs(x)^-1/3 where also E[1 / lambda] = 0).

    Attributes
    ----------
    weights, probabilities : ndarray, shape (at most k,)
        Sorted by weight.
    aspect_ratio : float

    Notes
    -----
    All methods compute with w = -1/e, in which the inverse map of theory.md (3.1) is a linear function plus
    the Cauchy transform of a positive measure; ``solver/chart.py`` states what follows: the root with
    Im w > 0 is unique, edges are found without a search grid, and the distribution function is elementary in
    w. Newton starts from a table of the boundary curve, built on first use; where Newton fails, bisection
    along the curve does not.

    Examples
    --------
    >>> law = GeneralizedMarchenkoPastur([1.0, 8.0], [0.5, 0.5], 0.5)
    >>> [(round(a, 6), round(b, 6)) for a, b in law.support()]
    [(0.195421, 16.533314)]
    """

    def __init__(self, weights: ArrayLike, probabilities: ArrayLike, aspect_ratio: float) -> None:
        atoms, masses = canonical(*check_measure(weights, probabilities))
        check_range(atoms)
        self._set(WeightLaw(atoms, masses, reach=(float(atoms[0]), float(atoms[-1]))), aspect_ratio)

    @classmethod
    def of(cls, weight_law: WeightLaw, aspect_ratio: float) -> "GeneralizedMarchenkoPastur":
        """Limit law of sample weights that may have a density.

        Parameters
        ----------
        weight_law : WeightLaw
            Its errors become part of those that `pdf` and `error` return.
        aspect_ratio : float
            gamma = d/N > 0.
        """
        law = cls.__new__(cls)
        law._set(weight_law, aspect_ratio)
        return law

    def _set(self, weight_law: WeightLaw, aspect_ratio: float) -> None:
        self.weight_law = weight_law
        self.weights, self.probabilities = weight_law.weights, weight_law.probabilities
        self.aspect_ratio = check_aspect_ratio(aspect_ratio)
        largest = float(np.abs(self.weights).max())
        # A power of two: scaling is exact, and squares of weights neither overflow nor vanish.
        self._scale = float(2.0 ** np.ceil(np.log2(largest))) if largest else 1.0
        self._boundary = _boundary(weight_law.scaled(1 / self._scale), self.aspect_ratio)

    def __repr__(self) -> str:
        description = "density" if self.weight_law.panels else f"{self.weights.size} weights"
        return f"GeneralizedMarchenkoPastur({description}, aspect_ratio={self.aspect_ratio})"

    @property
    def error(self) -> float:
        """Estimated largest error of the distribution function, that of the weight law included.

        The largest seen where the solver checks itself, between the points of its tables, and three standard
        errors of a weight law by quasi-Monte Carlo: no proof, but held by the tests against exact laws.
        """
        return self._boundary.error

    @property
    def atom(self) -> float:
        """Mass at zero, max(0, 1 - P(lambda != 0) / aspect_ratio), theory.md (3.2)."""
        return self._boundary.atom

    def support(self) -> list[tuple[float, float]]:
        """Bulks [(left, right), ...] from left to right, without the atom; bulks that touch are joined.

        Where the weights have atoms, or a density that ends at once, the law's density ends like a square
        root at an edge. Where the density of the weights thins out the end is soft: the law's density thins
        out with it, an end far away (infinite for unbounded weights) says little about the largest
        eigenvalue, and `outside` tells up to where one is expected.
        """
        joined: list[tuple[float, float]] = []
        for left, right in zip(self._boundary.left, self._boundary.right, strict=True):
            start = joined.pop()[0] if joined and left <= joined[-1][1] else left
            joined.append((start, right))
        bulks = [(float(self._scale * a), float(self._scale * b)) for a, b in joined]
        low, high = self.weight_law.reach
        if bulks and low == 0 and self.atom > 0 and bulks[0][0] > 0:
            bulks[0] = (0.0, bulks[0][1])  # weights down to zero, z(0) = 0
        if bulks and high == 0 and self.atom > 0 and bulks[-1][1] < 0:
            bulks[-1] = (bulks[-1][0], 0.0)
        if bulks and high == np.inf:
            bulks[-1] = (bulks[-1][0], np.inf)
        if bulks and low == -np.inf:
            bulks[0] = (-np.inf, bulks[0][1])
        return bulks

    def moment(self, k: int) -> float:
        """E t^k, from the free cumulants gamma^(j-1) E lambda^j, theory.md (3.4)."""
        return free_moment(self.weights, self.probabilities, self.aspect_ratio, k)

    def var(self) -> float:
        """Variance gamma E lambda^2, the second free cumulant."""
        scaled = self.weights / self._scale
        return float(self._scale * (self.aspect_ratio * (self.probabilities @ scaled**2)) * self._scale)

    def pdf(self, x: ArrayLike, return_error: bool = False) -> Any:
        """Density of the continuous part, of total mass 1 - atom, also at x = 0 where the atom lies.

        Parameters
        ----------
        x : array_like
        return_error : bool
            Also return a bound of the absolute error of each density: residual and rounding of the equation
            times the condition of its root, the parameters and ``x`` taken as exact.

        Returns
        -------
        density : float or ndarray
            Zero outside the support, infinite at a hard edge.
        error : float or ndarray
            If asked for.
        """
        x = np.asarray(x, dtype=np.float64)
        density, error = (shaped(part, x.shape) for part in self._densities(x.ravel(), return_error))
        return (density, error) if return_error else density

    def _densities(self, x: Floats, with_error: bool) -> list[Floats]:
        parts = self._boundary.density(x / self._scale, with_error)
        return [np.where(np.isnan(x), np.nan, part / self._scale) for part in parts]

    def _density(self, x: Floats) -> Floats:
        return self._densities(x, False)[0]

    def _level(self, x: Floats) -> Floats:
        level = self._boundary.distribution(x / self._scale)
        return np.where(np.isnan(x), np.nan, np.clip(level, 0.0, 1.0))

    def _quantile(self, q: Floats) -> Floats:
        x = self._scale * self._boundary.quantile(q)
        low, high = self.weight_law.reach
        x = np.where((q == 1) & (high == np.inf), np.inf, x)
        return np.where((q == 0) & (low == -np.inf), -np.inf, x)

    def _transform(self, z: Complexes) -> Complexes:
        if self._boundary.left.size == 0:
            if np.any(z == 0):
                raise ValueError("z: expected points off the support, got 0")
            return -1 / z
        z = z / self._scale
        s: Complexes = np.empty(z.size, dtype=np.complex128)
        real = z.imag == 0
        s[real] = self._boundary.real_transform(z[real].real)
        upper = np.where(z.imag > 0, z, z.conj())[~real]
        above = self._boundary.upper_transform(upper)
        s[~real] = np.where(z[~real].imag > 0, above, above.conj())
        s /= self._scale
        return s


def _boundary(law: WeightLaw, aspect_ratio: float) -> Bulks:
    """Solver of a weight law in units of about its largest weight."""
    dense_share = float(law.panels.masses.sum()) if law.panels else 0.0
    model = Model.of(law.atoms, law.masses, aspect_ratio, dense_share)
    if law.panels is None:
        return Boundary(model)
    dense = DenseMap(
        law.panels,
        model.weights,
        model.probabilities,
        aspect_ratio,
        model.excess,
        law.relative,
        law.deviations,
    )
    return DenseBoundary(dense)
