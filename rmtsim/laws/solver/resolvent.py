"""Stieltjes transform off the support, by the inverse map: with its root w, s(z) = -1 / (gamma w)."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from .arc import newton
from .chart import EPS
from .measure import Complexes, Floats, Indices
from .roots import increasing_roots

if TYPE_CHECKING:
    from .arc import EdgeMap, Map

AnyMap = TypeVar("AnyMap", bound="Map")

_DESCENT = 4.0  # factor by which Im z falls between two steps of the continuation
_ROUGH_STEP = 0.1  # what Newton need not correct before the next


def upper_roots(charts: "Sequence[Map]", z: Complexes) -> Complexes:
    """The root in the upper half-plane for Im z > 0, shape (n,), each in the chart that is nearest."""
    w = np.empty(z.size, dtype=complex)
    for which, chart in _nearest(charts, z):
        w[which] = chart.origin + descend(chart, z[which])
    return w


def _nearest(charts: "Sequence[AnyMap]", z: Any) -> "Iterator[tuple[Indices, AnyMap]]":
    nearest = np.argmin(np.abs(z[:, None] - np.array([chart.image for chart in charts])), axis=1)
    return ((np.flatnonzero(nearest == i), charts[i]) for i in np.unique(nearest))


def descend(chart: "Map", z: Complexes) -> Complexes:
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


def _bisect(chart: "Map", z: Complexes) -> Complexes:
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


def real_roots(charts: "Sequence[EdgeMap]", gap_ends: tuple[Floats, Floats], x: Floats) -> Floats:
    """The real root for points of the gaps of the support, shape (n,).

    Parameters
    ----------
    charts : sequence of Map
        Those about the ends of the gaps among them, if there are any. The nearest one is at an end of the gap
        of the point or at w = 0 within it.
    gap_ends : (ndarray, ndarray), shape (n,)
        w at both ends of the gap of each point, between which z increases; infinite outside all poles, where
        w is between its value at the edge and (x - E lambda) / gamma.
    x : ndarray, shape (n,)
    """
    model, w = charts[0].model, np.empty(x.size)
    asymptote = (x - model.mean) / model.aspect_ratio
    slack = 1e-9 * (np.abs(asymptote) + model.largest)
    low = np.where(np.isfinite(gap_ends[0]), gap_ends[0], asymptote - slack)
    high = np.where(np.isfinite(gap_ends[1]), gap_ends[1], asymptote + slack)
    for which, chart in _nearest(charts, x):
        y, a, b = x[which] - chart.image, low[which] - chart.origin, high[which] - chart.origin

        def mismatch(d: Floats, k: Indices, chart: "EdgeMap" = chart, y: Floats = y) -> tuple[Floats, Floats]:
            value, slope = chart.evaluate_real(d)
            return value - y[k], slope

        first = y / model.aspect_ratio
        start = np.where((a < first) & (first < b), first, 0.5 * (a + b))
        w[which] = chart.origin + increasing_roots(mismatch, a, b, start, 2 * EPS * np.abs(y))
    return w
