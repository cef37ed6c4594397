"""The generalised law against a cubic and polynomials at 50 digits, quadrature, partitions and simulation."""

import itertools
import math

import mpmath as mp
import numpy as np
import pytest

from rmtsim.laws import GeneralizedMarchenkoPastur, MarchenkoPastur
from rmtsim.laws.solver import arc

from ..oracles.limit_law import cubic_density, noncrossing_partitions, polynomial_density

LAWS = {
    "one bulk": ([1.0, 8.0], [0.5, 0.5], 0.5),
    "narrow": ([1.0, 8.0], [0.5, 0.5], 0.02),
    "two bulks": ([1.0, 8.0], [0.5, 0.5], 0.1),
    "atom": ([1.0, 3.0], [0.25, 0.75], 2.5),
    "hard edge": ([1.0, 3.0], [0.25, 0.75], 1.0),
    "both signs": ([-1.0, 2.0], [0.5, 0.5], 0.3),
    "both signs, hard edge": ([-1.0, 2.0], [0.5, 0.5], 1.0),
    "both signs, atom": ([-1.0, 1.0], [0.5, 0.5], 3.0),
    "negative": ([-3.0, -1.0], [0.5, 0.5], 0.5),
}
ALL = pytest.mark.parametrize("parameters", LAWS.values(), ids=LAWS.keys())


def bulk_points(law, fractions=(1e-6, 1e-3, 0.2, 0.5, 0.77, 1 - 1e-3, 1 - 1e-6)):
    return np.concatenate([a + (b - a) * np.array(fractions) for a, b in law.support()])


def quadrature(law, n=4000):
    """Points and masses of the continuous part, x = mid - half cos(phi) in each bulk."""
    phi = (np.arange(n) + 0.5) * math.pi / n
    for a, b in law.support():
        x = (a + b) / 2 - (b - a) / 2 * np.cos(phi)
        yield x, math.pi / n * (b - a) / 2 * np.sin(phi) * law.pdf(x)


@ALL
def test_density_of_two_atoms_is_the_root_of_a_cubic(parameters):
    law = GeneralizedMarchenkoPastur(*parameters)
    x = bulk_points(law)
    density, error = law.pdf(x, return_error=True)
    truth = [cubic_density(*parameters, t) for t in x]
    true_error = np.array([float(abs(mp.mpf(f) - t)) for f, t in zip(density, truth, strict=True)])
    assert np.all(true_error <= error)
    from_edge = np.tile([1e-6, 1e-3, 1, 1, 1, 1e-3, 1e-6], len(law.support()))
    assert np.all(error <= np.where(from_edge > 1e-6, 1e-9, 1e-7) * density)


@pytest.mark.parametrize("ratio", [0.01, 0.5, 1.0, 2.0, 30.0])
def test_one_atom_is_marchenko_pastur(ratio):
    law, exact = GeneralizedMarchenkoPastur([3.0], [1.0], ratio), MarchenkoPastur(ratio, 3.0)
    ((a, b),) = exact.support()
    assert law.support()[0] == pytest.approx((a, b), abs=1e-14 * b)
    x = np.linspace(a, b, 1001)[1:-1]
    np.testing.assert_allclose(law.pdf(x), exact.pdf(x), rtol=1e-9)
    np.testing.assert_allclose(law.cdf(x), exact.cdf(x), atol=1e-12)
    near = np.array([a + 1e-6, b - 1e-6])
    np.testing.assert_allclose(law.pdf(near), exact.pdf(near), rtol=1e-7)
    z = np.array([1 + 1j, 3 - 1e-9j, 1e5j, -3.0, b + 1e-6])
    np.testing.assert_allclose(law.stieltjes(z), exact.stieltjes(z), rtol=1e-9)


@pytest.mark.parametrize("gamma", [0.05, 0.7, 1.0, 1.5])
def test_density_of_several_atoms_is_the_root_of_a_polynomial(gamma):
    parameters = [-2.0, -0.3, 0.05, 1.0, 4.0], [0.1, 0.2, 0.3, 0.25, 0.15], gamma
    law = GeneralizedMarchenkoPastur(*parameters)
    x = bulk_points(law, (1e-6, 0.4, 1 - 1e-6))
    density, error = law.pdf(x, return_error=True)
    truth = np.array([float(polynomial_density(*parameters, t)) for t in x])
    assert np.all(np.abs(density - truth) <= error + 4e-16 * truth)
    assert np.all(error <= 1e-7 * density)


