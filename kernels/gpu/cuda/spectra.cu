// Statistics of symmetric tridiagonal matrices: diagonals (T, n), off-diagonals (T, n - 1), all float64.
#include "sections.cuh"
#include "sturm.cuh"

struct Tridiagonal {
    const double *a, *b;
    i64 rows;
    double unit;
    __device__ __forceinline__ double entry(i64 i) const { return unit * a[i]; }
    __device__ __forceinline__ double radius(i64 i) const {
        return (i > 0 ? fabs(unit * b[i - 1]) : 0) + (i < rows - 1 ? fabs(unit * b[i]) : 0);
    }
    __device__ __forceinline__ i64 below(double x) const { return eigenvalues_below(a, b, rows, unit, x); }
    __device__ __forceinline__ bool passes(int end, double x) const { return below(x) >= (end == 0 ? 1 : rows); }
};

// One warp to a matrix: see scan.
extern "C" __global__ void units(const double* diagonal, const double* off_diagonal, i64 n, double* out, i64* rows) {
    scan({diagonal + blockIdx.x * n, off_diagonal + blockIdx.x * (n - 1)}, n, out + blockIdx.x, rows + blockIdx.x);
}

// Eigenvalues below each of shifts (count): out (T, count). blockIdx.y to a matrix, a thread to a shift.
extern "C" __global__ void counts(const double* diagonal, const double* off_diagonal, const double* unit, const i64* rows,
                                  i64 n, const double* shifts, i64 count, i64* out) {
    Tridiagonal form = {diagonal + blockIdx.y * n, off_diagonal + blockIdx.y * (n - 1), rows[blockIdx.y], unit[blockIdx.y]};
    for (i64 i = grid_thread(); i < count; i += grid_threads())
        out[blockIdx.y * count + i] = form.below(form.unit * shifts[i]) + zeros_below(form, n, shifts[i]);
}

// Smallest and largest eigenvalue: out (T, 2). One warp to a matrix.
extern "C" __global__ void extremes(const double* diagonal, const double* off_diagonal, const double* unit,
                                    const i64* rows, i64 n, double* out) {
    Tridiagonal form = {diagonal + blockIdx.x * n, off_diagonal + blockIdx.x * (n - 1), rows[blockIdx.x], unit[blockIdx.x]};
    double found = outer_eigenvalue(form, n) / form.unit;
    if (threadIdx.x % SECTIONS == 0) out[2 * blockIdx.x + threadIdx.x / SECTIONS] = found;
}

// All eigenvalues by bisection, a thread to each: out (T, n), ascending; blockIdx.y to a matrix.
extern "C" __global__ void __launch_bounds__(256, 4) bisect_eigenvalues(const double* diagonal,
                                                                        const double* off_diagonal, const double* unit,
                                                                        const i64* rows, i64 n, const double* ends,
                                                                        double* out) {
    Tridiagonal form = {diagonal + blockIdx.y * n, off_diagonal + blockIdx.y * (n - 1), rows[blockIdx.y], unit[blockIdx.y]};
    double smallest = form.unit * ends[2 * blockIdx.y], largest = form.unit * ends[2 * blockIdx.y + 1];
    double norm = Larger()(fabs(smallest), fabs(largest)), margin = 4 * 0x1p-52 * norm;
    for (i64 i = grid_thread(); i < n; i += grid_threads()) {
        double low = smallest - margin, high = largest + margin;
        while (high - low > margin) {
            double x = low + (high - low) / 2;
            if (form.below(x) + zeros_below(form, n, x) > i) high = x;
            else low = x;
        }
        out[blockIdx.y * n + i] = (low + (high - low) / 2) / form.unit;
    }
}

// (1/n) tr T^k, k = 1..4, from the closed walks of length k: out (T, 4). One block to a matrix.
extern "C" __global__ void moments(const double* diagonal, const double* off_diagonal, const i64* rows, i64 n, double* out) {
    __shared__ double scratch[WARP];
    i64 last = rows[blockIdx.x] - 1;
    const double *a = diagonal + blockIdx.x * n, *b = off_diagonal + blockIdx.x * (n - 1);
    double m1 = 0, m2 = 0, m3 = 0, m4 = 0;
    for (i64 i = threadIdx.x; i <= last; i += blockDim.x) {
        double here = a[i], square = here * here;
        m1 += here;
        m2 += square;
        m3 += square * here;
        m4 += square * square;
        if (i < last) {
            double edge = b[i] * b[i], there = a[i + 1];
            m2 += 2 * edge;
            m3 += 3 * edge * (here + there);
            m4 += 2 * edge * (2 * (square + here * there + there * there) + edge);
            if (i < last - 1) m4 += 4 * edge * b[i + 1] * b[i + 1];
        }
    }
    double sums[4] = {m1, m2, m3, m4};
    for (int k = 0; k < 4; ++k) {
        double total = block_reduce(sums[k], 0.0, Sum(), scratch);
        if (threadIdx.x == 0) out[4 * blockIdx.x + k] = total / n;
    }
}
