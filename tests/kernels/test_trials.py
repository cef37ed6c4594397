"""Batches of trials: the draws of each trial and its blocks, whatever the batch, the tiles and the shape."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.linalg import eigvalsh_tridiagonal

from rmtsim import HiddenModel, LinearModel, kernels
from rmtsim.kernels.arguments import classes as tiles
from rmtsim.kernels.cpu.compiled import gram, householder

SIZES = ((40, 20, 11, 4), (20, 40, 300, 3), (9, 100, 5, 2), (1, 1, 1, 1), (130, 90, 7, 3))
"""(N, d, C, m): some with N < d, one past the order that our own reflections reduce."""


@pytest.fixture(scope="module")
def cpu() -> kernels.Operations:
    return kernels.load("cpu")


def streams(roles: int, trials: int = 3) -> NDArray[np.uint32]:
    return np.arange(4 * roles * trials, dtype=np.uint32).reshape(trials, roles, 4)


def blocks(count: int) -> NDArray[np.int64]:
    """A diagonal block, and an off-diagonal one if there are two units."""
    return np.array([[0, 0], [0, 1]][:count])


def spectrum(diagonal: NDArray, off_diagonal: NDArray) -> NDArray[np.float64]:
    return eigvalsh_tridiagonal(diagonal, off_diagonal) if len(diagonal) > 1 else diagonal


def drawn(
    cpu: kernels.Operations, stream: NDArray, rows: int, columns: int, dtype: type, scale: float
) -> NDArray:
    return cpu.normals(stream, 0, rows * columns, dtype, scale).reshape(rows, columns)


def close(form: tuple[NDArray, NDArray], H: NDArray, dtype: type) -> None:
    """Eigenvalues of a form are those of a block: both are right to a few n eps |H|."""
    expected = np.linalg.eigvalsh(H.astype(np.float64))
    allowed = 8 * (len(H) + 8) * np.finfo(dtype).eps * max(np.abs(expected).max(), 1e-30)
    np.testing.assert_allclose(spectrum(*form), expected, rtol=0, atol=allowed)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("loss", ["ce", "mse"])
@pytest.mark.parametrize("sizes", SIZES)
def test_forms_of_the_blocks_of_the_models(
    cpu: kernels.Operations, sizes: tuple[int, ...], loss: str, dtype: type
) -> None:
    N, d, C, m = sizes
    linear = cpu.linear_forms(streams(2), sizes[:3], loss, blocks(min(C, 2)), dtype).classes
    hidden = cpu.hidden_forms(streams(3), sizes, loss, blocks(min(m, 2)), blocks(min(C, 2)), dtype)
    for t in range(3):
        x, v = streams(2)[t]
        X = drawn(cpu, x, N, d, dtype, 1.0)
        model: LinearModel | HiddenModel = LinearModel(drawn(cpu, v, C, d, dtype, d**-0.5), loss)
        for r, (c, e) in enumerate(blocks(min(C, 2))):
            close(
                (linear.diagonals[t, r], linear.off_diagonals[t, r]),
                model.block(X, ("v", c), ("v", e)),
                dtype,
            )
        x, w, v = streams(3)[t]
        X, W = drawn(cpu, x, N, d, dtype, 1.0), drawn(cpu, w, m, d, dtype, d**-0.5)
        model = HiddenModel(W, drawn(cpu, v, C, m, dtype, m**-0.5), loss)
        for layer, forms, count in (("w", hidden.hidden, m), ("v", hidden.classes, C)):
            for r, (i, j) in enumerate(blocks(min(count, 2))):
                close(
                    (forms.diagonals[t, r], forms.off_diagonals[t, r]),
                    model.block(X, (layer, i), (layer, j)),
                    dtype,
                )
        expected = model.output_gram()[tuple(blocks(min(m, 2)).T)] if loss == "mse" else 1.0
        np.testing.assert_allclose(hidden.scales[t], expected, rtol=0, atol=4 * C * np.finfo(float).eps * 4)


def test_a_trial_has_the_same_bits_in_any_batch(cpu: kernels.Operations) -> None:
    every = cpu.hidden_forms(streams(3), SIZES[0], "ce", blocks(2), blocks(2))
    for t in range(3):
        alone = cpu.hidden_forms(streams(3)[t : t + 1], SIZES[0], "ce", blocks(2), blocks(2))
        for one, batch in zip((*alone.hidden, *alone.classes), (*every.hidden, *every.classes), strict=True):
            assert one[0].tobytes() == batch[t].tobytes()


def test_other_blocks_leave_a_block_alone(cpu: kernels.Operations) -> None:
    both = cpu.linear_forms(streams(2), SIZES[0][:3], "ce", [(0, 0), (5, 2)]).classes
    alone = cpu.linear_forms(streams(2), SIZES[0][:3], "ce", [(5, 2)]).classes
    assert both.diagonals[:, 1].tobytes() == alone.diagonals[:, 0].tobytes()


@pytest.mark.parametrize("loss", ["ce", "mse"])
def test_classes_that_come_in_tiles(
    cpu: kernels.Operations, loss: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other tiles sum in another order: a few N eps of the sums over 300 classes, all of them positive."""
    arguments = streams(3), SIZES[1], loss, blocks(2), [(0, 0), (299, 7)]
    whole = cpu.hidden_forms(*arguments)
    monkeypatch.setattr(tiles, "TILE_BYTES", 0)
    monkeypatch.setattr(tiles, "TILE_MINIMUM", 7)
    tiled = cpu.hidden_forms(*arguments)
    for one, other in zip((whole.hidden, whole.classes), (tiled.hidden, tiled.classes), strict=True):
        for a, b, x, y in zip(*one, *other, strict=True):
            for r in range(2):
                expected = spectrum(a[r], b[r])
                allowed = 300 * np.finfo(float).eps * np.abs(expected).max()
                np.testing.assert_allclose(spectrum(x[r], y[r]), expected, rtol=0, atol=allowed)


