"""The compilation policy of every CPU kernel, decided once."""

from numba import njit

# No fastmath and no FMA contraction: IEEE operations in the written order give the same bits whatever the
# vector width of the machine. error_model="numpy" drops the branch before each division, which would keep
# LLVM from vectorising a loop. The GIL is released because trials run in Python threads.
jit = njit(nogil=True, cache=True, error_model="numpy", fastmath=False)
