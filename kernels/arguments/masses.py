"""Arguments of the operations that sum masses over pairs of samples."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..host.tops import SoftmaxTops
from .classes import features_and_parameters
from .values import array


def kernel_and_vectors(K: ArrayLike, A: ArrayLike) -> tuple[NDArray, NDArray]:
    """K (N, N) and A (N, R), N >= 1, of one dtype."""
    vectors = array(A, "A", (None, None))
    if len(vectors) == 0:
        raise ValueError(f"A: expected at least one sample, got shape {vectors.shape}")
    return array(K, "K", (len(vectors), len(vectors)), (vectors.dtype,)), vectors


def samples_and_tops(
    features: ArrayLike, V: Any, tops: SoftmaxTops | None
) -> tuple[NDArray, Any, SoftmaxTops | None]:
    """Features (N, k), N >= 1, V (C, k) as it came, and the tops of the samples if they are given."""
    rows, V = features_and_parameters(features, V)
    if len(rows) == 0:
        raise ValueError(f"features: expected at least one sample, got shape {rows.shape}")
    return rows, V, None if tops is None else sample_tops(tops, len(rows), V.shape[0])


def sample_tops(tops: Any, n_samples: int, n_classes: int) -> SoftmaxTops:
    """Checked `SoftmaxTops` of N samples."""
    log_z, top, complement = tops
    shape = (n_samples,)
    checked = SoftmaxTops(
        array(log_z, "tops.log_z", shape, (np.float64,)),
        array(top, "tops.top", shape, (np.int64,)),
        array(complement, "tops.complement", shape, (np.float64,)),
    )
    low, high = checked.top.min(), checked.top.max()
    if not -1 <= low <= high < n_classes:
        raise ValueError(f"tops.top: expected classes in [0, {n_classes}) or -1, got {low} to {high}")
    return checked
