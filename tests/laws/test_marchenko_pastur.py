"""Marchenko-Pastur in closed form against quadrature, its quadratic, Narayana numbers and simulation."""

import math

import numpy as np
import pytest
from scipy.integrate import quad

from rmtsim.laws import MarchenkoPastur

from ..oracles.marchenko_pastur import marchenko_pastur, transform

RATIOS = [0.02, 0.5, 1.0, 1.0 + 1e-9, 2.0, 25.0]


def edges(ratio, scale):
    return scale * (1 - math.sqrt(ratio)) ** 2, scale * (1 + math.sqrt(ratio)) ** 2


def integral(function, ratio, scale, stop):
    """Integral of function(x) times the density from the left edge to ``stop``, x = mid - half cos(phi)."""
    a, b = edges(ratio, scale)
    mid, half = (a + b) / 2, (b - a) / 2

    def integrand(phi):
        x = mid - half * math.cos(phi)
        # sqrt((b - x)(x - a)), once for the density and once for dx
        sine = half * math.sin(phi)
        return function(x) * sine**2 / (2 * math.pi * ratio * scale * x) if phi > 0 else 0.0

    return quad(integrand, 0, math.acos((mid - stop) / half), epsabs=1e-13, epsrel=1e-12, limit=200)[0]


@pytest.mark.parametrize("ratio", [0.02, 0.5, 1.0, 2.0, 25.0])
def test_distribution_function_is_the_integral_of_the_density(ratio):
    law, scale = MarchenkoPastur(ratio, 3.0), 3.0
    a, b = edges(ratio, scale)
    for x in a + (b - a) * np.array([0.01, 0.3, 0.7, 0.999]):
        expected = max(0, 1 - 1 / ratio) + integral(lambda t: 1.0, ratio, scale, x)
        assert law.cdf(x) == pytest.approx(expected, abs=1e-11)
        closed = math.sqrt((b - x) * (x - a)) / (2 * math.pi * ratio * scale * x)
        assert law.pdf(x) == pytest.approx(closed, rel=1e-12 / math.sqrt(0.001 * min(1, (b - a) / b)))


@pytest.mark.parametrize("ratio", [0.02, 0.5, 1.0, 2.0, 25.0])
@pytest.mark.parametrize("k", [1, 2, 3, 6])
def test_moments_are_integrals(ratio, k):
    expected = integral(lambda t: t**k, ratio, 0.5, edges(ratio, 0.5)[1])
    assert MarchenkoPastur(ratio, 0.5).moment(k) == pytest.approx(expected, rel=1e-10)


def test_moments_of_ratio_one_are_catalan_numbers():
    law = MarchenkoPastur(1.0)
    assert [law.moment(k) for k in range(8)] == [1, 1, 2, 5, 14, 42, 132, 429]
    assert law.var() == 1.0


@pytest.mark.parametrize("ratio", RATIOS)
def test_quantiles_invert_the_distribution_function(ratio):
    law = MarchenkoPastur(ratio, 2.0)
    ((a, b),) = law.support()
    x = a + (b - a) * np.array([1e-3, 0.1, 0.5, 0.9, 1 - 1e-3])
    np.testing.assert_allclose(law.ppf(law.cdf(x)), x, rtol=1e-11)
    q = law.atom + (1 - law.atom) * np.array([1e-9, 1e-3, 0.5, 1 - 1e-6])
    np.testing.assert_allclose(law.cdf(law.ppf(q)), q, atol=1e-13)
    assert law.ppf(1.0) == b
    assert law.ppf(0.0) == (0.0 if law.atom else a)


# Ratios at which formulas in one variable or another cancel, and scales that make products round.
HARD_RATIOS = [
    5e-324,
    1e-300,
    1e-30,
    1e-12,
    1e-9,
    0.02,
    0.25,
    0.26,
    0.999,
    1 - 2**-53,
    1.0,
    1 + 2**-52,
    1 + 1e-9,
    4.1,
    1e9,
    1e30,
]
EPS = 2.0**-52


def points_of_the_bulk(law):
    """The middle, the doubles next to the edges, and points at 1e-15 to 1/2 of the width from both edges."""
    ((a, b),) = law.support()
    away = (b - a) * np.array([1e-15, 1e-10, 1e-5, 1e-3, 0.1, 0.3, 0.5])
    middle = law.scale * (1 + law.aspect_ratio)
    x = np.array([middle, np.nextafter(a, b), np.nextafter(b, a), *(a + away), *(b - away)])
    return np.unique(x[(a < x) & (x < b) | (x == middle)])


