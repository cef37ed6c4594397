"""The compilation policy of every CPU kernel, decided once.

No fastmath: IEEE operations in the written order give the same bits whatever the vector width of the
machine (LLVM fuses no multiply-add unless allowed to). error_model="numpy" drops the branch that Python's
semantics put before each division; it would keep LLVM from vectorising a loop.
"""

from collections.abc import Callable

from numba import njit


def jit(function: Callable) -> Callable:
    """Compile `function` to machine code that runs without the GIL and is cached beside its source."""
    return njit(nogil=True, cache=True, error_model="numpy", fastmath=False)(function)


def inlined(function: Callable) -> Callable:
    """As `jit`, for a scalar function that a loop calls.

    LLVM vectorises no loop that holds a call, and leaves long functions as calls unless forced. Keep the
    function in the file of its loop: Numba's cache notices changes of that file alone.
    """
    return njit(nogil=True, cache=True, error_model="numpy", fastmath=False, forceinline=True)(function)
