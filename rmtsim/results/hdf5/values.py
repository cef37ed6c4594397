"""Values of arrays, checked as they are read: what no run can have written is refused."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...compare.spectra import rounding
from ...experiment import Cell

Rows = NDArray[Any]


def faults(cell: Cell, name: str, rows: Rows) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    """Yield what was expected of an array of finished trials, and where it is not so.

    Parameters
    ----------
    cell : Cell
    name : str
        Of the array, as in ``experiment.schema``.
    rows : array, shape (trials, ...)

    Yields
    ------
    str, array of bool, shape (trials, ...)
    """
    if name in ("histogram", "outside"):
        yield "counts of at least 0", rows < 0
        return
    yield "finite numbers", ~np.isfinite(rows)
    if name == "extremes":
        sizes = np.array([cell.block_size(block) for block in cell.blocks])
        yield "the smallest before the largest", rows[..., 0] > rows[..., 1] + sizes * rounding(rows, 1)
    if name.startswith("eigenvalues_"):
        yield "ascending numbers", rows[..., :-1] > rows[..., 1:]


def miscounts(
    cell: Cell, histogram: Rows, outside: Rows
) -> Iterator[tuple[str, NDArray[np.bool_], NDArray[np.int64]]]:
    """Yield, block by block, where counts do not add up to the eigenvalues, and to what they add up."""
    totals = histogram.sum(axis=2) + outside.sum(axis=2)
    for k, block in enumerate(cell.blocks):
        size = cell.block_size(block)
        expected = f'counts that add up with "outside" to the {size} eigenvalues of {block}'
        yield expected, totals[:, k] != size, totals[:, k]
