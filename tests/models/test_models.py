"""Models against automatic differentiation, explicit sums and the identities of theory.md section 5."""

import numpy as np
import pytest

from rmtsim import HiddenModel, LinearModel
from rmtsim.kernels.host import tops

from .. import rounding
from ..oracles import autodiff, brute, finite_differences

EPS = float(np.finfo(np.float64).eps)
# Entries of H are sums of N products of four factors, each of which is a sum over features, units or classes,
# of at most 9 terms here, and whose logits are below 4 in size; the oracle rounds as often.
RELATIVE = 2 * (9 + 4 * 4 * 9) * EPS
# Masses square them and sum over N^2 pairs of samples and the classes; where 1 - p, or a sum over pairs of
# classes, is a difference, one in `LOSS` at most is left.
MASS_RELATIVE = 4 * RELATIVE + 4 * (9 + 9) * tops.LOSS * EPS

# (d, N, C, m)
EDGE_SHAPES = [(1, 1, 2, 1), (1, 5, 2, 1), (3, 1, 2, 2), (4, 2, 3, 2), (3, 6, 2, 1), (1, 4, 4, 3)]
ONE_CLASS = [(2, 3, 1, 2)]
RANDOM_SHAPES = [tuple(sizes) for sizes in np.random.default_rng(11).integers(1, 6, (8, 4)).tolist()]
SHAPES = EDGE_SHAPES + ONE_CLASS + RANDOM_SHAPES
LOSSES = ["ce", "mse"]


def draw(shape, seed=0):
    """X, y, W, V for the hidden model and U, the parameters of the linear one, with variances 1 / fan-in."""
    d, N, C, m = shape
    rng = np.random.default_rng([seed, *shape])
    X, y = rng.normal(size=(N, d)), rng.integers(C, size=N)
    W, V, U = (rng.normal(size=size) / np.sqrt(size[1]) for size in ((m, d), (C, m), (C, d)))
    return X, y, W, V, U


def linear_case(shape, loss, **options):
    """A linear model, its data and its derivatives."""
    X, y, _, _, V = draw(shape)
    return LinearModel(V, loss, **options), X, y, autodiff.linear(V, X, y, loss)


def hidden_case(shape, loss, **options):
    """A hidden model, its data and its derivatives."""
    X, y, W, V, _ = draw(shape)
    return HiddenModel(W, V, loss, **options), X, y, autodiff.hidden(W, V, X, y, loss)


def close(actual, expected, relative=RELATIVE):
    """Compare entries relative to the largest one."""
    np.testing.assert_allclose(actual, expected, rtol=0, atol=relative * np.abs(expected).max())


def units(model):
    """Yield (index, slice of the flattened parameters) of every row of W, then of V."""
    start = 0
    layers = [("w", model.W), ("v", model.V)] if isinstance(model, HiddenModel) else [("v", model.V)]
    for layer, parameters in layers:
        for i in range(len(parameters)):
            yield (layer, i), slice(start, start + parameters.shape[1])
            start += parameters.shape[1]


cases = pytest.mark.parametrize("case", [linear_case, hidden_case])
losses = pytest.mark.parametrize("loss", LOSSES)
shapes = pytest.mark.parametrize("shape", SHAPES, ids=str)


# Derivatives -----------------------------------------------------------------------------------------


@cases
@losses
@shapes
def test_derivatives_match_automatic_differentiation(case, loss, shape):
    model, X, y, truth = case(shape, loss)
    H = truth.hessian()
    close(model.hessian(X, y), H)
    for row, rows in units(model):
        for col, columns in units(model):
            block = model.block(X, row, col, y)
            assert block.shape == H[rows, columns].shape
            np.testing.assert_allclose(block, H[rows, columns], rtol=0, atol=RELATIVE * np.abs(H).max())
    one_class = 64 * EPS  # whose ce loss is 0
    np.testing.assert_allclose(model.loss_value(X, y), truth.value(), rtol=RELATIVE, atol=one_class)
    close(model.gradient(X, y), truth.gradient())


@cases
@losses
def test_reference_device_gives_the_same_hessian(case, loss):
    model, X, y, truth = case((3, 6, 4, 2), loss, device="reference")
    close(model.hessian(X, y), truth.hessian())


