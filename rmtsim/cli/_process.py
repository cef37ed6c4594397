"""What the program owes to its shell: standard streams that are open, and one sentence at the signal to end.

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

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGALRM)
"""Ctrl-C, the end of a job, the end of its terminal, and the end of the time that it was given."""
OUT_OF_TIME = 124
"""Exit status at the end of the time given, as that of ``timeout``."""
IGNORE = signal.SIG_IGN


class Leave:
    """Answer to a signal: one sentence on standard error and an end at once, with status 128 + signal.

    No exception is raised, as there are instants at which Python swallows or prints one: in imports of
    extension modules, callbacks from C, finalizers and at the end of the interpreter. Batches that are under
    way are dropped. What has to be done at the end is done first: marks of finished trials reach the disk,
    and an unfinished file is removed.

    Parameters
    ----------
    advice : str
        What the sentence ends with.
    """

    def __init__(self, advice: str = "") -> None:
        self.advice = advice

    def __call__(self, number: int, frame: "FrameType | None") -> None:
        """End the process."""
        failure = unfinished.finish()
        why, status = "interrupted", 128 + number
        if number == signal.SIGALRM:
            why, status = "stopped after --max-time", OUT_OF_TIME
        sentence = why + (f"; the last trials are lost: {failure}" if failure else self.advice)
        try:
            os.write(2, f"{os.linesep if os.isatty(2) else ''}rmtsim: {sentence}\n".encode())
        finally:
            os._exit(status)


def watch_signals() -> None:
    """Let signals end the process in one sentence; one that is ignored stays so."""
    for number in SIGNALS:
        if signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler):
            signal.signal(number, Leave())


def limit_time(seconds: float) -> None:
    """End the process in one sentence after so many seconds from now.

    Raises
    ------
    ValueError
        The process is not the program's own, and its signals are not watched.
    """
    if not isinstance(signal.getsignal(signal.SIGALRM), Leave):
        raise ValueError("--max-time: expected the program rmtsim, got another one that calls its commands")
    signal.setitimer(signal.ITIMER_REAL, seconds)


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
