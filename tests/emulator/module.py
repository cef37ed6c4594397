"""CUDA sources compiled for the CPU, called as CuPy calls them: `Module(code).get_function(name)(grid, block,
args)`.

A launch is refused where CuPy would pass garbage: a Python number instead of a NumPy scalar, another dtype
than the kernel's, an array that is not contiguous. Every array goes in a copy between guard words, which are
NaN read as float32 or float64; a kernel that writes to them fails.
"""

import ctypes
import hashlib
import os
import re
import shutil
import subprocess
from functools import cache
from pathlib import Path
from threading import Lock

import numpy as np

HERE = Path(__file__).parent
BUILD = HERE / "build"
COMPILER = os.environ.get("CXX", "g++")
# No contraction of a * b + c: the kernels are compiled without it for the GPU as well.
FLAGS = ["-std=c++17", "-ffp-contract=off", "-fno-strict-aliasing", "-fPIC", "-U_FORTIFY_SOURCE"]
FLAGS += ["-Wall", "-Werror", "-Wno-unused-function"]
LAUNCHING = Lock()
"""One launch at a time: the emulator has one device."""
GUARD = np.full(64, 0xFFF5, np.uint16).tobytes()

KERNEL = re.compile(r'extern "C" __global__ void (?:__launch_bounds__\([^)]*\) )?(\w+)\(')
DYNAMIC = re.compile(r"extern __shared__ (\w+) (\w+)\[\];")


class EmulatorError(RuntimeError):
    """What would be undefined on a GPU, or a launch that CuPy would get wrong."""


def compiler_missing() -> bool:
    """Whether there is no host compiler to emulate with."""
    return shutil.which(COMPILER) is None


