"""Operations of the exact structured models on the GPU: chi variables, forms of them, pentadiagonal spectra.

Chi variables, forms and normals have the bits of the CPU; sums over samples and classes have an order of
their own. A call splits its trials by the memory that is free and halves a part that does not fit; a trial
has the same bits in any part.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from ..arguments.matrices import points
from ..arguments.structured import (
    Samples,
    banded_form,
    banded_forms,
    chi_elements,
    freedoms_and_scales,
    hidden_pair,
    output_layer,
    plane_grams,
    size,
    trial_streams,
)
from ..arguments.trials import SpectralStatistics, empty_statistics, histogram_edges
from ..arguments.values import float_dtype
from . import random
from .batches import FEW, by_parts
from .device import THREADS, elements_by_trial, empty, launch, to_device, to_host
from .spectra import MOMENT_THREADS, WARP, bin_counts, units_and_rows

# Chi variables and forms -----------------------------------------------------------------------------------


def _draw_chi(streams: Any, start: int, degrees: Any) -> Any:
    """Chi variables from `start` on of streams (T, 4), of degrees (T, n)."""
    trials, count = degrees.shape
    out = empty((trials, count))
    grid, threads = elements_by_trial(count, trials)
    arguments = streams, np.uint64(start), degrees, np.int64(count), out
    launch("structured.fill_chi", None, grid, threads, *arguments)
    return out


def _form_chi(kind: str, streams: Any, freedoms: Any, order: int) -> Any:
    """Chi variables (T, 2 order) of "wishart" or "wedge" forms; 0 beyond those that a form has."""
    trials = len(freedoms)
    degrees = empty((trials, 2 * order))
    grid, threads = elements_by_trial(2 * order, trials)
    launch(f"structured.{kind}_degrees", None, grid, threads, freedoms, np.int64(order), degrees)
    return _draw_chi(streams, 0, degrees)


def chi(stream: ArrayLike, start: int, degrees: ArrayLike) -> NDArray[np.float64]:
    """Chi variables start, ..., start + n - 1 of a stream, one of each of `degrees` (n,); see the CPU."""
    words, first, freedom = chi_elements(stream, start, degrees)
    return to_host(_draw_chi(to_device(words[None]), first, to_device(freedom[None])))[0]


def wishart_forms(
    streams: ArrayLike, freedoms: ArrayLike, order: int, scales: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Tridiagonal matrices (T, d), (T, d-1) with the law of scale Y^T Y, Y (K, d) normal; see the CPU."""
    words, d = trial_streams(streams), size(order, "order")
    counts, factors = freedoms_and_scales(freedoms, scales, len(words))
    diagonals, off_diagonals = np.empty((len(words), d)), np.empty((len(words), d - 1))

    def compute(part: slice) -> None:
        K, scale = to_device(counts[part]), to_device(factors[part])
        drawn = _form_chi("wishart", to_device(words[part]), K, d)
        form = empty((len(K), d)), empty((len(K), d - 1))
        launch(
            "structured.wishart_forms",
            None,
            *elements_by_trial(d, len(K)),
            *(drawn, K, scale, np.int64(d), *form),
        )
        diagonals[part], off_diagonals[part] = map(to_host, form)

    by_parts(len(words), 8 * (6 * d + FEW), compute)
    return diagonals, off_diagonals


def wedge_forms(
    streams: ArrayLike, freedoms: ArrayLike, grams: ArrayLike, order: int, scales: ArrayLike
) -> NDArray[np.float64]:
    """Bands (T, 3, d) of matrices with the law of scale Y^T Y, Y (K, d); see the CPU."""
    words, d = trial_streams(streams, 2), size(order, "order")
    counts, factors = freedoms_and_scales(freedoms, scales, len(words))
    planes, bands = plane_grams(grams, counts), np.empty((len(words), 3, d))

    def compute(part: slice) -> None:
        K, normals = to_device(counts[part]), empty((part.stop - part.start, d))
        drawn = _form_chi("wedge", to_device(words[part, 0]), K, d)
        random.draw_normals(to_device(words[part, 1]), 0, np.float64(1), normals)
        form, given = empty((len(K), 3, d)), (to_device(planes[part]), to_device(factors[part]))
        launch(
            "structured.wedge_forms",
            None,
            *elements_by_trial(d, len(K)),
            *(drawn, normals, K, *given, np.int64(d), form),
        )
        bands[part] = to_host(form)

    by_parts(len(words), 8 * (8 * d + FEW), compute)
    return bands


# Samples and layers ----------------------------------------------------------------------------------------


def half_space_counts(streams: ArrayLike, n_samples: int) -> NDArray[np.int64]:
    """How many of the first N uniform numbers of each stream (T, 4) are at most 1/2; see the CPU."""
    words, N = trial_streams(streams), size(n_samples, "n_samples")
    found = np.empty(len(words), np.int64)

    def compute(part: slice) -> None:
        counts = empty((part.stop - part.start,), np.int64)
        arguments = to_device(words[part]), np.int64(N), counts
        launch("structured.half_space_counts", None, (len(counts),), (THREADS,), *arguments)
        found[part] = to_host(counts)

    by_parts(len(words), 8 * FEW, compute)
    return found


