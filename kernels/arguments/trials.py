"""Arguments of the operations on batches of trials, and the forms that these return."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from .values import array, float_dtype, integer

LOSSES = ("ce", "mse")


class Network(NamedTuple):
    """Standard deviations of the parameters at initialisation."""

    w_std: float = 1.0
    """Of the entries of W (m, d), in units of d^-1/2."""
    v_std: float = 1.0
    """Of the entries of V (C, k), in units of k^-1/2."""


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


class TrialBatch(NamedTuple):
    """Checked arguments of `linear_forms` and `hidden_forms`."""

    streams: NDArray[np.uint32]
    sizes: tuple[int, ...]
    is_ce: bool
    dtype: np.dtype


def trial_batch(
    streams: ArrayLike, sizes: Sequence[int], names: Sequence[str], loss: str, dtype: DTypeLike
) -> TrialBatch:
    """Streams (T, roles, 4), one role less than there are sizes, each size >= 1; loss and dtype."""
    if len(sizes) != len(names):
        raise ValueError(f"sizes: expected {', '.join(names)}, got {tuple(sizes)}")
    words = array(streams, "streams", (None, len(names) - 1, 4), (np.uint32,))
    checked = tuple(integer(size, name, 1, 2**32 - 1) for name, size in zip(names, sizes, strict=True))
    if loss not in LOSSES:
        raise ValueError(f"loss: expected one of {', '.join(map(repr, LOSSES))}, got {loss!r}")
    return TrialBatch(words, checked, loss == "ce", float_dtype(dtype))
