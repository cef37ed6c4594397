"""Activations of the hidden layer: phi, its derivative and its second derivative."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from .named import Named

Function = Callable[[NDArray], NDArray]


class Activation(Named):
    """A function phi of the pre-activations a = W x, entry by entry.

    Attributes
    ----------
    value, derivative : function of an array
        phi(a) and phi'(a) in the dtype of a.
    second : function of an array, or None
        phi''(a); None where it is zero almost everywhere, so that the residuals do not enter the W-layer.
    """

    value: Function
    derivative: Function
    second: Function | None

    def __new__(
        cls, name: str, value: Function, derivative: Function, second: Function | None = None
    ) -> "Activation":
        activation = cls.make(name)
        activation.value, activation.derivative, activation.second = value, derivative, second
        return activation


def _open(a: NDArray) -> NDArray:
    return (a > 0).astype(a.dtype)


RELU = Activation("relu", lambda a: np.maximum(a, 0), _open)
"""max(a, 0); its derivative at exactly 0 is 0."""
ACTIVATIONS: dict[str, Activation] = Activation.known