def form(X: NDArray, weights: NDArray) -> tuple[NDArray, NDArray]:
    d = X.shape[1]
    reduction = np.empty(gram.tridiagonal_work(d, X.itemsize), X.dtype)
    a, b = np.empty(d), np.empty(d - 1)
    work = gram.FormWork(weights, np.empty_like(X), np.empty((d, d), X.dtype), reduction)
    gram.weighted_form(X, work, a, b)
    return a, b


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(
    ("positive", "negative"), [(0, 0), (7, 0), (0, 7), (5, 3), (29, 30), (40, 20), (60, 9)]
)
def test_eigenvalues_of_few_rows_are_those_of_the_dual_problem(
    positive: int, negative: int, dtype: type
) -> None:
    """Weights over twelve orders of magnitude: the error stays a few n eps |H|, as QR's."""
    rng = np.random.default_rng(positive)
    d, N = 60, 80
    weights = np.zeros(N)
    r = positive + negative
    weights[:r] = np.where(np.arange(r) < positive, 1, -1) * 10.0 ** -rng.uniform(0, 12, r)
    weights = rng.permutation(weights)
    X = rng.normal(size=(N, d)).astype(dtype)
    H = (X.T.astype(np.float64) * weights) @ X.astype(np.float64) / N
    close(form(X, weights), H, dtype)
    a, b = form(X, weights)
    if r < d:
        assert not a[r:].any()
        assert not b[max(r - 1, 0) :].any()


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("n", [1, 2, 3, 5, 32, 47, 130, 301, 404])
@pytest.mark.parametrize("size", [1.0, 1e-300, 1e300])
def test_our_reflections_at_every_size_of_the_entries(n: int, size: float, dtype: type) -> None:
    unit = dtype(size ** (0.12 if dtype == np.float32 else 1.0))
    A = np.random.default_rng(n).normal(size=(n, n)).astype(dtype)
    A = (A + A.T) * unit
    a, b = np.empty(n), np.empty(n - 1)
    householder.reduce_small(A.copy(), a, b, np.empty(householder.work_size(n, A.itemsize), dtype))
    expected = np.linalg.eigvalsh(A.astype(np.float64) / np.float64(unit))
    allowed = 4 * n * np.finfo(dtype).eps * np.abs(expected).max()
    np.testing.assert_allclose(spectrum(a, b) / np.float64(unit), expected, rtol=0, atol=allowed)


