"""Sample weights of the blocks of a Hessian in plain NumPy."""

import numpy as np

from ..host.activations import ACTIVATIONS


def class_weights(p_row, p_col, same, complement):
    """p_c (1 - p_c) if c = e, else -p_c p_e. (2.1)"""
    p, q = p_row.astype(np.float64), p_col.astype(np.float64)
    return p * (1 - p if complement is None else complement) if same else -p * q


def gated_weights(a_row, a_col, factor, activation, slope, residuals):
    """phi'(a_i) phi'(a_j) factor + phi''(a_i) residuals. (2.2)"""
    phi = ACTIVATIONS[activation]
    a, b = a_row.astype(np.float64), a_col.astype(np.float64)
    slopes = phi.first(a, slope) * phi.first(b, slope)
    weights = np.where(slopes == 0, 0.0, slopes * factor)
    return weights + phi.second(a, slope) * residuals if phi.second and residuals.size else weights
