"""Batches of trials on the GPU: the reference's spectra up to rounding, and the same bits in any batch."""

import numpy as np
import pytest

import rmtsim
from rmtsim import kernels
from rmtsim.kernels.arguments.trials import Network
from rmtsim.kernels.gpu import batches
from rmtsim.kernels.gpu import trials as gpu_trials

from .. import rounding
from ..emulator import lookalike
from ..emulator.lookalike import OutOfMemoryError
from ..emulator.streams import Block

pytestmark = pytest.mark.emulated

HIDDEN_PAIRS = np.array([[0, 0], [1, 2]])
CLASS_PAIRS = np.array([[4, 4], [0, 3], [4, 0]])
SIZES = (9, 6, 5, 3)


def streams(trials: int, roles: int) -> np.ndarray:
    return np.random.default_rng(roles).integers(0, 2**32, (trials, roles, 4), np.uint32)


NETWORK = Network(w_std=1.5, v_std=0.75)


SURE = Network(v_std=8.0)
"""Sure of some of its samples, of others not."""


def linear(device: str, given: np.ndarray, loss: str, dtype: type, network: Network = NETWORK):
    """Forms and masses."""
    arguments = given, SIZES[:3], loss, CLASS_PAIRS, dtype, network
    return kernels.load(device).linear_forms(*arguments, masses=True)


def hidden(device: str, given: np.ndarray, loss: str, dtype: type, network: Network = NETWORK):
    """Forms and masses, of streams of four roles."""
    arguments = given, SIZES, loss, HIDDEN_PAIRS, CLASS_PAIRS, dtype, network
    return kernels.load(device).hidden_forms(*arguments, masses=True)


def spectra(forms) -> np.ndarray:
    """Eigenvalues (T, B, n)."""
    tridiagonals = np.zeros((*forms.diagonals.shape, forms.diagonals.shape[-1]))
    i = np.arange(forms.diagonals.shape[-1])
    tridiagonals[..., i, i] = forms.diagonals
    tridiagonals[..., i[1:], i[:-1]] = forms.off_diagonals
    return np.linalg.eigvalsh(tridiagonals)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("loss", ["ce", "mse"])
def test_spectra_are_those_of_the_reference_up_to_rounding(loss: str, dtype: type) -> None:
    def close(found, wanted) -> None:
        assert found.diagonals.shape == wanted.diagonals.shape
        assert found.off_diagonals.shape == wanted.off_diagonals.shape
        wanted = spectra(wanted)
        # Products of N or C terms, weights and the reduction, each a few roundings.
        bound = 8 * sum(SIZES) * np.finfo(dtype).eps * np.abs(wanted).max()
        np.testing.assert_allclose(spectra(found), wanted, rtol=0, atol=bound)

    of_linear = (linear(device, streams(3, 2), loss, dtype) for device in ("gpu", "reference"))
    close(*(found.classes for found in of_linear))
    found, wanted = (hidden(device, streams(3, 4), loss, dtype) for device in ("gpu", "reference"))
    close(found.hidden, wanted.hidden)
    close(found.classes, wanted.classes)
    # Normals within 4 ulp of the reference's, sums that may cancel.
    bound = 16 * sum(SIZES) * np.finfo(dtype).eps * np.abs(wanted.scales).max()
    np.testing.assert_allclose(found.scales, wanted.scales, rtol=0, atol=bound)


def drawn(words: np.ndarray, rows: int, columns: int, dtype: type, deviation: float) -> np.ndarray:
    numbers = kernels.load("cpu").normals(words, 0, rows * columns, dtype, deviation)
    return numbers.reshape(rows, columns)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(("loss", "network"), [("ce", NETWORK), ("ce", SURE), ("mse", NETWORK)])
