"""What the kernels of the structured models must do on the emulator, as `checks` has it for others."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import pytest

from rmtsim import kernels
from rmtsim.kernels.gpu import device
from rmtsim.kernels.gpu import structured as gpu_structured
from rmtsim.kernels.gpu.spectra import FewDiagonals

from . import checks, mass_checks
from .checks import DTYPES, SHAPES, SIZES, close, launched, same_bits

DEGREES = (0.0, 0.1, 0.5, 1.0, 1.5, 1.999, 2.0, 3.0, 7.25, 40.0, 1e6, 2.0**40)
EPS = np.finfo(np.float64).eps


@contextmanager
def reduced_by(threads: int) -> Iterator[None]:
    """Blocks of so many threads for sums over samples, classes and features."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gpu_structured, "THREADS", threads)
        yield


def streams(*shape: int) -> np.ndarray:
    """Streams of random words."""
    return np.random.default_rng(shape).integers(0, 2**32, (*shape, 4), np.uint32)


def structured() -> None:
    """Chi variables and forms with the bits of the CPU; samples by their signs."""
    for start, size in [*((5, size) for size in SIZES), (2**57 - 40, 40)]:
        chi_bits(start, size)
    for order in (1, 2, 3, 31, 33):
        forms(order)
    for samples in (*SIZES[1:], 2001):
        for threads, _ in SHAPES:
            with reduced_by(threads):
                signs(samples)


def chi_bits(start: int, size: int) -> None:
    """Chi variables of three trials, few degrees of freedom among them, for every launch shape."""
    words = streams(3)
    # From 2 to 3 degrees the most attempts are rejected, below 2 a power of a uniform number joins.
    degrees = np.random.default_rng(size).uniform([[0.01], [2], [0]], [[2], [3], [60]], (3, size))
    degrees[2, : len(DEGREES)] = DEGREES[:size]
    for threads, limit in SHAPES:
        with launched(threads, limit):
            found = same_bits(
                lambda: gpu_structured.draw_chi(device.to_device(words), start, device.to_device(degrees)),
                range(2),
            )
        for row, stream in enumerate(words):
            np.testing.assert_array_equal(found[row], kernels.load("cpu").chi(stream, start, degrees[row]))


def forms(order: int) -> None:
    """Forms of fewer, as many and more samples than features."""
    freedoms = np.array([0, 1, 2, order - 1, order, order + 1, 3 * order])
    trials, scales = len(freedoms), np.linspace(-1, 2, len(freedoms))
    P = np.random.default_rng(order).normal(size=(trials, 4, 2))
    grams = P.transpose(0, 2, 1) @ P
    words, cpu, gpu = streams(trials, 2), kernels.load("cpu"), kernels.load("gpu")
    for threads, limit in SHAPES:
        with launched(threads, limit):
            found = gpu.wishart_forms(words[:, 0], freedoms, order, scales)
            bands = gpu.wedge_forms(words, freedoms, grams, order, scales)
        for one, other in zip(found, cpu.wishart_forms(words[:, 0], freedoms, order, scales), strict=True):
            np.testing.assert_array_equal(one, other)
        np.testing.assert_array_equal(bands, cpu.wedge_forms(words, freedoms, grams, order, scales))


def signs(samples: int) -> None:
    """Counts equal the reference's, sums are its own up to rounding."""
    words, reference = streams(3, 2), kernels.load("reference")
    found = same_bits(lambda: device.to_device(kernels.load("gpu").half_space_counts(words[:, 1], samples)))
    np.testing.assert_array_equal(found, reference.half_space_counts(words[:, 1], samples))
    wanted = reference.wedge_samples(words, 4, samples, (1, 3))
    grams = same_bits(
        lambda: device.to_device(kernels.load("gpu").wedge_samples(words, 4, samples, (1, 3))[1])
    )
    close(grams, wanted.grams, np.float64, samples)
    active = kernels.load("gpu").wedge_samples(words, 4, samples, (1, 3)).active
    np.testing.assert_array_equal(active, wanted.active)


def layers() -> None:
    """Rows of W in their plane and entries of V^T V, for every number of threads to a block."""
    for dtype in DTYPES:
        for size in SIZES[1:]:
            for threads, _ in SHAPES:
                with reduced_by(threads):
                    plane(size, dtype)
                    grams(size, dtype)


def plane(d: int, dtype: type) -> None:
    """Rows 2 and 5 of W; the lengths of both known from the reference's normals."""
    words, pair = streams(3), (2, 5)
    found = same_bits(
        lambda: gpu_structured.plane_coordinates(device.to_device(words), d, pair, np.dtype(dtype))
    )
    for stream, (along, across) in zip(words, found, strict=True):
        first, second = (
            kernels.load("cpu").normals(stream, k * d, d, dtype, d**-0.5).astype(float) for k in pair
        )
        length = np.sqrt(first @ first)
        close(along, first @ second / length, np.float64, d)
        close(along**2 + across**2, second @ second, np.float64, d)


