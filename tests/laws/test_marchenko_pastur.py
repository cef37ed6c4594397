"""Marchenko-Pastur in closed form against quadrature, its quadratic, Narayana numbers and simulation."""

import math

import numpy as np
import pytest
from scipy.integrate import quad

from rmtsim.laws import MarchenkoPastur

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
    with pytest.raises(ValueError, match=r"x: expected points other than 0.*atom of mass 0.75"):
        law.pdf([1.0, 0.0])


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
     ((math.inf,), "aspect_ratio"), ((1, 0), "scale"), ((1, -2), "scale"), ((1, math.nan), "scale")],
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
