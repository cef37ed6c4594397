"""Gram matrices and spectra against closed-form eigenvalues, dense LAPACK and trace identities."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from numpy.typing import NDArray

from rmtsim import kernels
from rmtsim.kernels.cpu.compiled import sturm

EPS = np.finfo(np.float64).eps
DTYPES = (np.float32, np.float64)


@pytest.fixture(params=kernels.DEVICES)
def device(request: pytest.FixtureRequest) -> kernels.Operations:
    return kernels.load(request.param)


@pytest.fixture(scope="module")
def cpu() -> kernels.Operations:
    return kernels.load("cpu")


def _random_form(n: int, seed: int = 1) -> tuple[NDArray, NDArray]:
    rng = np.random.default_rng(seed)
    return rng.normal(size=n), rng.normal(size=n - 1)


def _dense(a: NDArray, b: NDArray) -> NDArray:
    return np.diag(a) + np.diag(b, 1) + np.diag(b, -1)


def _norm(a: NDArray, b: NDArray) -> float:
    """Gershgorin bound of |T|."""
    return float(np.abs(_dense(a, b)).sum(axis=1).max())


def _second_differences(n: int) -> tuple[NDArray, NDArray, NDArray]:
    """Tridiagonal (-1, 2, -1) and its eigenvalues 2 - 2 cos(k pi / (n + 1)) = 4 sin^2(k pi / (2n + 2))."""
    k = np.arange(1, n + 1)
    return np.full(n, 2.0), np.full(n - 1, -1.0), 4 * np.sin(k * np.pi / (2 * n + 2)) ** 2


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(1, 1), (1, 5), (40, 17), (17, 40), (300, 65), (7, 0)])
@pytest.mark.parametrize("sign", ["positive", "negative", "both", "zero"])
def test_weighted_gram_is_right_and_exactly_symmetric(
    device: kernels.Operations, shape: tuple[int, int], dtype: type, sign: str
) -> None:
    rng = np.random.default_rng(2)
    X, w = rng.normal(size=shape).astype(dtype), rng.normal(size=shape[0]) * (rng.random(shape[0]) < 0.6)
    w = {"positive": np.abs(w), "negative": -np.abs(w), "both": w, "zero": 0 * w}[sign]
    found = device.weighted_gram(X, w)
    assert found.dtype == dtype
    np.testing.assert_array_equal(found, found.T)
    terms = np.einsum("n,ni,nj->nij", w, X.astype(float), X.astype(float))
    # Each of N terms is rounded three times, the sum N times.
    bound = (shape[0] + 3) * np.finfo(dtype).eps * np.abs(terms).mean(axis=0)
    assert (np.abs(found - terms.mean(axis=0)) <= bound).all()


def test_rows_of_weight_zero_are_not_read(device: kernels.Operations) -> None:
    X = np.array([[1.0, 2.0], [np.nan, np.inf], [3.0, 4.0]])
    found = device.weighted_gram(X, np.array([1.0, 0.0, -1.0]))
    np.testing.assert_allclose(found, (np.outer(X[0], X[0]) - np.outer(X[2], X[2])) / 3, rtol=4 * EPS)


def test_gram_of_repeated_samples_by_hand(device: kernels.Operations) -> None:
    np.testing.assert_array_equal(
        device.weighted_gram(np.ones((4, 2)), np.full(4, 0.25)), np.full((2, 2), 0.25)
    )


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [1, 2, 31, 32, 33, 97, 150])
def test_eigenvalues_and_tridiagonal_form(device: kernels.Operations, n: int, dtype: type) -> None:
    A = np.random.default_rng(n).normal(size=(n, n)).astype(dtype)
    A = A + A.T
    wanted = np.linalg.eigvalsh(A.astype(float))
    bound = 4 * n * np.finfo(dtype).eps * np.abs(wanted).max()
    np.testing.assert_allclose(device.eigenvalues(A), wanted, rtol=0, atol=bound)
    a, b = device.tridiagonal(A)
    np.testing.assert_allclose(np.linalg.eigvalsh(_dense(a, b)), wanted, rtol=0, atol=bound)


def test_only_the_upper_triangle_is_read(device: kernels.Operations) -> None:
    A = np.random.default_rng(4).normal(size=(12, 12))
    symmetric = np.triu(A) + np.triu(A, 1).T
    np.testing.assert_array_equal(device.eigenvalues(A), device.eigenvalues(symmetric))
    for found, wanted in zip(device.tridiagonal(A), device.tridiagonal(symmetric), strict=True):
        np.testing.assert_array_equal(found, wanted)


def test_counts_between_known_eigenvalues(device: kernels.Operations) -> None:
    a, b, spectrum = _second_differences(60)
    between = (spectrum[1:] + spectrum[:-1]) / 2
    shifts = np.concatenate([[-np.inf, -1.0], between, [4.5, np.inf]])
    np.testing.assert_array_equal(device.sturm_counts(a, b, shifts), [0, 0, *range(1, 60), 60, 60])


@pytest.mark.parametrize("scale", [1e-300, 1e-160, 1.0, 1e160, 1e300])
def test_counts_survive_every_scale(cpu: kernels.Operations, scale: float) -> None:
    a, b, spectrum = _second_differences(20)
    between = scale * (spectrum[1:] + spectrum[:-1]) / 2
    np.testing.assert_array_equal(cpu.sturm_counts(scale * a, scale * b, between), np.arange(1, 20))
    np.testing.assert_allclose(
        cpu.extremes(scale * a, scale * b), scale * spectrum[[0, -1]], rtol=0, atol=32 * EPS * scale
    )


def test_an_eigenvalue_equal_to_the_shift_is_not_below_it(device: kernels.Operations) -> None:
    a, b = np.array([0.0, 0.0, 1.0, 2.0]), np.zeros(3)
    np.testing.assert_array_equal(device.sturm_counts(a, b, [0.0, 1.0, 2.0, 3.0]), [0, 2, 3, 4])
    np.testing.assert_array_equal(device.histogram(a, b, [0.0, 1.0, 2.0]), [0, 2, 1, 1])


@pytest.mark.parametrize("n", [1, 2, 33, 400])
def test_counts_are_within_rounding_of_the_spectrum(cpu: kernels.Operations, n: int) -> None:
    a, b = _random_form(n)
    spectrum = np.linalg.eigvalsh(_dense(a, b))
    shifts, slack = np.random.default_rng(5).uniform(-4, 4, 257), 4 * n * EPS * _norm(a, b)
    found = cpu.sturm_counts(a, b, shifts)
    assert (np.searchsorted(spectrum, shifts - slack) <= found).all()
    assert (found <= np.searchsorted(spectrum, shifts + slack)).all()


def test_counts_do_not_depend_on_the_other_shifts(cpu: kernels.Operations) -> None:
    """Minors of the first shift leave the range of numbers; others lie within rounding of eigenvalues."""
    rng = np.random.default_rng(6)
    for _ in range(20):
        a, b = _random_form(80)
        a[:60], b[:60] = rng.permutation(np.arange(1, 61)) * 2.0**-40, 0
        spectrum = np.linalg.eigvalsh(_dense(a, b))
        near = (spectrum[:, None] * (1 + EPS * np.arange(-3, 4))).ravel()
        shifts = np.concatenate([[30.5 * 2.0**-40], near, rng.uniform(-4, 4, 37)])
        alone = [int(cpu.sturm_counts(a, b, shifts[k : k + 1])[0]) for k in range(len(shifts))]
        np.testing.assert_array_equal(cpu.sturm_counts(a, b, shifts), alone)


@pytest.mark.parametrize("value", [0.0, 1e-310, -2.5])
@pytest.mark.parametrize("n", [1, 4])
def test_edges_on_all_eigenvalues_at_once(device: kernels.Operations, n: int, value: float) -> None:
    a, b, edges = np.full(n, value), np.zeros(n - 1), np.array([value - 1, value, value + 1])
    found = device.spectral_statistics(a[None], b[None], np.ones(1), edges).counts[0]
    np.testing.assert_array_equal(found, [0, 0, n, 0])
    np.testing.assert_array_equal(device.histogram(a, b, edges), found)
    bands = np.stack([a, np.zeros(n), np.zeros(n)])
    banded = device.banded_statistics(bands[None], np.ones(1), edges).counts[0]
    np.testing.assert_array_equal(banded, found)


def test_no_bin_holds_less_than_nothing(cpu: kernels.Operations) -> None:
    """Edges at consecutive numbers about eigenvalues, where rounding decides on which side one lies."""
    for n in (3, 20, 61):
        a, b = _random_form(n)
        for x in np.linalg.eigvalsh(_dense(a, b)):
            edges = x + np.arange(-6, 7) * np.spacing(abs(x))
            for counts in (
                cpu.histogram(a, b, edges),
                cpu.spectral_statistics(a[None], b[None], np.ones(1), edges).counts[0],
            ):
                assert (counts >= 0).all()
                assert counts.sum() == n


def test_counts_where_the_minors_leave_the_range_of_numbers(cpu: kernels.Operations) -> None:
    """Thirty rows that are 2^-40 from the shift: their minors pass 2^-1022, pivots do not."""
    rng = np.random.default_rng(7)
    small, b = rng.permutation(np.arange(1, 61)) * 2.0**-40, np.zeros(60)
    a = np.append(small, 1.0)
    shifts = (np.arange(60) + 0.5) * 2.0**-40
    minors, found = np.array([np.ones(60), np.zeros(60)]), np.zeros(60, np.int64)
    sturm.advance(a, np.zeros(61), 0, sturm.STRETCH, shifts, minors, found)
    assert not sturm.rescale(minors, np.zeros(60, np.int64))
    np.testing.assert_array_equal(cpu.sturm_counts(a, b, shifts), np.arange(60))
    np.testing.assert_allclose(cpu.extremes(a, b), [2.0**-40, 1.0], rtol=0, atol=8 * EPS)


def test_zero_rows_at_the_end_are_eigenvalues(cpu: kernels.Operations) -> None:
    a, b = np.zeros(50), np.zeros(49)
    a[:3], b[:2] = [1.0, 2.0, 4.0], [0.5, 0.5]
    spectrum = np.linalg.eigvalsh(_dense(a[:3], b[:2]))
    for sign in (1, -1):
        counts = cpu.sturm_counts(sign * a, b, [-9.0, -1e-300, 0.0, 1e-300, 9.0])
        np.testing.assert_array_equal(counts, [0, 0, 0, 47, 50] if sign > 0 else [0, 3, 3, 50, 50])
        wanted = np.sort(sign * np.append(spectrum, 0.0))[[0, -1]]
        np.testing.assert_allclose(cpu.extremes(sign * a, b), wanted, rtol=0, atol=32 * EPS)


def test_histogram_agrees_with_numpy(device: kernels.Operations) -> None:
    a, b = _random_form(301)
    spectrum = np.linalg.eigvalsh(_dense(a, b))
    edges = np.linspace(-2, 2.5, 41)
    found = device.histogram(a, b, edges)
    assert found.sum() == 301
    np.testing.assert_array_equal(found[1:-1], np.histogram(spectrum, edges)[0])
    assert found[0] == (spectrum < -2).sum()
    assert found[-1] == (spectrum >= 2.5).sum()


@pytest.mark.parametrize("n", [1, 2, 3, 64, 500])
def test_extremes_to_a_few_ulp_of_the_norm(device: kernels.Operations, n: int) -> None:
    for a, b in (_random_form(n), _second_differences(n)[:2], (np.zeros(n), np.zeros(n - 1))):
        wanted = np.linalg.eigvalsh(_dense(a, b))[[0, -1]]
        # Dense LAPACK, the oracle, is right to n eps |T|; bisection itself to 8 eps |T|.
        np.testing.assert_allclose(device.extremes(a, b), wanted, rtol=0, atol=(n + 8) * EPS * _norm(a, b))


def test_extremes_of_second_differences_in_closed_form(cpu: kernels.Operations) -> None:
    a, b, spectrum = _second_differences(2000)
    np.testing.assert_allclose(cpu.extremes(a, b), spectrum[[0, -1]], rtol=0, atol=8 * EPS * 4)


def test_extremes_of_a_graded_matrix(cpu: kernels.Operations) -> None:
    a, b = 10.0 ** np.arange(0, -12, -1), np.zeros(11)
    np.testing.assert_allclose(cpu.extremes(a, b), [1e-11, 1], rtol=0, atol=8 * EPS)


@pytest.mark.parametrize("n", [1, 2, 3, 4, 50])
def test_moments_are_traces_of_powers(device: kernels.Operations, n: int) -> None:
    a, b = _random_form(n)
    T, size = _dense(a, b), np.abs(_dense(a, b))
    for k, found in enumerate(device.moments(a, b), start=1):
        wanted = np.trace(np.linalg.matrix_power(T, k)) / n
        # At most 3^k walks of length k from each index, added one by one.
        bound = (n + 3**k) * EPS * np.trace(np.linalg.matrix_power(size, k)) / n
        assert abs(found - wanted) <= bound


def test_masses_are_squared_frobenius_norms(device: kernels.Operations) -> None:
    rng = np.random.default_rng(7)
    X, A = rng.normal(size=(23, 6)), rng.normal(size=(23, 4))
    wanted = [np.sum(np.einsum("n,ni,nj->ij", a, X, X) ** 2) / 23**2 for a in A.T]
    found = device.masses((X @ X.T) ** 2, A)
    bound = 4 * (23 + 6) * EPS * np.einsum("nr,nk,kr->r", abs(A), (X @ X.T) ** 2, abs(A)) / 23**2
    assert (np.abs(found - wanted) <= bound).all()


def test_bits_do_not_depend_on_what_other_threads_do(cpu: kernels.Operations) -> None:
    rng = np.random.default_rng(8)
    X, w = rng.normal(size=(150, 70)), rng.normal(size=150)

    def statistics(_: object) -> NDArray:
        H = cpu.weighted_gram(X, w)
        a, b = cpu.tridiagonal(H)
        return np.concatenate([H.ravel(), cpu.eigenvalues(H), a, b, cpu.extremes(a, b), cpu.moments(a, b)])

    alone = statistics(None)
    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(statistics, range(16)):
            np.testing.assert_array_equal(found, alone)


@pytest.mark.parametrize(
    ("operation", "arguments", "message"),
    [
        ("weighted_gram", (np.ones((3, 2)), np.ones(4)), r"weights: expected shape \(3,\), got \(4,\)"),
        ("weighted_gram", (np.ones((0, 2)), np.ones(0)), "X: expected at least one sample"),
        ("eigenvalues", (np.ones((3, 2)),), r"A: expected a square matrix, got shape \(3, 2\)"),
        ("tridiagonal", (np.diag([1.0, np.nan]),), r"A: expected finite numbers, got nan at index \(1, 1\)"),
        ("eigenvalues", (np.diag([1.0, np.inf]),), r"A: expected finite numbers, got inf at index \(1, 1\)"),
        ("sturm_counts", (np.ones(3), np.ones(3), [0.0]), r"off_diagonal: expected shape \(2,\), got \(3,\)"),
        ("sturm_counts", (np.ones(2), np.ones(1), [0.0, np.nan]), "shifts: .* NaN at index 1"),
        ("histogram", (np.ones(2), np.ones(1), [0.0, np.nan]), "edges: .* NaN at index 1"),
        (
            "histogram",
            (np.ones(2), np.ones(1), [1.0, 0.0]),
            "edges: expected two or more strictly increasing",
        ),
        ("histogram", (np.ones(2), np.ones(1), [1.0]), "edges: expected two or more strictly increasing"),
        ("extremes", (np.ones(0), np.ones(0)), "diagonal: expected at least one entry"),
        ("extremes", (np.array([np.nan]), np.ones(0)), "diagonal: expected finite numbers"),
        ("moments", (np.ones(0), np.ones(0)), "diagonal: expected at least one entry"),
        ("masses", (np.ones((3, 2)), np.ones((3, 1))), r"K: expected shape \(3, 3\), got \(3, 2\)"),
        ("masses", (np.ones((0, 0)), np.ones((0, 1))), "A: expected at least one sample"),
    ],
)
def test_values_that_do_not_fit_are_refused(
    device: kernels.Operations, operation: str, arguments: tuple, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        getattr(device, operation)(*arguments)


def test_masses_of_two_dtypes_are_refused(device: kernels.Operations) -> None:
    with pytest.raises(TypeError, match="K: expected dtype float32, got float64"):
        device.masses(np.ones((3, 3)), np.ones((3, 1), np.float32))


@pytest.mark.parametrize("scale", [1e-309, 1e-200, 1.0, 1e200, 4e307])
def test_extremes_of_any_finite_size(scale: float) -> None:
    """diag(1, -1) coupled by 1 has eigenvalues +-sqrt 2; neither overflow nor underflow stops the search."""
    cpu = kernels.load("cpu")
    found = cpu.extremes(np.array([scale, -scale]), np.array([scale]))
    exact = [-np.sqrt(2) * scale, np.sqrt(2) * scale]
    np.testing.assert_allclose(found, exact, rtol=0, atol=32 * EPS * scale + 2 * 5e-324)
    bands = np.array([[scale, -scale], [scale, 0.0], [0.0, 0.0]])
    banded = cpu.banded_statistics(bands[None], np.ones(1)).extremes[0]
    # Extremes to a few eps of a norm of 2 scale, and subnormal numbers to their unit.
    allowed = 32 * EPS * scale + 5e-324
    np.testing.assert_allclose(banded, found, rtol=0, atol=allowed)


@pytest.mark.parametrize("device", kernels.DEVICES)
def test_a_weight_that_is_nan_shows_in_the_gram_matrix(device: str) -> None:
    gram = kernels.load(device).weighted_gram(np.ones((2, 2)), np.array([np.nan, 1.0]))
    assert np.isnan(gram).all()
