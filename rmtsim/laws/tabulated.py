"""Limit laws to the accuracy that is asked for: a table in place of a solver, theory.md (3.14)."""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Unpack

import numpy as np

from ..blas import single_blas_thread
from .distribution import SpectralLaw
from .layers import find_block
from .solver.arc import newton
from .solver.cumulants import free_moment
from .solver.curve import Nodes, trace
from .solver.measure import Approximation, Complexes, Floats, Indices, check_aspect_ratio
from .solver.resolvent import descend
from .solver.roots import increasing_roots
from .weights.conditions import Conditions, LawOptions
from .weights.weight_nodes import WeightNodes

_ROUNDING = 1e-12  # of an end of the spectrum, relative to its width
_SHARE = 0.25  # of the tolerance that the lines between nodes may take
_LEAST, _ROUGH = 17, 6  # binary logarithm of the entries of the first attempt at tolerances above 2^-6


@single_blas_thread
def tabulated_law(
    architecture: str,
    loss: str,
    block: str,
    aspect_ratio: float,
    tolerance: float,
    **options: Unpack[LawOptions],
) -> "TabulatedLaw":
    """Limit law of a block, as `limit_law` has it, to the accuracy that is asked for.

    Few points of quasi-Monte Carlo first, then as many more as their error tells.

    Parameters
    ----------
    architecture, loss, block : str
    aspect_ratio : float
        gamma = d/N, above 0.
    tolerance : float
        Wanted error of the distribution function: `TabulatedLaw.error` says what was reached with at most
        2^``log2_entries`` entries of softmax.
    **options
        As of `weight_law`.

    Raises
    ------
    ValueError
        Naming the argument; for weights with atoms other than zero, whose law `limit_law` has exactly.

    Examples
    --------
    >>> law = tabulated_law("linear", "ce", "vv_diag", 0.5, 1e-4, n_classes=10)
    >>> print(f"{law.mean():.5f}", law.error < 1e-4)
    0.08053 True
    """
    entry, most = find_block(architecture, loss, block), Conditions(**options)
    if entry.nodes is None or (most.phi.slopes is not None and loss == "mse"):
        weights = entry.weight_law(most)
        if weights.panels is None:
            raise ValueError(f"loss: expected sample weights with a density, got the atoms of {loss!r}")
        return TabulatedLaw(WeightNodes.of(weights, entry.joint(most)), aspect_ratio, tolerance)
    log2_entries = min(_LEAST + max(0, round(-math.log2(tolerance)) - _ROUGH), most.log2_entries)
    while True:
        nodes = entry.nodes(replace(most, log2_entries=log2_entries))
        law = TabulatedLaw(nodes, aspect_ratio, tolerance)
        if law.error <= tolerance or log2_entries == most.log2_entries:
            return law
        # Errors of quasi-Monte Carlo fall about as the number of points does.
        missing = math.ceil(math.log2(law.error / tolerance)) + 1
        log2_entries = min(log2_entries + missing, most.log2_entries)


