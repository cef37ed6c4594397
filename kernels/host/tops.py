"""Samples whose softmax is nearly one class: that class apart from the others, in NumPy.

With p the probability of the likeliest class, 1 - p as a difference loses a factor 1/(1 - p) of its digits,
and so does every difference of sums that this class dominates. The sum of the other probabilities loses none.
"""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

LOSS = 64.0
"""Largest factor of rounding that 1 - p may cost; masses of differences of products pay its square. Classes
more likely than that are summed apart."""
CONFIDENT_SUM = 1 + 1 / (LOSS - 1)
"""Sum of exp(z_c - max z) below which the likeliest class has p > 1 - 1/LOSS."""


class SoftmaxTops(NamedTuple):
    """Log-normalizers of N samples, and the top class of those that are nearly sure of it."""

    log_z: NDArray[np.float64]
    """log sum_c exp(z_nc), (N,)."""
    top: NDArray[np.int64]
    """The class with p > 1 - 1/64, (N,); -1 where there is none."""
    complement: NDArray[np.float64]
    """1 - p of that class, (N,), as the sum of the other probabilities; 1 where there is none."""

    @property
    def confident(self) -> NDArray[np.int64]:
        """Samples that have such a class, ascending."""
        return np.flatnonzero(self.top >= 0)

    def inside(self, start: int, count: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Samples whose top class is one of `count` classes from `start` on, and its place among these."""
        samples = np.flatnonzero((self.top >= start) & (self.top < start + count))
        return samples, self.top[samples] - start

    def complements(self, p: NDArray, start: int) -> NDArray[np.float64]:
        """1 - p for probabilities p (N, K) of the classes from `start` on."""
        complements = 1 - p
        samples, places = self.inside(start, p.shape[1])
        complements[samples, places] = self.complement[samples]
        return complements

    def take_out(self, p: NDArray, start: int) -> None:
        """Set the probabilities of the top classes to 0 in p (N, K) of the classes from `start` on."""
        p[self.inside(start, p.shape[1])] = 0


def no_tops(log_z: NDArray[np.float64]) -> SoftmaxTops:
    """Tops of samples none of which is known to be confident."""
    return SoftmaxTops(log_z, np.full(len(log_z), -1, np.int64), np.ones(len(log_z)))


def fill_tops(
    tops: SoftmaxTops, who: NDArray, tiles: Iterable[tuple[int, NDArray, NDArray, NDArray]]
) -> None:
    """Write the top classes and complements of the samples `who` (M,), one p of each of which is near 1.

    Each tile is its first class and, by sample (M,), its largest probability, the place of that, and the sum
    of its others.
    """
    tops.complement[who] = 0
    for start, largest, place, others in tiles:
        is_top = largest > 0.5
        tops.top[who[is_top]] = start + place[is_top]
        tops.complement[who] += np.where(is_top, others, others + largest)


def largest_of_rows(p: NDArray) -> tuple[NDArray, NDArray, NDArray]:
    """Largest entry of each row of p (M, K), its place, and the sum of the others; p loses it."""
    place = p.argmax(axis=1)
    rows = np.arange(len(p))
    largest = p[rows, place]
    p[rows, place] = 0
    return largest, place, p.sum(axis=1)


class TopTerms(NamedTuple):
    """Terms p_nc p_kc of the sums over classes of pairs of samples that a top class has, each (N, N).

    `across`: c is the top class of n and not of k. `within`: c is the top class of both. What is left of
    p_n . p_k is the sum over the other classes.
    """

    across: NDArray[np.float64]
    within: NDArray[np.float64]


def top_terms(tops: SoftmaxTops, p: NDArray[np.float64]) -> TopTerms:
    """Terms of the top classes, from the probabilities p (N, M) of those of the M confident samples."""
    n, who = len(p), tops.confident
    sure = 1 - tops.complement[who]
    across, within = np.zeros((2, n, n))
    across[who] = sure[:, None] * p.T
    same = tops.top[who, None] == tops.top[who]
    across[np.ix_(who, who)] *= ~same
    within[np.ix_(who, who)] = sure[:, None] * sure * same
    return TopTerms(across, within)
