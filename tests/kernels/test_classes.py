"""Softmax statistics and sample weights against SciPy, exact sums and covariances taken sample by sample."""

import math
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import mpmath
import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import logsumexp, softmax

from rmtsim import kernels
from rmtsim.kernels.cpu.compiled.exp import exp
from rmtsim.kernels.cpu.compiled.jit import jit

EPS = np.finfo(np.float64).eps
DTYPES = (np.float32, np.float64)


@pytest.fixture(params=kernels.DEVICES)
def device(request: pytest.FixtureRequest) -> kernels.Operations:
    return kernels.load(request.param)


@pytest.fixture(scope="module")
def cpu() -> kernels.Operations:
    return kernels.load("cpu")


def _model(n: int = 61, classes: int = 203, width: int = 7, seed: int = 1) -> tuple[NDArray, NDArray]:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, width)), rng.normal(size=(classes, width))


def _logit_bound(features: NDArray, V: NDArray) -> float:
    """Rounding error of a logit, k products and sums of at most |x| |v|, made twice: two are compared."""
    return 2 * (features.shape[1] + 1) * EPS * float((np.abs(features) @ np.abs(V).T).max())


class Rows:
    """Something with shape, dtype and row slicing and nothing else, as a dataset on disk."""

    def __init__(self, array: NDArray) -> None:
        self._array, self.shape, self.dtype = array, array.shape, array.dtype

    def __getitem__(self, rows: slice) -> NDArray:
        assert isinstance(rows, slice)
        return self._array[rows].copy()


@jit
def _exponentials(x: NDArray, out: NDArray) -> None:
    for i in range(x.size):
        out[i] = exp(x[i])


@pytest.mark.parametrize(("dtype", "lowest"), [(np.float64, -708.0), (np.float32, -87.0)])
def test_the_exponential_is_within_one_ulp(dtype: type, lowest: float) -> None:
    rng = np.random.default_rng(2)
    small = -(10.0 ** rng.uniform(-12, 0, 500))
    x = np.concatenate([rng.uniform(lowest, 1, 3000), small, [0.0]]).astype(dtype)
    found = np.empty_like(x)
    _exponentials(x, found)
    with mpmath.workdps(40):
        for value, result in zip(x.tolist(), found, strict=True):
            exact = mpmath.exp(value)
            assert abs(mpmath.mpf(float(result)) - exact) <= float(np.spacing(dtype(exact)))


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_exponential_at_its_limits(dtype: type) -> None:
    x = np.array([-np.inf, -1e4, np.nan], dtype)
    found = np.empty_like(x)
    _exponentials(x, found)
    np.testing.assert_array_equal(found, np.array([0, 0, np.nan], dtype))


def test_softmax_against_scipy(device: kernels.Operations) -> None:
    features, V = _model()
    logits = features @ V.T
    bound = _logit_bound(features, V) + len(V) * EPS
    np.testing.assert_allclose(
        device.log_normalizers(features, V), logsumexp(logits, axis=1), rtol=4 * EPS, atol=bound
    )
    classes = [202, 0, 17, 17]
    found = device.class_probabilities(features, V, classes)
    np.testing.assert_allclose(found, softmax(logits, axis=1)[:, classes], rtol=2 * bound)


def test_means_and_covariances_against_numpy(device: kernels.Operations) -> None:
    features, V = _model()
    p = softmax(features @ V.T, axis=1)
    # p is a probability vector: errors are those of p times the largest entry, or product of two entries.
    error, largest = 4 * (_logit_bound(features, V) + len(V) * EPS), np.abs(V).max()
    np.testing.assert_allclose(device.class_means(features, V), p @ V, rtol=0, atol=error * largest)
    pairs = np.array([(i, j) for i in range(7) for j in range(i + 1)])
    wanted = [np.cov(V.T, aweights=row, ddof=0)[pairs[:, 0], pairs[:, 1]] for row in p]
    found = device.class_covariances(features, V, pairs)
    np.testing.assert_allclose(found, wanted, rtol=0, atol=2 * error * largest**2)


def test_normalizers_of_many_classes_keep_13_digits(cpu: kernels.Operations) -> None:
    rng = np.random.default_rng(3)
    logits = rng.uniform(-50, 50, 131072)
    exact = logits.max() + math.log(math.fsum(np.exp(logits - logits.max())))
    flat = math.log(131072)
    assert abs(cpu.log_normalizers(np.ones((1, 1)), logits[:, None])[0] / exact - 1) < 1e-13
    assert abs(cpu.log_normalizers(np.zeros((1, 1)), logits[:, None])[0] / flat - 1) < 1e-13