def grams(n_classes: int, dtype: type) -> None:
    """Diagonal and other entries, of columns in every lane of a block."""
    words, pairs = streams(3), np.array([[0, 0], [1, 3], [4, 2]])
    operation = kernels.load("gpu").output_grams
    found = same_bits(lambda: device.to_device(operation(words, n_classes, 5, pairs, dtype)), range(3))
    wanted = kernels.load("reference").output_grams(words, n_classes, 5, pairs, dtype)
    close(found, wanted, dtype, n_classes)
    single = operation(words, n_classes, 1, [[0, 0]], dtype)
    close(single, kernels.load("reference").output_grams(words, n_classes, 1, [[0, 0]], dtype), dtype, 8)


SUBNORMAL = 2.0**-1040
"""Size of entries that keep 34 bits and that no power of two that is a number brings near 1."""


def matrices(n: int) -> np.ndarray:
    """Bands, NaN beyond: generic, huge, zero, two with zero rows, small pivots, decaying, narrow, tiny."""
    rng = np.random.default_rng(n)
    bands = rng.normal(size=(9, 3, n))
    bands[1] *= 1e300
    bands[2] = 0
    bands[3, 0] = np.abs(bands[3, 0]) + 12  # definite: 0 is its smallest eigenvalue
    for k in range(3):
        bands[3, k, max(n // 2 - k, 0) :] = 0
    bands[4] = -bands[3]
    bands[5] = [[0], [0], [1]]
    bands[6] *= 0.8 ** np.arange(n)
    bands[7] *= 1e-9
    bands[7, 0] += 1
    bands[8] *= SUBNORMAL
    for k in (1, 2):
        bands[:, k, max(n - k, 0) :] = np.nan
    return bands


def dense(bands: np.ndarray) -> np.ndarray:
    """The matrix of bands (3, n)."""
    n = bands.shape[1]
    lower = sum(np.diag(bands[k, : n - k], -k) for k in range(min(3, n)))
    return np.tril(lower) + np.tril(lower, -1).T


def banded() -> None:
    """Extremes and counts agree with LAPACK, moments with the traces."""
    for n in (1, 2, 3, 4, 31, 32, 33, 150):
        bands = matrices(n)
        spectra = np.array([np.linalg.eigvalsh(dense(form)) for form in bands])
        given, norms = FewDiagonals(device.to_device(bands)), np.abs(spectra).max(axis=1)
        extremes = same_bits(given.extremes, range(3))
        bound = 8 * (n + 8) * EPS * norms[:, None] + n * np.finfo(float).smallest_subnormal
        assert (np.abs(extremes - spectra[:, [0, -1]]) <= bound).all()
        assert extremes[2].tolist() == [0, 0]
        assert (extremes[3, 0], extremes[4, 1]) == (0, 0)
        moments = same_bits(given.moments, range(3))
        for trial in (0, 2, 3, 4, 5, 6, 7):
            wanted = [np.mean(spectra[trial] ** k) for k in (1, 2, 3, 4)]
            close(moments[trial], np.array(wanted), np.float64, n, float(max(norms[trial], 1) ** 4))
        for threads, limit in SHAPES:
            with launched(threads, limit):
                counts(given, spectra, 3.0)
                counts(given, spectra, 3e300)
                counts(given, spectra, 3 * SUBNORMAL)


def counts(given: FewDiagonals, spectra: np.ndarray, scale: float) -> None:
    """Counts at shifts that are clear of the eigenvalues, and at 0 where zero rows have that eigenvalue."""
    shifts = scale * np.concatenate([[-np.inf], np.linspace(-1.01, 0.99, 64), [np.inf], [0.0]])
    below = same_bits(lambda: given.counts(device.to_device(shifts)), range(2))
    for found, spectrum in zip(below, spectra, strict=True):
        clear = np.abs(shifts[:, None] - spectrum).min(axis=1) > 1e-6 * np.abs(spectrum).max()
        np.testing.assert_array_equal(found[clear], np.searchsorted(spectrum, shifts[clear]))
    assert below[2:5, -1].tolist() == [0, 0, np.sum(spectra[4] < 0)]


CHECKS: dict[str, Callable[[], None]] = {
    **checks.CHECKS,
    "structured": structured,
    "layers": layers,
    "banded": banded,
    "masses": mass_checks.masses,
}
"""Those of every unit."""
