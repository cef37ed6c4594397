// Runs CUDA blocks one after another on a CPU, and turns what is undefined on a GPU into an error: divergent barriers and
// collectives, threads that others wait for in vain, launches outside the limits. Memory faults show as poison: shared
// memory is filled with NaN before each block, and global arrays are guarded by the caller.
#include "emulator.h"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <random>

extern "C" {
extern char __start_emulated_shared[] __attribute__((weak, visibility("hidden")));
extern char __stop_emulated_shared[] __attribute__((weak, visibility("hidden")));
}

namespace emulator {

__thread dim3 thread_index, block_index;
dim3 block_shape, grid_shape;
Block* block = nullptr;
thread_local int self = -1;
unsigned long long seed = 0;

namespace {
constexpr size_t SHARED_LIMIT = 48 << 10;  // without opting in to more
std::string message;
std::mutex message_lock;
std::atomic<bool> stopped{false};
std::vector<double> dynamic_memory;
}  // namespace

std::string describe(const Site* site) {
    return std::string(site->operation) + " at " + site->file + ":" + std::to_string(site->line);
}

void fail(const std::string& what) {
    std::lock_guard<std::mutex> guard(message_lock);
    if (!stopped) message = what + " [block " + std::to_string(block_index.x) + "," + std::to_string(block_index.y) + "]";
    stopped = true;
}

bool failed() { return stopped; }

static void stop(const std::string& what) {
    fail(what);
    throw Stop{};
}

void place(int thread) {
    self = thread;
    unsigned t = thread, x = block_shape.x, y = block_shape.y;
    thread_index = {t % x, t / x % y, t / (x * y)};
}

int lane() { return self % WARP; }

void* dynamic_shared() { return dynamic_memory.data(); }

// ------------------------------------------------------------------------------------------------- meeting points

static void meet(Gate& gate, const Site* site) {
    if (failed()) throw Stop{};
    if (gate.arrived == 0) gate.site = site;
    else if (gate.site != site)
        stop("divergence: thread " + std::to_string(self) + " is at " + describe(site) + ", others at " + describe(gate.site));
}

void barrier(const Site* site) {
    Lock lock(block->barrier);
    meet(block->barrier, site);
    if (++block->barrier.arrived == (unsigned)block->threads) open(lock);
    else wait(lock);
}

static void distribute(Warp& warp) {
    unsigned long long ballot = 0;
    for (int l = 0; l < WARP; ++l)
        if (warp.mask >> l & 1 && warp.value[l]) ballot |= 1ull << l;
    for (int l = 0; l < WARP; ++l) {
        if (!(warp.mask >> l & 1)) continue;
        int source = warp.source[l];
        if (source >= 0 && (source >= WARP || !(warp.mask >> source & 1)))
            stop(describe(warp.gate.site) + ": lane " + std::to_string(l) + " reads lane " + std::to_string(source) + ", which takes no part");
        warp.result[l] = source < 0 ? ballot : warp.value[source];
    }
}

unsigned long long exchange(const Site* site, unsigned mask, unsigned long long value, int source) {
    Warp& warp = block->warps[self / WARP];
    int l = lane();
    Lock lock(warp.gate);
    meet(warp.gate, site);
    if (!(mask >> l & 1)) stop(describe(site) + ": lane " + std::to_string(l) + " is not in its own mask");
    if (warp.gate.arrived == 0) warp.mask = mask;
    else if (warp.mask != mask) stop(describe(site) + ": the lanes give different masks");
    warp.value[l] = value;
    warp.source[l] = source;
    warp.gate.arrived |= 1u << l;
    if (warp.gate.arrived == mask) {
        distribute(warp);
        open(lock);
    } else {
        wait(lock);
    }
    return warp.result[l];
}

// --------------------------------------------------------------------------------------------------------- launches

static void poison_shared(size_t dynamic_bytes) {
    dynamic_memory.assign(dynamic_bytes / sizeof(double) + 1, 0);
    memset(static_cast<void*>(dynamic_memory.data()), 0xFF, dynamic_memory.size() * sizeof(double));
    if (__start_emulated_shared)
        memset(__start_emulated_shared, 0xFF, __stop_emulated_shared - __start_emulated_shared);
}

static const char* refusal(const unsigned* grid, const unsigned* shape, size_t shared) {
    unsigned long long threads = (unsigned long long)shape[0] * shape[1] * shape[2];
    if (threads < 1 || threads > 1024 || shape[2] > 64) return "expected a block of 1 to 1024 threads";
    if (grid[0] < 1 || grid[1] < 1 || grid[2] < 1 || grid[0] > 0x7fffffffu || grid[1] > 65535 || grid[2] > 65535)
        return "expected a grid of 1 to 2^31 - 1 by 65535 by 65535 blocks";
    if (shared > SHARED_LIMIT) return "expected at most 48 KiB of dynamic shared memory";
    return nullptr;
}

int launch(void (*thread)(void**), const unsigned* grid, const unsigned* shape, size_t shared, void** arguments) {
    message.clear();
    stopped = false;
    if (const char* why = refusal(grid, shape, shared)) {
        fail(why);
        return 1;
    }
    grid_shape = {grid[0], grid[1], grid[2]};
    block_shape = {shape[0], shape[1], shape[2]};
    std::vector<size_t> order((size_t)grid[0] * grid[1] * grid[2]);
    for (size_t i = 0; i < order.size(); ++i) order[i] = i;
    if (seed > 0) std::shuffle(order.begin(), order.end(), std::mt19937_64(seed));
    for (size_t i : order) {
        block_index = {unsigned(i % grid[0]), unsigned(i / grid[0] % grid[1]), unsigned(i / grid[0] / grid[1])};
        poison_shared(shared);
        Block resident(shape[0] * shape[1] * shape[2]);
        block = &resident;
        run_threads(thread, arguments);
        if (failed()) return 1;
    }
    return 0;
}

}  // namespace emulator

extern "C" const char* emulator_message() { return emulator::message.c_str(); }
extern "C" void emulator_seed(unsigned long long value) { emulator::seed = value; }
