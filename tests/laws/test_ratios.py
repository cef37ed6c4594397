"""Ratios and masses against the published tables, closed forms and plain Monte Carlo."""

import math

import mpmath as mp
import numpy as np
import pytest

from rmtsim.laws import block_mass, block_ratio, ratio_with_error, scaled_block_ratio

from ..oracles.softmax_moments import softmax_moment

GAMMAS = (0.25, 0.5, 1.0, 2.0)
LINEAR_CE = {
    2: (4, 4, 4, 4),
    10: (1.506752, 1.659635, 1.825633, 1.969048),
    100: (1.580997, 1.836127, 2.076404, 2.258783),
    1000: (1.677967, 1.967181, 2.229850, 2.423243),
    128000: (1.695089, 1.989741, 2.255945, 2.451091),
    math.inf: (1.695233, 1.989931, 2.256165, 2.451325),
}
HIDDEN_CE_W = {
    3: (3.242672, 4.481042, 5.719412),
    4: (1.478237, 1.928300, 2.378364),
    8: (0.740412, 0.910028, 1.079643),
    16: (0.579015, 0.698008, 0.817001),
}
HIDDEN_CE_V = {3: 8.136058, 4: 3.680232, 8: 1.833510, 16: 1.440428}
PRINTED = 0.5e-6  # six decimals
SIGMAS = 5


@pytest.mark.parametrize("n_classes", LINEAR_CE)
def test_linear_ce_table(n_classes):
    for gamma, expected in zip(GAMMAS, LINEAR_CE[n_classes], strict=True):
        assert abs(scaled_block_ratio("linear", "ce", "v", gamma, n_classes) - expected) <= PRINTED


@pytest.mark.parametrize("m", HIDDEN_CE_W)
def test_hidden_ce_tables(m):
    for gamma, expected in zip(GAMMAS, HIDDEN_CE_W[m], strict=False):
        assert abs(scaled_block_ratio("hidden", "ce", "w", gamma, math.inf, m) - expected) <= PRINTED
    assert abs(scaled_block_ratio("hidden", "ce", "v", 1.0, math.inf, m) - HIDDEN_CE_V[m]) <= PRINTED


@pytest.mark.parametrize("n_classes", [2, 3, 17, 1000, 131072])
def test_softmax_moments_add_up(n_classes):
    """E p = 1/C exactly, theory.md (5.4), and E (sum p)^2 = 1."""
    assert softmax_moment((1,), n_classes) * n_classes == pytest.approx(1, abs=1e-13)
    squares = n_classes * softmax_moment((2,), n_classes)
    products = n_classes * (n_classes - 1) * softmax_moment((1, 1), n_classes)
    assert squares + products == pytest.approx(1, abs=1e-13)


def test_softmax_moment_of_two_classes():
    """Here p is the logistic function of N(0, 2)."""
    mp.mp.dps = 25
    density = lambda w: mp.exp(-(w**2) / 4) / mp.sqrt(4 * mp.pi)  # noqa: E731
    exact = mp.quad(lambda w: density(w) / (1 + mp.exp(-w)) ** 4, mp.linspace(-24, 24, 13))
    assert softmax_moment((4,), 2) == pytest.approx(float(exact), rel=1e-13)


def test_infinite_classes():
    assert block_ratio("linear", "ce", "v", 0.5, math.inf) == 0.0
    with pytest.raises(ValueError, match="n_hidden"):
        scaled_block_ratio("hidden", "ce", "w", 0.5, math.inf, 2)
    limit = scaled_block_ratio("hidden", "mse", "w", 0.5, math.inf)
    assert limit == pytest.approx((1 + 2) / (4 * (1 + 1)))


def test_hidden_mse_finite_size_identity_in_the_limit():
    """theory.md (5.2) at d = gamma N, N -> infinity."""
    gamma, C, m, N = 0.5, 6, 3, 10**9
    d = gamma * N
    exact = (C**2 + 2 * C) / m**2 / N**2 * ((N + N**2) / 4 + (N / 2) * (d + 1))
    assert block_mass("hidden", "mse", "w", gamma, C, m).diagonal == pytest.approx(exact, rel=4 / N)


