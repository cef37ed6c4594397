"""Timing in alternation: what slows the machine for a while slows every contender alike."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median
from time import perf_counter
from typing import NamedTuple

BASE = "rmtsim"
"""The contender that the others are compared with."""

LEAST_SECONDS = 0.03
"""A contender is repeated until a timing takes this long, far above what the clock resolves."""


class Contender(NamedTuple):
    """One way to do the work."""

    run: Callable[[], object]
    units: int = 1
    """Units of work in one run."""


@dataclass(frozen=True)
class Comparison:
    """Contenders for the same work, one of them named `BASE`."""

    work: str
    unit: str
    contenders: Mapping[str, Contender]
    once: frozenset[str] = frozenset()
    """Contenders so slow that they run once, without warming up."""


@dataclass(frozen=True)
class Outcome:
    """Seconds per unit of each contender in each round; a contender that runs once has one of them."""

    work: str
    unit: str
    seconds: Mapping[str, tuple[float, ...]]

    def ratios(self, contender: str) -> tuple[float, float, float]:
        """Least, median and largest ratio of a contender's time to ours of the same round."""
        theirs, ours = self.seconds[contender], self.seconds[BASE]
        if len(theirs) == 1:
            ours = (median(ours),)
        found = sorted(their / our for their, our in zip(theirs, ours, strict=True))
        return found[0], median(found), found[-1]


def measure(comparison: Comparison, rounds: int = 7) -> Outcome:
    """Time the contenders one after another, `rounds` times over.

    Raises
    ------
    ValueError
        If there is no contender named `BASE`, or no round.
    """
    if BASE not in comparison.contenders:
        raise ValueError(f"contenders: expected one named {BASE!r}, got {', '.join(comparison.contenders)}")
    if rounds < 1:
        raise ValueError(f"rounds: expected at least 1, got {rounds}")
    often = {name: c for name, c in comparison.contenders.items() if name not in comparison.once}
    repeats = {name: _repeats(contender) for name, contender in often.items()}
    times: dict[str, list[float]] = {name: [] for name in comparison.contenders}
    for _ in range(rounds):
        for name, contender in often.items():
            times[name].append(_seconds(contender, repeats[name]))
    for name in comparison.once:
        times[name].append(_seconds(comparison.contenders[name], 1))
    return Outcome(comparison.work, comparison.unit, {name: tuple(found) for name, found in times.items()})


def _repeats(contender: Contender) -> int:
    """Warm up, which may compile, and find how many runs fill a timing."""
    contender.run()
    once = _seconds(contender, 1) * contender.units
    return max(1, round(LEAST_SECONDS / once))


def _seconds(contender: Contender, repeats: int) -> float:
    start = perf_counter()
    for _ in range(repeats):
        contender.run()
    return (perf_counter() - start) / (repeats * contender.units)
