"""Moments that two samples share through V: derivatives of K(h, h') = E_V Phi(h) Phi(h').

For logits z = V h, V_ck ~ N(0, 1/m), the log-partition function Phi(h) = log sum_c exp(V_c . h) has the
Hessian V^T B V of theory.md (2.2). So E_V of a product of two Hessian entries, one at h and one at h',
is a fourth derivative of K, and K depends on h, h' only through the covariance of (z_c, z'_c),

    q = |h|^2 / m,   q' = |h'|^2 / m,   w = h . h' / m.

With log Z = integral (e^-t - e^-tZ) dt / t and t = e^x, every mixed derivative of K is the integral over x,
x' of that derivative of L(x, x')^C, L = E f(x + z) f(x' + z'), f(y) = exp(-e^y). By the heat equation 2 d/dq,
2 d/dq', d/dw act on L as (d/dx)^2, (d/dx')^2, d^2/dx dx': only smoothed derivatives of f are needed.
"""

import functools
import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.special import ndtri

from ..solver.measure import Floats

Monomial = tuple[int, int, int]
"""Exponents of P = 2 d/dq, P' = 2 d/dq' and R = d/dw."""

_ORDERS = 7


class Resolution(NamedTuple):
    """Steps and reach of the trapezoidal rules.

    Attributes
    ----------
    step : float
        In y: f is bounded for |Im y| < pi/2, so that a step h has error exp(-pi^2 / h), 2e-11 at 0.4.
    gaussian_step : float
        In standard deviations, of error exp(-2 pi^2 / h^2): 2e-24 at 0.6.
    reach : float
        In standard deviations: the mass beyond 6.5 is 1e-10.
    log_cut : float
        The integrand is cut where it is e^-log_cut of its maximum.
    """

    step: float
    gaussian_step: float
    reach: float
    log_cut: float


FINE = Resolution(0.4, 0.6, 6.5, 22.0)
ROUGH = Resolution(0.9, 1.0, 4.6, 11.0)
"""Errors of exp(-pi^2 / 0.9) = 2e-5 and less."""


def _set_partitions(items: Sequence[int]) -> Iterator[list[list[int]]]:
    """All partitions of distinct items into non-empty blocks."""
    if not items:
        yield []
        return
    for partition in _set_partitions(items[1:]):
        yield [[items[0]], *partition]
        for k, block in enumerate(partition):
            yield [*partition[:k], [items[0], *block], *partition[k + 1 :]]


@functools.cache
def _power_rule(monomial: Monomial) -> tuple[tuple[tuple[tuple[int, int], ...], int], ...]:
    """Faa di Bruno terms of a derivative of L^C: (orders a, b of each factor L_ab, number of partitions)."""
    kinds = [(2, 0)] * monomial[0] + [(0, 2)] * monomial[1] + [(1, 1)] * monomial[2]
    terms: Counter[tuple[tuple[int, int], ...]] = Counter()
    for partition in _set_partitions(range(len(kinds))):
        orders = [(sum(kinds[i][0] for i in b), sum(kinds[i][1] for i in b)) for b in partition]
        terms[tuple(sorted(orders))] += 1
    return tuple(terms.items())


def _touchard_coefficients() -> Floats:
    """Row n holds T_n: T_0 = 1, T_(n+1)(u) = u (T_n(u) + T_n'(u))."""
    rows = np.zeros((_ORDERS, _ORDERS))
    rows[0, 0] = 1.0
    for n in range(1, _ORDERS):
        rows[n, 1:] = rows[n - 1, :-1] + np.arange(1, _ORDERS) * rows[n - 1, 1:]
    return rows


_TOUCHARD = _touchard_coefficients()


def _gumbel_derivatives(y: Floats) -> Floats:
    """Values f - 1, f', ..., f^(6) of f(y) = exp(-e^y), shape (7, n): f^(n) = T_n(-e^y) f."""
    u = -np.exp(np.minimum(y, 5.0))  # f is below 1e-64 from here on
    powers = np.cumprod(np.vstack([np.ones_like(u), np.broadcast_to(u, (_ORDERS - 1, u.size))]), axis=0)
    derivatives = _TOUCHARD @ powers * np.exp(u)
    derivatives[0] = np.expm1(u)
    return derivatives


def _gaussian_rule(step: float, scale: float, reach: float) -> tuple[Floats, Floats]:
    # f^(n) weighs the right tail with up to exp(2z): the reach follows that shift of 2 scale.
    low, high = math.ceil(reach / step), math.ceil((reach + 2 * scale) / step)
    z = step * np.arange(-low, high + 1, dtype=np.float64)
    return z, np.exp(-0.5 * z**2) * step / math.sqrt(2 * math.pi)


@dataclass(frozen=True)
class CommonFactor:
    """Quadrature of the part zeta that the logits of two samples of correlation rho share."""

    rho: float
    nodes: Floats
    masses: Floats
    resolution: Resolution = FINE

    @classmethod
    def build(cls, rho: float, largest_scale: float, resolution: Resolution = FINE) -> "CommonFactor":
        """Resolve logits of standard deviation up to ``largest_scale``."""
        step = min(resolution.gaussian_step, resolution.step / (largest_scale * math.sqrt(rho)))
        return cls(rho, *_gaussian_rule(step, largest_scale, resolution.reach), resolution)


