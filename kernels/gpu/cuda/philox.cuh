// Philox4x32-10 (Salmon et al. 2011, SC11, section 3.3), twin of the CPU's.
#include "types.cuh"

__device__ __forceinline__ uint4 philox(uint4 c, uint2 key) {
    for (int round = 0; round < 10; ++round) {
        u64 p0 = (u64)0xD2511F53u * c.x, p1 = (u64)0xCD9E8D57u * c.z;
        c = make_uint4((u32)(p1 >> 32) ^ c.y ^ key.x, (u32)p1, (u32)(p0 >> 32) ^ c.w ^ key.y, (u32)p0);
        key.x += 0x9E3779B9u;
        key.y += 0xBB67AE85u;
    }
    return c;
}

// A stream is four words [key0, key1, c2, c3]; its block b has the counter words (b, b >> 32, c2, c3).
__device__ __forceinline__ uint4 stream_block(const u32* stream, u64 block) {
    uint4 counter = make_uint4((u32)block, (u32)(block >> 32), stream[2], stream[3]);
    return philox(counter, make_uint2(stream[0], stream[1]));
}

// A block as two words of 64 bits, low half first.
__device__ __forceinline__ u64 low_word(uint4 w) { return w.x | ((u64)w.y << 32); }
__device__ __forceinline__ u64 high_word(uint4 w) { return w.z | ((u64)w.w << 32); }
