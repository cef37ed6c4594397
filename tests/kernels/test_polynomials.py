"""The polynomials of Box-Muller: derived anew, their errors, and the error of the normals made of them.

The truth is mpmath with 200 bits; ulp means the spacing of floating-point numbers at the exact value.
"""

import math
from collections.abc import Callable, Iterable
from fractions import Fraction

import mpmath as mp
import numpy as np
import pytest

from rmtsim.kernels.cpu.compiled import box_muller

mp.mp.prec = 200
TAU = 2 * mp.pi
S_MAX = (mp.sqrt(2) - 1) / (mp.sqrt(2) + 1)  # artanh(S_MAX) = ln(sqrt 2) / 2
T_MAX = mp.mpf(1) / 8
Function = Callable[[mp.mpf], mp.mpf]


def artanh_rest(z: mp.mpf) -> mp.mpf:
    """R(z) with ln((1+s)/(1-s)) = 2 s + s z R(z), z = s^2."""
    s = mp.sqrt(z)
    return (2 * mp.atanh(s) - 2 * s) / (s * z)


def sine_rest(z: mp.mpf) -> mp.mpf:
    """P(z) with sin(2 pi t) = 2 pi t + t z P(z), z = t^2."""
    t = mp.sqrt(z)
    return (mp.sin(TAU * t) - TAU * t) / (t * z)


def cosine_rest(z: mp.mpf) -> mp.mpf:
    """Q(z) with cos(2 pi t) = 1 + z Q(z), z = t^2."""
    return (mp.cos(TAU * mp.sqrt(z)) - 1) / z


# Function, weight that makes its error that of ln and sin (relative) or cos (absolute), end of the interval.
TARGETS: dict[str, tuple[Function, Function, mp.mpf]] = {
    "LOG": (artanh_rest, lambda z: z / 2, S_MAX**2),
    "SINE": (sine_rest, lambda z: z * mp.sqrt(z) / mp.sin(TAU * mp.sqrt(z)), T_MAX**2),
    "COSINE": (cosine_rest, lambda z: z, T_MAX**2),
}


def polynomial(coefficients: Iterable, z: mp.mpf) -> mp.mpf:
    return sum((c * z**k for k, c in enumerate(coefficients)), mp.mpf(0))


def chebyshev(end: mp.mpf, intervals: int) -> list[mp.mpf]:
    """Chebyshev extrema of [0, end], 0 itself moved into the interval."""
    inner = [end / 2 * (1 - mp.cos(mp.pi * k / intervals)) for k in range(1, intervals + 1)]
    return [mp.mpf(10) ** -9, *inner]


def remez(function: Function, weight: Function, end: mp.mpf, terms: int) -> list[mp.mpf]:
    """Coefficients of the polynomial p with least max |weight (p - function)| on [0, end]."""
    nodes, grid = chebyshev(end, terms), chebyshev(end, 40 * terms)
    for _ in range(6):
        system = mp.matrix(
            [[z**k for k in range(terms)] + [(-1) ** i / weight(z)] for i, z in enumerate(nodes)]
        )
        *coefficients, _ = mp.lu_solve(system, mp.matrix([function(z) for z in nodes]))
        errors = [weight(z) * (polynomial(coefficients, z) - function(z)) for z in grid]
        nodes = [grid[i] for i in alternating_extrema(errors)]
        assert len(nodes) == terms + 1
    return coefficients


def alternating_extrema(errors: list[mp.mpf]) -> list[int]:
    """Where |error| is largest between changes of its sign."""
    found = [0]
    for i, error in enumerate(errors):
        if error * errors[found[-1]] < 0:
            found.append(i)
        elif abs(error) > abs(errors[found[-1]]):
            found[-1] = i
    return found


@pytest.mark.parametrize("name", TARGETS)
@pytest.mark.parametrize(("bits", "dtype"), [(64, np.float64), (32, np.float32)])
def test_coefficients_are_minimax(name, bits, dtype):
    kept = getattr(box_muller, f"{name}_{bits}")
    assert [dtype(float(c)) for c in remez(*TARGETS[name], len(kept))] == list(kept)