@cases
@losses
@shapes
def test_linear_operator_multiplies_by_the_hessian(case, loss, shape):
    model, X, y, truth = case(shape, loss)
    H, operator = truth.hessian(), model.linear_operator(X, y)
    assert operator.shape == H.shape
    np.testing.assert_allclose(operator @ np.eye(len(H)), H, rtol=0, atol=RELATIVE * np.abs(H).max())
    v = np.random.default_rng(5).normal(size=len(H))
    scale = np.abs(H).max() * np.abs(v).sum()
    np.testing.assert_allclose(operator @ v, H @ v, rtol=0, atol=RELATIVE * scale)
    np.testing.assert_allclose(operator.rmatvec(v), operator @ v, rtol=0, atol=0)


@cases
@losses
def test_full_hessian_and_diagonal_blocks_are_exactly_symmetric(case, loss):
    model, X, y, _ = case((4, 7, 5, 3), loss)
    H = model.hessian(X, y)
    np.testing.assert_array_equal(H, H.T)
    for unit, _ in units(model):
        block = model.block(X, unit, unit)
        np.testing.assert_array_equal(block, block.T)


@losses
def test_derivative_of_relu_at_exactly_zero_is_zero(loss):
    W = np.array([[1.0, -1.0], [2.0, 1.0], [0.0, 0.0]])
    X = np.array([[1.0, 1.0], [0.0, 0.0], [-0.5, 1.0], [2.0, 1.0]])  # w_0, w_1 and all units tie at 0
    V, y = np.random.default_rng(2).normal(size=(4, 3)), np.array([0, 3, 1, 2])
    model, truth = HiddenModel(W, V, loss), autodiff.hidden(W, V, X, y, loss)
    close(model.hessian(X, y), truth.hessian())
    close(model.gradient(X, y), truth.gradient())
    assert not model.block(X[:2], ("w", 0), ("w", 0)).any()
    assert not model.block(X, ("w", 2), ("v", 1), y).any()


@cases
@losses
def test_zero_inputs_give_a_zero_hessian(case, loss):
    model, X, y, _ = case((3, 4, 3, 2), loss)
    assert not model.hessian(np.zeros_like(X), y).any()


# Large logits ----------------------------------------------------------------------------------------

LARGE = 1e4
# Logits round by LARGE eps, and p by that relative to itself; then come sums of few terms.
LARGE_RELATIVE = 8 * LARGE * EPS
TIED = np.array([[LARGE, 0.0], [LARGE, 0.0], [-LARGE, LARGE], [LARGE, -3.0]])


def test_linear_model_at_logits_of_ten_thousand():
    X, y = np.array([[1.0, 0.0], [1.0, 1.0], [0.5, 1.0], [-1.0, 0.25]]), np.array([0, 1, 2, 3])
    logits = X @ TIED.T
    assert logits.max() >= LARGE
    assert logits.min() <= -LARGE
    model, expected = LinearModel(TIED, "ce"), finite_differences.linear_ce_hessian(TIED, X, y)
    close(model.hessian(X), expected, LARGE_RELATIVE)
    assert model.loss_value(X[:1], [2]) == pytest.approx(2 * LARGE + np.log(3), rel=4 * EPS)


def test_hidden_model_at_logits_of_ten_thousand():
    rng = np.random.default_rng(8)
    W, X, y = rng.normal(size=(2, 3)), rng.normal(size=(6, 3)), rng.integers(4, size=6)
    h = np.maximum(X @ W.T, 0)
    V = np.array([[1.0, 1.0], [1.0, 1.0], [-1.0, -1.0], [-1.0, 1.0]])
    V *= LARGE / np.abs(h @ V.T).max()
    V[1] += rng.normal(size=2)  # a close race, lest every p is 0 or 1
    model, expected = HiddenModel(W, V, "ce"), finite_differences.hidden_ce_hessian(W, V, X, y)
    # covariances of V under p are differences of products of entries that are centred once for all samples
    cancellation = 4 * EPS * np.abs(V).max() ** 2 * np.abs(X).max() ** 2
    tolerance = LARGE_RELATIVE * np.abs(expected).max() + cancellation
    np.testing.assert_allclose(model.hessian(X, y), expected, rtol=0, atol=tolerance)
    assert np.isfinite(model.loss_value(X, y))
    assert all(np.isfinite(total) for total in model.total_masses(X, y).values())


# Masses ----------------------------------------------------------------------------------------------


