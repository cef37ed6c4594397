"""The boundary curve of a law whose weights have a density, tabulated once by Legendre series."""

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.polynomial import legendre
from numpy.typing import NDArray

from ..blas import single_blas_thread
from ._bulks import Bulks
from ._chart import EPS
from ._dense_edges import Edge, find_edges
from ._dense_map import DenseMap
from ._measure import Complexes, Floats, Indices
from ._resolvent import descend
from ._roots import increasing_roots
from .panels import NODES, ORDER, series

_FINEST, _COARSEST = (
    1e-10,
    1e-6,
)  # trailing coefficients of log v, and of z and the level relative to their range
_MAX_HALVINGS = 48
_MOST_ROUGH = 24
_AT_ZERO = 1e-13  # distance from zero, in units of E abs(lambda), to which the density is resolved
_NEGLIGIBLE = 1e-13  # mass of a piece of the curve that need not be resolved


@dataclass(frozen=True)
class _Pieces:
    """Stretches of the curve, ascending in Re w.

    Attributes
    ----------
    start, stop : ndarray, shape (k,)
        Re w.
    bend : ndarray, shape (k,), int
        1 or -1 where the curve leaves or meets the real axis like a square root, at ``start`` or at ``stop``;
        0 elsewhere.
    """

    start: Floats
    stop: Floats
    bend: Indices

    def real_part(self, s: Floats, k: Indices) -> Floats:
        """Re w at parameters 0 <= s <= 1 of pieces k: quadratic at a square root, in which v is smooth."""
        t = np.where(self.bend[k] > 0, s * s, np.where(self.bend[k] < 0, 1 - (1 - s) ** 2, s))
        return np.where(
            t < 0.5,
            self.start[k] + (self.stop - self.start)[k] * t,
            self.stop[k] - (self.stop - self.start)[k] * (1 - t),
        )

    def root(self, s: Floats, k: Indices) -> Floats:
        """Factor of v that vanishes at a square root."""
        return np.where(self.bend[k] > 0, s, np.where(self.bend[k] < 0, 1 - s, 1.0))

    def halves(self) -> "_Pieces":
        """Both halves of every piece; only one of them ends at a square root."""
        middle = self.real_part(np.full(self.start.size, 0.5), np.arange(self.start.size))
        return _Pieces(
            np.append(self.start, middle),
            np.append(middle, self.stop),
            np.append(np.where(self.bend > 0, 1, 0), np.where(self.bend < 0, -1, 0)),
        )


@dataclass(frozen=True)
class _Table:
    """Series in 2s - 1 along every piece.

    Attributes
    ----------
    pieces : _Pieces
    anchor : ndarray, shape (k,)
        The edge at a square root, otherwise 0.
    height : ndarray, shape (k, 16)
        Of log(v / root).
    image : ndarray, shape (k, 16)
        Of (x - anchor) / root^2, x = z(w): next to an edge the distance from it keeps its digits.
    level : ndarray, shape (k, 16)
        Of the distribution function without the atom.
    density_error, level_error : ndarray, shape (k,)
        Largest errors seen between the nodes, relative to the density, and of the level.
    """

    pieces: _Pieces
    anchor: Floats
    height: Floats
    image: Floats
    level: Floats
    density_error: Floats
    level_error: Floats

    def at(self, coefficients: Floats, s: Floats, k: Indices) -> Floats:
        """Value of a series at parameters s of pieces k."""
        return np.asarray(legendre.legval(2 * s - 1, coefficients[k].T, tensor=False), dtype=np.float64)

    def points(self, s: Floats, k: Indices) -> Complexes:
        """Points w of the curve."""
        v = np.exp(self.at(self.height, s, k)) * self.pieces.root(s, k)
        return self.pieces.real_part(s, k) + 1j * v

    def x(self, s: Floats, k: Indices) -> Floats:
        """Points of the line at parameters s of pieces k."""
        return self.anchor[k] + self.pieces.root(s, k) ** 2 * self.at(self.image, s, k)

    def at_x(self, x: Floats, k: Indices) -> Floats:
        """Parameters at which pieces k pass through x."""
        slopes = _slopes(self.image)
        distance = x - self.anchor[k]

        def mismatch(s: Floats, which: Indices) -> tuple[Floats, Floats]:
            at = k[which]
            root, value = self.pieces.root(s, at), self.at(self.image, s, at)
            slope = root**2 * self.at(slopes, s, at) + 2 * root * self.pieces.bend[at] * value
            return root**2 * value - distance[which], slope

        low, high = (self.x(np.full(k.size, end), k) for end in (0.0, 1.0))
        share = _share(x, low, high)
        bend = self.pieces.bend[k]
        start = np.where(bend > 0, np.sqrt(share), np.where(bend < 0, 1 - np.sqrt(1 - share), share))
        return increasing_roots(mismatch, np.zeros(k.size), np.ones(k.size), start)

    def at_level(self, q: Floats, k: Indices) -> Floats:
        """Parameters at which pieces k pass through levels q."""
        slopes = _slopes(self.level)

        def mismatch(s: Floats, which: Indices) -> tuple[Floats, Floats]:
            return self.at(self.level, s, k[which]) - q[which], self.at(slopes, s, k[which])

        low, high = (self.at(self.level, np.full(k.size, end), k) for end in (0.0, 1.0))
        return increasing_roots(mismatch, np.zeros(k.size), np.ones(k.size), _share(q, low, high))


