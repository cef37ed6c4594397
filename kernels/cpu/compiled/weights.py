"""Sample weights of the blocks of a Hessian, theory.md (2.1)-(2.3): their one place in compiled code."""

import numpy as np

from .activations import RELU, first, second
from .jit import jit


@jit
def fill_class_weights(p_row, p_col, same, out):
    """Write p_c (1 - p_c) if `same`, else -p_c p_e, into out (n,) float64; p_c = p_row, p_e = p_col (n,)."""
    for n in range(out.size):
        other = 1 - np.float64(p_row[n]) if same else -np.float64(p_col[n])
        out[n] = np.float64(p_row[n]) * other


@jit
def fill_gated_weights(a_row, a_col, factor, out):
    """Write factor where a_row > 0 and a_col > 0 (n,), else 0, into out (n,) float64: of ReLU.

    factor has a number for each sample (n,), or one for all (1,).
    """
    for n in range(out.size):
        value = factor[n] if factor.size > 1 else factor[0]
        out[n] = value if a_row[n] > 0 and a_col[n] > 0 else 0.0


@jit
def fill_hidden_weights(a_row, a_col, factor, phi, out):
    """Write phi'(a_row) phi'(a_col) factor (n,) into out (n,) float64, for phi (code, slope)."""
    code, slope = phi
    if code == RELU:
        fill_gated_weights(a_row, a_col, factor, out)
        return
    for n in range(out.size):
        row, col = np.float64(a_row[n]), np.float64(a_col[n])
        value = np.float64(factor[n] if factor.size > 1 else factor[0])
        out[n] = first(code, slope, row) * first(code, slope, col) * value


@jit
def add_curvature(a, residuals, phi, out):
    """Add phi''(a) residuals (n,) to the weights of a block on the diagonal, out (n,) float64."""
    code, slope = phi
    for n in range(out.size):
        out[n] += second(code, slope, np.float64(a[n])) * residuals[n]


@jit
def class_weights(p_row, p_col, same):
    """Sample weights of block (c, e), (n,) float64, from probabilities (n,) float32 or float64 of c and e.

    p_c (1 - p_c) if `same`, else -p_c p_e.
    """
    out = np.empty(p_row.size)
    fill_class_weights(p_row, p_col, same, out)
    return out


@jit
def gated_weights(a_row, a_col, factor):
    """Sample weights of block (w_i, w_j), (n,) float64: `factor` where both gates are open, else 0.

    a_row, a_col (n,), the pre-activations, and factor, (n,) or (1,), are float32 or float64.
    """
    out = np.empty(a_row.size)
    fill_gated_weights(a_row, a_col, factor, out)
    return out
