"""A trial in compiled code: draws, softmax over tiles of classes, sample weights, tridiagonal forms.

All blocks of a trial share its draws, its projections and one pass over the classes. V is drawn by tiles of
classes and never whole; nothing is allocated here.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...host.pairs import Pairs
from .classes import (
    CENTER_CLASSES,
    accumulate,
    centered_columns,
    covariances,
    exponentiate,
    pick_logits,
    tile_logits,
    to_probabilities,
)
from .gram import FormWork, weighted_form
from .jit import jit
from .output_layer import output_gram
from .random import fill_normals
from .weights import fill_class_weights, fill_gated_weights


class Softmax(NamedTuple):
    """Work space of a pass over the classes for N samples, and what the pass leaves there."""

    V: NDArray
    """A tile of classes (tile, k)."""
    logits: NDArray
    """(tile, N)"""
    maxima: NDArray
    rescale: NDArray
    sums: NDArray
    """As `exponentiate` has them, (N,)."""
    chosen: NDArray
    """Logits of the chosen classes (K, N), then their probabilities, float64."""
    center: NDArray
    """What the used columns of V are centered at (u,)."""
    columns: NDArray
    """Columns of V and products of two (u + P, tile)."""
    product: NDArray
    totals: NDArray
    """Their sums over a tile and over all classes (u + P, N); totals in float64."""


class Blocks(NamedTuple):
    """Blocks of one layer and their tridiagonal forms."""

    pairs: Pairs
    diagonals: NDArray
    """(T, B, n)"""
    off_diagonals: NDArray
    """(T, B, n-1)"""


class Drawn(NamedTuple):
    """Arrays of one trial."""

    X: NDArray
    """(N, d)"""
    W: NDArray
    """(m, d); (0, d) for the linear model"""
    features: NDArray
    """What the output layer sees, (N, k): X itself or relu(X W^T)."""


class TrialWork(NamedTuple):
    """Work space of `trial_forms`, taken anew by each trial."""

    drawn: Drawn
    softmax: Softmax
    hidden_form: FormWork
    class_form: FormWork


class Setting(NamedTuple):
    """What is common to the trials of a batch."""

    n_classes: int
    deviations: tuple[float, float]
    """Of the entries of W and of V."""
    is_ce: bool


@jit
def _draw_center(v_draw, used, work):
    """Mean of the columns `used` of V over its first classes."""
    stream, deviation, n_classes = v_draw
    k = work.V.shape[1]
    count = min(n_classes, CENTER_CLASSES)
    sums = np.zeros(len(used))
    for start in range(0, count, len(work.V)):
        part = work.V[: min(len(work.V), count - start)]
        fill_normals(stream, start * k, deviation, part.ravel())
        for c in range(len(part)):
            for i in range(len(used)):
                sums[i] += part[c, used[i]]
    for i in range(len(used)):
        work.center[i] = sums[i] / count


@jit
def fold_classes(features, v_draw, classes, columns, work):
    """Pass over all classes of V, drawn by v_draw (stream, deviation, classes), for features (N, k).

    Leaves the probabilities of `classes` in work.chosen, and in work.totals the sums over the classes, with
    weights work.sums, of what `centered_columns` makes of the Pairs `columns`.
    """
    stream, deviation, n_classes = v_draw
    k, tile = features.shape[1], len(work.V)
    if len(columns.used) > 0:
        _draw_center(v_draw, columns.used, work)
    work.maxima[:] = -np.inf
    work.sums[:] = 0
    work.totals[:] = 0
    for start in range(0, n_classes, tile):
        count = min(tile, n_classes - start)
        part, logits = work.V[:count], work.logits[:count]
        fill_normals(stream, start * k, deviation, part.ravel())
        tile_logits(features, part, logits)
        pick_logits(logits, start, classes, work.chosen)
        exponentiate(logits, work.maxima, work.sums, work.rescale)
        if len(columns.used) > 0:
            # A contiguous array for any number of classes, as BLAS wants it.
            made = work.columns.ravel()[: len(work.columns) * count].reshape(len(work.columns), count)
            centered_columns(part, columns.used, work.center, columns.places, made)
            accumulate(made, logits, work.rescale, work.product, work.totals)
    to_probabilities(work.chosen, work.maxima, work.sums)


@jit
def _class_forms(classes, t, is_ce, work):
    """Tridiagonal forms of the blocks (v_c, v_e) of trial t; theory.md (2.1), (2.3)."""
    chosen, form = work.softmax.chosen, work.class_form
    for r in range(len(classes.pairs.places)):
        first, second = classes.pairs.places[r]
        if is_ce:
            fill_class_weights(chosen[first], chosen[second], first == second, form.weights)
        else:
            form.weights[:] = 1.0 if first == second else 0.0
        weighted_form(work.drawn.features, form, classes.diagonals[t, r], classes.off_diagonals[t, r])


@jit
def _hidden_forms(hidden, t, is_ce, scales, work):
    """Tridiagonal forms of the blocks (w_i, w_j) of trial t; theory.md (2.2)."""
    used, places = hidden.pairs.used, hidden.pairs.places
    softmax, h, form = work.softmax, work.drawn.features, work.hidden_form
    factors = softmax.totals[len(used) :]
    if is_ce:
        covariances(softmax.totals, softmax.sums, places, factors)
    for r in range(len(places)):
        first, second = used[places[r, 0]], used[places[r, 1]]
        factor = factors[r] if is_ce else scales[r : r + 1]
        fill_gated_weights(h[:, first], h[:, second], factor, form.weights)
        weighted_form(work.drawn.X, form, hidden.diagonals[t, r], hidden.off_diagonals[t, r])


@jit
def _activations(X, W, h):
    """Hidden activations h = relu(X W^T)."""
    np.dot(X, W.T, h)
    for n in range(h.shape[0]):
        for i in range(h.shape[1]):
            h[n, i] = max(h[n, i], h.dtype.type(0))


@jit
def trial_forms(streams, setting, hidden, classes, scales, work):
    """Fill the forms of `hidden` and `classes` (Blocks), and scales (T, B): S_ij under mse, 1 else.

    The streams (T, 3, 4) draw X, W, V of hidden models, those (T, 2, 4) X, V of linear ones, which have no
    hidden blocks.
    """
    n_classes, deviations, is_ce = setting
    X, W, features = work.drawn
    last = streams.shape[1] - 1
    for t in range(len(streams)):
        fill_normals(streams[t, 0], 0, 1.0, X.ravel())
        if last == 2:
            fill_normals(streams[t, 1], 0, deviations[0], W.ravel())
            _activations(X, W, features)
        scales[t] = 1.0
        v_draw = streams[t, last], deviations[1], n_classes
        if is_ce:
            fold_classes(features, v_draw, classes.pairs.used, hidden.pairs, work.softmax)
        else:
            output_gram(v_draw, features.shape[1], hidden.pairs, work.softmax.columns, scales[t])
        _hidden_forms(hidden, t, is_ce, scales[t], work)
        _class_forms(classes, t, is_ce, work)