def _slopes(coefficients: Floats) -> Floats:
    """Series of the derivative by s."""
    slopes: Floats = 2.0 * np.asarray(legendre.legder(coefficients, axis=1), dtype=np.float64)
    return slopes


def _share(value: Floats, low: Floats, high: Floats) -> Floats:
    width = np.where(high > low, high - low, 1.0)
    return np.clip((value - low) / width, 0.0, 1.0)


@single_blas_thread
def _tabulate(law: DenseMap, pieces: _Pieces, edges: tuple[Edge, Edge]) -> _Table:
    """Halve pieces until the three series have converged."""
    done: list[_Table] = []
    error = law.perturbations(np.array([complex(law.mean, math.sqrt(law.second))]))[0][0]
    guess = np.full((pieces.start.size, ORDER), 0.5 * np.log(law.second / law.aspect_ratio))
    most = max(_MOST_ROUGH, pieces.start.size)
    for halving in range(_MAX_HALVINGS):
        table, values, rounding = _series(law, pieces, edges, guess)
        rough = _is_rough(table, rounding, edges[1].level - edges[0].level, error)
        # A singular point leaves one rough piece at each halving; where their number doubles, it is rounding.
        if rough.sum() > most or halving == _MAX_HALVINGS - 1:
            rough[:] = False
        done.append(_rows(table, ~rough))
        if not rough.any():
            break
        pieces = _rows(table, rough).pieces.halves()
        guess = np.concatenate([values[rough]] * 2)
    table = _joined(done)
    return _validated(law, table, (edges[0].origin, edges[1].origin))


def _series(
    law: DenseMap, pieces: _Pieces, edges: tuple[Edge, Edge], guess: Floats
) -> tuple[_Table, Floats, Floats]:
    k = np.repeat(np.arange(pieces.start.size), ORDER)
    s = np.tile(0.5 * (NODES + 1), pieces.start.size)
    u = pieces.real_part(s, k)
    y, rounding = law.log_heights(u, guess.ravel())
    w = u + 1j * np.exp(y)
    shape = (pieces.start.size, ORDER)
    root = pieces.root(s, k)
    anchor = np.where(pieces.bend > 0, edges[0].image, np.where(pieces.bend < 0, edges[1].image, 0.0))
    image = (law.evaluate(w)[0].real - anchor[k]) / root**2
    columns = y - np.log(root), image, law.distribution(w)
    nothing = np.zeros(pieces.start.size)
    height, distance, level = (series(column.reshape(shape)) for column in columns)
    table = _Table(pieces, anchor, height, distance, level, nothing, nothing)
    rounding = rounding + 4 * law.blur(u)
    return table, y.reshape(shape), rounding.reshape(shape).max(axis=1)


def _is_rough(table: _Table, rounding: Floats, mass: float, error: float) -> NDArray[np.bool_]:
    def tail(c: Floats) -> Floats:
        return np.abs(c[:, -2:]).max(axis=1)

    spread = np.abs(table.image[:, 1:-2]).max(axis=1)
    tolerance = min(max(_FINEST, 0.01 * error), _COARSEST)
    noise = (64 * EPS + 4 * rounding) * np.abs(table.image).max(axis=1)
    rough = tail(table.height) > np.maximum(tolerance, rounding)
    rough |= tail(table.image) > np.maximum(tolerance * spread, noise)
    rough |= tail(table.level) > tolerance * mass
    heavy = np.abs(table.level[:, 1:]).max(axis=1) > _NEGLIGIBLE
    wide = table.pieces.stop - table.pieces.start > 1e-14 * np.abs(table.pieces.stop)
    return rough & heavy & wide


def _rows(table: _Table, keep: NDArray[np.bool_]) -> _Table:
    pieces = _Pieces(table.pieces.start[keep], table.pieces.stop[keep], table.pieces.bend[keep])
    return _Table(pieces, *(part[keep] for part in _arrays(table)))


def _arrays(table: _Table) -> tuple[Floats, ...]:
    return table.anchor, table.height, table.image, table.level, table.density_error, table.level_error


