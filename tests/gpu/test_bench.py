"""The benchmark runs to its end; what it measures on an emulator says nothing."""

import pytest

from rmtsim import gpu_bench

pytestmark = pytest.mark.emulated


def test_every_kernel_and_way_is_timed(monkeypatch) -> None:
    monkeypatch.setattr(gpu_bench, "REPEATS", 1)
    found = gpu_bench.bench(gpu_bench.Sizes(2, 5, 7, 6, numbers=64, order=8))
    assert len(found.timings) == 10
    assert {rate.name.split(",")[0] for rate in found.rates} == {"trials", "normals", "eigenvalues"}
    assert all(value > 0 for timing in found.timings for value in (timing.seconds, timing.floor))
    assert "tridiagonal          float32" in found.format()