@pytest.mark.parametrize("dtype", DTYPES)
def test_logits_of_ten_thousand_neither_overflow_nor_give_nan(
    device: kernels.Operations, dtype: type
) -> None:
    features = np.array([[1.0], [-1.0], [0.0]], dtype)
    V = np.array([[1e4], [-1e4], [0.0]], dtype)
    np.testing.assert_array_equal(device.log_normalizers(features, V)[:2], [1e4, 1e4])
    p = device.class_probabilities(features, V, [0, 1, 2])
    np.testing.assert_array_equal(p[:2], [[1, 0, 0], [0, 1, 0]])
    np.testing.assert_allclose(p[2], 1 / 3, rtol=4 * np.finfo(dtype).eps)
    covariance = device.class_covariances(features, V, [(0, 0)])[:, 0]
    np.testing.assert_allclose(covariance, [0, 0, 2e8 / 3], rtol=8 * np.finfo(dtype).eps, atol=0)


def test_tops_are_classes_beyond_63_in_64_and_their_complements_sums_of_the_others(
    device: kernels.Operations,
) -> None:
    """Two classes: 1 - p of the larger is 1 / (1 + e^gap)."""
    gaps = np.array([0.0, 2.0, np.log(62.9), np.log(63.1), 30.0, 600.0])
    for sign, likely in ((1.0, 0), (-1.0, 1)):
        found = device.softmax_tops(sign * gaps[:, None], np.array([[1.0], [0.0]]))
        np.testing.assert_array_equal(found.top, [-1] * 3 + [likely] * 3)
        np.testing.assert_array_equal(found.complement[:3], 1)
        # A logit of 600 is rounded by 600 eps, twice.
        exact = [float(1 / (1 + mpmath.exp(gap))) for gap in gaps[3:]]
        np.testing.assert_allclose(found.complement[3:], exact, rtol=4 * 600 * EPS)
        np.testing.assert_allclose(found.log_z, np.logaddexp(sign * gaps, 0), rtol=4 * EPS, atol=4 * EPS)


@pytest.mark.parametrize("tile", [1, 2, 5])
def test_tops_do_not_depend_on_the_tile(device: kernels.Operations, tile: int) -> None:
    features, V = np.eye(5), 9 * np.eye(5)[:, ::-1] + np.arange(25).reshape(5, 5) / 25
    found, whole = device.softmax_tops(features, V, tile), device.softmax_tops(features, V)
    np.testing.assert_array_equal(found.top, [4, 3, 2, 1, 0])
    np.testing.assert_array_equal(whole.top, found.top)
    np.testing.assert_allclose(found.complement, whole.complement, rtol=4 * _logit_bound(features, V))


def test_a_logit_that_is_no_number_is_not_hidden(device: kernels.Operations) -> None:
    features, V = _model(3, 5, 2)
    features[1, 0] = np.nan
    found = device.log_normalizers(features, V)
    np.testing.assert_array_equal(np.isnan(found), [False, True, False])


def test_covariances_survive_a_common_offset_of_the_parameters(cpu: kernels.Operations) -> None:
    features, V = _model()
    shifted = V + 1e6
    p = softmax(features @ shifted.T, axis=1)
    mean = p @ V
    wanted = np.einsum("nc,nc,nc->n", p, V[:, 0] - mean[:, :1], V[:, 1] - mean[:, 1:2])
    found = cpu.class_covariances(features, shifted, [(0, 1)])[:, 0]
    # The shifted entries are rounded at 1e6 eps, and so are the logits, 7 products of that size.
    np.testing.assert_allclose(found, wanted, rtol=0, atol=64 * 1e6 * EPS * np.abs(V).max() ** 2)


