"""Masses on the GPU: those of the CPU, and only what must move moves."""

from typing import Any

import numpy as np
import pytest

from rmtsim import HiddenModel, kernels
from rmtsim.kernels.gpu import masses, matrices, pair_sums, softmax, softmax_masses, square_masses, tops

from .. import rounding

pytestmark = pytest.mark.emulated

N, d, C, m = 12, 5, 40, 3
MODULES = masses, matrices, pair_sums, softmax, softmax_masses, square_masses, tops


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
        for name in {"to_device", "to_host"} & vars(module).keys():
            monkeypatch.setattr(module, name, self.noted(getattr(module, name)))

    def noted(self, copy: Any) -> Any:
        def noting(array: Any, *arguments: Any) -> Any:
            self.shapes.append(np.shape(array) if isinstance(array, np.ndarray) else array.shape)
            return copy(array, *arguments)

        return noting


@pytest.mark.parametrize("confident", [False, True])
@pytest.mark.parametrize("loss", ["ce", "mse"])
def test_total_masses_move_nothing_of_the_size_of_samples_squared_or_times_classes(
    monkeypatch, loss: str, confident: bool
) -> None:
    X, W, V, y = arrays(np.float64)
    V *= 30 if confident else 0.1
    moved = [Moved(monkeypatch, module) for module in MODULES]
    kernels.load("gpu").hidden_masses(X, W, V, loss, y, tile=20)  # two tiles
    shapes = [shape for module in moved for shape in module.shapes]
    assert {(N, d), (m, d), (N,)} <= set(shapes)
    of_v = [shape for shape in shapes if shape == (20, m)]
    whole = [shape for shape in shapes if shape[-2:] == (C, m)]  # the first classes, for their center
    assert len(whole) == (0 if loss == "mse" else 2)
    assert len(of_v) == 2 * (1 if loss == "mse" else 4 if confident else 2)  # passes over V
    sums = [shape for shape in shapes if shape not in of_v + whole]
    assert max(np.prod(shape) for shape in sums) <= N * max(d, m)
    assert not any({C, 20} & set(shape) for shape in sums)
