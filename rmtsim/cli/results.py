"""Commands that read results: ``rmtsim compare``, ``rmtsim plot`` and ``rmtsim info``."""

import argparse
import json
import sys
from collections.abc import Iterator
from itertools import repeat
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..table import columns, pairs, table
from ._progress import Bar

if TYPE_CHECKING:
    from ..experiment import Cell
    from ..results.hdf5 import HDF5Results

CELL_COLUMNS = columns("cell:d", "model", "d:d", "N:d", "C:d", "m:d", "method", "finished:>", "blocks")


def add_parsers(commands: Any) -> None:
    """Add ``compare``, ``plot`` and ``info`` to the commands."""
    compare = commands.add_parser("compare", help="hold the trials against limit laws and exact identities")
    compare.add_argument("file", metavar="RESULTS.h5", type=Path)
    compare.add_argument("--json", action="store_true", help="print the comparison as JSON")
    compare.add_argument(
        "--check",
        action="store_true",
        help="also test the trials; exit with status 1 if they are wrong (of right ones fewer than one file"
        " of 10,000 fails), with 0 if they are not or nothing can be tested",
    )
    compare.add_argument(
        "--no-cache",
        action="store_true",
        help="neither read nor write RESULTS.laws.npz, which keeps the laws that were solved",
    )
    compare.set_defaults(handler=_compare)

    plot = commands.add_parser(
        "plot", help="draw spectra with their laws, ratios, and the Hessian of a trial drawn anew at small d"
    )
    plot.add_argument("file", metavar="RESULTS.h5", type=Path)
    plot.add_argument("-o", "--output", metavar="DIR", type=Path, required=True, help="where figures go")
    plot.add_argument("--only", metavar="KINDS", help="some of spectrum,ratio,convergence,hessian")
    plot.add_argument(
        "--cells",
        metavar="CELLS",
        help="such as 0,3-5 or n_classes=1000; of at most 12 each has figures of its own",
    )
    plot.add_argument("--blocks", metavar="BLOCKS", help="some of ww_diag,ww_off,vv_diag,vv_off")
    plot.add_argument("--format", metavar="FORMATS", default="png", help="some of png,svg,pdf (default: png)")
    plot.set_defaults(handler=_plot)

    info = commands.add_parser("info", help="show what a results file holds and how far it is")
    info.add_argument("file", metavar="RESULTS.h5", type=Path)
    info.set_defaults(handler=_info)


def _compare(arguments: argparse.Namespace) -> int:
    from ..compare import compare
    from ..report.text import NO_TEST, format_comparison
    from ..results.hdf5 import open_results

    with open_results(arguments.file) as results, Bar("cell") as bar:
        comparison = compare(results, check=arguments.check, progress=bar.update, keep=not arguments.no_cache)
    if arguments.json:
        print(json.dumps(comparison.to_json(), indent=2, allow_nan=False))
    else:
        print(format_comparison(comparison))
    if arguments.json and comparison.check is not None and not comparison.check.tests:
        print(f"rmtsim: --check: {NO_TEST}", file=sys.stderr)
    return 0 if comparison.check is None or comparison.check.passed else 1


def _plot(arguments: argparse.Namespace) -> int:
    from ..compare.block_laws import LAW_TRIALS
    from ..report.figures import save_all
    from ..report.selection import Selection
    from ..results.hdf5 import open_results

    formats = arguments.format.split(",")
    with open_results(arguments.file) as results, Bar("cell") as bar:
        chosen = Selection.parse(results.experiment, arguments.only, arguments.cells, arguments.blocks)
        for path in save_all(results, arguments.output, formats, LAW_TRIALS, chosen, bar.update):
            print(path)
    return 0


def _info(arguments: argparse.Namespace) -> int:
    from ..results.hdf5 import open_results

    with open_results(arguments.file) as results:
        experiment = results.experiment
        finished = [len(results.trials(cell.index)) for cell in experiment.cells]
        total = experiment.trials * len(experiment.cells)
        print(f"{experiment.name}: {sum(finished)} of {total} trials finished")
        print("\n".join(pairs(_facts(results), indent=2)), end="\n\n")
        print("\n".join(table(CELL_COLUMNS, map(_cell_row, repeat(results), experiment.cells, finished))))
        print(f"\n{results.attributes['experiment']}")
    return 0


def _facts(results: "HDF5Results") -> Iterator[tuple[str, str]]:
    """Yield the attributes of a file, and what is different in its later sessions."""
    for name in sorted(set(results.attributes) - {"experiment"}):
        yield name, str(results.attributes[name])
    first, *later = results.sessions
    for session in later:
        changes = (f"{name} {value}" for name, value in session.items() if first.get(name) != value)
        yield "resumed with", ", ".join(changes)


def _cell_row(results: "HDF5Results", cell: "Cell", finished: int) -> tuple[object, ...]:
    return (
        cell.index,
        f"{cell.architecture} {cell.loss}",
        cell.n_features,
        cell.n_samples,
        cell.n_classes,
        cell.n_hidden,
        results.method(cell.index),
        f"{finished}/{results.experiment.trials}",
        " ".join(cell.blocks),
    )
