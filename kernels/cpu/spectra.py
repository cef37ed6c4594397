"""Spectra of symmetric matrices with few diagonals, compiled."""

from ..arguments.spectra import empty_statistics
from .compiled import banded, spectra, sturm

sturm_counts = sturm.sturm_counts
histogram = sturm.histogram
extremes = spectra.extremes
moments = spectra.moments
banded_counts = banded.banded_counts


def spectral_statistics(diagonals, off_diagonals, scales, edges):
    """All matrices in one call."""
    statistics = empty_statistics(len(diagonals), edges)
    spectra.fill_statistics(diagonals, off_diagonals, scales, edges, *statistics)
    return statistics


def banded_statistics(bands, scales, edges):
    """All matrices in one call."""
    statistics = empty_statistics(len(bands), edges)
    spectra.fill_banded_statistics(bands, scales, edges, *statistics)
    return statistics
