"""Numerical kernels: one function per operation, the same signature on every device.

The operations take arrays and return arrays. They know no file, no seed policy and no configuration, and
import only numpy, scipy, numba (device "cpu") and cupy (device "gpu"). Importing this package imports none of
them: a device is imported when it is loaded.

Operations that draw take a stream: four uint32 words of any value, such as np.array([1, 2, 3, 4], np.uint32).
Other words give independent numbers, and any part of a stream can be drawn alone. `rmtsim.streams.stream`
names those of the trials of an experiment.

    >>> from rmtsim import kernels
    >>> cpu = kernels.load("cpu")
    >>> cpu.class_weights([0.5, 0.2], [0.5, 0.2], same=True)
    array([0.25, 0.16])
"""

from importlib import import_module
from types import ModuleType

from .errors import DeviceError

__all__ = ["DEVICES", "OPERATIONS", "DeviceError", "load"]

DEVICES = ("cpu", "gpu", "reference")

OPERATIONS = (
    # random words and what is made of them
    "philox4x32",
    "uniforms",
    "normals",
    "labels",
    # softmax over the classes, sample weights
    "log_normalizers",
    "softmax_tops",
    "class_probabilities",
    "class_means",
    "class_covariances",
    "class_weights",
    "gated_weights",
    # weighted Gram matrices and their spectra
    "weighted_gram",
    "eigenvalues",
    "tridiagonal",
    "sturm_counts",
    "histogram",
    "extremes",
    "moments",
    "masses",
    "gram_sum",
    "class_mass_totals",
    # batches of whole trials
    "linear_forms",
    "hidden_forms",
    "spectral_statistics",
    # structured models
    "chi",
    "half_space_counts",
    "wedge_samples",
    "output_grams",
    "wishart_forms",
    "wedge_forms",
    "banded_counts",
    "banded_statistics",
)


def load(device: str) -> ModuleType:
    """The module with the operations of `device`: "cpu" (Numba), "gpu" (CUDA) or "reference" (plain NumPy).

    Raises ValueError for another name, DeviceError for "gpu" where there is no CuPy or no GPU.
    """
    if device not in DEVICES:
        raise ValueError(f"device: expected one of {', '.join(map(repr, DEVICES))}, got {device!r}")
    return import_module(f".{device}.operations", __name__)
