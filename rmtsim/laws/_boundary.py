"""The boundary curve of a law, bulk by bulk."""

from collections.abc import Iterator

import numpy as np

from ._arc import Arc, newton
from ._chart import EPS, Chart, Model
from ._edges import find_edges, zero_chart
from ._measure import Complexes, Floats, Indices

Piece = tuple[Indices, Chart, Complexes]


class Boundary:
    """Bulks of a law with their edges, levels of the distribution function, and arcs built on first use.

    Attributes
    ----------
    model : Model
    edges : list of (Chart, Chart)
        About the left and the right edge of each bulk.
    left, right : ndarray, shape (bulks,)
        Edges.
    left_levels, right_levels : ndarray, shape (bulks,)
        Distribution function at the edges.
    atom : float
        Mass at zero.
    zero_gap : int
        Number of bulks left of zero.
    """

    def __init__(self, model: Model) -> None:
        self.model = model
        self.edges = find_edges(model) if model.weights.size else []
        self.left = np.array([a.image for a, _ in self.edges])
        self.right = np.array([max(a.image, b.image) for a, b in self.edges])
        self.left_levels = np.array([a.edge_level() for a, _ in self.edges])
        self.right_levels = np.array([b.edge_level() for _, b in self.edges])
        self.atom = max(0.0, model.excess / model.aspect_ratio)
        self.zero_gap = int(np.searchsorted(self.right, 0.0, side="right"))
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

    def inside(self, x: Floats) -> Indices:
        """Index of the closed bulk that holds each point, -1 for none."""
        if self.left.size == 0:
            return np.full(x.size, -1)
        bulk = np.searchsorted(self.left, x, side="right") - 1
        return np.where((bulk >= 0) & (x <= self.right[bulk]), bulk, -1)

    def outside_level(self, x: Floats) -> Floats:
        """Distribution function at points of the gaps."""
        gap = np.searchsorted(self.right, x, side="right")
        level = np.append(0.0, self.right_levels)[gap]
        return level + np.where((gap == self.zero_gap) & (x >= 0), self.atom, 0.0)

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

    def quantile(self, q: Floats) -> Floats:
        """Quantiles; the edges of the support at 0 and 1."""
        x = np.zeros(q.size)
        if self.left.size == 0:
            return x
        bulk = np.minimum(np.searchsorted(self.right_levels, q), self.left.size - 1)
        past_atom = np.where(bulk < self.zero_gap, q > self.right_levels[bulk], q <= self.left_levels[bulk])
        in_atom = past_atom & (self.atom > 0) & ((bulk == self.zero_gap) | (bulk == self.left.size - 1))
        for b in np.unique(bulk[~in_atom]):
            left, right = self.arcs(int(b))
            which = np.flatnonzero((bulk == b) & ~in_atom)
            first = q[which] <= left.end_level
            for arc, mine in ((left, which[first]), (right, which[~first])):
                if mine.size:
                    x[mine] = np.clip(arc.quantile(q[mine]), self.left[b], self.right[b])
            x[which[q[which] <= self.left_levels[b]]] = self.left[b]
            x[which[q[which] >= self.right_levels[b]]] = self.right[b]
        return x

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
