"""Modules whose launches run in processes of their own, with a thread to each CUDA thread, under a sanitizer.

AddressSanitizer sees what guard words cannot, reads out of bounds; ThreadSanitizer sees two threads of a
block that touch the same word with no barrier between them, whatever came of it. Slow: a process to a launch.
"""

import os
import struct
import subprocess
import tempfile
from functools import cache
from pathlib import Path

import numpy as np

from .module import HERE, EmulatorError, cached, defines, emulator_object, host_unit, run_compiler, sources

ENVIRONMENT = {**os.environ, "ASAN_OPTIONS": "detect_leaks=0"}
FLAGS = ("-g", "-fno-omit-frame-pointer", "-pthread")


@cache
def runner(code: str, options: tuple[str, ...], sanitizer: str) -> Path:
    """The program that launches the kernels of `code` under "address" or "thread" sanitizer."""
    unit, names = host_unit(code)
    table = "".join(f'{{"{name}", launch_{name}}}, ' for name in names)
    unit += (
        "typedef int Launch(const unsigned*, const unsigned*, size_t, void**);\n"
        "struct Entry { const char* name; Launch* launch; };\n"
        f"static const Entry entries[] = {{{table}{{nullptr, nullptr}}}};\n"
        'extern "C" const char* emulator_message();\n'
        '#include "runner.cpp"\n'
    )
    flags = (*FLAGS, f"-fsanitize={sanitizer}")

    def make(target: Path) -> None:
        file = target.with_suffix(".cpp")
        file.write_text(unit)
        emulator = emulator_object("threads", flags)
        run_compiler("-O1", *flags, *defines(options), "-I", HERE, file, emulator, "-o", target)

    return cached(
        f"runner_{sanitizer}.exe", (unit, *options, *flags, *sources("device.h", "runner.cpp")), make
    )


class Module:
    """As `module.Module`."""

    sanitizer = "thread"

    def __init__(self, *, code: str, options: tuple[str, ...] = (), backend: str = "nvrtc") -> None:
        self.program = runner(code, tuple(options), self.sanitizer)

    def get_function(self, name: str) -> "Kernel":
        """The kernel `name`."""
        return Kernel(self.program, name)


class Kernel:
    """As `module.Kernel`; what the sanitizer reports is an error."""

    def __init__(self, program: Path, name: str) -> None:
        self.program, self.name = program, name

    def __call__(self, grid: tuple, block: tuple, args: tuple, *, shared_mem: int = 0) -> None:
        values = [getattr(value, "memory_of_the_device", value) for value in args]
        with tempfile.TemporaryDirectory() as folder:
            given, made = Path(folder) / "in", Path(folder) / "out"
            shape = [(*part, 1, 1)[:3] for part in (grid, block)]
            header = struct.pack("<6I2Q", *shape[0], *shape[1], shared_mem, len(values))
            given.write_bytes(header + b"".join(map(_packed, values)))
            command = [self.program, self.name, given, made]
            done = subprocess.run(command, capture_output=True, text=True, env=ENVIRONMENT, timeout=300)
            if done.returncode or "Sanitizer" in done.stderr:
                raise EmulatorError(f"{self.name}: {done.stderr}")
            results = made.read_bytes()
        for array in (value for value in values if isinstance(value, np.ndarray)):
            array[...] = np.frombuffer(results[: array.nbytes], array.dtype).reshape(array.shape)
            results = results[array.nbytes :]


def _packed(value: np.ndarray | np.generic) -> bytes:
    return struct.pack("<2Q", isinstance(value, np.ndarray), value.nbytes) + value.tobytes()
