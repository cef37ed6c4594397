"""Tracy-Widom against Painleve II, published constants and simulation; Edelman's law against simulation."""

import math

import mpmath as mp
import numpy as np
import pytest
from scipy.integrate import quad, solve_ivp
from scipy.special import airy

from rmtsim.laws import (
    EdelmanSmallest,
    TracyWidom,
    johnstone_scaling,
    largest_eigenvalue_law,
    smallest_eigenvalue_law,
)
from rmtsim.laws.tracy_widom import _determinant


def test_value_at_zero():
    """Bornemann 2010, *Math. Comp.* 79, 871."""
    assert TracyWidom().cdf(0.0) == pytest.approx(0.83190806620295, abs=1e-12)


def test_moments():
    """Bornemann 2010, *Markov Process. Relat. Fields* 16, 803, table 10 (beta = 1)."""
    law = TracyWidom()
    mean, var = -1.2065335745820, 1.6077810345810
    assert law.moment(0) == pytest.approx(1, abs=1e-13)
    assert law.mean() == pytest.approx(mean, abs=1e-12)
    assert law.var() == pytest.approx(var, abs=1e-11)
    central = law.moment(3) - 3 * law.mean() * law.moment(2) + 2 * law.mean() ** 3
    assert central / law.std() ** 3 == pytest.approx(0.29346452408, abs=1e-9)


@pytest.mark.parametrize("scale", [1.0, -1.0, 1e-200, 3e150])
@pytest.mark.parametrize("loc", [0.0, 1e8, -1e300])
def test_mean_and_width_do_not_cancel(loc, scale):
    mean, var = TracyWidom().mean(), TracyWidom().var()
    law = TracyWidom(loc, scale)
    assert law.mean() == loc + scale * mean
    assert law.var() == pytest.approx(scale * scale * var, rel=1e-15, abs=0)
    assert law.std() == pytest.approx(abs(scale) * math.sqrt(var), rel=1e-15, abs=0)


def test_moments_of_a_moved_law():
    """E (loc + scale t)^3 from the standard moments, at a location that makes no digits vanish."""
    law, standard = TracyWidom(2.0, -3.0), TracyWidom()
    expected = sum(math.comb(3, j) * 2.0 ** (3 - j) * (-3.0) ** j * standard.moment(j) for j in range(4))
    assert law.moment(3) == pytest.approx(expected, rel=1e-12)
    assert TracyWidom(1e100, 1.0).moment(2) == pytest.approx(1e200)


def test_high_moments():
    """Against F_1 by its determinant on a wider interval: right to 1e-9 up to the tenth, refused beyond."""
    nodes, masses = np.polynomial.legendre.leggauss(160)
    s = 5 + 19 * nodes  # (-14, 24)
    density = np.array([_determinant(float(x))[1] if x < 16.9 else 0.0 for x in s])
    tail = quad(lambda x: 0.5 * airy(x)[0] * x**10, 16.9, 30)[0]  # F_1' ~ Ai(s) / 2
    assert TracyWidom().moment(10) == pytest.approx(19 * np.sum(masses * density * s**10) + tail, rel=1e-9)
    with pytest.raises(ValueError, match="k: expected an order of at most 10, got 11"):
        TracyWidom().moment(11)


def test_extreme_scales_raise_no_warning():
    for law in (TracyWidom(0.0, 1e-300), EdelmanSmallest(1e-300)):
        assert law.pdf([-1e308, 1e308]).tolist() == [0, 0]
        assert law.cdf([-1e308, 1e308]).tolist() == [0, 1]
    assert TracyWidom(0.0, 1e300).moment(3) == -math.inf
    assert TracyWidom(0.0, -1e300).moment(3) == math.inf
    assert TracyWidom(0.0, 1e-100).moment(4) == 0


