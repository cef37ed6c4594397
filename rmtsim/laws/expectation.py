"""Expectations of functions under a law, by quadrature on its density, theory.md (3.12)."""

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from .solver.antiderivative import integrals, quantiles
from .solver.measure import Approximation, Floats

_EPS = float(np.finfo(float).eps)
_TOLERANCE = 1e-14  # of a panel, in units of E abs(f)
_SHARE = 1e-3  # of the law's own error, which the quadrature need not fall below
_MOST_DOUBLINGS = 200
_LEVELS = (np.arange(256) + 0.5) / 256

Function = Callable[[Floats], Floats]


def expectation(law: Any, function: Function) -> Approximation:
    """E f under a law with ``pdf``, ``cdf``, ``ppf``, ``support``, ``atom`` and ``error``.

    Each bulk is cut at zero, where f or the density may be singular, and integrated over the angle theta of
    x = left + (right - left) sin^2(theta / 2), in which the density is smooth at square-root and at hard
    edges. Panels begin at quantiles, so that none misses where the mass is.
    """
    sizes = np.abs(function(law.ppf(_LEVELS)))
    unit = float(np.mean(sizes[np.isfinite(sizes)]))
    tolerance = max(_TOLERANCE, _SHARE * law.error) * unit
    parts = [_integral(law, function, breaks, tolerance) for breaks in _pieces(law, function, unit)]
    at_zero = law.atom * float(function(np.zeros(1))[0]) if law.atom > 0 else 0.0
    value = math.fsum([*(part.value for part in parts), at_zero])
    rounding = 64 * _EPS * math.fsum([unit, *(abs(part.value) for part in parts)])
    return Approximation(value, sum(part.error for part in parts) + rounding + _law_error(law, function))


def _pieces(law: Any, function: Function, unit: float) -> Iterator[Floats]:
    """Break points of every bulk, or of both its sides of zero."""
    points = quantiles(law)
    for left, right in law.support():
        points = np.concatenate([points, _tail(law, function, left, unit), _tail(law, function, right, unit)])
        finite = np.unique(points[(points > left) & (points < right) & np.isfinite(points)])
        ends = [end if math.isfinite(end) else finite[k] for end, k in ((left, 0), (right, -1))]
        breaks = np.unique([*ends, *finite])
        for side in (breaks[breaks < 0], breaks[breaks > 0]):
            beside_zero = np.append(side, 0.0) if left <= 0 <= right and side.size else side
            if beside_zero.size > 1:
                yield np.sort(beside_zero)


def _tail(law: Any, function: Function, end: float, unit: float) -> Floats:
    """Points towards an infinite end, ever farther apart, up to where the integrand no longer counts."""
    if math.isfinite(end):
        return np.empty(0)
    middle, last = law.ppf(np.array([0.5, 1 - 1e-15 if end > 0 else 1e-15]))
    points = [float(last)]
    for doubling in range(_MOST_DOUBLINGS):
        step = (last - middle) * 2.0**doubling
        x = np.array([points[-1]])
        if abs(step * law.pdf(x)[0] * function(x)[0]) <= _EPS * unit:
            break
        points.append(points[-1] + step)
    return np.array(points)


def _integral(law: Any, function: Function, breaks: Floats, tolerance: float) -> Approximation:
    left, right = float(breaks[0]), float(breaks[-1])
    width = right - left

    def integrand(theta: Floats) -> Floats:
        from_left, from_right = width * np.sin(theta / 2) ** 2, width * np.cos(theta / 2) ** 2
        x = np.where(theta < math.pi / 2, left + from_left, right - from_right)
        return function(x) * law.pdf(x) * 0.5 * width * np.sin(theta)

    angles = 2 * np.arctan2(np.sqrt(breaks - left), np.sqrt(right - breaks))
    _, _, series, rest = integrals(integrand, angles, tolerance)
    return Approximation(float(series.sum()), rest)


def _law_error(law: Any, function: Function) -> float:
    """Integral of abs(f') times the error of the distribution function, at most that of the tail itself."""
    x = np.unique(np.concatenate([quantiles(law), law.ppf(_LEVELS)]))
    x = x[np.isfinite(x)]
    level = law.cdf(x)
    steps = np.abs(np.diff(function(x)))
    bound = np.minimum(law.error, 2 * np.minimum(level[1:], 1 - level[:-1]))
    return float(steps[np.isfinite(steps)] @ bound[np.isfinite(steps)])
