"""Single columns of the output layer V, drawn without the others, and their inner products."""

import numpy as np
from numba import types
from numba.extending import overload

from .box_muller import normal_pair32, normal_pair64
from .jit import inlined, jit
from .words import u64, widened, words32, words64


@jit
def _fill_column64(stream, first, step, scale, out):
    """Write scale times normals first, first + step, ... (uint64) into out."""
    words = widened(stream)
    for i in range(out.size):
        element = first + u64(i) * step
        x, y = normal_pair64(*words64(words, element >> u64(1)))
        out[i] = (y if element & u64(1) else x) * scale


@jit
def _fill_column32(stream, first, step, scale, out):
    """As `_fill_column64` in float32."""
    words = widened(stream)
    for i in range(out.size):
        element = first + u64(i) * step
        w0, w1, w2, w3 = words32(words, element >> u64(2))
        last = (element & u64(2)) != u64(0)
        x, y = normal_pair32(w2 if last else w0, w3 if last else w1)
        out[i] = (y if element & u64(1) else x) * scale


def fill_column(stream, first, step, scale, out):
    """Write scale times the normals first, first + step, ... into out; for compiled code."""
    raise NotImplementedError("fill_column: callable from compiled code only")


@overload(fill_column)
def _fill_column(stream, first, step, scale, out):
    single = out.dtype == types.float32
    fill, real = (_fill_column32, np.float32) if single else (_fill_column64, np.float64)
    return lambda stream, first, step, scale, out: fill(stream, u64(first), u64(step), real(scale), out)


@inlined
def dot(x, y):
    """Sum of x_k y_k in float64, in four partial sums."""
    s0, s1, s2, s3 = 0.0, 0.0, 0.0, 0.0
    whole = x.size - x.size % 4
    for k in range(0, whole, 4):
        s0 += np.float64(x[k]) * np.float64(y[k])
        s1 += np.float64(x[k + 1]) * np.float64(y[k + 1])
        s2 += np.float64(x[k + 2]) * np.float64(y[k + 2])
        s3 += np.float64(x[k + 3]) * np.float64(y[k + 3])
    for k in range(whole, x.size):
        s0 += np.float64(x[k]) * np.float64(y[k])
    return (s0 + s1) + (s2 + s3)


@jit
def output_gram(v_draw, n_hidden, pairs, columns, grams):
    """Entries (V^T V)_ij into grams (B,), for Pairs of columns of V (C, m).

    V is drawn by v_draw (stream, deviation, C); `columns` is work space (u, tile) of its dtype for the u
    columns that occur.
    """
    stream, deviation, n_classes = v_draw
    tile = columns.shape[1]
    grams[:] = 0
    for start in range(0, n_classes, tile):
        count = min(tile, n_classes - start)
        for r in range(len(pairs.used)):
            first = start * n_hidden + pairs.used[r]
            fill_column(stream, first, n_hidden, deviation, columns[r, :count])
        for r in range(len(pairs.places)):
            x, y = columns[pairs.places[r, 0]], columns[pairs.places[r, 1]]
            grams[r] += dot(x[:count], y[:count])
