"""The boundary curve of a law whose weights have a density, tabulated once by Legendre series."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.polynomial import legendre
from numpy.typing import NDArray

from ._bulks import Bulks
from ._chart import EPS
from ._dense_edges import Edge, find_edges
from ._dense_map import DenseMap
from ._measure import Complexes, Floats, Indices
from ._roots import increasing_roots
from .panels import NODES, ORDER, series

_TOLERANCE = 1e-10  # trailing coefficients of log v, and of z and the level relative to their range
_MAX_HALVINGS = 40
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
    height : ndarray, shape (k, 16)
        Of log(v / root).
    image, level : ndarray, shape (k, 16)
        Of x = z(w), and of the distribution function without the atom.
    density_error, level_error : ndarray, shape (k,)
        Largest errors seen between the nodes, relative to the density, and of the level.
    """

    pieces: _Pieces
    height: Floats
    image: Floats
    level: Floats
    density_error: Floats
    level_error: Floats

    def at(self, coefficients: Floats, s: Floats, k: Indices) -> Floats:
        """Value of a series at parameters s of pieces k."""
        return legendre.legval(2 * s - 1, coefficients[k].T, tensor=False)

    def points(self, s: Floats, k: Indices) -> Complexes:
        """Points w of the curve."""
        v = np.exp(self.at(self.height, s, k)) * self.pieces.root(s, k)
        return self.pieces.real_part(s, k) + 1j * v

    def solve(self, coefficients: Floats, target: Floats, k: Indices) -> Floats:
        """Parameters at which an increasing series takes its target."""
        slopes = legendre.legder(coefficients, axis=1)
        low, high = (self.at(coefficients, np.full(k.size, end), k) for end in (0.0, 1.0))
        with np.errstate(invalid="ignore", divide="ignore"):
            start = np.nan_to_num((target - low) / (high - low), nan=0.5)

        def mismatch(s: Floats, which: Indices) -> tuple[Floats, Floats]:
            at = k[which]
            return self.at(coefficients, s, at) - target[which], 2 * self.at(slopes, s, at)

        return increasing_roots(mismatch, np.zeros(k.size), np.ones(k.size), start)


def _tabulate(law: DenseMap, pieces: _Pieces, mass: float) -> _Table:
    """Halve pieces until the three series have converged."""
    done: list[_Table] = []
    peak = -math.inf
    guess = np.full((pieces.start.size, ORDER), 0.5 * np.log(law.second / law.aspect_ratio))
    for _ in range(_MAX_HALVINGS):
        table, values, rounding = _series(law, pieces, guess)
        peak = max(peak, float(table.height[:, 0].max()))
        rough = _is_rough(table, rounding, mass, peak)
        done.append(_rows(table, ~rough))
        if not rough.any():
            break
        pieces = _rows(table, rough).pieces.halves()
        guess = np.concatenate([values[rough]] * 2)
    return _validated(law, _joined(done))


def _series(law: DenseMap, pieces: _Pieces, guess: Floats) -> tuple[_Table, Floats, Floats]:
    k = np.repeat(np.arange(pieces.start.size), ORDER)
    s = np.tile(0.5 * (NODES + 1), pieces.start.size)
    u = pieces.real_part(s, k)
    y, rounding = law.heights(u, guess.ravel())
    w = u + 1j * np.exp(y)
    shape = (pieces.start.size, ORDER)
    columns = y - np.log(pieces.root(s, k)), law.evaluate(w)[0].real, law.distribution(w)
    nothing = np.zeros(pieces.start.size)
    table = _Table(pieces, *(series(c.reshape(shape)) for c in columns), nothing, nothing)
    return table, y.reshape(shape), rounding.reshape(shape).max(axis=1)


def _is_rough(table: _Table, rounding: Floats, mass: float, peak: float) -> NDArray[np.bool_]:
    def tail(c: Floats) -> Floats:
        return np.abs(c[:, -2:]).max(axis=1)

    spread = np.abs(table.image[:, 1:-2]).max(axis=1)
    noise = (64 * EPS + 4 * rounding) * np.abs(table.image).max(axis=1)
    # The density of the weights is known to eps of its largest value on a panel, and v follows it.
    blur = 4 * EPS * np.exp(np.minimum(peak - table.height[:, 0], 100))
    rough = tail(table.height) > np.maximum(_TOLERANCE, np.maximum(rounding, blur))
    rough |= tail(table.image) > np.maximum(_TOLERANCE * spread, noise)
    rough |= tail(table.level) > _TOLERANCE * mass
    heavy = np.abs(table.level[:, 1:]).max(axis=1) > _NEGLIGIBLE
    wide = table.pieces.stop - table.pieces.start > 1e-14 * np.abs(table.pieces.stop)
    return rough & heavy & wide


