"""Activations phi of the hidden layer in NumPy: value, derivative and second derivative.

Each is a function of pre-activations and of the slope below zero, which `leaky_relu` alone has, and keeps the
dtype of the pre-activations. The second derivative is None where it vanishes almost everywhere: then the
W-layer does not depend on residuals, theory.md (2.2).
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Function = Callable[[NDArray, float], NDArray]


def _share_below(a: NDArray) -> NDArray:
    from scipy.special import ndtr  # takes longer to import than all that reads an experiment

    return ndtr(a)


def _density(a: NDArray) -> NDArray:
    return np.exp(-a * a / 2) / a.dtype.type(np.sqrt(2 * np.pi))


class Derivatives(NamedTuple):
    """phi, phi' and phi''."""

    value: Function
    first: Function
    second: Function | None = None


SLOPE = 0.01
"""Of `leaky_relu` where none is given, as in PyTorch."""

ACTIVATIONS: dict[str, Derivatives] = {
    # the derivative at exactly 0 is 0
    "relu": Derivatives(lambda a, slope: np.maximum(a, 0), lambda a, slope: (a > 0).astype(a.dtype)),
    "leaky_relu": Derivatives(
        lambda a, slope: np.where(a > 0, a, a.dtype.type(slope) * a),
        lambda a, slope: np.where(a > 0, 1, slope).astype(a.dtype),
    ),
    "identity": Derivatives(lambda a, slope: a.copy(), lambda a, slope: np.ones_like(a)),
    "tanh": Derivatives(
        lambda a, slope: np.tanh(a),
        lambda a, slope: 1 - np.tanh(a) ** 2,
        lambda a, slope: -2 * np.tanh(a) * (1 - np.tanh(a) ** 2),
    ),
    # a Phi(a), with the normal distribution function Phi and its density
    "gelu": Derivatives(
        lambda a, slope: a * _share_below(a),
        lambda a, slope: _share_below(a) + a * _density(a),
        lambda a, slope: (2 - a * a) * _density(a),
    ),
}
"""By name."""
