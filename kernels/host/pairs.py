"""Pairs of indices, few of which are distinct."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Pairs(NamedTuple):
    """Pairs (K, 2) of indices, as the indices that occur (u,) and places among them (K, 2)."""

    used: NDArray
    places: NDArray


def distinct(pairs: NDArray) -> Pairs:
    """The `Pairs` of an array (K, 2)."""
    used, places = np.unique(pairs, return_inverse=True)
    return Pairs(used, places.reshape(pairs.shape))
