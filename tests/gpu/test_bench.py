"""The benchmark runs to its end; what it measures on an emulator says nothing."""

from typing import Any

import numpy as np
import pytest

from rmtsim import gpu_bench
from rmtsim.kernels import _gpu_cusolver, gpu_eigen

pytestmark = pytest.mark.emulated


def test_every_kernel_and_way_is_timed(monkeypatch) -> None:
    monkeypatch.setattr(gpu_bench, "REPEATS", 1)
    sizes = gpu_bench.Sizes(2, 5, 7, 6, numbers=64, order=8, eigenvalues=((4, 3), (6, 2)))
    found = gpu_bench.bench(sizes)
    assert len(found.timings) == 10
    assert {rate.name.split(",")[0] for rate in found.rates} == {"trials", "normals", "eigenvalues"}
    assert all(value > 0 for timing in found.timings for value in (timing.seconds, timing.floor))
    assert "tridiagonal          float32" in found.format()
    timed = {(e.routine, e.precision, e.order, e.matrices) for e in found.eigenvalues}
    assert timed == {
        (routine, precision, order, count)
        for routine in gpu_eigen.ROUTINES
        for precision in ("float32", "float64")
        for order, count in ((4, 3), (6, 2))
    }
    assert all(0 < e.seconds < np.inf and e.note == "same bits alone" for e in found.eigenvalues)


def test_a_routine_that_fails_or_is_not_there_is_told(monkeypatch) -> None:
    def fails(A: Any) -> None:
        raise np.linalg.LinAlgError("matrix 1 of 3")

    monkeypatch.setattr(gpu_bench, "REPEATS", 1)
    monkeypatch.setattr(_gpu_cusolver, "obstacle", {"xsyev_batched": "no nvmath"}.get)
    monkeypatch.setattr(gpu_eigen, "ROUTINES", {**gpu_eigen.ROUTINES, "xsyevd": fails})
    sizes = gpu_bench.Sizes(2, 5, 7, 6, numbers=64, order=8, eigenvalues=((4, 3),))
    lines = gpu_bench.bench(sizes).format().splitlines()
    assert lines[-1].split() == ["xsyev_batched", "no", "nvmath"]
    assert sum("inf" in line and "failed: matrix 1 of 3" in line for line in lines) == 2
    assert not any("xsyev_batched" in line for line in lines[:-1])
