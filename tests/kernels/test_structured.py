"""Chi variables against SciPy's law; pentadiagonal spectra against closed forms and LAPACK."""

import re

import numpy as np
import pytest
import scipy.linalg
import scipy.stats
from numba import njit
from numpy.typing import NDArray

from rmtsim import kernels
from rmtsim.kernels.cpu.compiled import chi

STREAM = np.array([0xA4093822, 0x299F31D0, 0x13198A2E, 0x03707344], np.uint32)
WORDS = np.arange(16, dtype=np.uint32).reshape(2, 2, 4)
EPS = np.finfo(np.float64).eps
DEGREES = (0.1, 0.5, 1.0, 1.5, 1.999, 2.0, 3.0, 7.25, 40.0, 1000.0, 1e6, 2.0**40)


@pytest.fixture(params=kernels.DEVICES)
def device(request: pytest.FixtureRequest) -> kernels.Operations:
    return kernels.load(request.param)


@pytest.fixture(scope="module")
def cpu() -> kernels.Operations:
    return kernels.load("cpu")


# Chi variables -------------------------------------------------------------------------------------


def test_chi_agrees_with_the_reference(cpu: kernels.Operations) -> None:
    degrees = np.concatenate([DEGREES, np.random.default_rng(1).uniform(1, 60, 400)])
    found, wanted = (kernels.load(name).chi(STREAM, 11, degrees) for name in ("cpu", "reference"))
    # The power 1/k of a uniform number, known to a few eps, multiplies its logarithm by 1/k.
    np.testing.assert_allclose(found, wanted, rtol=16 * EPS * (1 + 1 / degrees.min()))


def test_an_element_does_not_depend_on_its_neighbours(device: kernels.Operations) -> None:
    degrees = np.tile(DEGREES, 3)
    whole = device.chi(STREAM, 2**40, degrees)
    for i in range(len(degrees)):
        assert device.chi(STREAM, 2**40 + i, degrees[i : i + 1]) == whole[i]
    np.testing.assert_array_equal(device.chi(STREAM, 2**40, degrees[::2][::2]), _alone(device, degrees[::4]))


def _alone(device: kernels.Operations, degrees: NDArray) -> NDArray:
    return np.concatenate([device.chi(STREAM, 2**40 + i, degrees[i : i + 1]) for i in range(len(degrees))])


def test_no_degrees_of_freedom_give_zero_and_none_give_none(device: kernels.Operations) -> None:
    np.testing.assert_array_equal(device.chi(STREAM, 0, np.zeros(3)), np.zeros(3))
    assert device.chi(STREAM, 0, np.empty(0)).shape == (0,)
    single = device.chi(STREAM, 0, np.array([3], np.float32))
    assert single.dtype == np.float64
    np.testing.assert_array_equal(single, device.chi(STREAM, 0, np.array([3.0])))


@pytest.mark.parametrize("k", DEGREES)
def test_chi_has_the_law_of_scipy(cpu: kernels.Operations, k: float) -> None:
    """Kolmogorov-Smirnov at 5 standard deviations, 5.7e-7, on 10^5 numbers of a fixed seed."""
    drawn = cpu.chi(STREAM, 0, np.full(100_000, k))
    # SciPy's chi loses the digits of so narrow a law: chi - sqrt(k) is N(0, 1/2) up to k^(-1/2).
    law = scipy.stats.chi(k).cdf if k < 1e9 else scipy.stats.norm(np.sqrt(k), 0.5**0.5).cdf
    assert scipy.stats.kstest(drawn, law).pvalue > 5.7e-7


@pytest.mark.parametrize("k", [0.5, 1.0, 2.0, 5.5, 300.0])
def test_moments_of_chi(cpu: kernels.Operations, k: float) -> None:
    square = cpu.chi(STREAM, 2**50, np.full(200_000, k)) ** 2
    for values, exact in ((square, k), (square**2, k * (k + 2)), (square**3, k * (k + 2) * (k + 4))):
        assert abs(values.mean() - exact) < 5 * values.std() / np.sqrt(len(values))


def test_neighbours_are_uncorrelated(cpu: kernels.Operations) -> None:
    n = 200_000
    ranks = scipy.stats.chi(3).cdf(cpu.chi(STREAM, 0, np.full(n, 3.0))) - 0.5
    for lag in (1, 2, 64):
        assert abs(12 * np.mean(ranks[lag:] * ranks[:-lag])) < 5 / np.sqrt(n)


