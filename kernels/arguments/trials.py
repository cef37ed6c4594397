"""Arguments of the operations on batches of trials, checked once for every device."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from .matrices import bin_edges, finite, indices
from .values import array, float_dtype, integer

LOSSES = ("ce", "mse")


class Forms(NamedTuple):
    """Tridiagonal matrices with the eigenvalues of B blocks of order n in each of T trials."""

    diagonals: NDArray[np.float64]
    """(T, B, n)"""
    off_diagonals: NDArray[np.float64]
    """(T, B, n-1)"""


class HiddenForms(NamedTuple):
    """Blocks of hidden models."""

    hidden: Forms
    """Blocks (w_i, w_j), of order d."""
    classes: Forms
    """Blocks (v_c, v_e), of order m."""
    scales: NDArray[np.float64]
    """Natural unit of each block (w_i, w_j) in each trial: S_ij = (V^T V)_ij under mse, 1 under ce."""


class SpectralStatistics(NamedTuple):
    """Statistics of T tridiagonal matrices."""

    moments: NDArray[np.float64]
    """(1/n) tr T^k, k = 1..4, shape (T, 4)."""
    extremes: NDArray[np.float64]
    """Smallest and largest eigenvalue, shape (T, 2)."""
    counts: NDArray[np.int64]
    """Eigenvalues, in units of the scale, below the edges, in the bins, and at or above, shape (T, B+2)."""


def empty_statistics(trials: int, edges: NDArray[np.float64]) -> SpectralStatistics:
    """Statistics yet to be filled; of no edges, no counts."""
    counts = np.empty((trials, edges.size + 1 if edges.size else 0), np.int64)
    return SpectralStatistics(np.empty((trials, 4)), np.empty((trials, 2)), counts)


class Trials(NamedTuple):
    """Checked arguments of `linear_forms` and `hidden_forms`."""

    streams: NDArray[np.uint32]
    sizes: tuple[int, ...]
    is_ce: bool
    dtype: np.dtype


def trials(
    streams: ArrayLike, sizes: Sequence[int], names: Sequence[str], loss: str, dtype: DTypeLike
) -> Trials:
    """Streams (T, roles, 4), one role less than there are sizes, each size >= 1; loss and dtype."""
    if len(sizes) != len(names):
        raise ValueError(f"sizes: expected {', '.join(names)}, got {tuple(sizes)}")
    words = array(streams, "streams", (None, len(names) - 1, 4), (np.uint32,))
    checked = tuple(integer(size, name, 1, 2**32 - 1) for name, size in zip(names, sizes, strict=True))
    if loss not in LOSSES:
        raise ValueError(f"loss: expected one of {', '.join(map(repr, LOSSES))}, got {loss!r}")
    return Trials(words, checked, loss == "ce", float_dtype(dtype))


def pairs(value: ArrayLike, name: str, bound: int) -> NDArray[np.int64]:
    """Pairs (B, 2) of indices in [0, bound)."""
    return indices(value, name, (None, 2), bound)


def tridiagonal_forms(
    diagonals: ArrayLike, off_diagonals: ArrayLike, scales: ArrayLike
) -> tuple[NDArray[np.float64], ...]:
    """Diagonals (T, n), n >= 1, off-diagonals (T, n-1), scales (T,) other than 0, finite float64 arrays."""
    a = array(diagonals, "diagonals", (None, None)).astype(np.float64, copy=False)
    if a.shape[1] == 0:
        raise ValueError(f"diagonals: expected at least one column, got shape {a.shape}")
    shape = len(a), a.shape[1] - 1
    b = array(off_diagonals, "off_diagonals", shape).astype(np.float64, copy=False)
    for name, given in (("diagonals", a), ("off_diagonals", b)):
        finite(given, name)
    return a, b, nonzero_scales(scales, a, b)


def nonzero_scales(scales: ArrayLike, *forms: NDArray[np.float64]) -> NDArray[np.float64]:
    """Scales (T,) other than 0, finite, that the entries of forms (T, ...) can be divided by."""
    s = array(scales, "scales", (len(forms[0]),)).astype(np.float64, copy=False)
    finite(s, "scales")
    if not s.all():
        raise ValueError(f"scales: expected numbers other than 0, got 0 at index {int((s == 0).argmax())}")
    for form in forms:
        _divisible(form, np.abs(s))
    return s


def _divisible(form: NDArray[np.float64], scales: NDArray[np.float64]) -> None:
    """Refuse scales > 0 (T,) that make the entries of form (T, ...) overflow when it is divided by them."""
    with np.errstate(over="ignore"):
        if np.isfinite(max(form.max(initial=0), -form.min(initial=0)) / scales.min(initial=np.inf)):
            return
        largest = np.abs(form).reshape(len(scales), -1).max(axis=1)
        lost = ~np.isfinite(largest / scales)
    if lost.any():
        t = int(lost.argmax())
        raise ValueError(
            f"scales: expected numbers that entries up to {largest[t]:g} can be divided by, "
            f"got one of size {scales[t]:g} at index {t}"
        )


def histogram_edges(edges: ArrayLike | None) -> NDArray[np.float64]:
    """Increasing edges; none, shape (0,), for None."""
    return np.empty(0) if edges is None else bin_edges(edges)
