"""Output weights that are read by tiles of classes, and how large the tiles may be."""

import os
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import checks

TILE = 1024
"""Classes per tile: the same on every machine, as the last bits depend on it, unless memory is too short."""
ARRAYS_PER_TILE = 6
"""Arrays of N numbers per class of a tile that are alive at once: logits, probabilities, products."""
SQUARES = 7
"""N x N arrays alive at once while masses of a hidden model are summed under mse. Under cross-entropy they
are two fewer, and one fewer again for the linear model."""

OFFSET = 64.0
"""How many times the spread of its columns a row common to all classes must have to be subtracted: six bits
of every logit. Random initialisation never comes near, and keeps its bits."""
SAMPLE_SLICES, SAMPLE_ROWS = 5, 8
"""Slices of V, and rows of each, that show a common row."""


class StreamedRows:
    """A matrix read by slices of rows, each checked to be finite when it is read.

    Parameters
    ----------
    source
        Anything with shape (C, k), a real dtype and row slicing: a memory map, an HDF5 dataset, a
        matrix drawn on demand.
    name : str
        How errors call it.
    """

    def __init__(self, source: Any, name: str) -> None:
        self.source, self.name = source, name
        self.shape: tuple[int, ...] = tuple(source.shape)
        if len(self.shape) != 2 or 0 in self.shape:
            raise ValueError(
                f"{name}: expected a matrix (rows, columns), none of them 0, got shape {self.shape}"
            )
        dtype = np.dtype(source.dtype)
        if dtype.kind not in "fiu":
            raise TypeError(f"{name}: expected real numbers, got dtype {dtype}")
        self.dtype = dtype if dtype == np.float32 else np.dtype(np.float64)
        self.origin: NDArray | None = None
        """What is subtracted from every row (k,), if anything."""

    def __getitem__(self, rows: slice) -> NDArray:
        """Return the rows as a C-contiguous array; ValueError names the first that is not finite."""
        with np.errstate(over="ignore"):  # what overflows float32 is told below
            part = np.ascontiguousarray(self.source[rows], dtype=self.dtype)
        if not np.isfinite(part).all():
            row, column = np.argwhere(~np.isfinite(part))[0]
            first = rows.indices(self.shape[0])[0]
            where = f"{part[row, column]} at [{first + row}, {column}]"
            raise ValueError(f"{self.name}: expected finite {self.dtype} numbers, got {where}")
        return part if self.origin is None else part - self.origin

    def __sub__(self, origin: NDArray) -> "StreamedRows":
        """Return the same rows less `origin` (k,), to be read as before."""
        moved = self.astype(self.dtype)
        moved.origin = origin
        return moved

    def astype(self, dtype: np.dtype, copy: bool = True) -> "StreamedRows":
        """Return the same rows, to be read in another precision."""
        converted = StreamedRows(self.source, self.name)
        converted.dtype, converted.origin = np.dtype(dtype), self.origin
        return converted


def output_weights(V: Any) -> NDArray | StreamedRows:
    """Return V as a checked matrix if it is in memory, else as rows to be streamed."""
    in_memory = isinstance(V, np.ndarray) and not isinstance(V, np.memmap)
    streamable = all(hasattr(V, name) for name in ("shape", "dtype", "__getitem__"))
    return StreamedRows(V, "V") if streamable and not in_memory else checks.matrix("V", V)


def without_common_offset(V: NDArray | StreamedRows) -> NDArray | StreamedRows:
    """Return V (C, k), less a row common to all classes where that is far larger than what tells them apart.

    Cross-entropy sees differences of rows alone, while rounding goes with their size. The row is the median
    of some rows from all over V, and their spread that of the quartiles, so that a few rows that lie apart
    do not matter, and V is not read whole.
    """
    ordered = np.sort(_spread_rows(V), axis=0)
    n = len(ordered)
    origin, spread = ordered[n // 2], ordered[3 * n // 4] - ordered[n // 4]
    return V if np.abs(origin).max() <= OFFSET * spread.max() else V - origin


def _spread_rows(V: NDArray | StreamedRows) -> NDArray:
    """Rows from evenly spread places of V, all if they are few."""
    n = V.shape[0]
    if n <= SAMPLE_SLICES * SAMPLE_ROWS:
        return V[:n]
    last = n - SAMPLE_ROWS
    starts = (last * k // (SAMPLE_SLICES - 1) for k in range(SAMPLE_SLICES))
    return np.concatenate([V[start : start + SAMPLE_ROWS] for start in starts])


def installed_memory() -> int:
    """Return the machine's memory, in bytes."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def default_memory_limit() -> int:
    """Return a quarter of the machine's memory, in bytes."""
    return installed_memory() // 4


def tile_of_classes(n_samples: int, n_columns: int, memory_limit: int) -> int:
    """Return how many classes fit in a tile: `TILE`, or fewer if memory is short.

    Raises
    ------
    ValueError
        If not even one class fits beside the N x N arrays of the mass sums.
    """
    fixed = 8 * SQUARES * n_samples**2
    per_class = 8 * (ARRAYS_PER_TILE * n_samples + n_columns)
    fitting = (memory_limit - fixed) // per_class
    if fitting < 1:
        raise ValueError(
            f"memory_limit: expected at least {fixed + per_class} bytes for n_samples = {n_samples}, "
            f"got {memory_limit}"
        )
    return min(TILE, fitting)
