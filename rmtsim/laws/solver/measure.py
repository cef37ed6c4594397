"""Discrete weight laws: their check, and their canonical form."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Complexes = NDArray[np.complex128]
Indices = NDArray[np.intp]


class Approximation(NamedTuple):
    """A number with a bound of its numerical error."""

    value: float
    error: float


# Rounding of a sum of probabilities grows with their number; beyond this the input is wrong.
PROBABILITY_TOLERANCE = 1e-12
DYNAMIC_RANGE = 1e60
"""Largest quotient of moduli of nonzero weights: beyond it fourth powers leave the doubles."""


class PointWeights:
    """What is asked of weights that are points, by those who have both arrays."""

    weights: Floats
    probabilities: Floats

    @property
    def mean(self) -> float:
        """E lambda."""
        return float(self.probabilities @ self.weights)

    @property
    def largest(self) -> float:
        """Largest modulus of a weight."""
        return float(np.abs(self.weights).max())


def row_blocks(n_rows: int, n_columns: int, entries: int) -> Iterator[slice]:
    """Cut the rows of a matrix into blocks of about ``entries`` entries."""
    step = max(1, entries // n_columns)
    return (slice(i, i + step) for i in range(0, n_rows, step))


def check_aspect_ratio(aspect_ratio: float) -> float:
    """Check a finite aspect ratio above zero."""
    value = float(aspect_ratio)
    if not (np.isfinite(value) and value > 0):
        raise ValueError(f"aspect_ratio: expected a finite number above 0, got {aspect_ratio}")
    return value


def finite_vector(name: str, values: ArrayLike) -> Floats:
    """Check a vector of at least one number, all finite."""
    vector = np.atleast_1d(np.asarray(values, dtype=np.float64))
    if vector.ndim != 1 or vector.size == 0:
        raise ValueError(f"{name}: expected a vector of at least one number, got shape {vector.shape}")
    if not np.isfinite(vector).all():
        raise ValueError(f"{name}: expected finite numbers, got {vector[~np.isfinite(vector)][0]}")
    return vector


def check_range(weights: Floats) -> None:
    """Check that weights other than zero are within a factor of each other whose powers are doubles."""
    sizes = np.abs(weights[weights != 0])
    if sizes.size and not sizes.max() <= DYNAMIC_RANGE * sizes.min():
        raise ValueError(
            f"weights: expected moduli within a factor of {DYNAMIC_RANGE:g} of each other, zero aside, got "
            f"{sizes.min():g} and {sizes.max():g}"
        )


def check_measure(weights: ArrayLike, probabilities: ArrayLike) -> tuple[Floats, Floats]:
    """Check a discrete probability measure.

    Returns
    -------
    weights, probabilities : ndarray, shape (k,), float64

    Raises
    ------
    ValueError
        Naming the argument: not finite vectors of one length, a negative probability, or a total that
        differs from 1 by more than 1e-12.
    """
    w, p = finite_vector("weights", weights), finite_vector("probabilities", probabilities)
    if w.shape != p.shape:
        raise ValueError(f"probabilities: expected one for each of the {w.size} weights, got {p.size}")
    if p.min() < 0:
        raise ValueError(f"probabilities: expected numbers from 0 to 1, got {p.min()}")
    if abs(p.sum() - 1) > PROBABILITY_TOLERANCE:
        raise ValueError(f"probabilities: expected a sum within 1e-12 of 1, got {p.sum()}")
    return w, p


def canonical(weights: Floats, probabilities: Floats) -> tuple[Floats, Floats]:
    """Sort a measure by weight, merge equal weights and drop those of probability zero."""
    distinct, inverse = np.unique(weights, return_inverse=True)
    p: Floats = np.zeros(distinct.size)
    np.add.at(p, inverse.ravel(), probabilities)
    return distinct[p > 0], p[p > 0]
