"""A trial depends on its name alone: not on workers, order, interruption or what else is measured."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

import rmtsim
from rmtsim import kernels, sampling
from rmtsim.batch import batches
from rmtsim.experiment import Experiment
from rmtsim.results import MemoryStore
from rmtsim.sampling import draws
from rmtsim.sampling import edges as edges_of_pilots
from rmtsim.sampling.cell_draw import draw_model

from .. import rounding

TEXT = """
name = "small"
seed = 7
trials = 11
[model]
architecture = ["linear", "hidden"]
loss = ["mse", "ce"]
[grid]
n_features = [6, 9]
aspect_ratio = 0.6
n_classes = 4
n_hidden = 3
[measure]
statistics = ["histogram", "moments", "extremes", "masses", "eigenvalues"]
bins = 16
method = "dense"
"""


@pytest.fixture(scope="module")
def experiment() -> Experiment:
    return Experiment.from_text(TEXT)


@pytest.fixture(scope="module")
def finished(experiment: Experiment) -> MemoryStore:
    store = MemoryStore(experiment)
    rmtsim.run(experiment, store, workers=1)
    return store


def arrays_of(results: rmtsim.results.Results) -> dict[tuple[int, str], NDArray]:
    return {
        (cell.index, name): results.array(cell.index, name)
        for cell in results.cells
        for name in results.names(cell.index)
    }


def assert_same_bits(one: rmtsim.results.Results, other: rmtsim.results.Results) -> None:
    expected = arrays_of(one)
    got = arrays_of(other)
    assert expected.keys() == got.keys()
    for name, array in expected.items():
        assert array.tobytes() == got[name].tobytes(), name


@pytest.mark.parametrize("workers", [2, 5])
def test_the_same_bits_for_any_number_of_workers(
    experiment: Experiment, finished: MemoryStore, workers: int
) -> None:
    store = MemoryStore(experiment)
    rmtsim.run(experiment, store, workers=workers)
    assert_same_bits(finished, store)


def test_the_same_bits_after_an_interruption(
    experiment: Experiment, finished: MemoryStore, tmp_path: Path
) -> None:
    path = tmp_path / "small.h5"

    def interrupt(done: int, total: int) -> None:
        if done > total // 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        rmtsim.run(experiment, path, workers=2, progress=interrupt)
    with rmtsim.open_results(path) as half:
        counted = sum(int(half.done(cell.index).sum()) for cell in half.cells)
    assert 0 < counted < experiment.trials * len(experiment.cells)
    rmtsim.run(experiment, path, workers=2, resume=True)
    with rmtsim.open_results(path) as whole:
        assert_same_bits(finished, whole)


def test_the_same_bits_however_trials_are_batched(
    experiment: Experiment, finished: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Several batches to a cell, some of them cut by a trial that is finished already."""
    monkeypatch.setattr(batches, "BATCH_WORK", 5_000)
    monkeypatch.setattr(batches, "BATCH_SECONDS", 2e-3)
    store = MemoryStore(experiment)
    for cell in experiment.cells:
        edges = finished.edges(cell.index)
        assert edges is not None
        store.set_edges(cell.index, edges)
        store.write(cell.index, 4, [rmtsim.run_trial(experiment, cell, 4, edges)])
    assert max(batches.batch_size(experiment, cell) for cell in experiment.cells) < experiment.trials
    rmtsim.run(experiment, store, workers=3)
    assert_same_bits(finished, store)


def test_a_store_of_another_experiment_is_refused(experiment: Experiment) -> None:
    store = MemoryStore(replace(experiment, seed=8))
    with pytest.raises(
        ValueError, match="store: expected results of the same experiment, got seed = 8, not 7"
    ):
        rmtsim.run(experiment, store)
    assert not store.done(0).any()


@pytest.mark.parametrize("bins", [1, 2, 7])
@pytest.mark.parametrize(("low", "high"), [(0.0, 1.0), (-3.0, -1.0), (0.0, 0.0), (5.0, 5.5)])
def test_edges_cover_what_the_pilot_saw(bins: int, low: float, high: float) -> None:
    edges = edges_of_pilots._covering_edges(low, high, bins)
    assert len(edges) == bins + 1
    assert edges[0] < low
    assert high < edges[-1]


def test_a_trial_alone_equals_the_trial_of_a_run(experiment: Experiment, finished: MemoryStore) -> None:
    cell = experiment.cells[-1]
    record = rmtsim.run_trial(experiment, cell, 5, finished.edges(cell.index))
    for name, values in record.items():
        assert values.tobytes() == finished.array(cell.index, name, [5])[0].tobytes(), name


def test_other_statistics_leave_a_statistic_alone(experiment: Experiment, finished: MemoryStore) -> None:
    only = replace(experiment, measure=replace(experiment.measure, statistics=("extremes",)))
    cell = only.cells[-1]
    record = rmtsim.run_trial(only, cell, 3)
    assert set(record) == {"scale", "extremes"}
    assert (record["extremes"] == finished.array(cell.index, "extremes", [3])[0]).all()


