"""cuSOLVER as CuPy and nvmath-python bind it, with LAPACK in its place, and how CuPy finds its libraries.

What cuSOLVER would not forgive is refused: pointers to memory that is not the device's, work space of another
size than asked for, a handle on another stream, sizes beyond its limits. What it keeps silent about stays
silent: a matrix that does not converge shows in `info` alone, and matrices are destroyed.
"""

import ctypes
from collections.abc import Callable
from contextlib import contextmanager
from itertools import count
from types import ModuleType, SimpleNamespace

import numpy as np

from .module import EmulatorError
from .streams import get_current_stream

LARGEST = 2**31 - 1
"""Entries of all matrices of a batched call."""
VERSION = 11701


class CUSOLVERError(RuntimeError):
    """As cupy_backends.cuda.libs.cusolver.CUSOLVERError."""


class cuSOLVERError(Exception):
    """As nvmath.bindings.cusolver.cuSOLVERError, which is no RuntimeError."""


class Faults:
    """What a test wants to go wrong."""

    @staticmethod
    def fails(matrix: np.ndarray) -> bool:
        """Whether a matrix does not converge."""
        return False

    missing: frozenset[str] = frozenset()
    """CUDA libraries that CuPy does not find."""
    silent = True
    """CuPy's default: it does not look at `info`."""


@contextmanager
def errstate(*, linalg: str):
    """As cupyx.errstate."""
    if linalg not in ("ignore", "raise"):
        raise NotImplementedError
    before, Faults.silent = Faults.silent, linalg == "ignore"
    try:
        yield
    finally:
        Faults.silent = before


def _solved(matrices: np.ndarray, triangle: str) -> tuple[np.ndarray, np.ndarray]:
    """Eigenvalues (T, n), garbage where a matrix does not converge, and info (T,)."""
    info = np.array([int(Faults.fails(matrix)) for matrix in matrices], np.int32)
    values = np.linalg.eigvalsh(matrices, triangle)
    values[info != 0] = 0
    return values, info


def eigvalsh(a: np.ndarray, triangle: str) -> np.ndarray:
    """As cupy.linalg.eigvalsh: xsyevd of one matrix, syevjBatched of several."""
    if a.size > LARGEST:
        raise CUSOLVERError("CUSOLVER_STATUS_INVALID_VALUE")
    values, info = _solved(a.reshape(-1, *a.shape[-2:]), triangle)
    if info.any() and not Faults.silent:
        raise np.linalg.LinAlgError(f"Error reported by cuSOLVER. devInfo = {info}.")
    return values.reshape(a.shape[:-1])


