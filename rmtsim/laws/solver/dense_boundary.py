"""The bulks of a law whose weights have a density, their boundary curves tabulated once."""

import numpy as np

from .arc import EdgeMap
from .bulks import Bulks
from .chart import EPS
from .dense_edges import find_edges
from .dense_map import DenseMap
from .dense_table import CHECKS, Table, first_pieces, tabulate
from .measure import Floats, Indices

_AT_ZERO = 1e-13  # distance from zero, in units of E abs(lambda), to which the density is resolved


class DenseBoundary(Bulks):
    """Bulks of a law whose weights have a density; `Bulks` has the attributes.

    Parameters
    ----------
    model : DenseMap
    """

    def __init__(self, model: DenseMap) -> None:
        super().__init__(model, find_edges(model))
        self._tables: dict[int, Table] = {}

    def table(self, bulk: int) -> Table:
        """Series of one bulk, on first use."""
        if bulk not in self._tables:
            first, last = self.edges[bulk]
            self._tables[bulk] = tabulate(self.model, first_pieces(self.model, first, last), (first, last))
        return self._tables[bulk]

    def _locate(self, x: Floats, bulk: int) -> tuple[Table, Floats, Indices]:
        """Pieces and parameters of points within a bulk."""
        table = self.table(bulk)
        k = np.arange(table.start.size)
        first = table.x(np.zeros(k.size), k)
        k = np.clip(np.searchsorted(first, x, side="right") - 1, 0, k.size - 1)
        return table, table.at_x(x, k), k

    def _bulks_of(self, x: Floats) -> list[tuple[Indices, Table, Floats, Indices]]:
        bulks = self.inside(x)
        which = [np.flatnonzero(bulks == b) for b in np.unique(bulks[bulks >= 0])]
        return [(w, *self._locate(x[w], int(bulks[w[0]]))) for w in which]

    def density(self, x: Floats, with_error: bool) -> tuple[Floats, Floats]:
        """Density at points, zero off the bulks, and a bound of its error if asked for."""
        density, error = np.zeros(x.size), np.zeros(x.size)
        # Next to z = 0, where w and v vanish together, the density is that at the distance still resolved.
        resolved = _AT_ZERO * self.model.typical
        side = np.where((x > 0) | (x == 0) & (self.inside(np.array([resolved]))[0] >= 0), 1.0, -1.0)
        for which, table, s, k in self._bulks_of(np.where(np.abs(x) < resolved, side * resolved, x)):
            density[which] = self.model.density(table.points(s, k))
            if with_error:
                error[which] = table.density_error[k] * density[which] + self._edge_error(table, x[which], k)
        if with_error:
            error += self._missed(x)
        if self.model.excess == 0:  # a hard edge
            density[(x == 0) & (self.inside(x) >= 0)] = np.inf
        return density, error

    def _edge_error(self, table: Table, x: Floats, k: Indices) -> Floats:
        """Error of the density on pieces that end at a square root, c |x - edge|^1/2, by that of the edge."""
        error = np.zeros(x.size)
        which = np.flatnonzero(table.bend[k] != 0)
        x, k = x[which], k[which]
        opening = table.bend[k] > 0
        s = np.where(opening, CHECKS[1], 1 - CHECKS[1])
        away = np.maximum(np.abs(table.x(s, k) - table.anchor[k]), EPS * np.abs(table.anchor[k]))
        slope = self.model.density(table.points(s, k)) / np.sqrt(away)
        shift = self._edge_shift(np.where(opening, table.start[k], table.stop[k]), table.anchor[k])
        error[which] = slope * shift / np.sqrt(np.maximum(np.abs(x - table.anchor[k]), shift))
        return error

    def _edge_shift(self, origin: Floats, image: Floats) -> Floats:
        """How far from their images edges at these w may lie."""
        return self.model.perturbations(origin.astype(complex))[0] + 16 * EPS * np.abs(image)

    def _missed(self, x: Floats) -> Floats:
        """Density at points off the bulks that may be there, for all that is known of the edges."""
        error = np.zeros(x.size)
        for bulk, ends in enumerate(self.edges):
            table = self.table(bulk)
            for edge, k in zip(ends, (0, table.start.size - 1), strict=True):
                if edge.root and edge.origin != 0:
                    image = np.array([edge.image])
                    missed = np.abs(x - edge.image) <= self._edge_shift(np.array([edge.origin]), image)
                    error[missed] = 2 * self._edge_error(table, image, np.array([k]))[0]
        return np.where(self.inside(x) < 0, error, 0.0)

    def distribution(self, x: Floats) -> Floats:
        """Distribution function at points, the atom included at zero."""
        level = self.outside_level(x)
        # At zero itself, inside a bulk, the level is that above the atom; just below, that below it.
        resolved = _AT_ZERO * self.model.typical
        x = np.where(np.abs(x) < resolved, np.where(x < 0, -resolved, resolved), x)
        for which, table, s, k in self._bulks_of(x):
            level[which] = table.value(table.level, s, k)
        return level

    def quantile(self, q: Floats) -> Floats:
        """Quantiles; exactly zero within the jump of an atom inside a bulk."""
        x = super().quantile(q)
        if self.atom > 0:
            resolved = _AT_ZERO * self.model.typical
            below, above = self.distribution(np.array([-resolved, resolved]))
            x = np.where((q > below) & (q <= above), 0.0, x)
        return x

    def bulk_quantile(self, bulk: int, q: Floats) -> Floats:
        """Quantiles within one bulk."""
        table = self.table(bulk)
        k = np.arange(table.start.size)
        first = np.maximum.accumulate(table.value(table.level, np.zeros(k.size), k))
        k = np.clip(np.searchsorted(first, q, side="right") - 1, 0, k.size - 1)
        return table.x(table.at_level(q, k), k)

    @property
    def charts(self) -> list[EdgeMap]:
        """The map itself."""
        return [self.model]

    @property
    def error(self) -> float:
        """Bound of the error of the distribution function, that of the weights included."""
        return max(float(self.table(bulk).level_error.max()) for bulk in range(self.left.size))
