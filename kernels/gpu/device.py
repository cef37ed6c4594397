"""The GPU as the launchers see it: CuPy found or refused, kernels compiled once, launches checked.

CuPy is imported here only, and only when the device "gpu" is loaded. The current CUDA device is used, so that
CUDA_VISIBLE_DEVICES and `cupy.cuda.Device` choose among several.
"""

import ctypes
import os
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from threading import Lock
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from ..errors import DeviceError
from . import sources

INSTALL = "pip install 'rmtsim[gpu]' (CUDA 12) or pip install 'cupy-cuda13x[ctk]' (CUDA 13)"
"""The extra "ctk", which rmtsim[gpu] asks for too, brings NVRTC, cuBLAS and cuSOLVER."""
THREADS = 256
GRID_LIMIT = 4096
"""Blocks of an elementwise launch, enough to fill any GPU: each thread strides over the rest."""
BLOCKS_LIMIT = 2**31 - 1
"""The limit of gridDim.x."""
TRIALS_LIMIT = 65535
"""Trials of one launch, the limit of gridDim.y."""
SHARED_LIMIT = 48 << 10
"""Bytes of shared memory of a block, static and dynamic, that no attribute of the kernel has to allow."""
REALS: Mapping[np.dtype, str] = {np.dtype(np.float32): "float", np.dtype(np.float64): "double"}


_compiling = Lock()
"""Threads that ask for a kernel at once compile it once."""


def driver_present() -> bool:
    """Whether the NVIDIA driver's library can be loaded; importing CuPy would take far longer to find out."""
    try:
        ctypes.CDLL("libcuda.so.1")
    except OSError:
        return False
    return True


def library(name: str) -> ModuleType:
    """CuPy's binding of a CUDA library; ImportError if the library cannot be loaded.

    Taken as an attribute, CuPy first looks for the library in NVIDIA's wheels; imported as a submodule it is
    looked for in the system's folders alone.
    """
    return getattr(import_module("cupy_backends.cuda.libs"), name)


def in_a_line(error: Exception) -> str:
    """The first line of what an error says: the others are the folders that were searched."""
    return str(error).partition("\n")[0]


def _check_libraries() -> None:
    """DeviceError if no kernel could be compiled, or no matrices multiplied."""
    try:
        library("nvrtc").getVersion()
        library("cublas")
    except (ImportError, RuntimeError) as error:
        raise DeviceError(
            f"device 'gpu' needs NVRTC and cuBLAS, which come with {INSTALL}: {in_a_line(error)}"
        ) from error


@cache
def cupy() -> ModuleType:
    """The CuPy module.

    Raises
    ------
    DeviceError
        If CuPy is not installed, CUDA finds no GPU, the environment asks for coarse products, or NVRTC or
        cuBLAS is missing.
    """
    if find_spec("cupy") is None:
        raise DeviceError(f"device 'gpu' needs CuPy, which is not installed: {INSTALL}")
    if not driver_present():
        raise DeviceError(
            f"device 'gpu' needs an NVIDIA GPU and its driver, and finds none; CuPy itself is {INSTALL}"
        )
    if os.environ.get("CUPY_TF32", "0") not in ("", "0"):
        raise DeviceError(
            "device 'gpu': CUPY_TF32 makes CuPy round the factors of float32 products to 10 bits: unset it"
        )
    import cupy

    if not cupy.cuda.is_available():
        raise DeviceError(
            f"device 'gpu': CUDA finds no GPU that CuPy {cupy.__version__} can use; see {INSTALL}"
        )
    _check_libraries()
    return cupy


def describe() -> dict[str, str]:
    """What a results file should say of the device: its number, name and memory, driver, runtime and CuPy."""
    cp = cupy()
    number = cp.cuda.Device().id
    properties = cp.cuda.runtime.getDeviceProperties(number)
    return {
        "gpu_number": str(number),
        "gpu_name": properties["name"].decode(),
        "gpu_memory": str(properties["totalGlobalMem"]),
        "gpu_compute_capability": f"{properties['major']}.{properties['minor']}",
        "cuda_driver_version": str(cp.cuda.runtime.driverGetVersion()),
        "cuda_runtime_version": str(cp.cuda.runtime.runtimeGetVersion()),
        "cupy_version": cp.__version__,
    }


