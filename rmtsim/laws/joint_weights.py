"""Sample weights together with the projections of the sample that they depend on."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


# Points w = -1/e of the resolvent E[lambda / (1 - lambda / w)], in units of E abs(lambda): angles 1, 2 and pi
# - 1.
_POINTS = np.outer(np.exp(1j * np.array([1.0, 2.0, np.pi - 1.0])), 2.0 ** np.arange(-6, 7)).ravel()


@dataclass(frozen=True)
class LawErrors:
    """Bounds of the errors of a discrete weight law, relative to the same functional of absolute values.

    Attributes
    ----------
    resolvent : float
        Largest error of E[lambda / (1 + lambda e)], which is all that a limit law sees, theory.md (3.1), over
        e of modulus 2^-6..2^6 / E abs(lambda) that keep -1/e an angle of 1 away from the real axis.
    moments : tuple of 4 floats
        Of E lambda^k, k = 1..4.
    """

    resolvent: float
    moments: tuple[float, float, float, float]

    def __add__(self, other: "LawErrors") -> "LawErrors":
        first, second, third, fourth = (a + b for a, b in zip(self.moments, other.moments, strict=True))
        return LawErrors(self.resolvent + other.resolvent, (first, second, third, fourth))

    @classmethod
    def uniform(cls, error: float) -> "LawErrors":
        """One bound for all."""
        return cls(error, (error, error, error, error))

    @classmethod
    def of(cls, differences: NDArray[Any], sizes: Floats) -> "LawErrors":
        """Errors from differences of `functionals` and their sizes."""
        first, second, third, fourth, *resolvents = (float(x) for x in np.abs(differences) / sizes)
        return cls(max(resolvents), (first, second, third, fourth))


def functionals(weights: Floats, probabilities: Floats, unit: float) -> tuple[NDArray[np.complex128], Floats]:
    """E lambda^k, k = 1..4, and the resolvents of `LawErrors`, in ``unit``; the same of absolute values."""
    scaled = weights / unit
    terms = [scaled**k + 0j for k in range(1, 5)] + [scaled / (1 - scaled / w) for w in _POINTS]
    values = np.array([probabilities @ term for term in terms])
    return values, np.array([probabilities @ np.abs(term) for term in terms])


@dataclass(frozen=True)
class Sector:
    """An invariant subspace of E[g(lambda) u u^T], u the projections that lambda depends on.

    Symmetries of lambda split the space of u into subspaces between which E[g(lambda) u u^T] vanishes for
    every g.

    Attributes
    ----------
    directions : ndarray, shape (n, k)
        Vectors v_n, one per node of the weight law, with E[g(lambda) u u^T] = sum_n p_n g(lambda_n) v_n v_n^T
        in an orthonormal basis of the subspace: the projections themselves, or (k = 1) the root of their
        conditional second moment given lambda.
    multiplicity : int
        Number of equal copies of the subspace.
    """

    directions: Floats
    multiplicity: int = 1


@dataclass(frozen=True)
class JointWeights:
    """Quadrature of the joint law of a sample weight and of its projections, for theory.md (3.5).

    Attributes
    ----------
    weights, probabilities : ndarray, shape (n,)
    sectors : tuple of Sector
        Subspaces in which an outlier is possible; empty if lambda depends on no projection.
    errors : LawErrors
    source : str
        How the quadrature was made.
    """

    weights: Floats
    probabilities: Floats
    sectors: tuple[Sector, ...]
    errors: LawErrors
    source: str
