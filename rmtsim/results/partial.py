"""Files under construction: hidden beside the name that they will have, and removed whatever happens.

A process that is killed leaves its file behind. The name says whose it is, so that the next one to create a
file in that directory clears it away. Next to nothing is imported: the answer to a signal needs this too.
"""

import os
import zlib
from contextlib import suppress

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path

_own: set[str] = set()
_PATTERN = r"\..+\.([0-9a-f]{8})-([0-9]+)-[0-9a-f]{4}\.partial"


class Partial:
    """Context with the name of a file until it is complete; what has that name at the end is removed.

    Parameters
    ----------
    path : Path
        Name of the file once it is complete.
    """

    def __init__(self, path: "Path") -> None:
        owner = f"{_machine()}-{os.getpid()}-{os.urandom(2).hex()}"
        self.path = path.with_name(f".{path.name}.{owner}.partial")

    def __enter__(self) -> "Path":
        clear(self.path.parent)
        _own.add(str(self.path))
        return self.path

    def __exit__(self, *error: object) -> None:
        self.path.unlink(missing_ok=True)
        _own.discard(str(self.path))


def remove_own() -> None:
    """Remove what this process has under construction, as it ends."""
    for path in _own:
        with suppress(OSError):
            os.unlink(path)


def clear(directory: "Path") -> None:
    """Remove what processes of this machine that are dead left under construction in a directory.

    Files of other machines, which share the file system, are kept, and those of living processes.
    """
    import re

    try:
        names = os.listdir(directory)
    except OSError:  # told by whoever creates the file
        return
    for name in names:
        owner = re.fullmatch(_PATTERN, name, re.DOTALL)
        if owner and owner[1] == _machine() and not _lives(int(owner[2])):
            with suppress(OSError):  # another process was faster
                os.unlink(os.path.join(directory, name))


def _machine() -> str:
    """Name of the machine, and of the space of process numbers where containers have their own."""
    try:
        space = os.readlink("/proc/self/ns/pid")
    except OSError:
        space = ""
    return f"{zlib.crc32(f'{os.uname().nodename} {space}'.encode()):08x}"


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):  # another user's; a number that no process has is none of ours
        return True
    return True
