"""Masses on the GPU: those of the CPU, and only what must move moves."""

from typing import Any

import numpy as np
import pytest

from rmtsim import HiddenModel, kernels
from rmtsim.kernels.gpu import masses as gpu_masses
from rmtsim.kernels.gpu import matrices

from .. import rounding

pytestmark = pytest.mark.emulated

N, d, C, m = 12, 5, 40, 3


def arrays(dtype: type) -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(3)
    X, W, V = rng.normal(size=(N, d)), rng.normal(size=(m, d)), rng.normal(size=(C, m))
    X[:, 0] = 1
    W[1] = -9, 0, 0, 0, 0  # a unit that no sample turns on
    return X.astype(dtype), W.astype(dtype), V.astype(dtype), rng.integers(0, C, N)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("loss", ["ce", "mse"])
def test_masses_are_those_of_the_cpu(loss: str, dtype: type) -> None:
    X, W, V, y = arrays(dtype)
    h = np.maximum(X @ W.T, 0)
    error = rounding.masses(X, h, V, dtype)
    totals = HiddenModel(W, V, loss).total_masses(X, y)
    scales = {"ww": totals["ww_diag"], "vv": totals["vv_diag"], "wv": rounding.cross_scale(X, h, V, loss)}
    for total in (True, False):
        cpu, gpu = (HiddenModel(W, V, loss, device=device) for device in ("cpu", "gpu"))
        wanted = cpu.total_masses(X, y) if total else cpu.block_masses(X, y)
        found = gpu.total_masses(X, y) if total else gpu.block_masses(X, y)
        assert found.keys() == wanted.keys()
        for part, mass in wanted.items():
            np.testing.assert_allclose(found[part], mass, rtol=0, atol=error * scales[part[:2]])
    np.testing.assert_array_equal(gpu.block_masses(X, y)["wv"][1], 0)


class Moved:
    """Arrays that are copied to and from the device by one module."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, module: Any) -> None:
        self.shapes: list[tuple[int, ...]] = []
        for name in ("to_device", "to_host"):
            monkeypatch.setattr(module, name, self.noted(getattr(module, name)))

    def noted(self, copy: Any) -> Any:
        def noting(array: Any, *arguments: Any) -> Any:
            self.shapes.append(np.shape(array) if isinstance(array, np.ndarray) else array.shape)
            return copy(array, *arguments)

        return noting


def test_total_masses_move_nothing_of_the_size_of_samples_times_classes(monkeypatch) -> None:
    X, _, _, _ = arrays(np.float64)
    V = np.random.default_rng(4).normal(size=(C, d))
    sums, masses = Moved(monkeypatch, gpu_masses), Moved(monkeypatch, matrices)
    found, wanted = (
        kernels.load(device).class_mass_totals(X, V, 7) for device in ("gpu", "cpu")
    )  # six tiles
    np.testing.assert_allclose(found, wanted, rtol=0, atol=rounding.masses(X, X, V) * wanted[0])
    assert sorted(sums.shapes) == sorted([(N, d), (N,)] + 4 * [(1, N, N)])
    assert masses.shapes == []
