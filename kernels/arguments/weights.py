"""Arguments of the operations that make sample weights."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..host.activations import ACTIVATIONS
from .values import array, real


def sample_vectors(first: ArrayLike, second: ArrayLike, names: tuple[str, str]) -> tuple[NDArray, NDArray]:
    """Two vectors of one number per sample, each float32 or float64."""
    one = array(first, names[0], (None,))
    return one, array(second, names[1], one.shape)


def activation_name(name: str) -> str:
    """The name of a known activation."""
    if name not in ACTIVATIONS:
        raise ValueError(f"activation: expected one of {', '.join(map(repr, ACTIVATIONS))}, got {name!r}")
    return str(name)


def residual_products(value: ArrayLike | None, n: int) -> NDArray[np.float64]:
    """(V^T g)_i of n samples, shape (n,), or nothing, shape (0,)."""
    return np.empty(0) if value is None else array(value, "residuals", (n,), (np.float64,))


def class_complement(complement: ArrayLike | None, p: NDArray) -> NDArray[np.float64] | None:
    """1 - p of each of the samples of p (N,), where it is given."""
    return None if complement is None else array(complement, "complement", p.shape, (np.float64,))


def sample_factor(value: Any, n: int) -> NDArray:
    """A factor of each of n samples, or one number for all, shape (1,)."""
    if np.ndim(value) == 0:
        return np.array([real(value, "factor", np.dtype(np.float64))])
    return array(value, "factor", (n,))
