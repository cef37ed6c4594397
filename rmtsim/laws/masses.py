"""Limit squared Frobenius norms of Hessian blocks by layer, theory.md (3.4) and section 4."""

import math
from dataclasses import dataclass

from .averages.hidden_pairs import gradient_covariance_masses, hidden_variance_masses
from .averages.softmax_moments import softmax_moments
from .solver.measure import Approximation

# Relative quadrature error of the one-dimensional integrals of theory.md (4.2), tested on C = 2 and E p =
# 1/C.
_SOFTMAX_ERROR = 1e-13


@dataclass(frozen=True)
class BlockMass:
    """Squared Frobenius norm per row of one diagonal and one off-diagonal block, each with its error.

    The errors bound the quadrature; where a quasi-Monte Carlo average enters they are three standard errors.
    """

    diagonal: float
    off_diagonal: float
    diagonal_error: float = 0.0
    off_diagonal_error: float = 0.0

    @property
    def ratio(self) -> Approximation:
        """Off-diagonal over diagonal mass."""
        ratio = self.off_diagonal / self.diagonal
        relative = self.off_diagonal_error / self.off_diagonal + self.diagonal_error / self.diagonal
        return Approximation(ratio, ratio * relative)


def linear_mse(gamma: float, n_classes: int, m: int) -> BlockMass:
    """Weight 1 on the diagonal, 0 off it."""
    return BlockMass(1 + gamma, 0.0)


def linear_ce(gamma: float, n_classes: int, m: int) -> BlockMass:
    """theory.md (4.2)."""
    _, p2, p3, p4, squares = (float(p) for p in softmax_moments(n_classes, 1.0))
    mean = 1 / n_classes - p2  # E p_1 (1 - p_1) = -(C - 1) E (-p_1 p_2), since block rows sum to zero
    diagonal = mean**2 + gamma * (p2 - 2 * p3 + p4)
    off = (mean / (n_classes - 1)) ** 2 + gamma * squares
    return BlockMass(diagonal, off, _SOFTMAX_ERROR * diagonal, _SOFTMAX_ERROR * off)


def hidden_mse_w(gamma: float, C: int, m: int) -> BlockMass:
    """S = V^T V: E S_ii^2 = C (C + 2) / m^2, E S_ij^2 = C / m^2; gates open with probability 1/2 and 1/4."""
    return BlockMass(C * (C + 2) / m**2 * (1 / 4 + gamma / 2), C / m**2 * (1 / 16 + gamma / 4))


def hidden_mse_v(gamma: float, C: int, m: int) -> BlockMass:
    """E h h^T has 1/2 on the diagonal and 1/(2 pi) off it."""
    return BlockMass(1 / 4 + (m - 1) / (4 * math.pi**2), 0.0)


def hidden_ce_w(gamma: float, C: int, m: int) -> BlockMass:
    """theory.md (4.6), hidden layer."""
    (diagonal, error), (off, off_error) = (
        (pair + gamma * square, pair_error + gamma * square_error)
        for (pair, pair_error), (square, square_error) in gradient_covariance_masses(C, m)
    )
    return BlockMass(diagonal, off, error, off_error)


def hidden_ce_v(gamma: float, C: int, m: int) -> BlockMass:
    """theory.md (4.6), output layer."""
    (diagonal, error), (off, off_error) = hidden_variance_masses(C, m)
    return BlockMass(diagonal, off, error, off_error)
