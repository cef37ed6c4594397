"""Bounds of deviations: valid for skewed laws, and nearly as sharp as for normal ones."""

import math

import numpy as np
import pytest
from scipy import stats

from rmtsim.compare.deviation import LEVEL, mean_probability, sample_probability, upper_variance


@pytest.mark.parametrize("power", [1, 4, 8])
@pytest.mark.parametrize("trials", [8, 32])
def test_means_of_skewed_variables_raise_no_alarm(power, trials):
    """E z^(2k) = (2k - 1)!!: at power 8 a z-score of 32 passes 5 in a third of the runs."""
    rng = np.random.default_rng([power, trials])
    mean, second = (math.prod(range(1, 2 * k, 2)) for k in (power, 2 * power))
    values = rng.normal(size=(4000, trials)) ** (2 * power) - mean
    bounds = np.array([mean_probability(row, second - mean**2) for row in values])
    for level in (1e-2, 1e-3):
        # Markov's inequality: at most level of all; Binomial(4000, level) within five standard deviations.
        assert np.sum(bounds <= level) <= 4000 * level + 5 * math.sqrt(4000 * level)
    assert bounds.min() > LEVEL


def test_a_z_score_raises_them():
    """The same numbers, judged by their own standard error."""
    rng = np.random.default_rng(1)
    values = rng.normal(size=(2000, 32)) ** 8 - 105
    z = values.mean(axis=1) / values.std(axis=1, ddof=1) * math.sqrt(32)
    assert np.mean(np.abs(z) > 5) > 0.05


@pytest.mark.parametrize("trials", [32, 1000])
def test_a_bias_of_seven_standard_errors_is_found(trials):
    rng = np.random.default_rng(trials)
    for sign in (1, -1):
        values = rng.normal(size=trials)
        values += sign * 7 / math.sqrt(trials) - values.mean()
        # e^-24.5 for a normal law; the bound is that within a factor of e^6.
        assert mean_probability(values, 1.0) < 1e-7


def test_a_tolerance_is_granted():
    values = np.full(50, 1e-3)
    assert mean_probability(values, 1e-10) == pytest.approx(0, abs=1e-20)
    assert mean_probability(values, 1e-10, tolerance=1e-3) == 1.0
    assert mean_probability([0.0, 0.0], 0.0) == 1.0
    assert mean_probability([0.0, 1e-300], 0.0) == 0.0
    assert mean_probability([0.0, math.nan], 1.0) == 0.0


@pytest.mark.parametrize(("first", "second"), [(8, 12), (32, 2048), (200, 12)])
def test_samples_of_one_law_raise_no_alarm(first, second):
    rng = np.random.default_rng([first, second])
    bounds = np.array(
        [
            sample_probability(*(rng.pareto(1.5, size=n) for n in (first, second)))
            for _ in range(1000)
        ]
    )  # fmt: skip
    for level in (1e-2, 1e-3):
        assert np.sum(bounds <= level) <= 1000 * level + 5 * math.sqrt(1000 * level)


def test_the_bound_of_two_samples_is_above_the_exact_probability():
    """Against the enumeration of all choices."""
    a, b = np.array([1.0, 2.0, 3.0, 4.0]), np.array([5.0, 6.0, 7.0, 8.0, 9.0])
    exact = 2 / math.comb(9, 4)
    assert exact <= sample_probability(a, b) < 1
    assert sample_probability(a, b) == pytest.approx(sample_probability(b, a))


def test_a_shift_is_found_as_a_normal_test_finds_it():
    rng = np.random.default_rng(3)
    first, second = rng.normal(size=64) + 1.0, rng.normal(size=2000)
    exact = 2 * stats.norm.sf(abs(first.mean() - second.mean()) * 8)
    assert exact < sample_probability(first, second) < 1e4 * exact
    assert sample_probability(first, second + 1.0) > 1e-3
    assert sample_probability([1.0, math.inf], second) == 0.0
    assert sample_probability(np.zeros(8), np.zeros(9)) == 1.0


def test_the_upper_variance_is_above_the_variance():
    rng = np.random.default_rng(4)
    found = [upper_variance(rng.normal(size=64)) for _ in range(200)]
    assert min(found) > 1  # four standard errors: 3e-5 each
    assert np.mean(found) == pytest.approx(1 + 4 * math.sqrt(2 / 64), rel=0.1)