def run_compiler(*arguments: str | Path) -> None:
    """Compile, with what the compiler says as the error."""
    done = subprocess.run([COMPILER, *FLAGS, *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise EmulatorError(done.stderr)


def cached(name: str, inputs: tuple[str, ...], make) -> Path:
    """The file `name` in the build folder, made anew when an input changes, even by two processes at once."""
    key = hashlib.sha256("\0".join((COMPILER, *FLAGS, *inputs)).encode()).hexdigest()[:16]
    stem, suffix = name.split(".")
    target = BUILD / f"{stem}-{key}.{suffix}"
    if not target.exists():
        BUILD.mkdir(exist_ok=True)
        unfinished = BUILD / f"{stem}-{key}-{os.getpid()}.{suffix}"
        make(unfinished)
        unfinished.replace(target)
    return target


def sources(*names: str) -> tuple[str, ...]:
    """Texts of files of the emulator."""
    return tuple((HERE / name).read_text() for name in names)


@cache
def emulator_object(backend: str, flags: tuple[str, ...] = ()) -> Path:
    """The emulator with one of its backends, "fibers" or "threads"."""
    parts = ("device.h", "emulator.h", "emulator.cpp", f"{backend}.cpp")

    def make(target: Path) -> None:
        unit = target.with_suffix(".cpp")
        unit.write_text(f'#include "emulator.cpp"\n#include "{backend}.cpp"\n')
        run_compiler("-O2", *flags, "-I", HERE, "-c", unit, "-o", target)

    return cached(f"{backend}.o", (*sources(*parts), *flags), make)


def host_unit(code: str) -> tuple[str, list[str]]:
    """CUDA code as C++, and the names of its kernels."""
    names = KERNEL.findall(code)
    # One block at a time: its dynamic shared memory has one address.
    code = DYNAMIC.sub(r"#define \2 (static_cast<\1*>(emulator::dynamic_shared()))", code)
    exports = "".join(f"EMULATED_KERNEL({name})\n" for name in names)
    return f'#include "device.h"\n{code}\n{exports}', names


def defines(options: tuple[str, ...]) -> tuple[str, ...]:
    """Those options of the device compiler that the host compiler shares."""
    return tuple(option for option in options if option.startswith("-D"))


@cache
def compiled(code: str, options: tuple[str, ...]) -> ctypes.CDLL:
    """Shared library of the kernels in `code`."""
    unit, _ = host_unit(code)

    def make(target: Path) -> None:
        file = target.with_suffix(".cpp")
        file.write_text(unit)
        run_compiler(
            "-O1", *defines(options), "-I", HERE, "-shared", file, emulator_object("fibers"), "-o", target
        )

    library = ctypes.CDLL(str(cached("kernels.so", (unit, *options, *sources("device.h")), make)))
    library.emulator_message.restype = ctypes.c_char_p
    return library


class Module:
    """The kernels of one source, as `cupy.RawModule`."""

    seed = 0  # the schedule of every launch of every module

    def __init__(self, *, code: str, options: tuple[str, ...] = (), backend: str = "nvrtc") -> None:
        if backend != "nvrtc":
            raise ValueError(f"backend: expected 'nvrtc', got {backend!r}")
        self.library = compiled(code, tuple(options))

    def get_function(self, name: str) -> "Kernel":
        """The kernel `name`."""
        return Kernel(self.library, name)


class Guarded:
    """Copy of an array between guard words, as the argument of a kernel."""

    def __init__(self, array: np.ndarray, where: str) -> None:
        if not array.flags.c_contiguous:
            raise EmulatorError(f"{where}: a kernel ignores strides, got {array.strides}")
        self.array, self.where = array, where
        self.memory = bytearray(GUARD + array.tobytes() + GUARD)
        self.bytes = (ctypes.c_char * len(self.memory)).from_buffer(self.memory)
        self.pointer = ctypes.c_void_p(ctypes.addressof(self.bytes) + len(GUARD))

    def finish(self) -> None:
        """Copy back what the kernel wrote."""
        end = len(GUARD) + self.array.nbytes
        if bytes(self.memory[: len(GUARD)]) != GUARD or bytes(self.memory[end:]) != GUARD:
            raise EmulatorError(f"{self.where}: written out of bounds")
        self.array[...] = np.frombuffer(self.memory[len(GUARD) : end], self.array.dtype).reshape(
            self.array.shape
        )


class Kernel:
    """One kernel; a call launches it and returns when it is done."""

    def __init__(self, library: ctypes.CDLL, name: str) -> None:
        signature = getattr(library, f"signature_{name}")
        signature.restype = ctypes.c_char_p
        self.library, self.name, self.codes = library, name, signature().decode().split(",")
        self.launch = getattr(library, f"launch_{name}")

    def __call__(self, grid: tuple, block: tuple, args: tuple, *, shared_mem: int = 0) -> None:
        if len(args) != len(self.codes):
            raise EmulatorError(f"{self.name}: got {len(args)} arguments for ({', '.join(self.codes)})")
        packed = [self._pack(i, value) for i, value in enumerate(args)]
        arrays = [one for one in packed if isinstance(one, Guarded)]
        values = [one.pointer if isinstance(one, Guarded) else one for one in packed]
        pointers = (ctypes.c_void_p * len(values))(*[ctypes.addressof(value) for value in values])
        with LAUNCHING:
            self.library.emulator_seed(ctypes.c_uint64(Module.seed))
            if self.launch(_triple(grid), _triple(block), ctypes.c_size_t(shared_mem), pointers):
                raise EmulatorError(f"{self.name}: {self.library.emulator_message().decode()}")
        for one in arrays:
            one.finish()

    def _pack(self, i: int, value):
        where, wanted = f"{self.name}, argument {i}", self.codes[i]
        array = value.use() if hasattr(value, "memory_of_the_device") else value
        if isinstance(array, np.ndarray):
            found, made = "*" + array.dtype.str[1:], Guarded
        elif isinstance(array, np.generic):
            found, made = array.dtype.str[1:], _scalar
        else:
            raise EmulatorError(f"{where}: expected an array or a NumPy scalar, got {type(value).__name__}")
        if found != wanted:
            raise EmulatorError(f"{where}: expected {wanted}, got {found}")
        return made(array, where)


def _scalar(value: np.generic, where: str) -> ctypes.Array:
    return ctypes.create_string_buffer(value.tobytes(), value.nbytes)


def _triple(shape: tuple) -> ctypes.Array:
    return (ctypes.c_uint * 3)(*(*shape, 1, 1)[:3])
