"""What the program owes to its shell: standard streams that are open, and one sentence at Ctrl-C or SIGTERM.

It is imported before anything else, and so imports next to nothing itself.
"""

import io
import os
import signal
import sys

from .. import unfinished

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)
IGNORE = signal.SIG_IGN


class Leave:
    """Answer to a signal: one sentence on standard error and an end at once, with status 128 + signal.

    No exception is raised, as there are instants at which Python swallows or prints one: in imports of
    extension modules, callbacks from C, finalizers and at the end of the interpreter. A results file loses no
    finished trial by it, see `rmtsim.results.hdf5`; an unfinished file is removed.
    """

    def __init__(self, sentence: str = "interrupted") -> None:
        self.sentence = sentence

    def __call__(self, number: int, frame: "FrameType | None") -> None:
        """End the process."""
        unfinished.remove_own()
        try:
            os.write(2, f"{os.linesep if os.isatty(2) else ''}rmtsim: {self.sentence}\n".encode())
        finally:
            os._exit(128 + number)


def watch_signals() -> None:
    """Let Ctrl-C and SIGTERM end the process in one sentence; one that is ignored stays so."""
    for number, default in zip(SIGNALS, (signal.default_int_handler, signal.SIG_DFL), strict=True):
        if signal.getsignal(number) is default:
            signal.signal(number, Leave())


def answer_signals(answer: "Leave | signal.Handlers") -> None:
    """Change the answer to the signals that are watched."""
    for number in SIGNALS:
        if isinstance(signal.getsignal(number), Leave):
            signal.signal(number, answer)


def open_standard_streams() -> None:
    """Occupy the standard streams that are closed: a results file would take their number, and be written to.

    What goes to a closed standard error is dropped; writing to a closed standard output remains an error.
    """
    for number, flags in enumerate((os.O_RDONLY, os.O_RDONLY, os.O_WRONLY)):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, flags)  # takes the lowest number that is free
    if sys.stdout is None:
        sys.stdout = open(1, "w", encoding="utf-8")  # noqa: SIM115 - for the life of the process
    if sys.stderr is None:
        sys.stderr = open(2, "w", encoding="utf-8")  # noqa: SIM115


def say(line: str) -> None:
    """Write a line to standard error, if anyone can read it; past its buffer, which could fail once more."""
    try:
        os.write(sys.stderr.fileno(), f"{line}\n".encode(errors="replace"))
    except io.UnsupportedOperation:  # replaced by an object in memory
        print(line, file=sys.stderr)
    except OSError:
        pass
