"""The generalised law where it is singular: hard edges, cusps, many bulks, wide ranges."""

import math

import mpmath as mp
import numpy as np
import pytest

from rmtsim.laws import GeneralizedMarchenkoPastur, MarchenkoPastur

from ..oracles.limit_law import cubic_density


@pytest.mark.parametrize(("zero_mass", "gamma"), [(0.0, 1.0), (0.25, 0.75), (0.6, 0.4)])
def test_hard_edge(zero_mass, gamma):
    """At gamma = P(lambda != 0) the density is c x^-1/2, c = (gamma pi)^-1 (E[1/lambda; lambda > 0])^1/2."""
    probabilities = np.array([zero_mass, 0.5 * (1 - zero_mass), 0.5 * (1 - zero_mass)])
    law = GeneralizedMarchenkoPastur([0.0, 1.0, 4.0], probabilities, gamma)
    assert law.atom == 0
    assert law.support()[0][0] == 0
    assert law.pdf(0.0) == math.inf
    x = np.array([1e-24, 1e-16, 1e-10])
    c = math.sqrt((1 - zero_mass) * 0.5 * 1.25) / (math.pi * gamma)
    np.testing.assert_allclose(law.pdf(x) * np.sqrt(x), c, rtol=1e-4)
    np.testing.assert_allclose(law.pdf(x[:2]) * np.sqrt(x[:2]), c, rtol=1e-7)


def test_balanced_signs_at_ratio_one_meet_in_a_cusp():
    """Weights +-1 at gamma = 1: w^3 = x (w^2 - 1), so the density grows as sqrt(3)/(2 pi) abs(x)^-1/3."""
    law = GeneralizedMarchenkoPastur([-1.0, 1.0], [0.5, 0.5], 1.0)
    assert law.support() == [(-1.5 * math.sqrt(3), 1.5 * math.sqrt(3))]
    assert law.cdf(0.0) == 0.5
    assert law.pdf(0.0) == math.inf
    x = np.array([1e-15, 1e-12, -1e-9])
    np.testing.assert_allclose(law.pdf(x) * np.cbrt(np.abs(x)), math.sqrt(3) / (2 * math.pi), rtol=1e-5)
    np.testing.assert_allclose(law.ppf(law.cdf(x)), x, atol=1e-9)


def test_bulks_that_touch():
    """The cube roots of a_k sum to (gamma width^2)^1/3: two bulks meet at 9/2 in a cusp of power 1/3."""
    parameters = [1.0, 3.0], [0.25, 0.75], 4.0
    law = GeneralizedMarchenkoPastur(*parameters)
    x = 4.5 + np.array([-1e-3, -1e-6, -1e-9, 1e-9, 1e-6, 1e-3])
    density, error = law.pdf(x, return_error=True)
    truth = [cubic_density(*parameters, t) for t in x]
    assert all(abs(mp.mpf(f) - t) <= e for f, t, e in zip(density, truth, error, strict=True))
    np.testing.assert_allclose(law.ppf(law.cdf(x)), x, atol=1e-9)
    assert law.pdf(4.5) < 1e-4


def test_ratios_next_to_a_hard_edge():
    for excess in (1e-3, 1e-6, 1e-9, -1e-9, -1e-6, -1e-3):
        parameters = [1.0, 3.0], [0.25, 0.75], 1 + excess
        law = GeneralizedMarchenkoPastur(*parameters)
        assert law.atom == pytest.approx(max(0, excess / (1 + excess)), rel=1e-6, abs=0)
        # Edge: z = excess w + w^2 E 1/lambda to lowest order, so excess^2 / (4 E 1/lambda), with E 1/lambda =
        # 1/2.
        assert law.support()[0][0] == pytest.approx(excess**2 / 2, rel=3 * abs(excess) + 1e-7)
        x = np.append(law.support()[0][0] * np.array([1.01, 2.0, 100.0]), [0.01, 1.0])
        density, error = law.pdf(x, return_error=True)
        truth = [cubic_density(*parameters, t) for t in x]
        assert all(abs(mp.mpf(f) - t) <= e for f, t, e in zip(density, truth, error, strict=True))


def test_exact_separation():
    """Bulks of far-apart weights carry the masses p_k / gamma, whatever their widths."""
    law = GeneralizedMarchenkoPastur([-500.0, 1.0, 100.0, 1e4], [0.1, 0.2, 0.3, 0.4], 20.0)
    assert law.atom == pytest.approx(0.95)
    assert len(law.support()) == 4
    right_edges = [b for _, b in law.support()]
    np.testing.assert_allclose(law.cdf(right_edges), [0.005, 0.965, 0.98, 1.0], rtol=1e-14)
    np.testing.assert_allclose(law.ppf([0.0025, 0.5, 0.9999]) > 0, [False, False, True])


