"""Spectra of matrices of any finite size, subnormal numbers included."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from rmtsim import kernels

EPS = float(np.finfo(np.float64).eps)
EXPONENTS = (-1074, -1060, -1040, -1022, -1000, -996, -664, 0, 664, 1016)
SUBNORMAL = -1074
"""Power of two of the smallest number."""


@pytest.fixture(params=kernels.DEVICES)
def device(request: pytest.FixtureRequest) -> kernels.Operations:
    return kernels.load(request.param)


class Scaled:
    """An array near 1 that a power of two, and the rounding of subnormal numbers, has not changed."""

    def __init__(self, values: NDArray, exponent: int) -> None:
        # as many bits as subnormal numbers of this size have
        bits = min(52, max(exponent - SUBNORMAL, 0))
        self.near = np.ldexp(np.round(np.ldexp(values, bits)), -bits)
        self.far = np.ldexp(self.near, exponent)
        self.exponent = exponent

    def back(self, values: NDArray) -> NDArray:
        """Numbers of the far size in units of the near one."""
        half = self.exponent // 2
        return np.ldexp(np.ldexp(values, -half), half - self.exponent)

    def unit(self) -> float:
        """Rounding of results: that of subnormal numbers, in units of the near size."""
        return 2.0 ** (SUBNORMAL - self.exponent) if self.exponent < -1000 else 0.0


def _dense(diagonals: NDArray) -> NDArray:
    """Symmetric matrix with the entries (j + k, j) in diagonals[k, j]."""
    n = diagonals.shape[1]
    lower = sum(np.diag(row[: n - k], -k) for k, row in enumerate(diagonals) if k < n)
    return lower + np.tril(lower, -1).T


@pytest.mark.parametrize("exponent", EXPONENTS)
@pytest.mark.parametrize("n", [2, 9, 40])
def test_dense_matrices_keep_their_spectra_at_any_scale(
    device: kernels.Operations, n: int, exponent: int
) -> None:
    given = Scaled(_dense(np.random.default_rng(n).normal(size=(n, n))), exponent)
    spectrum = np.linalg.eigvalsh(given.near)
    # n eps |A| of either side, and the unit of subnormal numbers in each of n^2 entries
    bound = 8 * n * EPS * np.abs(spectrum).max() + n * given.unit()
    np.testing.assert_allclose(given.back(device.eigenvalues(given.far)), spectrum, rtol=0, atol=bound)
    a, b = (given.back(x) for x in device.tridiagonal(given.far))
    found = np.linalg.eigvalsh(np.diag(a) + np.diag(b, 1) + np.diag(b, -1))
    np.testing.assert_allclose(found, spectrum, rtol=0, atol=bound)


@pytest.mark.parametrize("exponent", EXPONENTS)
@pytest.mark.parametrize("n", [2, 9, 40])
@pytest.mark.parametrize("kind", ["tridiagonal", "banded"])
def test_counts_and_extremes_at_any_scale(
    device: kernels.Operations, n: int, kind: str, exponent: int
) -> None:
    """Counts between eigenvalues are exact where the shifts are clear of them."""
    given = Scaled(np.random.default_rng(n).normal(size=(2 if kind == "tridiagonal" else 3, n)), exponent)
    spectrum = np.linalg.eigvalsh(_dense(given.near))
    norm = np.abs(_dense(given.near)).sum(axis=1).max()
    shifts = Scaled((spectrum[1:] + spectrum[:-1]) / 2, exponent)
    # A pivot near zero may cost the pentadiagonal count half of the digits.
    clear = np.abs(shifts.near[:, None] - spectrum).min(axis=1) > 4 * np.sqrt(EPS) * norm
    at, wanted = shifts.far[clear], np.searchsorted(spectrum, shifts.near[clear])
    assert len(at) > 0.4 * (n - 1) or exponent < -1070
    count, extremes, histogram = _operations(device, kind, given.far)
    np.testing.assert_array_equal(count(at), wanted)
    bound = 32 * EPS * norm + given.unit()
    np.testing.assert_allclose(given.back(extremes()), spectrum[[0, -1]], rtol=0, atol=bound)
    if -1022 < exponent < 1022 and len(at) > 1:
        edges, unit = np.unique(shifts.near[clear]), np.ldexp(1.0, exponent)
        below = np.cumsum(histogram(unit, edges))[:-1]
        np.testing.assert_array_equal(below, np.searchsorted(spectrum, edges))


def _operations(device: kernels.Operations, kind: str, form: NDArray) -> tuple[Callable, Callable, Callable]:
    """Counts at shifts, extremes, and histogram in units of a scale, of one matrix."""
    if kind == "tridiagonal":
        a, b = form[0], form[1, :-1]
        return (
            lambda at: device.sturm_counts(a, b, at),
            lambda: device.extremes(a, b),
            lambda unit, edges: device.spectral_statistics(a[None], b[None], [unit], edges).counts[0],
        )
    return (
        lambda at: device.banded_counts(form, at),
        lambda: device.banded_statistics(form[None], [1.0]).extremes[0],
        lambda unit, edges: device.banded_statistics(form[None], [unit], edges).counts[0],
    )
