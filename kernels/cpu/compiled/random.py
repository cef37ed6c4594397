"""Random words, uniforms, normals and labels: loops that LLVM vectorises whole.

Each runs over whole blocks of a stream; the elements that a range has of its first and last block come one by
one. The operations of the random group say what is computed.
"""

import numpy as np
from numba import types
from numba.extending import overload

from .box_muller import normal_pair32, normal_pair64
from .jit import inlined, jit
from .words import label, philox_rounds, u64, uniform32, uniform64, widened, words32, words64


@inlined
def _whole_blocks(start, size, lanes):
    """Of a range of elements: how many come before its first whole block, that block, how many blocks."""
    before = min(np.int64((u64(0) - start) % lanes), size)
    return before, (start + u64(before)) // lanes, (size - before) // np.int64(lanes)


@inlined
def _edge(j, before, whole):
    """Index of the j-th element outside the whole blocks; `before` of them precede the `whole` in blocks."""
    return j if j < before else j + whole


@jit
def _word64(words, element):
    """One 64-bit word of a stream."""
    return words64(words, element >> u64(1))[element & u64(1)]


@jit
def _normal64(stream, element):
    """One normal of a stream."""
    return normal_pair64(*words64(stream, element >> u64(1)))[element & u64(1)]


@jit
def _normal32(stream, element):
    """One float32 normal of a stream."""
    w0, w1, w2, w3 = words32(stream, element >> u64(2))
    return (normal_pair32(w0, w1) + normal_pair32(w2, w3))[element & u64(3)]


@jit
def fill_normals64(stream, start, scale, out):
    """Write scale times the normals from `start` on into `out`; uint64 start, float64 scale and out."""
    words = widened(stream)
    before, block, count = _whole_blocks(start, out.size, u64(2))
    whole = out[before : before + 2 * count]
    for i in range(count):
        x, y = normal_pair64(*words64(words, block + u64(i)))
        whole[2 * i] = x * scale
        whole[2 * i + 1] = y * scale
    for j in range(out.size - 2 * count):
        i = _edge(j, before, 2 * count)
        out[i] = _normal64(words, start + u64(i)) * scale


@jit
def fill_normals32(stream, start, scale, out):
    """Write scale times the normals from `start` on into `out`; uint64 start, float32 scale and out."""
    words = widened(stream)
    before, block, count = _whole_blocks(start, out.size, u64(4))
    whole = out[before : before + 4 * count]
    for i in range(count):
        w0, w1, w2, w3 = words32(words, block + u64(i))
        x, y = normal_pair32(w0, w1)
        whole[4 * i] = x * scale
        whole[4 * i + 1] = y * scale
        x, y = normal_pair32(w2, w3)
        whole[4 * i + 2] = x * scale
        whole[4 * i + 3] = y * scale
    for j in range(out.size - 4 * count):
        i = _edge(j, before, 4 * count)
        out[i] = _normal32(words, start + u64(i)) * scale


@jit
def fill_uniforms64(stream, start, out):
    """Write the uniforms from `start` on into `out`; uint64 start, float64 out."""
    words = widened(stream)
    before, block, count = _whole_blocks(start, out.size, u64(2))
    whole = out[before : before + 2 * count]
    for i in range(count):
        a, b = words64(words, block + u64(i))
        whole[2 * i] = uniform64(a)
        whole[2 * i + 1] = uniform64(b)
    for j in range(out.size - 2 * count):
        i = _edge(j, before, 2 * count)
        out[i] = uniform64(_word64(words, start + u64(i)))


@jit
def fill_uniforms32(stream, start, out):
    """As `fill_uniforms64`, of float32 numbers."""
    words = widened(stream)
    before, block, count = _whole_blocks(start, out.size, u64(4))
    whole = out[before : before + 4 * count]
    for i in range(count):
        a, b, c, d = words32(words, block + u64(i))
        whole[4 * i] = uniform32(a)
        whole[4 * i + 1] = uniform32(b)
        whole[4 * i + 2] = uniform32(c)
        whole[4 * i + 3] = uniform32(d)
    for j in range(out.size - 4 * count):
        i = _edge(j, before, 4 * count)
        element = start + u64(i)
        out[i] = uniform32(words32(words, element >> u64(2))[element & u64(3)])


@jit
def fill_labels(stream, start, n_classes, out):
    """Write class labels of a stream (4,) uint32, from number `start` on, into out (n,) int64.

    start and n_classes, from 1 to 2^32 - 1, are integers of any type.
    """
    words, first, classes = widened(stream), u64(start), u64(n_classes)
    before, block, count = _whole_blocks(first, out.size, u64(2))
    whole = out[before : before + 2 * count]
    for i in range(count):
        a, b = words64(words, block + u64(i))
        whole[2 * i] = label(a, classes)
        whole[2 * i + 1] = label(b, classes)
    for j in range(out.size - 2 * count):
        i = _edge(j, before, 2 * count)
        out[i] = label(_word64(words, first + u64(i)), classes)


def _normals(stream, start, scale, out):
    """The loop for the dtype of out."""
    raise NotImplementedError("_normals: callable from compiled code only")


@overload(_normals)
def _choose_normals(stream, start, scale, out):
    fill, real = (fill_normals32, np.float32) if out.dtype == types.float32 else (fill_normals64, np.float64)
    return lambda stream, start, scale, out: fill(stream, u64(start), real(scale), out)


@jit
def fill_normals(stream, start, scale, out):
    """Write scale times the normals of a stream (4,) uint32, from number `start` on, into out (n,).

    out is float32 or float64, C-contiguous; start is an integer and scale a real number of any type.
    """
    _normals(stream, start, scale, out)


def _uniforms(stream, start, out):
    """The loop for the dtype of out."""
    raise NotImplementedError("_uniforms: callable from compiled code only")


@overload(_uniforms)
def _choose_uniforms(stream, start, out):
    fill = fill_uniforms32 if out.dtype == types.float32 else fill_uniforms64
    return lambda stream, start, out: fill(stream, u64(start), out)


@jit
def fill_uniforms(stream, start, out):
    """Write the uniforms of a stream (4,) uint32, from number `start` on, into out (n,), in (0, 1].

    out is float32 or float64, C-contiguous; start is an integer of any type.
    """
    _uniforms(stream, start, out)


@jit
def philox4x32(counters, key):
    """Philox4x32-10: random words (n, 4) uint32 of counters (n, 4) and key (2,), uint32."""
    out = np.empty_like(counters)
    k0, k1 = u64(key[0]), u64(key[1])
    for i in range(len(counters)):
        c = counters[i]
        w0, w1, w2, w3 = philox_rounds(u64(c[0]), u64(c[1]), u64(c[2]), u64(c[3]), k0, k1)
        out[i, 0], out[i, 1], out[i, 2], out[i, 3] = w0, w1, w2, w3
    return out