def _joined(tables: list[_Table]) -> _Table:
    order = np.argsort(np.concatenate([t.pieces.start for t in tables]))
    fields = zip(*((t.pieces.start, t.pieces.stop, t.pieces.bend) for t in tables), strict=True)
    pieces = _Pieces(*(np.concatenate(parts)[order] for parts in fields))
    arrays = zip(*(_arrays(t) for t in tables), strict=True)
    return _Table(pieces, *(np.concatenate(parts)[order] for parts in arrays))


_CHECKS = np.array(
    [0.003, 0.03, 0.31, 0.74, 0.97, 0.997]
)  # parameters off the nodes at which the table is held to the equation


def _validated(law: DenseMap, table: _Table, edges: tuple[float, float]) -> _Table:
    """Errors where the table was not fitted: of the table itself, and of the weights."""
    k = np.repeat(np.arange(table.pieces.start.size), _CHECKS.size)
    s = np.tile(_CHECKS, table.pieces.start.size)
    w = table.points(s, k)
    value, slope = law.evaluate(w)
    shift, level = law.perturbations(w)
    off = shift + np.abs(value - table.x(s, k))
    # To first order, or next to a square root, where z' is about z'' times the distance, by the second.
    distance = np.minimum(np.abs(w - edges[0]), np.abs(w - edges[1]))
    off = np.minimum(2 * off / np.abs(slope), np.sqrt(2 * off * distance / np.abs(slope)))
    density = off / w.imag + 2 * off / np.abs(w)
    level += np.abs(law.distribution(w) - table.at(table.level, s, k))
    density, level = (2 * part.reshape(-1, _CHECKS.size).max(axis=1) for part in (density, level))
    return replace(table, density_error=density, level_error=level)


