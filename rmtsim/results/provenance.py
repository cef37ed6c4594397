"""What made a results file: program, libraries, machine and time."""

import platform
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any


def _blas() -> str:
    from ..blas import description

    return description()


_FACTS: Mapping[str, Callable[[], str]] = {
    "program_version": lambda: version("rmtsim"),
    "python_version": platform.python_version,
    "numpy_version": lambda: version("numpy"),
    "scipy_version": lambda: version("scipy"),
    "numba_version": lambda: version("numba"),
    "h5py_version": lambda: version("h5py"),
    "blas": _blas,
    "host": platform.node,
    "platform": platform.platform,
    "start_time": lambda: datetime.now(UTC).isoformat(timespec="seconds"),
}

ATTRIBUTES = ("device", *_FACTS)
"""The attributes that every session has; a session on a GPU has more."""
_WITHOUT_EFFECT = ("python_version", "h5py_version", "host", "platform", "start_time", "gpu_number")
"""Attributes that do not enter the numbers of trials."""


def provenance(device: str) -> Mapping[str, str]:
    """Return the attributes of a session that starts now.

    The device decides which numbers are computed; the versions of libraries, the BLAS and the GPU decide
    their last bits.

    Parameters
    ----------
    device : {"cpu", "gpu", "reference"}
        Device of the kernels.
    """
    facts = {name: fact() for name, fact in _FACTS.items()}
    return {**_gpu_attributes(device), "device": device, **facts}


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
        values = dict.fromkeys(f'"{session.get(name, "unknown")}"' for session in sessions)
        if len(values) > 1:
            differing.append(f"{name} = {' and '.join(values)}")
    return "; ".join(sorted(differing))
