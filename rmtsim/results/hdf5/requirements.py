"""Checks of the values of arrays as they are read: values that no run can have written are refused."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...experiment import Cell

Rows = NDArray[Any]
EPSILON = float(np.finfo(np.float64).eps)


class Requirement(NamedTuple):
    """What an array has to satisfy.

    Attributes
    ----------
    expected : str
        The requirement in words.
    violated : array of bool
        Where it does not hold; the first axis has the rows of the array.
    values : array
        What a refusal shows, at the same indices.
    """

    expected: str
    violated: NDArray[np.bool_]
    values: Rows


def of_marks(marks: Rows) -> Iterator[Requirement]:
    """Yield what ``done`` marks (trials,) satisfy."""
    yield Requirement("marks 0 or 1", (marks != 0) & (marks != 1), marks)


def of_edges(edges: Rows) -> Iterator[Requirement]:
    """Yield what histogram edges (block, bins + 1) satisfy."""
    violated = ~np.isfinite(edges)
    violated[:, 1:] |= ~(edges[:, 1:] > edges[:, :-1])
    yield Requirement("finite, strictly increasing numbers", violated, edges)


def of_array(cell: Cell, name: str, rows: Rows) -> Iterator[Requirement]:
    """Yield what the rows (trials, ...) of one array of finished trials satisfy."""
    if name in ("histogram", "outside"):
        yield Requirement("counts of at least 0", rows < 0, rows)
        return
    yield Requirement("finite numbers", ~np.isfinite(rows), rows)
    if name == "extremes":
        sizes = np.array([cell.block_size(block) for block in cell.blocks])
        # Each is computed by itself, so that rounding may put two equal ones in the wrong order.
        rounding = 4 * sizes * EPSILON * np.abs(rows).max(axis=-1, initial=0.0)
        yield Requirement("the smallest before the largest", rows[..., 0] > rows[..., 1] + rounding, rows)
    if name.startswith("eigenvalues_"):
        yield Requirement("ascending numbers", rows[..., :-1] > rows[..., 1:], rows)


def of_counts(cell: Cell, histogram: Rows, outside: Rows) -> Iterator[Requirement]:
    """Yield, block by block, that the counts of every trial add up to the order of the block."""
    totals = histogram.sum(axis=2) + outside.sum(axis=2)
    for k, block in enumerate(cell.blocks):
        size = cell.block_size(block)
        expected = f'counts that add up with "outside" to the {size} eigenvalues of {block}'
        yield Requirement(expected, totals[:, k] != size, totals[:, k])
