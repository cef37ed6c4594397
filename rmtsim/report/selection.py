"""Which figures are drawn: their kinds, and the cells and blocks that they show."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial

from ..experiment import Cell, Experiment
from ..experiment.validation import choice, named, several
from ..models.architectures import BLOCKS, Block
from .grid import KEYS, coordinate

KINDS = ("spectrum", "ratio", "convergence", "hessian")


@dataclass(frozen=True)
class Selection:
    """What is drawn of a results file; by default everything.

    Attributes
    ----------
    kinds : tuple of {"spectrum", "ratio", "convergence", "hessian"}
    cells : tuple of int, or None
        Indices of cells; None stands for all.
    blocks : tuple of {"ww_diag", "ww_off", "vv_diag", "vv_off"}, or None
        Blocks whose spectra and distances are drawn, and whose layers have their ratios drawn; None stands
        for all. Hessians are drawn whole.

    Raises
    ------
    ValueError
        If a name is unknown, or something is chosen twice or is empty.
    """

    kinds: tuple[str, ...] = KINDS
    cells: tuple[int, ...] | None = None
    blocks: tuple[Block, ...] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "kinds", several("only", self.kinds, partial(choice, known=KINDS)))
        if self.blocks is not None:
            chosen = several("blocks", self.blocks, partial(named, known=BLOCKS))
            object.__setattr__(self, "blocks", chosen)

    @classmethod
    def parse(
        cls, experiment: Experiment, only: str | None, cells: str | None, blocks: str | None
    ) -> "Selection":
        """Read a selection from lists with commas, None where nothing was said.

        ``cells`` has indices, ranges such as 3-5, and conditions such as n_classes=1000. The cells are those
        of the indices and ranges (all without any) that fulfil the conditions, of which several on one key
        are alternatives.
        """
        return cls(
            KINDS if only is None else tuple(only.split(",")),
            None if cells is None else _parse_cells(experiment, cells.split(",")),
            None if blocks is None else tuple(blocks.split(",")),  # type: ignore[arg-type]  # names
        )

    def cells_of(self, experiment: Experiment) -> tuple[Cell, ...]:
        """Return the cells, in the order of the grid; refuse those that are not, and blocks that none has."""
        count = len(experiment.cells)
        chosen = range(count) if self.cells is None else sorted(set(self.cells))
        if outside := [index for index in chosen if not 0 <= index < count]:
            raise ValueError(f"cells: expected indices from 0 to {count - 1}, got {outside[0]}")
        if not chosen:
            raise ValueError("cells: expected at least one cell, got none")
        cells = tuple(experiment.cells[index] for index in chosen)
        if not any(self.blocks_of(cell) for cell in cells):
            measured = ", ".join(block for block in BLOCKS if any(block in cell.blocks for cell in cells))
            raise ValueError(f"blocks: expected some of {measured}, got {', '.join(self.blocks or ())}")
        return cells

    def blocks_of(self, cell: Cell) -> tuple[Block, ...]:
        """Return the chosen blocks of a cell."""
        return tuple(block for block in cell.blocks if self.blocks is None or block in self.blocks)

    def has_layer(self, layer: str) -> bool:
        """Whether a block of this layer is chosen."""
        return self.blocks is None or any(block.layer == layer for block in self.blocks)


def _parse_cells(experiment: Experiment, items: Iterable[str]) -> tuple[int, ...]:
    chosen: set[int] = set()
    conditions: dict[str, list[str]] = defaultdict(list)
    for item in items:
        key, equals, value = item.partition("=")
        if equals:
            conditions[choice("cells", key, KEYS)].append(value)
        else:
            chosen.update(_parse_range(item, len(experiment.cells)))
    fulfilling = set(range(len(experiment.cells)))
    for key, values in conditions.items():
        fulfilling &= set(_with_values(experiment, key, values))
    return tuple(sorted(chosen & fulfilling if chosen else fulfilling))


def _parse_range(item: str, count: int) -> range:
    """Read "3" or "3-5"; ends are checked before anything counts from one to the other."""
    ends = re.fullmatch(r"([0-9]{1,9})(?:-([0-9]{1,9}))?", item)
    low, high = (int(ends[1]), int(ends[2] or ends[1])) if ends else (0, -1)
    if not low <= high < count:
        expected = (
            f"indices from 0 to {count - 1}, ranges such as 0-{count - 1} and sizes such as n_classes=10"
        )
        raise ValueError(f'cells: expected {expected}, got "{item}"')
    return range(low, high + 1)


def _with_values(experiment: Experiment, key: str, texts: Iterable[str]) -> Iterator[int]:
    """Yield the cells in which a key has one of some values; refuse a value that it has in none."""
    values = {cell.index: coordinate(experiment, cell, key) for cell in experiment.cells}
    for text in texts:
        fulfilling = [index for index, value in values.items() if _is(value, text)]
        if not fulfilling:
            known = ", ".join(str(value) for value in dict.fromkeys(values.values()) if value is not None)
            raise ValueError(f'cells: expected {key} to be one of {known or "none"}, got "{text}"')
        yield from fulfilling


def _is(value: str | float | None, text: str) -> bool:
    """Whether a text names a value; numbers may be written in any way."""
    if isinstance(value, str) or value is None:
        return value == text
    try:
        return float(text) == value
    except ValueError:
        return False
