// Reductions over a warp and over a block whose order depends on the launch shape alone. Blocks are whole warps.
#include "types.cuh"

#define WARP 32
#define WHOLE_WARP 0xffffffffu

struct Sum {
    template <class T> __device__ T operator()(T a, T b) const { return a + b; }
};
// Written so that a NaN never wins; it shows in the sums that follow.
struct Larger {
    template <class T> __device__ T operator()(T a, T b) const { return b > a ? b : a; }
};

// Both partners of a butterfly step combine the same two numbers: every lane ends with the same bits.
template <class T, class Op> __device__ __forceinline__ T warp_reduce(T value, Op op) {
    for (int distance = WARP / 2; distance > 0; distance /= 2)
        value = op(value, __shfl_xor_sync(WHOLE_WARP, value, distance));
    return value;
}

// scratch: shared, one entry per warp (32 suffice).
template <class T, class Op> __device__ __forceinline__ T block_reduce(T value, T identity, Op op, T* scratch) {
    int lane = threadIdx.x % WARP, warp = threadIdx.x / WARP, warps = blockDim.x / WARP;
    value = warp_reduce(value, op);
    __syncthreads();  // the reduction before this one may still read scratch
    if (lane == 0) scratch[warp] = value;
    __syncthreads();
    return warp_reduce(lane < warps ? scratch[lane] : identity, op);
}