@dataclass(frozen=True)
class SmoothedGumbel:
    """E_eta f^(n)(x + s sqrt(rho) zeta + s sqrt(1 - rho) eta) for n = 0 (less 1) to 6, on a grid of x."""

    values: Floats  # (7, n_x, n_zeta)
    step: float

    @classmethod
    def build(cls, s: float, n_classes: int, common: CommonFactor) -> "SmoothedGumbel":
        """Choose the x step as a multiple of the zeta step, so that all arguments lie on one fine grid."""
        shared, own = s * math.sqrt(common.rho), s * math.sqrt(1 - common.rho)
        fine_step = shared * float(common.nodes[1] - common.nodes[0])
        resolution = common.resolution
        ratio = max(1, math.floor(resolution.step / fine_step * (1 + 1e-9)))
        low, high = _x_range(s, n_classes, resolution.log_cut)
        n_x = math.ceil((high - low) / (ratio * fine_step)) + 1
        fine = low + shared * common.nodes[0] + fine_step * np.arange(ratio * (n_x - 1) + common.nodes.size)
        index = ratio * np.arange(n_x)[:, None] + np.arange(common.nodes.size)
        return cls(_smooth(fine, own, resolution)[:, index], ratio * fine_step)


def _x_range(s: float, n_classes: int, log_cut: float) -> tuple[float, float]:
    # Below, the integrand falls like e^x from x = -log E S; above, L^C is at most P(max z < log 22 - x)^C.
    low = -math.log(n_classes) - 0.5 * s**2 - log_cut
    high = math.log(log_cut) - s * float(ndtri(math.exp(-log_cut / n_classes)))
    return low, high


def _smooth(y: Floats, scale: float, resolution: Resolution) -> Floats:
    if scale == 0:
        return _gumbel_derivatives(y)
    eta, mass = _gaussian_rule(
        min(resolution.gaussian_step, resolution.step / scale), scale, resolution.reach
    )
    return np.sum([p * _gumbel_derivatives(y + scale * z) for z, p in zip(eta, mass, strict=True)], axis=0)


class PairSums:
    """Integrals over x, x' for one pair of samples.

    Parameters
    ----------
    left, right : SmoothedGumbel
        The two samples, built on the same common factor.
    common : CommonFactor
    n_classes : int
        C, at least 2.
    """

    def __init__(
        self, left: SmoothedGumbel, right: SmoothedGumbel, common: CommonFactor, n_classes: int
    ) -> None:
        self._left, self._right = left.values * common.masses, right.values
        self._left_mean = self._left.sum(axis=-1)[:, :, None]
        self._right_mean = (right.values @ common.masses)[:, None, :]
        self._area = left.step * right.step
        self._n_classes = n_classes
        self._fields: dict[tuple[int, int], Floats] = {}
        self._rest: dict[int, Floats] = {}
        complement = self._left[0] @ self._right[0].T + self._left_mean[0] + self._right_mean[0]
        self._log_l = np.log1p(np.maximum(complement, np.finfo(float).eps - 1))

    def field(self, a: int, b: int) -> Floats:
        """L_ab = E f^(a) f^(b) on the grid of x, x', not both orders 0."""
        if (a, b) not in self._fields:
            value = self._left[a] @ self._right[b].T
            # Row 0 holds f - 1: its missing 1 leaves the mean of the other factor.
            if a == 0:
                value += self._right_mean[b]
            if b == 0:
                value += self._left_mean[a]
            self._fields[a, b] = value
        return self._fields[a, b]

    def _integral(self, integrand: Floats, n_used: int) -> float:
        """Integral of a product of ``n_used`` class factors times L^(C - n_used)."""
        if n_used not in self._rest:
            self._rest[n_used] = self._area * np.exp((self._n_classes - n_used) * self._log_l)
        return float(np.vdot(integrand, self._rest[n_used]))

    def derivative(self, monomial: Monomial) -> float:
        """P^a P'^b R^c K, with P = 2 d/dq, P' = 2 d/dq', R = d/dw."""
        total = 0.0
        for orders, count in _power_rule(monomial):
            n_used = len(orders)
            if n_used <= self._n_classes:
                product = functools.reduce(np.multiply, [self.field(*order) for order in orders])
                total += count * math.perm(self._n_classes, n_used) * self._integral(product, n_used)
        return total

    def variance_products(self) -> tuple[float, float]:
        """E B_cc B'_cc and E B_ce B'_ce, c != e, of B = diag(p) - p p^T at the two samples."""
        # t e^z f = -f' and (t e^z)^2 f = f'' - f' turn derivatives into powers of p.
        p1q1 = self._integral(self.field(1, 1), 1)
        p2q1 = self._integral(self.field(1, 1) - self.field(2, 1), 1)
        p1q2 = self._integral(self.field(1, 1) - self.field(1, 2), 1)
        squares = self.field(2, 2) - self.field(1, 2) - self.field(2, 1) + self.field(1, 1)
        return p1q1 - p2q1 - p1q2 + self._integral(squares, 1), self._integral(self.field(1, 1) ** 2, 2)
