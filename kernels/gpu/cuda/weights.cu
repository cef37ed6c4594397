// Sample weights of the Hessian blocks, theory.md (2.1)-(2.3); all float64.
#include "types.cuh"

extern "C" __global__ void class_weights(const double* p, const double* q, int same, i64 count, double* out) {
    for (i64 n = grid_thread(); n < count; n += grid_threads()) out[n] = p[n] * (same ? 1 - p[n] : -q[n]);
}

// One factor to every `shared` samples: 1, or all of a trial.
extern "C" __global__ void gated_weights(const double* a, const double* b, const double* factor, i64 shared, i64 count,
                                         double* out) {
    for (i64 n = grid_thread(); n < count; n += grid_threads())
        out[n] = a[n] > 0 && b[n] > 0 ? factor[n / shared] : 0.0;
}
