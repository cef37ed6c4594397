"""Blocks between the layers of the hidden model, theory.md (2.4) and (2.7), by tiles of classes."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..kernels.host.tops import SoftmaxTops
from .base import Model
from .products import row_products


class CrossTile(NamedTuple):
    """Sample factors of H[w_i, v_c] = (1/N) sum_n D_ni x_n [Q_nc h_n^T + g_nc e_i^T], c in a tile."""

    hidden: int
    """The hidden unit i."""
    classes: slice
    Q: NDArray[np.float64]
    """(V^T B_n)_ic, shape (N, tile)."""
    g: NDArray[np.float64]
    """Residuals, shape (N, tile)."""


def cross_tiles(
    model: Model,
    h: NDArray,
    tops: SoftmaxTops | None,
    y: NDArray,
    hidden: Iterable[int],
    tiles: Iterable[slice],
) -> Iterator[CrossTile]:
    """Yield the factors of (2.4) for each tile of classes and each asked hidden unit; h (N, m)."""
    means = None if tops is None else model.kernels.class_means(h, model.output_rows)
    apart = None if tops is None else _tops_from_means(model, h, tops)
    for classes in tiles:
        rows = model.output_rows[classes]
        outputs = model.outputs(h, rows, tops)
        g = model.residuals(outputs, tops, y, classes)
        for i in hidden:
            v = rows[:, i].astype(np.float64)
            if tops is None or means is None or apart is None:
                yield CrossTile(i, classes, np.broadcast_to(v, g.shape), g)
                continue
            Q = outputs * (v - means[:, i, None])
            samples, places = tops.inside(classes.start, len(rows))
            Q[samples, places] = outputs[samples, places] * apart[samples, i]
            yield CrossTile(i, classes, Q, g)


def _tops_from_means(model: Model, h: NDArray, tops: SoftmaxTops) -> NDArray[np.float64]:
    """Return v_t - V^T p_n for the top class t of confident samples, shape (N, m), else 0.

    It is (1 - p_t) v_t less the sum of p_c v_c over the other classes, of which none is large.
    """
    apart = np.zeros(h.shape)
    who = tops.confident
    if who.size == 0:
        return apart
    some = SoftmaxTops(tops.log_z[who], tops.top[who], tops.complement[who])
    for classes, p in model.output_tiles(h[who], some):
        rows = model.output_rows[classes]
        samples, places = some.inside(classes.start, len(rows))
        apart[who[samples]] += some.complement[samples, None] * rows[places]
        some.take_out(p, classes.start)
        apart[who] -= p @ rows
    return apart


def cross_blocks(X: NDArray, h: NDArray, tile: CrossTile) -> NDArray[np.float64]:
    """Return H[w_i, v_c] for the classes of a tile, shape (d, tile, m): (2.4)."""
    on = np.flatnonzero(h[:, tile.hidden] > 0)
    rows = row_products(h[on], tile.Q[on])
    rows[:, tile.hidden] += tile.g[on]
    blocks = X[on].T @ rows.reshape(len(rows), h.shape[1] * tile.Q.shape[1])
    blocks /= len(X)
    return blocks.reshape(X.shape[1], h.shape[1], -1).transpose(0, 2, 1)


def cross_masses(
    model: Model, X: NDArray, h: NDArray, tops: SoftmaxTops | None, y: NDArray
) -> Iterator[tuple[int, slice, NDArray[np.float64]]]:
    """Yield (i, classes, |H[w_i, v_c]|_F^2 for c in classes): theory.md (2.7).

    With u_nk = D_ni D_ki x_n . x_k, the mass of block (i, c) is the sum over n, k of
    u_nk [Q_n Q_k (h_n . h_k - h_ni h_ki) + r_n r_k] / N^2, r_n = h_ni Q_n + g_n: the columns of the block
    beside i, and column i. Neither part is negative, and each is a quadratic form for the device.
    """
    exact = h.astype(np.float64, copy=False)
    inner_x, inner_h = (X @ X.T).astype(np.float64, copy=False), exact @ exact.T
    units, tiles = range(h.shape[1]), model.class_slices(len(X))
    for i, classes, Q, g in cross_tiles(model, h, tops, y, units, tiles):
        on = np.flatnonzero(h[:, i] > 0)
        if len(on) == 0:
            yield i, classes, np.zeros(Q.shape[1])
            continue
        Q, g, u, h_i = Q[on], g[on], inner_x[np.ix_(on, on)], exact[on, i]
        beside = u * (inner_h[np.ix_(on, on)] - np.outer(h_i, h_i))
        forms = model.kernels.masses(beside, Q) + model.kernels.masses(u, h_i[:, None] * Q + g)
        yield i, classes, forms * (len(on) / len(X)) ** 2
