// Random arrays, one thread to a Philox block, blockIdx.y to a trial; REAL is float or double.
#include "normal.cuh"

typedef REAL real;

#define LANES ((int)(16 / sizeof(real)))

// Elements start, ..., start + size - 1 of a stream that gives `lanes` elements to a block: where element 0 of
// block first + b goes, which may lie before the range.
struct Range {
    u64 first;
    i64 blocks, offset;
    __device__ Range(u64 start, i64 size, int lanes)
        : first(start / lanes), blocks(((i64)(start % lanes) + size + lanes - 1) / lanes), offset((i64)(start % lanes)) {}
    __device__ i64 position(i64 block, int lanes) const { return block * lanes - offset; }
};

template <class T> __device__ __forceinline__ void store(const T* lanes, int count, i64 position, i64 size, T* row) {
    for (int lane = 0; lane < count; ++lane)
        if (position + lane >= 0 && position + lane < size) row[position + lane] = lanes[lane];
}

extern "C" __global__ void philox_words(const u32* counters, const u32* key, i64 count, u32* out) {
    for (i64 i = grid_thread(); i < count; i += grid_threads()) {
        const u32* c = counters + 4 * i;
        uint4 w = philox(make_uint4(c[0], c[1], c[2], c[3]), make_uint2(key[0], key[1]));
        out[4 * i] = w.x;
        out[4 * i + 1] = w.y;
        out[4 * i + 2] = w.z;
        out[4 * i + 3] = w.w;
    }
}

// streams (T, 4), out (T, size)
extern "C" __global__ void fill_uniforms(const u32* streams, u64 start, i64 size, real* out) {
    Range range(start, size, LANES);
    for (i64 b = grid_thread(); b < range.blocks; b += grid_threads()) {
        real lanes[LANES];
        uniforms_of(stream_block(streams + 4 * blockIdx.y, range.first + b), lanes);
        store(lanes, LANES, range.position(b, LANES), size, out + blockIdx.y * size);
    }
}

extern "C" __global__ void fill_normals(const u32* streams, u64 start, i64 size, real scale, real* out) {
    Range range(start, size, LANES);
    for (i64 b = grid_thread(); b < range.blocks; b += grid_threads()) {
        real lanes[LANES];
        normals_of(stream_block(streams + 4 * blockIdx.y, range.first + b), lanes);
        for (int lane = 0; lane < LANES; ++lane) lanes[lane] *= scale;
        store(lanes, LANES, range.position(b, LANES), size, out + blockIdx.y * size);
    }
}

// floor(word n_classes / 2^64), n_classes < 2^32
extern "C" __global__ void fill_labels(const u32* streams, u64 start, i64 size, u32 n_classes, i64* out) {
    Range range(start, size, 2);
    for (i64 b = grid_thread(); b < range.blocks; b += grid_threads()) {
        uint4 w = stream_block(streams + 4 * blockIdx.y, range.first + b);
        i64 lanes[2] = {(i64)__umul64hi(low_word(w), n_classes), (i64)__umul64hi(high_word(w), n_classes)};
        store(lanes, 2, range.position(b, 2), size, out + blockIdx.y * size);
    }
}
