"""Argument checks shared by the kernels: each refusal names the argument, what was expected and what came."""

from collections.abc import Sequence
from operator import index

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

FLOATS = (np.dtype(np.float32), np.dtype(np.float64))
LARGEST = {dtype: float(np.finfo(dtype).max) for dtype in FLOATS}


def float_dtype(dtype: DTypeLike, name: str = "dtype") -> np.dtype:
    """`dtype` as float32 or float64; TypeError otherwise."""
    try:
        found = np.dtype(dtype)
    except TypeError:
        raise TypeError(f"{name}: expected float32 or float64, got {dtype!r}") from None
    if found not in FLOATS:
        raise TypeError(f"{name}: expected float32 or float64, got {found}")
    return found


def array(
    value: ArrayLike, name: str, shape: Sequence[int | None], dtypes: Sequence[DTypeLike] = FLOATS
) -> NDArray:
    """`value` as a C-contiguous array of one of `dtypes`, with `shape` (None matches any length).

    Strided input is copied; a foreign dtype is refused rather than converted, so that no precision is lost
    unseen. Raises TypeError for the dtype and ValueError for the shape.
    """
    found = np.asarray(value)
    allowed = [np.dtype(dtype) for dtype in dtypes]
    if found.dtype not in allowed:
        raise TypeError(f"{name}: expected dtype {' or '.join(map(str, allowed))}, got {found.dtype}")
    if found.ndim != len(shape) or any(w not in (None, g) for w, g in zip(shape, found.shape, strict=True)):
        wanted = ", ".join("any" if length is None else str(length) for length in shape)
        raise ValueError(f"{name}: expected shape ({wanted}{',' * (len(shape) == 1)}), got {found.shape}")
    return np.ascontiguousarray(found)


def integer(value: int, name: str, low: int, high: int) -> int:
    """`value` as a Python int in [low, high]; TypeError if it is no integer, ValueError if outside."""
    try:
        found = index(value)
    except TypeError:
        raise TypeError(f"{name}: expected an integer, got {type(value).__name__} {value!r}") from None
    if not low <= found <= high:
        raise ValueError(f"{name}: expected an integer in [{low}, {high}], got {found}")
    return found


def real(value: float, name: str, dtype: np.dtype = FLOATS[1]) -> np.floating:
    """`value` as a scalar of `dtype`; TypeError if it is no real number, ValueError if not finite there."""
    try:
        found = float(value)
    except (TypeError, ValueError):
        raise TypeError(f"{name}: expected a real number, got {type(value).__name__} {value!r}") from None
    if not abs(found) <= LARGEST[dtype]:
        raise ValueError(f"{name}: expected a finite {dtype} number, got {value}")
    return dtype.type(found)


def stream_words(stream: ArrayLike) -> NDArray[np.uint32]:
    """A stream: uint32, shape (4,), [key0, key1, counter word 2, counter word 3]."""
    return array(stream, "stream", (4,), (np.uint32,))


def element_range(start: int, size: int) -> tuple[int, int]:
    """Check that elements start, ..., start + size - 1 of a stream have numbers below 2^64."""
    length = integer(size, "size", 0, 2**63 - 1)
    return integer(start, "start", 0, 2**64 - length), length


def output(out: NDArray | None, size: int, dtype: np.dtype) -> NDArray:
    """`out` if it can be filled in place as a flat array of `size` numbers, a new array if it is None."""
    if out is None:
        return np.empty(size, dtype)
    if not isinstance(out, np.ndarray) or out.dtype != dtype:
        came = getattr(out, "dtype", type(out).__name__)
        raise TypeError(f"out: expected an array of dtype {dtype}, got {came}")
    if out.shape != (size,) or not (out.flags.c_contiguous and out.flags.writeable):
        raise ValueError(
            f"out: expected a writeable contiguous array of shape ({size},), got shape {out.shape}, "
            f"strides {out.strides}, writeable {out.flags.writeable}"
        )
    return out
