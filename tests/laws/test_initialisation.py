"""Laws, masses and ratios at other scales of initialisation, theory.md (4.8), against plain sampling."""

import math

import numpy as np
import pytest

from rmtsim import laws

from ..oracles.softmax_moments import softmax_moment

SIGMAS = 5
SCALES = [0.5, 1 / math.sqrt(3), math.sqrt(2), 2.5]


def _softmax(z):
    p = np.exp(z - z.max(axis=-1, keepdims=True))
    return p / p.sum(axis=-1, keepdims=True)


def _holds(samples, value, slack=0.0):
    assert abs(samples.mean() - value) < SIGMAS * samples.std() / math.sqrt(samples.size) + slack


@pytest.mark.parametrize("v_std", SCALES)
@pytest.mark.parametrize("n_classes", [2, 3, 10, 1000])
def test_linear_weights_have_their_moments(v_std, n_classes):
    """Powers of p (1 - p) and p_1 p_2 expand into the integrals of theory.md (4.2), logits N(0, v_std^2)."""
    diagonal = laws.weight_law("linear", "ce", "vv_diag", n_classes=n_classes, v_std=v_std)
    off = laws.weight_law("linear", "ce", "vv_off", n_classes=n_classes, v_std=v_std)
    for k in (1, 2, 4):
        terms = [math.comb(k, j) * softmax_moment((k + j,), n_classes, v_std) for j in range(k + 1)]
        exact = math.fsum((-1) ** j * term for j, term in enumerate(terms))
        slack = 1e-12 * sum(terms)
        assert abs(diagonal.probabilities @ diagonal.weights**k - exact) <= k * diagonal.error * exact + slack
        exact = softmax_moment((k, k), n_classes, v_std)
        # At small v_std rounding of the transforms grows; the stated error says by how much.
        assert off.probabilities @ (-off.weights) ** k == pytest.approx(exact, rel=k * off.error + 1e-8)
    assert max(diagonal.error, off.error) < 1e-5
    mass = laws.block_mass("linear", "ce", "v", 0.5, n_classes, v_std=v_std)
    p, p2, p3, p4 = (softmax_moment((k,), n_classes, v_std) for k in (1, 2, 3, 4))
    assert mass.diagonal == pytest.approx((p - p2) ** 2 + 0.5 * (p2 - 2 * p3 + p4), rel=1e-11)
    pair, squares = softmax_moment((1, 1), n_classes, v_std), softmax_moment((2, 2), n_classes, v_std)
    assert mass.off_diagonal == pytest.approx(pair**2 + 0.5 * squares, rel=1e-11)


def test_linear_sectors_against_sampling():
    """E[g(lambda) (t . z)^2] / v_std^2 for one unit vector t of every sector, C = 4, g(x) = x / (1 + 3x)."""
    v_std = 1.6
    z = np.random.default_rng(8).normal(size=(400_000, 4))
    p = _softmax(v_std * z)
    cases = {
        "vv_diag": (p[:, 0] * (1 - p[:, 0]), [[3, -1, -1, -1], [0, 1, -1, 0]]),
        "vv_off": (-p[:, 0] * p[:, 1], [[1, -1, 0, 0], [1, 1, -1, -1], [0, 0, 1, -1]]),
    }
    for block, (weights, vectors) in cases.items():
        joint = laws.joint_weights("linear", "ce", block, n_classes=4, v_std=v_std)
        for sector, vector in zip(joint.sectors, vectors, strict=True):
            unit = np.array(vector) / np.linalg.norm(vector)
            g = joint.weights / (1 + 3 * joint.weights)
            exact = joint.probabilities @ (g * sector.directions[:, 0] ** 2)
            _holds(weights / (1 + 3 * weights) * (z @ unit) ** 2, exact)


def test_log_normal_limits():
    """E exp(k (s z - s^2 / 2)) = exp(s^2 (k^2 - k) / 2), s^2 = v_std^2 or 2 v_std^2."""
    for block, factor in (("vv_diag", 1), ("vv_off", 2)):
        law = laws.weight_law("linear", "ce", block, n_classes=math.inf, v_std=1.3)
        joint = laws.joint_weights("linear", "ce", block, n_classes=math.inf, v_std=1.3)
        for k in (1, 2, 3):
            exact = math.exp(factor * 1.3**2 * (k**2 - k) / 2)
            assert law.probabilities @ law.weights**k == pytest.approx(exact, rel=1e-8)
            assert joint.probabilities @ joint.weights**k == pytest.approx(exact, rel=1e-8)


