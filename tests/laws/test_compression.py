"""Gauss compression of weight laws, and its stated error."""

import numpy as np
import pytest

from rmtsim.laws import GeneralizedMarchenkoPastur, compression_error, gauss_compress
from rmtsim.laws.compression import gauss_rule


def uniform(n=2000):
    """The uniform law on (0, 1) by a rule that has nothing to do with Gauss: midpoints."""
    return (np.arange(n) + 0.5) / n, np.full(n, 1 / n)


def log_normal(n=1501, reach=6.5):
    t = np.linspace(-reach, reach, n)
    p = np.exp(-t * t / 2)
    return np.exp(t - 0.5), p / p.sum()


def test_gauss_rule_is_exact_for_polynomials():
    rng = np.random.default_rng(2)
    points, masses = np.sort(rng.uniform(-1, 1, 300)), rng.dirichlet(np.ones(300))
    nodes, weights = gauss_rule(points, masses, 12)
    assert nodes.size == 12
    assert np.all(weights > 0)
    for k in range(24):
        assert np.sum(weights * nodes**k) == pytest.approx(np.sum(masses * points**k), abs=1e-14)


def test_gauss_rule_of_few_points_is_the_measure_itself():
    points, masses = np.array([1.0, 2.0, 5.0]), np.array([0.2, 0.3, 0.5])
    for part, same in zip(gauss_rule(points, masses, 3), (points, masses), strict=True):
        np.testing.assert_array_equal(part, same)


@pytest.mark.parametrize("measure", [uniform, log_normal])
def test_moments_are_kept(measure):
    w, p = measure()
    nodes, masses = gauss_compress(w, p, 60)
    assert nodes.size == 60
    assert np.all(masses > 0)
    for k in range(5):
        assert masses @ nodes**k == pytest.approx(p @ w**k, rel=1e-10)


def test_zero_weights_and_signs_are_kept():
    w, p = uniform()
    w, p = np.concatenate([w, -2 * w, [0.0]]), np.concatenate([0.3 * p, 0.2 * p, [0.5]])
    nodes, masses = gauss_compress(w, p, 81)
    assert nodes.size == 81
    assert masses[nodes == 0].tolist() == [0.5]
    assert masses.sum() == pytest.approx(1, abs=1e-14)
    assert nodes.min() > -2
    assert nodes.max() < 1
    law = GeneralizedMarchenkoPastur(nodes, masses, 2.0)
    assert law.atom == pytest.approx(0.75, abs=1e-14)


def test_few_atoms_come_back_as_they_are():
    w, p = gauss_compress([3.0, 1.0, 3.0, 0.0], [0.25, 0.25, 0.25, 0.25], 3)
    assert w.tolist() == [0.0, 1.0, 3.0]
    assert p.tolist() == [0.25, 0.25, 0.5]


def test_many_atoms_are_reduced_in_runs():
    rng = np.random.default_rng(4)
    w = np.exp(rng.standard_normal(30_000))
    p = np.full(w.size, 1 / w.size)
    nodes, masses = gauss_compress(w, p, 80)
    at = np.array([1 + 1j, 0.1 + 0.2j, -2 + 0.5j])
    exact = (1 / (at[:, None] - w)) @ p
    np.testing.assert_allclose((1 / (at[:, None] - nodes)) @ masses, exact, rtol=1e-6)
    assert masses @ nodes == pytest.approx(w.mean(), rel=1e-12)


@pytest.mark.parametrize("gamma", [0.1, 0.5])
def test_smooth_bounded_weights_lose_nothing(gamma):
    w, p = uniform()
    law = GeneralizedMarchenkoPastur(*gauss_compress(w, p, 50), gamma)
    exact = GeneralizedMarchenkoPastur(w, p, gamma)
    q = np.linspace(0.01, 0.99, 45)
    x = exact.ppf(q)
    np.testing.assert_allclose(law.cdf(x), q, atol=1e-11)
    np.testing.assert_allclose(law.pdf(x), exact.pdf(x), rtol=1e-9)
    assert compression_error(law, w, p) < 1e-11


@pytest.mark.parametrize("n_atoms", [20, 60])
def test_stated_error_is_the_error(n_atoms):
    """A heavy tail keeps few atoms in sight: its error is stated, and it is the true one to first order."""
    w, p = log_normal()
    exact = GeneralizedMarchenkoPastur(w, p, 0.5)
    law = GeneralizedMarchenkoPastur(*gauss_compress(w, p, n_atoms), 0.5)
    stated = compression_error(law, w, p)
    x = law.ppf((np.arange(400) + 0.5) / 400)
    true = np.max(np.abs(law.cdf(x) - exact.cdf(x)))
    assert 1e-5 < true < 1e-2
    assert 0.5 * true < stated < 2 * true


def test_error_falls_with_the_number_of_atoms():
    w, p = log_normal()
    laws = [GeneralizedMarchenkoPastur(*gauss_compress(w, p, n), 0.5) for n in (25, 50, 100, 200)]
    errors = [compression_error(law, w, p) for law in laws]
    assert np.all(np.diff(errors) < 0)
    assert errors[-1] < 1e-4


def test_refused_arguments():
    with pytest.raises(ValueError, match="n_atoms: expected at least 2, got 1"):
        gauss_compress([1.0], [1.0], 1)
    with pytest.raises(ValueError, match="probabilities: expected a sum"):
        gauss_compress([1.0, 2.0], [0.5, 0.4], 10)
