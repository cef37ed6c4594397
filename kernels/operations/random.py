"""Counter-based random numbers.

A stream is four uint32 words [key0, key1, c2, c3]. Its block b is Philox4x32-10 at the counter words
(b mod 2^32, b div 2^32, c2, c3) under the key (key0, key1): four words of 32 bits, or two of 64 bits, low
half first. Element i of anything drawn from a stream depends on the stream and on i alone.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from ..arguments.random import element_range, output, stream_words
from ..arguments.values import array, float_dtype, integer, real
from .bare import Group


class RandomOperations(Group):
    """Random words, and numbers made of them."""

    def philox4x32(self, counters: ArrayLike, key: ArrayLike) -> NDArray[np.uint32]:
        """Philox4x32 with 10 rounds (Salmon et al. 2011, SC11, section 3.3): four random words per counter.

        Parameters
        ----------
        counters : (n, 4) uint32
        key : (2,) uint32

        Returns
        -------
        (n, 4) uint32 array
        """
        blocks = array(counters, "counters", (None, 4), (np.uint32,))
        return self._bare.philox4x32(blocks, array(key, "key", (2,), (np.uint32,)))

    def uniforms(
        self, stream: ArrayLike, start: int, size: int | tuple[int, ...], dtype: DTypeLike = np.float64
    ) -> NDArray[np.floating]:
        """Uniform numbers of a stream from number `start` on, in (0, 1], theory.md (7.1).

        float64 number i is (floor(w / 2^11) + 1) 2^-53 with w the 64-bit word i of the stream; float32 number
        i is (floor(w / 2^8) + 1) 2^-24 with w the 32-bit word i. Both are exact: the multiples of 2^-53
        (2^-24) above 0 up to 1 are equally likely.

        Parameters
        ----------
        stream : (4,) uint32, or int
            Any four words; numbers of other words are independent. An integer 0 <= seed < 2^64 stands for
            the words [seed mod 2^32, seed div 2^32, 0, 0].
        start : int
            start + count <= 2^64 for count numbers.
        size : int or tuple of int
            How many numbers, or the shape of the result, which they fill row by row.
        dtype : float64 or float32
            Of two kinds of numbers: those of float32 are not rounded from those of float64.

        Returns
        -------
        (size,) array of dtype, or one of shape `size`
        """
        first, count, shape = element_range(start, size)
        numbers = self._bare.uniforms(stream_words(stream), first, count, float_dtype(dtype))
        return numbers.reshape(shape)

    def normals(
        self,
        stream: ArrayLike,
        start: int,
        size: int | tuple[int, ...],
        dtype: DTypeLike = np.float64,
        scale: float = 1.0,
        out: NDArray | None = None,
    ) -> NDArray[np.floating]:
        """Normal numbers of a stream from number `start` on, times `scale`, theory.md (7.2).

        Box-Muller (1958): the pair (2b, 2b+1) is sqrt(-2 ln u) (cos 2 pi v, sin 2 pi v). Each number is
        within 4 ulp of that formula before the product, which is rounded once, in `dtype`.

        float64: u and v are the two float64 uniforms of block b. |normal| <= sqrt(2 * 53 ln 2) = 8.57.
        float32: a pair takes two 32-bit words (w, w'): u = w 2^-32 + (w' mod 2^8 + 1) 2^-40, each step
        rounded to float32, and v = floor(w' / 2^8) 2^-24. |normal| <= sqrt(2 * 40 ln 2) = 7.45.

        Parameters
        ----------
        stream, start, size
            As for `uniforms`.
        dtype : float64 or float32
            Of two kinds of numbers: those of float32 are not rounded from those of float64.
        scale : float
            Standard deviation.
        out : array of dtype and of the shape of the result, C-contiguous, optional
            Filled and returned.

        Returns
        -------
        (size,) array of dtype, or one of shape `size`
        """
        first, count, shape = element_range(start, size)
        real_type = float_dtype(dtype)
        filled, factor = output(out, shape, real_type), real(scale, "scale", real_type)
        self._bare.normals(stream_words(stream), first, count, real_type, factor, filled.reshape(-1))
        return filled

    def labels(
        self, stream: ArrayLike, start: int, size: int | tuple[int, ...], n_classes: int
    ) -> NDArray[np.int64]:
        """Class labels of a stream from number `start` on, uniform on 0, ..., n_classes - 1.

        Label i is floor(w n_classes / 2^64) with w the 64-bit word i, exactly (Lemire 2019, without
        rejection): the probability of each class is 1 / n_classes up to 2^-64.

        Parameters
        ----------
        stream, start, size
            As for `uniforms`.
        n_classes : int
            From 1 to 2^32 - 1.

        Returns
        -------
        (size,) int64 array, or one of shape `size`
        """
        classes = integer(n_classes, "n_classes", 1, 2**32 - 1)
        first, count, shape = element_range(start, size)
        return self._bare.labels(stream_words(stream), first, count, classes).reshape(shape)
