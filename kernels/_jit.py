"""The compilation policy of every CPU kernel, decided once."""

from collections.abc import Callable

from numba import njit


def jit(function: Callable) -> Callable:
    """Compile `function` to machine code that runs without the GIL and is cached beside its source.

    No fastmath: IEEE operations in the written order give the same bits whatever the vector width of the
    machine (LLVM fuses no multiply-add unless allowed to). error_model="numpy" drops the branch that Python's
    semantics put before each division; it would keep LLVM from vectorising a loop.
    """
    return njit(nogil=True, cache=True, error_model="numpy", fastmath=False)(function)
