"""Gauss quadrature: of discrete measures, of chi-square and Jacobi laws, and of lengths of Gaussian vectors.

Golub & Welsch 1969, *Math. Comp.* 23, 221; Gautschi, *Orthogonal Polynomials*, 2004.
"""

import numpy as np
import scipy  # its parts are loaded where they are first used
from scipy.linalg import eigh_tridiagonal

from ..solver.measure import Floats

_LENGTHS = 48
_NEGLIGIBLE = 1e-18
"""Probability beyond either end of the lengths."""


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
    nodes, shares = _rule_of(*_lanczos(points, np.sqrt(masses / total), n_nodes))
    return nodes, total * shares


def chi_square_rule(freedom: float, n_nodes: int) -> tuple[Floats, Floats]:
    """Gauss rule of the chi-square law: nodes and probabilities."""
    k, shape = np.arange(n_nodes, dtype=np.float64), freedom / 2 - 1
    nodes, shares = _rule_of(2 * k + 1 + shape, np.sqrt(k[1:] * (k[1:] + shape)))
    return 2 * nodes, shares


def jacobi_rule(alpha: float, beta: float, n_nodes: int) -> tuple[Floats, Floats]:
    """Gauss rule of the density (1 - x)^alpha (1 + x)^beta, normalised: any size of alpha."""
    k = np.arange(1, n_nodes, dtype=np.float64)
    total = 2 * k + alpha + beta
    diagonal = np.append((beta - alpha) / (alpha + beta + 2), (beta**2 - alpha**2) / (total * (total + 2)))
    squares = 4 * k * (k + alpha) * (k + beta) * (k + alpha + beta) / (total**2 * (total**2 - 1))
    return _rule_of(diagonal, np.sqrt(squares))


def length_rule(freedom: int) -> tuple[Floats, Floats]:
    """Squared lengths and probabilities of a Gaussian vector, for functions that are smooth in the length."""
    ends = np.sqrt([scipy.stats.chi2.ppf(_NEGLIGIBLE, freedom), scipy.stats.chi2.isf(_NEGLIGIBLE, freedom)])
    nodes, weights = np.polynomial.legendre.leggauss(_LENGTHS)
    lengths = ends[0] + (ends[1] - ends[0]) * (nodes + 1) / 2
    masses = weights * lengths * scipy.stats.chi2.pdf(lengths**2, freedom)
    return lengths**2, masses / masses.sum()


def _rule_of(diagonal: Floats, off_diagonal: Floats) -> tuple[Floats, Floats]:
    """Nodes and probabilities of a Jacobi matrix."""
    nodes, vectors = eigh_tridiagonal(diagonal, off_diagonal)
    return nodes, vectors[0] ** 2


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
