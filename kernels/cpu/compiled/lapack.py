"""BLAS and LAPACK routines that compiled code calls without the GIL.

SciPy exports the addresses of the Fortran routines of the library it is built on, through
`scipy.linalg.cython_blas` and `scipy.linalg.cython_lapack` (its ordinary wrappers hold the GIL, which would
run the trials one after another). Each address is registered under a symbol that LLVM resolves whenever
compiled code is loaded, so that functions calling it can be cached on disk. `np.dot` needs nothing from here:
Numba maps it to GEMM the same way.

Fortran reads matrices by columns: the C-contiguous (n, k) array that is passed here is the k x n matrix of
its rows there, and LAPACK's lower triangle is NumPy's upper one.
"""

import ctypes

import llvmlite.binding
import numpy as np
from numba import types
from numba.core import cgutils
from numba.extending import get_cython_function_address, intrinsic, overload
from scipy.linalg import cython_blas, cython_lapack


def _signature(module, name: str) -> str:
    """C signature of an exported routine."""
    read_name = ctypes.pythonapi.PyCapsule_GetName
    read_name.restype, read_name.argtypes = ctypes.c_char_p, [ctypes.py_object]
    return read_name(module.__pyx_capi__[name]).decode()


def _routine(module, name: str, arguments: int) -> types.ExternalFunction:
    """The Fortran routine `name` of `arguments` pointers, as a function that compiled code can call.

    Raises ImportError where it does not take 32-bit integers: the calls below would corrupt memory.
    """
    parameters = _signature(module, name).split("(")[1].rstrip(")").split(",")
    if len(parameters) != arguments or "int *" not in (text.strip() for text in parameters):
        raise ImportError(
            f"{module.__name__}.{name}: expected {arguments} pointers with 32-bit integers, "
            f"got {_signature(module, name)}; rmtsim needs a SciPy built on an LP64 BLAS and LAPACK"
        )
    symbol = f"rmtsim_{name}"
    llvmlite.binding.add_symbol(symbol, get_cython_function_address(module.__name__, name))
    return types.ExternalFunction(symbol, types.void(*[types.voidptr] * arguments))


_ssyrk, _dsyrk = (_routine(cython_blas, name, 10) for name in ("ssyrk", "dsyrk"))
_ssytrd, _dsytrd = (_routine(cython_lapack, name, 10) for name in ("ssytrd", "dsytrd"))
_sgeqrf, _dgeqrf = (_routine(cython_lapack, name, 8) for name in ("sgeqrf", "dgeqrf"))
_dsterf = _routine(cython_lapack, "dsterf", 4)

# Work space of SYTRD and GEQRF per row: LAPACK's block size for them (ILAENV); more changes nothing.
SYTRD_WORK = 32
GEQRF_WORK = 32

_N, _T, _L = np.uint8(ord("N")), np.uint8(ord("T")), np.uint8(ord("L"))


@intrinsic
def _reference(typingctx, value):
    """Address of a copy of the scalar `value` on the stack: Fortran takes every argument by reference."""

    def codegen(context, builder, signature, arguments):
        slot = cgutils.alloca_once_value(builder, arguments[0])
        return builder.bitcast(slot, cgutils.voidptr_t)

    return types.voidptr(value), codegen


def syrk(alpha, A, beta, out, rows=False):
    """Upper triangle of out becomes alpha A^T A + beta out, or alpha A A^T + beta out if `rows`.

    For compiled code.
    A (n, k); out is (k, k), or (n, n) if `rows`.
    """
    raise NotImplementedError("syrk: callable from compiled code only")


@overload(syrk)
def _syrk(alpha, A, beta, out, rows=False):
    routine = _ssyrk if A.dtype == types.float32 else _dsyrk
    scalar = np.float32 if A.dtype == types.float32 else np.float64

    def call(alpha, A, beta, out, rows=False):
        n, k = np.int32(A.shape[0]), np.int32(A.shape[1])
        order, depth = (n, k) if rows else (k, n)
        routine(
            _reference(_L), _reference(_T if rows else _N), _reference(order), _reference(depth),
            _reference(scalar(alpha)), A.ctypes, _reference(np.int32(max(k, 1))),
            _reference(scalar(beta)), out.ctypes, _reference(np.int32(max(order, 1))),
        )  # fmt: skip

    return call


def sytrd(A, diagonal, off_diagonal, reflectors, work):
    """Reduce A (n, n), read in its upper triangle and destroyed, to tridiagonal form; for compiled code.

    All arrays have the dtype of A: diagonal (n,), off_diagonal and reflectors (n-1,) or longer,
    work (n * SYTRD_WORK,).
    """
    raise NotImplementedError("sytrd: callable from compiled code only")


@overload(sytrd)
def _sytrd(A, diagonal, off_diagonal, reflectors, work):
    routine = _ssytrd if A.dtype == types.float32 else _dsytrd

    def call(A, diagonal, off_diagonal, reflectors, work):
        n = np.int32(A.shape[0])
        routine(
            _reference(_L), _reference(n), A.ctypes, _reference(n),
            diagonal.ctypes, off_diagonal.ctypes, reflectors.ctypes,
            work.ctypes, _reference(np.int32(work.size)), _reference(np.int32(0)),
        )  # fmt: skip

    return call


def geqrf(A, reflectors, work):
    """QR factorisation A^T = Q U of A (n, k), n <= k, in place: U^T is the lower triangle of A[:, :n].

    For compiled code. All arrays have the dtype of A: reflectors (n,), work (n * GEQRF_WORK,).
    """
    raise NotImplementedError("geqrf: callable from compiled code only")


@overload(geqrf)
def _geqrf(A, reflectors, work):
    routine = _sgeqrf if A.dtype == types.float32 else _dgeqrf

    def call(A, reflectors, work):
        n, k = np.int32(A.shape[0]), np.int32(A.shape[1])
        routine(
            _reference(k), _reference(n), A.ctypes, _reference(k), reflectors.ctypes,
            work.ctypes, _reference(np.int32(work.size)), _reference(np.int32(0)),
        )  # fmt: skip

    return call


def sterf(diagonal, off_diagonal):
    """Overwrite `diagonal` (n,) float64 with the ascending eigenvalues; `off_diagonal` is destroyed.

    For compiled code. Returns LAPACK's `info`: the number of off-diagonal entries that did not converge to
    zero.
    """
    raise NotImplementedError("sterf: callable from compiled code only")


@overload(sterf)
def _sterf(diagonal, off_diagonal):
    def call(diagonal, off_diagonal):
        info = np.zeros(1, np.int32)
        _dsterf(_reference(np.int32(diagonal.size)), diagonal.ctypes, off_diagonal.ctypes, info.ctypes)
        return info[0]

    return call