@pytest.mark.parametrize(
    ("name", "log2_error"),
    [
        ("LOG_64", -58.9),
        ("SINE_64", -56.8),
        ("COSINE_64", -55.7),
        ("LOG_32", -30),
        ("SINE_32", -27),
        ("COSINE_32", -27),
    ],
)
def test_errors_of_the_rounded_polynomials(name, log2_error):
    function, weight, end = TARGETS[name[:-3]]
    kept = [mp.mpf(float(c)) for c in getattr(box_muller, name)]
    errors = [weight(z) * (polynomial(kept, z) - function(z)) for z in chebyshev(end, 400)]
    assert mp.log(max(map(abs, errors)), 2) <= log2_error


def test_logarithm_of_two_in_two_parts():
    for high, low, bits, precision in (
        (box_muller.LN2_64, box_muller.LN2_LOW_64, 32, 53),
        (box_muller.LN2_32, box_muller.LN2_LOW_32, 16, 24),
    ):
        assert (float(high) * 2**bits).is_integer()
        rest = mp.log(2) - mp.mpf(float(high)) - mp.mpf(float(low))
        assert abs(rest) <= mp.mpf(2) ** -(bits + 1 + precision)


# ------------------------------------------------------------------------------------ numbers made of words


def near(centre: int, low: int, high: int) -> set[int]:
    """Integers around `centre` in [low, high], close ones first."""
    distances = (0, 1, 2, 3, 5, 100, 12345, 2**20 + 7)
    return {k for d in distances for k in (centre - d, centre + d) if low <= k <= high}


