"""Laws of the sample weights of the linear ce model with their densities, theory.md section 3."""

import math
from collections.abc import Callable

import numpy as np
from scipy.interpolate import make_interp_spline

from ..averages.log_ratio import log_ratio
from ..solver.measure import Floats
from ..solver.panels import ORDER, Panels
from .conditions import Conditions
from .weight_law import WeightLaw

# Error of the densities, seen against Fourier inversion at points off the grid of `log_ratio`: 1e-12 of the
# density in the bulk, 1e-11 of it where it is 1e-6 of its maximum.
_RELATIVE = 1e-10
_RTOL = 1e-11
_REACH = 9.5  # standard deviations of z that carry a log-normal law, to probability 1e-21
_FOLD = 2.0**-48  # distance from the fold at 1/4 below which the density is a constant
_REACH_B = 6.2  # of (z_1 - z_2)/(2 s), whose variance is 1/2: probability 1e-18
_RULE = (lambda rule: (0.5 * (rule[0] + 1), 0.5 * rule[1]))(np.polynomial.legendre.leggauss(96))  # on [0, 1]
_SMALLEST = 1e-290


def linear_mse_law(diagonal: bool, conditions: Conditions) -> WeightLaw:
    """Weight 1 of a diagonal block, 0 of the others."""
    weight = float(diagonal)
    return WeightLaw(np.array([weight]), np.ones(1), reach=(weight, weight), source="constant")


def linear_ce_density(diagonal: bool, conditions: Conditions) -> WeightLaw:
    """Law of p_1 (1 - p_1) or of -p_1 p_2; at C = infinity in units of 1/C or of -1/C^2."""
    n_classes, s = conditions.classes(), conditions.logit_std()
    if n_classes == math.inf:
        return _log_normal(s, "1/C") if diagonal else _log_normal(math.sqrt(2) * s, "-1/C^2")
    if diagonal:
        return _diagonal(int(n_classes), s)
    return (_diagonal(2, s) if n_classes == 2 else _off_diagonal(int(n_classes), s)).scaled(-1.0)


def _log_normal(sigma: float, unit: str) -> WeightLaw:
    """Law of exp(sigma z - sigma^2 / 2), of mean 1."""
    low, high = -_REACH * sigma, (_REACH + 4 * sigma) * sigma  # E lambda^4 moves the mass by 4 sigma^2

    def density(x: Floats) -> Floats:
        z = (np.log(x) + 0.5 * sigma**2) / sigma
        return np.exp(-0.5 * z * z) / (x * sigma * math.sqrt(2 * math.pi))

    panels = _normalised(Panels.of(density, _powers(math.exp(low), math.exp(high))))
    return _smooth(panels, (0.0, math.inf), _RELATIVE, f"log-normal density, units of {unit}")


def _diagonal(n_classes: int, s: float) -> WeightLaw:
    """Law of p (1 - p), logit p = W: two branches that meet in a fold at 1/4."""
    ratio = _RatioDensity(n_classes - 1, 1.0, s)
    low, high = ratio.low, ratio.high

    def density(x: Floats) -> Floats:
        root = np.sqrt(1 - 4 * x)
        logit = np.log(4 * x / (1 + root) ** 2)  # of the smaller branch
        return (ratio(logit) + ratio(-logit)) / (x * root)

    furthest = max(-low, high)
    ends = _powers(math.exp(-furthest), 0.125)
    # Halved towards the fold: polynomials of degree 15 leave 1e-12 of (1/4 - x)^(-1/2).
    fold: Floats = 0.25 - 0.125 * np.exp2(-np.arange(1.0, round(-math.log2(_FOLD)) - 2.0))
    panels = Panels.of(density, ends, _RTOL).joined(Panels.of(density, np.append(0.125, fold), 1.0))
    # Between the last of them and 1/4 - W^2/16 = 1/4 lie abs(W) < 4 (1/4 - x)^(1/2), of constant density.
    tip = np.zeros((1, ORDER))
    tip[0, 0] = 8 * ratio(np.zeros(1))[0] / math.sqrt(0.25 - fold[-1])
    if tip[0, 0] > 0:
        panels = panels.joined(Panels(fold[-1:], np.array([0.25]), tip))
    panels = _normalised(panels)
    return _smooth(panels, (0.0, 0.25), ratio.error, "Fourier-inverted density of z_1 - log(sum of the rest)")


