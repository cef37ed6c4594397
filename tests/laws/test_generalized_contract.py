"""What the generalised law accepts, returns and refuses."""

import math

import numpy as np
import pytest

from rmtsim.laws import GeneralizedMarchenkoPastur


def test_equal_and_impossible_weights_are_merged_and_dropped():
    law = GeneralizedMarchenkoPastur([2.0, 1.0, 2.0, 7.0], [0.25, 0.5, 0.25, 0.0], 0.5)
    assert law.weights.tolist() == [1.0, 2.0]
    assert law.probabilities.tolist() == [0.5, 0.5]


def test_all_weights_zero_is_a_point_mass():
    law = GeneralizedMarchenkoPastur([0.0, 0.0], [0.5, 0.5], 0.7)
    assert law.support() == []
    assert law.atom == 1
    assert law.cdf([-1e-300, 0.0, 1.0]).tolist() == [0, 1, 1]
    assert law.ppf([0.0, 0.5, 1.0]).tolist() == [0, 0, 0]
    assert law.pdf([0.0, 1.0]).tolist() == [0, 0]
    assert (law.moment(0), law.moment(3)) == (1, 0)
    assert law.stieltjes(2j) == -1 / 2j
    with pytest.raises(ValueError, match="z: expected points off the support"):
        law.stieltjes(0.0)


def test_variance_does_not_cancel_where_the_mean_is_far_above_the_width():
    law = GeneralizedMarchenkoPastur([1e6, 1e6 + 1], [0.5, 0.5], 1e-20)
    assert law.mean() == pytest.approx(1e6 + 0.5, rel=1e-15)
    assert law.var() == pytest.approx(1e-8 * (1 + 1e-6 + 5e-13), rel=1e-14, abs=0)
    assert GeneralizedMarchenkoPastur([-1.0, 3.0], [0.5, 0.5], 0.5).var() == 2.5


def test_moments_beyond_the_range_of_doubles():
    law = GeneralizedMarchenkoPastur([0.0, 1e-100], [0.5, 0.5], 1e200)
    # m_2 = (E lambda)^2 + gamma E lambda^2; m_3 and m_4 by their largest cumulant, gamma^(k - 1) E lambda^k.
    assert law.moment(2) == pytest.approx(0.5, rel=1e-14)
    assert law.moment(3) == pytest.approx(0.5e100, rel=1e-14)
    assert law.moment(8) == math.inf
    assert GeneralizedMarchenkoPastur([0.0], [1.0], 1e200).moment(8) == 0
    assert GeneralizedMarchenkoPastur([-1.0, 0.5], [0.5, 0.5], 1e200).moment(3) == -math.inf


def test_scalars_and_shapes():
    law = GeneralizedMarchenkoPastur([1.0, 8.0], [0.5, 0.5], 0.5)
    assert isinstance(law.pdf(1.0), float)
    assert [type(v) for v in law.pdf(1.0, return_error=True)] == [float, float]
    assert isinstance(law.cdf(1), float)
    assert isinstance(law.stieltjes(1j), complex)
    assert isinstance(law.stieltjes(-1.0), float)
    assert law.ppf(np.full((2, 3), 0.5)).shape == (2, 3)
    assert law.pdf([]).shape == law.cdf([]).shape == law.ppf([]).shape == law.stieltjes([]).shape == (0,)
    assert np.isnan(law.pdf([np.nan, 1.0])).tolist() == [True, False]
    assert np.isnan(law.cdf([np.nan, 1.0])).tolist() == [True, False]
    assert law.pdf([-np.inf, np.inf]).tolist() == [0, 0]


def test_draws():
    law = GeneralizedMarchenkoPastur([-1.0, 0.0, 2.0], [0.3, 0.3, 0.4], 1.0)
    x = law.rvs(4000, np.random.default_rng(1))
    assert abs(np.mean(x == 0) - 0.3) < 5 * math.sqrt(0.3 * 0.7 / 4000)
    assert abs(x.mean() - law.mean()) < 5 * law.std() / math.sqrt(4000)
    assert law.rvs((2, 3), 1).shape == (2, 3)
    assert law.rvs(5, 9).tolist() == law.rvs(5, 9).tolist()


@pytest.mark.parametrize(
    ("weights", "probabilities", "ratio", "message"),
    [
        ([], [], 1, "weights: expected a vector of at least one number"),
        ([[1.0]], [1.0], 1, "weights: expected a vector"),
        ([1.0, 2.0], [1.0], 1, "probabilities: expected one for each of the 2 weights, got 1"),
        ([1.0, np.nan], [0.5, 0.5], 1, "weights: expected finite numbers, got nan"),
        ([1.0, np.inf], [0.5, 0.5], 1, "weights: expected finite numbers, got inf"),
        ([1.0, 2.0], [0.5, np.nan], 1, "probabilities: expected finite numbers, got nan"),
        ([1.0, 2.0], [1.5, -0.5], 1, "probabilities: expected numbers from 0 to 1, got -0.5"),
        ([1.0, 2.0], [0.5, 0.5 + 2e-12], 1, "probabilities: expected a sum within 1e-12 of 1"),
        ([1.0], [1.0], 0, "aspect_ratio: expected a finite number above 0, got 0"),
        ([1.0], [1.0], -0.5, "aspect_ratio: expected a finite number above 0, got -0.5"),
        ([1.0], [1.0], np.nan, "aspect_ratio: expected a finite number above 0, got nan"),
        ([1.0], [1.0], np.inf, "aspect_ratio: expected a finite number above 0, got inf"),
    ],
)
def test_refused_parameters(weights, probabilities, ratio, message):
    with pytest.raises(ValueError, match=message):
        GeneralizedMarchenkoPastur(weights, probabilities, ratio)


def test_density_at_an_atom_is_that_of_the_continuous_part():
    one_sign = GeneralizedMarchenkoPastur([1.0, 8.0], [0.5, 0.5], 2.0)
    both_signs = GeneralizedMarchenkoPastur([-1.0, 0.0, 2.0], [0.25, 0.5, 0.25], 0.9)
    for law in (one_sign, both_signs):
        assert law.atom > 0.4
        ((left, right),) = law.support()[-1:]
        grid = np.array([0.0, -0.0, 0.5 * (left + right)])
        density, error = law.pdf(grid, return_error=True)
        assert density[:2].tolist() == error[:2].tolist() == [0, 0]
        assert density[2] == law.pdf(grid[2]) > 0


def test_refused_arguments():
    law = GeneralizedMarchenkoPastur([1.0, 8.0], [0.5, 0.5], 2.0)
    with pytest.raises(ValueError, match=r"q: expected probabilities from 0 to 1, got -0\.1"):
        law.ppf([-0.1])
    with pytest.raises(ValueError, match=r"k: expected an integer of at least 0, got 1\.5"):
        law.moment(1.5)
    with pytest.raises(ValueError, match=r"z: expected points off the support.*got 0"):
        law.stieltjes(0.0)
