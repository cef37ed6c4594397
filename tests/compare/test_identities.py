"""Exact moments against sums over all index tuples: no Gaussian is drawn, no closed form reused."""

import itertools
from collections import Counter, defaultdict
from functools import cache
from math import gamma, prod

import numpy as np
import pytest

from rmtsim.compare import identities

SIZES = [(1, 1), (2, 2), (2, 3), (3, 2), (3, 3)]  # d, N
ROUNDING = 2 * (6**4 + 16) * float(np.finfo(np.float64).eps)
"""Of sums of (d N)^4 terms at most, of up to sixteen factors, relative to their sum: few are negative."""


def _double_factorial(n):
    return 1 if n <= 0 else n * _double_factorial(n - 2)


def _gaussian_moment(power):
    return 0 if power % 2 else _double_factorial(power - 1)


@cache
def _wedge_moment(powers, angle):
    """E 1(direction of (x_0, x_1) in the wedge) prod_f x_f^powers[f], the wedge symmetric about axis 0."""
    a, b, *rest = powers
    # E rho^p = 2^(p/2) Gamma(1 + p/2) for the length of a Gaussian vector in the plane.
    radius = 2 ** ((a + b) / 2) * gamma(1 + (a + b) / 2)
    nodes, weights = np.polynomial.legendre.leggauss(40)
    direction = angle / 2 * nodes
    mean = angle / (4 * np.pi) * np.sum(weights * np.cos(direction) ** a * np.sin(direction) ** b)
    return radius * mean * prod(_gaussian_moment(power) for power in rest)


def _brute_force(d, N, order, angle):
    """E (1/d) tr H^order, the sum over all tuples of samples and features of products of joint moments."""
    total = 0.0
    for samples in itertools.product(range(N), repeat=order):
        for features in itertools.product(range(d), repeat=order):
            powers = defaultdict(Counter)
            for k in range(order):
                powers[samples[k]].update((features[k], features[(k + 1) % order]))
            total += prod(
                _wedge_moment(tuple(p[f] for f in range(max(d, 2))), angle) for p in powers.values()
            )
    return total / (d * N**order)


@pytest.mark.parametrize(("d", "N"), SIZES)
@pytest.mark.parametrize("angle", [identities.WHOLE_PLANE, identities.HALF_PLANE])
def test_moments_of_wishart_matrices(d, N, angle):
    expected = [_brute_force(d, N, order, angle) for order in (1, 2, 3)]
    assert identities.wedge_moments(d, N, angle)[:3] == pytest.approx(expected, rel=ROUNDING)


@pytest.mark.parametrize(("d", "N"), [(2, 2), (2, 3), (3, 2)])
@pytest.mark.parametrize("angle", [0.3, 1.5, 2.9])
def test_moments_of_wedges(d, N, angle):
    expected = [_brute_force(d, N, order, angle) for order in (1, 2, 3)]
    assert identities.wedge_moments(d, N, angle)[:3] == pytest.approx(expected, rel=ROUNDING)


@pytest.mark.parametrize("angle", [identities.WHOLE_PLANE, identities.HALF_PLANE, 0.7])
def test_fourth_moments(angle):
    for d, N in [(2, 2), (3, 2), (2, 3)]:
        expected = _brute_force(d, N, 4, angle)
        assert identities.wedge_moments(d, N, angle)[3] == pytest.approx(expected, rel=ROUNDING)


def test_fourth_moment_with_four_different_samples():
    expected = _brute_force(2, 4, 4, 1.1)
    assert identities.wedge_moments(2, 4, 1.1)[3] == pytest.approx(expected, rel=ROUNDING)


def test_moments_take_arrays_of_angles():
    angles = np.array([[0.5, 1.0, 3.0]])
    found = identities.wedge_moments(5, 7, angles)
    assert found.shape == (1, 3, 4)
    assert found[0, 1].tolist() == identities.wedge_moments(5, 7, 1.0).tolist()


def test_wishart_second_moment_is_that_of_the_theory_page():
    for d, N in [(10, 20), (1, 1), (300, 7)]:
        assert identities.wedge_moments(d, N, identities.WHOLE_PLANE)[1] == pytest.approx(1 + d / N + 1 / N)


def test_published_example_of_the_hidden_diagonal():
    assert identities.hidden_mse_diagonal_mass(10, 14, 6, 3) == pytest.approx(35.238095, abs=5e-7)


@pytest.mark.parametrize(("d", "variance"), [(1, np.pi**2 / 4), (2, np.pi**2 / 12), (3, np.pi**2 / 4 - 2)])
def test_pair_moments_for_known_laws_of_the_angle(d, variance):
    # theta is 0 or pi for d = 1, uniform for d = 2, and has density sin(theta)/2 for d = 3.
    N, sine_squared = 6, 1 - 1 / d
    P_squared = 1 / 16 + variance / (4 * np.pi**2)
    second = N * (d**2 + 2 * d) / 4 + N * (N - 1) * (d * P_squared + sine_squared / (2 * np.pi**2))
    found = identities.pair_moments(d, N)
    assert found[:2] == pytest.approx([1 / 4, second / (d * N**2)], rel=ROUNDING)


@pytest.mark.parametrize("d", [5, 50, 5000])
def test_pair_moments_against_the_sine_integrals(d):
    # E sin^2 theta = 1 - 1/d; in the trace of M^2 it multiplies 2/(2 pi)^2, which N = infinity singles out.
    theta = np.linspace(0, np.pi, 400_001)
    density = np.exp((d - 2) * np.log(np.maximum(np.sin(theta), 1e-300)))
    P_squared = np.average(((np.pi - theta) / (2 * np.pi)) ** 2, weights=density)
    expected = P_squared + (1 - 1 / d) / (2 * np.pi**2 * d)
    # The samples' own term is of order d/N, and the sum over a density that vanishes at both ends is exact.
    assert identities.pair_moments(d, 10**12)[1] == pytest.approx(expected, rel=1e-7)


