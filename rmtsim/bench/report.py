"""Outcomes of contests as a table and as JSON, with the machine named."""

import platform
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import median
from typing import Any

from threadpoolctl import threadpool_limits

from ..batch.executors import default_workers
from ..blas import description
from ..table import Column, table
from .alternation import BASE, Contest, Outcome, measure

PACKAGES = ("rmtsim", "numpy", "scipy", "numba", "torch", "curvlinops-for-pytorch", "scikit-rmt")
NAME = Column("", width=58)
TIME = Column("median", ">", 10)
RATIOS = tuple(Column(title, ".2f", 7) for title in ("min", "median", "max"))
GROUPS = NAME, TIME._replace(title="time"), Column(f"times the time of {BASE}", ">", 7 * 3 + 2 * 2)
"""Titles above those of the columns: the last one stands over the three ratios."""
HEADER = "\n".join([*table(GROUPS, (), indent=2), *table((NAME, TIME, *RATIOS), (), indent=2)])


@dataclass(frozen=True)
class Report:
    """Outcomes by the name of their contest, and the machine that they were measured on."""

    machine: Mapping[str, Any]
    outcomes: Mapping[str, Outcome]

    def to_mapping(self) -> dict[str, Any]:
        """Nested dictionaries for JSON: seconds of every round, ratios as [min, median, max]."""
        return {
            "machine": dict(self.machine),
            "comparisons": {name: _plain(outcome) for name, outcome in self.outcomes.items()},
        }


def run(
    builds: Mapping[str, Callable[[], Contest]],
    rounds: int = 7,
    threads: int = 1,
    progress: Callable[[Outcome], None] | None = None,
) -> Report:
    """Hold contests one after another, BLAS on `threads` threads; progress is called with each outcome."""
    outcomes = {}
    with threadpool_limits(threads, user_api="blas"):
        for name, build in builds.items():
            outcomes[name] = measure(build(), rounds)
            if progress is not None:
                progress(outcomes[name])
    return Report(describe_machine(threads), outcomes)


def format_outcome(outcome: Outcome) -> str:
    """Return the lines of one contest below `HEADER`."""
    rows = (
        (name, _duration(median(seconds)), *(("",) * 3 if name == BASE else outcome.ratios(name)))
        for name, seconds in outcome.seconds.items()
    )
    return "\n".join([outcome.work, *table((NAME, TIME, *RATIOS), rows, indent=2)[1:]])


def describe_machine(threads: int) -> dict[str, Any]:
    """Return processor, cores, BLAS, and the versions of the packages that are compared."""
    return {
        "processor": _processor(),
        "cores": default_workers(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "blas": description(),
        "threads": f"{threads} for BLAS",
        "packages": ", ".join(f"{name} {number}" for name, number in _versions(PACKAGES)),
    }


def _processor() -> str:
    """Return the model of the processor, where the system tells it."""
    information = Path("/proc/cpuinfo")
    lines = information.read_text().splitlines() if information.exists() else []
    fields = dict(line.split(":", 1) for line in reversed(lines) if ":" in line)
    named = {name.strip(): value.strip() for name, value in fields.items()}
    if "model name" not in named:
        return platform.processor() or platform.machine()
    return f"{named['model name']}, family {named.get('cpu family')}, model {named.get('model')}"


def _versions(packages: Iterable[str]) -> Iterator[tuple[str, str]]:
    for name in packages:
        try:
            yield name, version(name)
        except PackageNotFoundError:
            continue


def _duration(seconds: float) -> str:
    for unit, size in (("s ", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds / 1e-9:.3g} ns"


def _plain(outcome: Outcome) -> dict[str, Any]:
    others = [name for name in outcome.seconds if name != BASE]
    return {
        "work": outcome.work,
        "unit": outcome.unit,
        "seconds": {name: [float(f"{t:.4g}") for t in times] for name, times in outcome.seconds.items()},
        "ratios": {name: [round(ratio, 3) for ratio in outcome.ratios(name)] for name in others},
    }