def test_rejected_attempts_are_drawn_again(cpu: kernels.Operations) -> None:
    """With 2 degrees 1 attempt in 20 is rejected: among 10^5 elements some need three attempts or more."""
    offset, slope = 2 / 3, 1 / np.sqrt(6)
    attempts = np.zeros(5, int)
    for element in range(2000):
        x = kernels.load("reference").normals(STREAM, 128 * element, 8)[[0, 1, 4, 5]]
        u = kernels.load("reference").uniforms(STREAM, 128 * element, 8)[[2, 3, 6, 7]]
        with np.errstate(invalid="ignore"):
            v = (1 + slope * x) ** 3
            accepted = (v > 0) & (np.log(u) < x**2 / 2 + offset * (1 - v + np.log(v)))
        first = accepted.argmax()
        attempts[first] += 1
        assert cpu.chi(STREAM, element, [2.0])[0] == pytest.approx(
            np.sqrt(2 * offset * v[first]), rel=16 * EPS
        )
    assert attempts[1] > 50
    assert attempts[2:].sum() > 0


REFUSED = [
    ((STREAM[:3], 0, np.ones(1)), ValueError, r"stream: expected shape \(4,\)"),
    ((STREAM, -1, np.ones(1)), ValueError, "start: expected an integer in .* got -1"),
    ((STREAM, 2**57 - 1, np.ones(2)), ValueError, "start: expected an integer in"),
    ((STREAM, 0, np.ones(2, int)), TypeError, "degrees: expected dtype float32 or float64, got int64"),
    ((STREAM, 0, np.ones((1, 2))), ValueError, r"degrees: expected shape \(any,\)"),
    ((STREAM, 0, np.array([1.0, -0.5])), ValueError, "degrees: .* got -0.5 at index 1"),
    ((STREAM, 0, np.array([np.nan])), ValueError, "degrees: .* got nan at index 0"),
    ((STREAM, 0, np.array([2.0**41])), ValueError, "degrees: expected numbers from 0 to 2\\^40"),
]


@pytest.mark.parametrize(("arguments", "error", "message"), REFUSED)
def test_chi_refuses(device: kernels.Operations, arguments: tuple, error: type, message: str) -> None:
    with pytest.raises(error, match=f"^{message}"):
        device.chi(*arguments)


def test_the_last_element_of_a_stream(device: kernels.Operations) -> None:
    assert device.chi(STREAM, 2**57 - 1, np.array([4.0]))[0] > 0
    wanted = kernels.load("reference").chi(STREAM, 2**57 - 1, np.array([1.0]))
    np.testing.assert_allclose(device.chi(STREAM, 2**57 - 1, np.array([1.0])), wanted, rtol=16 * EPS)


def test_the_first_attempt_is_vectorised() -> None:
    compiled = njit(nogil=True, error_model="numpy")(chi.fill_chi.py_func)
    compiled(STREAM, np.uint64(0), np.ones(8), np.empty(8))
    code = next(iter(compiled.inspect_asm().values()))
    assert re.findall(r"\bv?sqrtpd\b|fsqrt\s+v", code)
    assert not re.findall(r"\b(log|exp|sin|cos|sincos|pow|sqrt)\b", code)


# Pentadiagonal matrices ----------------------------------------------------------------------------


def _random_bands(n: int, seed: int = 1) -> NDArray:
    return np.random.default_rng([n, seed]).normal(size=(3, n))


def _extremes(device: kernels.Operations, bands: NDArray) -> NDArray:
    return device.banded_statistics(bands[None], np.ones(1)).extremes[0]


def _moments(device: kernels.Operations, bands: NDArray) -> NDArray:
    return device.banded_statistics(bands[None], np.ones(1)).moments[0]


