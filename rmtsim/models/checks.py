"""Checks of what a user hands to a model: each error names the argument, what was expected and what came."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray


def one_of(argument: str, name: Any, known: Iterable[str]) -> str:
    """Return `name` if it is a known one."""
    names = sorted(map(str, known))
    if name not in names:
        raise ValueError(f"{argument}: expected one of {', '.join(map(repr, names))}, got {name!r}")
    return name


def matrix(
    name: str,
    values: ArrayLike,
    columns: int | None = None,
    why: str = "",
    dtype: np.dtype | None = None,
) -> NDArray:
    """Return `values` as a finite, C-contiguous matrix of `dtype`; by default float32 stays, else float64."""
    array = np.asarray(values)
    if array.dtype.kind not in "fiub":
        raise TypeError(f"{name}: expected real numbers, got dtype {array.dtype}")
    if array.ndim != 2:
        raise ValueError(f"{name}: expected a matrix (2 dimensions), got shape {array.shape}")
    if columns is not None and array.shape[1] != columns:
        raise ValueError(f"{name}: expected shape (rows, {columns}){why}, got {array.shape}")
    if 0 in array.shape:
        raise ValueError(f"{name}: expected at least one row and one column, got shape {array.shape}")
    if dtype is None:
        dtype = np.dtype(np.float32 if array.dtype == np.float32 else np.float64)
    with np.errstate(over="ignore"):  # what overflows float32 is told below
        array = np.ascontiguousarray(array, dtype=dtype)
    if not np.isfinite(array).all():
        row, column = np.argwhere(~np.isfinite(array))[0]
        raise ValueError(
            f"{name}: expected finite {dtype} numbers, got {array[row, column]} at [{row}, {column}]"
        )
    return array


def labels(values: ArrayLike | None, n_samples: int, n_classes: int, needed_for: str) -> NDArray[np.int64]:
    """Return `values` as class labels, shape (N,), each in 0..C-1."""
    if values is None:
        raise ValueError(f"y: expected class labels of shape ({n_samples},) for {needed_for}, got None")
    array = np.asarray(values)
    if array.shape != (n_samples,):
        raise ValueError(f"y: expected shape ({n_samples},), one label per row of X, got {array.shape}")
    if array.dtype.kind not in "iu":
        raise TypeError(f"y: expected integer class labels, got dtype {array.dtype}")
    if n_samples and not (array.min() >= 0 and array.max() < n_classes):
        raise ValueError(
            f"y: expected labels from 0 to {n_classes - 1}, got values from {array.min()} to {array.max()}"
        )
    return array.astype(np.int64)


def size(memory_limit: Any) -> int:
    """Return a memory limit in bytes."""
    if isinstance(memory_limit, bool) or not isinstance(memory_limit, int | np.integer) or memory_limit < 1:
        raise ValueError(f"memory_limit: expected a positive whole number of bytes, got {memory_limit!r}")
    return int(memory_limit)


def block_index(name: str, index: Any, sizes: dict[str, int]) -> tuple[str, int]:
    """Return a block index ("w", i) or ("v", c) within the layers of `sizes`."""
    layers = " or ".join(f'("{layer}", 0..{size - 1})' for layer, size in sizes.items())
    if not (isinstance(index, tuple) and len(index) == 2 and index[0] in sizes):
        raise ValueError(f"{name}: expected {layers}, got {index!r}")
    layer, position = index
    if (
        isinstance(position, bool)
        or not isinstance(position, (int, np.integer))
        or not 0 <= position < sizes[layer]
    ):
        raise ValueError(f"{name}: expected {layers}, got {index!r}")
    return layer, int(position)
