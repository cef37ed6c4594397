"""Ratio of off-diagonal to diagonal Hessian blocks, theory.md section 4."""

import math
from typing import Literal, overload

from .block_mass import BlockMass, block_mass, check_count, check_layer
from .solver.measure import check_aspect_ratio


@overload
def block_ratio(
    architecture: str,
    loss: str,
    layer: str,
    aspect_ratio: float,
    n_classes: float,
    n_hidden: int | None = None,
    *,
    return_error: Literal[False] = False,
) -> float: ...


@overload
def block_ratio(
    architecture: str,
    loss: str,
    layer: str,
    aspect_ratio: float,
    n_classes: float,
    n_hidden: int | None = None,
    *,
    return_error: Literal[True],
) -> tuple[float, float]: ...


def block_ratio(
    architecture: str,
    loss: str,
    layer: str,
    aspect_ratio: float,
    n_classes: float,
    n_hidden: int | None = None,
    *,
    return_error: bool = False,
) -> float | tuple[float, float]:
    """R = E|H_ij|_F^2 / E|H_ii|_F^2, i != j, in the limit d, N -> infinity, theory.md (4.1)-(4.5).

    Parameters
    ----------
    architecture : {"linear", "hidden"}
    loss : {"ce", "mse"}
    layer : {"w", "v"}
        The linear model has layer "v" only.
    aspect_ratio : float
        gamma = d/N, above 0.
    n_classes : int or math.inf
        C, at least 2. At infinity every ratio is 0; `scaled_block_ratio` has the constant it decays with.
    n_hidden : int, optional
        m of hidden models; not needed where the ratio does not depend on it (mse).
    return_error : bool, optional
        Also return a bound of the numerical error.

    Returns
    -------
    ratio : float
    error : float
        Only if ``return_error``.

    Raises
    ------
    ValueError
        Naming the argument.

    Examples
    --------
    >>> round(block_ratio("linear", "ce", "v", 0.5, n_classes=2), 12)
    1.0
    >>> round(block_ratio("hidden", "mse", "w", 0.5, n_classes=10), 6)
    0.03125
    """
    check_layer(architecture, loss, layer)
    gamma = check_aspect_ratio(aspect_ratio)
    if n_classes == math.inf:
        ratio, error = 0.0, 0.0
    else:
        ratio, error = _finite_ratio(architecture, loss, layer, gamma, n_classes, n_hidden)
    return (ratio, error) if return_error else ratio


@overload
def scaled_block_ratio(
    architecture: str,
    loss: str,
    layer: str,
    aspect_ratio: float,
    n_classes: float,
    n_hidden: int | None = None,
    *,
    return_error: Literal[False] = False,
) -> float: ...


@overload
def scaled_block_ratio(
    architecture: str,
    loss: str,
    layer: str,
    aspect_ratio: float,
    n_classes: float,
    n_hidden: int | None = None,
    *,
    return_error: Literal[True],
) -> tuple[float, float]: ...


def scaled_block_ratio(
    architecture: str,
    loss: str,
    layer: str,
    aspect_ratio: float,
    n_classes: float,
    n_hidden: int | None = None,
    *,
    return_error: bool = False,
) -> float | tuple[float, float]:
    """C^k r with the k that gives a finite limit: 1 for the hidden W-layer, 2 for every V-layer.

    Parameters and errors are those of `block_ratio`; at ``n_classes = math.inf`` this is the constant of
    theory.md (4.2)-(4.5). For the hidden ce model that constant needs ``n_hidden`` of at least 3: with fewer
    units exp(|h|^2 / m) has no second moment and C^k r grows without bound.

    Examples
    --------
    >>> round(scaled_block_ratio("linear", "ce", "v", 0.5, math.inf), 6)
    1.989931
    """
    check_layer(architecture, loss, layer)
    gamma = check_aspect_ratio(aspect_ratio)
    if n_classes == math.inf:
        ratio, error = _infinite_ratio(architecture, loss, layer, gamma, n_hidden), 0.0
    else:
        ratio, error = _finite_ratio(architecture, loss, layer, gamma, n_classes, n_hidden)
        scale = float(n_classes) ** (1 if layer == "w" else 2)
        ratio, error = scale * ratio, scale * error
    return (ratio, error) if return_error else ratio


def _finite_ratio(
    architecture: str, loss: str, layer: str, gamma: float, n_classes: float, n_hidden: int | None
) -> tuple[float, float]:
    C = check_count("n_classes", n_classes, 1 if loss == "mse" else 2)
    if loss == "mse":
        # theory.md (4.1), (4.3): independent of the hidden width.
        return (_gate_ratio(gamma) / (C + 2), 0.0) if layer == "w" else (0.0, 0.0)
    return _quotient(block_mass(architecture, loss, layer, gamma, C, n_hidden))


def _quotient(mass: BlockMass) -> tuple[float, float]:
    ratio = mass.off_diagonal / mass.diagonal
    relative = mass.off_diagonal_error / mass.off_diagonal + mass.diagonal_error / mass.diagonal
    return ratio, ratio * relative


def _gate_ratio(gamma: float) -> float:
    """Second moment of the gated weights of two units over that of one, theory.md (4.3)."""
    return (1 + 4 * gamma) / (4 * (1 + 2 * gamma))


def _infinite_ratio(architecture: str, loss: str, layer: str, gamma: float, n_hidden: int | None) -> float:
    if loss == "mse":
        return _gate_ratio(gamma) if layer == "w" else 0.0
    if architecture == "linear":
        return (1 + gamma * math.e**2) / (1 + gamma * math.e)
    if n_hidden is None:
        raise ValueError("n_hidden: expected the hidden width of a hidden model, got None")
    m = check_count("n_hidden", n_hidden, 3)
    return _infinite_hidden_w(gamma, m) if layer == "w" else _infinite_hidden_v(m)


def _infinite_hidden_w(gamma: float, m: int) -> float:
    """theory.md (4.4)."""
    t = 1 / m
    s = (1 - 2 * t) ** -0.5
    b, a = (1 + s) / 2, (t * s + t**2 * s**3) / 2
    g, slope, _ = _arc_kernel(t)
    b2, a2 = 3 / 4 + g, t * g + t**2 * slope
    return m**2 * (a2**2 * b2 ** (m - 2) + gamma * a**2 * b ** (m - 2)) / (1 / 4 + gamma / 2)


def _infinite_hidden_v(m: int) -> float:
    """theory.md (4.5)."""
    return _second_derivative(2 / m, m) / _second_derivative(1 / m, m)


def _second_derivative(t: float, m: int) -> float:
    """F(t) = d^2/dt^2 (3/4 + g(t))^m."""
    g, first, second = _arc_kernel(t)
    base = 3 / 4 + g
    return m * (m - 1) * base ** (m - 2) * first**2 + m * base ** (m - 1) * second


def _arc_kernel(t: float) -> tuple[float, float, float]:
    """g(t) = (1 - t^2)^(-1/2) (1/4 + arcsin(t) / (2 pi)) and its first two derivatives.

    g is E exp(t u u') 1(u > 0) 1(u' > 0); with c = 1 - t^2 it obeys c g' = t g + 1/(2 pi).
    """
    c = 1 - t**2
    g = (1 / 4 + math.asin(t) / (2 * math.pi)) / math.sqrt(c)
    first = (t * g + 1 / (2 * math.pi)) / c
    return g, first, (g + 3 * t * first) / c
