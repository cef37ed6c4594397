"""The benchmark runs to its end; what it measures on an emulator says nothing."""

import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

from rmtsim.bench import gpu
from rmtsim.kernels.gpu import cusolver, eigen, matrices
from rmtsim.kernels.gpu.device import cupy

pytestmark = pytest.mark.emulated


def test_every_kernel_and_way_is_timed(monkeypatch) -> None:
    monkeypatch.setattr(gpu, "REPEATS", 1)
    sizes = gpu.Sizes(2, 5, 7, 6, numbers=64, order=8, eigenvalues=((4, 3), (6, 2)))
    found = gpu.bench(sizes)
    assert len(found.timings) == 10
    assert {rate.name.split(",")[0] for rate in found.rates} == {"trials", "normals", "eigenvalues"}
    assert all(value > 0 for timing in found.timings for value in (timing.seconds, timing.floor))
    assert ["tridiagonal", "float32"] in [line.split()[:2] for line in found.format().splitlines()]
    timed = {(e.routine, e.precision, e.order, e.matrices) for e in found.eigenvalues}
    assert timed == {
        (routine, precision, order, count)
        for routine in eigen.ROUTINES
        for precision in ("float32", "float64")
        for order, count in ((4, 3), (6, 2))
    }
    assert all(0 < e.seconds < np.inf and e.note == "same bits alone" for e in found.eigenvalues)


def test_jacobis_method_is_timed_on_small_matrices_only(monkeypatch) -> None:
    monkeypatch.setattr(gpu, "_timed", lambda routine, A: (1.0, ""))
    monkeypatch.setattr(matrices, "symmetrize", lambda A: None)
    found = list(gpu._eigenvalues(gpu.Sizes(eigenvalues=((200, 1), (201, 1)))))
    assert {e.order for e in found if e.routine == "syevj_batched"} == {200}
    assert {e.order for e in found if e.routine == "xsyevd"} == {200, 201}


@pytest.mark.parametrize("gpu_for_torch", [False, True])
def test_libraries_that_are_not_there_are_told(monkeypatch, gpu_for_torch: bool) -> None:
    def no_curand(size: int) -> None:
        raise ImportError('Failure finding "libcurand.so"\n  listdir')

    def used(*arguments, **keywords) -> SimpleNamespace:
        return SimpleNamespace(device="cuda:0")

    torch = ModuleType("torch")
    torch.__spec__ = SimpleNamespace(name="torch")
    torch.__version__, torch.float64, torch.randn, torch.from_dlpack = "9+cpu", "float64", used, used
    torch.linalg = SimpleNamespace(eigvalsh=used)
    torch.cuda = SimpleNamespace(is_available=lambda: gpu_for_torch, synchronize=lambda: None)
    monkeypatch.setitem(sys.modules, "torch", torch)
    monkeypatch.setattr(gpu, "REPEATS", 1)
    monkeypatch.setattr(cupy().random, "standard_normal", no_curand)
    monkeypatch.setattr(gpu, "_trials_per_second", lambda device, sizes: 1.0)
    sizes = gpu.Sizes(2, 5, 7, 6, numbers=64, order=8)
    rates = {rate.name: rate for rate in gpu._rates(sizes)}
    assert rates["normals, cupy.random"][1:] == (
        0,
        "numbers",
        'failed: Failure finding "libcurand.so"',
    )
    for name in ("normals, torch.randn", "eigenvalues, torch.linalg.eigvalsh"):
        assert (rates[name].per_second > 0) == gpu_for_torch
        told = "" if gpu_for_torch else "failed: PyTorch 9+cpu finds no GPU that it can use"
        assert rates[name].note == told
    lines = gpu.Benchmark({}, (), tuple(rates.values()), ()).format().splitlines()
    assert any(line.endswith('0 numbers/s  failed: Failure finding "libcurand.so"') for line in lines)


def test_a_routine_that_fails_or_is_not_there_is_told(monkeypatch) -> None:
    def fails(A: Any) -> None:
        raise np.linalg.LinAlgError("matrix 1 of 3")

    monkeypatch.setattr(gpu, "REPEATS", 1)
    monkeypatch.setattr(cusolver, "obstacle", {"xsyev_batched": "no nvmath"}.get)
    monkeypatch.setattr(eigen, "ROUTINES", {**eigen.ROUTINES, "xsyevd": fails})
    sizes = gpu.Sizes(2, 5, 7, 6, numbers=64, order=8, eigenvalues=((4, 3),))
    lines = gpu.bench(sizes).format().splitlines()
    assert lines[-1].split() == ["xsyev_batched", "no", "nvmath"]
    assert sum("inf" in line and "failed: matrix 1 of 3" in line for line in lines) == 2
    assert not any("xsyev_batched" in line for line in lines[:-1])
