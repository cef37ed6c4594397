"""What a run takes on this machine: its time from a few trials that are not kept, the rest from its sizes."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from time import perf_counter
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..experiment import Cell, Experiment
from ..results.hdf5 import cell_bytes
from ..sampling import pilot_edges
from ..statistics import HISTOGRAM
from . import plan
from .batches import Batch, batch_size
from .montecarlo import run_batches

MOST_CELLS = 32
"""Cells of which trials are timed; times of those between them follow from their work."""
MOST_WORK = 4 * 10**9
"""Operations of a timed trial. Of larger cells one with fewer of what they have most is timed."""
SECONDS = 0.1
"""How long a batch is that is timed, where a trial takes less."""
MORE = 2
"""Batches of a worker that are timed beside its first."""


class CellPlan(NamedTuple):
    """What a cell takes.

    Attributes
    ----------
    cell : Cell
    seconds : float
        Of its trials, with all workers at work.
    memory : int
        Bytes of each worker.
    size : int
        Bytes in the file.
    """

    cell: Cell
    seconds: float
    memory: int
    size: int


def plan_cells(experiment: Experiment, workers: int) -> list[CellPlan]:
    """Return what each cell takes; the start of the program and of the file, about a second, comes on top."""
    return [
        CellPlan(cell, seconds, plan.worker_bytes(experiment, cell), cell_bytes(experiment, cell))
        for cell, seconds in zip(experiment.cells, seconds_of_cells(experiment, workers), strict=True)
    ]


def seconds_of_cells(experiment: Experiment, workers: int) -> list[float]:
    """Return for each cell the seconds of all its trials, with so many workers at work."""
    kinds: Mapping[tuple[str, ...], list[Cell]] = defaultdict(list)
    for cell in experiment.cells:
        kinds[str(cell.architecture), str(cell.loss), experiment.method(cell)].append(cell)
    seconds = {}
    for cells in kinds.values():
        cells.sort(key=lambda cell: plan.trial_work(experiment, cell))
        timed = _spread(cells, max(2, MOST_CELLS // len(kinds)))
        known = np.array([[plan.trial_work(experiment, c), _timed(experiment, c, workers)] for c in timed])
        for cell in cells:
            work = np.log(plan.trial_work(experiment, cell))
            seconds[cell.index] = float(np.exp(np.interp(work, *np.log(known).T)))
    return [seconds[cell.index] for cell in experiment.cells]


def _spread(cells: Sequence[Cell], count: int) -> list[Cell]:
    """Return so many of the cells, the first and the last among them, at equal distances."""
    return [cells[k] for k in sorted(set(np.linspace(0, len(cells) - 1, count).round().astype(int)))]


def _timed(experiment: Experiment, cell: Cell, workers: int) -> float:
    """Return the seconds of a cell, from those of a smaller one where it is large, and the work of both."""
    small = _reduced(experiment, cell)
    pilots, edges = _pilots(experiment, small) if HISTOGRAM in experiment.measure.statistics else (0.0, None)

    def seconds(trials: int, batches: int = 1) -> float:
        cut = [Batch(small, number * trials, trials) for number in range(workers * batches)]
        began = perf_counter()
        for _ in run_batches(experiment, cut, {small.index: edges}, workers):
            pass
        return (perf_counter() - began) / (workers * trials)

    seconds(1)  # which may compile
    first = seconds(1)
    trials = int(np.clip(SECONDS / first, 1, batch_size(experiment, small)))
    # The first batch of a worker also starts its thread and makes its memory, which is done once.
    once, more = seconds(trials), seconds(trials, 1 + MORE)
    each = (more - once) / MORE if more > once else more / (1 + MORE)
    start = max(0.0, once - each) * workers * trials / len(experiment.cells)
    larger = plan.trial_work(experiment, cell) / plan.trial_work(experiment, small)
    # Of the pilots of all cells each worker takes a part.
    return start + larger * (experiment.trials * each + pilots / workers)


def _pilots(experiment: Experiment, cell: Cell) -> tuple[float, NDArray[np.float64]]:
    """Return the seconds of the pilot trials of a cell, and their edges."""
    pilot_edges(experiment, cell)  # which may compile
    start = perf_counter()
    edges = pilot_edges(experiment, cell)
    return perf_counter() - start, edges


def _reduced(experiment: Experiment, cell: Cell) -> Cell:
    while plan.trial_work(experiment, cell) > MOST_WORK:
        largest = max(("n_features", "n_samples", "n_classes"), key=lambda name: getattr(cell, name))
        cell = replace(cell, **{largest: getattr(cell, largest) // 2})
    return cell
