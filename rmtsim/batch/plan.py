"""What a trial costs in memory and time, from its sizes alone: refusals come before anything heavy is run."""

from collections.abc import Sequence
from math import prod
from typing import NamedTuple

import numpy as np

from ..experiment import Cell, Experiment
from ..kernels.arguments.classes import MASS_TILE
from ..models.architectures import VV_DIAG, WW_OFF
from ..models.rows import SQUARES, installed_memory
from ..statistics import MASSES

MOST_WORK = 10**16
"""Operations of a trial, some days of one core, beyond which an experiment is a slip of the pen."""


MEMORY_SHARE = 80
"""Percent of the memory of the machine that a run may use where it is not told otherwise."""

BATCH_BYTES = 32 << 20
"""Most bytes that a batch of more than one trial takes beside its scratch."""


class MemoryLimit(NamedTuple):
    """Bytes that a run may use, and in words where that number comes from."""

    size: int
    source: str

    def __str__(self) -> str:
        return f"the {gigabytes(self.size)} {self.source}"


def memory_limit(max_memory: int | None = None) -> MemoryLimit:
    """Return the memory that a run may use.

    Raises
    ------
    ValueError
        If `max_memory` is neither None nor a positive integer.
    """
    if max_memory is None:
        share = installed_memory() * MEMORY_SHARE // 100
        return MemoryLimit(share, f"that are {MEMORY_SHARE} % of the memory of this machine")
    if isinstance(max_memory, bool) or not isinstance(max_memory, int) or max_memory < 1:
        raise ValueError(
            f"max_memory: expected a number of bytes, an integer of at least 1, got {max_memory!r}"
        )
    return MemoryLimit(max_memory, "of max_memory")


def check(experiment: Experiment, limit: MemoryLimit | None = None) -> None:
    """Refuse cells of which one trial fits neither in the memory of a run, by default its share, nor in days.

    Raises
    ------
    ValueError
        Names the cell, what fits and what came.
    """
    allowed = limit or memory_limit()
    for cell in experiment.cells:
        sizes = f"n_features = {cell.n_features}, n_samples = {cell.n_samples}, n_classes = {cell.n_classes}"
        where = f"cell {cell.index} ({sizes}): expected a trial"
        size, work = trial_bytes(experiment, cell), trial_work(experiment, cell)
        if size > allowed.size:
            raise ValueError(f"{where} that fits in {allowed}, got one of {gigabytes(size)}")
        if work > MOST_WORK:
            raise ValueError(f"{where} of at most {MOST_WORK:.0e} operations, got one of {work:.0e}")


def gigabytes(size: int) -> str:
    """Return a number of bytes in words."""
    return f"{size / 1e9:.3g} GB" if size < 1e12 else f"{size // 10**9} GB"


