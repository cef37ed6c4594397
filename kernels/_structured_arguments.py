"""The arguments of the operations of structured models, checked once for every device."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ._arguments import finite
from ._checks import array, integer, stream_words

CHI_ELEMENTS = 2**57
"""Each chi variable owns 64 blocks, and the numbers of a stream lie in 2^63."""

LARGEST_DEGREES = 2.0**40
"""Acceptance is decided to about eps times the degrees of freedom."""


def chi_elements(
    stream: ArrayLike, start: int, degrees: ArrayLike
) -> tuple[NDArray[np.uint32], int, NDArray[np.float64]]:
    """A stream, the number of its first chi variable, and the degrees of freedom (n,) as float64."""
    words = stream_words(stream)
    freedom = array(degrees, "degrees", (None,)).astype(np.float64, copy=False)
    inside = (freedom >= 0) & (freedom <= LARGEST_DEGREES)
    if not inside.all():
        where = int(inside.argmin())
        raise ValueError(f"degrees: expected numbers from 0 to 2^40, got {freedom[where]} at index {where}")
    return words, integer(start, "start", 0, CHI_ELEMENTS - len(freedom)), freedom


def banded_form(bands: ArrayLike) -> NDArray[np.float64]:
    """Bands (3, n) as finite float64, with zeros beyond the ends of the diagonals."""
    form = array(bands, "bands", (3, None)).astype(np.float64)
    for k in (1, 2):
        form[k, max(form.shape[1] - k, 0) :] = 0
    finite(form, "bands")
    return form


def nonempty_bands(bands: ArrayLike) -> NDArray[np.float64]:
    """`banded_form` of a matrix that has at least one eigenvalue."""
    form = banded_form(bands)
    if form.shape[1] == 0:
        raise ValueError("bands: expected at least one column, got shape (3, 0)")
    return form
