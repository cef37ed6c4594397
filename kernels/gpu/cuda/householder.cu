// Tridiagonal form of symmetric matrices by Householder reflections (Golub & Van Loan, 8.3.1), one block to a matrix:
// many matrices of moderate size keep every multiprocessor busy. REAL is float or double.
#include "reduce.cuh"

typedef REAL real;

extern __shared__ double shared_memory[];

// Power of two that brings the largest entry near 1, so that no square overflows.
__device__ double unit_of(const real* A, i64 entries, double* scratch) {
    double largest = 0;
    for (i64 i = threadIdx.x; i < entries; i += blockDim.x) largest = Larger()(largest, (double)fabs((double)A[i]));
    largest = block_reduce(largest, 0.0, Larger(), scratch);
    int exponent;
    frexp(largest, &exponent);
    return ldexp(1.0, exponent < -1000 ? 1000 : -exponent);
}

// The reflection 1 - tau v v^T, v_0 = 1, that maps row (length m) to (beta, 0, ..., 0); v is filled. Returns tau.
__device__ real reflector(const real* row, int m, real* v, real* beta, double* scratch) {
    double square = 0;
    for (int i = threadIdx.x; i < m; i += blockDim.x)
        if (i > 0) square += (double)row[i] * row[i];
    square = block_reduce(square, 0.0, Sum(), scratch);
    double head = row[0], norm = sqrt(head * head + square), opposite = head > 0 ? -norm : norm;
    bool trivial = square == 0;
    for (int i = threadIdx.x; i < m; i += blockDim.x)
        v[i] = i == 0 ? (real)1 : trivial ? (real)0 : (real)(row[i] / (head - opposite));
    *beta = (real)(trivial ? head : opposite);
    __syncthreads();
    return (real)(trivial ? 0.0 : (opposite - head) / opposite);
}

// w = tau A v - (tau^2 v.Av / 2) v for the m x m matrix whose rows are n apart: A - v w^T - w v^T is the reflected one.
__device__ void companion(const real* A, i64 n, int m, real tau, const real* v, real* w, double* scratch) {
    int lane = threadIdx.x % WARP;
    for (int i = threadIdx.x / WARP; i < m; i += blockDim.x / WARP) {
        real sum = 0;
        for (int j = lane; j < m; j += WARP) sum += A[i * n + j] * v[j];
        sum = warp_reduce(sum, Sum());
        if (lane == 0) w[i] = tau * sum;
    }
    __syncthreads();
    double overlap = 0;
    for (int i = threadIdx.x; i < m; i += blockDim.x) overlap += (double)v[i] * w[i];
    overlap = block_reduce(overlap, 0.0, Sum(), scratch);
    real half = (real)(tau * overlap / 2);
    for (int i = threadIdx.x; i < m; i += blockDim.x) w[i] -= half * v[i];
    __syncthreads();
}

// A (T, n, n), both triangles given, destroyed; diagonal (T, n), off_diagonal (T, n - 1). Shared: 2 n reals.
extern "C" __global__ void __launch_bounds__(512, 2) tridiagonalize(real* A, i64 n, double* diagonal, double* off_diagonal) {
    __shared__ double scratch[WARP];
    real *v = (real*)shared_memory, *w = v + n, *matrix = A + blockIdx.x * n * n;
    double *a = diagonal + blockIdx.x * n, *b = off_diagonal + blockIdx.x * (n - 1);
    double unit = unit_of(matrix, n * n, scratch);
    for (i64 i = threadIdx.x; i < n * n; i += blockDim.x) matrix[i] = (real)(matrix[i] * unit);
    __syncthreads();
    for (i64 k = 0; k < n; ++k) {
        int m = (int)(n - k - 1);
        real *row = matrix + k * n + k + 1, *below = row + n, beta = 0;
        if (threadIdx.x == 0) a[k] = row[-1] / unit;
        if (m == 0) break;
        real tau = reflector(row, m, v, &beta, scratch);
        if (threadIdx.x == 0) b[k] = beta / unit;
        if (tau == 0) continue;
        companion(below, n, m, tau, v, w, scratch);
        for (int i = threadIdx.x / WARP; i < m; i += blockDim.x / WARP)
            for (int j = threadIdx.x % WARP; j < m; j += WARP) below[i * n + j] -= v[i] * w[j] + w[i] * v[j];
        __syncthreads();
    }
}
