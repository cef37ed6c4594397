"""What `verify` adds for a GPU: large matrices, and the same bits of matrices and trials in any batch."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import kernels
from ..kernels.gpu import eigen, spectra
from ..kernels.gpu.device import to_device, to_host
from .table import Check, check

ORDERS = (1, 33, 65, 300, 1100)
"""The last one is beyond what our own kernel does: cuSOLVER."""
COUNT = 3
TRIALS = 5
SIZES = (70, 33, 11, 3)
"""Samples, features, classes and hidden units. The arrays of the second trial are aligned to 16 bytes or
fewer, those of V to a number: cuBLAS may choose an algorithm by alignment."""

NETWORK = kernels.Network(v_std=8.0)
"""Of some samples it is sure, whose top classes masses sum apart; of others not."""


def matrices(precision: str) -> Iterator[Check]:
    """Check of each order the eigenvalues of a batch of matrices.

    "lapack": their largest error in units of what is allowed. "same bits": 0 if every matrix has alone the
    bits that it has in the batch, else infinite.
    """
    for order in ORDERS:
        name = f"eigenvalues {order}"
        yield check("lapack", name, precision, partial(_against_lapack, order, precision))
        yield check("same bits", name, precision, partial(_matrices_alone, order, precision))


def _against_lapack(order: int, precision: str) -> float:
    A = _matrices(order, precision)
    return max(_ratio(*pair) for pair in zip(A, _eigenvalues(A), strict=True))


def _matrices_alone(order: int, precision: str) -> float:
    A = _matrices(order, precision)
    return _difference(_eigenvalues(A), [_eigenvalues(A[t : t + 1]) for t in range(COUNT)])


def _eigenvalues(A: NDArray) -> NDArray[np.float64]:
    return to_host(spectra.FewDiagonals(*eigen.trial_tridiagonals(to_device(A))).eigenvalues())


def _matrices(order: int, precision: str) -> NDArray:
    """A generic matrix, one of low rank as Hessian blocks are, a diagonal one."""
    rng = np.random.default_rng(order)
    A, v = rng.normal(size=(order, order)), rng.normal(size=(order, -(-order // 4)))
    return np.array([A + A.T, v @ v.T, np.diag(v[:, 0])]).astype(precision)


def _ratio(A: NDArray, found: NDArray) -> float:
    """Largest error of the eigenvalues of a matrix in units of what is allowed; infinite if NaN."""
    error, allowed = eigen.against_lapack(A, found)
    return float(np.nan_to_num(error / allowed, nan=np.inf))


def batches(precision: str) -> Iterator[Check]:
    """Check of each model and loss that each of `TRIALS` trials has alone the bits that it has among them."""
    pairs = np.array([[0, 0], [2, 1]])
    for loss in ("ce", "mse"):
        linear = SIZES[:3], loss, pairs, precision, NETWORK, True
        hidden = SIZES, loss, pairs, pairs, precision, NETWORK, True
        for name, roles, arguments in (("linear_forms", 2, linear), ("hidden_forms", 4, hidden)):
            error = partial(_trials_alone, name, roles, arguments)
            yield check("same bits", f"{name} {loss}", precision, error)


def _trials_alone(operation: str, roles: int, arguments: tuple) -> float:
    """0 if each trial has alone the same forms, scales and masses, to the bit; else infinite."""
    compute: Callable = getattr(kernels.load("gpu"), operation)
    streams = np.random.default_rng(roles).integers(0, 2**32, (TRIALS, roles, 4), np.uint32)
    together = _arrays(compute(streams, *arguments))
    alone = [_arrays(compute(streams[t : t + 1], *arguments)) for t in range(TRIALS)]
    return max(_difference(whole, parts) for whole, *parts in zip(together, *alone, strict=True))


def _difference(whole: NDArray, parts: list[NDArray]) -> float:
    """0 if the parts make the whole, to the bit; else infinite."""
    return 0.0 if np.concatenate(parts).tobytes() == whole.tobytes() else np.inf


def _arrays(result: Any) -> list[NDArray]:
    """The arrays of a result, which may be tuples in tuples."""
    if isinstance(result, tuple):
        return [array for part in result for array in _arrays(part)]
    return [result]
