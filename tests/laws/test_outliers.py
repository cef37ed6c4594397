"""Outliers against published examples, closed forms and simulated matrices."""

import math

import numpy as np
import pytest

from rmtsim.laws import (
    GeneralizedMarchenkoPastur,
    JointWeights,
    MarchenkoPastur,
    Sector,
    joint_weights,
    limit_law,
    outliers,
    outside,
)


def locations(*block, aspect_ratio, n_eigenvalues=None, **options):
    law = limit_law(*block, aspect_ratio, **options)
    return [o.location for o in outliers(law, joint_weights(*block, **options), n_eigenvalues)]


HIDDEN_MSE = ("hidden", "mse", "ww_off")


@pytest.mark.parametrize(("gamma", "edge", "top"), [(0.02, 0.41142, 0.46057), (0.05, 0.52361, 0.53769)])
def test_published_examples(gamma, edge, top):
    """theory.md (3.5), to the printed five digits."""
    law = limit_law(*HIDDEN_MSE, gamma)
    assert abs(law.support()[-1][1] - edge) <= 0.5e-5
    assert abs(locations(*HIDDEN_MSE, aspect_ratio=gamma)[-1] - top) <= 0.5e-5


@pytest.mark.parametrize("sign", [1, -1])
def test_hidden_mse_in_closed_form(sign):
    """(1 +- 2/pi) / (4 (1 + e)) meets z(e) = 1/(4 (1 + e)) - gamma/e at e = -gamma / (gamma +- 1/(2 pi))."""
    gamma = 0.03
    e = -gamma / (gamma + sign / (2 * math.pi))
    exact = (1 + sign * 2 / math.pi) / (4 * (1 + e))
    found = locations(*HIDDEN_MSE, aspect_ratio=gamma)
    assert min(abs(z - exact) for z in found) < 1e-12


def test_threshold():
    """The closed-form e meets the edge, abs(e) = 2 sqrt(gamma) (1 + e), at gamma = 1/pi^2 = 0.1013."""
    threshold = 1 / math.pi**2
    assert locations(*HIDDEN_MSE, aspect_ratio=threshold * (1 - 1e-3))
    assert not locations(*HIDDEN_MSE, aspect_ratio=threshold * (1 + 1e-3))
    assert not locations(*HIDDEN_MSE, aspect_ratio=0.2)
    assert not locations("hidden", "mse", "ww_diag", aspect_ratio=0.02)
    assert not locations("linear", "mse", "vv_diag", aspect_ratio=0.02)


def test_both_laws_of_one_block_agree():
    joint = joint_weights(*HIDDEN_MSE)
    general = GeneralizedMarchenkoPastur(joint.weights, joint.probabilities, 0.02)
    for a, b in zip(outliers(general, joint), outliers(limit_law(*HIDDEN_MSE, 0.02), joint), strict=True):
        assert a.location == pytest.approx(b.location, rel=1e-11)


def test_spiked_population():
    """A direction of variance ``spike``: M = spike / (1 + e), the outlier of Baik, Ben Arous and Peche."""
    spike, gamma = 3.0, 0.5
    joint = JointWeights(
        np.ones(1),
        np.ones(1),
        (Sector(np.array([[math.sqrt(spike)]])),),
        "one weight",
    )
    (found,) = outliers(MarchenkoPastur(gamma), joint)
    assert found.location == pytest.approx(spike * (1 + gamma / (spike - 1)), rel=1e-11)


def simulated(weights_of, d, n_samples, seed, trials):
    """Mean of the extreme eigenvalues of plain weighted Gram matrices."""
    rng = np.random.default_rng(seed)
    extremes = []
    for _ in range(trials):
        X = rng.normal(size=(n_samples, d))
        H = (X.T * weights_of(X, rng)) @ X / n_samples
        extremes.append(np.linalg.eigvalsh(H)[[0, -1]])
    extremes = np.array(extremes)
    return extremes.mean(axis=0), extremes.std(axis=0, ddof=1) / math.sqrt(trials)


