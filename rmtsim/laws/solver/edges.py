"""Edges of the support: all real critical points of z(w), and what lies between them."""

import math

import numpy as np
from numpy.typing import NDArray

from .chart import EPS, Chart, Model
from .measure import Floats, Indices, row_blocks
from .roots import increasing_roots

_BLOCK = 1 << 20  # entries of a gaps-by-weights matrix: a few of 8 MiB at a time


def find_edges(model: Model) -> list[tuple[Chart, Chart]]:
    """Charts about the left and the right edge of every bulk, from left to right, theory.md (3.3).

    Between neighbouring poles z' = gamma - sum_k a_k / (w - lambda_k)^2 is concave and falls to minus
    infinity at both ends, so that it has two zeros or none: a gap of the support, or none. Left and right of
    all poles it has exactly one. Nothing is searched by sampling, hence no bulk is missed.
    """
    gaps, turning = _gaps(model)
    n = model.weights.size
    pole = np.concatenate([[0], np.stack([gaps, gaps + 1], axis=1).ravel(), [n - 1]]).astype(np.intp)
    side = np.concatenate([[-1.0], np.tile([1.0, -1.0], gaps.size), [1.0]])
    width = model.weights[gaps + 1] - model.weights[gaps]
    furthest = np.sqrt(np.sum(_strengths(model)) / model.aspect_ratio)
    reach = np.concatenate([[furthest], np.stack([turning, width - turning], axis=1).ravel(), [furthest]])
    offset = _critical_offsets(model, pole, side, reach)
    charts = [_edge_chart(model, int(k), float(t)) for k, t in zip(pole, side * offset, strict=True)]
    charts = _resolve_zero(model, charts)
    return list(zip(charts[::2], charts[1::2], strict=True))


def _strengths(model: Model) -> Floats:
    return model.probabilities * model.weights**2


def _gaps(model: Model) -> tuple[Indices, Floats]:
    """Indices of the left poles of all gaps, and where z' is largest, measured from the left pole."""
    gamma, poles = model.aspect_ratio, model.weights
    roots, width = np.cbrt(_strengths(model)), np.diff(poles)
    # At aspect_ratio = P(lambda != 0) w = 0 is critical: the gap about it may close to a point, not vanish.
    about_zero = (poles[:-1] < 0) & (poles[1:] > 0) & (model.excess == 0)
    # The two neighbours alone close a gap where the least sum of their two terms exceeds gamma.
    left = np.flatnonzero(((roots[:-1] + roots[1:]) ** 3 < gamma * width**2) | about_zero)
    turning, least = np.empty(left.size), np.empty(left.size)
    for rows in row_blocks(left.size, poles.size, _BLOCK):
        turning[rows], least[rows] = _turning_points(model, left[rows])
    is_open = (least < gamma * (1 - 8 * EPS)) | about_zero[left]
    return left[is_open], turning[is_open]


def _turning_points(model: Model, left: Indices) -> tuple[Floats, Floats]:
    """Where gamma - z' is least between poles ``left`` and ``left + 1``, from the left one, and its value."""
    strengths, poles = _strengths(model), model.weights
    from_left = poles[left][:, None] - poles
    is_left = np.arange(poles.size) <= left[:, None]
    width = poles[left + 1] - poles[left]

    def balance(t: Floats, which: Indices) -> tuple[Floats, Floats]:
        # z'' = 0 where the poles on both sides pull equally; cube roots of the pulls are nearly linear in t.
        inverse = 1 / (from_left[which] + t[:, None])
        pull = _split_sums(strengths * inverse**3, is_left[which])
        slope = _split_sums(strengths * inverse**4, is_left[which])
        value = pull[0] ** (-1 / 3) - (-pull[1]) ** (-1 / 3)
        return value, slope[0] * pull[0] ** (-4 / 3) + slope[1] * (-pull[1]) ** (-4 / 3)

    roots = np.cbrt(strengths)
    start = width * roots[left] / (roots[left] + roots[left + 1])
    turning = increasing_roots(balance, EPS * width, (1 - EPS) * width, start)
    return turning, (1 / (from_left + turning[:, None]) ** 2) @ strengths


