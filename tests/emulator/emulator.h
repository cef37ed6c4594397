// A block of emulated threads and what they wait at; shared by emulator.cpp and its two backends.
#pragma once
#include "device.h"

#include <memory>
#include <string>
#include <vector>

namespace emulator {

constexpr int WARP = 32;

// Unwinds a thread after an error, its own or another's.
struct Stop {};

// Threads that arrive wait until the last one opens the gate for this generation.
struct Gate {
    unsigned generation = 0;
    unsigned arrived = 0;  // number of threads at a barrier, mask of lanes in a warp
    const Site* site = nullptr;
};

struct Warp {
    Gate gate;
    unsigned mask = 0;
    unsigned long long value[WARP], result[WARP];
    int source[WARP];
};

struct Block {
    explicit Block(int threads) : threads(threads), warps((threads + WARP - 1) / WARP) {}
    int threads;
    Gate barrier;
    std::vector<Warp> warps;
};

extern Block* block;
extern thread_local int self;  // number of this thread in its block
extern unsigned long long seed;

void place(int thread);  // sets self and thread_index
void fail(const std::string& what);
bool failed();
std::string describe(const Site* site);

// What a backend provides: locks (none for fibers), waiting, and running all threads of `block` to their end.
struct Lock {
    explicit Lock(Gate& gate);
    ~Lock();
    Gate& gate;
};
void wait(Lock& lock);  // until the gate opens; throws Stop after an error
void open(Lock& lock);
void run_threads(void (*thread)(void**), void** arguments);

}  // namespace emulator
