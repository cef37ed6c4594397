"""Every operation on the CPU, compiled by Numba."""

from .banded import banded_counts, banded_statistics
from .classes import class_means, class_probabilities, log_normalizers
from .covariances import class_covariances
from .masses import class_mass_totals
from .matrices import (
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
from .random import labels, normals, philox4x32, uniforms
from .structured import chi, half_space_counts, output_grams, wedge_forms, wedge_samples, wishart_forms
from .tops import softmax_tops
from .trials import hidden_forms, linear_forms, spectral_statistics
from .weights import class_weights, gated_weights

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