@cases
@losses
@shapes
def test_masses_match_explicit_sums(case, loss, shape):
    model, X, y, truth = case(shape, loss)
    d, _, C, m = shape
    expected = brute.block_masses(truth.hessian(), d, m if case is hidden_case else None, C)
    blocks, totals = model.block_masses(X, y), model.total_masses(X, y)
    assert blocks.keys() == expected.keys()
    for part, masses in expected.items():
        close(blocks[part], masses, MASS_RELATIVE)
    assert totals.keys() == brute.total_masses(expected).keys()
    for part, total in brute.total_masses(expected).items():
        # terms of both signs are as large as those of the layer's diagonal blocks, or of the residuals
        layer = sum(value for name, value in totals.items() if name[:2] == part[:2])
        assert totals[part] == pytest.approx(total, rel=0, abs=MASS_RELATIVE * layer)
        assert totals[part] == pytest.approx(
            brute.total_masses(blocks)[part], rel=0, abs=MASS_RELATIVE * layer
        )


def test_total_masses_over_several_tiles_of_classes():
    d, N, C, m = 2, 5, 700, 2
    rng = np.random.default_rng(3)
    X, y = rng.normal(size=(N, d)), rng.integers(C, size=N)
    model = HiddenModel(rng.normal(size=(m, d)), rng.normal(size=(C, m)), "ce")
    totals = model.total_masses(X, y)
    h = np.maximum(X @ model.W.T, 0)
    error = rounding.masses(X, h, model.V)
    scales = {"ww": totals["ww_diag"], "vv": totals["vv_diag"], "wv": rounding.cross_scale(X, h, model.V)}
    for part, total in brute.total_masses(model.block_masses(X, y)).items():
        assert totals[part] == pytest.approx(total, rel=0, abs=error * scales[part[:2]])
    K, p = (h @ h.T) ** 2, brute.softmax(h @ model.V.T)
    B = np.stack([np.diag(q) - np.outer(q, q) for q in p])
    explicit = np.einsum("nk,nce,kce->", K, B, B) / N**2
    assert totals["vv_diag"] + totals["vv_off"] == pytest.approx(explicit, rel=2 * error)


def test_masses_without_labels_leave_out_the_cross_part():
    model, X, _, _ = hidden_case((3, 4, 3, 2), "ce")
    assert model.block_masses(X).keys() == {"ww", "vv"}
    assert model.total_masses(X).keys() == {"ww_diag", "ww_off", "vv_diag", "vv_off"}


# Identities of theory.md section 5 -------------------------------------------------------------------


@cases
def test_block_rows_sum_to_zero(case):
    """(5.4): sum_c H[v_c, v_e] = 0 for ce, and sum_c (V^T B_n)_ic = 0 between the layers."""
    model, X, y, _ = case((3, 8, 6, 2), "ce")
    C = model.n_classes
    scale = np.abs(model.hessian(X, y)).max()
    for e in range(C):
        total = sum(model.block(X, ("v", c), ("v", e)) for c in range(C))
        np.testing.assert_allclose(total, 0, atol=4 * C * EPS * scale)
    if isinstance(model, HiddenModel):  # residuals sum to zero over classes as well
        total = sum(model.block(X, ("w", 0), ("v", c), y) for c in range(C))
        np.testing.assert_allclose(total, 0, atol=4 * C * EPS * scale)


def test_traces_follow_from_the_weights_alone():
    """(5.5), with weights from an own softmax."""
    X, y, W, V, U = draw((4, 9, 5, 3))
    p = brute.softmax(X @ U.T)
    squared = (X**2).sum(axis=1)
    linear = LinearModel(U, "ce")
    assert np.trace(linear.block(X, ("v", 1), ("v", 1))) == pytest.approx(
        np.mean(p[:, 1] * (1 - p[:, 1]) * squared), rel=RELATIVE
    )
    assert np.trace(linear.block(X, ("v", 1), ("v", 4))) == pytest.approx(
        -np.mean(p[:, 1] * p[:, 4] * squared), rel=RELATIVE
    )
    a = X @ W.T
    hidden = HiddenModel(W, V, "ce")
    q = brute.softmax(np.maximum(a, 0) @ V.T)
    covariance = (q * V[:, 0] * V[:, 2]).sum(1) - (q * V[:, 0]).sum(1) * (q * V[:, 2]).sum(1)
    weights = (a[:, 0] > 0) * (a[:, 2] > 0) * covariance
    scale = np.mean(squared) * np.abs(V).max() ** 2
    trace = np.trace(hidden.block(X, ("w", 0), ("w", 2), y))
    assert trace == pytest.approx(np.mean(weights * squared), rel=0, abs=RELATIVE * scale)
