"""CUDA streams that keep no order among each other unless told to, and memory that belongs to one of them.

Work on the emulator is done when a call returns. What would be a race on a GPU is therefore found by clocks:
each stream counts its operations, an event carries what it has seen, a wait or a synchronisation passes that
on. An array that two streams use with no order between them is an error, and so is memory that is handed out
anew while another stream may still be at it: CuPy's pool gives a block back to the stream it was taken for.
"""

import threading
from itertools import count

from .module import EmulatorError

_numbers = count(1)
_done: dict[int, int] = {}
"""By stream, the number of the last operation that the host knows to be done."""


def _merge(known: dict[int, int], more: dict[int, int]) -> None:
    for stream, operation in more.items():
        known[stream] = max(known.get(stream, 0), operation)


class Event:
    """A point in a stream, and all that comes before it."""

    def __init__(self, before: dict[int, int]) -> None:
        self.before = before


class Stream:
    """As cupy.cuda.Stream."""

    def __init__(self, null: bool = False, non_blocking: bool = False) -> None:
        self.ptr, self.non_blocking = 0 if null else next(_numbers), non_blocking
        self.clock = 0
        self.seen: dict[int, int] = {}
        self.freed: list[dict[int, int]] = []

    def __enter__(self) -> "Stream":
        _current.stack.append(self)
        return self

    def __exit__(self, *error) -> None:
        _current.stack.pop()

    def _before(self) -> dict[int, int]:
        return {**self.seen, self.ptr: self.clock}

    def record(self, event: Event | None = None) -> Event:
        return Event(self._before())

    def wait_event(self, event: Event) -> None:
        _merge(self.seen, event.before)

    def synchronize(self) -> None:
        _merge(_done, self._before())

    def unfinished(self, uses: dict[int, int]) -> list[int]:
        """Streams whose operations in `uses` may run beside the next one of this stream."""
        return [
            stream
            for stream, operation in uses.items()
            if stream != self.ptr and operation > max(_done.get(stream, 0), self.seen.get(stream, 0))
        ]


_null = Stream(null=True)


class _Current(threading.local):
    def __init__(self) -> None:
        self.stack = [_null]


_current = _Current()


def get_current_stream() -> Stream:
    """The stream of this thread that operations go to."""
    return _current.stack[-1]


class Block:
    """Memory of the pool: which stream it belongs to, and the last operation of each stream that used it."""

    def __init__(self) -> None:
        self.owner, self.uses = get_current_stream(), {}
        for uses in self.owner.freed:
            if others := self.owner.unfinished(uses):
                raise EmulatorError(f"memory for stream {self.owner.ptr} may still be used by {others}")
        self.owner.freed.clear()

    def use(self) -> None:
        """An operation of the current stream reads or writes this memory."""
        stream = get_current_stream()
        if others := stream.unfinished(self.uses):
            raise EmulatorError(f"stream {stream.ptr} uses an array that {others} may still be at")
        stream.clock += 1
        self.uses[stream.ptr] = stream.clock

    def __del__(self) -> None:
        if hasattr(self, "uses"):
            self.owner.freed.append(self.uses)
