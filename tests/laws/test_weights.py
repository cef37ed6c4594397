"""Weight laws against exact moments, closed forms and plain Monte Carlo."""

import itertools
import math

import mpmath as mp
import numpy as np
import pytest

from rmtsim.laws import GeneralizedMarchenkoPastur, joint_weights, limit_law, vv_limit, weight_law

from ..oracles.softmax_moments import softmax_moment

CLASSES = [2, 3, 10, 1000, 131072]
SIGMAS = 5


def mean(law, function):
    return float(law.probabilities @ function(law.weights))


@pytest.mark.parametrize("n_classes", CLASSES)
def test_linear_moments(n_classes):
    """Powers of p (1 - p) and p_1 p_2 expand into the integrals of theory.md (4.2)."""
    diagonal = weight_law("linear", "ce", "vv_diag", n_classes=n_classes)
    off = weight_law("linear", "ce", "vv_off", n_classes=n_classes)
    for k in range(1, 5):
        exact = sum((-1) ** j * math.comb(k, j) * softmax_moment((k + j,), n_classes) for j in range(k + 1))
        # p is not small at C = 2, where the alternating sum loses up to 4^k of the precision.
        assert mean(diagonal, lambda w, k=k: w**k) == pytest.approx(exact, rel=1e-13 * 4**k)
        exact = softmax_moment((k, k), n_classes)
        assert mean(off, lambda w, k=k: (-w) ** k) == pytest.approx(exact, rel=1e-9)
    assert max(diagonal.error, off.error) <= 1e-10


def test_two_classes_against_mpmath():
    """Weights p (1 - p) = 1 / (4 cosh^2(W/2)), W ~ N(0, 2), through the resolvent of theory.md (3.1)."""
    mp.mp.dps = 25
    law = weight_law("linear", "ce", "vv_diag", n_classes=2)
    e = -3 + 2j

    def integrand(w):
        weight = 1 / (4 * mp.cosh(w / 2) ** 2)
        return mp.exp(-(w**2) / 4) / mp.sqrt(4 * mp.pi) * weight / (1 + weight * e)

    exact = complex(mp.quad(integrand, mp.linspace(-24, 24, 25)))
    value = law.probabilities @ (law.weights / (1 + law.weights * e))
    assert abs(value - exact) < 1e-12
    off = weight_law("linear", "ce", "vv_off", n_classes=2)
    assert np.allclose(-off.weights[::-1], law.weights, rtol=1e-9, atol=0)


def test_log_normal_limits():
    """E exp(k (z - 1/2)) = exp((k^2 - k)/2) and E exp(k (z_1 + z_2 - 1)) = exp(k^2 - k)."""
    diagonal = weight_law("linear", "ce", "vv_diag", n_classes=math.inf)
    off = weight_law("linear", "ce", "vv_off", n_classes=math.inf)
    for k in range(1, 5):
        assert mean(diagonal, lambda w, k=k: w**k) == pytest.approx(math.exp((k**2 - k) / 2), rel=1e-9)
        assert mean(off, lambda w, k=k: w**k) == pytest.approx(math.exp(k**2 - k), rel=1e-8)


def test_many_classes_approach_the_log_normal_limit():
    """The first cumulants of C p (1 - p) differ from their limit by O(1/C)."""
    e = 2 + 1j
    limit = weight_law("linear", "ce", "vv_diag", n_classes=math.inf)
    target = limit.probabilities @ (limit.weights / (1 + limit.weights * e))
    distance = []
    for n_classes in (1_000, 10_000, 100_000):
        law = weight_law("linear", "ce", "vv_diag", n_classes=n_classes)
        scaled = n_classes * law.weights
        distance.append(abs(law.probabilities @ (scaled / (1 + scaled * e)) - target))
    rates = np.log10(np.array(distance[:-1]) / distance[1:])
    assert np.all(np.abs(rates - 1) < 0.1)


@pytest.fixture(scope="module")
def logits():
    return np.random.default_rng(7).normal(size=(400_000, 4))


def check_mean(samples, exact):
    assert abs(samples.mean() - exact) < SIGMAS * samples.std() / math.sqrt(samples.size)


