"""Arguments of the operations that draw random numbers."""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .values import array, integer


def stream_words(stream: ArrayLike) -> NDArray[np.uint32]:
    """A stream: uint32, shape (4,), [key0, key1, counter word 2, counter word 3].

    An integer below 2^64 is the key, low word first, of the stream whose other words are 0.
    """
    if isinstance(stream, int | np.integer):
        seed = integer(stream, "stream", 0, 2**64 - 1)
        return np.array([seed & 0xFFFFFFFF, seed >> 32, 0, 0], np.uint32)
    return array(stream, "stream", (4,), (np.uint32,))


def element_range(start: int, size: int | tuple[int, ...]) -> tuple[int, int, tuple[int, ...]]:
    """First number, how many, and the shape that they fill; all have numbers below 2^64 in their stream."""
    lengths = size if isinstance(size, tuple) else (size,)
    shape = tuple(integer(length, "size", 0, 2**63 - 1) for length in lengths)
    count = integer(math.prod(shape), "size", 0, 2**63 - 1)
    return integer(start, "start", 0, 2**64 - count), count, shape


def output(out: NDArray | None, shape: tuple[int, ...], dtype: np.dtype) -> NDArray:
    """`out` if it can be filled in place with numbers of that shape, a new array if it is None."""
    if out is None:
        return np.empty(shape, dtype)
    if not isinstance(out, np.ndarray) or out.dtype != dtype:
        came = getattr(out, "dtype", type(out).__name__)
        raise TypeError(f"out: expected an array of dtype {dtype}, got {came}")
    if out.shape != shape or not (out.flags.c_contiguous and out.flags.writeable):
        raise ValueError(
            f"out: expected a writeable contiguous array of shape {shape}, got shape {out.shape}, "
            f"strides {out.strides}, writeable {out.flags.writeable}"
        )
    return out
