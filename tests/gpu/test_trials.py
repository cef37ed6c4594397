"""Batches of trials on the (emulated) GPU: the records of the CPU up to rounding, and the same bits in any batch."""

import numpy as np
import pytest

from rmtsim import Experiment, gpu_trials, kernels, montecarlo
from rmtsim.kernels import gpu_batches, gpu_matrices
from rmtsim.montecarlo import Batch

from ..emulator.lookalike import OutOfMemoryError

pytestmark = pytest.mark.emulated

TEXT = """
name = "small"
seed = 7
trials = 3
[model]
architecture = ["linear", "hidden"]
loss = ["ce", "mse"]
v_draw = "{v_draw}"
[grid]
n_features = 6
n_samples = 9
n_classes = 5
n_hidden = 3
[measure]
statistics = ["histogram", "moments", "extremes", "masses", "eigenvalues"]
method = "dense"
precision = "{precision}"
bins = 7
"""


def small(precision: str = "float64", v_draw: str = "trial") -> Experiment:
    return Experiment.from_text(TEXT.format(precision=precision, v_draw=v_draw))


def records(experiment: Experiment, batches: list[tuple[int, int]]) -> dict[int, list]:
    """Records by cell, computed in batches of (first trial, count)."""
    edges = {cell.index: montecarlo.pilot_edges(experiment, cell) for cell in experiment.cells}
    found: dict[int, list] = {cell.index: [] for cell in experiment.cells}
    wanted = (Batch(cell, *batch) for cell in experiment.cells for batch in batches)
    for batch, made in gpu_trials.run_batches(experiment, wanted, edges):
        found[batch.cell.index] += made
    return found


@pytest.mark.parametrize(("precision", "v_draw"), [("float64", "trial"), ("float32", "cell")])
def test_records_are_the_cpus_up_to_rounding(precision: str, v_draw: str) -> None:
    experiment = small(precision, v_draw)
    found, eps = records(experiment, [(0, 2), (2, 1)]), np.finfo(precision).eps
    for cell in experiment.cells:
        edges = montecarlo.pilot_edges(experiment, cell)
        for trial, record in enumerate(found[cell.index]):
            wanted = montecarlo.run_trial(experiment, cell, trial, edges)
            assert list(record) == list(wanted)
            for name, value in record.items():
                assert value.shape == wanted[name].shape
                assert value.dtype == wanted[name].dtype
                if value.dtype == np.int64:
                    np.testing.assert_array_equal(value, wanted[name])
                else:
                    # The power moments of order 4 multiply the relative error of a matrix by 4.
                    scale = np.abs(wanted[name]).max()
                    np.testing.assert_allclose(value, wanted[name], rtol=0, atol=256 * eps * scale, err_msg=name)


def test_a_trial_has_the_same_bits_in_any_batch() -> None:
    experiment = small()
    one_by_one, together = records(experiment, [(0, 1), (1, 1), (2, 1)]), records(experiment, [(0, 3)])
    for index, made in together.items():
        for a, b in zip(made, one_by_one[index], strict=True):
            for name in a:
                np.testing.assert_array_equal(a[name], b[name])


def test_a_batch_out_of_memory_is_halved_until_it_fits(monkeypatch) -> None:
    experiment, sound = small(), gpu_trials.draw
    limit = 1
    wanted, tried = records(experiment, [(0, 3)]), []

    def draw(experiment, cell, trials):
        tried.append(len(trials))
        if len(trials) > limit:
            raise OutOfMemoryError("Out of memory allocating 1 bytes")
        return sound(experiment, cell, trials)

    monkeypatch.setattr(gpu_trials, "draw", draw)
    found = records(experiment, [(0, 3)])
    assert set(tried) == {3, 2, 1}
    np.testing.assert_array_equal(found[0][2]["moments"], wanted[0][2]["moments"])
    limit = 0
    with pytest.raises(kernels.DeviceError, match=r"^device 'gpu': out of memory with a single trial \(Out of"):
        records(experiment, [(0, 3)])


def test_eigenvalues_that_are_not_lapacks_are_an_error() -> None:
    A = np.diag(np.arange(4.0))
    gpu_matrices.spot_check(A, np.arange(4.0))
    with pytest.raises(np.linalg.LinAlgError, match="eigenvalues: the GPU is off by 1"):
        gpu_matrices.spot_check(A, np.array([0.0, 1.0, 2.0, 4.0]))
    with pytest.raises(np.linalg.LinAlgError, match="off by nan"):
        gpu_matrices.spot_check(A, np.full(4, np.nan))


@pytest.mark.parametrize(
    ("trial_bytes", "free", "most", "expected"),
    [
        (10**6, 10**9, 65535, 400),  # 0.8 of the memory, for two batches
        (10**6, 10**9, 64, 64),
        (1, 10**12, 10**9, 65535),  # gridDim.y
        (10**10, 10**9, 65535, 1),  # perhaps it fits all the same
        (0, 0, 65535, 1),
    ],
)
def test_batch_size(trial_bytes: int, free: int, most: int, expected: int) -> None:
    assert gpu_batches.batch_size(trial_bytes, free, most) == expected


def test_a_batch_holds_what_its_trials_are_said_to_take() -> None:
    experiment = small()
    linear, hidden = experiment.cells[0], experiment.cells[-1]
    assert gpu_trials.trial_bytes(linear, 8) > 8 * 3 * 9 * 6
    assert gpu_trials.trial_bytes(hidden, 4) < gpu_trials.trial_bytes(hidden, 8)
    assert 1 <= gpu_trials.batch_size(experiment, linear) <= 65535
