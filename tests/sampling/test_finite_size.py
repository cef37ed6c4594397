"""Models on Gaussian data against the exact finite-size values of theory.md section 5, by Monte Carlo.

Data are drawn by NumPy, seeds and trial counts are fixed, and every z-score must stay below 5.
"""

import numpy as np
import pytest

from rmtsim import HiddenModel, LinearModel

from .. import rounding
from ..oracles import brute, wishart

LIMIT = 5.0


def z_scores(values, expected):
    """Deviation of the mean over trials (axis 0) in standard errors."""
    values = np.asarray(values, dtype=float)
    error = values.std(axis=0, ddof=1) / np.sqrt(len(values))
    return (values.mean(axis=0) - expected) / error


def trace_moments(H):
    """(1/n) tr H^k, k = 1..4."""
    square = H @ H
    return [np.trace(H), np.sum(H * H), np.sum(square * H), np.sum(square * square)] / np.float64(len(H))


def wedge(theta, n_features):
    """Two hidden rows at the angle theta, in a plane in general position."""
    rng = np.random.default_rng(17)
    plane, _ = np.linalg.qr(rng.normal(size=(n_features, 2)))
    rows = np.array([[1.0, 0.0], [np.cos(theta), np.sin(theta)]])
    return rows * [[0.7], [1.9]] @ plane.T  # lengths of the rows do not matter


@pytest.mark.parametrize(("d", "N"), [(1, 3), (3, 7), (6, 4)])
def test_linear_mse_blocks_are_wishart(d, N):
    """(5.1), (5.1a)."""
    rng = np.random.default_rng([51, d, N])
    model = LinearModel(rng.normal(size=(2, d)), "mse")
    moments = [trace_moments(model.block(rng.normal(size=(N, d)), ("v", 1), ("v", 1))) for _ in range(3000)]
    exact = [wishart.trace_moment(k, d, N) / N**k for k in (1, 2, 3, 4)]
    assert exact[1] == pytest.approx(1 + d / N + 1 / N)
    assert np.abs(z_scores(moments, exact)).max() < LIMIT


@pytest.mark.parametrize(("d", "N"), [(1, 4), (4, 6), (5, 3)])
def test_hidden_mse_diagonal_blocks_are_thinned_wishart(d, N):
    """(5.2): Binomial(N, 1/2) degrees of freedom, in units of S_ii."""
    rng = np.random.default_rng([52, d, N])
    moments = []
    for _ in range(3000):
        W, V = rng.normal(size=(2, d)), rng.normal(size=(3, 2))
        H = HiddenModel(W, V, "mse").block(rng.normal(size=(N, d)), ("w", 1), ("w", 1))
        moments.append(trace_moments(H / (V[:, 1] @ V[:, 1])))
    exact = [wishart.thinned_trace_moment(k, d, N) / N**k for k in (1, 2, 3, 4)]
    assert np.abs(z_scores(moments, exact)).max() < LIMIT


def test_mass_of_hidden_mse_diagonal_block():
    """(5.2), with V random: the number that the theory page states."""
    d, N, C, m = 10, 14, 6, 3
    rng = np.random.default_rng(35)
    masses = []
    for _ in range(3000):
        W, V = rng.normal(size=(m, d)) / np.sqrt(d), rng.normal(size=(C, m)) / np.sqrt(m)
        block = HiddenModel(W, V, "mse").block(rng.normal(size=(N, d)), ("w", 0), ("w", 0))
        masses.append(np.sum(block**2))
    assert abs(z_scores(masses, 35.238095)) < LIMIT


@pytest.mark.parametrize("theta", [0.4, np.pi / 2, 2.6])
@pytest.mark.parametrize(("d", "N"), [(2, 1), (6, 5)])
def test_hidden_mse_off_diagonal_block_given_the_angle(d, N, theta):
    """(5.3): the rank is Binomial(N, (pi - theta)/(2 pi)); (5.3a): the second moment."""
    rng = np.random.default_rng([53, d, N])
    V = rng.normal(size=(4, 2))
    model, S = HiddenModel(wedge(theta, d), V, "mse"), V[:, 0] @ V[:, 1]
    ranks, masses = [], []
    for _ in range(3000):
        H = model.block(rng.normal(size=(N, d)), ("w", 0), ("w", 1)) / S
        # N <= d, so the rank is K; its eigenvalues stay far above 1e-9 and zeros far below
        ranks.append(np.linalg.matrix_rank(H, tol=1e-9, hermitian=True))
        masses.append(np.sum(H**2))
    P, delta = (np.pi - theta) / (2 * np.pi), np.sin(theta) / (2 * np.pi)
    assert abs(z_scores(ranks, N * P)) < LIMIT
    assert abs(z_scores((np.array(ranks) - N * P) ** 2, N * P * (1 - P))) < LIMIT
    exact = (N * P * (d**2 + 2 * d) + N * (N - 1) * (d * P**2 + 2 * delta**2)) / N**2
    assert abs(z_scores(masses, exact)) < LIMIT


def angle_variance(d):
    """Variance of the angle between two independent Gaussian vectors of R^d, d >= 2."""
    theta = np.linspace(0, np.pi, 20001)
    density = np.sin(theta) ** (d - 2)
    # trapezoidal rule; the end points weigh only for d = 2
    density[[0, -1]] /= 2
    return np.sum(density * (theta - np.pi / 2) ** 2) / np.sum(density)