@pytest.mark.parametrize(("dtype", "size"), [(np.float32, 2.6e-23), (np.float64, 1.5e-162)])
def test_reflections_of_a_row_whose_squares_are_subnormal(dtype: type, size: float) -> None:
    n = 40
    A = np.random.default_rng(1).normal(size=(n, n)).astype(dtype)
    A = A + A.T
    A[0, 2:] = size * np.random.default_rng(2).uniform(1, 2, n - 2)
    A[2:, 0], A[0, 1], A[1, 0] = A[0, 2:], 0, 0
    a, b = np.empty(n), np.empty(n - 1)
    householder.reduce_small(A.copy(), a, b, np.empty(householder.work_size(n, A.itemsize), dtype))
    expected = np.linalg.eigvalsh(A.astype(np.float64))
    allowed = 4 * n * np.finfo(dtype).eps * np.abs(expected).max()
    np.testing.assert_allclose(spectrum(a, b), expected, rtol=0, atol=allowed)


def test_reflections_of_matrices_with_nothing_to_reflect() -> None:
    for A in (np.zeros((5, 5)), np.diag(np.arange(5.0)), np.eye(4) + np.eye(4, k=1) + np.eye(4, k=-1)):
        n = len(A)
        a, b = np.empty(n), np.empty(n - 1)
        householder.reduce_small(A.copy(), a, b, np.empty(householder.work_size(n, A.itemsize)))
        np.testing.assert_array_equal(a, np.diag(A))
        np.testing.assert_array_equal(b, np.diag(A, 1))


def test_statistics_are_those_of_the_operations_on_one_matrix(cpu: kernels.Operations) -> None:
    rng = np.random.default_rng(3)
    a, b, scales = rng.normal(size=(4, 9)), rng.normal(size=(4, 8)), np.array([1.0, -0.5, 2.0, 3.0])
    edges = np.linspace(-4, 4, 12)
    found = cpu.spectral_statistics(a, b, scales, edges)
    for t in range(4):
        np.testing.assert_array_equal(found.moments[t], cpu.moments(a[t], b[t]))
        np.testing.assert_array_equal(found.extremes[t], cpu.extremes(a[t], b[t]))
        np.testing.assert_array_equal(
            found.counts[t], cpu.histogram(a[t] / scales[t], b[t] / scales[t], edges)
        )
    assert cpu.spectral_statistics(a, b, scales).counts.shape == (4, 0)


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        (
            "linear_forms",
            (streams(2), (4, 3), "ce", blocks(2)),
            "sizes: expected n_samples, n_features, n_classes",
        ),
        ("linear_forms", (streams(2), (4, 0, 2), "ce", blocks(2)), "n_features: expected an integer in"),
        ("linear_forms", (streams(3), (4, 3, 2), "ce", blocks(2)), "streams: expected shape"),
        (
            "linear_forms",
            (streams(2), (4, 3, 2), "l1", blocks(2)),
            "loss: expected one of 'ce', 'mse', got 'l1'",
        ),
        ("linear_forms", (streams(2), (4, 3, 1), "ce", blocks(2)), "class_pairs: expected indices in"),
        (
            "hidden_forms",
            (streams(3), (4, 3, 2, 1), "ce", blocks(2), blocks(2)),
            "hidden_pairs: expected indices in",
        ),
        (
            "spectral_statistics",
            (np.ones((1, 2)), np.ones((1, 1)), np.zeros(1)),
            "scales: expected numbers other",
        ),
        (
            "spectral_statistics",
            (np.ones((1, 0)), np.ones((1, 0)), np.ones(1)),
            "diagonals: expected at least one",
        ),
    ],
)
@pytest.mark.parametrize("device", ["cpu", "reference"])
def test_refusals_name_the_argument(device: str, name: str, arguments: tuple, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        getattr(kernels.load(device), name)(*arguments)
