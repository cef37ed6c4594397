"""Tridiagonal forms and eigenvalues of many symmetric matrices on the GPU, and which routine computes them.

Four routines give the eigenvalues of A (T, n, n):

own
    Householder reflections, a block of threads to a matrix, then bisection, which cannot fail to converge. A
    batch of trials fills the GPU.
xsyevd
    cuSOLVER, one matrix after another.
xsyev_batched
    cuSOLVER, many matrices at once; needs nvmath-python and CUDA 12.6.2.
syevj_batched
    cuSOLVER, Jacobi rotations of many matrices at once.

No operation uses the batched two, as none asks for eigenvalues of many matrices that are not stored: they are
for `rmtsim bench` and `rmtsim verify` only.

Stored statistics must not depend on how many trials share a batch, nor on what else is installed. The first
two promise that: a matrix of ours has a block of threads to itself, and xsyevd, which NVIDIA calls
deterministic, gets one matrix at a time. NVIDIA says nothing of the kind of the batched two, so that they are
never used for what is stored.

The functions that begin with `trial_` work on arrays that are on the device.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import DeviceError
from . import cusolver
from .device import INSTALL, SHARED_LIMIT, cupy, empty, launch, to_host
from .spectra import trial_bisected_eigenvalues

HOUSEHOLDER_LIMIT = 1024
"""Largest order that is reduced by our own kernel unasked: its traffic grows as n^3 on one multiprocessor."""
STATIC_SHARED = 256
"""Bytes of shared memory that the kernel takes beside its two vectors."""
STABLE = ("own", "xsyevd")
"""Routines that give a matrix the same bits in any batch."""
NEVER_CHOSEN = "syevj_batched"


def choose(order: int, count: int, dtype: np.dtype, stable: bool = False) -> str:
    """Name the routine for `count` matrices of an order; if `stable`, one of `STABLE`.

    Our own up to `HOUSEHOLDER_LIMIT`, with no look at what is installed. Beyond, XsyevBatched for two or more
    matrices, if it can be used and takes two in one call; else xsyevd. Jacobi's method is never the choice:
    where it is fast, on small matrices, ours gives the same bits in any batch. `rmtsim bench --device gpu`
    times them all.

    Raises
    ------
    ValueError
        For an order beyond the limits of every routine.
    DeviceError
        If none of them can be used, and why.
    """
    if order <= HOUSEHOLDER_LIMIT:
        return "own"
    cusolver.check_order(order)
    together = 1 if stable else min(count, cusolver.most_matrices(order, dtype))
    if together > 1 and cusolver.obstacle("xsyev_batched") is None:
        return "xsyev_batched"
    if reason := cusolver.obstacle("xsyevd"):
        raise DeviceError(f"eigenvalues of order {order} need xsyevd of cuSOLVER: {reason}; see {INSTALL}")
    return "xsyevd"


def installed() -> tuple[str, ...]:
    """Names of the routines that can be used here."""
    return tuple(name for name in ROUTINES if cusolver.obstacle(name) is None)


def householder_threads(n: int) -> int:
    """Threads that reduce one matrix of order n."""
    return 64 if n <= 64 else 256 if n <= 256 else 512


def householder(A: Any) -> tuple[Any, Any]:
    """Diagonals (T, n) and off-diagonals (T, n - 1) by our own kernel, of A (T, n, n), destroyed."""
    trials, n, _ = A.shape
    largest = (SHARED_LIMIT - STATIC_SHARED) // (2 * A.dtype.itemsize)
    if n > largest:
        raise ValueError(f"A: expected an order of at most {largest} in {A.dtype}, got {n}")
    diagonal, off_diagonal = empty((trials, n)), empty((trials, n - 1))
    block, shared = (householder_threads(n),), 2 * n * A.dtype.itemsize
    form = diagonal, off_diagonal
    launch("householder.tridiagonalize", A.dtype, (trials,), block, A, np.int64(n), *form, shared=shared)
    return diagonal, off_diagonal


def own(A: Any) -> Any:
    """Eigenvalues (T, n) of A (T, n, n), destroyed, by our own kernels."""
    return trial_bisected_eigenvalues(*householder(A))


ROUTINES: Mapping[str, Callable[[Any], Any]] = {
    "own": own,
    "syevj_batched": cusolver.syevj_batched,
    "xsyevd": cusolver.xsyevd,
    "xsyev_batched": cusolver.xsyev_batched,
}
"""Eigenvalues (T, n), ascending, float64, of A (T, n, n) with both triangles, destroyed; n >= 1."""


def trial_tridiagonals(A: Any) -> tuple[Any, Any]:
    """Diagonals (T, n) and off-diagonals (T, n - 1), float64, of A (T, n, n), symmetric and destroyed.

    Beyond `HOUSEHOLDER_LIMIT` the form is the diagonal one: eigenvalues, and zeros beside them. A matrix has
    the same bits in any batch.
    """
    trials, n, _ = A.shape
    routine = choose(n, trials, A.dtype, stable=True)
    if routine == "own":
        return householder(A)
    return ROUTINES[routine](A), cupy().zeros((trials, n - 1), np.float64)


def trial_eigenvalues(A: Any, routine: str | None = None, first: NDArray | None = None) -> Any:
    """Eigenvalues (T, n), ascending, float64, of A (T, n, n), symmetric and destroyed.

    By the routine of `choose`, or the named one. Those of the first matrix are held against LAPACK's; `first`
    is that matrix, its upper triangle at least, where the host has it.

    Raises
    ------
    numpy.linalg.LinAlgError
        If a matrix does not converge, which is named, or the first one's eigenvalues are not LAPACK's.
    ValueError, DeviceError
        For an order that the routine does not take, or one that is not known or not installed.
    """
    trials, n, _ = A.shape
    if A.size == 0:
        return empty((trials, n))
    name = choose(n, trials, A.dtype) if routine is None else _checked(routine)
    first = to_host(A[0]) if first is None else first
    found = ROUTINES[name](A)
    spot_check(first, to_host(found[0]), name)
    return found


def _checked(routine: str) -> str:
    """The name of a routine that can be used here."""
    if routine not in ROUTINES:
        raise ValueError(f"routine: expected one of {', '.join(ROUTINES)}, got {routine!r}")
    if reason := cusolver.obstacle(routine):
        raise DeviceError(f"routine {routine!r} cannot be used: {reason}")
    return routine


def spot_check(A: NDArray, found: NDArray, routine: str | None = None) -> None:
    """Compare eigenvalues of one matrix with LAPACK's.

    Raises
    ------
    numpy.linalg.LinAlgError
        If they differ by more than 8 n eps |A|, eps of the dtype of A: each side's error is a small multiple
        of n eps |A|. Beside this each of n entries of a row may be off by the smallest number: in float32 a
        normal one, as the GPU has no others there.
    """
    error, allowed = against_lapack(A, found)
    if not error <= allowed:
        who = "the GPU" if routine is None else f"the GPU ({routine})"
        raise np.linalg.LinAlgError(f"eigenvalues: {who} is off by {error:.2g}, more than {allowed:.2g}")


def against_lapack(A: NDArray, found: NDArray) -> tuple[float, float]:
    """Largest difference of eigenvalues from LAPACK's, and what is allowed; see `spot_check`."""
    expected = np.linalg.eigvalsh(A.astype(np.float64), UPLO="U")
    error = np.abs(found - expected).max(initial=0.0)
    real = np.finfo(A.dtype)
    smallest = real.tiny if A.dtype == np.float32 else real.smallest_subnormal
    return float(error), float(len(A) * (8 * real.eps * np.abs(expected).max(initial=0.0) + smallest))