class Bindings:
    """nvmath.bindings.cusolverDn."""

    def __init__(self, device_memory: Callable[[int, int], None]) -> None:
        self._used, self._numbers = device_memory, count(1)
        self._streams: dict[int, int] = {}
        self._work: dict[int, tuple] = {}

    def create(self) -> int:
        handle = next(self._numbers)
        self._streams[handle] = 0
        return handle

    def set_stream(self, handle: int, stream_id: int) -> None:
        assert handle in self._streams
        self._streams[handle] = stream_id

    def create_params(self) -> int:
        params = next(self._numbers)
        self._work[params] = ()
        return params

    def destroy_params(self, params: int) -> None:
        del self._work[params]

    def xsyev_batched_buffer_size(
        self,
        handle,
        params,
        jobz,
        uplo,
        n,
        data_type_a,
        a,
        lda,
        data_type_w,
        w,
        compute_type,
        batch_size,
    ):
        kinds = data_type_a, data_type_w, compute_type
        given = handle, params, jobz, uplo, n, a, lda, w, *kinds, batch_size
        if not all(type(value) is int for value in given):
            raise EmulatorError(f"expected Python integers, got {given}")
        if jobz != 0 or uplo not in (0, 1) or lda != n or kinds not in ((0, 0, 0), (1, 1, 1)):
            raise cuSOLVERError("CUSOLVER_STATUS_INVALID_VALUE (3)")
        if n * lda * batch_size > LARGEST:
            raise cuSOLVERError("CUSOLVER_STATUS_INVALID_VALUE (3)")
        sizes = 16 * n * batch_size, 8 * batch_size
        self._work[params] = given, sizes
        return sizes

    def xsyev_batched(
        self,
        handle,
        params,
        jobz,
        uplo,
        n,
        data_type_a,
        a,
        lda,
        data_type_w,
        w,
        compute_type,
        buffer_on_device,
        workspace_in_bytes_on_device,
        buffer_on_host,
        workspace_in_bytes_on_host,
        info,
        batch_size,
    ):
        given = handle, params, jobz, uplo, n, a, lda, w, data_type_a, data_type_w, compute_type, batch_size
        sizes = workspace_in_bytes_on_device, workspace_in_bytes_on_host
        if self._work[params] != (given, sizes):
            raise EmulatorError(
                f"work space was asked for {self._work[params]}, the call is {given}, {sizes}"
            )
        if self._streams[handle] != get_current_stream().ptr:
            raise EmulatorError("the handle is on another stream than the arrays")
        if not buffer_on_host:
            raise EmulatorError("expected work space on the host, got a null pointer")
        real = (np.float32, np.float64)[data_type_a]
        matrices = self._array(a, (batch_size, n, n), real)
        values = self._array(w, (batch_size, n), real)
        found = self._array(info, (batch_size,), np.int32)
        self._array(buffer_on_device, (workspace_in_bytes_on_device,), np.uint8)
        # Column by column: the lower triangle is the upper one of a row-major matrix.
        values[...], found[...] = _solved(matrices.transpose(0, 2, 1), "LU"[uplo])
        matrices[...] = np.nan

    def _array(self, pointer: int, shape: tuple, dtype: type) -> np.ndarray:
        bytes_ = int(np.prod(shape)) * np.dtype(dtype).itemsize
        self._used(pointer, bytes_)
        return np.frombuffer((ctypes.c_char * bytes_).from_address(pointer), dtype).reshape(shape)


def _nvrtc_version() -> tuple[int, int]:
    """As nvrtc.getVersion: this library is looked for when one of its functions is called."""
    if "nvrtc" in Faults.missing:
        raise RuntimeError('Failure finding "libnvrtc.so"')
    return 13, 0


LIBRARIES = {
    "cublas": SimpleNamespace(),
    "cusolver": SimpleNamespace(CUSOLVERError=CUSOLVERError),
    "nvrtc": SimpleNamespace(getVersion=_nvrtc_version),
}


def _library(name: str) -> SimpleNamespace:
    """As cupy_backends.cuda.libs.__getattr__, which finds a library in a wheel before it is linked to.

    Never left to be imported as a submodule, which does without the first step.
    """
    if name not in LIBRARIES:
        raise AttributeError(f"module 'cupy_backends.cuda.libs' has no attribute {name!r}")
    if name in Faults.missing and name != "nvrtc":
        raise ImportError(f'Failure finding "lib{name}.so": No such file\n  listdir("/lib"):')
    return LIBRARIES[name]


def modules(device_memory: Callable[[int, int], None]) -> dict[str, ModuleType]:
    """The packages around cuSOLVER; `device_memory` refuses (pointer, bytes) outside of live arrays."""
    made = {}
    for name in (
        *("cupy_backends", "cupy_backends.cuda", "cupy_backends.cuda.libs"),
        *("nvmath", "nvmath.bindings", "nvmath.bindings.cusolver"),
    ):
        made[name] = ModuleType(name)
        made[name].__spec__ = SimpleNamespace(name=name)
    made["cupy_backends.cuda.libs"].__getattr__ = _library
    made["nvmath.bindings.cusolver"].get_version = lambda: VERSION
    made["nvmath.bindings.cusolver"].cuSOLVERError = cuSOLVERError
    made["nvmath.bindings.cusolverDn"] = Bindings(device_memory)
    return made
