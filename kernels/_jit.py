"""The compilation policy of every CPU kernel, decided once.

No fastmath: IEEE operations in the written order give the same bits whatever the vector width of the
machine (LLVM fuses no multiply-add unless allowed to). error_model="numpy" drops the branch that Python's
semantics put before each division; it would keep LLVM from vectorising a loop. No wrapper for callers in C,
which takes a twentieth of the time to compile.

Every function that calls another is compiled with that one's code in it. What keeps the first run short:
few functions, no assignment of one slice to another (its error message alone takes seconds), few array types.
"""

from collections.abc import Callable

from numba import njit

POLICY = {
    "nogil": True,
    "cache": True,
    "error_model": "numpy",
    "fastmath": False,
    "no_cfunc_wrapper": True,
}


def jit(function: Callable) -> Callable:
    """Compile `function` to machine code that runs without the GIL and is cached beside its source."""
    return njit(**POLICY)(function)


def inlined(function: Callable) -> Callable:
    """As `jit`, for a scalar function that a loop calls.

    LLVM vectorises no loop that holds a call, and leaves long functions as calls unless forced. Keep the
    function in the file of its loop: Numba's cache notices changes of that file alone.
    """
    return njit(**POLICY, forceinline=True)(function)
