"""Empirical spectral distributions and their distances to a law.

A law is any object with ``cdf`` (right-continuous), ``support()`` -> [(a, b), ...] and ``atom`` (its
mass at zero). Eigenvalues of one matrix repel each other: their Kolmogorov-Smirnov distance to the
limit is O(log n / n), so the p-values of the i.i.d. test are wrong here and none is given
(theory.md section 6).
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

TOLERANCE = 1e-5
"""Error of a tabulated law, far below the distance log n / n of the spectra that are compared."""
HALVINGS = 40
"""A hard edge x^(-1/2) takes about 30."""


class Law(Protocol):
    """What the distances need of a law."""

    @property
    def atom(self) -> float:
        """Mass at zero."""

    def cdf(self, x: Any) -> Any:
        """Distribution function, the atom included at zero."""

    def support(self) -> list[tuple[float, float]]:
        """Bulks of the law, in ascending order."""


class Distance(NamedTuple):
    """Distances between one spectrum and a law.

    ``ks`` and ``w1`` lie within ``ks_resolution`` and ``w1_resolution`` of the truth: zero when all
    eigenvalues are known, the share of a bin when only a histogram is. Wasserstein-1 has the unit of
    the eigenvalues.
    """

    ks: float
    w1: float
    ks_resolution: float = 0.0
    w1_resolution: float = 0.0


@dataclass(frozen=True)
class Histogram:
    """Counts of eigenvalues in the bins [e_k, e_{k+1}) and outside of them.

    Attributes
    ----------
    edges : array, shape (B + 1,)
        Ascending.
    counts : array, shape (B,), int
    below, above : int
        Eigenvalues < ``edges[0]`` and >= ``edges[-1]``.
    """

    edges: Floats
    counts: NDArray[np.int64]
    below: int
    above: int

    @property
    def total(self) -> int:
        """Number of eigenvalues, those outside of the edges included."""
        return int(self.counts.sum()) + self.below + self.above

    @property
    def cumulative(self) -> Floats:
        """Share of the eigenvalues < each edge, shape (B + 1,)."""
        return (self.below + np.concatenate(([0], np.cumsum(self.counts)))) / self.total

    @property
    def density(self) -> Floats:
        """Share of all eigenvalues per unit length in each bin, shape (B,)."""
        return self.counts / (self.total * np.diff(self.edges))


class CdfTable:
    """A law's distribution function at nodes, linear in between: the distances ask for it many times.

    Cells are halved until the function at their middle is as the line between their ends says. Bulks of
    negligible mass, which the thin tail of a discrete weight law has by the dozen, get no nodes.

    Parameters
    ----------
    law : Law
    tolerance : float
        Wanted bound of the error.

    Attributes
    ----------
    x, left, right : array
        Ascending nodes; left limit and value of the distribution function there. They differ at zero,
        by the atom.
    atom : float
    error : float
        Largest deviation found in the middle of a cell that was left as it is, and the mass of the bulks
        left out.
    """

    def __init__(self, law: Law, tolerance: float = TOLERANCE) -> None:
        self.atom = float(law.atom)
        bulks, left_out = _bulks_with_mass(law, tolerance)
        start = np.concatenate([np.zeros(int(self.atom > 0)), *map(_starting_nodes, bulks)])
        nodes, values, deviation = _refine(law, np.unique(start), tolerance)
        self.x, self.right = nodes, np.clip(values, 0.0, 1.0)
        self.left = np.where(nodes == 0.0, self.right - self.atom, self.right)
        self.error = deviation + left_out

    def cdf(self, x: ArrayLike) -> Floats:
        """Distribution function at x, the atom included at zero."""
        return self.cdf_left(x) + self.atom * (np.asarray(x) == 0)

    def cdf_left(self, x: ArrayLike) -> Floats:
        """Left limit of the distribution function at x."""
        x = np.asarray(x, dtype=np.float64)
        continuous = np.interp(x, self.x, self.left - self.atom * (self.x > 0), left=0.0, right=1 - self.atom)
        return continuous + self.atom * (x > 0)


def _bulks_with_mass(law: Law, tolerance: float) -> tuple[list[tuple[float, float]], float]:
    """Return the bulks that hold more than their share of the tolerance, and the mass of the others."""
    support = law.support()
    if not support:
        return [], 0.0
    gaps = [(left[1] + right[0]) / 2 for left, right in pairwise(support)]
    levels = np.concatenate(([0.0], np.asarray(law.cdf(np.array(gaps))), [1.0]))
    masses = np.diff(levels)
    for k, (a, b) in enumerate(zip([-np.inf, *gaps], [*gaps, np.inf], strict=True)):
        masses[k] -= law.atom * (a < 0 <= b)
    kept = masses > tolerance / len(support)
    return [bulk for bulk, keep in zip(support, kept, strict=True) if keep], float(masses[~kept].sum())


def _starting_nodes(bulk: tuple[float, float]) -> Floats:
    a, b = bulk
    return a + (b - a) * (1 - np.cos(np.linspace(0.0, np.pi, 17))) / 2


def _refine(law: Law, nodes: Floats, tolerance: float) -> tuple[Floats, Floats, float]:
    """Halve cells until the distribution function is linear in each within the tolerance."""
    values = np.asarray(law.cdf(nodes), dtype=np.float64)
    # Continuous part: the atom is a step at a node, which no halving would resolve.
    smooth = values - law.atom * (nodes >= 0)
    a, b, low, high = nodes[:-1], nodes[1:], smooth[:-1], smooth[1:]
    deviation = 0.0
    for _ in range(HALVINGS):
        if not a.size:
            break
        middle = (a + b) / 2
        between = np.asarray(law.cdf(middle), dtype=np.float64) - law.atom * (middle >= 0)
        off = np.abs(between - (low + high) / 2)
        nodes, smooth = np.append(nodes, middle), np.append(smooth, between)
        split = off > tolerance
        deviation = max(deviation, float(np.max(off[~split], initial=0.0)))
        a, b = np.append(a[split], middle[split]), np.append(middle[split], b[split])
        low, high = np.append(low[split], between[split]), np.append(between[split], high[split])
    deviation = max(deviation, float(np.max(high - low, initial=0.0)))
    nodes, first = np.unique(nodes, return_index=True)
    return nodes, smooth[first] + law.atom * (nodes >= 0), deviation


def snap_zeros(eigenvalues: ArrayLike, epsilon: float = float(np.finfo(np.float64).eps)) -> Floats:
    """Set to exactly 0 the eigenvalues that cannot be told from it, and sort.

    An eigenvalue solver errs by a small multiple of eps times the largest modulus; the tolerance is
    4 n eps max |lambda|, with eps of the precision in which the matrix was formed.
    """
    values = np.sort(np.asarray(eigenvalues, dtype=np.float64))
    tolerance = 4 * values.size * epsilon * np.max(np.abs(values), initial=0.0)
    return np.where(np.abs(values) <= tolerance, 0.0, values)


def distance(eigenvalues: ArrayLike, table: CdfTable, epsilon: float = 2.0**-52) -> Distance:
    """Kolmogorov-Smirnov and Wasserstein-1 distance between all eigenvalues of a matrix and a law.

    KS is the supremum over the line, both one-sided limits at every eigenvalue and at the atom taken;
    W1 is the integral of |F_n - F|, exact for the tabulated F.

    Parameters
    ----------
    eigenvalues : array, shape (n,), n >= 1
        In the unit of the law.
    table : CdfTable
    epsilon : float
        Relative precision of the matrix, for ``snap_zeros``.
    """
    values = snap_zeros(eigenvalues, epsilon)
    if values.size == 0:
        raise ValueError("eigenvalues: expected at least one, got an empty array")
    jumps = np.unique(np.append(values, 0.0) if table.atom else values)
    upper = np.searchsorted(values, jumps, side="right") / values.size
    lower = np.searchsorted(values, jumps, side="left") / values.size
    ks = max(np.max(np.abs(upper - table.cdf(jumps))), np.max(np.abs(lower - table.cdf_left(jumps))))
    points = np.union1d(table.x, jumps)
    step = np.searchsorted(values, points[:-1], side="right") / values.size
    return Distance(float(ks), _integral(points, step, step, table))


def histogram_distance(histogram: Histogram, table: CdfTable) -> Distance:
    """Distances between a histogram and a law, from what the counts tell.

    KS is taken at the edges, and W1 over their range with the eigenvalues of a bin spread evenly over it;
    those of the bin that holds zero are put at zero up to the mass of the atom. The resolutions bound what
    the positions within the bins can change: KS grows at most by the smaller of the increments of law and
    data over one bin (or over one side outside of the edges), W1 by half a bin's width times its share.

    Raises
    ------
    ValueError
        If the histogram is empty.
    """
    if histogram.total == 0:
        raise ValueError("histogram: expected at least one eigenvalue, got none")
    edges, shares = histogram.edges, histogram.cumulative
    law = table.cdf_left(edges)
    at_zero = (edges[:-1] <= 0) & (edges[1:] > 0)
    increments = np.diff(shares, prepend=0.0, append=1.0)
    law_increments = np.diff(law, prepend=0.0, append=1.0)
    zeros = np.where(at_zero, np.minimum(table.atom, increments[1:-1]), 0.0)
    spread = increments.copy()
    spread[1:-1] -= zeros
    law_increments[1:-1] -= zeros
    return Distance(
        ks=float(np.max(np.abs(shares - law))),
        w1=_spread_integral(edges, spread[:-1], float(zeros.sum()), table),
        ks_resolution=float(np.max(np.minimum(spread, law_increments))),
        w1_resolution=float(np.sum(spread[1:-1] * np.diff(edges)) / 2),
    )


def _spread_integral(edges: Floats, spread: Floats, zeros: float, table: CdfTable) -> float:
    """Integral over the edges of |F_n - F|, F_n linear in the bins but for a jump ``zeros`` at zero."""
    points = np.union1d(table.x[(table.x > edges[0]) & (table.x < edges[-1])], edges)
    if zeros:
        points = np.union1d(points, [0.0])
    continuous = np.interp(points, edges, np.cumsum(spread))
    start = continuous[:-1] + zeros * (points[:-1] >= 0)
    stop = continuous[1:] + zeros * (points[1:] > 0)
    return _integral(points, start, stop, table)


def _integral(points: Floats, start: Floats, stop: Floats, table: CdfTable) -> float:
    """Integral of |F_n - F| for F_n linear from ``start`` to ``stop`` between neighbouring points."""
    first = start - table.cdf(points[:-1])
    last = stop - table.cdf_left(points[1:])
    trapezoid = np.abs(first + last) / 2
    moduli = np.abs(first) + np.abs(last)
    # A difference that changes sign makes two triangles of area (first^2 + last^2) / (2 (|first| + |last|)).
    triangles = (first**2 + last**2) / (2 * np.where(moduli > 0, moduli, 1.0))
    crossing = first * last < 0
    return float(np.sum(np.where(crossing, triangles, trapezoid) * np.diff(points)))
