// Uniform and normal numbers from random words: the CPU's operations one by one, so that both give the same bits. That
// takes IEEE arithmetic in the written order: compile with --fmad=false (see `options` in sources.py).
#include "philox.cuh"

template <class T> struct Pair { T first, second; };

// c0 + z (c1 + z (c2 + ...))
template <class T> __device__ __forceinline__ T horner(T, T c) { return c; }
template <class T, class... Rest> __device__ __forceinline__ T horner(T z, T c, Rest... rest) {
    return c + z * horner(z, rest...);
}

// (0, 1] in steps of 2^-53 from 64 bits, of 2^-24 from 32 bits.
__device__ __forceinline__ double uniform(u64 word) { return (double)((word >> 11) + 1) * 0x1p-53; }
__device__ __forceinline__ float uniform(u32 word) { return (float)(int)((word >> 8) + 1) * 0x1p-24f; }

// -ln(x), x = 2^e m with sqrt(1/2) <= m < sqrt(2); f = m - 1, s = f / (2 + f), and after fdlibm (Sun 1993)
// ln(1 + f) = f - (f^2/2 - s (f^2/2 + s^2 R(s^2))). The CPU's sources have the errors of the polynomials.
__device__ __forceinline__ double minus_log(double x) {
    const u64 root_half = 0x3FE6A09E667F3BCDull;
    u64 bits = (u64)__double_as_longlong(x) - root_half + (64ull << 52);
    double e = __longlong_as_double((i64)((bits >> 52) | 0x4330000000000000ull)) - (0x1p52 + 64);
    double f = __longlong_as_double((i64)((bits & 0xFFFFFFFFFFFFFull) + root_half)) - 1.0;
    double s = f / (2.0 + f), z = s * s;
    double r = z * horner(z, 0.6666666666666734, 0.3999999999941465, 0.28571428742391586, 0.22222198572882995,
                          0.18183564340760025, 0.15314050148670044, 0.14795954280494386);
    double half = 0.5 * f * f;
    return ((half - (s * (half + r) + e * -4.2009150726810846e-11)) - f) - e * 0.6931471806019545;
}

__device__ __forceinline__ float minus_log(float x) {
    const u32 root_half = 0x3F3504F3u;
    u32 bits = __float_as_uint(x) - root_half + (64u << 23);
    float e = (float)((int)(bits >> 23) - 64);
    float f = __uint_as_float((bits & 0x7FFFFFu) + root_half) - 1.0f;
    float s = f / (2.0f + f), z = s * s;
    float r = z * horner(z, 0.66666776f, 0.39977545f, 0.29871684f);
    float half = 0.5f * f * f;
    return ((half - (s * (half + r) + e * 1.4286068e-06f)) - f) - e * 0.693145751953125f;
}

// cos and sin of k 2^-53 turns, 0 <= k <= 2^53. The nearest quarter turn comes off exactly, in integers.
__device__ __forceinline__ Pair<double> cos_sin(u64 k) {
    u64 quarter = (k + (1ull << 50)) >> 51;
    u64 rest = k - (quarter << 51) + 0x4338000000000000ull;
    double t = (__longlong_as_double((i64)rest) - 1.5 * 0x1p52) * 0x1p-53, z = t * t;
    double p = horner(z, -41.34170224039967, 81.60524927596525, -76.70585970790883, 42.058685394475695,
                      -15.093822784852804, 3.7812247226084974);
    double q = horner(z, -19.739208802178716, 64.93939402266801, -85.45681720654005, 60.24464133161187,
                      -26.426251140448407, 7.903101638692765, -1.6970200869279848);
    double sine = 6.0 * t + t * (0.28318530717958645 + z * p), cosine = 1.0 + z * q;
    bool odd = quarter & 1;
    u64 cos_sign = ((quarter + 1) << 62) & (1ull << 63), sin_sign = (quarter << 62) & (1ull << 63);
    u64 first = (u64)__double_as_longlong(odd ? sine : cosine), second = (u64)__double_as_longlong(odd ? cosine : sine);
    return {__longlong_as_double((i64)(first ^ cos_sign)), __longlong_as_double((i64)(second ^ sin_sign))};
}

// cos and sin of k 2^-24 turns, 0 <= k <= 2^24.
__device__ __forceinline__ Pair<float> cos_sin(u32 k) {
    u32 quarter = (k + (1u << 21)) >> 22;
    float t = (float)(int)(k - (quarter << 22)) * 0x1p-24f, z = t * t;
    float p = horner(z, -41.34167f, 81.593765f, -75.44556f);
    float q = horner(z, -19.739208f, 64.93932f, -85.44374f, 59.245983f);
    float sine = 6.0f * t + t * (0.2831853f + z * p), cosine = 1.0f + z * q;
    bool odd = quarter & 1;
    u32 cos_sign = ((quarter + 1) << 30) & (1u << 31), sin_sign = (quarter << 30) & (1u << 31);
    u32 first = __float_as_uint(odd ? sine : cosine), second = __float_as_uint(odd ? cosine : sine);
    return {__uint_as_float(first ^ cos_sign), __uint_as_float(second ^ sin_sign)};
}

// Box-Muller: two normals from two words of 64 bits.
__device__ __forceinline__ Pair<double> normal_pair(u64 radius_word, u64 angle_word) {
    double r = sqrt(2.0 * minus_log(uniform(radius_word)));
    Pair<double> turn = cos_sin((angle_word >> 11) + 1);
    return {r * turn.first, r * turn.second};
}

// Two float32 normals from two words of 32 bits: a radius of 40 bits, an angle of 24.
__device__ __forceinline__ Pair<float> normal_pair(u32 word, u32 other) {
    float fine = (float)(int)((other & 0xFFu) + 1) * 0x1p-40f;
    // At most 1, as 1 + 2^-32 rounds to 1 in float32.
    float u = (float)word * 0x1p-32f + fine;
    float r = sqrtf(2.0f * minus_log(u));
    Pair<float> turn = cos_sin(other >> 8);
    return {r * turn.first, r * turn.second};
}

// All numbers of one block.
__device__ __forceinline__ void uniforms_of(uint4 w, double* lanes) {
    lanes[0] = uniform(low_word(w));
    lanes[1] = uniform(high_word(w));
}

__device__ __forceinline__ void uniforms_of(uint4 w, float* lanes) {
    lanes[0] = uniform(w.x);
    lanes[1] = uniform(w.y);
    lanes[2] = uniform(w.z);
    lanes[3] = uniform(w.w);
}

__device__ __forceinline__ void normals_of(uint4 w, double* lanes) {
    Pair<double> pair = normal_pair(low_word(w), high_word(w));
    lanes[0] = pair.first;
    lanes[1] = pair.second;
}

__device__ __forceinline__ void normals_of(uint4 w, float* lanes) {
    Pair<float> low = normal_pair(w.x, w.y), high = normal_pair(w.z, w.w);
    lanes[0] = low.first;
    lanes[1] = low.second;
    lanes[2] = high.first;
    lanes[3] = high.second;
}
