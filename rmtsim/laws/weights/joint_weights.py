"""Sample weights together with the projections of the sample that they depend on."""

from dataclasses import dataclass

from ..solver.measure import Floats


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
    source : str
        How the quadrature was made.
    """

    weights: Floats
    probabilities: Floats
    sectors: tuple[Sector, ...]
    source: str
