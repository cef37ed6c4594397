"""Output weights that are read by tiles of classes, and how large the tiles may be."""

import os
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import _checks

TILE = 1024
"""Classes per tile: the same on every machine, as the last bits depend on it, unless memory is too short."""
ARRAYS_PER_TILE = 6
"""Arrays of N numbers per class of a tile that are alive at once: logits, probabilities, products."""
SQUARES = 4
"""N x N arrays alive at once while masses are summed."""


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
        given = np.dtype(source.dtype)
        if given.kind not in "fiu":
            raise TypeError(f"{name}: expected real numbers, got dtype {given}")
        self.dtype = given if given == np.float32 else np.dtype(np.float64)

    def __getitem__(self, rows: slice) -> NDArray:
        """Return the rows as a C-contiguous array; ValueError names the first that is not finite."""
        with np.errstate(over="ignore"):  # what overflows float32 is told below
            part = np.ascontiguousarray(self.source[rows], dtype=self.dtype)
        if not np.isfinite(part).all():
            row, column = np.argwhere(~np.isfinite(part))[0]
            first = rows.indices(self.shape[0])[0]
            where = f"{part[row, column]} at [{first + row}, {column}]"
            raise ValueError(f"{self.name}: expected finite {self.dtype} numbers, got {where}")
        return part

    def astype(self, dtype: np.dtype, copy: bool = True) -> "StreamedRows":
        """Return the same rows, to be read in another precision."""
        converted = StreamedRows(self.source, self.name)
        converted.dtype = np.dtype(dtype)
        return converted


def output_weights(V: Any) -> NDArray | StreamedRows:
    """Return V as a checked matrix if it is in memory, else as rows to be streamed."""
    in_memory = isinstance(V, np.ndarray) and not isinstance(V, np.memmap)
    streamable = all(hasattr(V, name) for name in ("shape", "dtype", "__getitem__"))
    return StreamedRows(V, "V") if streamable and not in_memory else _checks.matrix("V", V)


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