class TabulatedLaw(SpectralLaw):
    """Limit law of sample weights on nodes, by the image of one curve.

    The nodes stand for weights with a density and one interval of support, zero aside.

    Parameters
    ----------
    nodes : WeightNodes
    aspect_ratio : float
        gamma = d/N > 0.
    tolerance : float
        Of the distribution function between the nodes of its table; `error` says what was reached, errors of
        the weights included.

    Attributes
    ----------
    x, continuous, heights : ndarray, shape (n,)
        Ascending nodes, the distribution function there without the atom, and the density.
    w1_error : float
        Bound of the change of Wasserstein distances with the errors of the weights.
    """

    def __init__(self, nodes: WeightNodes, aspect_ratio: float, tolerance: float) -> None:
        self.weight_law = nodes
        self.aspect_ratio = check_aspect_ratio(aspect_ratio)
        kept = (nodes.weights != 0) & (nodes.probabilities > 0)
        excess = aspect_ratio - math.fsum(nodes.probabilities[kept])
        measure = (nodes.weights[kept], nodes.probabilities[kept], nodes.deviations[kept])
        self._nodes = Nodes(*measure, self.aspect_ratio, excess)
        self._curve = curve = trace(self._nodes, _SHARE * tolerance)
        shifts = np.linalg.norm(curve.changes, axis=1) + nodes.relative * min(1.0, 1 / aspect_ratio)
        self._error = curve.error + float(shifts.max())
        self.w1_error = float(np.diff(curve.x) @ (shifts[1:] + shifts[:-1])) / 2
        self.x, self.continuous = curve.x, curve.level - self.atom * (curve.u >= 0)
        square = curve.u**2 + curve.v**2
        self.heights = curve.v / np.where(square > 0, math.pi * aspect_ratio * square, 1.0)

    @property
    def atom(self) -> float:
        """Mass at zero, theory.md (3.2)."""
        return max(0.0, self._nodes.excess / self.aspect_ratio)

    @property
    def error(self) -> float:
        """Estimated largest error of the distribution function, three standard errors of weights included."""
        return self._error

    @property
    def table_error(self) -> float:
        """The part of `error` that is that of the table."""
        return self._curve.error

    def support(self) -> list[tuple[float, float]]:
        """The one bulk: within weights that have a density throughout, the curve never meets the axis."""
        ends = np.array([self._nodes.edge(side) for side in (-1, 1)])
        low, high = self._nodes.points(ends, np.zeros(2))[0]
        rounding = _ROUNDING * (high - low)
        return [(0.0 if abs(low) < rounding else float(low), 0.0 if abs(high) < rounding else float(high))]

    def _density(self, x: Floats) -> Floats:
        return np.interp(x, self.x, self.heights, left=0.0, right=0.0)

    def _level(self, x: Floats) -> Floats:
        return np.interp(x, self.x, self.continuous) + self.atom * (x >= 0)

    def _quantile(self, q: Floats) -> Floats:
        below = self.x < 0
        at_zero = np.interp(0.0, self.x, self.continuous) + np.array([0.0, self.atom])
        levels = np.concatenate([self.continuous[below], at_zero, self.continuous[~below] + self.atom])
        return np.interp(q, levels, np.concatenate([self.x[below], [0.0, 0.0], self.x[~below]]))

    def power_sums(self) -> tuple[Floats, Floats]:
        """E lambda^k, k = 1..4, and their changes (4, r) with the directions of error."""
        powers = self._nodes.weights ** np.arange(1, 5)[:, None]
        return powers @ self._nodes.probabilities, powers @ self._nodes.deviations

    def moment(self, k: int) -> float:
        """E t^k, from the free cumulants gamma^(j-1) E lambda^j, theory.md (3.4)."""
        return free_moment(self._nodes.weights, self._nodes.probabilities, self.aspect_ratio, k)

    def moment_errors(self) -> Floats:
        """Errors of the moments 1 to 4 by those of the weights, to first order."""
        (a, b, c, d), changes = self.power_sums()
        g = self.aspect_ratio
        slopes = np.array(
            [
                [1, 0, 0, 0],
                [2 * a, g, 0, 0],
                [3 * a**2 + 3 * g * b, 3 * g * a, g**2, 0],
                [4 * a**3 + 12 * g * a * b + 4 * g**2 * c, 6 * g * a**2 + 4 * g**2 * b, 4 * g**2 * a, g**3],
            ]
        )
        size = np.abs(slopes) @ np.abs([a, b, c, d])
        return np.linalg.norm(slopes @ changes, axis=1) + self.weight_law.relative * size

    def expect(self, function: Callable[[Floats], Floats]) -> Approximation:
        """Expectation E f under the law, by f at the nodes; its error is that of f as a step between them."""
        values = np.asarray(function(self.x), dtype=np.float64)
        masses, steps = np.diff(self.continuous), np.abs(np.diff(values))
        at_zero = self.atom * float(function(np.zeros(1))[0]) if self.atom > 0 else 0.0
        value = float(masses @ (values[1:] + values[:-1])) / 2 + at_zero
        bent = np.minimum(masses, 2 * self._curve.error)
        return Approximation(value, float(steps @ (bent + self._shifts())))

    def _shifts(self) -> Floats:
        """Error of the level between neighbouring nodes by those of the weights, at most the tail itself."""
        level = self.continuous / (1 - self.atom)
        tail = np.minimum(level, 1 - level)
        return np.maximum(*(np.minimum(self._error, 2 * part) for part in (tail[1:], tail[:-1])))

    def var(self) -> float:
        """Variance gamma E lambda^2, the second free cumulant."""
        return float(self.aspect_ratio * self._nodes.pulls.sum())

    def _transform(self, z: Complexes) -> Complexes:
        s = np.empty(z.size, dtype=np.complex128)
        real = z.imag == 0
        s[real] = self._real_transform(z[real].real)
        upper = np.where(z.imag > 0, z, z.conj())[~real]
        above = -1 / (self.aspect_ratio * self._upper_preimages(upper))
        s[~real] = np.where(z[~real].imag > 0, above, above.conj())
        return s

    def _upper_preimages(self, z: Complexes) -> Complexes:
        """Points w above the curve, from those of the table below."""
        curve = self._curve
        start = np.interp(z.real, self.x, curve.u) + 1j * np.interp(z.real, self.x, curve.v)
        w, failed = newton(self._nodes, z, start + 1j * z.imag / self.aspect_ratio)
        if failed.size:
            w[failed] = descend(self._nodes, z[failed])
        return w

    def _real_transform(self, x: Floats) -> Floats:
        """At real points off the support: w is between those of the nodes beside them, or beyond all."""
        u, mean, gamma = self._curve.u, self._nodes.mean, self.aspect_ratio
        gap = np.searchsorted(self.x, x)
        far = (x - mean) / gamma
        low = np.where(gap > 0, u[gap - 1], np.minimum(far, u[0]) - np.abs(u[0]))
        high = np.where(gap < u.size, u[np.minimum(gap, u.size - 1)], np.maximum(far, u[-1]) + np.abs(u[-1]))
        # Beside a weight of hardly any mass, which the table may have passed over, the map has a pole.
        poles = np.concatenate([[-np.inf], self._nodes.weights, [np.inf]])
        k = np.searchsorted(poles, 0.5 * (low + high))
        low, high = np.maximum(low, poles[k - 1]), np.minimum(high, poles[k])

        def mismatch(w: Floats, which: Indices) -> tuple[Floats, Floats]:
            value, slope = self._nodes.evaluate(w.astype(complex))
            return value.real - x[which], slope.real

        return -1 / (gamma * increasing_roots(mismatch, low, high, 0.5 * (low + high)))
