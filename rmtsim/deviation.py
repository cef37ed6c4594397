"""Probabilities of deviations that hold for any law: no normal approximation, however skewed a trial is.

Means over trials of traces of small matrices are far from normal: their skewness alone puts a z-score
beyond 5 in one run of eight at d = 3. Both bounds here are e-values, statistics that are not negative and
have a mean of at most 1, so that by Markov's inequality they reach 1/p with probability at most p.
"""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize_scalar
from scipy.special import logsumexp, ndtri
from scipy.stats import rankdata

Floats = NDArray[np.float64]

LEVEL = 1e-8
"""The bounds are sharpest about this probability, that of one test of a file with a thousand."""


def mean_probability(residuals: ArrayLike, variance: float, tolerance: float = 0.0) -> float:
    """Bound of the probability that independent residuals of mean 0 deviate as far as these, theory.md (8.6).

    Parameters
    ----------
    residuals : array_like, shape (T,)
    variance : float
        At least that of a residual.
    tolerance : float
        How far from 0 the mean may be, for rounding and errors of the expected value.

    Returns
    -------
    float
        Two-sided; 0 if a residual is not finite.
    """
    y = np.asarray(residuals, dtype=np.float64)
    if not np.isfinite(y).all():
        return 0.0
    second = variance + 4 * tolerance**2  # of residual - tolerance
    if second == 0:
        return float(not y.any())
    rate = math.sqrt(2 * math.log(1 / LEVEL) / (y.size * second))
    sides = (_influence(rate * (sign * y - tolerance)).sum() for sign in (1, -1))
    evidence = max(sides) - y.size * math.log1p(rate**2 * second / 2)
    return min(1.0, 2 * math.exp(-max(evidence, 0.0)))


def _influence(x: Floats) -> Floats:
    """Catoni's: exp of it is at most 1 + x + x^2/2, and so is exp of minus it at -x."""
    return np.sign(x) * np.log1p(np.abs(x) + x**2 / 2)


def sample_probability(first: ArrayLike, second: ArrayLike) -> float:
    """Bound of the probability that two samples of one law differ in location as much as these.

    Given the pooled values every choice of those that are `first` is equally likely. The sum of normal scores
    of a sample drawn without replacement has an exponential moment of at most that with replacement
    (Hoeffding 1963), which bounds its tails, theory.md (8.7).

    Parameters
    ----------
    first, second : array_like, shape (T,), (M,)

    Returns
    -------
    float
        Two-sided; 0 if a value is not finite.
    """
    samples = [np.asarray(values, dtype=np.float64) for values in (first, second)]
    pooled = np.concatenate(samples)
    if not np.isfinite(pooled).all():
        return 0.0
    scores = ndtri((rankdata(pooled) - 0.5) / pooled.size)
    scores -= scores.mean()
    # Either sample may be the one that is drawn: the smaller has the sharper bound.
    count, drawn = len(samples[0]), scores[: len(samples[0])].sum()
    if 2 * count > pooled.size:
        count = pooled.size - count
    return min(1.0, 2 * math.exp(-_exponent(scores, count, abs(float(drawn)))))


def _exponent(scores: Floats, count: int, total: float) -> float:
    """Chernoff exponent of a sum of ``count`` scores drawn with replacement, the worse of its two tails."""
    spread = float(scores.std())
    if spread == 0 or total == 0:
        return 0.0
    return min(_tail(side * scores, count, total, spread) for side in (1.0, -1.0))


def _tail(scores: Floats, count: int, total: float, spread: float) -> float:
    def cost(rate: float) -> float:
        return float(count * (logsumexp(rate * scores) - math.log(scores.size)) - rate * total)

    found = minimize_scalar(cost, bounds=(0.0, 30.0 / spread), method="bounded")
    return max(0.0, -float(found.fun))


def upper_variance(residuals: Sequence[float] | Floats) -> float:
    """Mean square of residuals of mean 0, and 4 of its standard errors more."""
    squares = np.asarray(residuals, dtype=np.float64) ** 2
    return float(squares.mean() + 4 * squares.std(ddof=1) / math.sqrt(squares.size))