class DenseBoundary(Bulks):
    """Bulks of a law whose weights have a density; `Bulks` has the attributes.

    Parameters
    ----------
    law : DenseMap
    """

    def __init__(self, law: DenseMap) -> None:
        self.law = law
        self.edges = find_edges(law)
        self.left = np.array([a.image for a, _ in self.edges])
        self.right = np.array([b.image for _, b in self.edges])
        self.left_levels = np.array([a.level for a, _ in self.edges])
        self.right_levels = np.array([b.level for _, b in self.edges])
        self.atom = max(0.0, law.excess / law.aspect_ratio)
        self._tables: dict[int, _Table] = {}

    def table(self, bulk: int) -> _Table:
        """Series of one bulk, on first use."""
        if bulk not in self._tables:
            first, last = self.edges[bulk]
            self._tables[bulk] = _tabulate(self.law, _first_pieces(self.law, first, last), (first, last))
        return self._tables[bulk]

    def _locate(self, x: Floats, bulk: int) -> tuple[_Table, Floats, Indices]:
        """Pieces and parameters of points within a bulk."""
        table = self.table(bulk)
        k = np.arange(table.pieces.start.size)
        first = table.x(np.zeros(k.size), k)
        k = np.clip(np.searchsorted(first, x, side="right") - 1, 0, k.size - 1)
        return table, table.at_x(x, k), k

    def _bulks_of(self, x: Floats) -> list[tuple[Indices, _Table, Floats, Indices]]:
        bulks = self.inside(x)
        which = [np.flatnonzero(bulks == b) for b in np.unique(bulks[bulks >= 0])]
        return [(w, *self._locate(x[w], int(bulks[w[0]]))) for w in which]

    def density(self, x: Floats, with_error: bool) -> tuple[Floats, Floats]:
        """Density at points, zero off the bulks, and a bound of its error."""
        density, error = np.zeros(x.size), np.zeros(x.size)
        # Next to z = 0, where w and v vanish together, the density is that at the distance still resolved.
        resolved = _AT_ZERO * self.law.typical
        side = np.where((x > 0) | (x == 0) & (self.inside(np.array([resolved]))[0] >= 0), 1.0, -1.0)
        for which, table, s, k in self._bulks_of(np.where(np.abs(x) < resolved, side * resolved, x)):
            density[which] = self.law.density(table.points(s, k))
            error[which] = table.density_error[k] * density[which] + self._edge_error(table, x[which], k)
        if with_error:
            error += self._missed(x)
        if self.law.excess == 0:  # a hard edge
            density[(x == 0) & (self.inside(x) >= 0)] = np.inf
        return density, error

    def _edge_error(self, table: _Table, x: Floats, k: Indices) -> Floats:
        """Error of the density on pieces that end at a square root, c |x - edge|^1/2, by that of the edge."""
        error = np.zeros(x.size)
        which = np.flatnonzero(table.pieces.bend[k] != 0)
        x, k = x[which], k[which]
        opening = table.pieces.bend[k] > 0
        s = np.where(opening, _CHECKS[1], 1 - _CHECKS[1])
        away = np.maximum(np.abs(table.x(s, k) - table.anchor[k]), EPS * np.abs(table.anchor[k]))
        slope = self.law.density(table.points(s, k)) / np.sqrt(away)
        edge = np.where(opening, table.pieces.start[k], table.pieces.stop[k])
        shift = self.law.perturbations(edge.astype(complex))[0] + 16 * EPS * np.abs(table.anchor[k])
        error[which] = slope * shift / np.sqrt(np.maximum(np.abs(x - table.anchor[k]), shift))
        return error

    def _missed(self, x: Floats) -> Floats:
        """Density at points off the bulks that may be there, for all that is known of the edges."""
        error = np.zeros(x.size)
        for bulk, (ends, images) in enumerate(
            zip(self.edges, zip(self.left, self.right, strict=True), strict=True)
        ):
            table = self.table(bulk)
            for edge, image, k in zip(ends, images, (0, table.pieces.start.size - 1), strict=True):
                if edge.root and edge.origin != 0:
                    here, which = np.array([image]), np.array([k])
                    shift = float(self.law.perturbations(np.array([complex(edge.origin)]))[0][0])
                    shift += 16 * EPS * abs(image)
                    error[np.abs(x - image) <= shift] = 2 * self._edge_error(table, here, which)[0]
        return np.where(self.inside(x) < 0, error, 0.0)

    def distribution(self, x: Floats) -> Floats:
        """Distribution function at points, the atom included at zero."""
        level = self.outside_level(x)
        # At zero itself, inside a bulk, the level is that above the atom.
        x = np.where(x == 0, _AT_ZERO * self.law.typical, x)
        for which, table, s, k in self._bulks_of(x):
            level[which] = table.at(table.level, s, k)
        return level

    def curve(self, x: Floats) -> Complexes:
        """Points w of the boundary curve over points x of the bulks."""
        w = np.empty(x.size, dtype=complex)
        for which, table, s, k in self._bulks_of(x):
            w[which] = table.points(s, k)
        return w

    def quantile(self, q: Floats) -> Floats:
        """Quantiles; exactly zero within the jump of an atom inside a bulk."""
        x = super().quantile(q)
        if self.atom > 0:
            resolved = _AT_ZERO * self.law.typical
            below, above = self.distribution(np.array([-resolved, resolved]))
            x = np.where((q > below) & (q <= above), 0.0, x)
        return x

    def bulk_quantile(self, bulk: int, q: Floats) -> Floats:
        """Quantiles within one bulk."""
        table = self.table(bulk)
        k = np.arange(table.pieces.start.size)
        first = np.maximum.accumulate(table.at(table.level, np.zeros(k.size), k))
        k = np.clip(np.searchsorted(first, q, side="right") - 1, 0, k.size - 1)
        return table.x(table.at_level(q, k), k)

    def upper_transform(self, z: Complexes) -> Complexes:
        """Stieltjes transform in the upper half-plane."""
        return -1 / (self.law.aspect_ratio * descend(self.law, z))

    def real_transform(self, x: Floats) -> Floats:
        """Stieltjes transform at real points off the support."""
        bad = (self.inside(x) >= 0) | ((x == 0) & (self.atom > 0))
        if bad.any():
            raise ValueError(
                f"z: expected points off the support, or with an imaginary part, got {x[bad][0]}"
            )
        far = 2 * (np.abs(x) + abs(self.law.mean)) / self.law.aspect_ratio + 2 * self.law.largest
        gap = np.searchsorted(self.right, x)
        low = np.append(-np.inf, [b.origin for _, b in self.edges])[gap]
        high = np.append([a.origin for a, _ in self.edges], np.inf)[gap]
        low, high = np.maximum(low, -far), np.minimum(high, far)

        def mismatch(u: Floats, which: Indices) -> tuple[Floats, Floats]:
            value, slope = self.law.evaluate(u.astype(complex))
            return value.real - x[which], slope.real

        w = increasing_roots(
            mismatch, low, high, 0.5 * (low + high), 4 * EPS * float(np.abs(x).max(initial=0))
        )
        return -1 / (self.law.aspect_ratio * w)

    @property
    def error(self) -> float:
        """Bound of the error of the distribution function, that of the weights included."""
        return max(float(self.table(bulk).level_error.max()) for bulk in range(self.left.size))


def _first_pieces(law: DenseMap, first: Edge, last: Edge) -> _Pieces:
    """Stretches between the ends of panels and the atoms, where the curve may bend most."""
    middle = 0.5 * (first.origin + last.origin)
    inner = np.concatenate([law.panels.left, law.panels.right, law.weights, [0.0, middle]])
    inner = np.unique(inner[(inner > first.origin) & (inner < last.origin)])
    ends = np.concatenate([[first.origin], inner, [last.origin]])
    bend = np.zeros(ends.size - 1, dtype=np.intp)
    bend[0], bend[-1] = int(first.root), -int(last.root)
    return _Pieces(ends[:-1], ends[1:], bend)
