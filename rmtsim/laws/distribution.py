"""What all laws have in common: scalars in, scalars out; draws; mean and variance."""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .expectation import expectation
from .solver.measure import Approximation, Complexes, Floats

_ROUNDING = 1e-14
"""Error of the distribution functions in closed form, with room to spare."""


def elementwise(function: Callable[[Floats], Any], values: ArrayLike) -> Any:
    """Apply a function of a flat array to an array of any shape; a scalar comes back for a scalar."""
    array = np.asarray(values, dtype=np.float64)
    return shaped(function(array.ravel()), array.shape)


def shaped(values: NDArray[Any], shape: tuple[int, ...]) -> Any:
    """Give a flat result the shape of its argument; a scalar for the shape ()."""
    return values.reshape(shape) if shape else values[0].item()


def _check_levels(q: Floats) -> Floats:
    """Check probabilities from 0 to 1."""
    if not np.all((q >= 0) & (q <= 1)):
        raise ValueError(f"q: expected probabilities from 0 to 1, got {q[~((q >= 0) & (q <= 1))][0]}")
    return q


class Distribution(ABC):
    """A law on the real line."""

    @property
    def atom(self) -> float:
        """Mass at zero."""
        return 0.0

    @property
    def error(self) -> float:
        """Largest error of the distribution function."""
        return _ROUNDING

    @abstractmethod
    def support(self) -> list[tuple[float, float]]:
        """Bulks [(left, right), ...] from left to right, without the atom."""

    @abstractmethod
    def _density(self, x: Floats) -> Floats:
        """Density at points, shape (n,)."""

    @abstractmethod
    def _level(self, x: Floats) -> Floats:
        """Distribution function at points, shape (n,)."""

    @abstractmethod
    def _quantile(self, q: Floats) -> Floats:
        """Quantiles of probabilities, shape (n,)."""

    def pdf(self, x: ArrayLike) -> Any:
        """Density of the continuous part, of total mass 1 - atom, also at x = 0 where an atom lies.

        Zero off the support, infinite at a hard edge.
        """
        return elementwise(self._density, x)

    def cdf(self, x: ArrayLike) -> Any:
        """Distribution function, continuous from the right: an atom counts from x = 0 on."""
        return elementwise(self._level, x)

    def ppf(self, q: ArrayLike) -> Any:
        """Quantile function; 0 and 1 give the ends of the support.

        Raises
        ------
        ValueError
            For levels outside [0, 1].
        """
        return elementwise(lambda flat: self._quantile(_check_levels(flat)), q)

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

    def expect(self, function: Callable[[Floats], Floats]) -> Approximation:
        """Expectation E f under the law, its atom included.

        Parameters
        ----------
        function : callable
            Of arrays; smooth but for points where it bends or grows like a logarithm, of which zero is
            expected.

        Returns
        -------
        Approximation
            The error adds that of the quadrature to that of the law: ``error`` times the variation of f,
            less in the tails.

        Examples
        --------
        >>> from rmtsim.laws import MarchenkoPastur
        >>> value, error = MarchenkoPastur(0.5).expect(np.log)
        >>> round(value, 12), round(math.log(2) - 1, 12), error < 1e-12
        (-0.30685281944, -0.30685281944, True)
        """
        return expectation(self, function)


class SpectralLaw(Distribution):
    """A law of all eigenvalues, with its Stieltjes transform."""

    @abstractmethod
    def _transform(self, z: Complexes) -> Complexes:
        """Stieltjes transform at points off the support, shape (n,); real points of it are refused."""

    def stieltjes(self, z: ArrayLike) -> Any:
        """Stieltjes transform s(z) = E 1/(t - z), theory.md (3.1).

        Parameters
        ----------
        z : array_like, complex or real
            Points off the support; below the real axis s is the conjugate of its value above.

        Returns
        -------
        s : complex or float, or ndarray of them
            Real for real ``z``.

        Raises
        ------
        ValueError
            At real points of the support, the atom included.
        """
        z = np.asarray(z)
        s = self._transform(z.ravel().astype(np.complex128))
        return shaped(s if np.iscomplexobj(z) else s.real, z.shape)
