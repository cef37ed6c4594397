"""Counter-based random numbers in plain NumPy, by the formulas of their operations."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
WEYL = (0x9E3779B9, 0xBB67AE85)


def philox4x32(counters, key):
    """Ten rounds on four words of 32 bits."""
    c0, c1, c2, c3 = counters.astype(np.uint64).T
    k0, k1 = (int(word) for word in key)
    low, shift = np.uint64(0xFFFFFFFF), np.uint64(32)
    for _ in range(10):
        p0, p1 = c0 * np.uint64(MULTIPLIERS[0]), c2 * np.uint64(MULTIPLIERS[1])
        c0, c1 = (p1 >> shift) ^ c1 ^ np.uint64(k0), p1 & low
        c2, c3 = (p0 >> shift) ^ c3 ^ np.uint64(k1), p0 & low
        k0, k1 = (k0 + WEYL[0]) % 2**32, (k1 + WEYL[1]) % 2**32
    return np.stack([c0, c1, c2, c3], axis=1).astype(np.uint32)


def uniforms(stream, start, size, dtype=np.float64):
    """Multiples of 2^-53 or 2^-24 from words of 64 or 32 bits."""
    if dtype == np.float64:
        return ((_words64(stream, start, size) >> np.uint64(11)) + np.uint64(1)) * 2.0**-53
    words = _words32(stream, start, size)
    return ((words >> np.uint32(8)) + np.uint32(1)).astype(np.float32) * np.float32(2.0**-24)


def normals(stream, start, size, dtype, scale, out):
    """Box-Muller in float64, rounded to dtype, times scale."""
    first, length = start // 2 * 2, (start % 2 + size + 1) // 2 * 2
    if dtype == np.float64:
        u, v = uniforms(stream, first, length).reshape(-1, 2).T
    else:
        words = _words32(stream, first, length).reshape(-1, 2)
        u, v = _radius_uniform32(words), (words[:, 1] >> np.uint32(8)) * 2.0**-24
    pairs = np.sqrt(-2 * np.log(u.astype(np.float64))) * _cos_sin_turns(v)
    numbers = pairs.T.ravel()[start % 2 : start % 2 + size].astype(dtype)
    np.multiply(numbers, scale, out=out)


def drawn(stream, start, size, dtype=np.float64, scale=1.0):
    """Normal numbers in a new array."""
    out = np.empty(size, dtype)
    normals(stream, start, size, np.dtype(dtype), np.dtype(dtype).type(scale), out)
    return out


def labels(stream, start, size, n_classes):
    """Upper halves of products of 64-bit words, by parts of 32 bits."""
    words, half, C = _words64(stream, start, size), np.uint64(32), np.uint64(n_classes)
    low = ((words & np.uint64(0xFFFFFFFF)) * C) >> half
    return (((words >> half) * C + low) >> half).astype(np.int64)


def _words32(stream: NDArray, start: int, size: int) -> NDArray[np.uint32]:
    """32-bit words start, ..., start + size - 1 of a stream."""
    blocks = np.arange((start % 4 + size + 3) // 4, dtype=np.uint64) + np.uint64(start // 4)
    counters = np.empty((len(blocks), 4), np.uint32)
    counters[:, 0] = blocks & np.uint64(0xFFFFFFFF)
    counters[:, 1] = blocks >> np.uint64(32)
    counters[:, 2:] = stream[2:]
    return philox4x32(counters, stream[:2]).ravel()[start % 4 : start % 4 + size]


def _words64(stream: NDArray, start: int, size: int) -> NDArray[np.uint64]:
    """64-bit words start, ..., start + size - 1 of a stream: low half first."""
    low, high = _words32(stream, 2 * start, 2 * size).astype(np.uint64).reshape(-1, 2).T
    return low | (high << np.uint64(32))


def _radius_uniform32(words: NDArray[np.uint32]) -> NDArray[np.float32]:
    """Uniform numbers of 40 bits, rounded to float32, in [2^-40, 1], from pairs of words (n, 2)."""
    fine = ((words[:, 1] & np.uint32(0xFF)) + np.uint32(1)).astype(np.float32) * np.float32(2.0**-40)
    return words[:, 0].astype(np.float32) * np.float32(2.0**-32) + fine


def _cos_sin_turns(v: NDArray[np.float64]) -> NDArray[np.float64]:
    """cos(2 pi v) and sin(2 pi v), shape (2, n). Quarter turns come off first, exactly: 2 pi v is rounded."""
    quarter = np.rint(4 * v)
    angle = 2 * np.pi * (v - quarter / 4)
    c, s = np.cos(angle), np.sin(angle)
    turned = quarter.astype(np.int64) % 4
    return np.array([np.choose(turned, [c, -s, -c, s]), np.choose(turned, [s, c, -s, -c])])
