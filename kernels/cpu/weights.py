"""Sample weights of the blocks of a Hessian, compiled."""

import numpy as np

from .compiled import weights
from .compiled.activations import CODES


def gated_weights(a_row, a_col, factor, activation, slope, residuals):
    """Products of derivatives, and curvature times residuals where there are any."""
    phi, out = (CODES[activation], slope), np.empty(len(a_row))
    weights.fill_hidden_weights(a_row, a_col, factor, phi, out)
    if residuals.size:
        weights.add_curvature(a_row, residuals, phi, out)
    return out


def class_weights(p_row, p_col, same, complement):
    """Entries of B_n; 1 - p where it is known, and as a difference where not."""
    if same and complement is not None:
        return p_row * complement
    return weights.class_weights(p_row, p_col, same)
