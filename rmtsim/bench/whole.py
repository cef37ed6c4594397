"""Contests of what users run: trials with the default statistics, and experiments with all that follows."""

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import blas

from .. import sampling
from ..batch import batch_size, run
from ..compare import compare
from ..experiment import Cell, Experiment
from ..report.figures import save_all
from ..results import open_results
from ..statistics import MASSES
from .alternation import BASE, Contender, Contest
from .cells import experiment_of

DEFAULT_TRIALS = {
    "linear-ce": {"architecture": "linear", "loss": "ce", "n_features": 200, "n_classes": 1000},
    "hidden-ce": {"architecture": "hidden", "loss": "ce", "n_features": 200, "n_classes": 1000},
    "hidden-mse": {"architecture": "hidden", "loss": "mse", "n_features": 200, "n_classes": 1000},
    "linear-ce-500": {"architecture": "linear", "loss": "ce", "n_features": 500, "n_classes": 500},
}
"""Cells with N = 2d and, in the hidden model, m = 8."""


JOB = {"architecture": "hidden", "loss": "ce", "n_features": [50, 100, 200], "n_classes": [10, 100, 1000]}
JOB_TRIALS = 16


def default_trial(name: str) -> Contest:
    """A trial with all default statistics against one with spectra alone and the BLAS calls of the masses."""
    experiment = experiment_of(DEFAULT_TRIALS[name], 1024, method="dense")
    (cell,) = experiment.cells
    edges = sampling.pilot_edges(experiment, cell)
    count = max(2, batch_size(experiment, cell))
    spectra = partial(_spectra, experiment, cell, edges, count)
    contenders = {
        BASE: Contender(lambda: sampling.run_trials(experiment, cell, range(count), edges), count),
        "floor": Contender(_floor(experiment, cell, edges, count), count),
        "spectra": Contender(spectra, count),
    }
    d, C = cell.n_features, cell.n_classes
    work = f"{cell.architecture} {cell.loss} trial, default statistics, d = {d}, C = {C}"
    return Contest(work, "trial", contenders)


def job() -> Contest:
    """An experiment of hidden ce cells, run, compared and drawn, against each of these and its floor."""
    experiment = experiment_of(JOB, JOB_TRIALS, method="dense")
    folder = tempfile.TemporaryDirectory()  # until the contest is over
    of_compare, of_plot = (Path(folder.name) / f"{name}.h5" for name in ("compare", "plot"))
    for path in (of_compare, of_plot):
        run(experiment, path, 1)
    _compare(of_plot)

    def whole() -> None:
        with tempfile.TemporaryDirectory() as own:
            path = Path(own) / "of.h5"
            run(experiment, path, 1)
            _compare(path)
            _plot(path, Path(own))

    def trials() -> None:
        with tempfile.TemporaryDirectory() as own:
            run(experiment, Path(own) / "of.h5", 1)

    floors = [
        _floor(experiment, cell, sampling.pilot_edges(experiment, cell), JOB_TRIALS)
        for cell in experiment.cells
    ]
    contenders = {
        BASE: Contender(whole),
        "run": Contender(trials),
        "compare": Contender(lambda: _compare(of_compare, keep=False)),
        "plot": Contender(lambda: _plot(of_plot, Path(folder.name))),
        "floor of the trials": Contender(lambda: [floor() for floor in floors]),
    }
    work = f"run, compare and plot of {len(experiment.cells)} hidden ce cells, {JOB_TRIALS} trials each"
    return Contest(work, "experiment", contenders)


def _compare(path: Path, keep: bool = True) -> None:
    with open_results(path) as results:
        compare(results, keep=keep)


def _plot(path: Path, folder: Path) -> None:
    with open_results(path) as results:
        save_all(results, folder)


def _spectra(experiment: Experiment, cell: Cell, edges: NDArray[np.float64], count: int) -> None:
    """Trials without their masses."""
    statistics = tuple(each for each in experiment.measure.statistics if each is not MASSES)
    without = replace(experiment, measure=replace(experiment.measure, statistics=statistics))
    sampling.run_trials(without, cell, range(count), edges)


def _floor(experiment: Experiment, cell: Cell, edges: NDArray[np.float64], count: int) -> Callable[[], None]:
    """Trials without their masses, and the BLAS calls of these."""
    sizes = cell.n_samples, cell.n_features, cell.n_classes, cell.n_hidden or 0
    calls = list(_mass_products(*sizes, cell.loss.couples_classes))

    def floor() -> None:
        _spectra(experiment, cell, edges, count)
        for _ in range(count):
            for call in calls:
                call()

    return floor


def _mass_products(N: int, d: int, C: int, m: int, is_ce: bool) -> Iterator[Callable[[], object]]:
    """Yield the BLAS calls of the table of least work, theory.md section 2, with half of the gates open."""
    rng, k, half = np.random.default_rng(0), m or d, N // 2

    def array(*shape: int) -> NDArray[np.float64]:
        return np.asfortranarray(rng.standard_normal(shape))

    def gram(rows: int, columns: int) -> Callable[[], object]:
        return partial(blas.dsyrk, 1.0, array(rows, columns))

    def product(rows: int, inner: int, columns: int) -> Callable[[], object]:
        return partial(blas.dgemm, 1.0, array(rows, inner), array(inner, columns))

    yield gram(N, d)
    if is_ce:
        yield gram(N, C)
        entries = k * (k + 1)
        yield from [product(entries // 2, N, C) if entries <= N else gram(N, C)] * 2
    if m:
        yield gram(N, m)
        yield gram(N, m * (m - 1) // 2)
    if m and is_ce:
        one = [product(m, C, half), gram(half, C), gram(half, C) if half <= 2 * d else product(C, half, d)]
        yield from one * m
    if m and not is_ce:
        yield from [gram(N, m)] * 2
        yield from [product(N, 2 * m, N)] * 2
