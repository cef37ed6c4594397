"""The whole line as the image of one curve: a limit law tabulated at once, to a wanted accuracy.

In the map of ``chart.py`` every real u has one point w = u + iv, v >= 0: on the boundary curve where
sum_k a_k / (u - lambda_k)^2 > gamma, on the real axis elsewhere, and x = z(w) ascends with u from one end of
the line to the other, through bulks and gaps alike. So a table needs no edges and no roots in x: heights over
a grid of u, halved until the distribution function is linear in x between neighbours.

Weights stand on nodes. Where v is above their spacing, the sums differ from those of the density by
exp(-2 pi v / spacing); below it lies no more mass than the nodes there have.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...lazy import lazy_property
from .measure import Complexes, Floats, Indices, PointWeights, row_blocks
from .panels import BLOCK
from .roots import increasing_roots

_START = 32  # intervals of each of the two first grids
_HALVINGS = 24
_FLOOR = 1e-9  # height, relative to the largest one, below which a point is on the axis
_NOISE = 1e-8  # of the logarithm of a height
_SMALLEST = 1e-300


@dataclass(frozen=True)
class Nodes(PointWeights):
    """The inverse map of weights on nodes, none of them zero: a `Map` about w = 0.

    Attributes
    ----------
    weights, probabilities : ndarray, shape (k,)
        Ascending, and P(lambda = weight).
    deviations : ndarray, shape (k, r)
        Directions of error of the probabilities, to be added in quadrature; r may be 0.
    aspect_ratio : float
    excess : float
        aspect_ratio - P(lambda != 0).
    """

    weights: Floats
    probabilities: Floats
    deviations: Floats
    aspect_ratio: float
    excess: float

    origin = image = 0.0

    @property
    def model(self) -> "Nodes":
        """The weights, as of a `Map`."""
        return self

    @property
    def mass(self) -> float:
        """P(lambda != 0)."""
        return self.aspect_ratio - self.excess

    @lazy_property
    def pulls(self) -> Floats:
        """The a_k = p_k lambda_k^2."""
        return self.probabilities * self.weights**2

    def evaluate(self, d: Complexes) -> tuple[Complexes, Complexes]:
        """Values z and slopes z' at points that are no weights, shape (n,)."""
        inverse = 1 / (d[:, None] - self.weights)
        value = self.aspect_ratio * d + self.mean + inverse @ self.pulls
        return value, self.aspect_ratio - inverse**2 @ self.pulls

    def heights(
        self, real: Floats, imaginary_part: Floats | float = 0.0, start: Floats | None = None
    ) -> Floats:
        """Height v over each Re w at which Im z takes a value: 0 is that of the curve, or of the axis.

        With M = sum_k a_k / |w - lambda_k|^2 the equation is M + Im z / v = gamma, and log M is nearly linear
        in log v. ``start`` are guesses of log v.
        """
        a, gamma = self.pulls, self.aspect_ratio
        lift = np.broadcast_to(np.asarray(imaginary_part, dtype=np.float64), real.shape)
        top = 0.5 * math.log(float(a.sum()) / gamma) + np.log1p(lift / math.sqrt(float(a.sum()) * gamma))

        def missing(y: Floats, which: Indices) -> tuple[Floats, Floats]:
            square, raised = np.exp(2 * y), lift[which] * np.exp(-y)
            pull, fall = np.empty(y.size), np.empty(y.size)
            for rows in row_blocks(y.size, a.size, BLOCK):
                inverse = real[which[rows], None] - self.weights
                inverse *= inverse
                inverse += square[rows, None]
                np.reciprocal(inverse, out=inverse)
                pull[rows] = inverse @ a
                inverse *= inverse
                fall[rows] = inverse @ a
            total = pull + raised
            return np.log(gamma / total), (2 * square * fall + raised) / total

        low = top + math.log(_FLOOR)
        above = np.flatnonzero(missing(low, np.arange(real.size))[0] < 0)
        v = np.zeros(real.size)
        if above.size:
            guess = top if start is None else start
            v[above] = np.exp(
                increasing_roots(
                    lambda y, which: missing(y, above[which]), low[above], top[above], guess[above], _NOISE
                )
            )
        return v

    def points(self, u: Floats, v: Floats) -> tuple[Floats, Floats, Floats]:
        """Return x, the distribution function there, and its changes (n, r) with the directions of error.

        At a fixed x the function changes with the probabilities as with w fixed: by -arg(w - lambda) / (pi
        gamma) for each, since its other part is stationary in w.
        """
        p, lam, gamma = self.probabilities, self.weights, self.aspect_ratio
        x, level = gamma * u + p @ lam, self.excess * np.arctan2(v, u)
        changes = np.empty((u.size, self.deviations.shape[1]))
        for rows in row_blocks(u.size, p.size, BLOCK):
            apart = u[rows, None] - lam
            inverse = 1 / np.maximum(apart**2 + v[rows, None] ** 2, np.finfo(float).tiny)
            x[rows] += (inverse * apart) @ self.pulls
            level[rows] -= v[rows] * (inverse @ (p * lam))
            angles = np.arctan2(v[rows, None], apart)
            level[rows] += angles @ p
            changes[rows] = angles @ self.deviations
        return x, 1 - level / (math.pi * gamma), -changes / (math.pi * gamma)

    def edge(self, side: int) -> float:
        """Real u at which the curve ends, beyond all weights: side -1 or 1."""
        a = self.pulls
        outermost = self.weights[-1] if side > 0 else self.weights[0]
        gaps = np.abs(self.weights - outermost)
        own = a[-1] if side > 0 else a[0]

        def missing(y: Floats, which: Indices) -> tuple[Floats, Floats]:
            inverse = 1 / (gaps + np.exp(y)[:, None])
            pull = inverse**2 @ a
            return np.log(self.aspect_ratio / pull), 2 * np.exp(y) * (inverse**3 @ a) / pull

        low, high = (np.array([0.5 * math.log(s / self.aspect_ratio)]) for s in (float(own), float(a.sum())))
        return float(outermost + side * np.exp(increasing_roots(missing, low, high, high, _NOISE))[0])

    def steps(self, u: Floats, v: Floats) -> Floats:
        """Mass of the weights beside each point where the curve runs too low to blur them, else 0."""
        k = np.clip(np.searchsorted(self.weights, u), 1, self.weights.size - 1)
        between = (u > self.weights[k - 1]) & (u < self.weights[k])
        low = between & (v < self.weights[k] - self.weights[k - 1])
        return np.where(low, np.maximum(self.probabilities[k], self.probabilities[k - 1]), 0.0)


