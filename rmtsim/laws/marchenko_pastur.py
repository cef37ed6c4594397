"""The Marchenko-Pastur law in closed form."""

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ._base import Distribution, check_levels, elementwise, refuse_atom, shaped
from ._cumulants import check_order
from ._measure import Complexes, Floats, check_aspect_ratio
from ._roots import increasing_roots


class MarchenkoPastur(Distribution):
    """Limit law of the eigenvalues of (scale/N) X^T X, theory.md (3.2) with one weight.

    X is N x d with independent standard normal entries, d/N -> aspect_ratio.

    Parameters
    ----------
    aspect_ratio : float
        gamma = d/N > 0.
    scale : float
        Above zero: the variance of the entries, or the one sample weight.

    Raises
    ------
    ValueError
        Naming the argument that is not a finite number above zero.

    Notes
    -----
    With z = x/scale, z = gamma w + w / (w - 1) is a quadratic in w = 1 + r; on the bulk abs(r) = gamma^-1/2,
    and

        F(x) = 1 - [ (gamma - 1) arg w + arg r - gamma Im r ] / (pi gamma)

    is the distribution function (the antiderivative of s = -1 / (gamma w), theory.md (3.1)).

    Examples
    --------
    >>> law = MarchenkoPastur(1.0)
    >>> law.support(), round(law.cdf(1.0), 12), law.moment(3)
    ([(0.0, 4.0)], 0.608997781044, 5.0)
    """

    def __init__(self, aspect_ratio: float, scale: float = 1.0) -> None:
        self.aspect_ratio = check_aspect_ratio(aspect_ratio)
        if not (np.isfinite(scale) and scale > 0):
            raise ValueError(f"scale: expected a finite number above 0, got {scale!r}")
        self.scale = float(scale)
        root = math.sqrt(self.aspect_ratio)
        # (1 - root)^2 without the cancellation near ratio 1
        self._left = ((1 - self.aspect_ratio) / (1 + root)) ** 2
        self._right = (1 + root) ** 2

    def __repr__(self) -> str:
        return f"MarchenkoPastur(aspect_ratio={self.aspect_ratio}, scale={self.scale})"

    @property
    def atom(self) -> float:
        """Mass at zero, max(0, 1 - 1/aspect_ratio)."""
        return max(0.0, 1 - 1 / self.aspect_ratio)

    def support(self) -> list[tuple[float, float]]:
        """The bulk [(left, right)], without the atom."""
        return [(self.scale * self._left, self.scale * self._right)]

    def moment(self, k: int) -> float:
        """E t^k = scale^k sum_j Narayana(k, j) gamma^(j - 1)."""
        k = check_order(k)
        if k == 0:
            return 1.0
        narayana = [math.comb(k, j) * math.comb(k, j - 1) // k for j in range(1, k + 1)]
        return self.scale**k * math.fsum(n * self.aspect_ratio**j for j, n in enumerate(narayana))

    def pdf(self, x: ArrayLike) -> Any:
        """Density of the continuous part: zero off the bulk, infinite at zero for ratio 1.

        Raises
        ------
        ValueError
            At x = 0 where the law has an atom.
        """
        refuse_atom(np.asarray(x, dtype=np.float64), self.atom)
        return elementwise(self._density, x)

    def _density(self, x: Floats) -> Floats:
        z = x / self.scale
        with np.errstate(divide="ignore", invalid="ignore"):
            density = self._radical(z) / z / (2 * math.pi * self.aspect_ratio * self.scale)
        return np.where((z == 0) & (self._left == 0), np.inf, np.where(np.isinf(z) | (z == 0), 0.0, density))

    def _radical(self, z: Floats) -> Floats:
        """2 gamma Im w over the point z, 0 off the bulk."""
        return np.sqrt(np.maximum(z - self._left, 0)) * np.sqrt(np.maximum(self._right - z, 0))

    def cdf(self, x: ArrayLike) -> Any:
        """Distribution function, continuous from the right: the atom counts from x = 0 on."""
        return elementwise(self._distribution, x)

    def _distribution(self, x: Floats) -> Floats:
        gamma = self.aspect_ratio
        z = np.clip(x / self.scale, self._left, self._right)
        height = self._radical(z) / (2 * gamma)
        arg_w = np.arctan2(height, (z + gamma - 1) / (2 * gamma))
        arg_r = np.arctan2(height, (z - gamma - 1) / (2 * gamma))
        level = 1 - ((gamma - 1) * arg_w + arg_r - gamma * height) / (math.pi * gamma)
        level = np.where(x < self.scale * self._left, np.where(x < 0, 0.0, self.atom), level)
        return np.clip(np.where(x >= self.scale * self._right, 1.0, level), 0.0, 1.0)

    def ppf(self, q: ArrayLike) -> Any:
        """Quantile function; 0 and 1 give the ends of the support.

        Raises
        ------
        ValueError
            For levels outside [0, 1].
        """
        return elementwise(lambda flat: self._quantile(check_levels(flat)), q)

    def _quantile(self, q: Floats) -> Floats:
        """Roots in phi, x = left + (right - left) sin(phi/2)^2, in which the level is smooth."""
        span = self._right - self._left

        def point(phi: Floats) -> Floats:
            return self.scale * (self._left + span * np.sin(phi / 2) ** 2)

        def mismatch(phi: Floats, which: Any) -> tuple[Floats, Floats]:
            x = point(phi)
            with np.errstate(invalid="ignore"):
                slope = self._density(x) * self.scale * span * np.sin(phi) / 2
            return self._distribution(x) - q[which], slope

        ends = np.zeros(q.size), np.full(q.size, math.pi)
        x = point(increasing_roots(mismatch, *ends, np.full(q.size, math.pi / 2)))
        x = np.where(q <= 0, point(ends[0]), np.where(q >= 1, point(ends[1]), x))
        return np.where((q <= self.atom) & (self.atom > 0), 0.0, x)

    def stieltjes(self, z: ArrayLike) -> Any:
        """Stieltjes transform s(z) = E 1/(t - z), theory.md (3.1): real for real ``z``.

        Parameters
        ----------
        z : array_like, complex or real
            Points off the support.

        Raises
        ------
        ValueError
            At real points of the support, the atom included.
        """
        z = np.asarray(z)
        flat = z.ravel().astype(np.complex128)
        s = self._transform(flat / self.scale) / self.scale
        return shaped(s if np.iscomplexobj(z) else s.real, z.shape)

    def _transform(self, z: Complexes) -> Complexes:
        on_bulk = (z.real >= self._left) & (z.real <= self._right) | (z.real == 0) & (self.atom > 0)
        bad = (z.imag == 0) & on_bulk
        if bad.any():
            raise ValueError(f"z: expected points off the support, got {z[bad][0].real * self.scale}")
        gamma = self.aspect_ratio
        radical = np.sqrt(z - self._left) * np.sqrt(z - self._right)  # ~ z at infinity
        small, large = z + gamma - 1 - radical, z + gamma - 1 + radical
        # The roots have the product 4 gamma z: the smaller one follows from the larger without cancellation.
        other = 4 * gamma * z / np.where(small == 0, 1, small)
        twice_gamma_w: Complexes = np.where(np.abs(large) >= np.abs(small), large, other)
        return -2 / twice_gamma_w