@pytest.mark.parametrize("gamma", [0.01, 0.5, 1.0, 5.0])
def test_weights_over_fifteen_decades(gamma):
    t = np.linspace(-6, 6, 200)
    probabilities = np.exp(-t * t / 2) / np.exp(-t * t / 2).sum()
    law = GeneralizedMarchenkoPastur(np.exp(3 * t), probabilities, gamma)
    assert len(law.support()) > 30
    assert all(a < b for a, b in law.support())
    tails = [1e-12, 1e-8, 1 - 1e-8, 1 - 1e-13]
    q = law.atom + (1 - law.atom) * np.append(np.linspace(0, 1, 501)[1:-1], tails)
    x = law.ppf(q)
    np.testing.assert_allclose(law.cdf(x), q, atol=1e-12)
    density, error = law.pdf(x[x > 0], return_error=True)
    assert np.all(density > 0)
    assert np.all(error < 1e-6 * density)


def test_atoms_of_negligible_mass():
    law = GeneralizedMarchenkoPastur([1.0, 2.0, 1e4], [0.5, 0.5 - 1e-30, 1e-30], 0.5)
    # A lone weight lambda shows at gamma lambda + E lambda + E[lambda'^2 / (lambda - lambda')].
    assert law.support()[-1][0] == pytest.approx(0.5e4 + 1.5 + 2.5 / 1e4, rel=1e-8)
    assert law.cdf(5e3) == pytest.approx(1, abs=1e-15)
    without = GeneralizedMarchenkoPastur([1.0, 2.0], [0.5, 0.5], 0.5)
    assert law.ppf(0.5) == pytest.approx(without.ppf(0.5), rel=1e-13)


@pytest.mark.parametrize("negligible", [1e-33, 1e-100, 1e-250, 1e-300])
def test_weights_beyond_all_digits_change_nothing(negligible):
    law, plain = GeneralizedMarchenkoPastur([1.0, 2.0], [1.0, negligible], 0.5), MarchenkoPastur(0.5)
    q = np.linspace(0.01, 0.99, 99)
    assert np.allclose(law.ppf(q), plain.ppf(q), rtol=1e-13)
    assert np.allclose(law.cdf(plain.ppf(q)), q, atol=1e-13)


def test_dirichlet_probabilities_give_laws():
    """Sparse probabilities from 1 down to nothing: the distribution function climbs from 0 to 1."""
    rng = np.random.default_rng(6)
    for _ in range(200):
        k = int(rng.integers(2, 8))
        p = rng.dirichlet(np.full(k, 0.005))
        law = GeneralizedMarchenkoPastur(rng.uniform(0.1, 5, k), p / p.sum(), 0.5)
        q = np.linspace(0.02, 0.98, 25)
        assert np.allclose(law.cdf(law.ppf(q)), q, atol=1e-10)


@pytest.mark.parametrize("ulps", [*range(-40, 41, 3), 5, 6, 7, 8, 16, 17])
def test_next_to_the_critical_ratio(ulps):
    """E[1 / lambda] = 0 makes a cusp at P(lambda != 0) = gamma."""
    law = GeneralizedMarchenkoPastur([-1.0, 1.0], [0.5, 0.5], 1 + ulps * 2.0**-52)
    levels = law.cdf(np.linspace(-3, 3, 4001))
    # (2^-52)^(1/2) is how far the parameters' rounding moves the level of a cusp x^(2/3) at most.
    assert np.diff(levels).min() > -(2.0**-26)
    assert law.cdf(0.0) == pytest.approx(0.5, abs=2.0**-26)


@pytest.mark.parametrize("small", [1e-68, 1e-130, 1e-200])
def test_refuses_weights_too_far_apart(small):
    with pytest.raises(ValueError, match=r"^weights: expected moduli within a factor of 1e\+60"):
        GeneralizedMarchenkoPastur([small, 1.0], [0.5, 0.5], 0.7)


@pytest.mark.parametrize("small", [1e-30, -1e-40, 1e-55])
def test_weights_far_apart_have_the_edges_of_both(small):
    """Each bulk is one of a single weight: 0.5 N samples of weight 1, and the rest d - 0.5 N small ones."""
    law = GeneralizedMarchenkoPastur([small, 1.0], [0.5, 0.5], 0.7)
    bulks = sorted(law.support(), key=lambda bulk: abs(bulk[1]))
    alone = MarchenkoPastur(0.7 / 0.5, scale=0.5).support()[0]
    assert bulks[1] == pytest.approx(alone, rel=1e-12)
    assert max(abs(end) for end in bulks[0]) < 3 * abs(small)


def test_error_bound_holds_next_to_merging_bulks():
    """A gap of relative width 1e-5 far from the pole of its edges; the true value is of 40 digits."""
    law = GeneralizedMarchenkoPastur([1e-6, 1.0], [0.5, 0.5], 0.5001515154530457)
    density, error = law.pdf(5.152091740685687e-07, return_error=True)
    assert abs(density - 401.16722616934703) <= error + 4 * np.finfo(float).eps * density
    assert error < 1e-6 * density
