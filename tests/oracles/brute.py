"""Loops over explicit matrices."""

import numpy as np


def block_masses(H, n_features, n_hidden, n_classes):
    """Squared Frobenius norm of every block of an explicit Hessian, by loops over its entries' indices.

    `n_hidden` None means the linear model. Returns {"ww", "vv", "wv"}, for the linear model {"vv"}.
    """
    width = n_features if n_hidden is None else n_hidden
    sizes = [n_features] * (n_hidden or 0) + [width] * n_classes
    starts = np.concatenate([[0], np.cumsum(sizes)])
    first_class = n_hidden or 0
    table = np.zeros((len(sizes), len(sizes)))
    for row in range(len(sizes)):
        for col in range(len(sizes)):
            for i in range(starts[row], starts[row + 1]):
                for j in range(starts[col], starts[col + 1]):
                    table[row, col] += H[i, j] ** 2
    masses = {"vv": table[first_class:, first_class:]}
    if n_hidden is not None:
        masses |= {"ww": table[:first_class, :first_class], "wv": table[:first_class, first_class:]}
    return masses


def total_masses(masses):
    """Sums of block masses: diagonal and off-diagonal of each layer, and all of "wv"."""
    totals = {}
    for part, table in masses.items():
        if part == "wv":
            totals["wv"] = sum(float(value) for value in table.ravel())
            continue
        totals[f"{part}_diag"] = sum(float(table[i, i]) for i in range(len(table)))
        totals[f"{part}_off"] = sum(
            float(table[i, j]) for i in range(len(table)) for j in range(len(table)) if i != j
        )
    return totals


def softmax(z):
    """Softmax along the last axis, float64."""
    exponentials = np.exp(z - z.max(axis=-1, keepdims=True))
    return exponentials / exponentials.sum(axis=-1, keepdims=True)
