"""Half a bulk: the boundary curve from one edge to the middle, tabulated as a start for Newton."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .chart import EPS, Chart
from .curve import Nodes
from .dense_map import DenseMap
from .measure import Complexes, Floats, Indices

EdgeMap = Chart | DenseMap
"""The inverse map about a real point, for weights of either kind."""
Map = EdgeMap | Nodes
"""The inverse map also for weights on nodes, whose edges are not needed."""

# Relative error of a start. Newton squares it twice: 3e-5 -> 1e-9 -> rounding.
_START_ERROR = 3e-5
# A last step this small, relative to Im w (the distance to the nearest singularity), leaves its square.
_LAST_STEP = 1e-8
_MAX_DEPTH = 40
_SEEDS = np.linspace(0, 1, 13)[1:] ** 2  # a table of a lone bulk needs about as many
_MAX_NEWTON = 12
_MAX_BISECTIONS = 110
_MAX_POLES = 1024  # poles that seed the table; where there are more, they are dense and need no seeds


@dataclass(frozen=True)
class _Table:
    """Nodes of the curve by xi = sqrt(abs(z - image)), in which it is analytic at soft and hard edges."""

    t: Floats
    xi: Floats
    d: Complexes
    slope: Complexes

    def interpolate(self, xi: Floats, left: Indices) -> Complexes:
        """Cubic Hermite value at ``xi`` between nodes ``left`` and ``left + 1``."""
        h = self.xi[left + 1] - self.xi[left]
        s = (xi - self.xi[left]) / h
        d0, d1 = self.d[left], self.d[left + 1]
        m0, m1 = h * self.slope[left], h * self.slope[left + 1]
        return d0 + s * (m0 + s * (3 * (d1 - d0) - 2 * m0 - m1 + s * (m0 + m1 - 2 * (d1 - d0))))


class Arc:
    """The boundary curve over half a bulk.

    Parameters
    ----------
    chart : Chart
        About the edge.
    side : {1, -1}
        1 from a left edge rightwards, -1 from a right edge leftwards.
    reach : float
        Length in Re w.
    """

    def __init__(self, chart: Chart, side: int, reach: float) -> None:
        self.chart, self.side = chart, side
        self._table = self._tabulate(reach)
        last = np.array([self._table.d[-1]])
        self.end = chart.image + side * float(self._table.xi[-1] ** 2)
        self._levels = np.append(chart.level, chart.distribution(self._table.d[1:]))
        self.end_level = float(chart.distribution(last)[0])

    # -- the table -------------------------------------------------------------------------------------------

    def _nodes(self, t: Floats) -> _Table:
        d = self.side * t + 1j * self.chart.heights(self.side * t)
        keep = d.imag > 0  # next to the edge rounding may hide the curve
        t, d = t[keep], d[keep]
        value, slope = self.chart.evaluate(d)
        d = d - 1j * value.imag / slope
        distance = self.side * value.real
        keep = (distance > 0) & (d.imag > 0)
        xi = np.sqrt(distance[keep])
        return _Table(t[keep], xi, d[keep], self.side * 2 * xi / slope[keep])

    def _edge_node(self) -> _Table:
        zero = np.zeros(1)
        curvature = abs(self.chart.curvature)
        rise = np.sqrt(2 / curvature) if curvature > 0 else 0.0  # 0: a cusp, where no start can be good
        return _Table(zero, zero, zero.astype(complex), np.array([1j * rise]))

    def _tabulate(self, reach: float) -> _Table:
        seeds = self.side * self.chart.poles
        seeds = seeds[(seeds > 0) & (seeds < reach)]
        seeds = np.append(seeds[:: 1 + seeds.size // _MAX_POLES], reach * _SEEDS)
        table = _merged(self._edge_node(), self._nodes(np.unique(seeds)))
        rough = np.arange(table.t.size - 1)
        for _ in range(_MAX_DEPTH):
            middle = 0.5 * (table.t[rough] + table.t[rough + 1])
            apart = (middle > table.t[rough]) & (middle < table.t[rough + 1])
            new = self._nodes(middle[apart])
            if new.t.size == 0:
                break
            left = np.searchsorted(table.t, new.t, side="right") - 1
            error = np.abs(table.interpolate(new.xi, left) - new.d)
            split = error > _START_ERROR * new.d.imag
            table = _merged(table, new)
            place = np.searchsorted(table.t, new.t[split])
            rough = np.unique(np.concatenate([place - 1, place]))
            rough = rough[rough < table.t.size - 1]
            if rough.size == 0:
                break
        return table

    # -- points of the curve ---------------------------------------------------------------------------------

    def solve(self, y: Floats) -> Complexes:
        """Points d of the curve at z - image = y, on this side of the edge."""
        xi = np.sqrt(np.maximum(self.side * y, 0.0))
        left = self._interval(self._table.xi, xi)
        start = self._above(self._table.interpolate(xi, left), left)
        d, failed = newton(self.chart, y.astype(complex), start)
        failed = failed[xi[failed] > 0]  # at the edge itself there is nothing to solve
        if failed.size:
            d[failed] = self._bisect(self._distance, self.side * y[failed], left[failed])
        return np.where(xi == 0, 0, d)

    def quantile(self, q: Floats) -> Floats:
        """Points z at levels ``q`` of the distribution function within this arc."""
        rise = self.side * (self._levels - self._levels[0])
        # Mass grows as xi from a hard edge, as xi^3 from a soft one.
        power = 1.0 if self.chart.origin == 0 else 1 / 3
        grown = np.maximum.accumulate(np.maximum(rise, 0.0)) ** power
        level = np.maximum(self.side * (q - self._levels[0]), 0.0) ** power
        left = self._interval(grown, level)
        xi = np.interp(level, grown, self._table.xi)
        d, y, failed = self._level_newton(q, self._above(self._table.interpolate(xi, left), left))
        if failed.size:
            d[failed] = self._bisect(self._risen, self.side * q[failed], left[failed])
            y[failed] = self.chart.evaluate(d[failed])[0].real
        return self.chart.image + np.where(level == 0, 0.0, y)

    def _level_newton(self, q: Floats, d: Complexes) -> tuple[Complexes, Floats, Indices]:
        """Newton for Im z = 0 and the distribution function at once, whose w-derivative is s z' / (pi i)."""
        chart, y = self.chart, np.zeros(q.size)
        active = np.arange(q.size)
        for _ in range(_MAX_NEWTON):
            if active.size == 0:
                break
            old = d[active]
            value, slope = chart.evaluate(old)
            s = -1 / (chart.model.aspect_ratio * (chart.origin + old))
            missing = q[active] - chart.distribution(old)
            along = (np.pi * missing + value.imag * s.real) / s.imag
            step = (along - 1j * value.imag) / slope
            new = _upper(old, old + step)
            y[active], d[active] = value.real + along, new
            small = (np.abs(step) <= _LAST_STEP * new.imag) | (np.abs(missing) <= 2 * EPS)
            active = active[~small]
        return d, y, active

    def _interval(self, nodes: Floats, values: Floats) -> Indices:
        return np.clip(np.searchsorted(nodes, values, side="right") - 1, 0, nodes.size - 2)

    def _above(self, d: Complexes, left: Indices) -> Complexes:
        return np.where(d.imag > 0, d, self._table.d[left + 1])

    def _distance(self, d: Complexes) -> Floats:
        return self.side * self.chart.evaluate(d)[0].real

    def _risen(self, d: Complexes) -> Floats:
        return self.side * self.chart.distribution(d)

    def _bisect(self, function: Callable[[Complexes], Floats], target: Floats, left: Indices) -> Complexes:
        """Points where a function that increases along the curve takes its target: slow, and always right."""
        low = self._table.t[left]
        high = self._table.t[left + 1]
        d = self._table.d[left + 1].copy()
        for _ in range(_MAX_BISECTIONS):
            t = 0.5 * (low + high)
            height = self.chart.heights(self.side * t)
            d = self.side * t + 1j * np.maximum(height, np.finfo(float).tiny)
            below = (function(d) < target) | (height == 0)
            low, high = np.where(below, t, low), np.where(below, high, t)
            if np.all(high - low <= 2 * EPS * high):
                break
        return d