@dataclass(frozen=True)
class Curve:
    """A limit law at nodes.

    Attributes
    ----------
    u, v : ndarray, shape (n,)
        Points w = u + iv.
    x : ndarray, shape (n,)
        Ascending.
    level : ndarray, shape (n,)
        Distribution function at x, the atom at zero included.
    changes : ndarray, shape (n, r)
        Its changes with the directions of error of the weights.
    error : float
        How far it may be from the lines between the nodes, and from that of weights with a density.
    """

    u: Floats
    v: Floats
    x: Floats
    level: Floats
    changes: Floats
    error: float

    def rows(self, which: Any) -> "Curve":
        """Some of the nodes."""
        u, v, x, level, changes = (part[which] for part in self._arrays())
        return Curve(u, v, x, level, changes, self.error)

    def _arrays(self) -> tuple[Floats, ...]:
        return self.u, self.v, self.x, self.level, self.changes

    @classmethod
    def joined(cls, curves: Sequence["Curve"], error: float) -> "Curve":
        """All nodes of several, one after the other."""
        fields = zip(*(curve._arrays() for curve in curves), strict=True)
        u, v, x, level, changes = (np.concatenate(parts) for parts in fields)
        return cls(u, v, x, level, changes, error)


def trace(nodes: Nodes, tolerance: float) -> Curve:
    """Tabulate a law: between neighbours its distribution function is linear within a tolerance."""
    first = _at(nodes, _first_grid(nodes), None)
    left, right = first.rows(slice(None, -1)), first.rows(slice(1, None))
    curves, error = [first], 0.0
    for _ in range(_HALVINGS):
        start = np.log(np.maximum(0.5 * (left.v + right.v), _SMALLEST))
        middle = _at(nodes, 0.5 * (left.u + right.u), start)
        curves.append(middle)
        bend = _bend(nodes, left, middle, right)
        rough = bend > tolerance
        error = max(error, float(np.max(bend[~rough], initial=0.0)))
        if not rough.any():
            break
        left = Curve.joined([left.rows(rough), middle.rows(rough)], 0.0)
        right = Curve.joined([middle.rows(rough), right.rows(rough)], 0.0)
    curve = Curve.joined(curves, error)
    curve = curve.rows(np.argsort(curve.u))
    steps = float(nodes.steps(curve.u, curve.v).max()) / (2 * nodes.aspect_ratio)
    x, level = np.maximum.accumulate(curve.x), np.maximum.accumulate(np.clip(curve.level, 0.0, 1.0))
    return Curve(curve.u, curve.v, x, level, curve.changes, error + steps)


def _at(nodes: Nodes, u: Floats, start: Floats | None) -> Curve:
    v = nodes.heights(u, start=start)
    return Curve(u, v, *nodes.points(u, v), 0.0)


def _bend(nodes: Nodes, left: Curve, middle: Curve, right: Curve) -> Floats:
    """How far the level in the middle is from the line between both ends: the jump at zero is no bend."""
    atom = max(0.0, nodes.excess / nodes.aspect_ratio)
    low, level, high = (part.level + atom * (part.u < 0) for part in (left, middle, right))
    width = np.maximum(right.x - left.x, _SMALLEST)
    return np.abs(level - low - (high - low) * np.clip((middle.x - left.x) / width, 0.0, 1.0))


def _first_grid(nodes: Nodes) -> Floats:
    """Points from end to end: equidistant in an angle, as if the curve were an arc, and among the weights."""
    ends = nodes.edge(-1), nodes.edge(1)
    arc = 0.5 * (ends[0] + ends[1]) - 0.5 * (ends[1] - ends[0]) * np.cos(np.linspace(0, math.pi, _START + 1))
    shares = np.cumsum(nodes.probabilities)
    levels = shares[-1] * (np.arange(_START) + 0.5) / _START
    zero = [0.0] if nodes.excess > 0 else []  # where the level jumps
    return np.unique(np.concatenate([arc, np.interp(levels, shares, nodes.weights), ends, zero]))