def workers_that_fit(experiment: Experiment, limit: MemoryLimit) -> int:
    """Return how many workers fit in the memory of a run; one whose trial fits does."""
    return max(1, limit.size // max(worker_bytes(experiment, cell) for cell in experiment.cells))


class Share:
    """Which share of its work a run has done, as it takes cell after cell.

    Parameters
    ----------
    experiment : Experiment
    missing : sequence of int, optional
        How many trials each cell still needs; all by default.
    """

    def __init__(self, experiment: Experiment, missing: Sequence[int] | None = None) -> None:
        trials = [experiment.trials] * len(experiment.cells) if missing is None else missing
        work = [n * trial_work(experiment, cell) for n, cell in zip(trials, experiment.cells, strict=True)]
        self._trials, self._work = (np.cumsum([0.0, *of_cells]) for of_cells in (trials, work))

    def __call__(self, finished: int) -> float:
        """Return the share of the work, with so many of the missing trials finished."""
        return float(np.interp(finished, self._trials, self._work / max(self._work[-1], 1)))


def trial_bytes(experiment: Experiment, cell: Cell) -> int:
    """Bytes that the large arrays of a trial take at least; tiles of V, a few MB, are left out.

    V itself is read by tiles, and the comparison with limit laws given V is what needs it whole.
    """
    d, N, C, m = cell.n_features, cell.n_samples, cell.n_classes, cell.n_hidden or 0
    real = np.dtype(experiment.measure.precision).itemsize
    record = _record_bytes(experiment, cell)
    if experiment.method(cell) == "structured":
        span = N * (2 * m + min(d, m)) if m and VV_DIAG in cell.blocks else 0
        return record + 8 * (4 * d + span) + real * m * d
    draws = real * (N * d + m * (d + N))
    of_v = 8 * C * m if cell.loss.couples_classes and WW_OFF in cell.blocks else 0
    spectra = draws + real * max(min(cell.block_size(block), N) for block in cell.blocks) ** 2
    masses = _mass_bytes(cell) if MASSES in experiment.measure.statistics else 0
    return record + max(spectra + masses, of_v)


def _mass_bytes(cell: Cell) -> int:
    """Bytes of sums over pairs of samples, and of what masses keep of samples and of a tile of classes."""
    d, N, m = cell.n_features, cell.n_samples, cell.n_hidden or 0
    if not (m or cell.loss.couples_classes):
        return 8 * (min(N, d) ** 2 + N * d)
    of_samples = N * (d + 10 * m + m * (m + 1) // 2)
    if not cell.loss.couples_classes:
        return 8 * (SQUARES * N * N + of_samples)
    k = cell.output_width
    of_samples += N * k * (k + 1) // 2 if k * (k + 1) <= N else 0
    squares, arrays = (SQUARES - 2, 4) if m else (SQUARES - 3, 2)
    return 8 * (squares * N * N + of_samples + arrays * min(MASS_TILE, cell.n_classes) * N)


def _mass_work(cell: Cell) -> int:
    """Operations of masses, theory.md section 2."""
    d, N, C, m = cell.n_features, cell.n_samples, cell.n_classes, cell.n_hidden or 0
    if not (m or cell.loss.couples_classes):
        return N * d * min(N, d)
    k, half = cell.output_width, N // 2
    work = N * N * (d + m * (m + 1) // 2 + 6 * m)
    if cell.loss.couples_classes:
        work += N * C * (N + 2 * min(N, k * (k + 1)) + m * m) + m * C * half * (half + min(half, 2 * d))
    return work


def _record_bytes(experiment: Experiment, cell: Cell) -> int:
    fields = experiment.schema(cell).values()
    return sum(prod(field.shape) * np.dtype(field.dtype).itemsize for field in fields)


def measured_bytes(experiment: Experiment, cell: Cell) -> int:
    """Bytes of what is kept of each trial until its batch is stored: its forms, and its record, twice."""
    numbers_a_row = 3  # of pentadiagonal forms
    rows = sum(cell.block_size(block) for block in cell.blocks)
    return 2 * _record_bytes(experiment, cell) + 8 * numbers_a_row * rows


def worker_bytes(experiment: Experiment, cell: Cell) -> int:
    """Bytes of a worker: the arrays of the trial that it computes, and what its batch keeps."""
    return trial_bytes(experiment, cell) + max(BATCH_BYTES, measured_bytes(experiment, cell))


def trial_work(experiment: Experiment, cell: Cell) -> int:
    """Operations of a trial, roughly."""
    d, N, C, m = cell.n_features, cell.n_samples, cell.n_classes, cell.n_hidden or 0
    if experiment.method(cell) == "structured":
        # A thousand operations per feature: counts at 200 edges and the search for both extremes.
        return len(cell.blocks) * (1000 * (d + N) + m * C)
    statistics, work = experiment.measure.statistics, 0
    if set(statistics) - {MASSES}:
        work = len(cell.blocks) * N * d * (d + C)
    return work + (_mass_work(cell) if MASSES in statistics else 0)
