"""Empirical spectral distributions and their distances to a law.

A law is any object with ``cdf`` (right-continuous), ``support()`` -> [(a, b), ...] and ``atom`` (its
mass at zero). Eigenvalues of one matrix repel each other: their Kolmogorov-Smirnov distance to the
limit is O(log n / n), so the p-values of the i.i.d. test are wrong here and none is given
(theory.md section 6).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

EPSILON = float(np.finfo(np.float64).eps)
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

    Cells are halved until the function at their middle is as the line between their ends says.

    Parameters
    ----------
    law : Law
    tolerance : float
        Wanted bound of the error.
    support : list of (float, float), optional
        Finite bulks outside of which the law has no mass worth a node; those of the law without it.

    Attributes
    ----------
    x, continuous : array
        Ascending nodes, and the distribution function there without the atom.
    atom : float
    error : float
        Largest deviation found in the middle of a cell that was left as it is.
    """

    def __init__(
        self, law: Law, tolerance: float = TOLERANCE, support: Sequence[tuple[float, float]] | None = None
    ) -> None:
        self.atom = float(law.atom)

        def continuous(x: Floats) -> Floats:
            return np.asarray(law.cdf(x), dtype=np.float64) - self.atom * (x >= 0)

        bulks = law.support() if support is None else support
        edges, levels = _edge_levels(bulks, continuous, self.atom)
        cells = [_refine(continuous, *ends, tolerance) for ends in zip(edges, levels, strict=True)]
        nodes = np.concatenate([edges.ravel(), *(x for x, _, _ in cells)])
        values = np.concatenate([levels.ravel(), *(y for _, y, _ in cells)])
        if self.atom:
            nodes, values = np.append(nodes, 0.0), np.append(values, continuous(np.zeros(1)))
        self.x, first = np.unique(nodes, return_index=True)
        self.continuous = np.clip(values[first], 0.0, 1.0)
        self.error = float(max((deviation for _, _, deviation in cells), default=0.0))

    @classmethod
    def of_nodes(cls, x: Floats, continuous: Floats, atom: float, error: float) -> "CdfTable":
        """Table of a law that is known at nodes, by its attributes."""
        table = cls.__new__(cls)
        table.x, table.continuous, table.atom, table.error = x, continuous, atom, error
        return table

    def cdf(self, x: ArrayLike) -> Floats:
        """Distribution function at x, the atom included at zero."""
        return self.cdf_left(x) + self.atom * (np.asarray(x) == 0)

    def cdf_left(self, x: ArrayLike) -> Floats:
        """Left limit of the distribution function at x."""
        x = np.asarray(x, dtype=np.float64)
        return self.continuous_cdf(x) + self.atom * (x > 0)

    def continuous_cdf(self, x: Floats) -> Floats:
        """Distribution function at x without the atom."""
        return np.interp(x, self.x, self.continuous, left=0.0, right=1 - self.atom)


def _edge_levels(
    bulks: Sequence[tuple[float, float]], continuous: Callable[[Floats], Floats], atom: float
) -> tuple[Floats, Floats]:
    """Edges of the bulks and the distribution function there, each of shape (bulks, 2).

    It is constant in the gaps, and asked for in their middle.
    """
    edges = np.array(bulks, dtype=np.float64).reshape(-1, 2)
    gaps = (edges[:-1, 1] + edges[1:, 0]) / 2
    levels = np.concatenate(([0.0], continuous(gaps), [1 - atom]))
    return edges, np.stack((levels[:-1], levels[1:]), axis=1)[: len(edges)]


def _refine(
    continuous: Callable[[Floats], Floats], edges: Floats, levels: Floats, tolerance: float
) -> tuple[Floats, Floats, float]:
    """Halve cells of a bulk until the function is linear in each within the tolerance."""
    nodes = edges[0] + (edges[1] - edges[0]) * (1 - np.cos(np.linspace(0.0, np.pi, 17))) / 2
    values = np.concatenate((levels[:1], continuous(nodes[1:-1]), levels[1:]))
    a, b, low, high = nodes[:-1], nodes[1:], values[:-1], values[1:]
    deviation = 0.0
    for _ in range(HALVINGS):
        if not a.size:
            break
        middle = (a + b) / 2
        between = continuous(middle)
        off = np.abs(between - (low + high) / 2)
        nodes, values = np.append(nodes, middle), np.append(values, between)
        split = off > tolerance
        deviation = max(deviation, float(np.max(off[~split], initial=0.0)))
        a, b = np.append(a[split], middle[split]), np.append(middle[split], b[split])
        low, high = np.append(low[split], between[split]), np.append(between[split], high[split])
    return nodes, values, max(deviation, float(np.max(high - low, initial=0.0)))


def rounding(eigenvalues: ArrayLike, size: int, epsilon: float = EPSILON) -> Floats:
    """Error of computed eigenvalues (..., n): a small multiple of eps times their largest modulus.

    Parameters
    ----------
    eigenvalues : array, shape (..., n)
        All of a matrix, or its smallest and largest.
    size : int
        Order of the matrix.
    epsilon : float
        That of the precision in which the matrix was formed.

    Returns
    -------
    array, shape (...)
        4 n eps max |lambda|.
    """
    return 4 * size * epsilon * np.max(np.abs(eigenvalues), axis=-1, initial=0.0)


def snap_zeros(eigenvalues: ArrayLike, epsilon: float = EPSILON) -> Floats:
    """Set to exactly 0 the eigenvalues that `rounding` cannot tell from it, and sort."""
    values = np.sort(np.asarray(eigenvalues, dtype=np.float64))
    return np.where(np.abs(values) <= rounding(values, values.size, epsilon), 0.0, values)


def distance(eigenvalues: ArrayLike, table: CdfTable, epsilon: float = EPSILON) -> Distance:
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
