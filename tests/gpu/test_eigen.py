"""Eigenvalues of many matrices: which routine is chosen, that it is right, and never fails in silence."""

import importlib
import sys
from collections.abc import Iterator

import numpy as np
import pytest

from rmtsim import kernels
from rmtsim.kernels.gpu import cusolver, eigen
from rmtsim.kernels.gpu import device as _gpu

from ..emulator import solver
from ..emulator.lookalike import Device
from ..emulator.module import EmulatorError
from ..emulator.streams import Stream

pytestmark = pytest.mark.emulated

F32, F64 = np.dtype(np.float32), np.dtype(np.float64)
ALL = tuple(eigen.ROUTINES)
CUSOLVER = ("syevj_batched", "xsyevd", "xsyev_batched")


@pytest.fixture
def only(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """A monkeypatch for tests that change what is installed."""
    cusolver.obstacle.cache_clear()
    yield monkeypatch
    monkeypatch.undo()
    cusolver.obstacle.cache_clear()


class Obstacles(dict):
    """In the place of `obstacle`: reasons by routine, and which were asked for."""

    def __init__(self, reasons: dict[str, str]) -> None:
        super().__init__(reasons)
        self.asked: list[str] = []

    def __call__(self, routine: str) -> str | None:
        self.asked.append(routine)
        return self.get(routine)


def matrices(count: int, n: int, dtype: type = np.float64) -> np.ndarray:
    A = np.random.default_rng(n).normal(size=(count, n, n))
    return (A + A.transpose(0, 2, 1)).astype(dtype)


def close(found: np.ndarray, wanted: np.ndarray, dtype: type = np.float64) -> None:
    """Eigenvalues (..., n), on either side right to a small multiple of n eps |A|."""
    bound = 8 * wanted.shape[-1] * np.finfo(dtype).eps * np.abs(wanted).max()
    np.testing.assert_allclose(found, wanted, rtol=0, atol=bound)


@pytest.mark.parametrize(
    ("order", "count", "dtype", "absent", "expected"),
    [
        (1, 1, F64, "", "own"),
        (32, 10_000, F32, "", "own"),  # not syevjBatched, however many there are
        (1024, 64, F64, "", "own"),
        (1025, 64, F64, "", "xsyev_batched"),
        (1025, 1, F64, "", "xsyevd"),  # nothing to batch
        (1025, 64, F64, "xsyev_batched", "xsyevd"),
        (11585, 64, F64, "", "xsyev_batched"),  # 2 matrices of 8 n^2 bytes below 2^31
        (11586, 64, F64, "", "xsyevd"),
        (16383, 64, F32, "", "xsyev_batched"),
        (16384, 64, F32, "", "xsyevd"),
        (46340, 2, F64, "", "xsyevd"),
    ],
)
def test_choice(only, order: int, count: int, dtype: np.dtype, absent: str, expected: str) -> None:
    only.setattr(cusolver, "obstacle", Obstacles({absent: "not there"}))
    assert eigen.choose(order, count, dtype) == expected


def test_no_routine_is_an_error(only) -> None:
    with pytest.raises(ValueError, match="A: expected an order of at most 46340 on the GPU, got 46341"):
        eigen.choose(46341, 1, F32)
    only.setattr(solver.Faults, "missing", {"cusolver"})
    with pytest.raises(
        kernels.DeviceError, match=r'1025 need xsyevd .*: CuPy cannot load cuSOLVER: Fail.* "libcusolver.so"'
    ) as failure:
        eigen.choose(1025, 1, F64)
    assert "\n" not in str(failure.value)
    assert "cupy-cuda13x[ctk]" in str(failure.value)


def test_what_is_stored_depends_on_nothing_but_the_order(only) -> None:
    for order in (5, 1024, 1025, 5000):
        chosen = set()
        for absent in ({}, {"xsyev_batched": "not there"}):
            only.setattr(cusolver, "obstacle", Obstacles(absent))
            chosen |= {eigen.choose(order, count, F64, stable=True) for count in (1, 2, 1000)}
        assert len(chosen) == 1
        assert chosen <= set(eigen.STABLE)


def test_nothing_is_looked_for_up_to_the_order_of_our_own_kernel(only) -> None:
    only.setattr(cusolver, "obstacle", Obstacles({}))
    eigen.trial_eigenvalues(_gpu.to_device(matrices(2, 3)))
    eigen.trial_tridiagonals(_gpu.to_device(matrices(2, 3)))
    assert cusolver.obstacle.asked == []
    eigen.choose(1025, 2, F64, stable=True)
    assert cusolver.obstacle.asked == ["xsyevd"]


def test_libraries_are_taken_where_cupy_looks_into_wheels(only) -> None:
    with pytest.raises(ImportError):
        importlib.import_module("cupy_backends.cuda.libs.cusolver")
    assert eigen.installed() == ALL


def test_calls_of_cusolver_stay_below_its_integers() -> None:
    assert cusolver.most_matrices(2000, F64) == 67
    assert cusolver.most_matrices(16383, F64) == 1
    assert cusolver.most_matrices(16384, F64) == 0
    assert cusolver.most_matrices(1, F32) == 16384
    for n in (50, 200, 1000, 2000):
        assert n * n * cusolver.most_matrices(n, F64) * 8 < 2**31


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("routine", ALL)
def test_each_routine_agrees_with_lapack(routine: str, dtype: type) -> None:
    for count, n in ((1, 1), (3, 2), (2, 33), (4, 70)):
        A = matrices(count, n, dtype)
        found = _gpu.to_host(eigen.trial_eigenvalues(_gpu.to_device(A), routine))
        wanted = np.linalg.eigvalsh(A.astype(np.float64))
        assert found.dtype == np.float64
        close(found, wanted, dtype)


@pytest.mark.parametrize("routine", ALL)
def test_no_matrices_and_no_order_give_no_eigenvalues(routine: str) -> None:
    for shape in ((0, 3, 3), (2, 0, 0)):
        assert eigen.trial_eigenvalues(_gpu.empty(shape), routine).shape == shape[:2]


@pytest.mark.parametrize("routine", CUSOLVER)
@pytest.mark.parametrize("bad", [0, 1, 4])
def test_a_matrix_that_does_not_converge_is_named(monkeypatch, routine: str, bad: int) -> None:
    A = matrices(5, 4)
    A[bad] *= 1000
    monkeypatch.setattr(solver.Faults, "fails", staticmethod(lambda matrix: np.abs(matrix).max() > 100))
    monkeypatch.setattr(cusolver, "BATCH_LIMIT", 2)
    with pytest.raises(
        np.linalg.LinAlgError, match=f"^{routine}: no .* matrix {bad} of 5, order 4, float64: "
    ):
        eigen.ROUTINES[routine](_gpu.to_device(A))
    assert solver.Faults.silent, "CuPy's setting is as it was"


@pytest.mark.parametrize("routine", ["syevj_batched", "xsyev_batched"])
def test_large_batches_are_taken_in_parts(monkeypatch, routine: str) -> None:
    A, sizes = matrices(5, 4), []
    monkeypatch.setattr(cusolver, "INT32_MAX", 2 * 4 * 4 * 8)
    sound = solver._solved
    monkeypatch.setattr(solver, "_solved", lambda given, uplo: sizes.append(len(given)) or sound(given, uplo))
    found = _gpu.to_host(eigen.ROUTINES[routine](_gpu.to_device(A)))
    close(found, np.linalg.eigvalsh(A))
    assert sizes == [2, 2, 1]
    monkeypatch.setattr(cusolver, "INT32_MAX", 4 * 4 * 8 - 1)
    with pytest.raises(ValueError, match=f"{routine}: expected an order of at most 3 in float64, got 4"):
        eigen.ROUTINES[routine](_gpu.to_device(A))
    assert sizes == [2, 2, 1], "refused before the call"


@pytest.mark.parametrize("routine", CUSOLVER)
def test_what_cusolver_refuses_is_said_in_words(monkeypatch, routine: str) -> None:
    monkeypatch.setattr(solver, "LARGEST", 15)
    with pytest.raises(
        kernels.DeviceError, match=rf"{routine}: cuSOLVER refuses . x \(4, 4\) in float64: CUSOL"
    ):
        eigen.ROUTINES[routine](_gpu.to_device(matrices(2, 4)))


def test_only_the_upper_triangle_counts() -> None:
    A = matrices(2, 6)
    A[:, 4, 1] = 1e3
    wanted = np.linalg.eigvalsh(A, UPLO="U")
    for routine in CUSOLVER:
        found = _gpu.to_host(eigen.ROUTINES[routine](_gpu.to_device(A)))
        close(found, wanted)


def test_the_batched_call_runs_on_the_current_stream_and_refuses_strides() -> None:
    wanted = np.linalg.eigvalsh(matrices(3, 5))
    for stream in (Stream(), Stream()):
        with stream:
            found = cusolver.xsyev_batched(_gpu.to_device(matrices(3, 5)))
            close(_gpu.to_host(found), wanted)
    with pytest.raises(TypeError, match="expected a contiguous array, got strides"):
        cusolver.xsyev_batched(_gpu.to_device(matrices(3, 6))[:, :5, :5])


def test_work_space_is_the_pools(monkeypatch) -> None:
    A = _gpu.to_device(matrices(2, 40))
    monkeypatch.setattr(Device, "limit", 16 * 40 * 2 - 1)
    with pytest.raises(MemoryError, match="Out of memory allocating 1,280 bytes"):
        cusolver.xsyev_batched(A)


def test_the_stand_in_refuses_what_cusolver_would_not_forgive() -> None:
    bindings = sys.modules["nvmath.bindings.cusolverDn"]
    A, values, info = _gpu.to_device(matrices(2, 3)), _gpu.empty((2, 3)), _gpu.empty((2,), np.int32)
    handle, params = bindings.create(), bindings.create_params()
    head = handle, params, 0, 0, 3, 1, A.data.ptr, 3, 1, values.data.ptr, 1
    on_device, on_host = bindings.xsyev_batched_buffer_size(*head, 2)
    work, host = _gpu.empty((on_device,), np.uint8), np.empty(on_host, np.uint8)
    tail = host.ctypes.data, on_host, info.data.ptr, 2
    with pytest.raises(EmulatorError, match="work space was asked for"):
        bindings.xsyev_batched(*head, work.data.ptr, on_device - 1, *tail)
    with pytest.raises(EmulatorError, match="not memory of the device"):
        bindings.xsyev_batched(*head, host.ctypes.data, on_device, *tail)
    with Stream(), pytest.raises(EmulatorError, match="another stream"):
        bindings.xsyev_batched(*head, work.data.ptr, on_device, *tail)
    bindings.xsyev_batched(*head, work.data.ptr, on_device, *tail)
    np.testing.assert_array_equal(_gpu.to_host(info), 0)


def test_a_routine_that_is_not_there_is_an_error(only) -> None:
    A = _gpu.to_device(matrices(2, 3))
    with pytest.raises(ValueError, match=r"routine: expected one of own, syevj_batched, .* got 'syev'"):
        eigen.trial_eigenvalues(A, "syev")
    assert eigen.installed() == ALL
    only.setattr(solver, "VERSION", 11700)
    only.setattr(solver.Faults, "missing", {"cusolver"})
    assert eigen.installed() == ALL, "looked up once"
    cusolver.obstacle.cache_clear()
    assert eigen.installed() == ("own",)
    with pytest.raises(kernels.DeviceError, match=r"cannot be used: expected cuSOLVER 11701 .* got 11700"):
        eigen.trial_eigenvalues(A, "xsyev_batched")
    with pytest.raises(kernels.DeviceError, match=r"'xsyevd' cannot be used: CuPy cannot load cuSOLVER"):
        eigen.trial_eigenvalues(A, "xsyevd")


@pytest.mark.parametrize("what", ["absent", "unbound", "without libraries"])
def test_without_xsyev_batched_large_matrices_go_one_by_one(only, what: str) -> None:
    if what == "absent":
        for name in ("nvmath", "nvmath.bindings", "nvmath.bindings.cusolver", "nvmath.bindings.cusolverDn"):
            only.delitem(sys.modules, name)
    elif what == "unbound":
        only.delattr(solver.Bindings, "xsyev_batched")
    else:

        def missing() -> int:
            raise RuntimeError("no libcusolver")

        only.setattr(sys.modules["nvmath.bindings.cusolver"], "get_version", missing)
    only.setattr(eigen, "HOUSEHOLDER_LIMIT", 3)
    assert eigen.installed() == ("own", "syevj_batched", "xsyevd")
    called = []
    only.setattr(
        eigen,
        "ROUTINES",
        {name: lambda A, name=name: called.append(name) or eigen.own(A) for name in ALL},
    )
    eigen.trial_eigenvalues(_gpu.to_device(matrices(2, 4)))
    assert called == ["xsyevd"]


def test_large_matrices_go_to_cusolver(monkeypatch) -> None:
    monkeypatch.setattr(eigen, "HOUSEHOLDER_LIMIT", 3)
    gpu, (A,) = kernels.load("gpu"), matrices(1, 4)
    diagonal, off_diagonal = gpu.tridiagonal(A)
    np.testing.assert_array_equal(off_diagonal, 0)
    np.testing.assert_array_equal(diagonal, gpu.eigenvalues(A))
    close(diagonal, np.linalg.eigvalsh(A))


def test_wrong_eigenvalues_of_a_batch_are_an_error(monkeypatch) -> None:
    wrong = {**eigen.ROUTINES, "xsyevd": lambda A: eigen.own(A[1:])}
    monkeypatch.setattr(eigen, "ROUTINES", wrong)
    with pytest.raises(np.linalg.LinAlgError, match=r"the GPU \(xsyevd\) is off by"):
        eigen.trial_eigenvalues(_gpu.to_device(matrices(2, 6)), "xsyevd")


def test_our_own_kernel_refuses_more_than_its_shared_memory_holds() -> None:
    with pytest.raises(ValueError, match="expected an order of at most 3056 in float64, got 3057"):
        eigen.own(_gpu.empty((1, 3057, 3057)))
