"""Confident classifiers: softmax that is 1 to double precision, and a row common to all of V."""

import mpmath
import numpy as np
import pytest
from numpy.typing import NDArray

from rmtsim import HiddenModel, LinearModel, kernels
from rmtsim.kernels.host import tops

from ..oracles import precise

EPS, TINY = float(np.finfo(np.float64).eps), float(np.finfo(np.float64).tiny)
GAPS = [0.0, 3.0, 4.2, 7.0, 20.0, 27.6, 36.0, 100.0, 330.0, 660.0]
N, d, C = 5, 3, 4
LABELS = np.array([0, 1, 0, 2, 3])


def data(gap: float) -> tuple[NDArray, NDArray, NDArray]:
    """X near the axes, W near 1, and V whose class c leads by about `gap` on axis c; class 3 on none."""
    rng = np.random.default_rng(20250505)
    X = np.eye(d)[[0, 1, 0, 2, 1]] + rng.uniform(0.01, 0.03, (N, d))
    X[4] += np.eye(d)[0]
    W = np.eye(d) + rng.uniform(0.01, 0.03, (d, d))
    V = rng.normal(size=(C, d))
    V[range(d), range(d)] += gap * np.array([1, 1.05, 0.95])
    return X, W, V


def logit_bound(X: NDArray, V: NDArray) -> float:
    """Relative rounding error of p: of two logits, sums of k + 2 roundings (the hidden activation's too)."""
    return 2 * (d + 2) * float((np.abs(X) @ np.abs(V).T).max()) * EPS


def bound(X: NDArray, V: NDArray) -> float:
    """Relative rounding error of a block.

    Beside p, a sum over samples and one over classes, each of a few roundings a term. Where no class is taken
    out, 1 - p costs a factor `LOSS` of all this.
    """
    return tops.LOSS * (2 * logit_bound(X, V) + 2 * (N + C) * EPS)


def mass_bound(X: NDArray, V: NDArray) -> float:
    """Masses square blocks, and a difference of products of four p costs LOSS^2 roundings of sums."""
    return 2 * bound(X, V) + tops.LOSS**2 * (N + C) * EPS


@pytest.fixture(params=kernels.DEVICES)
def device(request: pytest.FixtureRequest) -> str:
    return request.param


def cases(gap: float, device: str) -> list[tuple]:
    """Model, its oracle, features and output weights of both architectures."""
    X, W, V = data(gap)
    return [
        (LinearModel(V, device=device), precise.Linear(V, X, LABELS), X),
        (HiddenModel(W, V, device=device), precise.Hidden(W, V, X, LABELS), X),
    ]


@pytest.mark.parametrize("gap", GAPS)
def test_blocks_have_their_digits_at_any_confidence(device: str, gap: float) -> None:
    with mpmath.workdps(precise.DIGITS):
        for model, truth, X in cases(gap, device):
            relative = bound(X, model.V)
            H, operator = model.hessian(X, LABELS), model.linear_operator(X, LABELS)
            product = operator @ np.eye(len(H))
            for (row, col), blocks in truth.blocks().items():
                for i in range(blocks.shape[0]):
                    for j in range(blocks.shape[1]):
                        wanted = precise.floats(blocks[i, j])
                        # Numbers below the normal ones have fewer digits, or are 0.
                        allowed = relative * np.abs(wanted).max() + TINY
                        found = model.block(X, (row, i), (col, j), LABELS)
                        np.testing.assert_allclose(found, wanted, rtol=0, atol=allowed)
                        where = span(model, row, i), span(model, col, j)
                        np.testing.assert_allclose(H[where], wanted, rtol=0, atol=allowed)
                        np.testing.assert_allclose(product[where], wanted, rtol=0, atol=allowed)


def span(model: LinearModel | HiddenModel, layer: str, unit: int) -> slice:
    """Parameters of a unit."""
    start = model.W.size if layer == "v" and isinstance(model, HiddenModel) else 0
    return slice(start + unit * d, start + (unit + 1) * d)


@pytest.mark.parametrize("gap", GAPS)
def test_masses_have_their_digits_at_any_confidence(device: str, gap: float) -> None:
    with mpmath.workdps(precise.DIGITS):
        for model, truth, X in cases(gap, device):
            allowed = {"rtol": mass_bound(X, model.V), "atol": TINY}
            wanted = truth.masses()
            found, totals = model.block_masses(X, LABELS), model.total_masses(X, LABELS)
            assert found.keys() == wanted.keys()
            for part, masses in wanted.items():
                # of blocks that are not far below the others of their layer
                np.testing.assert_allclose(found[part], masses, **allowed)
                if part == "wv":
                    np.testing.assert_allclose(totals["wv"], masses.sum(), **allowed)
                    continue
                diagonal = np.diag(masses)
                np.testing.assert_allclose(totals[f"{part}_diag"], diagonal.sum(), **allowed)
                off = (masses - np.diag(diagonal)).sum(axis=1)
                np.testing.assert_allclose(totals[f"{part}_off"], off.sum(), **allowed)
                if part == "vv":
                    by_class = model.class_masses(X)
                    np.testing.assert_allclose(by_class.diagonal, diagonal, **allowed)
                    np.testing.assert_allclose(by_class.off_diagonal, off, **allowed)


