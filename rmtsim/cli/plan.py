"""The command that says what a run would take: ``rmtsim plan``."""

import argparse
from typing import TYPE_CHECKING, Any

from ..table import columns, table
from . import _process
from ._progress import in_words
from .simulate import check_size, experiment_file, memory_size, positive

if TYPE_CHECKING:
    from ..batch.calibration import CellPlan

COLUMNS = columns(
    "cell:d", "model", "d:d", "N:d", "C:d", "m:d", "time:>", "MB of a worker:.3f", "MB in the file:.3f"
)


def add_parsers(commands: Any) -> None:
    """Add ``plan`` to the commands."""
    plan = commands.add_parser("plan", help="say what a run takes on this machine, from a few trials of it")
    plan.add_argument(
        "experiment", metavar="EXPERIMENT", help="TOML file, or the name of a shipped experiment"
    )
    plan.add_argument("--workers", metavar="K", type=positive, help="threads (default: one per core)")
    plan.add_argument("--max-memory", metavar="SIZE", type=memory_size, help="of all workers together")
    plan.add_argument("--max-size", metavar="SIZE", type=memory_size, help="of the results file")
    plan.set_defaults(handler=_plan)


def _plan(arguments: argparse.Namespace) -> int:
    from ..batch import plan as capacity
    from ..batch.executors import default_workers
    from ..experiment import Experiment

    experiment = Experiment.from_toml(experiment_file(arguments.experiment))
    limit = capacity.memory_limit(arguments.max_memory)
    capacity.check(experiment, limit)
    if arguments.max_size is not None:
        check_size(experiment, arguments.max_size)
    fitting = capacity.workers_that_fit(experiment, limit)
    workers = min(arguments.workers or default_workers(), fitting)
    from ..batch.calibration import plan_cells

    _process.say(f"{experiment.name}: timing trials of {len(experiment.cells)} cells")
    planned = plan_cells(experiment, workers)
    print("\n".join(table(COLUMNS, map(_row, planned))))
    size, memory = sum(cell.size for cell in planned), max(cell.memory for cell in planned)
    print(
        f"\n{experiment.name}: {len(planned)} cells x {experiment.trials} trials take"
        f" {in_words(sum(cell.seconds for cell in planned))} of {workers} workers,"
        f" {capacity.gigabytes(memory)} of memory for each, of which {fitting} fit in {limit},"
        f" and a file of {capacity.gigabytes(size)}"
    )
    return 0


def _row(planned: "CellPlan") -> tuple[object, ...]:
    cell = planned.cell
    return (
        cell.index,
        f"{cell.architecture} {cell.loss}",
        *(cell.n_features, cell.n_samples, cell.n_classes, cell.n_hidden),
        in_words(planned.seconds),
        planned.memory / 1e6,
        planned.size / 1e6,
    )
