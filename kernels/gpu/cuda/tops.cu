// Samples whose softmax is nearly one class: that class apart from the others; REAL is float or double, of V alone.
#include "reduce.cuh"

typedef REAL real;

// Largest entry of each row of p (rows, classes), the first place of it, and the sum of the others. One block to a row.
extern "C" __global__ void largest_of_rows(const double* p, i64 classes, double* largest, i64* place, double* others) {
    __shared__ double scratch[WARP];
    const double* row = p + blockIdx.x * classes;
    double height = row[0], first = 0, sum = 0;
    for (i64 c = threadIdx.x; c < classes; c += blockDim.x) height = Larger()(height, row[c]);
    height = block_reduce(height, row[0], Larger(), scratch);
    // The first place is the largest negative of those with this height; integers below 2^53 are exact.
    first = -(double)classes;
    for (i64 c = threadIdx.x; c < classes; c += blockDim.x)
        if (row[c] == height) first = Larger()(first, -(double)c);
    first = -block_reduce(first, -(double)classes, Larger(), scratch);
    for (i64 c = threadIdx.x; c < classes; c += blockDim.x)
        if (c != (i64)first) sum += row[c];
    sum = block_reduce(sum, 0.0, Sum(), scratch);
    if (threadIdx.x == 0) {
        largest[blockIdx.x] = height;
        place[blockIdx.x] = (i64)first;
        others[blockIdx.x] = sum;
    }
}

// At the places `where` (count): weights become p times complement, then p becomes 0.
extern "C" __global__ void take_out(const i64* where, const double* complement, i64 count, double* p, double* weights) {
    for (i64 i = grid_thread(); i < count; i += grid_threads()) {
        weights[where[i]] = p[where[i]] * complement[i];
        p[where[i]] = 0;
    }
}

// Adds to sums (rows, count), for each of pairs (count, 2), sums over classes of p (V - origin)_i (V - origin)_j, without the
// second factor where j is -1: p (rows, classes), V (classes, k), origin (rows, k). One block to a row.
extern "C" __global__ void add_moments(const double* p, const real* V, const real* origin, const i64* pairs, i64 classes,
                                       i64 k, i64 count, double* sums) {
    __shared__ double scratch[WARP];
    const double* row = p + blockIdx.x * classes;
    const real* o = origin + blockIdx.x * k;
    for (i64 r = 0; r < count; ++r) {
        i64 a = pairs[2 * r], b = pairs[2 * r + 1];
        double sum = 0;
        for (i64 c = threadIdx.x; c < classes; c += blockDim.x) {
            const real* v = V + c * k;
            double term = row[c] * ((double)v[a] - (double)o[a]);
            sum += b < 0 ? term : term * ((double)v[b] - (double)o[b]);
        }
        sum = block_reduce(sum, 0.0, Sum(), scratch);
        if (threadIdx.x == 0) sums[blockIdx.x * count + r] += sum;
    }
}
