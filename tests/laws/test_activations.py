"""Laws of the hidden model given V with other activations, theory.md (3.13), against plain sampling."""

import math

import numpy as np
import pytest
from scipy.special import erf

from rmtsim import laws

SIGMAS = 5
TRIALS = 400_000
# phi with its first two derivatives, written down apart from those of the laws
FUNCTIONS = {
    "relu": (lambda a: np.maximum(a, 0), lambda a: 1.0 * (a > 0), None),
    "leaky_relu": (lambda a: np.where(a > 0, a, 0.2 * a), lambda a: np.where(a > 0, 1, 0.2), None),
    "identity": (lambda a: a, np.ones_like, None),
    "tanh": (np.tanh, lambda a: 1 - np.tanh(a) ** 2, lambda a: -2 * np.tanh(a) * (1 - np.tanh(a) ** 2)),
    "gelu": (
        lambda a: 0.5 * a * (1 + erf(a / math.sqrt(2))),
        lambda a: 0.5 * (1 + erf(a / math.sqrt(2))) + a * np.exp(-a * a / 2) / math.sqrt(2 * math.pi),
        lambda a: (2 - a * a) * np.exp(-a * a / 2) / math.sqrt(2 * math.pi),
    ),
}
W_STD = 1.3


def _options(name):
    return {"activation": name, "w_std": W_STD} | ({"slope": 0.2} if name == "leaky_relu" else {})


@pytest.fixture(scope="module")
def readout():
    return np.random.default_rng(12).normal(size=(6, 3)) / math.sqrt(3) + 0.3


def _softmax(z):
    p = np.exp(z - z.max(axis=1, keepdims=True))
    return p / p.sum(axis=1, keepdims=True)


def _weights(V, loss, name, i, j):
    """Sampled weights, in units of S_ij under mse, with their projections u."""
    value, derivative, second = FUNCTIONS[name]
    rng = np.random.default_rng([3, i, j])
    u, y = rng.normal(size=(TRIALS, 3)), rng.integers(0, len(V), TRIALS)
    a = W_STD * u
    z = value(a) @ V.T
    if loss == "ce":
        p = _softmax(z)
        inner = p @ (V[:, i] * V[:, j]) - (p @ V[:, i]) * (p @ V[:, j])
        residual = p @ V[:, i] - V[y, i]
    else:
        inner, residual = V[:, i] @ V[:, j], z @ V[:, i] - V[y, i]
    weights = derivative(a[:, i]) * derivative(a[:, j]) * inner
    if i == j and second is not None:
        weights = weights + second(a[:, i]) * residual
    return (weights if loss == "ce" else weights / (V[:, i] @ V[:, j])), u


def _holds(samples, value, slack=0.0):
    assert abs(samples.mean() - value) <= SIGMAS * samples.std() / math.sqrt(samples.size) + slack


@pytest.mark.parametrize(("i", "j"), [(1, 1), (0, 2)])
@pytest.mark.parametrize("loss", ["ce", "mse"])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_weights_against_sampling(readout, name, loss, i, j):
    block = "ww_diag" if i == j else "ww_off"
    weights, u = _weights(readout, loss, name, i, j)
    options = {"V": readout, "rows": (i, j), **_options(name)}
    law = laws.weight_law("hidden", loss, block, **options)
    joint = laws.joint_weights("hidden", loss, block, **options)
    for k in (1, 2):
        # An error of total variation moves the mean of a power by at most that times its largest value.
        slack = law.error * float(np.abs(law.weights).max()) ** k if law.panels else 0.0
        _holds(weights**k, law.probabilities @ law.weights**k, slack)
        # Sobol points are no worse than as many random ones.
        slack = SIGMAS * np.std(weights**k) / math.sqrt(joint.weights.size)
        _holds(weights**k, joint.probabilities @ joint.weights**k, slack)
    atom = float(law.masses[law.atoms == 0].sum())
    assert atom == pytest.approx({"relu": 0.5 if i == j else 0.75}.get(name, 0.0), abs=1e-12)
    if law.panels:
        q = np.quantile(weights, [0.02, 0.1, 0.3, 0.6, 0.9, 0.98])
        order = np.argsort(law.weights)
        level = np.cumsum(law.probabilities[order])[np.searchsorted(law.weights[order], q, side="right") - 1]
        sampled = np.searchsorted(np.sort(weights), q, side="right") / TRIALS
        node = law.probabilities[law.weights != 0].max()  # a quadrature of the density steps at its nodes
        assert np.all(np.abs(level - sampled) < SIGMAS * 0.5 / math.sqrt(TRIALS) + law.error + node)
    if joint.sectors and joint.sectors[0].directions.shape[1] == 3:
        moments = (
            joint.sectors[0].directions.T
            @ (joint.probabilities * joint.weights * joint.sectors[0].directions.T).T
        )
        for k in range(3):
            product = weights * u[:, i] * u[:, k]
            _holds(product, moments[i, k], SIGMAS * np.std(product) / math.sqrt(joint.weights.size))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_spectra_have_the_limit_law(readout, name):
    """Moments of plain weighted Gram matrices: their expectation is off by O(1/d) from (3.4)."""
    d, n_samples, trials = 60, 240, 30
    for block, rows in (("ww_diag", (1, 1)), ("ww_off", (0, 2))):
        law = laws.limit_law("hidden", "ce", block, d / n_samples, V=readout, rows=rows, **_options(name))
        weights, u = _weights(readout, "ce", name, *rows)
        rng = np.random.default_rng(9)
        seconds = []
        for trial in range(trials):
            chosen = slice(trial * n_samples, (trial + 1) * n_samples)
            X = np.hstack([u[chosen], rng.normal(size=(n_samples, d - 3))])
            H = (X.T * weights[chosen]) @ X / n_samples
            seconds.append(np.sum(H**2) / d)
        second = law.moment(2)
        error = np.std(seconds, ddof=1) / math.sqrt(trials)
        # The m directions of u and the diagonal of the sum over pairs of samples make O(1/d): here 10/d.
        assert abs(np.mean(seconds) - second) < SIGMAS * error + 10 / d * second


