// Chi variables by rejection (Marsaglia & Tsang 2000), twin of the CPU's: the same operations in the same order, and so the
// same bits. Each variable has 64 blocks of its stream: two attempts to a pair of blocks, the last pair left for the
// power of a uniform number below two degrees of freedom.
#include "exponential.cuh"
#include "normal.cuh"

#define BLOCK_BITS 6
#define ATTEMPTS 62
// Of v = root^3: minus_log takes v from 2^-64 on.
#define SMALLEST_ROOT 0x1p-21

// Whether the candidate v of an attempt is accepted, from `block` and the block after it.
__device__ __forceinline__ bool chi_attempt(const u32* stream, u64 block, bool second, double offset, double slope,
                                            double* v) {
    uint4 words = stream_block(stream, block + 1);
    double reach = minus_log(uniform(second ? high_word(words) : low_word(words)));
    words = stream_block(stream, block);
    Pair<double> pair = normal_pair(low_word(words), high_word(words));
    double x = second ? pair.second : pair.first, root = 1.0 + slope * x;
    bool inside = root > SMALLEST_ROOT;
    *v = inside ? root * root * root : 1.0;
    return inside && reach > offset * ((*v - 1.0) + minus_log(*v)) - 0.5 * (x * x);
}

// Attempts in their order; the last is taken as it comes.
__device__ __forceinline__ double chi_variable(const u32* stream, u64 element, double degrees) {
    if (degrees == 0) return 0;
    bool boosted = degrees < 2.0;
    double offset = 0.5 * (boosted ? degrees + 2.0 : degrees) - 1.0 / 3.0, slope = 1.0 / sqrt(9.0 * offset), v = 1;
    u64 block = element << BLOCK_BITS;
    for (int attempt = 0; attempt < ATTEMPTS; ++attempt)
        if (chi_attempt(stream, block + (attempt & ~1), attempt & 1, offset, slope, &v)) break;
    double found = sqrt(2.0 * offset * v);
    if (boosted) found *= exponential(-minus_log(uniform(low_word(stream_block(stream, block + ATTEMPTS)))) / degrees);
    return found;
}
