"""`verify` passes on every device, and fails where one is wrong."""

from collections.abc import Iterable

import numpy as np
import pytest

import rmtsim.verify.device
from rmtsim import kernels
from rmtsim.kernels.gpu import device, eigen
from rmtsim.verify import gpu as gpu_verify
from rmtsim.verify.device import verify
from rmtsim.verify.table import Check


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Orders that the emulator reduces in a second."""
    monkeypatch.setattr(gpu_verify, "ORDERS", (1, 33))


def failed(rows: Iterable[Check]) -> set[tuple[str, str]]:
    return {(row.group, row.name) for row in rows if not row.passed}


@pytest.mark.parametrize("device", kernels.DEVICES)
def test_every_device_passes(device: str) -> None:
    found = verify(device)
    assert found.passed, found.format()
    assert found.format().endswith(f"device {device}: all {len(found.checks)} checks passed")
    assert {check.name for check in found.checks if check.group == "reference"} == set(kernels.OPERATIONS)


def test_a_wrong_device_fails(monkeypatch) -> None:
    sound = kernels.load("cpu").class_means
    monkeypatch.setattr(kernels.load("cpu"), "class_means", lambda *arguments: sound(*arguments) * (1 + 1e-9))
    monkeypatch.setattr(kernels.load("cpu"), "moments", lambda a, b: np.full(4, np.nan))
    records = rmtsim.verify.device._records

    def perturbed(*arguments):
        made = records(*arguments)
        made[1]["moments"] *= 1 + 1e-9
        return made

    monkeypatch.setattr(rmtsim.verify.device, "_records", perturbed)
    found = verify("cpu")
    wrong = {(c.group, c.name) for c in found.checks if not c.passed and c.precision == "float64"}
    assert {name for group, name in wrong if group == "reference"} == {"class_means", "moments"}
    assert ("trials", "linear ce") in wrong
    assert not found.passed
    assert "FAILED" in found.format()


@pytest.mark.emulated
def test_large_matrices_are_checked(monkeypatch) -> None:
    monkeypatch.setattr(eigen, "HOUSEHOLDER_LIMIT", 32)
    rows = list(gpu_verify.matrices("float64"))
    names = {f"eigenvalues {order}" for order in (1, 33)}
    assert {(row.group, row.name) for row in rows} == {(g, n) for g in ("lapack", "same bits") for n in names}
    assert all(row.passed and row.precision == "float64" for row in rows)
    sound = eigen.by_cusolver

    def by_batch(A):
        """Bits that depend on the size of the batch."""
        return device.to_device(device.to_host(sound(A)) * (1 + 1e-14 * (len(A) > 1)))

    monkeypatch.setattr(eigen, "by_cusolver", by_batch)
    assert failed(gpu_verify.matrices("float64")) == {("same bits", "eigenvalues 33")}
    monkeypatch.setattr(eigen, "by_cusolver", lambda A: device.to_device(np.zeros(A.shape[:2])))
    assert failed(gpu_verify.matrices("float64")) == {("lapack", "eigenvalues 33")}


def test_a_device_that_gives_up_fails_its_rows_alone(monkeypatch) -> None:
    def gives_up(*arguments, **keywords):
        raise np.linalg.LinAlgError("the GPU is off by 1")

    monkeypatch.setattr(rmtsim.verify.device, "PRECISIONS", ("float64",))
    for name in ("philox4x32", "moments"):
        monkeypatch.setattr(kernels.load("cpu"), name, gives_up)
    monkeypatch.setattr(rmtsim.verify.device, "_records", gives_up)
    found = verify("cpu")
    assert not found.passed
    wrong = {row for row in found.checks if not row.passed}
    assert {row.name for row in wrong if row.group == "reference"} == {"philox4x32", "moments"}
    assert len([row for row in wrong if row.group == "trials"]) == 6
    assert {row.note for row in wrong} == {"LinAlgError: the GPU is off by 1"}
    assert "inf  FAILED: LinAlgError: the GPU is off by 1" in found.format()


@pytest.mark.emulated
def test_trials_whose_bits_depend_on_their_batch_fail(monkeypatch) -> None:
    assert failed(gpu_verify.batches("float32")) == set()
    gpu = kernels.load("gpu")
    linear, hidden = gpu.linear_forms, gpu.hidden_forms

    def last_bit(streams, *arguments):
        found = linear(streams, *arguments)
        found.classes.diagonals[1:] *= 1 + np.finfo(float).eps
        return found

    def other_masses(streams, *arguments):
        found = hidden(streams, *arguments)
        found.masses[1:] *= 2
        return found

    monkeypatch.setattr(gpu, "linear_forms", last_bit)
    monkeypatch.setattr(gpu, "hidden_forms", other_masses)
    names = {f"{name}_forms {loss}" for name in ("linear", "hidden") for loss in ("ce", "mse")}
    assert failed(gpu_verify.batches("float64")) == {("same bits", name) for name in names}
