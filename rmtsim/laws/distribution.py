"""What all laws have in common: scalars in, scalars out; draws; mean and variance."""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .solver.measure import Floats


def elementwise(function: Callable[[Floats], Any], values: ArrayLike) -> Any:
    """Apply a function of a flat array to an array of any shape; a scalar comes back for a scalar."""
    array = np.asarray(values, dtype=np.float64)
    return shaped(function(array.ravel()), array.shape)


def shaped(values: NDArray[Any], shape: tuple[int, ...]) -> Any:
    """Give a flat result the shape of its argument; a scalar for the shape ()."""
    return values.reshape(shape) if shape else values[0].item()


def check_levels(q: Floats) -> Floats:
    """Check probabilities from 0 to 1."""
    if not np.all((q >= 0) & (q <= 1)):
        raise ValueError(f"q: expected probabilities from 0 to 1, got {q[~((q >= 0) & (q <= 1))][0]}")
    return q


class Distribution(ABC):
    """A law on the real line."""

    @abstractmethod
    def ppf(self, q: ArrayLike) -> Any:
        """Quantile function."""

    @abstractmethod
    def moment(self, k: int) -> float:
        """Moment about zero, E t^k."""

    def mean(self) -> float:
        """First moment."""
        return self.moment(1)

    @abstractmethod
    def var(self) -> float:
        """Variance: never as E t^2 - (E t)^2, which cancels where the mean is far above the width."""

    def std(self) -> float:
        """Standard deviation."""
        return math.sqrt(self.var())

    def rvs(self, size: int | tuple[int, ...] | None = None, rng: Any = None) -> Any:
        """Independent draws, by inversion.

        Parameters
        ----------
        size : int or tuple of int, optional
            Shape; a single float without it.
        rng : numpy.random.Generator or seed, optional
            As for `numpy.random.default_rng`.
        """
        return self.ppf(np.random.default_rng(rng).random(size))