def test_masses_are_those_of_the_reference_on_the_same_draws(
    loss: str, network: Network, dtype: type
) -> None:
    (N, d, C, m), reference = SIZES, kernels.load("reference")
    found = linear("gpu", streams(3, 2), loss, dtype, network).masses
    for (x, v), masses in zip(streams(3, 2), found, strict=True):
        X, V = drawn(x, N, d, dtype, 1.0), drawn(v, C, d, dtype, network.v_std * d**-0.5)
        wanted = reference.linear_masses(X, V, loss)
        allowed = rounding.masses(X, X, V, dtype) * wanted[0]
        np.testing.assert_allclose(masses, wanted, rtol=0, atol=allowed)
    found = hidden("gpu", streams(3, 4), loss, dtype, network).masses
    for (x, w, v, y), masses in zip(streams(3, 4), found, strict=True):
        X, W = drawn(x, N, d, dtype, 1.0), drawn(w, m, d, dtype, network.w_std * d**-0.5)
        V, labels = drawn(v, C, m, dtype, network.v_std * m**-0.5), kernels.load("cpu").labels(y, 0, N, C)
        h = np.maximum(X @ W.T, 0)
        wanted = reference.hidden_masses(X, W, V, loss, labels, network)
        scales = wanted[[0, 0, 2, 2, 4]]
        scales[4] = rounding.cross_scale(X, h, V, loss)
        allowed = rounding.masses(X, h, V, dtype) * scales
        assert (np.abs(masses - wanted) <= allowed).all()


def test_no_trials_and_no_blocks_give_empty_forms() -> None:
    gpu, none = kernels.load("gpu"), np.empty((0, 2), int)
    assert linear("gpu", streams(0, 2), "ce", np.float64).classes.off_diagonals.shape == (0, 3, 5)
    assert linear("gpu", streams(0, 2), "ce", np.float64).masses.shape == (0, 2)
    assert hidden("gpu", streams(0, 4), "mse", np.float64).masses.shape == (0, 5)
    found = gpu.hidden_forms(streams(2, 3), SIZES, "ce", none, none)
    assert found.masses is None
    assert found.hidden.diagonals.shape == (2, 0, 6)
    assert found.classes.diagonals.shape == (2, 0, 3)
    assert found.scales.shape == (2, 0)


@pytest.mark.parametrize(("loss", "network"), [("ce", NETWORK), ("ce", SURE), ("mse", NETWORK)])
def test_a_trial_has_the_same_bits_in_any_batch(monkeypatch, loss: str, network: Network) -> None:
    wanted = hidden("gpu", streams(5, 4), loss, np.float64, network)
    for count in (1, 2):
        monkeypatch.setattr(gpu_trials, "batch_size", lambda *memory, count=count: count)
        found = hidden("gpu", streams(5, 4), loss, np.float64, network)
        np.testing.assert_array_equal(found.hidden.diagonals, wanted.hidden.diagonals)
        np.testing.assert_array_equal(found.classes.off_diagonals, wanted.classes.off_diagonals)
        np.testing.assert_array_equal(found.masses, wanted.masses)


@pytest.mark.parametrize("stage", ["_draw", "_forms", "trial_linear_masses"])
def test_a_batch_out_of_memory_is_halved_until_it_fits(monkeypatch, stage: str) -> None:
    wanted = linear("gpu", streams(5, 2), "ce", np.float64)
    limit, tried, sound = 2, [], getattr(gpu_trials, stage)

    def limited(first, second, *others):
        count = len(second) if stage == "_draw" else len(first)
        tried.append(count)
        if count > limit:
            raise OutOfMemoryError("Out of memory allocating 1 bytes")
        return sound(first, second, *others)

    monkeypatch.setattr(gpu_trials, stage, limited)
    found = linear("gpu", streams(5, 2), "ce", np.float64)
    assert {5, 2, 3, 1} >= set(tried) >= {5, 2, 1}
    np.testing.assert_array_equal(found.classes.diagonals, wanted.classes.diagonals)
    np.testing.assert_array_equal(found.masses, wanted.masses)
    limit = 0
    with pytest.raises(
        kernels.DeviceError, match=r"^device 'gpu': out of memory with a single trial \(Out of"
    ):
        linear("gpu", streams(5, 2), "ce", np.float64)


def test_eigenvalues_that_are_not_lapacks_are_an_error(monkeypatch) -> None:
    monkeypatch.setattr(gpu_trials.spectra.FewDiagonals, "eigenvalues", lambda form: form.parts[0])
    with pytest.raises(np.linalg.LinAlgError, match="eigenvalues: the GPU is off by"):
        linear("gpu", streams(1, 2), "mse", np.float64)


