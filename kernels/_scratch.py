"""Work space that a thread keeps between calls.

Memory that the operating system hands out anew comes a page at a time, cleared: at d = 1000 that took a tenth
of a trial. NumPy asks for large pages where an array is large, which a single block for everything is.
"""

import math
import threading
from collections.abc import Iterable

import numpy as np
from numpy.typing import DTypeLike, NDArray

LINE = 64
"""Arrays begin on cache lines of their own."""


class Scratch(threading.local):
    """One block of memory for each thread: it grows to the largest size asked for, and lives as the thread."""

    def __init__(self) -> None:
        self.memory = np.empty(0, np.uint8)

    def arrays(self, wanted: Iterable[tuple[tuple[int, ...], DTypeLike]]) -> list[NDArray]:
        """Return arrays of the given shapes and dtypes, with any content; the last call's are taken back."""
        kinds = [(shape, np.dtype(dtype)) for shape, dtype in wanted]
        sizes = [math.prod(shape) * dtype.itemsize for shape, dtype in kinds]
        starts = np.cumsum([0, *(-(-size // LINE) * LINE for size in sizes)])
        if len(self.memory) < starts[-1] + LINE:
            self.memory = np.empty(starts[-1] + LINE, np.uint8)
        starts += -self.memory.ctypes.data % LINE
        return [
            self.memory[start : start + size].view(dtype).reshape(shape)
            for start, size, (shape, dtype) in zip(starts, sizes, kinds, strict=False)
        ]
