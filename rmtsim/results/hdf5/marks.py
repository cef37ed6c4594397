"""Marks of finished trials, written once the rows of these trials are on the disk.

What a process hands to the operating system reaches the disk in any order, so that a power cut could leave
the mark of a trial without its rows. Therefore marks wait until the disk has taken the rows before them,
which a thread of its own asks for now and then.
"""

import os
import threading
from time import perf_counter

from ...unfinished import at_end, no_more
from .creation import write_at

LONGEST_WAIT, SHORTEST_WAIT = 2.0, 0.1
"""Seconds from one request to the disk to the next. A mark waits for the next one, and reaches the disk with
the one after that: a power cut loses the trials of the last five seconds at most, a killed process of two."""
WAIT_RATIO = 200
"""A wait is so many times as long as the request before it, where `LONGEST_WAIT` allows."""


class Marks:
    """Marks that are still to be written, and the thread that does so.

    Parameters
    ----------
    descriptor : int
        Of a file open for writing, to which rows are written too.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._waiting: list[tuple[int, bytes]] = []
        self._on_disk = True
        self._failure: OSError | None = None
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._write_now_and_then, name="rmtsim marks", daemon=True)
        at_end(self.write_all)
        self._thread.start()

    def add(self, offset: int, marks: bytes) -> None:
        """Have marks written, at their place in the file, of rows that the operating system has already.

        Raises
        ------
        OSError
            An earlier request to the disk failed, after which nothing can be known of the rows before it.
        """
        if self._failure is not None:
            raise self._failure
        self._waiting.append((offset, marks))

    def write(self) -> None:
        """Have the disk take all rows, and then write the marks that waited for it.

        No lock is taken, as a signal may ask for this in the midst of the same: marks stay in the list until
        they are written, and may be written twice.
        """
        count = len(self._waiting)
        if count or not self._on_disk:
            os.fdatasync(self._descriptor)
            self._on_disk = not count
            for offset, marks in self._waiting[:count]:
                write_at(self._descriptor, marks, offset)
            del self._waiting[:count]

    def write_all(self) -> None:
        """Have the disk take rows and marks."""
        if self._failure is not None:
            raise self._failure
        self.write()
        self.write()

    def _write_now_and_then(self) -> None:
        wait = SHORTEST_WAIT
        while not self._ended.wait(wait):
            start = perf_counter()
            try:
                self.write()
            except OSError as error:
                self._failure = error  # for the next trials, or for the end
                return
            wait = min(max(WAIT_RATIO * (perf_counter() - start), SHORTEST_WAIT), LONGEST_WAIT)

    def close(self) -> None:
        """End the thread and have the disk take what is left; the file is closed by whoever opened it.

        Raises
        ------
        OSError
            The disk fails, or has failed before.
        """
        self._ended.set()
        self._thread.join()
        try:
            self.write_all()
        finally:
            no_more(self.write_all)