def test_painleve_representation():
    """F_1 = exp(-1/2 int_s^inf [q + (x - s) q^2] dx), q'' = s q + 2 q^3, q ~ Ai (Tracy & Widom 1996)."""
    start, stop = 8.0, -4.0
    value, slope = airy(start)[:2]

    def system(s, state):  # q, q', int q, int q^2, int int q^2
        q, dq, _, square, _ = state
        return [dq, s * q + 2 * q**3, -q, -(q**2), -square]

    tails = [quad(lambda x: airy(x)[0], start, 30)[0], quad(lambda x: airy(x)[0] ** 2, start, 30)[0],
             quad(lambda x: (x - start) * airy(x)[0] ** 2, start, 30)[0]]  # fmt: skip
    s = np.linspace(2.0, stop, 13)
    path = solve_ivp(system, (start, stop), [value, slope, *tails], "DOP853", s, rtol=1e-12, atol=1e-16).y
    # Painleve II is unstable to the left: what the integrator loses grows to about 1e-8 at -4.
    np.testing.assert_allclose(TracyWidom().cdf(s), np.exp(-0.5 * (path[2] + path[4])), atol=1e-8)


def test_density_is_the_derivative():
    law, h = TracyWidom(), 1e-3
    s = np.linspace(-8, 6, 57)
    near, far = law.cdf(s + h) - law.cdf(s - h), law.cdf(s + 2 * h) - law.cdf(s - 2 * h)
    five_point = (8 * near - far) / (12 * h)
    # truncation h^4 F^(5) / 30 and rounding 1e-13 / h
    np.testing.assert_allclose(law.pdf(s), five_point, atol=2e-10)


def test_quantiles_and_tails():
    law = TracyWidom(loc=2.0, scale=3.0)
    q = np.array([1e-9, 1e-3, 0.5, 0.99, 1 - 1e-9])
    np.testing.assert_allclose(law.cdf(law.ppf(q)), q, atol=1e-13)
    assert law.ppf([0.0, 1.0]).tolist() == [-np.inf, np.inf]
    assert law.cdf([-np.inf, np.inf]).tolist() == [0, 1]
    assert law.pdf([-np.inf, np.inf]).tolist() == [0, 0]
    assert np.isnan(law.cdf(np.nan))
    assert isinstance(law.pdf(0.0), float)


def test_reflection():
    law, mirror = TracyWidom(1.0, 2.0), TracyWidom(-1.0, -2.0)
    x = np.linspace(-8, 8, 9)
    np.testing.assert_allclose(mirror.cdf(-x), 1 - law.cdf(x), atol=1e-15)
    np.testing.assert_allclose(mirror.pdf(-x), law.pdf(x), atol=1e-15)
    np.testing.assert_allclose(mirror.ppf(mirror.cdf(x)), x, atol=1e-8)
    assert mirror.mean() == pytest.approx(-law.mean())


def test_johnstone_scaling():
    centre, scale = johnstone_scaling(101, 25)
    assert centre == pytest.approx(15**2 / 101)
    assert scale == pytest.approx(15 * (0.1 + 0.2) ** (1 / 3) / 101)


def test_scalings_of_huge_matrices():
    """Where the roots of n and p agree to 9 digits, so that their difference would have 7."""
    n, p = 2**50 + 2**22, 2**50
    law = smallest_eigenvalue_law(n, p)
    with mp.workdps(40):
        a, b = mp.sqrt(n - mp.mpf(0.5)), mp.sqrt(p - mp.mpf(0.5))
        centre, width = (a - b) ** 2 / n, (a - b) * mp.cbrt(1 / b - 1 / a) / n
    assert law.loc == pytest.approx(float(centre), rel=1e-14, abs=0)
    assert law.scale == pytest.approx(-float(width), rel=1e-14, abs=0)
    centre, scale = johnstone_scaling(10**15, 10**15)
    assert centre == pytest.approx(4, rel=1e-14)
    assert scale == pytest.approx(2 * 2 ** (1 / 3) * 1e15 ** (-2 / 3), rel=1e-14, abs=0)


def distance(sample, law):
    """Kolmogorov distance of an i.i.d. sample."""
    levels = law.cdf(np.sort(sample))
    n = levels.size
    return max(np.max(np.arange(1, n + 1) / n - levels), np.max(levels - np.arange(n) / n))


# 2.6 / sqrt(trials) is exceeded with probability 3e-6; added is the bias of the limit law at these sizes.


def extremes(n_samples, n_features, trials, seed):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((trials, n_samples, n_features))
    eigenvalues = np.linalg.eigvalsh(x.swapaxes(1, 2) @ x / n_samples)
    return eigenvalues[:, 0], eigenvalues[:, -1]


