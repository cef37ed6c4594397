"""Distances of samples to laws: by hand, by brute force, against SciPy, and as metrics."""

import math

import numpy as np
import pytest
from scipy import stats

from rmtsim.laws import (
    Distance,
    EdelmanSmallest,
    GeneralizedMarchenkoPastur,
    MarchenkoPastur,
    TracyWidom,
    distance,
)

LAWS = {
    "one bulk": MarchenkoPastur(0.5),
    "hard edge": MarchenkoPastur(1.0, 3.0),
    "atom": MarchenkoPastur(2.5),
    "narrow": MarchenkoPastur(1e-9),
    "two bulks and an atom": GeneralizedMarchenkoPastur([-1.0, 8.0], [0.5, 0.5], 2.5),
    "three bulks": GeneralizedMarchenkoPastur([1.0, 50.0, 500.0], [0.4, 0.3, 0.3], 0.1),
    "soft tails": TracyWidom(3.0, -2.0),
    "hard edge and a tail": EdelmanSmallest(0.5),
}
ATOMLESS = [name for name, law in LAWS.items() if getattr(law, "atom", 0) == 0]


def brute_force(sample, law, low, high, n=40_001):
    """KS, W1 and CvM by a fine grid of quantiles of the continuous part, which resolves all bulks alike.

    Left and right limits are taken at every jump of the sample and at the atom.
    """
    atom = getattr(law, "atom", 0.0)
    levels = np.linspace(0, 1, n)
    grid = np.unique(np.concatenate([law.ppf(levels[1:-1]), np.linspace(low, high, n), sample]))
    after = np.searchsorted(np.sort(sample), grid, side="right") / len(sample)
    before = np.searchsorted(np.sort(sample), grid, side="left") / len(sample)
    right = law.cdf(grid)
    left = right - np.where(grid == 0, atom, 0)
    ks = max(np.abs(after - right).max(), np.abs(before - left).max())
    first, second = after[:-1] - right[:-1], before[1:] - left[1:]
    w1 = np.sum(0.5 * (np.abs(first) + np.abs(second)) * np.diff(grid))
    mass = left[1:] - right[:-1]
    square = np.sum((first**2 + first * second + second**2) / 3 * mass)
    return ks, w1, square + atom * np.sum((after - right)[grid == 0] ** 2)


@pytest.mark.parametrize("name", LAWS)
def test_distances_by_brute_force(name):
    law = LAWS[name]
    sample = law.rvs(60, np.random.default_rng(5))
    sample = np.append(sample, sample[:20])  # ties
    found = distance(sample, law)
    low, high = (float(law.ppf(q)) for q in (1e-13, 1 - 1e-13))
    if getattr(law, "atom", 0.0):
        low, high = min(low, 0.0), max(high, 0.0)
    ks, w1, square = brute_force(sample, law, low, high)
    # Between points of the grid the functions move by at most 2.5e-5 or as they do over the spacing.
    assert found.kolmogorov_smirnov == pytest.approx(ks, abs=1e-12)
    assert found.wasserstein == pytest.approx(w1, rel=1e-4)
    assert found.cramer_von_mises == pytest.approx(square, rel=1e-5)
    assert found.size == 80
    assert 0 <= found.wasserstein_error < 1e-11 * max(abs(low), abs(high), 1)


@pytest.mark.parametrize("name", ATOMLESS)
def test_statistics_of_scipy_for_continuous_laws(name):
    law = LAWS[name]
    sample = law.rvs(101, np.random.default_rng(6))
    found = distance(sample, law)
    assert found.kolmogorov_smirnov == pytest.approx(stats.kstest(sample, law.cdf).statistic, abs=1e-14)
    statistic = stats.cramervonmises(sample, law.cdf).statistic
    assert 101 * found.cramer_von_mises == pytest.approx(statistic, rel=1e-12)


def test_any_law_with_distribution_and_quantile_function():
    law, sample = stats.norm(1.0, 2.0), np.array([-1.0, 0.0, 0.0, 4.0])
    found = distance(sample, law)
    q = (np.arange(1_000_000) + 0.5) / 1_000_000
    expected = np.mean(np.abs(np.repeat(sample, 250_000) - law.ppf(q)))
    assert found.wasserstein == pytest.approx(expected, abs=1e-5)


class HalfUniform:
    """An atom of 1/2 at zero, and half of the uniform law on [-1, 1]: every distance is a sum by hand."""

    atom = 0.5

    def cdf(self, x):
        x = np.asarray(x, dtype=float)
        return 0.25 * (np.clip(x, -1, 1) + 1) + 0.5 * (x >= 0)

    def ppf(self, q):
        q = np.asarray(q, dtype=float)
        return np.where(q < 0.25, 4 * q - 1, np.where(q <= 0.75, 0.0, 4 * q - 3))

    def support(self):
        return [(-1.0, 1.0)]


def test_values_by_hand_with_an_atom():
    law = HalfUniform()
    # F is 1/4 before zero and 3/4 from it on; F_n = 1/2 from zero on, then 1.
    found = distance([0.0, 1.0], law)
    assert found.kolmogorov_smirnov == pytest.approx(0.5)  # just before 1: F = 1, F_n = 1/2
    assert found.wasserstein == pytest.approx(0.125 + 0.375)  # triangle of 1/4; from 1/4 to 1/2 over [0, 1]
    # (1/3) (1/4)^3 below; (1/4)^2 on the atom of 1/2; from 3/4 to 1 less 1/2 above
    assert found.cramer_von_mises == pytest.approx(1 / 192 + 1 / 32 + (1 / 8 - 1 / 64) / 3)
    # All at zero: F - F_n is 1/4 just before and just after.
    found = distance([0.0, 0.0], law)
    assert found.kolmogorov_smirnov == pytest.approx(0.25)
    assert found.wasserstein == pytest.approx(0.25)
    assert found.cramer_von_mises == pytest.approx(2 / 192 + 1 / 32)
    # None at zero: F_n jumps over the atom before it.
    found = distance([-0.5, -0.5], law)
    assert found.kolmogorov_smirnov == pytest.approx(0.875)


