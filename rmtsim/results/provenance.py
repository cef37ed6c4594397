"""What made a results file: program, libraries, machine and time."""

import hashlib
import platform
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

_COMPUTING = ("kernels", "models", "statistics", "experiment", "sampling")
"""Rooms whose code computes trials."""


def _blas() -> str:
    from ..blas import description

    return description()


@cache
def _source() -> str:
    """Return a hash of the code that computes trials, which changes between versions too."""
    top, digest = Path(__file__).parents[1], hashlib.sha256()
    for path in sorted(path for room in _COMPUTING for path in (top / room).rglob("*")):
        if path.suffix not in (".md", ".pyc") and "__pycache__" not in path.parts and path.is_file():
            content = path.read_bytes()
            digest.update(f"{path.relative_to(top)} {len(content)} ".encode() + content)
    return digest.hexdigest()[:16]


def _cpu() -> str:
    try:
        model_name = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    except OSError:
        model_name = None
    return model_name[1] if model_name else platform.processor() or platform.machine()


def now() -> str:
    """Return the time, to the second; texts of all times have one length."""
    return datetime.now(UTC).isoformat(timespec="seconds")


_FACTS: Mapping[str, Callable[[], str]] = {
    "program_version": lambda: version("rmtsim"),
    "source": _source,
    "python_version": platform.python_version,
    "numpy_version": lambda: version("numpy"),
    "scipy_version": lambda: version("scipy"),
    "numba_version": lambda: version("numba"),
    "h5py_version": lambda: version("h5py"),
    "blas": _blas,
    "cpu": _cpu,
    "host": platform.node,
    "platform": platform.platform,
    "start_time": now,
}

LATER = ("source", "cpu")
"""Attributes that earlier sessions do not have."""
ATTRIBUTES = ("device", *(name for name in _FACTS if name not in LATER))
"""The attributes that every session has; a session on a GPU has more."""
TIMES = ("start_time", "end_time")
_WITHOUT_EFFECT = (
    *("python_version", "h5py_version", "cpu", "host", "platform", "gpu_number", "workers"),
    *TIMES,
)
"""Attributes that do not enter the numbers of trials."""


def provenance(device: str, workers: int | None = None) -> Mapping[str, str]:
    """Return the attributes of a session that starts now.

    The device decides which numbers are computed; the versions of libraries, the BLAS and the GPU decide
    their last bits.

    Parameters
    ----------
    device : {"cpu", "gpu", "reference"}
        Device of the kernels.
    workers : int, optional
        Threads that compute trials, where these are known.
    """
    facts = {name: fact() for name, fact in _FACTS.items()}
    threads = {} if workers is None else {"workers": str(workers)}
    return {**_gpu_attributes(device), "device": device, **threads, **facts}


def _gpu_attributes(device: str) -> Mapping[str, str]:
    """Return number, name, memory, driver and runtime of the GPU; nothing for other devices."""
    if device != "gpu":
        return {}
    from ..kernels.gpu.device import describe

    return describe()


def differences_in_numbers(sessions: Sequence[Mapping[str, Any]]) -> str:
    """Name the attributes that enter the last bits of numbers and differ between sessions, with their values.

    Returns
    -------
    str
        Empty if there are none.
    """
    differing = []
    for name in sessions[-1].keys() - set(_WITHOUT_EFFECT):
        having = [session for session in sessions if name in session or name not in LATER]
        values = dict.fromkeys(f'"{session.get(name, "unknown")}"' for session in having)
        if len(values) > 1:
            differing.append(f"{name} = {' and '.join(values)}")
    return "; ".join(sorted(differing))
