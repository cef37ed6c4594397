// What surrounds the GEMM of a weighted Gram matrix, and quadratic forms; REAL is float or double.
#include "reduce.cuh"

typedef REAL real;

// left = sqrt|w| x and right = sign(w) left, row by row: their product is the sum over w_n x_n x_n^T.
extern "C" __global__ void scale_rows(const real* X, const double* weights, i64 rows, i64 columns, real* left,
                                      real* right) {
    for (i64 row = blockIdx.x; row < rows; row += gridDim.x) {
        double w = weights[row];
        real root = (real)sqrt(w < 0 ? -w : w);
        for (i64 i = row * columns + threadIdx.x; i < (row + 1) * columns; i += blockDim.x) {
            // A row of weight 0 is not read: it may hold infinities.
            real scaled = w == 0 ? (real)0 : root * X[i];
            left[i] = scaled;
            right[i] = w < 0 ? -scaled : scaled;
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