@pytest.mark.parametrize(("d", "N"), [(2, 3), (5, 8)])
def test_hidden_mse_off_diagonal_block_with_random_parameters(d, N):
    """(5.3c): and so the finite-size form of the ratio (4.3)."""
    C, m = 3, 2
    rng = np.random.default_rng([54, d, N])
    masses = []
    for _ in range(4000):
        W, V = rng.normal(size=(m, d)) / np.sqrt(d), rng.normal(size=(C, m)) / np.sqrt(m)
        block = HiddenModel(W, V, "mse").block(rng.normal(size=(N, d)), ("w", 0), ("w", 1))
        masses.append(np.sum(block**2))
    pairs = d * (1 / 16 + angle_variance(d) / (4 * np.pi**2)) + (1 - 1 / d) / (2 * np.pi**2)
    exact = C / m**2 * (N * (d**2 + 2 * d) / 4 + N * (N - 1) * pairs) / N**2
    assert abs(z_scores(masses, exact)) < LIMIT


def test_hidden_mse_ratio_depends_on_the_number_of_classes_as_stated():
    """(4.3): r (C + 2) is the same for any C at given d, N."""
    d, N, m = 4, 6, 2
    for C in (1, 3, 30):
        rng = np.random.default_rng([43, C])
        scaled = []
        for _ in range(2000):
            V = rng.normal(size=(C, m)) / np.sqrt(m)
            model = HiddenModel(np.eye(m, d), V, "mse")
            X = rng.normal(size=(N, d))
            off, diagonal = (np.sum(model.block(X, ("w", 0), ("w", j)) ** 2) for j in (1, 0))
            scaled.append((off, diagonal))
        off, diagonal = np.transpose(scaled)
        exact_off = (N * (d**2 + 2 * d) / 4 + N * (N - 1) * (d / 16 + 2 / (2 * np.pi) ** 2)) / N**2
        exact_diagonal = wishart.thinned_trace_moment(2, d, N) * d / N**2
        ratio = exact_off / exact_diagonal / (C + 2)
        # E (off - r diagonal) = 0 is the ratio of means, without the bias of a quotient
        assert abs(z_scores(off - ratio * diagonal, 0)) < LIMIT


@pytest.mark.parametrize("architecture", ["linear", "hidden"])
def test_classes_are_exchangeable(architecture):
    """(5.4): E p_c = 1/C, seen in the gradient of the ce loss: (1/N) sum_n (p_nc - 1(y_n = c)) for x = 1."""
    C = 5
    rng = np.random.default_rng(54)
    probabilities = []
    for _ in range(2000):
        if architecture == "linear":
            model = LinearModel(rng.normal(size=(C, 1)), "ce")
            gradient = model.gradient([[1.0]], [0])
        else:
            model = HiddenModel([[1.0]], rng.normal(size=(C, 1)), "ce")
            gradient = model.gradient([[1.0]], [0])[1:]
        probabilities.append(gradient + (np.arange(C) == 0))
    # Logits below 30 in size round p by 30 eps each, and the sum C times.
    assert np.sum(probabilities, axis=1) == pytest.approx(1.0, rel=(4 * 30 + C) * np.finfo(float).eps)
    assert np.abs(z_scores(probabilities, 1 / C)).max() < LIMIT


def test_output_layer_of_the_hidden_mse_model():
    """(2.3): E h_i h_j = |w_i| |w_j| (sin t + (pi - t) cos t)/(2 pi), the arc-cosine kernel of degree 1."""
    theta, d, N = 1.2, 4, 5
    rng = np.random.default_rng(23)
    W = wedge(theta, d)
    model = HiddenModel(W, rng.normal(size=(3, 2)), "mse")
    blocks = [model.block(rng.normal(size=(N, d)), ("v", 0), ("v", 0)) for _ in range(3000)]
    lengths = np.linalg.norm(W, axis=1)
    cross = (np.sin(theta) + (np.pi - theta) * np.cos(theta)) / (2 * np.pi)
    exact = np.outer(lengths, lengths) * [[0.5, cross], [cross, 0.5]]
    assert np.abs(z_scores(blocks, exact)).max() < LIMIT
    assert not model.block(np.ones((N, d)), ("v", 0), ("v", 1)).any()


def test_total_masses_have_the_exact_mean():
    """(2.6) without blocks: total masses of a hidden mse model are m times (5.2)."""
    d, N, C, m = 4, 6, 3, 2
    rng = np.random.default_rng(26)
    totals = []
    for _ in range(3000):
        W, V = rng.normal(size=(m, d)), rng.normal(size=(C, m)) / np.sqrt(m)
        totals.append(HiddenModel(W, V, "mse").total_masses(rng.normal(size=(N, d)))["ww_diag"])
    exact = m * (C**2 + 2 * C) / m**2 * wishart.thinned_trace_moment(2, d, N) * d / N**2
    assert abs(z_scores(totals, exact)) < LIMIT


def test_linear_ce_blocks_of_two_classes_mirror_each_other():
    """(4.2) at C = 2: r = 1, for H_01 = -H_00 exactly."""
    rng = np.random.default_rng(2)
    X, V = rng.normal(size=(9, 4)), rng.normal(size=(2, 4))
    model = LinearModel(V, "ce")
    diagonal, off = (model.block(X, ("v", 0), ("v", c)) for c in (0, 1))
    p = brute.softmax(X @ V.T)
    error = rounding.confidence_loss(X, V) * rounding.probabilities(X, V) + 2 * 9 * rounding.EPS
    bound = error * np.trace(diagonal)
    np.testing.assert_allclose(off, -(X.T * (p[:, 0] * p[:, 1])) @ X / 9, rtol=0, atol=bound)
    np.testing.assert_allclose(off, -diagonal, rtol=0, atol=bound)