def test_extreme_eigenvalues_of_simulated_wishart_matrices():
    trials = 600
    smallest, largest = extremes(120, 30, trials, 11)
    assert distance(largest, largest_eigenvalue_law(120, 30)) < 2.6 / math.sqrt(trials) + 0.03
    assert distance(2 * largest, largest_eigenvalue_law(120, 30, scale=2.0)) < 2.6 / math.sqrt(trials) + 0.03
    assert distance(smallest, smallest_eigenvalue_law(120, 30)) < 2.6 / math.sqrt(trials) + 0.05


def test_smallest_eigenvalue_of_square_matrices_has_a_hard_edge():
    trials = 1000
    smallest, _ = extremes(20, 20, trials, 12)
    law = smallest_eigenvalue_law(20, 20)
    assert isinstance(law, EdelmanSmallest)
    assert distance(smallest, law) < 2.6 / math.sqrt(trials) + 0.02


def test_more_features_than_samples_swaps_the_roles():
    wide, tall = smallest_eigenvalue_law(30, 120), smallest_eigenvalue_law(120, 30)
    assert wide.loc * 30 == pytest.approx(tall.loc * 120)
    assert wide.scale * 30 == pytest.approx(tall.scale * 120)


def test_hard_edge_law():
    law = EdelmanSmallest(2.0)
    x = np.array([1e-8, 0.1, 1.0, 10.0])
    np.testing.assert_allclose(law.ppf(law.cdf(x)), x, rtol=1e-10)
    assert law.cdf(1.0) == pytest.approx(quad(law.pdf, 0, 1)[0], rel=1e-8)
    assert law.mean() == pytest.approx(quad(lambda t: t * law.pdf(t), 0, np.inf)[0], rel=1e-8)
    assert law.cdf([-1.0, 0.0, np.inf]).tolist() == [0, 0, 1]
    assert law.pdf([-1.0, 0.0]).tolist() == [0, np.inf]
    assert law.ppf([0.0, 1.0]).tolist() == [0, np.inf]
    assert law.pdf([np.inf, 1e300, 2e-300]) == pytest.approx([0, 0, 0.25e150], rel=1e-9)
    assert np.isnan(law.pdf(np.nan))


@pytest.mark.parametrize("k", [1, 2, 5, 20, 60])
def test_moments_of_the_hard_edge_law(k):
    """E t^k = 2k int r^(2k - 1) exp(-r^2/2 - r) dr = 2k Gamma(2k) e^(1/4) D_(-2k)(1)."""
    with mp.workdps(30):
        expected = float(2 * k * mp.gamma(2 * k) * mp.exp(0.25) * mp.pcfd(-2 * k, 1))
    assert EdelmanSmallest().moment(k) == pytest.approx(expected, rel=1e-12)
    assert EdelmanSmallest(2.0).moment(k) == pytest.approx(2.0**k * expected, rel=1e-12)


def test_variance_of_the_hard_edge_law():
    with mp.workdps(30):
        first, second = (2 * k * mp.gamma(2 * k) * mp.exp(0.25) * mp.pcfd(-2 * k, 1) for k in (1, 2))
        expected = float(second - first**2)
    assert EdelmanSmallest(3.0).var() == pytest.approx(9 * expected, rel=1e-12)
    assert EdelmanSmallest(1e-200).std() == pytest.approx(1e-200 * math.sqrt(expected), rel=1e-12, abs=0)
    assert EdelmanSmallest().moment(300) == math.inf


def test_refused_arguments():
    with pytest.raises(ValueError, match="loc: expected a finite number"):
        TracyWidom(np.nan)
    with pytest.raises(ValueError, match="scale: expected a finite number other than 0"):
        TracyWidom(0.0, 0.0)
    with pytest.raises(ValueError, match="scale: expected a finite number above 0"):
        EdelmanSmallest(-1.0)
    with pytest.raises(ValueError, match=r"n_samples: expected a whole number from 2 to 2\^53, got 1"):
        johnstone_scaling(1, 5)
    with pytest.raises(ValueError, match=r"n_features: expected a whole number from 1 to 2\^53, got 0"):
        smallest_eigenvalue_law(5, 0)
    with pytest.raises(ValueError, match="q: expected probabilities"):
        TracyWidom().ppf(1.5)
