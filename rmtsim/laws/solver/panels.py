"""Densities by panels: Legendre series on neighbouring intervals, and their Cauchy transforms.

On each panel [a, b] a density is sum_n c_n P_n(t), t = (2 x - a - b) / (b - a) in [-1, 1]. With zeta the same
map of a point w off the panel,

    integral f(x) / (w - x) dx = sum_n 2 c_n Q_n(zeta),

Q_n the Legendre functions of the second kind (DLMF 14.12.13): exact however near w comes to the panel. Away
from it the panel's Gauss-Legendre rule is as good and costs less.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.polynomial import legendre
from numpy.typing import NDArray

from ...lazy import lazy_property
from .measure import Complexes, Floats, Indices, row_blocks

ORDER = 16
"""Coefficients, and Gauss nodes, of a panel."""
NODES, RULE = legendre.leggauss(ORDER)
_DEGREES = np.arange(ORDER)
_VALUES = legendre.legvander(NODES, ORDER - 1)
_PROJECTION = _VALUES * RULE[:, None] * (_DEGREES + 0.5)
# Sum of the semi-axes of the Bernstein ellipse outside of which the Gauss rule is taken: its error is below
# 2 pi 3^-32 = 3e-15 of the density, and the forward recurrence for Q_n loses at most 3^15 eps on the last
# coefficient inside.
_ELLIPSE = 3.0
_LIGHT = 1e-15  # error of a panel in a moment, relative to the heaviest panel, that need not be mended
_MAX_HALVINGS, _MOST_ROUGH = 60, 64
BLOCK = 1 << 15  # entries of a points-by-nodes block: it stays in a core's cache
_REACH = _ELLIPSE + 1 / _ELLIPSE


def series(values: Floats) -> Floats:
    """Legendre coefficients (..., 16) of the polynomial through values at the Gauss nodes (..., 16)."""
    return values @ _PROJECTION


def blank(terms: NDArray[Any], point: Indices, panel: Indices) -> None:
    """Set to zero what the nodes of panels add to points: terms (points, nodes), nodes panel by panel."""
    terms.reshape(len(terms), -1, ORDER)[point, panel] = 0


def _not_negative(coefficients: Floats) -> Floats:
    """Series that fall below zero, on panels too light to be halved further, give way to their means."""
    values = coefficients @ legendre.legvander(np.linspace(-1, 1, 4 * ORDER + 1), ORDER - 1).T
    rounding = 64 * np.finfo(float).eps * np.abs(coefficients).sum(axis=1)
    negative = values.min(axis=1, initial=0.0) < -rounding
    means = np.where(_DEGREES == 0, np.abs(coefficients[:, :1]), 0.0)
    return np.where(negative[:, None], means, coefficients)


@dataclass(frozen=True)
class Panels:
    """A density by panels.

    Attributes
    ----------
    left, right : ndarray, shape (k,)
        Ends, ascending, no two panels overlapping. Neighbours may touch: ``right[j] == left[j + 1]``.
    coefficients : ndarray, shape (k, 16) or (k, 16, r)
        Legendre coefficients of the density on each panel, or of r densities at once.
    """

    left: Floats
    right: Floats
    coefficients: Floats

    @classmethod
    def of(cls, density: Callable[[Floats], Floats], ends: Floats, rtol: float = 1e-13) -> "Panels":
        """Panels of a density on neighbouring intervals, halved until the series have converged.

        Parameters
        ----------
        density : callable
            Vectorised; not negative.
        ends : ndarray, shape (k + 1,)
            Ascending: ends and inner break points. Break at every point where the density is not analytic,
            and by factors of about two towards a point where it is singular.
        rtol : float
            Largest trailing coefficients relative to the density's maximum on the panel.

        Raises
        ------
        ValueError
            If the density is negative or not finite at a node.
        """
        left, right = np.asarray(ends[:-1], dtype=float), np.asarray(ends[1:], dtype=float)
        done: list[tuple[Floats, Floats, Floats]] = []
        total = np.zeros(5)
        most = max(_MOST_ROUGH, left.size)
        for halving in range(_MAX_HALVINGS):
            values = density((0.5 * (left + right))[:, None] + 0.5 * (right - left)[:, None] * NODES)
            if not (np.isfinite(values).all() and values.min(initial=0.0) >= 0):
                raise ValueError("density: expected finite numbers of at least 0 at every node")
            c = series(values)
            peak = values.max(axis=1)
            tail = np.abs(c[:, -2:]).max(axis=1)
            # What a panel adds to the moments 0 to 4, and what its tail leaves out of them.
            weight = (right - left) * np.maximum(np.abs(left), np.abs(right)) ** np.arange(5)[:, None]
            total = np.maximum(total, np.max(peak * weight, axis=1, initial=0.0))
            rough = (tail > rtol * peak) & np.any(tail * weight > _LIGHT * total[:, None], axis=0)
            # Where ever more panels are rough it is by the rounding of the density.
            if rough.sum() > most or halving == _MAX_HALVINGS - 1:
                rough[:] = False
            done.append((left[~rough], right[~rough], c[~rough]))
            middle = 0.5 * (left + right)[rough]
            left, right = np.append(left[rough], middle), np.append(middle, right[rough])
            if left.size == 0:
                break
        left, right, c = (np.concatenate(parts) for parts in zip(*done, strict=True))
        order = np.argsort(left)
        order = order[np.any(c[order] != 0, axis=1)]  # a panel without mass is a gap of the weights
        return cls(left[order], right[order], _not_negative(c[order]))

    def scaled(self, factor: float) -> "Panels":
        """Density of ``factor`` times the variable."""
        coefficients = self.coefficients / abs(factor)
        if factor > 0:
            return Panels(factor * self.left, factor * self.right, coefficients)
        signs = ((-1.0) ** _DEGREES).reshape(-1, *[1] * (coefficients.ndim - 2))
        return Panels(factor * self.right[::-1], factor * self.left[::-1], coefficients[::-1] * signs)

    def joined(self, other: "Panels") -> "Panels":
        """These panels and others to their right."""
        return Panels(
            np.append(self.left, other.left),
            np.append(self.right, other.right),
            np.concatenate([self.coefficients, other.coefficients]),
        )

    def times(self, factor: float) -> "Panels":
        """The density multiplied by a number."""
        return Panels(self.left, self.right, factor * self.coefficients)

    @lazy_property
    def nodes(self) -> Floats:
        """Gauss nodes, shape (k, 16)."""
        return self._centre[:, None] + self._half[:, None] * NODES

    @lazy_property
    def masses(self) -> Floats:
        """Density times Gauss weight at each node, shape (k, 16) or (k, 16, r)."""
        values = np.tensordot(_VALUES, self.coefficients, axes=(1, 1))  # (16, k, ...)
        weighted = values * RULE.reshape(-1, *[1] * (values.ndim - 1))
        return np.moveaxis(weighted, 0, 1) * self._half.reshape(-1, *[1] * (values.ndim - 1))

    @property
    def _centre(self) -> Floats:
        return 0.5 * (self.left + self.right)

    @property
    def _half(self) -> Floats:
        return 0.5 * (self.right - self.left)

    def density(self, x: Floats) -> Floats:
        """Density at ``x``, shape (n,); zero off the panels."""
        k = np.clip(np.searchsorted(self.right, x), 0, self.left.size - 1)
        t = (x - self._centre[k]) / self._half[k]
        values = legendre.legval(t, self.coefficients[k].T, tensor=False)
        return np.where(np.abs(t) <= 1, values, 0.0)

    def near(self, w: Complexes) -> tuple[Indices, Indices]:
        """Pairs (point, panel) for which the Gauss rule will not do."""
        a, b = np.abs(w[:, None] - self.left), np.abs(w[:, None] - self.right)
        point, panel = np.nonzero(a + b < _REACH * self._half)
        return point, panel

    def angles(self, w: Complexes) -> Floats:
        """Integrals of the density times arg(w - x) at points above the axis, shape (n,) or (n, r)."""
        nodes, shape = self.nodes.ravel(), self.coefficients.shape[2:]
        masses = self.masses.reshape(nodes.size, *shape)
        angles = np.empty((w.size, *shape))
        for rows in row_blocks(w.size, nodes.size, BLOCK):
            point, panel = self.near(w[rows])
            terms = np.angle(w[rows, None] - nodes)
            blank(terms, point, panel)
            angles[rows] = terms @ masses
            _, _, logs = self.functions(w[rows][point], panel)
            exact = np.einsum("p,np,pn...->p...", self._half[panel], logs.imag, self.coefficients[panel])
            np.add.at(angles[rows], point, exact)
        return angles

    def functions(self, w: Complexes, panel: Indices) -> tuple[Complexes, Complexes, Complexes]:
        """Q_n(zeta), n = 0..16, their derivatives by w, and log integrals of P_n by panel for pairs of both.

        Returns
        -------
        q, slope, logs : ndarray, shapes (17, n), (16, n), (16, n)
            ``logs`` is integral over [-1, 1] of P_n(t) log(zeta - t).
        """
        a, b, half = self.left[panel], self.right[panel], self._half[panel]
        zeta = (w - self._centre[panel]) / half
        # From w - a and w - b, which neighbours share: their logarithms cancel exactly at a common end. The
        # angle of the panel seen from w keeps its digits when w is close to the axis.
        up, down = np.log((w - a) / half), np.log((w - b) / half)
        seen = np.arctan2(w.imag * (b - a), (w.real - a) * (w.real - b) + w.imag**2)
        q: Complexes = np.empty((ORDER + 1, w.size), dtype=complex)
        slope: Complexes = np.empty((ORDER, w.size), dtype=complex)
        q[0] = 0.5 * ((up - down).real - 1j * seen)
        q[1] = zeta * q[0] - 1
        slope[0] = -half * half / ((w - a) * (w - b))
        slope[1] = q[0] + zeta * slope[0]
        for n in range(1, ORDER):
            q[n + 1] = ((2 * n + 1) * zeta * q[n] - n * q[n - 1]) / (n + 1)
            if n + 1 < ORDER:
                slope[n + 1] = slope[n - 1] + (2 * n + 1) * q[n]
        logs: Complexes = np.empty((ORDER, w.size), dtype=complex)
        logs[0] = (zeta + 1) * up - (zeta - 1) * down - 2
        logs[1:] = 2 * (q[2:] - q[:-2]) / (2 * _DEGREES[1:, None] + 1)
        return q, slope / half, logs
