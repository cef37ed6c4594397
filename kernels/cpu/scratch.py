"""Work space that a thread keeps between calls.

Memory that the operating system hands out anew comes a page at a time, cleared: at d = 1000 that took a tenth
of a trial. NumPy asks for large pages where an array is large, which a single block for everything is.
"""

import math
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

LINE = 64
"""Arrays begin on cache lines of their own."""

Fields = dict[str, tuple[tuple[int, ...], DTypeLike]]
"""Shape and dtype of the arrays of a group, by name."""


class Scratch(threading.local):
    """One block of memory for each thread: it grows to the largest size asked for and lives as the thread."""

    def __init__(self) -> None:
        self.memory = np.empty(0, np.uint8)

    def groups(self, *wanted: tuple[Callable[..., Any], Fields]) -> list[Any]:
        """Make every group from arrays with any content; those of the last call are taken back."""
        needed = LINE + sum(map(_size, (kind for _, fields in wanted for kind in fields.values())))
        if len(self.memory) < needed:
            self.memory = np.empty(needed, np.uint8)
        place = -self.memory.ctypes.data % LINE
        made = []
        for group, fields in wanted:
            arrays = {}
            for name, (shape, dtype) in fields.items():
                arrays[name] = self._array(place, shape, np.dtype(dtype))
                place += _size((shape, dtype))
            made.append(group(**arrays))
        return made

    def _array(self, place: int, shape: tuple[int, ...], dtype: np.dtype) -> NDArray:
        size = math.prod(shape) * dtype.itemsize
        return self.memory[place : place + size].view(dtype).reshape(shape)


def _size(kind: tuple[tuple[int, ...], DTypeLike]) -> int:
    """Bytes of an array, in whole lines."""
    shape, dtype = kind
    return -(-math.prod(shape) * np.dtype(dtype).itemsize // LINE) * LINE
