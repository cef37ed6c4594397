"""Every operation on the CPU, compiled by Numba."""
