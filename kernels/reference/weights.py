"""Sample weights of the blocks of a Hessian in plain NumPy."""

import numpy as np


def class_weights(p_row, p_col, same, complement):
    """p_c (1 - p_c) if c = e, else -p_c p_e. (2.1)"""
    p, q = p_row.astype(np.float64), p_col.astype(np.float64)
    return p * (1 - p if complement is None else complement) if same else -p * q


def gated_weights(a_row, a_col, factor):
    """1(a_i > 0) 1(a_j > 0) factor. (2.2)"""
    return np.where((a_row > 0) & (a_col > 0), factor.astype(np.float64), 0.0)