@pytest.mark.parametrize(
    ("trial_bytes", "free", "expected"),
    [
        (10**6, 10**9, 400),  # 0.8 of the memory, for two batches
        (1, 10**12, 65535),  # gridDim.y
        (10**10, 10**9, 1),  # perhaps it fits all the same
        (0, 0, 1),
    ],
)
def test_batch_size(trial_bytes: int, free: int, expected: int) -> None:
    assert batches.batch_size(trial_bytes, free) == expected


def test_a_trial_is_said_to_take_at_least_its_arrays() -> None:
    N, d, C, m = 1000, 200, 50_000, 8
    assert gpu_trials.trial_bytes((N, d, C), 8) > 8 * (3 * N * d + 2 * d * d + 1000 * N)
    assert gpu_trials.trial_bytes((N, d, C, m), 4) < gpu_trials.trial_bytes((N, d, C, m), 8)
    for sizes in ((N, d, C), (N, d, C, m)):
        added = gpu_trials.trial_bytes(sizes, 8, masses=True) - gpu_trials.trial_bytes(sizes, 8)
        assert added > 8 * (4 * 1000 * N + 8 * N * N)


@pytest.mark.parametrize("architecture", ["linear", "hidden"])
@pytest.mark.parametrize(("loss", "network"), [("ce", NETWORK), ("ce", SURE), ("mse", NETWORK)])
def test_trials_with_masses_stay_within_the_memory_that_is_planned(
    monkeypatch, architecture: str, loss: str, network: Network
) -> None:
    """Beyond tiles, of which a small model has one that is smaller than a tile may be."""
    sizes = (40, 6, 300, 3)[: 3 if architecture == "linear" else 4]
    most = peak(monkeypatch, architecture, sizes, loss, network)
    assert most <= TRIALS_AT_ONCE * (gpu_trials.trial_bytes(sizes, 8, masses=True) + 8 * batches.FEW)


TRIALS_AT_ONCE = 3


def peak(monkeypatch, architecture: str, sizes: tuple[int, ...], loss: str, network: Network) -> int:
    """Most bytes on the device at once, in a batch of trials with masses."""
    held, most = [0], [0]
    gone, sound = Block.__del__, lookalike.DeviceArray.__init__

    def counted(array, memory, block=None) -> None:
        sound(array, memory, block)
        if block is None:
            array.block.bytes = memory.nbytes
            held[0] += memory.nbytes
            most[0] = max(most[0], held[0])

    def freed(block) -> None:
        held[0] -= getattr(block, "bytes", 0)
        gone(block)

    monkeypatch.setattr(lookalike.DeviceArray, "__init__", counted)
    monkeypatch.setattr(Block, "__del__", freed)
    operation = getattr(kernels.load("gpu"), f"{architecture}_forms")
    pairs = (CLASS_PAIRS,) if architecture == "linear" else (HIDDEN_PAIRS, CLASS_PAIRS)
    roles = 2 if architecture == "linear" else 4
    operation(streams(TRIALS_AT_ONCE, roles), sizes, loss, *pairs, np.float64, network, masses=True)
    return most[0]


EXPERIMENT = """
name = "small"
seed = 7
trials = 5
[model]
architecture = ["linear", "hidden"]
loss = "ce"
[grid]
n_features = 5
n_samples = 8
n_classes = 4
n_hidden = 3
"""


@pytest.mark.parametrize("workers", [1, 2])
def test_a_run_stores_the_records_of_the_cpu(workers: int, tmp_path) -> None:
    experiment = rmtsim.Experiment.from_text(EXPERIMENT)
    for device in ("cpu", "gpu"):
        rmtsim.run(experiment, tmp_path / f"{device}.h5", workers=workers, device=device)
    with rmtsim.open_results(tmp_path / "cpu.h5") as cpu, rmtsim.open_results(tmp_path / "gpu.h5") as gpu:
        assert gpu.attributes["device"] == "gpu"
        for cell in experiment.cells:
            # Blocks as above; the fourth power of an eigenvalue, and masses, quadruple its relative error.
            sizes = cell.n_samples + cell.n_features + cell.n_classes + (cell.n_hidden or 0)
            bound = 4 * 8 * sizes * np.finfo(np.float64).eps
            for name in experiment.schema(cell):
                wanted, found = (results.array(cell.index, name) for results in (cpu, gpu))
                np.testing.assert_allclose(found, wanted, rtol=0, atol=bound * np.abs(wanted).max())
