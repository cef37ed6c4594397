"""Rows of a matrix that may be on disk."""

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray


def chosen_rows(V: Any, chosen: NDArray, size: int, dtype: DTypeLike) -> NDArray:
    """Rows `chosen` of V, read by slices of at most `size` rows."""
    picked = np.empty((len(chosen), V.shape[1]), dtype)
    for start in range(0, V.shape[0], size):
        inside = (chosen >= start) & (chosen < start + size)
        if inside.any():
            picked[inside] = V[start : start + size][chosen[inside] - start]
    return picked
