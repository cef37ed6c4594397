"""Counter-based random numbers on the CPU. The reference module says what each operation computes.

`fill_normals64` and `fill_normals32` write into an array, for use in other compiled functions.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from ..arguments.values import array, element_range, float_dtype, integer, output, real, stream_words
from .compiled.random import (
    fill_labels,
    fill_normals32,
    fill_normals64,
    fill_philox,
    fill_uniforms32,
    fill_uniforms64,
)

__all__ = ["fill_normals32", "fill_normals64", "labels", "normals", "philox4x32", "uniforms"]

FILL_NORMALS = {np.dtype(np.float64): fill_normals64, np.dtype(np.float32): fill_normals32}


def philox4x32(counters: ArrayLike, key: ArrayLike) -> NDArray[np.uint32]:
    """Philox4x32-10 of Salmon et al. 2011: counters (n, 4) and key (2,), uint32, to random words (n, 4)."""
    blocks = array(counters, "counters", (None, 4), (np.uint32,))
    words = np.empty_like(blocks)
    fill_philox(blocks, array(key, "key", (2,), (np.uint32,)), words)
    return words


def uniforms(stream: ArrayLike, start: int, size: int, dtype: DTypeLike = np.float64) -> NDArray:
    """Uniform numbers start, ..., start + size - 1 of a stream, in (0, 1], theory.md (7.1).

    Parameters
    ----------
    stream : (4,) uint32
        Any four words; numbers of other words are independent.
    start, size : int
        start + size <= 2^64.
    dtype : float64 or float32
        Of two kinds of numbers: those of float32 are not rounded from those of float64.

    Returns
    -------
    (size,) array of dtype

    Raises
    ------
    TypeError, ValueError
        For another dtype or shape, or a number that would wrap.
    """
    if float_dtype(dtype) == np.float64:
        return _elements(fill_uniforms64, 2, stream, start, size, np.float64)
    return _elements(fill_uniforms32, 4, stream, start, size, np.float32)


def normals(
    stream: ArrayLike,
    start: int,
    size: int,
    dtype: DTypeLike = np.float64,
    scale: float = 1.0,
    out: NDArray | None = None,
) -> NDArray:
    """Normal numbers start, ..., start + size - 1 of a stream, times `scale`, theory.md (7.2).

    Each is within 4 ulp of the Box-Muller formula before the product.

    Parameters
    ----------
    stream : (4,) uint32
        Any four words; numbers of other words are independent.
    start, size : int
        start + size <= 2^64.
    dtype : float64 or float32
        Of two kinds of numbers: those of float32 are not rounded from those of float64.
    scale : float
        Standard deviation.
    out : (size,) array of dtype, contiguous, optional
        Filled and returned.

    Returns
    -------
    (size,) array of dtype

    Raises
    ------
    TypeError, ValueError
        For another dtype or shape, or a number that would wrap.
    """
    start, size = element_range(start, size)
    real_type = float_dtype(dtype)
    filled = output(out, size, real_type)
    FILL_NORMALS[real_type](stream_words(stream), np.uint64(start), real(scale, "scale", real_type), filled)
    return filled


def labels(stream: ArrayLike, start: int, size: int, n_classes: int) -> NDArray[np.int64]:
    """Class labels start, ..., start + size - 1 of a stream (4,) uint32, uniform from 0 to n_classes - 1."""
    C = np.uint64(integer(n_classes, "n_classes", 1, 2**32 - 1))
    return _elements(fill_labels, 2, stream, start, size, np.int64, C)


def _elements(
    fill: Callable, lanes: int, stream: ArrayLike, start: int, size: int, dtype: type, *arguments: Any
) -> NDArray:
    """Elements start, ..., start + size - 1: the blocks of `lanes` elements that hold them, cut to size."""
    words = stream_words(stream)
    start, size = element_range(start, size)
    before = start % lanes
    out: NDArray = np.empty(-(-(before + size) // lanes) * lanes, dtype)
    fill(words, np.uint64(start // lanes), out, *arguments)
    return out[before : before + size]
