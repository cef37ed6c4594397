"""Counter-based random numbers in plain NumPy: the specification that every device is tested against.

A stream is a uint32 array [key0, key1, c2, c3]. Its block b is Philox4x32-10 at the counter words
(b mod 2^32, b div 2^32, c2, c3) under the key (key0, key1): four words of 32 bits, or two of 64 bits, low
half first. Element i of anything drawn from a stream depends on the stream and on i alone.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from ..arguments.values import array, element_range, float_dtype, integer, output, real, stream_words

MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
WEYL = (0x9E3779B9, 0xBB67AE85)


def philox4x32(counters: ArrayLike, key: ArrayLike) -> NDArray[np.uint32]:
    """Philox4x32 with 10 rounds (Salmon et al. 2011, SC11, section 3.3): four random words per counter.

    Parameters
    ----------
    counters : (n, 4) uint32
    key : (2,) uint32

    Returns
    -------
    (n, 4) uint32
    """
    c0, c1, c2, c3 = array(counters, "counters", (None, 4), (np.uint32,)).astype(np.uint64).T
    k0, k1 = (int(word) for word in array(key, "key", (2,), (np.uint32,)))
    low, shift = np.uint64(0xFFFFFFFF), np.uint64(32)
    for _ in range(10):
        p0, p1 = c0 * np.uint64(MULTIPLIERS[0]), c2 * np.uint64(MULTIPLIERS[1])
        c0, c1 = (p1 >> shift) ^ c1 ^ np.uint64(k0), p1 & low
        c2, c3 = (p0 >> shift) ^ c3 ^ np.uint64(k1), p0 & low
        k0, k1 = (k0 + WEYL[0]) % 2**32, (k1 + WEYL[1]) % 2**32
    return np.stack([c0, c1, c2, c3], axis=1).astype(np.uint32)


def uniforms(stream: ArrayLike, start: int, size: int, dtype: DTypeLike = np.float64) -> NDArray:
    """Uniform numbers start, ..., start + size - 1 of a stream, in (0, 1].

    float64 number i is (floor(w / 2^11) + 1) 2^-53 with w the 64-bit word i of the stream; float32 number i
    is (floor(w / 2^8) + 1) 2^-24 with w the 32-bit word i. Both are exact: the multiples of 2^-53 (2^-24)
    above 0 up to 1 are equally likely.

    Returns
    -------
    (size,) of `dtype`

    Raises
    ------
    TypeError, ValueError
        If the stream is not four uint32 words, or an element number would not fit in 64 bits.
    """
    start, size = element_range(start, size)
    if float_dtype(dtype) == np.float64:
        return ((_words64(stream, start, size) >> np.uint64(11)) + np.uint64(1)) * 2.0**-53
    words = _words32(stream, start, size)
    return ((words >> np.uint32(8)) + np.uint32(1)).astype(np.float32) * np.float32(2.0**-24)


def normals(
    stream: ArrayLike,
    start: int,
    size: int,
    dtype: DTypeLike = np.float64,
    scale: float = 1.0,
    out: NDArray | None = None,
) -> NDArray:
    """Normal numbers start, ..., start + size - 1 of a stream, times `scale`: mean 0, variance scale^2.

    Box-Muller (1958): the pair (2b, 2b+1) is sqrt(-2 ln u) (cos 2 pi v, sin 2 pi v).

    float64: u and v are the two float64 uniforms of block b. |normal| <= sqrt(2 * 53 ln 2) = 8.57.
    float32: a pair takes two 32-bit words (w, w'): u = w 2^-32 + (w' mod 2^8 + 1) 2^-40, each step rounded to
    float32, and v = floor(w' / 2^8) 2^-24. |normal| <= sqrt(2 * 40 ln 2) = 7.45.

    The product with `scale` is rounded once, in `dtype`.

    Parameters
    ----------
    out : (size,) of `dtype`, contiguous
        Filled and returned if given.

    Raises
    ------
    TypeError, ValueError
        If an argument has another type, dtype or shape, or an element number would not fit in 64 bits.
    """
    start, size = element_range(start, size)
    real_type = float_dtype(dtype)
    filled = output(out, size, real_type)
    first, length = start // 2 * 2, (start % 2 + size + 1) // 2 * 2
    if real_type == np.float64:
        u, v = uniforms(stream, first, length).reshape(-1, 2).T
    else:
        words = _words32(stream, first, length).reshape(-1, 2)
        u, v = _radius_uniform32(words), (words[:, 1] >> np.uint32(8)) * 2.0**-24
    pairs = np.sqrt(-2 * np.log(u.astype(np.float64))) * _cos_sin_turns(v)
    numbers = pairs.T.ravel()[start % 2 : start % 2 + size].astype(real_type)
    return np.multiply(numbers, real(scale, "scale", real_type), out=filled)


def labels(stream: ArrayLike, start: int, size: int, n_classes: int) -> NDArray[np.int64]:
    """Class labels start, ..., start + size - 1 of a stream, uniform on {0, ..., n_classes - 1}.

    Label i is floor(w n_classes / 2^64) with w the 64-bit word i, exactly (Lemire 2019, without rejection):
    the probability of each class is 1 / n_classes up to 2^-64. 1 <= n_classes < 2^32.

    Returns
    -------
    (size,) int64

    Raises
    ------
    TypeError, ValueError
        As `uniforms`, and if n_classes is out of range.
    """
    start, size = element_range(start, size)
    C = np.uint64(integer(n_classes, "n_classes", 1, 2**32 - 1))
    words, half = _words64(stream, start, size), np.uint64(32)
    low = ((words & np.uint64(0xFFFFFFFF)) * C) >> half
    return (((words >> half) * C + low) >> half).astype(np.int64)


def _words32(stream: ArrayLike, start: int, size: int) -> NDArray[np.uint32]:
    """32-bit words start, ..., start + size - 1 of a stream."""
    words = stream_words(stream)
    blocks = np.arange((start % 4 + size + 3) // 4, dtype=np.uint64) + np.uint64(start // 4)
    counters = np.empty((len(blocks), 4), np.uint32)
    counters[:, 0] = blocks & np.uint64(0xFFFFFFFF)
    counters[:, 1] = blocks >> np.uint64(32)
    counters[:, 2:] = words[2:]
    return philox4x32(counters, words[:2]).ravel()[start % 4 : start % 4 + size]


def _words64(stream: ArrayLike, start: int, size: int) -> NDArray[np.uint64]:
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
