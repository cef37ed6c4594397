"""Masses of blocks by name, and the ratio of off-diagonal to diagonal ones, theory.md section 4."""

import math
from typing import Unpack

from ..blas import single_blas_thread
from .layers import Layer, find_layer
from .masses import BlockMass
from .solver.measure import Approximation, check_aspect_ratio
from .weights.checks import check_count
from .weights.conditions import Initialisation, InitialisationOptions


@single_blas_thread
def block_mass(
    architecture: str,
    loss: str,
    layer: str,
    aspect_ratio: float,
    n_classes: int,
    n_hidden: int | None = None,
    *,
    tolerance: float = 0.0,
    **init: Unpack[InitialisationOptions],
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
    tolerance : float, optional
        Wanted relative error of the ratio of both: coarser rules and fewer points where they reach it. The
        errors say what was reached; without it that is the least.
    **init
        Options of `Initialisation`.

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
    entry = find_layer(architecture, loss, layer)
    gamma = check_aspect_ratio(aspect_ratio)
    C = check_count("n_classes", n_classes, 2)
    return entry.mass(gamma, C, _width(entry, n_hidden), Initialisation(**init).closed(), tolerance)


def _width(layer: Layer, n_hidden: int | None) -> int:
    """Hidden width of a layer of a hidden model; 0 for the linear one."""
    if layer.least_width == 0:
        return 0
    if n_hidden is None:
        raise ValueError("n_hidden: expected the hidden width of a hidden model, got None")
    return check_count("n_hidden", n_hidden, layer.least_width)


def block_ratio(
    architecture: str,
    loss: str,
    layer: str,
    aspect_ratio: float,
    n_classes: float,
    n_hidden: int | None = None,
    **init: Unpack[InitialisationOptions],
) -> float:
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
    **init
        Options of `Initialisation`.

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
    return ratio_with_error(architecture, loss, layer, aspect_ratio, n_classes, n_hidden, **init).value


def ratio_with_error(
    architecture: str,
    loss: str,
    layer: str,
    aspect_ratio: float,
    n_classes: float,
    n_hidden: int | None = None,
    *,
    tolerance: float = 0.0,
    **init: Unpack[InitialisationOptions],
) -> Approximation:
    """Return `block_ratio` with a bound of its numerical error; the arguments are those of `block_mass`."""
    entry = find_layer(architecture, loss, layer)
    gamma = check_aspect_ratio(aspect_ratio)
    Initialisation(**init).closed()
    if n_classes == math.inf:
        return Approximation(0.0, 0.0)
    if entry.ratio is not None:
        return Approximation(entry.ratio(gamma, check_count("n_classes", n_classes, 1)), 0.0)
    C = check_count("n_classes", n_classes, 2)
    return block_mass(architecture, loss, layer, gamma, C, n_hidden, tolerance=tolerance, **init).ratio


def scaled_block_ratio(
    architecture: str,
    loss: str,
    layer: str,
    aspect_ratio: float,
    n_classes: float,
    n_hidden: int | None = None,
    **init: Unpack[InitialisationOptions],
) -> float:
    """C^k r with the k that gives a finite limit: 1 for the hidden W-layer, 2 for every V-layer.

    Parameters and errors are those of `block_ratio`; at ``n_classes = math.inf`` this is the constant of
    theory.md (4.2)-(4.5). For the hidden ce model that constant needs ``n_hidden`` above 2 (w_std v_std)^2:
    with fewer units exp(|h|^2 v_std^2 / m) has no second moment and C^k r grows without bound.

    Examples
    --------
    >>> round(scaled_block_ratio("linear", "ce", "v", 0.5, math.inf), 6)
    1.989931
    """
    entry = find_layer(architecture, loss, layer)
    if n_classes != math.inf:
        ratio = block_ratio(architecture, loss, layer, aspect_ratio, n_classes, n_hidden, **init)
        return float(n_classes) ** entry.order * ratio
    width = 0 if entry.ratio is not None else _width(entry, n_hidden)
    return entry.many_classes(check_aspect_ratio(aspect_ratio), width, Initialisation(**init).closed())
