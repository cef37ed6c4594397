"""cuSOLVER as CuPy binds it, with LAPACK in its place, and how CuPy finds its libraries.

What cuSOLVER keeps silent about stays silent: a matrix that does not converge shows in `info` alone, which
CuPy does not look at unless it is told to.
"""

from contextlib import contextmanager
from types import ModuleType, SimpleNamespace

import numpy as np

from .module import EmulatorError

LARGEST = 2**31 - 1
"""Entries of a matrix."""


class CUSOLVERError(RuntimeError):
    """As cupy_backends.cuda.libs.cusolver.CUSOLVERError."""


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


def eigvalsh(a: np.ndarray, triangle: str) -> np.ndarray:
    """As cupy.linalg.eigvalsh of one matrix: xsyevd; garbage where it does not converge."""
    if a.ndim != 2:
        raise EmulatorError("eigvalsh: eigenvalues of many matrices may depend on how many there are")
    if a.size > LARGEST:
        raise CUSOLVERError("CUSOLVER_STATUS_INVALID_VALUE")
    info = int(Faults.fails(a))
    if info and not Faults.silent:
        raise np.linalg.LinAlgError(f"Error reported by cuSOLVER. devInfo = {info}.")
    return np.linalg.eigvalsh(a, triangle) * (1 - info)


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


def modules() -> dict[str, ModuleType]:
    """The packages around CuPy's libraries."""
    made = {}
    for name in ("cupy_backends", "cupy_backends.cuda", "cupy_backends.cuda.libs"):
        made[name] = ModuleType(name)
        made[name].__spec__ = SimpleNamespace(name=name)
    made["cupy_backends.cuda.libs"].__getattr__ = _library
    return made
