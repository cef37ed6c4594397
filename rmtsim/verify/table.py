"""The table that `verify` fills: rows of errors in units of what is allowed, and the verdict."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from ..table import columns, pairs, table

COLUMNS = columns("group", "check", "precision", "error/allowed:.3g", "")


@dataclass(frozen=True)
class Check:
    """One row of the table: the largest error found, in units of what is allowed; more than 1 has failed."""

    group: str
    name: str
    precision: str
    error: float
    note: str = ""
    """What the device said where it gave up, which is an infinite error."""

    @property
    def passed(self) -> bool:
        """Whether the error is allowed; NaN is not."""
        return bool(self.error <= 1)

    @property
    def row(self) -> tuple[object, ...]:
        """Its entries in the table."""
        verdict = "" if self.passed else "FAILED"
        told = f": {self.note}" if self.note and not self.passed else ""
        return self.group, self.name, self.precision, self.error, verdict + told


def check(group: str, name: str, precision: str, error: Callable[[], float]) -> Check:
    """The row of the error that `error` returns, or of an operation that raises instead.

    CUDA, its compiler and its libraries have errors of many classes, and whichever one comes, the other rows
    are worth having.
    """
    try:
        return Check(group, name, precision, error())
    except Exception as failure:
        first_line = str(failure).strip().partition("\n")[0]
        return Check(group, name, precision, np.inf, f"{type(failure).__name__}: {first_line}")


@dataclass(frozen=True)
class Verification:
    """What `verify` found of a device."""

    device: str
    description: Mapping[str, str]
    checks: tuple[Check, ...]

    @property
    def passed(self) -> bool:
        """Whether all checks passed."""
        return all(check.passed for check in self.checks)

    def format(self) -> str:
        """A table of all checks, and the verdict."""
        lines = [*pairs(self.description.items()), "", *table(COLUMNS, (check.row for check in self.checks))]
        failed, count = sum(not check.passed for check in self.checks), len(self.checks)
        verdict = f"{failed} of {count} checks failed" if failed else f"all {count} checks passed"
        return "\n".join([*lines, "", f"device {self.device}: {verdict}"])
