"""Arguments of the operations of structured models, and the samples that one of these returns."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .random import stream_words
from .values import array, indices, integer, reals

CHI_ELEMENTS = 2**57
"""Each chi variable owns 64 blocks, and the numbers of a stream lie in 2^63."""

LARGEST_DEGREES = 2.0**40
"""Acceptance is decided to about eps times the degrees of freedom."""


def chi_elements(
    stream: ArrayLike, start: int, degrees: ArrayLike
) -> tuple[NDArray[np.uint32], int, NDArray[np.float64]]:
    """A stream, the number of its first chi variable, and the degrees of freedom (n,) as float64."""
    words = stream_words(stream)
    freedom = reals(degrees, "degrees", (None,), bounded=False)
    inside = (freedom >= 0) & (freedom <= LARGEST_DEGREES)
    if not inside.all():
        where = int(inside.argmin())
        raise ValueError(f"degrees: expected numbers from 0 to 2^40, got {freedom[where]} at index {where}")
    return words, integer(start, "start", 0, CHI_ELEMENTS - len(freedom)), freedom


class Samples(NamedTuple):
    """Active samples of two hidden units in each of T trials."""

    active: NDArray[np.int64]
    """How many samples have both gates open, (T,)."""
    grams: NDArray[np.float64]
    """P^T P (T, 2, 2) of their coordinates in the plane of both rows of W, the first along the first row."""


SIZES = 2**32 - 1


def trial_streams(streams: ArrayLike, roles: int | None = None) -> NDArray[np.uint32]:
    """Streams (T, 4), or (T, roles, 4), of T trials."""
    shape = (None, 4) if roles is None else (None, roles, 4)
    return array(streams, "streams", shape, (np.uint32,))


def size(value: int, name: str) -> int:
    """A number of samples, features, classes or hidden units."""
    return integer(value, name, 1, SIZES)


def freedoms_and_scales(
    freedoms: ArrayLike, scales: ArrayLike, trials: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Degrees of freedom and scales of a matrix, (T,) each."""
    return indices(freedoms, "freedoms", (trials,), SIZES), reals(scales, "scales", (trials,))


def plane_grams(grams: ArrayLike, freedoms: NDArray[np.int64]) -> NDArray[np.float64]:
    """Gram matrices (T, 2, 2): positive semidefinite, the first column not 0 where there are samples (T,)."""
    G = reals(grams, "grams", (len(freedoms), 2, 2))
    product = G[:, 0, 0] * G[:, 1, 1]
    # A second column that is a multiple of the first leaves a rounding error of either sign.
    impossible = (G[:, 0, 1] != G[:, 1, 0]) | (G[:, 0, 1] ** 2 > product + 1e-6 * abs(product))
    if impossible.any():
        t = int(impossible.argmax())
        raise ValueError(
            f"grams: expected symmetric positive semidefinite matrices, got {G[t].tolist()} at index {t}"
        )
    empty = (G[:, 0, 0] <= 0) & (freedoms > 0)
    if empty.any():
        t = int(empty.argmax())
        raise ValueError(
            f"grams: expected a positive entry (0, 0) for the {freedoms[t]} samples of trial {t}, "
            f"got {G[t, 0, 0]}"
        )
    return G


def hidden_pair(pair: Sequence[int]) -> tuple[int, int]:
    """Two hidden units."""
    if len(pair) != 2:
        raise ValueError(f"pair: expected two hidden units, got {tuple(pair)}")
    i, j = (integer(unit, "pair", 0, SIZES) for unit in pair)
    return i, j