def radius_numerators(bits: int) -> list[int]:
    """Numerators k of hard uniforms k 2^-bits: near 0, 1, powers of 2, and seams of the logarithm."""
    roots = [math.isqrt(2 ** (2 * bits - 1 - 2 * e)) for e in (0, 1, bits // 2)]
    seams = roots + [2**e for e in range(bits + 1)]
    spread = np.random.default_rng(1).integers(1, 2**bits, 40).tolist()
    return sorted(set(spread).union(*(near(seam, 1, 2**bits) for seam in seams)))


def angle_numerators(bits: int) -> list[int]:
    """Numerators k of hard angles k 2^-bits: near multiples of 1/8, and tiny ones."""
    eighths = [k << bits - 3 for k in range(9)] + [2**e for e in range(0, bits - 3, 3)]
    spread = np.random.default_rng(2).integers(1, 2**bits, 200).tolist()
    return sorted(set(spread).union(*(near(eighth, 1, 2**bits) for eighth in eighths)))


SCALE = 160
"""Exact values are kept as integers times 2^-SCALE, errors 2^-SCALE."""


def fixed(value: mp.mpf) -> int:
    return int(mp.nint(mp.ldexp(value, SCALE)))


def exact_radius(u: Fraction) -> int:
    return fixed(mp.sqrt(-2 * mp.log(mp.mpf(u.numerator) / u.denominator)))


def exact_turn(v: Fraction) -> tuple[int, int]:
    """Cosine and sine of v turns; exactly 0 where they are (mpmath's cospi and sinpi reduce exactly)."""
    half_turns = 2 * mp.mpf(v.numerator) / v.denominator
    return fixed(mp.cospi(half_turns)), fixed(mp.sinpi(half_turns))


def ulps(found: float, exact: int, precision: int) -> float:
    """|found - exact| in units of the spacing of numbers with `precision` bits at `exact` 2^(-2 SCALE)."""
    error = abs(int(math.ldexp(found, 2 * SCALE)) - exact)
    if error == 0:
        return 0.0
    return error / 2 ** (abs(exact).bit_length() - precision) if exact else math.inf


def largest_error(pairs: Iterable, radii: list[int], turns: list[tuple[int, int]], precision: int) -> float:
    """Over pairs of numbers found, for every radius with every turn."""
    exact = ((r * c, r * s) for r in radii for c, s in turns)
    return max(
        ulps(float(x), e, precision)
        for found, expected in zip(pairs, exact, strict=True)
        for x, e in zip(found, expected, strict=True)
    )


def test_normals_are_within_four_ulp():
    ks, angles = radius_numerators(53)[::3], angle_numerators(53)
    words = [[np.uint64(k - 1 << 11) for k in numerators] for numerators in (ks, angles)]
    pairs = (box_muller.normal_pair64(w, a) for w in words[0] for a in words[1])
    radii = [exact_radius(Fraction(k, 2**53)) for k in ks]
    turns = [exact_turn(Fraction(k, 2**53)) for k in angles]
    assert largest_error(pairs, radii, turns, 53) <= 4


def radius_uniform32(word: int, byte: int) -> Fraction:
    """The 40-bit radius uniform, rounded to float32 at each step by NumPy."""
    fine = np.float32(byte + 1) * np.float32(2.0**-40)
    return Fraction(float(np.float32(word) * np.float32(2.0**-32) + fine))


def test_normals_in_float32_are_within_four_ulp():
    numerators = [k - 1 for k in radius_numerators(40)[::3]]
    ks = [k % 2**24 for k in angle_numerators(24)]
    pairs = (
        box_muller.normal_pair32(np.uint64(n >> 8), np.uint64(n & 0xFF | k << 8))
        for n in numerators
        for k in ks
    )
    radii = [exact_radius(radius_uniform32(n >> 8, n & 0xFF)) for n in numerators]
    turns = [exact_turn(Fraction(k, 2**24)) for k in ks]
    assert largest_error(pairs, radii, turns, 24) <= 4


@pytest.mark.parametrize(
    ("minus_log", "cos_sin", "dtype", "integer", "bits"),
    [
        (box_muller.minus_log64, box_muller.cos_sin64, np.float64, np.uint64, 53),
        (box_muller.minus_log32, box_muller.cos_sin32, np.float32, np.uint32, 24),
    ],
)
def test_relative_errors_of_logarithm_cosine_and_sine(minus_log, cos_sin, dtype, integer, bits):
    """The three numbers from which the bound of 4 ulp follows."""
    logarithms = [
        (minus_log(dtype(k * 2.0**-bits)), -mp.log(mp.mpf(k) / 2**bits)) for k in radius_numerators(bits)
    ]
    sines, cosines = [], []
    for k in angle_numerators(bits):
        half_turns = mp.mpf(k) / 2 ** (bits - 1)
        exact = mp.cospi(half_turns), mp.sinpi(half_turns)
        smaller, larger = sorted(zip(cos_sin(integer(k)), exact, strict=True), key=lambda pair: abs(pair[1]))
        sines.append(smaller)
        cosines.append(larger)
    assert relative_error(logarithms, bits) <= 1.4
    assert relative_error(sines, bits) <= 1.2
    assert relative_error(cosines, bits) <= 1.8


def relative_error(pairs: list[tuple[float, mp.mpf]], bits: int) -> mp.mpf:
    """Largest |found / exact - 1| in units of 2^-bits; where the exact value is 0, so is the one found."""
    assert all(found == 0 for found, exact in pairs if exact == 0)
    return max(abs(mp.mpf(float(found)) / exact - 1) for found, exact in pairs if exact) * 2**bits


def test_float64_tail_is_right_beyond_eight():
    """As many uniforms k 2^-53 give a radius above 8 as lie below P(radius > 8) = exp(-32)."""
    whole_turn = np.uint64(2**64 - 1)
    radii = np.array([box_muller.normal_pair64(np.uint64(k - 1 << 11), whole_turn) for k in range(1, 201)])
    assert np.all(radii[:, 1] == 0)
    assert np.sum(radii[:, 0] > 8) == math.floor(2**53 * math.exp(-32))
    assert radii[0, 0] == pytest.approx(math.sqrt(106 * math.log(2)), rel=2.0**-51)


def test_float32_tail_is_right_beyond_seven():
    radii = np.array([box_muller.normal_pair32(np.uint64(0), np.uint64(k - 1)) for k in range(1, 201)])
    assert np.sum(radii[:, 0] > 7) == math.floor(2**40 * math.exp(-24.5))
    assert radii[0, 0] == pytest.approx(math.sqrt(80 * math.log(2)), rel=2.0**-22)
