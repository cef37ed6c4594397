"""The inverse map z(w) of a weight law that has a density (``chart.py`` states the map and what follows).

With w = -1/e it reads z(w) = gamma w + E lambda + integral lambda^2 nu(d lambda) / (w - lambda): the Cauchy
transform of a positive measure plus a linear function, for densities as for atoms.
"""

import math
from dataclasses import dataclass

import numpy as np

from ...lazy import lazy_property
from .chart import EPS
from .measure import Complexes, Floats, Indices, row_blocks
from .panels import BLOCK, ORDER, Panels, blank
from .roots import increasing_roots

_SMALLEST = 1e-300
_NOISE = 4 * EPS  # rounding of the logarithm of a sum of positive terms


@dataclass(frozen=True)
class Transforms:
    """Integrals of lambda^j nu(d lambda) / (w - lambda), j = 0, 1, 2, and derivatives, shapes (3, n)."""

    values: Complexes
    slopes: Complexes


@dataclass(frozen=True)
class DenseMap:
    """Weights with a density, and atoms beside it.

    Attributes
    ----------
    panels : Panels
        Density of the weights.
    weights, probabilities : ndarray, shape (k,)
        Atoms other than zero, ascending; there may be none.
    aspect_ratio : float
    excess : float
        aspect_ratio - P(lambda != 0).
    relative, deviations
        Errors of the density, as in `WeightLaw`.
    """

    panels: Panels
    weights: Floats
    probabilities: Floats
    aspect_ratio: float
    excess: float
    relative: float = 0.0
    deviations: Panels | None = None

    origin = image = 0.0  # as those of a `Chart`, which it stands in for where a root is sought

    @property
    def model(self) -> "DenseMap":
        """The weights, as of a `Chart`."""
        return self

    @property
    def mass(self) -> float:
        """P(lambda != 0)."""
        return self.aspect_ratio - self.excess

    @lazy_property
    def typical(self) -> float:
        """E abs(lambda)."""
        return float(self.masses @ np.abs(self.nodes))

    @property
    def largest(self) -> float:
        """Largest modulus of a node."""
        return float(np.abs(self.nodes).max())

    @lazy_property
    def nodes(self) -> Floats:
        """Gauss nodes of the panels, then the atoms."""
        return np.append(self.panels.nodes.ravel(), self.weights)

    @lazy_property
    def masses(self) -> Floats:
        """Probabilities of the nodes."""
        return np.append(self.panels.masses.ravel(), self.probabilities)

    @lazy_property
    def mean(self) -> float:
        """E lambda."""
        return float(self.masses @ self.nodes)

    @lazy_property
    def second(self) -> float:
        """E lambda^2."""
        return float(self.masses @ self.nodes**2)

    def transforms(self, w: Complexes) -> Transforms:
        """Cauchy transforms at complex points, or real ones off the panels, shape (n,)."""
        weighted = (self.masses * self.nodes ** np.arange(3)[:, None]).T.astype(complex)
        values, slopes = np.empty((w.size, 3), dtype=complex), np.empty((w.size, 3), dtype=complex)
        for rows in row_blocks(w.size, self.nodes.size, BLOCK):
            near = self.panels.near(w[rows])
            inverse = 1 / (w[rows, None] - self.nodes)
            blank(inverse[:, : self.panels.nodes.size], *near)
            values[rows] = inverse @ weighted
            inverse *= inverse
            slopes[rows] = -(inverse @ weighted)
            self._add_near(w[rows], near, values[rows], slopes[rows])
        return Transforms(values.T, slopes.T)

    def _add_near(
        self, w: Complexes, near: tuple[Indices, Indices], values: Complexes, slopes: Complexes
    ) -> None:
        point, panel = near
        q, slope, _ = self.panels.functions(w[point], panel)
        c = 2 * self.panels.coefficients[panel].T
        value, rate = np.sum(c * q[:ORDER], axis=0), np.sum(c * slope, axis=0)
        for power in range(3):
            # lambda^(j+1) / (w - lambda) = w lambda^j / (w - lambda) - lambda^j
            np.add.at(values[:, power], point, value)
            np.add.at(slopes[:, power], point, rate)
            rate = value + w[point] * rate
            value = w[point] * value - self._panel_moments[power][panel]

    @lazy_property
    def _panel_moments(self) -> Floats:
        nodes, masses = self.panels.nodes, self.panels.masses
        return np.array([np.sum(masses * nodes**j, axis=1) for j in range(3)])

    def evaluate(self, w: Complexes) -> tuple[Complexes, Complexes]:
        """Values z(w) and slopes z'(w), shape (n,): of two forms the one whose terms cancel less."""
        t = self.transforms(w)
        far = self.aspect_ratio * w + self.mean + t.values[2]
        close = w * (self.excess + w * t.values[0])
        is_close = np.abs(w) * (abs(self.excess) + np.abs(w * t.values[0])) < np.abs(
            self.aspect_ratio * w
        ) + (abs(self.mean) + np.abs(t.values[2]))
        slope = self.aspect_ratio + t.slopes[2]
        close_slope = self.excess + w * (2 * t.values[0] + w * t.slopes[0])
        return np.where(is_close, close, far), np.where(is_close, close_slope, slope)

    def evaluate_real(self, u: Floats) -> tuple[Floats, Floats]:
        """Values and slopes at real points off the weights."""
        value, slope = self.evaluate(u.astype(complex))
        return value.real, slope.real

    def pull(self, u: Floats) -> Floats:
        """Integral of lambda^2 nu(d lambda) / (u - lambda)^2 at real points off the weights, shape (n,)."""
        # Next to an end where the density vanishes rounding may leave less than nothing.
        return np.maximum(-self.transforms(u.astype(complex)).slopes[2].real, _SMALLEST)

    def blur(self, u: Floats) -> Floats:
        """Relative rounding error of the density of the weights at real points, which v follows; 0 off it."""
        density = self.panels.density(u)
        return np.where(density > 0, self._rounding(u) / np.maximum(density, _SMALLEST), 0.0)

    def _rounding(self, u: Floats) -> Floats:
        """Rounding error of the density of the weights; 0 off the panels."""
        panels = self.panels
        k = np.clip(np.searchsorted(panels.right, u), 0, panels.left.size - 1)
        size = np.abs(panels.coefficients).sum(axis=1)[k]
        return np.where((u >= panels.left[k]) & (u <= panels.right[k]), EPS * size, 0.0)

    def _rounded_heights(self, u: Floats) -> Floats:
        """Height v = pi u^2 f / gamma below which the rounding of f, maybe below zero, would be the curve."""
        return np.maximum(0.1 * math.pi * u**2 * self._rounding(u) / self.aspect_ratio, _SMALLEST)

    def log_heights(self, u: Floats, start: Floats, lift: Floats | float = 0.0) -> tuple[Floats, Floats]:
        """Logarithm of v over each u at which Im z(u + iv) = ``lift``: points of the boundary curve for 0.

        With M = -Im T_2 / v the equation is M = gamma - lift / v, and log M is nearly linear in log v: with a
        slope of -1 within the weights and of -2 far above them.

        Returns
        -------
        heights : ndarray, shape (n,)
            At least -700.
        rounding : ndarray, shape (n,)
            Their rounding error.
        """
        lift = np.broadcast_to(np.asarray(lift, dtype=float), u.shape)
        falls = np.ones(u.size)

        def missing(y: Floats, which: Indices) -> tuple[Floats, Floats]:
            v = np.exp(y)
            w, raised = u[which] + 1j * v, lift[which] / v
            t = self.transforms(w)
            pull = np.maximum(raised - t.values[2].imag / v, _SMALLEST)
            fall = (pull + t.slopes[2].real) / pull
            falls[which] = np.maximum(np.abs(fall), EPS)
            # The pull less gamma: next to w = 0 without the cancellation of the difference.
            turned = w * t.values[0]
            surplus = raised - (self.excess + turned.real + u[which] / v * turned.imag)
            size = np.abs(turned) * (1 + np.abs(u[which]) / v)
            value = np.where(size < 0.1 * self.aspect_ratio, surplus / self.aspect_ratio, 0.0)
            value = np.where(value != 0, np.log1p(value), np.log(pull / self.aspect_ratio))
            return -value, fall

        top = 0.5 * math.log(self.second / self.aspect_ratio) + 1 + np.log1p(lift / self.aspect_ratio)
        low = np.maximum(-700.0, np.log(self._rounded_heights(u)))
        y = increasing_roots(missing, low, np.broadcast_to(top, u.shape), start, _NOISE)
        return y, 2 * _NOISE / falls

    def heights(self, real: Floats, imaginary_part: Floats | float = 0.0) -> Floats:
        """Positive v over each Re w at which Im z takes a value above zero."""
        lift = np.broadcast_to(np.asarray(imaginary_part, dtype=float), real.shape)
        return np.exp(self.log_heights(real, np.log(lift / self.aspect_ratio + 1e-3), lift)[0])

    def perturbations(self, w: Complexes) -> tuple[Floats, Floats]:
        """Errors of z and, at points of the curve, of the level that the errors of the density make.

        On the curve integral lambda^2 nu / |w - lambda|^2 = gamma, so that by Cauchy and Schwarz a relative
        error of the density moves z by at most that of (gamma E lambda^2)^(1/2).
        """
        shift = np.full(w.size, self.relative * math.sqrt(self.aspect_ratio * self.second))
        level = np.full(w.size, self.relative * self.mass / self.aspect_ratio)
        if self.deviations is not None:
            angles = self.deviations.angles(w)
            shift += np.linalg.norm(_second_transforms(self.deviations, w), axis=1)
            level += np.linalg.norm(angles, axis=1) / (math.pi * self.aspect_ratio)
        return shift, level

    def distribution(self, w: Complexes) -> Floats:
        """Distribution function of the limit law at points of the boundary curve, shape (n,)."""
        angles = self.panels.angles(w) + np.angle(w[:, None] - self.weights) @ self.probabilities
        shear = self.transforms(w).values[1].imag
        own = self.excess * np.angle(w)
        return 1 - (own + angles + shear) / (math.pi * self.aspect_ratio)

    def density(self, w: Complexes) -> Floats:
        """Density of the limit law at points of the boundary curve."""
        return w.imag / np.abs(w) ** 2 / (math.pi * self.aspect_ratio)


def _second_transforms(panels: Panels, w: Complexes) -> Complexes:
    """Integrals of lambda^2 / (w - lambda) over each of the densities of panels, shape (n, r)."""
    nodes, columns = panels.nodes.ravel(), panels.masses.reshape(-1, panels.masses.shape[-1])
    second = np.empty((w.size, columns.shape[1]), dtype=complex)
    for rows in row_blocks(w.size, nodes.size, BLOCK):
        point, panel = panels.near(w[rows])
        inverse = 1 / (w[rows, None] - nodes)
        blank(inverse, point, panel)
        second[rows] = inverse @ (columns * nodes[:, None] ** 2)
        near = w[rows][point, None]
        q, _, _ = panels.functions(near[:, 0], panel)
        masses, places = panels.masses[panel], panels.nodes[panel][..., None]
        zeroth = 2 * np.einsum("np,pnr->pr", q[:ORDER], panels.coefficients[panel])
        first = near * zeroth - masses.sum(axis=1)
        np.add.at(second[rows], point, near * first - (masses * places).sum(axis=1))
    return second
