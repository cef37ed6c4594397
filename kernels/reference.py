"""Every operation in plain NumPy, obvious and slow: the specification that the devices are tested against."""

from .reference_classes import (
    class_covariances,
    class_mass_totals,
    class_means,
    class_probabilities,
    class_weights,
    gated_weights,
    log_normalizers,
)
from .reference_matrices import (
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
from .reference_random import labels, normals, philox4x32, uniforms
from .reference_structured import (
    banded_counts,
    banded_statistics,
    chi,
    half_space_counts,
    output_grams,
    wedge_forms,
    wedge_samples,
    wishart_forms,
)
from .reference_trials import hidden_forms, linear_forms, spectral_statistics

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
    "spectral_statistics",
    "sturm_counts",
    "tridiagonal",
    "uniforms",
    "wedge_forms",
    "wedge_samples",
    "weighted_gram",
    "wishart_forms",
]
