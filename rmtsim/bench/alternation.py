"""Timing in alternation: what slows the machine for a while slows every contender alike."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median
from time import perf_counter
from typing import NamedTuple

BASE = "rmtsim"
"""The contender that the others are compared with."""

LEAST_SECONDS = 0.03
"""A contender is repeated in one timing for about this long, far above what the clock resolves."""


class Contender(NamedTuple):
    """One way to do the work."""

    run: Callable[[], object]
    units: int = 1
    """Units of work in one run."""


@dataclass(frozen=True)
class Contest:
    """Ways to do the same work, one of them named `BASE`, that are timed against one another.

    Attributes
    ----------
    work : str
        What is done.
    unit : str
        What a time is given for, such as "trial".
    contenders : mapping
    once : frozenset of str
        Contenders so slow that they run once, without warming up.
    """

    work: str
    unit: str
    contenders: Mapping[str, Contender]
    once: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Outcome:
    """Seconds per unit of each contender in each round; a contender that runs once has a single time."""

    work: str
    unit: str
    seconds: Mapping[str, tuple[float, ...]]

    def ratios(self, contender: str) -> tuple[float, float, float]:
        """Least, median and largest ratio of a contender's time to ours of the same round."""
        theirs, ours = self.seconds[contender], self.seconds[BASE]
        if len(theirs) == 1:
            ours = (median(ours),)
        ratios = sorted(their / our for their, our in zip(theirs, ours, strict=True))
        return ratios[0], median(ratios), ratios[-1]


def measure(contest: Contest, rounds: int = 7) -> Outcome:
    """Time the contenders one after another, `rounds` times over.

    Raises
    ------
    ValueError
        If there is no contender named `BASE`, or no round.
    """
    if BASE not in contest.contenders:
        raise ValueError(f"contenders: expected one named {BASE!r}, got {', '.join(contest.contenders)}")
    if rounds < 1:
        raise ValueError(f"rounds: expected at least 1, got {rounds}")
    often = {name: c for name, c in contest.contenders.items() if name not in contest.once}
    repeats = {name: _repeats(contender) for name, contender in often.items()}
    times: dict[str, list[float]] = {name: [] for name in contest.contenders}
    for _ in range(rounds):
        for name, contender in often.items():
            times[name].append(_seconds(contender, repeats[name]))
    for name in contest.once:
        times[name].append(_seconds(contest.contenders[name], 1))
    seconds = {name: tuple(measured) for name, measured in times.items()}
    return Outcome(contest.work, contest.unit, seconds)


def _repeats(contender: Contender) -> int:
    """Run the contender once to warm up, which may compile, and return how many runs make up a timing."""
    contender.run()
    once = _seconds(contender, 1) * contender.units
    return max(1, round(LEAST_SECONDS / once))


def _seconds(contender: Contender, repeats: int) -> float:
    start = perf_counter()
    for _ in range(repeats):
        contender.run()
    return (perf_counter() - start) / (repeats * contender.units)
