"""Spectra of matrices with few diagonals: what the blocks of a batch of trials are measured from.

Both methods, `dense` and `structured`, turn every block of every trial into a symmetric matrix with few
diagonals that has the block's eigenvalues. Here these become the records of the trials.
"""

from collections.abc import Mapping
from types import ModuleType
from typing import Any, NamedTuple, Protocol

import numpy as np
import scipy.linalg
from numpy.typing import NDArray

from ..experiment import Cell, Experiment

Floats = NDArray[np.float64]
Record = dict[str, NDArray]


class Forms(Protocol):
    """Symmetric matrices of order n with the eigenvalues of one block in each of T trials."""

    @property
    def scales(self) -> Floats:
        """Natural unit of the block (T,): S_ij = (V^T V)_ij for the W-layer under mse, 1 otherwise."""

    def statistics(self, ops: ModuleType, edges: Floats | None) -> Any:
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

    def statistics(self, ops: ModuleType, edges: Floats | None) -> Any:
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

    def statistics(self, ops: ModuleType, edges: Floats | None) -> Any:
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


def empty_record(experiment: Experiment, cell: Cell, trials: int) -> Record:
    """Return the fields of ``experiment.schema(cell)`` for some trials, stacked, all zero."""
    fields = experiment.schema(cell)
    return {name: np.zeros((trials, *field.shape), field.dtype) for name, field in fields.items()}


def measure(
    stacked: Record, cell: Cell, forms: Mapping[str, Forms], edges: Floats | None, ops: ModuleType
) -> dict[str, Any]:
    """Fill the spectral statistics of the stacked records of some trials, and the scales of their blocks.

    Returns
    -------
    dict
        What was found of each block, as `Forms.statistics`.

    Raises
    ------
    ValueError
        If histograms are measured and there are no edges.
    """
    if "histogram" in stacked and edges is None:
        raise ValueError("edges: expected histogram edges of each block, got None")
    statistics: dict[str, Any] = {}
    for k, block in enumerate(cell.blocks):
        counted = edges[k] if "histogram" in stacked and edges is not None else None
        found = statistics[block] = forms[block].statistics(ops, counted)
        stacked["scale"][:, k] = forms[block].scales
        if "moments" in stacked:
            stacked["moments"][:, k] = found.moments
        if "extremes" in stacked:
            stacked["extremes"][:, k] = found.extremes
        if "histogram" in stacked:
            stacked["histogram"][:, k] = found.counts[:, 1:-1]
            stacked["outside"][:, k] = found.counts[:, [0, -1]]
        if f"eigenvalues_{block}" in stacked:
            stacked[f"eigenvalues_{block}"][:] = forms[block].eigenvalues()
    return statistics


def unstacked(stacked: Record) -> list[Record]:
    """Return the record of each trial."""
    return [{name: values[t] for name, values in stacked.items()} for t in range(len(stacked["scale"]))]


def extremes(cell: Cell, forms: Mapping[str, Forms], ops: ModuleType) -> Floats:
    """Return the extreme eigenvalues of each block of each trial in units of its scale, (T, n_blocks, 2)."""
    found = [forms[block].statistics(ops, None).extremes for block in cell.blocks]
    scales = np.array([forms[block].scales for block in cell.blocks])
    return np.sort(np.array(found) / scales[:, :, None], axis=2).transpose(1, 0, 2)
