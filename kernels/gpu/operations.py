"""Every operation on an NVIDIA GPU: hand-written CUDA kernels, cuBLAS and cuSOLVER, through CuPy.

Arrays come from and return to the host. `linear_forms` and `hidden_forms` keep what lies between streams and
tridiagonal forms on the device, but for a few numbers; forms come back, and go in again for
`spectral_statistics`. kernels/gpu/cuda/README.md lists what is copied.

Importing this module raises DeviceError where there is no CuPy or no GPU.
"""

from . import device
from .classes import class_means, class_probabilities, class_weights, gated_weights, log_normalizers
from .covariances import class_covariances
from .masses import class_mass_totals
from .matrices import eigenvalues, gram_sum, masses, tridiagonal, weighted_gram
from .random import labels, normals, philox4x32, uniforms
from .spectra import extremes, histogram, moments, sturm_counts
from .structured import (
    banded_counts,
    banded_statistics,
    chi,
    half_space_counts,
    output_grams,
    wedge_forms,
    wedge_samples,
    wishart_forms,
)
from .tops import softmax_tops
from .trials import hidden_forms, linear_forms, spectral_statistics

device.cupy()

__all__ = [
    "banded_counts",
    "banded_statistics",
    "chi",
    "class_covariances",
    "class_mass_totals",
    "class_means",
    "class_probabilities",
    "class_weights",
    "eigenvalues",
    "extremes",
    "gated_weights",
    "gram_sum",
    "half_space_counts",
    "hidden_forms",
    "histogram",
    "labels",
    "linear_forms",
    "log_normalizers",
    "masses",
    "moments",
    "normals",
    "output_grams",
    "philox4x32",
    "softmax_tops",
    "spectral_statistics",
    "sturm_counts",
    "tridiagonal",
    "uniforms",
    "wedge_forms",
    "wedge_samples",
    "weighted_gram",
    "wishart_forms",
]
