"""A smooth density from weighted points: the logarithm a spline, by maximum likelihood.

Among all densities exp(s(y)), s a cubic spline on given knots, the one of largest likelihood is that whose
means of the B-splines are those of the points (Kooperberg & Stone 1991). Nowhere negative, twice
differentiable, it needs no more than these means, which quasi-Monte Carlo gives accurately.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import BSpline

from .measure import Floats
from .panels import Panels, series

_BINS = 4096
_TAIL_LEVELS = np.array([1e-5, 1e-4, 1e-3, 0.003, 0.01, 0.02])  # shares of the law beyond knots in a tail
_LEVELS = np.concatenate([_TAIL_LEVELS, np.linspace(0.04, 0.96, 24), 1 - _TAIL_LEVELS])
_RTOL = 1e-9  # of the panels
_STEPS = 60
_CONVERGED = 1e-12  # squared Newton decrement: twice what the mean log likelihood can still gain
_RIDGE = 1e-13  # of the Hessian's trace: splines do not see a common shift of the coefficients


def log_spline(values: Floats, masses: Floats) -> tuple[Panels, Panels]:
    """Density of weighted points by replicates.

    Parameters
    ----------
    values : ndarray, shape (replicates, n)
        NaN for points that do not count.
    masses : ndarray, shape (n,)
        Probabilities of the points of each replicate.

    Returns
    -------
    density : Panels
        Of total mass 1.
    errors : Panels
        Directions of its error, to be added in quadrature: three standard errors from the replicates, and
        the difference from a fit with half as many knots.
    """
    scale = _Coordinate.of(values)
    counts = np.array([scale.counts(row, masses) for row in values])
    mean = counts.mean(axis=0)
    knots = _knots(scale.grid, mean)
    fit, coarse = _Fit.of(scale.grid, mean, knots), _Fit.of(scale.grid, mean, knots[::2])
    directions = [fit.response(each - mean) for each in counts]
    factor = 3 / np.sqrt(len(values) * (len(values) - 1))
    ends = scale.back(np.concatenate([scale.grid[:1], knots, scale.grid[-1:]]))

    def density(x: Floats) -> Floats:
        return fit.density(scale.to(x)) * scale.slope(x)

    panels = Panels.of(density, np.unique(ends), _RTOL)
    y = scale.to(panels.nodes)
    base = fit.density(y)
    basis = fit.basis(y)
    columns = [factor * base * (basis @ direction) for direction in directions]
    columns.append(coarse.density(y) - base)
    errors = np.stack([series(column * scale.slope(panels.nodes)) for column in columns], axis=-1)
    total = float(panels.masses.sum())
    return panels.times(1 / total), Panels(panels.left, panels.right, errors / total)


class _Coordinate:
    """log x for points of one sign, asinh(x / unit) for both: densities in it are smooth over all scales."""

    def __init__(self, sign: float, unit: float, low: float, high: float) -> None:
        self._sign, self._unit = sign, unit
        self.grid = np.linspace(low, high, _BINS)

    @classmethod
    def of(cls, values: Floats) -> "_Coordinate":
        low, high = float(np.nanmin(values)), float(np.nanmax(values))
        sign = 0.0 if low <= 0 <= high else float(np.sign(high))
        unit = 1.0 if sign else 0.1 * float(np.nanmedian(np.abs(values)))
        plain = cls(sign, unit, 0.0, 1.0)
        first, last = np.sort(plain.to(np.array([low, high])))
        pad = 1e-6 * (last - first) + 1e-9
        return cls(sign, unit, first - pad, last + pad)

    def to(self, x: Floats) -> Floats:
        return np.log(self._sign * x) if self._sign else np.arcsinh(x / self._unit)

    def back(self, y: Floats) -> Floats:
        return np.sort(self._sign * np.exp(y) if self._sign else self._unit * np.sinh(y))

    def slope(self, x: Floats) -> Floats:
        """abs(dy/dx)."""
        return 1 / np.abs(x) if self._sign else 1 / np.hypot(x, self._unit)

    def counts(self, row: Floats, masses: Floats) -> Floats:
        """Probability of each grid point, points shared between their two neighbours."""
        finite = np.isfinite(row)
        place = (self.to(row[finite]) - self.grid[0]) / (self.grid[1] - self.grid[0])
        k = np.clip(place.astype(np.intp), 0, _BINS - 2)
        upper = masses[finite] * (place - k)
        counts = np.bincount(k, masses[finite] - upper, _BINS) + np.bincount(k + 1, upper, _BINS)
        return counts / counts.sum()


def _knots(grid: Floats, counts: Floats) -> Floats:
    knots = np.interp(np.sort(_LEVELS), np.cumsum(counts), grid)
    apart = np.diff(knots, prepend=grid[0]) > 8 * (grid[1] - grid[0])
    return knots[apart & (grid[-1] - knots > 8 * (grid[1] - grid[0]))]


class _Fit:
    """exp(spline) of total mass 1 on a grid."""

    def __init__(self, knots: Floats, design: Floats, coefficients: Floats, step: float) -> None:
        self._knots, self._design, self._coefficients, self._step = knots, design, coefficients, step
        self._shares = np.exp(design @ coefficients)
        self._total = self._shares.sum()
        self._shares = self._shares / self._total

    @classmethod
    def of(cls, grid: Floats, counts: Floats, inner: Floats) -> "_Fit":
        knots = np.concatenate([[grid[0]] * 4, inner, [grid[-1]] * 4])
        design = BSpline.design_matrix(grid, knots, 3).toarray()
        step = float(grid[1] - grid[0])
        fit = cls(knots, design, np.zeros(design.shape[1]), step)
        means = counts @ design
        for _ in range(_STEPS):
            gradient = means - fit._shares @ design
            move = np.linalg.solve(fit._hessian(), gradient)
            decrement = float(gradient @ move)
            if decrement < _CONVERGED:
                break
            # Steps that change the logarithm by more than 1 leave the quadratic model.
            move *= min(1.0, 2.0 / float(np.abs(design @ move).max()))
            fit = cls(knots, design, fit._coefficients + move, step)
        return fit

    def _hessian(self) -> NDArray[np.float64]:
        mean = self._shares @ self._design
        hessian = (self._design * self._shares[:, None]).T @ self._design - np.outer(mean, mean)
        return hessian + _RIDGE * np.trace(hessian) * np.eye(mean.size)

    def response(self, change: Floats) -> Floats:
        """Change of the logarithm's coefficients with the counts, to first order; of mean zero."""
        move = np.linalg.solve(self._hessian(), change @ self._design)
        return np.asarray(move - self._shares @ self._design @ move, dtype=float)

    def basis(self, y: Floats) -> Floats:
        """B-splines at points, one more axis."""
        inside = np.clip(y, self._knots[0], self._knots[-1])
        rows: Floats = BSpline.design_matrix(inside.ravel(), self._knots, 3).toarray()
        return rows.reshape(*y.shape, -1)

    def density(self, y: Floats) -> Floats:
        """Density in the coordinate."""
        return np.asarray(
            np.exp(self.basis(y) @ self._coefficients) / (self._total * self._step), dtype=float
        )