def _plane_coordinates(streams: Any, d: int, pair: tuple[int, int], dtype: np.dtype) -> Any:
    """Rows j of W (m, d), drawn from streams (T, 4), along rows i and across them: (T, 2)."""
    rows = [empty((len(streams), d), dtype) for _ in pair]
    for unit, row in zip(pair, rows, strict=True):
        random.draw_normals(streams, unit * d, dtype.type(d**-0.5), row)
    planes = empty((len(streams), 2))
    launch("layers.plane_coordinates", dtype, (len(streams),), (THREADS,), *rows, np.int64(d), planes)
    return planes


def wedge_samples(
    streams: ArrayLike,
    n_features: int,
    n_samples: int,
    pair: Sequence[int] = (0, 1),
    dtype: DTypeLike = np.float64,
) -> Samples:
    """Samples of streams (T, 2, 4) that activate both hidden units of a pair; see the CPU."""
    words, d, N = trial_streams(streams, 2), size(n_features, "n_features"), size(n_samples, "n_samples")
    units, real = hidden_pair(pair), float_dtype(dtype)
    found = Samples(np.empty(len(words), np.int64), np.empty((len(words), 2, 2)))

    def compute(part: slice) -> None:
        planes = _plane_coordinates(to_device(words[part, 0]), d, units, real)
        active, grams = empty((len(planes),), np.int64), empty((len(planes), 2, 2))
        arguments = to_device(words[part, 1]), np.int64(N), planes, active, grams
        launch("structured.wedge_samples", None, (len(planes),), (THREADS,), *arguments)
        found.active[part], found.grams[part] = to_host(active), to_host(grams)

    by_parts(len(words), 2 * d * real.itemsize + 8 * FEW, compute)
    return found


def trial_output_grams(streams: Any, C: int, m: int, pairs: Any, real: np.dtype) -> Any:
    """S_ij = (V^T V)_ij of pairs (B, 2) on the device, (T, B) float64, V (C, m) from streams (T, 4) there."""
    out = empty((len(streams), len(pairs)))
    sizes = np.int64(C), np.int64(m), pairs, real.type(m**-0.5)
    launch("layers.output_grams", real, (len(pairs), len(out)), (THREADS,), streams, *sizes, out)
    return out


def output_grams(
    streams: ArrayLike, n_classes: int, n_hidden: int, pairs: ArrayLike, dtype: DTypeLike = np.float64
) -> NDArray[np.float64]:
    """S_ij = (V^T V)_ij of pairs (B, 2) of hidden units, (T, B), V (C, m) from streams (T, 4); see the CPU.

    Only the columns of the pairs are drawn.
    """
    words, (C, m, columns, real) = trial_streams(streams), output_layer(n_classes, n_hidden, pairs, dtype)
    found = np.empty((len(words), len(columns)))

    def compute(part: slice) -> None:
        found[part] = to_host(trial_output_grams(to_device(words[part]), C, m, to_device(columns), real))

    by_parts(len(words), 8 * (len(columns) + FEW), compute)
    return found


# Pentadiagonal matrices ------------------------------------------------------------------------------------


def _counts(bands: Any, shifts: Any) -> Any:
    """Eigenvalues of bands (T, 3, n) below each of shifts (k,): int64 (T, k)."""
    trials, _, n = bands.shape
    out = empty((trials, len(shifts)), np.int64)
    grid, threads = elements_by_trial(len(shifts), trials)
    form = bands, *units_and_rows("banded.units", n, bands), np.int64(n)
    arguments = *form, shifts, np.int64(len(shifts)), out
    launch("banded.banded_counts", None, grid, threads, *arguments)
    return out


def _outer(bands: Any) -> tuple[Any, Any]:
    """Moments (T, 4) and extreme eigenvalues (T, 2)."""
    trials, _, n = bands.shape
    moments, extremes = empty((trials, 4)), empty((trials, 2))
    units, rows = units_and_rows("banded.units", n, bands)
    launch("banded.banded_moments", None, (trials,), (MOMENT_THREADS,), bands, rows, np.int64(n), moments)
    launch("banded.banded_extremes", None, (trials,), (WARP,), bands, units, rows, np.int64(n), extremes)
    return moments, extremes


def banded_counts(bands: ArrayLike, shifts: ArrayLike) -> NDArray[np.int64]:
    """Number of eigenvalues below each of `shifts` (k,) of a matrix of bands (3, n); see the CPU."""
    form, at = banded_form(bands), points(shifts, "shifts")
    if form.shape[1] == 0:
        return np.zeros(len(at), np.int64)
    return to_host(_counts(to_device(form[None]), to_device(at)))[0]


def banded_statistics(
    bands: ArrayLike, scales: ArrayLike, edges: ArrayLike | None = None
) -> SpectralStatistics:
    """Moments, extreme eigenvalues and histogram counts of many matrices of bands (T, 3, n); see the CPU."""
    forms, units = banded_forms(bands, scales)
    at = histogram_edges(edges)
    found = empty_statistics(len(forms), at)

    def compute(part: slice) -> None:
        moments, extremes = _outer(to_device(forms[part]))
        found.moments[part], found.extremes[part] = to_host(moments), to_host(extremes)
        if at.size:
            below = _counts(to_device(forms[part] / units[part, None, None]), to_device(at))
            found.counts[part] = to_host(bin_counts(below, forms.shape[2]))

    by_parts(len(forms), 8 * (6 * forms.shape[2] + 2 * at.size + FEW), compute)
    return found
