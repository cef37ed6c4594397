"""The bare functions of the operations on the CPU, compiled by Numba."""