def _dense(bands: NDArray) -> NDArray:
    n = bands.shape[1]
    S = np.zeros((n, n))
    for i in range(n):
        for k in range(min(3, n - i)):
            S[i + k, i] = S[i, i + k] = bands[k, i]
    return S


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 17, 60])
def test_spectra_of_random_bands(device: kernels.Operations, n: int) -> None:
    bands = _random_bands(n)
    S = _dense(bands)
    spectrum, norm = np.linalg.eigvalsh(S), np.abs(S).sum(axis=1).max()
    bound = 8 * n * EPS * norm
    np.testing.assert_allclose(_extremes(device, bands), spectrum[[0, -1]], rtol=0, atol=bound)
    middles = (spectrum[1:] + spectrum[:-1]) / 2
    shifts = np.concatenate([[-np.inf], middles[::-1], [np.inf, -2 * norm, 2 * norm]])
    wanted = np.concatenate([[0], np.arange(1, n)[::-1], [n, 0, n]])
    np.testing.assert_array_equal(device.banded_counts(bands, shifts), wanted)
    edges = np.linspace(-2.1, 1.9, 12)
    (counts,) = device.banded_statistics(bands[None], np.ones(1), edges).counts
    assert counts.dtype == np.int64
    np.testing.assert_array_equal(counts[1:-1], np.histogram(spectrum, edges)[0])
    assert counts.sum() == n
    power, found = np.eye(n), _moments(device, bands)
    for k in range(4):
        power = power @ S
        np.testing.assert_allclose(found[k], np.trace(power) / n, rtol=0, atol=8 * n * EPS * norm ** (k + 1))


def test_squares_of_second_differences_in_closed_form(device: kernels.Operations) -> None:
    """T^2 for T = (-1, 2, -1) of order n is pentadiagonal, with eigenvalues (2 - 2 cos(k pi/(n+1)))^2."""
    n = 200
    bands = np.stack([np.full(n, 6.0), np.full(n, -4.0), np.full(n, 1.0)])
    bands[0, [0, -1]] = 5
    exact = (4 * np.sin(np.arange(1, n + 1) * np.pi / (2 * n + 2)) ** 2) ** 2
    bound = 8 * n * EPS * 16
    np.testing.assert_allclose(_extremes(device, bands), exact[[0, -1]], rtol=0, atol=bound)
    middles = (exact[1:] + exact[:-1]) / 2
    np.testing.assert_array_equal(device.banded_counts(bands, middles), np.arange(1, n))


def test_no_third_diagonal_gives_what_the_tridiagonal_operations_give(device: kernels.Operations) -> None:
    bands = _random_bands(40)
    bands[2] = 0
    a, b = bands[0], bands[1, :-1]
    shifts = np.linspace(-3.05, 3, 50)
    np.testing.assert_array_equal(device.banded_counts(bands, shifts), device.sturm_counts(a, b, shifts))
    np.testing.assert_allclose(_extremes(device, bands), device.extremes(a, b), rtol=64 * EPS)
    np.testing.assert_allclose(_moments(device, bands), device.moments(a, b), rtol=64 * EPS, atol=64 * EPS)


@pytest.mark.parametrize(
    ("bands", "spectrum"),
    [
        ([[0, 0, 0], [0, 0, 0], [1, 0, 0]], [-1, 0, 1]),
        ([[0, 0, 0], [1, 0, 0], [0, 0, 0]], [-1, 0, 1]),
        ([[0, 0, 0, 0], [1, 1, 1, 0], [0, 0, 0, 0]], [-1.618034, -0.618034, 0.618034, 1.618034]),
        ([[1e-12, 0, 0], [1e-12, 0, 0], [1, 0, 0]], [-1, 0, 1]),
    ],
)
@pytest.mark.parametrize("factor", [1.0, -3.0, 1e-200, 1e200])
def test_vanishing_pivots(device: kernels.Operations, bands: list, spectrum: list, factor: float) -> None:
    """Counts at shifts farther than FLOOR from every eigenvalue, though the first pivot is zero there."""
    scaled, exact = factor * np.array(bands, float), np.sort(factor * np.array(spectrum))
    shifts = abs(factor) * np.array([-1e-6, 1e-6, -0.3, 0.5])
    wanted = np.searchsorted(exact, shifts)
    np.testing.assert_array_equal(device.banded_counts(scaled, shifts), wanted)
    np.testing.assert_allclose(_extremes(device, scaled), exact[[0, -1]], rtol=1e-6)


