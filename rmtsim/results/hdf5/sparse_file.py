"""A file in memory, in which HDF5 builds the structure of a new file."""

import io
import os
from collections.abc import Iterator
from typing import Any

PAGE = 4096
"""Bytes."""


class SparseFile(io.RawIOBase):
    """A file in memory, of which only the pages that were written take room.

    If HDF5 cannot write to a file on disk, it keeps the bytes, tries again as the process ends, and crashes
    there. In memory no write fails, and `creation` writes the pages to disk by calls whose errors are seen.
    """

    def __init__(self) -> None:
        self.pages: dict[int, bytearray] = {}
        self.size = self._position = 0

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self.size}[whence]
        self._position = start + offset
        return self._position

    def tell(self) -> int:
        return self._position

    def truncate(self, size: int | None = None) -> int:
        self.size = self._position if size is None else size
        return self.size

    def write(self, data: Any) -> int:
        view = memoryview(data).cast("B")
        for page, inside, part in self._parts(len(view)):
            self.pages.setdefault(page, bytearray(PAGE))[inside] = view[part]
        self._position += len(view)
        self.size = max(self.size, self._position)
        return len(view)

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer).cast("B")
        count = max(0, min(len(view), self.size - self._position))
        for page, inside, part in self._parts(count):
            view[part] = self.pages[page][inside] if page in self.pages else bytes(part.stop - part.start)
        self._position += count
        return count

    def _parts(self, count: int) -> Iterator[tuple[int, slice, slice]]:
        """Yield page, place in the page and place in the buffer of `count` bytes from the position on."""
        first = 0
        while first < count:
            page, start = divmod(self._position + first, PAGE)
            length = min(PAGE - start, count - first)
            yield page, slice(start, start + length), slice(first, first + length)
            first += length