def to_device(array: Any, dtype: DTypeLike | None = None) -> Any:
    """A contiguous copy on the device."""
    return cupy().asarray(np.ascontiguousarray(array, dtype=dtype))


def to_host(array: Any) -> Any:
    """A copy in NumPy, once the kernels that write it are done."""
    return cupy().asnumpy(array)


def empty(shape: tuple[int, ...], dtype: DTypeLike = np.float64) -> Any:
    """An uninitialised array on the device."""
    return cupy().empty(shape, dtype)


def products(a: Any, b: Any, out: Any = None) -> Any:
    """Matrix products a_t b_t (T, n, m), one GEMM to a trial, into `out` if given.

    cuBLAS may choose another algorithm for another number of matrices in a batch; one by one, a trial has
    the same bits in any batch.
    """
    if out is None:
        out = empty((a.shape[0], a.shape[1], b.shape[2]), a.dtype)
    if a.size == 0 or b.size == 0:
        out.fill(0)
        return out
    for trial in range(len(a)):
        cupy().matmul(a[trial], b[trial], out=out[trial])
    return out


@cache
def _module(device: int, unit: str, real: str | None) -> Any:
    code, options = sources.source(unit), sources.options(unit, real)
    return cupy().RawModule(code=code, options=options, backend="nvrtc")


@cache
def _function(device: int, unit: str, real: str | None, name: str) -> Any:
    return _module(device, unit, real).get_function(name)


def _kernel(kernel: str, dtype: DTypeLike | None) -> Any:
    """A kernel on the current device, compiled when it is first asked for.

    It is kept: CuPy looks up its module by the whole source, and the driver for it, whenever it is asked.
    """
    unit, name = kernel.split(".")
    real = None if dtype is None else REALS[np.dtype(dtype)]
    with _compiling:
        return _function(cupy().cuda.Device().id, unit, real, name)


def launch(
    kernel: str,
    dtype: DTypeLike | None,
    grid: tuple[int, ...],
    threads: tuple[int, ...],
    *arguments: Any,
    shared: int = 0,
) -> None:
    """Run the kernel "unit.name", compiled for reals of `dtype`, unless the grid is empty.

    CuPy packs a Python int as int64 and a float as float64 whatever the kernel takes, and ignores strides:
    both are refused.
    """
    for i, value in enumerate(arguments):
        if isinstance(value, cupy().ndarray):
            if not value.flags.c_contiguous:
                raise TypeError(
                    f"{kernel}, argument {i}: expected a contiguous array, got strides {value.strides}"
                )
        elif not isinstance(value, np.generic):
            raise TypeError(f"{kernel}, argument {i}: expected a NumPy scalar, got {type(value).__name__}")
    if grid[0] > BLOCKS_LIMIT:
        raise ValueError(f"{kernel}: expected at most {BLOCKS_LIMIT} blocks at once, got {grid[0]}")
    if shared > SHARED_LIMIT:
        raise ValueError(f"{kernel}: expected at most {SHARED_LIMIT} bytes of shared memory, got {shared}")
    if len(grid) > 1 and grid[1] > TRIALS_LIMIT:
        raise ValueError(f"{kernel}: expected at most {TRIALS_LIMIT} trials at once, got {grid[1]}")
    if all(grid):
        _kernel(kernel, dtype)(grid, threads, arguments, shared_mem=shared)


def elements(count: int) -> tuple[tuple[int], tuple[int]]:
    """Grid and block of a launch with a thread to each of `count` elements, as far as that is useful."""
    return (min(-(-count // THREADS), GRID_LIMIT),), (THREADS,)


def elements_by_trial(count: int, trials: int) -> tuple[tuple[int, int], tuple[int]]:
    """As `elements`, for `count` elements of each trial, which is blockIdx.y."""
    (blocks,), threads = elements(count)
    return (blocks, trials), threads
