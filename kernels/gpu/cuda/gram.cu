// What surrounds the GEMM of a weighted Gram matrix, and quadratic forms; REAL is float or double.
#include "reduce.cuh"

typedef REAL real;

// Where the rows of nonzero weight go if they move up, in their order, to the front: weights and places (T, rows),
// counts (T). One block to a trial.
extern "C" __global__ void place_rows(const double* weights, i64 rows, i64* places, i64* counts) {
    __shared__ int found[WARP];
    int lane = threadIdx.x % WARP, warp = threadIdx.x / WARP;
    i64 trial = blockIdx.x * rows, placed = 0;
    for (i64 first = 0; first < rows; first += blockDim.x) {
        i64 row = first + threadIdx.x;
        bool kept = row < rows && weights[trial + row] != 0;
        u32 mask = __ballot_sync(WHOLE_WARP, kept);
        __syncthreads();  // the rows before these may still read found
        if (lane == 0) found[warp] = __popc(mask);
        __syncthreads();
        int before = __popc(mask & ((1u << lane) - 1)), all = 0;
        for (int other = 0; other < (int)(blockDim.x / WARP); ++other) {
            if (other < warp) before += found[other];
            all += found[other];
        }
        if (kept) places[trial + row] = placed + before;
        placed += all;
    }
    if (threadIdx.x == 0) counts[blockIdx.x] = placed;
}

// Rows of left become sqrt|w| x and of right sign(w) sqrt|w| x, at their places: the sum over w_n x_n x_n^T is their
// product. Rows of weight 0 are not read: they may hold infinities. blockIdx.y to a trial.
extern "C" __global__ void scale_rows(const real* X, const double* weights, const i64* places, i64 rows, i64 columns,
                                      real* left, real* right) {
    i64 trial = blockIdx.y * rows;
    for (i64 row = blockIdx.x; row < rows; row += gridDim.x) {
        double w = weights[trial + row];
        if (w == 0) continue;
        real root = (real)sqrt(w < 0 ? -w : w);
        i64 from = (trial + row) * columns, to = (trial + places[trial + row]) * columns;
        for (i64 i = threadIdx.x; i < columns; i += blockDim.x) {
            real scaled = root * X[from + i];
            left[to + i] = scaled;
            right[to + i] = w < 0 ? -scaled : scaled;
        }
    }
}

// Both triangles become factor times the upper one: A (T, n, n), blockIdx.y to a trial.
extern "C" __global__ void symmetrize(real* A, i64 n, double factor) {
    real* matrix = A + blockIdx.y * n * n;
    for (i64 row = blockIdx.x; row < n; row += gridDim.x)
        for (i64 column = row + threadIdx.x; column < n; column += blockDim.x) {
            real value = (real)(matrix[row * n + column] * factor);
            matrix[row * n + column] = value;
            matrix[column * n + row] = value;
        }
}

// Add the upper triangle of each product to that of each total: both (T, n, n), blockIdx.y to a trial.
extern "C" __global__ void add_upper(const real* product, i64 n, real* total) {
    i64 trial = blockIdx.y * n * n;
    for (i64 row = blockIdx.x; row < n; row += gridDim.x)
        for (i64 column = row + threadIdx.x; column < n; column += blockDim.x)
            total[trial + row * n + column] += product[trial + row * n + column];
}

// out (T, columns): factor times sum_n A_nr B_nr in float64. blockIdx.y to a trial, a lane to a column; each warp sums
// every blockDim.y-th row, then the sums of the warps are added in order.
extern "C" __global__ void column_dots(const real* A, const real* B, i64 rows, i64 columns, double factor, double* out) {
    __shared__ double partial[WARP][WARP + 1];
    i64 column = (i64)blockIdx.x * WARP + threadIdx.x, trial = blockIdx.y * rows * columns;
    double sum = 0;
    if (column < columns)
        for (i64 row = threadIdx.y; row < rows; row += blockDim.y) {
            i64 i = trial + row * columns + column;
            sum += (double)A[i] * (double)B[i];
        }
    partial[threadIdx.y][threadIdx.x] = sum;
    __syncthreads();
    if (threadIdx.y == 0 && column < columns) {
        for (int warp = 1; warp < (int)blockDim.y; ++warp) sum += partial[warp][threadIdx.x];
        out[blockIdx.y * columns + column] = sum * factor;
    }
}