@pytest.mark.parametrize("scale", [1.0, 0.1])
@pytest.mark.parametrize("ratio", HARD_RATIOS)
def test_values_are_right_to_rounding_up_to_both_edges(ratio, scale):
    """Against 60 digits: 24 positive terms are summed (24 eps at most), a few roundings come before."""
    law = MarchenkoPastur(ratio, scale)
    for x in points_of_the_bulk(law):
        density, lower, upper = marchenko_pastur(ratio, scale, x)
        assert law.pdf(x) == pytest.approx(float(density), rel=32 * EPS, abs=0)
        assert law.sf(x) == pytest.approx(float(upper), rel=32 * EPS, abs=0)
        assert law.cdf(x) == pytest.approx(float(lower) + law.atom, rel=32 * EPS, abs=0)


@pytest.mark.parametrize("ratio", HARD_RATIOS)
def test_round_trip_at_hard_ratios(ratio):
    """Beyond the error of the level, 32 eps, there is what the quantile loses: its neighbours' distance."""
    law = MarchenkoPastur(ratio, 0.1)
    shares = np.array([1e-300, 1e-30, 1e-9, 1e-3, 0.3, 0.5, 0.7, 1 - 1e-3, 1 - 1e-9, 1 - 2**-53])
    q = law.atom + (1 - law.atom) * shares
    x = law.ppf(q)
    assert np.all(np.diff(x) >= 0)
    step = law.cdf(np.nextafter(x, np.inf)) - law.cdf(np.nextafter(x, -np.inf))
    assert np.all(np.abs(law.cdf(x) - q) <= 32 * EPS * q + step)


def test_semicircle_limit_of_small_ratios():
    """(t - 1) / gamma^1/2 tends to the semicircle law of radius 2, with a difference of O(gamma^1/2)."""
    law = MarchenkoPastur(1e-24)
    x = 1 + 1e-12 * np.array([-1.5, 0.0, 1.0])
    t = (x - 1) / 1e-12
    semicircle = 0.5 + t * np.sqrt(4 - t**2) / (4 * math.pi) + np.arcsin(t / 2) / math.pi
    np.testing.assert_allclose(law.cdf(x), semicircle, atol=1e-12)
    assert MarchenkoPastur(1e-12).cdf(1 + 1e-12) == pytest.approx(0.5, abs=1e-6)
    assert MarchenkoPastur(1e-300).cdf(1.0) == pytest.approx(0.5, abs=4 * EPS)


@pytest.mark.parametrize("ratio", [1e-300, 1e-12, 0.02, 0.5, 1 - 1e-9, 1.0, 1 + 1e-9, 3.0, 1e6, 1e30])
def test_transform_is_right_to_rounding_near_the_edges(ratio):
    law, width = MarchenkoPastur(ratio, 0.1), 0.4 * math.sqrt(ratio)
    ((a, b),) = law.support()
    off = np.array([a - width * 1e-3, a - width, b + width * 1e-3, b + 100 * width])
    z = np.array(
        [*off, complex(a, 1e-9 * width), complex(b, -width), complex(0.1 * (1 + ratio), 1e-20 * width)]
    )
    z = z[(z.imag != 0) | (z.real < a) | (z.real > b)]
    expected = [complex(transform(ratio, 0.1, v)) for v in z]
    np.testing.assert_allclose(law.stieltjes(z), expected, rtol=16 * EPS)


def test_mean_and_variance_of_extreme_parameters():
    law = MarchenkoPastur(1e-30, 3.0)
    assert law.mean() == 3
    assert law.var() == pytest.approx(9e-30, rel=4 * EPS, abs=0)
    assert MarchenkoPastur(0.25, 1e-200).std() == pytest.approx(0.5e-200, rel=4 * EPS, abs=0)
    assert MarchenkoPastur(4.0, 1e200).moment(2) == math.inf
    assert MarchenkoPastur(1e200, 1e-200).moment(3) == pytest.approx(1e-200, rel=4 * EPS, abs=0)


@pytest.mark.parametrize("ratio", RATIOS)
def test_transform_solves_the_quadratic_in_the_upper_half_plane(ratio):
    law = MarchenkoPastur(ratio, 2.0)
    z = np.array([1 + 1j, 0.1 + 1e-8j, -3 + 0.5j, 100 + 1j, 1e4j])
    s = law.stieltjes(z)
    assert np.all(s.imag > 0)
    # s = 1 / (lambda / (1 + gamma lambda s) - z), lambda = 2
    np.testing.assert_allclose(s * (2 / (1 + 2 * ratio * s) - z), 1, rtol=1e-9)
    np.testing.assert_allclose(law.stieltjes(z.conj()), s.conj(), rtol=1e-14)


