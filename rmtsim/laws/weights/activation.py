"""Activations of the hidden layer with what weight laws need of them, theory.md (3.13)."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from ..solver.measure import Floats
from .checks import check_choice

Function = Callable[[Floats], Floats]

_SLOPE = 0.01
"""Of the leaky rectifier where none is given, as in PyTorch."""


@dataclass(frozen=True)
class Activation:
    """A function phi of pre-activations.

    Attributes
    ----------
    name : str
    value, derivative : callable
        Of arrays.
    second : callable or None
        Second derivative; None where it vanishes but for a kink at zero, phi being linear on both sides.
    slopes : (float, float) or None
        Derivative left and right of zero of such a function.
    """

    name: str
    value: Function
    derivative: Function
    second: Function | None = None
    slopes: tuple[float, float] | None = None

    @classmethod
    def linear_on_both_sides(cls, name: str, below: float, above: float) -> "Activation":
        """Activation with a kink at zero, where the derivative is that from below."""

        def derivative(a: Floats) -> Floats:
            return np.where(a > 0, above, below)

        return cls(name, lambda a: derivative(a) * a, derivative, slopes=(below, above))

    @property
    def is_relu(self) -> bool:
        """Whether closed forms of ReLU hold."""
        return self.slopes == (0.0, 1.0)


def _tanh_derivative(a: Floats) -> Floats:
    return np.cosh(np.clip(a, -350, 350)) ** -2.0


def _normal_density(a: Floats) -> Floats:
    return np.exp(-0.5 * a * a) / math.sqrt(2 * math.pi)


ACTIVATIONS = (
    Activation.linear_on_both_sides("relu", 0.0, 1.0),
    Activation.linear_on_both_sides("leaky_relu", _SLOPE, 1.0),
    Activation.linear_on_both_sides("identity", 1.0, 1.0),
    Activation("tanh", np.tanh, _tanh_derivative, lambda a: -2 * np.tanh(a) * _tanh_derivative(a)),
    Activation(
        "gelu",
        lambda a: a * ndtr(a),
        lambda a: ndtr(a) + a * _normal_density(a),
        lambda a: (2 - a * a) * _normal_density(a),
    ),
)
"""By name where text comes in; a law of another activation is asked for by an `Activation` of one's own."""


def find_activation(activation: str | Activation, slope: float | None = None) -> Activation:
    """Return the activation of a name, or refuse an unknown one, or a slope of another than leaky_relu."""
    if isinstance(activation, Activation):
        name = activation.name
    else:
        names = {entry.name: entry for entry in ACTIVATIONS}
        check_choice("activation", activation, list(names))
        name, activation = activation, names[activation]
    if slope is None:
        return activation
    if name != "leaky_relu" or not math.isfinite(slope):
        raise ValueError(f"slope: expected a finite number, for leaky_relu alone, got {slope!r} for {name}")
    return Activation.linear_on_both_sides(name, float(slope), 1.0)
