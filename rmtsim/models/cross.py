"""Blocks between the layers of the hidden model, theory.md (2.4) and (2.7), by tiles of classes."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from .outputs import CrossTile, Floats, Outputs
from .products import row_products


def cross_blocks(X: NDArray, h: NDArray, derivatives: NDArray, tile: CrossTile) -> Floats:
    """Return H[w_i, v_c] for the classes of a tile, shape (d, tile, m): (2.4); derivatives phi'(a) (N, m)."""
    slopes = derivatives[:, tile.hidden]
    on = np.flatnonzero(slopes)
    rows = row_products(h[on], tile.Q[on])
    rows[:, tile.hidden] += tile.g[on]
    blocks = (X[on] * slopes[on, None]).T @ rows.reshape(len(rows), h.shape[1] * tile.Q.shape[1])
    blocks /= len(X)
    return blocks.reshape(X.shape[1], h.shape[1], -1).transpose(0, 2, 1)


def cross_masses(
    X: NDArray, outputs: Outputs, derivatives: NDArray, y: NDArray
) -> Iterator[tuple[int, slice, Floats]]:
    """Yield (i, classes, |H[w_i, v_c]|_F^2 for c in classes): theory.md (2.7).

    With u_nk = phi'_ni phi'_ki x_n . x_k, the mass of block (i, c) is the sum over n, k of
    u_nk [Q_n Q_k (h_n . h_k - h_ni h_ki) + r_n r_k] / N^2, r_n = h_ni Q_n + g_n: the columns of the block
    beside i, and column i. Neither part is negative, and each is a quadratic form for the device.
    """
    h = outputs.features
    exact = h.astype(np.float64, copy=False)
    inner_x, inner_h = (X @ X.T).astype(np.float64, copy=False), exact @ exact.T
    units, tiles = range(h.shape[1]), outputs.layer.tiles(len(X))
    for i, classes, Q, g in outputs.cross_tiles(y, units, tiles):
        slopes = derivatives[:, i].astype(np.float64, copy=False)
        on = np.flatnonzero(slopes)
        if len(on) == 0:
            yield i, classes, np.zeros(Q.shape[1])
            continue
        Q, g, h_i = Q[on], g[on], exact[on, i]
        u = inner_x[np.ix_(on, on)] * np.outer(slopes[on], slopes[on])
        beside = u * (inner_h[np.ix_(on, on)] - np.outer(h_i, h_i))
        forms = outputs.kernels.masses(beside, Q) + outputs.kernels.masses(u, h_i[:, None] * Q + g)
        yield i, classes, forms * (len(on) / len(X)) ** 2
