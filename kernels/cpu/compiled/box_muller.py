"""Normal numbers from random words by the formula of Box and Muller: scalar functions.

Nothing but IEEE +, -, *, /, sqrt and integer operations in a fixed order, so that words give the same bits on
every machine. The polynomials are minimax. tests/kernels/test_polynomials.py derives them anew (Remez
exchange), and holds them and the normals to the errors stated here.
"""

import math

from .jit import inlined
from .words import f32, f64, i32, u32, u64, uniform64

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
def horner(z, coefficients):
    """Sum of coefficients[k] z^k."""
    total = coefficients[-1]
    for k in range(len(coefficients) - 2, -1, -1):
        total = coefficients[k] + z * total
    return total


@inlined
def minus_log64(x):
    """-ln(x) for 2^-53 <= x <= 1."""
    bits = f64(x).view(u64) - ROOT_HALF_64 + u64(64 << 52)
    # An integer below 2^52 in the low bits of 2^52 is its sum with 2^52: a conversion every machine has.
    e = u64((bits >> u64(52)) | u64(0x4330000000000000)).view(f64) - (2.0**52 + 64)
    f = u64((bits & u64(0xFFFFFFFFFFFFF)) + ROOT_HALF_64).view(f64) - 1.0
    s = f / (2.0 + f)
    z = s * s
    half = 0.5 * f * f
    fraction = s * (half + z * horner(z, LOG_64)) + e * LN2_LOW_64
    return ((half - fraction) - f) - e * LN2_64


@inlined
def minus_log32(x):
    """-ln(x) for 2^-40 <= x <= 1."""
    bits = u32(f32(x).view(u32) - ROOT_HALF_32 + u32(64 << 23))
    e = f32(i32(bits >> u32(23)) - i32(64))
    f = u32((bits & u32(0x7FFFFF)) + ROOT_HALF_32).view(f32) - f32(1)
    s = f / (f32(2) + f)
    z = s * s
    half = f32(0.5) * f * f
    fraction = s * (half + z * horner(z, LOG_32)) + e * LN2_LOW_32
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
def cos_sin64(k):
    """Cosine and sine of k 2^-53 turns, 0 <= k <= 2^53."""
    quarter = (k + u64(1 << 50)) >> u64(51)
    # The signed rest in the low bits of 1.5 2^52 is its sum with 1.5 2^52.
    t = (u64(k - (quarter << u64(51)) + u64(0x4338000000000000)).view(f64) - 1.5 * 2.0**52) * 2.0**-53
    z = t * t
    sine = 6.0 * t + t * (0.28318530717958645 + z * horner(z, SINE_64))
    cosine = 1.0 + z * horner(z, COSINE_64)
    odd = (quarter & u64(1)) != u64(0)
    first, second = (sine, cosine) if odd else (cosine, sine)
    sign = u64(1 << 63)
    first_bits = f64(first).view(u64) ^ (((quarter + u64(1)) << u64(62)) & sign)
    second_bits = f64(second).view(u64) ^ ((quarter << u64(62)) & sign)
    return u64(first_bits).view(f64), u64(second_bits).view(f64)


@inlined
def cos_sin32(k):
    """Cosine and sine of k 2^-24 turns, 0 <= k <= 2^24."""
    quarter = u32(u32(k + u32(1 << 21)) >> u32(22))
    t = f32(i32(u32(k - (quarter << u32(22))))) * f32(2.0**-24)
    z = t * t
    sine = f32(6) * t + t * (f32(0.2831853) + z * horner(z, SINE_32))
    cosine = f32(1) + z * horner(z, COSINE_32)
    odd = (quarter & u32(1)) != u32(0)
    first, second = (sine, cosine) if odd else (cosine, sine)
    sign = u32(1 << 31)
    first_bits = u32(f32(first).view(u32) ^ (u32((quarter + u32(1)) << u32(30)) & sign))
    second_bits = u32(f32(second).view(u32) ^ (u32(quarter << u32(30)) & sign))
    return u32(first_bits).view(f32), u32(second_bits).view(f32)


@inlined
def normal_pair64(radius_word, angle_word):
    """Two normals from two 64-bit words, each within 4 ulp.

    Relative errors in 2^-53: 0.7 from the logarithm (half its 1.4), 1 from the root, 1.8 from the cosine
    (1.2 from the sine); the product adds half an ulp. The same in float32, in 2^-24.
    """
    r = math.sqrt(2.0 * minus_log64(uniform64(radius_word)))
    c, s = cos_sin64((angle_word >> u64(11)) + u64(1))
    return r * c, r * s


@inlined
def normal_pair32(word, other):
    """Two float32 normals from two 32-bit words, each within 4 ulp: a radius of 40 bits, an angle of 24."""
    fine = f32(i32(other & u64(0xFF)) + i32(1)) * f32(2.0**-40)
    # At most 1, as 1 + 2^-32 rounds to 1 in float32.
    u = f32(u32(word)) * f32(2.0**-32) + fine
    r = math.sqrt(f32(2) * minus_log32(u))
    c, s = cos_sin32(u32(other >> u64(8)))
    return r * c, r * s