def test_counts_at_shifts_that_make_pivots_small(device: kernels.Operations) -> None:
    """Shifts 1e-9 to 1e-5 from eigenvalues of leading blocks, where elimination would lose all its digits."""
    bands = _random_bands(120, seed=7)
    S = _dense(bands)
    spectrum = np.linalg.eigvalsh(S)
    leading = np.concatenate([np.linalg.eigvalsh(S[:k, :k]) for k in range(1, 60)])
    for distance in (0.0, 1e-13, 1e-9, 1e-5):
        shifts = leading + distance
        clear = np.abs(shifts[:, None] - spectrum).min(axis=1) > 1e-6
        assert clear.sum() > 1000
        found = device.banded_counts(bands, shifts[clear])
        np.testing.assert_array_equal(found, np.searchsorted(spectrum, shifts[clear]))


def test_extremes_that_live_in_a_leading_block(device: kernels.Operations) -> None:
    """A large corner and decaying entries: leading blocks share the extreme eigenvalue to the last digit."""
    n = 300
    bands = np.stack([5 * 0.9 ** np.arange(n), 0.9 ** np.arange(n), 0.5 * 0.9 ** np.arange(n)])
    bands[0, 0] = 50
    norm = np.abs(_dense(bands)).sum(axis=1).max()
    wanted = scipy.linalg.eigvals_banded(bands, lower=True)[[0, -1]]
    np.testing.assert_allclose(_extremes(device, bands), wanted, rtol=0, atol=16 * EPS * norm)


@pytest.mark.parametrize("size", [1e-9, 1e-40])
def test_extremes_of_a_narrow_spectrum(device: kernels.Operations, size: float) -> None:
    """1 + 1e-9 S: at shifts near 1 minors shrink by 30 bits a row, and are kept from vanishing."""
    bands = size * _random_bands(120, seed=3)
    bands[0] = 1
    exact = 1 + np.linalg.eigvalsh(_dense(np.stack([np.zeros(120), bands[1], bands[2]])))[[0, -1]]
    np.testing.assert_allclose(_extremes(device, bands), exact, rtol=0, atol=16 * EPS)


def test_extremes_that_leading_blocks_share(device: kernels.Operations) -> None:
    """Small integers make double extreme eigenvalues, nearly decoupled rows others near to one another."""
    rng = np.random.default_rng(8)
    for trial in range(2000):
        bands = rng.normal(size=(3, rng.integers(2, 12)))
        bands = (
            np.round(bands) if trial % 2 else bands * 10.0 ** -rng.uniform(0, [[1], [20], [20]], bands.shape)
        )
        S = _dense(bands)
        wanted, norm = np.linalg.eigvalsh(S)[[0, -1]], np.abs(S).sum(axis=1).max()
        # LAPACK to n eps |S|, ours to 20 eps |S|
        np.testing.assert_allclose(_extremes(device, bands), wanted, rtol=0, atol=32 * EPS * norm)


def test_what_lies_beyond_the_diagonals_is_ignored(device: kernels.Operations) -> None:
    bands = _random_bands(6)
    spoiled = bands.copy()
    spoiled[1, -1] = spoiled[2, -2] = spoiled[2, -1] = np.nan
    np.testing.assert_array_equal(_moments(device, spoiled), _moments(device, bands))
    assert np.isnan(spoiled[2, -1])
    strided = np.repeat(np.repeat(bands, 2, axis=0), 2, axis=1)[::2, ::2]
    np.testing.assert_array_equal(_extremes(device, strided), _extremes(device, bands))


def test_an_empty_matrix(device: kernels.Operations) -> None:
    np.testing.assert_array_equal(device.banded_counts(np.empty((3, 0)), [0.0, 1.0]), [0, 0])
    with pytest.raises(ValueError, match=r"^bands: expected at least one column, got shape \(2, 3, 0\)"):
        device.banded_statistics(np.empty((2, 3, 0)), np.ones(2))


