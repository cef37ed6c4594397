"""Limit squared Frobenius norms of Hessian blocks by layer, theory.md (3.4) and section 4."""

import math
from dataclasses import astuple, dataclass, field

from .averages.hidden_pairs import gradient_covariance_masses, hidden_variance_masses
from .averages.softmax_moments import softmax_moments
from .solver.measure import Approximation
from .weights.conditions import Initialisation

# Relative quadrature error of the one-dimensional integrals of theory.md (4.2), tested on C = 2 and E p =
# 1/C.
_SOFTMAX_ERROR = 1e-13


@dataclass(frozen=True)
class BlockMass:
    """Squared Frobenius norm per row of one diagonal and one off-diagonal block, each with its error.

    The errors bound the quadrature; where a quasi-Monte Carlo average enters they are three standard errors.
    ``quotient_error`` is that of the ratio, relative to it, where both are averages over the same points.
    """

    diagonal: float
    off_diagonal: float
    diagonal_error: float = 0.0
    off_diagonal_error: float = 0.0
    quotient_error: float | None = field(default=None, repr=False)

    @property
    def ratio(self) -> Approximation:
        """Off-diagonal over diagonal mass."""
        ratio = self.off_diagonal / self.diagonal
        relative = self.quotient_error
        if relative is None:
            relative = self.off_diagonal_error / self.off_diagonal + self.diagonal_error / self.diagonal
        return Approximation(ratio, ratio * relative)

    def times(self, factor: float) -> "BlockMass":
        """Masses multiplied by a number."""
        diagonal, off, diagonal_error, off_error = (factor * value for value in astuple(self)[:4])
        return BlockMass(diagonal, off, diagonal_error, off_error, self.quotient_error)


def linear_mse(gamma: float, n_classes: int, m: int, init: Initialisation, tolerance: float) -> BlockMass:
    """Weight 1 on the diagonal, 0 off it."""
    return BlockMass(1 + gamma, 0.0)


def linear_ce(gamma: float, n_classes: int, m: int, init: Initialisation, tolerance: float) -> BlockMass:
    """theory.md (4.2)."""
    _, p2, p3, p4, squares = (float(p) for p in softmax_moments(n_classes, init.v_std**2))
    mean = 1 / n_classes - p2  # E p_1 (1 - p_1) = -(C - 1) E (-p_1 p_2), since block rows sum to zero
    diagonal = mean**2 + gamma * (p2 - 2 * p3 + p4)
    off = (mean / (n_classes - 1)) ** 2 + gamma * squares
    return BlockMass(diagonal, off, _SOFTMAX_ERROR * diagonal, _SOFTMAX_ERROR * off)


def hidden_mse_w(gamma: float, C: int, m: int, init: Initialisation, tolerance: float) -> BlockMass:
    """S = V^T V: E S_ii^2 = C (C + 2) v^4 / m^2, E S_ij^2 = C v^4 / m^2; gates: 1/2 and 1/4."""
    unit = init.v_std**4 * C / m**2
    return BlockMass(unit * (C + 2) * (1 / 4 + gamma / 2), unit * (1 / 16 + gamma / 4))


def hidden_mse_v(gamma: float, C: int, m: int, init: Initialisation, tolerance: float) -> BlockMass:
    """E h h^T has w^2 / 2 on the diagonal and w^2 / (2 pi) off it."""
    return BlockMass(init.w_std**4 * (1 / 4 + (m - 1) / (4 * math.pi**2)), 0.0)


def hidden_ce_w(gamma: float, C: int, m: int, init: Initialisation, tolerance: float) -> BlockMass:
    """theory.md (4.6), hidden layer: V^T B V is v_std^2 times that of V of the standard scale."""
    moments = gradient_covariance_masses(C, m, init.product(), tolerance / 2)
    (diagonal, error), (off, off_error) = (
        (pair.value + gamma * square.value, pair.error + gamma * square.error) for pair, square in moments
    )
    return BlockMass(diagonal, off, error, off_error).times(init.v_std**4)


def hidden_ce_v(gamma: float, C: int, m: int, init: Initialisation, tolerance: float) -> BlockMass:
    """theory.md (4.6), output layer: h is w_std times that of W of the standard scale."""
    (diagonal, error), (off, off_error), of_ratio = hidden_variance_masses(C, m, init.product(), tolerance)
    return BlockMass(diagonal, off, error, off_error, of_ratio).times(init.w_std**4)
