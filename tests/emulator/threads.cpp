// Backend for ThreadSanitizer and AddressSanitizer: a thread of the operating system to each CUDA thread. A lock of its
// own to each gate, so that the emulator orders no accesses that a GPU would not.
#include "emulator.h"

#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <thread>

namespace emulator {

namespace {

constexpr auto PATIENCE = std::chrono::seconds(10);

struct Door {
    std::mutex mutex;
    std::condition_variable opened;
};
std::map<const Gate*, Door> doors;

}  // namespace

Lock::Lock(Gate& gate) : gate(gate) { doors.at(&gate).mutex.lock(); }
Lock::~Lock() { doors.at(&gate).mutex.unlock(); }

void wait(Lock& lock) {
    Door& door = doors.at(&lock.gate);
    unsigned generation = lock.gate.generation;
    std::unique_lock<std::mutex> held(door.mutex, std::adopt_lock);
    auto deadline = std::chrono::steady_clock::now() + PATIENCE;
    while (lock.gate.generation == generation && !failed())
        if (door.opened.wait_for(held, std::chrono::milliseconds(100)), std::chrono::steady_clock::now() > deadline)
            fail("deadlock: thread " + std::to_string(self) + " waits at " + describe(lock.gate.site));
    held.release();
    if (failed()) throw Stop{};
}

void open(Lock& lock) {
    lock.gate.arrived = 0;
    ++lock.gate.generation;
    doors.at(&lock.gate).opened.notify_all();
}

void run_threads(void (*thread)(void**), void** arguments) {
    doors.clear();
    doors[&block->barrier];
    for (Warp& warp : block->warps) doors[&warp.gate];
    std::vector<std::thread> running;
    for (int t = 0; t < block->threads; ++t)
        running.emplace_back([=, here = block_index] {
            block_index = here;
            place(t);
            try {
                thread(arguments);
            } catch (Stop&) {
            }
        });
    for (std::thread& one : running) one.join();
}

}  // namespace emulator