def test_hidden_off_diagonal_mass_at_one_feature():
    # d = 1, C = 1: H = v_0 v_1 (1/N) sum 1(w_0 x > 0) 1(w_1 x > 0) x^2, empty if w_0 and w_1 differ in sign.
    N, m = 3, 4
    given_same_sign = N * 3 / 2 + N * (N - 1) / 4
    assert identities.hidden_mse_off_diagonal_mass(1, N, 1, m) == pytest.approx(
        given_same_sign / 2 / N**2 / m**2
    )


def test_scale_moments_are_those_of_a_chi_square():
    # C = 1: S = V^2 with V ~ N(0, 1/m), so E S^k = (2k - 1)!! / m^k.
    assert identities.scale_moments(1, 4).tolist() == [1 / 4, 3 / 16, 15 / 64, 105 / 256]


def test_linear_mass_counts_every_entry():
    # d = 1: H = chi^2_N / N, E H^2 = (N + 2)/N.
    assert identities.linear_mse_mass(1, 5) == pytest.approx(7 / 5)


@pytest.mark.parametrize("theta", [0.0, 1e-9, 0.4, np.pi / 2, 3.0, np.pi])
def test_wedge_angle(theta):
    W = np.array([[2.0, 0.0, 0.0], [np.cos(theta), np.sin(theta), 0.0]])
    # The direction of a row holds to its rounding, about eps.
    assert identities.wedge_angle(W) == pytest.approx(np.pi - theta, abs=4e-16 * 4)
    assert identities.wedge_angle(W[::-1]) == pytest.approx(np.pi - theta, abs=4e-16 * 4)


def test_row_sum_weighs_the_other_classes():
    assert identities.row_sum([3.0, 1.0], [-1.0, 0.0], 4).tolist() == [0.0, 1.0]


@pytest.mark.parametrize(("d", "N"), [(1, 1), (2, 3), (3, 2)])
def test_products_of_traces_are_sums_over_pairings(d, N):
    # tr (X^T X)^k with F = p_l: the same sum as `_brute_force`, over both cycles at once.
    for k, second in [(1, 1), (2, 1), (2, 2)]:
        total = 0.0
        for samples in itertools.product(range(N), repeat=k + second):
            for features in itertools.product(range(d), repeat=k + second):
                powers = defaultdict(Counter)
                for start, length in ((0, k), (k, second)):
                    for j in range(length):
                        ends = features[start + j], features[start + (j + 1) % length]
                        powers[samples[start + j]].update(ends)
                total += prod(
                    _gaussian_moment(power) for counts in powers.values() for power in counts.values()
                )
        assert float(identities.trace_product((k, second), d, N)) == pytest.approx(total, rel=1e-12)


@pytest.mark.parametrize("k", [1, 2, 3, 4])
def test_single_traces_are_those_of_the_closed_forms(k):
    for d, N in [(3, 5), (7, 2)]:
        expected = identities.wedge_moments(d, N, identities.WHOLE_PLANE)[k - 1] * d * N**k
        assert float(identities.trace_product((k,), d, N)) == pytest.approx(expected, rel=1e-13)


@pytest.mark.parametrize(("angle", "kept"), [(identities.WHOLE_PLANE, 1.0), (identities.HALF_PLANE, 0.5)])
def test_variance_of_the_trace(angle, kept):
    # N d m_1 is chi-square with K d degrees of freedom: variance N kept (d^2 + 2 d) - N (kept d)^2.
    d, N = 6, 9
    expected = (kept * (d**2 + 2 * d) - (kept * d) ** 2) / (N * d**2)
    assert identities.moment_variances(d, N, angle)[0] == pytest.approx(expected, rel=1e-12)


def test_variances_at_one_feature_are_those_of_chi_square():
    # d = 1: m_k = (chi^2_N / N)^k, E chi^(2j) = N (N + 2) ... (N + 2 j - 2).
    N = 4
    raw = np.concatenate([[1.0], np.cumprod(N + 2.0 * np.arange(8)) / float(N) ** np.arange(1, 9)])
    expected = [raw[2 * k] - raw[k] ** 2 for k in range(1, 5)]
    assert identities.moment_variances(1, N, identities.WHOLE_PLANE) == pytest.approx(expected, rel=1e-12)


def test_shapes_of_wishart_matrices():
    # d = 1 has no shape; for N = 1 the one eigenvalue x^2 has m_k/m_1^k = d^(k-1) without scatter.
    for d, N in [(1, 7), (5, 1)]:
        means, variances = identities.shape_moments(d, N)
        assert means == pytest.approx([float(d) ** (k - 1) for k in (2, 3, 4)], rel=1e-12)
        assert variances == pytest.approx(0, abs=1e-12 * float(d) ** 6)


def test_variance_of_the_output_trace_in_special_cases():
    # m = 1: h^2 given w is N(0, |w|^2) on the half line; d = 1 has E |w|^4 = 3.
    E_fourth = 3 * 3 / 2  # E |w|^4 E relu(u)^4
    assert identities.hidden_mse_output_variance(1, 1, 1) == pytest.approx(E_fourth - 1 / 4)
    # Many samples and units leave E over w alone, E (1/m) sum |w_i|^2/2 = 1/2, without scatter.
    assert identities.hidden_mse_output_variance(50, 10**7, 10**7) == pytest.approx(0, abs=1e-6)
