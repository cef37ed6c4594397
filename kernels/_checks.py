"""Argument checks shared by the kernels: each refusal names the argument, what was expected and what came."""

from collections.abc import Sequence
from operator import index

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

FLOATS = (np.dtype(np.float32), np.dtype(np.float64))


def float_dtype(dtype: DTypeLike, name: str = "dtype") -> np.dtype:
    """`dtype` as float32 or float64; TypeError otherwise."""
    try:
        found = np.dtype(dtype)
    except TypeError:
        raise TypeError(f"{name}: expected float32 or float64, got {dtype!r}") from None
    if found not in FLOATS:
        raise TypeError(f"{name}: expected float32 or float64, got {found}")
    return found


def array(value: ArrayLike, name: str, shape: Sequence[int | None], dtypes: Sequence[DTypeLike] = FLOATS) -> NDArray:
    """`value` as a C-contiguous array of one of `dtypes`, with `shape` (None matches any length).

    Strided input is copied; a foreign dtype is refused rather than converted, so that no precision is lost
    unseen. Raises TypeError for the dtype and ValueError for the shape.
    """
    found = np.asarray(value)
    allowed = [np.dtype(dtype) for dtype in dtypes]
    if found.dtype not in allowed:
        raise TypeError(f"{name}: expected dtype {' or '.join(map(str, allowed))}, got {found.dtype}")
    if len(found.shape) != len(shape) or any(w is not None and w != g for w, g in zip(shape, found.shape)):
        wanted = ", ".join("any" if length is None else str(length) for length in shape)
        raise ValueError(f"{name}: expected shape ({wanted}{',' * (len(shape) == 1)}), got {found.shape}")
    return np.ascontiguousarray(found)


def same_dtype(name: str, value: NDArray, other_name: str, other: NDArray) -> None:
    """TypeError unless both arrays have one dtype."""
    if value.dtype != other.dtype:
        raise TypeError(f"{name}: expected the dtype of {other_name} ({other.dtype}), got {value.dtype}")


def integer(value: int, name: str, low: int, high: int) -> int:
    """`value` as a Python int in [low, high]; TypeError for what is no integer, ValueError outside the range."""
    try:
        found = index(value)
    except TypeError:
        raise TypeError(f"{name}: expected an integer, got {type(value).__name__} {value!r}") from None
    if not low <= found <= high:
        raise ValueError(f"{name}: expected an integer in [{low}, {high}], got {found}")
    return found
