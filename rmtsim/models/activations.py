"""Activations of the hidden layer."""

from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from ..kernels.host.activations import ACTIVATIONS, SLOPE
from . import checks


@dataclass(frozen=True)
class Activation:
    """A function phi of the pre-activations a = W x, entry by entry.

    Attributes
    ----------
    name : str
        One of `kernels.host.activations.ACTIVATIONS`, which has the formulas.
    slope : float
        Of "leaky_relu" below zero.
    """

    name: str = "relu"
    slope: float = SLOPE

    def __post_init__(self) -> None:
        checks.one_of("activation", self.name, ACTIVATIONS)

    @property
    def has_curvature(self) -> bool:
        """Whether phi'' is other than zero almost everywhere, so that residuals enter the W-layer, (2.2)."""
        return ACTIVATIONS[self.name].second is not None

    def value(self, a: NDArray) -> NDArray:
        """Return phi(a)."""
        return ACTIVATIONS[self.name].value(a, self.slope)

    def derivative(self, a: NDArray) -> NDArray:
        """Return phi'(a)."""
        return ACTIVATIONS[self.name].first(a, self.slope)

    def second_derivative(self, a: NDArray) -> Any:
        """Return phi''(a), 0 where there is none."""
        second = ACTIVATIONS[self.name].second
        return 0.0 if second is None else second(a, self.slope)


RELU = Activation()
"""max(a, 0); its derivative at exactly 0 is 0."""