@pytest.mark.parametrize("name", ["leaky_relu", "identity"])
def test_mse_laws_are_in_closed_form_where_there_is_a_kink_alone(name):
    slope = {"leaky_relu": 0.2, "identity": 1.0}[name]
    off = laws.weight_law("hidden", "mse", "ww_off", **_options(name))
    for k in range(1, 4):
        assert off.probabilities @ off.weights**k == pytest.approx((0.5 + 0.5 * slope**k) ** 2, rel=1e-14)
    if name == "identity":
        law = laws.limit_law("hidden", "mse", "ww_off", 0.25, **_options(name))
        assert law.support() == laws.MarchenkoPastur(0.25).support()


def test_leaky_relu_of_slope_zero_is_relu(readout):
    x = np.linspace(0.01, 0.2, 7)
    for loss in ("ce", "mse"):
        law, relu = (
            laws.limit_law("hidden", loss, "ww_diag", 0.4, V=readout, **options)
            for options in ({"activation": "leaky_relu", "slope": 0.0}, {})
        )
        assert np.array_equal(law.cdf(x), relu.cdf(x))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_masses_and_limits_against_sampling(readout, name):
    """Masses are those of the weights of every block; V-blocks by sampled activations."""
    gamma, m = 0.5, 3
    mass = laws.masses_given_v(readout, "w", gamma, **_options(name))
    totals = {"diag": [], "off": []}
    for i in range(m):
        for j in range(m):
            weights, _ = _weights(readout, "ce", name, i, j)
            halves = weights.reshape(2, -1)
            totals["diag" if i == j else "off"].append(
                np.prod(halves, axis=0) + gamma * np.mean(halves**2, axis=0)
            )
    for part, value, error in (
        ("diag", mass.diagonal, mass.diagonal_error),
        ("off", mass.off_diagonal, mass.off_diagonal_error),
    ):
        spread = (
            math.sqrt(sum(np.var(t) / t.size for t in totals[part]))
            if part == "diag"
            else sum(np.std(t) / math.sqrt(t.size) for t in totals[part])
        )
        assert abs(sum(t.mean() for t in totals[part]) - value) < SIGMAS * spread + error
    h = FUNCTIONS[name][0](W_STD * np.random.default_rng(4).normal(size=(TRIALS, m)))
    p = _softmax(h @ readout.T)
    for loss, weights in (("ce", p[:, 1] * (1 - p[:, 1])), ("mse", np.ones(TRIALS))):
        limit, error = laws.vv_limit(loss, readout, (1, 1), **_options(name))
        for k in range(m):
            _holds(weights * h[:, 0] * h[:, k], limit[0, k], error[0, k])


def test_derivatives_are_those_of_the_values():
    a, step = np.linspace(-6, 6, 200), 1e-5
    for name in FUNCTIONS:
        phi = laws.Initialisation(activation=name).phi
        difference = (phi.value(a + step) - phi.value(a - step)) / (2 * step)
        # Central differences: step^2 / 6 times the third derivative, at most 2, and rounding eps 6 / step.
        assert np.allclose(phi.derivative(a), difference, rtol=0, atol=1e-9)
        if phi.second is not None:
            difference = (phi.derivative(a + step) - phi.derivative(a - step)) / (2 * step)
            assert np.allclose(phi.second(a), difference, rtol=0, atol=1e-9)


def test_refusals():
    for function in (laws.block_mass, laws.block_ratio, laws.scaled_block_ratio):
        with pytest.raises(ValueError, match=r"^activation: expected 'relu' for what is averaged over V"):
            function("hidden", "ce", "w", 0.5, 10, 3, activation="tanh")
    with pytest.raises(ValueError, match=r"^activation: expected 'relu'"):
        laws.expected_traces(10, 5, 3, activation="gelu")
    with pytest.raises(ValueError, match=r"^activation: expected one of 'relu'"):
        laws.limit_law("hidden", "mse", "ww_off", 0.5, activation="softplus")
    with pytest.raises(ValueError, match=r"^slope: expected a finite number, for leaky_relu alone"):
        laws.limit_law("hidden", "mse", "ww_off", 0.5, slope=0.1)
    with pytest.raises(ValueError, match=r"^V: expected the output weights"):
        laws.limit_law("hidden", "mse", "ww_diag", 0.5, activation="tanh")
