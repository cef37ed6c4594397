"""The boundary curve of a law, bulk by bulk."""

from collections.abc import Iterator
from itertools import chain

import numpy as np

from .arc import Arc, EdgeMap, newton
from .bulks import Bulks
from .chart import EPS, Chart, Model
from .edges import find_edges, zero_chart
from .measure import Complexes, Floats, Indices

Piece = tuple[Indices, Chart, Complexes]


_LEVEL_ERROR = 1e-13  # rounding of sums of angles, seen against 60 digits


class Boundary(Bulks):
    """Bulks of a law of atomic weights, arcs built on first use; an edge is the `Chart` about it."""

    def __init__(self, model: Model) -> None:
        super().__init__(model, find_edges(model) if model.weights.size else [])
        self._zero = zero_chart(model)
        self._arcs: dict[int, tuple[Arc, Arc]] = {}

    def arcs(self, bulk: int) -> tuple[Arc, Arc]:
        """Left and right half of a bulk."""
        if bulk not in self._arcs:
            left, right = self.edges[bulk]
            nearest = int(np.argmin(np.abs(left.poles)))
            half = 0.5 * float(left.poles[nearest] - right.poles[nearest])
            self._arcs[bulk] = Arc(left, 1, half), Arc(right, -1, half)
        return self._arcs[bulk]

    def pieces(self, x: Floats) -> Iterator[Piece]:
        """Solve for the points of ``x`` inside the bulks.

        Yields
        ------
        which : ndarray of int
            Indices into ``x``.
        chart : Chart
        d : ndarray, complex
            Points of the curve in the chart, z(origin + d) = x[which].
        """
        bulks = self.inside(x)
        for bulk in np.unique(bulks[bulks >= 0]):
            left, right = self.arcs(int(bulk))
            which = np.flatnonzero(bulks == bulk)
            first = x[which] <= left.end
            for arc, mine in ((left, which[first]), (right, which[~first])):
                if mine.size:
                    yield from self._solve(arc, x, mine)

    def _solve(self, arc: Arc, x: Floats, which: Indices) -> Iterator[Piece]:
        y = x[which] - arc.chart.image
        d = arc.solve(y)
        # Next to an inner zero x itself, not its distance from the edge, carries the digits.
        close = (np.abs(x[which]) < 0.1 * np.abs(y)) & (d.imag > 0)
        if close.any():
            start = arc.chart.origin + d[close]
            near, failed = newton(self._zero, x[which[close]].astype(complex), start)
            near[failed] = start[failed]
            yield which[close], self._zero, near
        if not close.all():
            yield which[~close], arc.chart, d[~close]

    def density(self, x: Floats, with_error: bool) -> tuple[Floats, Floats]:
        """Density at points, zero off the bulks, and a bound of its error if asked for."""
        density, error = np.zeros(x.size), np.zeros(x.size)
        for which, chart, d in self.pieces(x):
            density[which] = chart.density(d)
            if with_error:
                error[which] = self.density_error(x[which], chart, d)
        return density, error

    def distribution(self, x: Floats) -> Floats:
        """Distribution function at points, the atom included at zero."""
        level = self.outside_level(x)
        for which, chart, d in self.pieces(x):
            level[which] = chart.distribution(d)
        return level

    def bulk_quantile(self, bulk: int, q: Floats) -> Floats:
        """Quantiles within one bulk."""
        x = np.empty(q.size)
        left, right = self.arcs(bulk)
        first = q <= left.end_level
        for arc, mine in ((left, first), (right, ~first)):
            if mine.any():
                x[mine] = arc.quantile(q[mine])
        return x

    @property
    def charts(self) -> list[EdgeMap]:
        """The map about w = 0 and about all edges."""
        return [self._zero, *chain.from_iterable(self.edges)]

    @property
    def error(self) -> float:
        """Bound of the error of the distribution function."""
        return _LEVEL_ERROR

    def density_error(self, x: Floats, chart: Chart, d: Complexes) -> Floats:
        """Bound of the absolute error of the density at points of a piece."""
        error = np.zeros(x.size)
        on = d.imag > 0
        y, d = (x - chart.image)[on], d[on]
        value, slope = chart.evaluate(d)
        residual = np.abs(value - y) + chart.rounding(d) + chart.image_error + EPS * np.abs(y)
        shift = _shift(residual, np.abs(slope), chart.curvature) / np.abs(chart.origin + d)
        density = np.abs(chart.origin + d) ** -1.0 * shift / (np.pi * self.model.aspect_ratio)
        error[on] = density * (1 + shift) + chart.density(d) * (2 * shift + shift**2 + 8 * EPS)
        error[~on] = np.inf if chart.origin == 0 else self._edge_error(chart)
        return error

    def _edge_error(self, chart: Chart) -> float:
        shift = np.sqrt(2 * chart.image_error / abs(chart.curvature))
        return float(2 * shift / chart.origin**2 / (np.pi * self.model.aspect_ratio))


def _shift(residual: Floats, slope: Floats, curvature: float) -> Floats:
    """Error of a root with this residual: twice the first order, or that of a double root next to an edge."""
    with np.errstate(divide="ignore"):
        return np.minimum(2 * residual / slope, 2 * np.sqrt(2 * residual / abs(curvature)))