def test_linear_sectors_against_monte_carlo(logits):
    """E[g(lambda) (t . z)^2] for one unit vector t of every sector, C = 4, g(x) = x / (1 + 3x)."""
    p = np.exp(logits)
    p /= p.sum(axis=1, keepdims=True)
    pair = np.array([1, 1, -1, -1]) / 2
    cases = {
        "vv_diag": (p[:, 0] * (1 - p[:, 0]), [np.array([3, -1, -1, -1]) / math.sqrt(12), [0, 1, -1, 0]]),
        "vv_off": (-p[:, 0] * p[:, 1], [[1, -1, 0, 0], pair, [0, 0, 1, -1]]),
    }
    for block, (weights, vectors) in cases.items():
        joint = joint_weights("linear", "ce", block, n_classes=4)
        assert len(joint.sectors) == len(vectors)
        for sector, vector in zip(joint.sectors, vectors, strict=True):
            unit = np.array(vector) / np.linalg.norm(vector)
            g = joint.weights / (1 + 3 * joint.weights)
            exact = joint.probabilities @ (g * sector.directions[:, 0] ** 2)
            check_mean(weights / (1 + 3 * weights) * (logits @ unit) ** 2, exact)


@pytest.mark.parametrize("n_classes", CLASSES)
@pytest.mark.parametrize("block", ["vv_diag", "vv_off"])
def test_directions_are_orthonormal_on_average(n_classes, block):
    joint = joint_weights("linear", "ce", block, n_classes=n_classes)
    for sector in joint.sectors:
        assert joint.probabilities @ sector.directions[:, 0] ** 2 == pytest.approx(1, abs=1e-11)


@pytest.fixture(scope="module")
def readout():
    return np.random.default_rng(11).normal(size=(10, 4)) / 2


@pytest.mark.parametrize(("block", "i", "j"), [("ww_diag", 1, 1), ("ww_off", 1, 3)])
def test_hidden_ce_against_monte_carlo(readout, block, i, j):
    u = np.random.default_rng(5).normal(size=(400_000, 4))
    p = np.exp(np.maximum(u, 0) @ readout.T)
    p /= p.sum(axis=1, keepdims=True)
    covariance = p @ (readout[:, i] * readout[:, j]) - (p @ readout[:, i]) * (p @ readout[:, j])
    weights = covariance * (u[:, i] > 0) * (u[:, j] > 0)
    law = weight_law("hidden", "ce", block, V=readout, rows=(i, j))
    check_mean(weights, mean(law, lambda w: w))
    check_mean(weights**2, mean(law, lambda w: w**2))
    assert mean(law, lambda w: w == 0) == pytest.approx(0.5 if i == j else 0.75, abs=1e-12)
    assert law.error < 0.05  # total variation, 3 standard errors and the splines' own


@pytest.mark.parametrize(("block", "scale"), list(itertools.product(["ww_diag", "ww_off"], [1.0, 4.0])))
def test_stated_error_of_hidden_ce_is_the_error(readout, block, scale):
    """Laws of few rays against one of 64 times as many: the density too, wherever it is worth a look."""
    for seed in range(3):
        V = scale * np.random.default_rng(seed).normal(size=(12, 5)) / math.sqrt(5)
        few, many = (
            GeneralizedMarchenkoPastur.of(weight_law("hidden", "ce", block, V=V, log2_entries=k), 0.4)
            for k in (18, 24)
        )
        x = many.ppf(np.linspace(0.001, 0.999, 101))
        x = x[x != 0]
        assert np.max(np.abs(few.cdf(x) - many.cdf(x))) <= few.error + many.error
        density, error = few.pdf(x, return_error=True)
        truth, other = many.pdf(x, return_error=True)
        assert np.all(np.abs(density - truth) <= error + other)


def test_saturated_hidden_ce_has_no_atom_of_its_own(readout):
    """At 100 times the weights most of them are tiny, none is zero: the atom is that of the gates alone."""
    for block, share in (("ww_diag", 0.5), ("ww_off", 0.25)):
        law = limit_law("hidden", "ce", block, 0.8 * share, V=100 * readout)
        assert law.atom == 0
        assert limit_law("hidden", "ce", block, 2 * share, V=100 * readout).atom == pytest.approx(
            0.5, abs=1e-12
        )


