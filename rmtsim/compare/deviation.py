"""Probabilities of deviations that hold for any law: no normal approximation, however skewed a trial is.

Means over trials of traces of small matrices are far from normal: their skewness alone puts a z-score
beyond 5 in one run of eight at d = 3. Both bounds here are exponential moments: by Markov's inequality a
variable that is not negative and has a mean of at most 1 reaches 1/p with probability at most p.
"""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize
from scipy.special import expit, gammaln, ndtri
from scipy.stats import rankdata

Floats = NDArray[np.float64]

LEVEL = 1e-8
"""The bound of means is sharpest about this probability, that of one test of a file with thousands."""
_PEAK = 0.46883


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

    Given the pooled values every choice of those that are `first` is equally likely. Their normal scores are
    summed, and the exponential moment of the sum over all choices, an elementary symmetric polynomial, is
    bounded by its generating function, theory.md (8.7).

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
    count = len(samples[0])
    total = abs(float(scores[:count].sum()))
    if not scores.any() or total == 0:
        return 1.0
    tails = (_log_tail(side * scores, count, total) for side in (1.0, -1.0))
    return min(1.0, 2 * math.exp(min(0.0, max(tails))))


def _log_tail(scores: Floats, count: int, total: float) -> float:
    """Logarithm of a bound of the share of the choices of ``count`` scores whose sum is at least ``total``.

    Any t >= 0 and u give one, e^(-t total - u count) prod_i (1 + e^(u + t a_i)) over the number of choices,
    times the largest probability of a sum of independent Bernoulli variables of odds e^(u + t a_i), which is
    at most `_PEAK` over its standard deviation (Baillon, Cominetti & Vaisman 2016).
    """
    size = scores.size

    def cost(tilts: Floats) -> tuple[float, Floats]:
        t, u = tilts
        exponents = u + t * scores
        odds = expit(exponents)
        value = np.logaddexp(0.0, exponents).sum() - t * total - u * count
        return float(value), np.array([odds @ scores - total, odds.sum() - count])

    start = np.array([0.0, math.log(count / (size - count))])
    minimum = minimize(cost, start, jac=True, method="L-BFGS-B", bounds=[(0.0, 50.0), (-200.0, 200.0)])
    choices = gammaln(size + 1) - gammaln(count + 1) - gammaln(size - count + 1)
    open_shares = expit(minimum.x[1] + minimum.x[0] * scores)
    deviation = math.sqrt(float(np.sum(open_shares * (1 - open_shares))))
    peak = min(0.0, math.log(_PEAK / deviation)) if deviation > 0 else 0.0
    return float(minimum.fun - choices + peak)


def upper_variance(residuals: Sequence[float] | Floats) -> float:
    """Mean square of residuals of mean 0, and 4 of its standard errors more."""
    squares = np.asarray(residuals, dtype=np.float64) ** 2
    return float(squares.mean() + 4 * squares.std(ddof=1) / math.sqrt(squares.size))
