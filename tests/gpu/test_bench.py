"""The benchmark runs to its end; what it measures on an emulator says nothing."""

import sys
from types import ModuleType, SimpleNamespace

import pytest

from rmtsim.bench import gpu
from rmtsim.kernels.gpu.device import cupy

pytestmark = pytest.mark.emulated


def test_every_kernel_and_way_is_timed(monkeypatch) -> None:
    monkeypatch.setattr(gpu, "REPEATS", 1)
    sizes = gpu.Sizes(2, 5, 7, 6, numbers=64, order=8)
    found = gpu.bench(sizes)
    assert len(found.timings) == 10
    assert {rate.name.split(",")[0] for rate in found.rates} == {"trials", "normals", "eigenvalues"}
    assert all(value > 0 for timing in found.timings for value in (timing.seconds, timing.floor))
    assert ["tridiagonal", "float32"] in [line.split()[:2] for line in found.format().splitlines()]


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
    lines = gpu.Benchmark({}, (), tuple(rates.values())).format().splitlines()
    assert any(line.endswith('0 numbers/s  failed: Failure finding "libcurand.so"') for line in lines)
