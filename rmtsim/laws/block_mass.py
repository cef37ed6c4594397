"""Limit squared Frobenius norms of Hessian blocks, theory.md (3.4) and section 4."""

import math
from dataclasses import dataclass

from ..blas import single_blas_thread
from .averages.lognormal_sums import softmax_moment
from .averages.pair_average import gradient_covariance_masses, hidden_variance_masses
from .solver.measure import check_aspect_ratio

ARCHITECTURES = ("linear", "hidden")
LOSSES = ("ce", "mse")

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


def check_choice(name: str, value: str, choices: tuple[str, ...]) -> None:
    """Refuse a value that is not among the named choices."""
    if value not in choices:
        raise ValueError(f"{name}: expected one of {', '.join(map(repr, choices))}, got {value!r}")


def check_layer(architecture: str, loss: str, layer: str) -> None:
    """Check the three names that choose a family of blocks."""
    check_choice("architecture", architecture, ARCHITECTURES)
    check_choice("loss", loss, LOSSES)
    check_choice("layer", layer, ("v",) if architecture == "linear" else ("w", "v"))


def check_count(name: str, value: float, least: int) -> int:
    """Check a finite whole number of at least ``least``."""
    if not (math.isfinite(value) and value == int(value) and value >= least):
        raise ValueError(f"{name}: expected a whole number of at least {least}, got {value!r}")
    return int(value)


@single_blas_thread
def block_mass(
    architecture: str,
    loss: str,
    layer: str,
    aspect_ratio: float,
    n_classes: int,
    n_hidden: int | None = None,
) -> BlockMass:
    """Limits of E|H_ii|_F^2 / n and E|H_ij|_F^2 / n, i != j, for blocks of n rows.

    The limit is d, N -> infinity at d/N = ``aspect_ratio`` and fixed C, m; the expectation includes that over
    V. Blocks of the linear model and of the W-layer have n = d rows, so that the value is the limit second
    moment of their spectrum, m_2 = (E lambda)^2 + gamma E lambda^2 of theory.md (3.4), averaged over V.
    Blocks of the hidden V-layer have n = m rows and do not depend on ``aspect_ratio``.

    Parameters
    ----------
    architecture : {"linear", "hidden"}
    loss : {"ce", "mse"}
    layer : {"w", "v"}
        The linear model has layer "v" only.
    aspect_ratio : float
        gamma = d/N, above 0.
    n_classes : int
        C, at least 2.
    n_hidden : int, optional
        m, for hidden models: at least 2 for layer "w" (block pairs i != j), at least 1 for layer "v".

    Returns
    -------
    BlockMass

    Raises
    ------
    ValueError
        Naming the argument.

    Examples
    --------
    >>> block_mass("linear", "mse", "v", 0.5, n_classes=10)
    BlockMass(diagonal=1.5, off_diagonal=0.0, diagonal_error=0.0, off_diagonal_error=0.0)
    """
    check_layer(architecture, loss, layer)
    gamma = check_aspect_ratio(aspect_ratio)
    C = check_count("n_classes", n_classes, 2)
    if architecture == "linear":
        return BlockMass(1 + gamma, 0.0) if loss == "mse" else _linear_ce(gamma, C)
    if n_hidden is None:
        raise ValueError("n_hidden: expected the hidden width of a hidden model, got None")
    m = check_count("n_hidden", n_hidden, 2 if layer == "w" else 1)
    if loss == "mse":
        return _hidden_mse_w(gamma, C, m) if layer == "w" else _hidden_mse_v(m)
    if layer == "v":
        return BlockMass(*_with_errors(*hidden_variance_masses(C, m)))
    return _hidden_ce_w(gamma, C, m)


def _with_errors(
    diagonal: tuple[float, float], off: tuple[float, float]
) -> tuple[float, float, float, float]:
    return diagonal[0], off[0], diagonal[1], off[1]


def _linear_ce(gamma: float, n_classes: int) -> BlockMass:
    p, p2, p3, p4 = (softmax_moment((k,), n_classes) for k in (1, 2, 3, 4))
    diagonal = (p - p2) ** 2 + gamma * (p2 - 2 * p3 + p4)
    off = softmax_moment((1, 1), n_classes) ** 2 + gamma * softmax_moment((2, 2), n_classes)
    return BlockMass(diagonal, off, _SOFTMAX_ERROR * diagonal, _SOFTMAX_ERROR * off)


def _hidden_mse_w(gamma: float, C: int, m: int) -> BlockMass:
    # S = V^T V: E S_ii^2 = C (C + 2) / m^2, E S_ij^2 = C / m^2; gates open with probability 1/2 and 1/4.
    return BlockMass(C * (C + 2) / m**2 * (1 / 4 + gamma / 2), C / m**2 * (1 / 16 + gamma / 4))


def _hidden_mse_v(m: int) -> BlockMass:
    # E h h^T has 1/2 on the diagonal and 1/(2 pi) off it.
    return BlockMass(1 / 4 + (m - 1) / (4 * math.pi**2), 0.0)


def _hidden_ce_w(gamma: float, C: int, m: int) -> BlockMass:
    values = []
    for (pair, pair_error), (square, square_error) in gradient_covariance_masses(C, m):
        values.append((pair + gamma * square, pair_error + gamma * square_error))
    return BlockMass(*_with_errors(values[0], values[1]))