def test_hidden_ce_does_not_see_a_common_offset(readout):
    """Softmax is blind to it; rounding of V + 1e7 itself moves the weights by 1e7 eps."""
    law, moved = (limit_law("hidden", "ce", "ww_diag", 0.4, V=V) for V in (readout, readout + 1e7))
    q = np.linspace(0.05, 0.95, 19)
    assert np.allclose(law.ppf(q), moved.ppf(q), rtol=1e3 * 1e7 * np.finfo(float).eps)


def test_hidden_ce_is_deterministic(readout):
    first, second = (weight_law("hidden", "ce", "ww_off", V=readout) for _ in range(2))
    assert np.array_equal(first.weights, second.weights)


def test_hidden_ce_of_two_equal_columns(readout):
    """Columns i and j equal: the covariance is a variance, so that no weight is negative."""
    V = readout.copy()
    V[:, 1] = V[:, 0]
    assert weight_law("hidden", "ce", "ww_off", V=V).weights.min() >= 0


def test_vv_limit(readout):
    limit, error = vv_limit("ce", readout, (2, 5))
    h = np.maximum(np.random.default_rng(3).normal(size=(400_000, 4)), 0)
    p = np.exp(h @ readout.T)
    p /= p.sum(axis=1, keepdims=True)
    for k in range(4):
        check_mean(-p[:, 2] * p[:, 5] * h[:, 0] * h[:, k], limit[0, k])
    assert np.all(error < 1e-3 * np.abs(limit).max())
    # Rows of B sum to zero, theory.md (5.4), sample by sample.
    total = sum(vv_limit("ce", readout, (2, e))[0] for e in range(10))
    assert np.allclose(total, 0, atol=10 * np.finfo(float).eps)
    gram, _ = vv_limit("mse", readout, (1, 1))
    assert np.allclose(gram, np.where(np.eye(4) > 0, 0.5, 0.5 / math.pi))
    assert not vv_limit("mse", readout, (1, 2))[0].any()


def test_limit_laws(readout):
    assert limit_law("linear", "mse", "vv_diag", 0.25).support() == [(0.25, 2.25)]
    zero = limit_law("linear", "mse", "vv_off", 0.25)
    assert zero.atom == 1
    for block, share in (("ww_diag", 0.5), ("ww_off", 0.25)):
        law = limit_law("hidden", "mse", block, 0.1)
        general = GeneralizedMarchenkoPastur([0, 1], [1 - share, share], 0.1)
        x = np.linspace(*general.support()[0], 7)[1:-1]
        assert np.allclose(law.pdf(x), general.pdf(x), rtol=1e-10)
    law = limit_law("hidden", "ce", "ww_diag", 0.5, V=readout)
    weights = weight_law("hidden", "ce", "ww_diag", V=readout)
    second = mean(weights, lambda w: w) ** 2 + 0.5 * mean(weights, lambda w: w**2)
    assert law.moment(2) == pytest.approx(second, rel=1e-12)


@pytest.mark.parametrize(
    ("arguments", "options", "name"),
    [
        (("linear", "ce", "vv_diag"), {}, "n_classes"),
        (("linear", "ce", "vv_diag"), {"n_classes": 1}, "n_classes"),
        (("linear", "ce", "ww_diag"), {"n_classes": 5}, "block"),
        (("hidden", "ce", "vv_diag"), {"n_classes": 5}, "block"),
        (("hidden", "ce", "ww_diag"), {}, "V"),
        (("hidden", "ce", "ww_diag"), {"V": np.ones(3)}, "V"),
        (("hidden", "ce", "ww_diag"), {"V": np.full((3, 2), np.nan)}, "V"),
        (("hidden", "ce", "ww_off"), {"V": np.ones((3, 2)), "rows": (0, 2)}, "rows"),
        (("hidden", "ce", "ww_off"), {"V": np.ones((3, 2)), "rows": (1, 1)}, "rows"),
    ],
)
def test_refusals(arguments, options, name):
    with pytest.raises(ValueError, match=f"^{name}:"):
        weight_law(*arguments, **options)
