"""Commands that draw trials: ``rmtsim run`` and ``rmtsim resume``."""

import argparse
import re
import shlex
import warnings
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import _process
from ._progress import Progress

if TYPE_CHECKING:
    from ..experiment import Experiment


def add_parsers(commands: Any) -> None:
    """Add ``run`` and ``resume`` to the commands."""
    run = commands.add_parser("run", help="draw the trials of an experiment and stream them to HDF5")
    run.add_argument(
        "experiment",
        metavar="EXPERIMENT",
        help="TOML file, or the name of a shipped experiment such as quickstart",
    )
    run.add_argument(
        "-o", "--output", metavar="FILE", type=Path, help="results file (default: NAME.h5 in this directory)"
    )
    run.add_argument(
        "--max-size",
        metavar="SIZE",
        type=memory_size,
        help="of the results file, such as 2GB; an experiment that takes more is refused",
    )
    run.add_argument("--resume", action="store_true", help="go on with an unfinished FILE of this experiment")
    _add_common(run)
    run.set_defaults(handler=_run)

    resume = commands.add_parser("resume", help="go on with an interrupted run")
    resume.add_argument("file", metavar="RESULTS.h5", type=Path)
    _add_common(resume)
    resume.set_defaults(handler=_resume)


def _add_common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--workers", metavar="K", type=positive, help="threads (default: one per core)")
    parser.add_argument(
        "--device",
        choices=("cpu", "gpu", "auto"),
        default="cpu",
        help="auto: the GPU if there is one (default: cpu)",
    )
    parser.add_argument(
        "--max-memory",
        metavar="SIZE",
        type=memory_size,
        help="of all workers together, such as 12GB; fewer work where more do not fit "
        "(default: 80%% of this machine)",
    )
    parser.add_argument(
        "--max-time",
        metavar="TIME",
        type=duration,
        help="such as 3h50m, after which the run stops with exit status 124, finished trials kept",
    )
    parser.add_argument("--quiet", action="store_true", help="print nothing but errors and warnings")


def experiment_file(name: str) -> Path:
    """Return the file of this name if there is one, else the shipped experiment of the name."""
    path, shipped = Path(name), Path(str(files("rmtsim.data"))) / "experiments"
    if path.exists() or path.name != name or path.suffix:
        return path
    names = sorted(file.stem for file in shipped.glob("*.toml"))
    if name not in names:
        raise ValueError(f"EXPERIMENT: expected a file or one of {', '.join(names)}; got {name}")
    return shipped / f"{name}.toml"


def positive(text: str) -> int:
    """Read an integer of at least 1 from the command line."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected an integer of at least 1, got {text!r}")
    return int(text)


def memory_size(text: str) -> int:
    """Read a number of bytes such as 500MB, 12GB or 1e9 from the command line."""
    number, power = text.upper().removesuffix("B"), 0
    if number[-1:] in ("K", "M", "G", "T"):
        number, power = number[:-1], 3 * ("KMGT".index(number[-1]) + 1)
    try:
        size = float(number) * 10**power
    except ValueError:
        size = 0.0
    if not 1 <= size < float("inf"):
        raise argparse.ArgumentTypeError(f"expected a size in memory such as 12GB, got {text!r}")
    return int(size)


def duration(text: str) -> float:
    """Read a time such as 3h50m, 90m or 1d12h from the command line, in seconds."""
    units = {"d": 86400, "h": 3600, "m": 60, "s": 1}
    parts = re.fullmatch("".join(rf"(?:([0-9.]+){unit})?" for unit in units), text)
    try:
        times = [float(part or 0) for part in parts.groups()] if parts else []
    except ValueError:
        times = []
    seconds = sum(time * unit for time, unit in zip(times, units.values(), strict=False))
    if not 0 < seconds < float("inf"):
        raise argparse.ArgumentTypeError(f"expected a time such as 3h50m, got {text!r}")
    return seconds


def _run(arguments: argparse.Namespace) -> int:
    from ..experiment import Experiment

    experiment = Experiment.from_toml(experiment_file(arguments.experiment))
    path = arguments.output or Path(f"{experiment.name}.h5")
    if arguments.max_size is not None:
        check_size(experiment, arguments.max_size)
    return _simulate(experiment, path, arguments, resume=arguments.resume)


def check_size(experiment: "Experiment", most: int) -> None:
    """Refuse an experiment whose results take more bytes than a file may have."""
    from ..batch.plan import gigabytes
    from ..results.hdf5 import cell_bytes

    size = sum(cell_bytes(experiment, cell) for cell in experiment.cells)
    if size > most:
        raise ValueError(f"--max-size: expected results of at most {gigabytes(most)}, got {gigabytes(size)}")


def _resume(arguments: argparse.Namespace) -> int:
    from ..results.hdf5 import open_results

    with open_results(arguments.file) as results:
        experiment = results.experiment
    return _simulate(experiment, arguments.file, arguments, resume=True)


def _device(asked: str, activation: str, progress: Progress) -> str:
    """Return the device to use; "auto" falls back to the CPU and says why."""
    from .. import kernels

    if asked != "auto":
        return asked
    try:
        activations = kernels.load("gpu").activations
    except kernels.DeviceError as error:
        progress.say(f"on the CPU: {error}")
        return "cpu"
    if activation not in activations:
        progress.say(f"on the CPU: the GPU has no activation {activation}")
        return "cpu"
    return "gpu"


def _show(message: Warning | str, *_: object, **__: object) -> None:
    """Show a warning in one line, as errors are, whether or not progress is shown."""
    _process.say(f"rmtsim: warning: {message}")


def _simulate(experiment: "Experiment", path: Path, arguments: argparse.Namespace, resume: bool) -> int:
    if arguments.max_time is not None:
        _process.limit_time(arguments.max_time)
    from ..batch.montecarlo import run
    from ..batch.plan import Share

    cells, missing = len(experiment.cells), _missing(path) if resume else None
    with warnings.catch_warnings(), Progress(quiet=arguments.quiet) as progress:
        warnings.showwarning = _show
        device = _device(arguments.device, experiment.model.activation, progress)
        progress.say(f"{experiment.name}: {cells} cells x {experiment.trials} trials -> {path}")
        report = _ProgressOfFile(path, progress)
        progress.share = Share(experiment, missing)
        run(experiment, path, arguments.workers, device, resume, report, arguments.max_memory)
        _process.answer_signals(_process.Leave())
    return 0


def _missing(path: Path) -> list[int]:
    """Return how many trials each cell of a file still needs."""
    from ..results.hdf5 import open_results

    with open_results(path) as results:
        return [int((~results.done(cell.index)).sum()) for cell in results.cells]


class _ProgressOfFile:
    """Progress of a run: from the first report on, a signal is answered by how to go on with the file.

    The file can be resumed by then, however the process ends.
    """

    def __init__(self, path: Path, progress: Progress) -> None:
        self.path, self.progress = path, progress
        self.file_exists = False

    def __call__(self, done: int, total: int) -> None:
        if not self.file_exists:
            go_on = f"rmtsim resume {shlex.quote(str(self.path))}"
            _process.answer_signals(_process.Leave(f"; finished trials are kept. Go on with: {go_on}"))
            self.file_exists = True
        self.progress.update(done, total)
