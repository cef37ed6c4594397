"""Eigenvalues of symmetric matrices by cuSOLVER: three routines, the convergence of every matrix checked.

xsyevd and syevjBatched are called through CuPy. XsyevBatched (CUDA 12.6.2 and newer) is not bound by CuPy but
by nvmath-python, which is used if it is there. The batched two are for bench and verify only. Work space
comes from CuPy's memory pool.

Each routine takes A (T, n, n) on the device, contiguous and with both triangles, whose content may be lost,
and returns the eigenvalues (T, n), ascending, float64.
"""

import threading
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import Any

import numpy as np

from ..errors import DeviceError
from .device import cupy, empty, in_a_line, library, to_host

INT32_MAX = 2**31 - 1
ORDER_LIMIT = 46340
"""Largest order whose number of entries is below 2^31: xsyevd counts work space in 32-bit integers."""
BATCH_LIMIT = 16384
"""Matrices of one batched call: NVIDIA states no limit, users met refusals from 32768 on."""
XSYEV_BATCHED_SINCE = 11701
"""Version of cuSOLVER, 1000 major + 100 minor + patch, that came with CUDA 12.6.2."""
NVMATH = "pip install 'nvmath-python[cu12]' or, for CUDA 13, 'nvmath-python[cu13]'"

# cusolverEigMode_t, cublasFillMode_t and cudaDataType. A row-major matrix is its transpose to cuSOLVER.
NO_VECTORS, ROW_MAJOR_UPPER = 0, 0
KINDS = {np.dtype(np.float32): 0, np.dtype(np.float64): 1}


@cache
def obstacle(routine: str) -> str | None:
    """Why a routine cannot be used here; None if it can, as our own always can."""
    if routine == "own":
        return None
    if routine == "xsyev_batched":
        return _no_xsyev_batched()
    try:
        library("cusolver")
    except ImportError as error:
        return f"CuPy cannot load cuSOLVER: {in_a_line(error)}"
    return None


def _no_xsyev_batched() -> str | None:
    if find_spec("nvmath") is None:
        return f"nvmath-python is not installed ({NVMATH})"
    try:
        version = _nvmath("cusolver").get_version()
        bound = hasattr(_nvmath("cusolverDn"), "xsyev_batched")
    except (
        ImportError,
        RuntimeError,
    ) as error:  # RuntimeError: what nvmath raises for libraries that are missing
        return f"nvmath-python cannot load cuSOLVER: {in_a_line(error)}"
    if not bound:
        return "this nvmath-python does not bind XsyevBatched"
    if version < XSYEV_BATCHED_SINCE:
        return f"expected cuSOLVER {XSYEV_BATCHED_SINCE} (CUDA 12.6.2) or newer, got {version}"
    return None


def _nvmath(name: str) -> ModuleType:
    return import_module(f"nvmath.bindings.{name}")


def check_order(n: int) -> None:
    """ValueError for a matrix whose work space xsyevd could not count."""
    if n > ORDER_LIMIT:
        raise ValueError(f"A: expected an order of at most {ORDER_LIMIT} on the GPU, got {n}")


