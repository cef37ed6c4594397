"""Counter-based random numbers on the GPU, the same bits as on the CPU.

`draw_uniforms`, `draw_normals` and `draw_labels` fill arrays on the device for many trials at once.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .device import elements, elements_by_trial, empty, launch, to_device, to_host


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


def philox4x32(counters, key):
    """A thread to a counter."""
    out = empty(counters.shape, np.uint32)
    arguments = to_device(counters), to_device(key), np.int64(len(out)), out
    launch("random.philox_words", np.float64, *elements(len(out)), *arguments)
    return to_host(out)


def uniforms(stream, start, size, dtype):
    """Uniform numbers into a new array."""
    out = empty((1, size), dtype)
    draw_uniforms(to_device(stream[None]), start, out)
    return to_host(out)[0]


def normals(stream, start, size, dtype, scale, out):
    """Normal numbers copied to `out`: the CPU's bits, but 0 for subnormal float32 numbers of a tiny scale."""
    numbers = empty((1, size), dtype)
    draw_normals(to_device(stream[None]), start, scale, numbers)
    out[:] = to_host(numbers)[0]


def labels(stream, start, size, n_classes):
    """Labels into a new array."""
    out = empty((1, size), np.int64)
    draw_labels(to_device(stream[None]), start, n_classes, out)
    return to_host(out)[0]