def _off_diagonal(n_classes: int, s: float) -> WeightLaw:
    """Law of p_1 p_2 = r^-2, r = 2 cosh b + t, t = e^-W: b = (z_1 - z_2)/2 and W are independent.

    The density of r is integral phi(b) f_W(-log t) / t db. From b = 0 to where t has fallen to half of r - 2
    it is integrated by b; beyond, where t falls to 0 at once, by W.
    """
    ratio, reach = _RatioDensity(n_classes - 2, 0.5, s), _REACH_B * s

    def density(x: Floats) -> Floats:
        r = x**-0.5
        half = 0.5 * np.maximum(r - 2, _SMALLEST)
        turn = np.minimum(2 * np.arcsinh(0.5 * np.sqrt(half)), reach)
        b = turn[..., None] * _RULE[0]
        t = 2 * half[..., None] - 4 * np.sinh(0.5 * b) ** 2
        near = turn * ((np.exp(-((b / s) ** 2)) * ratio(-np.log(t)) / t) @ _RULE[1])
        start = np.clip(-np.log(half), ratio.low, ratio.high)
        w = start[..., None] + (ratio.high - start)[..., None] * _RULE[0]
        # 2 cosh b - 2 = r - 2 - t, and 2 sinh b = (2 cosh b - 2)^(1/2) (2 cosh b + 2)^(1/2)
        above = np.maximum(2 * half[..., None] - np.exp(-w), _SMALLEST)
        b = 2 * np.arcsinh(0.5 * np.sqrt(above))
        slope = np.sqrt(above * (above + 4))
        far = (ratio.high - start) * ((np.exp(-((b / s) ** 2)) * ratio(w) / slope) @ _RULE[1])
        return (near + far) * r**3 / (math.sqrt(math.pi) * s)

    low = (2 * math.cosh(reach) + math.exp(-ratio.low)) ** -2.0
    panels = _normalised(Panels.of(density, _powers(low, 0.25), _RTOL))
    return _smooth(
        panels, (0.0, 0.25), ratio.error, "Fourier-inverted density of (z_1 + z_2)/2 - log(sum of the rest)"
    )


class _RatioDensity:
    """Density of W = z - log S of `log_ratio`: of a normal law if S has one term, else between grid nodes."""

    def __init__(self, n_rest: int, variance: float, s: float) -> None:
        ratio = log_ratio(n_rest, variance, s)
        self.low, self.high = float(ratio.nodes[0]), float(ratio.nodes[-1])
        step = ratio.nodes[1] - ratio.nodes[0]
        # Below s = 1 rounding grows, see `log_ratio`.
        self.error = _RELATIVE * max(1.0, math.exp(math.pi**2 / (8 * variance) * (s**-2 - 1)))
        total = (variance + 1) * s**2
        self._log: Callable[[Floats], Floats] = (
            (lambda w: -0.5 * (w * w / total + math.log(2 * math.pi * total)))
            if n_rest == 1
            else make_interp_spline(ratio.nodes, np.log(ratio.probabilities / step), k=7)
        )
        ends, inner = np.array([self.low, self.high]), np.array([self.low + step, self.high - step])
        self._s = s
        self._slopes: Floats = (self._log(inner) - self._log(ends)) / (inner - ends)

    def __call__(self, w: Floats) -> Floats:
        # Beyond the grid, with a mass of 1e-15, the logarithm goes on as a parabola.
        nearest = np.clip(w, self.low, self.high)
        slope = np.where(w < self.low, self._slopes[0], self._slopes[1])
        beyond = w - nearest
        return np.exp(self._log(nearest) + beyond * slope - (beyond / self._s) ** 2)


def _powers(low: float, high: float) -> Floats:
    """Break points from ``high`` down by factors of two to ``low`` or below."""
    ends: Floats = high * np.exp2(-np.arange(math.ceil(math.log2(high / low)), -1.0, -1.0))
    return ends


def _normalised(panels: Panels) -> Panels:
    return panels.times(1 / float(panels.masses.sum()))


def _smooth(panels: Panels, reach: tuple[float, float], error: float, source: str) -> WeightLaw:
    return WeightLaw(np.empty(0), np.empty(0), panels, reach, error, source=source)
