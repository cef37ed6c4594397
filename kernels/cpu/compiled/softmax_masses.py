"""Masses under cross-entropy, from tiles of probabilities.

The top class of a confident sample comes apart from its others, theory.md (2.5a).
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...host.tops import CONFIDENT_SUM
from . import lapack
from .exp import exp
from .jit import inlined, jit
from .masses import center_tile, output_masses, pair_row, pick_labelled
from .memory import square
from .pair_sums import gated_sums, squared_inner_sum


class Tops(NamedTuple):
    """Top classes t of confident samples n."""

    top: NDArray
    """(N,) int64, -1 where a sample is not confident."""
    complement: NDArray
    """1 - p of it (N,), 1 where there is none."""
    rows: NDArray
    """v_t less the center of V (m, N)."""
    apart: NDArray
    """v_t - V^T p_n (m, N)."""
    across: NDArray
    """p_nt p_kt for the top class t of n, where it is not that of k (N, N)."""


@inlined
def _probability(logit, exponentiated, maximum, total):
    """Probability from a logit, or from its exponential."""
    if exponentiated:
        return np.float64(logit) / total
    return exp(min(np.float64(logit) - np.float64(maximum), 0.0)) / total  # above 0 by rounding alone


@jit
def _fill_probabilities(logits, exponentiated, maxima, totals, p):
    for c in range(p.shape[0]):
        row, out = logits[c], p[c]
        for n in range(row.size):
            out[n] = _probability(row[n], exponentiated, maxima[n], totals[n])


@jit
def start_tops(totals, tops, who):
    """Write the confident samples to who (N,), as their totals of exponentials show, and return their number.

    Of which class they are sure `add_to_tops` finds.
    """
    count = 0
    for n in range(totals.size):
        tops.top[n], tops.complement[n] = -1, 1
        if totals[n] < CONFIDENT_SUM:
            who[count] = n
            count += 1
            tops.complement[n] = 0
            for i in range(len(tops.apart)):
                tops.apart[i, n] = 0
    return count


@jit
def add_to_tops(logits, exponentiated, maxima, totals, part, start, who, tops, center):
    """Fold a tile of classes, as `add_softmax_classes` takes it, for the confident samples `who` (M,)."""
    for n in who:
        for c in range(len(part)):
            p = _probability(logits[c, n], exponentiated, maxima[n], totals[n])
            is_top = p > 0.5
            if is_top:
                tops.top[n] = start + c
            else:
                tops.complement[n] += p
            for i in range(len(tops.apart)):
                v = np.float64(part[c, i]) - center[i]
                if is_top:
                    tops.rows[i, n] = v
                else:
                    tops.apart[i, n] -= p * v


@jit
def end_tops(who, tops):
    """v_t - V^T p is (1 - p_t) v_t less the sum of p_c v_c over the other classes, of which none is large."""
    for n in who:
        for i in range(len(tops.apart)):
            tops.apart[i, n] += tops.complement[n] * tops.rows[i, n]


@jit
def _fill_weights(p, start, tops, q):
    """Fill q with p (1 - p)."""
    for c in range(p.shape[0]):
        row, out = p[c], q[c]
        for n in range(row.size):
            out[n] = row[n] * (1 - row[n])
    for n in range(p.shape[1]):
        c = tops.top[n] - start
        if 0 <= c < len(p):
            q[c, n] = p[c, n] * tops.complement[n]


@jit
def _take_tops_out(p, start, tops):
    """Move the terms of pairs with a top class of this tile to tops.across, and set its probability to 0."""
    top = tops.top
    for n in range(top.size):
        c = top[n] - start
        if 0 <= c < len(p):
            for k in range(top.size):
                tops.across[n, k] = 0.0 if top[k] == top[n] else (1 - tops.complement[n]) * p[c, k]
    for n in range(top.size):
        c = top[n] - start
        if 0 <= c < len(p):
            p[c, n] = 0


@jit
def _gate(i, samples, work):
    """Samples with a slope at unit i, and what the unit has there; returns their number."""
    count = 0
    for n in range(samples.slopes.shape[1]):
        if samples.slopes[i, n] != 0:
            work.on[count] = n
            work.of_unit[0, count] = samples.slopes[i, n]
            work.of_unit[1, count] = samples.means[i, n]
            work.of_unit[2, count] = samples.activations[i, n]
            count += 1
    return count


@jit
def _fill_cross_factors(i, p, V, work, beside, column):
    """Fill in phi' Q and phi' (h_i Q + p) of (2.4) at open gates, Q_nc = p_nc (V_ci - (V^T p_n)_i)."""
    slope, mean, h, on = work.of_unit[0], work.of_unit[1], work.of_unit[2], work.on
    for c in range(len(p)):
        row, q, r, v = p[c], beside[c], column[c], V[c, i]
        for j in range(q.size):
            q[j] = row[on[j]]
        for j in range(q.size):
            weight = slope[j] * q[j]
            product = weight * (v - mean[j])
            q[j] = product
            r[j] = h[j] * product + weight


@jit
def _mend_cross_factors(i, p, start, samples, tops, work, beside, column):
    """Subtract onehot(y), and put in what the top classes of confident samples have."""
    slope, h = work.of_unit[0], work.of_unit[2]
    for j in range(beside.shape[1]):
        n = work.on[j]
        if samples.labels.size > 0 and 0 <= samples.labels[n] - start < len(p):
            column[samples.labels[n] - start, j] -= slope[j]
        c = tops.top[n] - start
        if 0 <= c < len(p):
            learned = samples.labels.size > 0 and samples.labels[n] == tops.top[n]
            residual = -tops.complement[n] if learned else p[c, n]
            beside[c, j] = slope[j] * p[c, n] * tops.apart[i, n]
            column[c, j] = h[j] * beside[c, j] + slope[j] * residual


@jit
def _add_covariances(i, V, beside, samples, work):
    """Add sum_c phi'_i Q_c (V_cj - mean_j) phi'_j, j <= i, to the sample weights of (w_i, w_j)."""
    m, count = len(samples.slopes), beside.shape[1]
    sums = work.covariances[: V.shape[1] * count].reshape(V.shape[1], count)
    np.dot(V.T, beside, sums)
    for j in range(i + 1):
        out, slopes, means = work.hidden_weights[pair_row(i, j, m)], samples.slopes[j], samples.means[j]
        for s in range(count):
            n = work.on[s]
            # The sum of Q over all classes is 0 but for rounding, which V would multiply.
            out[n] += slopes[n] * (sums[j, s] - sums[m, s] * means[n])


@jit
def _column_masses(column, on, samples, work):
    """Sum over c of |sum_n r_nc x_n|^2, for class factors r (T, J) of the samples on (J,)."""
    inputs = work.inputs[: len(on)]
    for j in range(len(on)):
        for k in range(inputs.shape[1]):
            inputs[j, k] = samples.inputs[on[j], k]
    columns = work.columns[: len(column)]
    np.dot(column, inputs, columns)
    total = 0.0
    for c in range(columns.shape[0]):
        for k in range(columns.shape[1]):
            total += columns[c, k] * columns[c, k]
    return total


@jit
def _add_unit(i, p, V, start, samples, tops, work):
    """Add a tile to the sample weights of (w_i, w_j), j <= i; returns its masses between w_i and V, (2.7)."""
    count = _gate(i, samples, work)
    if count == 0:
        return 0.0
    on, h, lanes = work.on[:count], work.of_unit[2, :count], work.lanes
    size = len(p) * count
    beside, column = work.beside[:size].reshape(len(p), count), work.column[:size].reshape(len(p), count)
    _fill_cross_factors(i, p, V, work, beside, column)
    _mend_cross_factors(i, p, start, samples, tops, work, beside, column)
    _add_covariances(i, V, beside, samples, work)
    if samples.labels.size == 0:
        return 0.0
    U, nothing = square(work.pairs.ravel(), count), samples.inner_h[:0]
    lapack.syrk(1.0, beside, 0.0, U)
    mass = gated_sums(U, on, samples.inner_x, samples.inner_h, h, lanes)
    if len(work.inputs) > 0:
        return mass + _column_masses(column, on, samples, work)
    lapack.syrk(1.0, column, 0.0, U)
    return mass + gated_sums(U, on, samples.inner_x, nothing, h, lanes)


@jit
def add_softmax_tile(p, V, start, samples, tops, work, sums):
    """Add a tile of classes from `start` on: probabilities p (T, N), which are destroyed, and rows V (T, m).

    sums (3,): masses of the diagonal output blocks, sum over c of |sum_n p_nc^2 h_n h_n^T|^2 without top
    classes, and masses between the layers; all times N^2.
    """
    q = work.q[: len(p)]
    _fill_weights(p, start, tops, q)
    sums[0] += output_masses(q, samples, work)
    for i in range(len(samples.slopes)):
        sums[2] += _add_unit(i, p, V, start, samples, tops, work)
    _take_tops_out(p, start, tops)
    lapack.syrk(1.0, p, 1.0, work.products)
    for c in range(q.shape[0]):
        row, out = p[c], q[c]
        for n in range(row.size):
            out[n] = row[n] * row[n]
    sums[1] += output_masses(q, samples, work)


@jit
def add_softmax_classes(logits, exponentiated, maxima, totals, part, start, samples, tops, work, sums):
    """`add_softmax_tile` for logits (K, N) of the classes in V (K, k), or their exponentials less maxima.

    maxima and totals (N,) are those of `exponentiate`, over all classes.
    """
    tile = len(work.p)
    for first in range(0, len(logits), tile):
        here = slice(first, min(first + tile, len(logits)))
        p, V = work.p[: here.stop - first], work.V[: here.stop - first]
        _fill_probabilities(logits[here], exponentiated, maxima, totals, p)
        if len(samples.slopes) > 0:
            pick_labelled(center_tile(part[here], work), start + first, samples)
        add_softmax_tile(p, V, start + first, samples, tops, work, sums)


@jit
def residuals_from_means(samples, tops):
    """Make samples.means V^T g_n = V^T p_n - v_y."""
    for n in range(samples.labels.size):
        learned = samples.labels[n] == tops.top[n]
        for i in range(len(samples.means)):
            difference = samples.means[i, n] - samples.labelled[i, n]
            samples.means[i, n] = -tops.apart[i, n] if learned else difference


@jit
def _with_tops(product, n, k, tops):
    """Sum over c != e of p_nc p_ne p_kc p_ke, from that of p_nc p_kc over the c that are top of neither."""
    top, sure_n, sure_k = tops.top, 1 - tops.complement[n], 1 - tops.complement[k]
    one = tops.across[n, k] if top[n] >= 0 else 0.0
    other = tops.across[k, n] if top[k] >= 0 else 0.0
    both = sure_n * sure_k if top[n] == top[k] else 0.0
    return product * product + 2 * (one * other + (one + other + both) * product)


@jit
def off_diagonal_masses(samples, tops, work, squares):
    """N^2 times the masses of all output blocks off the diagonal, (2.5) and (2.5a); `squares` is sums[1].

    work.products is destroyed.
    """
    products, top, confident = work.products, tops.top, False
    for n in range(top.size):
        confident = confident or top[n] >= 0
    for n in range(top.size):
        row = products[n]
        for k in range(n, top.size):
            if confident and (top[n] >= 0 or top[k] >= 0):
                row[k] = _with_tops(row[k], n, k, tops)
            else:
                row[k] *= row[k]
    return squared_inner_sum(samples.inner_h, products, work.lanes) - squares
