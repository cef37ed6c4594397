// Symmetric matrices with few diagonals: their unit, their zero rows, and their outer eigenvalues by sections. One warp to
// a matrix.
//
// Zero rows at the end are eigenvalues 0, of which nothing is computed. A Form is a matrix without them: the number of
// its rows, entry(i) of its diagonal, radius(i), the sum of the moduli beside that, and passes(end, x), whether its
// smallest (end 0) or largest eigenvalue is below x, all in the units that bring its largest entry near 1.
#include "reduce.cuh"

#define SECTIONS (WARP / 2)

// Power of two that brings the largest entry near 1, and the number of rows up to the last that is not zero. Diagonal k
// has n - k entries.
template <int COUNT> __device__ __forceinline__ void scan(const double* const (&diagonals)[COUNT], i64 n, double* unit,
                                                          i64* rows) {
    double largest = 0;
    i64 last = 0;
    for (int k = 0; k < COUNT; ++k)
        for (i64 i = threadIdx.x; i < n - k; i += WARP) {
            double x = fabs(diagonals[k][i]);
            largest = Larger()(largest, x);
            if (x > 0) last = Larger()(last, i + k + 1);
        }
    largest = warp_reduce(largest, Larger());
    last = warp_reduce(last, Larger());
    int exponent;
    frexp(largest, &exponent);
    if (threadIdx.x > 0) return;
    // The inverse of a subnormal number would overflow.
    *unit = ldexp(1.0, exponent < -1000 ? 1000 : -exponent);
    *rows = last;
}

// Eigenvalues below x that belong to zero rows of a matrix of order n.
template <class Form> __device__ __forceinline__ i64 zeros_below(const Form& form, i64 n, double x) {
    return x > 0 ? n - form.rows : 0;
}

// Gershgorin's interval, widened for rounding. All lanes of the warp return the same.
template <class Form> __device__ void bracket(const Form& form, double* low, double* high, double* norm) {
    double smallest = -form.entry(0), largest = form.entry(0);
    for (i64 i = threadIdx.x; i < form.rows; i += WARP) {
        smallest = Larger()(smallest, form.radius(i) - form.entry(i));
        largest = Larger()(largest, form.radius(i) + form.entry(i));
    }
    *high = warp_reduce(largest, Larger());
    *low = -warp_reduce(smallest, Larger());
    *norm = Larger()(fabs(*low), fabs(*high));
    double margin = 4 * (double)form.rows * 0x1p-52 * *norm;
    *low -= margin;
    *high += margin;
}

// Smallest eigenvalue in the first half of the warp, largest in the other, by bisection into SECTIONS + 1 parts: the
// sections are narrowed until a few ulp of the norm are left.
template <class Form> __device__ double outer_eigenvalue(const Form& form, i64 n) {
    double low, high, norm;
    bracket(form, &low, &high, &norm);
    int lane = threadIdx.x, end = lane / SECTIONS, section = lane % SECTIONS;
    while (__any_sync(WHOLE_WARP, high - low > 4 * 0x1p-52 * norm)) {
        double x = low + (section + 1) * ((high - low) / (SECTIONS + 1));
        u32 passed = __ballot_sync(WHOLE_WARP, form.passes(end, x));
        // The first section of this end that passes the eigenvalue; SECTIONS if none does.
        int first = __ffs((int)(((passed >> (end * SECTIONS)) & 0xffffu) | 0x10000u)) - 1;
        double above = __shfl_sync(WHOLE_WARP, x, end * SECTIONS + (first < SECTIONS ? first : 0));
        double under = __shfl_sync(WHOLE_WARP, x, end * SECTIONS + (first > 0 ? first - 1 : 0));
        if (first < SECTIONS) high = above;
        if (first > 0) low = under;
    }
    double found = (low + high) / 2;
    return form.rows == n || (end == 0 ? found < 0 : found > 0) ? found : 0;
}
