"""Cells that differ in one size alone: the number of classes, or d and N at one aspect ratio."""

from collections.abc import Iterable
from dataclasses import replace

from ..experiment import Cell

Family = tuple[Cell, float]


def but_for_classes(cell: Cell) -> Family:
    """Return what cells that differ in C alone have in common."""
    return replace(cell, index=-1, n_classes=0), cell.aspect_ratio


def but_for_features(cell: Cell) -> Family:
    """Return what cells that differ in d alone have in common; d/N of whole numbers varies a little."""
    return replace(cell, index=-1, n_features=0, n_samples=0), float(f"{cell.aspect_ratio:.2g}")


def varies_classes(cell: Cell, cells: Iterable[Cell]) -> bool:
    """Whether some of the cells differ from this one in C alone."""
    return len({one.n_classes for one in cells if but_for_classes(one) == but_for_classes(cell)}) > 1


def varies_features(cell: Cell, cells: Iterable[Cell]) -> bool:
    """Whether some of the cells differ from this one in d alone."""
    return len({one.n_features for one in cells if but_for_features(one) == but_for_features(cell)}) > 1
