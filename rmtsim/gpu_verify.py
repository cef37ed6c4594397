"""Proof that the eigenvalue routines that are installed for a GPU are right: what `verify` adds for one."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from .kernels import _gpu_cusolver, gpu_eigen
from .kernels._gpu import to_device, to_host

ORDERS = (1, 33, 65, 300, 1100)
"""The last one is beyond what our own kernels do unasked."""
COUNT = 3


def missing() -> dict[str, str]:
    """Routines that are not installed, and why."""
    reasons = {name: _gpu_cusolver.obstacle(name) for name in gpu_eigen.ROUTINES}
    return {f"without {name}": reason for name, reason in reasons.items() if reason}


def routines(precision: str) -> Iterator[tuple[str, str, float]]:
    """Yield (group, routine, error in units of what is allowed) of each installed routine.

    "lapack": eigenvalues of a batch. "same bits", of the routines that stored statistics come from: 0 if
    every matrix has alone the bits that it has in the batch, else infinite.
    """
    for name in gpu_eigen.installed():
        errors, differ = [], False
        for order in ORDERS:
            A = _matrices(order, precision)
            found = to_host(gpu_eigen.ROUTINES[name](to_device(A)))
            errors += [_ratio(matrix, values) for matrix, values in zip(A, found, strict=True)]
            alone = [to_host(gpu_eigen.ROUTINES[name](to_device(A[t : t + 1])))[0] for t in range(COUNT)]
            differ |= np.array(alone).tobytes() != found.tobytes()
        yield "lapack", name, max(errors)
        if name in gpu_eigen.STABLE:
            yield "same bits", name, np.inf if differ else 0.0


def _matrices(order: int, precision: str) -> NDArray:
    """A generic matrix, one of low rank as Hessian blocks are, a diagonal one."""
    rng = np.random.default_rng(order)
    A, v = rng.normal(size=(order, order)), rng.normal(size=(order, -(-order // 4)))
    return np.array([A + A.T, v @ v.T, np.diag(v[:, 0])]).astype(precision)


def _ratio(A: NDArray, found: NDArray) -> float:
    """Largest error of the eigenvalues of a matrix in units of what is allowed; infinite if NaN."""
    error, allowed = gpu_eigen.against_lapack(A, found)
    return float(np.nan_to_num(error / allowed, nan=np.inf))
