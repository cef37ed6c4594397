"""Philox words, uniforms, normals, labels: scalar functions, then loops that LLVM vectorises whole.

Nothing but IEEE +, -, *, /, sqrt and integer operations in a fixed order, so that a stream gives the same
bits on every machine; the reference module says what each operation computes. Random words of 32 bits travel
in uint64 lanes, where a 32 x 32 -> 64 bit product is one instruction (vpmuludq, umull).

The polynomials are minimax. tests/kernels/test_polynomials.py derives them anew (Remez exchange), and holds
them and the normals to the errors stated here.
"""

import math

import numpy as np

from .jit import inlined, jit

# Numba adds an int64 to a uint64 as floats, and a Python float to a float32 as float64: constants are typed.
f32, f64, i32, u32, u64 = np.float32, np.float64, np.int32, np.uint32, np.uint64

# -------------------------------------------------------------------------------------------- random words

MULTIPLIER_0, MULTIPLIER_1 = u64(0xD2511F53), u64(0xCD9E8D57)
WEYL_0, WEYL_1 = u64(0x9E3779B9), u64(0xBB67AE85)
LOW = u64(0xFFFFFFFF)


@inlined
def _philox(c0, c1, c2, c3, k0, k1):
    """Ten rounds of Philox4x32; each word is the lower half of a uint64."""
    for _ in range(10):
        p0, p1 = MULTIPLIER_0 * c0, MULTIPLIER_1 * c2
        c0, c1, c2, c3 = (p1 >> u64(32)) ^ c1 ^ k0, p1 & LOW, (p0 >> u64(32)) ^ c3 ^ k1, p0 & LOW
        k0, k1 = (k0 + WEYL_0) & LOW, (k1 + WEYL_1) & LOW
    return c0, c1, c2, c3


@inlined
def _widened(stream):
    """Read a stream once, before a loop whose output, for all that LLVM knows, may overlap it."""
    return u64(stream[0]), u64(stream[1]), u64(stream[2]), u64(stream[3])


@inlined
def _words32(stream, block):
    """The four 32-bit words of a block."""
    k0, k1, c2, c3 = stream
    return _philox(block & LOW, block >> u64(32), c2, c3, k0, k1)


@inlined
def _words64(stream, block):
    """The two 64-bit words of a block."""
    w0, w1, w2, w3 = _words32(stream, block)
    return w0 | (w1 << u64(32)), w2 | (w3 << u64(32))


# ------------------------------------------------------------------------------------------- from one word


@inlined
def _uniform64(word):
    """(0, 1] in steps of 2^-53 from a 64-bit word."""
    return f64((word >> u64(11)) + u64(1)) * 2.0**-53


@inlined
def _uniform32(word):
    """(0, 1] in steps of 2^-24 from a 32-bit word."""
    return f32(i32(word >> u64(8)) + i32(1)) * f32(2.0**-24)


@inlined
def _label(word, n_classes):
    """floor(word n_classes / 2^64) by halves; no sum passes 2^64 as n_classes < 2^32."""
    low = ((word & LOW) * n_classes) >> u64(32)
    return ((word >> u64(32)) * n_classes + low) >> u64(32)


# -------------------------------------------------------------------------------------- logarithm and turns
#
# -ln(x), x = 2^e m with sqrt(1/2) <= m < sqrt(2): subtracting the bits of sqrt(1/2) leaves e in the exponent
# field (plus 64, to keep it positive). With f = m - 1 and s = f / (2 + f),
#     ln(1 + f) = 2 artanh(s) = f - (f^2/2 - s (f^2/2 + s^2 R(s^2))),
# fdlibm's arrangement (Sun 1993), whose rounding errors are small against f. ln 2 comes in two parts; e times
# the first is exact, as that has 32 bits (16 in float32).

ROOT_HALF_64, ROOT_HALF_32 = u64(0x3FE6A09E667F3BCD), u32(0x3F3504F3)
LN2_64, LN2_LOW_64 = 0.6931471806019545, -4.2009150726810846e-11
LN2_32, LN2_LOW_32 = f32(0.693145751953125), f32(1.4286068e-06)
# R(z): error 2^-58.9 of ln(1 + f), in float32 2^-30
LOG_64 = (
    0.6666666666666734,
    0.3999999999941465,
    0.28571428742391586,
    0.22222198572882995,
    0.18183564340760025,
    0.15314050148670044,
    0.14795954280494386,
)
LOG_32 = (f32(0.66666776), f32(0.39977545), f32(0.29871684))


@inlined
def _horner(z, coefficients):
    """Sum of coefficients[k] z^k."""
    total = coefficients[-1]
    for k in range(len(coefficients) - 2, -1, -1):
        total = coefficients[k] + z * total
    return total


