"""Batches of trials on the GPU: how many at once, what to do when memory runs out, two batches in flight."""

import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from ..errors import DeviceError
from .device import TRIALS_LIMIT, cupy, to_host

Drawn = TypeVar("Drawn")
Measured = TypeVar("Measured")

IN_FLIGHT = 2
"""Batches that hold memory at once: one is measured while the next is drawn."""
USABLE = 0.8
"""Part of the free memory that is planned for: libraries take work space, and pools fragment."""
FEW = 16
"""Numbers of 8 bytes that a trial has beside its long arrays, at most: streams, scales, sums."""


def batch_size(trial_bytes: int, free_bytes: int) -> int:
    """Trials to a batch: as many as fit twice into the usable part of the free memory, at least 1."""
    return max(1, min(TRIALS_LIMIT, int(USABLE * free_bytes) // (IN_FLIGHT * max(1, trial_bytes))))


def free_memory() -> int:
    """Bytes that new arrays on the current device can take."""
    free, _ = cupy().cuda.runtime.memGetInfo()
    return free + cupy().get_default_memory_pool().free_bytes()


def halving(compute: Callable[[Any], list[Measured]], trials: range | NDArray) -> list[Measured]:
    """compute(trials), and the results of both halves where the memory does not suffice for all.

    Raises
    ------
    DeviceError
        If it does not suffice for one trial.
    """
    try:
        return compute(trials)
    except cupy().cuda.memory.OutOfMemoryError as error:
        if len(trials) == 1:
            raise DeviceError(
                f"device 'gpu': out of memory with a single trial ({error}); "
                f"use device 'cpu', precision 'float32' or smaller cells"
            ) from error
    # Outside of the except clause: the error holds the frames, and they the arrays, that have to go first.
    cupy().get_default_memory_pool().free_all_blocks()
    middle = len(trials) // 2
    return halving(compute, trials[:middle]) + halving(compute, trials[middle:])


def by_parts(trials: int, trial_bytes: int, compute: Callable[[slice], tuple[Any, ...]]) -> list[NDArray]:
    """Arrays of all trials on the host, from those that compute(part) makes on the device.

    The parts are ranges of trials that fit into memory at `trial_bytes` to a trial. Without trials, one that
    is empty gives the arrays their shapes.

    Raises
    ------
    DeviceError
        If a single trial does not fit.
    """
    count = batch_size(trial_bytes, free_memory())

    def computed(part: range) -> list[tuple[NDArray, ...]]:
        return [tuple(map(to_host, compute(slice(part.start, part.stop))))]

    results: list[tuple[NDArray, ...]] = []
    for first in range(0, max(trials, 1), count):
        results += halving(computed, range(first, min(first + count, trials)))
    return [np.concatenate(parts) for parts in zip(*results, strict=True)]


class _Streams(threading.local):
    """Two CUDA streams of a thread for each GPU, kept: CuPy's pool keeps the memory of streams apart."""

    def __init__(self) -> None:
        self.by_device: dict[int, tuple[Any, Any]] = {}

    def current(self) -> tuple[Any, Any]:
        """The streams on the current GPU that draw and measure."""
        device = cupy().cuda.Device().id
        if device not in self.by_device:
            drawing, measuring = (cupy().cuda.Stream(non_blocking=True) for _ in range(2))
            self.by_device[device] = drawing, measuring
        return self.by_device[device]


_streams = _Streams()


def pipelined(
    batches: Iterable[Any], draw: Callable[[Any], Drawn], measure: Callable[[Any, Drawn], Measured]
) -> Iterator[Measured]:
    """Yield measure(batch, draw(batch)) of each batch, while another CUDA stream draws the next.

    The memory of what was drawn goes back to the drawing stream as soon as `measure` lets go of it, which may
    be before the kernels that read it are done. The drawing stream gets nothing to do until they are, also
    where `measure` raises: only then is the next batch drawn. `draw` must not call cuBLAS: its bits are
    promised while one stream at a time uses it.
    """
    drawing, measuring = _streams.current()
    waiting: list[tuple[Any, Drawn, Any]] = []
    for batch in batches:
        with drawing:
            waiting.append((batch, draw(batch), drawing.record()))
        if len(waiting) == IN_FLIGHT:
            yield _measured(measure, measuring, *waiting.pop(0))
    for item in waiting:
        yield _measured(measure, measuring, *item)


def _measured(
    measure: Callable[[Any, Drawn], Measured], measuring: Any, batch: Any, drawn: Drawn, ready: Any
) -> Measured:
    try:
        with measuring:
            measuring.wait_event(ready)
            return measure(batch, drawn)
    finally:
        measuring.synchronize()
