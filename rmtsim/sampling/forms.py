"""Symmetric matrices with few diagonals, with the eigenvalues of a block in each trial of a batch."""

from typing import Any, NamedTuple, Protocol

import numpy as np
import scipy.linalg
from numpy.typing import NDArray

from ..kernels import Operations

Floats = NDArray[np.float64]


class BlockForms(Protocol):
    """Symmetric matrices of order n with the eigenvalues of one block in each of T trials."""

    @property
    def scales(self) -> Floats:
        """Natural unit of the block (T,): S_ij = (V^T V)_ij for the W-layer under mse, 1 otherwise."""

    def statistics(self, ops: Operations, edges: Floats | None) -> Any:
        """Moments, extremes and counts in units of the scales, as `kernels` give them."""

    def eigenvalues(self) -> Floats:
        """All eigenvalues (T, n), ascending, in O(n^2) each."""


class TridiagonalForms(NamedTuple):
    """Tridiagonal matrices."""

    scales: Floats
    diagonals: Floats
    """(T, n)"""
    off_diagonals: Floats
    """(T, n-1)"""

    def statistics(self, ops: Operations, edges: Floats | None) -> Any:
        """Moments, extremes and counts by Sturm sequences, theory.md (8.1)."""
        return ops.spectral_statistics(self.diagonals, self.off_diagonals, self.scales, edges)

    def eigenvalues(self) -> Floats:
        """All eigenvalues (T, n), ascending."""
        return np.array(
            [
                scipy.linalg.eigvalsh_tridiagonal(a, b, lapack_driver="sterf")
                for a, b in zip(self.diagonals, self.off_diagonals, strict=True)
            ]
        )


class BandedForms(NamedTuple):
    """Pentadiagonal matrices, bands[t, k, j] = A[j + k, j]."""

    scales: Floats
    bands: Floats
    """(T, 3, n)"""

    def statistics(self, ops: Operations, edges: Floats | None) -> Any:
        """Moments, extremes and counts by inertia, theory.md (8.1a)."""
        return ops.banded_statistics(self.bands, self.scales, edges)

    def eigenvalues(self) -> Floats:
        """All eigenvalues (T, n), ascending."""
        return np.array([_banded_eigenvalues(bands) for bands in self.bands])


def _banded_eigenvalues(bands: Floats) -> Floats:
    """Eigenvalues (n,) of bands (3, n), exactly 0 for zero rows at the end."""
    k, j = np.nonzero(bands)
    rows = int((j + k).max(initial=-1)) + 1
    others = scipy.linalg.eigvals_banded(bands[: min(3, rows), :rows], lower=True) if rows else np.empty(0)
    return np.sort(np.concatenate([others, np.zeros(bands.shape[1] - rows)]))
