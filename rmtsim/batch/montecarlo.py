"""Monte Carlo: draw a trial, measure its blocks, and run all trials of an experiment into a store.

A trial is named by (seed, cell, trial) alone, and BLAS runs on one thread: the records are the same bits
for any number of workers and after any interruption.
"""

import warnings
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import closing
from os import PathLike
from pathlib import Path
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from .. import kernels
from ..experiment import Experiment
from ..results import HDF5Store, Store
from ..results.hdf5 import check_new_file
from ..sampling import pilot_edges, run_trials
from ..statistics import HISTOGRAM, Record
from . import plan as capacity
from .batches import Batch, Pace, pending
from .executors import Result, Task, default_workers, map_here, threaded_map

Edges = Mapping[int, NDArray[np.float64] | None]


class MemoryWarning(UserWarning):
    """Fewer workers than asked for fit in the memory that a run may use."""


def run(
    experiment: Experiment,
    path: str | PathLike[str] | Store,
    workers: int | None = None,
    device: str = "cpu",
    resume: bool = False,
    progress: Callable[[int, int], None] | None = None,
    max_memory: int | None = None,
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
    max_memory : int, optional
        Bytes that the arrays of all workers together may take, by default 80 % of the memory of the machine.

    Warns
    -----
    MemoryWarning
        Fewer workers than asked for fit in `max_memory`, and as many are used.

    Raises
    ------
    StoreError
        The file exists (or, to resume, holds another experiment) or cannot be written.
    ValueError
        If workers or max_memory is not a positive integer, not one trial fits in max_memory, the device is
        unknown, or an open store belongs to another experiment or device.
    """
    asked, limit = _threads(workers, device), capacity.memory_limit(max_memory)
    capacity.check(experiment, limit)
    threads = _that_fit(experiment, asked, limit)
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
    with open_store(path, experiment, device, threads) as store:
        _run_into(store, experiment, threads, device, progress)


def _threads(workers: int | None, device: str) -> int:
    """Return the number of workers: by default one per core, on a GPU one, which fills it by batches."""
    if workers is None:
        return 1 if device == "gpu" else default_workers()
    if isinstance(workers, bool) or not isinstance(workers, int) or workers < 1:
        raise ValueError(f"workers: expected an integer of at least 1, got {workers!r}")
    return workers


def _that_fit(experiment: Experiment, asked: int, limit: capacity.MemoryLimit) -> int:
    """Return as many of the workers asked for as fit in the memory; say so where these are fewer."""
    fitting = min(asked, capacity.workers_that_fit(experiment, limit))
    if fitting < asked:
        each = max(capacity.worker_bytes(experiment, cell) for cell in experiment.cells)
        message = f"{fitting} of {asked} workers fit in {limit}: each takes up to {capacity.gigabytes(each)}"
        warnings.warn(message, MemoryWarning, stacklevel=3)
    return fitting


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
    pace = Pace(experiment)

    def run_batch(batch: Batch) -> int:
        started = perf_counter()
        records = _measure(experiment, batch, edges, device)
        store.write_stacked(batch.cell.index, batch.first_trial, records)
        pace.note(batch, perf_counter() - started)
        return batch.size

    batches = pending(store, experiment, workers, pace, device)
    # Closed before the store is, so that no worker writes to a closed one.
    with closing(_map(run_batch, batches, workers, device, ordered=False)) as sizes:
        for size in sizes:
            finished += size
            report(finished, total)


def _map(
    function: Callable[[Task], Result],
    tasks: Iterable[Task],
    workers: int,
    device: str,
    ordered: bool = True,
) -> Generator[Result]:
    """Yield function(task), by workers; by this thread if it is alone on the GPU that it chose."""
    alone = workers == 1 and device == "gpu"
    return map_here(function, tasks) if alone else threaded_map(function, tasks, workers, ordered)


def _measure(experiment: Experiment, batch: Batch, edges: Edges, device: str) -> Record:
    trials = range(batch.first_trial, batch.first_trial + batch.size)
    return run_trials(experiment, batch.cell, trials, edges[batch.cell.index], device)


def run_batches(
    experiment: Experiment, batches: Iterable[Batch], edges: Edges, workers: int = 1, device: str = "cpu"
) -> Iterator[tuple[Batch, Record]]:
    """Yield the stacked records of each batch, in the order of the batches, `workers` of them under way.

    One worker is the thread that calls.
    """

    def measured(batch: Batch) -> tuple[Batch, Record]:
        return batch, _measure(experiment, batch, edges, device)

    return map_here(measured, batches) if workers == 1 else threaded_map(measured, batches, workers)


def _set_missing_edges(store: Store, experiment: Experiment, workers: int, device: str) -> None:
    missing = [cell for cell in experiment.cells if store.edges(cell.index) is None]
    edges_of_cells = _map(lambda cell: pilot_edges(experiment, cell, device), missing, workers, device)
    for cell, edges in zip(missing, edges_of_cells, strict=True):
        store.set_edges(cell.index, edges)
