"""What the boundary curves of laws have in common: bulks, gaps between them, an atom at zero."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .measure import Complexes, Floats, Indices
from .resolvent import real_roots, upper_roots

if TYPE_CHECKING:
    from .arc import EdgeMap


class Bulks(ABC):
    """Bulks of a law with their ends, and the distribution function there.

    Parameters
    ----------
    model : Model or DenseMap
        The sample weights.
    edges : sequence of pairs
        The left and the right edge of each bulk: w, its image z and the distribution function there are their
        ``origin``, ``image`` and ``level``.

    Attributes
    ----------
    left, right, left_levels, right_levels : ndarray, shape (bulks,)
        Ends, and the distribution function there.
    atom : float
        Mass at zero.
    zero_gap : int
        Number of bulks left of zero.
    """

    def __init__(self, model: Any, edges: Sequence[tuple[Any, Any]]) -> None:
        self.model, self.edges = model, edges
        self.left: Floats = np.array([left.image for left, _ in edges])
        self.right: Floats = np.array([max(left.image, right.image) for left, right in edges])
        self.left_levels: Floats = np.array([left.level for left, _ in edges])
        self.right_levels: Floats = np.array([right.level for _, right in edges])
        self.atom = max(0.0, model.excess / model.aspect_ratio)
        self.zero_gap = int(np.searchsorted(self.right, 0.0, side="right"))

    @abstractmethod
    def density(self, x: Floats, with_error: bool) -> tuple[Floats, Floats]:
        """Density at points, zero off the bulks, and a bound of its error if asked for (otherwise zero)."""

    @abstractmethod
    def distribution(self, x: Floats) -> Floats:
        """Distribution function at points, the atom included at zero."""

    @abstractmethod
    def bulk_quantile(self, bulk: int, q: Floats) -> Floats:
        """Quantiles within one bulk."""

    @property
    @abstractmethod
    def charts(self) -> "list[EdgeMap]":
        """The inverse map about some real points, to solve it in the nearest one."""

    @property
    @abstractmethod
    def error(self) -> float:
        """Bound of the error of the distribution function."""

    def inside(self, x: Floats) -> Indices:
        """Index of the closed bulk that holds each point, -1 for none."""
        if self.left.size == 0:
            return np.full(x.size, -1)
        bulk = np.searchsorted(self.left, x, side="right") - 1
        return np.where((bulk >= 0) & (x <= self.right[bulk]), bulk, -1)

    def upper_transform(self, z: Complexes) -> Complexes:
        """Stieltjes transform in the upper half-plane."""
        return -1 / (self.model.aspect_ratio * upper_roots(self.charts, z))

    def real_transform(self, x: Floats) -> Floats:
        """Stieltjes transform at real points off the support; those of it, its atom included, are refused."""
        bad = (self.inside(x) >= 0) | ((x == 0) & (self.atom > 0))
        if bad.any():
            raise ValueError(
                f"z: expected points off the support, or with an imaginary part, got {x[bad][0]}"
            )
        gap = np.searchsorted(self.right, x)
        low = np.append(-np.inf, [right.origin for _, right in self.edges])[gap]
        high = np.append([left.origin for left, _ in self.edges], np.inf)[gap]
        return -1 / (self.model.aspect_ratio * real_roots(self.charts, (low, high), x))

    def outside_level(self, x: Floats) -> Floats:
        """Distribution function at points of the gaps."""
        gap = np.searchsorted(self.right, x, side="right")
        level = np.append(0.0, self.right_levels)[gap]
        return level + np.where((gap == self.zero_gap) & (x >= 0), self.atom, 0.0)

    def quantile(self, q: Floats) -> Floats:
        """Quantiles; the edges of the support at 0 and 1."""
        x = np.zeros(q.size)
        if self.left.size == 0:
            return x
        zero_gap = self.zero_gap
        bulk = np.minimum(np.searchsorted(self.right_levels, q), self.left.size - 1)
        past_atom = np.where(bulk < zero_gap, q > self.right_levels[bulk], q <= self.left_levels[bulk])
        in_atom = past_atom & (self.atom > 0) & ((bulk == zero_gap) | (bulk == self.left.size - 1))
        in_atom &= ~((self.left[bulk] < 0) & (self.right[bulk] > 0))  # there it is a jump within the bulk
        for b in np.unique(bulk[~in_atom]):
            which = np.flatnonzero((bulk == b) & ~in_atom)
            x[which] = np.clip(self.bulk_quantile(int(b), q[which]), self.left[b], self.right[b])
            x[which[q[which] <= self.left_levels[b]]] = self.left[b]
            x[which[q[which] >= self.right_levels[b]]] = self.right[b]
        return x
