"""Softmax over the classes, a tile of them at a time.

A tile holds the logits of some classes for all samples, class by class: (classes, samples). The samples are
then the inner loop of every pass, which LLVM vectorises without reordering a sum, so that a result depends
neither on the vector width nor on the number of threads; on the size of the tile it depends by rounding
alone. Running maxima and sums of exponentials make one pass over the classes enough (Milakov & Gimelshein,
arXiv:1805.02867).

Products run in the dtype of the features; sums over the classes are float64 (from tile to tile where a GEMM
makes them).
"""

import numpy as np

from .exp import exp
from .jit import jit

# Samples whose maxima and sums stay in the first-level cache while the classes of a tile pass by.
STRIP = 512

# Classes whose mean the columns of V are centered at before second moments are formed.
CENTER_CLASSES = 256


@jit
def _raise_maxima(logits, start, maxima, rescale):
    """Let maxima include the columns of the tile from `start` on; rescale becomes exp(old - new)."""
    for n in range(maxima.size):
        rescale[n] = maxima[n]
    for c in range(logits.shape[0]):
        row = logits[c, start : start + maxima.size]
        for n in range(row.size):
            maxima[n] = row[n] if row[n] > maxima[n] else maxima[n]
    for n in range(maxima.size):
        rescale[n] = exp(rescale[n] - maxima[n])


@jit
def _exponentials(logits, start, maxima, partial):
    """Replace the columns from `start` on by exp(logit - maximum), and sum them over the tile in float64."""
    partial[:] = 0
    for c in range(logits.shape[0]):
        row = logits[c, start : start + maxima.size]
        for n in range(row.size):
            e = exp(row[n] - maxima[n])
            row[n] = e
            partial[n] += e


@jit
def exponentiate(logits, maxima, sums, rescale):
    """Fold a tile of logits (T, N) into the running softmax; it is left with exp(logits - maxima).

    maxima, rescale (N,) in the dtype of the logits; sums (N,) float64 of exp(z - maxima) over all classes so
    far. Start with maxima = -inf and sums = 0.
    """
    partial = np.empty(STRIP)
    for start in range(0, logits.shape[1], STRIP):
        strip = slice(start, min(start + STRIP, logits.shape[1]))
        here, factor, total = maxima[strip], rescale[strip], sums[strip]
        _raise_maxima(logits, start, here, factor)
        _exponentials(logits, start, here, partial[: here.size])
        for n in range(here.size):
            total[n] = total[n] * factor[n] + partial[n]


@jit
def tile_logits(features, V, logits):
    """Write the logits V features^T, (T, N), of the classes in V (T, k)."""
    if features.size == 0:
        logits[:] = 0
    else:
        np.dot(V, features.T, logits)


@jit
def fold_tile(features, V, logits, maxima, sums, rescale):
    """Fold the classes in V (T, k) into the running softmax; `logits` (T, N) is left with exponentials."""
    tile_logits(features, V, logits)
    exponentiate(logits, maxima, sums, rescale)


@jit
def accumulate(columns, exponentials, rescale, product, totals):
    """Add columns (K, T) times exponentials (T, N), sums over the tile, to totals (K, N) float64."""
    if exponentials.size > 0 and columns.size > 0:
        np.dot(columns, exponentials, product)
        for r in range(totals.shape[0]):
            total, row = totals[r], product[r]
            for n in range(total.size):
                total[n] = total[n] * rescale[n] + row[n]


@jit
def centered_columns(V, used, center, pairs, columns):
    """Columns `used` (k,) of V - center, then products of pairs of them: rows of columns (k + K, T).

    center (k,) and pairs (K, 2) count the columns that are used.
    """
    k = len(used)
    for c in range(V.shape[0]):
        for i in range(k):
            columns[i, c] = V[c, used[i]] - center[i]
    for r in range(len(pairs)):
        first, second, row = columns[pairs[r, 0]], columns[pairs[r, 1]], columns[k + r]
        for c in range(row.size):
            row[c] = first[c] * second[c]


@jit
def covariances(totals, sums, pairs, out):
    """Mean of products minus product of means, from totals (k + K, N)."""
    k = len(totals) - len(pairs)
    for r in range(len(pairs)):
        first, second, both = totals[pairs[r, 0]], totals[pairs[r, 1]], totals[k + r]
        for n in range(sums.size):
            out[r, n] = both[n] / sums[n] - (first[n] / sums[n]) * (second[n] / sums[n])


@jit
def pick_logits(logits, start, classes, picked):
    """Copy the logits of those `classes` (K,) that lie in the tile from class `start` on to picked (K, N)."""
    for r in range(len(classes)):
        if start <= classes[r] < start + len(logits):
            row = logits[classes[r] - start]
            for n in range(row.size):
                picked[r, n] = row[n]


@jit
def to_probabilities(logits, maxima, sums):
    """Replace logits (K, N) float64 of some classes by their probabilities, once all classes are folded."""
    for r in range(len(logits)):
        p = logits[r]
        for n in range(p.size):
            p[n] = exp(p[n] - np.float64(maxima[n])) / sums[n]


@jit
def class_probabilities(features, V, classes):
    """Columns `classes` (K,), integers, of softmax(features V^T): probabilities (n, K) float64.

    features (n, k) and V (C, k), C >= 1, are float32 or float64, of one dtype and C-contiguous; each column
    of the result is contiguous. All logits (C, n) are held at once.
    """
    n_samples = len(features)
    logits = np.empty((len(V), n_samples), V.dtype)
    maxima, rescale = np.full(n_samples, -np.inf, V.dtype), np.empty(n_samples, V.dtype)
    sums, picked = np.zeros(n_samples), np.empty((len(classes), n_samples))
    tile_logits(features, V, logits)
    pick_logits(logits, 0, classes, picked)
    exponentiate(logits, maxima, sums, rescale)
    to_probabilities(picked, maxima, sums)
    return picked.T
