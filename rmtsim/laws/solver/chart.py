"""The rational map whose boundary curve is the limit law, expanded about a real point.

With w = -1/e the inverse map of theory.md (3.1) becomes

    z(w) = gamma w + E lambda + sum_k a_k / (w - lambda_k),    a_k = p_k lambda_k^2 > 0,

whatever the signs of the weights: the Cauchy transform of a positive measure plus a linear function. So

- a z with Im z > 0 has exactly one preimage with Im w > 0, and -1 / (gamma w) is its Stieltjes transform;
- Im z = 0 < Im w exactly on the curve sum_k a_k / |w - lambda_k|^2 = gamma: over each real u = Re w there is
  at most one such point, and Re z increases along the curve (Biane 1997, *Indiana Univ. Math. J.* 46, 705);
- the distribution function is elementary in w: with ' for d/dw, integral s z' dw =
  -log w + gamma^-1 sum_k p_k [log w - log(w - lambda_k) - lambda_k / (w - lambda_k)].
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from .measure import Complexes, Floats, PointWeights, row_blocks

EPS = np.finfo(float).eps
_MAX_RISES = 100
_CRITICAL = 16
_NEGLIGIBLE = EPS**2 / 16
_BLOCK = 1 << 15  # entries of a points-by-atoms block: three of them stay in a core's cache


@dataclass(frozen=True)
class Model(PointWeights):
    """Nonzero weights with their probabilities, and the aspect ratio.

    Attributes
    ----------
    weights, probabilities : ndarray, shape (k,)
        Sorted by weight, no weight zero; the probabilities sum to ``mass``.
    mass : float
        P(lambda != 0).
    aspect_ratio : float
    excess : float
        aspect_ratio - mass without cancellation: z'(0), and gamma times the atom at zero where it is
        positive.
    """

    weights: Floats
    probabilities: Floats
    mass: float
    aspect_ratio: float
    excess: float

    @classmethod
    def of(
        cls, weights: Floats, probabilities: Floats, aspect_ratio: float, dense_share: float = 0.0
    ) -> "Model":
        """Model of the atoms of a weight law that has a density besides, of mass ``dense_share``.

        An aspect ratio that is P(lambda != 0) to 16 ulp is critical exactly: nearer to it than that,
        rounding of the difference would decide the edges. Atoms beyond all digits of the distribution
        function are left out.
        """
        nonzero = weights != 0
        w, p = weights[nonzero], probabilities[nonzero]
        intended = 1 - math.fsum(probabilities[~nonzero])
        critical = abs(aspect_ratio - intended) <= _CRITICAL * EPS * intended
        excess = 0.0 if critical else math.fsum([aspect_ratio, -dense_share, *-p])
        negligible = np.cumsum(np.sort(p)) <= _NEGLIGIBLE * min(1.0, aspect_ratio)
        kept = p > (np.sort(p)[negligible][-1] if negligible.any() else 0.0)
        w, p = w[kept], p[kept]
        return cls(w, p, math.fsum(p), aspect_ratio, excess)


@dataclass(frozen=True)
class Chart:
    """The map about a real point: z(origin + d) = image + slope d + d^2 sum_k residues_k / (d - poles_k).

    Exact for any origin that is no pole. About an edge (slope 0) or about w = 0 (image 0) it computes
    z - image to a relative accuracy that the form of the module's docstring loses by cancellation.

    Attributes
    ----------
    model : Model
    origin, image, slope : float
        A real w, z(w) and z'(w).
    image_error, slope_error : float
        Bounds of the rounding errors of ``image`` and ``slope``.
    poles : ndarray, shape (k,)
        lambda_k - origin, without the cancellation that forming ``origin`` first would bring.
    residues : ndarray, shape (k,)
    """

    model: Model
    origin: float
    image: float
    image_error: float
    slope: float
    slope_error: float
    poles: Floats
    residues: Floats

    @property
    def curvature(self) -> float:
        """z''(origin)."""
        return -2 * float(np.sum(self.residues / self.poles))

    def evaluate(self, d: Complexes) -> tuple[Complexes, Complexes]:
        """Values z - image and slopes z' at complex ``d`` off the real axis, shape (n,)."""
        v = d.imag
        s0, s1, s2, s3 = self._sums(d)
        total = s1 - 1j * v * s0
        total_slope = -(s0 - 2 * v * v * s2 - 2j * v * s3)
        return d * (self.slope + d * total), self.slope + d * (2 * total + d * total_slope)

    def evaluate_real(self, d: Floats) -> tuple[Floats, Floats]:
        """Values z - image and slopes z' at real ``d`` that are no poles, shape (n,)."""
        inverse = 1 / (d[:, None] - self.poles)
        total, total_slope = inverse @ self.residues, -(inverse**2) @ self.residues
        return d * (self.slope + d * total), self.slope + d * (2 * total + d * total_slope)

    def rounding(self, d: Complexes) -> Floats:
        """Bound of the rounding error of z - image as computed by `evaluate`."""
        magnitude = np.empty(d.size)
        for rows, q in self._differences(d.real):
            magnitude[rows] = (1 / np.hypot(q, d.imag[rows, None])) @ self.residues
        growth = 8 + math.log2(self.poles.size)  # pairwise or blocked sums of matrix products
        size = np.abs(d)
        return size * (self.slope_error + growth * EPS * (abs(self.slope) + size * magnitude))

    def _differences(self, real: Floats) -> Iterator[tuple[slice, Floats]]:
        for rows in row_blocks(real.size, self.poles.size, _BLOCK):
            yield rows, real[rows, None] - self.poles

    def _sums(self, d: Complexes) -> Floats:
        """Sums over k of residues_k times (1, q) / |q + iv|^2 and (1, q) / |q + iv|^4, q + iv = d - poles_k.

        Real arithmetic in cached blocks: four times faster than complex division.
        """
        sums = np.empty((4, d.size))
        v2 = d.imag**2
        for rows, q in self._differences(d.real):
            g = q * q
            g += v2[rows, None]
            np.reciprocal(g, out=g)
            sums[0, rows] = g @ self.residues
            q *= g
            sums[1, rows] = q @ self.residues
            q *= g
            sums[3, rows] = q @ self.residues
            g *= g
            sums[2, rows] = g @ self.residues
        return sums

    def distribution(self, d: Complexes) -> Floats:
        """Distribution function of the law at points d of the boundary curve (or above it), shape (n,)."""
        model = self.model
        angles = np.empty(d.size)
        moments = model.probabilities * model.weights
        for rows, q in self._differences(d.real):
            v = d.imag[rows, None]
            shear = v[:, 0] * ((1 / (q * q + v * v)) @ moments)
            angles[rows] = np.arctan2(v, q) @ model.probabilities - shear
        own = np.angle(self.origin + d) * model.excess
        return np.where(d == 0, self.level, 1 - (own + angles) / (math.pi * model.aspect_ratio))

    @property
    def level(self) -> float:
        """Distribution function at an edge, the origin: exact separation counts the weights on each side."""
        gamma, p = self.model.aspect_ratio, self.model.probabilities
        if self.origin < 0:
            return float(p[self.poles < 0].sum()) / gamma
        return 1 - float(p[self.poles > 0].sum()) / gamma

    def density(self, d: Complexes) -> Floats:
        """Density at points d of the boundary curve; infinite at w = 0."""
        with np.errstate(divide="ignore", invalid="ignore"):
            density = d.imag / np.abs(self.origin + d) ** 2 / (math.pi * self.model.aspect_ratio)
        return np.where(self.origin + d == 0, np.inf, density)

    def heights(self, real: Floats, imaginary_part: Floats | float = 0.0) -> Floats:
        """Im d > 0 over each Re d at which Im z takes a value h >= 0; 0 where the curve is not above.

        With V = v^2 and q_k = Re d - poles_k the equation Im z = h is sum_k a_k / (q_k^2 + V) + h V^-1/2 =
        gamma. Its left side is a Stieltjes function of V, so that the reciprocal is concave and Newton steps
        from below rise monotonically to the root.
        """
        h = np.broadcast_to(np.asarray(imaginary_part, dtype=float), real.shape)
        heights = np.empty(real.size)
        for rows, q in self._differences(real):
            heights[rows] = np.sqrt(self._squared_heights(real[rows], q * q, h[rows]))
        return heights

    def _squared_heights(self, real: Floats, q2: Floats, h: Floats) -> Floats:
        gamma, strengths = self.model.aspect_ratio, self.residues * self.poles**2
        lone_pole = strengths[np.argmin(q2, axis=1)] / gamma
        v2 = (h / gamma) ** 2
        for _ in range(_MAX_RISES):
            with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
                g = 1 / (q2 + v2[:, None])
                lift = np.where(h > 0, h / np.sqrt(v2), 0.0)
                total = g @ strengths + lift
                fall = (g * g) @ strengths + np.where(h > 0, lift / (2 * v2), 0.0)
                # total - gamma without the cancellation that would blur the curve next to an edge
                surplus = 2 * real * (g @ (self.residues * self.poles)) - (real**2 + v2) * (g @ self.residues)
                step = (surplus - self.slope + lift) / gamma * total / fall
            step = np.where(np.isfinite(step), step, lone_pole)  # on a pole, v = 0
            rising = step > 4 * EPS * v2
            if not rising.any():
                break
            v2 = np.where(rising, v2 + step, v2)
        return v2