def most_matrices(n: int, dtype: np.dtype) -> int:
    """Matrices of order n >= 1 that one batched call takes: less than 2^31 bytes; 0 if not even one."""
    return min(BATCH_LIMIT, INT32_MAX // (n * n * dtype.itemsize))


def _parts(routine: str, A: Any) -> Iterator[slice]:
    """Consecutive matrices that one batched call takes."""
    n = A.shape[1]
    step = most_matrices(n, A.dtype)
    if step == 0:
        largest = int((INT32_MAX // A.dtype.itemsize) ** 0.5)
        raise ValueError(f"{routine}: expected an order of at most {largest} in {A.dtype}, got {n}")
    for first in range(0, len(A), step):
        yield slice(first, min(first + step, len(A)))


def _not_converged(routine: str, A: Any, matrix: int, what: object) -> np.linalg.LinAlgError:
    """The error of a matrix that a routine reports."""
    return np.linalg.LinAlgError(
        f"{routine}: no eigenvalues of matrix {matrix} of {len(A)}, order {A.shape[1]}, {A.dtype}: {what}"
    )


def _refused(routine: str, count: int, A: Any, error: Exception) -> DeviceError:
    """The error of a call that cuSOLVER refuses, such as one for sizes that it does not support."""
    return DeviceError(f"{routine}: cuSOLVER refuses {count} x {A.shape[1:]} in {A.dtype}: {error}")


def _by_cupy(A: Any) -> Any:
    """Eigenvalues of one matrix (n, n) by xsyevd, of several (T, n, n) by syevjBatched."""
    with import_module("cupyx").errstate(linalg="raise"):  # else CuPy does not look whether it converged
        return cupy().linalg.eigvalsh(A, UPLO="U")


def _cupy_error() -> type[Exception]:
    return library("cusolver").CUSOLVERError


def xsyevd(A: Any) -> Any:
    """Tridiagonal form and divide and conquer, one matrix after another."""
    check_order(A.shape[1])
    out = empty(A.shape[:2])
    for matrix in range(len(A)):
        try:
            out[matrix] = _by_cupy(A[matrix])
        except np.linalg.LinAlgError as error:
            raise _not_converged("xsyevd", A, matrix, error) from error
        except _cupy_error() as error:
            raise _refused("xsyevd", 1, A, error) from error
    return out


def syevj_batched(A: Any) -> Any:
    """Jacobi rotations of many matrices at once, meant for small ones."""
    out = empty(A.shape[:2])
    for part in _parts("syevj_batched", A):
        try:
            out[part] = _by_cupy(A[part])
        except np.linalg.LinAlgError as error:
            raise _not_converged("syevj_batched", A, *_first_failure(A, part, error)) from error
        except _cupy_error() as error:
            raise _refused("syevj_batched", part.stop - part.start, A, error) from error
    return out


def _first_failure(A: Any, part: slice, error: Exception) -> tuple[int, object]:
    """Number of a matrix that does not converge by itself, and why: CuPy does not say which one it was."""
    for matrix in range(part.start, part.stop):
        try:
            _by_cupy(A[matrix : matrix + 1])
        except np.linalg.LinAlgError as found:
            return matrix, found
    return part.start, f"it, or one of the {part.stop - part.start} from it on, failed only together: {error}"


class _Handles(threading.local):
    """cuSOLVER handles of nvmath-python's library, which need not be CuPy's: one to a thread and GPU."""

    def __init__(self) -> None:
        self.by_device: dict[int, int] = {}

    def current(self) -> int:
        """The handle of the current GPU, on CuPy's current stream."""
        device = cupy().cuda.Device().id
        if device not in self.by_device:
            self.by_device[device] = _nvmath("cusolverDn").create()
        _nvmath("cusolverDn").set_stream(self.by_device[device], cupy().cuda.get_current_stream().ptr)
        return self.by_device[device]


_handles = _Handles()


def xsyev_batched(A: Any) -> Any:
    """Many matrices at once, by a method that NVIDIA does not name."""
    out = empty(A.shape[:2])
    for part in _parts("xsyev_batched", A):
        try:
            out[part], info = _call_xsyev_batched(A[part])
        except _nvmath("cusolver").cuSOLVERError as error:
            raise _refused("xsyev_batched", part.stop - part.start, A, error) from error
        if info.any():
            matrix = int((info != 0).argmax())
            told = f"info {info[matrix]}, the number of off-diagonal entries that did not converge to zero"
            raise _not_converged("xsyev_batched", A, part.start + matrix, told)
    return out


def _call_xsyev_batched(A: Any) -> tuple[Any, Any]:
    """Eigenvalues (T, n) of the dtype of A on the device, and info (T,) on the host, once all is done."""
    if not A.flags.c_contiguous:
        raise TypeError(f"xsyev_batched: expected a contiguous array, got strides {A.strides}")
    count, n, _ = A.shape
    solver, handle, kind = _nvmath("cusolverDn"), _handles.current(), KINDS[A.dtype]
    values, info = empty((count, n), A.dtype), empty((count,), np.int32)
    matrices = NO_VECTORS, ROW_MAJOR_UPPER, n, kind, A.data.ptr, n, kind, values.data.ptr, kind
    params = solver.create_params()
    try:
        on_device, on_host = solver.xsyev_batched_buffer_size(handle, params, *matrices, count)
        work, host = empty((on_device,), np.uint8), np.empty(max(on_host, 1), np.uint8)
        buffers = work.data.ptr, on_device, host.ctypes.data, on_host
        solver.xsyev_batched(handle, params, *matrices, *buffers, info.data.ptr, count)
    finally:
        solver.destroy_params(params)
    return values, to_host(info)  # which also keeps `host` alive until the GPU is done with it
