"""The generalised law against a cubic and polynomials at 50 digits, quadrature, partitions and simulation."""

import itertools
import math

import mpmath as mp
import numpy as np
import pytest

from rmtsim.laws import GeneralizedMarchenkoPastur, MarchenkoPastur
from rmtsim.laws import _arc as arc

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


def cubic_density(weights, probabilities, gamma, x):
    """Density of a two-atom law from theory.md (3.1) as a cubic in s, by Cardano's formula at 50 digits.

    s (E - x) = 1 with E = sum p l / (1 + g l s); times (1 + g l1 s)(1 + g l2 s).
    """
    with mp.workdps(50):
        (l1, l2), (p1, p2) = map(mp.mpf, weights), map(mp.mpf, probabilities)
        g, x = mp.mpf(gamma), mp.mpf(float(x))
        u, v = g * l1, g * l2
        c3 = -x * u * v
        c2 = p1 * l1 * v + p2 * l2 * u - x * (u + v) - u * v
        c1 = p1 * l1 + p2 * l2 - x - (u + v)
        shift = c2 / (3 * c3)
        p = c1 / c3 - 3 * shift**2
        q = 2 * shift**3 - shift * c1 / c3 - 1 / c3
        root = mp.sqrt(q * q / 4 + p**3 / 27 + mp.mpc(0))
        big = -q / 2 + root if abs(-q / 2 + root) > abs(-q / 2 - root) else -q / 2 - root
        t = mp.cbrt(big)
        turns = [t * mp.expjpi(mp.mpf(2 * k) / 3) for k in range(3)]
        return max((r - p / (3 * r) - shift).imag for r in turns) / mp.pi


def product(factors):
    """Coefficients of a product of linear factors, highest power first."""
    total = [mp.mpf(1)]
    for a, b in factors:
        total = [a * u + b * v for u, v in zip([*total, 0], [0, *total], strict=True)]
    return total


def polynomial_density(weights, probabilities, gamma, x):
    """Density of a law of several atoms from theory.md (3.1) in e = gamma s, cleared of its denominators.

    x e prod(1 + l e) + gamma prod(1 + l e) - e sum_k p_k l_k prod_(j != k)(1 + l_j e) = 0, by the eigenvalues
    of its companion matrix at 50 digits.
    """
    with mp.workdps(50):
        g, x = mp.mpf(gamma), mp.mpf(float(x))
        factors = [(mp.mpf(a), mp.mpf(1)) for a in weights]
        coefficients = product([*factors, (x, g)])
        for k, (a, b) in enumerate(zip(weights, probabilities, strict=True)):
            rest = product([*factors[:k], *factors[k + 1 :], (1, 0)])
            for power, value in enumerate(reversed(rest)):
                coefficients[-1 - power] -= mp.mpf(b) * a * value
        n = len(coefficients) - 1
        companion = mp.zeros(n)
        for k in range(n):
            companion[0, k] = -coefficients[k + 1] / coefficients[0]
            if k:
                companion[k, k - 1] = 1
        return max(e.imag for e in mp.eig(companion, left=False, right=False)) / (g * mp.pi)


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
    (a, b), = exact.support()
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


def noncrossing_partitions(k):
    """All noncrossing partitions of range(k), each as a list of blocks, by brute force."""

    def partitions(items):
        if not items:
            yield []
            return
        for rest in partitions(items[1:]):
            yield [[items[0]], *rest]
            for i, block in enumerate(rest):
                yield [*rest[:i], [items[0], *block], *rest[i + 1 :]]

    def crosses(one, two):
        pairs = itertools.product(itertools.combinations(one, 2), itertools.combinations(two, 2))
        return any(a < c < b < d or c < a < d < b for (a, b), (c, d) in pairs)

    for partition in partitions(list(range(k))):
        if not any(crosses(a, b) for a, b in itertools.combinations(partition, 2)):
            yield partition


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


def test_boundary_value_is_the_limit_from_above():
    law = GeneralizedMarchenkoPastur([-1.0, 2.0], [0.5, 0.5], 0.3)
    x = bulk_points(law, (0.1, 0.4, 0.8))
    s = law.stieltjes_limit(x)
    np.testing.assert_allclose(s.imag / math.pi, law.pdf(x), rtol=1e-14)
    np.testing.assert_allclose(s, law.stieltjes(x + 1e-10j), rtol=1e-8)
    with pytest.raises(ValueError, match="x: expected points of the support"):
        law.stieltjes_limit(100.0)


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
    assert law.pdf(1.0) == 0
    assert (law.moment(0), law.moment(3)) == (1, 0)
    assert law.stieltjes(2j) == -1 / 2j
    with pytest.raises(ValueError, match="x: expected points other than 0"):
        law.pdf(0.0)
    with pytest.raises(ValueError, match="z: expected points off the support"):
        law.stieltjes(0.0)


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


def test_refused_arguments():
    law = GeneralizedMarchenkoPastur([1.0, 8.0], [0.5, 0.5], 2.0)
    with pytest.raises(ValueError, match=r"x: expected points other than 0.*atom of mass 0\.5"):
        law.pdf([1.0, 0.0])
    with pytest.raises(ValueError, match=r"q: expected probabilities from 0 to 1, got -0\.1"):
        law.ppf([-0.1])
    with pytest.raises(ValueError, match=r"k: expected an integer of at least 0, got 1\.5"):
        law.moment(1.5)
    with pytest.raises(ValueError, match=r"z: expected points off the support.*got 0"):
        law.stieltjes(0.0)
