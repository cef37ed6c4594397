"""Statistics of symmetric matrices with few diagonals on the GPU."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..arguments.spectra import SpectralStatistics
from .batches import FEW, by_parts
from .device import elements_by_trial, empty, launch, to_device, to_host

WARP = 32
MOMENT_THREADS = 128


class FewDiagonals:
    """Symmetric matrices of order n >= 1, of T trials, float64 and on the device.

    Tridiagonal ones are given by diagonals (T, n) and off-diagonals (T, n - 1), pentadiagonal ones by bands
    (T, 3, n). The kernels of both have the same names and arguments, in a unit each.
    """

    def __init__(self, *parts: Any) -> None:
        self.parts, self.unit = parts, "spectra" if len(parts) == 2 else "banded"
        self.trials, self.order = len(parts[0]), parts[0].shape[-1]
        # Powers of two that bring the largest entry near 1, and rows up to the last that is not zero.
        self.scales, self.rows = empty((self.trials,)), empty((self.trials,), np.int64)
        form = *parts, np.int64(self.order), self.scales, self.rows
        launch(f"{self.unit}.units", None, (self.trials,), (WARP,), *form)

    def _launch(self, kernel: str, grid: Any, threads: Any, *arguments: Any) -> None:
        form = *self.parts, self.scales, self.rows, np.int64(self.order)
        launch(f"{self.unit}.{kernel}", None, grid, threads, *form, *arguments)

    def counts(self, shifts: Any) -> Any:
        """Eigenvalues below each of shifts (k,): int64 (T, k)."""
        count = len(shifts)
        out = empty((self.trials, count), np.int64)
        self._launch("counts", *elements_by_trial(count, self.trials), shifts, np.int64(count), out)
        return out

    def extremes(self) -> Any:
        """Smallest and largest eigenvalues (T, 2)."""
        out = empty((self.trials, 2))
        self._launch("extremes", (self.trials,), (WARP,), out)
        return out

    def moments(self) -> Any:
        """(1/n) tr S^k, k = 1..4, (T, 4)."""
        out = empty((self.trials, 4))
        form = *self.parts, self.rows, np.int64(self.order)
        launch(f"{self.unit}.moments", None, (self.trials,), (MOMENT_THREADS,), *form, out)
        return out

    def eigenvalues(self) -> Any:
        """All of tridiagonal matrices (T, n), ascending, to a few eps of the norm; bisection cannot fail."""
        out = empty((self.trials, self.order))
        grid, threads = elements_by_trial(self.order, self.trials)
        self._launch("bisect_eigenvalues", grid, threads, self.extremes(), out)
        return out


def _one(*parts: NDArray) -> FewDiagonals:
    return FewDiagonals(*(to_device(part[None]) for part in parts))


def _counts(shifts: NDArray, *parts: NDArray) -> NDArray[np.int64]:
    if parts[0].shape[-1] == 0:
        return np.zeros(len(shifts), np.int64)
    return to_host(_one(*parts).counts(to_device(shifts)))[0]


def sturm_counts(diagonal, off_diagonal, shifts):
    """A thread to a shift."""
    return _counts(shifts, diagonal, off_diagonal)


def banded_counts(bands, shifts):
    """A thread to a shift."""
    return _counts(shifts, bands)


def _bins(below: NDArray[np.int64], order: int) -> NDArray[np.int64]:
    """Eigenvalues below, in and above the bins (..., B + 2), from those below the edges (..., B + 1)."""
    return np.diff(below, prepend=0, append=order)


def histogram(diagonal, off_diagonal, edges):
    """Differences of counts."""
    return _bins(sturm_counts(diagonal, off_diagonal, edges), len(diagonal))


def extremes(diagonal, off_diagonal):
    """Half a warp to each."""
    return to_host(_one(diagonal, off_diagonal).extremes())[0]


def moments(diagonal, off_diagonal):
    """Traces, summed by one block of threads."""
    return to_host(_one(diagonal, off_diagonal).moments())[0]


def spectral_statistics(diagonals, off_diagonals, scales, edges):
    """In parts that fit into memory."""
    return _statistics((diagonals, off_diagonals), scales, edges)


def banded_statistics(bands, scales, edges):
    """In parts that fit into memory."""
    return _statistics((bands,), scales, edges)


def _statistics(forms: tuple[NDArray, ...], scales: NDArray, edges: NDArray) -> SpectralStatistics:
    trials, order = len(scales), forms[0].shape[-1]

    def compute(part: slice) -> tuple[Any, ...]:
        matrices = FewDiagonals(*(to_device(form[part]) for form in forms))
        below = empty((matrices.trials, 0), np.int64)
        if edges.size:
            in_units = FewDiagonals(*(to_device((form[part].T / scales[part]).T) for form in forms))
            below = in_units.counts(to_device(edges))
        return matrices.moments(), matrices.extremes(), below

    numbers = 2 * sum(form[0].size for form in forms) if trials else 0
    moments, extremes, below = by_parts(trials, 8 * (numbers + edges.size + FEW), compute)
    return SpectralStatistics(moments, extremes, _bins(below, order) if edges.size else below)
