"""Batches of trials, compiled: from draws to tridiagonal forms, and to statistics, each in one call."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from ..arguments.matrices import TILE_BYTES, TILE_MINIMUM
from ..arguments.trials import (
    Forms,
    HiddenForms,
    SpectralStatistics,
    Trials,
    empty_statistics,
    histogram_edges,
    pairs,
    trials,
    tridiagonal_forms,
)
from .compiled.extremes import inner_edges, outer_eigenvalues
from .compiled.gram import tridiagonal_work
from .compiled.jit import jit
from .compiled.sturm import bin_counts
from .compiled.trials import Blocks, FormWork, Pairs, Softmax, Trial, trial_forms
from .matrices import trace_moments
from .scratch import Fields, Scratch

_scratch = Scratch()


def linear_forms(
    streams: ArrayLike, sizes: Sequence[int], loss: str, class_pairs: ArrayLike, dtype: DTypeLike = np.float64
) -> Forms:
    """Tridiagonal forms of blocks of linear models f(x) = V x at initialisation, a batch of trials at once.

    X (N, d) has N(0, 1) entries and V (C, d) N(0, 1/d) entries, each the normals of a stream from number 0
    on, row by row. The blocks are those of theory.md (2.1). A block with fewer than d samples of nonzero
    weight comes from the matrix of their inner products, and has its zero eigenvalues exactly.

    Parameters
    ----------
    streams : (T, 2, 4) uint32
        Streams of X and V of each trial.
    sizes : (N, d, C)
    loss : {"ce", "mse"}
    class_pairs : (B, 2) integers in [0, C)
        The blocks (v_c, v_e).
    dtype : float64 or float32
        Of the draws and of the linear algebra.

    Returns
    -------
    Forms
        diagonals (T, B, d) and off_diagonals (T, B, d-1), float64. A trial has the same bits in any batch.

    Raises
    ------
    TypeError, ValueError
        For another dtype, shape or loss, or an index out of range.
    """
    given = trials(streams, sizes, ("n_samples", "n_features", "n_classes"), loss, dtype)
    _, d, C = given.sizes
    classes = _blocks(given, pairs(class_pairs, "class_pairs", C), d)
    none = _blocks(given, np.empty((0, 2), np.int64), d)
    _fill(given, d, none, classes)
    return Forms(classes.diagonals, classes.off_diagonals)


def hidden_forms(
    streams: ArrayLike,
    sizes: Sequence[int],
    loss: str,
    hidden_pairs: ArrayLike,
    class_pairs: ArrayLike,
    dtype: DTypeLike = np.float64,
) -> HiddenForms:
    """Tridiagonal forms of blocks of hidden models f(x) = V relu(W x) at initialisation, a batch of trials.

    As `linear_forms`, with W (m, d) of N(0, 1/d) and V (C, m) of N(0, 1/m) entries. The blocks are those of
    theory.md (2.2) and (2.3).

    Parameters
    ----------
    streams : (T, 3, 4) uint32
        Streams of X, W and V of each trial.
    sizes : (N, d, C, m)
    loss : {"ce", "mse"}
    hidden_pairs : (B, 2) integers in [0, m)
        The blocks (w_i, w_j).
    class_pairs : (B', 2) integers in [0, C)
        The blocks (v_c, v_e).
    dtype : float64 or float32

    Returns
    -------
    HiddenForms
        hidden: Forms of order d, classes: Forms of order m, scales (T, B), float64.

    Raises
    ------
    TypeError, ValueError
        As `linear_forms`.
    """
    given = trials(streams, sizes, ("n_samples", "n_features", "n_classes", "n_hidden"), loss, dtype)
    _, d, C, m = given.sizes
    hidden = _blocks(given, pairs(hidden_pairs, "hidden_pairs", m), d)
    classes = _blocks(given, pairs(class_pairs, "class_pairs", C), m)
    scales = _fill(given, m, hidden, classes)
    of_hidden, of_classes = (Forms(blocks.diagonals, blocks.off_diagonals) for blocks in (hidden, classes))
    return HiddenForms(of_hidden, of_classes, scales)


def _blocks(given: Trials, found: NDArray[np.int64], order: int) -> Blocks:
    """Blocks of the pairs found (B, 2), their forms yet to be filled."""
    used, places = np.unique(found, return_inverse=True)
    shape = len(given.streams), len(found)
    distinct = Pairs(used, places.reshape(found.shape))
    return Blocks(distinct, np.empty((*shape, order)), np.empty((*shape, order - 1)))


def _fill(given: Trials, k: int, hidden: Blocks, classes: Blocks) -> NDArray[np.float64]:
    """Fill the forms of the blocks, V having k columns, and return the scales of the hidden ones."""
    _, d, C = given.sizes[:3]
    scales = np.empty(hidden.diagonals.shape[:2])
    deviations = d**-0.5, k**-0.5
    trial_forms(
        given.streams, C, deviations, given.is_ce, hidden, classes, scales, *_work(given, k, hidden, classes)
    )
    return scales


def _work(
    given: Trials, k: int, hidden: Blocks, classes: Blocks
) -> tuple[Trial, Softmax, FormWork, FormWork]:
    """Work space of `trial_forms`. What is not used is never touched and takes no memory."""
    (N, d, C), real, is_linear = given.sizes[:3], given.dtype, len(given.sizes) == 3
    m = 0 if is_linear else k
    fields: Fields = {
        "X": ((N, d), real),
        "W": ((m, d), real),
        "features": ((N, m), real),
    }
    trial, softmax, work, class_work = _scratch.groups(
        (Trial, fields),
        (Softmax, _softmax_fields(N, k, class_tile(N, C, real), real, hidden.pairs, classes.pairs)),
        (FormWork, _form_fields(N, d, real)),
        (FormWork, _form_fields(N, k, real)),
    )
    return trial._replace(features=trial.X) if is_linear else trial, softmax, work, class_work


def _softmax_fields(N: int, k: int, tile: int, real: np.dtype, hidden: Pairs, classes: Pairs) -> Fields:
    used = len(hidden.used)
    sums = used + len(hidden.places)
    return {
        "V": ((tile, k), real),
        "logits": ((tile, N), real),
        "maxima": ((N,), real),
        "rescale": ((N,), real),
        "sums": ((N,), np.float64),
        "chosen": ((len(classes.used), N), np.float64),
        "center": ((used,), real),
        "columns": ((sums, tile), real),
        "product": ((sums, N), real),
        "totals": ((sums, N), np.float64),
    }


def _form_fields(N: int, n: int, real: np.dtype) -> Fields:
    return {
        "weights": ((N,), np.float64),
        "scaled": ((N, n), real),
        "gram": ((n, n), real),
        "reduction": ((tridiagonal_work(n, real),), real),
    }


def class_tile(n_samples: int, n_classes: int, dtype: np.dtype) -> int:
    """Classes per tile; the bits depend on it, and so it depends on the sizes alone."""
    return min(max(TILE_BYTES // (n_samples * dtype.itemsize), TILE_MINIMUM), n_classes)


@jit
def _divide(a, scale, out):
    for i in range(a.size):
        out[i] = a[i] / scale


@jit
def _statistics(diagonals, off_diagonals, scales, edges, moments, extremes, counts):
    work, below = np.empty((3, edges.size)), np.empty(edges.size, np.int64)
    in_units, off_in_units = np.empty(diagonals.shape[1]), np.empty(off_diagonals.shape[1])
    for t in range(len(diagonals)):
        a, b = diagonals[t], off_diagonals[t]
        trace_moments(a, b, moments[t])
        low, high = outer_eigenvalues(a, b)
        extremes[t, 0], extremes[t, 1] = low, high
        if edges.size > 0:
            inner = inner_edges(edges, low / scales[t], high / scales[t], a.size)
            _divide(a, scales[t], in_units)
            _divide(b, scales[t], off_in_units)
            bin_counts(in_units, off_in_units, edges, inner, work, below, counts[t])


def spectral_statistics(
    diagonals: ArrayLike, off_diagonals: ArrayLike, scales: ArrayLike, edges: ArrayLike | None = None
) -> SpectralStatistics:
    """Moments, extreme eigenvalues and histogram counts of many tridiagonal matrices in one call.

    Each as `moments`, `extremes` and `histogram` give it, the last for the matrix divided by its scale.

    Parameters
    ----------
    diagonals : (T, n) float32 or float64, finite, n >= 1
    off_diagonals : (T, n-1) float32 or float64, finite
    scales : (T,) float32 or float64, finite, none of them 0
        Units of the edges, of either sign.
    edges : (B+1,) float32 or float64, strictly increasing, optional
        Without them nothing is counted.

    Returns
    -------
    SpectralStatistics
        moments (T, 4), extremes (T, 2), counts (T, B+2), or (T, 0) without edges.

    Raises
    ------
    TypeError, ValueError
        For another dtype or shape, entries that are not finite, or edges that do not increase.
    """
    a, b, s = tridiagonal_forms(diagonals, off_diagonals, scales)
    at = histogram_edges(edges)
    found = empty_statistics(len(a), at)
    _statistics(a, b, s, at, *found)
    return found
