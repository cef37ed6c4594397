// What the masses of a network take of the classes in a tile [first, first + classes), theory.md (2.5a) and (2.7); all
// float64. A row is a sample, consecutive `samples` rows belong to one trial: p (rows, classes), V (trials, classes, k).
#include "types.cuh"

// Rows of V of the classes chosen (rows) that lie in the tile: out (rows, k).
extern "C" __global__ void pick_rows(const double* V, i64 first, i64 classes, i64 k, const i64* chosen, i64 samples,
                                     i64 rows, double* out) {
    for (i64 i = grid_thread(); i < rows * k; i += grid_threads()) {
        i64 row = i / k, c = chosen[row] - first;
        if (c >= 0 && c < classes) out[i] = V[(row / samples * classes + c) * k + i % k];
    }
}

// p_nt p_kt where the top class t of row n lies in the tile, k the rows of its trial; 0 where t is that of k as well:
// top and complement (rows), out (rows, samples).
extern "C" __global__ void across(const double* p, i64 first, i64 classes, const i64* top, const double* complement,
                                  i64 samples, i64 rows, double* out) {
    for (i64 i = grid_thread(); i < rows * samples; i += grid_threads()) {
        i64 n = i / samples, k = n / samples * samples + i % samples, c = top[n] - first;
        if (c >= 0 && c < classes) out[i] = top[k] == top[n] ? 0.0 : (1 - complement[n]) * p[k * classes + c];
    }
}

// D Q and D (h Q + g) of (2.4) for hidden unit i and Q_nc = p_nc (V_ci - mean_ni): beside and column (rows, classes), h,
// means and apart (rows, k). For top classes, V_ci - mean_ni is apart and 1 - p is complement; labels may be -1.
extern "C" __global__ void cross_factors(const double* p, const double* V, i64 first, i64 classes, const double* h,
                                         const double* means, i64 unit, i64 k, const i64* labels, const i64* top,
                                         const double* complement, const double* apart, i64 samples, i64 rows,
                                         double* beside, double* column) {
    for (i64 i = grid_thread(); i < rows * classes; i += grid_threads()) {
        i64 n = i / classes, c = i % classes, at = n * k + unit;
        bool is_top = top[n] == first + c, is_label = labels[n] == first + c;
        double from_mean = is_top ? apart[at] : V[(n / samples * classes + c) * k + unit] - means[at];
        double q = p[i] * from_mean, residual = !is_label ? p[i] : is_top ? -complement[n] : p[i] - 1;
        bool on = h[at] > 0;
        beside[i] = on ? q : 0.0;
        column[i] = on ? h[at] * q + residual : 0.0;
    }
}