@pytest.mark.parametrize("gap", GAPS)
def test_the_loss_and_its_gradient_keep_their_digits_when_every_label_is_learned(
    device: str, gap: float
) -> None:
    y = LABELS.copy()
    y[4] = 1
    with mpmath.workdps(precise.DIGITS):
        for model, _, X in cases(gap, device):
            hidden = isinstance(model, HiddenModel)
            truth = precise.Hidden(model.W, model.V, X, y) if hidden else precise.Linear(model.V, X, y)
            assert model.loss_value(X, y) == pytest.approx(truth.loss(), rel=bound(X, model.V))
            gradient = precise.floats(truth.gradient())
            allowed = bound(X, model.V) * np.abs(gradient).max()
            np.testing.assert_allclose(model.gradient(X, y), gradient, rtol=0, atol=allowed)


@pytest.mark.parametrize("gap", GAPS)
def test_the_hessian_of_confident_classifiers_has_no_negative_curvature_and_rows_that_sum_to_zero(
    device: str, gap: float
) -> None:
    """(5.4) to rounding of each row's own size; Gauss-Newton parts are positive semidefinite."""
    X, _, V = data(gap)
    model = LinearModel(V, device=device)
    H = model.hessian(X).reshape(C, d, C, d)
    allowed = bound(X, V) * np.abs(H).max(axis=0)
    assert (np.abs(H.sum(axis=0)) <= allowed).all()
    spectrum = np.linalg.eigvalsh(H.reshape(C * d, C * d))
    assert spectrum[0] >= -(bound(X, V) + C * d * EPS) * spectrum[-1]


def test_digits_suffice_down_to_a_loss_of_1e_12() -> None:
    X, _, V = data(30.0)
    assert 1e-13 < LinearModel(V).loss_value(X[:4], LABELS[:4]) < 1e-12
    assert mass_bound(X, V) < 1e-10


def test_class_masses_of_a_classifier_that_is_sure_to_9999() -> None:
    """Mean confidence .9999, as after training: many samples share each top class."""
    rng = np.random.default_rng(3)
    V, y = 12 * np.eye(6) + rng.normal(size=(6, 6)) / 8, rng.integers(0, 6, 30)
    X = np.eye(6)[y] + 0.03 * rng.normal(size=(30, 6))
    model = LinearModel(V)
    p = model.outputs(X).all()
    assert 0.9998 < p.max(axis=1).mean() < 1
    with mpmath.workdps(60):
        masses = precise.Linear(V, X, y).masses()["vv"]
    found = model.class_masses(X)
    allowed = 4 * tops.LOSS * logit_bound(X, V) + 2 * (30 + 6) * tops.LOSS**2 * EPS
    np.testing.assert_allclose(found.diagonal, np.diag(masses), rtol=allowed)
    np.testing.assert_allclose(found.off_diagonal, masses.sum(axis=1) - np.diag(masses), rtol=allowed)


# A row common to all classes, which cross-entropy does not see ---------------------------------------------


class Rows:
    """Something with shape, dtype and row slicing and nothing else."""

    def __init__(self, array: NDArray) -> None:
        self._array, self.shape, self.dtype = array, array.shape, array.dtype

    def __getitem__(self, rows: slice) -> NDArray:
        return self._array[rows].copy()


@pytest.mark.parametrize("offset", [1e4, -1e6, 1e7])
@pytest.mark.parametrize("outlier", [False, True])
def test_a_row_common_to_all_classes_costs_nothing(device: str, offset: float, outlier: bool) -> None:
    """The same V with and without it, after the rounding of V + offset, which no program can undo."""
    rng = np.random.default_rng(7)
    n, classes = 12, 60
    X, W = rng.normal(size=(n, d)), np.eye(d) + rng.uniform(0.01, 0.03, (d, d))
    y = rng.integers(0, classes, n)
    shifted = rng.normal(size=(classes, d)) + offset * rng.uniform(0.5, 1, d)
    if outlier:
        shifted[0] = 0  # the first row is far from the others, towards samples that it takes over or loses
    plain = shifted - shifted[1]  # exact, but for the outlier's row
    V, u = Rows(shifted) if outlier else shifted, rng.normal(size=(d * (d + classes), 2))
    for model, wanted in (
        (LinearModel(V, device=device), LinearModel(plain, device=device)),
        (HiddenModel(W, V, device=device), HiddenModel(W, plain, device=device)),
    ):
        size = np.abs(wanted.V[1:]).max()
        # Logits of entries of this size; sums over samples and classes; covariances of rows of this size.
        allowed = 8 * tops.LOSS * (d * size * np.abs(X).sum(axis=1).max() + n + classes) * EPS
        H = wanted.hessian(X, y)
        np.testing.assert_allclose(model.hessian(X, y), H, rtol=0, atol=allowed * np.abs(H).max())
        found, direction = model.linear_operator(X, y), u[: len(H)]
        scale = np.abs(H).max() * np.abs(direction).sum(axis=0).max()
        np.testing.assert_allclose(found @ direction, H @ direction, rtol=0, atol=allowed * scale)
        masses = wanted.total_masses(X, y)
        for part, mass in model.total_masses(X, y).items():
            assert mass == pytest.approx(masses[part], rel=2 * allowed), part
        assert model.loss_value(X, y) == pytest.approx(wanted.loss_value(X, y), rel=allowed)
