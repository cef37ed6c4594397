"""Every operation on the CPU, compiled by Numba."""

from .cpu_classes import (
    class_covariances,
    class_means,
    class_probabilities,
    log_normalizers,
)
from .cpu_masses import class_mass_totals
from .cpu_matrices import (
    eigenvalues,
    extremes,
    gram_sum,
    histogram,
    masses,
    moments,
    sturm_counts,
    tridiagonal,
    weighted_gram,
)
from .cpu_random import labels, normals, philox4x32, uniforms
from .cpu_structured import banded_counts, banded_extremes, banded_histogram, banded_moments, chi
from .cpu_trials import hidden_forms, linear_forms, spectral_statistics
from .cpu_weights import class_weights, gated_weights

__all__ = [
    "banded_counts",
    "banded_extremes",
    "banded_histogram",
    "banded_moments",
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
    "hidden_forms",
    "histogram",
    "labels",
    "linear_forms",
    "log_normalizers",
    "masses",
    "moments",
    "normals",
    "philox4x32",
    "spectral_statistics",
    "sturm_counts",
    "tridiagonal",
    "uniforms",
    "weighted_gram",
]