@pytest.mark.parametrize(
    ("architecture", "layer", "n_hidden"), [("linear", "v", None), ("hidden", "w", 24), ("hidden", "v", 24)]
)
def test_scaled_ratio_is_the_limit_of_many_classes(architecture, layer, n_hidden):
    """At m = 24 the tails are light: C = 10^5 is within O(1/C) of the limit, or what quadrature leaves."""
    init = {"w_std": 1.2, "v_std": 0.8}
    limit = laws.scaled_block_ratio(architecture, "ce", layer, 0.7, math.inf, n_hidden, **init)
    plain = laws.scaled_block_ratio(architecture, "ce", layer, 0.7, math.inf, n_hidden)
    value, error = laws.ratio_with_error(architecture, "ce", layer, 0.7, 10**5, n_hidden, **init)
    scale = 10.0 ** (5 if layer == "w" else 10)
    assert abs(scale * value - limit) < scale * error + 3e-3 * limit
    assert abs(limit - plain) > 6e-3 * limit


def test_scaled_ratio_needs_enough_units():
    with pytest.raises(ValueError, match=r"^n_hidden: expected more than 2"):
        laws.scaled_block_ratio("hidden", "ce", "w", 0.5, math.inf, 8, w_std=math.sqrt(2), v_std=math.sqrt(2))


@pytest.fixture(scope="module")
def hidden_samples():
    """Weights of two samples that share V, C = 6, m = 3, w_std = 1.5, v_std = 0.7, gamma = 1/2."""
    C, m, trials, gamma, w_std, v_std = 6, 3, 400_000, 0.5, 1.5, 0.7
    rng = np.random.default_rng(20250506)
    V = v_std * rng.normal(size=(trials, C, m)) / math.sqrt(m)
    h = np.maximum(w_std * rng.normal(size=(2, trials, m)), 0)
    p = [_softmax(np.einsum("tcm,tm->tc", V, a)) for a in h]
    result = {}
    for name, i, j in (("w_diag", 0, 0), ("w_off", 0, 1)):
        weights = []
        for q, a in zip(p, h, strict=True):
            mean = [np.einsum("tc,tc->t", q, V[:, :, k]) for k in (i, j)]
            covariance = np.einsum("tc,tc->t", q, V[:, :, i] * V[:, :, j]) - mean[0] * mean[1]
            weights.append(covariance * (a[:, i] > 0) * (a[:, j] > 0))
        result[name] = weights[0] * weights[1] + gamma * weights[0] ** 2
    overlap = np.einsum("tm,tm->t", *h) ** 2 / m
    result["v_diag"] = p[0][:, 0] * (1 - p[0][:, 0]) * p[1][:, 0] * (1 - p[1][:, 0]) * overlap
    result["v_off"] = np.prod([q[:, c] for q in p for c in (0, 1)], axis=0) * overlap
    return result


@pytest.mark.parametrize("layer", [pytest.param("w", marks=pytest.mark.slow), "v"])
def test_hidden_ce_masses_against_sampling(hidden_samples, layer):
    mass = laws.block_mass("hidden", "ce", layer, 0.5, 6, 3, w_std=1.5, v_std=0.7)
    _holds(hidden_samples[f"{layer}_diag"], mass.diagonal)
    _holds(hidden_samples[f"{layer}_off"], mass.off_diagonal)


def test_hidden_mse_masses_scale_as_powers():
    """S = V^T V goes with v_std^2, h h^T with w_std^2."""
    for layer, power in (("w", 1.7**4), ("v", 0.6**4)):
        mass, plain = (
            laws.block_mass("hidden", "mse", layer, 0.5, 5, 4, **init)
            for init in ({"w_std": 0.6, "v_std": 1.7}, {})
        )
        assert mass.diagonal == pytest.approx(power * plain.diagonal, rel=1e-14)
        assert mass.off_diagonal == pytest.approx(power * plain.off_diagonal, rel=1e-14)


@pytest.fixture(scope="module")
def given_v():
    """V, and hidden activations with their probabilities at w_std = 1.8."""
    V = np.random.default_rng(11).normal(size=(10, 4)) / 2
    u = np.random.default_rng(5).normal(size=(400_000, 4))
    h = np.maximum(1.8 * u, 0)
    return V, u, h, _softmax(h @ V.T)