@ALL
def test_edges_are_critical_values_of_the_inverse_map(parameters):
    weights, probabilities, gamma = parameters
    law = GeneralizedMarchenkoPastur(*parameters)
    with mp.workdps(40):
        atoms = [(mp.mpf(a), mp.mpf(b)) for a, b in zip(weights, probabilities, strict=True)]
        # z'(e) = 0 with z = E l/(1 + l e) - g/e, as a polynomial of degree 4 in e.
        f = [np.poly1d([a, 1.0]) ** 2 for a in weights]
        poly = gamma * f[0] * f[1] - np.poly1d([1, 0, 0]) * (
            probabilities[0] * weights[0] ** 2 * f[1] + probabilities[1] * weights[1] ** 2 * f[0]
        )
        roots = [r.real for r in poly.roots if abs(r.imag) < 1e-9 * abs(r) and abs(r) < 1e6]
        values = sorted(float(sum(b * a / (1 + a * r) for a, b in atoms) - gamma / r) for r in roots)
    if gamma == 1:
        values = sorted([*values, 0.0])  # e = infinity
    np.testing.assert_allclose(sorted(np.ravel(law.support())), values, atol=1e-11)


@ALL
def test_total_mass_and_moments(parameters):
    law = GeneralizedMarchenkoPastur(*parameters)
    parts = list(quadrature(law))
    assert law.atom + sum(m.sum() for _, m in parts) == pytest.approx(1, abs=1e-10)
    for k in range(1, 7):
        size = sum(np.sum(np.abs(x) ** k * m) for x, m in parts)
        assert abs(sum(np.sum(x**k * m) for x, m in parts) - law.moment(k)) < 1e-10 * size


@ALL
def test_distribution_function_is_the_integral_of_the_density(parameters):
    law = GeneralizedMarchenkoPastur(*parameters)
    nodes, masses = np.polynomial.legendre.leggauss(80)
    for a, b in law.support():
        left, right = a + 0.2 * (b - a), a + 0.9 * (b - a)
        x = (left + right) / 2 + (right - left) / 2 * nodes
        mass = (right - left) / 2 * np.sum(masses * law.pdf(x))
        assert law.cdf(right) - law.cdf(left) == pytest.approx(mass, abs=1e-10)
    assert law.cdf(np.inf) == 1
    assert law.cdf(-np.inf) == 0


@ALL
def test_quantiles_invert_the_distribution_function(parameters):
    law = GeneralizedMarchenkoPastur(*parameters)
    x = bulk_points(law, (1e-4, 0.01, 0.3, 0.6, 0.99, 1 - 1e-4))
    np.testing.assert_allclose(law.ppf(law.cdf(x)), x, atol=1e-9)
    q = np.linspace(0, 1, 203)
    at = law.ppf(q)
    assert np.all(np.diff(at) >= 0)
    np.testing.assert_allclose(law.cdf(at[at != 0]), q[at != 0], atol=1e-12)
    assert (at[0], at[-1]) == (
        min(law.support()[0][0], 0) if law.atom else law.support()[0][0],
        max(law.support()[-1][1], 0) if law.atom else law.support()[-1][1],
    )


@pytest.mark.parametrize("k", range(1, 8))
def test_moments_are_sums_over_noncrossing_partitions(k):
    weights, probabilities, gamma = np.array([-1.0, 0.0, 2.5]), np.array([0.3, 0.5, 0.2]), 0.7
    kappa = [gamma ** (j - 1) * np.sum(probabilities * weights**j) for j in range(k + 1)]
    expected = sum(math.prod(kappa[len(block)] for block in parts) for parts in noncrossing_partitions(k))
    law = GeneralizedMarchenkoPastur(weights, probabilities, gamma)
    assert law.moment(k) == pytest.approx(expected, rel=1e-13)


def test_first_two_moments_match_the_closed_form():
    law = GeneralizedMarchenkoPastur([1.0, 8.0], [0.5, 0.5], 0.5)
    assert law.moment(0) == 1
    assert law.mean() == 4.5
    assert law.moment(2) == 4.5**2 + 0.5 * 32.5


def test_transform_solves_the_equation_in_the_upper_half_plane():
    rng = np.random.default_rng(5)
    weights, probabilities = rng.standard_normal(30), rng.dirichlet(np.ones(30))
    z = rng.standard_normal(50) * 3 + 1j * 10.0 ** rng.uniform(-10, 2, 50)
    for gamma in (0.1, 1.0, 5.0):
        s = GeneralizedMarchenkoPastur(weights, probabilities, gamma).stieltjes(z)
        assert np.all(s.imag > 0)
        mean = (weights / (1 + gamma * weights * s[:, None])) @ probabilities
        np.testing.assert_allclose(s * (mean - z), 1, rtol=1e-11)


