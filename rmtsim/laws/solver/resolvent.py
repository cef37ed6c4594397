"""Stieltjes transform off the support, by the inverse map."""

from typing import TYPE_CHECKING

import numpy as np

from .arc import newton
from .chart import Chart, Map
from .edges import zero_chart
from .measure import Complexes, Floats, Indices
from .roots import increasing_roots

if TYPE_CHECKING:
    from .boundary import Boundary

_DESCENT = 4.0  # factor by which Im z falls between two steps of the continuation
_ROUGH_STEP = 0.1  # what Newton need not correct before the next


def upper_transform(boundary: "Boundary", z: Complexes) -> Complexes:
    """s(z) for Im z > 0, shape (n,)."""
    s = np.empty(z.size, dtype=complex)
    for which, chart in _nearest_charts(boundary, z):
        s[which] = -1 / (boundary.model.aspect_ratio * (chart.origin + descend(chart, z[which])))
    return s


def _charts(boundary: "Boundary") -> list[Chart]:
    return [zero_chart(boundary.model), *(chart for pair in boundary.edges for chart in pair)]


def _nearest_charts(boundary: "Boundary", z: Complexes) -> list[tuple[Indices, Chart]]:
    charts = _charts(boundary)
    nearest = np.argmin(np.abs(z[:, None] - np.array([chart.image for chart in charts])), axis=1)
    return [(np.flatnonzero(nearest == i), charts[i]) for i in np.unique(nearest)]


def descend(chart: Map, z: Complexes) -> Complexes:
    """Continue the root from far above, where w = (z - E lambda) / gamma, down to z."""
    model = chart.model
    far = 4 * (1 + model.aspect_ratio) * model.largest
    height = np.maximum(z.imag, far)
    d = (z.real + 1j * height - model.mean) / model.aspect_ratio - chart.origin
    while np.any(height > z.imag):
        d, _ = newton(chart, z.real - chart.image + 1j * height, d, _ROUGH_STEP)
        height = np.maximum(height / _DESCENT, z.imag)
    d, failed = newton(chart, z - chart.image, d)
    if failed.size:
        d[failed] = _bisect(chart, z[failed])
    return d


def _bisect(chart: Map, z: Complexes) -> Complexes:
    """The root by bisection along the preimage of a horizontal line, on which Re z increases with Re w."""
    model = chart.model
    radius = (np.abs(z) + model.largest * (2 + model.mass)) / model.aspect_ratio
    low, high = -radius - chart.origin, radius - chart.origin
    for _ in range(200):
        middle = 0.5 * (low + high)
        d = middle + 1j * chart.heights(middle, z.imag)
        below = chart.evaluate(d)[0].real < z.real - chart.image
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    return d


def real_transform(boundary: "Boundary", x: Floats) -> Floats:
    """s(x) at real points outside the support, shape (n,).

    Raises
    ------
    ValueError
        At points of the support.
    """
    boundary.refuse_support(x)
    w = np.empty(x.size)
    gaps = np.searchsorted(boundary.right, x)
    for gap in np.unique(gaps):
        mine = np.flatnonzero(gaps == gap)
        w[mine] = _real_preimages(boundary, int(gap), x[mine])
    return -1 / (boundary.model.aspect_ratio * w)


def _real_preimages(boundary: "Boundary", gap: int, x: Floats) -> Floats:
    """Real w in one gap, where z increases: in the chart whose image is nearest."""
    ends = [boundary.edges[gap - 1][1]] if gap > 0 else []
    ends += [boundary.edges[gap][0]] if gap < len(boundary.edges) else []
    low, high = _gap_ends(boundary, gap, x)
    charts = [*ends, zero_chart(boundary.model)] if low.min() < 0 < high.max() else ends
    nearest = np.argmin(np.abs(x[:, None] - np.array([chart.image for chart in charts])), axis=1)
    w = np.empty(x.size)
    for i in np.unique(nearest):
        mine, chart = np.flatnonzero(nearest == i), charts[i]
        y, a, b = x[mine] - chart.image, low[mine] - chart.origin, high[mine] - chart.origin

        def mismatch(d: Floats, which: Indices, chart: Chart = chart, y: Floats = y) -> tuple[Floats, Floats]:
            value, slope = chart.evaluate_real(d)
            return value - y[which], slope

        w[mine] = chart.origin + increasing_roots(mismatch, a, b, y / boundary.model.aspect_ratio)
    return w


def _gap_ends(boundary: "Boundary", gap: int, x: Floats) -> tuple[Floats, Floats]:
    """Bracket of w: outside all poles w is between its value at the edge and (x - E lambda) / gamma."""
    model = boundary.model
    asymptote = (x - model.mean) / model.aspect_ratio
    slack = 1e-9 * (np.abs(asymptote) + model.largest)
    low = np.full(x.size, boundary.edges[gap - 1][1].origin) if gap > 0 else asymptote - slack
    high = np.full(x.size, boundary.edges[gap][0].origin) if gap < len(boundary.edges) else asymptote + slack
    return low, high
