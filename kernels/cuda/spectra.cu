// Statistics of symmetric tridiagonal matrices: diagonals (T, n), off-diagonals (T, n - 1), all float64.
#include "reduce.cuh"
#include "sturm.cuh"

#define SECTIONS (WARP / 2)

// Power of two that brings the largest entry of each matrix near 1. One warp to a matrix.
extern "C" __global__ void units(const double* diagonal, const double* off_diagonal, i64 n, double* out) {
    const double *a = diagonal + blockIdx.x * n, *b = off_diagonal + blockIdx.x * (n - 1);
    double largest = 0;
    for (i64 i = threadIdx.x; i < n; i += WARP) {
        largest = Larger()(largest, fabs(a[i]));
        if (i < n - 1) largest = Larger()(largest, fabs(b[i]));
    }
    largest = warp_reduce(largest, Larger());
    int exponent;
    frexp(largest, &exponent);
    // The inverse of a subnormal number would overflow.
    if (threadIdx.x == 0) out[blockIdx.x] = ldexp(1.0, exponent < -1000 ? 1000 : -exponent);
}

// Eigenvalues below each of shifts (T, count); blockIdx.y to a matrix, a thread to a shift.
extern "C" __global__ void sturm_counts(const double* diagonal, const double* off_diagonal, const double* unit, i64 n,
                                        const double* shifts, i64 count, i64* out) {
    const double *a = diagonal + blockIdx.y * n, *b = off_diagonal + blockIdx.y * (n - 1);
    for (i64 i = grid_thread(); i < count; i += grid_threads()) {
        double x = unit[blockIdx.y] * shifts[blockIdx.y * count + i];
        out[blockIdx.y * count + i] = eigenvalues_below(a, b, n, unit[blockIdx.y], x);
    }
}

// Differences of counts at the edges (T, edges): out (T, edges + 1), below the first and above the last included.
extern "C" __global__ void bin_counts(const i64* below, i64 edges, i64 n, i64* out) {
    for (i64 i = grid_thread(); i <= edges; i += grid_threads()) {
        const i64* row = below + blockIdx.y * edges;
        i64 upper = i < edges ? row[i] : n, lower = i > 0 ? row[i - 1] : 0;
        out[blockIdx.y * (edges + 1) + i] = upper - lower;
    }
}

// Gershgorin's interval in units of 1/unit, widened for rounding. All lanes of the warp return the same.
__device__ void bracket(const double* a, const double* b, i64 n, double unit, double* low, double* high, double* norm) {
    double smallest = -(unit * a[0]), largest = unit * a[0];
    for (i64 i = threadIdx.x; i < n; i += WARP) {
        double radius = (i > 0 ? fabs(unit * b[i - 1]) : 0) + (i < n - 1 ? fabs(unit * b[i]) : 0);
        smallest = Larger()(smallest, radius - unit * a[i]);
        largest = Larger()(largest, radius + unit * a[i]);
    }
    *high = warp_reduce(largest, Larger());
    *low = -warp_reduce(smallest, Larger());
    *norm = Larger()(fabs(*low), fabs(*high));
    double margin = 4 * (double)n * 0x1p-52 * *norm;
    *low -= margin;
    *high += margin;
}

// Smallest and largest eigenvalue by bisection into SECTIONS + 1 parts: out (T, 2). One warp to a matrix, a half warp
// to each end; the sections are narrowed until a few ulp of |T| are left.
extern "C" __global__ void extremes(const double* diagonal, const double* off_diagonal, const double* unit, i64 n,
                                    double* out) {
    const double *a = diagonal + blockIdx.x * n, *b = off_diagonal + blockIdx.x * (n - 1);
    double scale = unit[blockIdx.x], low, high, norm;
    bracket(a, b, n, scale, &low, &high, &norm);
    int lane = threadIdx.x, end = lane / SECTIONS, section = lane % SECTIONS;
    i64 wanted = end == 0 ? 1 : n;
    while (__any_sync(WHOLE_WARP, high - low > 4 * 0x1p-52 * norm)) {
        double x = low + (section + 1) * ((high - low) / (SECTIONS + 1));
        u32 reached = __ballot_sync(WHOLE_WARP, eigenvalues_below(a, b, n, scale, x) >= wanted);
        // The first section of this end that reaches the wanted count; SECTIONS if none does.
        int first = __ffs((int)(((reached >> (end * SECTIONS)) & 0xffffu) | 0x10000u)) - 1;
        double above = __shfl_sync(WHOLE_WARP, x, end * SECTIONS + (first < SECTIONS ? first : 0));
        double under = __shfl_sync(WHOLE_WARP, x, end * SECTIONS + (first > 0 ? first - 1 : 0));
        if (first < SECTIONS) high = above;
        if (first > 0) low = under;
    }
    if (section == 0) out[2 * blockIdx.x + end] = (low + high) / 2 / scale;
}

// All eigenvalues by bisection, a thread to each: out (T, n), ascending; blockIdx.y to a matrix.
extern "C" __global__ void __launch_bounds__(256, 4) bisect_eigenvalues(const double* diagonal,
                                                                        const double* off_diagonal, const double* unit,
                                                                        const double* ends, i64 n, double* out) {
    const double *a = diagonal + blockIdx.y * n, *b = off_diagonal + blockIdx.y * (n - 1);
    double scale = unit[blockIdx.y], smallest = scale * ends[2 * blockIdx.y], largest = scale * ends[2 * blockIdx.y + 1];
    double norm = Larger()(fabs(smallest), fabs(largest)), margin = 4 * 0x1p-52 * norm;
    for (i64 i = grid_thread(); i < n; i += grid_threads()) {
        double low = smallest - margin, high = largest + margin;
        while (high - low > margin) {
            double x = low + (high - low) / 2;
            if (eigenvalues_below(a, b, n, scale, x) > i) high = x;
            else low = x;
        }
        out[blockIdx.y * n + i] = (low + (high - low) / 2) / scale;
    }
}

// (1/n) tr T^k, k = 1..4, from the closed walks of length k: out (T, 4). One block to a matrix.
extern "C" __global__ void moments(const double* diagonal, const double* off_diagonal, i64 n, double* out) {
    __shared__ double scratch[WARP];
    const double *a = diagonal + blockIdx.x * n, *b = off_diagonal + blockIdx.x * (n - 1);
    double m1 = 0, m2 = 0, m3 = 0, m4 = 0;
    for (i64 i = threadIdx.x; i < n; i += blockDim.x) {
        double here = a[i], square = here * here;
        m1 += here;
        m2 += square;
        m3 += square * here;
        m4 += square * square;
        if (i < n - 1) {
            double edge = b[i] * b[i], there = a[i + 1];
            m2 += 2 * edge;
            m3 += 3 * edge * (here + there);
            m4 += 2 * edge * (2 * (square + here * there + there * there) + edge);
            if (i < n - 2) m4 += 4 * edge * b[i + 1] * b[i + 1];
        }
    }
    double sums[4] = {m1, m2, m3, m4};
    for (int k = 0; k < 4; ++k) {
        double total = block_reduce(sums[k], 0.0, Sum(), scratch);
        if (threadIdx.x == 0) out[4 * blockIdx.x + k] = total / n;
    }
}
