"""What made a results file: program, libraries, machine and time."""

import platform
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import version

_LIBRARIES = ("numpy", "scipy", "numba", "h5py")


def provenance(device: str) -> Mapping[str, str]:
    """Attributes that say where results come from; none of them enters the numbers but ``device``.

    Parameters
    ----------
    device : {"cpu", "gpu", "reference"}
        Device of the kernels.
    """
    return {
        **_device_attributes(device),
        "program_version": version("rmtsim"),
        "device": device,
        "python_version": platform.python_version(),
        **{f"{library}_version": version(library) for library in _LIBRARIES},
        "host": platform.node(),
        "platform": platform.platform(),
        "start_time": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _device_attributes(device: str) -> Mapping[str, str]:
    """Number, name, memory, driver and runtime of the GPU; nothing for other devices."""
    if device != "gpu":
        return {}
    from .kernels._gpu import describe

    return describe()
