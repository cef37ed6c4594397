"""Chi variables by rejection, each from random words of its own; the reference module says what is computed.

The blocks are vectorised over the elements for the first attempt, which 19 of 20 elements accept (all but a
few of them by the squeeze); the others are drawn one by one.
"""

import math

import numpy as np

from ._exp import exp
from ._jit import inlined, jit
from ._random_loops import _minus_log64, _normal_pair64, _uniform64, _widened, _words64

u64 = np.uint64

BLOCK_BITS = 6
ATTEMPTS = 2**BLOCK_BITS - 2
"""Two attempts to a pair of blocks; the last pair is left for the power of a uniform."""

# Marsaglia & Tsang 2000: u < 1 - SQUEEZE x^4 implies acceptance.
SQUEEZE = 0.0331


@inlined
def _attempt(words, block, lane):
    """Normal and uniform number of one attempt, from `block` and the block after it."""
    a, b = _words64(words, block)
    first, second = _normal_pair64(a, b)
    low, high = _words64(words, block + u64(1))
    return (first, _uniform64(low)) if lane == 0 else (second, _uniform64(high))


@inlined
def _parameters(degrees):
    """Offset and slope of v = (1 + slope x)^3, whose product with the offset is the Gamma variable."""
    offset = 0.5 * degrees - 1.0 / 3.0
    return offset, 1.0 / math.sqrt(9.0 * offset)


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
        x, u = _attempt(words, block + u64(attempt & ~1), attempt & 1)
        root = 1.0 + slope * x
        if root <= 0.0:
            continue
        v = root * root * root
        square = x * x
        if u < 1.0 - SQUEEZE * (square * square):
            break
        if _minus_log64(u) > offset * ((v - 1.0) + _minus_log64(v)) - 0.5 * square:
            break
    found = math.sqrt(2.0 * offset * v)
    if boosted:
        u = _uniform64(_words64(words, block + u64(ATTEMPTS))[0])
        found *= exp(-_minus_log64(u) / degrees)
    return found


@jit
def fill_chi(stream, start, degrees, out):
    """Write the chi variables from `start` (uint64) on into `out`, one of each entry of `degrees`."""
    words = _widened(stream)
    for i in range(out.size):
        offset, slope = _parameters(max(degrees[i], 2.0))
        x, u = _attempt(words, (start + u64(i)) << u64(BLOCK_BITS), 0)
        root = 1.0 + slope * x
        square = x * x
        accepted = (root > 0.0) & (u < 1.0 - SQUEEZE * (square * square)) & (degrees[i] >= 2.0)
        out[i] = math.sqrt(2.0 * offset * (root * root * root)) if accepted else -1.0
    for i in range(out.size):
        if out[i] < 0.0:
            out[i] = _chi(words, start + u64(i), degrees[i])
