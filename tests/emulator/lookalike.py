"""A stand-in for CuPy whose device is the emulator: as much of it as the launchers use, and stricter.

Arrays on the device are no NumPy arrays and refuse to become them unasked; new ones are filled with NaN, so
that an element that a kernel forgets shows. cuBLAS and cuSOLVER are NumPy.
"""

import sys
from contextlib import contextmanager
from types import ModuleType, SimpleNamespace

import numpy as np

from .module import Module

VERSION = "14.2.0+emulated"


class OutOfMemoryError(Exception):
    """As cupy.cuda.memory.OutOfMemoryError."""


class DeviceArray:
    """An array on the device."""

    def __init__(self, memory: np.ndarray) -> None:
        self.memory_of_the_device = memory

    shape = property(lambda self: self.memory_of_the_device.shape)
    dtype = property(lambda self: self.memory_of_the_device.dtype)
    size = property(lambda self: self.memory_of_the_device.size)
    nbytes = property(lambda self: self.memory_of_the_device.nbytes)
    flags = property(lambda self: self.memory_of_the_device.flags)
    strides = property(lambda self: self.memory_of_the_device.strides)

    def __array__(self, *arguments, **keywords):
        raise TypeError("Implicit conversion to a NumPy array is not allowed")

    def __len__(self) -> int:
        return len(self.memory_of_the_device)

    def __getitem__(self, where) -> "DeviceArray":
        return DeviceArray(self.memory_of_the_device[where])

    def __setitem__(self, where, value) -> None:
        self.memory_of_the_device[where] = _memory(value)

    def fill(self, value) -> None:
        self.memory_of_the_device.fill(value)

    def copy(self) -> "DeviceArray":
        return DeviceArray(self.memory_of_the_device.copy())

    def reshape(self, *shape) -> "DeviceArray":
        return DeviceArray(self.memory_of_the_device.reshape(*shape))

    def astype(self, dtype) -> "DeviceArray":
        return DeviceArray(self.memory_of_the_device.astype(dtype))

    def transpose(self, *axes) -> "DeviceArray":
        return DeviceArray(self.memory_of_the_device.transpose(*axes))


def _memory(array: DeviceArray) -> np.ndarray:
    if not isinstance(array, DeviceArray):
        raise TypeError(f"Unsupported type {type(array)}")
    return array.memory_of_the_device


class Device:
    """The memory of the device: `limit` bytes may be allocated by one call."""

    limit = 1 << 40
    id = 0

    @staticmethod
    def mem_info() -> tuple[int, int]:
        return Device.limit, Device.limit


def empty(shape, dtype=np.float64) -> DeviceArray:
    bytes_ = int(np.prod(shape, dtype=np.int64)) * np.dtype(dtype).itemsize
    if bytes_ > Device.limit:
        raise OutOfMemoryError(f"Out of memory allocating {bytes_:,} bytes")
    memory = np.empty(shape, dtype)
    memory.reshape(-1).view(np.uint8)[:] = 0xFF
    return DeviceArray(memory)


def zeros(shape, dtype=np.float64) -> DeviceArray:
    array = empty(shape, dtype)
    array.memory_of_the_device[...] = 0
    return array


def asarray(array) -> DeviceArray:
    return array if isinstance(array, DeviceArray) else DeviceArray(np.array(array))


def asnumpy(array) -> np.ndarray:
    return _memory(array).copy()


def matmul(a, b, out) -> DeviceArray:
    if not a.dtype == b.dtype == out.dtype:
        raise TypeError(f"matmul: {a.dtype} and {b.dtype} to {out.dtype}")
    if a.size == 0 or b.size == 0:
        raise ValueError("matmul: what CuPy leaves in out is not documented")
    np.matmul(_memory(a), _memory(b), out=_memory(out))
    return out


def ascontiguousarray(a) -> DeviceArray:
    return DeviceArray(np.ascontiguousarray(_memory(a)))


def maximum(a, number) -> DeviceArray:
    return DeviceArray(np.maximum(_memory(a), a.dtype.type(number)))


def eigvalsh(a, UPLO="L") -> DeviceArray:
    return DeviceArray(np.linalg.eigvalsh(_memory(a), UPLO))


@contextmanager
def errstate(*, linalg: str):
    if linalg not in ("ignore", "raise"):
        raise ValueError(linalg)
    yield


class Stream:
    """Work on the emulator is done when a call returns, so that streams and events have nothing to do."""

    def __init__(self, non_blocking: bool = False) -> None:
        self.non_blocking = non_blocking

    def __enter__(self) -> "Stream":
        return self

    def __exit__(self, *error) -> None:
        pass

    def record(self) -> "Event":
        return Event()

    def wait_event(self, event: "Event") -> None:
        pass

    def synchronize(self) -> None:
        pass


class Event(SimpleNamespace):
    """See `Stream`."""


def modules() -> dict[str, ModuleType]:
    """What `import cupy` and `import cupyx` find."""
    cupy, cupyx = ModuleType("cupy"), ModuleType("cupyx")
    here = sys.modules[__name__]
    for name in ("empty", "zeros", "asarray", "asnumpy", "matmul", "maximum", "ascontiguousarray"):
        setattr(cupy, name, getattr(here, name))
    cupy.__version__ = VERSION
    cupy.__spec__ = cupyx.__spec__ = SimpleNamespace(name="cupy")
    cupy.ndarray, cupy.RawModule = DeviceArray, Module
    cupy.linalg = SimpleNamespace(eigvalsh=eigvalsh)
    normals = np.random.default_rng(1).standard_normal
    cupy.random = SimpleNamespace(standard_normal=lambda size: DeviceArray(normals(size)))
    cupy.get_default_memory_pool = lambda: SimpleNamespace(free_all_blocks=lambda: None, free_bytes=lambda: 0)
    cupy.cuda = SimpleNamespace(
        is_available=lambda: True,
        Device=Device,
        Stream=Stream,
        get_current_stream=Stream,
        memory=SimpleNamespace(OutOfMemoryError=OutOfMemoryError),
        runtime=SimpleNamespace(
            memGetInfo=Device.mem_info,
            getDeviceProperties=lambda number: {
                "name": b"emulator",
                "totalGlobalMem": Device.limit,
                "major": 0,
                "minor": 0,
            },
            driverGetVersion=lambda: 0,
            runtimeGetVersion=lambda: 0,
        ),
    )
    cupyx.errstate = errstate
    return {"cupy": cupy, "cupyx": cupyx}
