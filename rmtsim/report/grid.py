"""How the cells of a grid lie on sheets of panels, whose rows and columns are values of the grid."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations, product
from math import ceil
from typing import TypeVar

from ..experiment import Cell, Experiment

MOST_ROWS, MOST_COLUMNS = 4, 5
"""Panels of a sheet that can still be read in print."""
LETTERS = {"n_features": "d", "n_samples": "N", "aspect_ratio": "\\gamma", "n_classes": "C", "n_hidden": "m"}
"""Sizes by their names in experiments."""
KEYS = ("architecture", "loss", *LETTERS)

Value = str | float | None
Axes = dict[str, list[float]]
T = TypeVar("T")


def coordinate(experiment: Experiment, cell: Cell, key: str) -> Value:
    """Return the value of one of `KEYS` in a cell, the aspect ratio as the experiment has it."""
    ratios = experiment.grid.aspect_ratio
    if key == "aspect_ratio" and ratios is not None:
        return ratios[experiment.grid.samples(cell.n_features).index(cell.n_samples)]
    value: Value = getattr(cell, key)
    return value


@dataclass(frozen=True)
class Sheet:
    """Panels of cells that differ in sizes alone.

    Attributes
    ----------
    cells : tuple of rows, each a tuple of Cell or None
        None where a grid of chosen cells has a gap.
    above : tuple of rows, each a tuple of str
        What stands above each panel: the value of its column above the first row, or that of each panel.
    beside : tuple of str
        What stands beside each row: its value.
    shared : str
        The sizes that all cells have in common.
    """

    cells: tuple[tuple[Cell | None, ...], ...]
    above: tuple[tuple[str, ...], ...]
    beside: tuple[str, ...]
    shared: str

    @property
    def members(self) -> list[Cell]:
        """The cells, row by row."""
        return [cell for row in self.cells for cell in row if cell is not None]


def sheets(experiment: Experiment, cells: Sequence[Cell]) -> Iterator[Sheet]:
    """Arrange cells of one architecture and loss on as few sheets as values of the grid allow.

    The two sizes that fill a sheet best are its rows and columns; of the others every value has its sheets.
    A single size that varies goes on from row to row.
    """
    axes = _axes(experiment, cells)
    varied = {key: values for key, values in axes.items() if len(values) > 1}
    if len(varied) > 1:
        yield from _tables(experiment, cells, axes, _best_pair(varied))
        return
    shared = _labels({key: values[0] for key, values in axes.items() if key not in varied})
    for part in _parts(cells, MOST_ROWS * MOST_COLUMNS):
        labels = [_labels({key: coordinate(experiment, cell, key) for key in varied}) for cell in part]
        yield _wrapped(part, labels, shared)


def _tables(
    experiment: Experiment, cells: Sequence[Cell], axes: Axes, pair: tuple[str, str]
) -> Iterator[Sheet]:
    """Yield sheets whose rows and columns are values of two sizes."""
    row, column = pair
    order = (row, column, *(key for key in axes if key not in pair))
    places = {tuple(coordinate(experiment, cell, key) for key in order): cell for cell in cells}
    for others in product(*(axes[key] for key in order[2:])):
        shared = _labels(dict(zip(order[2:], others, strict=True)))
        for rows, columns in product(_parts(axes[row], MOST_ROWS), _parts(axes[column], MOST_COLUMNS)):
            panels = tuple(tuple(places.get((r, c, *others)) for c in columns) for r in rows)
            above = (tuple(_labels({column: c}) for c in columns), *[("",) * len(columns)] * (len(rows) - 1))
            sheet = Sheet(panels, above, tuple(_labels({row: r}) for r in rows), shared)
            if sheet.members:
                yield sheet


def _axes(experiment: Experiment, cells: Sequence[Cell]) -> Axes:
    """Values that the sizes of the grid have in some cells, in the order of the grid."""
    axes: Axes = {}
    for key in LETTERS:
        met = {coordinate(experiment, cell, key) for cell in cells}
        values = [value for value in getattr(experiment.grid, key) or () if value in met]
        if values:
            axes[key] = values
    return axes


def _best_pair(varied: Axes) -> tuple[str, str]:
    """Rows and columns with most panels on a sheet; of equal ones those with C along the columns."""

    def panels(pair: tuple[str, str]) -> tuple[int, bool]:
        rows, columns = (len(varied[key]) for key in pair)
        return min(rows, MOST_ROWS) * min(columns, MOST_COLUMNS), pair[1] == "n_classes"

    return max(permutations(varied, 2), key=panels)


def _wrapped(cells: Sequence[Cell], labels: Sequence[str], shared: str) -> Sheet:
    """Cells in rows that are as even as can be."""
    width = ceil(len(cells) / ceil(len(cells) / MOST_COLUMNS))
    rows = [slice(start, start + width) for start in range(0, len(cells), width)]
    return Sheet(
        tuple(tuple(cells[row]) for row in rows),
        tuple(tuple(labels[row]) for row in rows),
        ("",) * len(rows),
        shared,
    )


def _parts(values: Sequence[T], most: int) -> list[Sequence[T]]:
    """Cut a sequence into the fewest parts of at most so many, as even as can be."""
    size = ceil(len(values) / ceil(len(values) / most))
    return [values[start : start + size] for start in range(0, len(values), size)]


def _labels(values: Mapping[str, Value]) -> str:
    """Write sizes in the field's letters."""
    shown = {key: f"{value:g}" if isinstance(value, float) else value for key, value in values.items()}
    return ", ".join(f"${LETTERS[key]}$ = {value}" for key, value in shown.items())
