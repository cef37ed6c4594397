// e^x by the CPU's operations: 2^n times a polynomial in the rest. Results below the smallest normal number
// are 0, NaN stays NaN.
#include "types.cuh"

__device__ __forceinline__ double exponential(double x) {
    double shifted = x * 1.4426950408889634 + 6755399441055744.0;
    double n = shifted - 6755399441055744.0;
    double r = (x - n * 6.93147180369123816490e-01) - n * 1.90821492927058770002e-10;
    double p = 1.0 / 6227020800.0;
    p = p * r + 1.0 / 479001600.0;
    p = p * r + 1.0 / 39916800.0;
    p = p * r + 1.0 / 3628800.0;
    p = p * r + 1.0 / 362880.0;
    p = p * r + 1.0 / 40320.0;
    p = p * r + 1.0 / 5040.0;
    p = p * r + 1.0 / 720.0;
    p = p * r + 1.0 / 120.0;
    p = p * r + 1.0 / 24.0;
    p = p * r + 1.0 / 6.0;
    p = p * r + 1.0 / 2.0;
    double power = __longlong_as_double((i64)(((u64)__double_as_longlong(shifted) + 1023) << 52));
    return x < -708.0 ? 0.0 : (1.0 + (r + (r * r) * p)) * power;
}

__device__ __forceinline__ float exponential(float x) {
    float shifted = x * (float)1.4426950408889634 + 12582912.0f;
    float n = shifted - 12582912.0f;
    float r = (x - n * 0.693359375f) - n * -2.12194440e-4f;
    float p = (float)(1.0 / 5040.0);
    p = p * r + (float)(1.0 / 720.0);
    p = p * r + (float)(1.0 / 120.0);
    p = p * r + (float)(1.0 / 24.0);
    p = p * r + (float)(1.0 / 6.0);
    p = p * r + (float)(1.0 / 2.0);
    float power = __uint_as_float((__float_as_uint(shifted) + 127) << 23);
    return x < -87.0f ? 0.0f : (1.0f + (r + (r * r) * p)) * power;
}
