"""The device "gpu" in tests: the real one where there is one, otherwise the emulator in CuPy's place."""

import os
import sys

import pytest
import scipy.linalg  # noqa: F401 - loads its BLAS
import threadpoolctl

from rmtsim import kernels
from rmtsim.kernels.gpu import device

from .emulator import lookalike, module


def gpu_present() -> bool:
    """Whether CuPy finds a GPU; false once the emulator stands in for it."""
    try:
        return device.cupy().__version__ != lookalike.VERSION
    except kernels.DeviceError:
        return False


def _blas() -> list[dict]:
    return [library for library in threadpoolctl.threadpool_info() if library["user_api"] == "blas"]


def pytest_sessionstart() -> None:
    """End the session where RMTSIM_REQUIRE_BLAS names other kernels of OpenBLAS than those in use."""
    wanted, found = os.environ.get("RMTSIM_REQUIRE_BLAS"), {lib.get("architecture") for lib in _blas()}
    if wanted and found != {wanted}:
        pytest.exit(f"RMTSIM_REQUIRE_BLAS: expected {wanted} kernels, got {found}", returncode=4)


def pytest_report_header() -> list[str]:
    """Which BLAS the session runs on."""
    return [
        f"BLAS: {library['internal_api']} {library['version']}, {library.get('architecture')} kernels, "
        f"{library['num_threads']} threads"
        for library in _blas()
    ]


def pytest_configure(config: pytest.Config) -> None:
    """Put the emulator in CuPy's place for the whole session, unless there is a GPU."""
    config.addinivalue_line("markers", "emulated: runs CUDA kernels on the emulator")
    if not gpu_present():
        sys.modules.update(lookalike.modules())
        device.driver_present = lambda: True


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip tests on the device "gpu" where it can be neither used nor emulated."""
    parameters = getattr(getattr(item, "callspec", None), "params", {}).values()
    wants_gpu = "gpu" in parameters or item.get_closest_marker("emulated")
    if wants_gpu and not gpu_present() and module.compiler_missing():
        pytest.skip(f"no GPU, and no C++ compiler ({module.COMPILER}) to emulate one")