@pytest.mark.parametrize(("block", "side", "C"), [("vv_diag", 1, 10), ("vv_diag", 0, 2), ("vv_off", 0, 10)])
def test_linear_ce_outlier_in_simulation(block, side, C):
    d, gamma, trials = 200, 0.02, 6

    def weights_of(X, rng):
        p = np.exp(X @ rng.normal(size=(d, C)) / math.sqrt(d))
        p /= p.sum(axis=1, keepdims=True)
        return p[:, 0] * (1 - p[:, 0]) if block == "vv_diag" else -p[:, 0] * p[:, 1]

    means, errors = simulated(weights_of, d, int(d / gamma), 1, trials)
    found = locations("linear", "ce", block, aspect_ratio=gamma, n_classes=C, n_eigenvalues=d)
    predicted = found[-1] if side else found[0]
    # Bias of an outlier is O(1/d); |v|^2 of the logits' directions alone varies by sqrt(2/d).
    assert abs(means[side] - predicted) < 5 * errors[side] + 4 / d * abs(predicted)


def test_hidden_ce_outlier_in_simulation():
    d, gamma, m, C, trials = 200, 0.02, 4, 10, 6
    V = np.random.default_rng(3).normal(size=(C, m)) / math.sqrt(m)

    def weights_of(X, rng):
        a = X @ np.linalg.qr(rng.normal(size=(d, m)))[0]
        p = np.exp(np.maximum(a, 0) @ V.T)
        p /= p.sum(axis=1, keepdims=True)
        gates = (a[:, 0] > 0) & (a[:, 1] > 0)
        return gates * (p @ (V[:, 0] * V[:, 1]) - (p @ V[:, 0]) * (p @ V[:, 1]))

    means, errors = simulated(weights_of, d, int(d / gamma), 2, trials)
    found = locations("hidden", "ce", "ww_off", aspect_ratio=gamma, V=V, n_eigenvalues=d)
    assert len(found) == 2
    for side in (0, 1):
        assert abs(means[side] - found[side]) < 5 * errors[side] + 4 / d * abs(found[side])


def test_outside_of_sharp_edges():
    law = MarchenkoPastur(0.3)
    assert outside(law, 500) == pytest.approx(law.support()[0], rel=1e-12)
    low, high = outside(MarchenkoPastur(3.0), 500)
    assert low == 0
    assert high == pytest.approx(MarchenkoPastur(3.0).support()[0][1], rel=1e-12)


@pytest.mark.parametrize("gamma", [0.3, 2.0])
def test_outside_of_thin_tails(gamma):
    n = 400
    law = limit_law("linear", "ce", "vv_diag", gamma, n_classes=1000)
    low, high = outside(law, n)
    assert high < 0.3 * law.support()[-1][1]
    assert n * (1 - law.cdf(high)) == pytest.approx(0.5, rel=1e-6)
    assert n * (1 - law.cdf(outside(law, n, 0.05)[1])) == pytest.approx(0.05, rel=1e-6)
    assert low == (0 if law.atom > 0 else law.support()[0][0])


def test_tail_outlier_is_near_the_bulk_and_marked():
    """C = 1000, gamma = 0.02: simulation puts one eigenvalue near 0.0022; the bulk ends at 0.0018."""
    (found,) = locations("linear", "ce", "vv_diag", aspect_ratio=0.02, n_classes=1000, n_eigenvalues=300)
    assert 0.0021 < found < 0.0024
    assert outside(limit_law("linear", "ce", "vv_diag", 0.02, n_classes=1000), 300)[1] < found


def test_refusals():
    law = MarchenkoPastur(0.5)
    with pytest.raises(ValueError, match=r"^n_eigenvalues:"):
        outside(law, 0)
    with pytest.raises(ValueError, match=r"^expected_count:"):
        outside(law, 10, 0.0)


def test_nothing_of_a_point_mass_is_inside():
    assert outside(limit_law("linear", "mse", "vv_off", 0.5), 100) == (0, 0)
