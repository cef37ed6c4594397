"""The CUDA sources as the compiler gets them: one text per unit, with its own headers put in.

CuPy's cache of compiled kernels does not look into included files; a single text makes it notice their
changes.
"""

import re
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent / "cuda"
UNITS = (
    "random",
    "classes",
    "tops",
    "weights",
    "gram",
    "householder",
    "spectra",
    "structured",
    "layers",
    "banded",
    "masses",
)
REAL_UNITS = ("random", "classes", "tops", "gram", "householder", "layers")
"""Units compiled for REAL = float and REAL = double. The others are float64 throughout."""

_INCLUDE = re.compile(r'^#include "([\w.]+)"$', re.MULTILINE)


@cache
def source(unit: str) -> str:
    """CUDA C++ text of a unit."""
    return _expanded(f"{unit}.cu", set())


def _expanded(name: str, seen: set[str]) -> str:
    """Text of a file, each header in the place of its first #include; #line keeps the places of errors."""
    if name in seen:
        return ""
    seen.add(name)
    lines = []
    for number, line in enumerate((FOLDER / name).read_text(encoding="utf-8").splitlines(), 1):
        if match := _INCLUDE.match(line):
            lines += [_expanded(match[1], seen), f'#line {number + 1} "{name}"']
        else:
            lines.append(line)
    return "\n".join([f'#line 1 "{name}"', *lines])


def options(unit: str, real: str | None = None) -> tuple[str, ...]:
    """Compiler options. Without --fmad=false a * b + c is rounded once, and normals differ from the CPU's."""
    return ("--std=c++17", "--fmad=false", *((f"-DREAL={real}",) if unit in REAL_UNITS else ()))
