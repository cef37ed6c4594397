"""``rmtsim verify``: let a device prove that it computes what the reference computes."""

import argparse
import sys
from functools import partial
from typing import Any

from ._progress import Patience


def add_parsers(commands: Any) -> None:
    """Add ``verify`` to the commands."""
    verify = commands.add_parser("verify", help="check a device against known answers and the reference")
    verify.add_argument("--device", choices=("cpu", "gpu"), default="cpu", help="default: cpu")
    verify.set_defaults(handler=_verify)


def _verify(arguments: argparse.Namespace) -> int:
    from ..verify import verify

    with Patience(partial(print, file=sys.stderr, flush=True)):
        verification = verify(arguments.device)
    print(verification.format())
    return 0 if verification.passed else 1
