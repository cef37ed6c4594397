"""What is unfinished when a process ends: calls that a signal must not skip, and files that are not complete.

A file is written under a hidden name, ``.NAME.MACHINE-PROCESS-RANDOM.partial``, until it is complete. A
process that is killed leaves its unfinished files behind. Their names say which machine and process made
them, so that the next process that creates a file in the same directory can remove them. Next to nothing is
imported here, as the program needs this module to answer a signal before anything else is loaded.
"""

import os
import zlib
from contextlib import suppress

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_AT_END: "list[Callable[[], None]]" = []
"""What this process has to do before a signal ends it."""
_NAME = r"\..+\.([0-9a-f]{8})-([0-9]+)-[0-9a-f]{4}\.partial"


def at_end(call: "Callable[[], None]") -> None:
    """Have something done before a signal ends this process, at any instant; it may wait for no lock."""
    _AT_END.append(call)


def no_more(call: "Callable[[], None]") -> None:
    """Have something done no more."""
    _AT_END.remove(call)


def finish() -> Exception | None:
    """Do all that is to be done before this process ends; return the last exception of it, if any."""
    failure = None
    for call in list(_AT_END):
        try:
            call()
        except Exception as error:
            failure = error
    return failure


class UnfinishedFile:
    """Context that gives the hidden path to write to; a file that still has it at the end is removed.

    Parameters
    ----------
    path : Path
        Name of the file once it is complete.
    """

    def __init__(self, path: "Path") -> None:
        maker = f"{machine()}-{os.getpid()}-{os.urandom(2).hex()}"
        self.path = path.with_name(f".{path.name}.{maker}.partial")

    def __enter__(self) -> "Path":
        remove_abandoned(self.path.parent)
        at_end(self._remove)
        return self.path

    def __exit__(self, *error: object) -> None:
        self._remove()
        no_more(self._remove)

    def _remove(self) -> None:
        self.path.unlink(missing_ok=True)


def remove_abandoned(directory: "Path") -> None:
    """Remove the unfinished files in a directory whose process ran on this machine and is dead.

    Files of living processes are kept, and those of other machines that share the file system.
    """
    import re

    try:
        names = os.listdir(directory)
    except OSError:  # whoever creates the file says why it cannot be
        return
    for name in names:
        maker = re.fullmatch(_NAME, name, re.DOTALL)
        if maker and maker[1] == machine() and not _is_alive(int(maker[2])):
            with suppress(OSError):  # another process was faster
                os.unlink(os.path.join(directory, name))


def machine() -> str:
    """Return eight digits for this machine, and for the container where containers number their processes."""
    try:
        process_numbers = os.readlink("/proc/self/ns/pid")
    except OSError:
        process_numbers = ""
    return f"{zlib.crc32(f'{os.uname().nodename} {process_numbers}'.encode()):08x}"


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):  # it belongs to another user, or no process can have this number
        return True
    return True
