"""Counter-based random numbers on the GPU, the same bits as on the CPU; the reference says what they are.

`draw_uniforms`, `draw_normals` and `draw_labels` fill arrays on the device for many trials at once.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from ..arguments.values import array, element_range, float_dtype, integer, output, real, stream_words
from .device import elements, elements_by_trial, empty, launch, to_device, to_host

__all__ = ["draw_labels", "draw_normals", "draw_uniforms", "labels", "normals", "philox4x32", "uniforms"]


def _draw(kernel: str, lanes: int, streams: Any, start: int, out: Any, *arguments: np.generic) -> None:
    """Fill out (T, size) with elements start, ... of streams (T, 4); a thread makes `lanes` of them."""
    trials, size = out.shape
    grid, threads = elements_by_trial((start % lanes + size + lanes - 1) // lanes if size else 0, trials)
    dtype = np.float64 if kernel == "fill_labels" else out.dtype
    launch(
        f"random.{kernel}", dtype, grid, threads, streams, np.uint64(start), np.int64(size), *arguments, out
    )


def draw_uniforms(streams: Any, start: int, out: Any) -> None:
    """Fill out (T, size), float32 or float64, with the uniforms from `start` on of streams (T, 4) uint32."""
    _draw("fill_uniforms", 16 // out.dtype.itemsize, streams, start, out)


def draw_normals(streams: Any, start: int, scale: np.floating, out: Any) -> None:
    """Fill out (T, size) with `scale`, of its dtype, times the normals from `start` on of streams (T, 4)."""
    _draw("fill_normals", 16 // out.dtype.itemsize, streams, start, out, scale)


def draw_labels(streams: Any, start: int, n_classes: int, out: Any) -> None:
    """Fill out (T, size) int64 with the labels from `start` on of streams (T, 4)."""
    _draw("fill_labels", 2, streams, start, out, np.uint32(n_classes))


def philox4x32(counters: ArrayLike, key: ArrayLike) -> NDArray[np.uint32]:
    """Philox4x32-10: counters (n, 4) and key (2,), uint32, to random words (n, 4); see the reference."""
    blocks = to_device(array(counters, "counters", (None, 4), (np.uint32,)))
    words = to_device(array(key, "key", (2,), (np.uint32,)))
    out = empty(blocks.shape, np.uint32)
    launch("random.philox_words", np.float64, *elements(len(out)), blocks, words, np.int64(len(out)), out)
    return to_host(out)


def uniforms(stream: ArrayLike, start: int, size: int, dtype: DTypeLike = np.float64) -> NDArray:
    """Uniform numbers start, ..., start + size - 1 of a stream, in (0, 1]; see the reference."""
    words = stream_words(stream)
    start, size = element_range(start, size)
    out = empty((1, size), float_dtype(dtype))
    draw_uniforms(to_device(words[None]), start, out)
    return to_host(out)[0]


def normals(
    stream: ArrayLike,
    start: int,
    size: int,
    dtype: DTypeLike = np.float64,
    scale: float = 1.0,
    out: NDArray | None = None,
) -> NDArray:
    """Normal numbers start, ..., start + size - 1 of a stream, times `scale`; see the reference.

    The same bits as on the CPU, but for subnormal float32 numbers, which a tiny scale makes: 0 here.
    """
    start, size = element_range(start, size)
    filled = output(out, size, float_dtype(dtype))
    numbers = empty((1, size), filled.dtype)
    factor = real(scale, "scale", filled.dtype)
    draw_normals(to_device(stream_words(stream)[None]), start, factor, numbers)
    filled[:] = to_host(numbers)[0]
    return filled


def labels(stream: ArrayLike, start: int, size: int, n_classes: int) -> NDArray[np.int64]:
    """Class labels start, ..., start + size - 1 of a stream, from 0 to n_classes - 1; see the reference."""
    C = integer(n_classes, "n_classes", 1, 2**32 - 1)
    words = stream_words(stream)
    start, size = element_range(start, size)
    out = empty((1, size), np.int64)
    draw_labels(to_device(words[None]), start, C, out)
    return to_host(out)[0]
