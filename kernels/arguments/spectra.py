"""Arguments of the operations on matrices with few diagonals, and the statistics that these return."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .values import array, finite, reals


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


def tridiagonal_form(diagonal: ArrayLike, off_diagonal: ArrayLike) -> tuple[NDArray, NDArray]:
    """Diagonal (n,) and off-diagonal (n-1,) as finite float64 arrays."""
    a = reals(diagonal, "diagonal", (None,))
    return a, reals(off_diagonal, "off_diagonal", (max(len(a) - 1, 0),))


def nonempty_form(diagonal: ArrayLike, off_diagonal: ArrayLike) -> tuple[NDArray, NDArray]:
    """`tridiagonal_form` of a matrix that has at least one eigenvalue."""
    a, b = tridiagonal_form(diagonal, off_diagonal)
    if len(a) == 0:
        raise ValueError("diagonal: expected at least one entry, got shape (0,)")
    return a, b


def points(value: ArrayLike, name: str) -> NDArray[np.float64]:
    """A vector of points on the real line, infinities allowed, as float64."""
    values = reals(value, name, (None,), bounded=False)
    if np.isnan(values).any():
        raise ValueError(f"{name}: expected numbers, got NaN at index {int(np.isnan(values).argmax())}")
    return values


def bin_edges(value: ArrayLike) -> NDArray[np.float64]:
    """At least two ascending bin edges."""
    edges = points(value, "edges")
    if len(edges) < 2 or not (edges[1:] > edges[:-1]).all():
        raise ValueError(f"edges: expected two or more strictly increasing numbers, got {edges}")
    return edges


def histogram_edges(edges: ArrayLike | None) -> NDArray[np.float64]:
    """Increasing edges; none, shape (0,), for None."""
    return np.empty(0) if edges is None else bin_edges(edges)


def tridiagonal_forms(
    diagonals: ArrayLike, off_diagonals: ArrayLike, scales: ArrayLike
) -> tuple[NDArray[np.float64], ...]:
    """Diagonals (T, n), n >= 1, off-diagonals (T, n-1), scales (T,) other than 0, finite float64 arrays."""
    a = reals(diagonals, "diagonals", (None, None))
    if a.shape[1] == 0:
        raise ValueError(f"diagonals: expected at least one column, got shape {a.shape}")
    b = reals(off_diagonals, "off_diagonals", (len(a), a.shape[1] - 1))
    return a, b, nonzero_scales(scales, a, b)


def nonzero_scales(scales: ArrayLike, *forms: NDArray[np.float64]) -> NDArray[np.float64]:
    """Scales (T,) other than 0, finite, that the entries of forms (T, ...) can be divided by."""
    s = reals(scales, "scales", (len(forms[0]),))
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


def _without_overhang(bands: NDArray) -> NDArray[np.float64]:
    """Bands (..., 3, n), finite float64, with zeros beyond the ends of the diagonals; copied if need be."""
    forms = bands.astype(np.float64, copy=False)
    for k in (1, 2):
        beyond = (..., k, slice(max(bands.shape[-1] - k, 0), None))
        if forms[beyond].any():
            forms = forms.copy() if forms is bands else forms
            forms[beyond] = 0
    finite(forms, "bands")
    return forms


def banded_form(bands: ArrayLike) -> NDArray[np.float64]:
    """Bands (3, n) as finite float64, with zeros beyond the ends of the diagonals."""
    return _without_overhang(array(bands, "bands", (3, None)))


def banded_forms(bands: ArrayLike, scales: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Bands (T, 3, n), n >= 1, as `banded_form` makes them, and scales (T,) other than 0."""
    forms = _without_overhang(array(bands, "bands", (None, 3, None)))
    if forms.shape[2] == 0:
        raise ValueError(f"bands: expected at least one column, got shape {forms.shape}")
    return forms, nonzero_scales(scales, forms)
