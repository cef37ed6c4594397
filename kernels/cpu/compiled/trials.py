"""A trial in compiled code: draws, softmax over tiles of classes, sample weights, tridiagonal forms.

All blocks of a trial share its draws, its projections and one pass over the classes. V is drawn by tiles of
classes and never whole; nothing is allocated here.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...host.pairs import Pairs
from .activations import value as activation
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
from .network_masses import MassWork, drawn_masses
from .output_layer import output_gram
from .random import fill_labels, fill_normals
from .weights import add_curvature, fill_class_weights, fill_hidden_weights


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
    preactivations: NDArray
    """X W^T, (N, m)"""
    features: NDArray
    """What the output layer sees, (N, k): X itself or phi(X W^T)."""
    labels: NDArray
    """(N,) int64; (0,) where neither residuals nor masses are asked for"""


class Residuals(NamedTuple):
    """Work space for (V^T g_n)_i of the u units whose blocks on the diagonal need it; empty where none do."""

    products: NDArray
    """(u, N) float64"""
    gram_rows: NDArray
    """Rows of V^T V under mse (u, k), float64."""


class TrialWork(NamedTuple):
    """Work space of `trial_forms`, taken anew by each trial."""

    drawn: Drawn
    softmax: Softmax
    residuals: Residuals
    hidden_form: FormWork
    class_form: FormWork
    masses: MassWork


class Setting(NamedTuple):
    """What is common to the trials of a batch."""

    n_classes: int
    deviations: tuple[float, float]
    """Of the entries of W and of V."""
    is_ce: bool
    phi: tuple[int, float]
    """Code and slope of the activation."""


@jit
def _take_labelled(part, start, used, labels, products):
    """Subtract V[y_n, i] of the classes in a tile (T, k) from products (u, N), for the units i used."""
    for n in range(len(labels)):
        c = labels[n] - start
        if 0 <= c < len(part):
            for r in range(len(used)):
                products[r, n] -= part[c, used[r]]


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
def fold_classes(drawn, v_draw, classes, columns, softmax, residuals):
    """Pass over all classes of V, drawn by v_draw (stream, deviation, classes).

    Leaves the probabilities of `classes` in softmax.chosen, and in softmax.totals the sums over the classes,
    with weights softmax.sums, of what `centered_columns` makes of the Pairs `columns`. Where there are
    labels, residuals.products become (V^T g_n)_i.
    """
    stream, deviation, n_classes = v_draw
    features, work = drawn.features, softmax
    k, tile = features.shape[1], len(work.V)
    if len(columns.used) > 0:
        _draw_center(v_draw, columns.used, work)
    work.maxima[:] = -np.inf
    work.sums[:] = 0
    work.totals[:] = 0
    residuals.products[:] = 0
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
            if len(residuals.products) > 0:
                _take_labelled(part, start, columns.used, drawn.labels, residuals.products)
    for r in range(len(residuals.products)):
        product, mean = residuals.products[r], work.totals[r]
        for n in range(product.size):
            product[n] += mean[n] / work.sums[n] + work.center[r]
    to_probabilities(work.chosen, work.maxima, work.sums)


@jit
def square_residuals(drawn, v_draw, used, softmax, residuals):
    """Make residuals.products (V^T g_n)_i under mse, where V^T z_n = (V^T V) h_n, for the units `used`."""
    stream, deviation, n_classes = v_draw
    k, tile = drawn.features.shape[1], len(softmax.V)
    products, rows = residuals
    products[:], rows[:] = 0, 0
    for start in range(0, n_classes, tile):
        part = softmax.V[: min(tile, n_classes - start)]
        fill_normals(stream, start * k, deviation, part.ravel())
        _take_labelled(part, start, used, drawn.labels, products)
        for r in range(len(rows)):
            for c in range(len(part)):
                for j in range(k):
                    rows[r, j] += np.float64(part[c, used[r]]) * np.float64(part[c, j])
    for r in range(len(rows)):
        for n in range(products.shape[1]):
            for j in range(k):
                products[r, n] += rows[r, j] * np.float64(drawn.features[n, j])


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
def _hidden_forms(hidden, t, setting, scales, work):
    """Tridiagonal forms of the blocks (w_i, w_j) of trial t; theory.md (2.2)."""
    used, places = hidden.pairs.used, hidden.pairs.places
    softmax, a, form = work.softmax, work.drawn.preactivations, work.hidden_form
    factors = softmax.totals[len(used) :]
    if setting.is_ce:
        covariances(softmax.totals, softmax.sums, places, factors)
    for r in range(len(places)):
        first, second = used[places[r, 0]], used[places[r, 1]]
        factor = factors[r] if setting.is_ce else scales[r : r + 1]
        fill_hidden_weights(a[:, first], a[:, second], factor, setting.phi, form.weights)
        if first == second and work.residuals.products.size > 0:
            products = work.residuals.products[places[r, 0]]
            add_curvature(a[:, first], products, setting.phi, form.weights)
        weighted_form(work.drawn.X, form, hidden.diagonals[t, r], hidden.off_diagonals[t, r])


@jit
def _activate(drawn, phi):
    """Pre-activations a = X W^T, and hidden activations h = phi(a)."""
    a, h = drawn.preactivations, drawn.features
    np.dot(drawn.X, drawn.W.T, a)
    for n in range(h.shape[0]):
        for i in range(h.shape[1]):
            h[n, i] = activation(phi[0], phi[1], np.float64(a[n, i]))


@jit
def trial_forms(streams, setting, hidden, classes, scales, masses, work):
    """Fill the forms of `hidden` and `classes` (Blocks), and scales (T, B): S_ij under mse, 1 else.

    The masses (T, parts) are filled too, unless there are none, (T, 0). The streams (T, 3, 4) draw X, W, V of
    hidden models and, if (T, 4, 4), labels; those (T, 2, 4) X, V of linear ones, which have no hidden blocks.
    """
    drawn, softmax = work.drawn, work.softmax
    for t in range(len(streams)):
        fill_normals(streams[t, 0], 0, 1.0, drawn.X.ravel())
        of_v = 1
        if streams.shape[1] > 2:
            of_v = 2
            fill_normals(streams[t, 1], 0, setting.deviations[0], drawn.W.ravel())
            _activate(drawn, setting.phi)
        if drawn.labels.size > 0:
            fill_labels(streams[t, 3], 0, setting.n_classes, drawn.labels)
        scales[t] = 1.0
        v_draw = streams[t, of_v], setting.deviations[1], setting.n_classes
        if setting.is_ce:
            fold_classes(drawn, v_draw, classes.pairs.used, hidden.pairs, softmax, work.residuals)
        else:
            output_gram(v_draw, drawn.features.shape[1], hidden.pairs, softmax.columns, scales[t])
            if work.residuals.products.size > 0:
                square_residuals(drawn, v_draw, hidden.pairs.used, softmax, work.residuals)
        _hidden_forms(hidden, t, setting, scales[t], work)
        _class_forms(classes, t, setting.is_ce, work)
        if masses.shape[1] > 0:
            drawn_masses(drawn, v_draw, setting.is_ce, setting.phi, softmax, work.masses, masses[t])
