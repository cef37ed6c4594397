"""Spectra of matrices with few diagonals: what every trial is measured from, and exact random ones.

A form is a symmetric matrix with the eigenvalues of a block in units of its scale. Those drawn here have the
law of

    Y^T Y,   Y (K, d) with independent standard normal entries, or such but for its first two columns,

and take O(min(K, d)) numbers, where Y takes K d; derivations in theory.md (5.1) and (5.3d).
"""

from dataclasses import dataclass
from types import ModuleType
from typing import Protocol

import numpy as np
import scipy.linalg
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class Form(Protocol):
    """A symmetric n x n matrix that is measured without computing its eigenvalues."""

    def moments(self) -> Floats:
        """(1/n) tr A^k, k = 1..4, shape (4,)."""

    def extremes(self) -> Floats:
        """Smallest and largest eigenvalue, shape (2,)."""

    def histogram(self, edges: Floats) -> NDArray[np.int64]:
        """Counts below edges (B + 1,), in the bins, and at or above, shape (B + 2,)."""

    def eigenvalues(self) -> Floats:
        """All eigenvalues, ascending, shape (n,); in O(n^2)."""


@dataclass(frozen=True, eq=False)
class Tridiagonal:
    """Tridiagonal matrix of diagonal (n,) and off_diagonal (n-1,), measured by the operations `ops`."""

    ops: ModuleType
    diagonal: Floats
    off_diagonal: Floats

    def moments(self) -> Floats:
        """(1/n) tr A^k, k = 1..4."""
        return self.ops.moments(self.diagonal, self.off_diagonal)

    def extremes(self) -> Floats:
        """Smallest and largest eigenvalue."""
        return self.ops.extremes(self.diagonal, self.off_diagonal)

    def histogram(self, edges: Floats) -> NDArray[np.int64]:
        """Counts of `edges`' bins and of both sides, by Sturm sequences, theory.md (8.1)."""
        return self.ops.histogram(self.diagonal, self.off_diagonal, edges)

    def eigenvalues(self) -> Floats:
        """All eigenvalues, ascending."""
        return scipy.linalg.eigvalsh_tridiagonal(self.diagonal, self.off_diagonal, lapack_driver="sterf")


@dataclass(frozen=True, eq=False)
class Banded:
    """Pentadiagonal matrix of bands (3, n), bands[k, j] = A[j + k, j], measured by the operations `ops`."""

    ops: ModuleType
    bands: Floats

    def moments(self) -> Floats:
        """(1/n) tr A^k, k = 1..4."""
        return self.ops.banded_moments(self.bands)

    def extremes(self) -> Floats:
        """Smallest and largest eigenvalue."""
        return self.ops.banded_extremes(self.bands)

    def histogram(self, edges: Floats) -> NDArray[np.int64]:
        """Counts of `edges`' bins and of both sides, by inertia, theory.md (8.1a)."""
        return self.ops.banded_histogram(self.bands, edges)

    def eigenvalues(self) -> Floats:
        """All eigenvalues, ascending."""
        stored = min(len(self.bands), self.bands.shape[1])
        return scipy.linalg.eigvals_banded(self.bands[:stored], lower=True)


def zero(ops: ModuleType, order: int) -> Tridiagonal:
    """Return the zero matrix."""
    return Tridiagonal(ops, np.zeros(order), np.zeros(order - 1))


def wishart(
    ops: ModuleType, words: NDArray[np.uint32], order: int, freedom: int, scale: float = 1.0
) -> Tridiagonal:
    """Draw scale Y^T Y for Y (K, d) of standard normal entries, theory.md (5.1); d - K zeros are exact.

    Parameters
    ----------
    ops : module
        Operations that draw and measure.
    words : array of uint32, shape (4,)
        The stream of the chi variables, of which it takes 2 min(K, d) - 1.
    order, freedom : int
        d >= 1 and K >= 0.
    scale : float
    """
    large, small = max(order, freedom), min(order, freedom)
    degrees = np.concatenate([large - np.arange(small), np.arange(small - 1, 0, -1)])
    x, y = np.split(ops.chi(words, 0, degrees.astype(np.float64)), [small])
    diagonal, off_diagonal = np.zeros(order), np.zeros(order - 1)
    diagonal[:small] = x * x
    diagonal[1:small] += y * y
    off_diagonal[: max(small - 1, 0)] = x[:-1] * y
    return Tridiagonal(ops, scale * diagonal, scale * off_diagonal)


def bordered_wishart(
    ops: ModuleType,
    chi_words: NDArray[np.uint32],
    normal_words: NDArray[np.uint32],
    order: int,
    freedom: int,
    gram: Floats,
    scale: float = 1.0,
) -> Banded:
    """Draw scale Y^T Y for Y (K, d), normal but for its first two columns, theory.md (5.3d).

    The reduction Q^T Y Z by reflections has three diagonals: x on the main one, g next to it, y beyond.

    Parameters
    ----------
    ops : module
        Operations that draw and measure.
    chi_words, normal_words : array of uint32, shape (4,)
        Two streams.
    order, freedom : int
        d >= 1 and K >= 0.
    gram : array, shape (2, 2)
        P^T P of the two columns P (K, 2); with d = 1, its first entry is that of the one column.
    scale : float
    """
    n = min(order, freedom)
    row = np.arange(1, n + 1)
    degrees = np.concatenate([freedom + 1 - row, np.maximum(order - 1 - row, 0)])
    x, y = np.split(ops.chi(chi_words, 0, degrees.astype(np.float64)), [n])
    g = ops.normals(normal_words, 0, n) * (row < order)
    if n > 0:
        x[0] = np.sqrt(gram[0, 0])
    if n > 0 and order > 1:
        g[0] = gram[0, 1] / x[0]
    if n > 1:
        x[1] = np.sqrt(max(gram[1, 1] - g[0] ** 2, 0.0))
    bands = np.zeros((3, order))
    bands[0, :n] = x * x + g * g + y * y
    bands[1, : max(n - 1, 0)] = g[:-1] * x[1:] + y[:-1] * g[1:]
    bands[2, : max(n - 2, 0)] = y[:-2] * x[2:]
    return Banded(ops, scale * bands)
