"""Commands that read results: ``rmtsim compare``, ``rmtsim plot`` and ``rmtsim info``."""

import argparse
import json
from pathlib import Path
from typing import Any


def add_parsers(commands: Any) -> None:
    """Add ``compare``, ``plot`` and ``info`` to the commands."""
    compare = commands.add_parser("compare", help="hold the trials against limit laws and exact identities")
    compare.add_argument("file", metavar="RESULTS.h5", type=Path)
    compare.add_argument("--json", action="store_true", help="print the comparison as JSON")
    compare.add_argument(
        "--check", action="store_true", help="exit with status 1 if an exact identity fails by |z| > 5"
    )
    compare.set_defaults(handler=_compare)

    plot = commands.add_parser("plot", help="draw spectra with their laws, ratios and the Hessian")
    plot.add_argument("file", metavar="RESULTS.h5", type=Path)
    plot.add_argument("-o", "--output", metavar="DIR", type=Path, required=True, help="directory of the figures")
    plot.set_defaults(handler=_plot)

    info = commands.add_parser("info", help="show what a results file holds and how far it is")
    info.add_argument("file", metavar="RESULTS.h5", type=Path)
    info.set_defaults(handler=_info)
