"""Eigenvalues beyond the order of our own kernel: cuSOLVER's, which never fails in silence."""

import importlib

import numpy as np
import pytest

from rmtsim import kernels
from rmtsim.kernels.gpu import device, eigen

from ..emulator import solver

pytestmark = pytest.mark.emulated


def matrices(count: int, n: int, dtype: type = np.float64) -> np.ndarray:
    A = np.random.default_rng(n).normal(size=(count, n, n))
    return (A + A.transpose(0, 2, 1)).astype(dtype)


def close(found: np.ndarray, wanted: np.ndarray, dtype: type = np.float64) -> None:
    """Eigenvalues (..., n), on either side right to a small multiple of n eps |A|."""
    bound = 8 * wanted.shape[-1] * np.finfo(dtype).eps * np.abs(wanted).max()
    np.testing.assert_allclose(found, wanted, rtol=0, atol=bound)


def test_cusolver_takes_the_orders_beyond_our_own_kernel(monkeypatch) -> None:
    taken = []
    for name in ("householder", "by_cusolver"):
        monkeypatch.setattr(eigen, name, lambda A, name=name: taken.append(name))
    for order in (1024, 1025):
        eigen.trial_tridiagonals(device.empty((1, order, order), np.float32))
    assert taken == ["householder", "by_cusolver"]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_large_matrices_go_to_cusolver(monkeypatch, dtype: type) -> None:
    monkeypatch.setattr(eigen, "HOUSEHOLDER_LIMIT", 3)
    gpu, A = kernels.load("gpu"), matrices(2, 33, dtype)
    wanted = np.linalg.eigvalsh(A.astype(np.float64))
    close(device.to_host(eigen.by_cusolver(device.to_device(A))), wanted, dtype)
    diagonal, off_diagonal = gpu.tridiagonal(A[0])
    np.testing.assert_array_equal(off_diagonal, 0)
    close(diagonal, wanted[0], dtype)
    close(gpu.eigenvalues(A[0]), wanted[0], dtype)


def test_only_the_upper_triangle_counts(monkeypatch) -> None:
    monkeypatch.setattr(eigen, "HOUSEHOLDER_LIMIT", 3)
    (A,) = matrices(1, 6)
    A[4, 1] = 1e3
    close(kernels.load("gpu").eigenvalues(A), np.linalg.eigvalsh(A, UPLO="U"))


def test_what_cusolver_cannot_do_is_said_in_one_sentence(monkeypatch) -> None:
    A = device.to_device(matrices(5, 4))
    with monkeypatch.context() as patch:
        patch.setattr(eigen, "ORDER_LIMIT", 3)
        with pytest.raises(ValueError, match="A: expected an order of at most 3 on the GPU, got 4"):
            eigen.by_cusolver(A)
    with monkeypatch.context() as patch:
        patch.setattr(solver, "LARGEST", 15)
        with pytest.raises(kernels.DeviceError, match=r"refuses a matrix of order 4 in float64: CUSOL"):
            eigen.by_cusolver(A)
    monkeypatch.setattr(solver.Faults, "missing", {"cusolver"})
    message = r"order 4 need cuSOLVER, and CuPy cannot load it: .*cusolver.so.*cupy-cuda13x\[ctk\]"
    with pytest.raises(kernels.DeviceError, match=message) as failure:
        eigen.by_cusolver(A)
    assert "\n" not in str(failure.value)


def test_libraries_are_taken_where_cupy_looks_into_wheels() -> None:
    with pytest.raises(ImportError):
        importlib.import_module("cupy_backends.cuda.libs.cusolver")
    assert device.library("cusolver").CUSOLVERError is solver.CUSOLVERError


@pytest.mark.parametrize("bad", [0, 1, 4])
def test_a_matrix_that_does_not_converge_is_named(monkeypatch, bad: int) -> None:
    A = matrices(5, 4)
    A[bad] *= 1000
    monkeypatch.setattr(solver.Faults, "fails", staticmethod(lambda matrix: np.abs(matrix).max() > 100))
    message = f"^cuSOLVER: no eigenvalues of matrix {bad} of 5, order 4, float64: "
    with pytest.raises(np.linalg.LinAlgError, match=message):
        eigen.by_cusolver(device.to_device(A))
    assert solver.Faults.silent, "CuPy's setting is as it was"


def test_eigenvalues_that_are_not_lapacks_are_an_error(monkeypatch) -> None:
    A = np.diag(np.arange(4.0))
    eigen.spot_check(A, np.arange(4.0))
    with pytest.raises(np.linalg.LinAlgError, match="eigenvalues: the GPU is off by 1"):
        eigen.spot_check(A, np.array([0.0, 1.0, 2.0, 4.0]))
    with pytest.raises(np.linalg.LinAlgError, match="off by nan"):
        eigen.spot_check(A, np.full(4, np.nan))
    monkeypatch.setattr(eigen, "HOUSEHOLDER_LIMIT", 3)
    monkeypatch.setattr(eigen, "by_cusolver", lambda given: device.to_device(np.ones((1, 4))))
    with pytest.raises(np.linalg.LinAlgError, match="eigenvalues: the GPU is off by"):
        kernels.load("gpu").eigenvalues(A)


def test_our_own_kernel_refuses_more_than_its_shared_memory_holds() -> None:
    with pytest.raises(ValueError, match="expected an order of at most 3056 in float64, got 3057"):
        eigen.householder(device.empty((1, 3057, 3057)))
