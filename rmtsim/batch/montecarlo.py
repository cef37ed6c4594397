"""Monte Carlo: draw a trial, measure its blocks, and run all trials of an experiment into a store.

A trial is named by (seed, cell, trial) alone, and BLAS runs on one thread: the records are the same bits
for any number of workers and after any interruption.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from os import PathLike
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .. import kernels
from ..experiment import Cell, Experiment
from ..results import HDF5Store, Store
from ..results.hdf5 import check_new_file
from ..sampling import pilot_edges, run_trials
from ..statistics import HISTOGRAM, Record
from . import plan as capacity
from .executors import default_workers, ordered_map

BATCH_WORK = 1_000_000_000
"""Operations of a batch, which take some 50 ms. To hand it to a worker and to store it takes 0.5 ms."""

GPU_BATCH = 1024
"""Trials handed to a GPU at a time; it splits them by its free memory."""


class Batch(NamedTuple):
    """Consecutive trials of one cell: first_trial .. first_trial + size - 1."""

    cell: Cell
    first_trial: int
    size: int


def run(
    experiment: Experiment,
    path: str | PathLike[str] | Store,
    workers: int | None = None,
    device: str = "cpu",
    resume: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Run every trial of an experiment that the results do not hold yet.

    Parameters
    ----------
    experiment : Experiment
    path : path or Store
        The HDF5 file to create (never overwritten), or an open store, such as a `MemoryStore`.
    workers : int, optional
        Threads; one per core by default. The results are the same bits for any number.
    device : str
        Which kernels compute.
    resume : bool
        Go on with the existing file `path` instead of creating it.
    progress : callable, optional
        Called as progress(finished, all) before the first trial and after each batch stored.

    Raises
    ------
    StoreError
        The file exists (or, to resume, holds another experiment) or cannot be written.
    ValueError
        If workers is not a positive integer, the device is unknown, or an open store belongs to another
        experiment or device.
    """
    threads = _threads(workers, device)
    capacity.check(experiment)
    if not resume and not isinstance(path, Store):
        check_new_file(Path(path), experiment)
    ops = kernels.load(device)  # after all that can be refused sooner: its import takes long
    if experiment.model.activation not in ops.activations:
        expected = " or ".join(f'"{name}"' for name in ops.activations)
        got = experiment.model.activation
        raise ValueError(f'model.activation: expected {expected} on device {device}, got "{got}"')
    if isinstance(path, Store):
        path.check_same(experiment, device)
        _run_into(path, experiment, threads, device, progress)
        return
    open_store = HDF5Store.open_for_resume if resume else HDF5Store.create
    with open_store(path, experiment, device) as store:
        _run_into(store, experiment, threads, device, progress)


def _threads(workers: int | None, device: str) -> int:
    """Return the number of workers: by default one per core, on a GPU one, which fills it by batches."""
    if workers is None:
        return 1 if device == "gpu" else default_workers()
    if isinstance(workers, bool) or not isinstance(workers, int) or workers < 1:
        raise ValueError(f"workers: expected an integer of at least 1, got {workers!r}")
    return workers


def _run_into(
    store: Store,
    experiment: Experiment,
    workers: int,
    device: str,
    progress: Callable[[int, int], None] | None,
) -> None:
    total = experiment.trials * len(experiment.cells)
    finished = sum(int(store.done(cell.index).sum()) for cell in experiment.cells)
    report = progress or (lambda done, total: None)
    report(finished, total)
    if HISTOGRAM in experiment.measure.statistics:
        _set_missing_edges(store, experiment, workers, device)
    edges = {cell.index: store.edges(cell.index) for cell in experiment.cells}
    for batch, records in run_batches(
        experiment, _pending(store, experiment, device), edges, workers, device
    ):
        store.write(batch.cell.index, batch.first_trial, records)
        finished += batch.size
        report(finished, total)


def run_batches(
    experiment: Experiment,
    batches: Iterable[Batch],
    edges: Mapping[int, NDArray[np.float64] | None],
    workers: int = 1,
    device: str = "cpu",
) -> Iterator[tuple[Batch, list[Record]]]:
    """Yield the records of each batch, in the order of the batches, with `workers` of them under way."""

    def measure(batch: Batch) -> tuple[Batch, list[Record]]:
        trials = range(batch.first_trial, batch.first_trial + batch.size)
        return batch, run_trials(experiment, batch.cell, trials, edges[batch.cell.index], device)

    return ordered_map(measure, batches, workers)


def _set_missing_edges(store: Store, experiment: Experiment, workers: int, device: str) -> None:
    missing = [cell for cell in experiment.cells if store.edges(cell.index) is None]
    found = ordered_map(lambda cell: pilot_edges(experiment, cell, device), missing, workers)
    for cell, edges in zip(missing, found, strict=True):
        store.set_edges(cell.index, edges)


def _pending(store: Store, experiment: Experiment, device: str) -> Iterator[Batch]:
    """Yield the unfinished trials of every cell in runs of at most a batch."""
    for cell in experiment.cells:
        most = GPU_BATCH if device == "gpu" else batch_size(experiment, cell)
        missing = np.flatnonzero(~store.done(cell.index))
        runs = np.split(missing, np.flatnonzero(np.diff(missing) > 1) + 1) if missing.size else []
        for consecutive in runs:
            for start in range(0, len(consecutive), most):
                part = consecutive[start : start + most]
                yield Batch(cell, int(part[0]), len(part))


def batch_size(experiment: Experiment, cell: Cell) -> int:
    """Return how many trials one worker takes at a time: about BATCH_WORK operations, and at most 64."""
    return int(np.clip(BATCH_WORK // capacity.trial_work(experiment, cell), 1, 64))
