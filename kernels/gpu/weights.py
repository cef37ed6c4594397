"""Sample weights of the blocks of a Hessian, on the GPU."""

from __future__ import annotations

from typing import Any

import numpy as np

from .device import elements, empty, launch, to_device, to_host


def trial_class_weights(p: Any, q: Any, same: bool) -> Any:
    """Weights p (1 - p) if `same`, else -p q, of any shape. theory.md (2.1), (2.3)"""
    out = empty(p.shape)
    launch("weights.class_weights", None, *elements(p.size), p, q, np.int32(same), np.int64(p.size), out)
    return out


def trial_gated_weights(a: Any, b: Any, factor: Any) -> Any:
    """Weights 1(a > 0) 1(b > 0) factor; a, b (T, N) float64, a factor to a sample or to a trial. (2.2)"""
    out = empty(a.shape)
    shared = a.size // max(factor.size, 1)
    sizes = np.int64(shared), np.int64(a.size)
    launch("weights.gated_weights", None, *elements(a.size), a, b, factor, *sizes, out)
    return out


def class_weights(p_row, p_col, same, complement):
    """Entries of B_n; with a known 1 - p as -p q for q = -(1 - p)."""
    p = to_device(p_row, np.float64)
    if same and complement is not None:
        return to_host(trial_class_weights(p, to_device(-complement), False))
    return to_host(trial_class_weights(p, to_device(p_col, np.float64), same))


HAS_ACTIVATIONS = ("relu",)
"""Those of which there is CUDA."""


def gated_weights(a_row, a_col, factor, activation, slope, residuals):
    """The factor where both gates are open."""
    a, b, values = (to_device(x, np.float64) for x in (a_row, a_col, factor))
    return to_host(trial_gated_weights(a, b, values))
