"""The command line: ``rmtsim run | resume | compare | plot | info | law | verify | bench``.

Each command lives in a module with `add_parser`; its handler imports what it needs when it runs, so that
``--help`` loads neither numba, scipy, h5py nor matplotlib.
"""

import argparse
import sys
from collections.abc import Sequence

from .. import __version__
from ..kernels import DeviceError
from . import bench, law, results, simulate, verify
from .simulate import INTERRUPTED

USAGE_ERROR = 2

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
    for module in (simulate, results, law, verify, bench):
        module.add_parsers(commands)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; return its exit status: 0, 1 for a failed check, 2 for refused input."""
    arguments = build_parser().parse_args(argv)
    try:
        return arguments.handler(arguments)
    except KeyboardInterrupt:
        print("rmtsim: interrupted", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        # The reader of our output (head, less) has gone; closing stderr keeps Python from complaining.
        sys.stderr.close()
        return 0
    except (ValueError, OSError, DeviceError) as error:
        # What was given is refused by a ValueError that says why (ExperimentError, StoreError and others).
        if arguments.traceback:
            raise
        print(f"rmtsim: error: {error}", file=sys.stderr)
        return USAGE_ERROR
