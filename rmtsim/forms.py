"""Spectra of matrices with few diagonals: what every trial is measured from, and exact random ones.

A form is a symmetric matrix with the eigenvalues of a block in units of its scale. Those drawn here have the
law of

    Y^T Y,   Y (K, d) with independent standard normal entries, or such but for its first two columns,

and take O(min(K, d)) numbers, where Y takes K d; derivations in theory.md (5.1) and (5.3d).
"""

from dataclasses import dataclass
from math import sqrt
from types import ModuleType
from typing import Protocol

import numpy as np
import scipy.linalg
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class Form(Protocol):
    """A symmetric n x n matrix that is measured without computing its eigenvalues."""

    def __len__(self) -> int:
        """The order n."""

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

    def __len__(self) -> int:
        """The order n."""
        return len(self.diagonal)

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

    def __len__(self) -> int:
        """The order n."""
        return self.bands.shape[1]

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


@dataclass(frozen=True, eq=False)
class Padded:
    """A form and `zeros` eigenvalues more, all exactly 0; the form is None where there is nothing else."""

    form: Form | None
    zeros: int

    def __len__(self) -> int:
        """The order n."""
        return self.zeros if self.form is None else len(self.form) + self.zeros

    def moments(self) -> Floats:
        """(1/n) tr A^k, k = 1..4, of the whole."""
        if self.form is None:
            return np.zeros(4)
        order = len(self.form)
        return self.form.moments() * (order / (order + self.zeros))

    def extremes(self) -> Floats:
        """Smallest and largest eigenvalue of the whole."""
        if self.form is None:
            return np.zeros(2)
        low, high = self.form.extremes()
        return np.array([min(low, 0.0), max(high, 0.0)])

    def histogram(self, edges: Floats) -> NDArray[np.int64]:
        """Counts of `edges`' bins and of both sides."""
        counts = np.zeros(len(edges) + 1, np.int64) if self.form is None else self.form.histogram(edges)
        counts[np.searchsorted(edges, 0.0, side="right")] += self.zeros
        return counts

    def eigenvalues(self) -> Floats:
        """All eigenvalues, ascending."""
        others = np.empty(0) if self.form is None else self.form.eigenvalues()
        return np.sort(np.concatenate([others, np.zeros(self.zeros)]))


def wishart(ops: ModuleType, words: NDArray[np.uint32], order: int, freedom: int, scale: float = 1.0) -> Form:
    """Draw scale Y^T Y for Y (K, d) of standard normal entries, theory.md (5.1).

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
    n, most = min(order, freedom), max(order, freedom)
    if n == 0:
        return Padded(None, order)
    degrees = np.concatenate([np.arange(most, most - n, -1.0), np.arange(n - 1, 0, -1.0)])
    drawn = ops.chi(words, 0, degrees)
    x, y = drawn[:n], drawn[n:]
    diagonal = x * x
    diagonal[1:] += y * y
    return _padded(Tridiagonal(ops, scale * diagonal, scale * (x[:-1] * y)), order - n)


def bordered_wishart(
    ops: ModuleType,
    chi_words: NDArray[np.uint32],
    normal_words: NDArray[np.uint32],
    order: int,
    freedom: int,
    gram: Floats,
    scale: float = 1.0,
) -> Form:
    """Draw scale Y^T Y for Y (K, d), normal but for its first two columns, theory.md (5.3d).

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
    if n == 0:
        return Padded(None, order)
    degrees = np.zeros(2 * n)
    degrees[:n] = np.arange(freedom, freedom - n, -1)
    beyond = min(n, max(order - 2, 0))  # rows with an entry in column i + 2
    degrees[n : n + beyond] = np.arange(order - 2, order - 2 - beyond, -1)
    drawn = ops.chi(chi_words, 0, degrees)
    x, g, y = drawn[:n], ops.normals(normal_words, 0, n), drawn[n:]
    g[order - 1 :] = 0  # row d has no entry in column d + 1
    x[0] = sqrt(gram[0, 0])
    if order > 1:
        g[0] = gram[0, 1] / x[0]
    if n > 1:
        x[1] = sqrt(max(gram[1, 1] - g[0] ** 2, 0.0))
    bands = _squared_rows(x, g, y)
    bands *= scale
    return _padded(Banded(ops, bands), order - n)


def _squared_rows(x: Floats, g: Floats, y: Floats) -> Floats:
    """Bands (3, n) of Y Y^T for Y with x, g, y in columns i, i + 1, i + 2 of row i."""
    n = len(x)
    bands = np.zeros((3, n))
    bands[0] = x * x + g * g + y * y
    bands[1, : n - 1] = g[:-1] * x[1:] + y[:-1] * g[1:]
    bands[2, : max(n - 2, 0)] = y[:-2] * x[2:]
    return bands


def _padded(form: Form, zeros: int) -> Form:
    return Padded(form, zeros) if zeros else form
