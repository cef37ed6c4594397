"""Sums over pairs of samples that masses are made of, theory.md section 2, for many trials on the GPU."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .device import cupy, empty, launch, products, to_device, to_host
from .matrices import WARP
from .softmax import centered_columns

COLUMN_WARPS = 8


def column_dots(A: Any, B: Any, factor: float = 1.0) -> Any:
    """Dot products of the columns of A and B (T, n, R) times `factor`, (T, R) float64."""
    trials, rows, columns = A.shape
    out = empty((trials, columns))
    sizes = np.int64(rows), np.int64(columns), np.float64(factor)
    grid = (-(-columns // WARP), trials)
    launch("gram.column_dots", A.dtype, grid, (WARP, COLUMN_WARPS), A, B, *sizes, out)
    return out


def trial_masses(K: Any, A: Any) -> Any:
    """(1/N^2) a_r^T K a_r, (T, R), for K (T, N, N) and A (T, N, R)."""
    return column_dots(A, products(K, A), 1 / A.shape[1] ** 2)


def summed(numbers: Any, single: int | None = None) -> Any:
    """Sums (T,) of numbers (T, R), of which those from number `single` on, if given, count twice."""
    trials, count = numbers.shape
    times = cupy().full((trials, count, 1), 1.0 if single is None else 2.0, np.float64)
    if single is not None:
        times[:, :single].fill(1)
    return column_dots(numbers.reshape(trials, count, 1), times).reshape(trials)


def inner_products(rows: Any) -> Any:
    """Inner products (T, N, N) of rows (T, N, k)."""
    return products(rows, rows.transpose(0, 2, 1))


def unit_masses(inner_x: Any, weights: Iterable[Any]) -> NDArray[np.float64]:
    """Masses of the W-layer on the diagonal and beside it, (T, 2). theory.md (2.6)

    From inner products of the inputs (T, N, N), and for each hidden unit i the sample weights of the blocks
    (w_i, w_j), j <= i, (T, N, i + 1).
    """
    K, totals = inner_x * inner_x, np.zeros((len(inner_x), 2))
    for of_unit in weights:
        masses = to_host(trial_masses(K, of_unit))
        totals += np.stack([masses[:, -1], 2 * masses[:, :-1].sum(axis=1)], axis=1)
    return totals


class FeatureSums(NamedTuple):
    """Features (T, N, k) as the masses of weighted Gram matrices of them need them."""

    K: Any
    """Squared inner products (T, N, N)."""
    entries: Any
    """Products z_i z_j, i <= j, squares first, (T, N, k (k+1) / 2); None where these are more than N."""
    k: int

    @classmethod
    def of(cls, features: Any) -> FeatureSums:
        """Those of features in float64."""
        trials, n, k = features.shape
        inner = inner_products(features)
        entries = None
        if k * (k + 1) <= 2 * n:
            pairs = np.concatenate([np.tile(np.arange(k)[:, None], 2), np.transpose(np.triu_indices(k, 1))])
            columns = centered_columns(features, cupy().zeros((trials, k), np.float64), to_device(pairs))
            entries = cupy().ascontiguousarray(columns[:, :, k:])
        return cls(inner * inner, entries, k)

    def masses(self, A: Any) -> Any:
        """Sum over the columns a of A (T, N, R) of |(1/N) sum_n a_n z_n z_n^T|^2, (T,).

        By pairs of samples, or entry by entry of the matrices where these are fewer.
        """
        if self.entries is None:
            return summed(trial_masses(self.K, A))
        blocks = products(A.transpose(0, 2, 1), self.entries)
        return summed(column_dots(blocks, blocks, 1 / A.shape[1] ** 2), self.k)
