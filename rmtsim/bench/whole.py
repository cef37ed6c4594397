"""Contests of what users run: trials with the default statistics, and experiments with all that follows."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import blas

from .. import sampling
from ..batch import batch_size
from ..experiment import Experiment
from ..statistics import MASSES
from .alternation import BASE, Contender, Contest

DEFAULT_TRIALS = {
    "linear-ce": {"architecture": "linear", "loss": "ce", "n_features": 200, "n_classes": 1000},
    "hidden-ce": {"architecture": "hidden", "loss": "ce", "n_features": 200, "n_classes": 1000},
    "hidden-mse": {"architecture": "hidden", "loss": "mse", "n_features": 200, "n_classes": 1000},
    "linear-ce-500": {"architecture": "linear", "loss": "ce", "n_features": 500, "n_classes": 500},
}
"""Cells with N = 2d and, in the hidden model, m = 8."""


def _experiment(described: Mapping[str, object]) -> Experiment:
    model = {key: described[key] for key in ("architecture", "loss")}
    grid = {key: described[key] for key in ("n_features", "n_classes")} | {"aspect_ratio": 0.5}
    hidden = {"n_hidden": 8} if model["architecture"] == "hidden" else {}
    return Experiment.from_mapping(
        {
            "name": "bench",
            "seed": 1,
            "trials": 1024,
            "model": model,
            "grid": grid | hidden,
            "measure": {"method": "dense"},
        }
    )


def default_trial(name: str) -> Contest:
    """A trial with all default statistics against one with spectra alone and the BLAS calls of the masses."""
    experiment = _experiment(DEFAULT_TRIALS[name])
    cell, measured = experiment.cells[0], experiment.measure
    edges = sampling.pilot_edges(experiment, cell)
    spectra = tuple(each for each in measured.statistics if each is not MASSES)
    without = replace(experiment, measure=replace(measured, statistics=spectra))
    count = max(2, batch_size(experiment, cell))
    sizes = cell.n_samples, cell.n_features, cell.n_classes, cell.n_hidden or 0
    calls = list(_mass_products(*sizes, cell.loss.couples_classes))

    def floor() -> None:
        sampling.run_trials(without, cell, range(count), edges)
        for _ in range(count):
            for call in calls:
                call()

    contenders = {
        BASE: Contender(lambda: sampling.run_trials(experiment, cell, range(count), edges), count),
        "floor": Contender(floor, count),
        "spectra": Contender(lambda: sampling.run_trials(without, cell, range(count), edges), count),
    }
    d, C = cell.n_features, cell.n_classes
    work = f"{cell.architecture} {cell.loss} trial, default statistics, d = {d}, C = {C}"
    return Contest(work, "trial", contenders)


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
