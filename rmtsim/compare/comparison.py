"""From a results file to a ``Comparison``."""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

from ..experiment import Cell
from ..models.architectures import Block
from ..results import Results
from .block_laws import LAW_TRIALS, BlockLaw, block_laws
from .blocks import compare_block
from .check import check_cell, merged
from .exact import other_identities
from .findings import CellFinding, Comparison
from .rates import DistancePoint, rates
from .ratios import Point, ratio_findings, slopes
from .trials import Trials, read_trials


def compare(results: Results, law_trials: int = LAW_TRIALS, *, check: bool = False) -> Comparison:
    """Hold the finished trials of a results file against theory.

    Parameters
    ----------
    results : Results
        From ``open_results``, or a store.
    law_trials : int
        Trials used where each trial has a law of its own (laws given V with V drawn per trial).
    check : bool
        Also test the trials, which takes some seconds a cell: `Comparison.check`.

    Returns
    -------
    Comparison
        Cells without a finished trial are left out, and those whose numbers a check finds to contradict one
        another.

    Raises
    ------
    ValueError
        If no trial is finished or ``law_trials`` is not positive.
    """
    if law_trials < 1:
        raise ValueError(f"law_trials: expected at least 1, got {law_trials}")
    experiment = results.experiment
    cells, checks = [], []
    for trials in finished_cells(results):
        verdict = check_cell(trials) if check else None
        checks += [] if verdict is None else [verdict]
        if verdict is None or not verdict.inconsistencies:
            cells.append(_compare_cell(trials, block_laws(trials, law_trials)))
    if not (cells or checks):
        raise ValueError("results: expected at least one finished trial, got none")
    return Comparison(
        experiment.name,
        experiment.digest,
        experiment.trials,
        experiment.measure.precision,
        tuple(cells),
        tuple(slopes(_ratio_points(cells))),
        tuple(rates(_distance_points(cells))),
        merged(checks) if check else None,
    )


def finished_cells(results: Results, cells: Sequence[Cell] | None = None) -> Iterator[Trials]:
    """Yield the trials of each cell, of some or of all, that has finished ones."""
    for cell in results.cells if cells is None else cells:
        trials = read_trials(results, cell)
        if trials.count:
            yield trials


def solve_cells(
    results: Results,
    law_trials: int,
    cells: Sequence[Cell] | None = None,
    wanted: Callable[[Trials], Collection[Block] | None] = lambda trials: None,
) -> Iterator[tuple[Trials, dict[Block, BlockLaw]]]:
    """Yield the trials of each cell that has finished ones, with the limit laws of its blocks.

    Laws are solved for the `cells` (all by default) and the blocks `wanted` of them (all if it returns None).
    """
    for trials in finished_cells(results, cells):
        yield trials, block_laws(trials, law_trials, wanted(trials))


def _compare_cell(trials: Trials, solved: dict[Block, BlockLaw]) -> CellFinding:
    return CellFinding(
        cell=trials.cell,
        trials=trials.count,
        blocks=tuple(compare_block(trials, block, law) for block, law in solved.items()),
        identities=tuple(other_identities(trials)),
        ratios=tuple(ratio_findings(trials, solved)),
    )


def _ratio_points(cells: Iterable[CellFinding]) -> Iterator[Point]:
    return ((finding.cell, ratio) for finding in cells for ratio in finding.ratios)


def _distance_points(cells: Iterable[CellFinding]) -> Iterator[DistancePoint]:
    for finding in cells:
        for block in finding.blocks:
            if block.distances is not None:
                yield DistancePoint(finding.cell, block.block, block.distances, block.law.own_v)