def test_statistics_of_a_block_agree_with_its_eigenvalues(finished: MemoryStore) -> None:
    for cell in finished.cells:
        edges = finished.edges(cell.index)
        assert edges is not None
        for k, block in enumerate(cell.blocks):
            eigenvalues = finished.array(cell.index, f"eigenvalues_{block}")
            moments = np.stack([np.mean(eigenvalues**order, axis=1) for order in range(1, 5)], axis=1)
            size = np.abs(eigenvalues).max(axis=1, keepdims=True) ** np.arange(1, 5)
            close = 64 * cell.n_features * np.finfo(float).eps * size
            assert (np.abs(finished.array(cell.index, "moments")[:, k] - moments) <= close).all()
            extremes = finished.array(cell.index, "extremes")[:, k]
            assert (np.abs(extremes - eigenvalues[:, [0, -1]]) <= close[:, :1]).all()
            counted = finished.array(cell.index, "histogram")[:, k].sum(axis=1)
            outside = finished.array(cell.index, "outside")[:, k].sum(axis=1)
            assert (counted + outside == cell.block_size(block)).all()
            scaled = eigenvalues / finished.array(cell.index, "scale")[:, k, None]
            expected = np.stack([np.histogram(row, edges[k])[0] for row in scaled])
            assert (finished.array(cell.index, "histogram")[:, k] == expected).all()


def test_masses_are_those_of_the_full_hessian(experiment: Experiment, finished: MemoryStore) -> None:
    ops = kernels.load("cpu")
    for cell in experiment.cells:
        model = draw_model(experiment, cell, 2)
        X = draws.inputs(ops, experiment, cell, 2)
        y = draws.labels(ops, experiment, cell, 2)
        masses = dict(zip(cell.parts, finished.array(cell.index, "masses", [2])[0], strict=True))
        total = sum(masses.values()) + masses.get("wv", 0.0)  # both halves hold the blocks between layers
        expected = np.sum(model.hessian(X, y) ** 2)
        h, V = model.features(X), np.asarray(model.V[: cell.n_classes])
        error, hidden = rounding.masses(X, h, V), "wv" in masses
        scale = sum(mass for part, mass in masses.items() if part.endswith("diag"))
        scale += 2 * rounding.cross_scale(X, h, V, cell.loss) if hidden else 0
        assert total == pytest.approx(expected, rel=0, abs=2 * error * scale)


def test_v_drawn_per_cell_is_shared_by_its_trials(experiment: Experiment) -> None:
    shared = replace(experiment, model=replace(experiment.model, v_draw="cell"))
    ops = kernels.load("cpu")
    hidden = [cell for cell in shared.cells if cell.architecture == "hidden"]
    first, second = (draws.parameters(ops, shared, hidden[0], trial) for trial in (0, 1))
    assert first.W is not None
    assert second.W is not None
    assert (first.V == second.V).all()
    assert (first.W != second.W).all()
    assert (draws.parameters(ops, shared, hidden[1], 0).V != first.V).all()


def test_variances_of_the_draws(experiment: Experiment) -> None:
    """Mean squares of N(0, s^2) entries lie within 5 standard errors, sqrt(2/n) s^2 each, of s^2."""
    text = TEXT.replace("[6, 9]", "200").replace("n_classes = 4", "n_classes = 500")
    large = Experiment.from_text(text.replace("n_hidden = 3", "n_hidden = 16"))
    ops = kernels.load("cpu")
    for cell in large.cells:
        W, V = draws.parameters(ops, large, cell, 0)
        arrays = [(draws.inputs(ops, large, cell, 0), 1.0), (V, 1 / V.shape[1])]
        arrays += [] if W is None else [(W, 1 / 200)]
        for array, variance in arrays:
            assert abs(np.mean(array**2) / variance - 1) < 5 * np.sqrt(2 / array.size)


def test_edges_cover_the_pilot_and_keep_zero_inside_a_bin(finished: MemoryStore) -> None:
    for cell in finished.cells:
        edges = finished.edges(cell.index)
        assert edges is not None
        for row in edges:
            widths = np.diff(row)
            assert widths == pytest.approx(widths[0])
            nearest = np.abs(row / widths[0]).min()
            assert nearest > 0.49 or row[0] > 0 or row[-1] < 0


def test_a_range_given_by_hand_sets_the_edges(experiment: Experiment) -> None:
    measure = replace(experiment.measure, range={"vv_diag": (-1.0, 3.0)})
    given = replace(experiment, measure=measure)
    cell = given.cells[0]
    edges = sampling.pilot_edges(given, cell)[cell.blocks.index("vv_diag")]
    assert edges == pytest.approx(np.linspace(-1, 3, 17))


def test_float32_trials_keep_the_exact_mean(experiment: Experiment) -> None:
    """E m_2 = 1 + gamma + 1/N for linear mse, theory.md (5.1), in float32 as well."""
    measure = replace(experiment.measure, precision="float32", statistics=("moments",))
    single = replace(experiment, trials=400, measure=measure)
    cell = single.cells[0]
    assert (cell.architecture, cell.loss) == ("linear", "mse")
    assert draw_model(single, cell, 0).V.dtype == np.float32
    second = np.array([rmtsim.run_trial(single, cell, t)["moments"][0, 1] for t in range(400)])
    expected = 1 + cell.aspect_ratio + 1 / cell.n_samples
    assert abs(second.mean() - expected) < 5 * second.std(ddof=1) / np.sqrt(400)


@pytest.mark.parametrize(
    ("argument", "value"), [("workers", 0), ("workers", 1.5), ("workers", True), ("device", "tpu")]
)
def test_bad_arguments_are_named(
    experiment: Experiment, tmp_path: Path, argument: str, value: object
) -> None:
    with pytest.raises(ValueError, match=f"{argument}: expected .*, got {value!r}"):
        rmtsim.run(experiment, tmp_path / "none.h5", **{argument: value})  # type: ignore[arg-type]
    assert not list(tmp_path.iterdir())
