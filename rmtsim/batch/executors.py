"""Where trials run: an ordered map over threads.

Compiled kernels, BLAS and writes of rows release Python's lock. What holds it is half a millisecond for a
batch of any size, so that `batches` cuts them long, and what is left to Python in each trial;
`rmtsim.bench.workers` measures and models it.
"""

import os
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

from ..blas import single_blas_thread

Task = TypeVar("Task")
Result = TypeVar("Result")


def default_workers() -> int:
    """Return the number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def map_here(function: Callable[[Task], Result], tasks: Iterable[Task]) -> Generator[Result]:
    """Yield function(task) in the order of the tasks, in this thread and with BLAS on one."""
    with single_blas_thread:
        yield from map(function, tasks)


def ordered_map(function: Callable[[Task], Result], tasks: Iterable[Task], workers: int) -> Generator[Result]:
    """Yield function(task) in the order of the tasks, with `workers` of them under way at once.

    The thread that calls computes nothing, so that it hears signals at once. BLAS is held to one thread
    meanwhile: its threads would fight the workers' for the cores. Tasks are
    taken from the iterable as workers come free, so that it may be long. What is under way when the
    generator is closed is finished and dropped; what waits is cancelled.
    """
    with single_blas_thread:
        remaining = iter(tasks)
        with ThreadPoolExecutor(workers, thread_name_prefix="rmtsim") as pool:
            try:
                ahead: deque[Future[Result]] = deque(
                    pool.submit(function, task) for task in islice(remaining, 2 * workers)
                )
                while ahead:
                    result = ahead.popleft().result()
                    ahead.extend(pool.submit(function, task) for task in islice(remaining, 1))
                    yield result
            finally:
                pool.shutdown(cancel_futures=True)
