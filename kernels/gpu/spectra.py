"""Statistics of symmetric tridiagonal matrices on the GPU, and their eigenvalues by bisection.

The functions that begin with `trial_` take diagonals (T, n) and off-diagonals (T, n - 1), float64, of many
trials on the device; n >= 1.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..arguments.matrices import bin_edges, nonempty_form, points, tridiagonal_form
from .device import elements_by_trial, empty, launch, to_device, to_host

WARP = 32
MOMENT_THREADS = 128


def units_and_rows(kernel: str, n: int, *diagonals: Any) -> tuple[Any, Any]:
    """Of each matrix of order n a power of two and a number of rows, (T,) each.

    Times the power of two, which is exact, the largest entry is near 1; rows from that number on are zero.
    """
    trials = len(diagonals[0])
    units, rows = empty((trials,)), empty((trials,), np.int64)
    launch(kernel, None, (trials,), (WARP,), *diagonals, np.int64(n), units, rows)
    return units, rows


def _form(diagonal: Any, off_diagonal: Any) -> tuple[Any, ...]:
    """A tridiagonal matrix as the kernels take it."""
    n = diagonal.shape[1]
    return diagonal, off_diagonal, *units_and_rows("spectra.units", n, diagonal, off_diagonal)


def trial_sturm_counts(diagonal: Any, off_diagonal: Any, shifts: Any) -> Any:
    """Eigenvalues below each of shifts (T, k): int64 (T, k)."""
    trials, n = diagonal.shape
    count = shifts.shape[1]
    out = empty(shifts.shape, np.int64)
    grid, threads = elements_by_trial(count, trials)
    form = *_form(diagonal, off_diagonal), np.int64(n)
    launch("spectra.sturm_counts", None, grid, threads, *form, shifts, np.int64(count), out)
    return out


def bin_counts(below: Any, order: int) -> Any:
    """Eigenvalues below, in and above the bins, int64 (T, B + 2), from those below the edges (T, B + 1)."""
    trials, count = below.shape
    out = empty((trials, count + 1), np.int64)
    sizes = np.int64(count), np.int64(order)
    launch("spectra.bin_counts", None, *elements_by_trial(count + 1, trials), below, *sizes, out)
    return out


def trial_histograms(diagonal: Any, off_diagonal: Any, edges: Any) -> Any:
    """Eigenvalues below, in and above the bins of edges (T, B + 1): int64 (T, B + 2)."""
    return bin_counts(trial_sturm_counts(diagonal, off_diagonal, edges), diagonal.shape[1])


def trial_extremes(diagonal: Any, off_diagonal: Any) -> Any:
    """Smallest and largest eigenvalues (T, 2)."""
    trials, n = diagonal.shape
    out = empty((trials, 2))
    form = *_form(diagonal, off_diagonal), np.int64(n)
    launch("spectra.extremes", None, (trials,), (WARP,), *form, out)
    return out


def trial_moments(diagonal: Any, off_diagonal: Any) -> Any:
    """(1/n) tr T^k, k = 1..4, (T, 4)."""
    trials, n = diagonal.shape
    out = empty((trials, 4))
    launch("spectra.moments", None, (trials,), (MOMENT_THREADS,), diagonal, off_diagonal, np.int64(n), out)
    return out


def trial_bisected_eigenvalues(diagonal: Any, off_diagonal: Any) -> Any:
    """All eigenvalues (T, n), ascending, each within a few eps |T|: bisection cannot fail to converge."""
    trials, n = diagonal.shape
    out = empty((trials, n))
    ends = trial_extremes(diagonal, off_diagonal)
    grid, threads = elements_by_trial(n, trials)
    form = *_form(diagonal, off_diagonal), ends, np.int64(n)
    launch("spectra.bisect_eigenvalues", None, grid, threads, *form, out)
    return out


# --------------------------------------------------------------------------------------------- one matrix


def _one(*arrays: NDArray) -> list[Any]:
    return [to_device(array)[None] for array in arrays]


def sturm_counts(diagonal: ArrayLike, off_diagonal: ArrayLike, shifts: ArrayLike) -> NDArray[np.int64]:
    """Number of eigenvalues of a tridiagonal matrix below each shift, shape (k,); see the CPU."""
    a, b = tridiagonal_form(diagonal, off_diagonal)
    at = points(shifts, "shifts")
    if len(a) == 0:
        return np.zeros(len(at), np.int64)
    return to_host(trial_sturm_counts(*_one(a, b, at)))[0]


def histogram(diagonal: ArrayLike, off_diagonal: ArrayLike, edges: ArrayLike) -> NDArray[np.int64]:
    """Eigenvalues of a tridiagonal matrix below, in and above the bins, shape (B+2,); see the CPU."""
    a, b = tridiagonal_form(diagonal, off_diagonal)
    at = bin_edges(edges)
    if len(a) == 0:
        return np.zeros(len(at) + 1, np.int64)
    return to_host(trial_histograms(*_one(a, b, at)))[0]


def extremes(diagonal: ArrayLike, off_diagonal: ArrayLike) -> NDArray[np.float64]:
    """Smallest and largest eigenvalue of a tridiagonal matrix, shape (2,); see the CPU."""
    return to_host(trial_extremes(*_one(*nonempty_form(diagonal, off_diagonal))))[0]


def moments(diagonal: ArrayLike, off_diagonal: ArrayLike) -> NDArray[np.float64]:
    """(1/n) tr T^k, k = 1..4, of a tridiagonal matrix, shape (4,); see the CPU."""
    return to_host(trial_moments(*_one(*nonempty_form(diagonal, off_diagonal))))[0]
