"""Limit laws of weights with a density, against the table that `tests.oracles.continuous_table` made."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
from scipy import special, stats

from rmtsim.laws import GeneralizedMarchenkoPastur, WeightLaw, limit_law, visible_support

TABLE = json.loads((Path(__file__).parent / "reference_continuous.json").read_text())
ULP = np.finfo(float).eps


def densities(part):
    """Density and ends of one law of a mixture."""
    share, name, parameters = part["share"], part["law"], part["parameters"]
    if name == "beta":
        p, q, left, right = parameters
        steps = 0.5 ** np.arange(1, 1 if p >= 1 and q >= 1 else 50)
        grading = np.concatenate([0.5 * steps[::-1], [0.5] if steps.size else [], 1 - 0.5 * steps])
        ends = left + (right - left) * np.concatenate([[0.0], np.unique(grading), [1.0]])
        width = right - left
        scale = share / (width * special.beta(p, q))
        return lambda x: scale * ((x - left) / width) ** (p - 1) * ((right - x) / width) ** (q - 1), ends
    if name == "log_normal":
        mean, variance = parameters
        reach = 9 * math.sqrt(variance)
        ends = 2.0 ** np.arange(
            math.floor((mean - reach) / math.log(2)), math.ceil(1.7 * reach / math.log(2))
        )
        law = stats.lognorm(math.sqrt(variance), scale=math.exp(mean))
        return lambda x: share * law.pdf(x), ends
    raise ValueError(name)


def law_of(entry):
    if entry["mixture"][0]["law"] == "logistic_normal":
        return limit_law("linear", "ce", "vv_diag", entry["aspect_ratio"], n_classes=2)
    parts = [densities(part) for part in entry["mixture"]]
    ends = np.concatenate([ends for _, ends in parts])
    closed = 1 - sum(part["share"] for part in entry["mixture"])
    reach = (0.0, math.inf) if entry["mixture"][0]["law"] == "log_normal" else None

    def density(x):
        inside = [(x > e[0]) & (x < e[-1]) for _, e in parts]
        return sum(
            f(np.where(i, x, e[0] / 2 + e[-1] / 2)) * i for (f, e), i in zip(parts, inside, strict=True)
        )

    atom = ([0.0], [closed]) if closed > 0 else ((), ())
    weights = WeightLaw.from_density(density, ends, *atom, reach=reach)
    return GeneralizedMarchenkoPastur.of(weights, entry["aspect_ratio"])


@pytest.fixture(scope="module", params=TABLE, ids=[entry["name"] for entry in TABLE])
def pair(request):
    return request.param, law_of(request.param)


def rounding(entry, law):
    """What one rounding of x does to the density next to an edge: it moves a root by a relative 4 ulp."""
    x, density = np.array(entry["x"]), np.array(entry["density"])
    edges = np.array([e for e in entry["support"] if e is not None])
    distance = np.abs(x[:, None] - edges).min(axis=1)
    return 64 * ULP * np.abs(x) / np.maximum(distance, ULP * np.abs(x)) * density


def test_density(pair):
    entry, law = pair
    x, truth = np.array(entry["x"]), np.array(entry["density"])
    density, error = law.pdf(x, return_error=True)
    assert np.all(np.abs(density - truth) <= error + rounding(entry, law))
    tall = truth > 1e-3 * entry["peak"]
    if entry["name"] != "arcsine":  # x next to its singular end 1, and so the mass, is rounded
        assert np.all(np.abs(density - truth)[tall] <= 1e-4 * truth[tall])
    tails = rounding(entry, law) < 1e-4 * truth  # not at a sharp edge within its own rounding
    assert np.all(np.abs(density - truth)[tails] <= np.maximum(1e-2 * truth, error)[tails])


def test_distribution(pair):
    entry, law = pair
    x = np.array(entry["x"])
    assert np.all(np.abs(law.cdf(x) - np.array(entry["distribution"])) <= law.error)
    # 1e-11 and better where the density of the weights is smooth; singular ends cost digits, and say so.
    assert law.error < 1e-6
    assert law.atom == pytest.approx(entry["atom"], abs=4 * ULP)


def test_support(pair):
    entry, law = pair
    ends = [math.inf if end is None else end for end in entry["support"]]
    flat = [end for bulk in law.support() for end in bulk]
    assert len(flat) == len(ends)
    # An end of unbounded or vanishing weights is a limit point of the tail, known to the panels' own ends.
    hard = [(a, b) for a, b in zip(flat, ends, strict=True) if b not in (0.0, math.inf)]
    assert (flat[0] == 0) == (ends[0] == 0)
    assert all(a == pytest.approx(b, rel=1e-8 if entry["name"] == "arcsine" else 1e-11) for a, b in hard)
    assert (flat[-1] == math.inf) == (ends[-1] == math.inf)


def test_quantiles_invert_the_distribution(pair):
    _, law = pair
    jump = (law.cdf(0.0) - law.atom, law.cdf(0.0))
    if law.atom > 0:
        assert not law.ppf(jump[0] + np.array([0.01, 0.5, 0.99]) * law.atom).any()
    q = np.linspace(1e-6, 1 - 1e-6, 50)
    q = q[(q < jump[0]) | (q > jump[1])]
    assert np.allclose(law.cdf(law.ppf(q)), q, rtol=0, atol=1e-12)


def test_transform_solves_its_equation(pair):
    entry, law = pair
    w, p = law.weight_law.weights, law.weight_law.probabilities
    for z in (1 + 2j, -3 + 1j, 4 + 3j, -5.0):
        s = law.stieltjes(z)
        e = entry["aspect_ratio"] * s
        # The Gauss rule of the panels is exact to rounding where the pole -1/e keeps its distance.
        assert s == pytest.approx(1 / (p @ (w / (1 + w * e)) - z), rel=1e-9)


def test_heavy_tails():
    """True densities in the tail, by an independent solver of 40 digits."""
    law = limit_law("linear", "ce", "vv_off", 0.5, n_classes=math.inf)
    x = np.array([8.20196, 11.07207, 24.91308])
    density, error = law.pdf(x, return_error=True)
    assert np.allclose(density, [2.7965e-3, 1.0688e-3, 6.471e-5], rtol=2e-4, atol=0)
    assert np.all(error < 1e-6 * density)


@pytest.mark.parametrize("n_classes", [2, 10, 1000, math.inf])
@pytest.mark.parametrize("block", ["vv_diag", "vv_off"])
def test_one_bulk_without_teeth(n_classes, block):
    """No comb: one bulk, and a density with a single maximum on it."""
    law = limit_law("linear", "ce", block, 0.5, n_classes=n_classes)
    assert len(law.support()) == 1
    (low, high) = visible_support(law, 1e-7)[0]
    density = law.pdf(np.linspace(low, high, 5001)[1:-1])
    assert np.all(density > 0)
    turns = np.diff(np.sign(np.diff(density)))
    assert np.count_nonzero(turns < 0) <= (2 if n_classes == 2 else 1)


def test_from_density_refuses():
    for ends, word in (([1.0], "ends"), ([1.0, 0.5], "ends"), ([0.0, 2.0], "density")):
        with pytest.raises(ValueError, match=f"^{word}:"):
            WeightLaw.from_density(np.ones_like, ends)


@pytest.mark.parametrize("n_classes", [2, 3, 5, 100, 10**6, math.inf])
@pytest.mark.parametrize("aspect_ratio", [0.01, 1.0, 16.0])
def test_levels_of_linear_laws_at_any_ratio(n_classes, aspect_ratio):
    """Thin ends of the weights and the hard edge: one bulk on the right side of zero, levels that invert."""
    for block, sign in (("vv_diag", 1), ("vv_off", -1)):
        law = limit_law("linear", "ce", block, aspect_ratio, n_classes=n_classes)
        ((low, high),) = law.support()
        # In units of -1/C^2 the weights of the limit are positive.
        assert low >= 0 if sign > 0 or n_classes == math.inf else high <= 0
        q = np.array([1e-6, 0.001, 0.005, 0.008, 0.01, 0.25, 0.5, 0.9, 0.99, 1 - 1e-6])
        q = q[(q < law.cdf(0.0) - law.atom) | (q > law.cdf(0.0))] if law.atom else q
        assert np.allclose(law.cdf(law.ppf(q)), q, rtol=0, atol=1e-10)
        assert law.error < 1e-7
