"""Random words of a stream, and uniform numbers and labels from one word: scalar functions.

The operations of the random group say what is computed. Random words of 32 bits travel in uint64 lanes, where
a 32 x 32 -> 64 bit product is one instruction (vpmuludq, umull).
"""

import numpy as np

from .jit import inlined

# Numba adds an int64 to a uint64 as floats, and a Python float to a float32 as float64: constants are typed.
f32, f64, i32, u32, u64 = np.float32, np.float64, np.int32, np.uint32, np.uint64

MULTIPLIER_0, MULTIPLIER_1 = u64(0xD2511F53), u64(0xCD9E8D57)
WEYL_0, WEYL_1 = u64(0x9E3779B9), u64(0xBB67AE85)
LOW = u64(0xFFFFFFFF)


@inlined
def philox_rounds(c0, c1, c2, c3, k0, k1):
    """Ten rounds of Philox4x32; each word is the lower half of a uint64."""
    for _ in range(10):
        p0, p1 = MULTIPLIER_0 * c0, MULTIPLIER_1 * c2
        c0, c1, c2, c3 = (p1 >> u64(32)) ^ c1 ^ k0, p1 & LOW, (p0 >> u64(32)) ^ c3 ^ k1, p0 & LOW
        k0, k1 = (k0 + WEYL_0) & LOW, (k1 + WEYL_1) & LOW
    return c0, c1, c2, c3


@inlined
def widened(stream):
    """Read a stream once, before a loop whose output, for all that LLVM knows, may overlap it."""
    return u64(stream[0]), u64(stream[1]), u64(stream[2]), u64(stream[3])


@inlined
def words32(stream, block):
    """The four 32-bit words of a block."""
    k0, k1, c2, c3 = stream
    return philox_rounds(block & LOW, block >> u64(32), c2, c3, k0, k1)


@inlined
def words64(stream, block):
    """The two 64-bit words of a block."""
    w0, w1, w2, w3 = words32(stream, block)
    return w0 | (w1 << u64(32)), w2 | (w3 << u64(32))


@inlined
def uniform64(word):
    """(0, 1] in steps of 2^-53 from a 64-bit word."""
    return f64((word >> u64(11)) + u64(1)) * 2.0**-53


@inlined
def uniform32(word):
    """(0, 1] in steps of 2^-24 from a 32-bit word."""
    return f32(i32(word >> u64(8)) + i32(1)) * f32(2.0**-24)


@inlined
def label(word, n_classes):
    """floor(word n_classes / 2^64) by halves; no sum passes 2^64 as n_classes < 2^32."""
    low = ((word & LOW) * n_classes) >> u64(32)
    return ((word >> u64(32)) * n_classes + low) >> u64(32)
