"""Plans: formulas of sizes, times scaled by them, and both held against runs."""

import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from fractions import Fraction
from importlib.resources import files
from pathlib import Path
from statistics import median

import numpy as np
import pytest

import rmtsim
from rmtsim.batch import Batch, calibration, plan
from rmtsim.experiment import Cell, Experiment
from rmtsim.results import MemoryStore
from rmtsim.results.hdf5 import HDF5Store

SHIPPED = sorted((Path(str(files("rmtsim.data"))) / "experiments").glob("*.toml"))


def grid(trials: int = 4, features: object = (6, 9), **measure: object) -> Experiment:
    return Experiment.from_mapping(
        {
            "name": "grid",
            "seed": 3,
            "trials": trials,
            "model": {"architecture": ["linear", "hidden"], "loss": ["mse", "ce"]},
            "grid": {
                "n_features": features,
                "n_hidden": 2,
                "aspect_ratio": [0.5, 2.0],
                "n_classes": [3, 200],
            },
            "measure": measure,
        }
    )


NANOSECOND = Fraction(1, 10**9)


@pytest.fixture
def exact(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Let every operation take a nanosecond of all workers together; returns the works of what is timed."""
    now, timed = [Fraction(0)], list[int]()

    def run(experiment: Experiment, batches: Iterable[Batch], *_: object) -> Iterator[None]:
        for batch in batches:
            timed.append(plan.trial_work(experiment, batch.cell))
            now[0] += NANOSECOND * batch.size * timed[-1]
            yield

    monkeypatch.setattr(calibration, "run_batches", run)

    def pilots(experiment: Experiment, cell: Cell) -> None:
        now[0] += 6 * NANOSECOND * plan.trial_work(experiment, cell)  # of one worker

    monkeypatch.setattr(calibration, "pilot_edges", pilots)
    monkeypatch.setattr(calibration, "perf_counter", lambda: now[0])
    return timed


@pytest.mark.parametrize("workers", [1, 3])
def test_times_in_proportion_to_work_are_found_for_every_cell(exact: list[int], workers: int) -> None:
    """Of more cells than are timed, and of cells that are too large to be."""
    experiment = grid(features=[4, 5, 6, 50, 51, 700, 3000])
    found = calibration.seconds_of_cells(experiment, workers)
    trials = experiment.trials + 6 / workers
    expected = [1e-9 * trials * plan.trial_work(experiment, cell) for cell in experiment.cells]
    np.testing.assert_allclose(found, expected, rtol=1e-9)  # some ten roundings of logarithms up to 30
    assert len(experiment.cells) > calibration.MOST_CELLS
    assert len(set(exact)) <= calibration.MOST_CELLS
    assert max(exact) <= calibration.MOST_WORK < max(expected) * 1e9 / trials


def test_sizes_are_those_of_the_file(tmp_path: Path) -> None:
    experiment = grid(trials=200)
    HDF5Store.create(tmp_path / "of.h5", experiment).close()
    planned = sum(cell.size for cell in calibration.plan_cells(experiment, 1))
    structure = 65536 + 65536 * len(experiment.cells)  # sessions; groups, attributes and texts of cells
    assert planned <= (tmp_path / "of.h5").stat().st_size <= planned + structure
    assert planned > 2 * structure


def test_memory_is_that_by_which_workers_are_limited() -> None:
    experiment = grid()
    each = max(cell.memory for cell in calibration.plan_cells(experiment, 1))
    for count in (1, 2, 7):
        assert (
            plan.workers_that_fit(experiment, plan.MemoryLimit((count + 1) * each - 1, "of a test")) == count
        )


def test_the_share_of_the_work_follows_the_cells() -> None:
    experiment = grid(trials=10)
    works = [plan.trial_work(experiment, cell) for cell in experiment.cells]
    missing = [0, 10, 3, *[0] * (len(works) - 3)]
    share = plan.Share(experiment, missing)
    whole = 10 * works[1] + 3 * works[2]
    for finished in range(14):
        done = min(finished, 10) * works[1] + max(finished - 10, 0) * works[2]
        assert share(finished) == pytest.approx(done / whole, rel=1e-12)
    assert plan.Share(experiment)(10 * len(works)) == 1
    assert plan.Share(experiment, [0] * len(works))(0) == 0


MIXED = grid(trials=16, features=[40, 160, 320], statistics=["histogram", "moments", "extremes", "masses"])
TRIALS = {"quickstart": 32, "outliers": 64, "class-scaling": 32, "portrait": 32, "vocabulary": 1}
"""Trials of the shipped experiments, fewer than they have where these take minutes; 6 of those not named."""


@pytest.mark.slow
@pytest.mark.parametrize("name", ["mixed", *(path.stem for path in SHIPPED)])
def test_plans_are_within_a_factor_of_the_truth(name: str) -> None:
    """Within 2, in the median of alternating plans and runs, as others may use the machine meanwhile."""
    path = next((path for path in SHIPPED if path.stem == name), None)
    whole = MIXED if path is None else Experiment.from_toml(path)
    experiment = replace(whole, trials=TRIALS.get(name, 16 if path is None else 6))
    ratios = []
    for _ in range(3):
        planned = sum(cell.seconds for cell in calibration.plan_cells(experiment, 2))
        start = time.perf_counter()
        rmtsim.run(experiment, MemoryStore(experiment), workers=2)
        ratios.append((time.perf_counter() - start) / planned)
    print(
        f"\n{name}: planned {planned:.2f} s, took {', '.join(f'{ratio:.2f}' for ratio in ratios)} times that"
    )
    assert 1 / 2 < median(ratios) < 2
