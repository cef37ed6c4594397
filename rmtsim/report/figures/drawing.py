"""The figures of results one by one, each with its name and caption; laws are solved for what they show."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from matplotlib.figure import Figure

from ...compare.block_laws import BlockLaw
from ...compare.blocks import distance_points
from ...compare.comparison import solve_cells
from ...compare.curves import SpectrumCurve, spectrum_curve
from ...compare.families import varies_classes, varies_features
from ...compare.rates import DistancePoint, distance_series
from ...compare.ratios import Point, laws_of_ratios, ratio_findings, ratio_series
from ...compare.trials import Trials
from ...experiment import Cell
from ...models.architectures import BLOCKS, Block
from ...results import Results
from .. import labels
from ..grid import Sheet, sheets
from ..portrait import hessian_portrait, portrait_panels
from ..selection import Selection
from .convergence import plot_convergence
from .heatmap import plot_hessians
from .multiples import plot_multiples
from .ratio import plot_ratios
from .spectrum import plot_spectrum

MOST_SINGLE = 12
"""Cells whose spectra have a figure each; those of more are drawn together, as small panels."""


class Drawing(NamedTuple):
    """A figure, the name of its file, and a heading and a caption in plain text."""

    name: str
    heading: str
    caption: str
    figure: Figure


@dataclass(frozen=True)
class Drawings:
    """The selected figures of results, drawn as they are asked for.

    Attributes
    ----------
    results : Results
    selection : Selection
    law_trials : int
        Trials shown where each trial has a law of its own.
    progress : callable
        Called with the numbers of cells that are read, their laws solved, and of all.
    """

    results: Results
    selection: Selection
    law_trials: int
    progress: Callable[[int, int], None]
    cells: tuple[Cell, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "cells", self.selection.cells_of(self.results.experiment))

    def __iter__(self) -> Iterator[Drawing]:
        """Draw Hessians, spectra cell by cell or as panels, distances, and ratios."""
        if self._has("hessian"):
            yield from self._hessians()
        if set(self.selection.kinds) - {"hessian"}:
            yield from self._of_trials()

    def _has(self, kind: str) -> bool:
        return kind in self.selection.kinds

    def _hessians(self) -> Iterator[Drawing]:
        for name, cells in portrait_panels(self.cells).items():
            figure = plot_hessians([hessian_portrait(self.results.experiment, cell) for cell in cells])
            classes = ", ".join(str(cell.n_classes) for cell in cells)
            caption = (
                f"|Hessian| of one trial of the {labels.model(cells[0])} model at small d, C = {classes}"
            )
            yield Drawing(f"hessian_{name}", "Hessians", caption, figure)

    def _of_trials(self) -> Iterator[Drawing]:
        distances: list[DistancePoint] = []
        ratios: list[Point] = []
        curves: dict[Block, dict[int, SpectrumCurve]] = defaultdict(dict)
        finished = [cell for cell in self.cells if self.results.done(cell.index).any()]
        self.progress(0, len(finished))
        solved_cells = solve_cells(self.results, self.law_trials, finished, self._wanted)
        for number, (trials, solved) in enumerate(solved_cells, start=1):
            for curve in self._curves(trials, solved):
                curves[curve.block][trials.cell.index] = curve
            if self._has_distances(trials.cell):
                chosen = self.selection.blocks_of(trials.cell)
                distances += distance_points(trials, {b: law for b, law in solved.items() if b in chosen})
            if self._has_ratios(trials.cell):
                ratios += (
                    (trials.cell, r)
                    for r in ratio_findings(trials, solved)
                    if self.selection.has_layer(r.layer)
                )
            self.progress(number, len(finished))
            if len(self.cells) <= MOST_SINGLE:
                yield from map(_single, (each.pop(trials.cell.index) for each in curves.values() if each))
        yield from self._multiples(curves)
        yield from _series(distances, ratios)

    def _wanted(self, trials: Trials) -> tuple[Block, ...]:
        """Blocks whose laws are drawn."""
        shown = self._has("spectrum") or self._has_distances(trials.cell)
        of_ratios = laws_of_ratios(trials) if self._has_ratios(trials.cell) else ()
        return (*(self.selection.blocks_of(trials.cell) if shown else ()), *of_ratios)

    def _has_distances(self, cell: Cell) -> bool:
        return self._has("convergence") and varies_features(cell, self.cells)

    def _has_ratios(self, cell: Cell) -> bool:
        return self._has("ratio") and varies_classes(cell, self.cells)

    def _curves(self, trials: Trials, solved: Mapping[Block, BlockLaw]) -> Iterator[SpectrumCurve]:
        for block in self.selection.blocks_of(trials.cell) if self._has("spectrum") else ():
            curve = spectrum_curve(trials, block, solved.get(block))
            if curve is not None:
                yield curve

    def _multiples(self, curves: Mapping[Block, Mapping[int, SpectrumCurve]]) -> Iterator[Drawing]:
        models: dict[tuple[str, str], list[Cell]] = defaultdict(list)
        for cell in self.cells:
            models[cell.architecture, cell.loss].append(cell)
        for (architecture, loss), cells in models.items():
            pages = list(sheets(self.results.experiment, cells))
            for block in BLOCKS.values():
                for number, sheet in enumerate(pages, start=1):
                    shown = {
                        c.index: curves[block][c.index] for c in sheet.members if c.index in curves[block]
                    }
                    if shown:
                        page = f"_{number:0{len(str(len(pages)))}d}" if len(pages) > 1 else ""
                        name = f"spectra_{architecture}_{loss}_{block}{page}"
                        yield Drawing(
                            name, "Spectra", _sheet_caption(sheet, block), plot_multiples(sheet, shown)
                        )


def _single(curve: SpectrumCurve) -> Drawing:
    cell, law = curve.cell, f"law: {curve.law_name}" if curve.law_name else "no limit law"
    caption = f"Cell {cell.index}, {labels.model(cell)}, block {curve.block}: {labels.sizes(cell)}; "
    caption += f"{curve.trials} trials; {law}"
    name = f"spectrum_{cell.index:04d}_{curve.block}"
    return Drawing(name, "Spectra", caption, plot_spectrum(curve))


def _sheet_caption(sheet: Sheet, block: Block) -> str:
    numbers = ", ".join(str(cell.index) for cell in sheet.members)
    sizes = f": {_plain(sheet.shared)}" if sheet.shared else ""
    return f"{labels.model(sheet.members[0])}, block {block}{sizes}; cells {numbers}, row by row"


def _plain(text: str) -> str:
    """Write a text with letters of mathematics without them."""
    return re.sub(r"\$(.*?)\$", r"\1", text).replace("\\gamma", "γ")


def _series(distances: Sequence[DistancePoint], ratios: Sequence[Point]) -> Iterator[Drawing]:
    if any(len(points) > 1 for points in distance_series(distances)):
        caption = "Kolmogorov–Smirnov distance between spectra and their limit laws against d"
        yield Drawing("convergence", "Convergence", caption, plot_convergence(distances))
    if any(len(points) > 1 for points in ratio_series(ratios)):
        caption = "Off-diagonal over diagonal block mass against the number of classes C"
        yield Drawing("ratios", "Ratios", caption, plot_ratios(ratios))