@ALL
def test_transform_off_the_support_is_an_integral(parameters):
    law = GeneralizedMarchenkoPastur(*parameters)
    left, right = min(0.0, law.support()[0][0]), max(0.0, law.support()[-1][1])
    points = np.array([left - 2.0, right + 0.5, right + 1e3])
    expected = sum((m / (x - points[:, None])).sum(axis=1) for x, m in quadrature(law)) - law.atom / points
    s = law.stieltjes(points)
    assert s.dtype == np.float64
    np.testing.assert_allclose(s, expected, rtol=1e-10)
    np.testing.assert_allclose(law.stieltjes(points + 0j), expected, rtol=1e-10)
    with pytest.raises(ValueError, match="z: expected points off the support"):
        law.stieltjes(bulk_points(law)[2])


def test_transform_inside_gaps_is_an_integral():
    law = GeneralizedMarchenkoPastur([-1.0, 1.0, 9.0], [0.3, 0.3, 0.4], 4.0)
    gaps = [(a[1], b[0]) for a, b in itertools.pairwise(law.support())]
    points = np.array([a + (b - a) * t for a, b in gaps for t in (0.1, 0.6)])
    expected = sum((m / (x - points[:, None])).sum(axis=1) for x, m in quadrature(law)) - law.atom / points
    np.testing.assert_allclose(law.stieltjes(points), expected, rtol=1e-10, atol=1e-12)


def test_reflection_and_scaling():
    weights, probabilities = np.array([-0.5, 1.0, 3.0]), np.array([0.2, 0.5, 0.3])
    law = GeneralizedMarchenkoPastur(weights, probabilities, 0.6)
    mirror = GeneralizedMarchenkoPastur(-weights, probabilities, 0.6)
    tiny = GeneralizedMarchenkoPastur(weights * 1e-150, probabilities, 0.6)
    x = bulk_points(law, (0.01, 0.5, 0.99))
    np.testing.assert_allclose(mirror.pdf(-x), law.pdf(x), rtol=1e-11)
    np.testing.assert_allclose(1 - mirror.cdf(-x), law.cdf(x), atol=1e-14)
    np.testing.assert_allclose(tiny.pdf(x * 1e-150) * 1e-150, law.pdf(x), rtol=1e-11)
    assert tiny.moment(2) == pytest.approx(law.moment(2) * 1e-300, rel=1e-13)


def test_bisection_alone_gives_the_same_law(monkeypatch):
    """Where Newton fails the fallback must be right; so take Newton away."""
    for parameters in LAWS.values():
        law = GeneralizedMarchenkoPastur(*parameters)
        x = bulk_points(law, (1e-3, 0.3, 0.6, 0.999))
        pdf, cdf, s = law.pdf(x), law.cdf(x), law.stieltjes(x[:2] + 0.1j)
        with monkeypatch.context() as patch:
            patch.setattr(arc, "_MAX_NEWTON", 0)
            np.testing.assert_allclose(law.pdf(x), pdf, rtol=1e-11)
            np.testing.assert_allclose(law.ppf(cdf), x, atol=1e-9)
            np.testing.assert_allclose(law.stieltjes(x[:2] + 0.1j), s, rtol=1e-12)


@pytest.mark.parametrize(
    ("weights", "probabilities", "gamma"),
    [([1.0, 8.0], [0.5, 0.5], 0.5), ([-1.0, 0.0, 2.0], [0.3, 0.3, 0.4], 1.0), ([0.0, 1.0], [0.5, 0.5], 0.25)],
)
def test_simulated_spectra(weights, probabilities, gamma):
    rng = np.random.default_rng(7)
    d = 500
    n = round(d / gamma)
    x = rng.standard_normal((n, d))
    counts = np.round(n * np.array(probabilities)).astype(int)
    sample_weights = np.repeat(weights, counts)[:n]
    sample_weights = np.append(sample_weights, np.full(n - sample_weights.size, weights[-1]))
    eigenvalues = np.linalg.eigvalsh(x.T @ (sample_weights[:, None] * x) / n)
    law = GeneralizedMarchenkoPastur(weights, probabilities, gamma)
    nonzero = np.abs(eigenvalues) > 1e-9
    assert abs(np.mean(~nonzero) - law.atom) < 2 / d
    levels = (np.arange(d) + 0.5) / d
    # Rigidity: eigenvalues keep to their quantiles within O(log d / d); 2.5 allows for the constant.
    assert np.max(np.abs(law.cdf(eigenvalues) - levels)[nonzero]) < 2.5 * math.log(d) / d
