"""Spectra of symmetric matrices with few diagonals on the GPU, and eigenvalues by bisection.

The functions that begin with `trial_` take diagonals (T, n) and off-diagonals (T, n - 1), or bands (T, 3, n),
float64, of many trials on the device; n >= 1.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..arguments.spectra import SpectralStatistics, empty_statistics
from .batches import FEW, by_parts
from .device import elements_by_trial, empty, launch, to_device, to_host

WARP = 32
MOMENT_THREADS = 128


def _units_and_rows(kernel: str, n: int, *diagonals: Any) -> tuple[Any, Any]:
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
    return diagonal, off_diagonal, *_units_and_rows("spectra.units", n, diagonal, off_diagonal)


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


def trial_banded_counts(bands: Any, shifts: Any) -> Any:
    """Eigenvalues of bands (T, 3, n) below each of shifts (k,): int64 (T, k)."""
    trials, _, n = bands.shape
    out = empty((trials, len(shifts)), np.int64)
    grid, threads = elements_by_trial(len(shifts), trials)
    form = bands, *_units_and_rows("banded.units", n, bands), np.int64(n)
    arguments = *form, shifts, np.int64(len(shifts)), out
    launch("banded.banded_counts", None, grid, threads, *arguments)
    return out


def trial_banded_outer(bands: Any) -> tuple[Any, Any]:
    """Moments (T, 4) and extreme eigenvalues (T, 2)."""
    trials, _, n = bands.shape
    moments, extremes = empty((trials, 4)), empty((trials, 2))
    units, rows = _units_and_rows("banded.units", n, bands)
    launch("banded.banded_moments", None, (trials,), (MOMENT_THREADS,), bands, rows, np.int64(n), moments)
    launch("banded.banded_extremes", None, (trials,), (WARP,), bands, units, rows, np.int64(n), extremes)
    return moments, extremes


def sturm_counts(diagonal, off_diagonal, shifts):
    """A thread to a shift."""
    if len(diagonal) == 0:
        return np.zeros(len(shifts), np.int64)
    return _of_one(trial_sturm_counts, diagonal, off_diagonal, shifts)


def histogram(diagonal, off_diagonal, edges):
    """Differences of counts below the edges."""
    if len(diagonal) == 0:
        return np.zeros(len(edges) + 1, np.int64)
    return _of_one(trial_histograms, diagonal, off_diagonal, edges)


def extremes(diagonal, off_diagonal):
    """Sections of an interval by a warp."""
    return _of_one(trial_extremes, diagonal, off_diagonal)


def moments(diagonal, off_diagonal):
    """Closed walks along the diagonals."""
    return _of_one(trial_moments, diagonal, off_diagonal)


def _of_one(compute: Callable[..., Any], *arrays: NDArray) -> NDArray:
    """The result of a function of many trials for one."""
    return to_host(compute(*(to_device(array)[None] for array in arrays)))[0]


def banded_counts(bands, shifts):
    """A thread to a shift."""
    if bands.shape[1] == 0:
        return np.zeros(len(shifts), np.int64)
    return to_host(trial_banded_counts(to_device(bands[None]), to_device(shifts)))[0]


def spectral_statistics(diagonals, off_diagonals, scales, edges):
    """In parts that fit into memory."""

    def outer(*form: Any) -> tuple[Any, Any]:
        return trial_moments(*form), trial_extremes(*form)

    def counts(diagonal: Any, off_diagonal: Any) -> Any:
        every = np.broadcast_to(edges, (len(diagonal), edges.size))
        return trial_sturm_counts(diagonal, off_diagonal, to_device(every))

    numbers = 4 * diagonals.shape[1] + 3 * edges.size
    return _statistics((diagonals, off_diagonals), scales, edges, outer, counts, numbers)


def banded_statistics(bands, scales, edges):
    """In parts that fit into memory."""

    def counts(scaled: Any) -> Any:
        return trial_banded_counts(scaled, to_device(edges))

    numbers = 6 * bands.shape[2] + 2 * edges.size
    return _statistics((bands,), scales, edges, trial_banded_outer, counts, numbers)


def _statistics(
    form: tuple[NDArray, ...],
    scales: NDArray,
    edges: NDArray,
    outer: Callable[..., tuple[Any, Any]],
    counts: Callable[..., Any],
    numbers: int,
) -> SpectralStatistics:
    """Moments and extremes by `outer` of a form, counts below the edges by `counts` of it over its scale.

    A trial takes so many numbers of 8 bytes on the device.
    """
    found, order = empty_statistics(len(scales), edges), form[0].shape[-1]

    def compute(part: slice) -> None:
        moments, extremes = outer(*(to_device(array[part]) for array in form))
        found.moments[part], found.extremes[part] = to_host(moments), to_host(extremes)
        if edges.size:
            below = counts(*(to_device((array[part].T / scales[part]).T) for array in form))
            found.counts[part] = to_host(bin_counts(below, order))

    by_parts(len(scales), 8 * (numbers + FEW), compute)
    return found