def test_covariances_of_classes_far_from_the_first_ones_keep_their_digits(device: kernels.Operations) -> None:
    """First classes at -1e6, which no sample takes; and one class that leads by e^40."""
    rng = np.random.default_rng(6)
    features, near = np.abs(rng.normal(size=(50, 3))) + 0.1, rng.normal(size=(300, 3))
    near[7] += 40 / features.sum(axis=1).min()
    far = near[:256] - 1e6
    pairs = [(0, 0), (1, 2)]
    p = softmax(features @ near.T, axis=1)
    others = p.copy()
    others[:, 7] = 0
    apart = near - near[7]
    means = others @ apart
    wanted = np.stack([(others * apart[:, i]) @ apart[:, j] - means[:, i] * means[:, j] for i, j in pairs], 1)
    found = device.class_covariances(features, np.concatenate([far, near]), pairs)
    # p to the rounding of its logits and a sum over the classes, times products of the rows' distances.
    size = np.stack([others @ np.abs(apart[:, i] * apart[:, j]) for i, j in pairs], 1)
    error = 4 * (_logit_bound(features, near) + 556 * EPS)
    assert (np.abs(found - wanted) <= error * size).all()
    assert size.max() < 1e-10


def test_diagonal_weights_of_all_classes_sum_to_the_trace_of_the_covariance(cpu: kernels.Operations) -> None:
    features = np.random.default_rng(5).normal(size=(11, 6))
    p = cpu.class_probabilities(features, np.eye(6), np.arange(6))
    np.testing.assert_allclose(p.sum(axis=1), 1, rtol=16 * EPS)
    found = cpu.class_covariances(features, np.eye(6), [(c, c) for c in range(6)] + [(0, 1)])
    for c in range(6):
        np.testing.assert_allclose(found[:, c], cpu.class_weights(p[:, c], p[:, c], True), atol=16 * EPS)
    np.testing.assert_allclose(found[:, 6], cpu.class_weights(p[:, 0], p[:, 1], False), atol=16 * EPS)


def _everything(module: kernels.Operations, features: NDArray, V: object, tile: int | None) -> list[NDArray]:
    return [
        module.log_normalizers(features, V, tile=tile),
        module.class_probabilities(features, V, [200, 3, 64], tile=tile),
        module.class_means(features, V, tile=tile),
        module.class_covariances(features, V, [(0, 0), (2, 5)], tile=tile),
    ]


@pytest.mark.parametrize("tile", [1, 7, 64, 203, 1000])
def test_the_tile_changes_nothing_but_rounding(cpu: kernels.Operations, tile: int) -> None:
    features, V = _model()
    bound = 4 * (_logit_bound(features, V) + len(V) * EPS) * np.abs(V).max() ** 2
    whole, tiled = (_everything(cpu, features, V, size) for size in (None, tile))
    for found, wanted in zip(tiled, whole, strict=True):
        np.testing.assert_allclose(found, wanted, rtol=0, atol=bound)


def test_parameters_may_be_anything_that_slices_rows(cpu: kernels.Operations, tmp_path: Path) -> None:
    features, V = _model()
    np.save(tmp_path / "V.npy", V)
    for source in (Rows(V), np.load(tmp_path / "V.npy", mmap_mode="r")):
        for found, wanted in zip(
            _everything(cpu, features, source, 50), _everything(cpu, features, V, 50), strict=True
        ):
            np.testing.assert_array_equal(found, wanted)


def test_known_normalizers_give_the_same_probabilities(device: kernels.Operations) -> None:
    features, V = _model()
    log_z = device.log_normalizers(features, V)
    found = device.class_probabilities(features, Rows(V), [200, 3, 64], tile=50, log_z=log_z)
    wanted = device.class_probabilities(features, V, [200, 3, 64])
    np.testing.assert_allclose(found, wanted, rtol=2 * _logit_bound(features, V))


def test_bits_do_not_depend_on_what_other_threads_do(cpu: kernels.Operations) -> None:
    features, V = _model(n=700)
    alone = _everything(cpu, features, V, None)
    with ThreadPoolExecutor(4) as pool:
        for results in pool.map(lambda _: _everything(cpu, features, V, None), range(16)):
            for found, wanted in zip(results, alone, strict=True):
                np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize("samples", [1, 511, 512, 513, 1025])
def test_strips_of_samples_are_independent(cpu: kernels.Operations, samples: int) -> None:
    features, V = _model(n=samples, classes=9)
    bound = _logit_bound(features, V) + len(V) * EPS
    np.testing.assert_allclose(
        cpu.log_normalizers(features, V), logsumexp(features @ V.T, axis=1), rtol=4 * EPS, atol=bound
    )


