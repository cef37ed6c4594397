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
        self._writing = threading.Lock()
        self._failure: OSError | None = None
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._write_now_and_then, name="rmtsim marks", daemon=True)
        at_end(self.write_at_end)
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

        Raises
        ------
        OSError
            The disk fails, or has failed before.
        """
        with self._writing:
            count = self._write_waiting()
            del self._waiting[:count]

    def write_all(self) -> None:
        """Have the disk take rows and marks."""
        self.write()
        self.write()

    def write_at_end(self) -> None:
        """Have the disk take rows and marks, where a signal ends the process, in the midst of whatever.

        No lock is taken, and no mark leaves the list: some may be written twice.
        """
        self._write_waiting()
        self._write_waiting()

    def _write_waiting(self) -> int:
        """Write the marks that wait now, and return how many; their rows are older than the request."""
        if self._failure is not None:
            raise self._failure
        waiting = self._waiting[:]
        if waiting or not self._on_disk:
            try:
                os.fdatasync(self._descriptor)
                self._on_disk = not waiting
                for offset, marks in waiting:
                    write_at(self._descriptor, marks, offset)
            except OSError as error:
                self._failure = error  # the disk tells it once, and later requests seem to succeed
                raise
        return len(waiting)

    def _write_now_and_then(self) -> None:
        wait = SHORTEST_WAIT
        while not self._ended.wait(wait):
            start = perf_counter()
            try:
                self.write()
            except OSError:  # which is told to the next trials, or at the end
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
            no_more(self.write_at_end)
