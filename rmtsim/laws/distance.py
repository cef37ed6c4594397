"""Distances between a sample and a law, which may have an atom at zero."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from .distribution import Distribution
from .solver.antiderivative import Antiderivative
from .solver.measure import Floats

_EPS = float(np.finfo(float).eps)


@dataclass(frozen=True, repr=False)
class Distance:
    """Distances between the distribution function F_n of a sample and F of a law.

    Attributes
    ----------
    kolmogorov_smirnov : float
        sup |F_n - F|.
    wasserstein : float
        Integral of |F_n - F| dx, in the units of the sample.
    cramer_von_mises : float
        Integral of (F_n - F)^2 dF. (SciPy's statistic is n times this.)
    wasserstein_error : float
        Bound of the numerical error of ``wasserstein``; the other two are right to the error of ``cdf``.
    size : int
        Number n of values.
    zeros : int
        How many of them were counted as zero.
    """

    kolmogorov_smirnov: float
    wasserstein: float
    cramer_von_mises: float
    wasserstein_error: float
    size: int
    zeros: int

    def __repr__(self) -> str:
        return (
            f"Distance(kolmogorov_smirnov={self.kolmogorov_smirnov:.6g}, wasserstein={self.wasserstein:.6g}, "
            f"cramer_von_mises={self.cramer_von_mises:.6g}, wasserstein_error={self.wasserstein_error:.1g}, "
            f"size={self.size}, zeros={self.zeros})"
        )


def distance(sample: ArrayLike, law: Distribution, zero_tolerance: float | None = None) -> Distance:
    """Distances between a sample and a law.

    They are those of the two distribution functions as they are, with ties in the sample and an atom of the
    law at zero: a naive one-sample statistic finds the mass of the atom as a distance.

    Parameters
    ----------
    sample : array_like, shape (..., n)
        Finite numbers, such as the eigenvalues of one matrix, or of many along the last axis, all pooled.
    law : law of this package
        Or any object with ``cdf`` and ``ppf``, continuous but for a mass ``atom`` at zero. Its ``support``
        tells where the distribution function bends; without it the quantiles do.
    zero_tolerance : float, optional
        At least 0. Values of at most this modulus count as zero. If the law has an atom, zeros of a computed
        spectrum are rounded, and the default is 4 n eps times the largest modulus, n the length of the last
        axis; it is 0 for a law without an atom.

    Returns
    -------
    Distance
        Without a p-value: eigenvalues repel each other and are no independent draws.

    Examples
    --------
    >>> from rmtsim.laws import MarchenkoPastur
    >>> distance([0.0, 0.0, 1.0, 3.0], MarchenkoPastur(2.0))  # doctest: +ELLIPSIS
    Distance(kolmogorov_smirnov=0.159155, wasserstein=0.319905, cramer_von_mises=0.00289693, ...)
    """
    atom = float(getattr(law, "atom", 0.0))
    values = _checked(sample, atom, zero_tolerance)
    steps = _Steps.of(values, law, atom)
    wasserstein, error = _wasserstein(steps, law, atom)
    return Distance(
        _kolmogorov_smirnov(steps),
        wasserstein,
        _cramer_von_mises(steps, atom),
        error,
        values.size,
        int(np.count_nonzero(values == 0)),
    )


def _checked(sample: ArrayLike, atom: float, zero_tolerance: float | None) -> Floats:
    """Sorted values, those near zero set to it."""
    array = np.asarray(sample)
    if array.size == 0:
        raise ValueError(f"sample: expected at least one number, got shape {array.shape}")
    if array.dtype.kind not in "biuf":
        raise ValueError(f"sample: expected real numbers, got {array.dtype}")
    values = np.sort(array.astype(np.float64), axis=None)
    if not np.isfinite(values).all():
        raise ValueError(f"sample: expected finite numbers, got {values[~np.isfinite(values)][0]}")
    if zero_tolerance is None:
        n = array.shape[-1] if array.ndim else 1
        zero_tolerance = 4 * n * _EPS * float(np.abs(values).max()) if atom > 0 else 0.0
    if not zero_tolerance >= 0:
        raise ValueError(f"zero_tolerance: expected a number of at least 0, got {zero_tolerance}")
    return np.sort(np.where(np.abs(values) <= zero_tolerance, 0.0, values))


@dataclass(frozen=True)
class _Steps:
    """Between the points x_1 < ... < x_k, at which F_n or F jumps, F_n is constant and F continuous.

    Attributes
    ----------
    x : ndarray, shape (k,)
    share : ndarray, shape (k + 1,)
        F_n before x_1, from x_1 on, ..., from x_k on.
    start, stop : ndarray, shape (k + 1,)
        F at the beginning and, as a limit, at the end of the same intervals.
    """

    x: Floats
    share: Floats
    start: Floats
    stop: Floats

    @classmethod
    def of(cls, values: Floats, law: Distribution, atom: float) -> "_Steps":
        x = np.unique(np.append(values, 0.0) if atom > 0 else values)
        share = np.searchsorted(values, x, side="right") / values.size
        level = np.asarray(law.cdf(x), dtype=np.float64)
        limit = level - np.where(x == 0, atom, 0.0)
        return cls(x, np.append(0.0, share), np.append(0.0, level), np.append(limit, 1.0))


def _kolmogorov_smirnov(steps: _Steps) -> float:
    """On each interval F is monotone, so that the supremum is at one of its ends."""
    return float(max(np.max(np.abs(steps.share - steps.start)), np.max(np.abs(steps.share - steps.stop))))


def _cramer_von_mises(steps: _Steps, atom: float) -> float:
    """Over each interval F is the variable of integration; at the atom, the difference at zero counts."""
    cubes = (steps.stop - steps.share) ** 3 - (steps.start - steps.share) ** 3
    at_zero = np.flatnonzero(steps.x == 0) + 1
    return float(cubes.sum() / 3 + atom * np.sum((steps.share - steps.start)[at_zero] ** 2))


def _wasserstein(steps: _Steps, law: Distribution, atom: float) -> tuple[float, float]:
    """Each interval is cut where F passes F_n, so that the sign of the difference is known on both parts."""
    antiderivative = Antiderivative(law, atom)
    left, right, share = steps.x[:-1], steps.x[1:], steps.share[1:-1]
    cut = np.where(share >= steps.stop[1:-1], right, left)
    within = (steps.start[1:-1] < share) & (share < steps.stop[1:-1])
    cut[within] = np.clip(law.ppf(share[within]), left[within], right[within])
    integral, at_cut = antiderivative(steps.x), antiderivative(cut)
    below = share * (cut - left) - (at_cut - integral[:-1])  # F < F_n up to the cut
    above = (integral[1:] - at_cut) - share * (right - cut)
    last = np.array([max(antiderivative.high, steps.x[-1])])
    beyond = last - steps.x[-1] - (antiderivative(last) - integral[-1])
    total = math.fsum([*below, *above, integral[0], *beyond])
    rounding = _EPS * steps.x.size * max(abs(steps.x[0]), abs(steps.x[-1]), float(last[0]))
    return max(0.0, total), antiderivative.error + float(rounding)