@inlined
def _minus_log64(x):
    """-ln(x) for 2^-53 <= x <= 1."""
    bits = f64(x).view(u64) - ROOT_HALF_64 + u64(64 << 52)
    # An integer below 2^52 in the low bits of 2^52 is its sum with 2^52: a conversion every machine has.
    e = u64((bits >> u64(52)) | u64(0x4330000000000000)).view(f64) - (2.0**52 + 64)
    f = u64((bits & u64(0xFFFFFFFFFFFFF)) + ROOT_HALF_64).view(f64) - 1.0
    s = f / (2.0 + f)
    z = s * s
    half = 0.5 * f * f
    fraction = s * (half + z * _horner(z, LOG_64)) + e * LN2_LOW_64
    return ((half - fraction) - f) - e * LN2_64


@inlined
def _minus_log32(x):
    """-ln(x) for 2^-40 <= x <= 1."""
    bits = u32(f32(x).view(u32) - ROOT_HALF_32 + u32(64 << 23))
    e = f32(i32(bits >> u32(23)) - i32(64))
    f = u32((bits & u32(0x7FFFFF)) + ROOT_HALF_32).view(f32) - f32(1)
    s = f / (f32(2) + f)
    z = s * s
    half = f32(0.5) * f * f
    fraction = s * (half + z * _horner(z, LOG_32)) + e * LN2_LOW_32
    return ((half - fraction) - f) - e * LN2_32


# Angles are integer multiples k of a small part of a turn. The nearest quarter turn comes off exactly, in
# integers; the rest t, |t| <= 1/8 turn, goes into polynomials of t^2, and the quarter chooses between them
# and their signs. In sin(2 pi t) = 6 t + t (2 pi - 6 + t^2 P(t^2)) the first term is exact, the other below
# 1/16 of it; cos(2 pi t) = 1 + t^2 Q(t^2).

# P(z): error 2^-56.8 of sin(2 pi t), in float32 2^-27
SINE_64 = (
    -41.34170224039967,
    81.60524927596525,
    -76.70585970790883,
    42.058685394475695,
    -15.093822784852804,
    3.7812247226084974,
)
SINE_32 = (f32(-41.34167), f32(81.593765), f32(-75.44556))
# Q(z): error 2^-55.7 in cos(2 pi t), in float32 2^-27
COSINE_64 = (
    -19.739208802178716,
    64.93939402266801,
    -85.45681720654005,
    60.24464133161187,
    -26.426251140448407,
    7.903101638692765,
    -1.6970200869279848,
)
COSINE_32 = (f32(-19.739208), f32(64.93932), f32(-85.44374), f32(59.245983))


@inlined
def _cos_sin64(k):
    """Cosine and sine of k 2^-53 turns, 0 <= k <= 2^53."""
    quarter = (k + u64(1 << 50)) >> u64(51)
    # The signed rest in the low bits of 1.5 2^52 is its sum with 1.5 2^52.
    t = (u64(k - (quarter << u64(51)) + u64(0x4338000000000000)).view(f64) - 1.5 * 2.0**52) * 2.0**-53
    z = t * t
    sine = 6.0 * t + t * (0.28318530717958645 + z * _horner(z, SINE_64))
    cosine = 1.0 + z * _horner(z, COSINE_64)
    odd = (quarter & u64(1)) != u64(0)
    first, second = (sine, cosine) if odd else (cosine, sine)
    sign = u64(1 << 63)
    first_bits = f64(first).view(u64) ^ (((quarter + u64(1)) << u64(62)) & sign)
    second_bits = f64(second).view(u64) ^ ((quarter << u64(62)) & sign)
    return u64(first_bits).view(f64), u64(second_bits).view(f64)


@inlined
def _cos_sin32(k):
    """Cosine and sine of k 2^-24 turns, 0 <= k <= 2^24."""
    quarter = u32(u32(k + u32(1 << 21)) >> u32(22))
    t = f32(i32(u32(k - (quarter << u32(22))))) * f32(2.0**-24)
    z = t * t
    sine = f32(6) * t + t * (f32(0.2831853) + z * _horner(z, SINE_32))
    cosine = f32(1) + z * _horner(z, COSINE_32)
    odd = (quarter & u32(1)) != u32(0)
    first, second = (sine, cosine) if odd else (cosine, sine)
    sign = u32(1 << 31)
    first_bits = u32(f32(first).view(u32) ^ (u32((quarter + u32(1)) << u32(30)) & sign))
    second_bits = u32(f32(second).view(u32) ^ (u32(quarter << u32(30)) & sign))
    return u32(first_bits).view(f32), u32(second_bits).view(f32)


