"""The arguments of each group of operations, checked once for every device."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .values import FLOATS, array, integer, real

# A tile of logits (classes x samples) should stay in the last-level cache of one core between the GEMM that
# writes it and the pass that reads it. Every tile packs the features anew, which costs a GEMM of fewer
# classes than the minimum a third of its speed or more: the minimum goes first where there are many samples.
TILE_BYTES = 4 << 20
TILE_MINIMUM = 128


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
    """Classes per tile: `tile`, or what fills `TILE_BYTES` with logits of all samples."""
    if tile is not None:
        return min(integer(tile, "tile", 1, 2**31 - 1), n_classes)
    fitting = TILE_BYTES // max(1, len(features) * features.itemsize)
    return min(max(fitting, TILE_MINIMUM), n_classes)


def indices(value: ArrayLike, name: str, shape: tuple[int | None, ...], bound: int) -> NDArray[np.int64]:
    """Integers in [0, bound) of the given shape, as int64."""
    found = np.asarray(value)
    if found.size == 0 and not isinstance(value, np.ndarray):
        found = np.empty([0 if length is None else length for length in shape], np.int64)
    if found.dtype.kind not in "iu":
        raise TypeError(f"{name}: expected integers, got dtype {found.dtype}")
    if found.size and not 0 <= found.min() <= found.max() < bound:
        raise ValueError(f"{name}: expected indices in [0, {bound}), got {found.min()} to {found.max()}")
    return array(found.astype(np.int64), name, shape, (np.int64,))


def sample_vectors(first: ArrayLike, second: ArrayLike, names: tuple[str, str]) -> tuple[NDArray, NDArray]:
    """Two vectors of one number per sample, each float32 or float64."""
    one = array(first, names[0], (None,))
    return one, array(second, names[1], one.shape)


def class_complement(complement: ArrayLike | None, p: NDArray) -> NDArray[np.float64] | None:
    """1 - p of each of the samples of p (N,), where it is given."""
    return None if complement is None else array(complement, "complement", p.shape, (np.float64,))


def sample_factor(value: Any, n: int) -> NDArray:
    """A factor of each of n samples, or one number for all, shape (1,)."""
    if np.ndim(value) == 0:
        return np.array([real(value, "factor", np.dtype(np.float64))])
    return array(value, "factor", (n,))


def samples_and_weights(X: ArrayLike, weights: ArrayLike) -> tuple[NDArray, NDArray[np.float64]]:
    """X (N, d) and weights (N,); the weights as float64."""
    rows = array(X, "X", (None, None))
    if len(rows) == 0:
        raise ValueError(f"X: expected at least one sample to average over, got shape {rows.shape}")
    return rows, array(weights, "weights", (len(rows),)).astype(np.float64, copy=False)


def symmetric(A: ArrayLike) -> NDArray:
    """A square matrix with finite entries (LAPACK does not return from some that have none)."""
    matrix = array(A, "A", (None, None))
    if matrix.shape[0] != matrix.shape[1]:
        raise ValueError(f"A: expected a square matrix, got shape {matrix.shape}")
    finite(matrix, "A")
    return matrix


def tridiagonal_form(diagonal: ArrayLike, off_diagonal: ArrayLike) -> tuple[NDArray, NDArray]:
    """Diagonal (n,) and off-diagonal (n-1,) as finite float64 arrays."""
    a = array(diagonal, "diagonal", (None,)).astype(np.float64, copy=False)
    b = array(off_diagonal, "off_diagonal", (max(len(a) - 1, 0),)).astype(np.float64, copy=False)
    finite(a, "diagonal")
    finite(b, "off_diagonal")
    return a, b


def nonempty_form(diagonal: ArrayLike, off_diagonal: ArrayLike) -> tuple[NDArray, NDArray]:
    """`tridiagonal_form` of a matrix that has at least one eigenvalue."""
    a, b = tridiagonal_form(diagonal, off_diagonal)
    if len(a) == 0:
        raise ValueError("diagonal: expected at least one entry, got shape (0,)")
    return a, b


def points(value: ArrayLike, name: str) -> NDArray[np.float64]:
    """A vector of points on the real line, infinities allowed, as float64."""
    found = array(value, name, (None,)).astype(np.float64, copy=False)
    if np.isnan(found).any():
        raise ValueError(f"{name}: expected numbers, got NaN at index {int(np.isnan(found).argmax())}")
    return found


def bin_edges(value: ArrayLike) -> NDArray[np.float64]:
    """At least two ascending bin edges."""
    edges = points(value, "edges")
    if len(edges) < 2 or not (edges[1:] > edges[:-1]).all():
        raise ValueError(f"edges: expected two or more strictly increasing numbers, got {edges}")
    return edges


def kernel_and_vectors(K: ArrayLike, A: ArrayLike) -> tuple[NDArray, NDArray]:
    """K (N, N) and A (N, R), N >= 1, of one dtype."""
    vectors = array(A, "A", (None, None))
    if len(vectors) == 0:
        raise ValueError(f"A: expected at least one sample, got shape {vectors.shape}")
    return array(K, "K", (len(vectors), len(vectors)), (vectors.dtype,)), vectors


def rows_and_total(A: ArrayLike, total: NDArray | None) -> tuple[NDArray, NDArray]:
    """A (T, N) and the sum (N, N) of its dtype that is added to in place; zeros if None."""
    rows = array(A, "A", (None, None))
    n = rows.shape[1]
    if total is None:
        return rows, np.zeros((n, n), rows.dtype)
    array(total, "total", (n, n), (rows.dtype,))
    if not (total.flags.c_contiguous and total.flags.writeable):
        raise ValueError(
            "total: expected a C-contiguous array that can be written, got a view or a read-only one"
        )
    return rows, total


def finite(value: NDArray, name: str) -> None:
    """ValueError at the first entry of `value` that is NaN or infinite."""
    # Both extremes are NaN if any entry is; no array of flags is made unless it is needed.
    if value.size and not np.isfinite([value.min(), value.max()]).all():
        bad = ~np.isfinite(value)
        where = tuple(int(i) for i in np.unravel_index(bad.argmax(), bad.shape))
        raise ValueError(f"{name}: expected finite numbers, got {value[where]} at index {where}")
