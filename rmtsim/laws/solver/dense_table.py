"""The boundary curve of one bulk of a law whose weights have a density, by Legendre series along it."""

import math
from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.polynomial import legendre
from numpy.typing import NDArray

from ...blas import single_blas_thread
from .chart import EPS
from .dense_edges import Edge
from .dense_map import DenseMap
from .measure import Complexes, Floats, Indices
from .panels import NODES, ORDER, series
from .roots import increasing_roots

# Trailing coefficients of log v, and of z and the level relative to their range.
_FINEST, _COARSEST = 1e-10, 1e-6
# Parameters off the nodes at which the table is held to the equation.
CHECKS = np.array([0.003, 0.03, 0.31, 0.74, 0.97, 0.997])
_MAX_HALVINGS = 48
_MOST_ROUGH = 24
_SMALLEST = 1e-150
_NEGLIGIBLE = 1e-13  # mass of a piece of the curve that need not be resolved


@dataclass(frozen=True)
class Pieces:
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

    def halves(self) -> "Pieces":
        """Both halves of every piece; only one of them ends at a square root."""
        middle = self.real_part(np.full(self.start.size, 0.5), np.arange(self.start.size))
        return Pieces(
            np.append(self.start, middle),
            np.append(middle, self.stop),
            np.append(np.where(self.bend > 0, 1, 0), np.where(self.bend < 0, -1, 0)),
        )


