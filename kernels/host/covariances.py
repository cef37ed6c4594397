"""Which covariances a difference of moments is good enough for; the pairs it needs for that."""

import numpy as np
from numpy.typing import NDArray

from .pairs import distinct

LOSS = 1024.0
"""Largest factor of rounding that a variance may cost; beyond it another center is taken."""


def with_variances(pairs: NDArray) -> tuple[NDArray, NDArray, NDArray]:
    """Columns (u,) that occur in pairs (K, 2), pairs of places among them, and which of these are variances.

    The pairs asked for come first, then the variances that are not among them; the last array (u,) has the
    place of the variance of each column.
    """
    used, places = distinct(pairs)
    diagonal = np.flatnonzero(places[:, 0] == places[:, 1])
    variances = np.full(len(used), -1)
    variances[places[diagonal, 0]] = diagonal
    missing = np.flatnonzero(variances < 0)
    if missing.size:
        variances[missing] = len(places) + np.arange(len(missing))
        places = np.concatenate([places, np.stack([missing, missing], axis=1)])
    return used, places, variances


def differences_lose(means: NDArray, variances: NDArray) -> NDArray[np.int64]:
    """Samples one of whose variances lost more than a factor `LOSS` of its digits; both arrays (u, N)."""
    with np.errstate(invalid="ignore", over="ignore"):
        return np.flatnonzero((means * means > LOSS * variances).any(axis=0))