def _rows(table: _Table, keep: Floats) -> _Table:
    pieces = _Pieces(table.pieces.start[keep], table.pieces.stop[keep], table.pieces.bend[keep])
    return _Table(pieces, *(part[keep] for part in _arrays(table)))


def _arrays(table: _Table) -> tuple[Floats, ...]:
    return table.height, table.image, table.level, table.density_error, table.level_error


def _joined(tables: list[_Table]) -> _Table:
    order = np.argsort(np.concatenate([t.pieces.start for t in tables]))
    fields = zip(*((t.pieces.start, t.pieces.stop, t.pieces.bend) for t in tables), strict=True)
    pieces = _Pieces(*(np.concatenate(parts)[order] for parts in fields))
    arrays = zip(*(_arrays(t) for t in tables), strict=True)
    return _Table(pieces, *(np.concatenate(parts)[order] for parts in arrays))


_CHECKS = np.array([0.03, 0.31, 0.74])  # parameters off the nodes at which the table is held to the equation


def _validated(law: DenseMap, table: _Table) -> _Table:
    """Errors of the table, seen where it was not fitted."""
    k = np.repeat(np.arange(table.pieces.start.size), _CHECKS.size)
    s = np.tile(_CHECKS, table.pieces.start.size)
    w = table.points(s, k)
    value, slope = law.evaluate(w)
    off = np.abs(value - table.at(table.image, s, k)) / np.abs(slope)
    density = off / w.imag + 2 * off / np.abs(w)
    level = np.abs(law.distribution(w) - table.at(table.level, s, k))
    density, level = (part.reshape(-1, _CHECKS.size).max(axis=1) for part in (density, level))
    return _Table(table.pieces, table.height, table.image, table.level, density, level)


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
            mass = self.right_levels[bulk] - self.left_levels[bulk]
            self._tables[bulk] = _tabulate(self.law, _first_pieces(self.law, first, last), float(mass))
        return self._tables[bulk]

    def _locate(self, x: Floats, bulk: int) -> tuple[_Table, Floats, Indices]:
        """Pieces and parameters of points within a bulk."""
        table = self.table(bulk)
        k = np.arange(table.pieces.start.size)
        first = table.at(table.image, np.zeros(k.size), k)
        k = np.clip(np.searchsorted(first, x, side="right") - 1, 0, k.size - 1)
        return table, table.solve(table.image, x, k), k

    def _bulks_of(self, x: Floats) -> list[tuple[Indices, _Table, Floats, Indices]]:
        bulks = self.inside(x)
        which = [np.flatnonzero(bulks == b) for b in np.unique(bulks[bulks >= 0])]
        return [(w, *self._locate(x[w], int(bulks[w[0]]))) for w in which]

    def density(self, x: Floats, with_error: bool) -> tuple[Floats, Floats]:
        """Density at points, zero off the bulks, and a bound of its error."""
        density, error = np.zeros(x.size), np.zeros(x.size)
        for which, table, s, k in self._bulks_of(x):
            with np.errstate(divide="ignore", invalid="ignore"):  # infinite at a hard edge
                density[which] = np.where(s * (1 - s) == 0, 0, self.law.density(table.points(s, k)))
            error[which] = table.density_error[k] * density[which]
        return density, error

    def distribution(self, x: Floats) -> Floats:
        """Distribution function at points, the atom included at zero."""
        level = self.outside_level(x)
        for which, table, s, k in self._bulks_of(x):
            level[which] = table.at(table.level, s, k)
        return level

    def curve(self, x: Floats) -> Complexes:
        """Points w of the boundary curve over points x of the bulks."""
        w = np.empty(x.size, dtype=complex)
        for which, table, s, k in self._bulks_of(x):
            w[which] = table.points(s, k)
        return w

    def bulk_quantile(self, bulk: int, q: Floats) -> Floats:
        """Quantiles within one bulk."""
        table = self.table(bulk)
        k = np.arange(table.pieces.start.size)
        first = np.maximum.accumulate(table.at(table.level, np.zeros(k.size), k))
        k = np.clip(np.searchsorted(first, q, side="right") - 1, 0, k.size - 1)
        return table.at(table.image, table.solve(table.level, q, k), k)


def _first_pieces(law: DenseMap, first: Edge, last: Edge) -> _Pieces:
    """Stretches between the ends of panels and the atoms, where the curve may bend most."""
    middle = 0.5 * (first.origin + last.origin)
    inner = np.concatenate([law.panels.left, law.panels.right, law.weights, [middle]])
    inner = np.unique(inner[(inner > first.origin) & (inner < last.origin)])
    ends = np.concatenate([[first.origin], inner, [last.origin]])
    bend = np.zeros(ends.size - 1, dtype=np.intp)
    bend[0], bend[-1] = int(first.root), -int(last.root)
    return _Pieces(ends[:-1], ends[1:], bend)
