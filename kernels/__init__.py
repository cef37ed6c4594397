"""Numerical kernels: operations on arrays, the same on every device.

The operations take arrays and return arrays. They know no file, no seed policy and no configuration, and
import only numpy, scipy, numba (device "cpu") and cupy (device "gpu"). Importing this package imports none of
them: a device is imported when it is loaded.

Operations that draw take a stream: four uint32 words of any value, such as np.array([1, 2, 3, 4], np.uint32).
Other words give independent numbers, and any part of a stream can be drawn alone. An integer below 2^64 is
the stream that has it in its first two words and 0 in the others. In an experiment of that seed, X of trial 0
in cell 0 has the same numbers; `rmtsim.experiment.streams.stream` names all streams of an experiment.

    >>> from rmtsim import kernels
    >>> cpu = kernels.load("cpu")
    >>> cpu.class_weights([0.5, 0.2], [0.5, 0.2], same=True)
    array([0.25, 0.16])
    >>> cpu.normals(1, start=0, size=(2, 3)).shape
    (2, 3)

`help(kernels.Operations)` lists them. For callers who compile, `rmtsim.kernels.cpu.compiled` has functions
for use inside a @numba.njit of their own.
"""

from functools import cache
from importlib import import_module

from .errors import DeviceError

TYPE_CHECKING = False  # typing's own takes longer to import than all of this
if TYPE_CHECKING:
    from typing import Any

    from .arguments.trials import Network
    from .operations import OPERATIONS, Operations

__all__ = ["DEVICES", "OPERATIONS", "DeviceError", "Network", "Operations", "load"]

if __name__ == "kernels":
    raise ImportError("kernels: expected to be imported as rmtsim.kernels, got the folder of its sources")

DEVICES = ("cpu", "gpu", "reference")

_HOME = {"Network": "arguments.trials", "OPERATIONS": "operations", "Operations": "operations"}


def __getattr__(name: str) -> "Any":
    if name in _HOME:
        return getattr(import_module(f".{_HOME[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


@cache
def load(device: str) -> "Operations":
    """The operations of `device`: "cpu" (Numba), "gpu" (CUDA) or "reference" (plain NumPy).

    The same object whenever it is asked for. What a device needs is imported when it is first loaded.

    Raises ValueError for another name, DeviceError for "gpu" where there is no CuPy or no GPU.
    """
    if device not in DEVICES:
        raise ValueError(f"device: expected one of {', '.join(map(repr, DEVICES))}, got {device!r}")
    if device == "gpu":
        from .gpu.device import cupy

        cupy()
    from .operations import Operations

    return Operations(device)
