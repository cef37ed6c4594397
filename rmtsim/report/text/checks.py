"""The verdict of a check."""

from collections.abc import Iterator

from ...compare import Comparison
from ...compare.exact import FEWEST_TRIALS
from ...compare.verdict import FALSE_ALARMS
from .exponents import cell_list

NO_TEST = f"no test: expected something that is known, measured in {FEWEST_TRIALS} trials or more"


def verdict(comparison: Comparison) -> Iterator[str]:
    """Yield what a check found, nothing where none was asked for."""
    check = comparison.check
    if check is None:
        return
    count = len(check.inconsistencies)
    yield f"CHECK: {check.spectra} spectra held against themselves, {count} relations broken"
    for broken in check.inconsistencies:
        yield (
            f"  BROKEN cell {broken.cell}, {broken.block}: {broken.sentence};"
            f" trials broken: {broken.trials}, the first {broken.first}"
        )
    if check.too_large:
        yield f"Without independent trials, which would take too long: cells {cell_list(check.too_large)}"
    if not check.tests:
        yield NO_TEST[0].upper() + NO_TEST[1:]
        return
    least = min(test.p for test in check.tests)
    yield (
        f"{len(check.tests)} tests, {len(check.failed)} failed: p below {check.level:.1e}, where at most one"
        f" right file of {1 / FALSE_ALARMS:,.0f} is; least p {least:.1e}"
    )
    for test in check.failed:
        yield f"  FAILED cell {test.cell}: {test.name}, against {test.source}, p = {test.p:.1e}"