@pytest.mark.parametrize(("block", "i", "j"), [("ww_diag", 1, 1), ("ww_off", 1, 3)])
def test_weights_given_v_against_sampling(given_v, block, i, j):
    V, u, h, p = given_v
    weights = (p @ (V[:, i] * V[:, j]) - (p @ V[:, i]) * (p @ V[:, j])) * (h[:, i] > 0) * (h[:, j] > 0)
    options = {"V": V, "rows": (i, j), "w_std": 1.8}
    law, joint = (
        laws.weight_law("hidden", "ce", block, **options),
        laws.joint_weights("hidden", "ce", block, **options),
    )
    for k in (1, 2):
        _holds(weights**k, law.probabilities @ law.weights**k)
        _holds(weights**k, joint.probabilities @ joint.weights**k)
    direction = joint.sectors[0].directions[:, i]
    _holds(weights * u[:, i] ** 2, joint.probabilities @ (joint.weights * direction**2))


def test_masses_and_limits_given_v_against_sampling(given_v):
    V, _, h, p = given_v
    limit, _ = laws.vv_limit("ce", V, (2, 5), w_std=1.8)
    for k in range(4):
        _holds(-p[:, 2] * p[:, 5] * h[:, 0] * h[:, k], limit[0, k])
    assert laws.vv_limit("mse", V, (1, 1), w_std=1.8)[0][0, 0] == pytest.approx(1.8**2 / 2)
    mass = laws.masses_given_v(V, "w", 0.5, w_std=1.8)
    covariances = np.einsum("tc,ci->ti", p, V**2) - (p @ V) ** 2
    weights = covariances * (h > 0)
    halves = weights.reshape(2, -1, 4)
    _holds(
        np.sum(halves[0] * halves[1] + 0.25 * (halves[0] ** 2 + halves[1] ** 2), axis=1),
        mass.diagonal,
        mass.diagonal_error,
    )
    blocks = [laws.vv_limit("ce", V, (c, c), w_std=1.8)[0] for c in range(10)]
    total = sum(float(np.sum(block**2)) for block in blocks) / 4
    output = laws.masses_given_v(V, "v", 0.5, w_std=1.8)
    assert output.diagonal == pytest.approx(total, abs=3 * output.diagonal_error)


def test_traces_at_finite_size_against_sampling():
    d, C, m, trials, w_std, v_std = 5, 4, 3, 20_000, 1.4, 0.8
    rng = np.random.default_rng(57)
    x, W = rng.normal(size=(trials, d, 1)), w_std * rng.normal(size=(trials, m, d)) / math.sqrt(d)
    h = np.maximum(W @ x, 0)[..., 0]
    V = v_std * rng.normal(size=(trials, C, m)) / math.sqrt(m)
    p = _softmax((V @ h[..., None])[..., 0])
    squares, centre = np.sum(x**2, axis=(1, 2)), np.einsum("tc,tci->ti", p, V)
    traces = laws.expected_traces(d, C, m, w_std=w_std, v_std=v_std)
    _holds(p[:, 0] * (1 - p[:, 0]) * np.sum(h**2, axis=1) / m, traces.vv_diag)
    _holds(-p[:, 0] * p[:, 1] * np.sum(h**2, axis=1) / m, traces.vv_off)
    for name, i, j in (("ww_diag", 0, 0), ("ww_off", 0, 1)):
        inner = np.einsum("tc,tc,tc->t", p, V[:, :, i], V[:, :, j]) - centre[:, i] * centre[:, j]
        _holds((h[:, i] > 0) * (h[:, j] > 0) * inner * squares / d, getattr(traces, name))


def test_linear_traces_and_masses_at_finite_size_against_sampling():
    d, N, C, v_std, trials = 4, 6, 3, 1.7, 20_000
    rng = np.random.default_rng(58)
    X = rng.normal(size=(trials, N, d))
    p = _softmax(X @ rng.normal(size=(trials, d, C)) * v_std / math.sqrt(d))
    traces = laws.expected_traces(d, C, v_std=v_std)
    moments = laws.linear_second_moments(d, N, C, v_std)
    for weights, trace, (second, error) in zip(
        (p[..., 0] * (1 - p[..., 0]), -p[..., 0] * p[..., 1]),
        (traces.vv_diag, traces.vv_off),
        moments,
        strict=True,
    ):
        H = (X * weights[..., None]).transpose(0, 2, 1) @ X / N
        _holds(np.trace(H, axis1=1, axis2=2) / d, trace)
        _holds(np.sum(H**2, axis=(1, 2)) / d, second, error)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"v_std": 0.0}, "^v_std: expected a finite number above 0"),
        ({"w_std": math.nan}, "^w_std: expected a finite number above 0"),
        ({"v_std": 0.1}, "^v_std: expected a number from"),
    ],
)
def test_refusals(options, message):
    with pytest.raises(ValueError, match=message):
        laws.weight_law("linear", "ce", "vv_diag", n_classes=3, **options)
