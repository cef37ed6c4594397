"""Chi variables by rejection, each from random words of its own; the operation `chi` says what is computed.

The first attempt runs over all elements in a loop that LLVM vectorises. 19 of 20 elements accept it, or more:
with many degrees of freedom nearly all. The others are drawn one by one.
"""

import math

from .box_muller import minus_log64, normal_pair64
from .exp import exp
from .jit import inlined, jit
from .words import u64, uniform64, widened, words64

BLOCK_BITS = 6
ATTEMPTS = 2**BLOCK_BITS - 2
"""Two attempts to a pair of blocks; the last pair is left for the power of a uniform."""

SMALLEST_ROOT = 2.0**-21
"""Of v = root^3: the logarithm takes v from 2^-64 on. Smaller ones have acceptance probability 2^-37."""


@inlined
def _parameters(degrees):
    """Offset and slope of v = (1 + slope x)^3, whose product with the offset is the Gamma variable."""
    offset = 0.5 * degrees - 1.0 / 3.0
    return offset, 1.0 / math.sqrt(9.0 * offset)


@inlined
def _attempt(words, block, lane, offset, slope):
    """Candidate v and whether it is accepted, from `block` and the block after it."""
    a, b = words64(words, block)
    x = normal_pair64(a, b)[lane]
    low, high = words64(words, block + u64(1))
    u = uniform64(low if lane == 0 else high)
    root = 1.0 + slope * x
    inside = root > SMALLEST_ROOT
    v = root * root * root if inside else 1.0
    threshold = offset * ((v - 1.0) + minus_log64(v)) - 0.5 * (x * x)
    return v, inside & (minus_log64(u) > threshold)


@jit
def _chi(words, element, degrees):
    """One chi variable: attempts in their order, the last of which is taken as it comes."""
    if degrees == 0.0:
        return 0.0
    boosted = degrees < 2.0
    offset, slope = _parameters(degrees + 2.0 if boosted else degrees)
    block = element << u64(BLOCK_BITS)
    v = 1.0
    for attempt in range(ATTEMPTS):
        v, accepted = _attempt(words, block + u64(attempt & ~1), attempt & 1, offset, slope)
        if accepted:
            break
    value = math.sqrt(2.0 * offset * v)
    if boosted:
        u = uniform64(words64(words, block + u64(ATTEMPTS))[0])
        value *= exp(-minus_log64(u) / degrees)
    return value


@jit
def fill_chi(stream, start, degrees, out):
    """Write the chi variables from `start` (uint64) on into `out`, one of each entry of `degrees`."""
    words = widened(stream)
    for i in range(out.size):
        offset, slope = _parameters(max(degrees[i], 2.0))
        v, accepted = _attempt(words, (start + u64(i)) << u64(BLOCK_BITS), 0, offset, slope)
        out[i] = math.sqrt(2.0 * offset * v) if accepted & (degrees[i] >= 2.0) else -1.0
    for i in range(out.size):
        if out[i] < 0.0:
            out[i] = _chi(words, start + u64(i), degrees[i])
