"""Structured models of mse blocks, a trial at a time: cores for compiled code, theory.md (5.1)-(5.3d)."""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .chi import fill_chi
from .jit import jit
from .output_layer import dot, output_gram
from .random import fill_normals, fill_normals64, fill_uniforms64

PAIRS = 2048
"""Samples whose random numbers are held at a time: they stay in the first-level cache."""

u64 = np.uint64


class FormDraws(NamedTuple):
    """Work space of a form of order d: random numbers of its rows, and the degrees of freedom of some."""

    degrees: NDArray
    """Of the chi variables (2 d,)."""
    chi: NDArray
    """(2 d,)"""
    normals: NDArray
    """(d,)"""


@jit
def half_space_count(stream, n_samples, uniforms):
    """How many of the first uniform numbers are at most 1/2; `uniforms` is work space of even size."""
    count = 0
    for first in range(0, n_samples, uniforms.size):
        fill_uniforms64(stream, u64(first), uniforms)
        for u in uniforms[: min(uniforms.size, n_samples - first)]:
            count += u <= 0.5
    return count


@jit
def half_space_counts(streams, n_samples):
    """How many of the first uniform numbers of each stream (T, 4) are at most 1/2, (T,)."""
    counts = np.empty(len(streams), np.int64)
    uniforms = np.empty(min(2 * PAIRS, n_samples + n_samples % 2))
    for t in range(len(streams)):
        counts[t] = half_space_count(streams[t], n_samples, uniforms)
    return counts


@jit
def plane_coordinates(first, second, rest):
    """`second` along the direction of `first` and across it; `rest` is float64 work space like them."""
    norm = math.sqrt(dot(first, first))
    along = dot(first, second) / norm
    ratio = along / norm
    for k in range(rest.size):
        rest[k] = np.float64(second[k]) - ratio * np.float64(first[k])
    return along, math.sqrt(dot(rest, rest))


@jit
def wedge_sample(stream, n_samples, along, across, normals, gram):
    """Number of active samples; their Gram matrix into gram (2, 2). `normals` is work space (2 PAIRS,)."""
    samples, xx, xy, yy = 0, 0.0, 0.0, 0.0
    for first in range(0, n_samples, PAIRS):
        count = min(PAIRS, n_samples - first)
        fill_normals64(stream, u64(2 * first), 1.0, normals[: 2 * count])
        for k in range(count):
            x, y = normals[2 * k], normals[2 * k + 1]
            active = (x > 0) & (along * x + across * y > 0)
            samples += active
            # A choice of numbers, not of branches: one in four is active, and nobody can tell which.
            x, y = (x, y) if active else (0.0, 0.0)
            xx += x * x
            xy += x * y
            yy += y * y
    gram[0, 0], gram[0, 1], gram[1, 0], gram[1, 1] = xx, xy, xy, yy
    return samples


@jit
def fill_wedge_samples(streams, n_samples, pair, deviation, rows, active, grams):
    """Active samples of hidden units `pair` (2,) and their Gram matrices, of trials with streams (T, 2, 4).

    deviation: of W; `rows` is work space (2, d) of its dtype.
    """
    d, normals = rows.shape[1], np.empty(2 * PAIRS)
    rest = np.empty(d)
    for t in range(len(streams)):
        for r in range(2):
            fill_normals(streams[t, 0], pair[r] * d, deviation, rows[r])
        along, across = plane_coordinates(rows[0], rows[1], rest)
        active[t] = wedge_sample(streams[t, 1], n_samples, along, across, normals, grams[t])


@jit
def fill_output_grams(streams, deviation, n_classes, n_hidden, pairs, columns, grams):
    """Entries (V^T V)_ij (T, B), one V to each stream (T, 4); otherwise as `output_gram`."""
    for t in range(len(streams)):
        output_gram((streams[t], deviation, n_classes), n_hidden, pairs, columns, grams[t])


@jit
def wishart_form(stream, freedom, scale, draws, diagonal, off_diagonal):
    """Tridiagonal form of scale Y^T Y, Y (freedom, n)."""
    degrees, chi, _ = draws
    order = len(diagonal)
    n, most = min(order, freedom), max(order, freedom)
    for i in range(n):
        degrees[i] = most - i
        degrees[n + i] = n - 1 - i
    fill_chi(stream, u64(0), degrees[: max(2 * n - 1, 0)], chi[: max(2 * n - 1, 0)])
    diagonal[n:] = 0
    off_diagonal[max(n - 1, 0) :] = 0
    for i in range(n):
        below = chi[n + i - 1] if i > 0 else 0.0
        diagonal[i] = scale * (chi[i] * chi[i] + below * below)
    for i in range(n - 1):
        off_diagonal[i] = scale * (chi[i] * chi[n + i])


@jit
def _draws(order):
    """Work space of a form of that order."""
    return FormDraws(np.empty(2 * order), np.empty(2 * order), np.empty(order))


@jit
def fill_wishart_forms(streams, freedoms, scales, diagonals, off_diagonals):
    """Tridiagonal forms (T, d) and (T, d-1) of trials with streams (T, 4)."""
    draws = _draws(diagonals.shape[1])
    for t in range(len(streams)):
        wishart_form(streams[t], freedoms[t], scales[t], draws, diagonals[t], off_diagonals[t])


@jit
def wedge_form(streams, freedom, gram, scale, draws, bands):
    """Bands of scale A A^T, A the (n, n + 2) matrix with three entries to a row, from two streams (2, 4)."""
    degrees, chi, normals = draws
    order = bands.shape[1]
    n = min(order, freedom)
    bands[:] = 0
    if n == 0:
        return
    for i in range(n):
        degrees[i] = freedom - i
        degrees[n + i] = max(order - 2 - i, 0)
    fill_chi(streams[0], u64(0), degrees[: 2 * n], chi[: 2 * n])
    x, g, y = chi[:n], normals[:n], chi[n : 2 * n]
    fill_normals64(streams[1], u64(0), 1.0, g)
    x[0] = math.sqrt(gram[0, 0])
    g[0] = gram[0, 1] / x[0]
    g[order - 1 :] = 0  # the last row has no entry beside the diagonal
    if n > 1:
        x[1] = math.sqrt(max(gram[1, 1] - g[0] * g[0], 0.0))
    for i in range(n):
        bands[0, i] = scale * (x[i] * x[i] + g[i] * g[i] + y[i] * y[i])
    for i in range(n - 1):
        bands[1, i] = scale * (g[i] * x[i + 1] + y[i] * g[i + 1])
    for i in range(n - 2):
        bands[2, i] = scale * (y[i] * x[i + 2])


@jit
def fill_wedge_forms(streams, freedoms, grams, scales, bands):
    """Bands (T, 3, d) of trials with streams (T, 2, 4)."""
    draws = _draws(bands.shape[2])
    for t in range(len(streams)):
        wedge_form(streams[t], freedoms[t], grams[t], scales[t], draws, bands[t])