def test_transform_is_real_off_the_support():
    law = MarchenkoPastur(0.5)
    assert isinstance(law.stieltjes(-1.0), float)
    # E 1/(t + 1) by quadrature
    expected = integral(lambda t: 1 / (t + 1), 0.5, 1.0, edges(0.5, 1)[1])
    assert law.stieltjes(-1.0) == pytest.approx(expected, rel=1e-11)
    with pytest.raises(ValueError, match="z: expected points off the support"):
        law.stieltjes([5.0, 1.0])


def test_ratio_one_has_a_hard_edge():
    law = MarchenkoPastur(1.0)
    assert law.atom == 0
    assert law.support() == [(0.0, 4.0)]
    assert law.pdf(0.0) == math.inf
    x = np.array([1e-20, 1e-12, 1e-6])
    np.testing.assert_allclose(law.pdf(x) * np.sqrt(x), 1 / math.pi, rtol=1e-6)
    np.testing.assert_allclose(law.cdf(x), 2 * np.sqrt(x) / math.pi, rtol=1e-6, atol=1e-15)


def test_atom():
    law = MarchenkoPastur(4.0)
    assert law.atom == 0.75
    assert law.cdf([-1e-300, 0.0, 0.9]) == pytest.approx([0, 0.75, 0.75])
    assert law.ppf([0.0, 0.3, 0.75]) == pytest.approx([0, 0, 0])
    assert law.sf([-1e-300, 0.0, 0.9]) == pytest.approx([1, 0.25, 0.25])


def test_density_at_an_atom_is_that_of_the_continuous_part():
    assert MarchenkoPastur(4.0).pdf([0.0, -0.0, 0.5, 1.0 + 1e-3]).tolist()[:3] == [0, 0, 0]
    assert MarchenkoPastur(0.25).pdf(0.0) == 0
    assert MarchenkoPastur(1.0).pdf([0.0, -1e-300]).tolist() == [math.inf, 0]


def test_scalars_and_shapes():
    law = MarchenkoPastur(0.5)
    assert isinstance(law.pdf(1.0), float)
    assert isinstance(law.cdf(1), float)
    assert law.ppf(np.full((2, 3), 0.5)).shape == (2, 3)
    assert law.pdf([]).shape == (0,)
    assert np.isnan(law.pdf(np.nan))
    assert np.isnan(law.cdf(np.nan))
    assert law.pdf([-np.inf, np.inf]).tolist() == [0, 0]
    assert law.cdf([-np.inf, np.inf]).tolist() == [0, 1]


def test_simulated_spectrum():
    rng = np.random.default_rng(20)
    n, d = 800, 400
    x = rng.standard_normal((n, d))
    eigenvalues = np.sort(np.linalg.eigvalsh(x.T @ x / n))
    law = MarchenkoPastur(d / n)
    levels = (np.arange(d) + 0.5) / d
    # Rigidity: eigenvalues keep to their quantiles within O(log d / d); 2.5 allows for the constant.
    assert np.max(np.abs(law.cdf(eigenvalues) - levels)) < 2.5 * math.log(d) / d


def test_draws():
    law = MarchenkoPastur(2.0)
    x = law.rvs(4000, np.random.default_rng(1))
    assert abs(np.mean(x == 0) - 0.5) < 5 * 0.5 / math.sqrt(4000)
    assert abs(x.mean() - 1) < 5 * law.std() / math.sqrt(4000)
    assert isinstance(law.rvs(rng=3), float)


@pytest.mark.parametrize(
    ("arguments", "name"),
    [((0.0,), "aspect_ratio"), ((-1,), "aspect_ratio"), ((math.nan,), "aspect_ratio"),
     ((math.inf,), "aspect_ratio"), ((1, 0), "scale"), ((1, -2), "scale"), ((1, math.nan), "scale"),
     ((1e200, 1e200), "scale"), ((1e-300, 1e-300), "scale")],
)  # fmt: skip
def test_refused_parameters(arguments, name):
    with pytest.raises(ValueError, match=f"{name}: expected"):
        MarchenkoPastur(*arguments)


def test_refused_arguments():
    law = MarchenkoPastur(0.5)
    with pytest.raises(ValueError, match="q: expected probabilities"):
        law.ppf([0.5, 1.5])
    with pytest.raises(ValueError, match="k: expected an integer"):
        law.moment(-1)