def _merged(a: _Table, b: _Table) -> _Table:
    """Nodes of both in order; those that rounding puts out of order by xi are dropped."""
    t = np.concatenate([a.t, b.t])
    order = np.argsort(t, kind="stable")
    xi = np.concatenate([a.xi, b.xi])[order]
    keep = np.append(True, (np.diff(np.maximum.accumulate(xi)) > 0) & (np.diff(t[order]) > 0))
    pick = order[keep]
    d, slope = np.concatenate([a.d, b.d]), np.concatenate([a.slope, b.slope])
    return _Table(t[pick], xi[keep], d[pick], slope[pick])


def _upper(old: Complexes, new: Complexes) -> Complexes:
    """Keep an iterate in the upper half-plane: never more than three quarters of the way down."""
    return new.real + 1j * np.maximum(new.imag, 0.25 * old.imag)


def newton(
    chart: Map, y: Complexes, d: Complexes, last_step: float = _LAST_STEP
) -> tuple[Complexes, Indices]:
    """Solve z(d) - image = y, Im y >= 0, in the upper half-plane, where the solution is unique.

    Parameters
    ----------
    chart : Map
    y, d : ndarray, shape (n,), complex
        Right sides and starts.
    last_step : float
        Length of a step, relative to Im d, after which no other is taken.

    Returns
    -------
    d : ndarray, shape (n,), complex
    failed : ndarray of int
        Indices that did not converge.
    """
    d = d.copy()
    active = np.arange(d.size)
    for _ in range(_MAX_NEWTON):
        if active.size == 0:
            break
        old = d[active]
        value, slope = chart.evaluate(old)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            step = (value - y[active]) / slope
        new = _upper(old, old - step)
        new = np.where(np.isfinite(new), new, old)
        d[active] = new
        active = active[~(np.abs(step) <= last_step * new.imag)]
    return d, active
