// Draws of the structured models, theory.md (5.1)-(5.3d), all float64: chi variables, and the tridiagonal and pentadiagonal
// forms made of them; samples by their signs.
#include "chi.cuh"
#include "reduce.cuh"

// Degrees of freedom of the chi variables of a Wishart matrix (T, 2 order): of n = min(order, K) rows K', ..., K' - n + 1
// with K' = max(order, K), then n - 1, ..., 1; 0 where there is none. blockIdx.y to a trial.
extern "C" __global__ void wishart_degrees(const i64* freedoms, i64 order, double* out) {
    i64 K = freedoms[blockIdx.y], n = K < order ? K : order, most = K < order ? order : K;
    for (i64 i = grid_thread(); i < 2 * order; i += grid_threads())
        out[blockIdx.y * 2 * order + i] = (double)(i < n ? most - i : i < 2 * n ? 2 * n - 1 - i : 0);
}

// Those of a matrix whose first two columns are known: K, ..., K - n + 1, then order - 2, order - 3, ... >= 0.
extern "C" __global__ void wedge_degrees(const i64* freedoms, i64 order, double* out) {
    i64 K = freedoms[blockIdx.y], n = K < order ? K : order;
    for (i64 i = grid_thread(); i < 2 * order; i += grid_threads()) {
        i64 rest = order - 2 - (i - n);
        out[blockIdx.y * 2 * order + i] = (double)(i < n ? K - i : i < 2 * n && rest > 0 ? rest : 0);
    }
}

// Chi variables start, start + 1, ... of streams (T, 4), of degrees (T, count): out (T, count). blockIdx.y to a trial.
extern "C" __global__ void __launch_bounds__(256, 4) fill_chi(const u32* streams, u64 start, const double* degrees,
                                                              i64 count, double* out) {
    for (i64 i = grid_thread(); i < count; i += grid_threads()) {
        i64 place = blockIdx.y * count + i;
        out[place] = chi_variable(streams + 4 * blockIdx.y, start + i, degrees[place]);
    }
}

// Tridiagonal form of scale Y^T Y from its chi variables (T, 2 order): diagonal (T, order), off_diagonal (T, order - 1).
extern "C" __global__ void wishart_forms(const double* chi, const i64* freedoms, const double* scales, i64 order,
                                         double* diagonal, double* off_diagonal) {
    i64 K = freedoms[blockIdx.y], n = K < order ? K : order;
    const double *x = chi + blockIdx.y * 2 * order, *y = x + n;
    double scale = scales[blockIdx.y];
    for (i64 i = grid_thread(); i < order; i += grid_threads()) {
        double below = i > 0 && i < n ? y[i - 1] : 0;
        diagonal[blockIdx.y * order + i] = i < n ? scale * (x[i] * x[i] + below * below) : 0;
        if (i < order - 1) off_diagonal[blockIdx.y * (order - 1) + i] = i < n - 1 ? scale * (x[i] * y[i]) : 0;
    }
}

// The three entries of row i < n of a matrix A (n, n + 2) of a wedge.
struct WedgeRow {
    double x, g, y;
    __device__ __forceinline__ WedgeRow(const double* chi, const double* normals, const double* gram, i64 n, i64 order,
                                        i64 i)
        : x(chi[i]), g(i < order - 1 ? normals[i] : 0), y(chi[n + i]) {
        if (i > 1) return;
        double length = sqrt(gram[0]), along = order > 1 ? gram[1] / length : 0, rest = gram[3] - along * along;
        x = i == 0 ? length : rest > 0 ? sqrt(rest) : 0;
        if (i == 0) g = along;
    }
};

// Bands (T, 3, order) of scale A A^T: chi (T, 2 order), normals (T, order), grams (T, 2, 2). blockIdx.y to a trial.
extern "C" __global__ void __launch_bounds__(256, 4) wedge_forms(const double* chi, const double* normals,
                                                                 const i64* freedoms, const double* grams,
                                                                 const double* scales, i64 order, double* bands) {
    i64 K = freedoms[blockIdx.y], n = K < order ? K : order;
    const double *drawn = chi + blockIdx.y * 2 * order, *g = normals + blockIdx.y * order, *R = grams + 4 * blockIdx.y;
    double scale = scales[blockIdx.y], *out = bands + blockIdx.y * 3 * order;
    for (i64 i = grid_thread(); i < order; i += grid_threads()) {
        double first = 0, second = 0, third = 0;
        if (i < n) {
            WedgeRow row(drawn, g, R, n, order, i);
            first = scale * (row.x * row.x + row.g * row.g + row.y * row.y);
            if (i < n - 1) {
                WedgeRow next(drawn, g, R, n, order, i + 1);
                second = scale * (row.g * next.x + row.y * next.g);
            }
            if (i < n - 2) third = scale * (row.y * drawn[i + 2]);
        }
        out[i] = first;
        out[order + i] = second;
        out[2 * order + i] = third;
    }
}

// How many of the first uniform numbers of each stream are at most 1/2. One block to a trial.
extern "C" __global__ void half_space_counts(const u32* streams, i64 samples, i64* out) {
    __shared__ i64 scratch[WARP];
    i64 count = 0;
    for (i64 block = threadIdx.x; 2 * block < samples; block += blockDim.x) {
        uint4 words = stream_block(streams + 4 * blockIdx.x, block);
        count += uniform(low_word(words)) <= 0.5;
        if (2 * block + 1 < samples) count += uniform(high_word(words)) <= 0.5;
    }
    count = block_reduce(count, (i64)0, Sum(), scratch);
    if (threadIdx.x == 0) out[blockIdx.x] = count;
}

// Samples in the plane of two rows of W, a pair of normals each, that activate both: their number (T) and Gram matrix
// (T, 2, 2). planes (T, 2): the second row along the first and across it. One block to a trial.
extern "C" __global__ void wedge_samples(const u32* streams, i64 samples, const double* planes, i64* active,
                                         double* grams) {
    __shared__ double scratch[WARP];
    double along = planes[2 * blockIdx.x], across = planes[2 * blockIdx.x + 1];
    double sums[4] = {0, 0, 0, 0};
    for (i64 sample = threadIdx.x; sample < samples; sample += blockDim.x) {
        uint4 words = stream_block(streams + 4 * blockIdx.x, sample);
        Pair<double> at = normal_pair(low_word(words), high_word(words));
        if (at.first > 0 && along * at.first + across * at.second > 0) {
            sums[0] += 1;
            sums[1] += at.first * at.first;
            sums[2] += at.first * at.second;
            sums[3] += at.second * at.second;
        }
    }
    for (int k = 0; k < 4; ++k) sums[k] = block_reduce(sums[k], 0.0, Sum(), scratch);
    if (threadIdx.x > 0) return;
    active[blockIdx.x] = (i64)sums[0];  // exact below 2^53
    for (int row = 0; row < 2; ++row)
        for (int column = 0; column < 2; ++column) grams[4 * blockIdx.x + 2 * row + column] = sums[1 + row + column];
}
