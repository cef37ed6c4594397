"""From a results file to a ``Comparison``."""

import os
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from itertools import islice
from typing import NamedTuple, TypeVar

from ..blas import single_blas_thread
from ..experiment import Cell
from ..models.architectures import Block
from ..results import Results
from .block_laws import LAW_TRIALS, block_laws
from .blocks import compare_block
from .check import check_cell, merged
from .exact import other_identities
from .findings import CellFinding, Comparison
from .rates import DistancePoint, rates
from .ratios import Point, ratio_findings, slopes
from .sidecar import Solved
from .solved_law import BlockLaw
from .trials import Trials, read_trials
from .verdict import Check

Item = TypeVar("Item")
Outcome = TypeVar("Outcome")


class _CellOutcome(NamedTuple):
    """What is found in a cell, if its numbers do not contradict one another, and the verdict asked for."""

    finding: CellFinding | None
    verdict: Check | None


def compare(
    results: Results,
    law_trials: int = LAW_TRIALS,
    *,
    check: bool = False,
    progress: Callable[[int, int], None] | None = None,
    workers: int | None = None,
    keep: bool = True,
) -> Comparison:
    """Hold the finished trials of a results file against theory.

    Limits are as accurate as a tenth of the standard error of what is held against them, where their budgets
    of quasi-Monte Carlo allow; findings state the errors. What was solved is kept in a sidecar, so that a
    second comparison solves nothing.

    Parameters
    ----------
    results : Results
        From ``open_results``, or a store.
    law_trials : int
        Trials used where each trial has a law of its own (laws given V with V drawn per trial).
    check : bool
        Also test the trials, which takes some seconds a cell: `Comparison.check`.
    progress : callable, optional
        Called with the numbers of cells that are done and of all that have finished trials.
    workers : int, optional
        Threads, one per core if not given; findings do not depend on it.
    keep : bool
        Whether to read and write the sidecar of a results file, ``NAME.laws.npz`` beside it.

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
    total = sum(bool(results.done(cell.index).any()) for cell in results.cells)
    if not total:
        raise ValueError("results: expected at least one finished trial, got none")

    def outcome(trials: Trials) -> _CellOutcome:
        verdict = check_cell(trials) if check else None
        if verdict is not None and verdict.inconsistencies:
            return _CellOutcome(None, verdict)
        return _CellOutcome(_compare_cell(trials, block_laws(trials, law_trials)), verdict)

    outcomes = []
    with single_blas_thread, _solved_of(results, keep) as solved:
        for each in _in_threads(outcome, finished_cells(results, solved=solved), workers):
            outcomes.append(each)
            if progress is not None:
                progress(len(outcomes), total)
    cells = [each.finding for each in outcomes if each.finding is not None]
    return Comparison(
        experiment.name,
        experiment.digest,
        experiment.trials,
        experiment.measure.precision,
        tuple(cells),
        tuple(slopes(_ratio_points(cells))),
        tuple(rates(_distance_points(cells))),
        merged(each.verdict for each in outcomes if each.verdict is not None) if check else None,
    )


def finished_cells(
    results: Results, cells: Sequence[Cell] | None = None, solved: Solved | None = None
) -> Iterator[Trials]:
    """Yield the trials of each cell, of some or of all, that has finished ones."""
    for cell in results.cells if cells is None else cells:
        trials = read_trials(results, cell, solved)
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

    def solve(trials: Trials) -> tuple[Trials, dict[Block, BlockLaw]]:
        return trials, block_laws(trials, law_trials, wanted(trials))

    with single_blas_thread, _solved_of(results, keep=True) as solved:
        yield from _in_threads(solve, finished_cells(results, cells, solved), None)


@contextmanager
def _solved_of(results: Results, keep: bool) -> Iterator[Solved]:
    """What has been solved for a results file, kept however far the work comes."""
    solved = Solved.beside(results.path if keep else None)
    try:
        yield solved
    finally:
        solved.save()


def _in_threads(
    function: Callable[[Item], Outcome], items: Iterable[Item], workers: int | None
) -> Iterator[Outcome]:
    """Yield what a function makes of each item, in order, a few ahead: NumPy lets go of the interpreter."""
    workers = workers or os.cpu_count() or 1
    items = iter(items)
    with ThreadPoolExecutor(workers) as pool:
        waiting: deque[Future[Outcome]] = deque()
        try:
            while True:
                waiting.extend(
                    pool.submit(function, item) for item in islice(items, 2 * workers - len(waiting))
                )
                if not waiting:
                    return
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


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
