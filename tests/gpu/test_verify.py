"""`verify` passes on every device, and fails where one is wrong."""

import numpy as np
import pytest

import rmtsim.verify
from rmtsim import gpu_verify, kernels
from rmtsim.kernels import _gpu, _gpu_cusolver, gpu_eigen
from rmtsim.verify import CASES, verify


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Orders that the emulator reduces in a second."""
    monkeypatch.setattr(gpu_verify, "ORDERS", (1, 33))


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
    records = rmtsim.verify._records

    def perturbed(*arguments):
        made = records(*arguments)
        made[1]["moments"] *= 1 + 1e-9
        return made

    monkeypatch.setattr(rmtsim.verify, "_records", perturbed)
    found = verify("cpu")
    wrong = {(c.group, c.name) for c in found.checks if not c.passed and c.precision == "float64"}
    assert {name for group, name in wrong if group == "reference"} == {"class_means", "moments"}
    assert ("trials", "linear ce") in wrong
    assert not found.passed
    assert "FAILED" in found.format()


def test_every_operation_has_a_case() -> None:
    drawn = {"philox4x32", "uniforms", "normals", "labels", "linear_forms", "hidden_forms"}
    drawn |= {"chi", "half_space_counts", "wedge_samples", "output_grams"}
    assert set(CASES) | drawn >= set(kernels.OPERATIONS)


@pytest.mark.emulated
def test_every_routine_for_eigenvalues_is_checked(monkeypatch) -> None:
    rows = list(gpu_verify.routines("float64"))
    assert [name for group, name, _ in rows if group == "lapack"] == list(gpu_eigen.ROUTINES)
    assert {name for group, name, _ in rows if group == "same bits"} == set(gpu_eigen.STABLE)
    assert all(error <= 1 for _, _, error in rows)
    assert gpu_verify.missing() == {}
    monkeypatch.setattr(_gpu_cusolver, "obstacle", {"xsyevd": "no cuSOLVER"}.get)
    assert gpu_verify.missing() == {"without xsyevd": "no cuSOLVER"}
    assert "xsyevd" not in {name for _, name, _ in gpu_verify.routines("float64")}


@pytest.mark.emulated
def test_a_wrong_routine_fails(monkeypatch) -> None:
    def by_batch(A):
        """Bits that depend on the size of the batch."""
        count = len(A)
        return _gpu.to_device(_gpu.to_host(gpu_eigen.own(A)) * (1 + 1e-15 * (count > 1)))

    def garbage(A):
        return _gpu.to_device(np.full(A.shape[:2], np.nan))

    monkeypatch.setattr(
        gpu_eigen, "ROUTINES", {**gpu_eigen.ROUTINES, "xsyevd": by_batch, "syevj_batched": garbage}
    )
    found = {(group, name) for group, name, error in gpu_verify.routines("float64") if not error <= 1}
    assert found == {("same bits", "xsyevd"), ("lapack", "syevj_batched")}