@inlined
def _normal_pair64(radius_word, angle_word):
    """Two normals from two 64-bit words, each within 4 ulp.

    Relative errors in 2^-53: 0.7 from the logarithm (half its 1.4), 1 from the root, 1.8 from the cosine
    (1.2 from the sine); the product adds half an ulp. The same in float32, in 2^-24.
    """
    r = math.sqrt(2.0 * _minus_log64(_uniform64(radius_word)))
    c, s = _cos_sin64((angle_word >> u64(11)) + u64(1))
    return r * c, r * s


@inlined
def _normal_pair32(word, other):
    """Two float32 normals from two 32-bit words, each within 4 ulp: a radius of 40 bits, an angle of 24."""
    fine = f32(i32(other & u64(0xFF)) + i32(1)) * f32(2.0**-40)
    # At most 1, as 1 + 2^-32 rounds to 1 in float32.
    u = f32(u32(word)) * f32(2.0**-32) + fine
    r = math.sqrt(f32(2) * _minus_log32(u))
    c, s = _cos_sin32(u32(other >> u64(8)))
    return r * c, r * s


# --------------------------------------------------------------------------------------------------- loops
#
# Each loop runs over whole blocks; the elements that a range has of its first and last block come one by one.


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
def _normal64(stream, element):
    """One normal of a stream."""
    return _normal_pair64(*_words64(stream, element >> u64(1)))[element & u64(1)]


@jit
def _normal32(stream, element):
    """One float32 normal of a stream."""
    w0, w1, w2, w3 = _words32(stream, element >> u64(2))
    return (_normal_pair32(w0, w1) + _normal_pair32(w2, w3))[element & u64(3)]


@jit
def fill_normals64(stream, start, scale, out):
    """Write scale times the normals from `start` on into `out`; uint64 start, float64 scale and out."""
    words = _widened(stream)
    before, block, count = _whole_blocks(start, out.size, u64(2))
    whole = out[before : before + 2 * count]
    for i in range(count):
        x, y = _normal_pair64(*_words64(words, block + u64(i)))
        whole[2 * i] = x * scale
        whole[2 * i + 1] = y * scale
    for j in range(out.size - 2 * count):
        i = _edge(j, before, 2 * count)
        out[i] = _normal64(words, start + u64(i)) * scale


@jit
def fill_normals32(stream, start, scale, out):
    """Write scale times the normals from `start` on into `out`; uint64 start, float32 scale and out."""
    words = _widened(stream)
    before, block, count = _whole_blocks(start, out.size, u64(4))
    whole = out[before : before + 4 * count]
    for i in range(count):
        w0, w1, w2, w3 = _words32(words, block + u64(i))
        x, y = _normal_pair32(w0, w1)
        whole[4 * i] = x * scale
        whole[4 * i + 1] = y * scale
        x, y = _normal_pair32(w2, w3)
        whole[4 * i + 2] = x * scale
        whole[4 * i + 3] = y * scale
    for j in range(out.size - 4 * count):
        i = _edge(j, before, 4 * count)
        out[i] = _normal32(words, start + u64(i)) * scale


@jit
def fill_uniforms64(stream, block, out):
    """Write the float64 uniforms of whole blocks, from `block` (uint64) on."""
    words = _widened(stream)
    for i in range(out.size // 2):
        a, b = _words64(words, block + u64(i))
        out[2 * i] = _uniform64(a)
        out[2 * i + 1] = _uniform64(b)


@jit
def fill_uniforms32(stream, block, out):
    """Write the float32 uniforms of whole blocks, from `block` (uint64) on."""
    words = _widened(stream)
    for i in range(out.size // 4):
        a, b, c, d = _words32(words, block + u64(i))
        out[4 * i] = _uniform32(a)
        out[4 * i + 1] = _uniform32(b)
        out[4 * i + 2] = _uniform32(c)
        out[4 * i + 3] = _uniform32(d)


@jit
def fill_labels(stream, block, out, n_classes):
    """Write the labels of whole blocks, from `block` on; block and n_classes are uint64."""
    words = _widened(stream)
    for i in range(out.size // 2):
        a, b = _words64(words, block + u64(i))
        out[2 * i] = _label(a, n_classes)
        out[2 * i + 1] = _label(b, n_classes)


@jit
def fill_philox(counters, key, out):
    """Write the words of each counter (n, 4), uint32."""
    k0, k1 = u64(key[0]), u64(key[1])
    for i in range(len(counters)):
        c = counters[i]
        w0, w1, w2, w3 = _philox(u64(c[0]), u64(c[1]), u64(c[2]), u64(c[3]), k0, k1)
        out[i, 0], out[i, 1], out[i, 2], out[i, 3] = w0, w1, w2, w3
