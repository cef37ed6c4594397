// Softmax streamed over tiles of classes (Milakov & Gimelshein, arXiv:1805.02867); REAL is float or double.
//
// A tile is (rows, classes), one row to each sample of each trial. GEMMs before and after are cuBLAS's.
#include "exponential.cuh"
#include "reduce.cuh"

typedef REAL real;

#define MINUS_INFINITY (-1 / (real)0)

// One block to a row. Folds the row into the running maximum and sum of exp(logit - maximum), and leaves exponentials
// in it; rescale becomes exp(old maximum - new one), what earlier sums must be multiplied with.
extern "C" __global__ void fold_tile(real* logits, i64 classes, real* maxima, double* sums, real* rescale) {
    __shared__ real largest_of[WARP];
    __shared__ double sum_of[WARP];
    real* row = logits + blockIdx.x * classes;
    real before = maxima[blockIdx.x], largest = before;
    for (i64 c = threadIdx.x; c < classes; c += blockDim.x) largest = Larger()(largest, row[c]);
    largest = block_reduce(largest, before, Larger(), largest_of);
    double sum = 0;
    for (i64 c = threadIdx.x; c < classes; c += blockDim.x) {
        real e = exponential(row[c] - largest);
        row[c] = e;
        sum += e;
    }
    sum = block_reduce(sum, 0.0, Sum(), sum_of);
    if (threadIdx.x == 0) {
        real factor = exponential(before - largest);
        rescale[blockIdx.x] = factor;
        maxima[blockIdx.x] = largest;
        sums[blockIdx.x] = sums[blockIdx.x] * factor + sum;
    }
}

extern "C" __global__ void start_fold(i64 rows, real* maxima, double* sums) {
    for (i64 n = grid_thread(); n < rows; n += grid_threads()) {
        maxima[n] = MINUS_INFINITY;
        sums[n] = 0;
    }
}

extern "C" __global__ void log_sums(const real* maxima, const double* sums, i64 rows, double* out) {
    for (i64 n = grid_thread(); n < rows; n += grid_threads()) out[n] = maxima[n] + log(sums[n]);
}

// Logits of the chosen classes that lie in a tile [first, first + classes): chosen (count,), out (rows, count).
extern "C" __global__ void pick_logits(const real* logits, i64 first, i64 classes, const i64* chosen, i64 count,
                                       i64 rows, real* out) {
    for (i64 i = grid_thread(); i < rows * count; i += grid_threads()) {
        i64 c = chosen[i % count] - first;
        if (c >= 0 && c < classes) out[i] = logits[i / count * classes + c];
    }
}

// exp(logit - shift) / total, with a log-normalizer and 1, or the maximum and the sum of exponentials less it, which is
// closer for likely classes. A logit never passes the shift but for rounding.
extern "C" __global__ void probabilities(const real* logits, const double* shift, const double* total, i64 rows,
                                         i64 count, double* out) {
    for (i64 i = grid_thread(); i < rows * count; i += grid_threads()) {
        double exponent = logits[i] - shift[i / count];
        out[i] = exponential(exponent > 0 ? 0.0 : exponent) / total[i / count];
    }
}

// totals (rows, columns) become totals * rescale + product, sums over one more tile.
extern "C" __global__ void accumulate(const real* product, const real* rescale, i64 rows, i64 columns, double* totals) {
    for (i64 i = grid_thread(); i < rows * columns; i += grid_threads())
        totals[i] = totals[i] * rescale[i / columns] + product[i];
}

extern "C" __global__ void divide_rows(const double* totals, const double* sums, i64 rows, i64 columns, double* out) {
    for (i64 i = grid_thread(); i < rows * columns; i += grid_threads()) out[i] = totals[i] / sums[i / columns];
}

// Columns of V - center, then their products for each of pairs (count, 2): V (rows, k), center (rows / classes, k),
// out (rows, k + count). Consecutive `classes` rows belong to one trial.
extern "C" __global__ void centered_columns(const real* V, const real* center, const i64* pairs, i64 rows, i64 classes,
                                            i64 k, i64 count, real* out) {
    for (i64 i = grid_thread(); i < rows * (k + count); i += grid_threads()) {
        i64 row = i / (k + count), column = i % (k + count);
        const real* v = V + row * k;
        const real* c = center + row / classes * k;
        if (column < k) {
            out[i] = v[column] - c[column];
        } else {
            i64 a = pairs[2 * (column - k)], b = pairs[2 * (column - k) + 1];
            out[i] = (v[a] - c[a]) * (v[b] - c[b]);
        }
    }
}

// Mean of products minus product of means, from totals (rows, k + count): out (rows, count).
extern "C" __global__ void covariances(const double* totals, const double* sums, const i64* pairs, i64 rows, i64 k,
                                       i64 count, double* out) {
    for (i64 i = grid_thread(); i < rows * count; i += grid_threads()) {
        i64 row = i / count, pair = i % count;
        const double* total = totals + row * (k + count);
        double sum = sums[row], a = total[pairs[2 * pair]], b = total[pairs[2 * pair + 1]];
        out[i] = total[k + pair] / sum - (a / sum) * (b / sum);
    }
}
