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
}
"""By name."""