@dataclass(frozen=True)
class Table(Pieces):
    """Series in 2s - 1 along every piece.

    Attributes
    ----------
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

    anchor: Floats
    height: Floats
    image: Floats
    level: Floats
    density_error: Floats
    level_error: Floats

    def value(self, coefficients: Floats, s: Floats, k: Indices) -> Floats:
        """Value of a series at parameters s of pieces k."""
        return np.asarray(legendre.legval(2 * s - 1, coefficients[k].T, tensor=False), dtype=np.float64)

    def points(self, s: Floats, k: Indices) -> Complexes:
        """Points w of the curve."""
        v = np.exp(self.value(self.height, s, k)) * self.root(s, k)
        return self.real_part(s, k) + 1j * v

    def x(self, s: Floats, k: Indices) -> Floats:
        """Points of the line at parameters s of pieces k."""
        return self.anchor[k] + self.root(s, k) ** 2 * self.value(self.image, s, k)

    def at_x(self, x: Floats, k: Indices) -> Floats:
        """Parameters at which pieces k pass through x."""
        slopes = _slopes(self.image)
        distance = x - self.anchor[k]

        def mismatch(s: Floats, which: Indices) -> tuple[Floats, Floats]:
            piece = k[which]
            root, value = self.root(s, piece), self.value(self.image, s, piece)
            slope = root**2 * self.value(slopes, s, piece) + 2 * root * self.bend[piece] * value
            return root**2 * value - distance[which], slope

        low, high = (self.x(np.full(k.size, end), k) for end in (0.0, 1.0))
        share = _share(x, low, high)
        bend = self.bend[k]
        start = np.where(bend > 0, np.sqrt(share), np.where(bend < 0, 1 - np.sqrt(1 - share), share))
        return increasing_roots(mismatch, np.zeros(k.size), np.ones(k.size), start)

    def at_level(self, q: Floats, k: Indices) -> Floats:
        """Parameters at which pieces k pass through levels q."""
        slopes = _slopes(self.level)

        def mismatch(s: Floats, which: Indices) -> tuple[Floats, Floats]:
            return self.value(self.level, s, k[which]) - q[which], self.value(slopes, s, k[which])

        low, high = (self.value(self.level, np.full(k.size, end), k) for end in (0.0, 1.0))
        return increasing_roots(mismatch, np.zeros(k.size), np.ones(k.size), _share(q, low, high))


def _slopes(coefficients: Floats) -> Floats:
    """Series of the derivative by s."""
    slopes: Floats = 2.0 * np.asarray(legendre.legder(coefficients, axis=1), dtype=np.float64)
    return slopes


def _share(value: Floats, low: Floats, high: Floats) -> Floats:
    width = np.where(high > low, high - low, 1.0)
    return np.clip((value - low) / width, 0.0, 1.0)


@single_blas_thread
def tabulate(law: DenseMap, pieces: Pieces, edges: tuple[Edge, Edge]) -> Table:
    """Halve pieces until the three series have converged."""
    done: list[Table] = []
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
        pieces = _rows(table, rough).halves()
        guess = np.concatenate([values[rough]] * 2)
    table = _joined(done)
    return _validated(law, table, (edges[0].origin, edges[1].origin))


def _series(
    law: DenseMap, pieces: Pieces, edges: tuple[Edge, Edge], guess: Floats
) -> tuple[Table, Floats, Floats]:
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
    table = Table(pieces.start, pieces.stop, pieces.bend, anchor, height, distance, level, nothing, nothing)
    rounding = rounding + 4 * law.blur(u)
    return table, y.reshape(shape), rounding.reshape(shape).max(axis=1)


def _is_rough(table: Table, rounding: Floats, mass: float, error: float) -> NDArray[np.bool_]:
    def tail(c: Floats) -> Floats:
        return np.abs(c[:, -2:]).max(axis=1)

    spread = np.abs(table.image[:, 1:-2]).max(axis=1)
    tolerance = min(max(_FINEST, 0.01 * error), _COARSEST)
    noise = (64 * EPS + 4 * rounding) * np.abs(table.image).max(axis=1)
    rough = tail(table.height) > np.maximum(tolerance, rounding)
    rough |= tail(table.image) > np.maximum(tolerance * spread, noise)
    rough |= tail(table.level) > tolerance * mass
    heavy = np.abs(table.level[:, 1:]).max(axis=1) > _NEGLIGIBLE
    wide = table.stop - table.start > 1e-14 * np.abs(table.stop)
    return rough & heavy & wide


def _rows(table: Table, keep: NDArray[np.bool_]) -> Table:
    return Table(*(getattr(table, field.name)[keep] for field in fields(Table)))


def _joined(tables: list[Table]) -> Table:
    order = np.argsort(np.concatenate([table.start for table in tables]))
    arrays = ([getattr(table, field.name) for table in tables] for field in fields(Table))
    return Table(*(np.concatenate(parts)[order] for parts in arrays))


def _validated(law: DenseMap, table: Table, edges: tuple[float, float]) -> Table:
    """Errors where the table was not fitted: of the table itself, and of the weights."""
    k = np.repeat(np.arange(table.start.size), CHECKS.size)
    s = np.tile(CHECKS, table.start.size)
    w = table.points(s, k)
    value, slope = law.evaluate(w)
    shift, level = law.perturbations(w)
    shift_level = 2 * float(np.max(level, initial=0.0)) + _NEGLIGIBLE
    off = shift + np.abs(value - table.x(s, k))
    # To first order, or next to a square root, where z' is about z'' times the distance, by the second.
    distance = np.minimum(np.abs(w - edges[0]), np.abs(w - edges[1]))
    off = np.minimum(2 * off / np.abs(slope), np.sqrt(2 * off * distance / np.abs(slope)))
    density = off * (1 / np.maximum(w.imag, _SMALLEST) + 2 / np.maximum(np.abs(w), _SMALLEST))
    level += np.abs(law.distribution(w) - table.value(table.level, s, k))
    density, level = (2 * part.reshape(-1, CHECKS.size).max(axis=1) for part in (density, level))
    # Where v is out of reach of the series its level is still between those at both ends of the piece.
    pieces = np.arange(table.start.size)
    first, last = (table.value(table.level, np.full(pieces.size, end), pieces) for end in (0.0, 1.0))
    level = np.minimum(level, np.abs(last - first) + shift_level)
    return replace(table, density_error=density, level_error=level)


def first_pieces(law: DenseMap, first: Edge, last: Edge) -> Pieces:
    """Stretches between the ends of panels and the atoms, where the curve may bend most."""
    middle = 0.5 * (first.origin + last.origin)
    inner = np.concatenate([law.panels.left, law.panels.right, law.weights, [0.0, middle]])
    inner = np.unique(inner[(inner > first.origin) & (inner < last.origin)])
    ends = np.concatenate([[first.origin], inner, [last.origin]])
    bend = np.zeros(ends.size - 1, dtype=np.intp)
    bend[0], bend[-1] = int(first.root), -int(last.root)
    return Pieces(ends[:-1], ends[1:], bend)
