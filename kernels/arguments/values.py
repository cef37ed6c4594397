"""Checks of single numbers and arrays, from which those of each group of operations are made."""

from collections.abc import Sequence
from operator import index
from typing import SupportsIndex

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

FLOATS = (np.dtype(np.float32), np.dtype(np.float64))
LARGEST = {dtype: float(np.finfo(dtype).max) for dtype in FLOATS}


def float_dtype(dtype: DTypeLike, name: str = "dtype") -> np.dtype:
    """`dtype` as float32 or float64; TypeError otherwise."""
    try:
        converted = np.dtype(dtype)
    except TypeError:
        raise TypeError(f"{name}: expected float32 or float64, got {dtype!r}") from None
    if converted not in FLOATS:
        raise TypeError(f"{name}: expected float32 or float64, got {converted}")
    return converted


def array(
    value: ArrayLike, name: str, shape: Sequence[int | None], dtypes: Sequence[DTypeLike] = FLOATS
) -> NDArray:
    """`value` as a C-contiguous array of one of `dtypes`, with `shape` (None matches any length).

    Strided input is copied; a foreign dtype is refused rather than converted, so that no precision is lost
    unseen. Raises TypeError for the dtype and ValueError for the shape.
    """
    data = np.asarray(value)
    allowed = [np.dtype(dtype) for dtype in dtypes]
    if data.dtype not in allowed:
        raise TypeError(f"{name}: expected dtype {' or '.join(map(str, allowed))}, got {data.dtype}")
    if data.ndim != len(shape) or any(w not in (None, g) for w, g in zip(shape, data.shape, strict=True)):
        expected = ", ".join("any" if length is None else str(length) for length in shape)
        raise ValueError(f"{name}: expected shape ({expected}{',' * (len(shape) == 1)}), got {data.shape}")
    return np.ascontiguousarray(data)


def reals(
    value: ArrayLike, name: str, shape: Sequence[int | None], *, bounded: bool = True
) -> NDArray[np.float64]:
    """Float32 or float64 numbers of a shape as float64, all of them finite where they have to be bounded."""
    numbers = array(value, name, shape).astype(np.float64, copy=False)
    if bounded:
        finite(numbers, name)
    return numbers


def integer(value: SupportsIndex, name: str, low: int, high: int) -> int:
    """`value` as a Python int in [low, high]; TypeError if it is no integer, ValueError if outside."""
    try:
        number = index(value)
    except TypeError:
        raise TypeError(f"{name}: expected an integer, got {type(value).__name__} {value!r}") from None
    if not low <= number <= high:
        raise ValueError(f"{name}: expected an integer in [{low}, {high}], got {number}")
    return number


def real(value: float, name: str, dtype: np.dtype = FLOATS[1]) -> np.floating:
    """`value` as a scalar of `dtype`; TypeError if it is no real number, ValueError if not finite there."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise TypeError(f"{name}: expected a real number, got {type(value).__name__} {value!r}") from None
    if not abs(number) <= LARGEST[dtype]:
        raise ValueError(f"{name}: expected a finite {dtype} number, got {value}")
    return dtype.type(number)


def indices(value: ArrayLike, name: str, shape: tuple[int | None, ...], bound: int) -> NDArray[np.int64]:
    """Integers in [0, bound) of the given shape, as int64."""
    numbers = np.asarray(value)
    if numbers.size == 0 and not isinstance(value, np.ndarray):
        numbers = np.empty([0 if length is None else length for length in shape], np.int64)
    if numbers.dtype.kind not in "iu":
        raise TypeError(f"{name}: expected integers, got dtype {numbers.dtype}")
    if numbers.size and not 0 <= numbers.min() <= numbers.max() < bound:
        raise ValueError(f"{name}: expected indices in [0, {bound}), got {numbers.min()} to {numbers.max()}")
    return array(numbers.astype(np.int64), name, shape, (np.int64,))


def finite(value: NDArray, name: str) -> None:
    """ValueError at the first entry of `value` that is NaN or infinite."""
    # Both extremes are NaN if any entry is; no array of flags is made unless it is needed.
    if value.size and not np.isfinite([value.min(), value.max()]).all():
        bad = ~np.isfinite(value)
        where = tuple(int(i) for i in np.unravel_index(bad.argmax(), bad.shape))
        raise ValueError(f"{name}: expected finite numbers, got {value[where]} at index {where}")
