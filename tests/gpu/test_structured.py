"""Structured models on the GPU: calls in parts, memory, the records of a run; see `structured_checks` too."""

from collections.abc import Callable

import numpy as np
import pytest

import rmtsim
from rmtsim import kernels, sampling
from rmtsim.kernels.gpu import batches, spectra, structured

from ..emulator.lookalike import Device
from .structured_checks import streams

pytestmark = pytest.mark.emulated

TRIALS, ORDER = 5, 40
FREEDOMS, SCALES = np.array([0, 7, 39, 40, 200]), np.linspace(-1, 2, TRIALS)
GRAMS = np.tile([[3.0, 1.0], [1.0, 2.0]], (TRIALS, 1, 1))
BANDS = np.random.default_rng(1).normal(size=(TRIALS, 3, ORDER))
PAIRS = np.array([[0, 0], [2, 1]])

CALLS: dict[str, Callable[[], object]] = {
    "wishart_forms": lambda: _gpu("wishart_forms", streams(TRIALS), FREEDOMS, ORDER, SCALES),
    "wedge_forms": lambda: _gpu("wedge_forms", streams(TRIALS, 2), FREEDOMS, GRAMS, ORDER, SCALES),
    "wedge_samples": lambda: _gpu("wedge_samples", streams(TRIALS, 2), ORDER, 100),
    "half_space_counts": lambda: _gpu("half_space_counts", streams(TRIALS), 100),
    "output_grams": lambda: _gpu("output_grams", streams(TRIALS), 30, 4, PAIRS),
    "banded_statistics": lambda: _gpu("banded_statistics", BANDS, SCALES, np.linspace(-3, 3, 9)),
    "spectral_statistics": lambda: _gpu(
        "spectral_statistics", BANDS[:, 0], BANDS[:, 1, 1:], SCALES, np.linspace(-3, 3, 9)
    ),
}
"""Operations that split their trials."""


def _gpu(name: str, *arguments: object) -> list[np.ndarray]:
    result = getattr(kernels.load("gpu"), name)(*arguments)
    return list(result) if isinstance(result, tuple) else [result]


@pytest.mark.parametrize("name", CALLS)
def test_a_trial_has_the_same_bits_in_any_part(monkeypatch, name: str) -> None:
    wanted = CALLS[name]()
    for count in (1, 2, 3):
        monkeypatch.setattr(batches, "batch_size", lambda *memory, count=count: count)
        for found, whole in zip(CALLS[name](), wanted, strict=True):
            np.testing.assert_array_equal(found, whole)


@pytest.mark.parametrize("name", CALLS)
def test_a_part_out_of_memory_is_halved_until_it_fits(monkeypatch, name: str) -> None:
    """The emulated device takes arrays of at most so many bytes, whatever it says that is free."""
    wanted = CALLS[name]()
    monkeypatch.setattr(batches, "free_memory", lambda: 1 << 40)
    largest = {"wishart_forms": 2 * 640, "wedge_forms": 2 * 960, "wedge_samples": 640, "output_grams": 32}
    largest |= {"half_space_counts": 2 * 16, "banded_statistics": 2 * 960, "spectral_statistics": 2 * 320}
    monkeypatch.setattr(Device, "limit", largest[name])
    for found, whole in zip(CALLS[name](), wanted, strict=True):
        np.testing.assert_array_equal(found, whole)
    monkeypatch.setattr(Device, "limit", 15)
    with pytest.raises(kernels.DeviceError, match="out of memory with a single trial"):
        CALLS[name]()


@pytest.mark.parametrize("name", CALLS)
def test_a_trial_is_said_to_take_at_least_its_arrays(monkeypatch, name: str) -> None:
    made, said = [], []

    def noted(sound: Callable, notes: list) -> Callable:
        return lambda *arguments: notes.append(sound(*arguments)) or notes[-1]

    monkeypatch.setattr(batches, "batch_size", lambda size, free: said.append(size) or TRIALS)
    for module in (structured, spectra):
        for function in ("empty", "to_device"):
            monkeypatch.setattr(module, function, noted(getattr(module, function), made))
    CALLS[name]()
    of_trials = sum(array.nbytes for array in made if len(array) == TRIALS)
    assert TRIALS * (said[0] - 8 * batches.FEW) <= of_trials <= TRIALS * said[0]


@pytest.mark.parametrize("name", CALLS)
def test_no_trials_give_empty_results(monkeypatch, name: str) -> None:
    for variable in ("FREEDOMS", "SCALES", "GRAMS", "BANDS"):
        monkeypatch.setitem(globals(), variable, globals()[variable][:0])
    monkeypatch.setitem(globals(), "TRIALS", 0)
    for found in CALLS[name]():
        assert len(found) == 0


EXPERIMENT = """
name = "small"
seed = 7
trials = 5
[model]
architecture = ["linear", "hidden"]
loss = "mse"
[grid]
n_features = [1, 6]
n_samples = [4, 40]
n_classes = 4
n_hidden = 3
[measure]
method = "structured"
statistics = ["histogram", "moments", "extremes", "eigenvalues"]
"""


def test_a_run_stores_the_records_of_the_cpu(tmp_path) -> None:
    """Fewer samples than features among them: eigenvalues of 0 are exact on both devices."""
    experiment = rmtsim.Experiment.from_text(EXPERIMENT)
    for device in ("cpu", "gpu"):
        rmtsim.run(experiment, tmp_path / f"{device}.h5", workers=1, device=device)
    with rmtsim.open_results(tmp_path / "cpu.h5") as cpu, rmtsim.open_results(tmp_path / "gpu.h5") as gpu:
        assert gpu.attributes["device"] == "gpu"
        for cell in experiment.cells:
            assert experiment.method(cell) == "structured"
            # Normals and chi variables within 16 ulp, their products, and four times that of a fourth power.
            bound = 4 * (16 + 8 * cell.n_features) * np.finfo(np.float64).eps
            for name in experiment.schema(cell):
                wanted, found = (results.array(cell.index, name) for results in (cpu, gpu))
                np.testing.assert_allclose(found, wanted, rtol=0, atol=bound * np.abs(wanted).max())


def test_the_models_of_a_gpu_run_load_its_operations() -> None:
    experiment = rmtsim.Experiment.from_text(EXPERIMENT)
    drawn = sampling.draw_trials(experiment, experiment.cells[0], range(2), "gpu")
    assert drawn.ops is kernels.load("gpu")
