"""Functions for compiled code: what is exported here can be called inside a @numba.njit of your own.

    import numba, numpy as np
    from rmtsim.kernels.cpu import compiled

    @numba.njit
    def counts_below(stream, weights, shifts):
        X = np.empty((len(weights), 50))
        compiled.fill_normals(stream, 0, 1.0, X.ravel())
        diagonal, off_diagonal = compiled.tridiagonal(compiled.weighted_gram(X, weights))
        return compiled.sturm_counts(diagonal, off_diagonal, shifts)

A function that is named as an operation of `rmtsim.kernels.load("cpu")` gives the same bits (but for
`class_probabilities`, which takes all classes at once). Those that begin with `fill_` write into the array
that they get last, and allocate nothing. Arguments are not checked: arrays have the dtypes and shapes that
the docstrings say, and are C-contiguous. All can be called from Python too; the first call compiles, and the
result is cached on disk. The other modules of this package are internal.
"""

from .classes import class_probabilities
from .gram import tridiagonal, weighted_gram
from .random import fill_labels, fill_normals, fill_uniforms, philox4x32
from .spectra import extremes, moments
from .sturm import histogram, sturm_counts
from .weights import class_weights, fill_class_weights, fill_gated_weights, gated_weights

__all__ = [
    "class_probabilities",
    "class_weights",
    "extremes",
    "fill_class_weights",
    "fill_gated_weights",
    "fill_labels",
    "fill_normals",
    "fill_uniforms",
    "gated_weights",
    "histogram",
    "moments",
    "philox4x32",
    "sturm_counts",
    "tridiagonal",
    "weighted_gram",
]
