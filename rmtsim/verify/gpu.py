"""What `verify` adds for a GPU: routines for eigenvalues, and that a trial has the same bits in any batch."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import kernels
from ..kernels.gpu import cusolver, eigen
from ..kernels.gpu.device import to_device, to_host
from .table import Check, check

ORDERS = (1, 33, 65, 300, 1100)
"""The last one is beyond what our own kernels do unasked."""
COUNT = 3
TRIALS = 5
SIZES = (70, 33, 11, 3)
"""Samples, features, classes and hidden units. The arrays of the second trial are aligned to 16 bytes or
fewer, those of V to a number: cuBLAS may choose an algorithm by alignment."""


def missing() -> dict[str, str]:
    """Routines that are not installed, and why."""
    reasons = {name: cusolver.obstacle(name) for name in eigen.ROUTINES}
    return {f"without {name}": reason for name, reason in reasons.items() if reason}


def routines(precision: str) -> Iterator[Check]:
    """Check each installed routine.

    "lapack": eigenvalues of a batch; the routine that is never chosen is not judged. "same bits", of the
    routines that stored statistics come from: 0 if every matrix has alone the bits that it has in the batch,
    else infinite.
    """
    for name in eigen.installed():
        judged = name != eigen.NEVER_CHOSEN
        yield check("lapack", name, precision, partial(_against_lapack, name, precision), judged=judged)
        if name in eigen.STABLE:
            yield check("same bits", name, precision, partial(_matrices_alone, name, precision))


def _against_lapack(routine: str, precision: str) -> float:
    """Largest error of a routine in units of what is allowed."""
    errors = []
    for order in ORDERS:
        A = _matrices(order, precision)
        errors += [_ratio(*pair) for pair in zip(A, _eigenvalues(routine, A), strict=True)]
    return max(errors)


def _matrices_alone(routine: str, precision: str) -> float:
    """0 if each matrix of a batch has alone the same eigenvalues, to the bit; else infinite."""
    for order in ORDERS:
        A = _matrices(order, precision)
        alone = [_eigenvalues(routine, A[t : t + 1]) for t in range(COUNT)]
        if np.concatenate(alone).tobytes() != _eigenvalues(routine, A).tobytes():
            return np.inf
    return 0.0


def _eigenvalues(routine: str, A: NDArray) -> NDArray[np.float64]:
    return to_host(eigen.ROUTINES[routine](to_device(A)))


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
        linear = SIZES[:3], loss, pairs, precision
        hidden = SIZES, loss, pairs, pairs, precision
        for name, roles, arguments in (("linear_forms", 2, linear), ("hidden_forms", 3, hidden)):
            error = partial(_trials_alone, name, roles, arguments)
            yield check("same bits", f"{name} {loss}", precision, error)


def _trials_alone(operation: str, roles: int, arguments: tuple) -> float:
    """0 if each trial has alone the same forms and scales, to the bit; else infinite."""
    compute: Callable = getattr(kernels.load("gpu"), operation)
    streams = np.random.default_rng(roles).integers(0, 2**32, (TRIALS, roles, 4), np.uint32)
    together = _arrays(compute(streams, *arguments))
    alone = [_arrays(compute(streams[t : t + 1], *arguments)) for t in range(TRIALS)]
    same = all(
        np.concatenate(parts).tobytes() == whole.tobytes()
        for whole, *parts in zip(together, *alone, strict=True)
    )
    return 0.0 if same else np.inf


def _arrays(result: Any) -> list[NDArray]:
    """The arrays of a result, which may be tuples in tuples."""
    if isinstance(result, tuple):
        return [array for part in result for array in _arrays(part)]
    return [result]