def test_single_precision_error_is_that_of_its_logits(cpu: kernels.Operations) -> None:
    features, V = _model(classes=5000)
    bound = _logit_bound(features, V) * float(np.finfo(np.float32).eps) / EPS
    exact = _everything(cpu, features, V, None)
    single = _everything(cpu, features.astype(np.float32), V.astype(np.float32), None)
    scales = (1, 1, np.abs(V).max(), np.abs(V).max() ** 2)
    for found, wanted, scale in zip(single, exact, scales, strict=True):
        np.testing.assert_allclose(found, wanted, rtol=0, atol=2 * bound * scale)


def test_gates_are_shut_at_exactly_zero(device: kernels.Operations) -> None:
    a = np.array([1.0, 0.0, -0.0, -1.0, 2.0, 5e-324])
    b = np.array([1.0, 1.0, 1.0, 1.0, 0.0, 1.0])
    np.testing.assert_array_equal(device.gated_weights(a, b, 3.0), [3, 0, 0, 0, 0, 3])
    factors = np.array([-1.0, np.nan, 2.0, 2.0, 2.0, 7.0])
    np.testing.assert_array_equal(device.gated_weights(a, b, factors), [-1, 0, 0, 0, 0, 7])


def test_class_weights_by_hand(device: kernels.Operations) -> None:
    p, q = np.array([0.5, 0.25, 1.0, 0.0]), np.array([0.25, 0.5, 0.0, 1.0])
    np.testing.assert_array_equal(device.class_weights(p, p, True), [0.25, 0.1875, 0, 0])
    np.testing.assert_array_equal(device.class_weights(p, q, False), [-0.125, -0.125, 0, 0])
    others = np.array([0.5, 0.75, 1e-30, 1.0])
    np.testing.assert_array_equal(device.class_weights(p, p, True, others), [0.25, 0.1875, 1e-30, 0])
    np.testing.assert_array_equal(device.class_weights(p, q, False, others), [-0.125, -0.125, 0, 0])


@pytest.mark.parametrize(
    ("operation", "arguments", "message"),
    [
        ("log_normalizers", (np.ones((3, 2)), np.ones((4, 3))), r"V: expected shape \(n_classes, 2\)"),
        ("log_normalizers", (np.ones((3, 2)), np.ones((0, 2))), "V: expected shape .* n_classes >= 1"),
        ("log_normalizers", (np.ones((3, 2)), np.ones((4, 2)), 0), "tile: expected an integer in"),
        ("class_probabilities", (np.ones((3, 2)), np.ones((4, 2)), [4]), r"classes: .* \[0, 4\), got 4"),
        ("class_probabilities", (np.ones((3, 2)), np.ones((4, 2)), [-1]), r"classes: .* \[0, 4\), got -1"),
        (
            "class_covariances",
            (np.ones((3, 2)), np.ones((4, 2)), [(0, 2)]),
            r"pairs: .* \[0, 2\), got 0 to 2",
        ),
        (
            "class_covariances",
            (np.ones((3, 2)), np.ones((4, 2)), [0, 1]),
            r"pairs: expected shape \(any, 2\)",
        ),
        ("class_weights", (np.ones(3), np.ones(4), True), r"p_col: expected shape \(3,\), got \(4,\)"),
        ("gated_weights", (np.ones(3), np.ones(3), np.ones(2)), r"factor: expected shape \(3,\), got \(2,\)"),
    ],
)
def test_values_that_do_not_fit_are_refused(
    device: kernels.Operations, operation: str, arguments: tuple, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        getattr(device, operation)(*arguments)


@pytest.mark.parametrize(
    ("operation", "arguments", "message"),
    [
        ("log_normalizers", (np.ones((3, 2)), np.ones((4, 2), int)), "V: expected dtype float32 or float64"),
        ("class_probabilities", (np.ones((3, 2)), np.ones((4, 2)), [0.5]), "classes: expected integers"),
        ("log_normalizers", (np.ones((3, 2)), np.ones((4, 2)), 1.5), "tile: expected an integer"),
        ("gated_weights", (np.ones(3), np.ones(3), "x"), "factor: expected"),
    ],
)
def test_types_that_do_not_fit_are_refused(
    device: kernels.Operations, operation: str, arguments: tuple, message: str
) -> None:
    with pytest.raises(TypeError, match=message):
        getattr(device, operation)(*arguments)
