"""Which trials of an experiment a worker takes at a time.

Every batch costs time that no other worker can use: Python's own, under its lock. It is the same for any
number of trials, so that batches are long, by the clock: a trial of a cell takes what those of its last
batch took. The trials of a cell are the same bits however they are cut into batches.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from ..experiment import Cell, Experiment
from ..results import Store
from . import plan as capacity

BATCH_SECONDS = 0.2
"""How long a batch takes. A run that is interrupted loses the batches that are under way."""

BATCH_WORK = 1_000_000_000
"""Operations of the first batches of a cell, which take some 50 ms."""

FIRST_TRIALS = 64
"""Most trials of the first batches of a cell."""

GPU_BATCH = 1024
"""Trials handed to a GPU at a time; it splits them by its free memory."""


class Batch(NamedTuple):
    """Consecutive trials of one cell: first_trial .. first_trial + size - 1."""

    cell: Cell
    first_trial: int
    size: int


def batch_size(experiment: Experiment, cell: Cell) -> int:
    """Return how many trials of a cell are taken before it is known how long they take."""
    most = min(FIRST_TRIALS, _fitting(experiment, cell))
    return int(np.clip(BATCH_WORK // capacity.trial_work(experiment, cell), 1, most))


def _fitting(experiment: Experiment, cell: Cell) -> int:
    return max(1, capacity.BATCH_BYTES // capacity.measured_bytes(experiment, cell))


class Pace:
    """Seconds of a trial of each cell, as the last batch of it took them."""

    def __init__(self, experiment: Experiment) -> None:
        self._experiment = experiment
        self._seconds: dict[int, float] = {}

    def note(self, batch: Batch, seconds: float) -> None:
        """Note how long a batch took."""
        self._seconds[batch.cell.index] = seconds / batch.size

    def size(self, cell: Cell) -> int:
        """Return how many trials of a cell fill a batch."""
        seconds = self._seconds.get(cell.index)
        if seconds is None:
            return batch_size(self._experiment, cell)
        return int(np.clip(BATCH_SECONDS / seconds, 1, _fitting(self._experiment, cell)))


def pending(
    store: Store, experiment: Experiment, workers: int, pace: Pace, device: str = "cpu"
) -> Iterator[Batch]:
    """Yield the unfinished trials of every cell in consecutive batches, each sized when it is asked for.

    A batch has at most its share of the trials that are left, so that the last ones end together.
    """
    left = sum(int((~store.done(cell.index)).sum()) for cell in experiment.cells)
    for cell in experiment.cells:
        missing = np.flatnonzero(~store.done(cell.index))
        while missing.size:
            size = GPU_BATCH if device == "gpu" else min(pace.size(cell), -(-left // (2 * workers)))
            consecutive = missing[:size] - missing[0] == np.arange(len(missing[:size]))
            size = int(consecutive.sum())
            yield Batch(cell, int(missing[0]), size)
            missing, left = missing[size:], left - size
