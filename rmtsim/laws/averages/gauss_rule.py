"""Gauss quadrature of a discrete measure (Golub & Welsch 1969; Gautschi, *Orthogonal Polynomials*, 2004)."""

import numpy as np
from scipy.linalg import eigh_tridiagonal

from ..solver.measure import Floats


def gauss_rule(points: Floats, masses: Floats, n_nodes: int) -> tuple[Floats, Floats]:
    """Gauss quadrature of a discrete measure: exact for polynomials of degree below 2 n_nodes.

    Parameters
    ----------
    points, masses : ndarray, shape (k,)
        Masses above zero, of any total.
    n_nodes : int
        Fewer nodes come back where the measure has no more points than that.

    Returns
    -------
    nodes, masses : ndarray, shape (min(k, n_nodes),)
    """
    if points.size <= n_nodes:
        return points, masses
    total = masses.sum()
    nodes, vectors = eigh_tridiagonal(*_lanczos(points, np.sqrt(masses / total), n_nodes))
    return nodes, total * vectors[0] ** 2


def _lanczos(points: Floats, start: Floats, n_steps: int) -> tuple[Floats, Floats]:
    """Jacobi matrix of diag(points) from a unit vector; stops early at an invariant subspace."""
    basis = np.empty((n_steps, points.size))
    diagonal, off_diagonal = np.empty(n_steps), np.empty(n_steps)
    negligible = np.finfo(float).eps * np.ptp(points)
    vector = start
    for j in range(n_steps):
        basis[j] = vector
        vector = points * vector
        diagonal[j] = basis[j] @ vector
        for _ in range(2):  # "twice is enough" (Kahan) for orthogonality to working precision
            vector = vector - (basis[: j + 1] @ vector) @ basis[: j + 1]
        off_diagonal[j] = np.linalg.norm(vector)
        if off_diagonal[j] <= negligible:
            break
        vector = vector / off_diagonal[j]
    return diagonal[: j + 1], off_diagonal[:j]
