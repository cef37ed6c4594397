"""A stand-in for CuPy whose device is the emulator: as much of it as the launchers use, and stricter.

Arrays on the device are no NumPy arrays and refuse to become them unasked; new ones are filled with NaN, so
that an element that a kernel forgets shows. cuBLAS is NumPy, cuSOLVER is `solver`; `streams` finds what has
no order among streams.
"""

import sys
from types import ModuleType, SimpleNamespace

import numpy as np

from . import solver
from .module import EmulatorError, Module
from .streams import Block, Stream, get_current_stream

VERSION = "14.2.0+emulated"


class OutOfMemoryError(MemoryError):
    """As cupy.cuda.memory.OutOfMemoryError."""


def _elementwise(operation):
    """A method that makes a new array of this one and another, or a number."""

    def method(array, other) -> "DeviceArray":
        return DeviceArray(np.asarray(operation(array.use(), _operand(other))))

    return method


def _in_place(operation):
    """A method that writes to this array, as large as any result and of its dtype."""

    def method(array, other) -> "DeviceArray":
        operation(array.use(), _operand(other), out=array.use())
        return array

    return method


class DeviceArray:
    """An array on the device; a view if the block of memory is given."""

    def __init__(self, memory: np.ndarray, block: Block | None = None) -> None:
        self.memory_of_the_device = memory
        self.block = block or Block()
        if block is None:
            self.use()

    shape = property(lambda self: self.memory_of_the_device.shape)
    ndim = property(lambda self: self.memory_of_the_device.ndim)
    dtype = property(lambda self: self.memory_of_the_device.dtype)
    size = property(lambda self: self.memory_of_the_device.size)
    nbytes = property(lambda self: self.memory_of_the_device.nbytes)
    flags = property(lambda self: self.memory_of_the_device.flags)
    strides = property(lambda self: self.memory_of_the_device.strides)

    def use(self) -> np.ndarray:
        """The memory, for an operation on the current stream."""
        self.block.use()
        return self.memory_of_the_device

    def __array__(self, *arguments, **keywords):
        raise TypeError("Implicit conversion to a NumPy array is not allowed")

    def __len__(self) -> int:
        return len(self.memory_of_the_device)

    def __iter__(self):
        raise TypeError("a loop over an array copies entry by entry")

    def __getitem__(self, where) -> "DeviceArray":
        return self._view(self.memory_of_the_device[where])

    def _view(self, memory: np.ndarray) -> "DeviceArray":
        if memory.base is None:
            raise EmulatorError("an index that copies: expected slices and integers")
        return DeviceArray(memory, self.block)

    def __setitem__(self, where, value) -> None:
        self.use()[where] = _memory(value)

    def fill(self, value) -> None:
        self.use().fill(value)

    def copy(self) -> "DeviceArray":
        return DeviceArray(self.use().copy())

    def reshape(self, *shape) -> "DeviceArray":
        if not self.flags.c_contiguous:
            raise EmulatorError("a reshape that copies")
        return self._view(self.memory_of_the_device.reshape(*shape))

    def astype(self, dtype, copy=True) -> "DeviceArray":
        return self if self.dtype == dtype and not copy else DeviceArray(self.use().astype(dtype))

    def transpose(self, *axes) -> "DeviceArray":
        return self._view(self.memory_of_the_device.transpose(*axes))

    __mul__ = __rmul__ = _elementwise(np.multiply)
    __add__, __iadd__ = _elementwise(np.add), _in_place(np.add)
    __sub__, __rsub__ = _elementwise(np.subtract), _elementwise(lambda a, b: np.subtract(b, a))
    __eq__, __gt__ = _elementwise(np.equal), _elementwise(np.greater)
    __hash__ = object.__hash__


def _operand(value) -> np.ndarray | float:
    return value if isinstance(value, int | float) else _memory(value)


def _memory(array: DeviceArray) -> np.ndarray:
    if not isinstance(array, DeviceArray):
        raise TypeError(f"Unsupported type {type(array)}")
    return array.use()


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
    return full(shape, 0, dtype)


def full(shape, value, dtype) -> DeviceArray:
    array = empty(shape, dtype)
    array.memory_of_the_device[...] = value
    return array


def asarray(array) -> DeviceArray:
    if isinstance(array, DeviceArray):
        return array
    made = empty(np.shape(array), array.dtype)
    made.memory_of_the_device[...] = array
    return made


def asnumpy(array) -> np.ndarray:
    found = _memory(array).copy()
    get_current_stream().synchronize()
    return found


def matmul(a, b, out) -> DeviceArray:
    if not a.dtype == b.dtype == out.dtype:
        raise TypeError(f"matmul: {a.dtype} and {b.dtype} to {out.dtype}")
    if a.ndim != 2 or b.ndim != 2:
        raise EmulatorError("matmul: products of many matrices may depend on how many there are")
    if not out.flags.c_contiguous:
        raise EmulatorError("matmul: into an array that is not contiguous CuPy copies")
    for given in (a, b):
        if not (given.flags.c_contiguous or given.flags.f_contiguous):
            raise EmulatorError(
                "matmul: of an array that is contiguous neither by rows nor by columns CuPy copies"
            )
    if a.size == 0 or b.size == 0:
        raise ValueError("matmul: what CuPy leaves in out is not documented")
    np.matmul(_memory(a), _memory(b), out=_memory(out))
    return out


def ascontiguousarray(a) -> DeviceArray:
    return DeviceArray(np.array(_memory(a), order="C"))


def maximum(a, number) -> DeviceArray:
    return DeviceArray(np.maximum(_memory(a), a.dtype.type(number)))


def eigvalsh(a, UPLO="L") -> DeviceArray:
    return DeviceArray(solver.eigvalsh(_memory(a), UPLO))


def modules() -> dict[str, ModuleType]:
    """What `import` finds of CuPy."""
    cupy, cupyx = ModuleType("cupy"), ModuleType("cupyx")
    here = sys.modules[__name__]
    for name in ("empty", "zeros", "full", "asarray", "asnumpy", "matmul", "maximum", "ascontiguousarray"):
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
        get_current_stream=get_current_stream,
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
    cupyx.errstate = solver.errstate
    return {"cupy": cupy, "cupyx": cupyx, **solver.modules()}
