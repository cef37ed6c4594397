"""`verify` passes on every device, and fails where one is wrong."""

import numpy as np
import pytest

import rmtsim.verify
from rmtsim import kernels
from rmtsim.verify import CASES, verify


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
    assert set(CASES) | drawn >= set(kernels.OPERATIONS)
