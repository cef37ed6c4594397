"""Expected traces and masses of ce blocks at finite d and N, against plain sampling and special cases."""

import math

import numpy as np
import pytest
from scipy import integrate

from rmtsim import laws
from rmtsim.laws.averages.gauss_rules import chi_square_rule, length_rule
from rmtsim.laws.averages.softmax_moments import MeanVariance, softmax_moments

TRIALS = 20_000


def _softmax(z):
    p = np.exp(z - z.max(axis=-1, keepdims=True))
    return p / p.sum(axis=-1, keepdims=True)


def _linear_trials(d, N, C):
    """(1/d) tr H and (1/d) |H|_F^2 of a diagonal and an off-diagonal block, shape (T, 4)."""
    rng = np.random.default_rng([57, d, N, C])
    X = rng.normal(size=(TRIALS, N, d))
    p = _softmax(X @ rng.normal(size=(TRIALS, d, C)) / math.sqrt(d))
    columns = []
    for weights in (p[..., 0] * (1 - p[..., 0]), -p[..., 0] * p[..., 1]):
        H = (X * weights[..., None]).transpose(0, 2, 1) @ X / N
        columns += [np.trace(H, axis1=1, axis2=2) / d, np.sum(H**2, axis=(1, 2)) / d]
    return np.array(columns).T


@pytest.mark.parametrize(("d", "N", "C"), [(1, 3, 2), (2, 4, 3), (5, 8, 4), (12, 6, 20)])
def test_linear_model_by_sampling(d, N, C):
    values = _linear_trials(d, N, C)
    traces = laws.expected_traces(d, C)
    (diagonal, error), (off, off_error) = laws.linear_second_moments(d, N, C)
    expected = np.array([traces.vv_diag, diagonal, traces.vv_off, off])
    slack = np.array([0.0, error, 0.0, off_error])
    deviation = np.abs(values.mean(axis=0) - expected) - slack
    assert np.all(deviation < 5 * values.std(axis=0, ddof=1) / math.sqrt(TRIALS))


@pytest.mark.parametrize(("d", "C", "m"), [(2, 3, 2), (5, 4, 3), (10, 20, 6)])
def test_hidden_model_by_sampling(d, C, m):
    """One sample is enough: traces are sums over samples."""
    rng = np.random.default_rng([56, d, C, m])
    x, W = rng.normal(size=(TRIALS, d, 1)), rng.normal(size=(TRIALS, m, d)) / math.sqrt(d)
    h = np.maximum(W @ x, 0)[..., 0]
    V = rng.normal(size=(TRIALS, C, m)) / math.sqrt(m)
    p = _softmax((V @ h[..., None])[..., 0])
    squares = np.sum(x**2, axis=(1, 2))
    gates, centre = h > 0, np.einsum("tc,tci->ti", p, V)
    values = [
        p[:, 0] * (1 - p[:, 0]) * np.sum(h**2, axis=1) / m,
        -p[:, 0] * p[:, 1] * np.sum(h**2, axis=1) / m,
    ]
    for i, j in ((0, 0), (0, 1)):
        inner = np.einsum("tc,tc,tc->t", p, V[:, :, i], V[:, :, j]) - centre[:, i] * centre[:, j]
        values.append(gates[:, i] * gates[:, j] * inner * squares / d)
    found = laws.expected_traces(d, C, m)
    expected = [found.vv_diag, found.vv_off, found.ww_diag, found.ww_off]
    deviation = np.abs(np.mean(values, axis=1) - expected)
    assert np.all(deviation < 5 * np.std(values, axis=1, ddof=1) / math.sqrt(TRIALS))


@pytest.mark.parametrize("variance", [0.0, 0.3, 4.0, 60.0])
def test_two_classes_are_a_one_dimensional_integral(variance):
    """p_1 = 1/(1 + e^(-y)), y ~ N(0, 2 variance)."""
    deviation = math.sqrt(2 * variance)

    def moment(f):
        def integrand(z):
            y = deviation * z
            p = 1 / (1 + math.exp(-y))
            return f(p) * math.exp(-(z**2) / 2) / math.sqrt(2 * math.pi)

        return integrate.quad(integrand, -12, 12, points=[0], epsabs=1e-14, epsrel=1e-12, limit=400)[0]

    expected = [moment(lambda p, k=k: p**k) for k in range(1, 5)] + [moment(lambda p: (p * (1 - p)) ** 2)]
    # exp(-pi^2 / 0.3) of the trapezoidal rule is below rounding, which grows with the number of nodes.
    assert softmax_moments(2, variance) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("C", [1000, 10**5])
def test_many_classes_at_unit_variance_are_those_of_the_limit(C):
    (diagonal, _), (off, _) = laws.linear_second_moments(10**7, 2 * 10**7, C)
    mass = laws.block_mass("linear", "ce", "v", 0.5, C)
    # The bias at finite d is of order 1/d, here times e^2 at most.
    assert (diagonal, off) == pytest.approx((mass.diagonal, mass.off_diagonal), rel=1e-5)


def test_stated_errors_hold_against_finer_rules(monkeypatch):
    coarse = {d: laws.linear_second_moments(d, 2 * d, 4) for d in (3, 6, 30)}
    monkeypatch.setattr("rmtsim.laws.finite_size._RULES", ((9, 9), (4, 4)))
    laws.linear_second_moments.cache_clear()
    for d, pairs in coarse.items():
        for (value, error), (finer, _) in zip(pairs, laws.linear_second_moments(d, 2 * d, 4), strict=True):
            assert abs(value - finer) < error < 0.01 * value
    laws.linear_second_moments.cache_clear()


def test_traces_do_not_depend_on_the_number_of_nodes(monkeypatch):
    before = laws.expected_traces(3, 5, 4)
    monkeypatch.setattr("rmtsim.laws.averages.gauss_rules._LENGTHS", 96)
    monkeypatch.setattr("rmtsim.laws.averages.softmax_moments._DEGREE", 96)
    after = laws.expected_traces(3, 5, 4)
    for name in ("vv_diag", "vv_off", "ww_diag", "ww_off"):
        assert getattr(before, name) == pytest.approx(getattr(after, name), rel=laws.TRACE_ERROR)


def test_slope_of_the_mean_variance():
    variance, q, step = MeanVariance(7, 9.0), np.array([0.2, 1.0, 5.0]), 1e-4
    difference = q * (variance.value(q + step) - variance.value(q - step)) / (2 * step)
    assert variance.scaled_slope(q) == pytest.approx(difference, rel=1e-6)


@pytest.mark.parametrize("freedom", [1, 3, 12, 4000])
def test_rules_have_the_moments_of_chi_square(freedom):
    for nodes, masses in (chi_square_rule(freedom, 6), length_rule(freedom)):
        moments = [float(masses @ nodes**k) for k in range(4)]
        assert moments == pytest.approx(np.cumprod([1, freedom, freedom + 2, freedom + 4]), rel=1e-11)


def test_block_rows_sum_to_zero():
    found = laws.expected_traces(6, 9, 5)
    assert found.vv_diag + 8 * found.vv_off == pytest.approx(0, abs=1e-16)
    assert laws.expected_traces(6, 9, 1).ww_off is None
