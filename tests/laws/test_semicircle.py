"""The semicircle law against closed forms, and as the limit of spectra at small aspect ratio."""

import math

import mpmath as mp
import numpy as np
import pytest

from rmtsim.laws import GeneralizedMarchenkoPastur, Semicircle, weight_law

EPS = np.finfo(float).eps


@pytest.mark.parametrize(("radius", "center"), [(2.0, 0.0), (0.3, -5.0), (1e8, 1.0)])
def test_density_levels_and_quantiles(radius, center):
    law = Semicircle(radius, center)
    t = np.array([-1.0, -0.999, -0.5, 0.0, 0.3, 0.99, 1.0])
    x = center + radius * t
    # x is rounded, by eps abs(x): next to an edge t is off by that over the radius.
    slack = 8 * EPS * (1 + abs(center) / radius)
    density = 2 / (math.pi * radius) * np.sqrt(1 - t**2)
    assert np.all(np.abs(law.pdf(x) - density) <= 2 / (math.pi * radius) * np.sqrt(2 * slack))
    level = 0.5 + (t * np.sqrt(1 - t**2) + np.arcsin(t)) / math.pi
    assert np.all(np.abs(law.cdf(x) - level) <= slack)
    assert np.allclose(law.sf(x), 1 - level, atol=slack)
    q = np.array([0.0, 1e-9, 0.2, 0.5, 0.9, 1.0])
    assert np.allclose(law.cdf(law.ppf(q)), q, rtol=1e-12, atol=slack)
    assert law.support() == [(center - radius, center + radius)]
    assert law.atom == 0
    assert law.cdf(center - 2 * radius) == 0
    assert law.cdf(center + 2 * radius) == 1


def test_levels_keep_their_digits_at_the_edge():
    """F(-2 + t) = (2 phi - sin 2 phi) / (2 pi), sin^2(phi / 2) = t / 4: relatively accurate at any t."""
    mp.mp.dps = 60
    for t in (2.0**-50, 2.0**-20, 0.25):
        phi = 2 * mp.asin(mp.sqrt(mp.mpf(t) / 4))
        exact = (2 * phi - mp.sin(2 * phi)) / (2 * mp.pi)
        assert Semicircle().cdf(-2 + t) == pytest.approx(float(exact), rel=32 * EPS)


def test_moments_are_those_of_the_density():
    law = Semicircle(3.0, 0.7)
    for k in range(9):
        exact = mp.quad(
            lambda t, k=k: (0.7 + 3 * mp.sin(t)) ** k * 2 * mp.cos(t) ** 2 / mp.pi, [-mp.pi / 2, mp.pi / 2]
        )
        assert law.moment(k) == pytest.approx(float(exact), rel=1e-14)
    assert law.mean() == 0.7
    assert law.var() == pytest.approx(law.moment(2) - 0.49, rel=1e-14)


def test_transform_solves_its_equation():
    """s^2 + z s + 1 = 0 at radius 2, with s ~ -1/z."""
    z = np.array([3.0, -2.5, 0.1 + 0.2j, -1 - 3j, 1e6 + 1j])
    s = Semicircle().stieltjes(z)
    assert np.all(np.abs(s**2 + z * s + 1) <= 8 * EPS * (1 + np.abs(z * s)))
    assert np.all(np.abs(s) < 1)
    assert isinstance(Semicircle().stieltjes(3.0), float)
    with pytest.raises(ValueError, match=r"^z:"):
        Semicircle().stieltjes(1.0)


def test_draws_have_the_law():
    draws = Semicircle(1.0, 2.0).rvs(20_000, np.random.default_rng(4))
    assert abs(draws.mean() - 2) < 5 * 0.5 / math.sqrt(draws.size)


@pytest.mark.parametrize(
    ("arguments", "name"), [((0.0,), "radius"), ((1.0, math.inf), "center"), ((1e-20, 1.0), "radius")]
)
def test_refusals(arguments, name):
    with pytest.raises(ValueError, match=f"^{name}:"):
        Semicircle(*arguments)


def _largest_distance(law, limit):
    x = limit.ppf(np.linspace(0, 1, 2001))
    return np.abs(law.cdf(x) - limit.cdf(x)).max()


@pytest.mark.parametrize(
    ("weights", "probabilities", "order"),
    [([0.0, 1.0], [0.75, 0.25], 3), ([-1.0, 0.5, 4.0], [0.3, 0.5, 0.2], 3), ([-1.0, 1.0], [0.5, 0.5], 4)],
)
def test_spectra_approach_the_semicircle_as_the_aspect_ratio_falls(weights, probabilities, order):
    """theory.md (3.11): first to order gamma^(1/2), or gamma where E lambda^3 = 0, with the constant too."""
    w, p = np.array(weights), np.array(probabilities)
    for gamma in (1e-2, 1e-3, 1e-4):
        law = GeneralizedMarchenkoPastur(w, p, gamma)
        limit = Semicircle.of(law.weight_law, gamma)
        cumulant = gamma ** (order / 2 - 1) * (p @ w**order) / (p @ w**2) ** (order / 2)
        ratio = _largest_distance(law, limit) / (abs(cumulant) / (order * math.pi))
        # The next term is smaller by gamma^(1/2) times a quotient of cumulants, here at most 6.
        assert abs(ratio - 1) < 6 * math.sqrt(gamma)


def test_off_diagonal_blocks_of_cross_entropy_approach_it():
    weights = weight_law("linear", "ce", "vv_off", n_classes=10)
    distances = [
        _largest_distance(GeneralizedMarchenkoPastur.of(weights, gamma), Semicircle.of(weights, gamma))
        for gamma in (1e-2, 1e-3, 1e-4)
    ]
    rates = np.log10(np.array(distances[:-1]) / distances[1:])
    assert np.all(np.abs(rates - 0.5) < 0.1)


def test_at_large_aspect_ratio_only_the_rest_of_equal_weights_is_a_semicircle():
    """Weights 1, eigenvalues but zero: (H - gamma) / gamma^(1/2) has a mass 1/gamma on a semicircle."""
    gamma = 1e6
    law, limit = GeneralizedMarchenkoPastur([1.0], [1.0], gamma), Semicircle()
    t = limit.ppf(np.linspace(0.05, 0.95, 19))
    share = (law.cdf(gamma + math.sqrt(gamma) * t) - law.atom) * gamma
    # Levels keep 16 absolute digits, 10 of them here; the limit is off by the order gamma^(-1/2).
    assert np.abs(share - limit.cdf(t)).max() < gamma**-0.5 + 32 * EPS * gamma