def test_statistics_of_many_matrices_and_of_zero_rows(device: kernels.Operations) -> None:
    """Zero rows at the end, as where there are fewer samples than features, are eigenvalues 0."""
    bands = np.stack([_random_bands(9, seed) for seed in range(3)])
    bands[1, 0, 5:], bands[1, 1, 4:], bands[1, 2, 3:] = 0, 0, 0
    bands[2] = 0
    scales, edges = np.array([1.0, -2.0, 0.5]), np.linspace(-3.05, 3.0, 12)
    found = device.banded_statistics(bands, scales, edges)
    for t in range(3):
        spectrum = np.linalg.eigvalsh(_dense(bands[t]))
        norm = np.abs(_dense(bands[t])).sum(axis=1).max()
        # LAPACK to n eps |S|, ours to 20 eps |S|; sums of products of four entries.
        np.testing.assert_allclose(found.extremes[t], spectrum[[0, -1]], rtol=0, atol=32 * EPS * norm)
        powers = [np.mean(spectrum**k) for k in (1, 2, 3, 4)]
        for k, (moment, power) in enumerate(zip(found.moments[t], powers, strict=True), 1):
            assert moment == pytest.approx(power, rel=0, abs=8 * 9 * EPS * norm**k)
        np.testing.assert_array_equal(found.counts[t, 1:-1], np.histogram(spectrum / scales[t], edges)[0])
        assert found.counts[t].sum() == 9


@pytest.mark.parametrize("name", ["banded_counts", "banded_statistics"])
def test_bands_are_refused_by_name(device: kernels.Operations, name: str) -> None:
    many = name == "banded_statistics"
    shape, rest = ("any, 3, any", np.ones(1)) if many else ("3, any", np.ones(1))

    def call(bands: NDArray) -> object:
        return getattr(device, name)(bands[None] if many else bands, rest)

    with pytest.raises(TypeError, match=r"^bands: expected dtype float32 or float64, got complex128"):
        call(np.ones((3, 4), complex))
    with pytest.raises(ValueError, match=rf"^bands: expected shape \({shape}\), got \((1, )?2, 4\)"):
        call(np.ones((2, 4)))
    with pytest.raises(ValueError, match=r"^bands: expected finite numbers, got inf at index"):
        call(np.array([[1.0, 1], [np.inf, 0], [0, 0]]))


REFUSALS = [
    ("half_space_counts", (np.zeros((2, 3), np.uint32), 4), r"streams: expected shape \(any, 4\)"),
    ("half_space_counts", (WORDS[0], 0), r"n_samples: expected an integer in \[1, .* got 0"),
    ("wedge_samples", (WORDS, 3, 4, (0, 1, 2)), r"pair: expected two hidden units, got \(0, 1, 2\)"),
    ("wedge_samples", (WORDS, 3, 4, (0, -1)), "pair: expected an integer in"),
    ("output_grams", (WORDS[0], 3, 4, [[0, 4]]), r"pairs: expected indices in \[0, 4\), got 0 to 4"),
    ("wishart_forms", (WORDS[0], [1, -2], 3, np.ones(2)), "freedoms: expected indices in .* got -2 to 1"),
    ("wishart_forms", (WORDS[0], [1, 2], 3, [np.nan, 1.0]), "scales: expected finite numbers"),
    ("wedge_forms", (WORDS, [1, 2], np.ones((2, 2)), 3, np.ones(2)), r"grams: expected shape \(2, 2, 2\)"),
    (
        "wedge_forms",
        (WORDS, [0, 3], np.zeros((2, 2, 2)), 3, np.ones(2)),
        r"grams: expected a positive entry \(0, 0\) for the 3 samples of trial 1, got 0.0",
    ),
    (
        "wedge_forms",
        (WORDS, [3, 3], np.array([[[1.0, 5], [5, 1]]] * 2), 3, np.ones(2)),
        r"grams: expected symmetric positive semidefinite matrices, got \[\[1.0, 5.0\], .* at index 0",
    ),
    ("banded_statistics", (np.ones((1, 3, 2)), [0.0]), "scales: expected numbers other than 0"),
    (
        "banded_statistics",
        (np.full((1, 3, 2), 1e10), [1e-305]),
        r"scales: .* entries up to 1e\+10 can be divided by, got one of size 1e-305 at index 0",
    ),
    (
        "spectral_statistics",
        ([[1e10, 2.0]], [[1.0]], [1e-305], [0.0, 1.0]),
        r"scales: .* entries up to 1e\+10 can be divided by, got one of size 1e-305 at index 0",
    ),
]


@pytest.mark.parametrize(("name", "arguments", "message"), REFUSALS)
def test_structured_operations_refuse(
    device: kernels.Operations, name: str, arguments: tuple, message: str
) -> None:
    with pytest.raises(ValueError, match=f"^{message}"):
        getattr(device, name)(*arguments)
