// Default backend: the threads of a block are fibers of one thread of the operating system, and a seed decides which of
// them runs. Seed 0 lets all threads take a step in turn; any other seed runs one warp as far ahead of the others
// as it gets, then the next of a random order. Missing barriers that the first order hides, the second finds.
#include "emulator.h"

#include <algorithm>
#include <random>
#include <setjmp.h>
#include <ucontext.h>

namespace emulator {

namespace {

constexpr size_t STACK = 64 << 10;

struct Fiber {
    ucontext_t context;
    jmp_buf position;
    bool started = false;
    std::unique_ptr<char[]> stack{new char[STACK]};
};

struct Thread {
    Fiber* fiber = nullptr;
    bool finished = false;
    const Gate* gate = nullptr;  // waits here
    unsigned generation = 0;     // of the gate on arrival
    bool runnable() const { return !finished && (!gate || gate->generation != generation || failed()); }
};

std::vector<Thread> threads;
std::vector<Fiber*> idle;
int running;  // the thread that runs or ran last
jmp_buf scheduler;
ucontext_t scheduler_context;
void (*entry)(void**);
void** entry_arguments;

// Fibers are created by ucontext and switched by _setjmp and _longjmp, which make no system call.
__attribute__((noinline)) void leave(Fiber* fiber) {
    if (!_setjmp(fiber->position)) _longjmp(scheduler, 1);
}

void fiber_main() {
    for (;;) {
        int thread = running;
        Fiber* fiber = threads[thread].fiber;
        try {
            entry(entry_arguments);
        } catch (Stop&) {
        }
        threads[thread].finished = true;
        idle.push_back(fiber);
        leave(fiber);
    }
}

Fiber* idle_fiber() {
    if (idle.empty()) {
        Fiber* fiber = new Fiber;
        getcontext(&fiber->context);
        fiber->context.uc_stack.ss_sp = fiber->stack.get();
        fiber->context.uc_stack.ss_size = STACK;
        fiber->context.uc_link = nullptr;
        makecontext(&fiber->context, fiber_main, 0);
        return fiber;
    }
    Fiber* fiber = idle.back();
    idle.pop_back();
    return fiber;
}

__attribute__((noinline)) void resume(int thread) {
    Thread& chosen = threads[thread];
    if (!chosen.fiber) chosen.fiber = idle_fiber();
    running = thread;
    place(thread);
    if (_setjmp(scheduler)) return;
    if (chosen.fiber->started) _longjmp(chosen.fiber->position, 1);
    chosen.fiber->started = true;
    swapcontext(&scheduler_context, &chosen.fiber->context);
}

// Warps in random order, the lanes of each in random order.
std::vector<int> random_order(int count, std::mt19937_64 random) {
    std::vector<std::vector<int>> warps((count + WARP - 1) / WARP);
    for (int t = 0; t < count; ++t) warps[t / WARP].push_back(t);
    std::shuffle(warps.begin(), warps.end(), random);
    std::vector<int> order;
    for (auto& lanes : warps) {
        std::shuffle(lanes.begin(), lanes.end(), random);
        order.insert(order.end(), lanes.begin(), lanes.end());
    }
    return order;
}

int first_runnable(const std::vector<int>& order, int from, int to) {
    for (int i = from; i < to; ++i)
        if (threads[order[i]].runnable()) return i;
    return -1;
}

// Which thread runs next, as its place in `order`; -1 if none can. `last` ran last.
int pick(const std::vector<int>& order, int last) {
    int count = order.size(), warp = last / WARP * WARP;
    int next = seed == 0 ? first_runnable(order, last + 1, count)
                         : first_runnable(order, warp, std::min(warp + WARP, count));
    return next >= 0 ? next : first_runnable(order, 0, count);
}

void report_deadlock() {
    std::string waiting;
    for (int t = 0; t < (int)threads.size() && waiting.size() < 300; ++t)
        if (!threads[t].finished) waiting += " thread " + std::to_string(t) + " at " + describe(threads[t].gate->site) + ";";
    fail("deadlock: threads wait for others that never come:" + waiting);
}

}  // namespace

Lock::Lock(Gate& gate) : gate(gate) {}
Lock::~Lock() {}

void wait(Lock& lock) {
    Thread& me = threads[self];
    me.gate = &lock.gate;
    me.generation = lock.gate.generation;
    leave(me.fiber);
    me.gate = nullptr;
    if (failed()) throw Stop{};
}

void open(Lock& lock) {
    lock.gate.arrived = 0;
    ++lock.gate.generation;
}

void run_threads(void (*thread)(void**), void** arguments) {
    entry = thread;
    entry_arguments = arguments;
    int count = block->threads;
    threads.assign(count, Thread());
    std::vector<int> order(count);
    for (int t = 0; t < count; ++t) order[t] = t;
    if (seed > 0) order = random_order(count, std::mt19937_64(seed + 1000003 * (block_index.x + 7919 * block_index.y)));
    for (int last = count - 1, next;;) {
        if ((next = pick(order, last)) >= 0) {
            last = next;
            resume(order[last]);
        } else if (std::all_of(threads.begin(), threads.end(), [](const Thread& t) { return t.finished; })) {
            return;
        } else {
            report_deadlock();
        }
    }
}

}  // namespace emulator
