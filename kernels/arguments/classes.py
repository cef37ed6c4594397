"""Arguments of the operations that sum over classes in tiles."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .values import FLOATS, array, integer

# A tile of logits (classes x samples) should stay in the last-level cache of one core between the GEMM that
# writes it and the pass that reads it. Every tile packs the features anew, which costs a GEMM of fewer
# classes than the minimum a third of its speed or more: the minimum goes first where there are many samples.
TILE_BYTES = 4 << 20
TILE_MINIMUM = 128

# Classes of which masses are summed at once: enough that sums over pairs of samples cost more than to read
# them out, few enough for the cache. Bits depend on it.
MASS_TILE = 512


def features_and_parameters(features: ArrayLike, V: Any) -> tuple[NDArray, Any]:
    """Features (N, k) as an array, and V (C, k) as it came: anything with shape, dtype and row slicing."""
    rows = array(features, "features", (None, None))
    if not all(hasattr(V, name) for name in ("shape", "dtype", "__getitem__")):
        V = np.asarray(V)
    if V.dtype not in FLOATS:
        raise TypeError(f"V: expected dtype float32 or float64, got {V.dtype}")
    if len(V.shape) != 2 or V.shape[0] == 0 or V.shape[1] != rows.shape[1]:
        raise ValueError(
            f"V: expected shape (n_classes, {rows.shape[1]}) with n_classes >= 1, as features have shape "
            f"{rows.shape}; got {tuple(V.shape)}"
        )
    return rows, V


def tile_size(tile: int | None, features: NDArray, n_classes: int) -> int:
    """Classes per tile: `tile`, or the default, and no more than there are."""
    if tile is None:
        return default_tile(len(features), n_classes, features.dtype)
    return min(integer(tile, "tile", 1, 2**31 - 1), n_classes)


def default_tile(n_samples: int, n_classes: int, dtype: np.dtype) -> int:
    """Classes that fill `TILE_BYTES` with logits. Bits depend on it, and so it depends on the sizes alone."""
    fitting = TILE_BYTES // max(1, n_samples * dtype.itemsize)
    return min(max(fitting, TILE_MINIMUM), n_classes)
