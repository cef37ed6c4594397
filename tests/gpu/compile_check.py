"""Compile every CUDA source as `cupy.RawModule` would, with no GPU: `compile_check.py [ARCHITECTURE ...]`.

Prints a table and fails on errors, warnings, spills, local memory, or more registers than `BUDGET`. Calls
CuPy's internals, which tests/gpu/requirements.txt pins; nvcc, where it is, gives a second opinion.
"""

import io
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from rmtsim.kernels.gpu import sources

ARCHITECTURES = ("75", "80", "90")
BUDGET = 64
"""Registers to a thread: then two of the largest blocks, of 512 threads, share 65536 registers."""

ENTRY = re.compile(r"Compiling entry function '(\w+)'")
STACK = re.compile(r"(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads")
REGISTERS = re.compile(r"Used (\d+) registers")


class Report(NamedTuple):
    """What the compiler says of one kernel."""

    compiler: str
    unit: str
    real: str
    architecture: str
    kernel: str
    registers: int
    stack: int

    @property
    def within_budget(self) -> bool:
        """Whether the kernel needs neither local memory nor more registers than the budget."""
        return self.registers <= BUDGET and self.stack == 0


def builds() -> Iterator[tuple[str, str | None]]:
    """Every unit with every type it is compiled for."""
    for unit in sources.UNITS:
        for real in ("float", "double") if unit in sources.REAL_UNITS else (None,):
            yield unit, real


def read(log: str, compiler: str, unit: str, real: str | None, architecture: str) -> list[Report]:
    """The reports in the log of ptxas; SystemExit for anything that it warns of."""
    # CUDA 12 says of sm_60 and sm_70 that CUDA 13 will not know them.
    if re.search(r"warning(?!: Architectures prior to)|error", log, re.IGNORECASE):
        sys.exit(f"{unit} ({real}) for sm_{architecture}:\n{log}")
    kernels, stacks, registers = ENTRY.findall(log), STACK.findall(log), REGISTERS.findall(log)
    if not len(kernels) == len(stacks) == len(registers) > 0:
        sys.exit(f"{unit}: expected registers and stack of each kernel in the log, got:\n{log}")
    return [
        Report(compiler, unit, real or "-", architecture, kernel, int(used), sum(map(int, stack)))
        for kernel, stack, used in zip(kernels, stacks, registers, strict=True)
    ]


def nvrtc(unit: str, real: str | None, architecture: str) -> list[Report]:
    """Compile with NVRTC and the options that RawModule adds (cupy/cuda/compiler.py, CuPy 14.2.0)."""
    from cupy._core import core
    from cupy.cuda import compiler

    options = core.assemble_cupy_compiler_options(sources.options(unit, real))
    options += ("-ftz=true", "--device-as-default-execution-space", f"-arch=sm_{architecture}")
    source = sources.source(unit)
    program = compiler._NVRTCProgram(source, f"{unit}.cu", (), (), method="cubin")
    log = io.StringIO()
    try:
        program.compile((*options, "--ptxas-options=-v"), log)
    except compiler.CompileException as error:
        sys.exit(f"{unit} ({real}) for sm_{architecture}: {error}")
    return read(log.getvalue(), "nvrtc", unit, real, architecture)


def nvcc(unit: str, real: str | None, architecture: str) -> list[Report]:
    """Compile with nvcc, every warning an error."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / f"{unit}.cu"
        file.write_text(sources.source(unit))
        options = [option.replace("--fmad", "-fmad") for option in sources.options(unit, real)]
        flags = [
            "-cubin",
            f"-arch=sm_{architecture}",
            "-Werror",
            "all-warnings",
            "-Xptxas",
            "-v,-warn-spills",
        ]
        command = ["nvcc", *options, *flags, str(file), "-o", str(file.with_suffix(".cubin"))]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{unit} ({real}) for sm_{architecture}, nvcc:\n{done.stderr}")
    return read(done.stderr, "nvcc", unit, real, architecture)


def main(architectures: tuple[str, ...] = ARCHITECTURES) -> int:
    """Compile everything, print the table of registers, and return the exit status."""
    compilers = [nvrtc, nvcc] if shutil.which("nvcc") else [nvrtc]
    reports = [
        report
        for compile_ in compilers
        for unit, real in builds()
        for architecture in (architectures if compile_ is nvrtc else architectures[-1:])
        for report in compile_(unit, real, architecture)
    ]
    print(f"{'compiler':<9}{'unit':<13}{'real':<8}{'sm':<4}{'kernel':<20}{'registers':>9}{'stack':>7}")
    for report in reports:
        mark = "" if report.within_budget else f"  over the budget of {BUDGET} registers and no stack"
        name = f"{report.unit:<13}{report.real:<8}{report.architecture:<4}{report.kernel:<20}"
        print(f"{report.compiler:<9}{name}{report.registers:>9}{report.stack:>7}{mark}")
    return int(not all(report.within_budget for report in reports))


if __name__ == "__main__":
    sys.exit(main(tuple(sys.argv[1:]) or ARCHITECTURES))
