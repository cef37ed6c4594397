// What the structured models need of W and V, theory.md (5.3d); REAL is float or double, sums are float64.
#include "normal.cuh"
#include "reduce.cuh"

typedef REAL real;

// Normal number `element` of a stream.
__device__ __forceinline__ double normal_at(const u32* stream, u64 element, double) {
    uint4 w = stream_block(stream, element / 2);
    Pair<double> pair = normal_pair(low_word(w), high_word(w));
    return element & 1 ? pair.second : pair.first;
}

__device__ __forceinline__ float normal_at(const u32* stream, u64 element, float) {
    uint4 w = stream_block(stream, element / 4);
    Pair<float> pair = element & 2 ? normal_pair(w.z, w.w) : normal_pair(w.x, w.y);
    return element & 1 ? pair.second : pair.first;
}

// The second of two rows (T, d) along the first and across it: out (T, 2). One block to a trial.
extern "C" __global__ void plane_coordinates(const real* first, const real* second, i64 d, double* out) {
    __shared__ double scratch[WARP];
    const real *x = first + blockIdx.x * d, *y = second + blockIdx.x * d;
    double square = 0, product = 0, rest = 0;
    for (i64 k = threadIdx.x; k < d; k += blockDim.x) {
        square += (double)x[k] * (double)x[k];
        product += (double)x[k] * (double)y[k];
    }
    double norm = sqrt(block_reduce(square, 0.0, Sum(), scratch));
    double along = block_reduce(product, 0.0, Sum(), scratch) / norm, ratio = along / norm;
    for (i64 k = threadIdx.x; k < d; k += blockDim.x) {
        double left = (double)y[k] - ratio * (double)x[k];
        rest += left * left;
    }
    rest = block_reduce(rest, 0.0, Sum(), scratch);
    if (threadIdx.x == 0) {
        out[2 * blockIdx.x] = along;
        out[2 * blockIdx.x + 1] = sqrt(rest);
    }
}

// (V^T V)_ij of pairs (B, 2), V (classes, hidden) the normals of streams (T, 4) times deviation: out (T, B). Only the two
// columns are drawn. One block to a pair and, blockIdx.y, a trial.
extern "C" __global__ void __launch_bounds__(256, 4) output_grams(const u32* streams, i64 classes, i64 hidden,
                                                                  const i64* pairs, real deviation, double* out) {
    __shared__ double scratch[WARP];
    const u32* stream = streams + 4 * blockIdx.y;
    i64 i = pairs[2 * blockIdx.x], j = pairs[2 * blockIdx.x + 1];
    double sum = 0;
    for (i64 c = threadIdx.x; c < classes; c += blockDim.x) {
        u64 row = (u64)c * (u64)hidden;
        real first = normal_at(stream, row + i, real()) * deviation, second = first;
        if (i != j) second = normal_at(stream, row + j, real()) * deviation;
        sum += (double)first * (double)second;
    }
    sum = block_reduce(sum, 0.0, Sum(), scratch);
    if (threadIdx.x == 0) out[(i64)blockIdx.y * gridDim.x + blockIdx.x] = sum;
}
