"""How a run with its default statistics scales with workers: measured here, and modelled for 64.

What no other worker can use while it lasts is Python's own time: to prepare a batch, to stack its records and
to write them. A batch of a cell so small that it computes nothing consists of nothing else. While one worker
holds Python's lock the others compute, or wait for it: a closed network with one queue, whose throughput
follows from mean value analysis (Reiser and Lavenberg 1980). What is measured beyond that is the machine's:
memory, caches and clock that cores share.
"""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from time import perf_counter, thread_time
from typing import Any, NamedTuple

from ..batch import Batch, run, run_batches
from ..batch.batches import BATCH_SECONDS, Pace
from ..batch.executors import default_workers
from ..experiment import Experiment
from ..results import HDF5Store
from ..sampling import pilot_edges
from .cells import experiment_of

CELLS: dict[str, dict[str, Any]] = {
    "linear ce, d = 50": {"architecture": "linear", "loss": "ce", "n_features": 50, "n_classes": 50},
    "linear ce, d = 200": {"architecture": "linear", "loss": "ce", "n_features": 200, "n_classes": 200},
    "linear mse, d = 500": {"architecture": "linear", "loss": "mse", "n_features": 500, "n_classes": 500},
    "hidden ce, d = 200": {"architecture": "hidden", "loss": "ce", "n_features": 200, "n_classes": 1000},
}
LEAST = {
    "linear": {"n_features": 2, "n_classes": 2},
    "hidden": {"n_features": 2, "n_classes": 2, "n_hidden": 2},
}
"""Sizes of a cell that computes next to nothing, with histograms of one bin."""
FEW, MANY = 1, 201
"""Trials of the batches of such a cell: what a batch takes, and what each trial of it takes in Python."""
MODELLED = 64


class Scaling(NamedTuple):
    """How a cell scales with workers.

    Attributes
    ----------
    name : str
    trials : int
        Of a batch.
    seconds, serial : float
        Of a batch, and of its part under Python's lock.
    measured, modelled, many : float
        Trials per second of all cores over those of one worker; what the model says of that, and of 64 cores.
    """

    name: str
    trials: int
    seconds: float
    serial: float
    measured: float
    modelled: float
    many: float


def speedup(workers: int, share: float) -> float:
    """Return the throughput of some workers over that of one, of whose time a share holds the one lock."""
    waiting = throughput = 0.0
    for count in range(1, workers + 1):
        response = share * (1 + waiting)
        throughput = count / (1 - share + response)
        waiting = throughput * response
    return throughput


def scalings(rounds: int) -> Iterator[Scaling]:
    """Yield how each of the cells scales; ratios are medians over rounds, timed in alternation."""
    for name, described in CELLS.items():
        each, trials = _pace(experiment_of(described, MANY), rounds)
        fixed, per_trial = _python(described, rounds)
        serial, seconds = fixed + per_trial * trials, each * trials
        workers = default_workers()
        ratios = [_ratio(described, workers, 8 * workers * trials) for _ in range(rounds)]
        models = (speedup(count, min(1.0, serial / seconds)) for count in (workers, MODELLED))
        yield Scaling(name, trials, seconds, serial, median(ratios), *models)


def _pace(experiment: Experiment, rounds: int) -> tuple[float, int]:
    """Seconds of a trial, of one thread, and how many fill a batch."""
    (cell,), pace = experiment.cells, Pace(experiment)
    edges = {cell.index: pilot_edges(experiment, cell)}
    for _ in range(rounds + 1):  # the first may compile, and sets the size of those after it
        batch, start = Batch(cell, 0, pace.size(cell)), thread_time()
        list(run_batches(experiment, [batch], edges))
        seconds = thread_time() - start
        pace.note(batch, seconds)
    return seconds / batch.size, pace.size(cell)


def _python(described: dict[str, Any], rounds: int) -> tuple[float, float]:
    """Seconds of a batch, and of each of its trials, that are Python's, with those of writing them."""
    times = {count: median(_stored(described, count) for _ in range(8 * rounds)) for count in (FEW, MANY)}
    each = (times[MANY] - times[FEW]) / (MANY - FEW)
    return times[FEW] - each * FEW, each


def _stored(described: dict[str, Any], count: int) -> float:
    """Seconds to measure and write a batch of a cell that computes nothing."""
    least = described | LEAST[described["architecture"]]
    experiment = experiment_of(least, 2 * count, bins=1)
    (cell,) = experiment.cells
    edges = pilot_edges(experiment, cell)
    with (
        tempfile.TemporaryDirectory() as folder,
        HDF5Store.create(Path(folder) / "of.h5", experiment) as store,
    ):
        store.set_edges(0, edges)
        for first in (0, count):  # the second finds all places in the file known
            start = thread_time()
            ((_, records),) = run_batches(experiment, [Batch(cell, first, count)], {0: edges})
            store.write_stacked(0, first, records)
            seconds = thread_time() - start
    return seconds


def _ratio(described: dict[str, Any], workers: int, trials: int) -> float:
    """Time of one worker over that of several, for a whole run into a file."""
    experiment, seconds = experiment_of(described, trials), {}
    for count in (1, workers):
        with tempfile.TemporaryDirectory() as folder:
            start = perf_counter()
            run(experiment, Path(folder) / "of.h5", count)
            seconds[count] = perf_counter() - start
    return seconds[1] / seconds[workers]


def describe() -> str:
    """Return the heading of the scalings."""
    return f"batches of {BATCH_SECONDS} s; {default_workers()} workers measured, and the model of {MODELLED}"
