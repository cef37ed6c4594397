"""Masses of all parts of a network's Hessian, begun and ended; between both its classes pass by in tiles.

The parts are written in the order of `rmtsim.models.architectures`: ww_diag, ww_off, vv_diag, vv_off and,
where the labels are known, wv; those of the linear model are vv_diag and vv_off.
"""

from typing import NamedTuple

from numpy.typing import NDArray

from .classes import tile_logits
from .jit import jit
from .masses import PairWork, Samples, end_hidden_masses, see_samples, start_masses
from .random import fill_normals
from .softmax_masses import (
    Tops,
    add_softmax_classes,
    add_to_tops,
    end_tops,
    off_diagonal_masses,
    residuals_from_means,
    start_tops,
)
from .square_masses import (
    CrossWork,
    add_square_tile,
    fill_square_weights,
    square_cross_masses,
    square_output_masses,
)


class MassWork(NamedTuple):
    """Work space of the masses of a network."""

    samples: Samples
    tops: Tops
    pairs: PairWork
    cross: CrossWork
    gram: NDArray
    """V^T V under mse (m, m)."""
    who: NDArray
    """Confident samples (N,), int64."""
    sums: NDArray
    """(3,)"""


@jit
def begin_masses(X, preactivations, features, phi, labels, work):
    """See the samples, whose labels are (N,) or, where they are not known, (0,)."""
    see_samples(X, preactivations, features, phi, work.samples)
    for n in range(labels.size):
        work.samples.labels[n] = labels[n]
    start_masses(work.samples, work.pairs)
    work.pairs.center[:] = 0
    work.sums[:] = 0
    work.gram[:] = 0


@jit
def end_softmax_masses(work, out):
    """Write the masses of the parts, all classes of cross-entropy having passed by."""
    samples, tops, pairs, m = work.samples, work.tops, work.pairs, len(work.samples.slopes)
    of_v = 2 if m > 0 else 0
    out[of_v] = work.sums[0]
    out[of_v + 1] = off_diagonal_masses(samples, tops, pairs, work.sums[1])
    if m > 0:
        residuals_from_means(samples, tops)
        end_hidden_masses(samples, pairs, out)
        if samples.labels.size > 0:
            out[4] = work.sums[2]
    _divide(out, samples)


@jit
def end_square_masses(n_classes, work, out):
    """Write the masses of the parts, all classes of the mean square having passed by."""
    samples, pairs, m = work.samples, work.pairs, len(work.samples.slopes)
    of_v = 2 if m > 0 else 0
    out[of_v] = square_output_masses(n_classes, samples, pairs)
    out[of_v + 1] = 0
    if m > 0:
        fill_square_weights(work.gram, samples, pairs)
        end_hidden_masses(samples, pairs, out)
        if samples.labels.size > 0:
            out[4] = square_cross_masses(work.gram, samples, work.cross, pairs.lanes)
    _divide(out, samples)


@jit
def _divide(out, samples):
    for part in range(out.size):
        out[part] /= float(len(samples.features)) ** 2


@jit
def _drawn_tile(v_draw, start, softmax):
    """Draw the tile of V from class `start` on."""
    stream, deviation, n_classes = v_draw
    part = softmax.V[: min(len(softmax.V), n_classes - start)]
    fill_normals(stream, start * softmax.V.shape[1], deviation, part.ravel())
    return part


@jit
def _softmax_tile(v_draw, start, features, softmax, exponentiated):
    """A tile of V and its logits, or, where it holds all classes, the exponentials that are there already."""
    part = softmax.V[: min(len(softmax.V), v_draw[2] - start)]
    logits = softmax.logits[: len(part)]
    if exponentiated:
        return part, logits
    if len(softmax.V) < v_draw[2]:
        _drawn_tile(v_draw, start, softmax)
    tile_logits(features, part, logits)
    return part, logits


@jit
def _add_drawn_softmax(drawn, v_draw, softmax, work):
    """Sum over the classes of a V that is drawn, once `fold_classes` knows their maxima, sums and means."""
    tops, pairs, features, tile = work.tops, work.pairs, drawn.features, len(softmax.V)
    for i in range(pairs.center.size):
        pairs.center[i] = softmax.center[i]
        for n in range(softmax.sums.size):
            work.samples.means[i, n] = softmax.totals[i, n] / softmax.sums[n]
    who = work.who[: start_tops(softmax.sums, tops, work.who)]
    # Exponentials in float32 underflow in the tail of a confident sample, where those in float64 do not.
    once = v_draw[2] <= tile and who.size == 0
    if who.size > 0:
        for start in range(0, v_draw[2], tile):
            part, logits = _softmax_tile(v_draw, start, features, softmax, once)
            folded = once, softmax.maxima, softmax.sums
            add_to_tops(logits, *folded, part, start, who, tops, pairs.center)
        end_tops(who, tops)
    for start in range(0, v_draw[2], tile):
        part, logits = _softmax_tile(v_draw, start, features, softmax, once)
        add_softmax_classes(
            logits, once, softmax.maxima, softmax.sums, part, start, work.samples, tops, pairs, work.sums
        )


@jit
def drawn_masses(drawn, v_draw, is_ce, phi, softmax, work, out):
    """Masses of a trial whose V is drawn by v_draw (stream, deviation, classes), into out."""
    begin_masses(drawn.X, drawn.preactivations, drawn.features, phi, drawn.labels, work)
    if is_ce:
        _add_drawn_softmax(drawn, v_draw, softmax, work)
        end_softmax_masses(work, out)
        return
    if len(work.samples.slopes) > 0:
        for start in range(0, v_draw[2], len(softmax.V)):
            part = _drawn_tile(v_draw, start, softmax)
            add_square_tile(part, start, work.samples, work.pairs, work.gram)
    end_square_masses(v_draw[2], work, out)
