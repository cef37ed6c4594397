"""The oracle of continuous weight laws against closed forms and adaptive quadrature; the table against it."""

import json
from itertools import pairwise
from pathlib import Path

import mpmath as mp
import numpy as np
import pytest

from ..oracles.continuous_law import ContinuousLaw, Weights
from ..oracles.continuous_table import LAWS, make_weights

TABLE = json.loads(Path(__file__).with_name("reference_continuous.json").read_text(encoding="utf-8"))


def log_normal_resolvent(mu, variance, e):
    """E[lambda / (1 + lambda e)] on the real line, cut ever finer towards the pole beside it."""
    sigma = mp.sqrt(variance)
    pole = (mp.log(-1 / e) - mu) / sigma
    cuts = [pole.real + sign * pole.imag * 4**k for k in range(12) for sign in (-1, 1)]
    points = sorted({-14, 14, pole.real, *(x for x in cuts if abs(x) < 14)})
    return mp.quad(lambda z: mp.npdf(z) / (mp.exp(-mu - sigma * z) + e), points)


@pytest.mark.parametrize("e", [mp.mpc(1, 1), mp.mpc(-0.9, 0.01), mp.mpc(-0.3, 1e-4)])
def test_resolvents_by_other_means(e):
    with mp.workdps(30):
        uniform, _ = Weights.beta(1, 1, 0.5, 2.0, step=0.125).resolvent(e)
        closed = (1 - mp.log((1 + 2 * e) / (1 + e / 2)) / (1.5 * e)) / e
        assert abs(uniform - closed) < mp.mpf(10) ** -25 * abs(closed)
        log_normal, _ = Weights.log_normal(-1, 2).resolvent(e)
        assert abs(log_normal - log_normal_resolvent(-1, 2, e)) < mp.mpf(10) ** -22


def test_beta_resolvent_is_hypergeometric():
    """E[1 / (1 + lambda e)] = 2F1(1, p; p + q; -e); e beyond the cut from -1 on, seen from above."""
    with mp.workdps(30):
        e = mp.mpc(-2, mp.mpf(10) ** -12)
        value, _ = Weights.beta(2, 3).resolvent(e)
        assert abs(value - (1 - mp.hyp2f1(1, 2, 5, -e)) / e) < mp.mpf(10) ** -25


def test_logistic_normal_resolvent_by_quadrature():
    with mp.workdps(30):
        e = mp.mpc(-5, 0.1)
        half = mp.quad(
            lambda u: mp.exp(-u * u / 4) / (2 * mp.sqrt(mp.pi)) / (2 + 2 * mp.cosh(u) + e),
            [0, 0.5, mp.acosh(1.5), 1.5, 2, 4, 8, 16, 25],
        )
        value, _ = Weights.logistic_normal().resolvent(e)
        assert abs(value - 2 * half) < mp.mpf(10) ** -25


def test_density_is_the_derivative_of_the_distribution_function():
    with mp.workdps(30):
        law, x, h = ContinuousLaw(Weights.log_normal(-0.5, 1), 0.5), mp.mpf(2), mp.mpf(10) ** -6
        slope = (law.distribution(x + h) - law.distribution(x - h)) / (2 * h)
        assert abs(slope - law.density(x)) < 10 * h**2


def test_density_at_points_known_from_adaptive_quadrature():
    """Of exp(z_1 + z_2 - 1) at ratio 1/2, from an independent integration, to the digits that are known."""
    (law,) = (each for each in TABLE if each["name"] == "product of log-normals")
    claims = {8.201963544071521: 2.796e-3, 11.072074757679637: 1.069e-3, 24.913082440631875: 6.5e-5}
    for x, density in claims.items():
        assert law["density"][law["x"].index(x)] == pytest.approx(density, rel=1e-2)


@pytest.mark.parametrize("law", TABLE, ids=lambda law: law["name"])
def test_table_is_that_of_a_law(law):
    x, density, level = (np.array(law[key]) for key in ("x", "density", "distribution"))
    assert np.all(np.diff(x) > 0)
    assert np.all(np.diff(level) >= 0)
    assert np.all(density > 0)
    np.testing.assert_allclose(level + np.array(law["complement"]), 1, atol=4e-16)
    # The mass between neighbours is at least the smallest and at most the largest density within, times the
    # distance, wherever the density is monotone between them: where no atom and no extremum is.
    steps = zip(pairwise(x), pairwise(density), pairwise(level), strict=True)
    monotone = 0
    for (a, b), (f, g), (low, high) in steps:
        mean = (high - low) / (b - a)
        monotone += min(f, g) * (1 - 1e-6) <= mean <= max(f, g) * (1 + 1e-6) or (high - low) < 1e-13
    assert monotone >= x.size - 4


@pytest.mark.parametrize("name", ["log-normal", "gated log-normal", "product of log-normals with atom"])
def test_table_is_what_the_oracle_says(name):
    ((_, mixture, gamma, *_),) = (each for each in LAWS if each[0] == name)
    (law,) = (each for each in TABLE if each["name"] == name)
    oracle = ContinuousLaw(make_weights(mixture), gamma)
    for k in (0, 14, -1):
        s = oracle.transform(law["x"][k])
        assert float(s.imag / mp.pi) == pytest.approx(law["density"][k], rel=1e-15)
        assert float(oracle.distribution(law["x"][k], s)) == pytest.approx(law["distribution"][k], rel=1e-15)