def test_two_classes_have_ratio_one():
    """Rows of B sum to zero, theory.md (5.4): at C = 2 all four V-blocks have one norm."""
    mass = block_mass("hidden", "ce", "v", 0.5, 2, 3)
    assert mass.off_diagonal == pytest.approx(mass.diagonal, rel=1e-7)


def softmax(z):
    p = np.exp(z)
    return p / p.sum(axis=-1, keepdims=True)


def covariance(p, V, i, j):
    mean = lambda values: np.einsum("tc,tc->t", p, values)  # noqa: E731
    return mean(V[:, :, i] * V[:, :, j]) - mean(V[:, :, i]) * mean(V[:, :, j])


@pytest.fixture(scope="module")
def pair_samples():
    """Trials of V and two samples: products whose means are the masses, C = 6, m = 3, gamma = 1/2."""
    C, m, trials, gamma = 6, 3, 400_000, 0.5
    rng = np.random.default_rng(20250505)
    V = rng.normal(size=(trials, C, m)) / math.sqrt(m)
    u = rng.normal(size=(2, trials, m))
    h = np.maximum(u, 0)
    p = [softmax(np.einsum("tcm,tm->tc", V, a)) for a in h]
    result = {}
    for name, i, j in (("w_diag", 0, 0), ("w_off", 0, 1)):
        weights = [covariance(q, V, i, j) * (a[:, i] > 0) * (a[:, j] > 0) for q, a in zip(p, u, strict=True)]
        result[name] = weights[0] * weights[1] + gamma * weights[0] ** 2
    overlap = np.einsum("tm,tm->t", *h) ** 2 / m
    result["v_diag"] = p[0][:, 0] * (1 - p[0][:, 0]) * p[1][:, 0] * (1 - p[1][:, 0]) * overlap
    result["v_off"] = np.prod([q[:, c] for q in p for c in (0, 1)], axis=0) * overlap
    return result


@pytest.mark.parametrize("layer", ["w", "v"])
def test_hidden_ce_masses_against_monte_carlo(pair_samples, layer):
    mass = block_mass("hidden", "ce", layer, 0.5, 6, 3)
    for part, value in (("diag", mass.diagonal), ("off", mass.off_diagonal)):
        samples = pair_samples[f"{layer}_{part}"]
        error = samples.std() / math.sqrt(samples.size)
        assert abs(samples.mean() - value) < SIGMAS * error


@pytest.mark.slow
def test_published_value_at_a_thousand_classes():
    """theory.md section 4: Monte Carlo gives C r = 0.855 +- 0.006 at m = 8, gamma = 1/2."""
    value, error = ratio_with_error("hidden", "ce", "w", 0.5, 1000, 8)
    assert 1000 * error < 1e-3
    assert abs(1000 * value - 0.855) < SIGMAS * 0.006


@pytest.mark.slow
@pytest.mark.parametrize("layer", ["w", "v"])
def test_ratios_approach_the_infinite_limit(layer):
    """At m = 16 the tails are light: C = 10^6 is within 10^-3 of the limit, up to the stated error."""
    limit = scaled_block_ratio("hidden", "ce", layer, 1.0, math.inf, 16)
    order = {"w": 1, "v": 2}[layer]
    value, error = (10.0 ** (6 * order) * x for x in ratio_with_error("hidden", "ce", layer, 1.0, 10**6, 16))
    assert error < 5e-3 * limit
    assert abs(value - limit) < error + 1e-3 * limit


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        (("cubic", "ce", "v", 0.5, 10), "architecture"),
        (("linear", "hinge", "v", 0.5, 10), "loss"),
        (("linear", "ce", "w", 0.5, 10), "layer"),
        (("linear", "ce", "v", 0.0, 10), "aspect_ratio"),
        (("linear", "ce", "v", 0.5, 1), "n_classes"),
        (("linear", "ce", "v", 0.5, 2.5), "n_classes"),
        (("hidden", "ce", "w", 0.5, 10), "n_hidden"),
        (("hidden", "ce", "w", 0.5, 10, 1), "n_hidden"),
    ],
)
def test_refusals(arguments, name):
    for function in (block_ratio, block_mass):
        with pytest.raises(ValueError, match=f"^{name}:"):
            function(*arguments)