def _split_sums(terms: Floats, is_left: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    return np.where(is_left, terms, 0).sum(axis=1), np.where(is_left, 0, terms).sum(axis=1)


def _critical_offsets(model: Model, pole: Indices, side: Floats, reach: Floats) -> Floats:
    """Distance of each critical point from its pole, at most ``reach``.

    The sum gamma - z' falls from infinity at the pole; its power -1/2, linear for a lone pole, is what Newton
    sees.
    """
    gamma, strengths = model.aspect_ratio, _strengths(model)
    low = np.minimum(np.sqrt(strengths[pole] / gamma), reach)
    offsets = np.empty(pole.size)
    for rows in row_blocks(pole.size, strengths.size, _BLOCK):
        from_pole = model.weights[pole[rows]][:, None] - model.weights
        direction = side[rows]

        def excess(
            t: Floats, which: Indices, from_pole: Floats = from_pole, direction: Floats = direction
        ) -> tuple[Floats, Floats]:
            inverse = 1 / (from_pole[which] + (direction[which] * t)[:, None])
            value = inverse**2 @ strengths
            slope = direction[which] * (inverse**3 @ strengths)
            return 1 / np.sqrt(value) - 1 / math.sqrt(gamma), slope / value**1.5

        offsets[rows] = increasing_roots(excess, low[rows], reach[rows], low[rows])
    return offsets


def _edge_chart(model: Model, pole: int, offset: float) -> Chart:
    """Chart about the critical point w = weights[pole] + offset."""
    origin = float(model.weights[pole] + offset)
    poles = (model.weights - model.weights[pole]) - offset
    slope_error = 8 * EPS * model.aspect_ratio
    if abs(origin) < 0.5 * abs(model.weights[pole]):
        # The rounding of the offset is large beside such an origin, which defines the chart from here on.
        noise = _noise_about_zero(model, origin)
        if noise < 0.5 * model.aspect_ratio:
            origin = _polish_near_zero(model, origin)
            slope_error = 8 * EPS * noise
        poles = model.weights - origin
        slope_error += 2 * EPS * abs(offset * float(np.sum(_strengths(model) / poles**3)))
    image, error = _image(model, origin, poles)
    return Chart(model, origin, image, error, 0.0, slope_error, poles, _strengths(model) / poles**2)


def zero_chart(model: Model) -> Chart:
    """Chart about w = 0, which is z = 0."""
    slope_error = 2 * EPS * abs(model.excess)
    return Chart(model, 0.0, 0.0, 0.0, model.excess, slope_error, model.weights, model.probabilities)


def _noise_about_zero(model: Model, w: float) -> float:
    """Size of the terms of z' = excess - sum_k p_k w (2 lambda_k - w) / (lambda_k - w)^2."""
    poles = model.weights - w
    with np.errstate(divide="ignore"):  # w may round to a weight far from zero: infinite, as it should be
        terms = model.probabilities * w * (model.weights + poles) / poles**2
    return abs(model.excess) + float(np.sum(np.abs(terms)))


def _polish_near_zero(model: Model, w: float) -> float:
    """Bring a critical point near w = 0 to full relative accuracy, by z' in a form without cancellation.

    Where the gap about zero is closed to rounding a step may be useless; the point is then as good as it can
    be.
    """
    p, weights = model.probabilities, model.weights
    for _ in range(20):
        poles = weights - w
        slope = model.excess - float(np.sum(p * w * (weights + poles) / poles**2))
        curvature = 2 * float(np.sum(p * weights**2 / poles**3))
        if not abs(slope) < abs(curvature * w):
            return w
        w += slope / curvature
        if abs(slope) <= EPS * abs(curvature * w):
            return w
    return w


def _image(model: Model, w: float, poles: Floats) -> tuple[float, float]:
    """Image z of a real w and a bound of its error: the better of two sums of the same value."""
    p, weights, gamma = model.probabilities, model.weights, model.aspect_ratio
    forms = [
        np.append(-w * p * weights / poles, gamma * w),
        np.append(-w * (w * p / poles), model.excess * w),
    ]
    terms = min(forms, key=lambda form: np.abs(form).sum())
    return math.fsum(terms), 5 * EPS * float(np.abs(terms).sum())


def _resolve_zero(model: Model, charts: list[Chart]) -> list[Chart]:
    """Put the critical point of the case aspect_ratio = P(lambda != 0) exactly at w = 0: the hard edge."""
    if model.excess != 0:
        return charts
    below = int(np.sum(model.weights < 0))
    around = [i for i, chart in enumerate(charts) if np.sum(chart.poles < 0) == below]
    if len(around) == 2:  # the sign of z'' = -2 E[1 / lambda] says which end of the gap; zero: both (a cusp)
        tilt = model.probabilities / model.weights
        balanced = abs(tilt.sum()) <= 8 * EPS * np.abs(tilt).sum()
        around = around if balanced else [around[int(tilt.sum() > 0)]]
    return [zero_chart(model) if i in around else chart for i, chart in enumerate(charts)]
