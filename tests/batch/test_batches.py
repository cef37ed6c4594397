"""Batches: every unfinished trial once, sized by the clock and by memory, the last ones small."""

import threading
from pathlib import Path

import numpy as np
import pytest

import rmtsim
from rmtsim.batch import MemoryWarning, batches, executors, montecarlo, plan
from rmtsim.batch.batches import BATCH_SECONDS, Batch, Pace, batch_size, pending
from rmtsim.bench.workers import speedup
from rmtsim.experiment import Experiment
from rmtsim.results import MemoryStore


def make(
    trials: int, architecture: str = "linear", loss: str = "ce", d: int = 6, **measure: object
) -> Experiment:
    grid = {"n_features": [d, d + 1], "aspect_ratio": 0.5, "n_classes": d}
    hidden = {"n_hidden": 2} if architecture == "hidden" else {}
    return Experiment.from_mapping(
        {
            "name": "batches",
            "seed": 3,
            "trials": trials,
            "model": {"architecture": architecture, "loss": loss},
            "grid": {**grid, **hidden},
            "measure": measure,
        }
    )


@pytest.mark.parametrize("workers", [1, 3, 64])
@pytest.mark.parametrize("seconds", [1e-4, 0.05, 10.0])
def test_every_unfinished_trial_comes_once(workers: int, seconds: float) -> None:
    experiment = make(500, statistics="moments")
    store, pace = MemoryStore(experiment), Pace(experiment)
    for cell in experiment.cells:
        pace.note(Batch(cell, 0, 1), seconds)
    for trial in (0, 17, 18, 499):
        store.write(1, trial, [rmtsim.run_trial(experiment, experiment.cells[1], trial)])
    counts = np.zeros((2, 500), int)
    cut = list(pending(store, experiment, workers, pace))
    for batch in cut:
        counts[batch.cell.index, batch.first_trial : batch.first_trial + batch.size] += 1
    expected = np.ones_like(counts)
    expected[1, [0, 17, 18, 499]] = 0
    np.testing.assert_array_equal(counts, expected)
    sizes = [batch.size for batch in cut]
    assert max(sizes) <= max(1, BATCH_SECONDS / seconds)
    assert max(sizes[-workers:]) <= -(-sum(sizes) // (2 * workers))  # workers end together


def test_a_batch_takes_as_long_as_it_should() -> None:
    experiment = make(10_000, statistics="moments")
    (cell, other), pace = experiment.cells, Pace(experiment)
    assert pace.size(cell) == batch_size(experiment, cell) <= batches.FIRST_TRIALS
    pace.note(Batch(cell, 0, 10), 10 * 1e-3)
    assert pace.size(cell) == round(BATCH_SECONDS / 1e-3)
    assert pace.size(other) == batch_size(experiment, other)
    pace.note(Batch(cell, 0, 1), 100.0)  # as a first one that compiles
    assert pace.size(cell) == 1


def test_a_batch_keeps_no_more_than_its_share_of_memory() -> None:
    experiment = make(10**6, d=300, statistics=["eigenvalues", "histogram"])
    cell, pace = experiment.cells[0], Pace(experiment)
    pace.note(Batch(cell, 0, 1), 1e-9)
    size = pace.size(cell)
    assert 1 < size < 10**6
    assert size * plan.measured_bytes(experiment, cell) <= plan.BATCH_BYTES
    record = sum(
        array.nbytes for array in rmtsim.run_trial(experiment, cell, 0, np.ones((2, 201)).cumsum(1)).values()
    )
    forms = 2 * 8 * 300 * len(cell.blocks)
    assert plan.measured_bytes(experiment, cell) >= record + forms


def test_structured_cells_with_their_masses_come_in_full_batches() -> None:
    """A structured trial at d = 500 takes some 60 us: no dense masses are computed for it."""
    experiment = make(1000, loss="mse", d=500)
    assert experiment.method(experiment.cells[0]) == "structured"
    assert batch_size(experiment, experiment.cells[0]) == batches.FIRST_TRIALS


def test_workers_write_their_batches_themselves(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    writers = set()
    write = montecarlo.HDF5Store.write_stacked

    def noted(self: montecarlo.HDF5Store, *arguments: object) -> None:
        writers.add(threading.current_thread().name)
        write(self, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(montecarlo.HDF5Store, "write_stacked", noted)
    rmtsim.run(make(40), tmp_path / "of.h5", workers=2)
    assert all(name.startswith("rmtsim") for name in writers)
    with rmtsim.open_results(tmp_path / "of.h5") as results:
        assert all(results.done(cell.index).all() for cell in results.cells)


def test_a_failure_of_a_worker_ends_the_run_and_keeps_what_is_stored(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    measure = montecarlo._measure

    def failing(experiment: Experiment, batch: Batch, *others: object) -> object:
        if batch.cell.index == 1:
            raise RuntimeError("no more")
        return measure(experiment, batch, *others)  # type: ignore[arg-type]

    monkeypatch.setattr(montecarlo, "_measure", failing)
    with pytest.raises(RuntimeError, match="no more"):
        rmtsim.run(make(40), tmp_path / "of.h5", workers=2)
    monkeypatch.undo()
    with rmtsim.open_results(tmp_path / "of.h5") as results:
        assert results.done(0).any()
        assert not results.done(1).any()
    rmtsim.run(make(40), tmp_path / "of.h5", workers=2, resume=True)
    with rmtsim.open_results(tmp_path / "of.h5") as results:
        assert all(results.done(cell.index).all() for cell in results.cells)


def test_memory_limits_the_workers_and_says_so() -> None:
    experiment = make(6, statistics="moments")
    each = max(plan.worker_bytes(experiment, cell) for cell in experiment.cells)
    alone, store = MemoryStore(experiment), MemoryStore(experiment)
    rmtsim.run(experiment, alone, workers=1)
    with pytest.warns(MemoryWarning, match=r"^2 of 5 workers fit in the .* of max_memory: each takes up to "):
        rmtsim.run(experiment, store, workers=5, max_memory=3 * each - 1)
    for cell in experiment.cells:
        assert store.array(cell.index, "moments").tobytes() == alone.array(cell.index, "moments").tobytes()


def test_no_more_threads_run_than_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    experiment = make(6, statistics="moments")
    each = max(plan.worker_bytes(experiment, cell) for cell in experiment.cells)
    asked = []
    threaded_map = montecarlo.threaded_map

    def noted(function, tasks, workers, *order):  # type: ignore[no-untyped-def]
        asked.append(workers)
        return threaded_map(function, tasks, workers, *order)

    monkeypatch.setattr(montecarlo, "threaded_map", noted)
    with pytest.warns(MemoryWarning):
        rmtsim.run(experiment, MemoryStore(experiment), workers=9, max_memory=4 * each)
    assert set(asked) == {4}


def test_a_trial_that_does_not_fit_is_refused_with_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    experiment = make(2, d=200)
    size = plan.trial_bytes(experiment, experiment.cells[0])
    with pytest.raises(
        ValueError, match=r"cell 0 .*: expected a trial that fits in the .* of max_memory, got"
    ):
        rmtsim.run(experiment, MemoryStore(experiment), max_memory=size - 1)
    monkeypatch.setattr(plan, "installed_memory", lambda: size)
    with pytest.raises(ValueError, match=r"fits in the .* that are 80 % of the memory of this machine, got"):
        rmtsim.run(experiment, MemoryStore(experiment))
    for wrong in (0, -1, 1.5, True, "1GB"):
        with pytest.raises(ValueError, match=r"max_memory: expected a number of bytes, .*, got"):
            rmtsim.run(experiment, MemoryStore(experiment), max_memory=wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize("share", [0.0, 0.003, 0.2, 1.0])
@pytest.mark.parametrize("workers", [1, 2, 3])
def test_the_model_of_workers_is_the_stationary_state_of_a_markov_chain(workers: int, share: float) -> None:
    """Of exponential times: k workers wait for the lock, which frees one at rate 1/share."""
    if share in (0.0, 1.0):
        assert speedup(workers, share) == pytest.approx(workers if share == 0 else 1)
        return
    compute, lock = 1 / (1 - share), 1 / share
    generator = np.zeros((workers + 1, workers + 1))
    for waiting in range(workers + 1):
        if waiting < workers:
            generator[waiting, waiting + 1] = (workers - waiting) * compute
        if waiting > 0:
            generator[waiting, waiting - 1] = lock
        generator[waiting, waiting] = -generator[waiting].sum()
    system = np.vstack([generator.T, np.ones(workers + 1)])
    stationary = np.linalg.lstsq(system, np.eye(workers + 2)[-1], rcond=None)[0]
    assert speedup(workers, share) == pytest.approx(lock * (1 - stationary[0]), rel=1e-9)


def test_a_slow_task_keeps_no_other_waiting() -> None:
    """All others end while it waits for them: in the order of the tasks it would wait for ever."""
    others, ended = 12, threading.Semaphore(0)

    def task(number: int) -> int:
        if number == 0:
            for _ in range(others):
                assert ended.acquire(timeout=60)
        else:
            ended.release()
        return number

    found = list(executors.threaded_map(task, range(others + 1), 2, ordered=False))
    assert sorted(found) == list(range(others + 1))
