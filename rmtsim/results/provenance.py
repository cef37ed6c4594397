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

NAMES = ("device", *_FACTS)
"""The attributes that every session has; those on a GPU have more."""
_OUTSIDE_OF_NUMBERS = ("python_version", "h5py_version", "host", "platform", "start_time", "gpu_number")


def provenance(device: str) -> Mapping[str, str]:
    """Attributes that say where results come from.

    The device enters the numbers, and the library versions, the BLAS and the GPU their last bits.

    Parameters
    ----------
    device : {"cpu", "gpu", "reference"}
        Device of the kernels.
    """
    facts = {name: fact() for name, fact in _FACTS.items()}
    return {**_device_attributes(device), "device": device, **facts}


def _device_attributes(device: str) -> Mapping[str, str]:
    """Number, name, memory, driver and runtime of the GPU; nothing for other devices."""
    if device != "gpu":
        return {}
    from ..kernels.gpu.device import describe

    return describe()


def mixture(sessions: Sequence[Mapping[str, Any]]) -> str:
    """Say in what sessions differ that enters the last bits of numbers; nothing if in nothing."""
    several = []
    for name in sessions[-1].keys() - set(_OUTSIDE_OF_NUMBERS):
        values = dict.fromkeys(f'"{session.get(name, "unknown")}"' for session in sessions)
        if len(values) > 1:
            several.append(f"{name} = {' and '.join(values)}")
    return "; ".join(sorted(several))