def test_error_is_stated_for_a_noisy_law():
    class Noisy:
        def cdf(self, x):
            x = np.asarray(x)
            return np.clip(x, 0, 1) + 1e-5 * np.sin(1e9 * x)

        def ppf(self, q):
            return np.asarray(q, dtype=float)

    found = distance([0.25, 0.75], Noisy())
    assert abs(found.wasserstein - 0.125) < found.wasserstein_error < 1e-3


def test_point_mass():
    law = GeneralizedMarchenkoPastur([0.0], [1.0], 0.5)
    assert distance(np.zeros(5), law) == Distance(0.0, 0.0, 0.0, 0.0, 5, 5)
    found = distance([2.0, 2.0], law)
    assert (found.kolmogorov_smirnov, found.cramer_von_mises) == (1, 1)
    assert found.wasserstein == pytest.approx(2, rel=1e-14)
    assert distance([-3.0, 1.0], law).wasserstein == pytest.approx(2, rel=1e-14)


@pytest.mark.parametrize("name", LAWS)
def test_quantiles_are_as_near_as_a_sample_can_be(name):
    """Each step of F_n halved by F: the distances are 1/(2n) and 1/(12 n^2) exactly, but for the atom."""
    law, n = LAWS[name], 250
    found = distance(law.ppf((np.arange(n) + 0.5) / n), law)
    rounding = 40 * 2.0**-52 if name != "narrow" else 1e-11  # quantiles are rounded: eps x times the density
    if name in ATOMLESS:
        assert found.kolmogorov_smirnov == pytest.approx(0.5 / n, abs=max(rounding, 1e-12))
        assert found.cramer_von_mises == pytest.approx(1 / (12 * n**2), rel=1e-7)
    assert found.kolmogorov_smirnov < 0.5 / n + 1e-11


@pytest.mark.parametrize("name", LAWS)
def test_triangle_inequality(name):
    law, rng = LAWS[name], np.random.default_rng(8)
    one, two = (scale * law.rvs(50, rng) + shift for scale, shift in [(1, 0), (1.2, -0.3)])
    a, b = distance(one, law, 0.0), distance(two, law, 0.0)
    between = stats.wasserstein_distance(one, two)
    assert abs(a.wasserstein - b.wasserstein) <= between <= a.wasserstein + b.wasserstein
    between = stats.ks_2samp(one, two).statistic
    pair = a.kolmogorov_smirnov, b.kolmogorov_smirnov
    assert abs(pair[0] - pair[1]) <= between + 1e-12
    assert between <= sum(pair) + 1e-12


def test_shift_of_a_sample_beyond_the_law():
    """Far to one side W1 is the difference of means and KS is 1."""
    law = MarchenkoPastur(0.25)
    for shift in (100.0, -1e6):
        found = distance(shift + np.zeros(3), law)
        assert found.kolmogorov_smirnov == 1
        assert found.wasserstein == pytest.approx(abs(shift - 1), abs=1e-12 + 8 * 2.0**-52 * abs(shift))


def test_rounded_zeros_of_a_spectrum_belong_to_the_atom():
    rng = np.random.default_rng(3)
    X = rng.standard_normal((100, 200))
    eigenvalues = np.linalg.eigvalsh(X.T @ X / 100)
    law = MarchenkoPastur(2.0)
    found = distance(eigenvalues, law)
    assert found.zeros == 100
    assert found.kolmogorov_smirnov < 2.5 * math.log(200) / 200  # rigidity, as a spectrum without zeros has
    strict = distance(eigenvalues, law, zero_tolerance=0.0)
    assert strict.zeros == 0
    assert strict.kolmogorov_smirnov > 0.2  # what a naive statistic finds
    pooled = distance(np.stack([eigenvalues, eigenvalues]), law)
    assert (pooled.size, pooled.zeros) == (400, 200)
    assert pooled.kolmogorov_smirnov == pytest.approx(found.kolmogorov_smirnov, abs=1e-14)


def test_no_value_is_taken_for_zero_without_an_atom():
    assert distance([1e-30, 1.0], MarchenkoPastur(0.5)).zeros == 0
    assert distance([0.0, 1.0], MarchenkoPastur(0.5)).zeros == 1
    assert distance([1e-3, 1.0], MarchenkoPastur(0.5), zero_tolerance=1e-2).zeros == 1


def test_readable():
    assert repr(distance([0.0, 0.0, 1.0, 3.0], MarchenkoPastur(2.0))).startswith(
        "Distance(kolmogorov_smirnov=0.159155, wasserstein=0.319905, cramer_von_mises=0.00289693, "
    )


@pytest.mark.parametrize(
    ("sample", "tolerance", "message"),
    [
        ([], None, r"sample: expected at least one number, got shape \(0,\)"),
        ([1.0, np.nan], None, "sample: expected finite numbers, got nan"),
        ([1.0, np.inf], None, "sample: expected finite numbers, got inf"),
        ([1j], None, "sample: expected real numbers, got complex128"),
        (["1"], None, "sample: expected real numbers, got <U1"),
        ([1.0], -1.0, r"zero_tolerance: expected a number of at least 0, got -1\.0"),
        ([1.0], math.nan, "zero_tolerance: expected a number of at least 0, got nan"),
    ],
)
def test_refused(sample, tolerance, message):
    with pytest.raises(ValueError, match=message):
        distance(sample, MarchenkoPastur(0.5), tolerance)
