"""Outcomes of comparisons as a table and as JSON, with the machine named."""

import platform
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import median
from typing import Any

from threadpoolctl import threadpool_info, threadpool_limits

from ..batch.executors import default_workers
from .alternation import BASE, Comparison, Outcome, measure

PACKAGES = ("rmtsim", "numpy", "scipy", "numba", "torch", "curvlinops-for-pytorch", "scikit-rmt")
HEADER = (
    f"{'':<60}{'time':>12}   {'times the time of ' + BASE:>27}\n"
    f"{'':<60}{'median':>12}   {'min':>9}{'median':>9}{'max':>9}"
)


@dataclass(frozen=True)
class Report:
    """What was measured, and where."""

    machine: Mapping[str, Any]
    outcomes: Mapping[str, Outcome]

    def format(self) -> str:
        """Tables of all comparisons."""
        parts = [*(f"{name:<12}{value}" for name, value in self.machine.items()), "", HEADER]
        return "\n".join([*parts, *(format_outcome(outcome) for outcome in self.outcomes.values())])

    def to_mapping(self) -> dict[str, Any]:
        """Nested dictionaries for JSON: seconds of every round, ratios as [min, median, max]."""
        return {
            "machine": dict(self.machine),
            "comparisons": {name: _plain(outcome) for name, outcome in self.outcomes.items()},
        }


def run(
    builds: Mapping[str, Callable[[], Comparison]],
    rounds: int = 7,
    threads: int = 1,
    progress: Callable[[Outcome], None] | None = None,
) -> Report:
    """Make comparisons one after another, with `threads` threads for BLAS; progress is told each outcome."""
    outcomes = {}
    with threadpool_limits(threads, user_api="blas"):
        for name, build in builds.items():
            outcomes[name] = measure(build(), rounds)
            if progress is not None:
                progress(outcomes[name])
    return Report(describe_machine(threads), outcomes)


def format_outcome(outcome: Outcome) -> str:
    """Lines of one comparison."""
    lines = [outcome.work]
    for name, seconds in outcome.seconds.items():
        line = f"  {name:<58}{_duration(median(seconds)):>12}"
        if name != BASE:
            line += "   " + "".join(f"{ratio:>9.2f}" for ratio in outcome.ratios(name))
        lines.append(line)
    return "\n".join(lines)


def describe_machine(threads: int) -> dict[str, Any]:
    """Processor, cores, BLAS and versions of what took part."""
    return {
        "processor": _processor(),
        "cores": default_workers(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "blas": ", ".join(sorted(set(_libraries()))),
        "threads": f"{threads} for BLAS",
        "packages": ", ".join(f"{name} {found}" for name, found in _versions(PACKAGES)),
    }


def _processor() -> str:
    """Model name, where the system tells it."""
    information = Path("/proc/cpuinfo")
    lines = information.read_text().splitlines() if information.exists() else []
    fields = dict(line.split(":", 1) for line in reversed(lines) if ":" in line)
    named = {name.strip(): value.strip() for name, value in fields.items()}
    if "model name" not in named:
        return platform.processor() or platform.machine()
    return f"{named['model name']}, family {named.get('cpu family')}, model {named.get('model')}"


def _libraries() -> Iterator[str]:
    for library in threadpool_info():
        if library["user_api"] == "blas":
            yield f"{library['internal_api']} {library['version']} ({library.get('architecture')})"


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
