// Sturm counts of a symmetric tridiagonal matrix, twin of the CPU's: the number of eigenvalues below x is the number
// of negative pivots of T - x = L D L^T (Barth, Martin & Wilkinson 1967).
#include "types.cuh"

#define SMALLEST_NORMAL 0x1p-1022

// diagonal, off_diagonal and x in units of 1/unit, which keeps the squares from overflowing. A pivot nearer to zero
// than the smallest normal number is moved to the positive side: an eigenvalue at x is not below it.
__device__ __forceinline__ i64 eigenvalues_below(const double* a, const double* b, i64 n, double unit, double x) {
    i64 count = 0;
    double square = 0, pivot = 1;
    for (i64 i = 0; i < n; ++i) {
        pivot = (unit * a[i] - x) - square / pivot;
        if (fabs(pivot) < SMALLEST_NORMAL) pivot = SMALLEST_NORMAL;
        count += pivot < 0;
        if (i < n - 1) square = (unit * b[i]) * (unit * b[i]);
    }
    return count;
}
