"""The command line: ``rmtsim run | resume | plan | compare | plot | info | law | verify | bench``.

Streams and signals come before the imports of the commands, which take longer than many a user waits before
Ctrl-C.
"""

from . import _process

TYPE_CHECKING = False  # as in `rmtsim`
if TYPE_CHECKING:
    from collections.abc import Sequence


def main(argv: "Sequence[str] | None" = None) -> int:
    """Run one command; return its exit status: 0, 1 for a failed check, 2 for refused input.

    Parameters
    ----------
    argv : sequence of str, optional
        Without it the process is the program ``rmtsim``: its arguments, streams and signals are used.
    """
    if argv is None:
        _process.open_standard_streams()
        _process.watch_signals()
    from .commands import run

    status = run(argv)
    _process.answer_signals(_process.IGNORE)  # all is done, and the status says how
    return status
