"""Means over trials with their standard errors, z-scores and power laws."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import stdtrit

SHARE = 0.1
"""Part of a standard error that the numerical error of what the mean is held against may be."""
FINEST, ROUGH = 2.0**-20, 2.0**-6
"""Least and largest error that is asked for: where trials hardly scatter, and where nothing asks for less."""


def asked_error(enough: float) -> float:
    """Return an error that is enough, as a power of 2, so that cells that ask for about the same share it."""
    return 2.0 ** math.floor(math.log2(min(max(enough, FINEST), ROUGH)))


@dataclass(frozen=True)
class Estimate:
    """Mean over trials with its standard error (NaN for a single trial)."""

    value: float
    standard_error: float
    trials: int


def estimate(values: ArrayLike) -> Estimate:
    """Mean of the values of independent trials, shape (T,), and its standard error.

    Raises
    ------
    ValueError
        If there is no trial.
    """
    values = np.asarray(values, dtype=np.float64)
    if values.size == 0:
        raise ValueError("values: expected at least one trial, got none")
    error = np.std(values, ddof=1) / np.sqrt(values.size) if values.size > 1 else np.nan
    return Estimate(float(np.mean(values)), float(error), values.size)


def ratio_of_means(numerator: ArrayLike, denominator: ArrayLike) -> Estimate:
    """Mean of one value per trial over the mean of another, with its delta-method standard error."""
    a, b = np.asarray(numerator, dtype=np.float64), np.asarray(denominator, dtype=np.float64)
    ratio = np.mean(a) / np.mean(b)
    linear = estimate((a - ratio * b) / np.mean(b))
    return Estimate(float(ratio), linear.standard_error, linear.trials)


@dataclass(frozen=True)
class Exponent:
    """Slope of log y against log x, with its standard error and the ends of a 95 % confidence interval."""

    value: float
    standard_error: float
    low: float
    high: float

    def agrees(self, expected: float, error: float = 0.0) -> bool:
        """Whether a value known within ``error`` may lie in the confidence interval."""
        return self.low - error <= expected <= self.high + error


def power_law(x: ArrayLike, means: Sequence[Estimate]) -> Exponent:
    """Exponent of means that fall or grow as a power of x: ordinary least squares of log y on log x.

    Equal weights keep the standard error unbiased where those of the means rest on few trials. The interval
    is Student's with the degrees of freedom of Satterthwaite (1946), *Biometrics Bull.* 2, 110.

    Parameters
    ----------
    x : array_like, shape (n,), n >= 2
        Positive, not all equal.
    means : sequence of Estimate
        Independent and positive, each of at least two trials.
    """
    values = np.array([mean.value for mean in means])
    errors = np.array([mean.standard_error for mean in means]) / values
    coefficients = slope_coefficients(x)
    parts = (coefficients * errors) ** 2
    slope, error = float(coefficients @ np.log(values)), float(np.sqrt(parts.sum()))
    freedom = parts.sum() ** 2 / np.sum(parts**2 / [mean.trials - 1 for mean in means]) if error else np.inf
    half = error * float(stdtrit(freedom, 0.975)) if error else 0.0
    return Exponent(slope, error, slope - half, slope + half)


def scattered_power_law(x: ArrayLike, means: Sequence[Estimate]) -> Exponent:
    """Exponent as that of `power_law`, with the error that the scatter of the points about the line tells.

    For points that differ by more than the errors of their means. The interval is Student's with n - 2
    degrees of freedom; two points have no scatter, and error and interval are NaN.
    """
    centred = np.log(x) - np.mean(np.log(x))
    y = np.log([mean.value for mean in means])
    slope = float(slope_coefficients(x) @ y)
    freedom = len(y) - 2
    if freedom < 1:
        return Exponent(slope, np.nan, np.nan, np.nan)
    residuals = y - y.mean() - slope * centred
    error = float(np.sqrt(np.sum(residuals**2) / freedom / np.sum(centred**2)))
    half = error * float(stdtrit(freedom, 0.975))
    return Exponent(slope, error, slope - half, slope + half)


def slope_coefficients(x: ArrayLike) -> NDArray[np.float64]:
    """Return the c of the least-squares slope c . log y on log x."""
    centred = np.log(x) - np.mean(np.log(x))
    return centred / np.sum(centred**2)


def normal_score(value: float, estimate: Estimate, floor: float = 0.0) -> float:
    """Return the z-score of a mean against an exact value, corrected for the estimated standard error.

    The t statistic is mapped to the normal deviate of the same tail probability, so that |z| > 5 means
    the same with 8 trials as with 8000: Wallace (1959), Ann. Math. Statist. 30, 1121, eq. (for t),
    z = (8 f + 1)/(8 f + 3) sqrt(f log(1 + t^2/f)), f degrees of freedom; for f >= 7 within 0.2 % at t = 3
    and within 1 % at t = 20.

    Parameters
    ----------
    value : float
        The exact value.
    estimate : Estimate
        From at least two trials.
    floor : float
        Rounding error of the mean: the least standard error that is credited.
    """
    freedom = estimate.trials - 1
    error = max(estimate.standard_error, floor)
    difference = estimate.value - value
    if difference == 0:
        return 0.0
    if error == 0:
        return float(np.copysign(np.inf, difference))
    t = difference / error
    deviate = (8 * freedom + 1) / (8 * freedom + 3) * np.sqrt(freedom * np.log1p(t * t / freedom))
    return float(np.copysign(deviate, t))
