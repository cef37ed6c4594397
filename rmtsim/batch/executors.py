"""Where trials run: a map over threads.

Compiled kernels, BLAS and writes of rows release Python's lock. What holds it is half a millisecond for a
batch of any size, so that `batches` cuts them long, and what is left to Python in each trial;
`rmtsim.bench.workers` measures and models it.
"""

import os
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
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


def threaded_map(
    function: Callable[[Task], Result], tasks: Iterable[Task], workers: int, ordered: bool = True
) -> Generator[Result]:
    """Yield function(task), in the order of the tasks or as they end, `workers` of them under way at once.

    The thread that calls computes nothing, so that it hears signals at once. BLAS is held to one thread
    meanwhile: its threads would fight the workers' for the cores. Tasks are taken from the iterable as
    results are, so that it may be long: in order, a slow task in the end keeps others waiting. What is under
    way when the generator is closed is finished and dropped; what waits is cancelled.
    """
    with single_blas_thread:
        remaining = iter(tasks)
        with ThreadPoolExecutor(workers, thread_name_prefix="rmtsim") as pool:
            try:
                ahead: list[Future[Result]] = [
                    pool.submit(function, task) for task in islice(remaining, 2 * workers)
                ]
                while ahead:
                    if not ordered:
                        wait(ahead, return_when=FIRST_COMPLETED)
                        ahead.sort(key=lambda future: not future.done())
                    result = ahead.pop(0).result()
                    ahead.extend(pool.submit(function, task) for task in islice(remaining, 1))
                    yield result
            finally:
                pool.shutdown(cancel_futures=True)
