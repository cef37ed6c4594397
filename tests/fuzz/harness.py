"""Commands run by servers, and what every one of them must keep to."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue
from typing import NamedTuple, TypeVar

ROOT = Path(__file__).parents[2]
SECONDS = 60.0
"""Time that a command may take; the slowest takes some seconds on an idle core."""
RESIDENT = 5 << 29
"""Bytes of memory that a command may touch, those of the server included.

Where the length of a text is damaged, HDF5 asks for as much as 4 GiB, the limit of its 32 bits, before it
sees that there is no such text: the server's limit cuts that off.
"""
LONGEST = 2000
"""Characters of a refusal."""

Case = TypeVar("Case")


class Done(NamedTuple):
    """How a command ended."""

    status: int | str
    out: str
    err: str
    memory: int

    @property
    def fault(self) -> str | None:
        """What no command may do, if it did; a refusal is one sentence and status 2."""
        if self.status not in (0, 1, 2) or "Traceback" in self.err:
            return f"status {self.status}: {self.err[-1500:]}"
        if self.memory > RESIDENT:
            return f"{self.memory >> 20} MiB of memory"
        if self.status == 2:
            lines = [line for line in self.err.splitlines() if not line.startswith("rmtsim: warning: ")]
            *before, last = lines or [""]
            sentence = last.startswith("rmtsim: error: ") and "expected" in last and "got" in last
            if not sentence or len(last) > LONGEST or any("error" in line for line in before):
                return f"no sentence: {self.err[-1500:]!r}"
        return None


class Server:
    """One `server.py`, asked by one thread at a time."""

    def __init__(self) -> None:
        threads = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")
        self.process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("server.py"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **threads, "MPLBACKEND": "agg"},
        )

    def run(self, *arguments: object, folder: Path, seconds: float = SECONDS, **limits: int) -> Done:
        """Run one command in a folder; `limits` as of `server.execute`."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        request = {"arguments": [*map(str, arguments)], "folder": str(folder), "seconds": seconds, **limits}
        print(json.dumps(request), file=self.process.stdin, flush=True)
        return Done(**json.loads(self.process.stdout.readline()))

    def close(self) -> None:
        """End the process."""
        self.process.communicate()


class Servers:
    """As many servers as there are cores, at most four."""

    def __init__(self) -> None:
        count = min(4, len(os.sched_getaffinity(0)))
        self.all = [Server() for _ in range(count)]
        self.free: SimpleQueue[Server] = SimpleQueue()
        for server in self.all:
            self.free.put(server)

    @contextmanager
    def one(self) -> Iterator[Server]:
        """Lend a server."""
        server = self.free.get()
        try:
            yield server
        finally:
            self.free.put(server)

    def complaints(self, check: Callable[[Server, Case], str | None], cases: Sequence[Case]) -> list[str]:
        """Check every case; return what was found, with the number of the case."""

        def complain(number: int) -> str | None:
            with self.one() as server:
                found = check(server, cases[number])
            return None if found is None else f"case {number}: {found}"

        with ThreadPoolExecutor(len(self.all)) as pool:
            return [found for found in pool.map(complain, range(len(cases))) if found is not None]

    def close(self) -> None:
        """End all processes."""
        for server in self.all:
            server.close()
