// The part of CUDA C++ that rmtsim's kernels use, for a host compiler: qualifiers, built-in variables, barriers, warp
// collectives and intrinsics. The emulator proper is emulator.cpp, compiled once; this header is light, because every
// mutant of every kernel is compiled with it.
#pragma once
#include <math.h>
#include <stddef.h>
#include <string.h>

#define __global__
#define __device__
#define __forceinline__ inline __attribute__((always_inline))
#define __launch_bounds__(...)
// One block is resident at a time, so static storage does; a section of its own can be poisoned before each block.
#define __shared__ static __attribute__((section("emulated_shared")))

struct uint2 { unsigned x, y; };
struct uint4 { unsigned x, y, z, w; };
struct dim3 { unsigned x, y, z; };
static inline uint2 make_uint2(unsigned x, unsigned y) { return {x, y}; }
static inline uint4 make_uint4(unsigned x, unsigned y, unsigned z, unsigned w) { return {x, y, z, w}; }

namespace emulator {

// A place in the source at which threads meet.
struct Site {
    const char *operation, *file;
    int line;
};

extern __thread dim3 thread_index, block_index;  // __thread: no call to find out whether they are initialised
extern dim3 block_shape, grid_shape;

void barrier(const Site* site);
// What lane `source` brought, once all lanes of `mask` are here; with source < 0, the mask of lanes with value != 0.
unsigned long long exchange(const Site* site, unsigned mask, unsigned long long value, int source);
int lane();
void* dynamic_shared();
int launch(void (*thread)(void**), const unsigned* grid, const unsigned* block, size_t shared, void** arguments);

template <class T> T shuffle(const Site* site, unsigned mask, T value, int source) {
    static_assert(sizeof(T) <= 8, "shuffles move at most 64 bits");
    unsigned long long bits = 0;
    memcpy(&bits, &value, sizeof value);
    bits = exchange(site, mask, bits, source);
    memcpy(&value, &bits, sizeof value);
    return value;
}

// ------------------------------------------------------------------------------------ kernels called by name

template <class T> struct Code;
#define EMULATED_CODE(T, code) \
    template <> struct Code<T> { static constexpr const char* text = code; }; \
    template <> struct Code<T*> { static constexpr const char* text = "*" code; }; \
    template <> struct Code<const T*> { static constexpr const char* text = "*" code; }
EMULATED_CODE(float, "f4");
EMULATED_CODE(double, "f8");
EMULATED_CODE(int, "i4");
EMULATED_CODE(unsigned, "u4");
EMULATED_CODE(long long, "i8");
EMULATED_CODE(unsigned long long, "u8");

template <class... T> const char* signature(void (*)(T...)) {
    static const char* codes[] = {Code<T>::text...};
    static char text[8 * sizeof...(T) + 1];
    if (!text[0])
        for (const char* code : codes) strcat(strcat(text, text[0] ? "," : ""), code);
    return text;
}

template <size_t... I> struct Indices {};
template <size_t N, size_t... I> struct Count : Count<N - 1, N - 1, I...> {};
template <size_t... I> struct Count<0, I...> { using type = Indices<I...>; };

template <class... T, size_t... I> void unpack(void (*kernel)(T...), void** arguments, Indices<I...>) {
    kernel(*static_cast<T*>(arguments[I])...);
}
template <class... T> void call(void (*kernel)(T...), void** arguments) {
    unpack(kernel, arguments, typename Count<sizeof...(T)>::type());
}

}  // namespace emulator

#define EMULATED_KERNEL(kernel) \
    extern "C" const char* signature_##kernel() { return emulator::signature(&kernel); } \
    extern "C" int launch_##kernel(const unsigned* grid, const unsigned* block, size_t shared, void** arguments) { \
        return emulator::launch([](void** a) { emulator::call(&kernel, a); }, grid, block, shared, arguments); \
    }

#define threadIdx emulator::thread_index
#define blockIdx emulator::block_index
#define blockDim emulator::block_shape
#define gridDim emulator::grid_shape

#define EMULATED_SITE(operation) \
    ([]() -> const emulator::Site* { static const emulator::Site s = {operation, __FILE__, __LINE__}; return &s; }())
#define __syncthreads() emulator::barrier(EMULATED_SITE("__syncthreads"))
#define __syncwarp() ((void)emulator::exchange(EMULATED_SITE("__syncwarp"), 0xffffffffu, 0, -1))
#define __shfl_sync(mask, value, source) \
    emulator::shuffle(EMULATED_SITE("__shfl_sync"), mask, value, (source) & 31)
#define __shfl_xor_sync(mask, value, bits) \
    emulator::shuffle(EMULATED_SITE("__shfl_xor_sync"), mask, value, emulator::lane() ^ (bits))
#define __ballot_sync(mask, predicate) \
    ((unsigned)emulator::exchange(EMULATED_SITE("__ballot_sync"), mask, (predicate) ? 1 : 0, -1))
#define __any_sync(mask, predicate) (__ballot_sync(mask, predicate) != 0)

template <class To, class From> static inline To emulated_bits(From from) {
    static_assert(sizeof(To) == sizeof(From), "bit casts keep the size");
    To to;
    memcpy(&to, &from, sizeof to);
    return to;
}
static inline double __longlong_as_double(long long x) { return emulated_bits<double>(x); }
static inline long long __double_as_longlong(double x) { return emulated_bits<long long>(x); }
static inline float __uint_as_float(unsigned x) { return emulated_bits<float>(x); }
static inline unsigned __float_as_uint(float x) { return emulated_bits<unsigned>(x); }
static inline int __popc(unsigned x) { return __builtin_popcount(x); }
static inline int __ffs(int x) { return __builtin_ffs(x); }
static inline unsigned long long __umul64hi(unsigned long long x, unsigned long long y) {
    return (unsigned long long)((unsigned __int128)x * y >> 64);
}
