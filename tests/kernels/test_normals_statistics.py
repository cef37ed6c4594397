"""Statistics of normals, uniforms and labels: fixed streams and sizes, |z| < 5.

A z-score passes 5 by chance once in 1.7 million; a test of a p-value uses the same probability.
"""

import math

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from rmtsim import kernels
from rmtsim.experiment.streams import Role, stream

CPU = kernels.load("cpu")
SIZE = 1 << 22
CHANCE = 2 * stats.norm.sf(5)


@pytest.fixture(scope="module", params=["float64", "float32"])
def sample(request: pytest.FixtureRequest) -> NDArray[np.float64]:
    """The numbers as float64, so that sums add no error of their own."""
    return CPU.normals(stream(20250505, 7, 3, Role.X), 0, SIZE, request.param).astype(np.float64)


def moment(k: int) -> int:
    """E x^k of a standard normal: (k-1)!! or 0."""
    return math.prod(range(k - 1, 0, -2)) if k % 2 == 0 else 0


@pytest.mark.parametrize("k", range(1, 9))
def test_moments(sample, k):
    deviation = math.sqrt((moment(2 * k) - moment(k) ** 2) / len(sample))
    assert abs(np.mean(sample**k) - moment(k)) < 5 * deviation


@pytest.mark.parametrize("threshold", [0.5, 1, 2, 3, 4, 4.5])
def test_tail_counts(sample, threshold):
    """Beyond 4.5 each tail holds 14 numbers on average: a count that still is near enough to normal."""
    p = stats.norm.sf(threshold)
    for count in (np.sum(sample > threshold), np.sum(sample < -threshold)):
        assert abs(count - SIZE * p) < 5 * math.sqrt(SIZE * p * (1 - p))


def test_distribution_by_kolmogorov_and_smirnov(sample):
    assert stats.kstest(sample[: 1 << 20], "norm").pvalue > CHANCE


@pytest.mark.parametrize("lag", [1, 2, 3, 4, 5, 8, 64])
def test_serial_correlation(sample, lag):
    """Of the numbers, of their squares, and of numbers with squares; each product has variance 1."""
    square = (sample**2 - 1) / math.sqrt(2)
    for first, second in ((sample, sample), (square, square), (sample, square), (square, sample)):
        products = first[:-lag] * second[lag:]
        assert abs(products.sum()) < 5 * math.sqrt(len(products))


def test_streams_are_uncorrelated():
    """Neighbouring seeds, cells, trials and roles against one stream."""
    size = 1 << 20
    base = CPU.normals(stream(1, 1, 1, Role.X), 0, size)
    for name in ((2, 1, 1, Role.X), (1, 2, 1, Role.X), (1, 1, 2, Role.X), (1, 1, 1, Role.W)):
        other = CPU.normals(stream(*name), 0, size)
        assert abs(base @ other) < 5 * math.sqrt(size)


@pytest.mark.parametrize("n_classes", [2, 3, 10, 1000])
def test_labels_are_uniform(n_classes):
    labels = CPU.labels(stream(5, 0, 0, Role.LABELS), 1, 1_000_000, n_classes)
    counts = np.bincount(labels, minlength=n_classes)
    assert len(counts) == n_classes
    assert CHANCE / 2 < stats.chisquare(counts).pvalue < 1 - CHANCE / 2


@pytest.mark.parametrize(("dtype", "bits"), [(np.float64, 53), (np.float32, 24)])
def test_uniforms_are_uniform_in_their_highest_and_lowest_bits(dtype, bits):
    numerators = (CPU.uniforms(stream(6, 0, 0, Role.X), 1, 1_000_000, dtype) * 2.0**bits).astype(np.int64) - 1
    for byte in (numerators >> bits - 8, numerators & 0xFF):
        pvalue = stats.chisquare(np.bincount(byte, minlength=256)).pvalue
        assert CHANCE / 2 < pvalue < 1 - CHANCE / 2
