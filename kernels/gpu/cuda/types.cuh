// Fixed-width integers without <cstdint>, which NVRTC does not have.
typedef unsigned int u32;
typedef unsigned long long u64;
typedef long long i64;

// The number of this thread in a one-dimensional grid, and how many there are.
__device__ __forceinline__ i64 grid_thread() { return (i64)blockIdx.x * blockDim.x + threadIdx.x; }
__device__ __forceinline__ i64 grid_threads() { return (i64)gridDim.x * blockDim.x; }
