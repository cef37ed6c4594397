"""Every operation on the CPU, compiled by Numba."""

from .cpu_banded import banded_counts, banded_statistics
from .cpu_classes import class_means, class_probabilities, log_normalizers
from .cpu_covariances import class_covariances
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
from .cpu_structured import (
    chi,
    half_space_counts,
    output_grams,
    wedge_forms,
    wedge_samples,
    wishart_forms,
)
from .cpu_tops import softmax_tops
from .cpu_trials import hidden_forms, linear_forms, spectral_statistics
from .cpu_weights import class_weights, gated_weights

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
