"""Exponential function that LLVM vectorises: no call, no branch, no table.

exp(x) = 2^n exp(r) with n = round(x / ln 2) and |r| <= ln(2)/2. Adding 1.5 2^52 (1.5 2^23 in float32) rounds
to an integer and leaves it in the low bits of the sum; r comes from ln 2 in two parts, the first of which n
multiplies exactly (Cody & Waite 1980); exp(r) is its Taylor polynomial, whose first omitted term is below
5e-18 (6e-9 in float32), in Horner form; 2^n is put together from its bits.

For softmax the argument is never above 0: results below the smallest normal number are 0.
"""

import numpy as np
from numba import types
from numba.extending import intrinsic, overload

_LOG2_E = 1.4426950408889634


@intrinsic
def as_bits(typingctx, x):
    """The bits of a float as an integer of the same width."""
    integer = {types.float64: types.int64, types.float32: types.int32}[x]

    def codegen(context, builder, signature, arguments):
        return builder.bitcast(arguments[0], context.get_value_type(integer))

    return integer(x), codegen


@intrinsic
def as_float(typingctx, bits):
    """The float with the bits of an integer of the same width."""
    number = {types.int64: types.float64, types.int32: types.float32}[bits]

    def codegen(context, builder, signature, arguments):
        return builder.bitcast(arguments[0], context.get_value_type(number))

    return number(bits), codegen


def exp(x):
    """e^x for float64 x < 709 or float32 x < 88, within 1 ulp; NaN gives NaN. For compiled code."""
    raise NotImplementedError("exp: callable from compiled code only")


def _exp64(x):
    shifted = x * _LOG2_E + 6755399441055744.0
    n = shifted - 6755399441055744.0
    r = (x - n * 6.93147180369123816490e-01) - n * 1.90821492927058770002e-10
    p = 1 / 6227020800
    p = p * r + 1 / 479001600
    p = p * r + 1 / 39916800
    p = p * r + 1 / 3628800
    p = p * r + 1 / 362880
    p = p * r + 1 / 40320
    p = p * r + 1 / 5040
    p = p * r + 1 / 720
    p = p * r + 1 / 120
    p = p * r + 1 / 24
    p = p * r + 1 / 6
    p = p * r + 1 / 2
    power = as_float((as_bits(shifted) + np.int64(1023)) << np.int64(52))
    # Written so that NaN passes.
    return 0.0 if x < -708.0 else (1 + (r + (r * r) * p)) * power


_F = np.float32


def _exp32(x):
    shifted = x * _F(_LOG2_E) + _F(12582912.0)
    n = shifted - _F(12582912.0)
    r = (x - n * _F(0.693359375)) - n * _F(-2.12194440e-4)
    p = _F(1 / 5040)
    p = p * r + _F(1 / 720)
    p = p * r + _F(1 / 120)
    p = p * r + _F(1 / 24)
    p = p * r + _F(1 / 6)
    p = p * r + _F(1 / 2)
    # Numba widens a sum of int32 to int64.
    power = as_float(np.int32((as_bits(shifted) + np.int32(127)) << np.int32(23)))
    return _F(0.0) if x < _F(-87.0) else (_F(1.0) + (r + (r * r) * p)) * power


@overload(exp, inline="always")
def _exp(x):
    return {types.float64: _exp64, types.float32: _exp32}[x]
