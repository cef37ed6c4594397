// Statistics of symmetric pentadiagonal matrices S: bands (T, 3, n), the diagonal and the two below it, bands[k][i] =
// S[i + k][i], all float64. The CPU's sources (kernels/cpu/compiled/banded*.py) have the recurrence, what counts lose
// near a zero pivot, and why outer eigenvalues are sought by definiteness.
#include "sections.cuh"

// sqrt(eps): where eigenvalues are counted, a pivot nearer to zero is moved out to it, on its own side.
#define FLOOR 0x1p-26

// What elimination leaves of the first two rows that are left: the pivot q, u beside it, p below it on the diagonal.
struct Corner {
    double q, u, p;
    // Eliminate the pivot, given its inverse; a, b, c are the entries that join.
    __device__ __forceinline__ void advance(double inverse, double a, double b, double c) {
        double ratio = u * inverse;
        q = p - ratio * u;
        u = b - ratio * c;
        p = a - c * c * inverse;
    }
};

struct Pentadiagonal {
    const double *a, *b, *c;
    i64 rows;
    double unit;
    __device__ __forceinline__ Pentadiagonal(const double* bands, i64 matrix, i64 n, i64 rows, double unit)
        : a(bands + matrix * 3 * n), b(a + n), c(b + n), rows(rows), unit(unit) {}
    __device__ __forceinline__ double entry(i64 i) const { return unit * a[i]; }
    // Couplings of a row to one beyond the last are not read.
    __device__ __forceinline__ double first(i64 i) const { return i >= 0 && i < rows - 1 ? unit * b[i] : 0; }
    __device__ __forceinline__ double second(i64 i) const { return i >= 0 && i < rows - 2 ? unit * c[i] : 0; }
    __device__ __forceinline__ double radius(i64 i) const {
        return fabs(first(i)) + fabs(first(i - 1)) + fabs(second(i)) + fabs(second(i - 2));
    }
    __device__ __forceinline__ double shifted(i64 i, double x) const { return (i < rows ? entry(i) : 1) - x; }
    // Smallest modulus of a pivot: below 2^-1000 no unit brings the entries near 1.
    __device__ double smallest_pivot() const {
        if (unit < 0x1p1000) return FLOOR;
        double largest = 0;
        for (i64 i = 0; i < rows; ++i)
            largest = fmax(largest, fmax(fabs(entry(i)), fmax(fabs(first(i)), fabs(second(i)))));
        return FLOOR * largest;
    }
    // Eigenvalues below x: negative pivots of S - x.
    __device__ __forceinline__ i64 below(double x) const {
        double least = smallest_pivot();
        i64 count = 0;
        Corner left = {shifted(0, x), first(0), shifted(1, x)};
        for (i64 i = 0; i < rows; ++i) {
            double q = left.q;
            count += q < 0;
            left.advance(1.0 / copysign(fabs(q) < least ? least : fabs(q), q), shifted(i + 2, x), first(i + 1), second(i));
        }
        return count;
    }
    // Elimination of S - x for the smallest eigenvalue, x - S for the largest, while it is positive definite. Pivots are
    // not moved: as Cholesky's, they are no smaller than the smallest eigenvalue.
    __device__ __forceinline__ bool passes(int end, double x) const {
        double sign = end == 0 ? 1 : -1;
        Corner left = {sign * shifted(0, x), sign * first(0), sign * shifted(1, x)};
        for (i64 i = 0; i < rows; ++i) {
            if (!(left.q > 0)) return end == 0;
            left.advance(1.0 / left.q, sign * shifted(i + 2, x), sign * first(i + 1), sign * second(i));
        }
        return end != 0;
    }
};

// One warp to a matrix: see scan.
extern "C" __global__ void units(const double* bands, i64 n, double* out, i64* rows) {
    const double* a = bands + blockIdx.x * 3 * n;
    scan({a, a + n, a + 2 * n}, n, out + blockIdx.x, rows + blockIdx.x);
}

// Eigenvalues below each of shifts (count): out (T, count). blockIdx.y to a matrix, a thread to a shift.
extern "C" __global__ void __launch_bounds__(256, 4) counts(const double* bands, const double* unit, const i64* rows,
                                                            i64 n, const double* shifts, i64 count, i64* out) {
    Pentadiagonal form(bands, blockIdx.y, n, rows[blockIdx.y], unit[blockIdx.y]);
    for (i64 i = grid_thread(); i < count; i += grid_threads())
        out[blockIdx.y * count + i] = form.below(form.unit * shifts[i]) + zeros_below(form, n, shifts[i]);
}

// Smallest and largest eigenvalue (T, 2). One warp to a matrix.
extern "C" __global__ void extremes(const double* bands, const double* unit, const i64* rows, i64 n, double* out) {
    Pentadiagonal form(bands, blockIdx.x, n, rows[blockIdx.x], unit[blockIdx.x]);
    double found = outer_eigenvalue(form, n) / form.unit;
    if (threadIdx.x % SECTIONS == 0) out[2 * blockIdx.x + threadIdx.x / SECTIONS] = found;
}

// (1/n) tr S^k, k = 1..4, from the entries of S^2 on and above its diagonal: out (T, 4). One block to a matrix.
extern "C" __global__ void moments(const double* bands, const i64* rows, i64 n, double* out) {
    __shared__ double scratch[WARP];
    Pentadiagonal form(bands, blockIdx.x, n, rows[blockIdx.x], 1);
    double sums[4] = {0, 0, 0, 0};
    for (i64 i = threadIdx.x; i < form.rows; i += blockDim.x) {
        double a0 = form.a[i], a1 = i + 1 < form.rows ? form.a[i + 1] : 0, a2 = i + 2 < form.rows ? form.a[i + 2] : 0;
        double b = form.first(i), b1 = form.first(i + 1), b2 = form.first(i + 2), before = form.first(i - 1);
        double c = form.second(i), c1 = form.second(i + 1), c_before = form.second(i - 1), c2 = form.second(i - 2);
        double s0 = a0 * a0 + b * b + c * c + before * before + c2 * c2;
        double s1 = b * (a0 + a1) + c * b1 + c_before * before, s2 = c * (a0 + a2) + b * b1;
        double s3 = b * c1 + c * b2, s4 = c * form.second(i + 2);
        sums[0] += a0;
        sums[1] += s0;
        sums[2] += s0 * a0 + 2 * (s1 * b + s2 * c);
        sums[3] += s0 * s0 + 2 * (s1 * s1 + s2 * s2 + s3 * s3 + s4 * s4);
    }
    for (int k = 0; k < 4; ++k) {
        double total = block_reduce(sums[k], 0.0, Sum(), scratch);
        if (threadIdx.x == 0) out[4 * blockIdx.x + k] = total / n;
    }
}
