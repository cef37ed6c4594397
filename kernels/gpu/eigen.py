"""Tridiagonal forms of many symmetric matrices on the GPU, from which all eigenvalues come by bisection.

Up to an order of `HOUSEHOLDER_LIMIT` by our own kernel, a block of threads to a matrix, so that a batch of
trials fills the GPU. Beyond, the form is diagonal: eigenvalues by cuSOLVER, one matrix after another. Either
way a matrix has the same bits in any batch, whatever else is installed; NVIDIA calls xsyevd deterministic,
and says nothing of the kind of its batched routines.
"""

from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import DeviceError
from .device import INSTALL, SHARED_LIMIT, cupy, empty, in_a_line, launch, library

HOUSEHOLDER_LIMIT = 1024
"""Largest order that is reduced by our own kernel: its traffic grows as n^3 on one multiprocessor."""
STATIC_SHARED = 256
"""Bytes of shared memory that the kernel takes beside its two vectors."""
ORDER_LIMIT = 46340
"""Largest order whose number of entries is below 2^31: xsyevd counts work space in 32-bit integers."""


def trial_tridiagonals(A: Any) -> tuple[Any, Any]:
    """Diagonals (T, n) and off-diagonals (T, n - 1), float64, of A (T, n, n), symmetric and destroyed."""
    trials, n, _ = A.shape
    if n <= HOUSEHOLDER_LIMIT:
        return householder(A)
    return by_cusolver(A), cupy().zeros((trials, n - 1), np.float64)


def householder_threads(n: int) -> int:
    """Threads that reduce one matrix of order n."""
    return 64 if n <= 64 else 256 if n <= 256 else 512


def householder(A: Any) -> tuple[Any, Any]:
    """Diagonals (T, n) and off-diagonals (T, n - 1) by our own kernel, of A (T, n, n), destroyed."""
    trials, n, _ = A.shape
    largest = (SHARED_LIMIT - STATIC_SHARED) // (2 * A.dtype.itemsize)
    if n > largest:
        raise ValueError(f"A: expected an order of at most {largest} in {A.dtype}, got {n}")
    form = empty((trials, n)), empty((trials, n - 1))
    block, shared = (householder_threads(n),), 2 * n * A.dtype.itemsize
    launch("householder.tridiagonalize", A.dtype, (trials,), block, A, np.int64(n), *form, shared=shared)
    return form


def by_cusolver(A: Any) -> Any:
    """Eigenvalues (T, n), ascending, float64, of A (T, n, n): xsyevd through CuPy, one after another.

    Raises
    ------
    numpy.linalg.LinAlgError
        If a matrix does not converge, which is named.
    ValueError, DeviceError
        For an order that cuSOLVER does not take, or without cuSOLVER.
    """
    count, n, _ = A.shape
    if n > ORDER_LIMIT:
        raise ValueError(f"A: expected an order of at most {ORDER_LIMIT} on the GPU, got {n}")
    refusal, out = _cusolver_error(n), empty((count, n))
    for matrix in range(count):
        try:
            with import_module("cupyx").errstate(linalg="raise"):  # else CuPy does not look at `info`
                out[matrix] = cupy().linalg.eigvalsh(A[matrix], UPLO="U")
        except np.linalg.LinAlgError as error:
            which = f"matrix {matrix} of {count}, order {n}, {A.dtype}"
            raise np.linalg.LinAlgError(f"cuSOLVER: no eigenvalues of {which}: {error}") from error
        except refusal as error:
            raise DeviceError(f"cuSOLVER refuses a matrix of order {n} in {A.dtype}: {error}") from error
    return out


def _cusolver_error(n: int) -> type[Exception]:
    """What CuPy raises where cuSOLVER refuses a call; DeviceError if it cannot be loaded."""
    try:
        return library("cusolver").CUSOLVERError
    except ImportError as error:
        why = f"CuPy cannot load it: {in_a_line(error)}; see {INSTALL}"
        raise DeviceError(f"eigenvalues of order {n} need cuSOLVER, and {why}") from error


def spot_check(A: NDArray, eigenvalues: NDArray) -> None:
    """Compare eigenvalues of one matrix with LAPACK's.

    Raises
    ------
    numpy.linalg.LinAlgError
        If they differ by more than 8 n eps |A|, eps of the dtype of A: each side's error is a small multiple
        of n eps |A|. Beside this each of n entries of a row may be off by the smallest number: in float32 a
        normal one, as the GPU has no others there.
    """
    error, allowed = against_lapack(A, eigenvalues)
    if not error <= allowed:
        raise np.linalg.LinAlgError(f"eigenvalues: the GPU is off by {error:.2g}, more than {allowed:.2g}")


def against_lapack(A: NDArray, eigenvalues: NDArray) -> tuple[float, float]:
    """Largest difference of eigenvalues from LAPACK's, and what is allowed; see `spot_check`."""
    expected = np.linalg.eigvalsh(A.astype(np.float64), UPLO="U")
    error = np.abs(eigenvalues - expected).max(initial=0.0)
    real = np.finfo(A.dtype)
    smallest = real.tiny if A.dtype == np.float32 else real.smallest_subnormal
    return float(error), float(len(A) * (8 * real.eps * np.abs(expected).max(initial=0.0) + smallest))
