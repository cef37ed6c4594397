"""The parser of the command line, and how every command ends.

Each command lives in a module with `add_parsers`; its handler imports what it needs when it runs, so that
``--help`` loads neither numba, scipy, h5py nor matplotlib.
"""

import argparse
import os
import sys
from collections.abc import Sequence

from .. import __version__
from ..kernels import DeviceError
from . import _process, bench, law, plan, results, simulate, verify

USAGE_ERROR = 2
INTERRUPTED = 130
BROKEN_PIPE = 141
"""Exit statuses as shells have them: 128 and the number of the signal, SIGINT or SIGPIPE."""

DESCRIPTION = """\
Random-matrix simulator for the block structure of neural-network Hessians.

  rmtsim run EXPERIMENT.toml        draw the trials of an experiment, stream them to HDF5
  rmtsim compare RESULTS.h5         hold the trials against limit laws and exact identities
  rmtsim plot RESULTS.h5 -o DIR     draw spectra, ratios and the Hessian
  rmtsim law MODEL --block BLOCK    the limit law itself: support, moments, outliers, density, draws
"""


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of all commands."""
    parser = argparse.ArgumentParser(
        prog="rmtsim", description=DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--version", action="version", version=f"rmtsim {__version__}")
    parser.add_argument("--traceback", action="store_true", help="show where in the program an error arose")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for module in (simulate, plan, results, law, verify, bench):
        module.add_parsers(commands)
    return parser


def run(argv: Sequence[str] | None) -> int:
    """Run one command, those of the process without `argv`; return its exit status."""
    try:
        return _handle(build_parser().parse_args(argv))
    finally:
        _drop_output()  # of --help, or what could not be written


def _handle(arguments: argparse.Namespace) -> int:
    try:
        status = arguments.handler(arguments)
        _flush_output()
        return status
    except KeyboardInterrupt:  # raised where `_process.watch_signals` was not called
        _process.say("rmtsim: interrupted")
        return INTERRUPTED
    except BrokenPipeError:
        return BROKEN_PIPE  # the reader of our output, such as head, has ended and expects no message
    except MemoryError as error:
        return _refuse(arguments, f"expected memory for what was asked, got none: {error}")
    except (ValueError, OSError, DeviceError) as error:
        # Refusals are ValueErrors that say why, such as ExperimentError and StoreError.
        return _refuse(arguments, _reason(error))


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.errno and error.filename is None:  # of a stream
        return f"expected room to write, got {error.strerror}"
    return str(error)


def _refuse(arguments: argparse.Namespace, why: str) -> int:
    if arguments.traceback:
        raise
    _process.say(f"rmtsim: error: {why}")
    return USAGE_ERROR


def _flush_output() -> None:
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise ValueError(f"standard output: expected to be written to, got {error.strerror}") from None


def _drop_output() -> None:
    """Leave nothing in the buffer of standard output that Python could fail to write at its end."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
