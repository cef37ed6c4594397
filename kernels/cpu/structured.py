"""Draws of the exact structured models, compiled."""

import numpy as np

from ..arguments.structured import Samples
from ..host.pairs import distinct
from .compiled import structured
from .compiled.chi import fill_chi

half_space_counts = structured.half_space_counts


def chi(stream, start, degrees):
    """Chi variables, with the project's own logarithm and normals: the same bits on every machine."""
    out = np.empty(len(degrees))
    fill_chi(stream, np.uint64(start), degrees, out)
    return out


def wedge_samples(streams, n_features, n_samples, pair, dtype):
    """Samples that activate both hidden units, in the plane of their rows of W."""
    samples = Samples(np.empty(len(streams), np.int64), np.empty((len(streams), 2, 2)))
    rows = np.empty((2, n_features), dtype)
    structured.fill_wedge_samples(streams, n_samples, np.array(pair), n_features**-0.5, rows, *samples)
    return samples


def output_grams(streams, n_classes, n_hidden, pairs, dtype):
    """Inner products of columns of V, drawn without the others."""
    columns, grams = distinct(pairs), np.empty((len(streams), len(pairs)))
    work = np.empty((len(columns.used), min(n_classes, structured.PAIRS)), dtype)
    structured.fill_output_grams(streams, n_hidden**-0.5, n_classes, n_hidden, columns, work, grams)
    return grams


def wishart_forms(streams, freedoms, order, scales):
    """Tridiagonal Wishart matrices by the chi model."""
    diagonals, off_diagonals = np.empty((len(streams), order)), np.empty((len(streams), order - 1))
    structured.fill_wishart_forms(streams, freedoms, scales, diagonals, off_diagonals)
    return diagonals, off_diagonals


def wedge_forms(streams, freedoms, grams, order, scales):
    """Pentadiagonal matrices of the samples of a wedge."""
    bands = np.empty((len(streams), 3, order))
    structured.fill_wedge_forms(streams, freedoms, grams, scales, bands)
    return bands
